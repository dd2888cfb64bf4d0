"""Captions of charts over time, computed from the same numbers as the charts."""

import math
from collections.abc import Sequence

from harmonize.document.history import GAP_DAYS, MarginSeries, ObservationGap, StressWindow, Week
from harmonize.text import numbers
from harmonize.text.words import AT_LEAST, margin_abbreviation, marked
from reports.charts.dates import date_of, day_number
from reports.charts.weekly_bars import quiet_spans
from reports.html.series_stats import (
    LargestChange,
    largest_change,
    most_changed,
    peak_to_trough,
    positive_rates,
    rate_text,
    stress_nearby,
)
from reports.lookup import date_text

_WEEK = 7.0


def gaps_text(all_series: Sequence[MarginSeries]) -> str:
    """Explains the dotted parts of lines, if there are any."""
    if not any(series.gaps for series in all_series):
        return ""
    return f" Dotted: not observed for more than {GAP_DAYS} days."


def schedule_caption(all_series: Sequence[MarginSeries], stress: Sequence[StressWindow]) -> str:
    """States the largest change among the notionals of one schedule."""
    most = most_changed(all_series)
    change = largest_change(most) if most else None
    if most is None or change is None:
        if not any(positive_rates(series) for series in all_series):
            is_bounded = any(point.status for series in all_series for point in series.points)
            return "Only lower bounds are known." if is_bounded else "No margin is known."
        first, last = date_text(all_series[0].points[0]), max(series.until for series in all_series)
        return f"No margin changed from {first} to {numbers.date(last)}."
    ratio = numbers.times(peak_to_trough(most))
    return (
        f"{margin_abbreviation(most.margin_type)} at {numbers.usd(most.notional)} {_change_text(change, stress)};"
        f" the highest rate is {ratio} the lowest."
    )


def underlying_caption(all_series: Sequence[MarginSeries], stress: Sequence[StressWindow]) -> str:
    """States the last range over venues, the largest change, and venues observed once."""
    notional, asset = numbers.usd(all_series[0].notional), all_series[0].underlying
    last = [
        (series.points[-1].rate, series.venue, rate_text(series.points[-1]))
        for series in all_series
        if series.points[-1].rate is not None and series.points[-1].status != AT_LEAST
    ]
    bounded = sum(series.points[-1].status == AT_LEAST for series in all_series)
    sentences = (
        [f"At the last observation, IM at {notional} of {asset} {_range_text(last)}."]
        if last
        else []
    )
    if bounded:
        count = numbers.count_text(bounded, "venue")
        sentences.append(f"Of {count} only a lower bound (≥) is known: it is not in this range.")
    most = most_changed(all_series)
    change = largest_change(most) if most else None
    if most and change:
        sentences.append(
            f"The largest change was at {most.venue}: it {_change_text(change, stress)}."
        )
    else:
        sentences.append("It changed at no venue.")
    once = sum(
        series.points[0].observed_at == series.until
        for series in all_series
        if any(point.rate for point in series.points)
    )
    if once:
        noun = "venue was" if once == 1 else "venues were"
        sentences.append(f"{numbers.count(once)} {noun} observed once, shown as dots.")
    return " ".join(sentences)


def _range_text(last: Sequence[tuple[float, str, str]]) -> str:
    (low, lowest, low_text), (high, highest, high_text) = min(last), max(last)
    if low == high:
        venues_text = (
            f"at {lowest}" if len(last) == 1 else f"at all {numbers.count(len(last))} venues"
        )
        return f"was {low_text} {venues_text}"
    return f"was between {low_text} at {lowest} and {high_text} at {highest}"


def weeks_caption(
    weeks: Sequence[Week], stress: Sequence[StressWindow], gaps: Sequence[ObservationGap] = ()
) -> str:
    """States how many schedules tightened and loosened, the peak week, and the share near stress.

    Only changes between two exact and close observation dates have a week; the others are counted apart.
    Weeks without an observation, in `gaps`, count neither as weeks with nor without a change.
    """
    undated = sum(week.undated for week in weeks)
    dated = sorted(filter(has_dated_changes, weeks), key=lambda week: week.week)
    if not dated:
        return f"{numbers.count_text(undated, 'change')} without exact dates: no week is known."
    if not undated:
        return _dated_caption(dated, stress, gaps)
    further = numbers.count_text(undated, "further change")
    return f"{_dated_caption(dated, stress, gaps)} Not included: {further} without exact dates."


def has_dated_changes(week: Week) -> bool:
    """Whether a change of a week lies between two exact and close observation dates."""
    return any((week.tighter, week.looser, week.mixed, week.other, week.listed, week.delisted))


def _dated_caption(
    weeks: Sequence[Week], stress: Sequence[StressWindow], gaps: Sequence[ObservationGap]
) -> str:
    tighter, looser, mixed = (
        sum(getattr(week, kind) for week in weeks) for kind in ("tighter", "looser", "mixed")
    )
    caption = (
        f"From {numbers.date(weeks[0].week)} to {numbers.date(weeks[-1].week)},"
        f" {numbers.count_text(tighter, 'change')} tightened margins, {numbers.count(looser)}"
        f" loosened them and {numbers.count(mixed)} did both at different notionals."
    )
    peak = max(weeks, key=lambda week: week.tighter + week.looser + week.mixed)
    total = peak.tighter + peak.looser + peak.mixed
    if total:
        caption += (
            f" Most changes were first observed in the week of {numbers.date(peak.week)}, whether or not"
            " they were made in it:"
            f" {numbers.count_text(peak.tighter, 'tighter', 'tighter')},"
            f" {numbers.count(peak.looser)} looser, {numbers.count(peak.mixed)} mixed."
        )
    all_mondays = _mondays(weeks[0].week, weeks[-1].week)
    quiet = quiet_spans(gaps)
    mondays = [
        monday
        for monday in all_mondays
        if not any(first <= day_number(monday) < last for first, last in quiet)
    ]
    if len(mondays) < len(all_mondays):
        missed, weeks_text = len(all_mondays) - len(mondays), numbers.count(len(all_mondays))
        caption += f" In {numbers.count(missed)} of {weeks_text} weeks nothing was observed."
    near_stress = {monday for monday in mondays if stress_nearby(stress, monday, _WEEK)}
    if tighter and near_stress:
        observed = "observed " if len(mondays) < len(all_mondays) else ""
        tightened_near_stress = sum(week.tighter for week in weeks if week.week in near_stress)
        caption += (
            f" {numbers.share(tightened_near_stress, tighter)} of tightenings occurred in the"
            f" {numbers.share(len(near_stress), len(mondays))} of {observed}weeks during market stress or up to 14 days later."
        )
    return caption


def _mondays(first: str, last: str) -> list[str]:
    """Returns the Mondays of all weeks in a range, including weeks without changes."""
    days = range(math.floor(day_number(first)), math.floor(day_number(last)) + 1, 7)
    return [date_of(day).isoformat() for day in days]


def _change_text(change: LargestChange, stress: Sequence[StressWindow]) -> str:
    word = "rose" if change.after > change.before else "fell"
    observed = date_text(change.point)
    if change.point.date_kind == "exact":
        observed = f"on {observed}"
    before = marked(numbers.rate(change.before), change.before_status)
    stress_text = stress_nearby(stress, change.point.observed_at) if change.is_dated else ""
    return (
        f"{word} from {before} to {rate_text(change.point)}, first observed"
        f" {observed}{f', {stress_text}' if stress_text else ''}"
    )
