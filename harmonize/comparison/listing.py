"""Contract of one venue under a name of an asset, and how two of them relate."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from harmonize.core import tickers
from harmonize.core.date_precision import EXACT, DatePrecision, largest_distance
from harmonize.core.schedule import AssetPrice, MarginSchedule

PRICE_RATIO = 1.5
"""Largest ratio of two prices within ``PRICE_WINDOW`` that counts as agreement."""

PRICE_WINDOW = timedelta(days=1)
"""Largest time between two prices that are compared."""

DATE_SPAN = timedelta(days=60)
"""Largest time between observations under one name that are taken for one asset without a price."""


class Relation(StrEnum):
    """Relation between the underlyings of two schedules under one name."""

    SAME = "same asset"  # by their prices, or by a source
    PRESUMED = "same name at close dates"
    UNOBSERVED = "identity not observed"
    DIFFERENT = "another asset"


@dataclass(frozen=True, slots=True)
class Listing:
    """Contract of one venue under a name: its observation, its price, and a source of its asset."""

    venue: str
    symbol: str
    observed_at: datetime
    price: AssetPrice | None
    source: str
    precision: DatePrecision = EXACT

    @classmethod
    def of(cls, schedule: MarginSchedule) -> "Listing":
        """Returns the listing that a schedule belongs to."""
        instrument = schedule.instrument
        source = instrument.asset_source
        if not source and tickers.bundled().is_unmistakable(instrument.underlying.asset):
            source = "ticker that no other asset has"
        return cls(
            instrument.venue,
            instrument.symbol,
            schedule.observed_at,
            schedule.price,
            source,
            schedule.precision,
        )

    @property
    def key(self) -> tuple[str, str]:
        """Venue and symbol."""
        return (self.venue, self.symbol)

    @property
    def earliest(self) -> datetime | None:
        """Earliest possible time of the observation; None if there is no bound."""
        return self.precision.older_end(self.observed_at)


def relation(first: Listing, second: Listing) -> Relation:
    """Returns the relation between two listings under one name. It is symmetric."""
    ratio = price_ratio(first, second)
    if ratio is not None:
        return Relation.SAME if ratio <= PRICE_RATIO else Relation.DIFFERENT
    if first.source and second.source:
        return Relation.SAME
    apart = largest_distance(
        (first.observed_at, first.precision), (second.observed_at, second.precision)
    )
    is_close = apart is not None and apart <= DATE_SPAN
    return Relation.PRESUMED if is_close else Relation.UNOBSERVED


def price_ratio(first: Listing, second: Listing) -> float | None:
    """Returns the larger price divided by the smaller; None without prices within a day."""
    if first.price is None or second.price is None:
        return None
    dates = ((price.observed_at, price.precision) for price in (first.price, second.price))
    apart = largest_distance(*dates)
    if apart is None or apart > PRICE_WINDOW:
        return None
    lower, upper = sorted((first.price.value, second.price.value))
    return float(upper / lower)
