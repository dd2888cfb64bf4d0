"""The fields that the pages of changes print: text ready to be set, nothing left to work out."""

from dataclasses import dataclass
from typing import Annotated


@dataclass(frozen=True, slots=True)
class StepView:
    """Margins at one notional as rates: IM before, IM after, MM before, MM after.

    Each stands with whether it moved, which only one after can have.
    """

    size: Annotated[str, "the notional, as $1m"]
    rates: Annotated[
        tuple[tuple[str, bool], ...],
        "IM before, IM after, MM before, MM after; each with whether it moved",
    ]


@dataclass(frozen=True, slots=True)
class ChangeView:
    """One change of one or more schedules alike.

    ``symbols`` are theirs, ``count`` says how many where there is more than one. ``mark`` is up, down or
    both; ``facts`` are sentences about it.
    """

    symbols: Annotated[str, "whose change it is, parted by commas"]
    count: Annotated[str, "how many schedules, where there is more than one"]
    kind: Annotated[str, "what became of them, as tighter"]
    mark: Annotated[str, "up, down or both, for the sign beside it"]
    facts: Annotated[tuple[str, ...], "sentences with ranges and figures"]
    steps: Annotated[tuple[StepView, ...], "margins at notionals before and after"]
    span: Annotated[str, "the dates of the two observations"]


@dataclass(frozen=True, slots=True)
class VenueView:
    """The changes of one venue, those with figures first, and the rest by kind in words."""

    venue: Annotated[str, "its id"]
    tally: Annotated[str, "how many changes of each kind"]
    changes: Annotated[tuple[ChangeView, ...], "those with figures, largest rise first"]
    rest: Annotated[tuple[tuple[str, str], ...], "the others: a kind, and the symbols"]


@dataclass(frozen=True, slots=True)
class FindingView:
    """One finding that is new or worse."""

    code: Annotated[str, "of the check"]
    level: Annotated[str, "error, warning or info"]
    state: Annotated[str, "new or worse"]
    whose: Annotated[str, "venue and symbol"]
    message: Annotated[str, "what was found"]


@dataclass(frozen=True, slots=True)
class NightView:
    """One night, or nights without one (``gap`` says so and all else is empty)."""

    night: Annotated[str, "its name, as 2026-11-20"]
    title: Annotated[str, "the day in words"]
    report: Annotated[str, "the address of its report"]
    tally: Annotated[str, "how many changes of each kind, or that there was none"]
    errors: Annotated[tuple[str, ...], "what went wrong, a line each"]
    findings: Annotated[tuple[FindingView, ...], "those new or worse that are printed"]
    findings_left: Annotated[str, "how many more there are; empty if none"]
    venues: Annotated[tuple[VenueView, ...], "the changes, venue by venue"]
    gap: Annotated[str, "that nights before this one were not run; all else is empty then"] = ""


@dataclass(frozen=True, slots=True)
class ChangesPage:
    """All that the template of a page of changes prints.

    ``up`` leads to the site's folder. ``nights`` stand newest first; ``links`` are other pages, each an
    address and its name.
    """

    stylesheet: Annotated[str, "the one stylesheet"]
    title: Annotated[str, "the site's title"]
    heading: Annotated[str, "what the page is about"]
    standfirst: Annotated[str, "what it holds, one sentence"]
    up: Annotated[str, "what leads to the folder of the site"]
    nights: Annotated[tuple[NightView, ...], "newest first"]
    links: Annotated[tuple[tuple[str, str], ...], "addresses and names of other pages"]
