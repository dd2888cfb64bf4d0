"""Bybit contracts: risk limits in settlement currency, marginal MM by ``mmDeduction``."""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime

from harmonize.core.instrument import Instrument, Payoff, contract
from harmonize.core.payload import Column, Defect, Payload, Snapshot, UnreadablePayloadError, decode
from harmonize.core.schedule import MarginMode, Profile, Tier, Unknown
from venues.adapter import Calls, Endpoint, Parsed, Purpose, VenueAdapter
from venues.calls import (
    EmptyPageError,
    Params,
    call_per_value,
    calls_with,
    field_values,
    next_by_cursor,
    object_at,
    unanswered_check,
)
from venues.facts import Facts
from venues.fields import (
    JsonObject,
    build_defect,
    date_of_milliseconds,
    non_empty,
    optional_number,
    positive_number,
    rate,
    read_rows,
    text_value,
    upper_bound,
)
from venues.parsing import mark_prices, tier_tables
from venues.parsing.leverage_rates import exact_rate
from venues.parsing.listing import closed_contracts, has_ended, has_expired, trades
from venues.parsing.narrow_answers import contract_name, without_empty_lists
from venues.parsing.tier_rows import SymbolTiers, TierRow, group_by_symbol
from venues.parsing.units import UsdConversion, coins_to_usd, currency_to_usd

RISK_LIMIT = "publicGetV5MarketRiskLimit"
INSTRUMENTS = "publicGetV5MarketInstrumentsInfo"
TICKERS = "publicGetV5MarketTickers"

COLUMNS = (
    Column("upper", "/riskLimitValue", "settlement currency"),
    Column("initial", "/initialMargin", "rate"),
    Column("leverage", "/maxLeverage", "leverage"),
    Column("maintenance", "/maintenanceMargin", "rate"),
)
DEDUCTION = Column("deduction", "/mmDeduction", "settlement currency")
NO_DEDUCTION = "MM by continuity at the bounds: the response has no mmDeduction"
_TRADING = frozenset({"Trading"})
_WHOLE_CATEGORY = frozenset({"category", "cursor", "limit", "status"})
"""Parameters of a call that lists every trading contract of a category."""

_HAS_EXPIRY = {
    "LinearPerpetual": False,
    "LinearFutures": True,
    "InversePerpetual": False,
    "InverseFutures": True,
}
_DATED_SYMBOL = re.compile(r"^(?P<base>.+?)(?P<quote>USDT)?-(?P<day>\d{2}[A-Z]{3}\d{2})$")
_FRACTION_PRODUCT = 1
_PERCENT_PRODUCT = 100
"""IM rate × maximum leverage, for a rate in either unit."""

_TOLERANCE = 0.05

_LIST_KEYS = ("result", "list")
_CATEGORIES = ({"category": "linear"}, {"category": "inverse"})


def parse(snapshot: Snapshot, facts: Facts) -> Parsed:
    """Reads all pages of the risk limit list and sorts tiers by limit, not by risk id.

    Contracts that the snapshot's instrument list does not show as trading are excluded, and so are
    contracts missing from the complete list of their category: they no longer trade.
    """
    defects: list[Defect] = []
    risk_limits = without_empty_lists(_derivatives(snapshot.answers(RISK_LIMIT)), *_LIST_KEYS)
    tier_rows = read_rows(risk_limits, _LIST_KEYS, _tier_row, defects)
    undeducted = set(read_rows(risk_limits, _LIST_KEYS, _symbol_without_deduction, []))
    instrument_lists = non_empty(_derivatives(snapshot.answers(INSTRUMENTS)), *_LIST_KEYS)
    instruments = dict(read_rows(instrument_lists, _LIST_KEYS, _instrument_by_symbol, defects))
    open_rows = _open_rows(tier_rows, instrument_lists, instruments)
    marks = mark_prices.read_prices(
        snapshot.answers(TICKERS), _LIST_KEYS, ("symbol", "markPrice"), defects
    )
    tables = []
    for symbol_tiers in group_by_symbol(open_rows, defects):
        symbol = symbol_tiers.symbol
        try:
            instrument = instruments.get(symbol) or parse_symbol(symbol)
            if has_expired(instrument, symbol_tiers.payload):
                continue
            table = _tier_table(snapshot, symbol_tiers, instrument, marks)
            tables.append(_without_deduction(table) if symbol in undeducted else table)
        except Exception as error:  # noqa: BLE001 - whatever it is, it is a defect here alone
            defects.append(build_defect(symbol_tiers.payload, error, symbol))
    return tier_tables.build_schedules(snapshot, tables, facts, defects)


def _open_rows(
    tier_rows: Iterable[TierRow],
    instrument_lists: Sequence[Payload],
    instruments: Mapping[str, Instrument],
) -> list[TierRow]:
    """Tiers of contracts that trade, as far as the instrument lists show."""
    closed = closed_contracts(instrument_lists, _LIST_KEYS, "symbol", _is_trading)
    listed_categories = _listed_categories(instrument_lists)
    return [
        row
        for row in tier_rows
        if row.symbol not in closed
        and (row.symbol in instruments or _category(row.payload) not in listed_categories)
    ]


def _category(payload: Payload) -> str:
    return dict(payload.call.params).get("category", "")


def _derivatives(payloads: Iterable[Payload]) -> list[Payload]:
    """Payloads without those of spot and options, which are no contracts of this adapter."""
    return [payload for payload in payloads if _category(payload) not in {"spot", "option"}]


def _listed_categories(instrument_lists: Iterable[Payload]) -> set[str]:
    """Categories whose instrument list is in the snapshot with all its pages."""
    cursors: dict[str, tuple[set[object], set[object]]] = {}
    for payload in instrument_lists:
        params = dict(payload.call.params)
        if params.keys() <= _WHOLE_CATEGORY and params.get("status", "Trading") == "Trading":
            named, requested = cursors.setdefault(_category(payload), (set(), {None, ""}))
            result, _ = object_at(decode(payload), "result")
            named.add(result.get("nextPageCursor"))
            requested.add(params.get("cursor"))
    return {category for category, (named, requested) in cursors.items() if named <= requested}


def _symbol_without_deduction(_: Payload, row: JsonObject, pointer: str) -> list[str]:
    """Symbol of a row from before the venue published deductions."""
    return [] if "mmDeduction" in row else [text_value(row, "symbol", pointer)]


def _is_trading(payload: Payload, row: JsonObject, pointer: str) -> bool:
    """Whether a contract is open: PreLaunch, Delivering and Closed contracts are not."""
    return trades(row, "status", pointer, _TRADING) and not has_ended(
        payload, row, "deliveryTime", pointer
    )


def _tier_row(payload: Payload, row: JsonObject, pointer: str) -> Iterator[TierRow]:
    leverage = positive_number(row, "maxLeverage", pointer)
    initial = positive_number(row, "initialMargin", pointer)
    product = float(initial * leverage)
    if abs(product - _FRACTION_PRODUCT) > _TOLERANCE:
        unit = "percent" if abs(product / _PERCENT_PRODUCT - 1) <= _TOLERANCE else "an unknown unit"
        reason = f"expected a fraction, found initialMargin {initial} at {leverage}x in {unit}"
        raise UnreadablePayloadError(where=f"{pointer}/initialMargin", reason=reason)
    tier = Tier(
        upper=upper_bound(row, "riskLimitValue", pointer),
        initial_rate=exact_rate(rate(row, "initialMargin", pointer), leverage),
        maintenance_rate=rate(row, "maintenanceMargin", pointer),
        deduction=optional_number(row, "mmDeduction", pointer),
    )
    yield TierRow(contract_name(payload, row, pointer, "symbol", "symbol"), tier, pointer, payload)


def _instrument_by_symbol(
    payload: Payload, row: JsonObject, pointer: str
) -> list[tuple[str, Instrument]]:
    if not _is_trading(payload, row, pointer):
        return []
    symbol, contract_type = (
        text_value(row, "symbol", pointer),
        text_value(row, "contractType", pointer),
    )
    if contract_type not in _HAS_EXPIRY:
        reason = f"expected one of {', '.join(_HAS_EXPIRY)}, found {contract_type!r}"
        raise UnreadablePayloadError(where=f"{pointer}/contractType", reason=reason)
    base, quote, settle = (
        text_value(row, key, pointer) for key in ("baseCoin", "quoteCoin", "settleCoin")
    )
    expiry = (
        date_of_milliseconds(row, "deliveryTime", pointer) if _HAS_EXPIRY[contract_type] else None
    )
    return [
        (symbol, contract("bybit", symbol, base=base, quote=quote, settle=settle, expiry=expiry))
    ]


def _tier_table(
    snapshot: Snapshot,
    symbol_tiers: SymbolTiers,
    instrument: Instrument,
    marks: mark_prices.MarkPrices,
) -> tier_tables.TierTable:
    if symbol_tiers.tiers[0].deduction:
        reason = "the lowest tier is missing: the first tier has a deduction"
        raise UnreadablePayloadError(where=f"{symbol_tiers.rows[0]}/mmDeduction", reason=reason)
    _check_open_end(symbol_tiers)
    return tier_tables.TierTable(
        payload=symbol_tiers.payload,
        instrument=instrument,
        profile=Profile(MarginMode.ANY),
        tiers=symbol_tiers.tiers,
        rows=symbol_tiers.rows,
        columns=(*COLUMNS, DEDUCTION),
        usd=_to_usd(snapshot, symbol_tiers.payload, instrument, marks),
    )


def _check_open_end(symbol_tiers: SymbolTiers) -> None:
    """Checks that a tier without end has the highest rate: ids are not in the order of tiers."""
    last = symbol_tiers.tiers[-1]
    rates = [tier.initial_rate or 0 for tier in symbol_tiers.tiers]
    if not last.upper.is_finite() and max(rates) > rates[-1]:
        reason = "expected an end: only the tier with the highest rate may have none"
        raise UnreadablePayloadError(where=f"{symbol_tiers.rows[-1]}/riskLimitValue", reason=reason)


def _without_deduction(table: tier_tables.TierTable) -> tier_tables.TierTable:
    return replace(table, columns=COLUMNS, maintenance_doubts=(NO_DEDUCTION,))


def _to_usd(
    snapshot: Snapshot, payload: Payload, instrument: Instrument, marks: mark_prices.MarkPrices
) -> UsdConversion | Unknown:
    """Converts risk limits, which are numbers of coins on inverse contracts, as worked examples show.

    Source: Bybit help, "Maintenance Margin (Inverse Contract)".
    """
    if instrument.payoff is Payoff.INVERSE:
        return coins_to_usd(payload, marks.price(snapshot, instrument, payload))
    return currency_to_usd(instrument, instrument.settle)


def parse_symbol(symbol: str) -> Instrument:
    """Parses a symbol: BTCUSDT, BTCPERP (USDC), BTC-26SEP25 (USDC), BTCUSDT-26SEP25, BTCUSD.

    Raises UnreadablePayloadError: the symbol has another form.
    """
    match = _DATED_SYMBOL.match(symbol)
    if match:
        quote = match["quote"] or "USDC"
        expiry = _parse_expiry(match["day"])
        return contract(
            "bybit", symbol, base=match["base"], quote=quote, settle=quote, expiry=expiry
        )
    for suffix, quote in (("USDT", "USDT"), ("PERP", "USDC"), ("USD", "USD")):
        base = symbol.removesuffix(suffix)
        if base and base != symbol:
            settle = base if quote == "USD" else quote
            return contract("bybit", symbol, base=base, quote=quote, settle=settle)
    reason = f"expected the symbol of a linear or inverse contract, found {symbol!r}"
    raise UnreadablePayloadError(where="/symbol", reason=reason)


def _parse_expiry(text: str) -> date:
    try:
        return datetime.strptime(text, "%d%b%y").replace(tzinfo=UTC).date()
    except ValueError:
        reason = f"expected an expiry DDMMMYY, found {text!r}"
        raise UnreadablePayloadError(where="/symbol", reason=reason) from None


def _categories(snapshot: Snapshot) -> Iterable[str]:
    """Yields the categories in which contracts are listed."""
    for payload in non_empty(snapshot.answers(INSTRUMENTS), *_LIST_KEYS):
        yield dict(payload.call.params)["category"]


def _next_page(params: Params, document: object) -> Params | None:
    """Follows the cursor. A response without a cursor is the last page.

    Raises EmptyPageError: a page after the first has no rows.
    """
    result, _ = object_at(document, "result")
    if result.get("list") == [] and "cursor" in dict(params):
        raise EmptyPageError
    return _FOLLOW_CURSOR(params, document) if "nextPageCursor" in result else None


_FOLLOW_CURSOR = next_by_cursor("cursor", "result", "nextPageCursor")

ADAPTER = VenueAdapter(
    venue="bybit",
    title="Bybit",
    host="api.bybit.com",
    endpoints=(
        Endpoint(
            INSTRUMENTS,
            "GET /v5/market/instruments-info",
            Purpose.INSTRUMENTS,
            calls=Calls.PAGES,
            call_plan=calls_with(
                *({**category, "limit": "1000", "status": "Trading"} for category in _CATEGORIES)
            ),
            next_page=_next_page,
        ),
        Endpoint(
            TICKERS, "GET /v5/market/tickers", Purpose.PRICES, call_plan=calls_with(*_CATEGORIES)
        ),
        Endpoint(
            RISK_LIMIT,
            "GET /v5/market/risk-limit",
            Purpose.MARGIN,
            calls=Calls.PAGES,
            call_plan=call_per_value("category", _categories),
            next_page=_next_page,
        ),
    ),
    parse=parse,
    # The venue has truncated this list without an error (ccxt issues 21818 and 29721).
    completeness_error=unanswered_check(
        field_values(INSTRUMENTS, *_LIST_KEYS, field="symbol"),
        field_values(RISK_LIMIT, *_LIST_KEYS, field="symbol"),
    ),
)
