"""KuCoin futures: risk-limit levels (classic isolated, unified cross) and a classic cross formula."""

import re
from collections.abc import Iterator

from harmonize.core.instrument import Instrument, Payoff, contract
from harmonize.core.payload import (
    Column,
    Defect,
    Payload,
    Snapshot,
    UnreadablePayloadError,
    decode,
    resolve,
)
from harmonize.core.schedule import MarginMode, MarginSchedule, Profile, Tier, Unknown
from venues.adapter import Calls, Endpoint, Parsed, Purpose, VenueAdapter
from venues.calls import batched_calls, call_per_value, field_values, single_call, unanswered_check
from venues.exchanges import kucoin_cross
from venues.facts import Facts
from venues.fields import (
    JsonObject,
    build_defect,
    date_of_milliseconds,
    non_empty,
    number,
    rate,
    read_rows,
    text_value,
    upper_bound,
)
from venues.parsing import mark_prices, tier_tables
from venues.parsing.leverage_rates import initial_rate, leverage_columns
from venues.parsing.listing import closed_contracts, has_ended, trades
from venues.parsing.narrow_answers import contract_name, name_defects
from venues.parsing.tier_rows import SymbolTiers, TierRow, group_by_symbol
from venues.parsing.units import UsdConversion, coins_to_usd, currency_to_usd

LEVELS = "futuresPublicGetContractsRiskLimitSymbol"
CONTRACTS = "futuresPublicGetContractsActive"
UNIFIED = "utaGetMarketPositionTiers"
UNIFIED_CONTRACTS = "utaGetMarketInstrument"

_CLASSIC_ISOLATED = Profile(MarginMode.ISOLATED, kucoin_cross.CLASSIC)
_UNIFIED_CROSS = Profile(MarginMode.CROSS, "unified")
_SYMBOLS_PER_CALL = 20
"""Symbols per call; the venue documents no limit."""

_SYMBOL = re.compile(r"^(?P<base>.+?)(?P<quote>USDT|USDC|USD)M$")
_COIN_UNIT = "levels of coin-margined contracts read as amounts of the settlement coin"
_VALUE_UNIT = "sizes of unified accounts read as position value in the settlement currency"

_LEVERAGE = "maxLeverage"
_COLUMNS = (
    Column("upper", "/maxRiskLimit", "settlement currency"),
    Column("lower", "/minRiskLimit", "settlement currency"),
    Column("initial", "/initialMargin", "rate"),
    Column("maintenance", "/maintainMargin", "rate"),
)
_UNIFIED_COLUMNS = (
    Column("upper", "/maxSize", "settlement currency"),
    Column("lower", "/minSize", "settlement currency"),
    Column("initial", "/initialMarginRate", "rate"),
    Column("maintenance", "/maintainMarginRate", "rate"),
)


def parse(snapshot: Snapshot, facts: Facts) -> Parsed:
    """Reads levels and tiers, and the parameters of the cross formula from the contract list."""
    defects: list[Defect] = []

    def cross_schedules(
        payload: Payload, row: JsonObject, pointer: str
    ) -> Iterator[MarginSchedule]:
        return kucoin_cross.cross_schedules(payload, row, pointer, facts)

    contract_lists = snapshot.answers(CONTRACTS)
    schedules = read_rows(contract_lists, ("data",), cross_schedules, defects)
    marks = mark_prices.read_prices(
        contract_lists, ("data",), ("symbol", "markPrice"), defects, has_other_reader=True
    )
    instruments = _instruments_by_symbol(snapshot, defects)
    tables: list[tier_tables.TierTable] = []
    closed = _closed_symbols(snapshot)
    for method, profile, read_row in (
        (LEVELS, _CLASSIC_ISOLATED, _level_row),
        (UNIFIED, _UNIFIED_CROSS, _unified_row),
    ):
        answers = snapshot.answers(method)
        # A defect in one list does not invalidate the other list's tiers.
        unnamed: list[Defect] = []
        tier_rows = read_rows(answers, ("data",), read_row, unnamed)
        list_defects = name_defects(unnamed, answers, "symbol")
        all_symbol_tiers = group_by_symbol(tier_rows, list_defects)
        defects += list_defects
        for symbol_tiers in all_symbol_tiers:
            if symbol_tiers.symbol in closed:
                continue
            try:
                instrument = instruments.get(symbol_tiers.symbol) or parse_symbol(
                    symbol_tiers.symbol, symbol_tiers.rows[0]
                )
            except Exception as error:  # noqa: BLE001 - whatever it is, it is a defect here alone
                defects.append(build_defect(symbol_tiers.payload, error, symbol_tiers.symbol))
                continue
            usd = _to_usd(snapshot, symbol_tiers.payload, instrument, marks)
            tables.append(_tier_table(symbol_tiers, instrument, profile, usd))
    parsed = tier_tables.build_schedules(snapshot, tables, facts, defects)
    return Parsed((*schedules, *parsed.schedules), parsed.defects)


def _level_row(payload: Payload, row: JsonObject, pointer: str) -> Iterator[TierRow]:
    tier = Tier(
        upper=upper_bound(row, "maxRiskLimit", pointer),
        lower=number(row, "minRiskLimit", pointer),
        initial_rate=initial_rate(rate(row, "initialMargin", pointer), row, _LEVERAGE, pointer),
        maintenance_rate=rate(row, "maintainMargin", pointer),
    )
    symbol = contract_name(payload, row, pointer, "symbol", "symbol")
    yield TierRow(symbol, tier, pointer, payload)


def _unified_row(payload: Payload, row: JsonObject, pointer: str) -> Iterator[TierRow]:
    tier = Tier(
        upper=upper_bound(row, "maxSize", pointer),
        lower=number(row, "minSize", pointer),
        initial_rate=initial_rate(rate(row, "initialMarginRate", pointer), row, _LEVERAGE, pointer),
        maintenance_rate=rate(row, "maintainMarginRate", pointer),
    )
    symbol = contract_name(payload, row, pointer, "symbol", "symbol")
    yield TierRow(symbol, tier, pointer, payload)


def _closed_symbols(snapshot: Snapshot) -> frozenset[str]:
    """Contracts that either contract list shows as not trading."""
    lists = non_empty(snapshot.answers(UNIFIED_CONTRACTS), "data", "list")
    return closed_contracts(
        snapshot.answers(CONTRACTS), ("data",), "symbol", kucoin_cross.is_trading
    ) | closed_contracts(lists, ("data", "list"), "symbol", _is_trading_unified)


def _is_trading_unified(payload: Payload, row: JsonObject, pointer: str) -> bool:
    is_open = trades(row, "tradingStatus", pointer, {"1"}, {"0"})
    return is_open and not has_ended(payload, row, "expiryTime", pointer)


def _tier_table(
    symbol_tiers: SymbolTiers,
    instrument: Instrument,
    profile: Profile,
    usd: UsdConversion | Unknown,
) -> tier_tables.TierTable:
    is_classic = profile is _CLASSIC_ISOLATED
    coin_unit = _COIN_UNIT if instrument.payoff is Payoff.INVERSE else ""
    notes = ("The user chooses the level; its rate applies to the whole position.",)
    return tier_tables.TierTable(
        payload=symbol_tiers.payload,
        instrument=instrument,
        profile=profile,
        tiers=symbol_tiers.tiers,
        rows=symbol_tiers.rows,
        columns=(
            *(_COLUMNS if is_classic else _UNIFIED_COLUMNS),
            *leverage_columns(_published_rows(symbol_tiers), _LEVERAGE),
        ),
        usd=usd,
        notes=notes if is_classic else (),
        assumed_unit=coin_unit if is_classic else _VALUE_UNIT,
    )


def _published_rows(symbol_tiers: SymbolTiers) -> Iterator[JsonObject]:
    document = decode(symbol_tiers.payload)
    for pointer in symbol_tiers.rows:
        row = resolve(document, pointer)
        yield row if isinstance(row, dict) else {}


def _to_usd(
    snapshot: Snapshot, payload: Payload, instrument: Instrument, marks: mark_prices.MarkPrices
) -> UsdConversion | Unknown:
    if instrument.payoff is Payoff.INVERSE:
        return coins_to_usd(payload, marks.price(snapshot, instrument, payload))
    return currency_to_usd(instrument, instrument.settle)


def _instruments_by_symbol(snapshot: Snapshot, defects: list[Defect]) -> dict[str, Instrument]:
    """Reads instruments from both contract lists, whose keys differ."""

    def classic_instrument(_: Payload, row: JsonObject, pointer: str) -> list[Instrument]:
        return [kucoin_cross.read_instrument(row, pointer)]

    ignored_defects: list[Defect] = []  # reported when the cross parameters are read
    classic_instruments = read_rows(
        snapshot.answers(CONTRACTS), ("data",), classic_instrument, ignored_defects
    )
    list_keys = ("data", "list")
    lists = non_empty(snapshot.answers(UNIFIED_CONTRACTS), *list_keys)
    return {
        instrument.id: instrument
        for instrument in (
            *read_rows(lists, list_keys, _unified_instrument, defects),
            *classic_instruments,
        )
    }


def _unified_instrument(payload: Payload, row: JsonObject, pointer: str) -> list[Instrument]:
    if not _is_trading_unified(payload, row, pointer):
        return []
    symbol, base, quote, settle = (
        text_value(row, key, pointer)
        for key in ("symbol", "baseCurrency", "quoteCurrency", "settlementCurrency")
    )
    if settle not in {base, quote}:
        reason = f"expected a contract settled in {base} or {quote}, found {settle!r}"
        raise UnreadablePayloadError(where=f"{pointer}/settlementCurrency", reason=reason)
    expiry = (
        None if row.get("expiryTime") is None else date_of_milliseconds(row, "expiryTime", pointer)
    )
    return [contract("kucoin", symbol, base=base, quote=quote, settle=settle, expiry=expiry)]


def parse_symbol(symbol: str, pointer: str) -> Instrument:
    """Parses a symbol: XBTUSDTM, XBTUSDCM, XBTUSDM (in coins). Raises UnreadablePayloadError."""
    match = _SYMBOL.match(symbol)
    if not match:
        reason = f"expected a perpetual BASEUSDTM, BASEUSDCM or BASEUSDM, found {symbol!r}"
        raise UnreadablePayloadError(where=f"{pointer}/symbol", reason=reason)
    base, quote = match["base"], match["quote"]
    settle = base if quote == "USD" else quote
    return contract("kucoin", symbol, base=base, quote=quote, settle=settle)


_unified_symbols = field_values(UNIFIED_CONTRACTS, "data", "list", field="symbol")

ADAPTER = VenueAdapter(
    venue="kucoin",
    title="KuCoin",
    host="api-futures.kucoin.com",
    endpoints=(
        Endpoint(CONTRACTS, "GET /api/v1/contracts/active", Purpose.MARGIN),
        Endpoint(
            UNIFIED_CONTRACTS,
            "GET /api/ua/v1/market/instrument",
            Purpose.INSTRUMENTS,
            call_plan=single_call(tradeType="FUTURES"),
        ),
        Endpoint(
            UNIFIED,
            "GET /api/ua/v1/market/position-tiers",
            Purpose.MARGIN,
            calls=Calls.PER_FAMILY,
            call_plan=batched_calls(
                "symbol",
                _unified_symbols,
                _SYMBOLS_PER_CALL,
                accountType="UNIFIED",
                data="RISK_LIMIT",
                marginMode="CROSS",
                tradeType="FUTURES",
            ),
        ),
        Endpoint(
            LEVELS,
            "GET /api/v1/contracts/risk-limit/{symbol}",
            Purpose.MARGIN,
            calls=Calls.PER_SYMBOL,
            call_plan=call_per_value("symbol", field_values(CONTRACTS, "data", field="symbol")),
        ),
    ),
    parse=parse,
    completeness_error=unanswered_check(
        _unified_symbols, field_values(UNIFIED, "data", field="symbol")
    ),
)
