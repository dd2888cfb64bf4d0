import numpy as np
import pytest

from harmonize.core.schedule import Unknown
from harmonize.thresholds.features import MarketInputs, PooledRows, pooled_rows
from harmonize.thresholds.historical import historical_paths
from harmonize.thresholds.path import Model, Paths
from harmonize.thresholds.quantile_regression import quantile_coefficients
from harmonize.thresholds.regression_paths import (
    NO_FEATURE,
    Training,
    average_paths,
    linear_fit,
    regression_paths,
    sorted_quantiles,
)
from tests.harmonize.thresholds.samples import history, inputs

ASSETS = [
    inputs(history(1100, seed, name), seed) for seed, name in enumerate(("BTC", "ETH", "SOL"))
]
TOO_FEW = "fewer than 365 days with all features before"


def pooled(assets: list[MarketInputs]) -> PooledRows:
    pool = pooled_rows(assets)
    assert isinstance(pool, PooledRows)
    return pool


def known(paths: Paths | Unknown) -> Paths:
    assert not isinstance(paths, Unknown)
    return paths


POOL = pooled(ASSETS)
PATHS = regression_paths(POOL, (0.95,))


def test_a_row_is_predicted_from_all_assets_before_the_last_fit() -> None:
    path = known(PATHS["ETH"])[0]
    row, start = 1007, 365 + 30 * ((1007 - 365) // 30)
    rows = np.concatenate([np.arange(part.start + 365, part.start + start) for part in POOL.parts])
    coefficients = quantile_coefficients(POOL.features[rows], -POOL.target[rows], 0.95)
    assert isinstance(coefficients, np.ndarray)
    place = POOL.parts[1].start + row
    expected = POOL.features[place] @ coefficients * POOL.volatility[place]
    assert path.long.var[row] == pytest.approx(expected, rel=5.1e-4)
    beyond = -POOL.target[rows] / (POOL.features[rows] @ coefficients)
    ratio = beyond[beyond > 1].mean()
    assert path.long.es[row] == pytest.approx(expected * ratio, rel=1.1e-3)


def test_days_before_the_first_fit_are_not_observable() -> None:
    path = known(PATHS["BTC"])[0]
    first = 365 + 30 * 13  # the first fit with 365 days of features before it
    assert np.isnan(path.margin[:first]).all()
    assert np.isfinite(path.margin[first:]).all()
    (fallback,) = path.fallbacks
    assert (fallback.reason, fallback.rows, fallback.instead) == (TOO_FEW, first - 365, None)


def test_a_missing_feature_is_stated_and_not_replaced() -> None:
    high = ASSETS[1].high.copy()
    high[1000] = np.nan
    changed = [ASSETS[0], MarketInputs(ASSETS[1].history, high, ASSETS[1].low, ASSETS[1].turnover)]
    path = known(regression_paths(pooled(changed), (0.95,))["ETH"])[0]
    assert np.flatnonzero(np.isnan(path.margin[755:])).tolist() == list(range(246, 256))
    assert [f.rows for f in path.fallbacks if f.reason == NO_FEATURE] == [10]


def test_an_asset_without_any_feature_has_a_reason() -> None:
    nothing = np.full(1100, np.nan)
    absent = MarketInputs(ASSETS[1].history, nothing, nothing.copy(), nothing.copy())
    paths = regression_paths(pooled([ASSETS[0], absent]), (0.95,))
    assert paths["ETH"] == Unknown(NO_FEATURE)
    assert not isinstance(paths["BTC"], Unknown)


def test_too_few_days_for_a_fit_give_a_reason() -> None:
    short = [inputs(history(500, 1, "BTC"))]
    assert regression_paths(pooled(short), (0.95,))["BTC"] == Unknown(TOO_FEW)


def test_each_level_has_its_own_least_number_of_rows() -> None:
    """Six coefficients require 3,000 rows at 99 %: three assets have them after 1,000 days with features."""
    long = pooled(
        [inputs(history(1500, seed, name), seed) for seed, name in enumerate(("BTC", "ETH", "SOL"))]
    )
    high, low = known(regression_paths(long, (0.99, 0.95))["ETH"])
    first, enough = 365 + 30 * 13, 365 + 30 * 34  # 1,020 days before; 990 are too few
    for path, start in ((low, first), (high, enough)):
        assert np.isnan(path.margin[:start]).all()
        assert np.isfinite(path.margin[start:]).all()
    few = "fewer than 3,000 rows, as 0.99 requires"
    assert [f.rows for f in high.fallbacks if f.reason == few] == [enough - first]
    assert [f.reason for f in low.fallbacks] == [TOO_FEW]


def test_two_assets_never_have_rows_enough_for_99_percent() -> None:
    pair = pooled(ASSETS[:2])
    found = regression_paths(pair, (0.99,))["BTC"]
    assert found == Unknown(f"{TOO_FEW}; fewer than 3,000 rows, as 0.99 requires")


def test_rows_of_one_day_count_once() -> None:
    """Forty of 4,000 rows are beyond 99 %, on as many days as are written here: twelve are required."""
    rng = np.random.default_rng(1)
    features = np.column_stack([np.ones(4_000), rng.standard_normal((4_000, 5))])
    for days, is_fitted in ((11, False), (12, True)):
        losses = rng.random(4_000)
        losses[:40] += 2
        of_row = np.concatenate([np.arange(40) % days, 1_000 + np.arange(3_960)])
        fitted = linear_fit(Training(features, losses, of_row), (0.99, 0.9))
        expected = {} if is_fitted else {0: "losses above 0.99 on fewer than 12 days before"}
        assert fitted.missing == expected
        assert np.isnan(fitted.predict(features)).all(axis=1).tolist() == [not is_fitted, False]


def test_the_regression_covers_simulated_returns() -> None:
    breaches = []
    for own in ASSETS:
        path = known(PATHS[own.history.asset])[0]
        breaches.append(-own.history.returns[755:] > path.long.var[755:-1])
    assert np.mean(breaches) == pytest.approx(0.05, abs=0.02)


def test_quantiles_that_cross_are_sorted_by_level() -> None:
    quantiles = np.array([[3.0, 1.0], [1.0, 2.0], [2.0, 4.0]])
    found = sorted_quantiles(quantiles, (0.99, 0.975, 0.995))
    assert found.tolist() == [[2.0, 2.0], [1.0, 1.0], [3.0, 4.0]]
    quantiles[1] = np.nan
    found = sorted_quantiles(quantiles, (0.99, 0.975, 0.95))
    np.testing.assert_array_equal(found, [[3.0, 4.0], [np.nan, np.nan], [2.0, 1.0]])


def test_the_average_is_that_of_both_where_both_are_known() -> None:
    own = ASSETS[0].history
    other = known(historical_paths([own], Model.HISTORICAL_365, (0.95,))["BTC"])
    regression = known(PATHS["BTC"])
    (average,) = known(average_paths(regression, other))
    expected = (regression[0].long.var + other[0].long.var) / 2
    np.testing.assert_allclose(average.long.var, expected, rtol=5.1e-4)
    assert average.model is Model.AVERAGE
    assert average.fallbacks == regression[0].fallbacks
    reason = Unknown("no path")
    assert average_paths(reason, other) == reason
    assert average_paths(other, reason) == reason
    with pytest.raises(ValueError, match="expected paths of one asset and level"):
        average_paths(known(PATHS["ETH"]), other)
