"""AscendEX futures: tiers of position notional, each with an initial and a maintenance rate."""

from collections.abc import Iterator
from decimal import Decimal

from harmonize.core.instrument import contract
from harmonize.core.payload import Column, Payload, Snapshot, UnreadablePayloadError
from harmonize.core.schedule import INFINITY, MarginMode, Profile, Tier
from venues.adapter import Endpoint, Parsed, Purpose, VenueAdapter
from venues.facts import Facts
from venues.fields import Row, number, positive, rate, rows, word
from venues.parsing import flat_rates, tier_tables
from venues.parsing.units import currency

CONTRACTS = "v2PublicGetFuturesContract"
_TIERS = "marginRequirements"


def parse(snapshot: Snapshot, facts: Facts) -> Parsed:
    """Read every contract; a last tier without an upper bound is open-ended."""
    return flat_rates.parsed(snapshot, facts, CONTRACTS, ("data",), _ladder)


def _ladder(payload: Payload, row: Row, at: str) -> Iterator[tier_tables.TierTable]:
    base, slash, quote = word(row, "underlying", at).partition("/")
    if not slash:
        raise UnreadablePayloadError(where=f"{at}/underlying", reason="BASE/QUOTE was due")
    settle = word(row, "settlementAsset", at)
    listed = contract("ascendex", word(row, "symbol", at), base=base, quote=quote, settle=settle)
    found = list(rows(row.get(_TIERS), f"{at}/{_TIERS}"))
    yield tier_tables.TierTable(
        payload=payload,
        instrument=listed,
        profile=Profile(MarginMode.ANY),
        tiers=tuple(
            Tier(
                upper=_upper(tier, pointer),
                lower=number(tier, "positionNotionalLowerBound", pointer),
                initial_rate=rate(tier, "initialMarginRate", pointer),
                maintenance_rate=rate(tier, "maintenanceMarginRate", pointer),
            )
            for pointer, tier in found
        ),
        rows=tuple(pointer for pointer, _ in found),
        columns=(
            Column("upper", "/positionNotionalUpperBound", "quote currency"),
            Column("lower", "/positionNotionalLowerBound", "quote currency"),
            Column("initial", "/initialMarginRate", "rate"),
            Column("maintenance", "/maintenanceMarginRate", "rate"),
        ),
        usd=currency(listed, quote),
    )


def _upper(tier: Row, at: str) -> Decimal:
    key = "positionNotionalUpperBound"
    return INFINITY if tier.get(key) == "" else positive(tier, key, at)


ADAPTER = VenueAdapter(
    venue="ascendex",
    title="AscendEX",
    endpoints=(Endpoint(CONTRACTS, "GET /api/pro/v2/futures/contract", Purpose.MARGIN),),
    parse=parse,
    closed="ccxt no longer has this venue, so it is read from recordings alone",
)
