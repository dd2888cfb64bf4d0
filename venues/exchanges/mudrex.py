"""Mudrex futures: only the maximum leverage, available with an API key."""

from collections.abc import Iterator

from harmonize.core.instrument import contract
from harmonize.core.payload import Payload, Snapshot, UnreadablePayloadError
from venues.adapter import Access, Endpoint, Parsed, Purpose, VenueAdapter
from venues.facts import Facts
from venues.fields import JsonObject, text_value
from venues.parsing import flat_rates, tier_tables
from venues.parsing.account_figures import reject_account_fields

INSTRUMENTS = "privateGetFutures"

LEVERAGE = flat_rates.PublishedRate("max_leverage", "leverage")


def parse(snapshot: Snapshot, facts: Facts) -> Parsed:
    """Reads every contract. IM is 1 / maximum leverage, the lowest possible rate; MM is unknown."""
    return flat_rates.parse_rows(snapshot, facts, INSTRUMENTS, ("data",), _tier_table, "symbol")


def _tier_table(payload: Payload, row: JsonObject, pointer: str) -> Iterator[tier_tables.TierTable]:
    reject_account_fields(row, pointer)
    symbol = text_value(row, "symbol", pointer)
    base = symbol.removesuffix("USDT")
    if not base or base == symbol:
        reason = f"expected a symbol ending in USDT, found {symbol!r}"
        raise UnreadablePayloadError(where=f"{pointer}/symbol", reason=reason)
    instrument = contract("mudrex", symbol, base=base, quote="USDT", settle="USDT")
    yield flat_rates.table_from_leverage(payload, row, pointer, instrument, LEVERAGE)


ADAPTER = VenueAdapter(
    venue="mudrex",
    title="Mudrex",
    host="trade.mudrex.com",
    endpoints=(Endpoint(INSTRUMENTS, "GET /fapi/v1/futures", Purpose.MARGIN, access=Access.KEY),),
    parse=parse,
)
