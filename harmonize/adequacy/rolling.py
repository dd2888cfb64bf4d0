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
from math import floor, isqrt

import numpy as np
from numpy.typing import NDArray

from harmonize.adequacy.tail import Floats, tail_size

_MAX_SHORT_TAIL = 16
"""Most values per window that the insertion passes keep."""

_SHARE = 3
"""Neighbouring windows of a long tail differ by one row in so many at most."""

_COPIED = 64
"""Series that are copied at a time so that the rows of each lie side by side."""

_COLUMNS = 640
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
    rows = np.asarray(losses, dtype=np.float64)
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


def rolling_both_sides(
    returns: Floats, window: int, levels: Sequence[float], step: int = 1
) -> tuple[RollingTails, RollingTails]:
    """Returns the tails of long and of short positions in the returns of each window.

    Returns are as the losses of ``rolling_tails``: a row per time, a column per series. Raises
    ValueError, as ``rolling_tails``.
    """
    series = returns.shape[-1]
    losses = np.concatenate([returns, returns], axis=-1)
    np.negative(losses[..., :series], out=losses[..., :series])
    tails = rolling_tails(losses, window, levels, step)
    long, short = (
        RollingTails(tails.levels, tails.ends, tails.var[..., side], tails.es[..., side])
        for side in (slice(series), slice(series, None))
    )
    return long, short


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


def _interpolate(
    previous: Floats, following: Floats, weight: float, spare: Floats, out: Floats
) -> None:
    """Writes the point between two values exactly as numpy's quantile calculates it."""
    np.subtract(following, previous, out=spare)
    if weight >= 0.5:  # noqa: PLR2004 - numpy works from the nearer value
        np.multiply(spare, 1 - weight, out=spare)
        np.subtract(following, spare, out=out)
    else:
        np.multiply(spare, weight, out=spare)
        np.add(previous, spare, out=out)


def _short_tails(
    rows: Floats, window: int, readings: Sequence[_Reading], result: RollingTails
) -> None:
    """Writes every window by insertion passes, a few series at a time."""
    depth = max(reading.depth for reading in readings)
    blocks, series = -(-rows.shape[0] // window), rows.shape[1]
    width = -(-series // -(-series // _COLUMNS))
    for first in range(0, series, width):
        part = slice(first, min(first + width, series))
        _write_part(_by_place(rows[:, part], window, blocks), depth, readings, result, part)


def _by_place(rows: Floats, window: int, blocks: int) -> Floats:
    """Returns a row per place in a block, with blocks and series side by side.

    Places after the last row, and missing values, are lower than any loss.
    """
    shaped = np.empty((window, blocks, rows.shape[1]))
    for block in range(blocks):
        own = rows[block * window : (block + 1) * window]
        np.add(own, 0.0, out=shaped[: own.shape[0], block])  # -0.0 would sort in any order
        shaped[own.shape[0] :, block] = -np.inf
    shaped[np.isnan(shaped)] = -np.inf
    return shaped


class _BlockEnds:
    """The largest values of the rest of each block, from every place in it on.

    They follow from the last place to the first. To stay in the processor's cache, only those of some
    places are kept, and those of the places between are calculated again when they are needed.
    """

    def __init__(self, by_place: Floats, depth: int) -> None:
        window = by_place.shape[0]
        self._by_place = by_place
        self._length = isqrt(window)
        shape = (depth + 1, *by_place.shape[1:])
        self._kept = np.empty((-(-window // self._length) + 1, *shape))
        self._near = np.empty((self._length + 1, *shape))
        self._first = window
        rest, spare = _empty_rows(depth, by_place), np.empty((depth, *by_place.shape[1:]))
        self._kept[-1] = rest
        for place in range(window - 1, -1, -1):
            _insert(rest, by_place[place], spare)
            if place % self._length == 0:
                self._kept[place // self._length] = rest

    def at(self, place: int) -> Floats:
        """Returns the largest values from a place on, in descending order."""
        if not self._first <= place < self._first + self._length:
            self._fill(place // self._length)
        return self._near[place - self._first, 1:]

    def _fill(self, part: int) -> None:
        self._first = part * self._length
        stop = min(self._first + self._length, self._by_place.shape[0])
        self._near[stop - self._first] = self._kept[part + 1]
        self._near[:, 0] = np.inf
        for place in range(stop - 1, self._first - 1, -1):
            rest, shorter = self._near[place - self._first], self._near[place + 1 - self._first]
            np.minimum(shorter[:-1], self._by_place[place], out=rest[1:])
            np.maximum(shorter[1:], rest[1:], out=rest[1:])


def _empty_rows(depth: int, by_place: Floats) -> Floats:
    """Returns descending rows without a value, below one that is infinite."""
    rows = np.full((depth + 1, *by_place.shape[1:]), -np.inf)
    rows[0] = np.inf
    return rows


def _write_part(
    by_place: Floats,
    depth: int,
    readings: Sequence[_Reading],
    result: RollingTails,
    part: slice,
) -> None:
    window, blocks, series = by_place.shape
    ends = _BlockEnds(by_place, depth)
    beginning = _empty_rows(depth, by_place)
    spare = np.empty((depth, blocks, series))
    network = _MergeNetwork(depth, (blocks - 1, series))
    for place in range(window):
        _insert(beginning, by_place[place], spare)
        if place < window - 1:
            largest = network.merge(ends.at(place + 1)[:, :-1], beginning[1:, 1:])
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
    rows = [row[:count] for row in largest]
    total, spare, added = np.zeros(rows[0].shape), np.empty(rows[0].shape), 0
    for index, reading in sorted(enumerate(readings), key=lambda pair: pair[1].whole):
        for row in rows[added : reading.whole]:
            total += row
        added = reading.whole
        previous, following = rows[reading.previous], rows[reading.next]
        _interpolate(previous, following, reading.weight, spare, result.var[index][where])
        if reading.part > 0:
            np.multiply(rows[reading.whole], reading.part, out=spare)
            spare += total
            np.divide(spare, reading.size, out=result.es[index][where])
        else:
            np.divide(total, reading.size, out=result.es[index][where])


def _long_tails(
    rows: Floats, window: int, readings: Sequence[_Reading], result: RollingTails
) -> None:
    """Writes every window from the values above a bound that neighbouring windows share."""
    depth = max(reading.depth for reading in readings)
    groups = tuple(_groups(result.ends, window))
    for first in range(0, rows.shape[1], _COPIED):
        columns = np.ascontiguousarray(rows[:, first : first + _COPIED].T) + 0.0
        columns[np.isnan(columns)] = -np.inf
        for column, values in enumerate(columns, first):
            _write_long_column(values, depth, groups, readings, result, column)


def _write_long_column(  # noqa: PLR0913, PLR0917 - a part of a result
    values: Floats,
    depth: int,
    groups: Sequence[slice],
    readings: Sequence[_Reading],
    result: RollingTails,
    column: int,
) -> None:
    window, bound = int(result.ends[0]) + 1, -np.inf
    for group in groups:
        ends = result.ends[group]
        first, last = int(ends[0]), int(ends[-1])
        bound = _kth_largest(values[last + 1 - window : first + 1], depth, bound)
        nearby = values[first + 1 - window : last + 1]
        (times,) = (nearby >= bound).nonzero()
        candidates = nearby[times]
        starts, copies = _distinct(times, ends - first, window)
        order = (-candidates).argsort()
        largest = _largest_inside(candidates[order], times[order], starts, window, depth)
        _write_column(largest, copies, readings, result, (group, column))


def _distinct(
    times: NDArray[np.int64], starts: NDArray[np.int64], window: int
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Returns the starts of windows with other candidates than the one before, and which each equals.

    In calm times many windows in succession contain the same candidates.
    """
    entered, left = times.searchsorted(starts + window), times.searchsorted(starts)
    is_new = np.ones(starts.size, dtype=bool)
    is_new[1:] = (entered[1:] != entered[:-1]) | (left[1:] != left[:-1])
    return starts[is_new], is_new.cumsum() - 1


def _kth_largest(values: Floats, depth: int, guess: float) -> float:
    """Returns the value of a rank, quickly if the guess, that of an earlier group, is near it."""
    above = values[values >= 0.9 * guess]
    if depth <= above.size < values.size // 4:
        values = above
    place = values.size - depth
    ordered = values.copy()
    ordered.partition(place)
    return float(ordered[place])


def _groups(ends: NDArray[np.int64], window: int) -> Iterator[slice]:
    """Yields runs of neighbouring windows that share most of their rows."""
    first = 0
    while first < ends.size:
        last = int(np.searchsorted(ends, ends[first] + window // _SHARE, side="right"))
        yield slice(first, last)
        first = last


def _largest_inside(
    values: Floats, times: NDArray[np.int64], starts: NDArray[np.int64], window: int, depth: int
) -> Floats:
    """Returns the largest values of each window, a column per window, from descending values.

    Every window contains at least ``depth`` of the values.
    """
    # A time before the start wraps around to a large number, so that one comparison suffices.
    whole = np.uint16 if 2 * window < np.iinfo(np.uint16).max else np.uint32
    elapsed = np.subtract(times.astype(whole), starts.astype(whole)[:, None])
    (inside,) = (elapsed < whole(window)).ravel().nonzero()
    row_starts = np.arange(starts.size) * values.size
    places = inside.take(np.arange(depth)[:, None] + inside.searchsorted(row_starts))
    places -= row_starts
    return np.asarray(values.take(places))


def _write_column(
    largest: Floats,
    copies: NDArray[np.int64],
    readings: Sequence[_Reading],
    result: RollingTails,
    where: tuple[slice, int],
) -> None:
    """Writes one series; ``copies`` are the columns of the largest values for each window."""
    var, spare = np.empty((2, largest.shape[1]))
    for index, reading in enumerate(readings):
        previous, following = largest[reading.previous], largest[reading.next]
        _interpolate(previous, following, reading.weight, spare, var)
        result.var[index][where] = var[copies]
        total = _sum_in_order(largest[: reading.whole])
        if reading.part > 0:
            total = total + reading.part * largest[reading.whole]
        result.es[index][where] = (total / reading.size)[copies]


def _sum_in_order(rows: Floats) -> Floats:
    """Returns the sum of rows, added from the first on, unlike numpy's sum of a single column."""
    if rows.shape[1] == 1:
        return np.asarray(np.cumsum(rows, axis=0)[-1])
    return np.asarray(np.add.reduce(rows, axis=0))
