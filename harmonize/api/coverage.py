"""The venues as a table: how each is asked, what of it was read, and how far that is known."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from harmonize.audit.assemble import Reading
from harmonize.core.payload import Origin, Snapshot
from harmonize.core.schedule import MarginFunction, MarginSchedule, Observed, TierRule, value_of
from harmonize.document.rows import status
from venues.adapter import Access, Purpose, VenueAdapter
from venues.registry import VENUES

HEADINGS = (
    "venue",
    "name",
    "access",
    "calls",
    "markets",
    "profiles",
    "MM rule",
    "IM is",
    "MM is",
    "schedules",
    "observed",
    "from",
)


@dataclass(frozen=True, slots=True)
class Covered:
    """One venue: its adapter, and the snapshots and schedules that were read of it."""

    adapter: VenueAdapter
    snapshots: tuple[Snapshot, ...]
    schedules: tuple[MarginSchedule, ...]


def covered(reading: Reading) -> list[Covered]:
    """Put together what was read, by venue, for every venue the tool knows."""
    return [
        Covered(
            adapter,
            tuple(one for _, one in reading.snapshots if one.venue == adapter.venue),
            tuple(one for one in reading.schedules if one.instrument.venue == adapter.venue),
        )
        for adapter in VENUES
    ]


def row(one: Covered) -> tuple[str, ...]:
    """Write a venue's row under ``HEADINGS``."""
    adapter, schedules = one.adapter, one.schedules
    newest = max((two.observed_at for two in one.snapshots), default=None)
    return (
        adapter.venue,
        adapter.title,
        access(adapter),
        _calls(adapter),
        _listed(schedules, lambda two: two.instrument.payoff.value),
        _listed(schedules, lambda two: str(two.profile), most=3),
        _listed(schedules, _rule),
        _known([two.initial for two in schedules]),
        _known([two.maintenance for two in schedules]),
        f"{len(schedules):,}",
        f"{newest:%Y-%m-%d}" if newest else "never",
        _origin(schedules),
    )


def access(adapter: VenueAdapter) -> str:
    """Whether a venue's margins are public, need a key, or can no longer be gathered."""
    if adapter.closure_reason:
        return "closed"
    keyed = any(one.access is Access.KEY and one.required for one in adapter.endpoints)
    return Access.KEY.value if keyed else Access.PUBLIC.value


def _calls(adapter: VenueAdapter) -> str:
    found = {one.calls.value: None for one in adapter.endpoints if one.purpose is Purpose.MARGIN}
    return ", ".join(found) or "none"


def _listed(
    schedules: Iterable[MarginSchedule], word: Callable[[MarginSchedule], str], most: int = 4
) -> str:
    words = sorted({word(one) for one in schedules})
    if len(words) > most:
        return f"{', '.join(words[: most - 1])} and {len(words) - most + 1} more"
    return ", ".join(words) or "–"


def _rule(schedule: MarginSchedule) -> str:
    if value_of(schedule.maintenance) is None:
        return "–"
    if len(schedule.tiers) == 1 and schedule.rule is not TierRule.CONTINUOUS:
        return "one tier"
    return schedule.rule.value if schedule.rule else "–"


def _known(figures: Sequence[Observed[MarginFunction]]) -> str:
    """The statuses that occur, the most frequent first."""
    counts: dict[str, int] = {}
    for figure in figures:
        word = status(figure).value.removeprefix("derived, ")
        counts[word] = counts.get(word, 0) + 1
    return ", ".join(sorted(counts, key=lambda word: (-counts[word], word))) or "–"


def _origin(schedules: Iterable[MarginSchedule]) -> str:
    origins = {one.origin for one in schedules}
    return ", ".join(one.value for one in Origin if one in origins) or "–"


def text(reading: Reading) -> str:
    """Write the table with aligned columns."""
    table = [HEADINGS, *(row(one) for one in covered(reading))]
    widths = [max(len(line[place]) for line in table) for place in range(len(HEADINGS))]
    return "".join(
        "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip()
        + "\n"
        for line in table
    )
