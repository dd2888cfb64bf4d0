"""Moves of a series: simple returns over one horizon, and excursions within a candle.

No move spans a gap. A return over several candles needs every candle between its ends, so that
neither a halt nor a change of the coin behind a symbol becomes a return.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from harmonize.market.prices import Floats, PriceSeries, Times


@dataclass(frozen=True, slots=True, eq=False)
class Returns:
    """Simple returns over ``horizon`` candles, by the opening time of the last of them.

    ``long_losses`` and ``short_losses`` are losses as fractions of the value at the beginning.
    """

    series: PriceSeries
    horizon: int
    times: Times
    values: Floats

    @property
    def long_losses(self) -> Floats:
        """Losses of a long position."""
        return -self.values + 0.0

    @property
    def short_losses(self) -> Floats:
        """Losses of a short position."""
        return self.values


@dataclass(frozen=True, slots=True, eq=False)
class Excursions:
    """Farthest adverse moves within each candle, from the close before it.

    ``long_losses`` are those to the low, ``short_losses`` those to the high; negative if the price
    stayed on the favourable side.
    """

    series: PriceSeries
    times: Times
    long_losses: Floats
    short_losses: Floats


def simple_returns(series: PriceSeries, horizon: int = 1) -> Returns:
    """Returns the returns over ``horizon`` candles that begin at every candle, in order of time.

    Raises ValueError: a horizon below one candle.
    """
    if horizon < 1:
        message = (
            f"{series.id}: expected a horizon of at least 1 candle, found {horizon}; lengthen it"
        )
        raise ValueError(message)
    ends = contiguous_ends(series, horizon)
    values = series.close[ends] / series.close[ends - horizon] - 1
    return Returns(series, horizon, series.times[ends], values)


def excursions(series: PriceSeries) -> Excursions | None:
    """Returns the excursions of a series; None if its kind has none.

    A candle without observed high and low, or after a gap, has no excursion; nor has the first one,
    on the day of listing.
    """
    if series.high is None or series.low is None:
        return None
    ends = contiguous_ends(series, 1)
    ends = ends[~(np.isnan(series.high[ends]) | np.isnan(series.low[ends]))]
    before = series.close[ends - 1]
    return Excursions(
        series,
        series.times[ends],
        1 - series.low[ends] / before,
        series.high[ends] / before - 1,
    )


def align(all_returns: Sequence[Returns]) -> tuple[Times, Floats]:
    """Returns the union of the times, and a column of values per series with NaN where it has none."""
    if not all_returns:
        return np.empty(0, dtype=np.int64), np.empty((0, 0))
    times = np.unique(np.concatenate([returns.times for returns in all_returns]))
    table = np.full((times.size, len(all_returns)), np.nan)
    for column, returns in enumerate(all_returns):
        table[np.searchsorted(times, returns.times), column] = returns.values
    return times, table


def contiguous_ends(series: PriceSeries, horizon: int) -> NDArray[np.int64]:
    """Returns the candles that are preceded by ``horizon`` candles without a gap."""
    if series.times.size <= horizon:
        return np.empty(0, dtype=np.int64)
    elapsed = series.times[horizon:] - series.times[:-horizon]
    return np.flatnonzero(elapsed == horizon * series.step) + horizon
