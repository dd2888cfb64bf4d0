"""Parses leverage brackets in Binance's format, which several venues use."""

import re
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from functools import lru_cache
from operator import itemgetter

from harmonize.core.instrument import Instrument, contract
from harmonize.core.payload import Column, Origin, Payload, UnreadablePayloadError
from harmonize.core.schedule import INFINITY, MarginMode, Profile, Tier
from venues.fields import (
    JsonObject,
    check_tier_number,
    iter_objects,
    number,
    positive_number,
    rate,
    text_value,
)
from venues.parsing import tier_tables
from venues.parsing.units import currency_to_usd

QUOTES = ("USDT", "USDC", "BUSD", "USD1", "BTC", "U")
"""Quote currencies of USDⓈ-M contracts, in the order in which symbol endings are matched."""

COLUMNS = (
    Column("upper", "/notionalCap", "quote currency"),
    Column("lower", "/notionalFloor", "quote currency"),
    Column("initial", "/initialLeverage", "leverage"),
    Column("maintenance", "/maintMarginRatio", "rate"),
    Column("deduction", "/cum", "quote currency"),
)
_RATE = "maintMarginRatio"
_NO_CAP = 2**63 - 1
_DATED = re.compile(r"^(?P<pair>.+)_(?P<expiry>\d{6})$")


def read_tier_tables(
    payload: Payload, row: JsonObject, pointer: str
) -> Iterator[tier_tables.TierTable]:
    """Tier table of one symbol; brackets apply to cross and isolated margin alike.

    If a recording lacks the maintenance rates of all brackets, only initial margin is known.
    """
    bracket_instrument = parse_symbol(payload.venue, text_value(row, "symbol", pointer), pointer)
    tiers, pointers = [], []
    brackets = list(iter_objects(row.get("brackets"), f"{pointer}/brackets"))
    no_maintenance = _without_maintenance(payload, brackets)
    for position, (bracket_pointer, bracket) in enumerate(brackets, start=1):
        check_tier_number(bracket, "bracket", position, bracket_pointer)
        pointers.append(bracket_pointer)
        read_tier = _tier_without_maintenance if no_maintenance else _tier
        tiers.append(read_tier(bracket, bracket_pointer))
    yield tier_tables.TierTable(
        payload=payload,
        instrument=bracket_instrument,
        profile=Profile(MarginMode.ANY),
        tiers=tuple(tiers),
        rows=tuple(pointers),
        columns=COLUMNS[:3] if no_maintenance else COLUMNS,
        no_maintenance=no_maintenance,
        usd=currency_to_usd(bracket_instrument, bracket_instrument.quote),
    )


_FIELDS = ("notionalCap", "notionalFloor", "initialLeverage", "maintMarginRatio", "cum")


def _tier(bracket: JsonObject, pointer: str) -> Tier:
    """Tier of one bracket. Raises UnreadablePayloadError with the pointer."""
    try:
        return _tier_of_values(tuple(map(str, _VALUES_OF(bracket))))
    except (KeyError, UnreadablePayloadError):  # read again, so that the error has the pointer
        return _read_tier(bracket, pointer)


_VALUES_OF = itemgetter(*_FIELDS)


@lru_cache(maxsize=65536)
def _tier_of_values(values: tuple[str, ...]) -> Tier:
    """Tier of a bracket's values; cached because snapshots repeat few distinct brackets."""
    return _read_tier(dict(zip(_FIELDS, values, strict=True)), "")


def _read_tier(bracket: JsonObject, pointer: str) -> Tier:
    return Tier(
        upper=_cap(bracket, pointer),
        lower=number(bracket, "notionalFloor", pointer),
        initial_rate=tier_tables.leverage_to_rate(
            positive_number(bracket, "initialLeverage", pointer)
        ),
        maintenance_rate=rate(bracket, "maintMarginRatio", pointer),
        deduction=number(bracket, "cum", pointer),
    )


def _tier_without_maintenance(bracket: JsonObject, pointer: str) -> Tier:
    """Tier of a bracket from a recording without maintenance rates."""
    return Tier(
        upper=_cap(bracket, pointer),
        lower=number(bracket, "notionalFloor", pointer),
        initial_rate=tier_tables.leverage_to_rate(
            positive_number(bracket, "initialLeverage", pointer)
        ),
        maintenance_rate=None,
    )


def _without_maintenance(payload: Payload, brackets: Sequence[tuple[str, JsonObject]]) -> str:
    """Reason for a missing MM if a recording has no maintenance rate of a contract; empty otherwise."""
    is_recorded = payload.provenance.origin is Origin.RECORDED
    if not is_recorded or any(_RATE in bracket for _, bracket in brackets):
        return ""
    return "the recording has no maintenance rates for this contract"


def _cap(bracket: JsonObject, pointer: str) -> Decimal:
    """Upper bound of a bracket; the largest 64-bit integer marks an open-ended bracket."""
    if bracket.get("notionalCap") in (
        _NO_CAP,
        str(_NO_CAP),
    ):  # the value may be a list, which a set cannot look up
        return INFINITY
    return positive_number(bracket, "notionalCap", pointer)


def parse_symbol(venue: str, symbol: str, pointer: str) -> Instrument:
    """Instrument of a symbol such as BTCUSDT or BTCUSDT_260925. Raises UnreadablePayloadError."""
    dated = _DATED.match(symbol)
    pair = dated["pair"] if dated else symbol
    quote = next((code for code in QUOTES if pair.endswith(code) and pair != code), None)
    if quote is None:
        reason = f"expected a symbol that ends in {', '.join(QUOTES)}, found {symbol!r}"
        raise UnreadablePayloadError(where=f"{pointer}/symbol", reason=reason)
    base = pair.removesuffix(quote)
    expiry = datetime.strptime(dated["expiry"], "%y%m%d").replace(tzinfo=UTC) if dated else None
    day = expiry.date() if expiry else None
    return contract(venue, symbol, base=base, quote=quote, settle=quote, expiry=day)
