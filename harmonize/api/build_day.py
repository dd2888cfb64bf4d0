"""The day from which ages count: the day of the build, or the one that SOURCE_DATE_EPOCH pins."""

import re
from collections.abc import Mapping
from datetime import UTC, datetime, time, timedelta

from harmonize.document import AuditDocument

VARIABLE = "SOURCE_DATE_EPOCH"
"""Environment variable with a time in seconds since 1970; it makes outputs reproducible.

Source: https://reproducible-builds.org/specs/source-date-epoch/
"""

_SECONDS = re.compile(r"[0-9]{1,11}")


def build_day(environment: Mapping[str, str], now: datetime) -> datetime:
    """Returns the end of the build's day, in UTC.

    Raises ValueError: SOURCE_DATE_EPOCH is no time in whole seconds.
    """
    text = environment.get(VARIABLE, "")
    built_at = _from_epoch(text) if text else now.astimezone(UTC)
    return datetime.combine(built_at.date(), time.max, UTC)


def _from_epoch(text: str) -> datetime:
    """Returns the time of whole seconds since 1970, before the year 5138."""
    if not _SECONDS.fullmatch(text):
        message = (
            f"{VARIABLE}: expected whole seconds since 1970-01-01, found {text!r}; "
            "correct it, or remove it to count ages from today"
        )
        raise ValueError(message)
    return datetime.fromtimestamp(int(text), UTC)


def age_today(document: AuditDocument, now: datetime) -> dict[str, timedelta]:
    """Age of each venue's newest snapshot at ``now``."""
    newest: dict[str, datetime] = {}
    for snapshot in document.snapshots:
        observed_at = datetime.fromisoformat(snapshot.observed_at)
        newest[snapshot.venue] = max(observed_at, newest.get(snapshot.venue, observed_at))
    return {venue: now - observed_at for venue, observed_at in newest.items()}
