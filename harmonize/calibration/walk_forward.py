"""Inputs as they would have been measured at the end of each past day, without later prices."""

from bisect import bisect_left, insort
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from math import floor

import numpy as np
from numpy.typing import NDArray

from harmonize.adequacy.measured_inputs import LEVEL, MOVES, WORST_YEARS, YEAR
from harmonize.adequacy.rolling import rolling_both_sides
from harmonize.adequacy.tail import Floats
from harmonize.calibration.evidence import LEAST_RETURNS
from harmonize.market.prices import PriceSeries
from harmonize.market.returns import contiguous_ends
from harmonize.policy.expression import Expression, evaluate

Rows = NDArray[np.int64]


@dataclass(frozen=True, slots=True, eq=False)
class DailyMargins:
    """Margin rate known at the close of each candle of a series; NaN where it is not observable."""

    series: PriceSeries
    rates: Floats


def daily_margins(
    series: PriceSeries,
    rate: Expression,
    names: Mapping[str, str],
    earlier: Sequence[PriceSeries] = (),
) -> DailyMargins | None:
    """Returns the rate of a formula at the close of each daily candle.

    ``names`` are the measured names of the formula's inputs, by their names in it. ``earlier`` are other
    series whose years count for the worst one, once they ended. None: candles cannot give one of the
    inputs. A rate above 1 is 1.
    """
    if not set(names.values()) <= MOVES.keys() | WORST_YEARS.keys():
        return None
    columns = np.stack([daily_input(series, name, earlier) for name in names.values()])
    rates = np.full(series.times.size, np.nan)
    is_known = ~np.isnan(columns).any(axis=0)
    distinct, places = np.unique(columns[:, is_known], axis=1, return_inverse=True)
    values = [_evaluated(rate, list(names), column) for column in distinct.T]
    rates[is_known] = np.array(values)[places.ravel()] if values else []
    return DailyMargins(series, rates)


def _evaluated(rate: Expression, names: Sequence[str], column: Floats) -> float:
    values = {name: Decimal(repr(float(value))) for name, value in zip(names, column, strict=True)}
    return min(float(evaluate(rate, values)), 1.0)


def daily_input(series: PriceSeries, name: str, earlier: Sequence[PriceSeries] = ()) -> Floats:
    """Returns a 99 % move as known at the close of each candle.

    NaN before 365 returns, and where the move is above 1, which is refused as an input.
    """
    result = _known_moves(series, series, name)
    if name in WORST_YEARS:
        for years in earlier:  # a year that had not ended is NaN, which ``maximum`` would keep
            before = _known_moves(years, series, name)
            result = np.where(np.isnan(before), result, np.maximum(result, before))
    result[result > 1] = np.nan
    return result


def _known_moves(series: PriceSeries, at: PriceSeries, name: str) -> Floats:
    """Returns a 99 % move of a series as known at the close of each candle of another one."""
    if name in WORST_YEARS:
        horizon, count = WORST_YEARS[name], YEAR
    else:
        horizon, count = MOVES[name]
    ends = contiguous_ends(series, horizon)
    values = series.close[ends] / series.close[ends - horizon] - 1
    trailing = _trailing(values, count)
    if name in WORST_YEARS:
        trailing = np.fmax.accumulate(trailing)
    closes = series.times[ends] + series.step
    known = np.searchsorted(closes, at.times + at.step, side="right") - 1
    result = np.full(at.times.size, np.nan)
    result[known >= 0] = trailing[known[known >= 0]]
    return result


def _trailing(values: Floats, count: int) -> Floats:
    """Returns the quantile of the worse side over the last ``count`` values, from the 365th on."""
    result = np.full(values.size, np.nan)
    if values.size >= count:
        long, short = rolling_both_sides(values[:, None], count, (LEVEL,))
        result[count - 1 :] = np.maximum(long.var[0, :, 0], short.var[0, :, 0])
    ordered: list[float] = []
    for row, value in enumerate(values[: count - 1].tolist()):
        insort(ordered, value)
        if row + 1 >= LEAST_RETURNS:
            result[row] = max(_quantile(ordered, LEVEL), -_quantile(ordered, 1 - LEVEL))
    return result


def _quantile(ordered: Sequence[float], level: float) -> float:
    """Returns the quantile of type 7 of values in rising order."""
    position = (len(ordered) - 1) * level
    below = floor(position)
    above = min(below + 1, len(ordered) - 1)
    return ordered[below] + (position - below) * (ordered[above] - ordered[below])


def first_from(series: PriceSeries, time: int) -> int:
    """Returns the first candle that closes at a time in microseconds or later."""
    return bisect_left(series.times, time - series.step)
