"""LBank perpetuals: only the maximum leverage of each contract is public."""

from collections.abc import Iterator

from harmonize.core.instrument import contract
from harmonize.core.payload import Payload, Snapshot
from venues.adapter import Endpoint, Parsed, Purpose, VenueAdapter
from venues.calls import once
from venues.facts import Facts
from venues.fields import Row, word
from venues.parsing import flat_rates, tier_tables

INSTRUMENTS = "contractPublicGetCfdOpenApiV1PubInstrument"


def parse(snapshot: Snapshot, facts: Facts) -> Parsed:
    """Reads every contract. IM is 1 / maximum leverage, the lowest possible rate; MM is unknown."""
    return flat_rates.parsed(snapshot, facts, INSTRUMENTS, ("data",), _tier_table, "symbol")


def _tier_table(payload: Payload, row: Row, pointer: str) -> Iterator[tier_tables.TierTable]:
    quote, settle = word(row, "priceCurrency", pointer), word(row, "clearCurrency", pointer)
    base = word(row, "baseCurrency", pointer)
    instrument = contract(
        "lbank", word(row, "symbol", pointer), base=base, quote=quote, settle=settle
    )
    yield flat_rates.only_leverage(payload, row, pointer, instrument)


ADAPTER = VenueAdapter(
    venue="lbank",
    title="LBank",
    host="lbkperp.lbank.com",
    endpoints=(
        Endpoint(
            "contractPublicGetCfdOpenApiV1PubMarketData",
            "GET /cfd/openApi/v1/pub/marketData",
            Purpose.PRICES,
            ask=once(productGroup="SwapU"),
        ),
        Endpoint(
            INSTRUMENTS,
            "GET /cfd/openApi/v1/pub/instrument",
            Purpose.MARGIN,
            ask=once(productGroup="SwapU"),
        ),
    ),
    parse=parse,
)
