"""Deviation of a function from its reference, compared with dense evaluation and algebra."""

from dataclasses import replace
from decimal import Decimal as D

import numpy as np
import pytest

from harmonize.core.schedule import INFINITY, ZERO, MarginFunction, Piece, flat, marginal
from harmonize.numerics.deviation import Deviation, FunctionPair, deviations
from harmonize.numerics.panel import build_panel
from harmonize.numerics.segments import HORIZON
from tests.support.random_functions import random_functions


def deviation_of(
    function: MarginFunction, reference: MarginFunction, relative: float = 0.0
) -> Deviation:
    pair = FunctionPair(
        0, 1, float(function.upper), float(reference.upper), relative, relative, 0.0
    )
    return deviations(build_panel([function, reference]), [pair])[0]


def test_marginal_leaves_the_band_of_a_cap_at_the_algebraic_notional() -> None:
    # 0.5 % marginal from 300,000 up: MM = 0.005 N - 300, and 0.9 * 0.005 N at N = 600,000.
    function = marginal([D(300_000), D(800_000)], [D("0.004"), D("0.005")])
    deviation = deviation_of(function, flat([INFINITY], [D("0.005")]), relative=0.1)
    assert deviation.lowest == pytest.approx(-0.2, rel=1e-12)
    assert deviation.highest == pytest.approx((0.005 * 800_000 - 300) / 4000 - 1, rel=1e-12)
    assert deviation.highest_notional == 800_000
    ((lower, upper),) = deviation.under
    assert lower == 0.0
    assert upper == pytest.approx(600_000, rel=1e-12)
    assert deviation.over == ()


def test_the_extreme_at_a_jump_is_the_limit_from_above() -> None:
    function = flat([D(1000), D(5000)], [D("0.01"), D("0.02")])
    deviation = deviation_of(function, marginal([D(5000)], [D("0.01")]))
    assert deviation.lowest == 0.0
    assert deviation.highest == pytest.approx(1.0, rel=1e-15)
    assert deviation.highest_notional == 1000
    assert deviation.over == ((1000.0, 5000.0),)


def test_a_power_piece_has_its_extreme_inside_the_cell() -> None:
    # Above 6,000: 1e-6 N^2 / (0.01 N - 50) has its least value, 2, where N = 10,000.
    function = MarginFunction(
        (Piece(D(6000), ZERO, D("0.05")), Piece(D(100_000), ZERO, ZERO, D("0.000001")))
    )
    reference = MarginFunction(
        (Piece(D(6000), ZERO, D("0.001")), Piece(INFINITY, D(-50), D("0.01")))
    )
    deviation = deviation_of(function, reference)
    assert deviation.lowest == pytest.approx(1.0, rel=1e-12)
    assert deviation.lowest_notional == pytest.approx(10_000, rel=1e-6)
    assert deviation.highest == pytest.approx(49.0, rel=1e-12)


def test_absolute_tolerance_is_a_share_of_notional() -> None:
    reference = flat([INFINITY], [D("0.5")])
    for rate, under in ((D("0.49991"), ()), (D("0.4998"), ((0.0, 1000.0),))):
        pair = FunctionPair(0, 1, 1000.0, HORIZON, 0.0, 0.0, 1e-4)
        assert (
            deviations(build_panel([flat([D(1000)], [rate]), reference]), [pair])[0].under == under
        )


def test_equal_functions_have_no_deviation() -> None:
    function = marginal([D(5), D(70), D(900)], [D("0.01"), D("0.02"), D("0.5")])
    deviation = deviation_of(function, function)
    assert (deviation.lowest, deviation.highest, deviation.under, deviation.over) == (
        0.0,
        0.0,
        (),
        (),
    )


def test_functions_without_shared_notional_have_no_deviation() -> None:
    pair = FunctionPair(0, 1, 0.0, HORIZON, 0.1, 0.1, 0.0)
    functions = [flat([D(1000)], [D("0.01")]), flat([INFINITY], [D("0.01")])]
    deviation = deviations(build_panel(functions), [pair])[0]
    assert np.isnan(deviation.lowest)
    assert deviation.under == deviation.over == ()


def test_no_pairs_have_no_deviations() -> None:
    assert deviations(build_panel([flat([D(1000)], [D("0.01")])]), []) == []


def test_equal_pairs_have_one_deviation() -> None:
    book = build_panel([flat([D(1000)], [D("0.01")]), flat([D(1000)], [D("0.02")])])
    pair, reverse = (FunctionPair(k, 1 - k, 1e3, 1e3, 0.0, 0.0, 0.0) for k in (0, 1))
    first, second, third = deviations(book, [pair, reverse, replace(pair)])
    assert (first.lowest, second.lowest) == pytest.approx((-0.5, 1.0))
    assert third is first


@pytest.mark.sample(1)
@pytest.mark.parametrize("seed", range(4))
def test_extremes_and_ranges_agree_with_dense_evaluation(seed: int) -> None:
    rng = np.random.default_rng(seed)
    functions = random_functions(rng, 60)
    book = build_panel(functions)
    pairs = [
        FunctionPair(
            int(index),
            int(reference_index),
            min(float(functions[index].upper), HORIZON),
            min(float(functions[reference_index].upper), HORIZON),
            float(rng.choice([0.0, 0.15, 0.5])),
            float(rng.choice([0.0, 0.3, 2.0])),
            float(rng.choice([0.0, 1e-4])),
            float(rng.choice([0.0, 250_000.0])),
        )
        for index, reference_index in rng.integers(0, len(functions), (120, 2))
    ]
    for pair, deviation in zip(pairs, deviations(book, pairs), strict=True):
        top = min(pair.limit, pair.reference_limit)
        notional = np.unique(
            np.concatenate([np.geomspace(1.0, top, 1501), book.upper[book.upper <= top]])
        )
        notional = notional[notional > pair.floor]
        if not notional.size:
            assert np.isnan(deviation.lowest)
            continue
        margin = book.evaluate(np.full(notional.size, pair.function), notional)
        reference = book.evaluate(np.full(notional.size, pair.reference), notional)
        ratio = margin / reference - 1.0
        assert deviation.lowest <= ratio.min() + 1e-12 * abs(ratio.min())
        assert deviation.highest >= ratio.max() - 1e-12 * abs(ratio.max())
        # No sample can be much beyond the extremes, and they are near some sample.
        assert deviation.lowest >= ratio.min() - 0.02 * (1 + abs(ratio.min()))
        low = (1 - pair.below) * reference - pair.absolute * notional
        high = (1 + pair.above) * reference + pair.absolute * notional
        slack = 1e-9 * reference
        for ranges, certain, impossible in (
            (deviation.under, margin < low - slack, margin > low + slack),
            (deviation.over, margin > high + slack, margin < high - slack),
        ):
            inside = np.zeros(notional.size, bool)
            for lower, upper in ranges:
                inside |= (notional > lower) & (notional <= upper)
            edges = np.array([edge for range_ in ranges for edge in range_])
            near = (
                np.array([bool(np.isclose(edges, n, rtol=1e-9).any()) for n in notional])
                if edges.size
                else np.zeros(notional.size, bool)
            )
            assert inside[certain & ~near].all()
            assert not inside[impossible & ~near].any()
