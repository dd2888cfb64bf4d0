"""Reads open interest, funding and order books out of an archive."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from harmonize.archive.archive import Archive
from harmonize.archive.catalog import Entry
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
