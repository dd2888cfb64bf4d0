"""Thresholds over several days: the daily one times the root of time, tested on whole windows of days."""

from dataclasses import replace

import numpy as np

from harmonize.thresholds.history import DailyHistory
from harmonize.thresholds.path import SidePath, ThresholdPath

LONGEST_HORIZON = 10
"""Longest horizon in days."""


def scaled(path: ThresholdPath, days: int) -> ThresholdPath:
    """Returns a daily path for a horizon of ``days``: times √days, at most the whole position."""
    if days == 1:
        return path
    factor = days**0.5
    long, short = (
        SidePath(np.minimum(side.var * factor, 1.0), np.minimum(side.es * factor, 1.0))
        for side in (path.long, path.short)
    )
    return replace(path, long=long, short=short)


def windows(
    history: DailyHistory, path: ThresholdPath, days: int
) -> tuple[DailyHistory, ThresholdPath] | None:
    """Returns the returns over windows that do not overlap, and the thresholds stated before each.

    A window has ``days`` days in succession and begins with the first of them. None: there is none.
    Raises ValueError: no whole number of days from 1 to ``LONGEST_HORIZON``.
    """
    if not 1 <= days <= LONGEST_HORIZON:
        message = f"horizon: expected 1 to {LONGEST_HORIZON} days, found {days}; use 1 for a day"
        raise ValueError(message)
    if days == 1:
        return history, path
    starts = _starts(history, path, days)
    if not starts.size:
        return None
    growth = np.log1p(np.maximum(history.returns, -1 + 1e-12))
    total = np.concatenate([[0.0], np.cumsum(growth)])
    own = DailyHistory(
        history.asset, history.days[starts].copy(), np.expm1(total[starts + days] - total[starts])
    )
    rows = np.append(starts, history.size)
    long, short = (
        SidePath(side.var[rows].copy(), side.es[rows].copy()) for side in (path.long, path.short)
    )
    return own, replace(path, days=path.days[rows].copy(), long=long, short=short)


def _starts(history: DailyHistory, path: ThresholdPath, days: int) -> np.ndarray:
    """Returns the first rows of windows, one after another, from the first threshold on."""
    starts: list[int] = []
    known = np.isfinite(path.margin)
    row = 0
    while row + days <= history.size:
        if known[row] and history.days[row + days - 1] - history.days[row] == days - 1:
            starts.append(row)
            row += days
        else:
            row += 1
    return np.array(starts, dtype=np.int64)
