"""BigONE contracts: rates up to a risk limit that rises in steps; only the first limit is read."""

from collections.abc import Iterator

from harmonize.core.instrument import contract
from harmonize.core.payload import Column, Payload, Snapshot, UnreadablePayloadError
from harmonize.core.schedule import INFINITY, MarginMode, Profile, Tier
from venues.adapter import Endpoint, Parsed, Purpose, VenueAdapter
from venues.facts import Facts
from venues.fields import Row, rate, word
from venues.parsing import flat_rates, tier_tables
from venues.parsing.units import currency

SYMBOLS = "contractPublicGetSymbols"
FIRST = "rates up to the first risk limit, whose unit and whose steps no source states"


def parse(snapshot: Snapshot, facts: Facts) -> Parsed:
    """Read every contract that is enabled. ccxt takes the initial rate for a least order cost."""
    return flat_rates.parsed(snapshot, facts, SYMBOLS, (), _ladder)


def _ladder(payload: Payload, row: Row, at: str) -> Iterator[tier_tables.TierTable]:
    if row.get("enable") is not True:
        return
    base, quote = word(row, "baseCurrency", at), word(row, "quoteCurrency", at)
    settle = word(row, "settleCurrency", at)
    initial, maintenance = rate(row, "initialMargin", at), rate(row, "maintenanceMargin", at)
    if maintenance > initial:
        reason = f"must not exceed initialMargin {initial}, was {maintenance}"
        raise UnreadablePayloadError(where=f"{at}/maintenanceMargin", reason=reason)
    listed = contract("bigone", word(row, "symbol", at), base=base, quote=quote, settle=settle)
    yield tier_tables.TierTable(
        payload=payload,
        instrument=listed,
        profile=Profile(MarginMode.ANY),
        tiers=(Tier(INFINITY, initial, maintenance),),
        rows=(at,),
        columns=(
            Column("initial", "/initialMargin", "rate"),
            Column("maintenance", "/maintenanceMargin", "rate"),
        ),
        usd=currency(listed, "USD"),
        doubts=(FIRST,),
        exclusion_reason=FIRST,
    )


ADAPTER = VenueAdapter(
    venue="bigone",
    title="BigONE",
    host="big.one",
    endpoints=(
        Endpoint(
            "contractPublicGetInstruments", "GET /api/contract/v2/instruments", Purpose.PRICES
        ),
        Endpoint(SYMBOLS, "GET /api/contract/v2/symbols", Purpose.MARGIN),
    ),
    parse=parse,
)
