"""DigiFinex swaps: leverage limits with maintenance ratios; the unit of their bounds is not known."""

from collections.abc import Iterator

from harmonize.core.instrument import contract
from harmonize.core.payload import Column, Payload, Snapshot
from harmonize.core.schedule import INFINITY, MarginMode, Profile, Tier
from venues.adapter import Endpoint, Parsed, Purpose, VenueAdapter
from venues.facts import Facts
from venues.fields import Row, positive, rate, rows, word
from venues.parsing import flat_rates, tier_tables
from venues.parsing.units import currency

INSTRUMENTS = "publicSwapGetPublicInstruments"
MAINTENANCE = Column("maintenance", "/maint_margin_ratio", "rate")
FIRST = "the rates of the first limit; no source states the unit of max_limit, where it ends"


def parse(snapshot: Snapshot, facts: Facts) -> Parsed:
    """Read every contract's first limit: the rates are the least that the venue asks."""
    return flat_rates.parsed(snapshot, facts, INSTRUMENTS, ("data",), _ladder, "instrument_id")


def _ladder(payload: Payload, row: Row, at: str) -> Iterator[tier_tables.TierTable]:
    if row.get("is_trading") is not True:
        return
    base, quote = word(row, "base_currency", at), word(row, "quote_currency", at)
    settle = word(row, "clear_currency", at)
    id_ = word(row, "instrument_id", at)
    limits = list(rows(row.get("open_max_limits"), f"{at}/open_max_limits"))
    leverage, pointer, first = max(
        ((positive(limit, "leverage", place), place, limit) for place, limit in limits),
        key=lambda one: one[0],
    )
    stated = "maint_margin_ratio" in first  # the largest leverage of some contracts has none
    ratio = rate(first, "maint_margin_ratio", pointer) if stated else None
    yield tier_tables.TierTable(
        payload=payload,
        instrument=contract("digifinex", id_, base=base, quote=quote, settle=settle),
        profile=Profile(MarginMode.ANY),
        tiers=(Tier(INFINITY, tier_tables.inverse(leverage), ratio),),
        rows=(pointer,),
        columns=(Column("initial", "/leverage", "leverage"), *((MAINTENANCE,) if stated else ())),
        usd=currency(contract("digifinex", id_, base=base, quote=quote, settle=settle), "USD"),
        doubts=(FIRST,),
        no_maintenance="" if stated else "the venue publishes no ratio for its largest leverage",
        exclusion_reason=FIRST,
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
