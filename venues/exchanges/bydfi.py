"""BYDFi perpetuals: maximum leverage from the contract list; the fields of its risk limits are unknown."""

from collections.abc import Iterator

from harmonize.core.instrument import contract
from harmonize.core.payload import Payload, Snapshot
from venues.adapter import Endpoint, Parsed, Purpose, VenueAdapter
from venues.facts import Facts
from venues.fields import JsonObject, text_value
from venues.parsing import flat_rates, tier_tables
from venues.parsing.listing import trades

INSTRUMENTS = "publicGetV1FapiMarketExchangeInfo"

LEVERAGE = flat_rates.PublishedRate("maxLeverageLevel", "leverage")


def parse(snapshot: Snapshot, facts: Facts) -> Parsed:
    """Reads every contract. IM is 1 / maximum leverage, the lowest possible rate; MM is unknown."""
    return flat_rates.parse_rows(snapshot, facts, INSTRUMENTS, ("data",), _tier_table, "symbol")


def _tier_table(payload: Payload, row: JsonObject, pointer: str) -> Iterator[tier_tables.TierTable]:
    if not trades(row, "status", pointer, {"NORMAL"}):
        return
    quote, settle = text_value(row, "quoteAsset", pointer), text_value(row, "marginAsset", pointer)
    base = text_value(row, "baseAsset", pointer)
    instrument = contract(
        "bydfi", text_value(row, "symbol", pointer), base=base, quote=quote, settle=settle
    )
    yield flat_rates.table_from_leverage(payload, row, pointer, instrument, LEVERAGE)


ADAPTER = VenueAdapter(
    venue="bydfi",
    title="BYDFi",
    host="api.bydfi.com",
    endpoints=(
        Endpoint(
            "publicGetV1FapiMarketTicker24hr", "GET /api/v1/fapi/market/ticker/24hr", Purpose.PRICES
        ),
        Endpoint(INSTRUMENTS, "GET /api/v1/fapi/market/exchange_info", Purpose.MARGIN),
    ),
    parse=parse,
)
