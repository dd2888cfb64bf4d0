"""Bitget futures: position tiers in quote value or coins, one call per symbol."""

from collections.abc import Iterator
from dataclasses import dataclass

from harmonize.core.instrument import Instrument, Payoff, contract
from harmonize.core.payload import Column, Defect, Payload, Snapshot, UnreadablePayloadError, decode
from harmonize.core.schedule import MarginMode, Profile, Tier, Unknown
from venues.adapter import Calls, Endpoint, Parsed, Purpose, VenueAdapter
from venues.calls import Params, call, calls_with
from venues.facts import Facts
from venues.fields import (
    JsonObject,
    build_defect,
    check_tier_number,
    date_of_milliseconds,
    iter_objects,
    non_empty,
    number,
    positive_number,
    rate,
    read_rows,
    text_value,
    upper_bound,
    value_at,
)
from venues.parsing import mark_prices, tier_tables
from venues.parsing.listing import closed_contracts, has_ended, is_known_to_trade, trades
from venues.parsing.narrow_answers import contract_name, requested_name
from venues.parsing.units import UsdConversion, coins_to_usd, currency_to_usd

LEVERS = "publicMixGetV2MixMarketQueryPositionLever"
UNIFIED = "publicUtaGetV3MarketPositionTier"
"""Tiers of unified accounts. Only recordings are read: gathering needs a second call per symbol."""
CONTRACTS = "publicMixGetV2MixMarketContracts"
TICKERS = "publicMixGetV2MixMarketTickers"

_SETTLEMENT_CURRENCIES = {"USDT-FUTURES": "USDT", "USDC-FUTURES": "USDC", "COIN-FUTURES": ""}
"""Settlement currency per product type; empty for coin-margined contracts (their base coin)."""

_TRADING = frozenset({"normal", "limit_open", "restrictedAPI"})
"""States in which a contract trades; limit_open allows only orders that reduce positions."""

_CLOSED = frozenset({"listed", "off"})
"""States before a contract opens and after it has ended; also closed: maintain."""

_DEMO_PRODUCT_TYPES = frozenset({"SUSDT-FUTURES", "SUSDC-FUTURES", "SCOIN-FUTURES"})
"""Product types of demo trading, whose contracts are not traded with money."""

_COIN_UNIT = "bounds of coin-margined contracts read as amounts of the base coin"


@dataclass(frozen=True, slots=True)
class _TierFields:
    """Field names of a tier in one endpoint, and the account class of its tiers."""

    account_class: str
    number: str
    lower: str
    upper: str
    maintenance: str

    def columns(self, unit: str) -> tuple[Column, ...]:
        return (
            Column("upper", f"/{self.upper}", unit),
            Column("lower", f"/{self.lower}", unit),
            Column("initial", "/leverage", "leverage"),
            Column("maintenance", f"/{self.maintenance}", "rate"),
        )


_TIER_FIELDS = {
    LEVERS: _TierFields("any", "level", "startUnit", "endUnit", "keepMarginRate"),
    UNIFIED: _TierFields("unified", "tier", "minTierValue", "maxTierValue", "mmr"),
}


def parse(snapshot: Snapshot, facts: Facts) -> Parsed:
    """Reads one response per symbol. Amounts are quote value, although ccxt labels them as coins."""
    defects: list[Defect] = []
    contract_lists = [
        payload
        for payload in non_empty(snapshot.answers(CONTRACTS), "data")
        if dict(payload.call.params).get("productType", "").upper() not in _DEMO_PRODUCT_TYPES
    ]
    closed = closed_contracts(contract_lists, ("data",), "symbol", _is_trading)
    instruments = dict(read_rows(contract_lists, ("data",), _instrument_by_symbol, defects))
    marks = mark_prices.read_prices(
        snapshot.answers(TICKERS), ("data",), ("symbol", "markPrice"), defects
    )
    tables: list[tier_tables.TierTable] = []
    for method, fields in _TIER_FIELDS.items():
        for payload in snapshot.answers(method):
            try:
                symbol, pointers, tiers = _tiers(payload, fields)
                if symbol in closed:
                    continue
                instrument = instruments.get(symbol) or parse_symbol(symbol, "/data/0")
                usd = _to_usd(snapshot, payload, instrument, marks)
                tables.append(_tier_table(payload, fields, instrument, (pointers, tiers), usd))
            except Exception as error:  # noqa: BLE001 - whatever it is, it is a defect here alone
                requested_symbol = dict(payload.call.params).get("symbol", "")
                defects.append(build_defect(payload, error, requested_symbol))
    return tier_tables.build_schedules(snapshot, tables, facts, defects)


_PointersAndTiers = tuple[tuple[str, ...], tuple[Tier, ...]]


def _tiers(payload: Payload, fields: _TierFields) -> tuple[str, tuple[str, ...], tuple[Tier, ...]]:
    """Returns symbol, pointers and tiers. Rows of unified accounts do not name their symbol."""
    data, data_pointer = value_at(decode(payload), "data")
    tiers, pointers, symbols = [], [], set()
    for ordinal, (pointer, row) in enumerate(iter_objects(data, data_pointer), start=1):
        check_tier_number(row, fields.number, ordinal, pointer)
        if fields.account_class == "any":
            symbols.add(contract_name(payload, row, pointer, "symbol", "symbol"))
        pointers.append(pointer)
        tiers.append(
            Tier(
                upper=upper_bound(row, fields.upper, pointer),
                lower=number(row, fields.lower, pointer),
                initial_rate=tier_tables.leverage_to_rate(
                    positive_number(row, "leverage", pointer)
                ),
                maintenance_rate=rate(row, fields.maintenance, pointer),
            )
        )
    if len(symbols) > 1:
        reason = f"expected one symbol, found {', '.join(sorted(symbols))}"
        raise UnreadablePayloadError(where=data_pointer, reason=reason)
    requested_symbol = requested_name(payload, "symbol")
    symbol = symbols.pop() if symbols else requested_symbol
    if not symbol:
        reason = "neither the rows nor the request (symbol) name the contract"
        raise UnreadablePayloadError(where=data_pointer, reason=reason)
    if requested_symbol and symbol != requested_symbol:
        reason = f"expected tiers of {requested_symbol}, found tiers of {symbol}"
        raise UnreadablePayloadError(where=data_pointer, reason=reason)
    return symbol, tuple(pointers), tuple(tiers)


def _tier_table(
    payload: Payload,
    fields: _TierFields,
    instrument: Instrument,
    pointers_and_tiers: _PointersAndTiers,
    usd: UsdConversion | Unknown,
) -> tier_tables.TierTable:
    pointers, tiers = pointers_and_tiers
    is_inverse = instrument.payoff is Payoff.INVERSE
    return tier_tables.TierTable(
        payload=payload,
        instrument=instrument,
        profile=Profile(MarginMode.ANY, fields.account_class),
        tiers=tiers,
        rows=pointers,
        columns=fields.columns("base coin" if is_inverse else "quote currency"),
        usd=usd,
        assumed_unit=_COIN_UNIT if is_inverse else "",
    )


def _to_usd(
    snapshot: Snapshot, payload: Payload, instrument: Instrument, marks: mark_prices.MarkPrices
) -> UsdConversion | Unknown:
    if instrument.payoff is Payoff.INVERSE:
        return coins_to_usd(payload, marks.price(snapshot, instrument, payload))
    return currency_to_usd(instrument, instrument.quote)


def _is_trading(payload: Payload, row: JsonObject, pointer: str) -> bool:
    """Whether a listed contract trades, by its state and its times of delivery and delisting."""
    return trades(row, "symbolStatus", pointer, _TRADING, _CLOSED) and not any(
        has_ended(payload, row, key, pointer) for key in ("deliveryTime", "offTime")
    )


def _instrument_by_symbol(
    payload: Payload, row: JsonObject, pointer: str
) -> list[tuple[str, Instrument]]:
    product_type = dict(payload.call.params).get("productType", "")
    if product_type not in _SETTLEMENT_CURRENCIES:
        product_types = ", ".join(_SETTLEMENT_CURRENCIES)
        reason = f"expected a call for product type {product_types}, found {product_type!r}"
        raise UnreadablePayloadError(where="", reason=reason)
    if not _is_trading(payload, row, pointer):
        return []
    symbol, base, quote = (
        text_value(row, key, pointer) for key in ("symbol", "baseCoin", "quoteCoin")
    )
    term = text_value(row, "symbolType", pointer)
    if term not in {"perpetual", "delivery"}:
        reason = f"expected perpetual or delivery, found {term!r}"
        raise UnreadablePayloadError(where=f"{pointer}/symbolType", reason=reason)
    expiry = date_of_milliseconds(row, "deliveryTime", pointer) if term == "delivery" else None
    settle = _SETTLEMENT_CURRENCIES[product_type] or base
    return [
        (symbol, contract("bitget", symbol, base=base, quote=quote, settle=settle, expiry=expiry))
    ]


def parse_symbol(symbol: str, pointer: str) -> Instrument:
    """Parses a USDT-FUTURES symbol such as BTCUSDT. Raises UnreadablePayloadError."""
    base = symbol.removesuffix("USDT")
    if not base or base == symbol:
        reason = f"expected a symbol ending in USDT, found {symbol!r}"
        raise UnreadablePayloadError(where=f"{pointer}/symbol", reason=reason)
    return contract("bitget", symbol, base=base, quote="USDT", settle="USDT")


def _open_contracts(snapshot: Snapshot) -> Iterator[Params]:
    """Yields call parameters for every open contract. Raises UnreadablePayloadError."""
    for payload in non_empty(snapshot.answers(CONTRACTS), "data"):
        product_type = dict(payload.call.params)["productType"]
        for pointer, row in iter_objects(*value_at(decode(payload), "data")):
            if is_known_to_trade(_is_trading, payload, row, pointer):
                yield call(productType=product_type, symbol=text_value(row, "symbol", pointer))


_EACH_PRODUCT_TYPE = calls_with(
    *({"productType": product_type} for product_type in _SETTLEMENT_CURRENCIES)
)

ADAPTER = VenueAdapter(
    venue="bitget",
    title="Bitget",
    host="api.bitget.com",
    endpoints=(
        Endpoint(
            CONTRACTS,
            "GET /api/v2/mix/market/contracts",
            Purpose.INSTRUMENTS,
            call_plan=_EACH_PRODUCT_TYPE,
        ),
        Endpoint(
            TICKERS, "GET /api/v2/mix/market/tickers", Purpose.PRICES, call_plan=_EACH_PRODUCT_TYPE
        ),
        Endpoint(
            LEVERS,
            "GET /api/v2/mix/market/query-position-lever",
            Purpose.MARGIN,
            calls=Calls.PER_SYMBOL,
            call_plan=_open_contracts,
        ),
    ),
    parse=parse,
    recorded_only=(
        Endpoint(
            UNIFIED, "GET /api/v3/market/position-tier", Purpose.MARGIN, calls=Calls.PER_SYMBOL
        ),
    ),
)
