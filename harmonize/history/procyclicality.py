"""How a margin moved over time: peak to trough, the largest rise in so many days, large calls.

A position stays the same, and its margin holds from one observation to the next. Definitions: CPMI-IOSCO
Public quantitative disclosure standards 6.5 and 6.9; Murphy, Vasios and Vause, "An investigation into
the procyclicality of risk-based initial margin models", Bank of England FSP 29 (2014).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise
from statistics import median

from harmonize.document.history import MarginSeries

DAYS = (1, 5, 30)
"""The horizons, in days, of the largest rise."""

LARGE = 0.25
"""A rise by this share from one observation to the next is a large call: a convention of this tool."""


@dataclass(frozen=True, slots=True)
class Rise:
    """The largest rise within ``days``, max M(t + days) / M(t) − 1 or 0, and when it was observed.

    M holds from an observation up to the next one, so that a change counts as of the day on which it
    was seen. Where observations lie further apart than ``days``, several changes may be one.
    """

    days: int
    share: float
    at: str


@dataclass(frozen=True, slots=True)
class Responsiveness:
    """How one margin at one notional moved; None and 0 of fewer than two observations.

    ``peak_to_trough`` is the largest over the smallest margin, ``calls`` counts rises of a quarter or
    more between neighbouring observations, ``widest_days`` is the longest time without one.
    """

    observations: int
    peak_to_trough: float | None
    rises: tuple[Rise, ...]
    calls: int
    widest_days: float


def responsiveness(points: Sequence[tuple[datetime, float]]) -> Responsiveness:
    """Measure a series of margins in order of time; margins are above 0."""
    margins = [margin for _, margin in points]
    gaps = [(later - sooner).total_seconds() / 86_400 for (sooner, _), (later, _) in _pairs(points)]
    calls = sum(now >= was * (1.0 + LARGE) for (_, was), (_, now) in _pairs(points))
    return Responsiveness(
        observations=len(points),
        peak_to_trough=max(margins) / min(margins) if len(points) > 1 else None,
        rises=tuple(found for days in DAYS if (found := _largest(points, days)) is not None),
        calls=calls,
        widest_days=max(gaps, default=0.0),
    )


_Point = tuple[datetime, float]


def _pairs(points: Sequence[_Point]) -> list[tuple[_Point, _Point]]:
    return list(pairwise(points))


def _largest(points: Sequence[_Point], days: int) -> Rise | None:
    """The largest n-day rise of the step function, each margin in force until the next observation.

    M(t) is that of observation i and M(t + n) that of observation j for some t where ``t_j − n`` lies
    before ``t_{i+1}`` and ``t_{j+1} − n`` after ``t_i``.
    """
    window, best = timedelta(days=days), None
    for place, (later, now) in enumerate(points):
        after = points[place + 1][0] if place + 1 < len(points) else None
        for (begun, was), (ended, _) in reversed(_pairs(points[: place + 1])):
            if later - ended >= window:
                break
            if (after is None or after - begun > window) and (
                best is None or now / was - 1.0 > best[0]
            ):
                best = (now / was - 1.0, later)
    if len(points) < 2:  # noqa: PLR2004 - nothing moved that was seen once
        return None
    rose = best is not None and best[0] > 0.0
    return (
        Rise(days, best[0], f"{best[1]:%Y-%m-%dT%H:%M:%SZ}")
        if best and rose
        else Rise(days, 0.0, "")
    )


@dataclass(frozen=True, slots=True)
class LargestRise:
    """The largest rise within ``days`` of any schedule of a venue, of which, and when it was seen."""

    days: int
    share: float
    symbol: str
    at: str


@dataclass(frozen=True, slots=True)
class VenueMoves:
    """IM or MM of a venue's schedules at one notional over time.

    ``schedules`` counts those with a margin there at two times or more, ``moved`` those that changed.
    Peak to trough is the largest margin over the smallest: its median, its largest, and whose that is.
    ``calls`` are rises of a quarter or more from one observation to the next, of all together.
    """

    venue: str
    figure: str
    notional: float
    schedules: int
    moved: int
    median_peak_to_trough: float
    largest_peak_to_trough: float
    symbol: str
    rises: tuple[LargestRise, ...]
    calls: int


def venue_moves(courses: Sequence[MarginSeries]) -> tuple[VenueMoves, ...]:
    """Measure the courses of one venue, by figure and notional."""
    groups: dict[tuple[str, float], list[MarginSeries]] = {}
    for one in courses:
        groups.setdefault((one.margin_type, one.notional), []).append(one)
    found = (_measured(held) for _, held in sorted(groups.items()))
    return tuple(one for one in found if one is not None)


def _measured(courses: Sequence[MarginSeries]) -> VenueMoves | None:
    each: Mapping[str, Responsiveness] = {
        one.symbol: responsiveness(points) for one in courses if len(points := _points(one)) > 1
    }
    if not each:
        return None
    ratios = {symbol: one.peak_to_trough or 1.0 for symbol, one in each.items()}
    symbol = max(sorted(ratios), key=lambda one: ratios[one])
    first = courses[0]
    return VenueMoves(
        first.venue,
        first.margin_type,
        first.notional,
        len(each),
        sum(one > 1.0 for one in ratios.values()),
        median(ratios.values()),
        ratios[symbol],
        symbol,
        _largest_rises(each),
        sum(one.calls for one in each.values()),
    )


def _points(course: MarginSeries) -> list[tuple[datetime, float]]:
    """The margins above 0 where they changed, and the last once more when it was last observed."""
    found = [
        (datetime.fromisoformat(one.observed_at), one.rate)
        for one in course.points
        if one.rate is not None and one.rate > 0.0
    ]
    until = datetime.fromisoformat(course.until)
    if found and course.points[-1].rate is not None and found[-1][0] < until:
        found.append((until, found[-1][1]))
    return found


def _largest_rises(each: Mapping[str, Responsiveness]) -> tuple[LargestRise, ...]:
    found: dict[int, LargestRise] = {}
    for symbol, measured in sorted(each.items()):
        for one in measured.rises:
            best = found.get(one.days)
            if best is None or one.share > best.share:
                found[one.days] = LargestRise(one.days, one.share, symbol, one.at)
    return tuple(found[days] for days in sorted(found))
