"""Lead-lag between venues: order in which margin increases were observed."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import combinations
from statistics import median

from harmonize.document.history import MarginSeries

MAX_DAYS_APART = 30.0
"""Longest time, in days, between two increases that are matched. A convention of this tool."""

MIN_INCREASE = 0.05
"""Smallest increase that counts, as a share of the margin before. A convention of this tool."""


@dataclass(frozen=True, slots=True)
class Increase:
    """Margin increase that took effect after ``since`` and was observed at ``until``.

    ``share`` is the increase divided by the margin before.
    """

    since: datetime
    until: datetime
    share: float


@dataclass(frozen=True, slots=True)
class LeadLag:
    """Number of matched increases that each of two venues led.

    ``untold`` counts the pairs whose observation intervals overlap, so that the order is unknown.
    ``median_days`` is the median time from the first venue's observation to the second's, in days.
    It is negative if the second venue usually came first.
    """

    first: str
    second: str
    first_led: int
    second_led: int
    untold: int
    median_days: float


def find_increases(series: MarginSeries, observed: Sequence[datetime]) -> tuple[Increase, ...]:
    """Returns the increases of a series. ``observed`` lists its venue's observation times in order.

    The reference of an increase is the last known margin.
    """
    increases = []
    before = None
    for point in series.points:
        until = datetime.fromisoformat(point.observed_at)
        if before and point.rate is not None and point.rate >= before * (1.0 + MIN_INCREASE):
            since = max((time for time in observed if time < until), default=until)
            increases.append(Increase(since, until, point.rate / before - 1.0))
        before = point.rate if point.rate is not None else before
    return tuple(increases)


def lead_lags(by_venue: Mapping[str, Sequence[Increase]]) -> tuple[LeadLag, ...]:
    """Returns the lead-lag of every two venues with at least one pair of matched increases."""
    results = []
    for first, second in combinations(sorted(by_venue), 2):
        pairs = list(_matched(by_venue[first], by_venue[second]))
        if pairs:
            results.append(_lead_lag(first, second, pairs))
    return tuple(results)


def _matched(
    increases: Sequence[Increase], others: Sequence[Increase]
) -> Iterable[tuple[Increase, Increase]]:
    """Yields each increase with the nearest of the other venue; each is matched at most once."""
    unmatched = list(others)
    for increase in increases:
        nearest = min(unmatched, key=lambda other: abs(other.until - increase.until), default=None)
        if nearest is not None and abs(nearest.until - increase.until) <= timedelta(
            days=MAX_DAYS_APART
        ):
            unmatched.remove(nearest)
            yield increase, nearest


def _lead_lag(first: str, second: str, pairs: Sequence[tuple[Increase, Increase]]) -> LeadLag:
    first_led = sum(increase.until <= other.since for increase, other in pairs)
    second_led = sum(other.until <= increase.since for increase, other in pairs)
    days = [(other.until - increase.until).total_seconds() / 86_400 for increase, other in pairs]
    unordered = len(pairs) - first_led - second_led
    return LeadLag(first, second, first_led, second_led, unordered, median(days))
