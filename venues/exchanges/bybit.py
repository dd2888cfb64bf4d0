"""Bybit contracts: risk limits in settlement currency, marginal MM with mmDeduction."""

import re
from collections.abc import Iterable, Iterator
from datetime import UTC, date, datetime

from harmonize.core.instrument import Instrument, Payoff, contract
from harmonize.core.payload import Column, Defect, Payload, Snapshot, UnreadablePayloadError
from harmonize.core.schedule import MarginMode, Profile, Tier, Unknown
from venues.adapter import Calls, Endpoint, Parsed, Purpose, VenueAdapter
from venues.calls import (
    Params,
    PastTheEndError,
    all_answered,
    cursor,
    each,
    every,
    object_at,
    values,
)
from venues.facts import Facts
from venues.fields import Row, day, defect, filled, number, positive, rate, read_rows, word
from venues.parsing import mark_prices, tier_tables
from venues.parsing.tier_rows import SymbolTiers, TierRow, group_by_symbol
from venues.parsing.units import ToUsd, coins, currency

RISK_LIMIT = "publicGetV5MarketRiskLimit"
INSTRUMENTS = "publicGetV5MarketInstrumentsInfo"
TICKERS = "publicGetV5MarketTickers"

COLUMNS = (
    Column("upper", "/riskLimitValue", "settlement currency"),
    Column("initial", "/initialMargin", "rate"),
    Column("maintenance", "/maintenanceMargin", "rate"),
    Column("deduction", "/mmDeduction", "settlement currency"),
)
_EXPIRES = {
    "LinearPerpetual": False,
    "LinearFutures": True,
    "InversePerpetual": False,
    "InverseFutures": True,
}
_DATED = re.compile(r"^(?P<base>[A-Z0-9]+?)(?P<quote>USDT)?-(?P<day>\d{2}[A-Z]{3}\d{2})$")
_RATE_IS_FRACTION = 1
_RATE_IS_PERCENT = 100
_ROUNDING = 0.05

_LIST = ("result", "list")
_CATEGORIES = ({"category": "linear"}, {"category": "inverse"})


def parse(snapshot: Snapshot, facts: Facts) -> Parsed:
    """Read all pages of the risk limit list; risk ids are not monotone in the limit.

    Contracts that the snapshot's own list does not have are left out: they no longer trade.
    """
    defects: list[Defect] = []
    rows = read_rows(snapshot.answers(RISK_LIMIT), _LIST, _tier, defects)
    lists = filled(snapshot.answers(INSTRUMENTS), *_LIST)
    named = dict(read_rows(lists, _LIST, _listed, defects))
    if lists:
        rows = [one for one in rows if one.symbol in named]
    marks = mark_prices.read(snapshot.answers(TICKERS), _LIST, ("symbol", "markPrice"), defects)
    found = []
    for one in group_by_symbol(rows, defects):
        try:
            found.append(_ladder(snapshot, one, named, marks))
        except UnreadablePayloadError as error:
            defects.append(defect(one.payload, error, one.symbol))
    return tier_tables.parsed(snapshot, found, facts, defects)


def _tier(payload: Payload, row: Row, at: str) -> Iterator[TierRow]:
    leverage = positive(row, "maxLeverage", at)
    initial = positive(row, "initialMargin", at)
    product = float(initial * leverage)
    if abs(product - _RATE_IS_FRACTION) > _ROUNDING:
        unit = "percent" if abs(product / _RATE_IS_PERCENT - 1) <= _ROUNDING else "no unit we know"
        reason = f"initialMargin {initial} at {leverage}x is written in {unit}, a fraction was due"
        raise UnreadablePayloadError(where=f"{at}/initialMargin", reason=reason)
    tier = Tier(
        upper=positive(row, "riskLimitValue", at),
        initial_rate=rate(row, "initialMargin", at),
        maintenance_rate=rate(row, "maintenanceMargin", at),
        deduction=None if row.get("mmDeduction") == "" else number(row, "mmDeduction", at),
    )
    yield TierRow(word(row, "symbol", at), tier, at, payload)


def _listed(_: Payload, row: Row, at: str) -> list[tuple[str, Instrument]]:
    symbol, kind = word(row, "symbol", at), word(row, "contractType", at)
    if kind not in _EXPIRES:
        reason = f"one of {', '.join(_EXPIRES)} was due, was {kind!r}"
        raise UnreadablePayloadError(where=f"{at}/contractType", reason=reason)
    base, quote, settle = (word(row, key, at) for key in ("baseCoin", "quoteCoin", "settleCoin"))
    expiry = day(row, "deliveryTime", at) if _EXPIRES[kind] else None
    return [
        (symbol, contract("bybit", symbol, base=base, quote=quote, settle=settle, expiry=expiry))
    ]


def _ladder(
    snapshot: Snapshot, found: SymbolTiers, named: dict[str, Instrument], marks: mark_prices.Marks
) -> tier_tables.TierTable:
    if found.tiers[0].deduction:
        reason = "the lowest tier is missing, for the lowest found has a deduction"
        raise UnreadablePayloadError(where=f"{found.rows[0]}/mmDeduction", reason=reason)
    listed = named.get(found.symbol) or instrument(found.symbol)
    return tier_tables.TierTable(
        payload=found.payload,
        instrument=listed,
        profile=Profile(MarginMode.ANY),
        tiers=found.tiers,
        rows=found.rows,
        columns=COLUMNS,
        usd=_to_usd(snapshot, found.payload, listed, marks),
    )


def _to_usd(
    snapshot: Snapshot, payload: Payload, listed: Instrument, marks: mark_prices.Marks
) -> ToUsd | Unknown:
    """The risk limit of an inverse contract is a number of coins, as its worked examples show.

    Source: Bybit help, "Maintenance Margin (Inverse Contract)".
    """
    if listed.payoff is Payoff.INVERSE:
        return coins(payload, marks.price(snapshot, listed, payload))
    return currency(listed, listed.settle)


def instrument(symbol: str) -> Instrument:
    """Take a symbol apart: BTCUSDT, BTCPERP (USDC), BTC-26SEP25 (USDC), BTCUSDT-26SEP25, BTCUSD.

    Raises UnreadablePayloadError: none of these.
    """
    dated = _DATED.match(symbol)
    if dated:
        quote = dated["quote"] or "USDC"
        expiry = _day(dated["day"])
        return contract(
            "bybit", symbol, base=dated["base"], quote=quote, settle=quote, expiry=expiry
        )
    for ending, quote in (("USDT", "USDT"), ("PERP", "USDC"), ("USD", "USD")):
        base = symbol.removesuffix(ending)
        if base and base != symbol:
            settle = base if quote == "USD" else quote
            return contract("bybit", symbol, base=base, quote=quote, settle=settle)
    reason = f"{symbol!r} is no linear or inverse contract's symbol that we know"
    raise UnreadablePayloadError(where="/symbol", reason=reason)


def _day(text: str) -> date:
    try:
        return datetime.strptime(text, "%d%b%y").replace(tzinfo=UTC).date()
    except ValueError:
        reason = f"{text!r} is no expiry"
        raise UnreadablePayloadError(where="/symbol", reason=reason) from None


def _categories(snapshot: Snapshot) -> Iterable[str]:
    """Find the categories in which contracts are listed."""
    for payload in filled(snapshot.answers(INSTRUMENTS), *_LIST):
        yield dict(payload.call.params)["category"]


def _next(params: Params, document: object) -> Params | None:
    """Follow the cursor; an answer without one, or without rows after it, was the last."""
    result, _ = object_at(document, "result")
    if result.get("list") == [] and "cursor" in dict(params):
        raise PastTheEndError
    return _FOLLOWING(params, document) if "nextPageCursor" in result else None


_FOLLOWING = cursor("cursor", "result", "nextPageCursor")

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
            ask=every(*({**one, "limit": "1000", "status": "Trading"} for one in _CATEGORIES)),
            next_page=_next,
        ),
        Endpoint(TICKERS, "GET /v5/market/tickers", Purpose.PRICES, ask=every(*_CATEGORIES)),
        Endpoint(
            RISK_LIMIT,
            "GET /v5/market/risk-limit",
            Purpose.MARGIN,
            calls=Calls.PAGES,
            ask=each("category", _categories),
            next_page=_next,
        ),
    ),
    parse=parse,
    # The list was cut short before now, without a word (ccxt issues 21818 and 29721).
    whole=all_answered(
        values(INSTRUMENTS, *_LIST, field="symbol"), values(RISK_LIMIT, *_LIST, field="symbol")
    ),
)
