"""Coinbase International perpetuals: a base initial rate until 2025, only the largest leverage since."""

from collections.abc import Iterator

from harmonize.core.instrument import contract
from harmonize.core.payload import Column, Defect, Payload, Snapshot
from harmonize.core.schedule import Derived, MarginMode, Profile
from venues.adapter import Endpoint, Parsed, Purpose, VenueAdapter
from venues.calls import once
from venues.facts import Facts
from venues.fields import Row, mapping, positive, rate, read_rows, word
from venues.parsing import flat_rates, formulas
from venues.parsing import tier_tables as tiers

INSTRUMENTS = "publicGetGetInstruments"
OLD_INSTRUMENTS = "v1PublicGetInstruments"
"""The call of the venue's own API, which ccxt asked before the venue moved to Deribit's."""

LEVERAGE = flat_rates.PublishedRate("max_leverage", "leverage")
RISE = "the least rate; the charge for a position's share of trading volume is not in the payload"
TWO_THIRDS = "MM is two thirds of IM, as the venue's leverage and margin policy states"


def parse(snapshot: Snapshot, facts: Facts) -> Parsed:
    """``IM = max(base, charge * sqrt(share of volume))``, of which only the base is published."""
    defects: list[Defect] = []
    old = read_rows(snapshot.answers(OLD_INSTRUMENTS), (), _formula, defects)
    new = read_rows(
        snapshot.answers(INSTRUMENTS), ("result",), _ladder, defects, symbol_key="instrument_name"
    )
    based = formulas.parsed(old, facts, defects)
    leveraged = tiers.parsed(snapshot, new, facts, ())
    return Parsed((*based.schedules, *leveraged.schedules), based.defects)


def _formula(payload: Payload, row: Row, at: str) -> Iterator[formulas.Formula]:
    if word(row, "type", at) != "PERP":
        return
    base, quote = word(row, "base_asset_name", at), word(row, "quote_asset_name", at)
    listed = contract(
        "coinbaseinternational", word(row, "symbol", at), base=base, quote=quote, settle=quote
    )
    least = rate(row, "base_imf", at)
    prices = mapping(row.get("quote"), f"{at}/quote")
    mark = positive(prices, "mark_price", f"{at}/quote")
    yield formulas.Formula(
        payload=payload,
        instrument=listed,
        profile=Profile(MarginMode.CROSS),
        at=at,
        columns=(
            Column("initial base", "/base_imf", "rate"),
            Column("capacity", "/position_limit_qty", "coins"),
            Column("mark price", "/quote/mark_price", "USD"),
        ),
        initial=formulas.least(least),
        maintenance=formulas.least(least * 2 / 3),
        capacity=Derived(
            positive(row, "position_limit_qty", at) * mark, "position limit at the mark price"
        ),
        capacity_price=mark,
        doubts=(RISE, TWO_THIRDS),
        exclusion_reason=RISE,
    )


def _ladder(payload: Payload, row: Row, at: str) -> Iterator[tiers.TierTable]:
    if word(row, "kind", at) != "future" or word(row, "settlement_period", at) != "perpetual":
        return
    base, quote = word(row, "base_currency", at), word(row, "quote_currency", at)
    settle = word(row, "settlement_currency", at)
    id_ = word(row, "instrument_name", at)
    listed = contract("coinbaseinternational", id_, base=base, quote=quote, settle=settle)
    yield flat_rates.only_leverage(payload, row, at, listed, LEVERAGE)


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
