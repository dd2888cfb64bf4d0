"""Measured factors of risk: volatility, volume, depth, and how two underlyings move together."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from math import sqrt

import numpy as np
from numpy.typing import NDArray

from harmonize.adequacy.tail import Floats, checked_losses
from harmonize.core.schedule import Unknown
from harmonize.market.aggregate import aggregate
from harmonize.market.books import Book
from harmonize.market.prices import MICROSECONDS, PriceKind, PriceSeries, SeriesId, utc_time

DAY = 86_400

VOLUME_DAYS = 30
"""Finished days of the average daily volume."""

_MIN_RETURNS = 30
"""Fewest returns of a volatility or a correlation."""


@dataclass(frozen=True, slots=True)
class Measured:
    """A factor and the number of observations that it is based on."""

    value: float
    observations: int


def realised_volatility(returns: Floats, per_year: float) -> Measured | Unknown:
    """Returns the annualised volatility of simple returns: the root of the mean square.

    ``per_year`` is the number of returns per year, 365 for daily ones. The mean return counts as 0,
    because its estimate over a short time is noise. Unknown: fewer than 30 returns. Raises
    ValueError: see ``checked_losses``.
    """
    sample = checked_losses(returns)
    if sample.size < _MIN_RETURNS:
        return Unknown(f"{sample.size} returns, {_MIN_RETURNS} are required")
    return Measured(sqrt(float(np.mean(sample**2)) * per_year), sample.size)


def average_daily_volume(turnover: Floats) -> Measured | Unknown:
    """Returns the median USD turnover of the last 30 finished days, which are in order of time.

    NaN is a day without an observed turnover. Unknown: one of the 30 days is not observed. Raises
    ValueError: a negative turnover.
    """
    days = np.asarray(turnover, dtype=np.float64)[-VOLUME_DAYS:]
    observed = days[~np.isnan(days)]
    if np.any(observed < 0):
        row = int(np.flatnonzero(turnover < 0)[0])
        message = (
            f"turnover: row {row}: expected at least 0, found {turnover[row]:g}; correct the row"
        )
        raise ValueError(message)
    if observed.size < VOLUME_DAYS:
        return Unknown(f"{observed.size} days with turnover, {VOLUME_DAYS} are required")
    return Measured(float(np.median(observed)), observed.size)


def series_volume(daily: PriceSeries) -> Measured | Unknown:
    """Returns the average daily volume of the last 30 candles of a series, in its quote currency.

    Unknown: no turnover is stated, a day is missing, or see ``average_daily_volume``. Raises
    ValueError: candles of another length, or a negative turnover.
    """
    if daily.step != DAY * MICROSECONDS:
        message = f"{daily.id}: expected daily candles; aggregate them"
        raise ValueError(message)
    if daily.turnover is None:
        return Unknown("turnover is not stated")
    recent = daily.times[-VOLUME_DAYS:]
    if recent.size and recent[-1] - recent[0] != (recent.size - 1) * daily.step:
        return Unknown(f"one of the last {VOLUME_DAYS} days is missing")
    return average_daily_volume(daily.turnover)


@dataclass(frozen=True, slots=True)
class VenueVolume:
    """Average daily volume of a perpetual in USD, by the turnover of the 30 days up to ``last_day``.

    ``last_day`` is the opening of the last finished day. ``sources`` tell if turnover is estimated.
    """

    value: float
    observations: int
    series: SeriesId
    last_day: datetime
    sources: tuple[str, ...]


def venue_volume(
    series: Iterable[PriceSeries], venue: str, underlying: str, as_of: datetime
) -> VenueVolume | Unknown:
    """Returns the average daily volume of the venue's perpetual, known at a time with a time zone.

    Of several series the one that ends last counts, then the largest volume. Shorter candles are added
    up to days, with turnover as volume × close if the venue states none. Quote currencies count as
    USD. Unknown: the venue has no perpetual with volume in ``series``; spot is another market.
    """
    own = [
        part.known_at(as_of)
        for part in series
        if part.id.kind is PriceKind.PERP
        and (part.id.venue, part.id.underlying.asset) == (venue, underlying)
        and DAY % part.id.interval == 0
    ]
    volumes = [_dated_volume(part) for part in own]
    known = [volume for volume in volumes if isinstance(volume, VenueVolume)]
    if known:
        return max(known, key=lambda volume: (volume.last_day, volume.value))
    reasons = [volume.reason for volume in volumes if isinstance(volume, Unknown)]
    reason = reasons[0] if reasons else "no candles"
    return Unknown(f"volume of the {venue} perpetual on {underlying}: {reason}")


def _dated_volume(series: PriceSeries) -> VenueVolume | Unknown:
    daily = series if series.id.interval == DAY else aggregate(series, DAY)
    volume = series_volume(daily)
    if isinstance(volume, Unknown):
        return volume
    last_day = utc_time(daily.times[-1])
    return VenueVolume(volume.value, volume.observations, daily.id, last_day, daily.sources)


@dataclass(frozen=True, slots=True)
class Depth:
    """USD that can be traded within a distance from the mid price, on each side of a contract's book.

    It is the median of ``observations`` books, all of the UTC day of ``observed_at``, the last of them.
    """

    bids: float
    asks: float
    basis_points: float
    observations: int
    venue: str
    symbol: str
    observed_at: datetime


def depth(
    books: Iterable[Book],
    venue: str,
    underlying: str,
    as_of: datetime,
    basis_points: float,
) -> Depth | Unknown:
    """Returns the depth of a venue's perpetual on an underlying, on the last day with books.

    Of several contracts the one with the most USD in its recorded levels counts; they are never added.
    Unknown: no book was observed by ``as_of``, or those of that contract reach less far: levels beyond
    the recorded ones are not extrapolated.
    """
    own = [
        book
        for book in books
        if (book.venue, book.underlying.asset) == (venue, underlying) and book.observed_at <= as_of
    ]
    if not own:
        return Unknown(f"no order book of {venue} on {underlying} by {as_of:%Y-%m-%d}")
    last_day = max(book.observed_at for book in own).date()
    of_day = [book for book in own if book.observed_at.date() == last_day]
    depths = [
        _median_depth([book for book in of_day if book.symbol == symbol], basis_points)
        for symbol in sorted({book.symbol for book in of_day})
    ]
    deepest, reach = max(depths, key=lambda pair: pair[0].bids + pair[0].asks)
    if reach < basis_points:
        return Unknown(
            f"the books of {venue} {deepest.symbol} on {last_day} reach {reach:.1f} bp from the mid "
            f"price, {basis_points:g} bp are required"
        )
    return deepest


def _median_depth(books: Sequence[Book], basis_points: float) -> tuple[Depth, float]:
    """Returns the median depth of the books of one contract, as far as recorded, and their reach in bp."""
    sides = [
        [
            float(book.dollars(side)[_is_within(book, side, basis_points)].sum())
            for side in (book.bids, book.asks)
        ]
        for book in books
    ]
    bids, asks = np.median(np.array(sides), axis=0)
    last = max(books, key=lambda book: book.observed_at)
    found = Depth(
        bids=float(bids),
        asks=float(asks),
        basis_points=basis_points,
        observations=len(books),
        venue=last.venue,
        symbol=last.symbol,
        observed_at=last.observed_at,
    )
    return found, min(map(_reach, books))


def _is_within(book: Book, side: Floats, basis_points: float) -> NDArray[np.bool_]:
    return np.asarray(np.abs(side[:, 0] / book.mid - 1) * 1e4 <= basis_points)


def _reach(book: Book) -> float:
    """Returns the distance from the mid price that both sides of the recorded book reach, in bp."""
    ends = (book.bids[-1, 0], book.asks[-1, 0])
    return min(abs(float(end) / book.mid - 1) * 1e4 for end in ends)


def correlation(one: Floats, other: Floats) -> Measured | Unknown:
    """Returns the linear correlation of two series of returns, paired by row.

    Rows in which either is NaN are excluded. Unknown: fewer than 30 pairs. Raises ValueError: not as
    many rows, or a constant series.
    """
    pairs = _pairs(one, other)
    if isinstance(pairs, Unknown):
        return pairs
    return Measured(float(np.asarray(np.corrcoef(pairs))[0, 1]), pairs.shape[1])


def lower_tail_dependence(one: Floats, other: Floats, share: float = 0.05) -> Measured | Unknown:
    """Returns how often the other falls into its lower tail when one does, from 0 to 1.

    The tail of each series is its lowest ``share`` of returns, rounded down to whole returns. Equal
    returns at the edge are taken in the order of rows. Independent series give about ``share``.
    Unknown: fewer than 30 pairs, or no return in the tail. Raises ValueError, as ``correlation``.
    """
    pairs = _pairs(one, other)
    if isinstance(pairs, Unknown):
        return pairs
    size = int(share * pairs.shape[1])
    if not size:
        return Unknown(f"{pairs.shape[1]} pairs of returns have no tail of {share:.4g}")
    tails = [set(np.argsort(row, kind="stable")[:size].tolist()) for row in pairs]
    return Measured(len(tails[0] & tails[1]) / size, pairs.shape[1])


def _pairs(one: Floats, other: Floats) -> Floats | Unknown:
    if one.shape != other.shape or one.ndim != 1:
        message = f"returns: expected as many rows in both series, found {one.shape} and {other.shape}; align them by time"
        raise ValueError(message)
    is_paired = ~(np.isnan(one) | np.isnan(other))
    count = int(np.count_nonzero(is_paired))
    if count < _MIN_RETURNS:
        return Unknown(f"{count} pairs of returns, {_MIN_RETURNS} are required")
    return np.stack([checked_losses(series[is_paired]) for series in (one, other)])
