"""What the venues' margins for one underlying differ by, and who is cheapest where.

Exact on the pieces: between two cuts the order of the venues is constant, so cheapest and dearest
are found once a stretch. Source of the measure: design of this project, "spread".
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby, pairwise
from math import isnan, log

import numpy as np
from numpy.typing import NDArray

from harmonize.numerics.panel import Floats, Panel
from harmonize.numerics.roots import roots
from harmonize.numerics.segments import LEAST, Group, Segments

_NOISE = 1e-9  # relative; margins closer than this are a tie


@dataclass(frozen=True, slots=True)
class Stretch:
    """On (lower, upper], who asks least and most, and the spread in USD at both ends.

    Numbers in ``cheapest`` and ``dearest`` are places in the group. ``widest`` is the largest spread
    as a share of notional, at an end of a cell or where the ratio is stationary inside one.
    """

    lower: float
    upper: float
    cheapest: tuple[int, ...]
    dearest: tuple[int, ...]
    spread_lower: float
    spread_upper: float
    widest: float
    widest_notional: float


@dataclass(frozen=True, slots=True)
class Rung:
    """Least and most margin in USD at one notional, and how many functions reach it."""

    notional: float
    count: int
    cheapest: tuple[int, ...]
    least: float
    dearest: tuple[int, ...]
    most: float


def stretches(found: Segments, count: int) -> list[tuple[Stretch, ...]]:
    """The stretches of each of ``count`` groups on which at least two functions have a value.

    ``found`` are the groups' cells, cut at crossings.
    """
    found = found.take((np.isfinite(found.fixed).sum(axis=1) > 1) & (found.upper > LEAST))
    least, most = _leaders(found.values(found.middle()))
    low, high = (
        np.nanmax(margin, axis=1) - np.nanmin(margin, axis=1)
        for margin in (found.values(found.lower), found.values(found.upper))
    )
    widest, where = _widest(found, (low, high), (least, most))
    ends = np.searchsorted(found.owner, np.arange(count + 1))
    rows = list(
        zip(
            found.lower.tolist(),
            found.upper.tolist(),
            least,
            most,
            low.tolist(),
            high.tolist(),
            widest.tolist(),
            where.tolist(),
            strict=True,
        )
    )
    return [_merged(rows[ends[row] : ends[row + 1]]) for row in range(count)]


_Leaders = list[tuple[int, ...]]


def _widest(
    found: Segments, ends: tuple[Floats, Floats], leaders: tuple[_Leaders, _Leaders]
) -> tuple[Floats, Floats]:
    """The largest spread over notional on each cell, and where: at an end, or where it is stationary.

    The spread is one sum ``d + r·N + Σ c·N^p`` on a cell. Over N, its slope is zero where
    ``−d/N² + Σ c·(p − 1)·N^(p − 2)`` is.
    """
    lower = np.maximum(found.lower, LEAST)
    places = np.stack([lower, found.upper])
    rates = np.stack(ends) / places
    small = np.flatnonzero(found.lower < LEAST)
    rates[0, small] = _apart(found.take(small), lower[small]) / LEAST
    least, most = leaders
    last = np.argmax(rates, axis=0)
    cells = np.arange(lower.size)
    widest, where = rates[last, cells], places[last, cells]
    for cell in np.flatnonzero(np.nan_to_num(found.coefficient).any(axis=1)).tolist():
        one, other = most[cell][0], least[cell][0]
        terms = [(-float(found.fixed[cell, one] - found.fixed[cell, other]), -2.0)]
        for slot, sign in ((one, 1.0), (other, -1.0)):
            power = float(found.power[cell, slot])
            slope = sign * float(found.coefficient[cell, slot]) * (power - 1.0)
            terms.append((slope, power - 2.0))
        for place in roots(terms, float(lower[cell]), float(found.upper[cell])):
            rate = float(_apart(found.take(np.array([cell])), np.array([place]))[0]) / place
            if rate > widest[cell]:
                widest[cell], where[cell] = rate, place
    return widest, where


def _apart(found: Segments, at: Floats) -> Floats:
    margins = found.values(at)
    apart: Floats = np.nanmax(margins, axis=1) - np.nanmin(margins, axis=1)
    return apart


_Row = tuple[float, float, tuple[int, ...], tuple[int, ...], float, float, float, float]


def _merged(rows: Sequence[_Row]) -> tuple[Stretch, ...]:
    merged = []
    for (least, most), run in groupby(rows, key=lambda row: (row[2], row[3])):
        stretch = list(run)
        first, last = stretch[0], stretch[-1]
        _, _, _, _, _, _, widest, where = max(stretch, key=lambda row: row[6])
        merged.append(Stretch(first[0], last[1], least, most, first[4], last[5], widest, where))
    return tuple(merged)


def _leaders(margins: Floats) -> tuple[_Leaders, _Leaders]:
    """Who asks least and most in each row; ties name all."""
    if not margins.size:
        return [], []
    least = np.nanmin(margins, axis=1)[:, None]
    most = np.nanmax(margins, axis=1)[:, None]
    with np.errstate(invalid="ignore"):
        low = margins <= least * (1 + _NOISE)
        high = margins >= most * (1 - _NOISE)
    return _places(low), _places(high)


def _places(marks: NDArray[np.bool_]) -> list[tuple[int, ...]]:
    """The places of the marks in each row; every row has one."""
    row, place = np.nonzero(marks)
    ends = np.searchsorted(row, np.arange(len(marks) + 1)).tolist()
    places = place.tolist()
    return [tuple(places[begin:end]) for begin, end in pairwise(ends)]


def alone_shares(found: Sequence[Stretch], lower: float, upper: float) -> dict[int, float]:
    """The share of ln N between two bounds on which one function alone is the least, by its place."""
    shares: dict[int, float] = {}
    for one in found:
        low, high = max(one.lower, lower), min(one.upper, upper)
        if len(one.cheapest) == 1 and high > low:
            place = one.cheapest[0]
            shares[place] = shares.get(place, 0.0) + log(high / low) / log(upper / lower)
    return shares


def rungs(panel: Panel, groups: Sequence[Group], ladder: Sequence[float]) -> list[tuple[Rung, ...]]:
    """Least and most margin of every group at every rung that two of its functions reach."""
    counts = [len(group.functions) for group in groups]
    functions = np.array([one for group in groups for one in group.functions], np.intp)
    limits = np.array([one for group in groups for one in group.limits])
    at = np.array(ladder, dtype=float)
    margins = panel.evaluate(np.repeat(functions, at.size), np.tile(at, functions.size))
    margins = margins.reshape(functions.size, at.size)
    margins[limits[:, None] < at] = np.nan
    found, end = [], 0
    for count in counts:
        begin, end = end, end + count
        found.append(tuple(_rungs(margins[begin:end].T, ladder)))
    return found


def _rungs(margins: Floats, ladder: Sequence[float]) -> list[Rung]:
    """One row of margins a rung; too few for arrays to pay."""
    rungs = []
    for notional, row in zip(ladder, margins.tolist(), strict=True):
        known = [(asked, place) for place, asked in enumerate(row) if not isnan(asked)]
        if len(known) > 1:
            least, most = min(known)[0], max(known)[0]
            low = tuple(place for asked, place in known if asked <= least * (1 + _NOISE))
            high = tuple(place for asked, place in known if asked >= most * (1 - _NOISE))
            rungs.append(Rung(notional, len(known), low, least, high, most))
    return rungs
