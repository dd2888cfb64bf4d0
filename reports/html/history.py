"""Section on margins over time: charts, each with its table."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

from harmonize.document.history import (
    History,
    MarginSeries,
    ObservationGap,
    StressWindow,
    Week,
)
from harmonize.text import numbers
from harmonize.text.words import first_words, margin_abbreviation, marked
from reports.charts.step_lines import StepLine, step_lines
from reports.charts.svg import COLOURS, EMPHASISED, Frame, line_css
from reports.charts.weekly_bars import weekly_bars
from reports.html.history_captions import (
    gaps_text,
    has_dated_changes,
    schedule_caption,
    underlying_caption,
    weeks_caption,
)
from reports.html.page import Chart, HistorySection, HistoryView
from reports.html.references import make_anchor
from reports.html.series_stats import (
    change_count,
    is_exact,
    most_changed,
    peak_to_trough,
    positive_rates,
    rate_text,
    rate_text_at,
)
from reports.lookup import date_text, earliest_date

UNDERLYINGS, SCHEDULES, VENUES = 12, 3, 8
"""Largest number of underlyings, schedules per underlying, and venues with weekly charts."""

_DASHES_BY_TYPE = {"initial": "d0", "maintenance": "d2"}


def history_view(
    history: History, notional: float, styles: Mapping[str, int]
) -> HistoryView | None:
    """Builds the section; `None` if the document contains no history.

    Venues are compared at `notional`, if a series exists there. `styles` gives the style number
    of each venue, the same in all charts.
    """
    assets = list(dict.fromkeys(series.underlying for series in history.series))
    venues = sorted(_venues_with_changes(history.weeks))
    if not assets and not venues:
        return None
    new_venues = sorted({series.venue for series in history.series} - styles.keys())
    styles = {**styles, **{venue: len(styles) + number for number, venue in enumerate(new_venues)}}
    sections = [
        _underlying_section(
            [series for series in history.series if series.underlying == asset],
            history,
            notional,
            styles,
            number,
        )
        for number, asset in enumerate(assets[:UNDERLYINGS])
    ]
    busiest = sorted(venues, key=lambda venue: (-_venue_total(history.weeks, venue), venue))
    if venues:
        sections.append(_weeks_section(busiest[:VENUES], history))
    return HistoryView(
        tuple(sections),
        tuple(
            (numbers.date_range(window.first, window.last), window.name, window.source)
            for window in _visible_stress(history)
        ),
        _omitted(assets[UNDERLYINGS:], busiest[VENUES:]),
    )


def _venues_with_changes(weeks: Iterable[Week]) -> set[str]:
    """Venues that changed schedules in more than one week; a single week makes no chart."""
    counts = Counter(week.venue for week in weeks if _change_total(week))
    return {venue for venue, number in counts.items() if number > 1}


def _change_total(week: Week) -> int:
    return week.tighter + week.looser + week.mixed + week.other


def _venue_total(weeks: Iterable[Week], venue: str) -> int:
    return sum(_change_total(week) for week in weeks if week.venue == venue)


def _omitted(assets: Sequence[str], venues: Sequence[str]) -> str:
    omitted = [f"underlyings {first_words(assets, 6)}"] * bool(assets)
    omitted += [f"weekly charts of {first_words(venues, 6)}"] * bool(venues)
    return f"Omitted: {'; '.join(omitted)}." if omitted else ""


def _visible_stress(history: History) -> list[StressWindow]:
    """Windows of stress within the dates of any chart."""
    weeks = [week.week for week in history.weeks if has_dated_changes(week)]
    firsts = [series.points[0].observed_at for series in history.series if series.points] + weeks
    lasts = [series.until for series in history.series] + weeks
    if not firsts:
        return []
    return [
        window
        for window in history.stress_windows
        if window.last >= min(firsts)[:10] and window.first <= max(lasts)
    ]


def _underlying_section(
    all_series: Sequence[MarginSeries],
    history: History,
    notional: float,
    styles: Mapping[str, int],
    number: int,
) -> HistorySection:
    asset = all_series[0].underlying
    charts, note = underlying_charts(all_series, history, notional, styles, number)
    return HistorySection(asset, make_anchor("history", asset, number), note, tuple(charts))


def underlying_charts(
    all_series: Sequence[MarginSeries],
    history: History,
    notional: float,
    styles: Mapping[str, int],
    number: int,
) -> tuple[list[Chart], str]:
    """Returns the charts of one underlying, venues first, and a note on what they omit.

    Venues are compared at `notional`, if a series exists there. `number` keeps ids of one page apart.
    """
    common_notional = _common_notional(all_series, notional)
    initial_series = [
        series
        for series in all_series
        if series.margin_type == "initial" and series.notional == common_notional
    ]
    schedules: dict[tuple[str, str, str], list[MarginSeries]] = {}
    for series in all_series:
        schedules.setdefault((series.venue, series.symbol, series.profile), []).append(series)
    changed = [group for group in schedules.values() if most_changed(group) is not None]
    changed.sort(key=lambda group: -max(peak_to_trough(series) or 1.0 for series in group))
    charts = (
        [underlying_chart(initial_series, history.stress_windows, styles, number)]
        if len(initial_series) > 1
        else []
    )
    charts += [
        schedule_chart(group, history.stress_windows, f"{number}-{rank}")
        for rank, group in enumerate((changed or [*schedules.values()][:1])[:SCHEDULES])
    ]
    omitted = len(changed) - SCHEDULES
    note = (
        f"{numbers.count_text(omitted, 'schedule')} with smaller changes {'is' if omitted == 1 else 'are'} omitted."
        if omitted > 0
        else ""
    )
    return charts, note


def _common_notional(all_series: Sequence[MarginSeries], notional: float) -> float:
    """Returns `notional` if a series exists there, otherwise the most frequent, smallest notional."""
    notionals = [series.notional for series in all_series if series.margin_type == "initial"]
    if notional in notionals or not notionals:
        return notional
    return min(notionals, key=lambda candidate: (-notionals.count(candidate), candidate))


def underlying_chart(
    all_series: Sequence[MarginSeries],
    stress: Sequence[StressWindow],
    styles: Mapping[str, int],
    number: int,
) -> Chart:
    """Returns the chart of IM at all venues, at one notional."""
    asset, notional = all_series[0].underlying, all_series[0].notional
    venues = [series.venue for series in all_series]
    emphasised = _emphasised(all_series)
    lines = []
    for series in all_series:
        name = (
            series.venue if venues.count(series.venue) == 1 else f"{series.venue} {series.symbol}"
        )
        style = styles[series.venue]
        lines.append(
            StepLine(
                marked(name, series.points[-1].status),
                line_css(style),
                series.points,
                series.until,
                series in emphasised,
                series.gaps,
            )
        )
    caption = f"{underlying_caption(all_series, stress)}{gaps_text(all_series)}"
    frame = Frame(make_anchor("venues", asset, number), f"IM on {asset} over time", caption)
    return Chart(
        f"IM at {numbers.usd(notional)}, all venues",
        "margin as a share of notional",
        step_lines(frame, lines, stress),
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
        tuple(
            _series_row(line.name, series) for line, series in zip(lines, all_series, strict=True)
        ),
        _dates(all_series),
    )


def _emphasised(all_series: Sequence[MarginSeries]) -> list[MarginSeries]:
    """Returns the series to name in a chart: those that changed most, then the extremes."""
    known = [series for series in all_series if positive_rates(series)]
    if len(known) <= EMPHASISED:
        return known
    by_rate = sorted(known, key=lambda series: (positive_rates(series)[-1], series.venue))
    extremes = [series for pair in zip(by_rate, reversed(by_rate), strict=True) for series in pair]
    changed = sorted(
        (series for series in known if change_count(series)),
        key=lambda series: (-(peak_to_trough(series) or 1.0), series.venue),
    )
    return list(dict.fromkeys([*changed, *extremes]))[:EMPHASISED]


def _series_row(name: str, series: MarginSeries) -> tuple[str, ...]:
    return (
        name,
        *_extremes(series),
        numbers.times(peak_to_trough(series)),
        numbers.count(change_count(series)),
        numbers.date_range(earliest_date(series.points[0]), series.until),
    )


def _extremes(series: MarginSeries) -> tuple[str, ...]:
    """Returns first, lowest, highest and last rate with their signs; a lower bound is no extreme."""
    exact = [point for point in series.points if is_exact(point)]
    by_rate = sorted(exact, key=lambda point: point.rate or 0.0)
    ends = [rate_text(point) for point in (*by_rate[:1], *by_rate[-1:])]
    extremes = ends or [numbers.NOT_OBSERVABLE] * 2
    return rate_text(series.points[0]), *extremes, rate_text(series.points[-1])


def schedule_chart(
    all_series: Sequence[MarginSeries], stress: Sequence[StressWindow], number: str
) -> Chart:
    """Returns the chart of IM and MM of one schedule at several notionals."""
    first = all_series[0]
    lines = _merge_notionals(all_series)
    caption = f"{schedule_caption(all_series, stress)}{gaps_text(all_series)}"
    frame = Frame(f"schedule-{number}", f"{first.symbol} at {first.venue} over time", caption)
    points = {point.observed_at: point for line in lines for point in line.points}
    times = sorted(points)
    rates_by_time = [
        (at, [rate_text_at(line.points, line.until, at) for line in lines]) for at in times
    ]
    rows = [
        (date_text(points[at]), *rates)
        for index, (at, rates) in enumerate(rates_by_time)
        if not index or rates != rates_by_time[index - 1][1]
    ]
    profile = "" if first.profile == "any" else f", {first.profile}"
    return Chart(
        f"{first.symbol} at {first.venue}{profile}",
        "margin as a share of notional",
        step_lines(frame, lines, stress),
        (),
        caption,
        ("From", *(line.name for line in lines)),
        tuple(rows),
        _dates(all_series),
    )


def _merge_notionals(all_series: Sequence[MarginSeries]) -> list[StepLine]:
    """Merges notionals with identical series into one line, in the colour of the smallest."""
    notionals = sorted({series.notional for series in all_series})
    groups: dict[tuple[object, ...], list[MarginSeries]] = {}
    for series in sorted(all_series, key=lambda series: (series.margin_type, series.notional)):
        groups.setdefault((series.margin_type, series.points, series.until), []).append(series)
    lines = []
    for group in groups.values():
        first, group_notionals = group[0], [series.notional for series in group]
        are_adjacent = (
            notionals[
                notionals.index(group_notionals[0]) : notionals.index(group_notionals[-1]) + 1
            ]
            == group_notionals
        )
        separator = "–" if are_adjacent and len(group_notionals) > 1 else ", "
        ends = [group_notionals[0], group_notionals[-1]] if separator == "–" else group_notionals
        name = f"{margin_abbreviation(first.margin_type)} {separator.join(numbers.usd(notional) for notional in ends)}"
        css = f"c{notionals.index(first.notional) % COLOURS} {_DASHES_BY_TYPE[first.margin_type]}"
        lines.append(StepLine(name, css, first.points, first.until, gaps=first.gaps))
    return lines


def _dates(all_series: Sequence[MarginSeries]) -> str:
    return numbers.date_range(
        min(series.points[0].observed_at for series in all_series),
        max(series.until for series in all_series),
    )


def _weeks_section(venues: Sequence[str], history: History) -> HistorySection:
    """Returns the charts of changes per venue and week."""
    charts = [
        weeks_chart(
            [week for week in history.weeks if week.venue == venue],
            history.stress_windows,
            number,
            venue_gaps(history, venue),
        )
        for number, venue in enumerate(venues)
    ]
    return HistorySection("Changes by week", "history-weeks", "", tuple(charts))


def venue_gaps(history: History, venue: str) -> tuple[ObservationGap, ...]:
    """Returns the spans with a week in which a venue was not observed."""
    return next((own.gaps for own in history.gaps if own.venue == venue), ())


def weeks_chart(
    weeks: Sequence[Week],
    stress: Sequence[StressWindow],
    number: int,
    gaps: Sequence[ObservationGap] = (),
) -> Chart:
    """Returns the chart of the changes of one venue per week; needs at least one week.

    ``gaps`` are the spans in which the venue was not observed.
    """
    venue, caption = weeks[0].venue, weeks_caption(weeks, stress, gaps)
    weeks = sorted(filter(has_dated_changes, weeks), key=lambda week: week.week)
    frame = Frame(make_anchor("weeks", venue, number), f"Changes at {venue} by week", caption)
    rows = [
        (
            numbers.date(week.week),
            *map(numbers.count, (week.tighter, week.looser, week.mixed, week.other)),
            *map(numbers.count, (week.listed, week.delisted)),
        )
        for week in weeks
    ]
    columns = ("Week of", "Tighter", "Looser", "Mixed", "Other", "Listed", "Delisted")
    dates = numbers.date_range(weeks[0].week, weeks[-1].week) if weeks else "no exact dates"
    svg = weekly_bars(frame, weeks, stress, gaps)
    return Chart(
        venue,
        "schedules, by the week in which a change was first observed",
        svg,
        (),
        caption,
        columns,
        tuple(rows),
        dates,
    )
