"""BYDFi perpetuals: the contract list gives the largest leverage; its risk limits have no known fields."""

from collections.abc import Iterator

from harmonize.core.instrument import contract
from harmonize.core.payload import Payload, Snapshot
from venues.adapter import Endpoint, Parsed, Purpose, VenueAdapter
from venues.facts import Facts
from venues.fields import Row, word
from venues.parsing import flat_rates
from venues.parsing import tier_tables as tiers

INSTRUMENTS = "publicGetV1FapiMarketExchangeInfo"

LEVERAGE = flat_rates.PublishedRate("maxLeverageLevel", "leverage")


def parse(snapshot: Snapshot, facts: Facts) -> Parsed:
    """Read every contract; IM is the least under its largest leverage."""
    return flat_rates.parsed(snapshot, facts, INSTRUMENTS, ("data",), _ladder, "symbol")


def _ladder(payload: Payload, row: Row, at: str) -> Iterator[tiers.TierTable]:
    quote, settle = word(row, "quoteAsset", at), word(row, "marginAsset", at)
    base = word(row, "baseAsset", at)
    listed = contract("bydfi", word(row, "symbol", at), base=base, quote=quote, settle=settle)
    yield flat_rates.only_leverage(payload, row, at, listed, LEVERAGE)


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
