"""Comparison of two models over all assets: Diebold and Mariano on daily means, and the hit rate.

All assets breach on the same days. Tests that count stacked rows as independent are far too sure of
themselves, so that both measures have one observation per day.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from math import erfc, sqrt

import numpy as np

from harmonize.adequacy.tail import Floats
from harmonize.core.schedule import Unknown
from harmonize.numerics.bootstrap import stationary_indices
from harmonize.thresholds.history import Days
from harmonize.thresholds.path import rounded_figure
from harmonize.thresholds.quantile_regression import tick_loss
from harmonize.thresholds.scores import Outcomes, joint_score

LEAST_DAYS = 30
"""Fewest days of a comparison."""

BLOCK_DAYS = 20.0
"""Mean length of a block of days that are resampled together."""

DRAWS = 2_000
SEED = 20_261_130
CONFIDENCE = 0.95

_MAX_CELLS = 2_000_000


@dataclass(frozen=True, slots=True)
class LossComparison:
    """Diebold and Mariano (1995) test of the mean difference of daily losses, model − benchmark.

    ``p_value`` is the probability of so low a statistic if both are equally good: small if the model
    is better. ``lags`` are the days of the Newey and West variance.
    """

    difference: float
    statistic: float
    p_value: float
    days: int
    lags: int


@dataclass(frozen=True, slots=True)
class HitRate:
    """Share of days and asset-sides with a loss above the threshold, with its interval at 95 %."""

    rate: float
    lower: float
    upper: float
    observations: int
    days: int


def compare_tick(
    model: Sequence[Outcomes], benchmark: Sequence[Outcomes]
) -> LossComparison | Unknown:
    """Returns the comparison by tick loss, on the days that both have per asset and side.

    Unknown: fewer than 30 days.
    """
    return compare_daily(_daily(model, benchmark, _tick))


def compare_joint(
    model: Sequence[Outcomes], benchmark: Sequence[Outcomes]
) -> LossComparison | Unknown:
    """Returns the comparison by the FZ0 score, as ``compare_tick``."""
    return compare_daily(_daily(model, benchmark, _joint))


def compare_daily(difference: Floats, lags: int | None = None) -> LossComparison | Unknown:
    """Returns the test of daily differences in order of time.

    Without ``lags``, they are ⌊4·(days / 100)^(2/9)⌋ (Newey and West 1994). Unknown: fewer than 30
    days, or differences that do not vary.
    """
    days = difference.size
    if days < LEAST_DAYS:
        return Unknown(f"{days} days in common, {LEAST_DAYS} are required")
    used = int(4 * (days / 100) ** (2 / 9)) if lags is None else lags
    variance = long_run_variance(difference, used)
    if not variance > 0:
        return Unknown("the losses of both models differ by the same on every day")
    statistic = float(difference.mean()) / sqrt(variance / days)
    return LossComparison(
        rounded_figure(float(difference.mean())),
        rounded_figure(statistic),
        rounded_figure(erfc(-statistic / sqrt(2)) / 2),
        days,
        used,
    )


def long_run_variance(values: Floats, lags: int) -> float:
    """Returns the variance of a mean times the number of values (Newey and West 1987)."""
    centred = values - values.mean()
    total = float(centred @ centred)
    for lag in range(1, lags + 1):
        total += 2 * (1 - lag / (lags + 1)) * float(centred[lag:] @ centred[:-lag])
    return total / values.size


def hit_rate(
    outcomes: Sequence[Outcomes], block: float = BLOCK_DAYS, draws: int = DRAWS
) -> HitRate | Unknown:
    """Returns the pooled rate of breaches with the interval of a bootstrap by blocks of days.

    The stationary bootstrap resamples days, each with the breaches of all assets and sides. Unknown:
    fewer than 30 days.
    """
    days = _union(outcomes)
    if days.size < LEAST_DAYS:
        return Unknown(f"{days.size} days, {LEAST_DAYS} are required")
    counts = np.zeros((2, days.size))
    for outcome in outcomes:
        places = np.searchsorted(days, outcome.days)
        counts[0, places] += outcome.breaches
        counts[1, places] += 1
    lower, upper = _interval(counts, block, draws)
    return HitRate(
        rounded_figure(float(counts[0].sum() / counts[1].sum())),
        rounded_figure(lower),
        rounded_figure(upper),
        int(counts[1].sum()),
        int(days.size),
    )


def _interval(counts: Floats, block: float, draws: int) -> tuple[float, float]:
    """Returns the interval of the ratio of the two rows of counts."""
    sums = _times_drawn(counts.shape[1], block, draws) @ counts.T
    tail = (1 - CONFIDENCE) / 2
    lower, upper = np.quantile(sums[:, 0] / sums[:, 1], (tail, 1 - tail))
    return float(lower), float(upper)


@lru_cache(maxsize=4)
def _times_drawn(days: int, block: float, draws: int) -> Floats:
    """Returns how often each day is in each resampled series, a row per series.

    The hit rates of all models on the same days use the same series.
    """
    rng = np.random.default_rng(SEED)
    batch = max(1, _MAX_CELLS // days)
    times = np.empty((draws, days))
    for first in range(0, draws, batch):
        drawn = stationary_indices(rng, days, block, min(batch, draws - first))
        for row, indices in enumerate(drawn, first):
            times[row] = np.bincount(indices, minlength=days)
    times.setflags(write=False)
    return times


def _tick(outcome: Outcomes) -> Floats:
    return tick_loss(outcome.losses, outcome.var, outcome.level)


def _joint(outcome: Outcomes) -> Floats:
    return joint_score(outcome.losses, outcome.var, outcome.es, outcome.level)


def _daily(
    model: Sequence[Outcomes],
    benchmark: Sequence[Outcomes],
    loss: Callable[[Outcomes], Floats],
) -> Floats:
    """Returns per day the mean difference of losses over the asset-sides that both have."""
    others = {(outcome.asset, outcome.side): outcome for outcome in benchmark}
    pairs = [(o, others[o.asset, o.side]) for o in model if (o.asset, o.side) in others]
    days = _union([outcome for outcome, _ in pairs])
    sums = np.zeros((2, days.size))
    for own, other in pairs:
        common, mine, theirs = np.intersect1d(
            own.days, other.days, assume_unique=True, return_indices=True
        )
        difference = loss(own)[mine] - loss(other)[theirs]
        is_known = np.isfinite(difference)
        places = np.searchsorted(days, common[is_known])
        sums[0, places] += difference[is_known]
        sums[1, places] += 1
    has_pairs = sums[1] > 0
    return np.asarray(sums[0, has_pairs] / sums[1, has_pairs])


def _union(outcomes: Sequence[Outcomes]) -> Days:
    if not outcomes:
        return np.empty(0, dtype=np.int64)
    return np.unique(np.concatenate([outcome.days for outcome in outcomes]))
