"""Value at risk and expected shortfall of one sample of losses, and how far the sample carries them.

Losses are fractions of notional and positive; a gain is negative. Value at risk (VaR) is the sample
quantile of Hyndman and Fan (1996), type 7. Expected shortfall (ES) is the mean of the worst
``1 - level`` of the sample, with the fractional weight of Acerbi and Tasche (2002).
"""

from dataclasses import dataclass
from decimal import Decimal
from math import ceil, floor, inf

import numpy as np
from numpy.typing import NDArray

from harmonize.core.schedule import Unknown

Floats = NDArray[np.float64]

CONFIDENCE = 0.95
"""Confidence of the intervals of quantiles."""


@dataclass(frozen=True, slots=True)
class TailEstimate:
    """Quantile or tail mean of losses at one level, from ``observations`` losses.

    ``lower`` and ``upper`` bound the quantile at ``confidence``. ``upper`` is infinite if the
    sample is too short to bound it from above, and both are None for a measure without interval.
    """

    level: float
    value: float
    observations: int
    lower: float | None = None
    upper: float | None = None
    confidence: float | None = None


def least_observations(level: float) -> int:
    """Returns the shortest sample with an estimate: one expected loss beyond the level."""
    return ceil(1 / (1 - Decimal(repr(level))))


def tail_size(observations: int, level: float) -> float:
    """Returns the expected number of losses beyond a level, calculated from the decimal level."""
    return float(observations * (1 - Decimal(repr(level))))


def value_at_risk(
    losses: Floats, level: float, confidence: float = CONFIDENCE
) -> TailEstimate | Unknown:
    """Returns the VaR of independent losses with the interval of order statistics.

    Unknown: fewer losses than ``least_observations``. Raises ValueError: see ``checked_losses``.
    """
    sample = checked_losses(losses)
    short = _shortage(sample.size, level)
    if short:
        return short
    ranks = rank_interval(sample.size, level, confidence)
    value = float(np.quantile(sample, level))
    if ranks is None:
        lower_rank = _lower_rank(sample.size, level, confidence)
        return TailEstimate(
            level, value, sample.size, order_statistic(sample, lower_rank), inf, confidence
        )
    lower, upper = (order_statistic(sample, rank) for rank in ranks)
    return TailEstimate(level, value, sample.size, lower, upper, confidence)


def expected_shortfall(losses: Floats, level: float) -> TailEstimate | Unknown:
    """Returns the ES of losses, without interval.

    Unknown: fewer losses than ``least_observations``. Raises ValueError: see ``checked_losses``.
    """
    sample = checked_losses(losses)
    short = _shortage(sample.size, level)
    if short:
        return short
    return TailEstimate(level, tail_mean(np.sort(sample)[::-1], level), sample.size)


def tail_mean(descending: Floats, level: float) -> float:
    """Returns the ES of losses in descending order; the tail is summed in that order."""
    size = tail_size(descending.size, level)
    whole = floor(size)
    total = float(np.cumsum(descending[:whole])[-1]) if whole else 0.0
    if size > whole:
        total += (size - whole) * float(descending[whole])
    return total / size


def rank_interval(
    observations: int, level: float, confidence: float = CONFIDENCE
) -> tuple[int, int] | None:
    """Returns the ranks, from 1 for the smallest loss, that enclose the quantile at ``confidence``.

    The number of losses below the quantile is binomial. The ranks leave at most half of the error
    on each side, except that the highest loss is the last rank there is. None: even the highest loss
    does not bound the quantile, so the interval is unbounded above.
    """
    lower = _lower_rank(observations, level, confidence)
    upper = min(_binomial_quantile((1 + confidence) / 2, observations, level) + 1, observations)
    if not 1 <= lower < upper:
        return None
    reached = rank_coverage(lower, upper, observations, level)
    return (lower, upper) if reached >= confidence else None


def rank_coverage(lower: int, upper: int, observations: int, level: float) -> float:
    """Returns the probability that two ranks enclose the quantile of independent losses."""
    from scipy.special import bdtr  # noqa: PLC0415 - heavy

    inside = bdtr(upper - 1, observations, level) - bdtr(lower - 1, observations, level)
    return float(inside)


def order_statistic(losses: Floats, rank: int) -> float:
    """Returns the loss of a rank, from 1 for the smallest."""
    return float(np.partition(losses, rank - 1)[rank - 1])


def checked_losses(losses: Floats) -> Floats:
    """Returns losses as an array of floats.

    Raises ValueError: not one dimension, not finite, or all equal, which no price produces.
    """
    sample = np.asarray(losses, dtype=np.float64)
    if sample.ndim != 1:
        message = f"losses: expected one dimension, found {sample.ndim}; pass one series"
        raise ValueError(message)
    bad = np.flatnonzero(~np.isfinite(sample))
    if bad.size:
        message = f"losses: row {bad[0]}: expected a finite number, found {sample[bad[0]]}; remove the row"
        raise ValueError(message)
    if sample.size > 1 and sample.min() == sample.max():
        message = f"losses: all {sample.size} rows are {sample[0]:g}; use a series of traded prices"
        raise ValueError(message)
    return sample


def _shortage(observations: int, level: float) -> Unknown | None:
    required = least_observations(level)
    if observations >= required:
        return None
    return Unknown(f"{observations} observations, {required} are required at {level:.4g}")


def _lower_rank(observations: int, level: float, confidence: float) -> int:
    return max(_binomial_quantile((1 - confidence) / 2, observations, level), 1)


def _binomial_quantile(probability: float, observations: int, level: float) -> int:
    """Returns the smallest count whose cumulative binomial probability reaches a probability."""
    from scipy.special import bdtr  # noqa: PLC0415 - heavy

    low, high = 0, observations
    while low < high:
        middle = (low + high) // 2
        if bdtr(middle, observations, level) >= probability:
            high = middle
        else:
            low = middle + 1
    return low
