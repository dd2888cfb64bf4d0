"""BloFin swaps: maximum leverage from the instrument list; no recording contains its tiers."""

from collections.abc import Iterator

from harmonize.core.instrument import contract
from harmonize.core.payload import Payload, Snapshot, UnreadablePayloadError
from venues.adapter import Endpoint, Parsed, Purpose, VenueAdapter
from venues.facts import Facts
from venues.fields import JsonObject, text_value
from venues.parsing import flat_rates, tier_tables
from venues.parsing.listing import has_begun, has_ended

INSTRUMENTS = "publicGetMarketInstruments"


def parse(snapshot: Snapshot, facts: Facts) -> Parsed:
    """Reads every contract. IM is 1 / maximum leverage, the lowest possible rate; MM is unknown."""
    return flat_rates.parse_rows(snapshot, facts, INSTRUMENTS, ("data",), _tier_table, "instId")


def _tier_table(payload: Payload, row: JsonObject, pointer: str) -> Iterator[tier_tables.TierTable]:
    if row.get("instType") != "SWAP" or row.get("state") != "live":
        return
    has_opened = has_begun(payload, row, "listTime", pointer)
    if not has_opened or has_ended(payload, row, "expireTime", pointer):
        return
    base, quote = (
        text_value(row, "baseCurrency", pointer),
        text_value(row, "quoteCurrency", pointer),
    )
    contract_type = text_value(row, "contractType", pointer)
    if contract_type not in {"linear", "inverse"}:
        reason = f"expected linear or inverse, found {contract_type!r}"
        raise UnreadablePayloadError(where=f"{pointer}/contractType", reason=reason)
    settle = quote if contract_type == "linear" else base
    instrument = contract(
        "blofin", text_value(row, "instId", pointer), base=base, quote=quote, settle=settle
    )
    yield flat_rates.table_from_leverage(payload, row, pointer, instrument)


ADAPTER = VenueAdapter(
    venue="blofin",
    title="BloFin",
    host="openapi.blofin.com",
    endpoints=(
        Endpoint("publicGetMarketTickers", "GET /api/v1/market/tickers", Purpose.PRICES),
        Endpoint("publicGetMarketMarkPrice", "GET /api/v1/market/mark-price", Purpose.PRICES),
        Endpoint(INSTRUMENTS, "GET /api/v1/market/instruments", Purpose.MARGIN),
    ),
    parse=parse,
)
