"""Builds candles of a longer interval from shorter ones."""

from dataclasses import replace

import numpy as np

from harmonize.market.prices import MICROSECONDS, Floats, PriceSeries, interval_text

ESTIMATED = "turnover estimated as volume × close of each candle"
"""Statement among the sources of a series whose turnover is not the venue's."""


def aggregate(series: PriceSeries, interval: int) -> PriceSeries:
    """Returns candles of ``interval`` seconds, each from all of its shorter ones.

    A longer candle with a missing shorter one is a gap. If the venue states no turnover, it is
    estimated, which the sources state. Raises ValueError: not a multiple of the interval.
    """
    count, rest = divmod(interval, series.id.interval)
    if rest or count < 1:
        message = f"{series.id}: expected a multiple of {interval_text(series.id.interval)}, found {interval_text(interval)}; lengthen it"
        raise ValueError(message)
    opened = series.times // (interval * MICROSECONDS) * (interval * MICROSECONDS)
    times, first, lengths = np.unique(opened, return_index=True, return_counts=True)
    whole = lengths == count
    first = first[whole]
    last = first + count - 1
    turnover, is_estimated = _turnover(series)
    columns: dict[str, Floats | None] = {
        "open": None if series.open is None else series.open[first],
        "high": _grouped(np.maximum, series.high, first, count),
        "low": _grouped(np.minimum, series.low, first, count),
        "close": series.close[last],
        "volume": _grouped(np.add, series.volume, first, count),
        "turnover": _grouped(np.add, turnover, first, count),
    }
    made = f"{interval_text(interval)} candles made of {interval_text(series.id.interval)}"
    notes = (made, ESTIMATED) if is_estimated else (made,)
    disputed = series.disputed
    return replace(
        series,
        id=replace(series.id, interval=interval),
        times=times[whole],
        disputed=None if disputed is None else disputed[last],
        sources=(*series.sources, *notes),
        **columns,  # type: ignore[arg-type]  # the names are those of price columns
    )


def _turnover(series: PriceSeries) -> tuple[Floats | None, bool]:
    """Returns the turnover, in the quote currency, and whether it is an estimate."""
    if series.turnover is not None or series.volume is None:
        return series.turnover, False
    return series.volume * series.close, True


def _grouped(
    combine: np.ufunc, column: Floats | None, first: np.ndarray, count: int
) -> Floats | None:
    """Returns a column combined over ``count`` rows from each first one on."""
    if column is None:
        return None
    rows = column[first[:, None] + np.arange(count)]
    return np.asarray(combine.reduce(rows, axis=1), dtype=np.float64)
