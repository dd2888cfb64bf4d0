"""How margin functions stand to their references: extremes of the ratio, and where it leaves a band."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from harmonize.numerics.panel import Floats, Ints, Panel
from harmonize.numerics.segments import (
    HORIZON,
    LEAST,
    Group,
    Segments,
    band_edges,
    cells,
    stationary_ratios,
)

__all__ = ["HORIZON", "Deviation", "FunctionPair", "Range", "deviations"]

_AT_ONCE = 1000  # pairs
_NOISE = 1e-12  # relative; below it two margins count as equal

Range = tuple[float, float]
"""(lower, upper] in USD; the last one of an open-ended comparison ends at the horizon."""


@dataclass(frozen=True, slots=True)
class FunctionPair:
    """A function to be judged, its reference, the largest notional of each, and the band.

    The band is the reference times ``1 − below`` to ``1 + above``, widened by ``absolute`` times
    notional. Positions up to ``floor`` USD are left out.
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
    """Extremes of ``function / reference − 1`` and where, and the ranges outside the band."""

    lowest: float
    lowest_notional: float
    highest: float
    highest_notional: float
    under: tuple[Range, ...]
    over: tuple[Range, ...]


def deviations(panel: Panel, pairs: Sequence[FunctionPair]) -> list[Deviation]:
    """Judge every pair on the pieces themselves, from 1 USD up to where the first of the two ends.

    Pairs are taken some at a time: arrays that fit the cache are worked on twice as fast.
    """
    return [
        standing
        for begin in range(0, len(pairs), _AT_ONCE)
        for standing in _standings(panel, pairs[begin : begin + _AT_ONCE])
    ]


def _standings(panel: Panel, pairs: Sequence[FunctionPair]) -> list[Deviation]:
    groups = [
        Group((pair.function, pair.reference), (pair.limit, pair.reference_limit)) for pair in pairs
    ]
    found = cells(panel, groups)
    found = found.take(np.isfinite(found.fixed).all(axis=1) & (found.upper > LEAST))
    found = _from_floor(found, np.array([pair.floor for pair in pairs]))
    band = _Band.of(pairs)
    found = _cut(found, band)
    outside = _outside(found, band)
    return [
        Deviation(*least, *most, under, over)
        for least, most, under, over in zip(
            *_extremes(found, len(pairs)),
            _ranges(found, outside < 0, len(pairs)),
            _ranges(found, outside > 0, len(pairs)),
            strict=True,
        )
    ]


@dataclass(frozen=True, slots=True)
class _Band:
    """The bands of all pairs, a row a pair."""

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


def _from_floor(found: Segments, floor: Floats) -> Segments:
    """Drop what lies at or below each pair's floor."""
    if not floor.any():
        return found
    own = floor[found.owner]
    within = np.nonzero((own > found.lower) & (own < found.upper))[0]
    found = found.split(within, own[within])
    return found.take(found.upper > floor[found.owner])


def _cut(found: Segments, band: _Band) -> Segments:
    """Cut at the edges of each pair's band and at the extremes of its ratio."""
    found = found.split(*stationary_ratios(found, 0, 1))
    for factor, sign in ((band.low, -1.0), (band.high, 1.0)):
        absolute = sign * band.absolute[found.owner]
        found = found.split(*band_edges(found, 0, 1, factor[found.owner], absolute))
    return found


def _outside(found: Segments, band: _Band) -> Floats:
    """−1 where the function lies under the band, 1 over it, 0 within; by each cell's middle."""
    middle = found.middle()
    margin, reference = found.values(middle).T
    absolute = band.absolute[found.owner] * middle
    noise = _NOISE * reference
    low = band.low[found.owner] * reference - absolute - noise
    high = band.high[found.owner] * reference + absolute + noise
    return np.where(margin < low, -1.0, np.where(margin > high, 1.0, 0.0))


def _ratio(found: Segments, notional: Floats) -> Floats:
    margin, reference = found.values(notional).T
    ratio: Floats = margin / reference - 1.0
    return ratio


_Extreme = tuple[float, float]
"""A ratio and the notional where it is reached first; NaN where the functions share none."""


def _extremes(found: Segments, count: int) -> tuple[list[_Extreme], list[_Extreme]]:
    """The least and the most ratio of each pair, over both ends of all its cells."""
    lower = np.maximum(found.lower, LEAST)
    place = np.stack([lower, found.upper], axis=1).ravel()
    ratio = np.stack([_ratio(found, lower), _ratio(found, found.upper)], axis=1).ravel()
    return _first(found.owner, ratio, place, count), [
        (0.0 - worst, at) for worst, at in _first(found.owner, -ratio, place, count)
    ]


def _first(owner: Ints, ratio: Floats, place: Floats, count: int) -> list[_Extreme]:
    """For each pair the smallest value of ``ratio``, at the smallest notional that has it.

    Cells stand by pair and rising, with two values each.
    """
    best = np.full((count, 2), np.nan)
    if owner.size:
        begins = np.flatnonzero(np.concatenate([[True], owner[1:] != owner[:-1]]))
        least = np.minimum.reduceat(ratio, 2 * begins)
        lengths = 2 * np.diff(np.concatenate([begins, [owner.size]]))
        hits = np.flatnonzero(ratio == np.repeat(least, lengths))
        first = hits[np.searchsorted(hits, 2 * begins)]
        best[owner[begins]] = np.stack([least + 0.0, place[first]], axis=1)
    return [(value, at) for value, at in best.tolist()]


def _ranges(found: Segments, wanted: NDArray[np.bool_], count: int) -> list[tuple[Range, ...]]:
    """For each pair, the wanted cells joined where one begins at the end of another."""
    chosen = found.take(wanted)
    joined = (chosen.owner[1:] == chosen.owner[:-1]) & (chosen.lower[1:] == chosen.upper[:-1])
    begins, ends = np.ones(chosen.owner.size, bool), np.ones(chosen.owner.size, bool)
    begins[1:], ends[:-1] = ~joined, ~joined
    rows = list(zip(chosen.lower[begins].tolist(), chosen.upper[ends].tolist(), strict=True))
    first = np.searchsorted(chosen.owner[begins], np.arange(count + 1)).tolist()
    return [tuple(rows[begin:end]) for begin, end in pairwise(first)]
