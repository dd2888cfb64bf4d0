"""Interprets HTTP responses: observation time, retry delay, presence of rows, error text."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

from venues.gathering.credentials import Credentials

MAX_CLOCK_SKEW = 60.0
"""Difference between the venue's clock and ours, in seconds, above which the dating names it."""

BUSY_STATUSES = frozenset({418, 425, 429})
"""HTTP statuses that ask the caller to retry later."""

PERMANENT_STATUSES = frozenset({401, 403, 404, 405, 410, 451})
"""HTTP statuses that a retry does not resolve."""

_MAX_LENGTH = 240


@dataclass(slots=True)
class RawResponse:
    """Bytes, status and headers received for one request."""

    content: bytes = b""
    status: int = 0
    retry_after: str = ""
    date: str = ""


def is_redirect(status: int) -> bool:
    """Whether an HTTP status sends the caller to another address, or says that nothing changed."""
    return 300 <= status < 400  # noqa: PLR2004 - HTTP: the range of redirects


_ROW_FIELDS = 3
"""Least number of plain values that tell a row from an envelope around lists."""


def holds_rows(document: object) -> bool:
    """Whether a response has data: a non-empty list, an object of rows, or without any list an object."""
    lists = list(_lists(document))
    if any(lists) or _is_table(document):
        return True
    objects = document.values() if isinstance(document, dict) else ()
    if lists:
        return any(map(_is_table, objects))
    return any(bool(value) for value in objects if isinstance(value, dict))


def _is_table(value: object) -> bool:
    """Whether an object maps names to rows, whatever lists the rows have."""
    return isinstance(value, dict) and bool(value) and all(map(_is_row, value.values()))


def _is_row(value: object) -> bool:
    plain = (
        [v for v in value.values() if not isinstance(v, list | dict)]
        if isinstance(value, dict)
        else []
    )
    return len(plain) >= _ROW_FIELDS


def _lists(document: object) -> Iterator[list[object]]:
    """Outermost lists of a document."""
    if isinstance(document, list):
        yield document
    elif isinstance(document, dict):
        for value in document.values():
            yield from _lists(value)


def seconds_to_wait(retry_after: str, now: datetime) -> float:
    """Delay of a Retry-After header (seconds or a date), in seconds; 0 if it is neither."""
    if retry_after.isascii() and retry_after.isdecimal():
        return float(retry_after)
    date = _date(retry_after)
    return max(0.0, (date - now).total_seconds()) if date else 0.0


def dating(header: str, now: datetime) -> str:
    """Basis of a payload's observation time; names the venue's clock if it differs."""
    venue_time = _date(header)
    basis = "clock of the gathering machine"
    if venue_time and abs((venue_time - now).total_seconds()) > MAX_CLOCK_SKEW:
        return f"{basis}; the venue's clock read {venue_time:%Y-%m-%d %H:%M:%S} UTC"
    return basis


def earlier_clock(header: str, now: datetime) -> datetime:
    """Returns the earlier of our time and the one that the venue's clock read; ours if it stated none."""
    venue_time = _date(header)
    return min(now, venue_time) if venue_time else now


def _date(header: str) -> datetime | None:
    try:
        date = parsedate_to_datetime(header)
    except (TypeError, ValueError):
        return None
    return date if date.tzinfo else date.replace(tzinfo=UTC)


def one_line(reason: str, credentials: Credentials) -> str:
    """``reason`` as one short line, without secrets and without URLs, of which some are signed."""
    redacted = credentials.hide(reason)
    printable = "".join(char if char.isprintable() else " " for char in redacted)
    line = " ".join(word for word in printable.split() if "://" not in word)
    return line if len(line) <= _MAX_LENGTH else f"{line[: _MAX_LENGTH - 1]}…"
