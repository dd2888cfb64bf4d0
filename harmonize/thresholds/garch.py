"""GARCH(1,1) with Student errors, refitted every 30 days: fit, checks and daily filter.

Returns are in percent inside this module, because the optimiser of ``arch`` fails silently on
fractions: on unscaled returns it reports convergence at an alpha of 0.99.
"""

import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from math import isfinite, lgamma, log, pi

import numpy as np

from harmonize.adequacy.tail import Floats
from harmonize.core.schedule import Unknown
from harmonize.thresholds.ewma import ewma_filter
from harmonize.thresholds.history import LEAST_RETURNS, MOST_RETURNS, DailyHistory

REFIT = 30
"""Days between two fits."""

PERCENT = 100.0

LARGEST_PERSISTENCE = 1 - 1e-6
"""Largest alpha + beta of a variance that returns to a mean; the optimiser may stop just below 1."""

EWMA_DECAY = 0.94
"""Decay of the EWMA whose likelihood a fit must exceed."""

_BACKCAST = 75
_BACKCAST_DECAY = 0.94
"""Residuals and decay of the first variance, as ``arch`` calculates it."""

_DEGREES = (2.05, 500.0)
"""Bounds of the degrees of freedom, as in ``arch``."""


@dataclass(frozen=True, slots=True)
class GarchFit:
    """Parameters of returns in percent, and the logarithm of their likelihood.

    ``backcast`` is the variance before the first return of the fit.
    """

    mean: float
    omega: float
    alpha: float
    beta: float
    degrees: float
    log_likelihood: float
    backcast: float

    @property
    def persistence(self) -> float:
        """Share of a shock that remains after one day."""
        return self.alpha + self.beta


@dataclass(frozen=True, slots=True, eq=False)
class GarchBlock:
    """Rows ``first`` to ``stop`` that one fit serves, without ``stop``.

    ``volatility`` of these rows is a fraction. ``residuals`` begin with the row ``start`` and end
    before the last row of the block. ``fit`` is Unknown, with both arrays empty, if a check failed.
    """

    first: int
    stop: int
    start: int
    fit: GarchFit | Unknown
    volatility: Floats
    residuals: Floats


def garch_blocks(
    history: DailyHistory, first_day: int | None = None
) -> tuple[GarchBlock, ...] | Unknown:
    """Returns the blocks of a history, without those that end before ``first_day``.

    The blocks do not depend on ``first_day``; fewer of them take less time. Unknown: see
    ``DailyHistory.shortage``.
    """
    rows = 0 if first_day is None else int(np.searchsorted(history.threshold_days, first_day))
    return history.shortage() or tuple(_blocks(history.returns, min(rows, history.size)))


def fit_garch(returns: Floats) -> GarchFit | Unknown:
    """Returns the fit of simple returns.

    Unknown: the optimiser did not converge, the variance has no mean, or the likelihood is not above
    that of an EWMA with Student errors.
    """
    if np.ptp(returns) == 0:
        return Unknown(f"all {returns.size:,} returns are {returns[0]:g}")
    return checked_fit(_optimised(returns * PERCENT), returns)


def checked_fit(fit: GarchFit | Unknown, returns: Floats) -> GarchFit | Unknown:
    """Returns a fit that can be used. Unknown: see ``fit_garch``."""
    if isinstance(fit, Unknown):
        return fit
    figures = (fit.mean, fit.omega, fit.alpha, fit.beta, fit.degrees, fit.log_likelihood)
    if not all(map(isfinite, figures)):
        return Unknown("a parameter of the GARCH fit is not a number")
    if fit.persistence > LARGEST_PERSISTENCE:
        return Unknown("persistence of the GARCH fit is not below 1")
    if fit.log_likelihood <= ewma_log_likelihood(returns):
        return Unknown("likelihood of the GARCH fit is not above that of the EWMA")
    return fit


def garch_variance(returns: Floats, fit: GarchFit) -> Floats:
    """Returns the variance in percent² of each return in percent, and of the next one.

    The first return is that of the fit; later ones than those of the fit may follow.
    Each is omega + alpha·e² + beta·variance of the day before, with e the distance from the mean.
    """
    from scipy.signal import lfilter  # noqa: PLC0415 - heavy

    squares = (returns - fit.mean) ** 2
    first = fit.omega + fit.persistence * fit.backcast
    shocks = fit.omega + fit.alpha * squares
    following = lfilter([1.0], [1.0, -fit.beta], shocks, zi=[fit.beta * first])[0]
    return np.concatenate([[first], following])


def backcast(percent: Floats) -> float:
    """Returns the weighted mean of the first 75 squares around the mean, falling by 6 % per day."""
    squares = (percent - percent.mean()) ** 2
    weights = _BACKCAST_DECAY ** np.arange(min(_BACKCAST, squares.size))
    return float(squares[: weights.size] @ weights / weights.sum())


def student_log_likelihood(errors: Floats, variance: Floats, degrees: float) -> float:
    """Returns the logarithm of the likelihood of errors with Student distributions of a variance."""
    constant = lgamma((degrees + 1) / 2) - lgamma(degrees / 2) - log(pi * (degrees - 2)) / 2
    spread = np.log(variance) / 2 + (degrees + 1) / 2 * np.log1p(
        errors**2 / (variance * (degrees - 2))
    )
    return float(errors.size * constant - spread.sum())


def ewma_log_likelihood(returns: Floats) -> float:
    """Returns the largest likelihood of an EWMA over its degrees of freedom, of returns in percent.

    It is minus infinity if the EWMA has no variance.
    """
    from scipy.optimize import minimize_scalar  # noqa: PLC0415 - heavy

    percent = returns * PERCENT
    filtered = ewma_filter(percent, EWMA_DECAY)
    if isinstance(filtered, Unknown):
        return -np.inf
    variance = filtered.volatility[:-1] ** 2
    best = minimize_scalar(
        lambda inverse: -student_log_likelihood(percent, variance, 1 / inverse),
        bounds=(1 / _DEGREES[1], 1 / _DEGREES[0]),
        method="bounded",
    )
    return -float(best.fun)


def _optimised(percent: Floats) -> GarchFit | Unknown:
    from arch import arch_model  # noqa: PLC0415 - heavy
    from threadpoolctl import threadpool_limits  # noqa: PLC0415 - limits what is loaded before it

    model = arch_model(percent, mean="Constant", vol="GARCH", p=1, q=1, dist="t", rescale=False)
    # The last digits of BLAS follow the number of its threads, and the optimiser makes more of them:
    # with one thread, a fit is the same in every process.
    with warnings.catch_warnings(), threadpool_limits(limits=1, user_api="blas"):
        warnings.simplefilter("ignore")  # the flag below states what the warnings state
        result = model.fit(disp="off", show_warning=False)
    if result.convergence_flag:
        return Unknown("the GARCH fit did not converge")
    mean, omega, alpha, beta, degrees = (float(value) for value in result.params)
    likelihood = float(result.loglikelihood)
    return GarchFit(mean, omega, alpha, beta, degrees, likelihood, backcast(percent))


def _blocks(returns: Floats, least: int) -> Iterator[GarchBlock]:
    """Yields the blocks that contain the row ``least`` or later ones."""
    rows = returns.size + 1
    for first in range(LEAST_RETURNS, rows, REFIT):
        start, stop = max(0, first - MOST_RETURNS), min(first + REFIT, rows)
        if stop <= least:
            continue
        fit = fit_garch(returns[start:first])
        if isinstance(fit, Unknown):
            empty = np.empty(0)
            yield GarchBlock(first, stop, start, fit, empty, empty)
            continue
        percent = returns[start : stop - 1] * PERCENT
        volatility = np.sqrt(garch_variance(percent, fit))
        residuals = (percent - fit.mean) / volatility[:-1]
        own = volatility[first - start :] / PERCENT
        yield GarchBlock(first, stop, start, fit, own, residuals)
