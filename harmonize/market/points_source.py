"""Reads open interest, funding and order books out of an archive."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from math import fsum

from harmonize.archive.archive import Archive
from harmonize.archive.catalog import Entry
from harmonize.core.instrument import Instrument, Payoff
from harmonize.core.payload import Defect
from harmonize.core.schedule import Unknown
from harmonize.market.points import PointSeries, Quantity, merge_points
from harmonize.market.points_codec import METHOD, decode_points
from harmonize.market.prices import utc_time
from harmonize.market.source import Wanted, read_decoded


def read_points(
    archive: Archive, entries: Iterable[Entry], wanted: Wanted = lambda _: True
) -> tuple[tuple[PointSeries, ...], tuple[Defect, ...]]:
    """Returns the wanted series of open interest and funding, and what could not be read.

    ``wanted`` decides by the parameters of a call: venue, quantity, symbol and underlying.
    """
    parts, defects = read_decoded(archive, entries, METHOD, wanted, decode_points)
    return merge_points(parts), tuple(defects)


def read_point_sources(
    sources: Iterable[tuple[Archive, Iterable[Entry]]], wanted: Wanted = lambda _: True
) -> tuple[tuple[PointSeries, ...], tuple[Defect, ...]]:
    """Returns the wanted series of several archives, each with its entries, as ``read_points``.

    Of two archives with a value of one time, the first counts.
    """
    data = [read_points(archive, entries, wanted) for archive, entries in sources]
    series = merge_points(part for parts, _ in data for part in parts)
    return series, tuple(defect for _, defects in data for defect in defects)


SUM_DAYS = 7
"""Days before the newest observation of an underlying within which open interest is summed."""

NO_LEVEL = "no level of the venue"
"""Words in the note on a contract that is a small part of its venue's open interest."""


@dataclass(frozen=True, slots=True)
class OpenInterest:
    """Open interest of a contract in USD, and when it was observed.

    ``notes`` state what the number leaves out. ``others`` name the venue's other contracts on the
    underlying whose open interest is known too, and is not part of ``value``.
    """

    value: float
    observed_at: datetime
    series: PointSeries
    others: tuple[str, ...] = ()

    @property
    def notes(self) -> tuple[str, ...]:
        """What the number leaves out."""
        return self.series.notes


def open_interest_of(
    series: Iterable[PointSeries],
    venue: str,
    underlying: str,
    as_of: datetime,
    symbol: str = "",
) -> OpenInterest | Unknown:
    """Returns the newest open interest of a venue's contract on an underlying, in USD.

    Without ``symbol``, the contract with the newest observation counts, and of several on one day the
    one with the largest. Contracts are never added: some sources state one of them twice. Unknown:
    none was observed by ``as_of``.
    """
    known = [
        part.known_at(as_of)
        for part in series
        if part.id.quantity is Quantity.OPEN_INTEREST
        and (part.id.venue, part.id.underlying.asset) == (venue, underlying)
        and symbol in {"", part.id.symbol}
    ]
    observed = [part for part in known if part.times.size]
    if not observed:
        of = f"{venue} {symbol}".rstrip()
        return Unknown(f"no open interest of {of} on {underlying} by {as_of:%Y-%m-%d}")
    newest = max(observed, key=_day_and_value)
    others = sorted(part.id.symbol for part in observed if part is not newest)
    return OpenInterest(float(newest.values[-1]), utc_time(newest.times[-1]), newest, tuple(others))


def contract_open_interest(
    series: Sequence[PointSeries], instrument: Instrument, as_of: datetime
) -> OpenInterest | Unknown:
    """Returns the newest open interest of one contract, in USD.

    Series of the contract's own symbol count. So do those whose symbol is the name of the underlying,
    by which sources mean the venue's linear perpetual; on one day, the own symbol precedes. Unknown:
    none was observed by ``as_of``.
    """
    asset = instrument.underlying.asset
    symbols = [instrument.id]
    if instrument.payoff is Payoff.LINEAR and instrument.perpetual:
        symbols.append(asset)
    found = [
        open_interest_of(series, instrument.venue, asset, as_of, symbol)
        for symbol in dict.fromkeys(symbols)
    ]
    known = [interest for interest in found if isinstance(interest, OpenInterest)]
    if not known:
        return Unknown("open interest was not observed")
    return max(known, key=lambda interest: interest.observed_at.date())


@dataclass(frozen=True, slots=True)
class VenuesOpenInterest:
    """Sum of the open interest of one perpetual per venue, in USD: a lower bound of all venues.

    ``earlier`` are those of venues observed more than ``SUM_DAYS`` before the newest one; they are not
    part of the sum.
    """

    parts: tuple[OpenInterest, ...]
    earlier: tuple[OpenInterest, ...]

    @property
    def value(self) -> float:
        """The sum, in USD."""
        return fsum(part.value for part in self.parts)

    @property
    def observed_at(self) -> datetime:
        """Time of the oldest observation in the sum."""
        return min(part.observed_at for part in self.parts)


def venues_open_interest(
    series: Sequence[PointSeries], underlying: str, as_of: datetime
) -> VenuesOpenInterest | Unknown:
    """Returns the sum over venues of the open interest of their perpetuals on an underlying.

    Of each venue the contract counts that ``open_interest_of`` names, except those whose note tells
    that they are no level of it. Unknown: none was observed by ``as_of``.
    """
    own = [part for part in series if part.id.underlying.asset == underlying]
    levels = [part for part in own if not any(NO_LEVEL in note for note in part.notes)]
    venues = sorted({part.id.venue for part in levels})
    found = [open_interest_of(levels, venue, underlying, as_of) for venue in venues]
    known = [interest for interest in found if isinstance(interest, OpenInterest)]
    if not known:
        is_any = any(part.known_at(as_of).times.size for part in own)
        return Unknown(f"only contracts that are {NO_LEVEL}" if is_any else "no open interest")
    newest = max(interest.observed_at for interest in known).date()
    is_recent = [(newest - interest.observed_at.date()).days <= SUM_DAYS for interest in known]
    return VenuesOpenInterest(
        tuple(part for part, recent in zip(known, is_recent, strict=True) if recent),
        tuple(part for part, recent in zip(known, is_recent, strict=True) if not recent),
    )


def _day_and_value(series: PointSeries) -> tuple[str, float]:
    return f"{utc_time(series.times[-1]):%Y-%m-%d}", float(series.values[-1])


def funding_of(
    series: Iterable[PointSeries], venue: str, underlying: str, as_of: datetime
) -> PointSeries | Unknown:
    """Returns the funding of a venue on an underlying that was paid by ``as_of``: the longest series.

    Unknown: none was paid.
    """
    known = [
        part.known_at(as_of)
        for part in series
        if part.id.quantity is Quantity.FUNDING
        and (part.id.venue, part.id.underlying.asset) == (venue, underlying)
    ]
    paid = [part for part in known if part.times.size]
    if not paid:
        return Unknown(f"no funding of {venue} on {underlying} by {as_of:%Y-%m-%d}")
    return max(paid, key=lambda part: (part.times.size, part.id.symbol))
