"""Thresholds from implied volatility: the tail of returns divided by the volatility stated before."""

from collections.abc import Sequence
from math import sqrt

import numpy as np

from harmonize.adequacy.tail import Floats
from harmonize.core.schedule import Unknown
from harmonize.text.messages import counted
from harmonize.thresholds.history import (
    LEAST_RETURNS,
    MOST_RETURNS,
    DailyHistory,
    Days,
    window_shortage,
)
from harmonize.thresholds.path import Model, Paths, both_losses, fallbacks_of, paths_of
from harmonize.thresholds.windows import trailing_tails

_YEAR = 365
_PERCENT = 100.0


def implied_paths(
    history: DailyHistory, days: Days, percent: Floats, levels: Sequence[float]
) -> Paths | Unknown:
    """Returns the paths scaled by an implied volatility, such as DVOL of Deribit.

    ``percent`` is the volatility in percent per year at the end of each of ``days``, in order of time.
    It serves the following day only: a day after one without a volatility is not observable. Unknown:
    fewer than 365 returns with a volatility before them, or see ``window_shortage``. Raises ValueError: not above 0.
    """
    stated = known_before(history, days, percent)
    bad = np.flatnonzero(stated <= 0)
    if bad.size:
        message = f"implied volatility before row {bad[0]}: expected a number above 0, found {stated[bad[0]]:g}; remove the day"
        raise ValueError(message)
    volatility = stated / _PERCENT / sqrt(_YEAR)
    has_both = np.isfinite(volatility[:-1])
    residuals = history.returns[has_both] / volatility[:-1][has_both]
    shortage = window_shortage(MOST_RETURNS, levels)
    if shortage:
        return shortage
    if residuals.size < LEAST_RETURNS:
        count = counted(residuals.size, "return")
        return Unknown(f"{count} with an implied volatility, {LEAST_RETURNS} are required")
    tails = trailing_tails(both_losses(residuals), MOST_RETURNS, levels)
    earlier = np.concatenate([[0], np.cumsum(has_both)])
    var, es = (table[:, earlier] * volatility[:, None] for table in tails)
    first = int(np.searchsorted(earlier, LEAST_RETURNS))
    missing = np.flatnonzero(~np.isfinite(volatility[first:])) + first
    reason = "no implied volatility on the day before"
    fallbacks = fallbacks_of(history.threshold_days, missing.tolist(), reason)
    return paths_of(history, Model.IMPLIED, levels, (var, es), fallbacks=fallbacks)


def known_before(history: DailyHistory, days: Days, values: Floats) -> Floats:
    """Returns per row of thresholds the value of the calendar day before; NaN without one.

    ``days`` are in order of time. Raises ValueError: not one value per day, or days out of order.
    """
    if days.shape != values.shape or np.any(np.diff(days) <= 0):
        message = f"{history.asset}: expected one value per day in order of time, found {days.size} days and {values.size} values; align them"
        raise ValueError(message)
    wanted = history.threshold_days - 1
    found = np.full(wanted.size, np.nan)
    if days.size:
        places = np.minimum(np.searchsorted(days, wanted), days.size - 1)
        is_there = days[places] == wanted
        found[is_there] = values[places[is_there]]
    return found
