"""Statistics of margin series: rate in force, extremes, largest change, stress beforehand."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from harmonize.document.history import MarginSeries, SeriesPoint, StressWindow
from harmonize.text import numbers
from harmonize.text.words import AT_LEAST, marked
from reports.charts.dates import day_number

_AFTERMATH = 14.0
"""Number of days after a window of stress in which a change is attributed to it."""


@dataclass(frozen=True, slots=True)
class LargestChange:
    """Largest change of a margin series from one point to the next.

    ``point`` is the first observation after it. ``is_dated`` tells that the change lies between two
    exact observation dates at most 31 days apart, so that its relation to market stress is known.
    """

    series: MarginSeries
    before: float
    after: float
    point: SeriesPoint
    is_dated: bool
    before_status: str = ""

    @property
    def size(self) -> float:
        """Absolute logarithm of the ratio of the two rates."""
        return abs(math.log(self.after / self.before))


def rate_text_at(points: Sequence[SeriesPoint], until: str, at: str) -> str:
    """Returns the rate in force at a time with its sign; no value outside the observed period."""
    day = day_number(at)
    earlier = [point for point in points if day_number(point.observed_at) <= day]
    is_observed = earlier and day <= day_number(until)
    return rate_text(earlier[-1]) if is_observed else numbers.NOT_OBSERVABLE


def rate_text(point: SeriesPoint) -> str:
    """Returns the rate of a point with its sign: ``≥`` for a lower bound, ``○`` if not verified."""
    return marked(numbers.rate(point.rate), point.status)


def is_exact(point: SeriesPoint) -> bool:
    """Whether a point has a rate above 0 that is no lower bound."""
    return bool(point.rate) and point.status != AT_LEAST


def positive_rates(series: MarginSeries) -> list[float]:
    """Returns the rates above 0 in order of time, without lower bounds."""
    return [point.rate for point in series.points if point.rate is not None and is_exact(point)]


def peak_to_trough(series: MarginSeries) -> float | None:
    """Returns the highest rate over the lowest; `None` for fewer than two rates."""
    rates = positive_rates(series)
    return max(rates) / min(rates) if len(rates) > 1 else None


def change_count(series: MarginSeries) -> int:
    """Returns how often the rate changed; becoming known or unknown is not a change."""
    rates = [point.rate for point in series.points if point.rate is not None]
    return sum(rate != following for rate, following in pairwise(rates))


def largest_change(series: MarginSeries) -> LargestChange | None:
    """Returns the largest change, the first of equal ones; `None` if the rate never changed.

    A lower bound is no rate. A change while the rate was unknown counts, at the time the rate became known again; it is not
    dated.
    """
    rates = [
        (number, point, point.rate)
        for number, point in enumerate(series.points)
        if point.rate is not None and is_exact(point)
    ]
    changes = [
        LargestChange(
            *(series, before, after, point),
            point.is_dated and number - previous_number == 1,
            previous.status,
        )
        for (previous_number, previous, before), (number, point, after) in pairwise(rates)
        if before != after
    ]
    return max(changes, key=lambda change: change.size, default=None)


def most_changed(all_series: Sequence[MarginSeries]) -> MarginSeries | None:
    """Returns the series with the highest peak over trough; IM before MM, then by notional."""
    changed = [series for series in all_series if (peak_to_trough(series) or 1.0) > 1.0]
    return min(
        changed,
        key=lambda series: (
            series.margin_type != "initial",
            -(peak_to_trough(series) or 1.0),
            series.notional,
        ),
        default=None,
    )


def stress_nearby(stress: Sequence[StressWindow], first: str, days: float = 0.0) -> str:
    """Names the last window of stress that a period of `days` overlaps or closely follows."""
    start = day_number(first)
    windows = [
        window
        for window in stress
        if day_number(window.first) < start + max(days, 1e-9)
        and start < day_number(window.last) + 1.0 + _AFTERMATH
    ]
    if not windows:
        return ""
    last = max(windows, key=lambda window: window.first)
    days_after = math.floor(start) - math.floor(day_number(last.last))
    when = f"{numbers.count_text(days_after, 'day')} after" if days_after > 0 else "during"
    return f"{when} the stress of {numbers.date_range(last.first, last.last)} ({last.name})"
