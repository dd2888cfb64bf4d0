"""Whether volatility rose: two periods of 30 days, and nothing if a day is missing."""

from dataclasses import replace
from math import sqrt

import numpy as np
import pytest

from harmonize.adequacy.volatility_trend import VolatilityTrend, volatility_trend
from harmonize.core.schedule import Unknown
from harmonize.market.prices import PriceSeries
from tests.harmonize.adequacy.contracts import DAY, HOUR, candles


def daily(count: int, interval: int = DAY) -> PriceSeries:
    """Closes that alternate by 1 %, and by 2 % over the last 30 returns."""
    steps = np.where(np.arange(1, count) >= count - 30, 0.02, 0.01)
    returns = steps * np.where(np.arange(1, count) % 2, 1.0, -1.0)
    return candles(100.0 * np.concatenate([[1.0], np.cumprod(1 + returns)]), interval)


def test_volatility_is_the_root_of_the_mean_square_of_each_period() -> None:
    trend = volatility_trend(daily(90))
    assert isinstance(trend, VolatilityTrend)
    assert trend.recent == pytest.approx(0.02 * sqrt(365))
    assert trend.previous == pytest.approx(0.01 * sqrt(365))
    series = daily(90)
    assert int(trend.last.timestamp()) * 1_000_000 == int(series.times[-1]) + series.step


def test_the_shortest_history_with_a_trend_has_sixty_returns() -> None:
    assert isinstance(volatility_trend(daily(61)), VolatilityTrend)
    short = volatility_trend(daily(60))
    assert isinstance(short, Unknown)
    assert short.reason == "59 daily returns, 60 are required"


def test_a_missing_day_is_no_day_without_a_move() -> None:
    whole = daily(90)
    kept = np.arange(90) != 70
    gap = replace(whole, times=whole.times[kept], close=whole.close[kept])
    result = volatility_trend(gap)
    assert isinstance(result, Unknown)
    assert "missing" in result.reason


def test_candles_that_are_not_daily_are_refused() -> None:
    with pytest.raises(ValueError, match="expected candles of one day"):
        volatility_trend(daily(90, HOUR))
