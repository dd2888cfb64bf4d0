"""Hibachi perpetuals: one initial and one maintenance rate per market, independent of size."""

from collections.abc import Iterator

from harmonize.core.instrument import contract
from harmonize.core.payload import Payload, Snapshot
from harmonize.core.schedule import MarginMode
from venues.adapter import Endpoint, Parsed, Purpose, VenueAdapter
from venues.facts import Facts
from venues.fields import JsonObject, text_value
from venues.parsing import flat_rates, tier_tables

INFO = "publicGetMarketExchangeInfo"

INITIAL = flat_rates.PublishedRate("riskFactorForOrders")
MAINTENANCE = flat_rates.PublishedRate("maintenanceFactorForPositions")


def parse(snapshot: Snapshot, facts: Facts) -> Parsed:
    """Reads every live market. The risk factor for orders is the IM rate."""
    return flat_rates.parse_rows(snapshot, facts, INFO, ("futureContracts",), _tier_table)


def _tier_table(payload: Payload, row: JsonObject, pointer: str) -> Iterator[tier_tables.TierTable]:
    if row.get("status") != "LIVE":
        return
    base, settle = (
        text_value(row, "underlyingSymbol", pointer),
        text_value(row, "settlementSymbol", pointer),
    )
    instrument = contract(
        "hibachi", text_value(row, "symbol", pointer), base=base, quote=settle, settle=settle
    )
    yield flat_rates.table_from_rates(
        payload, row, pointer, instrument, INITIAL, MAINTENANCE, mode=MarginMode.CROSS
    )


ADAPTER = VenueAdapter(
    venue="hibachi",
    title="Hibachi",
    host="data-api.hibachi.xyz",
    endpoints=(Endpoint(INFO, "GET /market/exchange-info", Purpose.MARGIN),),
    parse=parse,
)
