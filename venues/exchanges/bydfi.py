"""BYDFi perpetuals: maximum leverage from the contract list; the fields of its risk limits are unknown."""

from collections.abc import Iterator

from harmonize.core.instrument import contract
from harmonize.core.payload import Payload, Snapshot
from venues.adapter import Endpoint, Parsed, Purpose, VenueAdapter
from venues.facts import Facts
from venues.fields import Row, word
from venues.parsing import flat_rates, tier_tables

INSTRUMENTS = "publicGetV1FapiMarketExchangeInfo"

LEVERAGE = flat_rates.PublishedRate("maxLeverageLevel", "leverage")


def parse(snapshot: Snapshot, facts: Facts) -> Parsed:
    """Reads every contract. IM is 1 / maximum leverage, the lowest possible rate; MM is unknown."""
    return flat_rates.parsed(snapshot, facts, INSTRUMENTS, ("data",), _tier_table, "symbol")


def _tier_table(payload: Payload, row: Row, pointer: str) -> Iterator[tier_tables.TierTable]:
    quote, settle = word(row, "quoteAsset", pointer), word(row, "marginAsset", pointer)
    base = word(row, "baseAsset", pointer)
    instrument = contract(
        "bydfi", word(row, "symbol", pointer), base=base, quote=quote, settle=settle
    )
    yield flat_rates.only_leverage(payload, row, pointer, instrument, LEVERAGE)


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
