"""Chooses the perpetuals of a venue whose market data is gathered: one per underlying asset."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from harmonize.core.instrument import AT_PAR_WITH_USD, Underlying
from venues import assets

_QUOTES = ("USDT", "USDC", "USD")
"""Quote currencies in order of preference among the contracts of a venue on one underlying."""


@dataclass(frozen=True, slots=True)
class PerpetualContract:
    """Perpetual of a venue: its own id, ccxt's symbol, underlying and quote currency."""

    id: str
    symbol: str
    underlying: Underlying
    quote: str
    is_linear: bool


def choose_contracts(
    venue: str, markets: Mapping[str, Mapping[str, Any]], underlyings: Collection[str]
) -> tuple[PerpetualContract, ...]:
    """Returns a perpetual per underlying, in their order: linear before inverse, USDT before others.

    A contract whose price is not in USD or a currency at par with it is not chosen.
    """
    best: dict[str, tuple[tuple[object, ...], PerpetualContract]] = {}
    for market in markets.values():
        if not market.get("swap") or market.get("active") is False:
            continue
        quote = str(market.get("quote"))
        contract = PerpetualContract(
            str(market.get("id")),
            str(market.get("symbol")),
            _underlying(venue, str(market.get("base"))),
            quote,
            bool(market.get("linear")),
        )
        asset = contract.underlying.asset
        if asset not in underlyings or quote not in AT_PAR_WITH_USD or market.get("quanto"):
            continue
        preference = _QUOTES.index(quote) if quote in _QUOTES else len(_QUOTES)
        rank = (not contract.is_linear, preference, contract.underlying.multiplier, contract.symbol)
        if asset not in best or rank < best[asset][0]:
            best[asset] = rank, contract
    return tuple(best[asset][1] for asset in sorted(best))


def _underlying(venue: str, base: str) -> Underlying:
    """Returns the asset behind a base code, by the dated table of assets."""
    underlying = Underlying.of(base)
    entry = assets.bundled().find(venue, underlying.asset, datetime.now(UTC).date())
    if entry is None:
        return underlying
    return Underlying(entry.asset, underlying.multiplier * entry.coins)
