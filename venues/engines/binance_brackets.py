"""Leverage brackets in Binance's shape, which other venues copied: in quote notional or in coins."""

import re
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from functools import lru_cache
from operator import itemgetter

from harmonize.core.instrument import Instrument, contract
from harmonize.core.payload import Column, Origin, Payload, UnreadablePayloadError
from harmonize.core.schedule import INFINITY, MarginMode, Profile, Tier
from venues.fields import Row, in_sequence, number, positive, rate, rows, word
from venues.parsing import tier_tables
from venues.parsing.units import currency

QUOTES = ("USDT", "USDC", "BUSD", "USD1", "BTC", "U")
"""Quote currencies of USDⓈ-M contracts, in the order in which a symbol is tried for its ending."""

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


def linear(payload: Payload, row: Row, at: str) -> Iterator[tier_tables.TierTable]:
    """Read one symbol's brackets; they hold for cross and isolated margin alike.

    A recording may lack the maintenance rates of all brackets: then the initial margin alone is known.
    """
    listed = instrument(payload.venue, word(row, "symbol", at), at)
    tiers, pointers = [], []
    brackets = list(rows(row.get("brackets"), f"{at}/brackets"))
    unrecorded = _without_maintenance(payload, brackets)
    for position, (pointer, bracket) in enumerate(brackets, start=1):
        in_sequence(bracket, "bracket", position, pointer)
        pointers.append(pointer)
        tiers.append(_without(bracket, pointer) if unrecorded else _tier(bracket, pointer))
    yield tier_tables.TierTable(
        payload=payload,
        instrument=listed,
        profile=Profile(MarginMode.ANY),
        tiers=tuple(tiers),
        rows=tuple(pointers),
        columns=COLUMNS[:3] if unrecorded else COLUMNS,
        no_maintenance=unrecorded,
        usd=currency(listed, listed.quote),
    )


_FIGURES = ("notionalCap", "notionalFloor", "initialLeverage", "maintMarginRatio", "cum")


def _tier(bracket: Row, at: str) -> Tier:
    """Read one bracket. Raises UnreadablePayloadError, naming the place."""
    try:
        return _as_written(tuple(map(str, _OF(bracket))))
    except (KeyError, UnreadablePayloadError):  # once more, with its place
        return _read(bracket, at)


_OF = itemgetter(*_FIGURES)


@lru_cache(maxsize=65536)
def _as_written(figures: tuple[str, ...]) -> Tier:
    """A bracket by its figures alone: the same few stand in every snapshot, over and over."""
    return _read(dict(zip(_FIGURES, figures, strict=True)), "")


def _read(bracket: Row, at: str) -> Tier:
    return Tier(
        upper=_cap(bracket, at),
        lower=number(bracket, "notionalFloor", at),
        initial_rate=tier_tables.inverse(positive(bracket, "initialLeverage", at)),
        maintenance_rate=rate(bracket, "maintMarginRatio", at),
        deduction=number(bracket, "cum", at),
    )


def _without(bracket: Row, at: str) -> Tier:
    """Read a bracket of a recording that kept no maintenance rates."""
    return Tier(
        upper=_cap(bracket, at),
        lower=number(bracket, "notionalFloor", at),
        initial_rate=tier_tables.inverse(positive(bracket, "initialLeverage", at)),
        maintenance_rate=None,
    )


def _without_maintenance(payload: Payload, brackets: Sequence[tuple[str, Row]]) -> str:
    """Say that a recording kept no maintenance rate of a contract at all; empty where it did."""
    if payload.provenance.origin is not Origin.RECORDED or any(_RATE in one for _, one in brackets):
        return ""
    return "the recording kept no maintenance rates of this contract"


def _cap(bracket: Row, at: str) -> Decimal:
    """The largest 64-bit integer stands for a last bracket without an end."""
    if bracket.get("notionalCap") in (_NO_CAP, str(_NO_CAP)):  # what stands there may be a list
        return INFINITY
    return positive(bracket, "notionalCap", at)


def instrument(venue: str, symbol: str, at: str) -> Instrument:
    """Take a symbol apart: BTCUSDT, BTCUSDT_260925. Raises UnreadablePayloadError."""
    dated = _DATED.match(symbol)
    pair = dated["pair"] if dated else symbol
    quote = next((code for code in QUOTES if pair.endswith(code) and pair != code), None)
    if quote is None:
        reason = f"{symbol!r} ends in no quote currency of this market: {', '.join(QUOTES)}"
        raise UnreadablePayloadError(where=f"{at}/symbol", reason=reason)
    base = pair.removesuffix(quote)
    expiry = datetime.strptime(dated["expiry"], "%y%m%d").replace(tzinfo=UTC) if dated else None
    day = expiry.date() if expiry else None
    return contract(venue, symbol, base=base, quote=quote, settle=quote, expiry=day)
