"""KuCoin futures: risk-limit levels (classic isolated, unified cross), continuous classic cross."""

import re
from collections.abc import Iterator

from harmonize.core.instrument import Instrument, Payoff, contract
from harmonize.core.payload import Column, Defect, Payload, Snapshot, UnreadablePayloadError
from harmonize.core.schedule import MarginMode, MarginSchedule, Profile, Tier, Unknown
from venues.adapter import Calls, Endpoint, Parsed, Purpose, VenueAdapter
from venues.calls import all_answered, each, joined, once, values
from venues.exchanges import kucoin_cross
from venues.facts import Facts
from venues.fields import Row, day, defect, filled, number, positive, rate, read_rows, word
from venues.parsing import mark_prices, tier_tables
from venues.parsing.tier_rows import SymbolTiers, TierRow, group_by_symbol
from venues.parsing.units import ToUsd, coins, currency

LEVELS = "futuresPublicGetContractsRiskLimitSymbol"
CONTRACTS = "futuresPublicGetContractsActive"
UNIFIED = "utaGetMarketPositionTiers"
UNIFIED_CONTRACTS = "utaGetMarketInstrument"

_ISOLATED = Profile(MarginMode.ISOLATED, kucoin_cross.CLASSIC)
_UNIFIED = Profile(MarginMode.CROSS, "unified")
_AT_ONCE = 20
"""Symbols in one call; the venue names no limit."""

_SYMBOL = re.compile(r"^(?P<base>[A-Z0-9]+?)(?P<quote>USDT|USDC|USD)M$")
_COINS = "the levels of coin-margined contracts are read as amounts of the settlement coin"
_VALUE = "the sizes of unified accounts are read as position value in the settlement currency"

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
    """Read levels and tiers and, from the contract list, the parameters of the cross formula."""
    defects: list[Defect] = []

    def cross(payload: Payload, row: Row, at: str) -> Iterator[MarginSchedule]:
        return kucoin_cross.schedules(payload, row, at, facts)

    lists = snapshot.answers(CONTRACTS)
    schedules = read_rows(lists, ("data",), cross, defects)
    marks = mark_prices.read(lists, ("data",), ("symbol", "markPrice"), defects, also_read=True)
    named = _named(snapshot, defects)
    found: list[tier_tables.TierTable] = []
    for method, profile, read in ((LEVELS, _ISOLATED, _level), (UNIFIED, _UNIFIED, _unified)):
        own: list[Defect] = []  # a defect of one list says nothing of another's tiers
        tiers = group_by_symbol(read_rows(snapshot.answers(method), ("data",), read, own), own)
        defects += own
        for one in tiers:
            try:
                listed = named.get(one.symbol) or instrument(one.symbol, one.rows[0])
            except UnreadablePayloadError as error:
                defects.append(defect(one.payload, error, one.symbol))
                continue
            usd = _to_usd(snapshot, one.payload, listed, marks)
            found.append(_ladder(one, listed, profile, usd))
    parsed = tier_tables.parsed(snapshot, found, facts, defects)
    return Parsed((*schedules, *parsed.schedules), parsed.defects)


def _level(payload: Payload, row: Row, at: str) -> Iterator[TierRow]:
    tier = Tier(
        upper=positive(row, "maxRiskLimit", at),
        lower=number(row, "minRiskLimit", at),
        initial_rate=rate(row, "initialMargin", at),
        maintenance_rate=rate(row, "maintainMargin", at),
    )
    yield TierRow(word(row, "symbol", at), tier, at, payload)


def _unified(payload: Payload, row: Row, at: str) -> Iterator[TierRow]:
    tier = Tier(
        upper=positive(row, "maxSize", at),
        lower=number(row, "minSize", at),
        initial_rate=rate(row, "initialMarginRate", at),
        maintenance_rate=rate(row, "maintainMarginRate", at),
    )
    yield TierRow(word(row, "symbol", at), tier, at, payload)


def _ladder(
    found: SymbolTiers, listed: Instrument, profile: Profile, usd: ToUsd | Unknown
) -> tier_tables.TierTable:
    classic = profile is _ISOLATED
    coin_margined = _COINS if listed.payoff is Payoff.INVERSE else ""
    notes = ("The user sets the level; the rate of the level holds for the whole position.",)
    return tier_tables.TierTable(
        payload=found.payload,
        instrument=listed,
        profile=profile,
        tiers=found.tiers,
        rows=found.rows,
        columns=_COLUMNS if classic else _UNIFIED_COLUMNS,
        usd=usd,
        notes=notes if classic else (),
        guessed_unit=coin_margined if classic else _VALUE,
    )


def _to_usd(
    snapshot: Snapshot, payload: Payload, listed: Instrument, marks: mark_prices.Marks
) -> ToUsd | Unknown:
    if listed.payoff is Payoff.INVERSE:
        return coins(payload, marks.price(snapshot, listed, payload))
    return currency(listed, listed.quote)


def _named(snapshot: Snapshot, defects: list[Defect]) -> dict[str, Instrument]:
    """Name contracts by the lists in the snapshot; that of unified accounts spells some keys anew."""

    def classic(_: Payload, row: Row, at: str) -> list[Instrument]:
        return [kucoin_cross.instrument(row, at)]

    elsewhere: list[Defect] = []  # the contract list is read for its parameters too
    found = read_rows(snapshot.answers(CONTRACTS), ("data",), classic, elsewhere)
    keys = ("data", "list")
    lists = filled(snapshot.answers(UNIFIED_CONTRACTS), *keys)
    return {one.id: one for one in (*read_rows(lists, keys, _contract, defects), *found)}


def _contract(_: Payload, row: Row, at: str) -> list[Instrument]:
    symbol, base, quote, settle = (
        word(row, key, at)
        for key in ("symbol", "baseCurrency", "quoteCurrency", "settlementCurrency")
    )
    expiry = None if row.get("expiryTime") is None else day(row, "expiryTime", at)
    return [contract("kucoin", symbol, base=base, quote=quote, settle=settle, expiry=expiry)]


def instrument(symbol: str, at: str) -> Instrument:
    """Take a symbol apart: XBTUSDTM, XBTUSDCM, XBTUSDM (in coins). Raises UnreadablePayloadError."""
    found = _SYMBOL.match(symbol)
    if not found:
        reason = f"a perpetual BASEUSDTM, BASEUSDCM or BASEUSDM was due, was {symbol!r}"
        raise UnreadablePayloadError(where=f"{at}/symbol", reason=reason)
    base, quote = found["base"], found["quote"]
    settle = base if quote == "USD" else quote
    return contract("kucoin", symbol, base=base, quote=quote, settle=settle)


_unified_symbols = values(UNIFIED_CONTRACTS, "data", "list", field="symbol")

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
            ask=once(tradeType="FUTURES"),
        ),
        Endpoint(
            UNIFIED,
            "GET /api/ua/v1/market/position-tiers",
            Purpose.MARGIN,
            calls=Calls.PER_FAMILY,
            ask=joined(
                "symbol",
                _unified_symbols,
                _AT_ONCE,
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
            ask=each("symbol", values(CONTRACTS, "data", field="symbol")),
        ),
    ),
    parse=parse,
    whole=all_answered(_unified_symbols, values(UNIFIED, "data", field="symbol")),
)
