"""Reads the price of the underlying that a venue states in the payloads of a snapshot.

A price tells which asset a code means, so only prices of the venue itself count, not those that this
tool looked up under the name. They must belong to a day: a payload states none if its date is not
exact and its bounds are more than a day apart. No additional calls are made. No margin depends on these prices; a row
that cannot be read yields none.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from decimal import Decimal
from types import MappingProxyType

from harmonize.core.date_precision import DatePrecision
from harmonize.core.instrument import AT_PAR_WITH_USD
from harmonize.core.payload import Origin, Payload, Snapshot, decode, resolve
from harmonize.core.schedule import AssetPrice, MarginSchedule

_LIMIT = Decimal(10) ** 12  # USD per coin; larger numbers are no prices

MAX_RANGE = timedelta(days=1)
"""Largest time between the bounds of a date at which a price still belongs to a day."""


@dataclass(frozen=True, slots=True)
class _PriceRule:
    """Where an endpoint states prices, as JSON pointers.

    ``rows`` is the list of rows, or the object with a row per id. ``id`` and ``prices`` are pointers
    into a row; the first price that is above 0 counts. ``parallel`` is the list whose rows name the
    ids where the rows have none.
    """

    method: str
    rows: str
    id: str
    prices: tuple[str, ...]
    parallel: str = ""


_MARK_FIRST = ("/markPrice", "/indexPrice", "/lastPrice", "/last")
_MARK_FIRST_SNAKE = ("/mark_price", "/index_price", "/last_price", "/last")
_HYPERLIQUID = ("/markPx", "/oraclePx")

_RULES: Mapping[str, tuple[_PriceRule, ...]] = MappingProxyType(
    {
        "bitmart": (
            _PriceRule(
                "publicGetContractPublicDetails", "/data/symbols", "/symbol", _MARK_FIRST_SNAKE
            ),
        ),
        "bitmex": (_PriceRule("publicGetInstrumentActive", "", "/symbol", _MARK_FIRST),),
        "coinbase": (
            _PriceRule(
                "v3PublicGetBrokerageMarketProducts",
                "/products",
                "/product_id",
                ("/future_product_details/index_price", "/price"),
            ),
        ),
        "coinbaseinternational": (
            _PriceRule(
                "v1PublicGetInstruments",
                "",
                "/symbol",
                ("/quote/mark_price", "/quote/index_price", "/quote/trade_price"),
            ),
        ),
        "cryptocom": (
            _PriceRule("v1PublicGetPublicGetTickers", "/result/data", "/i", ("/a", "/b")),
        ),
        "dydx": (
            _PriceRule("indexerGetPerpetualMarkets", "/markets", "/ticker", ("/oraclePrice",)),
        ),
        "extended": (
            _PriceRule(
                "v1PublicGetInfoMarkets",
                "/data",
                "/name",
                ("/marketStats/markPrice", "/marketStats/indexPrice", "/marketStats/lastPrice"),
            ),
        ),
        "gate": (
            _PriceRule("publicFuturesGetSettleContracts", "", "/name", _MARK_FIRST_SNAKE),
            _PriceRule("publicDeliveryGetSettleContracts", "", "/name", _MARK_FIRST_SNAKE),
            _PriceRule("publicFuturesGetSettleTickers", "", "/contract", _MARK_FIRST_SNAKE),
        ),
        "hyperliquid": (
            _PriceRule("publicPostInfo", "/1", "/name", _HYPERLIQUID, parallel="/0/universe"),
        ),
        "krakenfutures": (_PriceRule("publicGetTickers", "/tickers", "/symbol", _MARK_FIRST),),
        "kucoin": (
            _PriceRule(
                "futuresPublicGetContractsActive",
                "/data",
                "/symbol",
                ("/markPrice", "/indexPrice", "/lastTradePrice"),
            ),
        ),
        "lbank": (
            _PriceRule(
                "contractPublicGetCfdOpenApiV1PubInstrument", "/data", "/symbol", ("/indexPrice",)
            ),
        ),
        "lighter": (
            _PriceRule(
                "publicGetOrderBookDetails",
                "/order_book_details",
                "/symbol",
                ("/mark_price", "/last_trade_price"),
            ),
        ),
        "mexc": (
            _PriceRule(
                "contractPublicGetTicker",
                "/data",
                "/symbol",
                ("/fairPrice", "/indexPrice", "/lastPrice"),
            ),
        ),
        "mudrex": (_PriceRule("privateGetFutures", "/data", "/symbol", ("/price",)),),
        "whitebit": (_PriceRule("v4PublicGetFutures", "/result", "/ticker_id", _MARK_FIRST_SNAKE),),
    }
)


def with_prices(
    snapshot: Snapshot, schedules: Sequence[MarginSchedule]
) -> tuple[MarginSchedule, ...]:
    """Returns schedules with the price per coin that the venue states, if it states one.

    The price that converted a schedule comes first, otherwise the one in a row of its contract.
    Prices in another currency than US dollars are left out. Never raises.
    """
    dated = {p.sha256: p.precision for p in snapshot.payloads if _has_day(p)}
    by_id = _prices_by_id(snapshot)
    if not dated:
        return tuple(schedules)
    return tuple(_with_price(schedule, by_id, dated) for schedule in schedules)


def _has_day(payload: Payload) -> bool:
    earliest = payload.precision.older_end(payload.observed_at)
    return earliest is not None and payload.observed_at - earliest <= MAX_RANGE


def _with_price(
    schedule: MarginSchedule, by_id: Mapping[str, AssetPrice], dated: Mapping[str, DatePrecision]
) -> MarginSchedule:
    instrument = schedule.instrument
    if instrument.quote not in AT_PAR_WITH_USD:
        return schedule
    price = _converting_price(schedule, dated) or by_id.get(instrument.id)
    if price is None:
        return schedule
    per_coin = price.value / instrument.underlying.multiplier
    return replace(schedule, price=replace(price, value=per_coin))


def _converting_price(
    schedule: MarginSchedule, dated: Mapping[str, DatePrecision]
) -> AssetPrice | None:
    """Price of the contract in the evidence, if it is the venue's own."""
    for evidence in schedule.evidence:
        for factor in evidence.conversion.factors if evidence.conversion else ():
            is_price = "price" in factor.name and factor.name.endswith(schedule.instrument.id)
            is_own = factor.origin is not Origin.MARKET and factor.sha256 in dated
            if is_price and is_own and factor.value > 0:
                precision = dated[factor.sha256]
                return AssetPrice(factor.value, factor.observed_at, factor.name, precision)
    return None


def _prices_by_id(snapshot: Snapshot) -> dict[str, AssetPrice]:
    """Prices per unit of the base currency, by the id of the contract."""
    prices: dict[str, AssetPrice] = {}
    for rule in _RULES.get(snapshot.venue, ()):
        for payload in filter(_has_day, snapshot.answers(rule.method)):
            try:
                prices |= {id_: price for id_, price in _read(payload, rule) if id_ not in prices}
            except Exception:  # noqa: BLE001, S112 - the adapter reports an answer that it cannot read
                continue
    return prices


def _read(payload: Payload, rule: _PriceRule) -> Iterator[tuple[str, AssetPrice]]:
    document = decode(payload)
    rows = resolve(document, rule.rows)
    rows = list(rows.values()) if isinstance(rows, dict) else rows
    names = resolve(document, rule.parallel) if rule.parallel else rows
    if not isinstance(rows, list) or not isinstance(names, list) or len(rows) != len(names):
        return
    for row, named in zip(rows, names, strict=True):
        id_ = _value(named, rule.id)
        found = next(((key, value) for key in rule.prices if (value := _number(row, key))), None)
        if isinstance(id_, str) and found:
            key, value = found
            source = f"{key.rpartition('/')[2]} of {id_}"
            yield id_, AssetPrice(value, payload.observed_at, source, payload.precision)


def _value(row: object, pointer: str) -> object:
    try:
        return resolve(row, pointer)
    except KeyError:
        return None


def _number(row: object, pointer: str) -> Decimal | None:
    """Number above 0 at a pointer; None if there is none."""
    raw = _value(row, pointer)
    if isinstance(raw, bool) or not isinstance(raw, str | int | Decimal):
        return None
    try:
        value = Decimal(raw)
    except ArithmeticError:
        return None
    return value if value.is_finite() and 0 < value < _LIMIT else None
