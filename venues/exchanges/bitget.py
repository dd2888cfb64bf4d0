"""Bitget futures: position tiers in quote value (coins where coin-margined), one call a symbol."""

from collections.abc import Iterator
from dataclasses import dataclass

from harmonize.core.instrument import Instrument, Payoff, contract
from harmonize.core.payload import Column, Defect, Payload, Snapshot, UnreadablePayloadError, decode
from harmonize.core.schedule import MarginMode, Profile, Tier, Unknown
from venues.adapter import Calls, Endpoint, Parsed, Purpose, VenueAdapter
from venues.calls import Params, call, every
from venues.facts import Facts
from venues.fields import (
    Row,
    day,
    defect,
    filled,
    in_sequence,
    member,
    number,
    positive,
    rate,
    read_rows,
    rows,
    word,
)
from venues.parsing import mark_prices, tier_tables
from venues.parsing.units import ToUsd, coins, currency

LEVERS = "publicMixGetV2MixMarketQueryPositionLever"
UNIFIED = "publicUtaGetV3MarketPositionTier"
"""Tiers of unified accounts: one more call a symbol, so recordings are read and none is gathered."""
CONTRACTS = "publicMixGetV2MixMarketContracts"
TICKERS = "publicMixGetV2MixMarketTickers"

_SETTLES = {"USDT-FUTURES": "USDT", "USDC-FUTURES": "USDC", "COIN-FUTURES": ""}
"""What contracts of a product type settle in; coin-margined ones in their base coin."""

_UNOPENED = frozenset({"listed", "off"})
"""States of a contract before it opens and after it ended."""

_COINS = "the bounds of coin-margined contracts are read as amounts of the base coin"


@dataclass(frozen=True, slots=True)
class _Table:
    """What the fields of a tier are called, and for which accounts it is."""

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


_TABLES = {
    LEVERS: _Table("any", "level", "startUnit", "endUnit", "keepMarginRate"),
    UNIFIED: _Table("unified", "tier", "minTierValue", "maxTierValue", "mmr"),
}


def parse(snapshot: Snapshot, facts: Facts) -> Parsed:
    """Read one answer a symbol; ccxt labels its amounts with the base coin, they are quote value."""
    defects: list[Defect] = []
    lists = filled(snapshot.answers(CONTRACTS), "data")
    named = dict(read_rows(lists, ("data",), _listed, defects))
    marks = mark_prices.read(snapshot.answers(TICKERS), ("data",), ("symbol", "markPrice"), defects)
    found: list[tier_tables.TierTable] = []
    for method, table in _TABLES.items():
        for payload in snapshot.answers(method):
            try:
                symbol, pointers, tiers = _tiers(payload, table)
                listed = named.get(symbol) or instrument(symbol, "/data/0")
                usd = _to_usd(snapshot, payload, listed, marks)
                found.append(_ladder(payload, table, listed, (pointers, tiers), usd))
            except UnreadablePayloadError as error:
                asked = dict(payload.call.params).get("symbol", "")
                defects.append(defect(payload, error, asked))
    return tier_tables.parsed(snapshot, found, facts, defects)


_Tiers = tuple[tuple[str, ...], tuple[Tier, ...]]


def _tiers(payload: Payload, table: _Table) -> tuple[str, tuple[str, ...], tuple[Tier, ...]]:
    """Give the symbol, the rows and the tiers; unified rows do not name the symbol asked for."""
    data, top = member(decode(payload), "data")
    tiers, pointers, symbols = [], [], set()
    for position, (at, row) in enumerate(rows(data, top), start=1):
        in_sequence(row, table.number, position, at)
        if table.account_class == "any":
            symbols.add(word(row, "symbol", at))
        pointers.append(at)
        tiers.append(
            Tier(
                upper=positive(row, table.upper, at),
                lower=number(row, table.lower, at),
                initial_rate=tier_tables.inverse(positive(row, "leverage", at)),
                maintenance_rate=rate(row, table.maintenance, at),
            )
        )
    if len(symbols) > 1:
        reason = f"one symbol was due, were {', '.join(sorted(symbols))}"
        raise UnreadablePayloadError(where=top, reason=reason)
    asked = dict(payload.call.params).get("symbol", "")
    symbol = symbols.pop() if symbols else asked
    if symbol != asked:
        reason = f"the tiers of {asked} were due, were those of {symbol}"
        raise UnreadablePayloadError(where=top, reason=reason)
    return symbol, tuple(pointers), tuple(tiers)


def _ladder(
    payload: Payload, table: _Table, listed: Instrument, found: _Tiers, usd: ToUsd | Unknown
) -> tier_tables.TierTable:
    inverse = listed.payoff is Payoff.INVERSE
    return tier_tables.TierTable(
        payload=payload,
        instrument=listed,
        profile=Profile(MarginMode.ANY, table.account_class),
        tiers=found[1],
        rows=found[0],
        columns=table.columns("base coin" if inverse else "quote currency"),
        usd=usd,
        guessed_unit=_COINS if inverse else "",
    )


def _to_usd(
    snapshot: Snapshot, payload: Payload, listed: Instrument, marks: mark_prices.Marks
) -> ToUsd | Unknown:
    if listed.payoff is Payoff.INVERSE:
        return coins(payload, marks.price(snapshot, listed, payload))
    return currency(listed, listed.quote)


def _listed(payload: Payload, row: Row, at: str) -> list[tuple[str, Instrument]]:
    kind = dict(payload.call.params).get("productType", "")
    if kind not in _SETTLES:
        reason = f"was asked for product type {kind!r}, one of {', '.join(_SETTLES)} was due"
        raise UnreadablePayloadError(where="", reason=reason)
    symbol, base, quote = (word(row, key, at) for key in ("symbol", "baseCoin", "quoteCoin"))
    term = word(row, "symbolType", at)
    if term not in {"perpetual", "delivery"}:
        reason = f"perpetual or delivery was due, was {term!r}"
        raise UnreadablePayloadError(where=f"{at}/symbolType", reason=reason)
    expiry = day(row, "deliveryTime", at) if term == "delivery" else None
    settle = _SETTLES[kind] or base
    return [
        (symbol, contract("bitget", symbol, base=base, quote=quote, settle=settle, expiry=expiry))
    ]


def instrument(symbol: str, at: str) -> Instrument:
    """Take a USDT-FUTURES symbol apart: BTCUSDT. Raises UnreadablePayloadError."""
    base = symbol.removesuffix("USDT")
    if not base or base == symbol:
        reason = f"{symbol!r} does not end in USDT"
        raise UnreadablePayloadError(where=f"{at}/symbol", reason=reason)
    return contract("bitget", symbol, base=base, quote="USDT", settle="USDT")


def _each_symbol(snapshot: Snapshot) -> Iterator[Params]:
    """Ask for every contract that is open. Raises UnreadablePayloadError."""
    for payload in filled(snapshot.answers(CONTRACTS), "data"):
        kind = dict(payload.call.params)["productType"]
        for at, row in rows(*member(decode(payload), "data")):
            if word(row, "symbolStatus", at) not in _UNOPENED:
                yield call(productType=kind, symbol=word(row, "symbol", at))


_EACH_TYPE = every(*({"productType": kind} for kind in _SETTLES))

ADAPTER = VenueAdapter(
    venue="bitget",
    title="Bitget",
    host="api.bitget.com",
    endpoints=(
        Endpoint(
            CONTRACTS, "GET /api/v2/mix/market/contracts", Purpose.INSTRUMENTS, ask=_EACH_TYPE
        ),
        Endpoint(TICKERS, "GET /api/v2/mix/market/tickers", Purpose.PRICES, ask=_EACH_TYPE),
        Endpoint(
            LEVERS,
            "GET /api/v2/mix/market/query-position-lever",
            Purpose.MARGIN,
            calls=Calls.PER_SYMBOL,
            ask=_each_symbol,
        ),
    ),
    parse=parse,
)
