"""What drawings over time show, as sentences made of the same numbers."""

import math
from collections.abc import Sequence

from harmonize.document.history import MarginSeries, StressWindow, Week
from harmonize.text import numbers
from reports.charts.dates import day_of, moment
from reports.html.series_stats import Leap, known, leap, most_moved, near, peak_to_trough

_NAMED = {"initial": "IM", "maintenance": "MM"}
_WEEK = 7.0


def said_of_schedule(courses: Sequence[MarginSeries], stress: Sequence[StressWindow]) -> str:
    """Say how the size moved whose margin moved most."""
    course = most_moved(courses)
    largest = leap(course) if course else None
    if course is None or largest is None:
        if not any(known(one) for one in courses):
            return "No margin of it was known."
        first, last = courses[0].points[0].observed_at, max(one.until for one in courses)
        return f"No margin of it moved from {numbers.date(first)} to {numbers.date(last)}."
    ratio = numbers.times(peak_to_trough(course))
    return (
        f"{_NAMED[course.margin_type]} at {numbers.usd(course.notional)} {_moved(largest, stress)};"
        f" its highest is {ratio} its lowest."
    )


def said_of_underlying(courses: Sequence[MarginSeries], stress: Sequence[StressWindow]) -> str:
    """Say between what venues last lay, which of them moved most, and how many were seen once."""
    size, asset = numbers.usd(courses[0].notional), courses[0].underlying
    last = [(one.points[-1].rate, one.venue) for one in courses if one.points[-1].rate is not None]
    parts = [f"When last observed, IM of {size} of {asset} {_between(last)}."] if last else []
    course = most_moved(courses)
    largest = leap(course) if course else None
    if course and largest:
        parts.append(f"It moved most at {course.venue}, where it {_moved(largest, stress)}.")
    else:
        parts.append("It moved nowhere.")
    once = sum(one.points[0].observed_at == one.until for one in courses if known(one))
    if once:
        were = "venue was" if once == 1 else "venues were"
        parts.append(f"{numbers.count(once)} {were} observed once, drawn as dots.")
    return " ".join(parts)


def _between(last: Sequence[tuple[float, str]]) -> str:
    (low, lowest), (high, highest) = min(last), max(last)
    if low == high:
        where = f"at {lowest}" if len(last) == 1 else f"at all {numbers.count(len(last))} venues"
        return f"was {numbers.rate(low)} {where}"
    return f"lay between {numbers.rate(low)} at {lowest} and {numbers.rate(high)} at {highest}"


def said_of_weeks(weeks: Sequence[Week], stress: Sequence[StressWindow]) -> str:
    """Say how many schedules tightened and loosened, when most, and how much of it near stress."""
    tighter, looser, mixed = (
        sum(getattr(one, kind) for one in weeks) for kind in ("tighter", "looser", "mixed")
    )
    said = (
        f"From {numbers.date(weeks[0].week)} to {numbers.date(weeks[-1].week)} margins tightened"
        f" {_often(tighter)}, loosened {_often(looser)} and did both, at different sizes,"
        f" {_often(mixed)}."
    )
    most = max(weeks, key=lambda one: one.tighter + one.looser + one.mixed)
    total = most.tighter + most.looser + most.mixed
    if total:
        said += (
            f" Most changed in the week of {numbers.date(most.week)}:"
            f" {numbers.counted(most.tighter, 'tighter', 'tighter')},"
            f" {numbers.count(most.looser)} looser, {numbers.count(most.mixed)} mixed."
        )
    span = _mondays(weeks[0].week, weeks[-1].week)
    shaken = {monday for monday in span if near(stress, monday, _WEEK)}
    if tighter and shaken:
        held = sum(one.tighter for one in weeks if one.week in shaken)
        said += (
            f" {numbers.share(held, tighter)} of the tightenings fell into the"
            f" {numbers.share(len(shaken), len(span))} of weeks in or up to 14 days after stress."
        )
    return said


def _mondays(first: str, last: str) -> list[str]:
    """All weeks of a span, also those in which nothing changed."""
    days = range(math.floor(moment(first)), math.floor(moment(last)) + 1, 7)
    return [day_of(day).isoformat() for day in days]


def _moved(largest: Leap, stress: Sequence[StressWindow]) -> str:
    word = "rose" if largest.after > largest.before else "fell"
    beside = near(stress, largest.at)
    return (
        f"{word} from {numbers.rate(largest.before)} to {numbers.rate(largest.after)}, first seen on"
        f" {numbers.date(largest.at)}{f', {beside}' if beside else ''}"
    )


def _often(times: int) -> str:
    return numbers.counted(times, "time")
