"""Thresholds from pooled regressions of the tail of return / volatility on features, refitted as time goes on."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from harmonize.adequacy.tail import Floats
from harmonize.core.schedule import Unknown
from harmonize.thresholds.features import PooledRows
from harmonize.thresholds.garch import REFIT
from harmonize.thresholds.history import LEAST_RETURNS, MOST_RETURNS, Days
from harmonize.thresholds.path import (
    Fallback,
    Model,
    Paths,
    SidePath,
    ThresholdPath,
    both_losses,
    fallbacks_of,
    four_digits,
    paths_of,
)
from harmonize.thresholds.quantile_regression import quantile_coefficients

LEAST_DAYS = 2
"""Fewest days with a loss above the level, per coefficient of a regression."""

SMALLEST = 0.1
"""Smallest VaR as a multiple of volatility; a lower one is no quantile of a tail."""

NO_FEATURE = "a feature of the day before is not observed"


@dataclass(frozen=True, slots=True, eq=False)
class Training:
    """Rows on which a regression is fitted: features, losses of one side in units of volatility, days."""

    features: Floats
    losses: Floats
    days: Days


Predictor = Callable[[Floats], Floats]
"""Returns VaR in units of volatility, a row per level, from features; NaN for a level without a fit."""


@dataclass(frozen=True, slots=True, eq=False)
class Fitted:
    """Predictor of a fit; ``missing`` states per place of a level why it has none."""

    predict: Predictor
    missing: Mapping[int, str] = field(default_factory=dict)


Fit = Callable[[Training, Sequence[float]], Fitted | Unknown]


def regression_paths(pool: PooledRows, levels: Sequence[float]) -> dict[str, Paths | Unknown]:
    """Returns the paths of linear quantile regression by asset, refitted every 30 days.

    Each fit uses the complete rows of all assets of the 1,095 days before. Unknown: no row of an asset
    is predicted.
    """
    return pooled_paths(pool, levels, Model.REGRESSION, linear_fit, REFIT)


def linear_fit(training: Training, levels: Sequence[float]) -> Fitted:
    """Returns linear quantiles of the losses, sorted where they cross.

    A level is missing if its losses are too few: see ``quantile_coefficients``. They also have to occur
    on two days per coefficient, because the rows of one day are not independent.
    """
    columns = training.features.shape[1]
    table = np.full((len(levels), columns), np.nan)
    missing: dict[int, str] = {}
    for place, level in enumerate(levels):
        found = quantile_coefficients(training.features, training.losses, level)
        if not isinstance(found, Unknown) and _days_beyond(training, level) < LEAST_DAYS * columns:
            days = LEAST_DAYS * columns
            found = Unknown(f"losses above {level:.5g} on fewer than {days} days before")
        if isinstance(found, Unknown):
            missing[place] = found.reason
        else:
            table[place] = found
    return Fitted(lambda features: sorted_quantiles(table @ features.T, levels), missing)


def _days_beyond(training: Training, level: float) -> int:
    """Returns the number of days on which any asset lost more than the quantile of all rows."""
    is_beyond = training.losses > np.quantile(training.losses, level)
    return int(np.unique(training.days[is_beyond]).size)


def sorted_quantiles(quantiles: Floats, levels: Sequence[float]) -> Floats:
    """Returns quantiles, a row per level, in the order of their levels; a row of NaN remains."""
    order = np.argsort(levels, kind="stable")
    order = order[~np.isnan(quantiles[order]).any(axis=1)]
    result = np.full_like(quantiles, np.nan)
    result[order] = np.sort(quantiles[order], axis=0)
    return result


def pooled_paths(
    pool: PooledRows, levels: Sequence[float], model: Model, fit: Fit, refit: int
) -> dict[str, Paths | Unknown]:
    """Returns the paths of a pooled model by asset, with one fit per side and ``refit`` days."""
    var, es = np.full((2, len(levels), pool.days.size, 2), np.nan)
    reasons: dict[tuple[int, str], list[NDArray[np.int64]]] = {}
    complete = pool.complete
    losses = both_losses(pool.target)
    first = int(pool.days[np.isfinite(pool.volatility)].min())
    for start in range(first, int(pool.days.max()) + 1, refit):
        is_due = (pool.days >= start) & (pool.days < start + refit)
        rows = np.flatnonzero(is_due & complete)
        if not rows.size:
            continue
        is_past = (pool.days < start) & (pool.days >= start - MOST_RETURNS) & complete
        past = np.flatnonzero(is_past & np.isfinite(pool.target))
        for side in (0, 1):
            training = Training(pool.features[past], losses[past, side], pool.days[past])
            fitted = _fitted(training, levels, fit)
            if isinstance(fitted, Unknown):
                missing: Mapping[int, str] = dict.fromkeys(range(len(levels)), fitted.reason)
            else:
                missing = fitted.missing
                var[:, rows, side], es[:, rows, side] = _predicted(
                    fitted.predict, training, pool.features[rows]
                )
            for gap in missing.items():
                reasons.setdefault(gap, []).append(rows)
    scale = pool.volatility[:, None]
    gaps = {gap: np.unique(np.concatenate(found)) for gap, found in reasons.items()}
    incomplete = np.flatnonzero(~complete & np.isfinite(pool.volatility))
    gaps |= {(place, NO_FEATURE): incomplete for place in range(len(levels))}
    tables = (np.maximum(var, SMALLEST) * scale, np.maximum(es, SMALLEST) * scale)
    return _by_asset(pool, levels, model, tables, gaps)


def _fitted(training: Training, levels: Sequence[float], fit: Fit) -> Fitted | Unknown:
    if np.unique(training.days).size < LEAST_RETURNS:
        # Without the number, so that refits in succession share their reason.
        return Unknown(f"fewer than {LEAST_RETURNS} days with all features before")
    return fit(training, levels)


def _predicted(predictor: Predictor, training: Training, features: Floats) -> tuple[Floats, Floats]:
    """Returns VaR and ES: VaR times the mean ratio of losses beyond it to it in the training rows."""
    fitted = np.maximum(predictor(training.features), SMALLEST)
    ratios = []
    for quantile in fitted:
        is_beyond = training.losses > quantile
        ratio = training.losses[is_beyond] / quantile[is_beyond]
        ratios.append(float(ratio.mean()) if ratio.size else 1.0)
    var = np.maximum(predictor(features), SMALLEST)
    return var, var * np.array(ratios)[:, None]


def _by_asset(
    pool: PooledRows,
    levels: Sequence[float],
    model: Model,
    tables: tuple[Floats, Floats],
    gaps: Mapping[tuple[int, str], NDArray[np.int64]],
) -> dict[str, Paths | Unknown]:
    paths: dict[str, Paths | Unknown] = {}
    for history, part in zip(pool.histories, pool.parts, strict=True):
        fallbacks: dict[int, tuple[Fallback, ...]] = dict.fromkeys(range(len(levels)), ())
        for (place, reason), rows in gaps.items():
            own = rows[(rows >= part.start) & (rows < part.stop)] - part.start
            fallbacks[place] += fallbacks_of(history.threshold_days, own.tolist(), reason)
        var, es = (table[:, part] for table in tables)
        if not np.isfinite(var).any():
            found = (fallback.reason for own in fallbacks.values() for fallback in own)
            paths[history.asset] = Unknown("; ".join(dict.fromkeys(found)))
            continue
        plain = paths_of(history, model, levels, (var, es), is_fitted=True)
        paths[history.asset] = tuple(
            replace(path, fallbacks=fallbacks[place]) for place, path in enumerate(plain)
        )
    return paths


def average_paths(one: Paths | Unknown, other: Paths | Unknown) -> Paths | Unknown:
    """Returns the means of the paths of two models per level, such as regression and GARCH.

    Rows that either does not state are NaN. Unknown: either is. Raises ValueError: other assets or levels.
    """
    for paths in (one, other):
        if isinstance(paths, Unknown):
            return paths
    if isinstance(one, Unknown) or isinstance(other, Unknown):
        return Unknown("no path")
    return tuple(_average(*pair) for pair in zip(one, other, strict=True))


def _average(one: ThresholdPath, other: ThresholdPath) -> ThresholdPath:
    if (one.asset, one.level, one.days.tolist()) != (other.asset, other.level, other.days.tolist()):
        message = f"average: expected paths of one asset and level, found {one.asset} at {one.level:g} and {other.asset} at {other.level:g}; pair them"
        raise ValueError(message)
    long, short = (
        SidePath(four_digits((a.var + b.var) / 2), four_digits((a.es + b.es) / 2))
        for a, b in ((one.long, other.long), (one.short, other.short))
    )
    return ThresholdPath(
        one.asset,
        Model.AVERAGE,
        one.level,
        one.days.copy(),
        long,
        short,
        (*one.fallbacks, *other.fallbacks),
    )
