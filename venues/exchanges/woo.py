"""WOO X perpetuals: the lowest initial and maintenance rates; their rise with size is not public."""

from collections.abc import Iterator

from harmonize.core.instrument import contract
from harmonize.core.payload import Payload, Snapshot, UnreadablePayloadError
from venues.adapter import Endpoint, Parsed, Purpose, VenueAdapter
from venues.facts import Facts
from venues.fields import JsonObject, text_value
from venues.parsing import flat_rates, tier_tables

INSTRUMENTS = "v3PublicGetInstruments"
INITIAL, MAINTENANCE = flat_rates.PublishedRate("baseIMR"), flat_rates.PublishedRate("baseMMR")
LOWEST_RATES_ONLY = "lowest rates; they rise with size by a factor missing from the payload"


def parse(snapshot: Snapshot, facts: Facts) -> Parsed:
    """Reads every perpetual that trades."""
    return flat_rates.parse_rows(snapshot, facts, INSTRUMENTS, ("data", "rows"), _tier_table)


def _tier_table(payload: Payload, row: JsonObject, pointer: str) -> Iterator[tier_tables.TierTable]:
    symbol = text_value(row, "symbol", pointer)
    market_kind, _, name = symbol.partition("_")
    if market_kind == "SPOT" or text_value(row, "status", pointer) != "TRADING":
        return
    if market_kind != "PERP" or "_" not in name:
        reason = f"expected PERP_BASE_QUOTE, found {symbol!r}"
        raise UnreadablePayloadError(where=f"{pointer}/symbol", reason=reason)
    base, quote = text_value(row, "baseAsset", pointer), text_value(row, "quoteAsset", pointer)
    instrument = contract("woo", symbol, base=base, quote=quote, settle=quote)
    yield flat_rates.table_from_rates(
        payload,
        row,
        pointer,
        instrument,
        INITIAL,
        MAINTENANCE,
        doubts=(LOWEST_RATES_ONLY,),
        exclusion_reason=LOWEST_RATES_ONLY,
    )


ADAPTER = VenueAdapter(
    venue="woo",
    title="WOO X",
    host="api.woox.io",
    endpoints=(
        Endpoint("v3PublicGetFutures", "GET /v3/public/futures", Purpose.PRICES),
        Endpoint(INSTRUMENTS, "GET /v3/public/instruments", Purpose.MARGIN),
    ),
    parse=parse,
)
