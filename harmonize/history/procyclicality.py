"""Procyclicality measures: peak-to-trough ratio, largest n-day increase and number of large increases.

The position is constant and a margin stays in force until the next observation. Definitions: CPMI-IOSCO
Public quantitative disclosure standards 6.5 and 6.9; Murphy, Vasios and Vause, "An investigation into
the procyclicality of risk-based initial margin models", Bank of England FSP 29 (2014).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise
from statistics import median

from harmonize.document.history import MarginSeries
from harmonize.text.messages import iso_utc

HORIZONS = (1, 5, 30)
"""Horizons of the largest increase, in days."""

LARGE_INCREASE = 0.25
"""Smallest increase between two observations that counts as large. A convention of this tool."""


@dataclass(frozen=True, slots=True)
class LargestIncrease:
    """Largest increase within ``days``: max M(t + days) / M(t) − 1, or 0, and its observation time.

    M stays in force until the next observation, so that a change counts from the day of its
    observation. Where observations are further apart than ``days``, several changes may count as one.
    """

    days: int
    share: float
    at: str


@dataclass(frozen=True, slots=True)
class Procyclicality:
    """Procyclicality of one margin at one notional.

    ``peak_to_trough`` is the largest margin divided by the smallest; None for fewer than two
    observations. ``calls`` counts increases of ``LARGE_INCREASE`` or more between two consecutive
    observations. ``widest_days`` is the longest time between two observations, in days.
    """

    observations: int
    peak_to_trough: float | None
    rises: tuple[LargestIncrease, ...]
    calls: int
    widest_days: float


_Point = tuple[datetime, float]


def measure_procyclicality(points: Sequence[_Point]) -> Procyclicality:
    """Returns the measures of a chronological series of margins, all above 0."""
    margins = [margin for _, margin in points]
    intervals = [
        (later - sooner).total_seconds() / 86_400 for (sooner, _), (later, _) in pairwise(points)
    ]
    calls = sum(
        after >= before * (1.0 + LARGE_INCREASE) for (_, before), (_, after) in pairwise(points)
    )
    increases = (_largest_increase(points, days) for days in HORIZONS)
    return Procyclicality(
        observations=len(points),
        peak_to_trough=max(margins) / min(margins) if len(points) > 1 else None,
        rises=tuple(increase for increase in increases if increase is not None),
        calls=calls,
        widest_days=max(intervals, default=0.0),
    )


def _largest_increase(points: Sequence[_Point], days: int) -> LargestIncrease | None:
    """Returns the largest n-day increase of the step function; None for fewer than two points.

    M(t) is that of observation i and M(t + n) that of observation j for some t if ``t_j − n`` lies
    before ``t_{i+1}`` and ``t_{j+1} − n`` after ``t_i``.
    """
    if len(points) < 2:  # noqa: PLR2004 - a single observation shows no movement
        return None
    window = timedelta(days=days)
    best: tuple[float, datetime] | None = None
    for position, (time, margin) in enumerate(points):
        following = points[position + 1][0] if position + 1 < len(points) else None
        for (start, before), (end, _) in reversed(list(pairwise(points[: position + 1]))):
            if time - end >= window:
                break
            if (following is None or following - start > window) and (
                best is None or margin / before - 1.0 > best[0]
            ):
                best = (margin / before - 1.0, time)
    if best is None or best[0] <= 0.0:
        return LargestIncrease(days, 0.0, "")
    return LargestIncrease(days, best[0], iso_utc(best[1]))


@dataclass(frozen=True, slots=True)
class VenueIncrease:
    """Largest increase within ``days`` of any schedule of a venue: symbol and observation time."""

    days: int
    share: float
    symbol: str
    at: str


@dataclass(frozen=True, slots=True)
class VenueProcyclicality:
    """Procyclicality of IM or MM of a venue's schedules at one notional.

    ``schedules`` counts those with a margin at two or more times, ``moved`` those that changed.
    The peak-to-trough ratio is the largest margin divided by the smallest. Its median and its largest
    value are reported, the latter with its symbol. ``calls`` counts large increases of all schedules.
    """

    venue: str
    margin_type: str
    notional: float
    schedules: int
    moved: int
    median_peak_to_trough: float
    largest_peak_to_trough: float
    symbol: str
    rises: tuple[VenueIncrease, ...]
    calls: int


def measure_venue(series: Sequence[MarginSeries]) -> tuple[VenueProcyclicality, ...]:
    """Returns the procyclicality of one venue's series, by margin type and notional."""
    groups: dict[tuple[str, float], list[MarginSeries]] = {}
    for schedule in series:
        groups.setdefault((schedule.margin_type, schedule.notional), []).append(schedule)
    measured = (_measure_group(group) for _, group in sorted(groups.items()))
    return tuple(result for result in measured if result is not None)


def _measure_group(group: Sequence[MarginSeries]) -> VenueProcyclicality | None:
    """Returns the measures of series of one margin type and notional; None if none has two points."""
    by_symbol = {
        series.symbol: measure_procyclicality(points)
        for series in group
        if len(points := _points(series)) > 1
    }
    if not by_symbol:
        return None
    ratios = {symbol: measures.peak_to_trough or 1.0 for symbol, measures in by_symbol.items()}
    largest = max(sorted(ratios), key=lambda symbol: ratios[symbol])
    return VenueProcyclicality(
        venue=group[0].venue,
        margin_type=group[0].margin_type,
        notional=group[0].notional,
        schedules=len(by_symbol),
        moved=sum(ratio > 1.0 for ratio in ratios.values()),
        median_peak_to_trough=median(ratios.values()),
        largest_peak_to_trough=ratios[largest],
        symbol=largest,
        rises=_largest_increases(by_symbol),
        calls=sum(measures.calls for measures in by_symbol.values()),
    )


def _points(series: MarginSeries) -> list[_Point]:
    """Returns the margins above 0 at each change, and the last one at the newest observation."""
    points = [
        (datetime.fromisoformat(point.observed_at), point.rate)
        for point in series.points
        if point.rate is not None and point.rate > 0.0
    ]
    until = datetime.fromisoformat(series.until)
    if points and series.points[-1].rate is not None and points[-1][0] < until:
        points.append((until, points[-1][1]))
    return points


def _largest_increases(by_symbol: Mapping[str, Procyclicality]) -> tuple[VenueIncrease, ...]:
    """Returns the largest increase over all symbols per horizon; of equal ones the first symbol's."""
    largest: dict[int, VenueIncrease] = {}
    for symbol, measures in sorted(by_symbol.items()):
        for increase in measures.rises:
            best = largest.get(increase.days)
            if best is None or increase.share > best.share:
                largest[increase.days] = VenueIncrease(
                    increase.days, increase.share, symbol, increase.at
                )
    return tuple(largest[days] for days in sorted(largest))
