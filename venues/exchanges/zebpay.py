"""ZebPay futures: only the maximum leverage; margin percentages contradict it and are not used."""

from collections.abc import Iterator

from harmonize.core.instrument import contract
from harmonize.core.payload import Payload, Snapshot
from venues.adapter import Endpoint, Parsed, Purpose, VenueAdapter
from venues.facts import Facts
from venues.fields import JsonObject, text_value
from venues.parsing import flat_rates, tier_tables
from venues.parsing.listing import trades

INSTRUMENTS = "publicSwapGetV1MarketMarkets"


def parse(snapshot: Snapshot, facts: Facts) -> Parsed:
    """Reads every contract. IM is 1 / maximum leverage, the lowest possible rate; MM is unknown."""
    return flat_rates.parse_rows(
        snapshot, facts, INSTRUMENTS, ("data", "symbols"), _tier_table, "symbol"
    )


def _tier_table(payload: Payload, row: JsonObject, pointer: str) -> Iterator[tier_tables.TierTable]:
    if not trades(row, "status", pointer, {"Open"}):
        return
    base, quote = text_value(row, "baseAsset", pointer), text_value(row, "quoteAsset", pointer)
    instrument = contract(
        "zebpay", text_value(row, "symbol", pointer), base=base, quote=quote, settle=quote
    )
    yield flat_rates.table_from_leverage(payload, row, pointer, instrument)


ADAPTER = VenueAdapter(
    venue="zebpay",
    title="ZebPay",
    host="futuresbe.zebpay.com",
    endpoints=(Endpoint(INSTRUMENTS, "GET /api/v1/market/markets", Purpose.MARGIN),),
    parse=parse,
)
