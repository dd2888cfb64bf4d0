"""The day from which ages count: the day of the build, or the one that SOURCE_DATE_EPOCH pins."""

from collections.abc import Mapping
from datetime import UTC, datetime, time

VARIABLE = "SOURCE_DATE_EPOCH"
"""Environment variable with a time in seconds since 1970; it makes outputs reproducible.

Source: https://reproducible-builds.org/specs/source-date-epoch/
"""


def build_day(environment: Mapping[str, str], now: datetime) -> datetime:
    """Returns the end of the build's day, in UTC.

    Raises ValueError: SOURCE_DATE_EPOCH is no time in whole seconds.
    """
    text = environment.get(VARIABLE, "")
    built_at = _from_epoch(text) if text else now.astimezone(UTC)
    return datetime.combine(built_at.date(), time.max, UTC)


def _from_epoch(text: str) -> datetime:
    try:
        return datetime.fromtimestamp(int(text), UTC)
    except (ValueError, OverflowError, OSError):
        message = (
            f"{VARIABLE}: expected whole seconds since 1970-01-01, found {text!r}; "
            "correct it, or remove it to count ages from today"
        )
        raise ValueError(message) from None
