"""WEEX futures: only the maximum leverage of each contract is public."""

from collections.abc import Iterator

from harmonize.core.instrument import contract
from harmonize.core.payload import Payload, Snapshot
from venues.adapter import Endpoint, Parsed, Purpose, VenueAdapter
from venues.facts import Facts
from venues.fields import JsonObject, text_value
from venues.parsing import flat_rates, tier_tables

INSTRUMENTS = "contractGetCapiV3MarketExchangeInfo"


def parse(snapshot: Snapshot, facts: Facts) -> Parsed:
    """Reads every contract. IM is 1 / maximum leverage, the lowest possible rate; MM is unknown."""
    return flat_rates.parse_rows(snapshot, facts, INSTRUMENTS, ("symbols",), _tier_table, "symbol")


def _tier_table(payload: Payload, row: JsonObject, pointer: str) -> Iterator[tier_tables.TierTable]:
    quote, settle = text_value(row, "quoteAsset", pointer), text_value(row, "marginAsset", pointer)
    base = text_value(row, "baseAsset", pointer)
    instrument = contract(
        "weex", text_value(row, "symbol", pointer), base=base, quote=quote, settle=settle
    )
    yield flat_rates.table_from_leverage(payload, row, pointer, instrument)


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
