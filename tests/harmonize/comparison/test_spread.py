"""Spread and who is cheapest: against brute force at random notionals."""

from decimal import Decimal as D
from itertools import pairwise

import numpy as np
import pytest

from harmonize.comparison.spread import rungs, stretches
from harmonize.core.schedule import MarginFunction, Piece, flat, marginal
from harmonize.numerics.panel import Panel, panel
from harmonize.numerics.segments import HORIZON, Group, cells, cut_at_crossings
from tests.support.random_functions import random_functions


def groups_of(rng: np.random.Generator, functions: list[MarginFunction], count: int) -> list[Group]:
    chosen = [
        rng.choice(len(functions), int(rng.integers(2, 7)), replace=False).tolist()
        for _ in range(count)
    ]
    return [
        Group(tuple(one), tuple(min(float(functions[k].upper), HORIZON) for k in one))
        for one in chosen
    ]


def margins(laid: Panel, group: Group, notional: float) -> list[float]:
    return [
        laid.at(function, notional) if notional <= limit else float("nan")
        for function, limit in zip(group.functions, group.limits, strict=True)
    ]


@pytest.mark.parametrize("seed", range(3))
def test_cheapest_dearest_and_spread_agree_with_brute_force(seed: int) -> None:
    rng = np.random.default_rng(seed)
    functions = random_functions(rng, 40)
    laid = panel(functions)
    groups = groups_of(rng, functions, 25)
    found = stretches(cut_at_crossings(cells(laid, groups)), len(groups))
    for group, parts in zip(groups, found, strict=True):
        for part in parts:
            ends = (max(part.lower, 1.0), min(part.upper, 1e11))
            for notional in np.exp(rng.uniform(np.log(ends[0]), np.log(ends[1]), 3)):
                asked = margins(laid, group, float(notional))
                known = [one for one in asked if not np.isnan(one)]
                assert len(known) > 1
                for place in part.cheapest:
                    assert asked[place] == pytest.approx(min(known), rel=1e-8)
                for place in part.dearest:
                    assert asked[place] == pytest.approx(max(known), rel=1e-8)
            asked = [one for one in margins(laid, group, part.upper) if not np.isnan(one)]
            if part.upper < HORIZON:
                due = pytest.approx(max(asked) - min(asked), rel=1e-9, abs=1e-12 * max(asked))
                assert part.spread_upper == due


@pytest.mark.parametrize("seed", range(2))
def test_stretches_cover_every_notional_that_two_functions_reach(seed: int) -> None:
    rng = np.random.default_rng(seed)
    functions = random_functions(rng, 30)
    laid = panel(functions)
    groups = groups_of(rng, functions, 20)
    found = stretches(cut_at_crossings(cells(laid, groups)), len(groups))
    for group, parts in zip(groups, found, strict=True):
        assert parts[0].lower == 0.0
        assert all(one.upper == above.lower for one, above in pairwise(parts))
        assert parts[-1].upper == sorted(group.limits)[-2]


def test_a_tie_names_every_venue_and_a_crossing_parts_the_range() -> None:
    low = flat([D(10_000)], [D("0.01")])
    same = marginal([D(10_000)], [D("0.01")])
    falling = marginal([D(1000), D(10_000)], [D("0.02"), D("0.005")])
    laid = panel([low, same, falling])
    group = Group((0, 1, 2), (1e4, 1e4, 1e4))
    parts = stretches(cut_at_crossings(cells(laid, [group])), 1)[0]
    # 0.02 * 1000 + 0.005 (N - 1000) = 0.01 N at N = 3000.
    assert [(one.lower, one.upper) for one in parts] == [
        (0.0, pytest.approx(3000)),
        (pytest.approx(3000), 10_000),
    ]
    assert parts[0].cheapest == parts[1].dearest == (0, 1)
    assert parts[0].dearest == parts[1].cheapest == (2,)


def test_rungs_leave_out_notionals_that_fewer_than_two_reach() -> None:
    laid = panel([flat([D(5000)], [D("0.01")]), flat([D(10_000)], [D("0.02")])])
    group = Group((0, 1), (5000.0, 8000.0))
    (found,) = rungs(laid, [group], [1000.0, 5000.0, 6000.0, 9000.0])
    assert [(one.notional, one.least, one.most, one.count) for one in found] == [
        (1000.0, 10.0, 20.0, 2),
        (5000.0, 50.0, 100.0, 2),
    ]


def test_a_function_is_not_counted_above_its_limit() -> None:
    rates = (D("0.01"), D("0.02"), D("0.04"))
    laid = panel([flat([D(10_000)], [rate]) for rate in rates])
    group = Group((0, 1, 2), (10_000.0, 10_000.0, 500.0))
    (found,) = rungs(laid, [group], [500.0, 1000.0])
    assert [(one.count, one.most) for one in found] == [(3, 20.0), (2, 20.0)]


@pytest.mark.parametrize("seed", range(4))
def test_the_widest_spread_is_that_of_a_dense_grid(seed: int) -> None:
    rng = np.random.default_rng(seed)
    functions = random_functions(rng, 30)
    laid = panel(functions)
    groups = groups_of(rng, functions, 20)
    found = stretches(cut_at_crossings(cells(laid, groups)), len(groups))
    for group, parts in zip(groups, found, strict=True):
        for part in parts:
            ends = (max(part.lower, 1.0), min(part.upper, 1e11))
            grid = np.exp(np.linspace(np.log(ends[0]), np.log(ends[1]), 300))[1:-1]
            rates = []
            for size in grid:
                asked = [one for one in margins(laid, group, float(size)) if not np.isnan(one)]
                rates.append((max(asked) - min(asked)) / size)
            assert part.widest >= max(rates) * (1 - 1e-9)
            asked = [one for one in margins(laid, group, part.widest_notional) if not np.isnan(one)]
            near = np.nextafter(part.widest_notional, np.inf)
            above = [one for one in margins(laid, group, near) if not np.isnan(one)]
            reached = [
                (max(each) - min(each)) / part.widest_notional for each in (asked, above) if each
            ]
            assert any(part.widest == pytest.approx(one, rel=1e-9, abs=1e-15) for one in reached)


def test_the_widest_spread_can_lie_where_it_is_stationary() -> None:
    # 0.02 N against 100 + 0.005 N + 1e-9 N²: over N, 0.015 − 100/N − 1e-9 N is largest at N² = 1e11.
    straight = flat([D(10_000_000)], [D("0.02")])
    bent = MarginFunction((Piece(D(10_000_000), D(100), D("0.005"), D("1e-9"), D(2)),))
    laid = panel([straight, bent])
    parts = stretches(cut_at_crossings(cells(laid, [Group((0, 1), (1e7, 1e7))])), 1)[0]
    widest = max((one for one in parts if one.dearest == (0,)), key=lambda one: one.widest)
    assert widest.widest_notional == pytest.approx(1e11**0.5)
    assert widest.widest == pytest.approx(0.015 - 2 * (100 * 1e-9) ** 0.5)
