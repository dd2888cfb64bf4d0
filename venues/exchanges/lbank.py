"""LBank perpetuals: only the largest leverage of each contract is public."""

from collections.abc import Iterator

from harmonize.core.instrument import contract
from harmonize.core.payload import Payload, Snapshot
from venues.adapter import Endpoint, Parsed, Purpose, VenueAdapter
from venues.calls import once
from venues.facts import Facts
from venues.fields import Row, word
from venues.parsing import flat_rates
from venues.parsing import tier_tables as tiers

INSTRUMENTS = "contractPublicGetCfdOpenApiV1PubInstrument"


def parse(snapshot: Snapshot, facts: Facts) -> Parsed:
    """Read every contract; IM is the least under its largest leverage."""
    return flat_rates.parsed(snapshot, facts, INSTRUMENTS, ("data",), _ladder, "symbol")


def _ladder(payload: Payload, row: Row, at: str) -> Iterator[tiers.TierTable]:
    quote, settle = word(row, "priceCurrency", at), word(row, "clearCurrency", at)
    base = word(row, "baseCurrency", at)
    listed = contract("lbank", word(row, "symbol", at), base=base, quote=quote, settle=settle)
    yield flat_rates.only_leverage(payload, row, at, listed)


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
