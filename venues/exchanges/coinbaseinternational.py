"""Coinbase International perpetuals: a base initial rate until 2025, only the maximum leverage since."""

from collections.abc import Iterator

from harmonize.core.instrument import contract
from harmonize.core.payload import Column, Defect, Payload, Snapshot
from harmonize.core.schedule import Derived, MarginMode, Profile
from venues.adapter import Endpoint, Parsed, Purpose, VenueAdapter
from venues.calls import once
from venues.facts import Facts
from venues.fields import Row, mapping, positive, rate, read_rows, word
from venues.parsing import flat_rates, formulas, tier_tables

INSTRUMENTS = "publicGetGetInstruments"
OLD_INSTRUMENTS = "v1PublicGetInstruments"
"""Endpoint of the venue's former API, used by ccxt until the venue moved to Deribit's."""

LEVERAGE = flat_rates.PublishedRate("max_leverage", "leverage")
LOWEST_RATE_ONLY = (
    "lowest rate; the payload omits the charge for a position's share of trading volume"
)
MAINTENANCE_SHARE = "MM is two thirds of IM, as the venue's leverage and margin policy states"


def parse(snapshot: Snapshot, facts: Facts) -> Parsed:
    """Reads base rates of ``IM = max(base, charge * sqrt(share of volume))`` and maximum leverages.

    The venue does not publish the charge.
    """
    defects: list[Defect] = []
    margin_formulas = read_rows(snapshot.answers(OLD_INSTRUMENTS), (), _formula, defects)
    tables = read_rows(
        snapshot.answers(INSTRUMENTS),
        ("result",),
        _tier_table,
        defects,
        symbol_key="instrument_name",
    )
    from_base_rates = formulas.parsed(margin_formulas, facts, defects)
    from_leverage = tier_tables.parsed(snapshot, tables, facts, ())
    return Parsed((*from_base_rates.schedules, *from_leverage.schedules), from_base_rates.defects)


def _formula(payload: Payload, row: Row, pointer: str) -> Iterator[formulas.Formula]:
    if word(row, "type", pointer) != "PERP":
        return
    base, quote = word(row, "base_asset_name", pointer), word(row, "quote_asset_name", pointer)
    instrument = contract(
        "coinbaseinternational", word(row, "symbol", pointer), base=base, quote=quote, settle=quote
    )
    base_rate = rate(row, "base_imf", pointer)
    prices = mapping(row.get("quote"), f"{pointer}/quote")
    mark_price = positive(prices, "mark_price", f"{pointer}/quote")
    yield formulas.Formula(
        payload=payload,
        instrument=instrument,
        profile=Profile(MarginMode.CROSS),
        at=pointer,
        columns=(
            Column("initial base", "/base_imf", "rate"),
            Column("capacity", "/position_limit_qty", "coins"),
            Column("mark price", "/quote/mark_price", "USD"),
        ),
        initial=formulas.least(base_rate),
        maintenance=formulas.least(base_rate * 2 / 3),
        capacity=Derived(
            positive(row, "position_limit_qty", pointer) * mark_price,
            "position limit at the mark price",
        ),
        capacity_price=mark_price,
        doubts=(LOWEST_RATE_ONLY, MAINTENANCE_SHARE),
        exclusion_reason=LOWEST_RATE_ONLY,
    )


def _tier_table(payload: Payload, row: Row, pointer: str) -> Iterator[tier_tables.TierTable]:
    if (
        word(row, "kind", pointer) != "future"
        or word(row, "settlement_period", pointer) != "perpetual"
    ):
        return
    base, quote = word(row, "base_currency", pointer), word(row, "quote_currency", pointer)
    settle = word(row, "settlement_currency", pointer)
    id_ = word(row, "instrument_name", pointer)
    instrument = contract("coinbaseinternational", id_, base=base, quote=quote, settle=settle)
    yield flat_rates.only_leverage(payload, row, pointer, instrument, LEVERAGE)


ADAPTER = VenueAdapter(
    venue="coinbaseinternational",
    title="Coinbase International",
    host="drb.coinbase.com",
    endpoints=(
        Endpoint(
            "publicGetGetBookSummaryByCurrency",
            "GET /api/v2/public/get_book_summary_by_currency",
            Purpose.PRICES,
            ask=once(currency="USDC", kind="future"),
        ),
        Endpoint(
            INSTRUMENTS,
            "GET /api/v2/public/get_instruments",
            Purpose.MARGIN,
            ask=once(currency="any", kind="future"),
        ),
    ),
    parse=parse,
)
