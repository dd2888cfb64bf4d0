"""How far the margins of a venue moved: over all its schedules, at each notional."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from statistics import median

from harmonize.document.history import Course
from harmonize.history.procyclicality import Responsiveness, responsiveness


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


def venue_moves(courses: Sequence[Course]) -> tuple[VenueMoves, ...]:
    """Measure the courses of one venue, by figure and notional."""
    groups: dict[tuple[str, float], list[Course]] = {}
    for one in courses:
        groups.setdefault((one.figure, one.notional), []).append(one)
    found = (_measured(held) for _, held in sorted(groups.items()))
    return tuple(one for one in found if one is not None)


def _measured(courses: Sequence[Course]) -> VenueMoves | None:
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
        first.figure,
        first.notional,
        len(each),
        sum(one > 1.0 for one in ratios.values()),
        median(ratios.values()),
        ratios[symbol],
        symbol,
        _largest(each),
        sum(one.calls for one in each.values()),
    )


def _points(course: Course) -> list[tuple[datetime, float]]:
    """The margins above 0 where they changed, and the last once more when it was last observed."""
    found = [
        (datetime.fromisoformat(one.observed_at), one.rate)
        for one in course.marks
        if one.rate is not None and one.rate > 0.0
    ]
    until = datetime.fromisoformat(course.until)
    if found and course.marks[-1].rate is not None and found[-1][0] < until:
        found.append((until, found[-1][1]))
    return found


def _largest(each: Mapping[str, Responsiveness]) -> tuple[LargestRise, ...]:
    found: dict[int, LargestRise] = {}
    for symbol, measured in sorted(each.items()):
        for one in measured.rises:
            best = found.get(one.days)
            if best is None or one.share > best.share:
                found[one.days] = LargestRise(one.days, one.share, symbol, one.at)
    return tuple(found[days] for days in sorted(found))
