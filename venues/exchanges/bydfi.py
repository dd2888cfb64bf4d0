"""BYDFi perpetuals: the contract list gives the largest leverage; its risk limits have no known fields."""

from collections.abc import Iterator

from harmonize.core.instrument import contract
from harmonize.core.payload import Payload, Snapshot
from venues.adapter import Endpoint, Parsed, Purpose, VenueAdapter
from venues.facts import Facts
from venues.fields import Row, word
from venues.parsing import flat_rates as single
from venues.parsing import tiers as ladder

INSTRUMENTS = "publicGetV1FapiMarketExchangeInfo"

LEVERAGE = single.Stated("maxLeverageLevel", "leverage")


def parse(snapshot: Snapshot, facts: Facts) -> Parsed:
    """Read every contract; IM is the least under its largest leverage."""
    return single.parsed(snapshot, facts, INSTRUMENTS, ("data",), _ladder, "symbol")


def _ladder(payload: Payload, row: Row, at: str) -> Iterator[ladder.Ladder]:
    quote, settle = word(row, "quoteAsset", at), word(row, "marginAsset", at)
    base = word(row, "baseAsset", at)
    listed = contract("bydfi", word(row, "symbol", at), base=base, quote=quote, settle=settle)
    yield single.only_leverage(payload, row, at, listed, LEVERAGE)


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
