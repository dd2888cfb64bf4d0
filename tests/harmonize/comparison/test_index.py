"""The harmonization index: against closed forms and adaptive quadrature."""

from decimal import Decimal as D
from itertools import pairwise
from math import exp, isnan, log

import mpmath
import numpy as np
import pytest
from scipy.integrate import quad

from harmonize.comparison.index import LOWER, UPPER, Distance, from_median, from_reference
from harmonize.core.schedule import INFINITY, MarginFunction, Piece, flat, marginal
from harmonize.numerics.panel import Panel, build_panel
from harmonize.numerics.segments import HORIZON, Group, cells, cut_at_crossings
from tests.support.random_functions import random_functions, uppers_of


def distance_of(functions: list[MarginFunction], group: Group, *, median: bool) -> Distance:
    functions_panel = build_panel(functions)
    segments = cut_at_crossings(cells(functions_panel, [group]))
    return (from_median if median else from_reference)(segments, [group])[0]


def group_of(functions: list[MarginFunction]) -> Group:
    limits = tuple(min(float(function.upper), HORIZON) for function in functions)
    return Group(tuple(range(len(functions))), limits)


def test_identical_functions_have_index_100() -> None:
    function = flat([D(1000), INFINITY], [D("0.01"), D("0.02")])
    for median in (True, False):
        result = distance_of([function] * 3, group_of([function] * 3), median=median)
        assert result.index == pytest.approx(100.0, rel=1e-14)


def test_a_factor_of_two_everywhere_has_index_50() -> None:
    functions = [flat([INFINITY], [D("0.02")]), flat([INFINITY], [D("0.01")])]
    result = distance_of(functions, group_of(functions), median=False)
    assert result.values[0] == pytest.approx(log(2), rel=1e-14)
    assert Distance(result.values[:1], result.uppers[:1]).index == pytest.approx(50.0, rel=1e-14)


def test_a_jump_weighs_its_share_of_the_log_range() -> None:
    # Twice the reference on one of the three decades from 10,000 to 10,000,000.
    function = flat([D(1_000_000), INFINITY], [D("0.01"), D("0.02")])
    functions = [function, flat([INFINITY], [D("0.01")])]
    result = distance_of(functions, group_of(functions), median=False)
    assert result.values[0] == pytest.approx(log(2) / 3, rel=1e-13)


def test_a_venue_counts_up_to_its_limit_and_not_at_all_below_the_range() -> None:
    functions = [
        flat([D(100_000)], [D("0.04")]),
        flat([D(5000)], [D("0.04")]),
        flat([INFINITY], [D("0.01")]),
    ]
    result = distance_of(functions, group_of(functions), median=False)
    assert result.values[0] == pytest.approx(log(4), rel=1e-13)
    assert isnan(result.values[1])
    assert result.uppers[:2] == (100_000.0, 5000.0)
    assert Distance(result.values[:2], result.uppers[:2]).index == pytest.approx(25.0, rel=1e-13)


def test_no_venue_in_the_range_has_no_index() -> None:
    functions = [flat([D(5000)], [D("0.04")]), flat([INFINITY], [D("0.01")])]
    result = distance_of(functions, group_of(functions), median=False)
    assert isnan(Distance(result.values[:1], result.uppers[:1]).index)


def test_no_group_has_no_distances() -> None:
    single = build_panel([flat([INFINITY], [D("0.01")])])
    assert from_median(cells(single, []), []) == []


def integrated(
    functions_panel: Panel, group: Group, position: int, *, median: bool, breaks: list[float]
) -> float:
    """E|ln(f / reference)| by adaptive quadrature between all bounds."""
    top = min(group.limits[position], UPPER)
    if not median:
        top = min(top, group.limits[-1])

    def distance(x: float) -> float:
        notional = exp(x)
        margins = [
            functions_panel.at(function, notional) if notional <= limit else float("nan")
            for function, limit in zip(group.functions, group.limits, strict=True)
        ]
        logs = np.log(margins)
        middle = float(np.nanmedian(logs)) if median else float(logs[-1])
        return abs(float(logs[position]) - middle)

    ends = sorted({LOWER, top, *(point for point in breaks if LOWER < point < top)})
    total: float = sum(
        quad(distance, log(a) + 1e-13, log(b) - 1e-13, limit=60, epsabs=1e-8)[0]
        for a, b in pairwise(ends)
    )
    return total / (log(top) - log(LOWER))


@pytest.mark.parametrize("seed", range(2))
@pytest.mark.parametrize("median", [True, False])
def test_distances_agree_with_adaptive_quadrature(seed: int, *, median: bool) -> None:
    rng = np.random.default_rng(seed)
    functions = random_functions(rng, 4)
    functions.append(flat([INFINITY], [D("0.05")]))
    functions_panel = build_panel(functions)
    group = group_of(functions)
    result = distance_of(functions, group, median=median)
    for position in range(2):
        if group.limits[position] <= LOWER:
            assert isnan(result.values[position])
            continue
        expected = integrated(
            functions_panel, group, position, median=median, breaks=uppers_of(functions)
        )
        assert result.values[position] == pytest.approx(expected, rel=1e-8, abs=1e-9)


def test_a_sharp_rise_of_rates_is_integrated_to_a_trillionth() -> None:
    """Against the closed form with the dilogarithm, from mpmath."""
    function = marginal([D(100_000), INFINITY], [D("0.004"), D("0.5")])
    functions = [function, flat([INFINITY], [D("0.004")])]
    result = distance_of(functions, group_of(functions), median=False)
    deduction = mpmath.mpf(100_000) * mpmath.mpf("0.496")

    def antiderivative(notional: float) -> mpmath.mpf:
        """Of ln((0.5 N - D) / (0.004 N)) over ln N."""
        x = mpmath.log(notional)
        inside = deduction / (mpmath.mpf("0.5") * notional)
        return x * mpmath.log(mpmath.mpf("0.5") / mpmath.mpf("0.004")) + mpmath.polylog(2, inside)

    expected = (antiderivative(UPPER) - antiderivative(1e5)) / mpmath.log(UPPER / LOWER)
    assert result.values[0] == pytest.approx(float(expected), rel=1e-12)


def test_the_median_of_two_is_their_geometric_mean() -> None:
    functions = [flat([INFINITY], [rate]) for rate in (D("0.01"), D("0.04"))]
    result = distance_of(functions, group_of(functions), median=True)
    assert result.values == pytest.approx((log(2), log(2)), rel=1e-13)
    four = [flat([INFINITY], [rate]) for rate in (D("0.01"), D("0.02"), D("0.08"), D("0.9"))]
    result = distance_of(four, group_of(four), median=True)
    assert result.values[1:3] == pytest.approx((log(2), log(2)), rel=1e-13)


@pytest.mark.parametrize("median", [True, False])
def test_a_cell_as_narrow_as_rounding_adds_nothing(*, median: bool) -> None:
    # Bounds in contracts, converted to USD, may differ by one rounding; here both ends of the cell
    # between them are, after rounding, equally far from the notional at which the second line is 0.
    near = D("226000.00000000003")
    line = MarginFunction(
        (Piece(D(226_000), rate=D("0.02")), Piece(INFINITY, D("-2447.2"), D("0.03")))
    )
    functions = [line, flat([D(226_000), near, INFINITY], [D("0.02")] * 3)]
    lower, upper, zero = 226_000.0, float(near), 2447.2 / 0.03
    assert lower < upper
    assert upper - zero == lower - zero
    result = distance_of(functions, group_of(functions), median=median)
    whole = [line, flat([INFINITY], [D("0.02")])]
    expected = distance_of(whole, group_of(whole), median=median)
    assert result.values[0] == pytest.approx(expected.values[0], rel=1e-12)
