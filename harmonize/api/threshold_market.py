"""Prices, implied volatility, volume and order books behind thresholds, from the archives of a question."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

import numpy as np

from harmonize.adequacy.factors import DAY, Depth, VenueVolume, depth, venue_volume
from harmonize.api.adequacy_prices import PRICE_KINDS, Prices, read_prices
from harmonize.api.audit import Question, open_sources
from harmonize.api.threshold_series import AssetSeries, asset_series
from harmonize.archive.location import recorded_archive
from harmonize.core.schedule import Unknown
from harmonize.market.books import Book, read_books
from harmonize.market.prices import MICROSECONDS, PriceKind
from harmonize.thresholds.liquidity import size_factor
from harmonize.thresholds.models import ImpliedVolatility

LEADER = "BTC"
"""Asset whose volatility is a feature of all, which is read although it may not be requested."""

SIZES = (1e5, 1e6, 1e7, 1e8)
"""Position sizes of thresholds by size, in USD."""

BASIS_POINTS = 50.0
"""Distance from the mid price within which the depth of a book is measured."""


@dataclass(frozen=True, slots=True, eq=False)
class ThresholdMarket:
    """Prices, books and implied volatility of a question."""

    prices: Prices
    implied: Mapping[str, ImpliedVolatility]
    books: Sequence[Book]
    defects: tuple[str, ...]


def read_market(question: Question, as_of: datetime) -> ThresholdMarket:
    """Returns the market data of the underlyings and of the leader. Raises ArchiveError."""
    assets = frozenset({*question.underlyings, LEADER})
    prices, defects = read_prices(question, as_of, assets, PRICE_KINDS | {PriceKind.VOLATILITY})
    implied = {}
    for asset, own in prices.items():
        found = [p for p in own if p.id.kind is PriceKind.VOLATILITY and p.id.interval == DAY]
        if found:
            longest = max(found, key=lambda part: part.times.size)
            days = np.asarray(longest.times // (DAY * MICROSECONDS), dtype=np.int64)
            implied[asset] = (days, longest.close.copy())
    books: list[Book] = []
    with recorded_archive() as path:
        for source in open_sources(question, path):
            found_books, problems = read_books(
                source.archive, source.entries, lambda call: call.get("underlying") in assets
            )
            books += found_books
            defects += tuple(map(str, problems))
    return ThresholdMarket(prices, implied, books, defects)


def series_of(market: ThresholdMarket, asset: str, as_of: datetime) -> AssetSeries | Unknown:
    """Returns the series that speak for an underlying. Unknown: see ``asset_series``."""
    return asset_series(market.prices.get(asset, ()), asset, as_of)


def liquidity(
    asset: str, market: ThresholdMarket, as_of: datetime
) -> tuple[VenueVolume | Unknown, Depth | Unknown]:
    """Returns the largest volume of a perpetual, and the deepest book."""
    prices = market.prices.get(asset, ())
    venues = sorted({p.id.venue for p in prices if p.id.kind is PriceKind.PERP})
    volumes = [venue_volume(prices, venue, asset, as_of) for venue in venues]
    known = [volume for volume in volumes if isinstance(volume, VenueVolume)]
    volume: VenueVolume | Unknown = (
        max(known, key=lambda own: own.value)
        if known
        else Unknown(f"no perpetual on {asset} with 30 days of turnover")
    )
    found = [
        depth(market.books, venue, asset, as_of, BASIS_POINTS)
        for venue in sorted({b.venue for b in market.books})
    ]
    deep = [own for own in found if isinstance(own, Depth)]
    book: Depth | Unknown = (
        max(deep, key=lambda own: own.bids + own.asks)
        if deep
        else Unknown(f"no order book on {asset} by {as_of:%Y-%m-%d}")
    )
    return volume, book


def volume_factor(size: float, volume: VenueVolume | Unknown) -> float | Unknown:
    """Returns the factor of a threshold for a position of a size in USD, by volume."""
    if isinstance(volume, Unknown):
        return volume
    return float(size_factor(size, np.array([volume.value]))[0])
