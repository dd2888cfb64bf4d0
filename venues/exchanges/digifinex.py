"""DigiFinex swaps: leverage limits with maintenance rates; the unit of their bounds is unknown."""

from collections.abc import Iterator

from harmonize.core.instrument import contract
from harmonize.core.payload import Column, Payload, Snapshot
from harmonize.core.schedule import INFINITY, MarginMode, Profile, Tier
from venues.adapter import Endpoint, Parsed, Purpose, VenueAdapter
from venues.facts import Facts
from venues.fields import JsonObject, iter_objects, positive_number, rate, text_value
from venues.parsing import flat_rates, tier_tables
from venues.parsing.units import currency_to_usd

INSTRUMENTS = "publicSwapGetPublicInstruments"
MAINTENANCE_COLUMN = Column("maintenance", "/maint_margin_ratio", "rate")
FIRST_LIMIT_ONLY = (
    "rates of the first limit; no source states the unit of its upper bound, max_limit"
)


def parse(snapshot: Snapshot, facts: Facts) -> Parsed:
    """Reads the first limit of every contract, whose rates are the venue's lowest."""
    return flat_rates.parse_rows(
        snapshot, facts, INSTRUMENTS, ("data",), _tier_table, "instrument_id"
    )


def _tier_table(payload: Payload, row: JsonObject, pointer: str) -> Iterator[tier_tables.TierTable]:
    if row.get("is_trading") is not True:
        return
    base, quote = (
        text_value(row, "base_currency", pointer),
        text_value(row, "quote_currency", pointer),
    )
    settle = text_value(row, "clear_currency", pointer)
    id_ = text_value(row, "instrument_id", pointer)
    instrument = contract("digifinex", id_, base=base, quote=quote, settle=settle)
    limits = list(iter_objects(row.get("open_max_limits"), f"{pointer}/open_max_limits"))
    leverage, first_pointer, first = max(
        (
            (positive_number(limit, "leverage", limit_pointer), limit_pointer, limit)
            for limit_pointer, limit in limits
        ),
        key=lambda candidate: candidate[0],
    )
    has_ratio = "maint_margin_ratio" in first  # missing at the maximum leverage of some contracts
    ratio = rate(first, "maint_margin_ratio", first_pointer) if has_ratio else None
    yield tier_tables.TierTable(
        payload=payload,
        instrument=instrument,
        profile=Profile(MarginMode.ANY),
        tiers=(Tier(INFINITY, tier_tables.leverage_to_rate(leverage), ratio),),
        rows=(first_pointer,),
        columns=(
            Column("initial", "/leverage", "leverage"),
            *((MAINTENANCE_COLUMN,) if has_ratio else ()),
        ),
        usd=currency_to_usd(instrument, "USD"),
        doubts=(FIRST_LIMIT_ONLY,),
        no_maintenance=""
        if has_ratio
        else "the venue publishes no maintenance rate at its maximum leverage",
        exclusion_reason=FIRST_LIMIT_ONLY,
    )


ADAPTER = VenueAdapter(
    venue="digifinex",
    title="DigiFinex",
    host="openapi.digifinex.com",
    endpoints=(
        Endpoint("publicSwapGetPublicTickers", "GET /swap/v2/public/tickers", Purpose.PRICES),
        Endpoint(INSTRUMENTS, "GET /swap/v2/public/instruments", Purpose.MARGIN),
    ),
    parse=parse,
)
