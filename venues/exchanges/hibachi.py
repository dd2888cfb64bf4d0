"""Hibachi perpetuals: one initial and one maintenance factor a market, whatever the size."""

from collections.abc import Iterator

from harmonize.core.instrument import contract
from harmonize.core.payload import Payload, Snapshot
from harmonize.core.schedule import MarginMode
from venues.adapter import Endpoint, Parsed, Purpose, VenueAdapter
from venues.facts import Facts
from venues.fields import Row, word
from venues.parsing import flat_rates
from venues.parsing import tier_tables as tiers

INFO = "publicGetMarketExchangeInfo"

INITIAL = flat_rates.PublishedRate("riskFactorForOrders")
MAINTENANCE = flat_rates.PublishedRate("maintenanceFactorForPositions")


def parse(snapshot: Snapshot, facts: Facts) -> Parsed:
    """Read every live market; the factor for orders is what opening a position takes."""
    return flat_rates.parsed(snapshot, facts, INFO, ("futureContracts",), _ladder)


def _ladder(payload: Payload, row: Row, at: str) -> Iterator[tiers.TierTable]:
    if row.get("status") != "LIVE":
        return
    base, settle = word(row, "underlyingSymbol", at), word(row, "settlementSymbol", at)
    listed = contract("hibachi", word(row, "symbol", at), base=base, quote=settle, settle=settle)
    yield flat_rates.both(payload, row, at, listed, INITIAL, MAINTENANCE, mode=MarginMode.CROSS)


ADAPTER = VenueAdapter(
    venue="hibachi",
    title="Hibachi",
    host="data-api.hibachi.xyz",
    endpoints=(Endpoint(INFO, "GET /market/exchange-info", Purpose.MARGIN),),
    parse=parse,
)
