import numpy as np
import pytest

from harmonize.adequacy.factors import (
    Measured,
    average_daily_volume,
    correlation,
    lower_tail_dependence,
    realised_volatility,
)
from harmonize.core.schedule import Unknown


def value(measured: Measured | Unknown) -> float:
    assert isinstance(measured, Measured)
    return measured.value


def test_volatility_is_the_annual_root_of_the_mean_square() -> None:
    returns = np.tile([0.01, -0.01], 20)
    assert value(realised_volatility(returns, 365)) == pytest.approx(0.01 * 365**0.5)
    trend = np.linspace(0.01, 0.02, 40)
    assert value(realised_volatility(trend, 1)) == pytest.approx(np.sqrt(np.mean(trend**2)))
    assert realised_volatility(returns[:29], 365) == Unknown("29 returns, 30 are required")


def test_daily_volume_is_the_median_of_the_last_thirty_finished_days() -> None:
    days = np.arange(100, dtype=float)
    assert average_daily_volume(days) == Measured(84.5, 30)
    spiked = days.copy()
    spiked[-1] = 1e12
    assert value(average_daily_volume(spiked)) == 84.5
    days[-3] = np.nan
    assert average_daily_volume(days) == Unknown("29 days with turnover, 30 are required")
    days[-2] = -1
    with pytest.raises(ValueError, match="turnover: row 98: expected at least 0, found -1"):
        average_daily_volume(days)


def test_correlation_is_that_of_the_rows_that_both_have() -> None:
    rng = np.random.default_rng(2)
    one, noise = rng.standard_normal((2, 5000))
    other = 0.6 * one + 0.8 * noise
    assert value(correlation(one, other)) == pytest.approx(0.6, abs=0.03)
    assert value(correlation(one, -one)) == pytest.approx(-1)
    one[:4980] = np.nan
    assert correlation(one, other) == Unknown("20 pairs of returns, 30 are required")
    with pytest.raises(ValueError, match="align them by time"):
        correlation(one, other[:5])


def test_tail_dependence_is_one_together_and_the_share_apart() -> None:
    rng = np.random.default_rng(3)
    one, other = rng.standard_normal((2, 20_000))
    assert value(lower_tail_dependence(one, 2 * one)) == 1.0
    assert value(lower_tail_dependence(one, -one)) == 0.0
    assert value(lower_tail_dependence(one, other)) == pytest.approx(0.05, abs=0.02)
    together = np.where(one < -1.5, one, other)
    assert value(lower_tail_dependence(one, together)) > 0.4
    assert lower_tail_dependence(one[:40], other[:40], 0.02) == Unknown(
        "40 pairs of returns have no tail of 0.02"
    )
    assert isinstance(lower_tail_dependence(one[:9], other[:9]), Unknown)
