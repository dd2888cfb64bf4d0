"""Series of one contract with candles of any length, and real ones of 15 minutes."""

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
from pyarrow import parquet

from harmonize.market.prices import Floats, PriceSeries, SeriesId, microseconds
from tests.harmonize.market.small import START, identity

DATA = Path(__file__).parent / "data"

QUARTER, HOUR, DAY = 900, 3_600, 86_400

AS_OF = datetime(2026, 11, 30, tzinfo=UTC)
"""A date after every candle of the tests."""


def candles(
    closes: list[float] | Floats,
    interval: int = DAY,
    *,
    high: list[float] | Floats | None = None,
    low: list[float] | Floats | None = None,
    of: SeriesId | None = None,
) -> PriceSeries:
    """Candles without a gap from 2024-01-01 on."""
    close = np.array(closes, dtype=np.float64)
    return PriceSeries(
        replace(of or identity(), interval=interval),
        START + np.arange(close.size) * interval * 1_000_000,
        close,
        high=None if high is None else np.array(high, dtype=np.float64),
        low=None if low is None else np.array(low, dtype=np.float64),
        sources=("test.csv",),
    )


def random_candles(
    seed: int, count: int, interval: int = HOUR, of: SeriesId | None = None
) -> PriceSeries:
    """A random walk whose highs and lows surround open and close."""
    rng = np.random.default_rng(seed)
    close = 100 * np.exp(np.cumsum(rng.standard_t(4, size=count) * 0.01))
    before = np.concatenate([[100.0], close[:-1]])
    high = np.maximum(before, close) * (1 + rng.exponential(0.004, size=count))
    low = np.minimum(before, close) * (1 - rng.exponential(0.004, size=count))
    return candles(close, interval, high=high, low=low, of=of)


def real_quarters(file: str, first: datetime) -> PriceSeries:
    """Candles of 15 minutes of the BTCUSDT perpetual on Binance; see data/README.md."""
    table = parquet.read_table(DATA / file)
    columns = {name: table[name].to_numpy() / 10 for name in table.column_names}
    close = columns["close_tenths"]
    return PriceSeries(
        replace(identity(), interval=QUARTER),
        microseconds(first) + np.arange(close.size) * QUARTER * 1_000_000,
        close,
        high=columns.get("high_tenths"),
        low=columns.get("low_tenths"),
        sources=(file,),
    )


def real_closes() -> PriceSeries:
    """Closes from 2023-01-01 to 2025-12-06."""
    return real_quarters("btc_15m_closes.parquet", datetime(2023, 1, 1, tzinfo=UTC))


def real_crash() -> PriceSeries:
    """Candles of 1 to 15 October 2025."""
    return real_quarters("btc_15m_2025-10.parquet", datetime(2025, 10, 1, tzinfo=UTC))
