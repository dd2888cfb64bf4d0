"""Cuts where functions cross: those of every pair on every cell, as they are defined."""

from decimal import Decimal as D
from itertools import combinations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from harmonize.core.schedule import MarginFunction, Piece, flat
from harmonize.numerics import segments as segments_module
from harmonize.numerics.panel import Ints, build_panel
from harmonize.numerics.segments import (
    MIN_NOTIONAL,
    Group,
    Segments,
    band_edges,
    cells,
    cut_at_crossings,
)
from tests.support.random_functions import random_functions


def crossings_of_all_pairs(segments: Segments) -> Segments:
    """Returns the cells cut at the crossings of each pair, found on each cell by itself."""
    index: list[Ints] = [np.empty(0, np.intp)]
    points = [np.empty(0)]
    bent = np.nan_to_num(segments.coefficient) != 0
    for left, right in combinations(range(segments.fixed.shape[1]), 2):
        curved = bent[:, left] | bent[:, right]
        with np.errstate(divide="ignore", invalid="ignore"):
            root = (segments.fixed[:, right] - segments.fixed[:, left]) / (
                segments.rate[:, left] - segments.rate[:, right]
            )
        inside = (root > np.maximum(segments.lower, MIN_NOTIONAL)) & (root < segments.upper)
        straight = np.flatnonzero(inside & ~curved)
        both = np.isfinite(segments.fixed[:, (left, right)]).all(axis=1)
        where = np.flatnonzero(curved & both)
        edges, edge_points = band_edges(segments.take(where), left, right, 1.0, 0.0)
        index += [straight, where[edges]]
        points += [root[straight], edge_points]
    return segments.split(np.concatenate(index), np.concatenate(points))


def assert_same_cuts(functions: list[MarginFunction], groups: list[Group]) -> int:
    """Asserts that all cells agree to the last bit, and returns the number of cuts."""
    whole = cells(build_panel(functions), groups)
    cut, expected = cut_at_crossings(whole), crossings_of_all_pairs(whole)
    for name in ("owner", "lower", "upper", "fixed", "rate", "coefficient", "power"):
        np.testing.assert_array_equal(getattr(cut, name), getattr(expected, name))
    return cut.owner.size - whole.owner.size


NUMBERS = st.sampled_from(["0", "0.01", "0.02", "0.020000000000000004", "0.05", "0.3"])


@st.composite
def functions_with_ties(draw: st.DrawFn) -> MarginFunction:
    bounds = draw(
        st.lists(
            st.sampled_from([0.5, 1, 10, 99.99999999999999, 100, 5000, 1e9, 1e10, 1e12]),
            min_size=1,
            max_size=5,
            unique=True,
        )
    )
    return MarginFunction(
        tuple(
            Piece(
                D(bound),
                draw(st.sampled_from([D(0), D(-1), D(1), D("0.3"), D(50)])),
                D(draw(NUMBERS)),
                D(draw(st.sampled_from(["0", "0", "0", "0.0001", "0.01"]))),
                D(draw(st.sampled_from(["2", "1.5"]))),
            )
            for bound in sorted(bounds)
        )
    )


@given(
    st.lists(functions_with_ties(), min_size=2, max_size=8),
    st.lists(st.floats(0.1, 1e10), min_size=8, max_size=8),
    st.sampled_from([1, 7, 1 << 20]),
)
def test_cuts_are_those_of_all_pairs(
    functions: list[MarginFunction], limits: list[float], elements: int
) -> None:
    ends = [
        min(limit, float(function.upper))
        for limit, function in zip(limits, functions, strict=False)
    ]
    numbers = tuple(range(len(functions)))
    groups = [Group(numbers, tuple(ends)), Group(numbers[:1], tuple(ends[:1]))]
    groups += [Group(numbers[1:], tuple(ends[1:])), Group((0, 0), (ends[0], 1e10))]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(segments_module, "_ELEMENTS", elements)
        assert_same_cuts(functions, groups)


@pytest.mark.parametrize("seed", range(3))
def test_cuts_of_random_schedules_are_those_of_all_pairs(seed: int) -> None:
    rng = np.random.default_rng(seed)
    functions = random_functions(rng, 40)
    groups = []
    for _ in range(20):
        chosen = rng.choice(40, int(rng.integers(2, 25)), replace=False).tolist()
        ends = [min(float(functions[k].upper), 1e10) for k in chosen]
        groups.append(Group(tuple(chosen), tuple(ends)))
    assert assert_same_cuts(functions, groups) > 100


def test_lines_that_cross_at_a_bound_or_never_are_not_cut() -> None:
    at_bound = [
        flat([D(1000)], [D("0.02")]),
        MarginFunction((Piece(D(100), D(1), D("0.01")), Piece(D(1000), D(0), D("0.03")))),
    ]
    parallel = [flat([D(1000)], [D("0.02")]), MarginFunction((Piece(D(1000), D(1), D("0.02")),))]
    both = Group((0, 1), (1000.0, 1000.0))
    assert assert_same_cuts(at_bound, [both]) == 0
    assert assert_same_cuts(parallel, [both]) == 0


def test_lines_cross_in_every_group_and_where_no_bound_is_their_own() -> None:
    functions = [
        flat([D(1000)], [D("0.02")]),
        MarginFunction((Piece(D(1000), D(4), D("0.01")),)),
        flat([D(bound) for bound in (100, 300, 350, 500, 1000)], [D("0.9")] * 5),
    ]
    group = Group((0, 1, 2), (1000.0,) * 3)
    assert assert_same_cuts(functions, [group, group, group]) == 6  # at 400 and at 4.49
