"""Prices and dates of all pairs of listings under one name, as arrays: 50 venues have 1,225 pairs.

Times are whole microseconds since 1970, so that comparisons are as exact as those of ``listing``.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from harmonize.comparison.listing import PRICE_RATIO, PRICE_WINDOW, Listing
from harmonize.core.date_precision import DatePrecision
from harmonize.core.schedule import AssetPrice

Flags = NDArray[np.bool_]
Times = NDArray[np.int64]

UNBOUNDED = 1 << 61
"""Microseconds that stand for a distance without a bound."""

NEVER = -UNBOUNDED
"""Time that stands for an earliest date without a bound."""

_MICROSECOND = timedelta(microseconds=1)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def microseconds(span: timedelta) -> int:
    """Returns a time span as a whole number of microseconds."""
    return span // _MICROSECOND


@dataclass(frozen=True, slots=True)
class PairEvidence:
    """What prices and dates tell of every pair of listings; rows and columns are the listings.

    - ``agree`` and ``differ``: whether prices within a day agree, or contradict one asset.
    - ``earliest`` and ``latest``: bounds of each observation, in microseconds since 1970.
    - ``distance``: largest possible time between two observations, in microseconds.
    """

    listings: tuple[Listing, ...]
    agree: Flags
    differ: Flags
    earliest: Times
    latest: Times
    distance: Times

    @classmethod
    def of(cls, listings: Sequence[Listing]) -> "PairEvidence":
        """Returns the evidence on listings under one name."""
        bounds = [_bounds(listing.observed_at, listing.precision) for listing in listings]
        earliest, latest = np.array(bounds, np.int64).T
        agree, differ = _prices([listing.price for listing in listings])
        return cls(tuple(listings), agree, differ, earliest, latest, _distances(earliest, latest))

    @property
    def is_contradicted(self) -> bool:
        """Whether the prices of any two listings contradict one asset."""
        return bool(self.differ.any())


@lru_cache(maxsize=4096)
def _bounds(observed_at: datetime, precision: DatePrecision) -> tuple[int, int]:
    """Returns the earliest and the latest possible time; venues observe all contracts at once."""
    earliest = precision.older_end(observed_at)
    return (
        NEVER if earliest is None else microseconds(earliest - _EPOCH),
        microseconds(observed_at - _EPOCH),
    )


def _distances(earliest: Times, latest: Times) -> Times:
    """Returns the largest possible time between every two of some observations; 0 to itself."""
    later = latest - earliest[:, None]
    distance: Times = np.minimum(np.maximum(later, later.T), UNBOUNDED)
    np.fill_diagonal(distance, 0)
    return distance


def _prices(prices: Sequence[AssetPrice | None]) -> tuple[Flags, Flags]:
    """Returns which pairs of prices within a day agree, and which do not.

    In the order of the prices, those that agree with a price and are not below it follow one
    another, and the last of them never comes earlier for a larger price.
    """
    close = np.zeros((len(prices), len(prices)), np.bool_)
    similar = np.zeros_like(close)
    known = [(price.value, row) for row, price in enumerate(prices) if price is not None]
    known.sort()
    rows = np.array([row for _, row in known], np.intp)
    dated = [(price.observed_at, price.precision) for price in prices if price is not None]
    if not known:
        return close, similar
    bounds = np.array([_bounds(*date) for date in dated], np.int64)
    distance = _distances(*bounds.T)
    priced = np.sort(rows)
    close[np.ix_(priced, priced)] = distance <= microseconds(PRICE_WINDOW)
    np.fill_diagonal(close, val=False)
    ends = _last_similar([value for value, _ in known])
    order = np.arange(len(known))
    within = (order >= order[:, None]) & (order < np.array(ends)[:, None])
    similar[np.ix_(rows, rows)] = within | within.T
    return close & similar, close & ~similar


def _last_similar(rising: Sequence[Decimal]) -> list[int]:
    """Returns, per price, how many of the rising prices are at most ``PRICE_RATIO`` times as high."""
    ends = []
    end = 0
    for number, price in enumerate(rising, start=1):
        end = max(end, number)
        while end < len(rising) and float(rising[end] / price) <= PRICE_RATIO:
            end += 1
        ends.append(end)
    return ends
