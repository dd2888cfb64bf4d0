"""Market data as gathered from a venue: which series, their rows, and what is missing."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from venues.gathering.contracts import PerpetualContract
from venues.gathering.market_units import MarketUnits

HOUR, DAY = 3_600, 86_400


class SeriesKind(StrEnum):
    """Kind of market data of a contract."""

    PERP = "perp"
    MARK = "mark"
    INDEX = "index"
    FUNDING = "funding"
    OPEN_INTEREST = "open interest"


@dataclass(frozen=True, slots=True)
class SeriesKey:
    """Identity of a series to gather; ``interval`` is in seconds, 0 for funding."""

    venue: str
    kind: SeriesKind
    contract: PerpetualContract
    interval: int

    def __str__(self) -> str:
        """Returns the identity in words: ``perp BTCUSDT 1h``."""
        length = {HOUR: " 1h", DAY: " 1d"}.get(self.interval, "")
        return f"{self.kind} {self.contract.id}{length}"


@dataclass(frozen=True, slots=True)
class GatheredSeries:
    """Rows of one series as ccxt reads them, in order of time, and what they were read from.

    Candles have time, open, high, low, close and volume; funding has time and rate; open interest has
    time, amount and value. Times are in milliseconds since 1970. ``asked_at`` is when the last page
    was requested, by the earlier of both clocks. ``responses`` are the SHA-256 of the responses.
    """

    key: SeriesKey
    rows: tuple[tuple[float | None, ...], ...]
    asked_at: datetime
    source: str
    dating: str
    request: str
    responses: tuple[str, ...]
    units: MarketUnits


@dataclass(frozen=True, slots=True)
class MissingSeries:
    """Market data that a venue did not give, with the reason in one line."""

    venue: str
    what: str
    reason: str


@dataclass(frozen=True, slots=True)
class VenueMarketData:
    """Market data of one venue; ``failure`` is the reason why it is not all of it, or empty."""

    venue: str
    series: tuple[GatheredSeries, ...]
    missing: tuple[MissingSeries, ...]
    requests: int
    seconds: float
    failure: str = ""
