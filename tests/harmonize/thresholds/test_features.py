from dataclasses import replace
from math import log

import numpy as np
import pytest

from harmonize.core.schedule import Unknown
from harmonize.thresholds.features import FEATURES, MarketInputs, PooledRows, pooled_rows
from tests.harmonize.thresholds.samples import history, inputs

BTC, ETH = inputs(history(500, 1, "BTC")), inputs(history(450, 2, "ETH"), 8)


def pooled(*assets: MarketInputs) -> PooledRows:
    pool = pooled_rows(assets)
    assert isinstance(pool, PooledRows)
    return pool


def volatility(returns: np.ndarray, decay: float) -> float:
    variance = float(np.mean(returns[:30] ** 2))
    for value in returns:
        variance = decay * variance + (1 - decay) * value**2
    return float(variance**0.5)


def test_features_equal_their_definitions() -> None:
    pool = pooled(BTC, ETH)
    assert pool.features.shape == (501 + 451, len(FEATURES))
    row = 420
    place = pool.parts[1].start + row
    own, leader = ETH.history.returns[:row], BTC.history.returns[:row]
    fast = volatility(own, 0.94)
    ranges = [log(high / low) ** 2 for high, low in zip(ETH.high, ETH.low, strict=True)][
        row - 10 : row
    ]
    turnover = ETH.turnover[:row]
    expected = [
        1,
        log(volatility(own, 0.97) / fast),
        log(fast / np.mean(own[-365:] ** 2) ** 0.5),
        log((np.mean(ranges) / (4 * log(2))) ** 0.5 / fast),
        log(turnover[-5:].mean() / np.median(turnover[-30:])),
        log(volatility(leader, 0.94) / np.mean(leader[-365:] ** 2) ** 0.5),
    ]
    assert pool.features[place] == pytest.approx(expected, rel=1e-9)
    assert pool.volatility[place] == pytest.approx(fast, rel=1e-9)
    assert pool.target[place] == pytest.approx(ETH.history.returns[row] / fast, rel=1e-9)
    assert pool.days[place] == ETH.history.days[row]
    assert np.isnan(pool.target[[500, 951]]).all()  # the day after the last return


def test_a_feature_that_is_not_observed_excludes_its_rows_only() -> None:
    high, turnover = ETH.high.copy(), ETH.turnover.copy()
    high[400], turnover[380] = np.nan, 0.0
    changed = pooled(BTC, MarketInputs(ETH.history, high, ETH.low, turnover))
    missing = np.flatnonzero(~changed.complete[changed.parts[1]][365:]) + 365
    assert missing.tolist() == list(range(401, 411))  # a day without turnover lowers a mean
    turnover = turnover.copy()
    turnover[376:381] = 0.0
    changed = pooled(BTC, MarketInputs(ETH.history, ETH.high, ETH.low, turnover))
    missing = np.flatnonzero(~changed.complete[changed.parts[1]][365:]) + 365
    assert missing.tolist() == [381]  # five days without turnover have no logarithm


def test_a_leader_that_was_not_observed_leaves_days_incomplete() -> None:
    short = inputs(history(400, 1, "BTC"))
    pool = pooled(short, ETH)
    complete = np.flatnonzero(pool.complete[pool.parts[1]])
    assert complete.tolist() == list(range(365, 401))


def test_assets_with_too_few_returns_are_not_pooled() -> None:
    new = inputs(history(300, 3, "NEW"))
    assert [own.asset for own in pooled(BTC, new, ETH).histories] == ["BTC", "ETH"]
    reason = Unknown("BTC, whose volatility is a feature, has too few returns")
    assert pooled_rows([ETH]) == reason
    assert pooled_rows([ETH, inputs(history(300, 1, "BTC"))]) == reason


def test_columns_of_another_length_are_refused() -> None:
    with pytest.raises(ValueError, match="ETH: low: expected 450 rows, found"):
        replace(ETH, low=ETH.low[1:])
