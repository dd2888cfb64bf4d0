"""Numbers, words and rows out of a venue's JSON, each refused with its place when it is not one."""

from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, date, datetime
from decimal import Decimal, InvalidOperation
from functools import lru_cache
from typing import TypeVar

from harmonize.core.payload import Defect, Payload, UnreadablePayloadError, decode, escape

Row = dict[str, object]
T = TypeVar("T")

LARGEST = Decimal("1e15")
SMALLEST = Decimal("1e-18")


def number(row: Row, key: str, at: str) -> Decimal:
    """Read a number that is at least 0. Raises UnreadablePayloadError, naming the place."""
    raw = row.get(key)
    value = _written(raw) if type(raw) is str else _figure(raw)
    if isinstance(value, Decimal):
        return value
    raise UnreadablePayloadError(where=f"{at}/{escape(key)}", reason=value)


def _figure(raw: object) -> Decimal | str:
    """Give the number, or say why it is none."""
    if isinstance(raw, str | int | Decimal) and not isinstance(raw, bool):
        try:
            value = Decimal(raw)
            if SMALLEST <= value <= LARGEST or not value:
                return value
        except InvalidOperation:  # no number, or one that cannot be ordered
            pass
        else:
            return f"{_shown(raw)} is no margin figure: it must be 0 or from 1e-18 to 1e15"
    return f"a number was due, was {_shown(raw)}"


_written: Callable[[str], Decimal | str] = lru_cache(maxsize=65536)(_figure)
"""As ``_figure``, for text: venues write few different numbers, over and over."""


def positive(row: Row, key: str, at: str) -> Decimal:
    """Read a number above 0. Raises UnreadablePayloadError, naming the place."""
    value = number(row, key, at)
    if not value:
        where = f"{at}/{escape(key)}"
        raise UnreadablePayloadError(where=where, reason="must be above 0, was 0")
    return value


def rate(row: Row, key: str, at: str) -> Decimal:
    """Read a margin rate, above 0 and at most 1. Raises UnreadablePayloadError."""
    value = positive(row, key, at)
    if value > 1:
        where = f"{at}/{escape(key)}"
        raise UnreadablePayloadError(
            where=where, reason=f"a rate of at most 1 was due, was {value}"
        )
    return value


def in_sequence(row: Row, key: str, due: int, at: str) -> None:
    """Check a tier's number, so that a missing tier is noticed. Raises UnreadablePayloadError."""
    found = row.get(key)
    if found != due and found != str(due):
        where = f"{at}/{escape(key)}"
        raise UnreadablePayloadError(where=where, reason=f"tier {due} was due, was {_shown(found)}")


LOST = "\N{REPLACEMENT CHARACTER}"
"""What stands for a character that was lost on the way; no name has one."""


def word(row: Row, key: str, at: str) -> str:
    """Read a text that is not empty and can be printed. Raises UnreadablePayloadError, naming the place."""
    raw = row.get(key)
    if not isinstance(raw, str) or not raw or not raw.isprintable() or LOST in raw:
        where = f"{at}/{escape(key)}"
        raise UnreadablePayloadError(where=where, reason=f"a text was due, was {_shown(raw)}")
    return raw


def day(row: Row, key: str, at: str) -> date:
    """Read the day (UTC) of a time in milliseconds. Raises UnreadablePayloadError."""
    milliseconds = positive(row, key, at)
    try:
        return datetime.fromtimestamp(float(milliseconds) / 1000, tz=UTC).date()
    except (OverflowError, OSError, ValueError):
        reason = f"a time in milliseconds was due, was {milliseconds}"
        raise UnreadablePayloadError(where=f"{at}/{escape(key)}", reason=reason) from None


def iso_day(row: Row, key: str, at: str) -> date:
    """Read a day or time in ISO 8601. Raises UnreadablePayloadError, naming the place."""
    text = word(row, key, at)
    try:
        return datetime.fromisoformat(text).date()
    except ValueError:
        reason = f"a day was due, was {_shown(text)}"
        raise UnreadablePayloadError(where=f"{at}/{escape(key)}", reason=reason) from None


def mapping(value: object, at: str) -> Row:
    """Take a JSON object. Raises UnreadablePayloadError."""
    if not isinstance(value, dict):
        raise UnreadablePayloadError(where=at, reason=f"an object was due, was {_shown(value)}")
    return value


def listing(value: object, at: str) -> list[object]:
    """Take a JSON array that is not empty. Raises UnreadablePayloadError."""
    if not isinstance(value, list):
        raise UnreadablePayloadError(where=at, reason=f"a list was due, was {_shown(value)}")
    if not value:
        raise UnreadablePayloadError(where=at, reason="the list is empty")
    return value


def rows(value: object, at: str) -> Iterator[tuple[str, Row]]:
    """Walk a JSON array of objects with the pointer of each. Raises UnreadablePayloadError."""
    for index, item in enumerate(listing(value, at)):
        pointer = f"{at}/{index}"
        yield pointer, mapping(item, pointer)


def member(document: object, *keys: str) -> tuple[object, str]:
    """Go down by key, or by position in a list; give what is there and its pointer."""
    here, at = document, ""
    for key in keys:
        at = f"{at}/{escape(key)}"
        if isinstance(here, list) and key.isdecimal() and int(key) < len(here):
            here = here[int(key)]
            continue
        row = mapping(here, at.rpartition("/")[0])
        if key not in row:
            raise UnreadablePayloadError(where=at, reason="is missing")
        here = row[key]
    return here, at


def read_rows(
    payloads: Iterable[Payload],
    keys: tuple[str, ...],
    build: Callable[[Payload, Row, str], Iterable[T]],
    defects: list[Defect],
    symbol_key: str = "symbol",
) -> list[T]:
    """Build something from every row of the list that stands under ``keys``.

    A row that cannot be read becomes a defect and the others are kept; a payload that cannot be
    read becomes one defect.
    """
    return _read(payloads, keys, _listed, build, defects, symbol_key)


def read_members(
    payloads: Iterable[Payload],
    keys: tuple[str, ...],
    build: Callable[[Payload, Row, str], Iterable[T]],
    defects: list[Defect],
    symbol_key: str = "symbol",
) -> list[T]:
    """As ``read_rows``, from every member of the object that stands under ``keys``."""
    return _read(payloads, keys, _named, build, defects, symbol_key)


def filled(payloads: Iterable[Payload], *keys: str) -> list[Payload]:
    """Leave out answers whose list is empty: a market in which the venue has no contracts.

    For lists of instruments and of prices; margins that are missing altogether are a defect.
    """
    return [one for one in payloads if not _is_empty(one, keys)]


def _is_empty(payload: Payload, keys: tuple[str, ...]) -> bool:
    try:
        return member(decode(payload), *keys)[0] == []
    except UnreadablePayloadError:
        return False  # it becomes a defect where it is read


_Entries = Iterable[tuple[str, object]]


def _read(  # noqa: PLR0913, PLR0917 - the two readers above in one
    payloads: Iterable[Payload],
    keys: tuple[str, ...],
    entries_of: Callable[[object, str], _Entries],
    build: Callable[[Payload, Row, str], Iterable[T]],
    defects: list[Defect],
    symbol_key: str,
) -> list[T]:
    built: list[T] = []
    for payload in payloads:
        try:
            entries = entries_of(*member(decode(payload), *keys))
        except UnreadablePayloadError as error:
            defects.append(defect(payload, error))
            continue
        for pointer, item in entries:
            row: Row = item if isinstance(item, dict) else {}
            try:
                built.extend(build(payload, mapping(item, pointer), pointer))
            except UnreadablePayloadError as error:
                symbol = row.get(symbol_key)
                defects.append(defect(payload, error, symbol if isinstance(symbol, str) else ""))
    return built


def _listed(found: object, at: str) -> _Entries:
    return [(f"{at}/{index}", item) for index, item in enumerate(listing(found, at))]


def _named(found: object, at: str) -> _Entries:
    members = mapping(found, at)
    if not members:
        raise UnreadablePayloadError(where=at, reason="the object is empty")
    return [(f"{at}/{escape(key)}", item) for key, item in members.items()]


def defect(payload: Payload, error: UnreadablePayloadError, symbol: str = "") -> Defect:
    """Turn an unreadable place into a defect that names the call and the pointer."""
    return Defect(payload.venue, f"{payload.call} at {error.where or '/'}", error.reason, symbol)


def _shown(raw: object) -> str:
    text = "nothing" if raw is None else ascii(raw)
    return text if len(text) <= 40 else f"{text[:37]}..."  # noqa: PLR2004 - one line on a terminal
