"""Lighter perpetuals: flat margin fractions in units of 1/10000, one set per market."""

from collections.abc import Iterator

from harmonize.core.instrument import contract
from harmonize.core.payload import Payload, Snapshot
from harmonize.core.schedule import MarginMode
from venues.adapter import Endpoint, Parsed, Purpose, VenueAdapter
from venues.facts import Facts
from venues.fields import JsonObject, text_value
from venues.parsing import flat_rates, tier_tables

DETAILS = "publicGetOrderBookDetails"

INITIAL = flat_rates.PublishedRate("min_initial_margin_fraction", "1/10000")
MAINTENANCE = flat_rates.PublishedRate("maintenance_margin_fraction", "1/10000")


def parse(snapshot: Snapshot, facts: Facts) -> Parsed:
    """Reads every perpetual. IM is the lowest rate, at the market's maximum leverage.

    ccxt reports ``quote_multiplier`` as the contract size. It is not, and no contract size is
    needed here.
    """
    return flat_rates.parse_rows(snapshot, facts, DETAILS, ("order_book_details",), _tier_table)


def _tier_table(payload: Payload, row: JsonObject, pointer: str) -> Iterator[tier_tables.TierTable]:
    if row.get("market_type", "perp") != "perp" or row.get("status") != "active":
        return
    symbol = text_value(row, "symbol", pointer)
    instrument = contract("lighter", symbol, base=symbol, quote="USDC", settle="USDC")
    yield flat_rates.table_from_rates(
        payload, row, pointer, instrument, INITIAL, MAINTENANCE, mode=MarginMode.ANY
    )


ADAPTER = VenueAdapter(
    venue="lighter",
    title="Lighter",
    host="mainnet.zklighter.elliot.ai",
    endpoints=(Endpoint(DETAILS, "GET /api/v1/orderBookDetails", Purpose.MARGIN),),
    parse=parse,
)
