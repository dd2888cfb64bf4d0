"""Binance futures: leverage brackets in quote notional (USDⓈ-M) and in coins (COIN-M)."""

import re
from collections.abc import Iterator
from datetime import UTC, datetime

from harmonize.core.instrument import Instrument, contract
from harmonize.core.payload import Column, Defect, Factor, Payload, Snapshot, UnreadablePayloadError
from harmonize.core.schedule import MarginMode, Profile, Tier
from venues.adapter import Access, Endpoint, Parsed, Purpose, VenueAdapter
from venues.engines import binance_brackets
from venues.facts import Facts
from venues.fields import (
    JsonObject,
    check_tier_number,
    iter_objects,
    number,
    positive_number,
    rate,
    read_rows,
    text_value,
)
from venues.parsing import tier_tables
from venues.parsing.units import archived_price, coins_to_usd, read_factor

BRACKETS = "fapiPrivateGetLeverageBracket"
COIN_BRACKETS = "dapiPrivateV2GetLeverageBracket"
COIN_MARKS = "dapiPublicGetPremiumIndex"

_FLOOR_KEYS = ("qtyFloor", "qtylFloor")
"""Keys of a COIN-M bracket's lower bound: the venue's documentation spells it both ways."""

_COIN_MARGINED_SYMBOL = re.compile(r"^(?P<base>[A-Z0-9]+)USD_(?P<when>PERP|\d{6})$")


def parse(snapshot: Snapshot, facts: Facts) -> Parsed:
    """Reads USDⓈ-M and COIN-M brackets, which apply to cross and isolated margin alike.

    ccxt labels the coin amounts of COIN-M brackets as USD.
    """
    defects: list[Defect] = []
    tables = read_rows(snapshot.answers(BRACKETS), (), binance_brackets.read_tier_tables, defects)
    marks = dict(read_rows(snapshot.answers(COIN_MARKS), (), _mark, defects))

    def inverse(payload: Payload, row: JsonObject, pointer: str) -> Iterator[tier_tables.TierTable]:
        return _inverse(snapshot, payload, row, pointer, marks)

    tables += read_rows(snapshot.answers(COIN_BRACKETS), (), inverse, defects)
    return tier_tables.build_schedules(snapshot, tables, facts, defects)


def _mark(payload: Payload, row: JsonObject, pointer: str) -> list[tuple[str, Factor]]:
    symbol = text_value(row, "symbol", pointer)
    return [
        (symbol, read_factor(payload, f"mark price of {symbol}", row, "markPrice", pointer, "USD"))
    ]


def _inverse(
    snapshot: Snapshot, payload: Payload, row: JsonObject, pointer: str, marks: dict[str, Factor]
) -> Iterator[tier_tables.TierTable]:
    instrument = parse_coin_margined_symbol(text_value(row, "symbol", pointer), pointer)
    tiers, pointers, floor_key = [], [], _FLOOR_KEYS[0]
    for ordinal, (tier_pointer, bracket) in enumerate(
        iter_objects(row.get("brackets"), f"{pointer}/brackets"), start=1
    ):
        check_tier_number(bracket, "bracket", ordinal, tier_pointer)
        floor_key = next((key for key in _FLOOR_KEYS if key in bracket), _FLOOR_KEYS[0])
        pointers.append(tier_pointer)
        tiers.append(
            Tier(
                upper=positive_number(bracket, "qtyCap", tier_pointer),
                lower=number(bracket, floor_key, tier_pointer),
                initial_rate=tier_tables.leverage_to_rate(
                    positive_number(bracket, "initialLeverage", tier_pointer)
                ),
                maintenance_rate=rate(bracket, "maintMarginRatio", tier_pointer),
                deduction=number(bracket, "cum", tier_pointer),
            )
        )
    mark = marks.get(instrument.id)
    price = mark or archived_price(snapshot, instrument.underlying.asset, payload.observed_at)
    yield tier_tables.TierTable(
        payload=payload,
        instrument=instrument,
        profile=Profile(MarginMode.ANY),
        tiers=tuple(tiers),
        rows=tuple(pointers),
        columns=(
            Column("upper", "/qtyCap", "coins"),
            Column("lower", f"/{floor_key}", "coins"),
            Column("initial", "/initialLeverage", "leverage"),
            Column("maintenance", "/maintMarginRatio", "rate"),
            Column("deduction", "/cum", "coins"),
        ),
        usd=coins_to_usd(payload, price),
    )


def parse_coin_margined_symbol(symbol: str, pointer: str) -> Instrument:
    """Parses a COIN-M symbol such as BTCUSD_PERP or BTCUSD_260925.

    Raises UnreadablePayloadError: the symbol has another form.
    """
    match = _COIN_MARGINED_SYMBOL.match(symbol)
    if match is None:
        reason = f"expected BASEUSD_PERP or BASEUSD_YYMMDD, found {symbol!r}"
        raise UnreadablePayloadError(where=f"{pointer}/symbol", reason=reason)
    expiry = None
    if match["when"] != "PERP":
        try:
            expiry = datetime.strptime(match["when"], "%y%m%d").replace(tzinfo=UTC).date()
        except ValueError:
            reason = f"expected an expiry YYMMDD, found {match['when']!r}"
            raise UnreadablePayloadError(where=f"{pointer}/symbol", reason=reason) from None
    base = match["base"]
    return contract("binance", symbol, base=base, quote="USD", settle=base, expiry=expiry)


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
