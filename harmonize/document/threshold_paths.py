"""Rows of the audit document on how a daily threshold moved: its path, and the losses above it.

Rates are fractions of notional, days ISO 8601 dates in UTC.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class ThresholdLossRow:
    """Loss of one day above the default threshold that was known on the day before.

    ``side`` is ``long`` or ``short``.
    """

    day: str
    side: str
    loss: float


@dataclass(frozen=True, slots=True)
class ThresholdPathRow:
    """Daily margin rates over one day for both sides, with the losses above the default.

    ``default`` and ``fast`` hold a rate per day from ``first_day`` on, with four significant digits;
    None if the day has none. ``fast`` is the path of the benchmark. Each rate was known on the day
    before; the last one is that of the day after the last return. ``default_fallback`` and
    ``fast_fallback`` name the model that stands in place of theirs on some of these days; empty if none
    does.
    """

    first_day: str = ""
    default: tuple[float | None, ...] = ()
    fast: tuple[float | None, ...] = ()
    losses: tuple[ThresholdLossRow, ...] = ()
    default_fallback: str = ""
    fast_fallback: str = ""
