"""Cells of notional on which each of several margin functions is a single piece, cut exactly.

Every comparison is made on such cells. They are first cut at the bounds of all functions, then
where two functions cross, so that the order of the functions is constant on each cell.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from harmonize.numerics.elementary import powers
from harmonize.numerics.panel import Floats, Ints, Panel
from harmonize.numerics.roots import Term, roots

HORIZON = 1e10
"""Largest notional, in USD, up to which open-ended functions are compared."""

MIN_NOTIONAL = 1.0
"""Smallest position that is compared, in USD; below it margin is proportional to size."""

_GRAIN = 1e-12
"""Rounding error of sums, relative to their terms."""

_SQUARE = 2.0

_ELEMENTS = 1 << 20
"""Pairs of functions that are compared at once, so that their memory is bounded."""


@dataclass(frozen=True, slots=True)
class Group:
    """Functions to cut together: their indices in the panel, and the largest notional of each."""

    functions: tuple[int, ...]
    limits: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class Segments:
    """Cells (lower, upper], sorted by group and notional.

    ``owner`` is the group of each cell. The terms have one row per cell and one column per function
    of the group; they are NaN where the function has no value.
    """

    owner: Ints
    lower: Floats
    upper: Floats
    fixed: Floats
    rate: Floats
    coefficient: Floats
    power: Floats

    def values(self, notional: Floats) -> Floats:
        """Returns margins, in USD, at one notional per cell: rows are cells, columns functions."""
        at = notional[:, None]
        margin: Floats = self.fixed + self.rate * at
        cell, column = np.nonzero(np.nan_to_num(self.coefficient))
        power = powers(notional[cell], self.power[cell, column])
        margin[cell, column] += self.coefficient[cell, column] * power
        return margin

    def middle(self) -> Floats:
        """Returns the geometric middle of each cell, a notional inside it."""
        middle: Floats = np.sqrt(np.maximum(self.lower, MIN_NOTIONAL) * self.upper)
        return middle

    def take(self, index: Ints | NDArray[np.bool_]) -> "Segments":
        """Returns the selected cells."""
        return Segments(
            self.owner[index],
            self.lower[index],
            self.upper[index],
            self.fixed[index],
            self.rate[index],
            self.coefficient[index],
            self.power[index],
        )

    def split(self, index: Ints, points: Floats) -> "Segments":
        """Returns the cells cut at points; ``points[i]`` lies inside cell ``index[i]``."""
        if not index.size:
            return self
        cell = np.concatenate([np.arange(self.owner.size), index])
        upper = np.concatenate([self.upper, points])
        order = np.lexsort((upper, cell))
        cell, upper = cell[order], upper[order]
        lower = np.empty_like(upper)
        lower[1:] = upper[:-1]
        begins = np.concatenate([[True], cell[1:] != cell[:-1]])
        lower[begins] = self.lower[cell[begins]]
        nonempty = upper > lower
        cell, lower, upper = cell[nonempty], lower[nonempty], upper[nonempty]
        parts = self.take(cell)
        return Segments(
            parts.owner, lower, upper, parts.fixed, parts.rate, parts.coefficient, parts.power
        )


def cells(panel: Panel, groups: Sequence[Group]) -> Segments:
    """Returns the cells of every group, cut at all bounds and limits up to the horizon."""
    width = max((len(group.functions) for group in groups), default=1)
    functions = np.full((len(groups), width), -1, np.intp)
    limits = np.zeros((len(groups), width))
    for row, group in enumerate(groups):
        functions[row, : len(group.functions)] = group.functions
        limits[row, : len(group.limits)] = np.minimum(group.limits, HORIZON)
    owner, upper = _bounds(panel, functions, limits)
    lower = np.empty_like(upper)
    lower[1:] = upper[:-1]
    lower[np.concatenate([[True], owner[1:] != owner[:-1]])[: lower.size]] = 0.0
    piece = panel.pieces_at(functions[owner], upper)
    inside = (piece >= 0) & (upper[:, None] <= limits[owner])
    safe = np.where(inside, piece, 0)
    terms = (
        np.where(inside, column[safe], np.nan)
        for column in (panel.fixed, panel.rate, panel.coefficient, panel.power)
    )
    return Segments(owner, lower, upper, *terms)


def _bounds(panel: Panel, functions: Ints, limits: Floats) -> tuple[Ints, Floats]:
    """Returns the distinct bounds of each group's functions, sorted."""
    row, column = np.nonzero(functions >= 0)
    function = functions[row, column]
    counts = np.diff(panel.first)[function]
    starts = np.repeat(panel.first[function], counts)
    within = np.arange(counts.sum()) - np.repeat(np.cumsum(counts) - counts, counts)
    limit = np.repeat(limits[row, column], counts)
    owner = np.concatenate([np.repeat(row, counts), row])
    upper = np.concatenate([np.minimum(panel.upper[starts + within], limit), limits[row, column]])
    order = np.lexsort((upper, owner))
    owner, upper = owner[order], upper[order]
    new = np.concatenate([[True], (owner[1:] != owner[:-1]) | (upper[1:] != upper[:-1])])
    new = new[: upper.size] & (upper > 0)
    return owner[new], upper[new]


Cuts = tuple[Ints, Floats]
"""Where to cut: indices of cells, and a notional inside each."""


def cut_at_crossings(segments: Segments) -> Segments:
    """Returns the cells cut where any two functions of a group cross."""
    curved = np.nan_to_num(segments.coefficient) != 0
    return segments.split(
        *_concatenated(
            [*_straight_crossings(segments, curved), *_curved_crossings(segments, curved)]
        )
    )


def _straight_crossings(segments: Segments, curved: NDArray[np.bool_]) -> Iterator[Cuts]:
    """Yields the crossings of lines; curves are excluded.

    Two lines meet once, however many cells they pass through together. They are therefore compared
    only in the last of these cells: the one after which a line ends or changes.
    """
    fixed = np.where(curved, np.nan, segments.fixed)
    ends, column = np.nonzero(_last_of_line(segments, fixed))
    begins = _begins(segments, ends, column)
    step = max(_ELEMENTS // max(fixed.shape[1], 1), 1)
    for chunk in (slice(start, start + step) for start in range(0, ends.size, step)):
        end, own = ends[chunk, None], column[chunk, None]
        with np.errstate(divide="ignore", invalid="ignore"):
            root = (fixed[ends[chunk]] - fixed[end, own]) / (
                segments.rate[end, own] - segments.rate[ends[chunk]]
            )
        row, other = np.nonzero(
            (root > begins[chunk, None]) & (root < segments.upper[ends[chunk], None])
        )
        pairs = (end[row, 0], own[row, 0], other)
        yield _where_both_apply(segments, fixed, pairs, root[row, other])


def _last_of_line(segments: Segments, fixed: Floats) -> NDArray[np.bool_]:
    """Returns whether a function has a line on a cell and another one, or none, on the next cell."""
    changes = np.ones(fixed.shape, np.bool_)
    changes[:-1] = (fixed[1:] != fixed[:-1]) | (segments.rate[1:] != segments.rate[:-1])
    changes[:-1][segments.owner[1:] != segments.owner[:-1]] = True
    last: NDArray[np.bool_] = changes & np.isfinite(fixed)
    return last


def _begins(segments: Segments, ends: Ints, column: Ints) -> Floats:
    """Returns the lower bound of each line, given the last cell of all lines and their columns.

    The line begins no earlier than where the one before it in its column ends.
    """
    order = np.lexsort((ends, column))
    before: Floats = np.full(ends.size, MIN_NOTIONAL)
    last, next_ = order[:-1], order[1:]
    follows = (column[last] == column[next_]) & (
        segments.owner[ends[last]] == segments.owner[ends[next_]]
    )
    before[next_[follows]] = np.maximum(segments.upper[ends[last[follows]]], MIN_NOTIONAL)
    return before


def _where_both_apply(
    segments: Segments, fixed: Floats, pairs: tuple[Ints, Ints, Ints], points: Floats
) -> Cuts:
    """Returns the roots that lie inside a cell on which both lines of a pair apply.

    ``pairs`` are a cell on which both apply, and the columns of both; the root is not above it.
    """
    end, left, right = pairs
    cell = _cells_of(segments, end, points)
    inside = (segments.lower[cell] < points) & (points < segments.upper[cell])
    for column in (left, right):
        for term in (fixed, segments.rate):
            inside &= term[cell, column] == term[end, column]
    return cell[inside], points[inside]


def _cells_of(segments: Segments, end: Ints, notional: Floats) -> Ints:
    """Returns the cell of each notional in the group of the cell ``end``, at most that cell."""
    low, high = np.searchsorted(segments.owner, segments.owner[end]), end.copy()
    while (active := np.flatnonzero(low < high)).size:
        middle = (low[active] + high[active]) // 2
        is_above = notional[active] > segments.upper[middle]
        low[active[is_above]] = middle[is_above] + 1
        high[active[~is_above]] = middle[~is_above]
    return low


def _curved_crossings(segments: Segments, curved: NDArray[np.bool_]) -> Iterator[Cuts]:
    """Yields the crossings of pairs with at least one curve; each pair becomes a cell of its own."""
    width = curved.shape[1]
    pairs = np.array(list(combinations(range(width), 2)), np.intp).reshape(-1, 2)
    cells_ = np.flatnonzero(curved.any(axis=1))
    step = max(_ELEMENTS // max(len(pairs), 1), 1)
    for chunk in (cells_[start : start + step] for start in range(0, cells_.size, step)):
        defined = np.isfinite(segments.fixed[chunk])
        bent = curved[chunk]
        row, pair = np.nonzero(
            (bent[:, pairs[:, 0]] | bent[:, pairs[:, 1]])
            & defined[:, pairs[:, 0]]
            & defined[:, pairs[:, 1]]
        )
        cell, columns = chunk[row], pairs[pair]
        pair_cells = Segments(
            segments.owner[cell],
            segments.lower[cell],
            segments.upper[cell],
            *(
                term[cell[:, None], columns]
                for term in (segments.fixed, segments.rate, segments.coefficient, segments.power)
            ),
        )
        index, points = band_edges(pair_cells, 0, 1, 1.0, 0.0)
        yield cell[index], points


def band_edges(
    segments: Segments, left: int, right: int, factor: float | Floats, absolute: float | Floats
) -> Cuts:
    """Returns where ``f_left − factor · f_right − absolute · N`` changes sign.

    ``left`` and ``right`` are columns; ``factor`` and ``absolute`` one number, or one per cell.
    """
    fixed = segments.fixed[:, left] - factor * segments.fixed[:, right]
    rate = segments.rate[:, left] - factor * segments.rate[:, right] - absolute
    first, second = segments.coefficient[:, left], -factor * segments.coefficient[:, right]
    exponents = segments.power[:, (left, right)]
    curved = np.stack([first, second], axis=1) != 0
    quadratic = (~curved | (exponents == _SQUARE)).all(axis=1)
    defined = np.isfinite(fixed)
    cuts = [
        _inside(segments, defined & quadratic, root)
        for root in _quadratic_roots(fixed, rate, first + second)
    ]
    general = np.nonzero(defined & ~quadratic)[0]
    sums = np.stack([fixed, rate, first, second], axis=1)[general]
    for cell in general[_may_have_root(segments, general, sums, exponents[general])].tolist():
        terms = [
            (float(fixed[cell]), 0.0),
            (float(rate[cell]), 1.0),
            (float(first[cell]), float(exponents[cell, 0])),
            (float(second[cell]), float(exponents[cell, 1])),
        ]
        cuts.append(_cut(segments, cell, terms))
    return _concatenated(cuts)


def _may_have_root(
    segments: Segments, where: Ints, coefficients: Floats, exponents: Floats
) -> NDArray[np.bool_]:
    """True where a sum of powers may be zero in its cell, by the bounds of each term there.

    The sum has a constant term, one in N and two with the exponents of the cell.
    A term is monotone in N, so its values at the ends of the cell bound it. On a narrow cell the
    bounds are tight, which rules out most sums without a search for roots.
    """
    lower = np.maximum(segments.lower[where], MIN_NOTIONAL)[:, None]
    upper = segments.upper[where][:, None]
    ends = np.stack([coefficients * _monomials(end, exponents) for end in (lower, upper)])
    slack = _GRAIN * np.abs(ends).max(axis=0).sum(axis=1)
    least, most = ends.min(axis=0).sum(axis=1), ends.max(axis=0).sum(axis=1)
    possible: NDArray[np.bool_] = (least <= slack) & (most >= -slack)
    return possible


def _monomials(bases: Floats, exponents: Floats) -> Floats:
    """Returns 1, the base of each row, and the base to each exponent of the row."""
    all_bases = np.broadcast_to(bases, exponents.shape)
    raised = powers(all_bases.ravel(), exponents.ravel()).reshape(exponents.shape)
    return np.concatenate([np.ones_like(bases), bases, raised], axis=1)


def _inside(segments: Segments, selected: NDArray[np.bool_], root: Floats) -> Cuts:
    """Returns the roots that lie inside their cell."""
    inside = selected & (root > np.maximum(segments.lower, MIN_NOTIONAL)) & (root < segments.upper)
    return np.nonzero(inside)[0], root[inside]


def _quadratic_roots(fixed: Floats, rate: Floats, square: Floats) -> tuple[Floats, Floats]:
    """Returns the roots of ``fixed + rate·N + square·N²`` without cancellation; NaN: no root."""
    with np.errstate(divide="ignore", invalid="ignore"):
        root = np.sqrt(rate * rate - 4.0 * fixed * square)
        half = -0.5 * (rate + np.where(rate < 0, -root, root))
        return fixed / half, half / square


def stationary_ratios(segments: Segments, left: int, right: int) -> Cuts:
    """Returns where ``f_left / f_right`` has a slope of zero inside a cell.

    Without power terms the ratio is a Möbius function, monotone on the cell. With them the
    numerator of its derivative is again a sum of powers. Relative to a constant rate the ratio is
    ``a/N + r + c·N^(p−1)``, with slope zero only at ``N^p = a / (c·(p−1))``.
    """
    curved = np.nan_to_num(segments.coefficient[:, (left, right)]) != 0
    by_rate = (segments.fixed[:, right] == 0) & ~curved[:, 1]
    selected = np.flatnonzero(by_rate & curved[:, 0])
    power = segments.power[selected, left]
    with np.errstate(divide="ignore"):
        powered = segments.fixed[selected, left] / (
            segments.coefficient[selected, left] * (power - 1.0)
        )
    points = np.full(by_rate.size, np.nan)
    has_root = (powered > 0.0) & (powered < np.inf)
    points[selected[has_root]] = powers(powered[has_root], 1.0 / power[has_root])
    cuts = [_inside(segments, by_rate & curved[:, 0], points)]
    for cell in np.nonzero(curved.any(axis=1) & ~by_rate)[0].tolist():
        numerator, denominator = (_terms(segments, cell, column) for column in (left, right))
        slope = [
            (upper * lower * (upper_power - lower_power), upper_power + lower_power - 1.0)
            for upper, upper_power in numerator
            for lower, lower_power in denominator
        ]
        cuts.append(_cut(segments, cell, slope))
    return _concatenated(cuts)


def _cut(segments: Segments, cell: int, terms: Sequence[Term]) -> Cuts:
    """Returns the roots of a sum of powers inside one cell."""
    lower, upper = max(float(segments.lower[cell]), MIN_NOTIONAL), float(segments.upper[cell])
    points = np.array(roots(terms, lower, upper), dtype=np.float64)
    return np.full(points.size, cell, dtype=np.intp), points


def _terms(segments: Segments, cell: int, column: int) -> list[Term]:
    return [
        (float(segments.fixed[cell, column]), 0.0),
        (float(segments.rate[cell, column]), 1.0),
        (float(segments.coefficient[cell, column]), float(segments.power[cell, column])),
    ]


def _concatenated(cuts: Sequence[Cuts]) -> Cuts:
    indices = [np.empty(0, np.intp), *(index for index, _ in cuts)]
    points = [np.empty(0), *(notionals for _, notionals in cuts)]
    return np.concatenate(indices), np.concatenate(points)
