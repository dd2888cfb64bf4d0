"""Spread of venue margins on one underlying, and the venues with the lowest and highest margin.

Results are exact on the pieces: between two cuts the order of the venues is constant, so the lowest
and the highest are found once per interval. Source of the measure: design of this project, "spread".
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from math import isnan
from typing import Any

import numpy as np
from numpy.typing import NDArray

from harmonize.numerics.elementary import logarithm
from harmonize.numerics.panel import Floats, Ints, Panel
from harmonize.numerics.roots import roots
from harmonize.numerics.rounding import rounded
from harmonize.numerics.segments import MIN_NOTIONAL, Group, Segments

_NOISE = 1e-9  # relative; margins closer than this are a tie
_WRITTEN = 1e-10  # relative; bounds that differ by more are written with different digits
_NOISE_RATE = 1e-12  # of notional; rounding error of a difference of margins


@dataclass(frozen=True, slots=True)
class IntervalSpread:
    """Lowest and highest functions on (lower, upper], and the spread in USD at both ends.

    ``lowest`` and ``highest`` are positions in the group. ``widest`` is the largest spread as a
    share of notional: at an end of a segment, or where the ratio is stationary inside one. Of equal
    shares, ``widest_notional`` is the smallest notional.
    """

    lower: float
    upper: float
    lowest: tuple[int, ...]
    highest: tuple[int, ...]
    spread_lower: float
    spread_upper: float
    widest: float
    widest_notional: float


@dataclass(frozen=True, slots=True)
class PointSpread:
    """Lowest and highest margin in USD at one notional; ``count`` functions reach it."""

    notional: float
    count: int
    lowest: tuple[int, ...]
    lowest_margin: float
    highest: tuple[int, ...]
    highest_margin: float


def interval_spreads(segments: Segments, count: int) -> list[tuple[IntervalSpread, ...]]:
    """Returns the intervals of each of ``count`` groups where two functions or more have a value.

    ``segments`` are those of the groups, cut at crossings.
    """
    segments = segments.take(
        (np.isfinite(segments.fixed).sum(axis=1) > 1) & (segments.upper > MIN_NOTIONAL)
    )
    is_lowest, is_highest = _extremes(segments.values(segments.middle()))
    at_lower, at_upper = (_spread(segments, end) for end in (segments.lower, segments.upper))
    widest, notional = _widest(segments, (at_lower, at_upper), (is_lowest, is_highest))
    kept = np.flatnonzero(_differ(segments.lower, segments.upper))
    if not kept.size:
        return [()] * count
    starts = _run_starts(kept, segments.owner, is_lowest, is_highest)
    begins, ends = kept[starts], kept[np.append(starts[1:], kept.size) - 1]
    largest = kept[_first_largest(widest[kept], starts)]
    rows = [
        IntervalSpread(*row)
        for row in zip(
            segments.lower[begins].tolist(),
            segments.upper[ends].tolist(),
            _positions(is_lowest[begins]),
            _positions(is_highest[begins]),
            at_lower[begins].tolist(),
            at_upper[ends].tolist(),
            widest[largest].tolist(),
            notional[largest].tolist(),
            strict=True,
        )
    ]
    bounds = np.searchsorted(segments.owner[begins], np.arange(count + 1)).tolist()
    return [tuple(rows[first:last]) for first, last in pairwise(bounds)]


_Positions = list[tuple[int, ...]]
_Flags = NDArray[np.bool_]


def _differ(lower: Floats, upper: Floats) -> _Flags:
    """Returns whether bounds differ as they are written: two roots that differ by noise are one."""
    differ: _Flags = upper > lower * (1 + _WRITTEN)
    for row in np.flatnonzero(~differ).tolist():
        differ[row] = rounded(float(lower[row])) < rounded(float(upper[row]))
    return differ


def _run_starts(kept: Ints, owner: Ints, *flags: _Flags) -> Ints:
    """Returns where neighbours begin that have the same lowest and highest functions."""
    begins = np.ones(kept.size, np.bool_)
    begins[1:] = owner[kept[1:]] != owner[kept[:-1]]
    for columns in flags:
        begins[1:] |= (columns[kept[1:]] != columns[kept[:-1]]).any(axis=1)
    return np.flatnonzero(begins)


def _first_largest(widest: Floats, starts: Ints) -> Ints:
    """Returns the first segment of each run that no other exceeds by more than noise."""
    lengths = np.diff(np.append(starts, widest.size))
    largest = np.repeat(np.maximum.reduceat(widest, starts), lengths)
    candidates = np.flatnonzero(~_exceeds(largest, widest))
    first: Ints = candidates[np.searchsorted(candidates, starts)]
    return first


def _widest(
    segments: Segments, spreads: tuple[Floats, Floats], extremes: tuple[_Flags, _Flags]
) -> tuple[Floats, Floats]:
    """Returns the largest spread over notional on each segment, and its notional.

    The spread is one sum ``d + r·N + Σ c·N^p`` on a segment. Divided by N, its slope is zero where
    ``−d/N² + Σ c·(p − 1)·N^(p − 2)`` is zero. Otherwise the largest ratio is at an end.
    """
    lower = np.maximum(segments.lower, MIN_NOTIONAL)
    notionals = np.stack([lower, segments.upper])
    ratios = np.stack(spreads) / notionals
    small = np.flatnonzero(segments.lower < MIN_NOTIONAL)
    ratios[0, small] = _spread(segments.take(small), lower[small]) / MIN_NOTIONAL
    is_lowest, is_highest = extremes
    wider_end = _exceeds(ratios[1], ratios[0]).astype(np.intp)
    rows = np.arange(lower.size)
    widest, widest_notional = ratios[wider_end, rows], notionals[wider_end, rows]
    for row in np.flatnonzero(np.nan_to_num(segments.coefficient).any(axis=1)).tolist():
        high, low = int(is_highest[row].argmax()), int(is_lowest[row].argmax())
        terms = [(-float(segments.fixed[row, high] - segments.fixed[row, low]), -2.0)]
        for position, sign in ((high, 1.0), (low, -1.0)):
            power = float(segments.power[row, position])
            slope = sign * float(segments.coefficient[row, position]) * (power - 1.0)
            terms.append((slope, power - 2.0))
        segment = segments.take(np.array([row]))
        for notional in roots(terms, float(lower[row]), float(segments.upper[row])):
            ratio = float(_spread(segment, np.array([notional]))[0]) / notional
            if _exceeds(ratio, widest[row]):
                widest[row], widest_notional[row] = ratio, notional
    return widest, widest_notional


def _exceeds(left: Any, right: Any) -> Any:  # noqa: ANN401 - numbers, or arrays of them
    """Returns whether one share of notional is larger than another by more than noise."""
    return left > right * (1 + _NOISE) + _NOISE_RATE


def _spread(segments: Segments, notionals: Floats) -> Floats:
    """Returns highest less lowest margin, in USD, at one notional per segment."""
    margins = segments.values(notionals)
    spread: Floats = np.nanmax(margins, axis=1) - np.nanmin(margins, axis=1)
    return spread


def _extremes(margins: Floats) -> tuple[_Flags, _Flags]:
    """Returns which margins of each row are the lowest and the highest; a tie includes all."""
    lowest = np.nanmin(margins, axis=1)[:, None]
    highest = np.nanmax(margins, axis=1)[:, None]
    with np.errstate(invalid="ignore"):
        return margins <= lowest * (1 + _NOISE), margins >= highest * (1 - _NOISE)


def _positions(flags: _Flags) -> _Positions:
    """Returns the positions of the flags in each row; every row has at least one."""
    row, position = np.nonzero(flags)
    ends = np.searchsorted(row, np.arange(len(flags) + 1)).tolist()
    positions = position.tolist()
    return [tuple(positions[begin:end]) for begin, end in pairwise(ends)]


def sole_lowest_shares(
    intervals: Sequence[IntervalSpread], lower: float, upper: float
) -> dict[int, float]:
    """Returns, by position, the share of ln N on which one function alone is the lowest.

    The range of N is from ``lower`` to ``upper``.
    """
    shares: dict[int, float] = {}
    span = logarithm(upper / lower)
    for interval in intervals:
        low, high = max(interval.lower, lower), min(interval.upper, upper)
        if len(interval.lowest) == 1 and high > low:
            position = interval.lowest[0]
            shares[position] = shares.get(position, 0.0) + logarithm(high / low) / span
    return shares


def point_spreads(
    panel: Panel, groups: Sequence[Group], notional_grid: Sequence[float]
) -> list[tuple[PointSpread, ...]]:
    """Returns the spread of every group at every notional that two of its functions reach."""
    functions = np.array([function for group in groups for function in group.functions], np.intp)
    limits = np.array([limit for group in groups for limit in group.limits])
    at = np.array(notional_grid, dtype=float)
    margins = panel.evaluate(np.repeat(functions, at.size), np.tile(at, functions.size))
    margins = margins.reshape(functions.size, at.size)
    margins[limits[:, None] < at] = np.nan
    spreads, end = [], 0
    for group in groups:
        begin, end = end, end + len(group.functions)
        spreads.append(tuple(_point_spreads(margins[begin:end].T, notional_grid)))
    return spreads


def _point_spreads(margins: Floats, notional_grid: Sequence[float]) -> list[PointSpread]:
    """Returns one spread per row of margins; rows are too short for arrays to be faster."""
    spreads = []
    for notional, row in zip(notional_grid, margins.tolist(), strict=True):
        finite = [(margin, position) for position, margin in enumerate(row) if not isnan(margin)]
        if len(finite) > 1:
            least, most = min(finite)[0], max(finite)[0]
            lowest = tuple(
                position for margin, position in finite if margin <= least * (1 + _NOISE)
            )
            highest = tuple(
                position for margin, position in finite if margin >= most * (1 - _NOISE)
            )
            spreads.append(PointSpread(notional, len(finite), lowest, least, highest, most))
    return spreads
