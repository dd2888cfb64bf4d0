"""Modelled amounts and rates of a stress for a terminal: two significant digits, no false precision.

An assumed book supports no third digit. What is measured or stated, such as open interest or a margin,
has its own digits. JSON, CSV and XLSX have every digit.
"""

from math import floor, log10

from harmonize.stress.curve import LEAST_AMPLIFIED
from harmonize.text import numbers
from harmonize.text.messages import percent

NONE = "–"

_DIGITS = 2

_POINT_DECIMALS = 3
"""Decimals of a rate that has 0.1 points."""

_MOST_DECIMALS = 10
"""Decimals of a rate beyond which a difference is rounding."""

_HALF_RATIO = 0.005 - 1e-9
"""Half of the last printed digit of a ratio, less rounding: a tie could be printed either way."""

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


def amplification(value: float | None) -> str:
    """Returns move over shock; a dash if the shock is too small for it."""
    return NONE if value is None else f"{value:.2f}"


def move(value: float, shock: float) -> str:
    """Returns where a shock ends: the shock as stated, and what sales add to it.

    What they add has two digits, and more if 0.1 points or the printed ratio of move to shock need
    them: a reader who divides the two finds that ratio.
    """
    least = max(_decimals(value - shock), len(f"{shock:.4g}".partition(".")[2]))
    for decimals in range(least, _MOST_DECIMALS):
        ended = round(value, decimals)
        if _has_same_ratio(ended, value, shock):
            break
    digits = f"{ended * 100:.{decimals - 2}f}".rstrip("0")
    return f"{digits}0 %" if digits.endswith(".") else f"{digits} %"


def _has_same_ratio(ended: float, value: float, shock: float) -> bool:
    """Whether a rounded move over its shock has the ratio that is printed of the move."""
    if shock < LEAST_AMPLIFIED:
        return True
    return abs(ended / shock - float(amplification(value / shock))) < _HALF_RATIO


def _decimals(excess: float) -> int:
    """Returns the decimals of two significant digits, at least those of 0.1 points."""
    magnitude = abs(_rounded(excess))
    leading = floor(log10(magnitude)) if magnitude else 0
    return max(_POINT_DECIMALS, _DIGITS - 1 - leading)


def _rounded(value: float) -> float:
    """Returns a number with two significant digits; 0 for a rounding error."""
    return float(f"{value:.{_DIGITS - 1}e}") if abs(value) > _NO_CHANGE else 0.0
