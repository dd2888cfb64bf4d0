"""How margins moved over time, as a section of the report: pictures, each with its table."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

from harmonize.document.history import History, MarginSeries, StressWindow, Week
from harmonize.text import numbers
from harmonize.text.words import some
from reports.charts.margin_curves import COLOURS, DASHES
from reports.charts.step_lines import Line, steps
from reports.charts.svg import Frame
from reports.charts.weekly_bars import by_week
from reports.html.history_captions import said_of_schedule, said_of_underlying, said_of_weeks
from reports.html.page import OverTime, Picture, Track
from reports.html.references import anchor
from reports.html.series_stats import in_force, known, most_moved, moves, peak_to_trough

UNDERLYINGS, SCHEDULES, VENUES = 12, 3, 8
"""How many underlyings are drawn, how many schedules of each, and the changes of how many venues."""

_ABBREVIATED = {"initial": "IM", "maintenance": "MM"}
_DASHED = {"initial": "d0", "maintenance": "d2"}


def over_time(past: History, notional: float, styles: Mapping[str, int]) -> OverTime | None:
    """Build the section; None where nothing is known of the past.

    Venues are compared at `notional` where anything was followed there; `styles` gives a venue the
    number of its style, the same in all drawings.
    """
    assets = list(dict.fromkeys(one.underlying for one in past.series))
    venues = sorted(_eventful(past.weeks))
    if not assets and not venues:
        return None
    named = sorted({one.venue for one in past.series} - styles.keys())
    styles = {**styles, **{venue: len(styles) + n for n, venue in enumerate(named)}}
    tracks = [
        _underlying(
            [one for one in past.series if one.underlying == asset], past, notional, styles, n
        )
        for n, asset in enumerate(assets[:UNDERLYINGS])
    ]
    busiest = sorted(venues, key=lambda venue: (-_total(past.weeks, venue), venue))
    if venues:
        tracks.append(_venues(busiest[:VENUES], past))
    return OverTime(
        tuple(tracks),
        tuple((numbers.span(one.first, one.last), one.name, one.source) for one in _shown(past)),
        _left(assets[UNDERLYINGS:], busiest[VENUES:]),
    )


def _eventful(weeks: Iterable[Week]) -> set[str]:
    """The venues that changed schedules in more than one week: one alone is no drawing."""
    counts = Counter(one.venue for one in weeks if _changed(one))
    return {venue for venue, number in counts.items() if number > 1}


def _changed(week: Week) -> int:
    return week.tighter + week.looser + week.mixed + week.other


def _total(weeks: Iterable[Week], venue: str) -> int:
    return sum(_changed(one) for one in weeks if one.venue == venue)


def _left(assets: Sequence[str], venues: Sequence[str]) -> str:
    parts = [f"underlyings {some(assets, 6)}"] * bool(assets)
    parts += [f"the weeks of {some(venues, 6)}"] * bool(venues)
    return f"Left out for length: {'; '.join(parts)}." if parts else ""


def _shown(past: History) -> list[StressWindow]:
    """The windows that any of the drawings may show."""
    firsts = [one.points[0].observed_at for one in past.series if one.points]
    firsts += [one.week for one in past.weeks]
    lasts = [one.until for one in past.series] + [one.week for one in past.weeks]
    if not firsts:
        return []
    return [
        one
        for one in past.stress_windows
        if one.last >= min(firsts)[:10] and one.first <= max(lasts)
    ]


def _underlying(
    courses: Sequence[MarginSeries],
    past: History,
    notional: float,
    styles: Mapping[str, int],
    number: int,
) -> Track:
    asset = courses[0].underlying
    size = _common(courses, notional)
    across = [one for one in courses if one.margin_type == "initial" and one.notional == size]
    schedules: dict[tuple[str, str, str], list[MarginSeries]] = {}
    for one in courses:
        schedules.setdefault((one.venue, one.symbol, one.profile), []).append(one)
    moved = [rows for rows in schedules.values() if most_moved(rows) is not None]
    moved.sort(key=lambda rows: -max(peak_to_trough(one) or 1.0 for one in rows))
    pictures = (
        [underlying_picture(across, past.stress_windows, styles, number)] if len(across) > 1 else []
    )
    pictures += [
        schedule_picture(rows, past.stress_windows, f"{number}-{place}")
        for place, rows in enumerate((moved or [*schedules.values()][:1])[:SCHEDULES])
    ]
    left = len(moved) - SCHEDULES
    note = (
        f"{numbers.counted(left, 'schedule')} that moved less {'is' if left == 1 else 'are'} not drawn."
        if left > 0
        else ""
    )
    return Track(asset, anchor("past", asset, number), note, tuple(pictures))


def _common(courses: Sequence[MarginSeries], notional: float) -> float:
    """The size asked for, else the one at which most were followed, the smaller of equals."""
    sizes = [one.notional for one in courses if one.margin_type == "initial"]
    if notional in sizes or not sizes:
        return notional
    return min(sizes, key=lambda size: (-sizes.count(size), size))


def underlying_picture(
    courses: Sequence[MarginSeries],
    stress: Sequence[StressWindow],
    styles: Mapping[str, int],
    number: int,
) -> Picture:
    """All venues at one size."""
    asset, size = courses[0].underlying, courses[0].notional
    venues = [one.venue for one in courses]
    lines = []
    for one in courses:
        name = one.venue if venues.count(one.venue) == 1 else f"{one.venue} {one.symbol}"
        style = styles[one.venue]
        lines.append(Line(name, f"c{style % COLOURS} d{style % DASHES}", one.points, one.until))
    caption = said_of_underlying(courses, stress)
    frame = Frame(anchor("venues", asset, number), f"IM on {asset} over time", caption)
    rows = [
        (
            line.name,
            *(numbers.rate(rate) for rate in _extremes(one)),
            numbers.times(peak_to_trough(one)),
            numbers.count(moves(one)),
            numbers.span(one.points[0].observed_at, one.until),
        )
        for line, one in zip(lines, courses, strict=True)
    ]
    return Picture(
        f"IM of {numbers.usd(size)} at every venue",
        "margin over notional",
        steps(frame, lines, stress),
        (),
        caption,
        (
            "Venue",
            "First",
            "Lowest",
            "Highest",
            "Last",
            "Highest over lowest",
            "Changes",
            "Observed",
        ),
        tuple(rows),
        _span(courses),
        tall=len(lines) > 16,  # noqa: PLR2004 - taller than two other drawings
    )


def _extremes(course: MarginSeries) -> tuple[float | None, ...]:
    rates = known(course)
    if not rates:
        return (None,) * 4
    return course.points[0].rate, min(rates), max(rates), course.points[-1].rate


def schedule_picture(
    courses: Sequence[MarginSeries], stress: Sequence[StressWindow], number: str
) -> Picture:
    """IM and MM of one schedule at several sizes."""
    one = courses[0]
    lines = _merged(courses)
    caption = said_of_schedule(courses, stress)
    frame = Frame(f"schedule-{number}", f"{one.symbol} at {one.venue} over time", caption)
    moments = sorted({mark.observed_at for line in lines for mark in line.marks})
    found = [(at, [in_force(line.marks, line.until, at) for line in lines]) for at in moments]
    rows = [
        (numbers.date(at), *map(numbers.rate, rates))
        for place, (at, rates) in enumerate(found)
        if not place or rates != found[place - 1][1]
    ]
    profile = "" if one.profile == "any" else f", {one.profile}"
    return Picture(
        f"{one.symbol} at {one.venue}{profile}",
        "margin over notional",
        steps(frame, lines, stress),
        (),
        caption,
        ("From", *(line.name for line in lines)),
        tuple(rows),
        _span(courses),
    )


def _merged(courses: Sequence[MarginSeries]) -> list[Line]:
    """One line for all sizes of a figure that moved alike, in the colour of the least."""
    sizes = sorted({one.notional for one in courses})
    groups: dict[tuple[object, ...], list[MarginSeries]] = {}
    for one in sorted(courses, key=lambda one: (one.margin_type, one.notional)):
        groups.setdefault((one.margin_type, one.points, one.until), []).append(one)
    lines = []
    for group in groups.values():
        first, held = group[0], [one.notional for one in group]
        neighbours = sizes[sizes.index(held[0]) : sizes.index(held[-1]) + 1] == held
        between = "–" if neighbours and len(held) > 1 else ", "
        ends = [held[0], held[-1]] if between == "–" else held
        name = (
            f"{_ABBREVIATED[first.margin_type]} {between.join(numbers.usd(size) for size in ends)}"
        )
        css = f"c{sizes.index(first.notional) % COLOURS} {_DASHED[first.margin_type]}"
        lines.append(Line(name, css, first.points, first.until))
    return lines


def _span(courses: Sequence[MarginSeries]) -> str:
    return numbers.span(
        min(one.points[0].observed_at for one in courses), max(one.until for one in courses)
    )


def _venues(venues: Sequence[str], past: History) -> Track:
    """The changes of venues by week."""
    pictures = [
        weeks_picture(
            [one for one in past.weeks if one.venue == venue], past.stress_windows, number
        )
        for number, venue in enumerate(venues)
    ]
    return Track("Changes by week", "past-weeks", "", tuple(pictures))


def weeks_picture(weeks: Sequence[Week], stress: Sequence[StressWindow], number: int) -> Picture:
    """The changes of one venue by week; there is one week at least."""
    weeks = sorted(weeks, key=lambda one: one.week)
    venue = weeks[0].venue
    caption = said_of_weeks(weeks, stress)
    frame = Frame(anchor("weeks", venue, number), f"Changes at {venue} by week", caption)
    rows = [
        (
            numbers.date(one.week),
            *map(numbers.count, (one.tighter, one.looser, one.mixed, one.other)),
            *map(numbers.count, (one.listed, one.delisted)),
        )
        for one in weeks
        if _changed(one) or one.listed or one.delisted
    ]
    columns = ("Week of", "Tighter", "Looser", "Mixed", "Other", "Listed", "Delisted")
    dates = numbers.span(weeks[0].week, weeks[-1].week)
    svg = by_week(frame, weeks, stress)
    return Picture(
        venue, "schedules changed in a week", svg, (), caption, columns, tuple(rows), dates
    )
