"""How margin functions stand to their references: extremes of the ratio, and where it leaves a band."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from harmonize.cells import HORIZON, LEAST, Cells, Group, band_edges, cells, stationary_ratios
from harmonize.panel import Floats, Ints, Panel

__all__ = ["HORIZON", "Pair", "Range", "Standing", "standings"]

_NOISE = 1e-12  # relative; below it two margins count as equal

Range = tuple[float, float]
"""(lower, upper] in USD; the last one of an open-ended comparison ends at the horizon."""


@dataclass(frozen=True, slots=True)
class Pair:
    """A function to be judged, its reference, the largest notional of each, and the band.

    The band is the reference times ``1 ± relative``, widened by ``absolute`` times notional.
    """

    function: int
    reference: int
    limit: float
    reference_limit: float
    relative: float
    absolute: float


@dataclass(frozen=True, slots=True)
class Standing:
    """Extremes of ``function / reference − 1`` and where, and the ranges outside the band."""

    lowest: float
    lowest_notional: float
    highest: float
    highest_notional: float
    under: tuple[Range, ...]
    over: tuple[Range, ...]


def standings(panel: Panel, pairs: Sequence[Pair]) -> list[Standing]:
    """Judge every pair on the pieces themselves, from 1 USD up to where the first of the two ends."""
    if not pairs:
        return []
    groups = [
        Group((pair.function, pair.reference), (pair.limit, pair.reference_limit)) for pair in pairs
    ]
    found = cells(panel, groups)
    found = found.take(np.isfinite(found.fixed).all(axis=1) & (found.upper > LEAST))
    found = _cut(found, pairs)
    outside = _outside(found, pairs)
    return [
        Standing(*least, *most, under, over)
        for least, most, under, over in zip(
            *_extremes(found, len(pairs)),
            _ranges(found, outside < 0, len(pairs)),
            _ranges(found, outside > 0, len(pairs)),
            strict=True,
        )
    ]


def _cut(found: Cells, pairs: Sequence[Pair]) -> Cells:
    """Cut at the edges of each pair's band and at the extremes of its ratio."""
    found = found.split(*stationary_ratios(found, 0, 1))
    bands = sorted({(pair.relative, pair.absolute) for pair in pairs})
    which = np.array([bands.index((pair.relative, pair.absolute)) for pair in pairs])
    for number, (relative, absolute) in enumerate(bands):
        for sign in (-1.0, 1.0):
            edges, points = band_edges(found, 0, 1, 1.0 + sign * relative, sign * absolute)
            own = which[found.owner[edges]] == number
            found = found.split(edges[own], points[own])
    return found


def _outside(found: Cells, pairs: Sequence[Pair]) -> Floats:
    """−1 where the function lies under the band, 1 over it, 0 within; by each cell's middle."""
    middle = found.middle()
    margin, reference = found.values(middle).T
    relative = np.array([pair.relative for pair in pairs])[found.owner]
    absolute = np.array([pair.absolute for pair in pairs])[found.owner]
    noise = _NOISE * reference
    low = (1.0 - relative) * reference - absolute * middle - noise
    high = (1.0 + relative) * reference + absolute * middle + noise
    return np.where(margin < low, -1.0, np.where(margin > high, 1.0, 0.0))


def _ratio(found: Cells, notional: Floats) -> Floats:
    margin, reference = found.values(notional).T
    ratio: Floats = margin / reference - 1.0
    return ratio


_Extreme = tuple[float, float]
"""A ratio and the notional where it is reached first; NaN where the functions share none."""


def _extremes(found: Cells, count: int) -> tuple[list[_Extreme], list[_Extreme]]:
    """The least and the most ratio of each pair, over both ends of all its cells."""
    lower = np.maximum(found.lower, LEAST)
    owner = np.concatenate([found.owner, found.owner])
    place = np.concatenate([lower, found.upper])
    ratio = np.concatenate([_ratio(found, lower), _ratio(found, found.upper)])
    return (
        _first(owner, ratio, place, count, 1.0),
        _first(owner, -ratio, place, count, -1.0),
    )


def _first(owner: Ints, ratio: Floats, place: Floats, count: int, sign: float) -> list[_Extreme]:
    """For each pair the smallest value of ``ratio``, at the smallest notional that has it."""
    order = np.lexsort((place, ratio, owner))
    first = np.searchsorted(owner[order], np.arange(count + 1))
    some = first[1:] > first[:-1]
    best = np.full((count, 2), np.nan)
    best[some] = np.stack([sign * ratio + 0.0, place], axis=1)[order[first[:-1][some]]]
    return [(found, at) for found, at in best.tolist()]


def _ranges(found: Cells, wanted: NDArray[np.bool_], count: int) -> list[tuple[Range, ...]]:
    """For each pair, the wanted cells joined where one begins at the end of another."""
    chosen = found.take(wanted)
    joined = (chosen.owner[1:] == chosen.owner[:-1]) & (chosen.lower[1:] == chosen.upper[:-1])
    begins, ends = np.ones(chosen.owner.size, bool), np.ones(chosen.owner.size, bool)
    begins[1:], ends[:-1] = ~joined, ~joined
    rows = list(zip(chosen.lower[begins].tolist(), chosen.upper[ends].tolist(), strict=True))
    first = np.searchsorted(chosen.owner[begins], np.arange(count + 1)).tolist()
    return [tuple(rows[begin:end]) for begin, end in pairwise(first)]
