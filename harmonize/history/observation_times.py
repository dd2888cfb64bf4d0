"""Times at which a venue's contracts were observed; a partial snapshot observes only its own."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from harmonize.archive.catalog import observations
from harmonize.history.table_rows import ScheduleRow
from harmonize.history.tables import EntryState


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
