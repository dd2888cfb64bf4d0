"""The table of venues: access, calls, markets, and how far their margins are known."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from harmonize.audit.assemble import Reading
from harmonize.core.payload import Origin, Snapshot
from harmonize.core.schedule import MarginSchedule, TierRule, value_of
from harmonize.document import Status
from harmonize.document.rows import margin_status
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
    "IM status",
    "MM status",
    "schedules",
    "observed",
    "origin",
)


@dataclass(frozen=True, slots=True)
class VenueCoverage:
    """One venue: its adapter, and the snapshots and schedules that were read."""

    adapter: VenueAdapter
    snapshots: tuple[Snapshot, ...]
    schedules: tuple[MarginSchedule, ...]


def coverage_by_venue(reading: Reading) -> list[VenueCoverage]:
    """Groups a reading by venue, for every venue that the tool knows."""
    return [
        VenueCoverage(
            adapter,
            tuple(snap for _, snap in reading.snapshots if snap.venue == adapter.venue),
            tuple(s for s in reading.schedules if s.instrument.venue == adapter.venue),
        )
        for adapter in VENUES
    ]


def table_row(coverage: VenueCoverage) -> tuple[str, ...]:
    """Returns a venue's cells under ``HEADINGS``."""
    adapter, schedules = coverage.adapter, coverage.schedules
    newest = max(coverage.snapshots, key=lambda snapshot: snapshot.observed_at, default=None)
    return (
        adapter.venue,
        adapter.title,
        access(adapter),
        _calls(adapter),
        _words(schedules, lambda schedule: schedule.instrument.payoff.value),
        _words(schedules, lambda schedule: str(schedule.profile), most=3),
        _words(schedules, _rule),
        _statuses([margin_status(schedule, schedule.initial) for schedule in schedules]),
        _statuses([margin_status(schedule, schedule.maintenance) for schedule in schedules]),
        f"{len(schedules):,}",
        newest.precision.day_text(newest.observed_at) if newest else "never",
        _origins(schedules),
    )


def access(adapter: VenueAdapter) -> str:
    """Whether a venue's margins are public, need a key, or can no longer be gathered."""
    if adapter.closure_reason:
        return "closed"
    needs_key = any(e.access is Access.KEY and e.required for e in adapter.endpoints)
    return Access.KEY.value if needs_key else Access.PUBLIC.value


def _calls(adapter: VenueAdapter) -> str:
    endpoints = [e for e in adapter.endpoints if e.purpose is Purpose.MARGIN]
    return ", ".join(dict.fromkeys(e.calls.value for e in endpoints)) or "none"


def _words(
    schedules: Iterable[MarginSchedule], word: Callable[[MarginSchedule], str], most: int = 4
) -> str:
    """The distinct words for schedules, at most ``most`` including a count of the others."""
    words = sorted({word(schedule) for schedule in schedules})
    if len(words) > most:
        return f"{', '.join(words[: most - 1])} and {len(words) - most + 1} more"
    return ", ".join(words) or "–"


def _rule(schedule: MarginSchedule) -> str:
    if value_of(schedule.maintenance) is None:
        return "–"
    if len(schedule.tiers) == 1 and schedule.rule is not TierRule.CONTINUOUS:
        return "one tier"
    return schedule.rule.value if schedule.rule else "–"


def _statuses(statuses: Sequence[Status]) -> str:
    """The statuses of margins, the most frequent first."""
    counts: dict[str, int] = {}
    for status in statuses:
        word = status.value.removeprefix("derived, ")
        counts[word] = counts.get(word, 0) + 1
    return ", ".join(sorted(counts, key=lambda word: (-counts[word], word))) or "–"


def _origins(schedules: Iterable[MarginSchedule]) -> str:
    origins = {schedule.origin for schedule in schedules}
    return ", ".join(origin.value for origin in Origin if origin in origins) or "–"


def coverage_text(reading: Reading) -> str:
    """Returns the table as text with aligned columns."""
    table = [HEADINGS, *(table_row(coverage) for coverage in coverage_by_venue(reading))]
    widths = [max(len(line[column]) for line in table) for column in range(len(HEADINGS))]
    return "".join(
        "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip()
        + "\n"
        for line in table
    )
