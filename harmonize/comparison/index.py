"""Harmonization index: how far venues' margins are from a reference, as one number.

``H = 100 · exp(−E|ln(margin / reference)|)``, the expectation over ln N between two notionals and
over venues with equal weight. 100 is identical; 50 is on average a factor of two apart.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from harmonize.numerics.panel import Floats, Ints
from harmonize.numerics.segments import Group, Segments

LOWER = 1e4
"""Where the range of the index begins, in USD."""

UPPER = 1e7
"""Where it ends, in USD; a venue whose schedule ends earlier counts as far as it goes."""

_NODES, _WEIGHTS = np.polynomial.legendre.leggauss(10)
# A cell is cut so that neither N nor any margin grows by more than e on a part of it. The zero of a
# margin, where its logarithm has no value, then lies at least 0.58 lengths away from the part, and
# ten nodes leave an error of about 4.07 ** -20, below 1e-12.


@dataclass(frozen=True, slots=True)
class Distance:
    """E|ln(margin / reference)| of each function of a group over its part of the range.

    NaN where a function has no value in the range; ``uppers`` say how far each one goes.
    """

    each: tuple[float, ...]
    uppers: tuple[float, ...]

    @property
    def index(self) -> float:
        """The harmonization index of the group; NaN where no function has a distance."""
        known = [one for one in self.each if np.isfinite(one)]
        return float(100.0 * np.exp(-np.mean(known))) if known else float("nan")


Measure = Callable[[Floats, Ints], Floats]
"""Distances from log margins (cells × functions × nodes) and the functions in each cell's group."""


def from_reference(found: Segments, groups: Sequence[Group]) -> list[Distance]:
    """Distances of the functions of each group from its **last** one, the reference.

    ``found`` are the groups' cells, cut at crossings, so that the logarithm keeps its sign.
    """
    return _distances(found, groups, _against_last)


def from_median(found: Segments, groups: Sequence[Group]) -> list[Distance]:
    """Distances of the functions of each group from their median margin at every notional.

    Of an even count, the median is the geometric mean of the middle two. ``found`` are the
    groups' cells, cut at crossings, so that the same functions are in the middle all along.
    """
    return _distances(found, groups, _against_median)


def _against_last(logs: Floats, width: Ints) -> Floats:
    reference = np.take_along_axis(logs, width[:, None, None] - 1, axis=1)
    distance: Floats = np.abs(logs - reference)
    return distance


def _against_median(logs: Floats, width: Ints) -> Floats:
    del width
    order = np.sort(logs, axis=1)  # NaN last
    count = np.isfinite(logs).sum(axis=1, keepdims=True)
    low, high = (count - 1).clip(min=0) // 2, count // 2
    high = np.minimum(high, logs.shape[1] - 1)
    middle = 0.5 * (
        np.take_along_axis(order, low, axis=1) + np.take_along_axis(order, high, axis=1)
    )
    distance: Floats = np.abs(logs - middle)
    return distance


def _distances(found: Segments, groups: Sequence[Group], measure: Measure) -> list[Distance]:
    if not groups:
        return []
    found = _in_range(found)
    lower, upper = np.log(found.lower), np.log(found.upper)
    width = np.array([len(group.functions) for group in groups], np.intp)[found.owner]
    logs = _logs(found, lower, upper)
    distance = measure(logs, width)
    span = (upper - lower)[:, None]
    parts = 0.5 * span * np.einsum("ckn,n->ck", distance, _WEIGHTS)
    lengths = np.where(np.isfinite(parts), span, 0.0)
    shape = (len(groups), found.fixed.shape[1])
    total, length = np.zeros(shape), np.zeros(shape)
    np.add.at(total, found.owner, np.nan_to_num(parts))
    np.add.at(length, found.owner, lengths)
    with np.errstate(invalid="ignore"):
        mean = total / np.where(length > 0, length, np.nan)
    return [
        Distance(
            tuple(mean[row, : len(group.functions)].tolist()),
            tuple(min(limit, UPPER) for limit in group.limits),
        )
        for row, group in enumerate(groups)
    ]


def _in_range(found: Segments) -> Segments:
    """Clip cells to the range, then cut them so that quadrature is exact to rounding."""
    found = found.take((found.upper > LOWER) & (found.lower < UPPER))
    clipped = Segments(
        found.owner,
        np.maximum(found.lower, LOWER),
        np.minimum(found.upper, UPPER),
        found.fixed,
        found.rate,
        found.coefficient,
        found.power,
    )
    zero = _nearest_zero(clipped)
    span = (clipped.upper - zero) / (clipped.lower - zero)
    counts = np.ceil(np.log(span)).astype(int)
    index = np.repeat(np.arange(counts.size), counts - 1)
    first = np.cumsum(counts - 1) - (counts - 1)
    steps = (np.arange(index.size) - first[index] + 1) / counts[index]
    points = zero[index] + (clipped.lower - zero)[index] * span[index] ** steps
    return clipped.split(index, points)


def _nearest_zero(found: Segments) -> Floats:
    """The largest notional below each cell at which a margin's line would be zero, at least 0."""
    with np.errstate(divide="ignore", invalid="ignore"):
        zeros = -found.fixed / found.rate
    zeros = np.where(np.isfinite(zeros) & (zeros < found.lower[:, None]), zeros, 0.0)
    nearest: Floats = np.maximum(zeros.max(axis=1), 0.0)
    return nearest


def _logs(found: Segments, lower: Floats, upper: Floats) -> Floats:
    """Log margins at the quadrature nodes: cells × functions × nodes."""
    nodes = 0.5 * (upper + lower)[:, None] + 0.5 * (upper - lower)[:, None] * _NODES
    notional = np.exp(nodes)[:, None, :]
    margins = found.fixed[:, :, None] + found.rate[:, :, None] * notional
    cell, slot = np.nonzero(np.nan_to_num(found.coefficient))
    power = found.power[cell, slot][:, None]
    margins[cell, slot] += found.coefficient[cell, slot][:, None] * notional[cell, 0] ** power
    logs: Floats = np.log(margins)
    return logs


DRAWS = 1000


SEED = 20250901


CONFIDENCE = 0.95


LEAST = 3
"""Fewer distances than this have no interval: two venues tell nothing of a third."""


@dataclass(frozen=True, slots=True)
class Without:
    """The index without one of its parts, the one whose absence changes it most."""

    place: int
    value: float


def index_of(distances: Sequence[float], weights: Sequence[float] | None = None) -> float:
    """``100·exp(−mean distance)``, the mean weighted where weights are given."""
    return float(100.0 * np.exp(-np.average(distances, weights=weights)))


def interval(
    distances: Sequence[float], weights: Sequence[float] | None = None
) -> tuple[float, float] | None:
    """The 95 % bootstrap interval of an index; None of fewer than three distances."""
    if len(distances) < LEAST:
        return None
    drawn = _drawn(len(distances))
    known = np.array(distances)
    if weights is None:
        means = known[drawn].mean(axis=1)
    else:
        weighed = np.array(weights)
        means = (known * weighed)[drawn].sum(axis=1) / weighed[drawn].sum(axis=1)
    near, far = _percentiles(means)
    return float(100.0 * np.exp(-far)), float(100.0 * np.exp(-near))


@lru_cache(maxsize=1024)
def _drawn(count: int) -> Ints:
    """The same draws for the same number of distances.

    Sums over draws and no product of matrices: that would round by the machine it runs on.
    """
    return np.random.default_rng(SEED).integers(0, count, (DRAWS, count))


def _percentiles(values: Floats) -> tuple[float, float]:
    """The 2.5th and the 97.5th percentile, linear between neighbours, as numpy defines them."""
    tail = 0.5 * (1.0 - CONFIDENCE)
    places = [share * (values.size - 1) for share in (tail, 1.0 - tail)]
    whole = [int(place) for place in places]
    sorted_ = np.partition(values, [*whole, *(one + 1 for one in whole)])
    low, high = (
        float(sorted_[one] + (place - one) * (sorted_[one + 1] - sorted_[one]))
        for one, place in zip(whole, places, strict=True)
    )
    return low, high


def without_one(
    distances: Sequence[float], weights: Sequence[float] | None = None
) -> Without | None:
    """Leave out each distance in turn; None of fewer than two."""
    if len(distances) < 2:  # noqa: PLR2004 - one left out leaves none
        return None
    known = np.array(distances)
    weighed = np.ones(known.size) if weights is None else np.array(weights)
    rest = (float((known * weighed).sum()) - known * weighed) / (weighed.sum() - weighed)
    values = 100.0 * np.exp(-rest)
    place = int(np.argmax(np.abs(values - index_of(distances, weights))))
    return Without(place, float(values[place]))
