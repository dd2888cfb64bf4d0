"""What courses of margins say: the rate in force, extremes, the largest move, and stress before it."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from harmonize.document.history import MarginSeries, SeriesPoint, StressWindow
from harmonize.text import numbers
from reports.charts.dates import moment

_AFTERMATH = 14.0
"""The days after a window of stress in which a move is told with it."""


@dataclass(frozen=True, slots=True)
class Leap:
    """The largest move of a course from one mark to the next."""

    course: MarginSeries
    before: float
    after: float
    at: str

    @property
    def size(self) -> float:
        """How far, as the logarithm of a ratio without its sign."""
        return abs(math.log(self.after / self.before))


def in_force(marks: Sequence[SeriesPoint], until: str, at: str) -> float | None:
    """The rate that holds at a moment; None before the first mark, after the last observation."""
    day = moment(at)
    past = [one for one in marks if moment(one.observed_at) <= day]
    return past[-1].rate if past and day <= moment(until) else None


def known(course: MarginSeries) -> list[float]:
    """The rates above 0, in order of time."""
    return [one.rate for one in course.points if one.rate is not None and one.rate > 0.0]


def peak_to_trough(course: MarginSeries) -> float | None:
    """The largest rate over the smallest; None of fewer than two rates."""
    rates = known(course)
    return max(rates) / min(rates) if len(rates) > 1 else None


def moves(course: MarginSeries) -> int:
    """How often the rate changed; becoming known or unknown is no change."""
    rates = [one.rate for one in course.points if one.rate is not None]
    return sum(one != other for one, other in pairwise(rates))


def leap(course: MarginSeries) -> Leap | None:
    """The largest move, of equal ones the first; None where the rate never moved.

    What moved while the rate was not known is a move, seen when it was known again.
    """
    marks = [(one.rate, one.observed_at) for one in course.points if one.rate]
    found = [
        Leap(course, before, after, at)
        for (before, _), (after, at) in pairwise(marks)
        if before != after
    ]
    return max(found, key=lambda one: one.size, default=None)


def most_moved(courses: Sequence[MarginSeries]) -> MarginSeries | None:
    """The course with the largest peak over trough, IM before MM, then the smaller size."""
    moved = [one for one in courses if (peak_to_trough(one) or 1.0) > 1.0]
    return min(
        moved,
        key=lambda one: (one.margin_type != "initial", -(peak_to_trough(one) or 1.0), one.notional),
        default=None,
    )


def near(stress: Sequence[StressWindow], first: str, days: float = 0.0) -> str:
    """Name the last window that a moment, or any of `days` from it, lies in or soon after."""
    begun = moment(first)
    found = [
        one
        for one in stress
        if moment(one.first) < begun + max(days, 1e-9)
        and begun < moment(one.last) + 1.0 + _AFTERMATH
    ]
    if not found:
        return ""
    last = max(found, key=lambda one: one.first)
    after = math.floor(begun) - math.floor(moment(last.last))
    when = f"{numbers.counted(after, 'day')} after" if after > 0 else "in"
    return f"{when} the stress of {numbers.span(last.first, last.last)} ({last.name})"
