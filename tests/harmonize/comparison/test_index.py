"""The harmonization index: against closed forms and adaptive quadrature."""

from decimal import Decimal as D
from itertools import pairwise
from math import exp, isnan, log

import mpmath
import numpy as np
import pytest
from scipy.integrate import quad

from harmonize.comparison.index import LOWER, UPPER, Distance, from_median, from_reference
from harmonize.core.schedule import INFINITY, MarginFunction, flat, marginal
from harmonize.numerics.panel import Panel, panel
from harmonize.numerics.segments import HORIZON, Group, cells, cut_at_crossings
from tests.support.random_functions import random_functions, uppers_of


def distances(functions: list[MarginFunction], group: Group, *, median: bool) -> Distance:
    laid = panel(functions)
    found = cut_at_crossings(cells(laid, [group]))
    return (from_median if median else from_reference)(found, [group])[0]


def group_of(functions: list[MarginFunction]) -> Group:
    limits = tuple(min(float(one.upper), HORIZON) for one in functions)
    return Group(tuple(range(len(functions))), limits)


def test_identical_functions_have_index_100() -> None:
    function = flat([D(1000), INFINITY], [D("0.01"), D("0.02")])
    for median in (True, False):
        found = distances([function] * 3, group_of([function] * 3), median=median)
        assert found.index == pytest.approx(100.0, rel=1e-14)


def test_a_factor_of_two_everywhere_has_index_50() -> None:
    functions = [flat([INFINITY], [D("0.02")]), flat([INFINITY], [D("0.01")])]
    found = distances(functions, group_of(functions), median=False)
    assert found.each[0] == pytest.approx(log(2), rel=1e-14)
    assert Distance(found.each[:1], found.uppers[:1]).index == pytest.approx(50.0, rel=1e-14)


def test_a_jump_weighs_its_share_of_the_log_range() -> None:
    # Twice the reference on one of the three decades from 10,000 to 10,000,000.
    function = flat([D(1_000_000), INFINITY], [D("0.01"), D("0.02")])
    functions = [function, flat([INFINITY], [D("0.01")])]
    found = distances(functions, group_of(functions), median=False)
    assert found.each[0] == pytest.approx(log(2) / 3, rel=1e-13)


def test_a_venue_counts_as_far_as_it_goes_and_not_at_all_below_the_range() -> None:
    functions = [
        flat([D(100_000)], [D("0.04")]),
        flat([D(5000)], [D("0.04")]),
        flat([INFINITY], [D("0.01")]),
    ]
    found = distances(functions, group_of(functions), median=False)
    assert found.each[0] == pytest.approx(log(4), rel=1e-13)
    assert isnan(found.each[1])
    assert found.uppers[:2] == (100_000.0, 5000.0)
    assert Distance(found.each[:2], found.uppers[:2]).index == pytest.approx(25.0, rel=1e-13)


def test_no_venue_in_the_range_has_no_index() -> None:
    functions = [flat([D(5000)], [D("0.04")]), flat([INFINITY], [D("0.01")])]
    found = distances(functions, group_of(functions), median=False)
    assert isnan(Distance(found.each[:1], found.uppers[:1]).index)


def test_nothing_to_compare_gives_nothing() -> None:
    laid = panel([flat([INFINITY], [D("0.01")])])
    assert from_median(cells(laid, []), []) == []


def integrated(
    laid: Panel, group: Group, place: int, *, median: bool, breaks: list[float]
) -> float:
    """E|ln(f / reference)| by adaptive quadrature between all bounds."""
    top = min(group.limits[place], UPPER)
    if not median:
        top = min(top, group.limits[-1])

    def distance(x: float) -> float:
        notional = exp(x)
        asked = [
            laid.at(function, notional) if notional <= limit else float("nan")
            for function, limit in zip(group.functions, group.limits, strict=True)
        ]
        logs = np.log(asked)
        middle = float(np.nanmedian(logs)) if median else float(logs[-1])
        return abs(float(logs[place]) - middle)

    stations = sorted({LOWER, top, *(one for one in breaks if LOWER < one < top)})
    total: float = sum(
        quad(distance, log(a) + 1e-13, log(b) - 1e-13, limit=60, epsabs=1e-8)[0]
        for a, b in pairwise(stations)
    )
    return total / (log(top) - log(LOWER))


@pytest.mark.parametrize("seed", range(2))
@pytest.mark.parametrize("median", [True, False])
def test_distances_agree_with_adaptive_quadrature(seed: int, *, median: bool) -> None:
    rng = np.random.default_rng(seed)
    functions = random_functions(rng, 4)
    functions.append(flat([INFINITY], [D("0.05")]))
    laid = panel(functions)
    group = group_of(functions)
    found = distances(functions, group, median=median)
    for place in range(2):
        if group.limits[place] <= LOWER:
            assert isnan(found.each[place])
            continue
        due = integrated(laid, group, place, median=median, breaks=uppers_of(functions))
        assert found.each[place] == pytest.approx(due, rel=1e-8, abs=1e-9)


def test_a_sharp_rise_of_rates_is_integrated_to_a_trillionth() -> None:
    """Against the closed form with the dilogarithm, from mpmath."""
    function = marginal([D(100_000), INFINITY], [D("0.004"), D("0.5")])
    functions = [function, flat([INFINITY], [D("0.004")])]
    found = distances(functions, group_of(functions), median=False)
    deduction = mpmath.mpf(100_000) * mpmath.mpf("0.496")

    def antiderivative(notional: float) -> mpmath.mpf:
        """Of ln((0.5 N - D) / (0.004 N)) over ln N."""
        x = mpmath.log(notional)
        inside = deduction / (mpmath.mpf("0.5") * notional)
        return x * mpmath.log(mpmath.mpf("0.5") / mpmath.mpf("0.004")) + mpmath.polylog(2, inside)

    due = (antiderivative(UPPER) - antiderivative(1e5)) / mpmath.log(UPPER / LOWER)
    assert found.each[0] == pytest.approx(float(due), rel=1e-12)


def test_the_median_of_two_is_their_geometric_mean() -> None:
    functions = [flat([INFINITY], [rate]) for rate in (D("0.01"), D("0.04"))]
    found = distances(functions, group_of(functions), median=True)
    assert found.each == pytest.approx((log(2), log(2)), rel=1e-13)
    four = [flat([INFINITY], [rate]) for rate in (D("0.01"), D("0.02"), D("0.08"), D("0.9"))]
    found = distances(four, group_of(four), median=True)
    assert found.each[1:3] == pytest.approx((log(2), log(2)), rel=1e-13)
