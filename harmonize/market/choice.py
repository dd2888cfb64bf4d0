"""Chooses the series that speaks for a contract: the venue's own, another venue's, or spot."""

from collections.abc import Iterable
from dataclasses import dataclass
from math import inf

from harmonize.core.schedule import Unknown
from harmonize.market.prices import PriceKind, PriceSeries

_CAPACITIES = {
    (PriceKind.PERP, True): "perpetual of the venue",
    (PriceKind.PERP, False): "perpetual of another venue",
    (PriceKind.SPOT, True): "spot prices of the venue",
    (PriceKind.SPOT, False): "spot prices of another venue",
}
"""In what capacity a series speaks, by kind and whether it is the venue's own; best first."""


@dataclass(frozen=True, slots=True)
class SeriesChoice:
    """Series that speaks for the contracts of a venue on an underlying, and in what capacity."""

    series: PriceSeries
    reason: str


@dataclass(frozen=True, slots=True)
class ContractChoice:
    """Series of one contract, shortest candles first, and in what capacity they speak.

    ``rank`` is that of the capacity, 0 for the best.
    """

    series: tuple[PriceSeries, ...]
    reason: str
    rank: int


def choose_series(
    series: Iterable[PriceSeries], venue: str, underlying: str, interval: int
) -> SeriesChoice | Unknown:
    """Returns the series of an underlying with candles of ``interval`` seconds for a venue.

    A perpetual of the venue precedes one of another venue, and both precede spot. Among equals the one
    with the most candles counts. Unknown: no such series.
    """
    best = _best((s for s in series if s.id.interval == interval), venue, underlying)
    if isinstance(best, Unknown):
        return best
    return SeriesChoice(best, f"{_CAPACITIES[_capacity(best, venue)]}: {best.id}")


def choose_contracts(
    series: Iterable[PriceSeries], venue: str, underlying: str
) -> tuple[ContractChoice, ...] | Unknown:
    """Returns the contracts that speak for a venue on an underlying, best first.

    The order is that of ``choose_series``; among equals, the contract with the shortest candles comes
    first, which measures the most horizons by itself, then the one whose shortest candles reach over
    the longest time. A later contract is included only if its candles are shorter, or reach over a
    longer time, than those of all before it: for what the earlier ones cannot measure. Unknown: no
    such series.
    """
    by_contract: dict[tuple[object, ...], list[PriceSeries]] = {}
    for part in series:
        if _is_usable(part, venue, underlying):
            key = (part.id.venue, part.id.kind, part.id.symbol, part.id.quote, part.id.underlying)
            by_contract.setdefault(key, []).append(part)
    if not by_contract:
        return _no_prices(underlying)
    contracts = [sorted(parts, key=lambda s: s.id.interval) for parts in by_contract.values()]
    contracts.sort(
        key=lambda parts: (
            _rank(parts[0], venue),
            parts[0].id.interval,
            -_span(parts[:1]),
            -_span(parts),
        )
    )
    choices: list[ContractChoice] = []
    shortest, longest = inf, 0
    for parts in contracts:
        if parts[0].id.interval < shortest or _span(parts) > longest:
            reason, rank = _contract_reason(parts[0], venue), _rank(parts[0], venue)
            choices.append(ContractChoice(tuple(parts), reason, rank))
        shortest, longest = min(shortest, parts[0].id.interval), max(longest, _span(parts))
    return tuple(choices)


def _best(series: Iterable[PriceSeries], venue: str, underlying: str) -> PriceSeries | Unknown:
    usable = [s for s in series if _is_usable(s, venue, underlying)]
    if not usable:
        return _no_prices(underlying)
    return min(usable, key=lambda s: (_rank(s, venue), -s.times.size))


def _is_usable(series: PriceSeries, venue: str, underlying: str) -> bool:
    is_its = series.id.underlying.asset == underlying
    return is_its and series.times.size > 0 and _capacity(series, venue) in _CAPACITIES


def _rank(series: PriceSeries, venue: str) -> int:
    return list(_CAPACITIES).index(_capacity(series, venue))


def _span(parts: Iterable[PriceSeries]) -> int:
    """Returns the length of the longest series, in seconds of its candles."""
    return max(part.times.size * part.id.interval for part in parts)


def _contract_reason(series: PriceSeries, venue: str) -> str:
    contract = f"{series.id.venue} {series.id.kind} {series.id.symbol}"
    return f"{_CAPACITIES[_capacity(series, venue)]}: {contract}"


def _no_prices(underlying: str) -> Unknown:
    return Unknown(f"no prices of {underlying} in the archive; import or gather candles")


def _capacity(series: PriceSeries, venue: str) -> tuple[PriceKind, bool]:
    return series.id.kind, series.id.venue == venue
