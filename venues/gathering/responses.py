"""What an HTTP answer says besides its body: when, how long to wait, whether it holds anything."""

from collections.abc import Iterator
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

from venues.gathering.credentials import Credentials

SKEW = 60.0
"""Seconds between the venue's clock and ours from which on a payload's dating says so."""

_LONGEST = 240


def holds_rows(document: object) -> bool:
    """Whether an answer holds anything: a list that is not empty or, where none is, an object."""
    lists = list(_lists(document))
    if lists:
        return any(lists)
    return isinstance(document, dict) and any(
        bool(one) for one in document.values() if isinstance(one, dict)
    )


def _lists(document: object) -> Iterator[list[object]]:
    """Every list that no other list holds."""
    if isinstance(document, list):
        yield document
    elif isinstance(document, dict):
        for one in document.values():
            yield from _lists(one)


def seconds_to_wait(retry_after: str, now: datetime) -> float:
    """Read a Retry-After header: seconds, or a date; 0 where it is neither."""
    if retry_after.isascii() and retry_after.isdecimal():
        return float(retry_after)
    date = _date(retry_after)
    return max(0.0, (date - now).total_seconds()) if date else 0.0


def dating(header: str, now: datetime) -> str:
    """Say what a payload's time rests on; a venue's clock that differs is named."""
    theirs = _date(header)
    said = "clock of the gathering machine"
    if theirs and abs((theirs - now).total_seconds()) > SKEW:
        return f"{said}; the venue's said {theirs:%Y-%m-%d %H:%M:%S} UTC"
    return said


def _date(header: str) -> datetime | None:
    try:
        date = parsedate_to_datetime(header)
    except (TypeError, ValueError):
        return None
    return date if date.tzinfo else date.replace(tzinfo=UTC)


def plain(reason: str, credentials: Credentials) -> str:
    """Put a reason on one line of moderate length, without URLs (some are signed) or secrets."""
    hidden = credentials.hide(reason)
    printable = "".join(one if one.isprintable() else " " for one in hidden)
    line = " ".join(word for word in printable.split() if "://" not in word)
    return line if len(line) <= _LONGEST else f"{line[: _LONGEST - 1]}…"
