"""Values at points in time: open interest and funding of one contract, as immutable arrays."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

from harmonize.core.instrument import Underlying
from harmonize.market.prices import DefectKind, Floats, SeriesDefect, Times, microseconds, utc_time


class Quantity(StrEnum):
    """What the values of a series are, each with one unit."""

    OPEN_INTEREST = "open interest"  # USD of open contracts, one side
    FUNDING = "funding"  # fraction of the position's value that longs pay at the time


@dataclass(frozen=True, slots=True)
class PointsId:
    """Identity of a series: venue, quantity, the venue's own symbol of the contract, underlying."""

    venue: str
    quantity: Quantity
    symbol: str
    underlying: Underlying

    def __str__(self) -> str:
        """Returns the identity in words: ``binance open interest BTCUSDT``."""
        return f"{self.venue} {self.quantity} {self.symbol}"


@dataclass(frozen=True, slots=True, eq=False)
class PointSeries:
    """Values in order of time, at most one per time.

    ``times`` are microseconds since 1970, UTC: when a value was observed, or a rate was paid. ``hours``
    are the hours for which each rate is paid, NaN where the source does not state them; None for open
    interest. ``notes`` state what a reader must know of the contract. ``sources`` name the files.
    """

    id: PointsId
    times: Times
    values: Floats
    hours: Floats | None = None
    notes: tuple[str, ...] = ()
    defects: tuple[SeriesDefect, ...] = ()
    sources: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        """Freezes the arrays. Raises ValueError: columns of other lengths, or times out of order."""
        columns = [self.values] if self.hours is None else [self.values, self.hours]
        if any(column.shape != self.times.shape for column in columns):
            message = f"{self.id}: expected {self.times.size} rows in every column; align them"
            raise ValueError(message)
        if np.any(np.diff(self.times) <= 0):
            message = f"{self.id}: expected rising times; sort the rows and remove duplicates"
            raise ValueError(message)
        for column in (self.times, *columns):
            column.setflags(write=False)

    def select(self, rows: NDArray[np.bool_] | slice) -> "PointSeries":
        """Returns the series with some of its values."""
        hours = None if self.hours is None else self.hours[rows]
        return replace(self, times=self.times[rows], values=self.values[rows], hours=hours)

    def known_at(self, as_of: datetime) -> "PointSeries":
        """Returns the values that had been observed at a time with a time zone."""
        limit = microseconds(as_of)
        return self.select(slice(0, int(np.searchsorted(self.times, limit, side="right"))))


def to_minute(times: Times) -> Times:
    """Returns the nearest full minutes: copies of one payment of funding differ by milliseconds."""
    return np.asarray((times + _MINUTE // 2) // _MINUTE * _MINUTE, dtype=np.int64)


_MINUTE = 60_000_000


def merge_points(parts: Iterable[PointSeries]) -> tuple[PointSeries, ...]:
    """Returns a series per identity, in the order of its first part; of equal times the first counts.

    A value that differs between parts is recorded as a defect.
    """
    by_id: dict[PointsId, list[PointSeries]] = {}
    for part in parts:
        by_id.setdefault(part.id, []).append(part)
    return tuple(_merged(same) for same in by_id.values())


def _merged(parts: Sequence[PointSeries]) -> PointSeries:
    if len(parts) == 1:
        return parts[0]
    all_times = np.concatenate([part.times for part in parts])
    all_values = np.concatenate([part.values for part in parts])
    times, first = np.unique(all_times, return_index=True)
    hours = [np.full(part.times.size, np.nan) if part.hours is None else part.hours for part in parts]  # fmt: skip
    has_hours = any(part.hours is not None for part in parts)
    defects = dict.fromkeys(defect for part in parts for defect in part.defects)
    different = np.unique(
        all_times[all_values != all_values[first][np.searchsorted(times, all_times)]]
    )
    if different.size:
        restated = SeriesDefect(DefectKind.RESTATED, different.size, utc_time(different[0]))
        defects[restated] = None
    return replace(
        parts[0],
        times=times,
        values=all_values[first],
        hours=np.concatenate(hours)[first] if has_hours else None,
        notes=tuple(dict.fromkeys(note for part in parts for note in part.notes)),
        defects=tuple(sorted(defects, key=lambda defect: defect.first)),
        sources=tuple(dict.fromkeys(source for part in parts for source in part.sources)),
    )
