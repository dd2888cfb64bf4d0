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
    does. ``sized`` is the default at the notional of the section, by ``volume``: the largest median
    turnover of a perpetual in the 30 days before, in USD; None if no perpetual has one.
    """

    first_day: str = ""
    default: tuple[float | None, ...] = ()
    fast: tuple[float | None, ...] = ()
    losses: tuple[ThresholdLossRow, ...] = ()
    default_fallback: str = ""
    fast_fallback: str = ""
    sized: tuple[float | None, ...] = ()
    volume: tuple[float | None, ...] = ()


@dataclass(frozen=True, slots=True)
class ThresholdSizeRow:
    """Default threshold of a position of ``notional`` USD now, and how volume moved it by day.

    ``by_volume`` closes the position over days of volume, ``at_once`` into the last order book. On
    ``days`` tested days with a known volume, the threshold was multiplied by ``smallest_factor`` to
    ``largest_factor``; ``largest_day`` is the day of the latter, ``largest_volume`` the volume of
    ``largest_series`` behind it. Without a ``reason``, a factor of None means that nothing was traded.
    Peak ÷ trough and the largest rise in 30 days are those with and without size, on the same days.
    """

    notional: float
    by_volume: float | None
    at_once: float | None
    days: int = 0
    smallest_factor: float | None = None
    largest_factor: float | None = None
    largest_day: str = ""
    largest_volume: float | None = None
    largest_series: str = ""
    peak_to_trough: float | None = None
    unsized_peak_to_trough: float | None = None
    rise_30d: float | None = None
    unsized_rise_30d: float | None = None
    by_volume_reason: str = ""
    at_once_reason: str = ""
    reason: str = ""


@dataclass(frozen=True, slots=True)
class ThresholdVolumeRow:
    """Perpetual whose volume gives the size on ``days`` tested days, or on the last one."""

    series: str
    first_day: str
    last_day: str
    days: int
