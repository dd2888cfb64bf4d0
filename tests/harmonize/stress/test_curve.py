"""One price: closed forms, the published vectors, cliffs, reverse stress and monotonicity."""

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from harmonize.stress.curve import cliffs, curve, losses_at, reverse_stress
from harmonize.stress.errors import StressInputError
from harmonize.stress.impact import (
    DepthImpact,
    Impact,
    LinearImpact,
    SquareRootImpact,
    impacts_by_liquidity,
)
from harmonize.stress.thresholds import Thresholds
from tests.harmonize.stress.markets import longs, stated

STEPS = stated([0.04, 0.06], [2e8, 3e8])
STEP_IMPACT = LinearImpact(5e-11)


def uniform(total: float, count: int = 20_000) -> Thresholds:
    """Falls of equal notional, spread evenly over (0, 1)."""
    return stated((np.arange(count) + 1.0) / count, total / count)


def direct(thresholds: Thresholds, impact: Impact, shock: float) -> float:
    """The move by the definition: liquidate, sell, look again, until nothing more is liquidated."""
    move, sold = shock, -1.0
    while True:
        volume = float(thresholds.notional[thresholds.fall <= move + 1e-12].sum())
        if volume == sold:
            return move
        sold = volume
        move = shock + float(impact.move(np.array(volume)))


def test_uniform_density_and_linear_impact_multiply_the_shock() -> None:
    shocks = np.array([0.02, 0.1, 0.3])
    found = curve(uniform(1e9), LinearImpact(0.5e-9), shocks)  # g = λ × notional per unit of move
    assert found.move == pytest.approx(shocks / (1.0 - 0.5), rel=1e-3)
    assert found.amplification == pytest.approx(2.0, rel=1e-3)


@pytest.mark.parametrize("gain", [1.0, 1.2])
def test_a_gain_of_one_takes_every_position(gain: float) -> None:
    found = curve(uniform(1e9), LinearImpact(gain * 1e-9), [0.01])
    assert found.liquidated[0] == pytest.approx(1e9)
    assert found.move[0] <= 1.0


def test_uniform_density_and_square_root_have_the_closed_form() -> None:
    # u = u₀ + c·√u with c = volatility · √(notional per unit of move / ADV)
    impact = SquareRootImpact(volatility=0.04, daily_volume=1e10)
    factor = 0.04 * np.sqrt(1e9 / 1e10)
    shocks = np.array([0.01, 0.05, 0.2])
    found = curve(uniform(1e9, 200_000), impact, shocks)
    expected = (factor + np.sqrt(factor**2 + 4.0 * shocks)) / 2.0
    assert np.sqrt(found.move) == pytest.approx(expected, rel=1e-4)


def test_shocks_below_one_percent_have_no_amplification() -> None:
    found = curve(uniform(1e9), LinearImpact(0.0), [0.0, 0.009, 0.01])
    assert np.isnan(found.amplification).tolist() == [True, True, False]


def test_two_cliffs_end_where_the_vector_says() -> None:
    found = curve(STEPS, STEP_IMPACT, [0.03, 0.045, 0.05])
    assert found.move == pytest.approx([0.03, 0.055, 0.075])
    assert found.liquidated == pytest.approx([0.0, 2e8, 5e8])


def test_cliffs_state_shock_jump_and_notional() -> None:
    first, second = cliffs(STEPS, STEP_IMPACT)
    assert (first.shock, first.move_before, first.move_after) == pytest.approx((0.04, 0.04, 0.05))
    assert (second.shock, second.jump, second.notional) == pytest.approx((0.05, 0.015, 3e8))
    assert cliffs(STEPS, STEP_IMPACT, 0.012) == (second,)


def test_a_cascade_over_several_thresholds_is_one_cliff() -> None:
    (one,) = cliffs(stated([0.04, 0.045, 0.05], [2e8, 2e8, 2e8]), STEP_IMPACT)
    assert (one.shock, one.jump, one.notional) == pytest.approx((0.04, 0.03, 6e8))


def test_equal_thresholds_can_liquidate_more() -> None:
    """Half at 4 % and half at 8 % against all at 6 %: the equal ones fall together."""
    impact = LinearImpact(2e-11)
    uneven, equal = (stated(pair, [5e8, 5e8]) for pair in ([0.04, 0.08], [0.06, 0.06]))
    shock = [0.0605]
    assert curve(uneven, impact, shock).liquidated[0] == pytest.approx(5e8)
    assert curve(equal, impact, shock).liquidated[0] == pytest.approx(1e9)


def test_a_higher_maintenance_margin_can_deepen_losses() -> None:
    impact = SquareRootImpact(volatility=0.04, daily_volume=1e10)
    losses = [
        float(curve(longs([9.0, 12.0], [8e8, 2e8], rate), impact, [0.10]).loss[0])
        for rate in (0.005, 0.045)
    ]
    assert losses == pytest.approx([4.46e6, 7.09e6], rel=2e-3)


def test_losses_are_exposure_times_the_move_beyond_bankruptcy() -> None:
    rng = np.random.default_rng(5)
    fall = rng.uniform(0.0, 0.4, 300)
    market = stated(
        fall, rng.uniform(1e6, 2e6, 300), venue=rng.integers(0, 3, 300), bankrupt=fall + 0.02
    )
    found = losses_at(market, np.array([0.1, 0.3]))
    for row, move in enumerate((0.1, 0.3)):
        lost = market.exposure * np.maximum(move - market.bankrupt, 0.0)
        assert found[row] == pytest.approx(market.sum_by_venue(lost))


def test_liquidated_notional_by_venue_sums_to_the_total() -> None:
    rng = np.random.default_rng(6)
    market = stated(rng.uniform(0, 0.5, 500), 1e6, venue=rng.integers(0, 4, 500))
    found = curve(market, LinearImpact(1e-9), np.linspace(0.0, 0.4, 9))
    assert found.liquidated_by_venue.sum(axis=1) == pytest.approx(found.liquidated)


def test_reverse_stress_is_the_least_shock_that_exceeds_margins_and_fund() -> None:
    # One liquidation at 5 %, bankrupt at 8 %, $100m: without impact, losses exceed 0 from 8 % on,
    # and a fund of $2m from 10 % on.
    market = stated([0.05], [1e8], bankrupt=[0.08])
    (bare,) = reverse_stress(market, LinearImpact(0.0), [0.0])
    (funded,) = reverse_stress(market, LinearImpact(0.0), [2e6])
    (pushed,) = reverse_stress(market, LinearImpact(2e-10), [2e6])
    assert (bare.shock, funded.shock, pushed.shock) == pytest.approx((0.08, 0.10, 0.08))


def test_margins_left_by_other_liquidations_pay_first() -> None:
    market = stated([0.05, 0.06], [1e8, 1e8], bankrupt=[0.08, 0.12])
    (found,) = reverse_stress(market, LinearImpact(0.0), [0.0])
    assert found.shock == pytest.approx(0.10)  # 2 × u = 0.08 + 0.12


def test_a_venue_that_no_shock_exhausts_has_none() -> None:
    market = stated([0.5], [1e8], bankrupt=[0.9])
    (found,) = reverse_stress(market, LinearImpact(0.0), [1e9])
    assert found.shock is None


def test_reverse_stress_agrees_with_the_curve() -> None:
    rng = np.random.default_rng(8)
    fall = rng.uniform(0.02, 0.3, 200)
    market = stated(
        fall, 1e7, venue=rng.integers(0, 3, 200), bankrupt=fall + rng.uniform(0, 0.05, 200)
    )
    impact, funds = LinearImpact(5e-11), [1e6, 0.0, 5e6]
    for code, found in enumerate(reverse_stress(market, impact, funds)):
        assert found.shock is not None
        shocks = np.append(np.linspace(0.0, found.shock - 1e-6, 200), found.shock + 1e-9)
        moves = curve(market, impact, shocks).move
        own = market.venue == code
        net = [
            float((market.exposure * (move - market.bankrupt))[own & (market.fall <= move)].sum())
            for move in moves
        ]
        assert max(net[:-1]) <= funds[code] + 1e-3
        assert net[-1] > funds[code] - 1e-2


def test_a_depth_table_is_refused_beyond_its_end_only_if_reached() -> None:
    depth = DepthImpact((0.0, 1e8, 3e8), (0.0, 0.005, 0.03))
    assert curve(STEPS, depth, [0.03, 0.04]).move == pytest.approx([0.03, 0.0575])
    with pytest.raises(
        StressInputError, match=r"\$500,000,000 is sold beyond the end of the table; add"
    ):
        curve(STEPS, depth, [0.05])


def test_a_fall_that_never_comes_does_not_meet_the_end_of_a_table() -> None:
    """Both the fall and the impact beyond the table are infinite: neither is taken from the other."""
    depth = DepthImpact((0.0, 1e8, 3e8), (0.0, 0.005, 0.03))
    given = stated([0.04, 0.06, np.inf, np.inf], [2e8, 3e8, 1e8, 1e8])
    with np.errstate(all="raise"):
        assert curve(given, depth, [0.03, 0.04]).move == pytest.approx([0.03, 0.0575])
        with pytest.raises(StressInputError, match="sold beyond the end of the table"):
            curve(given, depth, [0.05])
        jumps = [own.move_after for own in cliffs(given, depth)]
        assert jumps == pytest.approx([0.0575, np.inf])
        assert len(reverse_stress(given, depth, [0.0])) == 1


@pytest.mark.parametrize("shock", [-0.01, 1.0, float("nan")])
def test_shocks_outside_zero_to_one_are_refused(shock: float) -> None:
    with pytest.raises(StressInputError, match=r"shock: expected fractions from 0 to below 1"):
        curve(STEPS, STEP_IMPACT, [shock])


def test_no_shock_is_refused() -> None:
    with pytest.raises(StressInputError, match="shock: expected at least one"):
        curve(STEPS, STEP_IMPACT, [])


@pytest.mark.parametrize("volume", [0.0, float("nan"), -1.0])
def test_a_market_without_volume_is_refused(volume: float) -> None:
    with pytest.raises(StressInputError, match="daily volume: expected a finite number above 0"):
        SquareRootImpact(volatility=0.04, daily_volume=volume)


def test_the_three_liquidities_multiply_volatility() -> None:
    impacts = impacts_by_liquidity(volatility=0.03, daily_volume=1e10)
    moves = {key: float(impact.move(np.array(1e8))) for key, impact in impacts.items()}
    assert moves == pytest.approx({1.0: 0.003, 4.0: 0.012, 10.0: 0.03})


def test_an_exponent_other_than_one_half_is_a_power() -> None:
    impact = SquareRootImpact(0.03, 1e10, coefficient=2.0, exponent=0.6)
    assert impact.move(np.array(1e8)) == pytest.approx(0.06 * 0.01**0.6)


@pytest.mark.parametrize(
    ("volumes", "moves"),
    [
        ((0.0, 1.0), (0.0,)),
        ((0.0, 2.0, 1.0), (0.0, 0.1, 0.2)),
        ((1.0, 2.0), (0.0, 0.1)),
        ((0.0,), (0.0,)),
    ],
)
def test_a_depth_table_rises_from_zero(
    volumes: tuple[float, ...], moves: tuple[float, ...]
) -> None:
    with pytest.raises(StressInputError, match="depth: expected"):
        DepthImpact(volumes, moves)


@pytest.mark.parametrize("funds", [[-1.0], [1.0, 2.0], [float("nan")]])
def test_funds_are_one_number_per_venue(funds: list[float]) -> None:
    with pytest.raises(StressInputError, match="fund: expected a number from 0 per venue"):
        reverse_stress(STEPS, STEP_IMPACT, funds)


ROWS = st.lists(st.tuples(st.floats(0.0, 0.6), st.floats(1e5, 1e8)), min_size=1, max_size=30)
SHOCK = st.floats(0.0, 0.5)


@given(ROWS, SHOCK, st.floats(0.0, 5e-10))
def test_the_move_is_the_least_fixed_point(
    rows: list[tuple[float, float]], shock: float, slope: float
) -> None:
    market = stated(*zip(*rows, strict=True))
    impact = LinearImpact(slope)
    found = curve(market, impact, [shock]).move[0]
    assert found == pytest.approx(min(direct(market, impact, shock), 1.0), abs=1e-9)


@given(ROWS, SHOCK, SHOCK, st.floats(0.0, 5e-10), st.floats(1.0, 3.0))
def test_move_and_liquidations_rise_with_shock_and_impact(
    rows: list[tuple[float, float]], one: float, other: float, slope: float, factor: float
) -> None:
    market = stated(*zip(*rows, strict=True))
    low, high = sorted((one, other))
    found = curve(market, LinearImpact(slope), [low, high])
    stronger = curve(market, LinearImpact(slope * factor), [low, high])
    assert found.move[0] <= found.move[1] + 1e-12
    assert found.liquidated[0] <= found.liquidated[1]
    assert (found.move <= stronger.move + 1e-12).all()
    assert (found.liquidated <= stronger.liquidated).all()


POSITIONS = st.lists(st.tuples(st.floats(1.1, 50.0), st.floats(1e5, 1e8)), min_size=1, max_size=20)


@given(POSITIONS, SHOCK, st.floats(0.001, 0.2), st.floats(0.001, 0.2), st.floats(1.0, 2.0))
def test_liquidations_rise_with_maintenance_margin_and_fall_with_margin(
    rows: list[tuple[float, float]], shock: float, one: float, other: float, factor: float
) -> None:
    leverages, notionals = zip(*rows, strict=True)
    low, high = sorted((one, other))
    impact = LinearImpact(2e-10)
    base = curve(longs(leverages, notionals, low), impact, [shock])
    tighter = curve(longs(leverages, notionals, high), impact, [shock])
    assert base.move[0] <= tighter.move[0] + 1e-12
    assert base.liquidated[0] <= tighter.liquidated[0] * (1 + 1e-12)
    assume(max(leverages) / factor > 1.0)
    richer = curve(longs([value / factor for value in leverages], notionals, low), impact, [shock])
    assert richer.move[0] <= base.move[0] + 1e-12
    assert richer.liquidated[0] <= base.liquidated[0] * (1 + 1e-12)


def test_reverse_stress_states_what_the_venue_liquidates_there() -> None:
    market = stated(
        [0.02, 0.05, 0.03], [1e6, 2e6, 7e6], venue=[0, 0, 1], bankrupt=[0.03, 0.051, 0.9]
    )
    first, second = reverse_stress(market, LinearImpact(0.0), [0.0, 0.0])
    assert first.shock == pytest.approx(0.03)
    assert first.liquidated == 1e6
    assert second.liquidated == 7e6
