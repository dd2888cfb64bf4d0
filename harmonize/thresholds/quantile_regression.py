"""Exact linear quantile regression of many rows at a level far in the tail (Koenker and Bassett 1978).

Its linear programme has a variable per row. Rows far below the hyperplane have no part in the solution,
so that a programme with the highest rows solves it too (Portnoy and Koenker 1997). If an excluded row
turns out to be above the hyperplane, it is included and the programme solved again, until none is.
"""

import numpy as np
from numpy.typing import NDArray

from harmonize.adequacy.tail import Floats
from harmonize.core.schedule import Unknown

_MARGIN = 6.0
"""Rows in the first programme, as a multiple of those expected above the hyperplane."""

LEAST_EXCEEDANCES = 5
"""Fewest targets that are expected above the level, per column."""

_TOLERANCE = 1e-9
"""Distance above the hyperplane that counts as on it, as a share of the largest target."""


def quantile_coefficients(features: Floats, target: Floats, level: float) -> Floats | Unknown:
    """Returns the coefficients that minimise the tick loss of ``features @ coefficients``.

    ``features`` has a row per target, and usually a column of ones. Unknown: fewer than five targets
    are expected above the level per column, or the programme has no solution. Raises ValueError: other
    lengths, a level outside 0 to 1, or missing values.
    """
    rows, columns = features.shape
    if target.shape != (rows,) or not (np.isfinite(features).all() and np.isfinite(target).all()):
        message = f"regression: expected {rows} finite targets and features, found the shape {target.shape} or missing values; remove these rows"
        raise ValueError(message)
    if not 0 < level < 1:
        message = f"level: expected above 0 and below 1, found {level:g}; use 0.99 for 99 %"
        raise ValueError(message)
    least = LEAST_EXCEEDANCES * columns
    if round(rows * (1 - level), 9) < least:
        # Without the number of rows, so that fits in succession share their reason.
        return Unknown(f"fewer than {least / (1 - level):,.0f} rows, as {level:.5g} requires")
    return _solved(features, target, level)


def tick_loss(losses: Floats, var: Floats, level: float) -> Floats:
    """Returns the tick loss of each row: level · excess above VaR, or (1 − level) · distance below."""
    excess = losses - var
    return np.asarray(np.where(excess > 0, level * excess, (level - 1) * excess))


def _solved(features: Floats, target: Floats, level: float) -> Floats | Unknown:
    weights = (1 - level) * features.sum(axis=0)
    is_used = _highest(features, target, level)
    tolerance = _TOLERANCE * max(1.0, float(np.abs(target).max()))
    while True:
        coefficients = _programme(features[is_used], target[is_used], weights)
        if coefficients is None:
            if is_used.all():
                return Unknown("the programme of the quantile regression has no solution")
            is_used = np.ones_like(is_used)
            continue
        is_wrong = (target - features @ coefficients > tolerance) & ~is_used
        if not is_wrong.any():
            return coefficients
        is_used |= is_wrong


def _highest(features: Floats, target: Floats, level: float) -> NDArray[np.bool_]:
    """Returns the rows that are highest above the plane of least squares."""
    plane = np.linalg.lstsq(features, target, rcond=None)[0]
    residuals = target - features @ plane
    count = min(target.size, int(_MARGIN * (1 - level) * target.size) + 50 * features.shape[1])
    is_used = np.zeros(target.size, dtype=bool)
    is_used[np.argsort(-residuals, kind="stable")[:count]] = True
    return is_used


def _programme(features: Floats, target: Floats, weights: Floats) -> Floats | None:
    """Returns the dual variables of max target·a, features'·a = weights, 0 ≤ a ≤ 1; None: no solution."""
    from scipy.optimize import linprog  # noqa: PLC0415 - heavy

    result = linprog(-target, A_eq=features.T, b_eq=weights, bounds=(0, 1), method="highs-ds")
    return np.asarray(-result.eqlin.marginals) if result.status == 0 else None
