"""Harmonization index: the distance of venue margins from a reference, as one number.

``H = 100 · exp(−E|ln(margin / reference)|)``. The expectation is over ln N between two notionals,
and over venues with equal weight. 100 means identical margins; 50 means a factor of two on average.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from harmonize.numerics.elementary import exponential, exponentials, logarithms, powers
from harmonize.numerics.panel import Floats, Ints
from harmonize.numerics.segments import Group, Segments

LOWER = 1e4
"""Lower end of the index range, in USD."""

UPPER = 1e7
"""Upper end of the range, in USD; a venue whose schedule ends earlier counts up to that end."""

_HALF_NODES = (
    0.14887433898163122,
    0.4333953941292472,
    0.6794095682990244,
    0.8650633666889845,
    0.9739065285171717,
)
_HALF_WEIGHTS = (
    0.29552422471475287,
    0.26926671930999635,
    0.21908636251598204,
    0.14945134915058059,
    0.06667134430868814,
)
NODES = np.array([*(-node for node in _HALF_NODES[::-1]), *_HALF_NODES])
WEIGHTS = (*_HALF_WEIGHTS[::-1], *_HALF_WEIGHTS)
"""Nodes and weights of Gauss-Legendre quadrature with ten nodes.

They are written out, because numpy computes them with linear algebra, whose last bit depends on the
processor.
"""

# A segment is cut so that neither N nor any margin grows by more than a factor e on one part. The
# zero of a margin, where its logarithm has no value, is then at least 0.58 lengths from the part.
# Ten nodes leave an error of about 4.07 ** -20, below 1e-12.

DRAWS = 1000
"""Number of bootstrap samples."""

SEED = 20250901

_NOISE = 1e-12  # rounding error of means and indices

CONFIDENCE = 0.95

MIN_DISTANCES = 3
"""Smallest number of distances with an interval: two venues say nothing about a third."""


@dataclass(frozen=True, slots=True)
class Distance:
    """E|ln(margin / reference)| of each function of a group over its part of the range.

    A value is NaN if the function has no value in the range. ``uppers`` are the notionals at which
    the functions end, at most ``UPPER``.
    """

    values: tuple[float, ...]
    uppers: tuple[float, ...]

    @property
    def index(self) -> float:
        """Harmonization index of the group; NaN if no function has a distance."""
        finite = [value for value in self.values if np.isfinite(value)]
        return index_of(finite) if finite else float("nan")


Measure = Callable[[Floats, Ints], Floats]
"""Distances from log margins (segments × functions × nodes) and the function count per segment."""


def from_reference(segments: Segments, groups: Sequence[Group]) -> list[Distance]:
    """Returns the distances of each group's functions from its **last** one, the reference.

    ``segments`` are those of the groups, cut at crossings, so that the logarithm keeps its sign.
    """
    return _distances(segments, groups, _from_last)


def from_median(segments: Segments, groups: Sequence[Group]) -> list[Distance]:
    """Returns the distances of each group's functions from their median margin at every notional.

    The median of an even count is the geometric mean of the middle two. ``segments`` are those of
    the groups, cut at crossings, so that the middle functions are the same on a whole segment.
    """
    return _distances(segments, groups, _from_median)


def _from_last(logs: Floats, width: Ints) -> Floats:
    reference = np.take_along_axis(logs, width[:, None, None] - 1, axis=1)
    distance: Floats = np.abs(logs - reference)
    return distance


def _from_median(logs: Floats, width: Ints) -> Floats:
    del width
    order = np.sort(logs, axis=1)  # NaN last
    count = np.isfinite(logs).sum(axis=1, keepdims=True)
    low, high = (count - 1).clip(min=0) // 2, count // 2
    middle = 0.5 * (
        np.take_along_axis(order, low, axis=1) + np.take_along_axis(order, high, axis=1)
    )
    distance: Floats = np.abs(logs - middle)
    return distance


def _distances(segments: Segments, groups: Sequence[Group], measure: Measure) -> list[Distance]:
    if not groups:
        return []
    segments = _in_range(segments)
    lower, upper = logarithms(segments.lower), logarithms(segments.upper)
    width = np.array([len(group.functions) for group in groups], np.intp)[segments.owner]
    logs = _logs(segments, lower, upper)
    distance = measure(logs, width)
    span = (upper - lower)[:, None]
    integrals = 0.5 * span * _weighted_sum(distance)
    lengths = np.where(np.isfinite(integrals), span, 0.0)
    shape = (len(groups), segments.fixed.shape[1])
    total, length = np.zeros(shape), np.zeros(shape)
    np.add.at(total, segments.owner, np.nan_to_num(integrals))
    np.add.at(length, segments.owner, lengths)
    with np.errstate(invalid="ignore"):
        mean = total / np.where(length > 0, length, np.nan)
    return [
        Distance(
            tuple(mean[row, : len(group.functions)].tolist()),
            tuple(min(limit, UPPER) for limit in group.limits),
        )
        for row, group in enumerate(groups)
    ]


def _weighted_sum(values: Floats) -> Floats:
    """Returns the sums over the last axis, weighted for quadrature, added up in a fixed order."""
    total: Floats = values[:, :, 0] * WEIGHTS[0]
    for node, weight in enumerate(WEIGHTS[1:], start=1):
        total += values[:, :, node] * weight
    return total


def _in_range(segments: Segments) -> Segments:
    """Clips segments to the range, then cuts them so that quadrature is exact to rounding."""
    segments = segments.take((segments.upper > LOWER) & (segments.lower < UPPER))
    clipped = Segments(
        segments.owner,
        np.maximum(segments.lower, LOWER),
        np.minimum(segments.upper, UPPER),
        segments.fixed,
        segments.rate,
        segments.coefficient,
        segments.power,
    )
    zero = _nearest_zero(clipped)
    span = (clipped.upper - zero) / (clipped.lower - zero)
    log_span = logarithms(span)
    counts = np.maximum(np.ceil(log_span), 1).astype(int)  # bounds one rounding apart: no span
    index = np.repeat(np.arange(counts.size), counts - 1)
    first = np.cumsum(counts - 1) - (counts - 1)
    steps = (np.arange(index.size) - first[index] + 1) / counts[index]
    points = zero[index] + (clipped.lower - zero)[index] * exponentials(log_span[index] * steps)
    return clipped.split(index, points)


def _nearest_zero(segments: Segments) -> Floats:
    """Returns the largest notional below each segment where a margin's line is zero, at least 0."""
    with np.errstate(divide="ignore", invalid="ignore"):
        zeros = -segments.fixed / segments.rate
    zeros = np.where(np.isfinite(zeros) & (zeros < segments.lower[:, None]), zeros, 0.0)
    nearest: Floats = np.maximum(zeros.max(axis=1), 0.0)
    return nearest


def _logs(segments: Segments, lower: Floats, upper: Floats) -> Floats:
    """Returns log margins at the quadrature nodes: segments × functions × nodes."""
    nodes = 0.5 * (upper + lower)[:, None] + 0.5 * (upper - lower)[:, None] * NODES
    notional = exponentials(nodes)[:, None, :]
    margins = segments.fixed[:, :, None] + segments.rate[:, :, None] * notional
    row, position = np.nonzero(np.nan_to_num(segments.coefficient))
    bases = notional[row, 0]
    exponents = np.repeat(segments.power[row, position], NODES.size)
    raised = powers(bases.ravel(), exponents).reshape(bases.shape)
    margins[row, position] += segments.coefficient[row, position][:, None] * raised
    return logarithms(margins)


@dataclass(frozen=True, slots=True)
class LeaveOneOut:
    """Index without one distance: the one whose omission changes the index most."""

    position: int
    value: float


def index_of(distances: Sequence[float], weights: Sequence[float] | None = None) -> float:
    """Returns ``100·exp(−mean distance)``; the mean is weighted if there are weights."""
    return 100.0 * exponential(-float(np.average(distances, weights=weights)))


def interval(
    distances: Sequence[float], weights: Sequence[float] | None = None
) -> tuple[float, float] | None:
    """Returns the 95 % bootstrap confidence interval of an index; None below three distances."""
    if len(distances) < MIN_DISTANCES:
        return None
    sample = _samples(len(distances))
    values = np.array(distances)
    if weights is None:
        means = values[sample].mean(axis=1)
    else:
        weight = np.array(weights)
        means = (values * weight)[sample].sum(axis=1) / weight[sample].sum(axis=1)
    near, far = _percentiles(means)
    return 100.0 * exponential(-far), 100.0 * exponential(-near)


@lru_cache(maxsize=1024)
def _samples(count: int) -> Ints:
    """Returns the same samples for the same number of distances.

    Means are sums over samples, not matrix products: those round differently per machine.
    """
    return np.random.default_rng(SEED).integers(0, count, (DRAWS, count))


def _percentiles(values: Floats) -> tuple[float, float]:
    """Returns the 2.5th and 97.5th percentile, linear between neighbours, as numpy defines them."""
    tail = 0.5 * (1.0 - CONFIDENCE)
    positions = [share * (values.size - 1) for share in (tail, 1.0 - tail)]
    floors = [int(position) for position in positions]
    partitioned = np.partition(values, [*floors, *(floor + 1 for floor in floors)])
    low, high = (
        float(
            partitioned[floor] + (position - floor) * (partitioned[floor + 1] - partitioned[floor])
        )
        for floor, position in zip(floors, positions, strict=True)
    )
    return low, high


def leave_one_out(
    distances: Sequence[float], weights: Sequence[float] | None = None
) -> LeaveOneOut | None:
    """Omits each distance in turn and returns the largest change; None below two distances.

    The index falls as the mean rises, so the largest change is at the smallest or largest mean.
    """
    if len(distances) < 2:  # noqa: PLR2004 - a single distance leaves none
        return None
    values = np.array(distances)
    weight = np.ones(values.size) if weights is None else np.array(weights)
    means = (float((values * weight).sum()) - values * weight) / (weight.sum() - weight)
    whole = index_of(distances, weights)
    extremes = [100.0 * exponential(-float(mean)) for mean in (means.min(), means.max())]
    changes = [abs(extreme - whole) for extreme in extremes]
    side = int(changes[1] > changes[0] + _NOISE)
    extreme = means.max() if side else means.min()
    position = int(np.argmax(np.abs(means - extreme) <= _NOISE))
    return LeaveOneOut(position, extremes[side])
