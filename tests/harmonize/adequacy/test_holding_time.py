from datetime import UTC, datetime
from math import inf

import numpy as np
import pytest

from harmonize.adequacy.contract_risk import prepare
from harmonize.adequacy.holding_time import (
    Crossing,
    HoldingTime,
    TimeBound,
    crossing,
    holding_time,
)
from harmonize.adequacy.horizons import HORIZONS, HorizonMove, Side, growth_exponents
from harmonize.adequacy.tail import TailEstimate
from harmonize.core.schedule import Unknown
from harmonize.market.prices import SeriesId
from harmonize.market.returns import simple_returns
from tests.harmonize.adequacy.contracts import (
    AS_OF,
    DAY,
    HOUR,
    QUARTER,
    candles,
    random_candles,
    real_closes,
)
from tests.harmonize.market.small import identity


def move(horizon: int, value: float, lower: float, upper: float) -> HorizonMove:
    estimate = TailEstimate(0.99, value, 1000, lower, upper, 0.95)
    return HorizonMove(horizon, Side.LONG, estimate, identity())


def known(result: HoldingTime | Unknown) -> HoldingTime:
    assert isinstance(result, HoldingTime)
    return result


def test_between_horizons_logarithms_are_joined_by_a_straight_line() -> None:
    # Moves of 1 % over an hour and 4 % over 16 hours lie on move = 1 % · √(hours).
    moves = [move(HOUR, 0.01, 0.009, 0.011), move(16 * HOUR, 0.04, 0.036, 0.05)]
    result = known(holding_time(moves, 0.02))
    assert result.time.bound is TimeBound.MEASURED
    assert result.time.seconds == pytest.approx(4 * HOUR)
    # Where the exponent is 0.25, the time grows with the fourth power.
    flat = [move(HOUR, 0.01, 0.009, 0.011), move(16 * HOUR, 0.02, 0.018, 0.022)]
    assert known(holding_time(flat, 0.015)).time.seconds == pytest.approx(HOUR * 1.5**4)


def test_a_margin_outside_the_measured_moves_is_bounded_only() -> None:
    moves = [move(QUARTER, 0.007, 0.006, 0.008), move(5 * DAY, 0.2, 0.15, 0.3)]
    assert known(holding_time(moves, 0.004)).time == Crossing(TimeBound.SHORTER, QUARTER)
    assert known(holding_time(moves, 0.5)).time == Crossing(TimeBound.LONGER, 5 * DAY)
    assert known(holding_time(moves, 0.007)).time == Crossing(TimeBound.MEASURED, QUARTER)
    assert known(holding_time(moves, 0.2)).time == Crossing(TimeBound.LONGER, 5 * DAY)


def test_the_band_of_the_moves_bounds_the_time() -> None:
    moves = [move(HOUR, 0.01, 0.008, 0.0125), move(16 * HOUR, 0.04, 0.032, 0.05)]
    result = known(holding_time(moves, 0.02))
    # The bounds lie on 1.25 % · √h and 0.8 % · √h.
    assert result.shortest.seconds == pytest.approx(HOUR * (0.02 / 0.0125) ** 2)
    assert result.longest.seconds == pytest.approx(HOUR * (0.02 / 0.008) ** 2)
    assert result.shortest.seconds < result.time.seconds < result.longest.seconds


def test_a_move_that_is_unbounded_above_leaves_the_horizon_before_it_as_bound() -> None:
    moves = [move(HOUR, 0.01, 0.008, 0.0125), move(16 * HOUR, 0.04, 0.032, inf)]
    assert known(holding_time(moves, 0.02)).shortest == Crossing(TimeBound.MEASURED, HOUR)
    first = [move(HOUR, 0.01, 0.008, inf), move(16 * HOUR, 0.04, 0.032, inf)]
    assert known(holding_time(first, 0.02)).shortest == Crossing(TimeBound.SHORTER, HOUR)


def test_the_first_crossing_counts_if_moves_fall_with_time() -> None:
    result = crossing([1, 4, 16, 64], [0.01, 0.04, 0.02, 0.08], 0.02)
    assert result.seconds == pytest.approx(2.0)
    assert crossing([1, 4], [0.03, 0.01], 0.02) == Crossing(TimeBound.SHORTER, 1)


def test_the_square_root_stands_beside_and_is_that_of_a_day() -> None:
    moves = [move(QUARTER, 0.007, 0.006, 0.008), move(DAY, 0.08, 0.07, 0.09)]
    result = known(holding_time(moves, 0.004))
    assert result.by_square_root == pytest.approx(DAY * (0.004 / 0.08) ** 2)  # 3.6 minutes
    assert result.root_horizon == DAY
    hourly = known(holding_time(moves[:1], 0.014))
    assert hourly.root_horizon == QUARTER
    assert hourly.by_square_root == pytest.approx(4 * QUARTER)


def test_horizons_without_a_number_are_passed_over_with_their_reason() -> None:
    few = HorizonMove(HOUR, Side.LONG, Unknown("9 observations, 100 are required at 0.99"))
    moves = [few, move(4 * HOUR, 0.02, 0.01, 0.03), move(16 * HOUR, 0.04, 0.03, 0.05)]
    assert known(holding_time(moves, 0.01)).time == Crossing(TimeBound.SHORTER, 4 * HOUR)
    assert holding_time([few], 0.01) == Unknown("9 observations, 100 are required at 0.99")


@pytest.mark.parametrize("rate", [0.0, -1.0, 40.0])
def test_a_rate_in_percent_is_refused(rate: float) -> None:
    with pytest.raises(ValueError, match=r"use 0\.05 for 5 %"):
        holding_time([move(HOUR, 0.01, 0.009, 0.011)], rate)


def test_two_sides_are_refused() -> None:
    short = HorizonMove(DAY, Side.SHORT, TailEstimate(0.99, 0.1, 1000), identity())
    with pytest.raises(ValueError, match="expected one side"):
        holding_time([move(HOUR, 0.01, 0.009, 0.011), short], 0.01)


def test_a_crossing_names_the_series_next_to_it() -> None:
    hourly = SeriesId("a", identity().kind, "X", identity().underlying, "USDT", HOUR)
    daily = SeriesId("b", identity().kind, "X", identity().underlying, "USDT", DAY)
    moves = [
        HorizonMove(HOUR, Side.LONG, TailEstimate(0.99, 0.01, 1000, 0.009, 0.011), hourly),
        HorizonMove(DAY, Side.LONG, TailEstimate(0.99, 0.05, 400, 0.04, 0.06), daily),
        HorizonMove(5 * DAY, Side.LONG, TailEstimate(0.99, 0.1, 1000, 0.09, 0.2), daily),
    ]
    assert known(holding_time(moves, 0.02)).series == (hourly, daily)
    assert known(holding_time(moves, 0.02)).observations == 400
    assert known(holding_time(moves, 0.07)).series == (daily,)
    assert known(holding_time(moves, 0.001)).series == (hourly,)


def test_the_holding_time_of_a_random_walk_is_its_square() -> None:
    """Steps of 0.1 % each quarter of an hour: the 99 % move over n steps is 2.326 · 0.1 % · √n."""
    steps = np.random.default_rng(2).standard_normal(150_000) * 0.001
    series = candles(np.exp(np.cumsum(steps)), QUARTER)
    risk = prepare([series], datetime(2030, 1, 1, tzinfo=UTC))
    assert not isinstance(risk, Unknown)
    moves = [m for m in risk.horizons if m.side is Side.SHORT]
    for steps_held in (3, 10, 40):
        rate = 2.3263 * 0.001 * np.sqrt(steps_held)
        result = known(holding_time(moves, rate))
        assert result.time.seconds == pytest.approx(steps_held * QUARTER, rel=0.1)
        assert result.by_square_root == pytest.approx(steps_held * QUARTER, rel=0.25)
    by_range = {(e.side, e.shortest, e.longest): e.value for e in risk.exponents}
    assert by_range[Side.LONG, QUARTER, DAY] == pytest.approx(0.5, abs=0.04)


def test_the_exponent_is_the_slope_of_logarithms_in_one_series() -> None:
    series = real_closes()
    exponents = {(e.side, e.shortest, e.longest): e.value for e in growth_exponents(series, 0.99)}
    assert list(exponents) == [
        (side, *bounds)
        for side in Side
        for bounds in ((QUARTER, 5 * DAY), (QUARTER, DAY), (DAY, 5 * DAY))
    ]
    for side, sign in ((Side.LONG, -1), (Side.SHORT, 1)):
        hours = [h / HOUR for h in HORIZONS[:4]]
        values = [
            float(np.quantile(sign * simple_returns(series, h // QUARTER).values, 0.99))
            for h in HORIZONS[:4]
        ]
        x, y = np.log(hours), np.log(values)
        slope = np.sum((x - x.mean()) * (y - y.mean())) / np.sum((x - x.mean()) ** 2)
        assert exponents[side, QUARTER, DAY] == pytest.approx(float(slope))


def test_days_alone_have_one_exponent_per_side() -> None:
    exponents = growth_exponents(random_candles(4, 300, DAY), 0.99)
    assert [(e.side, e.shortest, e.longest) for e in exponents] == [
        (side, DAY, 5 * DAY) for side in Side
    ]
    assert growth_exponents(random_candles(4, 90, DAY), 0.99) == ()


def test_what_the_pages_state_about_the_square_root_of_time() -> None:
    """MH309 and docs/adequacy.md: BTC, Binance perpetual, January 2023 to December 2025."""
    risk = prepare([real_closes()], AS_OF)
    assert not isinstance(risk, Unknown)
    exponents = {(e.side, e.shortest, e.longest): e.value for e in risk.exponents}
    assert exponents[Side.LONG, QUARTER, DAY] == pytest.approx(0.474, abs=0.001)
    assert exponents[Side.SHORT, QUARTER, DAY] == pytest.approx(0.519, abs=0.001)
    assert exponents[Side.LONG, DAY, 5 * DAY] == pytest.approx(0.368, abs=0.001)
    assert exponents[Side.SHORT, DAY, 5 * DAY] == pytest.approx(0.567, abs=0.001)
    # From the move over a day of the same candles, √t gives that over a quarter of an hour:
    closes = real_closes()
    for sign, measured, scaled in ((-1, 0.00709, 0.00630), (1, 0.00712, 0.00782)):
        quarter, day = (
            float(np.quantile(sign * simple_returns(closes, count).values, 0.99))
            for count in (1, 96)
        )
        assert quarter == pytest.approx(measured, abs=1e-5)
        assert day / np.sqrt(96) == pytest.approx(scaled, abs=1e-5)
