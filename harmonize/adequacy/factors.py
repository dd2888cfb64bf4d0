"""Measured factors of risk: volatility, traded volume, and how two underlyings move together."""

from dataclasses import dataclass
from math import sqrt

import numpy as np

from harmonize.adequacy.tail import Floats, checked_losses
from harmonize.core.schedule import Unknown

VOLUME_DAYS = 30
"""Finished days of the average daily volume."""

_MIN_RETURNS = 30
"""Fewest returns of a volatility or a correlation."""


@dataclass(frozen=True, slots=True)
class Measured:
    """A factor and the number of observations that it is based on."""

    value: float
    observations: int


def realised_volatility(returns: Floats, per_year: float) -> Measured | Unknown:
    """Returns the annualised volatility of simple returns: the root of the mean square.

    ``per_year`` is the number of returns per year, 365 for daily ones. The mean return counts as 0,
    because its estimate over a short time is noise. Unknown: fewer than 30 returns. Raises
    ValueError: see ``checked_losses``.
    """
    sample = checked_losses(returns)
    if sample.size < _MIN_RETURNS:
        return Unknown(f"{sample.size} returns, {_MIN_RETURNS} are required")
    return Measured(sqrt(float(np.mean(sample**2)) * per_year), sample.size)


def average_daily_volume(turnover: Floats) -> Measured | Unknown:
    """Returns the median USD turnover of the last 30 finished days, which are in order of time.

    NaN is a day without an observed turnover. Unknown: one of the 30 days is not observed. Raises
    ValueError: a negative turnover.
    """
    days = np.asarray(turnover, dtype=np.float64)[-VOLUME_DAYS:]
    observed = days[~np.isnan(days)]
    if np.any(observed < 0):
        row = int(np.flatnonzero(turnover < 0)[0])
        message = (
            f"turnover: row {row}: expected at least 0, found {turnover[row]:g}; correct the row"
        )
        raise ValueError(message)
    if observed.size < VOLUME_DAYS:
        return Unknown(f"{observed.size} days with turnover, {VOLUME_DAYS} are required")
    return Measured(float(np.median(observed)), observed.size)


def correlation(one: Floats, other: Floats) -> Measured | Unknown:
    """Returns the linear correlation of two series of returns, paired by row.

    Rows in which either is NaN are excluded. Unknown: fewer than 30 pairs. Raises ValueError: not as
    many rows, or a constant series.
    """
    pairs = _pairs(one, other)
    if isinstance(pairs, Unknown):
        return pairs
    return Measured(float(np.asarray(np.corrcoef(pairs))[0, 1]), pairs.shape[1])


def lower_tail_dependence(one: Floats, other: Floats, share: float = 0.05) -> Measured | Unknown:
    """Returns how often the other falls into its lower tail when one does, from 0 to 1.

    The tail of each series is its lowest ``share`` of returns, rounded down to whole returns. Equal
    returns at the edge are taken in the order of rows. Independent series give about ``share``.
    Unknown: fewer than 30 pairs, or no return in the tail. Raises ValueError, as ``correlation``.
    """
    pairs = _pairs(one, other)
    if isinstance(pairs, Unknown):
        return pairs
    size = int(share * pairs.shape[1])
    if not size:
        return Unknown(f"{pairs.shape[1]} pairs of returns have no tail of {share:.4g}")
    tails = [set(np.argsort(row, kind="stable")[:size].tolist()) for row in pairs]
    return Measured(len(tails[0] & tails[1]) / size, pairs.shape[1])


def _pairs(one: Floats, other: Floats) -> Floats | Unknown:
    if one.shape != other.shape or one.ndim != 1:
        message = f"returns: expected as many rows in both series, found {one.shape} and {other.shape}; align them by time"
        raise ValueError(message)
    is_paired = ~(np.isnan(one) | np.isnan(other))
    count = int(np.count_nonzero(is_paired))
    if count < _MIN_RETURNS:
        return Unknown(f"{count} pairs of returns, {_MIN_RETURNS} are required")
    return np.stack([checked_losses(series[is_paired]) for series in (one, other)])
