"""Parses leverage brackets in Binance's format, which several venues use."""

import re
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from decimal import Decimal
from functools import lru_cache

from harmonize.core.instrument import Instrument, contract
from harmonize.core.payload import (
    Column,
    Conversion,
    Defect,
    Factor,
    Origin,
    Payload,
    Snapshot,
    UnreadablePayloadError,
)
from harmonize.core.schedule import MarginMode, Profile, Tier, Unknown
from venues.fields import (
    JsonObject,
    check_tier_number,
    is_missing,
    iter_objects,
    number,
    positive_number,
    rate,
    read_rows,
    text_value,
    upper_bound,
)
from venues.parsing import tier_tables
from venues.parsing.account_figures import reject_account_fields
from venues.parsing.listing import has_begun, has_ended, has_expired, trades
from venues.parsing.narrow_answers import contract_name
from venues.parsing.units import UsdConversion, currency_to_usd, read_factor

QUOTES = ("USDT", "USDC", "BUSD", "USD1", "BTC", "U")
"""Quote currencies of USDⓈ-M contracts, in the order in which symbol endings are matched."""

COEFFICIENT = "notionalCoef"
"""Multiplier of the bounds of one account's brackets; absent if the venue's own bounds apply."""

NO_CUM = "MM by continuity at the bounds: the response has no cum"

_RATE, _CUM = "maintMarginRatio", "cum"
_LARGEST_COEFFICIENT = 100
_DATED = re.compile(r"^(?P<pair>.+)_(?P<expiry>\d{6})$")


@dataclass(frozen=True, slots=True)
class BracketKeys:
    """Keys of a bracket's bounds, and the unit of the bounds and of ``cum``."""

    upper: str
    lower: str
    unit: str


LINEAR = BracketKeys("notionalCap", "notionalFloor", "quote currency")


@dataclass(frozen=True, slots=True)
class Brackets:
    """Brackets of one contract as tiers, with the location of each number.

    ``coefficient`` is the account's multiplier, by which the bounds are already divided.
    """

    tiers: tuple[Tier, ...]
    rows: tuple[str, ...]
    columns: tuple[Column, ...]
    coefficient: Factor | None
    no_maintenance: str
    doubts: tuple[str, ...]


def read_tier_tables(
    payload: Payload, row: JsonObject, pointer: str
) -> Iterator[tier_tables.TierTable]:
    """Tier table of one symbol; brackets apply to cross and isolated margin alike.

    If a recording lacks the maintenance rates of all brackets, only initial margin is known.
    """
    symbol = contract_name(payload, row, pointer, "symbol", "symbol")
    instrument = parse_symbol(payload.venue, symbol, pointer)
    if not has_expired(instrument, payload):
        brackets = read_brackets(payload, row, pointer, symbol, LINEAR)
        usd = currency_to_usd(instrument, instrument.quote)
        yield build_table(payload, instrument, brackets, usd)


def open_tables(
    snapshot: Snapshot,
    contracts: str,
    tables: Sequence[tier_tables.TierTable],
    defects: list[Defect],
) -> list[tier_tables.TierTable]:
    """Tier tables of the contracts that trade, as far as the venue's list of contracts shows.

    The list of brackets keeps delisted contracts and states no status. ``contracts`` is the method
    that lists the contracts. Without its answer, or with a status that is not readable, a contract
    counts as trading; an unreadable row is a defect.
    """
    lists = snapshot.answers(contracts)
    closed = {id_ for id_, is_open in read_rows(lists, _SYMBOLS, _status, defects) if not is_open}
    listed = set(read_rows(lists, _SYMBOLS, _symbol, []))
    ids = {table.instrument.id for table in tables}
    if _lists_every_contract(snapshot, lists, listed, ids):
        closed |= ids - listed
    return [table for table in tables if table.instrument.id not in closed]


_SYMBOLS = ("symbols",)
_TRADING = frozenset({"TRADING"})
_PART_FROM = 0.2
"""Share of the contracts with brackets above which contracts that a list lacks prove it a part."""


def _lists_every_contract(
    snapshot: Snapshot, lists: Sequence[Payload], listed: Collection[str], ids: Collection[str]
) -> bool:
    """Whether a list is whole, so that a contract that it lacks no longer trades.

    A recorded list may be a part, although the recorded brackets are not.
    """
    if not snapshot.complete or not listed:
        return False
    is_live = all(payload.provenance.origin is Origin.LIVE for payload in lists)
    return is_live or sum(id_ not in listed for id_ in ids) <= _PART_FROM * len(ids)


def _symbol(_: Payload, row: JsonObject, pointer: str) -> list[str]:
    return [text_value(row, "symbol", pointer)]


def _status(payload: Payload, row: JsonObject, pointer: str) -> list[tuple[str, bool]]:
    """Id of a listed contract, and whether it trades: COIN-M names its status ``contractStatus``."""
    key = "contractStatus" if "contractStatus" in row else "status"
    is_open = (
        trades(row, key, pointer, _TRADING)
        and has_begun(payload, row, "onboardDate", pointer)
        and not has_ended(payload, row, "deliveryDate", pointer)
    )
    return [(text_value(row, "symbol", pointer), is_open)]


def build_table(
    payload: Payload, instrument: Instrument, brackets: Brackets, usd: UsdConversion | Unknown
) -> tier_tables.TierTable:
    """Tier table of one contract; ``usd`` converts the unit of its bounds."""
    return tier_tables.TierTable(
        payload=payload,
        instrument=instrument,
        profile=Profile(MarginMode.ANY),
        tiers=brackets.tiers,
        rows=brackets.rows,
        columns=brackets.columns,
        usd=_of_account(usd, brackets.coefficient),
        no_maintenance=brackets.no_maintenance,
        maintenance_doubts=brackets.doubts,
    )


def read_brackets(
    payload: Payload, row: JsonObject, pointer: str, symbol: str, keys: BracketKeys
) -> Brackets:
    """Brackets of one contract, divided by the account's coefficient if the row has one.

    Raises UnreadablePayloadError with the pointer.
    """
    coefficient = _coefficient(payload, row, pointer, symbol)
    reject_account_fields(row, pointer, read=COEFFICIENT)
    rows = list(iter_objects(row.get("brackets"), f"{pointer}/brackets"))
    no_maintenance = _without_maintenance(payload, rows)
    optional = (_RATE, _CUM)
    absent = {key for key in optional if not any(key in bracket for _, bracket in rows)}
    if no_maintenance:
        absent |= set(optional)
    elif _RATE in absent:
        absent.remove(_RATE)
    tiers = []
    for position, (bracket_pointer, bracket) in enumerate(rows, start=1):
        reject_account_fields(bracket, bracket_pointer)
        check_tier_number(bracket, "bracket", position, bracket_pointer)
        tiers.append(_tier(bracket, bracket_pointer, keys, frozenset(absent)))
    return Brackets(
        tiers=tuple(_divided(tier, coefficient) for tier in tiers),
        rows=tuple(bracket_pointer for bracket_pointer, _ in rows),
        columns=_columns(keys, absent),
        coefficient=coefficient,
        no_maintenance=no_maintenance,
        doubts=(NO_CUM,) if _CUM in absent and not no_maintenance else (),
    )


def _columns(keys: BracketKeys, absent: set[str]) -> tuple[Column, ...]:
    columns = (
        Column("upper", f"/{keys.upper}", keys.unit),
        Column("lower", f"/{keys.lower}", keys.unit),
        Column("initial", "/initialLeverage", "leverage"),
        Column("maintenance", f"/{_RATE}", "rate"),
        Column("deduction", f"/{_CUM}", keys.unit),
    )
    return tuple(column for column in columns if column.key.removeprefix("/") not in absent)


def _coefficient(payload: Payload, row: JsonObject, pointer: str, symbol: str) -> Factor | None:
    """Coefficient of the account that asked; None if the venue's own brackets are shown.

    Raises UnreadablePayloadError: the coefficient is not plausible, so the venue's bounds are
    not known.
    """
    if is_missing(row, COEFFICIENT):
        return None
    name = f"{COEFFICIENT} of {symbol}"
    coefficient = read_factor(payload, name, row, COEFFICIENT, pointer, "times")
    if not 1 <= coefficient.value * _LARGEST_COEFFICIENT <= _LARGEST_COEFFICIENT**2:
        reason = f"expected a coefficient from 0.01 to 100, found {coefficient.value}"
        raise UnreadablePayloadError(where=coefficient.pointer, reason=reason)
    return None if coefficient.value == 1 else coefficient


def _divided(tier: Tier, coefficient: Factor | None) -> Tier:
    if coefficient is None:
        return tier
    return replace(
        tier,
        upper=_quotient(tier.upper, coefficient),
        lower=None if tier.lower is None else _quotient(tier.lower, coefficient),
        deduction=None if tier.deduction is None else _quotient(tier.deduction, coefficient),
    )


def _quotient(amount: Decimal, coefficient: Factor) -> Decimal:
    """Amount divided by the coefficient, written without an exponent."""
    quotient = amount / coefficient.value
    return Decimal(f"{quotient:f}") if quotient.is_finite() else quotient


def _of_account(
    usd: UsdConversion | Unknown, coefficient: Factor | None
) -> UsdConversion | Unknown:
    """Conversion with the account's coefficient as evidence, and the reason for the derivation."""
    if coefficient is None or isinstance(usd, Unknown):
        return usd
    conversion = Conversion(
        f"{usd.conversion.formula}, divided by {COEFFICIENT}",
        (*usd.conversion.factors, coefficient),
    )
    step = f"bounds of one account, divided by its {COEFFICIENT} of {coefficient.value}"
    derivation = "; ".join(text for text in (usd.derivation, step) if text)
    return UsdConversion(usd.multiplier, conversion, derivation)


def _tier(bracket: JsonObject, pointer: str, keys: BracketKeys, absent: frozenset[str]) -> Tier:
    """Tier of one bracket. Raises UnreadablePayloadError with the pointer."""
    names = (keys.upper, keys.lower, "initialLeverage", _RATE, _CUM)
    try:
        values = tuple(str(bracket[name]) for name in names if name not in absent)
        return _tier_of_values(values, keys, absent)
    except (KeyError, UnreadablePayloadError):  # read again, so that the error has the pointer
        return _read_tier(bracket, pointer, keys, absent)


@lru_cache(maxsize=65536)
def _tier_of_values(values: tuple[str, ...], keys: BracketKeys, absent: frozenset[str]) -> Tier:
    """Tier of a bracket's values; cached because snapshots repeat few distinct brackets."""
    names = (keys.upper, keys.lower, "initialLeverage", _RATE, _CUM)
    published = [name for name in names if name not in absent]
    return _read_tier(dict(zip(published, values, strict=True)), "", keys, absent)


def _read_tier(
    bracket: JsonObject, pointer: str, keys: BracketKeys, absent: frozenset[str]
) -> Tier:
    leverage = positive_number(bracket, "initialLeverage", pointer)
    return Tier(
        upper=upper_bound(bracket, keys.upper, pointer),
        lower=number(bracket, keys.lower, pointer),
        initial_rate=tier_tables.leverage_to_rate(leverage),
        maintenance_rate=None if _RATE in absent else rate(bracket, _RATE, pointer),
        deduction=None if _CUM in absent else number(bracket, _CUM, pointer),
    )


def _without_maintenance(payload: Payload, brackets: Sequence[tuple[str, JsonObject]]) -> str:
    """Reason for a missing MM if a recording has no maintenance rate of a contract; empty otherwise."""
    is_recorded = payload.provenance.origin is Origin.RECORDED
    if not is_recorded or any(_RATE in bracket for _, bracket in brackets):
        return ""
    return "the recording has no maintenance rates for this contract"


def parse_symbol(venue: str, symbol: str, pointer: str) -> Instrument:
    """Instrument of a symbol such as BTCUSDT or BTCUSDT_260925. Raises UnreadablePayloadError."""
    dated = _DATED.match(symbol)
    pair = dated["pair"] if dated else symbol
    quote = next((code for code in QUOTES if pair.endswith(code) and pair != code), None)
    if quote is None:
        reason = f"expected a symbol that ends in {', '.join(QUOTES)}, found {symbol!r}"
        raise UnreadablePayloadError(where=f"{pointer}/symbol", reason=reason)
    base = pair.removesuffix(quote)
    expiry = parse_expiry(dated["expiry"], pointer) if dated else None
    return contract(venue, symbol, base=base, quote=quote, settle=quote, expiry=expiry)


def parse_expiry(text: str, pointer: str) -> date:
    """Expiry YYMMDD of a dated symbol. Raises UnreadablePayloadError."""
    try:
        return datetime.strptime(text, "%y%m%d").replace(tzinfo=UTC).date()
    except ValueError:
        reason = f"expected an expiry YYMMDD, found {text!r}"
        raise UnreadablePayloadError(where=f"{pointer}/symbol", reason=reason) from None
