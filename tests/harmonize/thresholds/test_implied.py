import numpy as np
import pytest

from harmonize.core.schedule import Unknown
from harmonize.thresholds.implied import implied_paths
from harmonize.thresholds.path import Fallback
from tests.harmonize.thresholds.samples import history

HISTORY = history(800)
PERCENT = 50 + 20 * np.sin(np.arange(801) / 30)
"""Volatility at the end of the day before each row of thresholds."""


def test_thresholds_are_the_tail_of_scaled_returns_times_the_volatility_of_the_day_before() -> None:
    paths = implied_paths(HISTORY, HISTORY.threshold_days - 1, PERCENT, (0.99,))
    assert not isinstance(paths, Unknown)
    daily = PERCENT / 100 / np.sqrt(365)
    residuals = HISTORY.returns / daily[:-1]
    for row in (365, 600, 800):
        expected = daily[row] * np.quantile(-residuals[:row], 0.99)
        assert paths[0].long.var[row] == pytest.approx(expected, rel=1e-12)
    assert np.isnan(paths[0].long.var[:365]).all()
    assert paths[0].fallbacks == ()


def test_a_day_without_volatility_is_not_observable_and_no_zero() -> None:
    days, percent = np.delete(HISTORY.threshold_days - 1, 500), np.delete(PERCENT, 500)
    paths = implied_paths(HISTORY, days, percent, (0.99,))
    assert not isinstance(paths, Unknown)
    assert np.flatnonzero(np.isnan(paths[0].long.var[365:])).tolist() == [500 - 365]
    day = int(HISTORY.days[500])
    reason = "no implied volatility on the day before"
    assert paths[0].fallbacks == (Fallback(day, day, 1, reason, None),)
    daily = percent / 100 / np.sqrt(365)
    residuals = np.delete(HISTORY.returns, 500) / daily[:-1]
    expected = daily[-1] * np.quantile(-residuals, 0.99)
    assert paths[0].long.var[-1] == pytest.approx(expected, rel=1e-12)


def test_too_few_days_with_volatility_give_a_reason() -> None:
    days = HISTORY.threshold_days[-301:-1]
    assert implied_paths(HISTORY, days, np.full(300, 50.0), (0.99,)) == Unknown(
        "299 returns with an implied volatility, 365 are required"
    )
    nothing = np.empty(0, dtype=np.int64)
    reason = Unknown("0 returns with an implied volatility, 365 are required")
    assert implied_paths(HISTORY, nothing, np.empty(0), (0.99,)) == reason


def test_impossible_volatilities_are_refused() -> None:
    days = HISTORY.threshold_days - 1
    with pytest.raises(ValueError, match="expected a number above 0, found 0"):
        implied_paths(HISTORY, days, np.where(np.arange(801) == 9, 0.0, PERCENT), (0.99,))
    with pytest.raises(ValueError, match="expected one value per day in order of time"):
        implied_paths(HISTORY, days[::-1], PERCENT, (0.99,))
    with pytest.raises(ValueError, match="expected one value per day in order of time"):
        implied_paths(HISTORY, days, PERCENT[:-1], (0.99,))
