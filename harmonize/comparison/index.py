"""Harmonization index: how far venues' margins are from a reference, as one number.

``H = 100 · exp(−E|ln(margin / reference)|)``, the expectation over ln N between two notionals and
over venues with equal weight. 100 is identical; 50 is on average a factor of two apart.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from harmonize.numerics.panel import Floats, Ints
from harmonize.numerics.segments import Cells, Group

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


def from_reference(found: Cells, groups: Sequence[Group]) -> list[Distance]:
    """Distances of the functions of each group from its **last** one, the reference.

    ``found`` are the groups' cells, cut at crossings, so that the logarithm keeps its sign.
    """
    return _distances(found, groups, _against_last)


def from_median(found: Cells, groups: Sequence[Group]) -> list[Distance]:
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


def _distances(found: Cells, groups: Sequence[Group], measure: Measure) -> list[Distance]:
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


def _in_range(found: Cells) -> Cells:
    """Clip cells to the range, then cut them so that quadrature is exact to rounding."""
    found = found.take((found.upper > LOWER) & (found.lower < UPPER))
    clipped = Cells(
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


def _nearest_zero(found: Cells) -> Floats:
    """The largest notional below each cell at which a margin's line would be zero, at least 0."""
    with np.errstate(divide="ignore", invalid="ignore"):
        zeros = -found.fixed / found.rate
    zeros = np.where(np.isfinite(zeros) & (zeros < found.lower[:, None]), zeros, 0.0)
    nearest: Floats = np.maximum(zeros.max(axis=1), 0.0)
    return nearest


def _logs(found: Cells, lower: Floats, upper: Floats) -> Floats:
    """Log margins at the quadrature nodes: cells × functions × nodes."""
    nodes = 0.5 * (upper + lower)[:, None] + 0.5 * (upper - lower)[:, None] * _NODES
    notional = np.exp(nodes)[:, None, :]
    margins = found.fixed[:, :, None] + found.rate[:, :, None] * notional
    cell, slot = np.nonzero(np.nan_to_num(found.coefficient))
    power = found.power[cell, slot][:, None]
    margins[cell, slot] += found.coefficient[cell, slot][:, None] * notional[cell, 0] ** power
    logs: Floats = np.log(margins)
    return logs
