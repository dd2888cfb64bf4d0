"""Small series and tables of series, written for tests."""

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any, cast

import numpy as np

from harmonize.core.instrument import Underlying
from harmonize.market import series_table
from harmonize.market.prices import Floats, PriceKind, PriceSeries, SeriesId

DAY = 86_400_000_000
START = int(datetime(2024, 1, 1, tzinfo=UTC).timestamp()) * 1_000_000


def identity(
    symbol: str = "BTCUSDT", kind: PriceKind = PriceKind.PERP, venue: str = "binance"
) -> SeriesId:
    underlying = Underlying.of(symbol.removesuffix("USDT"))
    return SeriesId(venue, kind, symbol, underlying, "USDT", 86_400)


def series(
    closes: list[float],
    days: list[int] | None = None,
    of: SeriesId | None = None,
    **columns: Floats,
) -> PriceSeries:
    """Daily closes from 2024-01-01 on, or on the given days after it."""
    places = np.array(range(len(closes)) if days is None else days, dtype=np.int64)
    return replace(
        PriceSeries(of or identity(), START + places * DAY, np.array(closes)),
        **cast("dict[str, Any]", columns),
    )


def entry(exceptions: str = "[]", kind: str = "perp") -> series_table.SeriesFile:
    """Entry of a series table for a file of daily candles of BTCUSDT."""
    text = f"""
files:
  - file: a.csv
    venue: binance
    kind: {kind}
    interval: 1d
    symbol: BTCUSDT
    quote: USDT
    last_candle: finished
    source: test
    exceptions: {exceptions}
"""
    return series_table.parse(text, "table.yaml")[0]
