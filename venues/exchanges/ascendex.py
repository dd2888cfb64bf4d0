"""AscendEX futures: tiers of position notional with initial and maintenance rates."""

from collections.abc import Iterator

from harmonize.core.instrument import contract
from harmonize.core.payload import Column, Payload, Snapshot, UnreadablePayloadError
from harmonize.core.schedule import MarginMode, Profile, Tier
from venues.adapter import Endpoint, Parsed, Purpose, VenueAdapter
from venues.facts import Facts
from venues.fields import JsonObject, iter_objects, number, rate, text_value, upper_bound
from venues.parsing import flat_rates, tier_tables
from venues.parsing.listing import trades
from venues.parsing.units import currency_to_usd

CONTRACTS = "v2PublicGetFuturesContract"
_TIERS = "marginRequirements"


def parse(snapshot: Snapshot, facts: Facts) -> Parsed:
    """Reads every contract. A last tier with an empty upper bound is open-ended."""
    return flat_rates.parse_rows(snapshot, facts, CONTRACTS, ("data",), _tier_table)


def _tier_table(payload: Payload, row: JsonObject, pointer: str) -> Iterator[tier_tables.TierTable]:
    if not trades(row, "status", pointer, {"Normal"}):
        return
    base, slash, quote = text_value(row, "underlying", pointer).partition("/")
    if not slash:
        reason = f"expected BASE/QUOTE, found {row['underlying']!r}"
        raise UnreadablePayloadError(where=f"{pointer}/underlying", reason=reason)
    settle = text_value(row, "settlementAsset", pointer)
    instrument = contract(
        "ascendex", text_value(row, "symbol", pointer), base=base, quote=quote, settle=settle
    )
    tier_rows = list(iter_objects(row.get(_TIERS), f"{pointer}/{_TIERS}"))
    yield tier_tables.TierTable(
        payload=payload,
        instrument=instrument,
        profile=Profile(MarginMode.ANY),
        tiers=tuple(
            Tier(
                upper=upper_bound(tier, "positionNotionalUpperBound", tier_pointer),
                lower=number(tier, "positionNotionalLowerBound", tier_pointer),
                initial_rate=rate(tier, "initialMarginRate", tier_pointer),
                maintenance_rate=rate(tier, "maintenanceMarginRate", tier_pointer),
            )
            for tier_pointer, tier in tier_rows
        ),
        rows=tuple(tier_pointer for tier_pointer, _ in tier_rows),
        columns=(
            Column("upper", "/positionNotionalUpperBound", "quote currency"),
            Column("lower", "/positionNotionalLowerBound", "quote currency"),
            Column("initial", "/initialMarginRate", "rate"),
            Column("maintenance", "/maintenanceMarginRate", "rate"),
        ),
        usd=currency_to_usd(instrument, quote),
    )


ADAPTER = VenueAdapter(
    venue="ascendex",
    title="AscendEX",
    endpoints=(Endpoint(CONTRACTS, "GET /api/pro/v2/futures/contract", Purpose.MARGIN),),
    parse=parse,
    closure_reason="ccxt no longer supports this venue; only its recordings are read",
)
