"""Exponentially weighted volatility (RiskMetrics 1996): normal, and filtered historical simulation."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from harmonize.adequacy.shortfall_test import exact_tail
from harmonize.adequacy.tail import Floats
from harmonize.core.schedule import Unknown
from harmonize.thresholds.history import LEAST_RETURNS, MOST_RETURNS, DailyHistory, window_shortage
from harmonize.thresholds.path import Model, Paths, both_losses, paths_of
from harmonize.thresholds.windows import trailing_tails

DECAY = {
    Model.EWMA_94: 0.94,
    Model.EWMA_97: 0.97,
    Model.FILTERED_94: 0.94,
    Model.FILTERED_97: 0.97,
}
"""Weight of the variance of the day before."""

FIRST_RETURNS = 30
"""Returns whose mean square is the first variance. No threshold is stated so early."""


@dataclass(frozen=True, slots=True, eq=False)
class Filtered:
    """Volatility of each row and of the next day, and the returns divided by it."""

    volatility: Floats
    residuals: Floats


def ewma_filter(returns: Floats, decay: float) -> Filtered | Unknown:
    """Returns volatility and residuals: σ²ₜ = λ·σ²ₜ₋₁ + (1 − λ)·r²ₜ₋₁.

    Unknown: the first 30 returns are all 0, so that there is no variance to begin with.
    """
    from scipy.signal import lfilter  # noqa: PLC0415 - heavy

    squares = returns**2
    first = float(np.mean(squares[:FIRST_RETURNS]))
    if not first > 0:
        return Unknown(f"the first {min(FIRST_RETURNS, returns.size)} returns are 0")
    variance = np.empty(returns.size + 1)
    variance[0] = first
    variance[1:] = lfilter([1 - decay], [1, -decay], squares, zi=[decay * first])[0]
    volatility = np.sqrt(variance)
    return Filtered(volatility, returns / volatility[:-1])


def normal_paths(history: DailyHistory, model: Model, levels: Sequence[float]) -> Paths | Unknown:
    """Returns the paths of normal returns with the volatility of the EWMA and a mean of 0.

    Unknown: see ``DailyHistory.shortage`` and ``ewma_filter``.
    """
    filtered = _filtered(history, model)
    if isinstance(filtered, Unknown):
        return filtered
    tails = np.array([exact_tail(level, None) for level in levels])
    volatility = filtered.volatility.copy()
    volatility[:LEAST_RETURNS] = np.nan
    var, es = (
        np.repeat((tails[:, index, None] * volatility)[..., None], 2, axis=2) for index in (0, 1)
    )
    return paths_of(history, model, levels, (var, es))


def filtered_paths(history: DailyHistory, model: Model, levels: Sequence[float]) -> Paths | Unknown:
    """Returns the paths of filtered historical simulation (Hull and White 1998).

    The tail of up to 1,095 residuals is multiplied by the volatility of the day. Unknown: see
    ``DailyHistory.shortage``, ``window_shortage`` and ``ewma_filter``.
    """
    filtered = window_shortage(MOST_RETURNS, levels) or _filtered(history, model)
    if isinstance(filtered, Unknown):
        return filtered
    tails = trailing_tails(both_losses(filtered.residuals), MOST_RETURNS, levels)
    var, es = (table * filtered.volatility[:, None] for table in tails)
    return paths_of(history, model, levels, (var, es))


def _filtered(history: DailyHistory, model: Model) -> Filtered | Unknown:
    return history.shortage() or ewma_filter(history.returns, DECAY[model])
