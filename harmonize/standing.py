"""How margin functions stand to their references: extremes of the ratio, and where it leaves a band."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby

import numpy as np

from harmonize.cells import HORIZON, LEAST, Cells, Group, band_edges, cells, stationary_ratios
from harmonize.panel import Floats, Panel

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
    lows, highs = np.maximum(found.lower, LEAST), found.upper
    at_low, at_high = (_ratio(found, at) for at in (lows, highs))
    ends = np.searchsorted(found.owner, np.arange(len(pairs) + 1))
    return [
        _standing(found, part, outside, (lows, highs), (at_low, at_high))
        for part in (slice(ends[row], ends[row + 1]) for row in range(len(pairs)))
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


def _standing(
    found: Cells,
    part: slice,
    outside: Floats,
    notional: tuple[Floats, Floats],
    ratio: tuple[Floats, Floats],
) -> Standing:
    both = np.concatenate([ratio[0][part], ratio[1][part]])
    places = np.concatenate([notional[0][part], notional[1][part]])
    if not both.size:
        return Standing(np.nan, np.nan, np.nan, np.nan, (), ())
    least, most = int(both.argmin()), int(both.argmax())
    return Standing(
        lowest=float(both[least]),
        lowest_notional=float(places[least]),
        highest=float(both[most]),
        highest_notional=float(places[most]),
        under=_ranges(found, part, outside, -1.0),
        over=_ranges(found, part, outside, 1.0),
    )


def _ranges(found: Cells, part: slice, outside: Floats, side: float) -> tuple[Range, ...]:
    sides = outside[part].tolist()
    if side not in sides:
        return ()
    ranges = []
    rows = zip(sides, found.lower[part].tolist(), found.upper[part].tolist(), strict=True)
    for kind, run in groupby(rows, key=lambda row: row[0]):
        if kind == side:
            stretch = list(run)
            ranges.append((stretch[0][1], stretch[-1][2]))
    return tuple(ranges)
