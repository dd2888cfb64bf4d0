"""Candles of one series as immutable arrays, with the identity and the defects of the series."""

from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Any

import numpy as np
from numpy.typing import NDArray

from harmonize.core.instrument import Underlying

Floats = NDArray[np.float64]
Times = NDArray[np.int64]

MICROSECONDS = 1_000_000


class PriceKind(StrEnum):
    """What the prices of a series are prices of."""

    PERP = "perp"  # trades of a perpetual contract
    SPOT = "spot"  # trades of the asset itself
    MARK = "mark"  # mark price of a perpetual contract, by which a venue liquidates
    INDEX = "index"  # index of spot prices behind a perpetual contract
    VOLATILITY = "volatility"  # implied volatility, in percent per year

    @property
    def has_excursions(self) -> bool:
        """Whether highs and lows liquidate a position: those of spot trades and indices do not."""
        return self in {PriceKind.PERP, PriceKind.MARK}


@dataclass(frozen=True, slots=True)
class SeriesId:
    """Identity of a series: who quotes what, and how often.

    ``symbol`` is the venue's own. ``interval`` is the length of a candle in seconds. The price is that
    of ``underlying.multiplier`` coins in ``quote``, empty for a volatility.
    """

    venue: str
    kind: PriceKind
    symbol: str
    underlying: Underlying
    quote: str
    interval: int

    def __str__(self) -> str:
        """Returns the identity in words: ``binance perp BTCUSDT 1h``."""
        return f"{self.venue} {self.kind} {self.symbol} {interval_text(self.interval)}"


class DefectKind(StrEnum):
    """Kind of defect of a series, and what becomes of the candles concerned."""

    UNFINISHED = "unfinished candle excluded"
    FILLED = "candle interpolated by the source excluded"
    OFF_GRID = "candle between the grid times excluded"
    UNOBSERVED = "impossible price not used"
    CONTRACTS = "volume in contracts not used"
    UNIT = "volume of unknown unit not used"
    MISNAMED = "source names another asset; the symbol counts"
    UNPRICED = "open interest in coins without a price excluded"
    DISPUTED = "close disputed by another source"
    RESTATED = "close differs between files; the first file is used"


@dataclass(frozen=True, slots=True)
class SeriesDefect:
    """Defect of ``count`` candles of a series, the first of which opens at ``first`` (UTC)."""

    kind: DefectKind
    count: int
    first: datetime
    note: str = ""


@dataclass(frozen=True, slots=True, eq=False)
class PriceSeries:
    """Candles in order of time, all finished, at most one per interval.

    ``times`` are the openings in microseconds since 1970, UTC. ``high`` and ``low`` are None unless
    the kind has excursions, and NaN where they were not observed. ``volume`` is in units of the
    contract's base, ``turnover`` in the quote currency; both are None if no source states them.
    ``disputed`` marks candles with a disputed close. ``sources`` name the files, in their order.
    """

    id: SeriesId
    times: Times
    close: Floats
    open: Floats | None = None
    high: Floats | None = None
    low: Floats | None = None
    volume: Floats | None = None
    turnover: Floats | None = None
    disputed: NDArray[np.bool_] | None = None
    defects: tuple[SeriesDefect, ...] = ()
    sources: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        """Freezes the arrays. Raises ValueError: columns of other lengths, or spot excursions."""
        for name, column in self.columns().items():
            if column.shape != self.times.shape:
                message = f"{self.id}: {name}: expected {self.times.size} rows, found {column.shape}; align the columns"
                raise ValueError(message)
            column.setflags(write=False)
        self.times.setflags(write=False)
        if not self.id.kind.has_excursions and (self.high is not None or self.low is not None):
            message = f"{self.id}: expected no highs and lows; use closes only"
            raise ValueError(message)

    def columns(self) -> dict[str, Any]:
        """Returns the columns that are present, by name, except the times."""
        columns = {name: getattr(self, name) for name in COLUMNS}
        return {name: column for name, column in columns.items() if column is not None}

    @property
    def step(self) -> int:
        """Length of a candle in microseconds."""
        return self.id.interval * MICROSECONDS

    def select(self, rows: NDArray[np.bool_] | slice) -> "PriceSeries":
        """Returns the series with some of its candles. An excluded candle becomes a gap."""
        columns = {name: column[rows] for name, column in self.columns().items()}
        return replace(self, times=self.times[rows], **columns)

    def known_at(self, as_of: datetime) -> "PriceSeries":
        """Returns the candles that had closed at a time with a time zone, and their defects."""
        limit = microseconds(as_of) - self.step
        known = self.select(slice(0, int(np.searchsorted(self.times, limit, side="right"))))
        defects = tuple(d for d in self.defects if microseconds(d.first) <= limit)
        return replace(known, defects=defects)

    def undisputed(self) -> "PriceSeries":
        """Returns the series without disputed candles, so that no return begins or ends there."""
        return self if self.disputed is None else self.select(~self.disputed)


COLUMNS = ("open", "high", "low", "close", "volume", "turnover", "disputed")
"""Columns of a series, in the order of files."""


def microseconds(time: datetime) -> int:
    """Returns a time with a time zone as microseconds since 1970. Raises ValueError: no time zone."""
    if time.tzinfo is None:
        message = f"{time}: expected a time with a time zone; add +00:00 for UTC"
        raise ValueError(message)
    return (time - _EPOCH) // timedelta(microseconds=1)


def utc_time(time: int) -> datetime:
    """Returns microseconds since 1970 as a time in UTC."""
    return _EPOCH + timedelta(microseconds=int(time))


_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

INTERVALS = {"1m": 60, "5m": 300, "15m": 900, "30m": 1800, "1h": 3600, "4h": 14_400, "8h": 28_800, "1d": 86_400}  # fmt: skip
"""Lengths of candles in seconds, by their usual names."""


def interval_text(seconds: int) -> str:
    """Returns the usual name of an interval, such as 1h; of another, its seconds."""
    return next((name for name, length in INTERVALS.items() if length == seconds), f"{seconds}s")
