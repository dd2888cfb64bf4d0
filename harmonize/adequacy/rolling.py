"""Rolling VaR and ES of many series at once, from the few largest values of each window.

Only the largest values of a window decide its VaR and ES. Two methods find them without sorting:

- **Short tails.** Time is divided into blocks of one window. Every window is the end of one block
  and the beginning of the next. The k largest values of all beginnings and all ends follow from one
  pass each, in which a value is inserted into k sorted rows by ``minimum`` and ``maximum``. This is
  the method of van Herk (1992) and of Gil and Werman (1993) for one maximum, with k rows.
- **Long tails**, when windows are refreshed less often than once per row. Neighbouring windows share
  most rows. The k-th largest value of the shared rows is a bound: no smaller value matters to any of
  these windows. The values above are sorted once, and counted per window.

The results equal those of ``numpy.quantile`` and ``tail.tail_mean`` per window, bit by bit.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from math import floor

import numpy as np
from numpy.typing import NDArray

from harmonize.adequacy.tail import Floats, tail_size

_MAX_SHORT_TAIL = 16
"""Most values per window that the insertion passes keep."""

_COLUMNS = 160
"""Series per pass, so that the rows of a pass stay in the processor's cache."""


@dataclass(frozen=True, slots=True)
class RollingTails:
    """VaR and ES per level, window and series; NaN for a window with a missing value.

    ``ends`` are the last rows of the windows. The first axis of ``var`` and ``es`` follows the
    levels, the second ``ends``, the third the series.
    """

    levels: tuple[float, ...]
    ends: NDArray[np.int64]
    var: Floats
    es: Floats


@dataclass(frozen=True, slots=True)
class _Reading:
    """Where the VaR and the ES of one level stand among the descending values of a window.

    VaR lies between the values at ``next`` and ``previous``, at ``weight`` from ``previous``. ES sums
    ``whole`` values and ``part`` of the following one, and divides by ``size``.
    """

    previous: int
    next: int
    weight: float
    whole: int
    part: float
    size: float

    @property
    def depth(self) -> int:
        """Number of largest values that the level requires."""
        return max(self.previous + 1, self.whole + (self.part > 0))


def rolling_tails(
    losses: Floats, window: int, levels: Sequence[float], step: int = 1
) -> RollingTails:
    """Returns VaR and ES of the losses in every window of ``window`` rows.

    ``losses`` has a row per time and a column per series; NaN marks a missing loss. Windows end at
    every ``step``-th row, counted from the first complete one. Raises ValueError: a window that is
    longer than the series, or shorter than one expected loss beyond a level.
    """
    rows = np.ascontiguousarray(losses, dtype=np.float64) + 0.0  # -0.0 would sort in any order
    if rows.ndim != 2 or not 0 < window <= rows.shape[0]:  # noqa: PLR2004 - time and series
        message = f"losses: expected a table of at least {window} rows, found the shape {rows.shape}; shorten the window"
        raise ValueError(message)
    readings = [_reading(window, level) for level in levels]
    ends = np.arange(window - 1, rows.shape[0], step)
    shape = (len(levels), ends.size, rows.shape[1])
    result = RollingTails(tuple(levels), ends, np.empty(shape), np.empty(shape))
    depth = max(reading.depth for reading in readings)
    with np.errstate(invalid="ignore"):  # of windows with missing values, overwritten below
        if step == 1 and depth <= _MAX_SHORT_TAIL:
            _short_tails(rows, window, readings, result)
        else:
            _long_tails(rows, window, readings, result)
    is_missing = np.isnan(rows)
    if is_missing.any():
        result.var[:, _incomplete(is_missing, window, ends)] = np.nan
        result.es[:, _incomplete(is_missing, window, ends)] = np.nan
    return result


def _reading(window: int, level: float) -> _Reading:
    size = tail_size(window, level)
    if not 0 < level < 1 or size < 1:
        message = f"level {level:g}: expected a level with at least one loss beyond it in {window} rows; lengthen the window"
        raise ValueError(message)
    position = (window - 1) * level
    previous = window - 1 - floor(position)
    whole = floor(size)
    return _Reading(
        previous, max(previous - 1, 0), position - floor(position), whole, size - whole, size
    )


def _incomplete(
    is_missing: NDArray[np.bool_], window: int, ends: NDArray[np.int64]
) -> NDArray[np.bool_]:
    """Returns which windows have a missing value, per window and series."""
    counts = np.zeros((is_missing.shape[0] + 1, is_missing.shape[1]), dtype=np.int64)
    np.cumsum(is_missing, axis=0, out=counts[1:])
    return np.asarray(counts[ends + 1] > counts[ends + 1 - window])


def _interpolate(previous: Floats, following: Floats, weight: float) -> Floats:
    """Returns the point between two values exactly as numpy's quantile calculates it."""
    difference = following - previous
    if weight >= 0.5:  # noqa: PLR2004 - numpy works from the nearer value
        return following - difference * (1 - weight)
    return previous + difference * weight


def _short_tails(
    rows: Floats, window: int, readings: Sequence[_Reading], result: RollingTails
) -> None:
    """Writes every window by insertion passes, a few series at a time."""
    depth = max(reading.depth for reading in readings)
    blocks, series = -(-rows.shape[0] // window), rows.shape[1]
    width = -(-series // -(-series // _COLUMNS))
    ends = np.empty((window + 1, depth + 1, blocks, width))
    for first in range(0, series, width):
        part = slice(first, min(first + width, series))
        by_place = _by_place(rows[:, part], window, blocks)
        _fill_block_ends(ends[..., : by_place.shape[2]], by_place)
        _write_part(by_place, ends[:, 1:, :, : by_place.shape[2]], readings, result, part)


def _by_place(rows: Floats, window: int, blocks: int) -> Floats:
    """Returns a row per place in a block, with blocks and series side by side."""
    padded = np.full((blocks * window, rows.shape[1]), -np.inf)
    padded[: rows.shape[0]] = rows
    padded[np.isnan(padded)] = -np.inf
    shaped = padded.reshape(blocks, window, rows.shape[1])
    return np.ascontiguousarray(shaped.transpose(1, 0, 2))


def _fill_block_ends(ends: Floats, by_place: Floats) -> None:
    """Fills in the largest values of the rest of each block, from every place in it on.

    The first row of each is infinite, so that every other row has a row above it.
    """
    ends[-1] = -np.inf
    ends[:, 0] = np.inf
    for place in range(by_place.shape[0] - 1, -1, -1):
        rest, shorter = ends[place], ends[place + 1]
        np.minimum(shorter[:-1], by_place[place], out=rest[1:])
        np.maximum(shorter[1:], rest[1:], out=rest[1:])


def _write_part(
    by_place: Floats,
    ends: Floats,
    readings: Sequence[_Reading],
    result: RollingTails,
    part: slice,
) -> None:
    window, blocks, series = by_place.shape
    depth = ends.shape[1]
    beginning = np.full((depth + 1, blocks, series), -np.inf)
    beginning[0] = np.inf
    spare = np.empty((depth, blocks, series))
    network = _MergeNetwork(depth, (blocks - 1, series))
    for place in range(window):
        _insert(beginning, by_place[place], spare)
        if place < window - 1:
            largest = network.merge(ends[place + 1, :, :-1], beginning[1:, 1:])
            first = place + 1
        else:  # the window is a whole block
            largest, first = list(beginning[1:]), 0
        _write_windows(largest, readings, result, (slice(first, None, window), part))


def _insert(largest: Floats, values: Floats, spare: Floats) -> None:
    """Inserts a value into descending rows, of which the first is infinite and the last drops out."""
    np.minimum(largest[:-1], values, out=spare)
    np.maximum(largest[1:], spare, out=largest[1:])


class _MergeNetwork:
    """Merges two lists of descending rows into the largest of both, in rows that it reuses.

    The larger of each row and its counterpart from the far end are the largest of both lists. They
    first fall and then rise, so that comparisons over halving distances sort them (Batcher 1968).
    A list of another length than a power of two is one with infinite rows in front, which no
    comparison moves.
    """

    def __init__(self, depth: int, shape: tuple[int, int]) -> None:
        self._rows = np.empty((depth, *shape))
        self._spare = np.empty(shape)
        self._comparisons = tuple(_comparisons(depth))

    def merge(self, one: Floats, other: Floats) -> list[Floats]:
        """Returns the largest rows of both, in descending order, valid until the next call."""
        np.maximum(one, other[::-1], out=self._rows)
        rows, spare = list(self._rows), self._spare
        for upper, lower in self._comparisons:
            np.maximum(rows[upper], rows[lower], out=spare)
            np.minimum(rows[upper], rows[lower], out=rows[lower])
            rows[upper], spare = spare, rows[upper]
        return rows


def _comparisons(depth: int) -> Iterator[tuple[int, int]]:
    """Yields the pairs of rows to compare, in order, that sort ``depth`` rows."""
    width = 1 << (depth - 1).bit_length()
    missing = width - depth
    distance = width // 2
    while distance:
        for upper in range(missing, width - distance):
            if not upper & distance:
                yield upper - missing, upper - missing + distance
        distance //= 2


def _write_windows(
    largest: Sequence[Floats],
    readings: Sequence[_Reading],
    result: RollingTails,
    where: tuple[slice, slice],
) -> None:
    """Writes windows one block apart, except the last one if it is not complete."""
    count = result.var[0][where].shape[0]
    sums = [np.zeros_like(largest[0])]
    for row in largest[: max(reading.whole for reading in readings)]:
        sums.append(sums[-1] + row)
    for index, reading in enumerate(readings):
        var = _interpolate(largest[reading.previous], largest[reading.next], reading.weight)
        total = sums[reading.whole]
        if reading.part > 0:
            total = total + reading.part * largest[reading.whole]
        result.var[index][where] = var[:count]
        np.divide(total[:count], reading.size, out=result.es[index][where])


def _long_tails(
    rows: Floats, window: int, readings: Sequence[_Reading], result: RollingTails
) -> None:
    """Writes every window from the values above a bound that neighbouring windows share."""
    depth = max(reading.depth for reading in readings)
    groups = tuple(_groups(result.ends, window))
    for column in range(rows.shape[1]):
        values = np.nan_to_num(rows[:, column], nan=-np.inf)
        bound = -np.inf
        for group in groups:
            ends = result.ends[group]
            first, last = int(ends[0]), int(ends[-1])
            bound = _kth_largest(values[last + 1 - window : first + 1], depth, bound)
            nearby = values[first + 1 - window : last + 1]
            times = np.flatnonzero(nearby >= bound)
            times = times[np.argsort(-nearby[times], kind="stable")]
            largest = _largest_inside(nearby[times], times, ends - first, window, depth)
            _write_column(largest, readings, result, (group, column))


def _kth_largest(values: Floats, depth: int, guess: float) -> float:
    """Returns the value of a rank, quickly if the guess, that of an earlier group, is near it."""
    above = values[values >= 0.9 * guess]
    if depth <= above.size < values.size // 4:
        values = above
    return float(np.partition(values, values.size - depth)[values.size - depth])


def _groups(ends: NDArray[np.int64], window: int) -> Iterator[slice]:
    """Yields runs of neighbouring windows that share at least three quarters of their rows."""
    first = 0
    while first < ends.size:
        last = int(np.searchsorted(ends, ends[first] + window // 4, side="right"))
        yield slice(first, last)
        first = last


def _largest_inside(
    values: Floats, times: NDArray[np.int64], starts: NDArray[np.int64], window: int, depth: int
) -> Floats:
    """Returns the largest values of each window, a column per window, from descending values.

    Every window contains at least ``depth`` of the values.
    """
    rows, limits = times.astype(np.int32), starts.astype(np.int32)[:, None]
    inside = (rows >= limits) & (rows < limits + np.int32(window))
    first = np.zeros(starts.size, dtype=np.int64)
    np.cumsum(np.count_nonzero(inside[:-1], axis=1), out=first[1:])
    places = np.take(np.flatnonzero(inside), np.arange(depth)[:, None] + first)
    places -= np.arange(starts.size) * values.size
    return np.take(values, places)


def _write_column(
    largest: Floats,
    readings: Sequence[_Reading],
    result: RollingTails,
    where: tuple[slice, int],
) -> None:
    for index, reading in enumerate(readings):
        result.var[index][where] = _interpolate(
            largest[reading.previous], largest[reading.next], reading.weight
        )
        total = _sum_in_order(largest[: reading.whole])
        if reading.part > 0:
            total = total + reading.part * largest[reading.whole]
        result.es[index][where] = total / reading.size


def _sum_in_order(rows: Floats) -> Floats:
    """Returns the sum of rows, added from the first on, unlike numpy's sum of a single column."""
    if rows.shape[1] == 1:
        return np.asarray(np.cumsum(rows, axis=0)[-1])
    return np.asarray(np.add.reduce(rows, axis=0))
