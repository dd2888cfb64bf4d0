"""Deviation of margin functions from references: extremes of the ratio, and ranges outside a band."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from harmonize.numerics.panel import Floats, Ints, Panel
from harmonize.numerics.segments import (
    HORIZON,
    MIN_NOTIONAL,
    Group,
    Segments,
    band_edges,
    cells,
    stationary_ratios,
)

__all__ = ["HORIZON", "Deviation", "FunctionPair", "Range", "deviations"]

_BATCH_SIZE = 1000  # pairs
_NOISE = 1e-12  # relative difference below which two margins count as equal

Range = tuple[float, float]
"""(lower, upper] in USD; the last range of an open-ended comparison ends at the horizon."""


@dataclass(frozen=True, slots=True)
class FunctionPair:
    """Function to compare, its reference, the largest notional of each, and the band.

    The band is the reference times ``1 − below`` to ``1 + above``, widened by ``absolute`` times
    notional. Positions up to ``floor`` USD are excluded.
    """

    function: int
    reference: int
    limit: float
    reference_limit: float
    below: float
    above: float
    absolute: float
    floor: float = 0.0


@dataclass(frozen=True, slots=True)
class Deviation:
    """Extremes of ``function / reference − 1``, their notionals, and the ranges outside the band."""

    lowest: float
    lowest_notional: float
    highest: float
    highest_notional: float
    under: tuple[Range, ...]
    over: tuple[Range, ...]


def deviations(panel: Panel, pairs: Sequence[FunctionPair]) -> list[Deviation]:
    """Compares each pair exactly on its pieces, from 1 USD to the end of the shorter function.

    Equal pairs are compared once. Pairs are processed in batches: arrays that fit the cache are
    twice as fast.
    """
    distinct = list(dict.fromkeys(pairs))
    by_pair: dict[FunctionPair, Deviation] = {}
    for begin in range(0, len(distinct), _BATCH_SIZE):
        batch = distinct[begin : begin + _BATCH_SIZE]
        by_pair.update(zip(batch, _batch_deviations(panel, batch), strict=True))
    return [by_pair[pair] for pair in pairs]


def _batch_deviations(panel: Panel, pairs: Sequence[FunctionPair]) -> list[Deviation]:
    groups = [
        Group((pair.function, pair.reference), (pair.limit, pair.reference_limit)) for pair in pairs
    ]
    segments = cells(panel, groups)
    segments = segments.take(
        np.isfinite(segments.fixed).all(axis=1) & (segments.upper > MIN_NOTIONAL)
    )
    segments = _above_floor(segments, np.array([pair.floor for pair in pairs]))
    band = _Band.of(pairs)
    segments = _cut(segments, band)
    outside = _outside(segments, band)
    return [
        Deviation(*lowest, *highest, under, over)
        for lowest, highest, under, over in zip(
            *_extremes(segments, len(pairs)),
            _ranges(segments, outside < 0, len(pairs)),
            _ranges(segments, outside > 0, len(pairs)),
            strict=True,
        )
    ]


@dataclass(frozen=True, slots=True)
class _Band:
    """Bands of all pairs, one entry per pair."""

    low: Floats
    high: Floats
    absolute: Floats

    @classmethod
    def of(cls, pairs: Sequence[FunctionPair]) -> "_Band":
        return cls(
            np.array([1.0 - pair.below for pair in pairs]),
            np.array([1.0 + pair.above for pair in pairs]),
            np.array([pair.absolute for pair in pairs]),
        )


def _above_floor(segments: Segments, floor: Floats) -> Segments:
    """Excludes notionals up to each pair's floor."""
    if not floor.any():
        return segments
    own_floor = floor[segments.owner]
    within = np.nonzero((own_floor > segments.lower) & (own_floor < segments.upper))[0]
    segments = segments.split(within, own_floor[within])
    return segments.take(segments.upper > floor[segments.owner])


def _cut(segments: Segments, band: _Band) -> Segments:
    """Cuts at the edges of each pair's band and at the extremes of its ratio."""
    segments = segments.split(*stationary_ratios(segments, 0, 1))
    for factor, sign in ((band.low, -1.0), (band.high, 1.0)):
        absolute = sign * band.absolute[segments.owner]
        segments = segments.split(*band_edges(segments, 0, 1, factor[segments.owner], absolute))
    return segments


def _outside(segments: Segments, band: _Band) -> Floats:
    """Returns −1 for cells under the band, 1 over it and 0 within it, by each cell's middle."""
    middle = segments.middle()
    margin, reference = segments.values(middle).T
    absolute = band.absolute[segments.owner] * middle
    noise = _NOISE * reference
    low = band.low[segments.owner] * reference - absolute - noise
    high = band.high[segments.owner] * reference + absolute + noise
    return np.where(margin < low, -1.0, np.where(margin > high, 1.0, 0.0))


def _ratio(segments: Segments, notional: Floats) -> Floats:
    margin, reference = segments.values(notional).T
    ratio: Floats = margin / reference - 1.0
    return ratio


_Extreme = tuple[float, float]
"""Ratio, and the first notional that reaches it; NaN if the functions share no notional."""


def _extremes(segments: Segments, count: int) -> tuple[list[_Extreme], list[_Extreme]]:
    """Returns the lowest and highest ratio of each pair, over both ends of all its cells."""
    lower = np.maximum(segments.lower, MIN_NOTIONAL)
    notional = np.stack([lower, segments.upper], axis=1).ravel()
    ratio = np.stack([_ratio(segments, lower), _ratio(segments, segments.upper)], axis=1).ravel()
    lowest = _first_minimum(segments.owner, ratio, notional, count)
    negated = _first_minimum(segments.owner, -ratio, notional, count)
    return lowest, [(0.0 - minimum, at) for minimum, at in negated]


def _first_minimum(owner: Ints, ratio: Floats, notional: Floats, count: int) -> list[_Extreme]:
    """Returns the smallest ``ratio`` of each pair, at the smallest notional that reaches it.

    Ratios that differ by noise are equal. Cells are sorted by pair and notional, with two values each.
    """
    best = np.full((count, 2), np.nan)
    if owner.size:
        begins = np.flatnonzero(np.concatenate([[True], owner[1:] != owner[:-1]]))
        least = np.minimum.reduceat(ratio, 2 * begins)
        lengths = 2 * np.diff(np.concatenate([begins, [owner.size]]))
        slack = least + _NOISE * (1.0 + np.abs(least))
        hits = np.flatnonzero(ratio <= np.repeat(slack, lengths))
        first = hits[np.searchsorted(hits, 2 * begins)]
        least = np.where(np.abs(least) <= _NOISE, 0.0, least)
        best[owner[begins]] = np.stack([least, notional[first]], axis=1)
    return [(value, at) for value, at in best.tolist()]


def _ranges(segments: Segments, selected: NDArray[np.bool_], count: int) -> list[tuple[Range, ...]]:
    """Returns the selected cells of each pair, with adjacent cells joined."""
    chosen = segments.take(selected)
    adjacent = (chosen.owner[1:] == chosen.owner[:-1]) & (chosen.lower[1:] == chosen.upper[:-1])
    begins, ends = np.ones(chosen.owner.size, bool), np.ones(chosen.owner.size, bool)
    begins[1:], ends[:-1] = ~adjacent, ~adjacent
    ranges = list(zip(chosen.lower[begins].tolist(), chosen.upper[ends].tolist(), strict=True))
    first = np.searchsorted(chosen.owner[begins], np.arange(count + 1)).tolist()
    return [tuple(ranges[begin:end]) for begin, end in pairwise(first)]
