"""Modelled amounts and rates of a stress for a terminal: two significant digits, no false precision.

An assumed book supports no third digit. What is measured or stated, such as open interest or a margin,
has its own digits. JSON, CSV and XLSX have every digit.
"""

from harmonize.text import numbers
from harmonize.text.messages import percent

NONE = "–"

_DIGITS = 2
_LEAST = 1e-5
"""Smallest rate with digits: 0.001 %."""

_NO_CHANGE = 1e-9
"""Rate, or amount in USD, that is rounding."""


def usd(amount: float | None) -> str:
    """Returns a modelled amount in USD: ``$1.1bn``, ``−$440m``."""
    return numbers.usd(None if amount is None else _rounded(amount))


def signed_usd(amount: float) -> str:
    """Returns a modelled change in USD: ``+$1.1bn``; ``$0`` without one."""
    text = usd(amount)
    return f"+{text}" if amount > 0.0 and text != "$0" else text


def rate(value: float | None) -> str:
    """Returns a modelled rate as a percentage: ``8.8 %``, ``−0.043 %``."""
    if value is None:
        return NONE
    magnitude = abs(_rounded(value))
    sign = "−" if value < 0.0 and magnitude else ""
    if 0.0 < magnitude < _LEAST:
        return f"{sign}{percent(magnitude)}"
    return f"{sign}{numbers.axis_rate(magnitude)}".replace(numbers.NBSP, " ")


def signed_rate(value: float) -> str:
    """Returns a modelled change as percentage points: ``+0.16 %``; ``0 %`` without one."""
    return f"+{rate(value)}" if _rounded(value) > 0.0 else rate(value)


def move(value: float, shock: float) -> str:
    """Returns where a shock ends: the shock as stated, and two digits of what sales add to it."""
    return percent(float(f"{shock + _rounded(value - shock):.12g}"))


def _rounded(value: float) -> float:
    """Returns a number with two significant digits; 0 for a rounding error."""
    return float(f"{value:.{_DIGITS - 1}e}") if abs(value) > _NO_CHANGE else 0.0
