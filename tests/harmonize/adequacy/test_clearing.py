from datetime import UTC, datetime
from fractions import Fraction

import numpy as np
import pytest

from harmonize.adequacy.backtests import (
    LikelihoodRatio,
    Zone,
    conditional_coverage,
    independence,
    unconditional_coverage,
)
from harmonize.adequacy.clearing import (
    ClearingHorizon,
    DatedInterest,
    MarginingGap,
    PhaseResults,
    clearing,
    implied_shortfall,
    margining_gap,
    phase_results,
)
from harmonize.adequacy.contract_risk import return_moves
from harmonize.adequacy.coverage import Coverage, Moves
from harmonize.adequacy.horizons import Side, moves_by_horizon
from harmonize.adequacy.shortfall_test import (
    critical_value,
    judged_statistic,
    shortfall_test,
    simulated_statistics,
)
from harmonize.adequacy.tail import TailEstimate
from harmonize.core.schedule import Unknown
from harmonize.market.prices import PriceSeries
from tests.harmonize.adequacy.contracts import DAY, candles, random_candles
from tests.harmonize.adequacy.test_tail import closes

NO_INTEREST = Unknown("open interest was not observed")


def interest(value: float) -> DatedInterest:
    return DatedInterest(value, datetime(2026, 3, 2, tzinfo=UTC))


def btc() -> PriceSeries:
    """The last 1,095 days of BTC before 2026-03-04; see data/README.md."""
    return candles(closes("BTC")[-1096:])


def daily_moves(series: PriceSeries, side: Side) -> list[Moves]:
    return [return_moves(series, side, days) for days in (1, 2, 5)]


def answered(series: PriceSeries, side: Side, initial: float) -> tuple[ClearingHorizon, ...]:
    measured = [m for m in moves_by_horizon([series], 0.99) if m.side is side]
    result = clearing(daily_moves(series, side), measured, initial, 0.99, interest(1e9))
    assert not isinstance(result, Unknown)
    return result


def known(result: Coverage | Unknown) -> Coverage:
    assert isinstance(result, Coverage)
    return result


def results_of(result: PhaseResults | Unknown) -> PhaseResults:
    assert isinstance(result, PhaseResults)
    return result


def p_value(result: LikelihoodRatio | Unknown) -> float:
    assert isinstance(result, LikelihoodRatio)
    return result.p_value


@pytest.mark.parametrize("side", list(Side))
def test_breaches_of_real_days_equal_a_count_in_exact_numbers(side: Side) -> None:
    series, rate = btc(), 0.08
    closes = [Fraction(float(close)) for close in series.close]
    for horizon in answered(series, side, rate):
        moves = [
            closes[end] / closes[end - horizon.days] - 1 for end in range(horizon.days, len(closes))
        ]
        losses = [-move if side is Side.LONG else move for move in moves]
        breaches = [loss for loss in losses if loss > Fraction(rate)]
        result = known(horizon.coverage)
        assert (result.observations, result.breaches) == (len(losses), len(breaches))
        assert result.largest_uncovered == pytest.approx(float(max(breaches) - Fraction(rate)))


def test_tests_run_on_each_phase() -> None:
    series, rate = btc(), 0.08
    results = answered(series, Side.SHORT, rate)
    assert [len(results_of(h.tests).breaches) for h in results] == [1, 2, 5]
    returns = series.close[5:] / series.close[:-5] - 1
    phases = [returns[phase::5] > rate for phase in range(5)]
    five = results_of(results[2].tests)
    assert five.breaches == tuple(int(phase.sum()) for phase in phases)
    expected = 1 - 0.99
    assert five.number.p_values == tuple(
        p_value(unconditional_coverage(phase, expected)) for phase in phases
    )
    assert five.order.p_values == tuple(p_value(independence(phase)) for phase in phases)
    assert five.joint.p_values == tuple(
        p_value(conditional_coverage(phase, expected)) for phase in phases
    )
    assert five.number.observations == min(phase.size for phase in phases) == 218
    assert sum(five.breaches) == known(results[2].coverage).breaches


def test_the_shortfall_test_of_a_phase_is_that_of_the_implied_shortfall() -> None:
    series, rate = btc(), 0.05
    two = results_of(phase_results(return_moves(series, Side.LONG, 2), rate, 0.99))
    losses = -(series.close[2:] / series.close[:-2] - 1)
    for phase in range(2):
        own = losses[phase::2]
        var = np.full(own.size, rate)
        direct = shortfall_test(own, var, np.full(own.size, implied_shortfall(rate, 0.99)), 0.99)
        assert not isinstance(direct, Unknown)
        assert two.shortfall.p_values[phase] == pytest.approx(direct.p_value)


def test_the_implied_shortfall_is_that_of_student_losses() -> None:
    """VaR 4.5407 and ES 6.9939 at 99 % with three degrees of freedom, by numerical integration."""
    u = np.linspace(0.99, 1, 2_000_001)[:-1] + 0.01 / 4_000_000
    from scipy.stats import t  # noqa: PLC0415 - heavy

    quantiles = t.ppf(u, 3)
    assert implied_shortfall(float(t.ppf(0.99, 3)), 0.99) == pytest.approx(
        float(quantiles.mean()), rel=1e-3
    )


def test_a_margin_at_the_true_quantile_passes_and_half_of_it_fails() -> None:
    """Student losses of three degrees of freedom, of which the 99 % quantile is 4.5407."""
    rng = np.random.default_rng(21)
    counts = {"passes": 0, "fails": 0}
    for _ in range(60):
        steps = rng.standard_t(3, size=1000) * 0.01
        steps = np.clip(steps, -0.5, None)
        series = candles((100 * np.cumprod(1 + steps)).tolist())
        moves = return_moves(series, Side.LONG, 1)
        right, low = (results_of(phase_results(moves, f * 0.045407, 0.99)) for f in (1, 0.5))
        counts["passes"] += right.number.lowest > 0.05 and right.shortfall.lowest > 0.05
        counts["fails"] += low.number.lowest < 0.001 and low.zone is Zone.RED
    assert counts["passes"] >= 48
    assert counts["fails"] == 60


def test_the_zone_is_the_worst_of_the_phases() -> None:
    # Every twentieth pair of days falls by 20 % twice: by 36 % from an even day, 19.8 % from an odd one.
    factors = np.repeat([0.8 if pair % 20 == 0 else 1.002 for pair in range(400)], 2)
    moves = return_moves(candles([100.0, *(100 * np.cumprod(factors)).tolist()]), Side.LONG, 2)
    apart = results_of(phase_results(moves, 0.25, 0.99))
    assert (apart.breaches, apart.zone) == ((20, 0), Zone.RED)
    none = results_of(phase_results(moves, 0.5, 0.99))
    assert (none.breaches, none.zone) == ((0, 0), Zone.GREEN)


def test_breaches_after_a_breach_and_after_none_are_counted_apart() -> None:
    """Twenty pairs of days fall by 20 %: half of the days after a fall, and 19 of the 759 others."""
    factors = np.repeat([0.8 if pair % 20 == 0 else 1.002 for pair in range(400)], 2)
    moves = return_moves(candles([100.0, *(100 * np.cumprod(factors)).tolist()]), Side.LONG, 1)
    clustered = results_of(phase_results(moves, 0.1, 0.99))
    assert clustered.after_breach == 0.5
    assert clustered.after_calm == pytest.approx(19 / 759)
    none = results_of(phase_results(moves, 0.5, 0.99))
    assert (none.after_breach, none.after_calm) == (None, 0.0)


def test_few_days_give_their_number() -> None:
    one, two, five = answered(random_candles(3, 260, DAY), Side.LONG, 0.1)
    assert isinstance(one.coverage, Coverage)
    assert isinstance(two.tests, PhaseResults)
    assert isinstance(five.coverage, Coverage)
    assert five.tests == Unknown("51 observations, 100 are required that do not overlap")
    (few, *_) = answered(random_candles(3, 50, DAY), Side.LONG, 0.1)
    assert few.coverage == few.tests == Unknown("49 observations, 100 are required")
    assert few.gap == Unknown("49 observations, 100 are required at 0.99")


def test_what_is_unknown_stays_unknown() -> None:
    moves = daily_moves(btc(), Side.LONG)
    unknown = Unknown("IM is unknown: not published")
    assert clearing(moves, [], unknown, 0.99, NO_INTEREST) == unknown
    assert clearing([], [], 0.1, 0.99, NO_INTEREST) == Unknown(
        "no candles of a day or a part of it"
    )
    result = clearing(moves, [], 0.1, 0.99, NO_INTEREST)
    assert not isinstance(result, Unknown)
    assert {horizon.gap for horizon in result} == {NO_INTEREST}
    assert {horizon.move for horizon in result} == {Unknown("the move was not measured")}


def test_open_interest_is_under_or_over_margined_and_never_netted() -> None:
    move = TailEstimate(0.99, 0.08, 1000)
    under, over = margining_gap(0.05, move, interest(1e9)), margining_gap(0.1, move, interest(1e9))
    assert isinstance(under, MarginingGap)
    assert isinstance(over, MarginingGap)
    assert (under.under, under.over) == pytest.approx((30e6, 0.0))
    assert (over.under, over.over) == pytest.approx((0.0, 20e6))
    with pytest.raises(ValueError, match="open interest: expected at least 0 USD, found -1"):
        margining_gap(0.05, move, interest(-1.0))


@pytest.mark.parametrize("rate", [0.0, 10.0])
def test_a_rate_in_percent_is_refused(rate: float) -> None:
    with pytest.raises(ValueError, match=r"use 0\.05 for 5 %"):
        clearing(daily_moves(btc(), Side.LONG), [], rate, 0.99, NO_INTEREST)


def test_simulated_statistics_equal_those_of_whole_samples() -> None:
    """A slow simulation of every loss, of which the fast one draws the tail only."""
    rng = np.random.default_rng(1)
    var, es = 4.5407, 6.9939  # exact, 99 %, three degrees of freedom
    losses = rng.standard_t(3, size=(20_000, 500))
    slow = 1 - np.where(losses > var, losses, 0).sum(axis=1) / (es * 500 * 0.01)
    fast = simulated_statistics(500, 0.99, 3)
    assert float(fast.mean()) == pytest.approx(0.0, abs=0.02)
    for probability in (0.05, 0.25, 0.5, 0.75):
        assert np.quantile(fast, probability) == pytest.approx(
            np.quantile(slow, probability), abs=0.05
        )


def test_a_long_series_draws_the_same_losses_again() -> None:
    """20,000 series of 20,000 losses have four million beyond VaR, four times those drawn."""
    statistics = simulated_statistics(20_000, 0.99, 3)
    assert float(statistics.mean()) == pytest.approx(0.0, abs=0.01)
    assert float(statistics[0]) > -1.5
    assert float(statistics[-1]) < 0.4


def test_the_p_value_agrees_with_the_critical_value() -> None:
    critical = critical_value(500, 0.99, 0.05, 3)
    assert judged_statistic(critical, 500, 0.99).p_value == pytest.approx(0.05, abs=0.001)
    low, high = judged_statistic(-3.0, 500, 0.99), judged_statistic(0.9, 500, 0.99)
    assert low.rejected
    assert low.p_value < 0.01
    assert not high.rejected
    assert high.p_value > 0.9
    assert judged_statistic(-1e9, 500, 0.99).p_value == pytest.approx(1 / 20_001)
