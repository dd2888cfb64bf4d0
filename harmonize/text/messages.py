"""Times, rates, amounts and counts in the form that messages use."""

from datetime import datetime
from functools import lru_cache


@lru_cache(maxsize=4096)
def moment(time: datetime) -> str:
    """Returns a time in ISO 8601, in UTC and to the second, as the audit document writes it."""
    return f"{time:%Y-%m-%dT%H:%M:%SZ}"


@lru_cache(maxsize=65536)
def percent(rate: float) -> str:
    """Returns a rate as a percentage: 0.004 is ``0.4 %``."""
    return f"{rate * 100:.4g} %"


@lru_cache(maxsize=65536)
def dollars(amount: float) -> str:
    """Returns an amount in whole USD with thousands separators: ``$1,250,000``."""
    return f"${amount:,.0f}"


def counted(number: int, noun: str) -> str:
    """Returns a count with its noun: ``1 schedule``, ``2 schedules``."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"
