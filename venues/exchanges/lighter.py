"""Lighter perpetuals: flat margin fractions in units of 1/10000, one set a market."""

from collections.abc import Iterator

from harmonize.core.instrument import contract
from harmonize.core.payload import Payload, Snapshot
from harmonize.core.schedule import MarginMode
from venues.adapter import Endpoint, Parsed, Purpose, VenueAdapter
from venues.facts import Facts
from venues.fields import Row, word
from venues.parsing import flat_rates
from venues.parsing import tier_tables as tiers

DETAILS = "publicGetOrderBookDetails"

INITIAL = flat_rates.PublishedRate("min_initial_margin_fraction", "1/10000")
MAINTENANCE = flat_rates.PublishedRate("maintenance_margin_fraction", "1/10000")


def parse(snapshot: Snapshot, facts: Facts) -> Parsed:
    """Read every perpetual; IM is the least, at the largest leverage that the market allows.

    ccxt gives ``quote_multiplier`` as contract size, which it is not; nothing here needs a size.
    """
    return flat_rates.parsed(snapshot, facts, DETAILS, ("order_book_details",), _ladder)


def _ladder(payload: Payload, row: Row, at: str) -> Iterator[tiers.TierTable]:
    if row.get("market_type", "perp") != "perp" or row.get("status") != "active":
        return
    symbol = word(row, "symbol", at)
    listed = contract("lighter", symbol, base=symbol, quote="USDC", settle="USDC")
    yield flat_rates.both(payload, row, at, listed, INITIAL, MAINTENANCE, mode=MarginMode.ANY)


ADAPTER = VenueAdapter(
    venue="lighter",
    title="Lighter",
    host="mainnet.zklighter.elliot.ai",
    endpoints=(Endpoint(DETAILS, "GET /api/v1/orderBookDetails", Purpose.MARGIN),),
    parse=parse,
)
