"""Binance futures: leverage brackets, in quote notional on USDⓈ-M and in coins on COIN-M."""

import re
from collections.abc import Iterator
from datetime import UTC, datetime

from harmonize.core.instrument import Instrument, contract
from harmonize.core.payload import Column, Defect, Factor, Payload, Snapshot, UnreadablePayloadError
from harmonize.core.schedule import MarginMode, Profile, Tier
from venues.adapter import Access, Endpoint, Parsed, Purpose, VenueAdapter
from venues.engines import binance_brackets
from venues.facts import Facts
from venues.fields import Row, in_sequence, number, positive, rate, read_rows, rows, word
from venues.parsing import tier_tables
from venues.parsing.units import archived_price, coins, factor

BRACKETS = "fapiPrivateGetLeverageBracket"
COIN_BRACKETS = "dapiPrivateV2GetLeverageBracket"
COIN_MARKS = "dapiPublicGetPremiumIndex"

_FLOORS = ("qtyFloor", "qtylFloor")
"""The floor of a COIN-M bracket, by the two spellings that the venue's documentation has."""

_COIN = re.compile(r"^(?P<base>[A-Z0-9]+)USD_(?P<when>PERP|\d{6})$")


def parse(snapshot: Snapshot, facts: Facts) -> Parsed:
    """Read both markets: brackets hold for cross and isolated margin alike.

    ccxt labels the coins of COIN-M brackets USD.
    """
    defects: list[Defect] = []
    found = read_rows(snapshot.answers(BRACKETS), (), binance_brackets.linear, defects)
    marks = dict(read_rows(snapshot.answers(COIN_MARKS), (), _mark, defects))

    def inverse(payload: Payload, row: Row, at: str) -> Iterator[tier_tables.TierTable]:
        return _inverse(snapshot, payload, row, at, marks)

    found += read_rows(snapshot.answers(COIN_BRACKETS), (), inverse, defects)
    return tier_tables.parsed(snapshot, found, facts, defects)


def _mark(payload: Payload, row: Row, at: str) -> list[tuple[str, Factor]]:
    symbol = word(row, "symbol", at)
    return [(symbol, factor(payload, f"mark price of {symbol}", row, "markPrice", at, "USD"))]


def _inverse(
    snapshot: Snapshot, payload: Payload, row: Row, at: str, marks: dict[str, Factor]
) -> Iterator[tier_tables.TierTable]:
    listed = coin_margined(word(row, "symbol", at), at)
    tiers, pointers, floor = [], [], _FLOORS[0]
    for due, (pointer, bracket) in enumerate(rows(row.get("brackets"), f"{at}/brackets"), start=1):
        in_sequence(bracket, "bracket", due, pointer)
        floor = next((one for one in _FLOORS if one in bracket), _FLOORS[0])
        pointers.append(pointer)
        tiers.append(
            Tier(
                upper=positive(bracket, "qtyCap", pointer),
                lower=number(bracket, floor, pointer),
                initial_rate=tier_tables.inverse(positive(bracket, "initialLeverage", pointer)),
                maintenance_rate=rate(bracket, "maintMarginRatio", pointer),
                deduction=number(bracket, "cum", pointer),
            )
        )
    mark = marks.get(listed.id)
    price = mark or archived_price(snapshot, listed.underlying.asset, payload.observed_at)
    yield tier_tables.TierTable(
        payload=payload,
        instrument=listed,
        profile=Profile(MarginMode.ANY),
        tiers=tuple(tiers),
        rows=tuple(pointers),
        columns=(
            Column("upper", "/qtyCap", "coins"),
            Column("lower", f"/{floor}", "coins"),
            Column("initial", "/initialLeverage", "leverage"),
            Column("maintenance", "/maintMarginRatio", "rate"),
            Column("deduction", "/cum", "coins"),
        ),
        usd=coins(payload, price),
    )


def coin_margined(symbol: str, at: str) -> Instrument:
    """Take a COIN-M symbol apart: BTCUSD_PERP, BTCUSD_260925. Raises UnreadablePayloadError."""
    found = _COIN.match(symbol)
    if found is None:
        reason = f"BASEUSD_PERP or BASEUSD_YYMMDD was due, was {symbol!r}"
        raise UnreadablePayloadError(where=f"{at}/symbol", reason=reason)
    day = None
    if found["when"] != "PERP":
        try:
            day = datetime.strptime(found["when"], "%y%m%d").replace(tzinfo=UTC).date()
        except ValueError as error:
            raise UnreadablePayloadError(where=f"{at}/symbol", reason=str(error)) from None
    base = found["base"]
    return contract("binance", symbol, base=base, quote="USD", settle=base, expiry=day)


ADAPTER = VenueAdapter(
    venue="binance",
    title="Binance futures",
    host="fapi.binance.com",
    endpoints=(
        Endpoint("fapiPublicGetPremiumIndex", "GET /fapi/v1/premiumIndex", Purpose.PRICES),
        Endpoint(COIN_MARKS, "GET /dapi/v1/premiumIndex", Purpose.PRICES),
        Endpoint(BRACKETS, "GET /fapi/v1/leverageBracket", Purpose.MARGIN, Access.KEY),
        Endpoint(COIN_BRACKETS, "GET /dapi/v2/leverageBracket", Purpose.MARGIN, Access.KEY),
        Endpoint("fapiPublicGetTicker24hr", "GET /fapi/v1/ticker/24hr", Purpose.PRICES),
        Endpoint("dapiPublicGetTicker24hr", "GET /dapi/v1/ticker/24hr", Purpose.PRICES),
    ),
    parse=parse,
)
