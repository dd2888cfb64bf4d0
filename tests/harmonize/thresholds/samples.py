"""Simulated histories of assets."""

import numpy as np

from harmonize.thresholds.features import MarketInputs
from harmonize.thresholds.history import DailyHistory

FIRST_DAY = 18_000


def garch_returns(size: int, seed: int, *, alpha: float = 0.08, beta: float = 0.88) -> np.ndarray:
    """Returns of a GARCH(1,1) with Student errors of five degrees, as fractions; 4 % a day on average."""
    rng = np.random.default_rng(seed)
    errors = rng.standard_t(5, size=size) * np.sqrt(3 / 5)
    returns, variance = np.empty(size), 16.0
    for row, error in enumerate(errors):
        returns[row] = np.sqrt(variance) * error
        variance = 16.0 * (1 - alpha - beta) + alpha * returns[row] ** 2 + beta * variance
    return np.clip(returns / 100, -0.9, 3.0)


def history(size: int = 600, seed: int = 1, asset: str = "BTC") -> DailyHistory:
    return of(garch_returns(size, seed), asset)


def of(returns: np.ndarray, asset: str = "BTC") -> DailyHistory:
    return DailyHistory(asset, FIRST_DAY + np.arange(returns.size), returns)


def inputs(own: DailyHistory, seed: int = 7) -> MarketInputs:
    """Ranges that contain the return of each day, and a turnover that follows its size."""
    rng = np.random.default_rng(seed)
    moves = np.abs(np.log1p(own.returns))
    ranges = np.exp(moves * (1 + rng.random(own.size)) + 0.002)
    turnover = 1e9 * np.exp(5 * moves + 0.2 * rng.standard_normal(own.size))
    return MarketInputs(own, 100 * ranges, np.full(own.size, 100.0), turnover)
