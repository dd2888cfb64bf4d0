"""Template context of the pages of changes: finished text, with a description of every field."""

from dataclasses import dataclass
from typing import Annotated


@dataclass(frozen=True, slots=True)
class StepView:
    """Margin rates at one notional, before and after a change.

    Each rate has a flag for whether it changed, which only a rate after the change can have.
    """

    notional: Annotated[str, "the notional, for example $1m"]
    rates: Annotated[
        tuple[tuple[str, bool], ...],
        "IM before, IM after, MM before, MM after; each with whether it changed",
    ]


@dataclass(frozen=True, slots=True)
class ChangeView:
    """Change of one schedule, or an identical change of several."""

    symbols: Annotated[str, "the symbols, separated by commas"]
    count: Annotated[str, "number of schedules; empty for one"]
    kind: Annotated[str, "kind of change, for example tighter"]
    sign: Annotated[str, "up, down or both: the sign beside it"]
    facts: Annotated[tuple[str, ...], "sentences with ranges and values"]
    steps: Annotated[tuple[StepView, ...], "rates before and after, per notional"]
    span: Annotated[str, "the dates of the two observations"]


@dataclass(frozen=True, slots=True)
class VenueView:
    """Changes of one venue: margin changes first, then the others per kind."""

    venue: Annotated[str, "the venue"]
    tally: Annotated[str, "number of changes per kind"]
    changes: Annotated[tuple[ChangeView, ...], "margin changes, largest rise first"]
    others: Annotated[tuple[tuple[str, str], ...], "other changes: kind and symbols"]


@dataclass(frozen=True, slots=True)
class FindingView:
    """New or worsened finding."""

    code: Annotated[str, "code of the check"]
    level: Annotated[str, "error, warning or info"]
    state: Annotated[str, "new, worse or ended"]
    instrument: Annotated[str, "venue and symbol, or the underlying"]
    message: Annotated[str, "the finding in words"]


@dataclass(frozen=True, slots=True)
class NightView:
    """One nightly run, or a gap between runs (only `gap` is set)."""

    night: Annotated[str, "its name, for example 2026-11-20"]
    title: Annotated[str, "the date"]
    report: Annotated[str, "address of its report"]
    tally: Annotated[str, "number of changes per kind, or a note that there were none"]
    errors: Annotated[tuple[str, ...], "errors, one per line"]
    findings: Annotated[tuple[FindingView, ...], "printed new or worse findings"]
    findings_omitted: Annotated[str, "number of further findings; empty if none"]
    venues: Annotated[tuple[VenueView, ...], "changes per venue"]
    gap: Annotated[str, "note on nights without a run; all other fields are empty then"] = ""
    ended: Annotated[tuple[FindingView, ...], "signals that are no longer on"] = ()


@dataclass(frozen=True, slots=True)
class ChangesPage:
    """Page of changes."""

    stylesheet: Annotated[str, "the stylesheet, inline"]
    title: Annotated[str, "title of the site"]
    heading: Annotated[str, "subject of the page"]
    standfirst: Annotated[str, "content in one sentence"]
    up: Annotated[str, "relative path to the folder of the site"]
    nights: Annotated[tuple[NightView, ...], "nights, newest first"]
    links: Annotated[tuple[tuple[str, str], ...], "address and name of other pages"]
