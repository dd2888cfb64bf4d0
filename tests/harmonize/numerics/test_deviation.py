"""How a function stands to its reference: against dense evaluation and worked algebra."""

from decimal import Decimal as D

import numpy as np
import pytest

from harmonize.core.schedule import INFINITY, ZERO, MarginFunction, Piece, flat, marginal
from harmonize.numerics.deviation import Deviation, FunctionPair, deviations
from harmonize.numerics.panel import panel
from harmonize.numerics.segments import HORIZON
from tests.support.random_functions import random_functions


def stand(function: MarginFunction, reference: MarginFunction, relative: float = 0.0) -> Deviation:
    pair = FunctionPair(
        0, 1, float(function.upper), float(reference.upper), relative, relative, 0.0
    )
    return deviations(panel([function, reference]), [pair])[0]


def test_marginal_against_a_cap_leaves_the_band_where_the_algebra_says() -> None:
    # 0.5 % marginal from 300,000 up: MM = 0.005 N - 300, and 0.9 * 0.005 N at N = 600,000.
    function = marginal([D(300_000), D(800_000)], [D("0.004"), D("0.005")])
    found = stand(function, flat([INFINITY], [D("0.005")]), relative=0.1)
    assert found.lowest == pytest.approx(-0.2, rel=1e-12)
    assert found.highest == pytest.approx((0.005 * 800_000 - 300) / 4000 - 1, rel=1e-12)
    assert found.highest_notional == 800_000
    ((lower, upper),) = found.under
    assert lower == 0.0
    assert upper == pytest.approx(600_000, rel=1e-12)
    assert found.over == ()


def test_the_extreme_at_a_jump_is_the_limit_from_above() -> None:
    function = flat([D(1000), D(5000)], [D("0.01"), D("0.02")])
    found = stand(function, marginal([D(5000)], [D("0.01")]))
    assert found.lowest == 0.0
    assert found.highest == pytest.approx(1.0, rel=1e-15)
    assert found.highest_notional == 1000
    assert found.over == ((1000.0, 5000.0),)


def test_a_power_piece_has_its_extreme_inside_the_cell() -> None:
    # Above 6,000: 1e-6 N^2 / (0.01 N - 50) has its least value, 2, where N = 10,000.
    function = MarginFunction(
        (Piece(D(6000), ZERO, D("0.05")), Piece(D(100_000), ZERO, ZERO, D("0.000001")))
    )
    reference = MarginFunction(
        (Piece(D(6000), ZERO, D("0.001")), Piece(INFINITY, D(-50), D("0.01")))
    )
    found = stand(function, reference)
    assert found.lowest == pytest.approx(1.0, rel=1e-12)
    assert found.lowest_notional == pytest.approx(10_000, rel=1e-6)
    assert found.highest == pytest.approx(49.0, rel=1e-12)


def test_absolute_tolerance_is_a_share_of_notional() -> None:
    reference = flat([INFINITY], [D("0.5")])
    for rate, under in ((D("0.49991"), ()), (D("0.4998"), ((0.0, 1000.0),))):
        pair = FunctionPair(0, 1, 1000.0, HORIZON, 0.0, 0.0, 1e-4)
        assert deviations(panel([flat([D(1000)], [rate]), reference]), [pair])[0].under == under


def test_equal_functions_have_no_divergence() -> None:
    function = marginal([D(5), D(70), D(900)], [D("0.01"), D("0.02"), D("0.5")])
    found = stand(function, function)
    assert (found.lowest, found.highest, found.under, found.over) == (0.0, 0.0, (), ())


def test_no_shared_notional_has_no_standing() -> None:
    pair = FunctionPair(0, 1, 0.0, HORIZON, 0.1, 0.1, 0.0)
    functions = [flat([D(1000)], [D("0.01")]), flat([INFINITY], [D("0.01")])]
    found = deviations(panel(functions), [pair])[0]
    assert np.isnan(found.lowest)
    assert found.under == found.over == ()


def test_no_pairs_have_no_standings() -> None:
    assert deviations(panel([flat([D(1000)], [D("0.01")])]), []) == []


@pytest.mark.parametrize("seed", range(4))
def test_extremes_and_ranges_agree_with_dense_evaluation(seed: int) -> None:
    rng = np.random.default_rng(seed)
    functions = random_functions(rng, 60)
    laid = panel(functions)
    pairs = [
        FunctionPair(
            int(one),
            int(other),
            min(float(functions[one].upper), HORIZON),
            min(float(functions[other].upper), HORIZON),
            float(rng.choice([0.0, 0.15, 0.5])),
            float(rng.choice([0.0, 0.3, 2.0])),
            float(rng.choice([0.0, 1e-4])),
            float(rng.choice([0.0, 250_000.0])),
        )
        for one, other in rng.integers(0, len(functions), (120, 2))
    ]
    for pair, found in zip(pairs, deviations(laid, pairs), strict=True):
        top = min(pair.limit, pair.reference_limit)
        at = np.unique(
            np.concatenate([np.geomspace(1.0, top, 1501), laid.upper[laid.upper <= top]])
        )
        at = at[at > pair.floor]
        if not at.size:
            assert np.isnan(found.lowest)
            continue
        own = laid.evaluate(np.full(at.size, pair.function), at)
        due = laid.evaluate(np.full(at.size, pair.reference), at)
        ratio = own / due - 1.0
        assert found.lowest <= ratio.min() + 1e-12 * abs(ratio.min())
        assert found.highest >= ratio.max() - 1e-12 * abs(ratio.max())
        # No sample can be much beyond the extremes, and they are near some sample.
        assert found.lowest >= ratio.min() - 0.02 * (1 + abs(ratio.min()))
        low = (1 - pair.below) * due - pair.absolute * at
        high = (1 + pair.above) * due + pair.absolute * at
        margin = 1e-9 * due
        for ranges, surely, surely_not in (
            (found.under, own < low - margin, own > low + margin),
            (found.over, own > high + margin, own < high - margin),
        ):
            inside = np.zeros(at.size, bool)
            for lower, upper in ranges:
                inside |= (at > lower) & (at <= upper)
            edges = np.array([edge for one in ranges for edge in one])
            near = (
                np.array([bool(np.isclose(edges, n, rtol=1e-9).any()) for n in at])
                if edges.size
                else np.zeros(at.size, bool)
            )
            assert inside[surely & ~near].all()
            assert not inside[surely_not & ~near].any()
