"""Coinbase International perpetuals: a base initial rate until 2025, only the maximum leverage since."""

from collections.abc import Iterator
from decimal import Decimal

from harmonize.core.instrument import contract
from harmonize.core.payload import Column, Defect, Payload, Snapshot
from harmonize.core.schedule import Derived, MarginMode, Observed, Profile
from venues.adapter import Endpoint, Parsed, Purpose, VenueAdapter
from venues.calls import single_call
from venues.facts import Facts
from venues.fields import (
    JsonObject,
    is_missing,
    json_object,
    positive_number,
    rate,
    read_rows,
    text_value,
    upper_bound,
)
from venues.parsing import flat_rates, formulas, tier_tables
from venues.parsing.listing import trades

INSTRUMENTS = "publicGetGetInstruments"
OLD_INSTRUMENTS = "v1PublicGetInstruments"
"""Endpoint of the venue's former API, used by ccxt until the venue moved to Deribit's."""

LEVERAGE = flat_rates.PublishedRate("max_leverage", "leverage")
LOWEST_RATE_ONLY = (
    "lowest rate; the payload omits the charge for a position's share of trading volume"
)
MAINTENANCE_SHARE = "MM is two thirds of IM, as the venue's leverage and margin policy states"


CAPACITY_COLUMNS = (
    Column("capacity", "/position_limit_qty", "coins"),
    Column("mark price", "/quote/mark_price", "USD"),
)
_TRADING_STATES = frozenset({"TRADING", "AUCTION", "REDUCE_ONLY", "POST_ONLY", "LIMIT_ONLY"})
_CLOSED_STATES = frozenset({"EXTERNAL_ONLY", "CANCEL_ONLY"})


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
    from_base_rates = formulas.build_schedules(margin_formulas, facts, defects)
    from_leverage = tier_tables.build_schedules(snapshot, tables, facts, ())
    return Parsed((*from_base_rates.schedules, *from_leverage.schedules), from_base_rates.defects)


def _formula(payload: Payload, row: JsonObject, pointer: str) -> Iterator[formulas.Formula]:
    if text_value(row, "type", pointer) != "PERP":
        return
    if not trades(row, "trading_state", pointer, _TRADING_STATES, _CLOSED_STATES):
        return
    base, quote = (
        text_value(row, "base_asset_name", pointer),
        text_value(row, "quote_asset_name", pointer),
    )
    instrument = contract(
        "coinbaseinternational",
        text_value(row, "symbol", pointer),
        base=base,
        quote=quote,
        settle=quote,
    )
    base_rate = rate(row, "base_imf", pointer)
    capacity, mark_price = _capacity(row, pointer)
    yield formulas.Formula(
        payload=payload,
        instrument=instrument,
        profile=Profile(MarginMode.CROSS),
        pointer=pointer,
        columns=(
            Column("initial base", "/base_imf", "rate"),
            *(CAPACITY_COLUMNS if mark_price is not None else ()),
        ),
        initial=formulas.single_rate(base_rate),
        maintenance=formulas.single_rate(base_rate * 2 / 3),
        capacity=capacity,
        capacity_price=mark_price,
        doubts=(LOWEST_RATE_ONLY, MAINTENANCE_SHARE),
        exclusion_reason=LOWEST_RATE_ONLY,
    )


def _capacity(row: JsonObject, pointer: str) -> tuple[Observed[Decimal], Decimal | None]:
    """Position limit in USD, and the mark price that converts it; no margin depends on either."""
    prices = json_object(row.get("quote") or {}, f"{pointer}/quote")
    limit = upper_bound(row, "position_limit_qty", pointer, open_ended_if_missing=True)
    if not limit.is_finite() or is_missing(prices, "mark_price"):
        return tier_tables.NO_CAPACITY, None
    mark_price = positive_number(prices, "mark_price", f"{pointer}/quote")
    return Derived(limit * mark_price, "position limit at the mark price"), mark_price


def _tier_table(payload: Payload, row: JsonObject, pointer: str) -> Iterator[tier_tables.TierTable]:
    if (
        text_value(row, "kind", pointer) != "future"
        or text_value(row, "settlement_period", pointer) != "perpetual"
        or row.get("is_active") is False
        or not trades(row, "state", pointer, {"open"})
    ):
        return
    base, quote = (
        text_value(row, "base_currency", pointer),
        text_value(row, "quote_currency", pointer),
    )
    settle = text_value(row, "settlement_currency", pointer)
    id_ = text_value(row, "instrument_name", pointer)
    instrument = contract("coinbaseinternational", id_, base=base, quote=quote, settle=settle)
    yield flat_rates.table_from_leverage(payload, row, pointer, instrument, LEVERAGE)


ADAPTER = VenueAdapter(
    venue="coinbaseinternational",
    title="Coinbase International",
    host="drb.coinbase.com",
    endpoints=(
        Endpoint(
            "publicGetGetBookSummaryByCurrency",
            "GET /api/v2/public/get_book_summary_by_currency",
            Purpose.PRICES,
            call_plan=single_call(currency="USDC", kind="future"),
        ),
        Endpoint(
            INSTRUMENTS,
            "GET /api/v2/public/get_instruments",
            Purpose.MARGIN,
            call_plan=single_call(currency="any", kind="future"),
        ),
    ),
    parse=parse,
    recorded_only=(Endpoint(OLD_INSTRUMENTS, "GET /api/v1/instruments", Purpose.MARGIN),),
)
