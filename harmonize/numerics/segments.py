"""Stretches of notional on which several margin functions are one piece each, cut exactly.

Every comparison here is made on such cells: first between the bounds of all functions concerned,
then cut again where two of them cross, so that on a cell their order is constant.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from harmonize.numerics.panel import Floats, Ints, Panel
from harmonize.numerics.roots import Term, roots

HORIZON = 1e10
"""Open-ended functions are compared up to this notional, in USD."""

LEAST = 1.0
"""The smallest position that is compared, in USD; below it margins are proportional to it."""


_GRAIN = 1e-12
"""Rounding that bounds of sums are kept clear of, relative to their terms."""

_SQUARE = 2.0


@dataclass(frozen=True, slots=True)
class Group:
    """Functions to be cut together: their places in the panel, and each one's largest notional."""

    functions: tuple[int, ...]
    limits: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class Segments:
    """Cells (lower, upper], by group and rising; terms have a column a function of the group.

    A function without a value on a cell has NaN terms there.
    """

    owner: Ints
    lower: Floats
    upper: Floats
    fixed: Floats
    rate: Floats
    coefficient: Floats
    power: Floats

    def values(self, notional: Floats) -> Floats:
        """Margins in USD at one notional a cell: a row a cell, a column a function."""
        at = notional[:, None]
        margin: Floats = self.fixed + self.rate * at
        curved = np.nonzero(np.nan_to_num(self.coefficient).any(axis=1))[0]
        margin[curved] += self.coefficient[curved] * at[curved] ** self.power[curved]
        return margin

    def middle(self) -> Floats:
        """A notional inside each cell: its geometric middle."""
        middle: Floats = np.sqrt(np.maximum(self.lower, LEAST) * self.upper)
        return middle

    def take(self, index: Ints | NDArray[np.bool_]) -> "Segments":
        """Keep some cells."""
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
        """Cut cells at points: ``points[i]`` lies inside cell ``index[i]``."""
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
        kept = upper > lower
        cell, lower, upper = cell[kept], lower[kept], upper[kept]
        rest = self.take(cell)
        return Segments(
            rest.owner, lower, upper, rest.fixed, rest.rate, rest.coefficient, rest.power
        )


def cells(panel: Panel, groups: Sequence[Group]) -> Segments:
    """Cut every group at all bounds and limits of its functions, up to the horizon."""
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
    piece = _pieces(panel, functions[owner], upper)
    inside = (piece >= 0) & (upper[:, None] <= limits[owner])
    safe = np.where(inside, piece, 0)
    terms = (
        np.where(inside, column[safe], np.nan)
        for column in (panel.fixed, panel.rate, panel.coefficient, panel.power)
    )
    return Segments(owner, lower, upper, *terms)


def _bounds(panel: Panel, functions: Ints, limits: Floats) -> tuple[Ints, Floats]:
    """All bounds of each group's functions, sorted and without repetition."""
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


def _pieces(panel: Panel, functions: Ints, notional: Floats) -> Ints:
    """The piece of each function that holds the notional; −1 where there is none."""
    bounds = np.unique(panel.upper)
    width = bounds.size + 1
    keys = panel.owner * width + np.searchsorted(bounds, panel.upper)
    wanted = functions * width + np.searchsorted(bounds, notional)[:, None]
    piece = np.searchsorted(keys, wanted)
    ends = panel.first[functions + 1]
    piece = np.where((functions >= 0) & (piece < ends), piece, -1)
    return piece.astype(np.intp)


Cuts = tuple[Ints, Floats]
"""Where to cut: cells by position, and a notional inside each."""


def cut_at_crossings(found: Segments) -> Segments:
    """Cut where any two functions of a group cross."""
    pairs = np.array(list(combinations(range(found.fixed.shape[1]), 2)), np.intp).reshape(-1, 2)
    bent = np.nan_to_num(found.coefficient) != 0
    return found.split(
        *_joined([_straight_crossings(found, bent, pairs), _curved_crossings(found, bent, pairs)])
    )


def _curved_crossings(found: Segments, bent: NDArray[np.bool_], pairs: Ints) -> Cuts:
    """Where two functions cross of which at least one is a curve: each such pair as a cell of two."""
    curved = (bent[:, pairs[:, 0]] | bent[:, pairs[:, 1]]) & (
        np.isfinite(found.fixed[:, pairs]).all(axis=2)
    )
    cell, pair = np.nonzero(curved)
    columns = pairs[pair]
    both = Segments(
        found.owner[cell],
        found.lower[cell],
        found.upper[cell],
        *(
            np.take_along_axis(column[cell], columns, axis=1)
            for column in (found.fixed, found.rate, found.coefficient, found.power)
        ),
    )
    where, points = band_edges(both, 0, 1, 1.0, 0.0)
    return cell[where], points


def _straight_crossings(found: Segments, bent: NDArray[np.bool_], pairs: Ints) -> Cuts:
    """Where two lines cross, for all pairs of functions at once; curves are left out."""
    one, other = pairs.T
    with np.errstate(divide="ignore", invalid="ignore"):
        root = (found.fixed[:, other] - found.fixed[:, one]) / (
            found.rate[:, one] - found.rate[:, other]
        )
    inside = (root > np.maximum(found.lower, LEAST)[:, None]) & (root < found.upper[:, None])
    cell, pair = np.nonzero(inside & ~bent[:, one] & ~bent[:, other])
    return cell, root[cell, pair]


def band_edges(
    found: Segments, one: int, other: int, factor: float | Floats, absolute: float | Floats
) -> Cuts:
    """Where ``f_one − factor · f_other − absolute · N`` changes sign; one factor, or one a cell."""
    fixed = found.fixed[:, one] - factor * found.fixed[:, other]
    rate = found.rate[:, one] - factor * found.rate[:, other] - absolute
    first, second = found.coefficient[:, one], -factor * found.coefficient[:, other]
    powers = found.power[:, (one, other)]
    bent = np.stack([first, second], axis=1) != 0
    squares = (~bent | (powers == _SQUARE)).all(axis=1)
    known = np.isfinite(fixed)
    cuts = [
        _inside(found, known & squares, root)
        for root in _quadratic_roots(fixed, rate, first + second)
    ]
    curved = np.nonzero(known & ~squares)[0]
    sums = np.stack([fixed, rate, first, second], axis=1)[curved]
    exponents = np.stack([np.zeros(curved.size), np.ones(curved.size), *powers[curved].T], axis=1)
    for cell in curved[_may_vanish(found, curved, sums, exponents)].tolist():
        terms = [
            (float(fixed[cell]), 0.0),
            (float(rate[cell]), 1.0),
            (float(first[cell]), float(powers[cell, 0])),
            (float(second[cell]), float(powers[cell, 1])),
        ]
        cuts.append(_cut(found, cell, terms))
    return _joined(cuts)


def _may_vanish(
    found: Segments, where: Ints, coefficients: Floats, powers: Floats
) -> NDArray[np.bool_]:
    """Which sums of powers could be zero in their cells, by the bounds of each term there.

    A term is monotone in N, so its values at the ends of the cell bound it; on a narrow cell the
    bounds are tight, and most sums are ruled out without looking for a root.
    """
    lower = np.maximum(found.lower[where], LEAST)[:, None]
    ends = np.stack(
        [coefficients * lower**powers, coefficients * found.upper[where][:, None] ** powers]
    )
    slack = _GRAIN * np.abs(ends).max(axis=0).sum(axis=1)
    least, most = ends.min(axis=0).sum(axis=1), ends.max(axis=0).sum(axis=1)
    possible: NDArray[np.bool_] = (least <= slack) & (most >= -slack)
    return possible


def _inside(found: Segments, wanted: NDArray[np.bool_], root: Floats) -> Cuts:
    """Keep the roots that lie inside their cell."""
    inside = wanted & (root > np.maximum(found.lower, LEAST)) & (root < found.upper)
    return np.nonzero(inside)[0], root[inside]


def _quadratic_roots(fixed: Floats, rate: Floats, square: Floats) -> tuple[Floats, Floats]:
    """Roots of ``fixed + rate·N + square·N²`` without cancellation; NaN where there is none."""
    with np.errstate(divide="ignore", invalid="ignore"):
        root = np.sqrt(rate * rate - 4.0 * fixed * square)
        half = -0.5 * (rate + np.where(rate < 0, -root, root))
        return fixed / half, half / square


def stationary_ratios(found: Segments, one: int, other: int) -> Cuts:
    """Where ``f_one / f_other`` has a slope of zero inside a cell.

    Without power terms the ratio is a Möbius function, monotone on the cell; with them the
    numerator of its derivative is again a sum of powers. Against a rate alone it is
    ``a/N + r + c·N^(p−1)``, which has one such place: ``N^p = a / (c·(p−1))``.
    """
    bent = np.nan_to_num(found.coefficient[:, (one, other)]) != 0
    by_rate = (found.fixed[:, other] == 0) & ~bent[:, 1]
    power = found.power[:, one]
    with np.errstate(divide="ignore", invalid="ignore"):
        places = (found.fixed[:, one] / (found.coefficient[:, one] * (power - 1.0))) ** (1 / power)
    cuts = [_inside(found, by_rate & bent[:, 0], places)]
    for cell in np.nonzero(bent.any(axis=1) & ~by_rate)[0].tolist():
        tops, bottoms = (_terms(found, cell, slot) for slot in (one, other))
        slope = [
            (top * bottom * (up - down), up + down - 1.0)
            for top, up in tops
            for bottom, down in bottoms
        ]
        cuts.append(_cut(found, cell, slope))
    return _joined(cuts)


def _cut(found: Segments, cell: int, terms: Sequence[Term]) -> Cuts:
    """The roots of a sum of powers inside one cell."""
    lower, upper = max(float(found.lower[cell]), LEAST), float(found.upper[cell])
    points = np.array(roots(terms, lower, upper), dtype=np.float64)
    return np.full(points.size, cell, dtype=np.intp), points


def _terms(found: Segments, cell: int, slot: int) -> list[Term]:
    return [
        (float(found.fixed[cell, slot]), 0.0),
        (float(found.rate[cell, slot]), 1.0),
        (float(found.coefficient[cell, slot]), float(found.power[cell, slot])),
    ]


def _joined(cuts: Sequence[Cuts]) -> Cuts:
    where = [np.empty(0, np.intp), *(index for index, _ in cuts)]
    points = [np.empty(0), *(found for _, found in cuts)]
    return np.concatenate(where), np.concatenate(points)
