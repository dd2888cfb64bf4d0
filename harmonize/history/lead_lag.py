"""Who tightened first: rises of margin at several venues, in the order in which they were seen."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import combinations
from statistics import median

from harmonize.document.history import MarginSeries

DAYS = 30.0
"""Rises at two venues belong together where they lie no further apart than this: a convention."""

LEAST = 0.05
"""The least rise that counts, as a share of the margin before: a convention."""


@dataclass(frozen=True, slots=True)
class Rise:
    """A rise of margin that came after ``since`` and was seen at ``until``; ``share`` of what was before."""

    since: datetime
    until: datetime
    share: float


@dataclass(frozen=True, slots=True)
class LeadLag:
    """Which of two venues rose first, over the rises that belong together.

    ``untold`` counts those where the spans in which the two came overlap, so that nobody can say.
    ``median_days`` is from when the first venue's rise was seen to when the second's was; below 0 where
    the second came first.
    """

    first: str
    second: str
    first_led: int
    second_led: int
    untold: int
    median_days: float


def rises(course: MarginSeries, observed: Sequence[datetime]) -> tuple[Rise, ...]:
    """The rises of a course; ``observed`` are its venue's observations, in order of time."""
    found = []
    before = None
    for mark in course.points:
        at = datetime.fromisoformat(mark.observed_at)
        if before and mark.rate is not None and mark.rate >= before * (1.0 + LEAST):
            since = max((one for one in observed if one < at), default=at)
            found.append(Rise(since, at, mark.rate / before - 1.0))
        before = mark.rate if mark.rate is not None else before
    return tuple(found)


def leads(by_venue: Mapping[str, Sequence[Rise]]) -> tuple[LeadLag, ...]:
    """Hold every two venues against one another; pairs without rises that belong together are left out."""
    found = []
    for first, second in combinations(sorted(by_venue), 2):
        pairs = list(_together(by_venue[first], by_venue[second]))
        if pairs:
            found.append(_lead(first, second, pairs))
    return tuple(found)


def _together(ones: Sequence[Rise], others: Sequence[Rise]) -> Iterable[tuple[Rise, Rise]]:
    """For every rise the nearest of the other venue, once, where it lies near enough."""
    free = list(others)
    for one in ones:
        near = min(free, key=lambda other: abs(other.until - one.until), default=None)
        if near is not None and abs(near.until - one.until) <= timedelta(days=DAYS):
            free.remove(near)
            yield one, near


def _lead(first: str, second: str, pairs: Sequence[tuple[Rise, Rise]]) -> LeadLag:
    led = sum(one.until <= other.since for one, other in pairs)
    lagged = sum(other.until <= one.since for one, other in pairs)
    days = [(other.until - one.until).total_seconds() / 86_400 for one, other in pairs]
    return LeadLag(first, second, led, lagged, len(pairs) - led - lagged, median(days))
