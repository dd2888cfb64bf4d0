"""Measured factors of risk: volatility, volume, depth, and how two underlyings move together."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from math import sqrt

import numpy as np
from numpy.typing import NDArray

from harmonize.adequacy.tail import Floats, checked_losses
from harmonize.core.schedule import Unknown
from harmonize.market.aggregate import aggregate
from harmonize.market.books import Book
from harmonize.market.prices import MICROSECONDS, PriceKind, PriceSeries, SeriesId, utc_time
from harmonize.numerics.bootstrap import BootstrapTerms, percentile_interval

DAY = 86_400

VOLUME_DAYS = 30
"""Finished days of the average daily volume."""

DEPTH_DAYS = 30
"""Days whose order books give the depth that rule sets can name."""

_MIN_RETURNS = 30
"""Fewest returns of a volatility or a correlation."""

TAIL_SHARE = 0.05
"""Share of the lowest returns that are the lower tail."""


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

    It is the median of ``books``, which are those of one contract of ``venue``.
    """

    bids: float
    asks: float
    basis_points: float
    venue: str
    symbol: str
    books: tuple[Book, ...] = field(repr=False)

    @property
    def observations(self) -> int:
        """Number of books."""
        return len(self.books)

    @property
    def observed_at(self) -> datetime:
        """Time of the last book."""
        return max(book.observed_at for book in self.books)

    @property
    def thinner(self) -> float:
        """USD on the side that has less."""
        return min(self.bids, self.asks)


def depth(  # noqa: PLR0913 - what is asked of which books
    books: Iterable[Book],
    venue: str,
    underlying: str,
    as_of: datetime,
    basis_points: float,
    *,
    days: int = 1,
) -> Depth | Unknown:
    """Returns the depth of a venue's perpetual on an underlying, in the last UTC days up to its last book.

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
    recent = [book for book in own if (last_day - book.observed_at.date()).days < days]
    depths = [
        _median_depth([book for book in recent if book.symbol == symbol], basis_points)
        for symbol in sorted({book.symbol for book in recent})
    ]
    deepest, reach = max(depths, key=lambda pair: pair[0].bids + pair[0].asks)
    if reach < basis_points:
        return Unknown(
            f"the books of {venue} {deepest.symbol} on {deepest.observed_at:%Y-%m-%d} reach "
            f"{reach:.1f} bp from the mid price, {basis_points:g} bp are required"
        )
    return deepest


def deepest_book(
    books: Iterable[Book], underlying: str, as_of: datetime, basis_points: float
) -> Depth | Unknown:
    """Returns the depth of the perpetual on an underlying that has the most USD on its thinner side.

    Of each venue, the books of the 30 days up to its last one count. Venues whose books reach less far
    than ``basis_points`` are passed over, and so are those whose last book is more than 30 days older
    than the newest one of the others. Unknown: no venue is left.
    """
    own = [b for b in books if b.underlying.asset == underlying and b.observed_at <= as_of]
    if not own:
        return Unknown("no order books")
    depths = [
        depth(own, venue, underlying, as_of, basis_points, days=DEPTH_DAYS)
        for venue in sorted({book.venue for book in own})
    ]
    known = [found for found in depths if isinstance(found, Depth)]
    if not known:
        reasons = [found.reason for found in depths if isinstance(found, Unknown)]
        return Unknown("; ".join(reasons))
    newest = max(found.observed_at for found in known).date()
    recent = [f for f in known if (newest - f.observed_at.date()).days < DEPTH_DAYS]
    return max(recent, key=lambda found: found.thinner)


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
    found = Depth(
        bids=float(bids),
        asks=float(asks),
        basis_points=basis_points,
        venue=books[0].venue,
        symbol=books[0].symbol,
        books=tuple(books),
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


def lower_tail_dependence(
    one: Floats, other: Floats, share: float = TAIL_SHARE
) -> Measured | Unknown:
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
    return Measured(float(shared_tails(pairs.T[None], share)[0]), pairs.shape[1])


def resampled_interval(
    rows: Floats, statistic: Callable[[Floats], Floats], value: float
) -> tuple[float, float]:
    """Returns the 95 % interval of a statistic of rows in order of time, which contains its value.

    It is that of a seeded stationary bootstrap whose mean block is the cube root of the number of rows.
    ``statistic`` takes a resampled series per row of a table, and returns a number for each.
    """
    terms = BootstrapTerms(block=max(1.0, rows.shape[0] ** (1 / 3)))
    lower, upper = percentile_interval(
        np.arange(rows.shape[0], dtype=np.float64),
        lambda drawn: statistic(rows[drawn.astype(np.int64)]),
        terms,
    )
    return min(lower, value), max(upper, value)


def correlations(samples: Floats) -> Floats:
    """Returns the correlation of each sample: a table of samples, of pairs of returns."""
    centred = samples - samples.mean(axis=1, keepdims=True)
    products = np.einsum("dri,drj->dij", centred, centred)
    # A sample without spread has no correlation; a resampled one counts as uncorrelated.
    spread = np.sqrt(products[:, 0, 0] * products[:, 1, 1])
    zeros = np.zeros(spread.size)
    return np.asarray(np.divide(products[:, 0, 1], spread, out=zeros, where=spread > 0))


def shared_tails(samples: Floats, share: float = TAIL_SHARE) -> Floats:
    """Returns the lower-tail dependence of each sample: a table of samples, of pairs of returns."""
    size = int(share * samples.shape[1])
    in_tail = np.zeros(samples.shape, dtype=np.bool_)
    lowest = np.argsort(samples, axis=1, kind="stable")[:, :size]
    np.put_along_axis(in_tail, lowest, values=True, axis=1)
    return np.asarray(in_tail.all(axis=2).sum(axis=1) / size)


def _pairs(one: Floats, other: Floats) -> Floats | Unknown:
    if one.shape != other.shape or one.ndim != 1:
        message = f"returns: expected as many rows in both series, found {one.shape} and {other.shape}; align them by time"
        raise ValueError(message)
    is_paired = ~(np.isnan(one) | np.isnan(other))
    count = int(np.count_nonzero(is_paired))
    if count < _MIN_RETURNS:
        return Unknown(f"{count} pairs of returns, {_MIN_RETURNS} are required")
    return np.stack([checked_losses(series[is_paired]) for series in (one, other)])
