"""Spread, and the lowest and highest venues: against brute force at random notionals."""

from decimal import Decimal as D
from itertools import pairwise

import numpy as np
import pytest

from harmonize.comparison.spread import interval_spreads, point_spreads
from harmonize.core.schedule import MarginFunction, Piece, flat, marginal
from harmonize.numerics.panel import Panel, build_panel
from harmonize.numerics.segments import HORIZON, Group, cells, cut_at_crossings
from tests.support.random_functions import random_functions


def groups_of(rng: np.random.Generator, functions: list[MarginFunction], count: int) -> list[Group]:
    chosen = [
        rng.choice(len(functions), int(rng.integers(2, 7)), replace=False).tolist()
        for _ in range(count)
    ]
    return [
        Group(tuple(members), tuple(min(float(functions[k].upper), HORIZON) for k in members))
        for members in chosen
    ]


def margins(functions_panel: Panel, group: Group, notional: float) -> list[float]:
    return [
        functions_panel.at(function, notional) if notional <= limit else float("nan")
        for function, limit in zip(group.functions, group.limits, strict=True)
    ]


def finite_margins(functions_panel: Panel, group: Group, notional: float) -> list[float]:
    return [margin for margin in margins(functions_panel, group, notional) if not np.isnan(margin)]


@pytest.mark.parametrize("seed", range(3))
def test_lowest_highest_and_spread_agree_with_brute_force(seed: int) -> None:
    rng = np.random.default_rng(seed)
    functions = random_functions(rng, 40)
    functions_panel = build_panel(functions)
    groups = groups_of(rng, functions, 25)
    intervals = interval_spreads(cut_at_crossings(cells(functions_panel, groups)), len(groups))
    for group, parts in zip(groups, intervals, strict=True):
        for part in parts:
            ends = (max(part.lower, 1.0), min(part.upper, 1e11))
            for notional in np.exp(rng.uniform(np.log(ends[0]), np.log(ends[1]), 3)):
                all_margins = margins(functions_panel, group, float(notional))
                finite = [margin for margin in all_margins if not np.isnan(margin)]
                assert len(finite) > 1
                for position in part.lowest:
                    assert all_margins[position] == pytest.approx(min(finite), rel=1e-8)
                for position in part.highest:
                    assert all_margins[position] == pytest.approx(max(finite), rel=1e-8)
            at_end = finite_margins(functions_panel, group, part.upper)
            if part.upper < HORIZON:
                expected = max(at_end) - min(at_end)
                assert part.spread_upper == pytest.approx(
                    expected, rel=1e-9, abs=1e-12 * max(at_end)
                )


@pytest.mark.parametrize("seed", range(2))
def test_intervals_cover_every_notional_that_two_functions_reach(seed: int) -> None:
    rng = np.random.default_rng(seed)
    functions = random_functions(rng, 30)
    functions_panel = build_panel(functions)
    groups = groups_of(rng, functions, 20)
    intervals = interval_spreads(cut_at_crossings(cells(functions_panel, groups)), len(groups))
    for group, parts in zip(groups, intervals, strict=True):
        assert parts[0].lower == 0.0
        assert all(below.upper == above.lower for below, above in pairwise(parts))
        assert parts[-1].upper == sorted(group.limits)[-2]


def test_a_tie_names_every_venue_and_a_crossing_divides_the_range() -> None:
    low = flat([D(10_000)], [D("0.01")])
    same = marginal([D(10_000)], [D("0.01")])
    falling = marginal([D(1000), D(10_000)], [D("0.02"), D("0.005")])
    functions_panel = build_panel([low, same, falling])
    group = Group((0, 1, 2), (1e4, 1e4, 1e4))
    parts = interval_spreads(cut_at_crossings(cells(functions_panel, [group])), 1)[0]
    # 0.02 * 1000 + 0.005 (N - 1000) = 0.01 N at N = 3000.
    assert [(part.lower, part.upper) for part in parts] == [
        (0.0, pytest.approx(3000)),
        (pytest.approx(3000), 10_000),
    ]
    assert parts[0].lowest == parts[1].highest == (0, 1)
    assert parts[0].highest == parts[1].lowest == (2,)


def test_points_exclude_notionals_that_fewer_than_two_reach() -> None:
    functions_panel = build_panel([flat([D(5000)], [D("0.01")]), flat([D(10_000)], [D("0.02")])])
    group = Group((0, 1), (5000.0, 8000.0))
    (points,) = point_spreads(functions_panel, [group], [1000.0, 5000.0, 6000.0, 9000.0])
    assert [
        (point.notional, point.lowest_margin, point.highest_margin, point.count) for point in points
    ] == [
        (1000.0, 10.0, 20.0, 2),
        (5000.0, 50.0, 100.0, 2),
    ]


def test_a_function_is_not_counted_above_its_limit() -> None:
    rates = (D("0.01"), D("0.02"), D("0.04"))
    functions_panel = build_panel([flat([D(10_000)], [rate]) for rate in rates])
    group = Group((0, 1, 2), (10_000.0, 10_000.0, 500.0))
    (points,) = point_spreads(functions_panel, [group], [500.0, 1000.0])
    assert [(point.count, point.highest_margin) for point in points] == [(3, 20.0), (2, 20.0)]


@pytest.mark.sample(1)
@pytest.mark.parametrize("seed", range(4))
def test_the_widest_spread_is_that_of_a_dense_grid(seed: int) -> None:
    rng = np.random.default_rng(seed)
    functions = random_functions(rng, 30)
    functions_panel = build_panel(functions)
    groups = groups_of(rng, functions, 20)
    intervals = interval_spreads(cut_at_crossings(cells(functions_panel, groups)), len(groups))
    for group, parts in zip(groups, intervals, strict=True):
        for part in parts:
            ends = (max(part.lower, 1.0), min(part.upper, 1e11))
            grid = np.exp(np.linspace(np.log(ends[0]), np.log(ends[1]), 300))[1:-1]
            rates = []
            for size in grid:
                on_grid = finite_margins(functions_panel, group, float(size))
                rates.append((max(on_grid) - min(on_grid)) / size)
            assert part.widest >= max(rates) * (1 - 1e-9)
            at_widest = finite_margins(functions_panel, group, part.widest_notional)
            just_above = np.nextafter(part.widest_notional, np.inf)
            above = finite_margins(functions_panel, group, float(just_above))
            reached = [
                (max(near) - min(near)) / part.widest_notional
                for near in (at_widest, above)
                if near
            ]
            assert any(part.widest == pytest.approx(rate, rel=1e-9, abs=1e-15) for rate in reached)


def test_the_widest_spread_can_lie_where_it_is_stationary() -> None:
    # 0.02 N against 100 + 0.005 N + 1e-9 N²: over N, 0.015 − 100/N − 1e-9 N is largest at N² = 1e11.
    straight = flat([D(10_000_000)], [D("0.02")])
    curved = MarginFunction((Piece(D(10_000_000), D(100), D("0.005"), D("1e-9"), D(2)),))
    functions_panel = build_panel([straight, curved])
    parts = interval_spreads(
        cut_at_crossings(cells(functions_panel, [Group((0, 1), (1e7, 1e7))])), 1
    )[0]
    widest = max((part for part in parts if part.highest == (0,)), key=lambda part: part.widest)
    assert widest.widest_notional == pytest.approx(1e11**0.5)
    assert widest.widest == pytest.approx(0.015 - 2 * (100 * 1e-9) ** 0.5)


def test_of_equal_spreads_the_smallest_notional_counts() -> None:
    """The spread is 1 % of every notional; powers of N leave noise in the last bits."""
    curve, power = D("0.0003"), D("1.37")
    bounds = [D(1000), D(7700), D(51000), D(1000000), D(10000000)]
    lowest = MarginFunction(tuple(Piece(bound, D(0), D("0.01"), curve, power) for bound in bounds))
    highest = MarginFunction(tuple(Piece(bound, D(0), D("0.02"), curve, power) for bound in bounds))
    group = Group((0, 1), (1e7, 1e7))
    panel = build_panel([lowest, highest])
    ((interval,),) = interval_spreads(cut_at_crossings(cells(panel, [group])), 1)
    assert interval.widest == pytest.approx(0.01, rel=1e-9)
    assert interval.widest_notional == 1.0
    ends = np.array([1.0, *map(float, bounds)])
    shares = (panel.evaluate(np.ones(6, int), ends) - panel.evaluate(np.zeros(6, int), ends)) / ends
    assert len(set(shares.tolist())) > 1  # without the tolerance, noise would decide
