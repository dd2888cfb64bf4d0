"""Chooses the series that speaks for a contract: the venue's own, another venue's, or spot."""

from collections.abc import Iterable
from dataclasses import dataclass

from harmonize.core.schedule import Unknown
from harmonize.market.prices import PriceKind, PriceSeries


@dataclass(frozen=True, slots=True)
class SeriesChoice:
    """Series that speaks for the contracts of a venue on an underlying, and in what capacity."""

    series: PriceSeries
    reason: str


def choose_series(
    series: Iterable[PriceSeries], venue: str, underlying: str, interval: int
) -> SeriesChoice | Unknown:
    """Returns the series of an underlying with candles of ``interval`` seconds for a venue.

    A perpetual of the venue precedes one of another venue, and both precede spot. Among equals the one
    with the most candles counts. Unknown: no such series.
    """
    own = [
        s
        for s in series
        if (s.id.underlying.asset, s.id.interval) == (underlying, interval) and s.times.size
    ]
    for reason, kind, is_own in (
        ("perpetual of the venue", PriceKind.PERP, True),
        ("perpetual of another venue", PriceKind.PERP, False),
        ("spot prices of the venue", PriceKind.SPOT, True),
        ("spot prices of another venue", PriceKind.SPOT, False),
    ):
        ranked = [s for s in own if s.id.kind is kind and (s.id.venue == venue) is is_own]
        if ranked:
            best = max(ranked, key=lambda s: s.times.size)
            return SeriesChoice(best, f"{reason}: {best.id}")
    return Unknown(f"no prices of {underlying} in the archive; import or gather candles")
