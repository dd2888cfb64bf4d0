"""Times, rates, amounts and counts as messages write them."""

from datetime import datetime
from functools import lru_cache


@lru_cache(maxsize=4096)
def moment(time: datetime) -> str:
    """Write a time as the document does: ISO 8601, UTC, to the second."""
    return f"{time:%Y-%m-%dT%H:%M:%SZ}"


@lru_cache(maxsize=65536)
def percent(rate: float) -> str:
    """Write a rate for a message: 0.004 is 0.4 %."""
    return f"{rate * 100:.4g} %"


@lru_cache(maxsize=65536)
def dollars(amount: float) -> str:
    """Write an amount for a message: whole dollars with thousands parted."""
    return f"${amount:,.0f}"


def counted(number: int, noun: str) -> str:
    """Write a count for a message: 1 schedule, 2 schedules."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"
