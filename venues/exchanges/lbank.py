"""LBank perpetuals: only the maximum leverage of each contract is public."""

from collections.abc import Iterator

from harmonize.core.instrument import contract
from harmonize.core.payload import Payload, Snapshot
from venues.adapter import Endpoint, Parsed, Purpose, VenueAdapter
from venues.calls import single_call
from venues.facts import Facts
from venues.fields import JsonObject, text_value
from venues.parsing import flat_rates, tier_tables

INSTRUMENTS = "contractPublicGetCfdOpenApiV1PubInstrument"


def parse(snapshot: Snapshot, facts: Facts) -> Parsed:
    """Reads every contract. IM is 1 / maximum leverage, the lowest possible rate; MM is unknown."""
    return flat_rates.parse_rows(snapshot, facts, INSTRUMENTS, ("data",), _tier_table, "symbol")


def _tier_table(payload: Payload, row: JsonObject, pointer: str) -> Iterator[tier_tables.TierTable]:
    quote, settle = (
        text_value(row, "priceCurrency", pointer),
        text_value(row, "clearCurrency", pointer),
    )
    base = text_value(row, "baseCurrency", pointer)
    instrument = contract(
        "lbank", text_value(row, "symbol", pointer), base=base, quote=quote, settle=settle
    )
    yield flat_rates.table_from_leverage(payload, row, pointer, instrument)


ADAPTER = VenueAdapter(
    venue="lbank",
    title="LBank",
    host="lbkperp.lbank.com",
    endpoints=(
        Endpoint(
            "contractPublicGetCfdOpenApiV1PubMarketData",
            "GET /cfd/openApi/v1/pub/marketData",
            Purpose.PRICES,
            call_plan=single_call(productGroup="SwapU"),
        ),
        Endpoint(
            INSTRUMENTS,
            "GET /cfd/openApi/v1/pub/instrument",
            Purpose.MARGIN,
            call_plan=single_call(productGroup="SwapU"),
        ),
    ),
    parse=parse,
)
