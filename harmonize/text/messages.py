"""Times, rates, amounts and counts in the form that messages use.

Rates and counts have the digits of tables and reports, with plain spaces, because messages are
searched and copied as text. Amounts are whole dollars, because a message names bounds of tiers.
"""

from datetime import datetime
from functools import lru_cache

from harmonize.text import numbers


def _plain(text: str) -> str:
    return text.replace(numbers.NBSP, " ")


@lru_cache(maxsize=65536)
def percent(rate: float | None) -> str:
    """Returns a rate as a percentage: 0.006667 is ``0.6667 %``."""
    return _plain(numbers.rate(rate))


def counted(value: int, singular: str, plural: str = "") -> str:
    """Returns a count with its noun: ``1 schedule``, ``2 schedules``."""
    return _plain(numbers.count_text(value, singular, plural))


@lru_cache(maxsize=4096)
def iso_utc(time: datetime) -> str:
    """Returns a time in ISO 8601, in UTC and to the second: ``2025-11-20T14:03:00Z``."""
    return f"{time:%Y-%m-%dT%H:%M:%SZ}"


def observation_day(observed_at: str, observed_from: str, date_kind: str) -> str:
    """Returns the day of an observation as far as it is known, for tables in a terminal.

    ``2025-11-20`` if it is exact, ``≤ 2025-11-20`` without an earliest day, ``2025-11-03 to 2025-11-20``
    between two days; a day derived from prices is marked: ``2025-11-20 (derived)``.
    """
    day, first = observed_at[:10], observed_from[:10]
    if date_kind == "exact" or not day:
        return day
    if not first:
        return f"≤ {day}"
    mark = " (derived)" if date_kind == "derived" else ""
    return f"{day if first == day else f'{first} to {day}'}{mark}"


def observation_span(oldest: str, newest: str) -> str:
    """Returns the days between the oldest and the newest observation; without an oldest one, ``≤``."""
    return f"{oldest[:10]} to {newest[:10]}" if oldest else f"≤ {newest[:10]}"


@lru_cache(maxsize=65536)
def dollars(amount: float) -> str:
    """Returns an amount in whole USD: ``$805,045``."""
    return f"${amount:,.0f}"


def duration_text(seconds: float) -> str:
    """Returns a length of time with two significant digits: ``12 minutes``, ``3.4 hours``."""
    unit, length = next(((name, size) for name, size in _UNITS if seconds >= size), _UNITS[-1])
    amount = float(f"{seconds / length:.2g}")
    return f"{amount:,g} {unit}{'' if amount == 1 else 's'}"


_UNITS = (("day", 86_400), ("hour", 3_600), ("minute", 60), ("second", 1))
"""Names and lengths of the units of a duration, longest first."""


def window_text(seconds: float) -> str:
    """Returns the length of a window in words: ``15 minutes``, ``1 hour``, ``2 days`` or ``90s``."""
    for unit, length in _UNITS[:-1]:
        if seconds >= length and seconds % length == 0:
            return counted(int(seconds // length), unit)
    return f"{int(seconds)}s"
