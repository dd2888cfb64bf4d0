"""WEEX futures: only the maximum leverage of each contract is public."""

from collections.abc import Iterator

from harmonize.core.instrument import contract
from harmonize.core.payload import Payload, Snapshot
from venues.adapter import Endpoint, Parsed, Purpose, VenueAdapter
from venues.facts import Facts
from venues.fields import Row, word
from venues.parsing import flat_rates, tier_tables

INSTRUMENTS = "contractGetCapiV3MarketExchangeInfo"


def parse(snapshot: Snapshot, facts: Facts) -> Parsed:
    """Reads every contract. IM is 1 / maximum leverage, the lowest possible rate; MM is unknown."""
    return flat_rates.parsed(snapshot, facts, INSTRUMENTS, ("symbols",), _tier_table, "symbol")


def _tier_table(payload: Payload, row: Row, pointer: str) -> Iterator[tier_tables.TierTable]:
    quote, settle = word(row, "quoteAsset", pointer), word(row, "marginAsset", pointer)
    base = word(row, "baseAsset", pointer)
    instrument = contract(
        "weex", word(row, "symbol", pointer), base=base, quote=quote, settle=settle
    )
    yield flat_rates.only_leverage(payload, row, pointer, instrument)


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
