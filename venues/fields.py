"""Reads numbers, text and rows from a venue's JSON; errors carry the JSON pointer."""

from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, date, datetime
from decimal import Decimal, InvalidOperation
from functools import lru_cache
from typing import TypeVar

from harmonize.core.payload import (
    Defect,
    Payload,
    UnreadablePayloadError,
    decode,
    escape,
    reason_of,
    shortened,
)
from harmonize.core.schedule import INFINITY

JsonObject = dict[str, object]
T = TypeVar("T")

MAX_NUMBER = Decimal("1e15")
MIN_NUMBER = Decimal("1e-18")


def number(row: JsonObject, key: str, pointer: str) -> Decimal:
    """Number of at least 0 under ``key``. Raises UnreadablePayloadError with the pointer."""
    raw = row.get(key)
    value = _number_in_text(raw) if type(raw) is str else _number_or_reason(raw)
    if isinstance(value, Decimal):
        return value
    raise UnreadablePayloadError(where=f"{pointer}/{escape(key)}", reason=value)


def _number_or_reason(raw: object) -> Decimal | str:
    """Number, or the reason why ``raw`` is not a usable number."""
    if isinstance(raw, str | int | Decimal) and not isinstance(raw, bool):
        try:
            value = Decimal(raw)
            if MIN_NUMBER <= value <= MAX_NUMBER or not value:
                return value
        except InvalidOperation:  # not a number, or NaN, which cannot be compared
            pass
        else:
            return f"expected 0 or a number from 1e-18 to 1e15, found {_printable(raw)}"
    return f"expected a number, found {_printable(raw)}"


_number_in_text: Callable[[str], Decimal | str] = lru_cache(maxsize=65536)(_number_or_reason)
"""``_number_or_reason`` with a cache, because venues repeat few distinct numbers."""


def positive_number(row: JsonObject, key: str, pointer: str) -> Decimal:
    """Number above 0 under ``key``. Raises UnreadablePayloadError with the pointer."""
    value = number(row, key, pointer)
    if not value:
        where = f"{pointer}/{escape(key)}"
        raise UnreadablePayloadError(where=where, reason="expected a number above 0, found 0")
    return value


_NO_END_FROM = Decimal("1e30")
_LARGEST_INTEGERS = (Decimal(2**63), Decimal(2**64))
_ROUNDED = Decimal("0.003")  # "9.2e18" is the coarsest rounding of 2^63 that venues write


def upper_bound(
    row: JsonObject, key: str, pointer: str, *, open_ended_if_missing: bool = False
) -> Decimal:
    """Upper bound of a tier: a number above 0, or ``INFINITY`` where the venue states no end.

    Venues write "no end" as null, an empty text, 0, -1, the largest 64-bit integer (also rounded)
    or a number from 1e30 on. A row without the key is an error unless ``open_ended_if_missing``.
    Only the last tier may have no end: see ``venues.parsing.tier_tables.find_tiling_fault``.
    Raises UnreadablePayloadError with the pointer.
    """
    if key not in row:
        if open_ended_if_missing:
            return INFINITY
        raise UnreadablePayloadError(where=f"{pointer}/{escape(key)}", reason="missing")
    return INFINITY if _states_no_end(row[key]) else positive_number(row, key, pointer)


def _states_no_end(raw: object) -> bool:
    if raw is None or raw == "":
        return True
    if not isinstance(raw, str | int | Decimal) or isinstance(raw, bool):
        return False
    try:
        value = Decimal(raw)
        return (
            value in {0, -1}
            or value >= _NO_END_FROM
            or any(abs(value / largest - 1) <= _ROUNDED for largest in _LARGEST_INTEGERS)
        )
    except ArithmeticError:  # not a number, or NaN, which cannot be compared
        return False


def rate(row: JsonObject, key: str, pointer: str) -> Decimal:
    """Margin rate under ``key``, above 0 and at most 1. Raises UnreadablePayloadError."""
    value = positive_number(row, key, pointer)
    if value > 1:
        where = f"{pointer}/{escape(key)}"
        raise UnreadablePayloadError(
            where=where, reason=f"expected a rate of at most 1, found {value}"
        )
    return value


def check_tier_number(row: JsonObject, key: str, expected: int, pointer: str) -> None:
    """Checks a tier's number, which reveals missing tiers. Raises UnreadablePayloadError."""
    raw = row.get(key)
    if raw != expected and raw != str(expected):
        where = f"{pointer}/{escape(key)}"
        raise UnreadablePayloadError(
            where=where, reason=f"expected tier {expected}, found {_printable(raw)}"
        )


LOST = "\N{REPLACEMENT CHARACTER}"
"""Replacement for an undecodable character; no instrument name contains it."""


def text_value(row: JsonObject, key: str, pointer: str) -> str:
    """Non-empty printable text under ``key``. Raises UnreadablePayloadError with the pointer."""
    raw = row.get(key)
    if not isinstance(raw, str) or not raw or not raw.isprintable() or LOST in raw:
        where = f"{pointer}/{escape(key)}"
        raise UnreadablePayloadError(where=where, reason=f"expected text, found {_printable(raw)}")
    return raw


def is_missing(row: JsonObject, key: str) -> bool:
    """Whether a row lacks a value under ``key``: no such key, null or an empty text."""
    raw = row.get(key)
    return raw is None or raw == ""


def optional_number(row: JsonObject, key: str, pointer: str) -> Decimal | None:
    """Number of at least 0 under ``key``; None if missing. Raises UnreadablePayloadError."""
    return None if is_missing(row, key) else number(row, key, pointer)


def date_of_milliseconds(row: JsonObject, key: str, pointer: str) -> date:
    """Date (UTC) of a Unix time in milliseconds. Raises UnreadablePayloadError."""
    milliseconds = positive_number(row, key, pointer)
    try:
        return datetime.fromtimestamp(float(milliseconds) / 1000, tz=UTC).date()
    except (OverflowError, OSError, ValueError):
        reason = f"expected a time in milliseconds, found {milliseconds}"
        raise UnreadablePayloadError(where=f"{pointer}/{escape(key)}", reason=reason) from None


def iso_date(row: JsonObject, key: str, pointer: str) -> date:
    """Date of an ISO 8601 date or time. Raises UnreadablePayloadError with the pointer."""
    text = text_value(row, key, pointer)
    try:
        return datetime.fromisoformat(text).date()
    except ValueError:
        reason = f"expected an ISO 8601 date, found {_printable(text)}"
        raise UnreadablePayloadError(where=f"{pointer}/{escape(key)}", reason=reason) from None


def json_object(value: object, pointer: str) -> JsonObject:
    """``value`` as a JSON object. Raises UnreadablePayloadError."""
    if not isinstance(value, dict):
        raise UnreadablePayloadError(
            where=pointer, reason=f"expected an object, found {_printable(value)}"
        )
    return value


def json_array(value: object, pointer: str) -> list[object]:
    """``value`` as a non-empty JSON array. Raises UnreadablePayloadError."""
    if not isinstance(value, list):
        raise UnreadablePayloadError(
            where=pointer, reason=f"expected a list, found {_printable(value)}"
        )
    if not value:
        raise UnreadablePayloadError(where=pointer, reason="the list is empty")
    return value


def iter_objects(value: object, pointer: str) -> Iterator[tuple[str, JsonObject]]:
    """Objects of a non-empty JSON array with their pointers. Raises UnreadablePayloadError."""
    for index, item in enumerate(json_array(value, pointer)):
        row_pointer = f"{pointer}/{index}"
        yield row_pointer, json_object(item, row_pointer)


def value_at(document: object, *keys: str) -> tuple[object, str]:
    """Value under a path of keys and list positions, and its JSON pointer.

    Raises UnreadablePayloadError if a key is missing or a step does not lead to an object.
    """
    value, pointer = document, ""
    for key in keys:
        parent, pointer = pointer, f"{pointer}/{escape(key)}"
        if isinstance(value, list) and key.isdecimal() and int(key) < len(value):
            value = value[int(key)]
            continue
        row = json_object(value, parent)
        if key not in row:
            raise UnreadablePayloadError(where=pointer, reason="missing")
        value = row[key]
    return value, pointer


def read_rows(
    payloads: Iterable[Payload],
    keys: tuple[str, ...],
    build: Callable[[Payload, JsonObject, str], Iterable[T]],
    defects: list[Defect],
    symbol_key: str = "symbol",
) -> list[T]:
    """Applies ``build`` to every row of the list under ``keys`` of each payload.

    An unreadable row becomes a defect and the other rows are kept. An unreadable payload becomes
    one defect. ``symbol_key`` is the field that names the instrument of a defect. An object with
    that field instead of the list is its only row: some venues answer so for one instrument.
    """

    def entries_of(value: object, pointer: str) -> _Entries:
        is_row = isinstance(value, dict) and symbol_key in value
        return [(pointer, value)] if is_row else _list_entries(value, pointer)

    return _read(payloads, keys, entries_of, build, defects, symbol_key)


def read_members(
    payloads: Iterable[Payload],
    keys: tuple[str, ...],
    build: Callable[[Payload, JsonObject, str], Iterable[T]],
    defects: list[Defect],
    symbol_key: str = "symbol",
) -> list[T]:
    """Applies ``build`` to every member of the object under ``keys``; otherwise as ``read_rows``."""
    return _read(payloads, keys, _object_entries, build, defects, symbol_key)


def non_empty(payloads: Iterable[Payload], *keys: str) -> list[Payload]:
    """Payloads whose list is not empty; an empty list means a market without contracts.

    Applies to lists of instruments and prices only: an empty list of margins is a defect.
    """
    return [payload for payload in payloads if not _is_empty(payload, keys)]


def _is_empty(payload: Payload, keys: tuple[str, ...]) -> bool:
    try:
        return value_at(decode(payload), *keys)[0] == []
    except UnreadablePayloadError:
        return False  # the payload becomes a defect when its rows are read


_Entries = Iterable[tuple[str, object]]


def _read(  # noqa: PLR0913, PLR0917 - shared by the two readers above
    payloads: Iterable[Payload],
    keys: tuple[str, ...],
    entries_of: Callable[[object, str], _Entries],
    build: Callable[[Payload, JsonObject, str], Iterable[T]],
    defects: list[Defect],
    symbol_key: str,
) -> list[T]:
    built: list[T] = []
    for payload in payloads:
        try:
            entries = entries_of(*value_at(decode(payload), *keys))
        except UnreadablePayloadError as error:
            defects.append(build_defect(payload, error))
            continue
        for pointer, entry in entries:
            try:
                built.extend(build(payload, json_object(entry, pointer), pointer))
            except Exception as error:  # noqa: BLE001 - one odd row never hides the others
                symbol = entry.get(symbol_key) if isinstance(entry, dict) else ""
                name = symbol if isinstance(symbol, str) else ""
                defects.append(build_defect(payload, error, name, pointer))
    return built


def _list_entries(value: object, pointer: str) -> _Entries:
    return [(f"{pointer}/{index}", entry) for index, entry in enumerate(json_array(value, pointer))]


def _object_entries(value: object, pointer: str) -> _Entries:
    members = json_object(value, pointer)
    if not members:
        raise UnreadablePayloadError(where=pointer, reason="the object is empty")
    return [(f"{pointer}/{escape(key)}", entry) for key, entry in members.items()]


def build_defect(payload: Payload, error: Exception, symbol: str = "", pointer: str = "") -> Defect:
    """Defect for an unreadable location, with its call and JSON pointer.

    ``pointer`` is the location of an error that carries none, because no reader expects it.
    """
    where = error.where if isinstance(error, UnreadablePayloadError) else pointer
    reason = shortened(reason_of(error), _REASON_LENGTH)
    return Defect(payload.venue, f"{payload.call} at {where or '/'}", reason, symbol)


_VALUE_LENGTH, _REASON_LENGTH = 40, 300  # a value and a sentence on a terminal


def _printable(raw: object) -> str:
    return "nothing" if raw is None else shortened(ascii(raw), _VALUE_LENGTH)
