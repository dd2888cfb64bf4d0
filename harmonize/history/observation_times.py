"""Times at which a venue's contracts were observed, and gaps; a partial snapshot observes only its own."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise

from harmonize.archive.catalog import observations, with_observation_times
from harmonize.document.history import GAP_DAYS, ObservationGap
from harmonize.history.table_rows import ScheduleRow
from harmonize.history.tables import EntryState
from harmonize.text.messages import iso_utc


@dataclass(frozen=True, slots=True)
class VenueTimes:
    """Readable snapshots of a venue with their observation times, in chronological order."""

    observed: tuple[tuple[datetime, EntryState], ...] = ()

    @classmethod
    def of(
        cls, states: Sequence[EntryState], venue: str, until: datetime | None = None
    ) -> "VenueTimes":
        """Returns those of a venue up to a time."""
        by_digest = {kept.entry.digest: kept for kept in states}
        entries = observations([kept.entry for kept in states], venue)
        dated = ((entry.observed_at, by_digest[entry.digest]) for entry in entries)
        return cls(
            tuple(
                (at, kept)
                for at, kept in dated
                if kept.read and not kept.fault and (until is None or at <= until)
            )
        )

    def of_contract(self, symbol: str) -> frozenset[datetime]:
        """Returns the times of the snapshots that tell whether the venue lists a contract, and how."""
        return frozenset(at for at, kept in self.observed if kept.has_contract(symbol))


def times_of(rows: Sequence[ScheduleRow], times: Iterable[VenueTimes]) -> list[datetime]:
    """Returns the times at which the contract of some rows was observed, in order.

    ``times`` are those of the contract's venue in each archive.
    """
    symbols = {row.symbol for row in rows}
    observed = (own.of_contract(symbol) for own in times for symbol in symbols)
    return sorted(set().union((row.observed_at for row in rows), *observed))


def times_by_venue(
    states: Iterable[Sequence[EntryState]], until: datetime | None = None
) -> dict[str, list[datetime]]:
    """Returns the times of all readable snapshots per venue, in order; ``states`` are per archive."""
    times: dict[str, set[datetime]] = {}
    for own in states:
        readable = (kept.entry for kept in own if kept.read and not kept.fault)
        for entry in with_observation_times(readable):
            if until is None or entry.observed_at <= until:
                times.setdefault(entry.venue, set()).add(entry.observed_at)
    return {venue: sorted(observed) for venue, observed in times.items()}


def contract_gaps(times: Iterable[datetime]) -> tuple[ObservationGap, ...]:
    """Returns the spans of more than 31 days between two consecutive observations."""
    longest = timedelta(days=GAP_DAYS)
    return tuple(
        ObservationGap(iso_utc(before), iso_utc(after))
        for before, after in pairwise(times)
        if after - before > longest
    )


def weekly_gaps(times: Iterable[datetime]) -> tuple[ObservationGap, ...]:
    """Returns the spans between two consecutive observations with a week, Monday to Sunday, without any."""
    return tuple(
        ObservationGap(iso_utc(before), iso_utc(after))
        for before, after in pairwise(times)
        if _monday(after) - _monday(before) > 7  # noqa: PLR2004 - days of a week
    )


def _monday(time: datetime) -> int:
    day = time.date()
    return day.toordinal() - day.weekday()
