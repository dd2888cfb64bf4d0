"""BitMart futures: only the maximum leverage of each contract is public."""

from collections.abc import Iterator

from harmonize.core.instrument import contract
from harmonize.core.payload import Payload, Snapshot
from venues.adapter import Endpoint, Parsed, Purpose, VenueAdapter
from venues.facts import Facts
from venues.fields import JsonObject, is_missing, text_value
from venues.parsing import flat_rates, tier_tables
from venues.parsing.listing import SECOND, has_ended

INSTRUMENTS = "publicGetContractPublicDetails"

LEVERAGE = flat_rates.PublishedRate("max_leverage", "leverage")


def parse(snapshot: Snapshot, facts: Facts) -> Parsed:
    """Reads every contract. IM is 1 / maximum leverage, the lowest possible rate; MM is unknown."""
    return flat_rates.parse_rows(
        snapshot, facts, INSTRUMENTS, ("data", "symbols"), _tier_table, "symbol"
    )


def _tier_table(payload: Payload, row: JsonObject, pointer: str) -> Iterator[tier_tables.TierTable]:
    is_open = is_missing(row, "status") or text_value(row, "status", pointer) == "Trading"
    if not is_open or has_ended(payload, row, "expire_timestamp", pointer):
        return
    if has_ended(payload, row, "delist_time", pointer, SECOND):
        return
    base, quote = (
        text_value(row, "base_currency", pointer),
        text_value(row, "quote_currency", pointer),
    )
    instrument = contract(
        "bitmart", text_value(row, "symbol", pointer), base=base, quote=quote, settle=quote
    )
    yield flat_rates.table_from_leverage(payload, row, pointer, instrument, LEVERAGE)


ADAPTER = VenueAdapter(
    venue="bitmart",
    title="BitMart",
    endpoints=(Endpoint(INSTRUMENTS, "GET /contract/public/details", Purpose.MARGIN),),
    parse=parse,
    closure_reason="ccxt no longer supports this venue; only its recordings are read",
)
