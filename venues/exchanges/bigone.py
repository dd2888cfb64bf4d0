"""BigONE contracts: flat rates up to the first risk limit; later limits are not observable."""

from collections.abc import Iterator

from harmonize.core.instrument import contract
from harmonize.core.payload import Column, Payload, Snapshot, UnreadablePayloadError
from harmonize.core.schedule import INFINITY, MarginMode, Profile, Tier
from venues.adapter import Endpoint, Parsed, Purpose, VenueAdapter
from venues.facts import Facts
from venues.fields import JsonObject, rate, text_value
from venues.parsing import flat_rates, tier_tables
from venues.parsing.units import currency_to_usd

SYMBOLS = "contractPublicGetSymbols"
FIRST_LIMIT_ONLY = "rates up to the first risk limit; no source states its unit or its steps"


def parse(snapshot: Snapshot, facts: Facts) -> Parsed:
    """Reads every enabled contract. ccxt reports the initial rate as a minimum order cost."""
    return flat_rates.parse_rows(snapshot, facts, SYMBOLS, (), _tier_table)


def _tier_table(payload: Payload, row: JsonObject, pointer: str) -> Iterator[tier_tables.TierTable]:
    if row.get("enable") is not True:
        return
    base, quote = (
        text_value(row, "baseCurrency", pointer),
        text_value(row, "quoteCurrency", pointer),
    )
    settle = text_value(row, "settleCurrency", pointer)
    initial = rate(row, "initialMargin", pointer)
    maintenance = rate(row, "maintenanceMargin", pointer)
    if maintenance > initial:
        reason = f"expected at most initialMargin {initial}, found {maintenance}"
        raise UnreadablePayloadError(where=f"{pointer}/maintenanceMargin", reason=reason)
    instrument = contract(
        "bigone", text_value(row, "symbol", pointer), base=base, quote=quote, settle=settle
    )
    yield tier_tables.TierTable(
        payload=payload,
        instrument=instrument,
        profile=Profile(MarginMode.ANY),
        tiers=(Tier(INFINITY, initial, maintenance),),
        rows=(pointer,),
        columns=(
            Column("initial", "/initialMargin", "rate"),
            Column("maintenance", "/maintenanceMargin", "rate"),
        ),
        usd=currency_to_usd(instrument, "USD"),
        doubts=(FIRST_LIMIT_ONLY,),
        exclusion_reason=FIRST_LIMIT_ONLY,
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
