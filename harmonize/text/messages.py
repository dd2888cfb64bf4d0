"""Times, rates, amounts and counts in the form that messages use.

Rates and counts print exactly as in tables and reports. Amounts have more digits, because a message
may name the bound of a tier.
"""

from datetime import datetime
from functools import lru_cache

from harmonize.text import numbers

_AMOUNT_DIGITS = 6

percent = numbers.rate
"""A rate as a percentage: 0.006667 is ``0.6667 %``."""

counted = numbers.count_text
"""A count with its noun: ``1 schedule``, ``2 schedules``."""


@lru_cache(maxsize=4096)
def iso_utc(time: datetime) -> str:
    """Returns a time in ISO 8601, in UTC and to the second: ``2025-11-20T14:03:00Z``."""
    return f"{time:%Y-%m-%dT%H:%M:%SZ}"


def dollars(amount: float) -> str:
    """Returns an amount in USD with up to six significant digits: ``$50k``, ``$1.23457m``."""
    return numbers.usd(amount, _AMOUNT_DIGITS)
