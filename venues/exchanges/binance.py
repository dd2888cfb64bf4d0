"""Binance futures: leverage brackets in quote notional (USDⓈ-M) and in coins (COIN-M)."""

import re
from collections.abc import Iterator

from harmonize.core.instrument import Instrument, contract
from harmonize.core.payload import Defect, Factor, Payload, Snapshot, UnreadablePayloadError
from venues.adapter import Access, Endpoint, Parsed, Purpose, VenueAdapter
from venues.engines import binance_brackets
from venues.engines.binance_brackets import BracketKeys
from venues.facts import Facts
from venues.fields import JsonObject, read_rows, text_value
from venues.parsing import tier_tables
from venues.parsing.listing import has_expired
from venues.parsing.narrow_answers import contract_name
from venues.parsing.units import archived_price, coins_to_usd, read_factor

BRACKETS = "fapiPrivateGetLeverageBracket"
CONTRACTS = "fapiPublicGetExchangeInfo"
COIN_CONTRACTS = "dapiPublicGetExchangeInfo"
COIN_BRACKETS = "dapiPrivateV2GetLeverageBracket"
COIN_MARKS = "dapiPublicGetPremiumIndex"

_FLOOR_KEYS = ("qtyFloor", "qtylFloor")
"""Keys of a COIN-M bracket's lower bound: the venue's documentation spells it both ways."""

_COIN_MARGINED_SYMBOL = re.compile(r"^(?P<base>.+)USD_(?P<when>PERP|\d{6})$")


def parse(snapshot: Snapshot, facts: Facts) -> Parsed:
    """Reads USDⓈ-M and COIN-M brackets, which apply to cross and isolated margin alike.

    Contracts that the venue no longer lists, or lists with another status than TRADING, are
    excluded: the brackets carry no status. ccxt labels the coin amounts of COIN-M brackets as USD.
    """
    defects: list[Defect] = []
    linear = read_rows(snapshot.answers(BRACKETS), (), binance_brackets.read_tier_tables, defects)
    tables = binance_brackets.open_tables(snapshot, CONTRACTS, linear, defects)
    marks = dict(read_rows(snapshot.answers(COIN_MARKS), (), _mark, defects))

    def inverse(payload: Payload, row: JsonObject, pointer: str) -> Iterator[tier_tables.TierTable]:
        return _inverse(snapshot, payload, row, pointer, marks)

    coin_margined = read_rows(snapshot.answers(COIN_BRACKETS), (), inverse, defects)
    tables += binance_brackets.open_tables(snapshot, COIN_CONTRACTS, coin_margined, defects)
    return tier_tables.build_schedules(snapshot, tables, facts, defects)


def _mark(payload: Payload, row: JsonObject, pointer: str) -> list[tuple[str, Factor]]:
    symbol = text_value(row, "symbol", pointer)
    return [
        (symbol, read_factor(payload, f"mark price of {symbol}", row, "markPrice", pointer, "USD"))
    ]


def _inverse(
    snapshot: Snapshot, payload: Payload, row: JsonObject, pointer: str, marks: dict[str, Factor]
) -> Iterator[tier_tables.TierTable]:
    symbol = contract_name(payload, row, pointer, "symbol", "symbol")
    instrument = parse_coin_margined_symbol(symbol, pointer)
    if has_expired(instrument, payload):
        return
    keys = BracketKeys("qtyCap", _floor_key(row), "coins")
    brackets = binance_brackets.read_brackets(payload, row, pointer, symbol, keys)
    mark = marks.get(instrument.id)
    price = mark or archived_price(snapshot, instrument.underlying.asset, payload.observed_at)
    usd = coins_to_usd(payload, price)
    yield binance_brackets.build_table(payload, instrument, brackets, usd)


def _floor_key(row: JsonObject) -> str:
    """Key of the lower bound in a contract's brackets."""
    brackets = row.get("brackets")
    first = brackets[0] if isinstance(brackets, list) and brackets else None
    named = [key for key in _FLOOR_KEYS if isinstance(first, dict) and key in first]
    return named[0] if named else _FLOOR_KEYS[0]


def parse_coin_margined_symbol(symbol: str, pointer: str) -> Instrument:
    """Parses a COIN-M symbol such as BTCUSD_PERP or BTCUSD_260925.

    Raises UnreadablePayloadError: the symbol has another form.
    """
    match = _COIN_MARGINED_SYMBOL.match(symbol)
    if match is None:
        reason = f"expected BASEUSD_PERP or BASEUSD_YYMMDD, found {symbol!r}"
        raise UnreadablePayloadError(where=f"{pointer}/symbol", reason=reason)
    is_dated = match["when"] != "PERP"
    expiry = binance_brackets.parse_expiry(match["when"], pointer) if is_dated else None
    base = match["base"]
    return contract("binance", symbol, base=base, quote="USD", settle=base, expiry=expiry)


ADAPTER = VenueAdapter(
    venue="binance",
    title="Binance futures",
    host="fapi.binance.com",
    endpoints=(
        Endpoint("fapiPublicGetPremiumIndex", "GET /fapi/v1/premiumIndex", Purpose.PRICES),
        Endpoint(COIN_MARKS, "GET /dapi/v1/premiumIndex", Purpose.PRICES),
        Endpoint(CONTRACTS, "GET /fapi/v1/exchangeInfo", Purpose.STATUS),
        Endpoint(COIN_CONTRACTS, "GET /dapi/v1/exchangeInfo", Purpose.STATUS),
        Endpoint(BRACKETS, "GET /fapi/v1/leverageBracket", Purpose.MARGIN, Access.KEY),
        Endpoint(COIN_BRACKETS, "GET /dapi/v2/leverageBracket", Purpose.MARGIN, Access.KEY),
        Endpoint("fapiPublicGetTicker24hr", "GET /fapi/v1/ticker/24hr", Purpose.PRICES),
        Endpoint("dapiPublicGetTicker24hr", "GET /dapi/v1/ticker/24hr", Purpose.PRICES),
    ),
    parse=parse,
)
