"""WEEX futures: only the largest leverage of each contract is public."""

from collections.abc import Iterator

from harmonize.core.instrument import contract
from harmonize.core.payload import Payload, Snapshot
from venues.adapter import Endpoint, Parsed, Purpose, VenueAdapter
from venues.facts import Facts
from venues.fields import Row, word
from venues.parsing import flat_rates
from venues.parsing import tier_tables as tiers

INSTRUMENTS = "contractGetCapiV3MarketExchangeInfo"


def parse(snapshot: Snapshot, facts: Facts) -> Parsed:
    """Read every contract; IM is the least under its largest leverage."""
    return flat_rates.parsed(snapshot, facts, INSTRUMENTS, ("symbols",), _ladder, "symbol")


def _ladder(payload: Payload, row: Row, at: str) -> Iterator[tiers.TierTable]:
    quote, settle = word(row, "quoteAsset", at), word(row, "marginAsset", at)
    base = word(row, "baseAsset", at)
    listed = contract("weex", word(row, "symbol", at), base=base, quote=quote, settle=settle)
    yield flat_rates.only_leverage(payload, row, at, listed)


ADAPTER = VenueAdapter(
    venue="weex",
    title="WEEX",
    host="api-contract.weex.com",
    endpoints=(
        Endpoint(
            "contractGetCapiV3MarketTicker24hr", "GET /capi/v3/market/ticker/24hr", Purpose.PRICES
        ),
        Endpoint(INSTRUMENTS, "GET /capi/v3/market/exchangeInfo", Purpose.MARGIN),
    ),
    parse=parse,
)
