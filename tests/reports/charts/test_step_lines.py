import math
import re
from dataclasses import replace
from functools import cache
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harmonize.api import history
from harmonize.api.audit import Question
from harmonize.document.history import MarginSeries, ObservationGap, SeriesPoint, StressWindow
from harmonize.history.stress_windows import windows
from reports.charts.dates import date_of, date_ticks, day_number
from reports.charts.step_lines import StepLine, step_lines
from reports.charts.svg import Frame, rounded
from reports.html.series_stats import (
    change_count,
    largest_change,
    peak_to_trough,
    stress_nearby,
)
from tests.support.sample_history import (
    CRASH,
    WORST,
    across,
    course,
    day,
    elements,
    levels,
    monday,
    rate_at,
    runs,
    stairs,
)


def draw(*all_series: MarginSeries, stress: tuple[StressWindow, ...] = ()) -> str:
    lines = [
        StepLine(series.venue, f"c{n % 7} d{n % 4}", series.points, series.until, gaps=series.gaps)
        for n, series in enumerate(all_series)
    ]
    return step_lines(Frame("k", "Title", "A sentence."), lines, stress)


def drawn_rate(svg: str, name: str, first: float, last: float, at: float) -> float | None:
    """Returns the rate drawn at a day, from the labels of the axis; None where a line is interrupted.

    A line is also drawn in a gap.
    """
    days = across(svg, first, last)
    for run in stairs(svg)[name] + quiet_stairs(svg, name):
        for (x, y), (end, other) in pairwise(run):
            if y == other and days(x) <= at < days(end):
                return value(svg, y)
    return None


def quiet_stairs(svg: str, name: str) -> list[list[tuple[float, float]]]:
    """Returns the runs of a line in its gaps."""
    css = next(element.css[1:] for element in elements(svg, "name") if element.words == name)
    paths = [element for element in elements(svg, "gap") if element.css[1:] == css]
    return [run for element in paths for run in runs(element.attributes["d"])]


def value(svg: str, y: float) -> float:
    """Returns the rate at a height, interpolated between two levels, logarithmically if none is 0."""
    (low, bottom), *_, (high, top) = sorted(levels(svg))
    part = (y - bottom) / (top - bottom)
    if low > 0.0:
        return math.exp(math.log(low) + part * (math.log(high) - math.log(low)))
    return low + part * (high - low)


@cache
def recorded(subject: str) -> tuple[MarginSeries, ...]:
    """Returns series of the recorded archive: one underlying at all venues, or one schedule."""
    if subject == "venues":
        return history.underlying_history(Question(notional_grid=(1e6,)), "SOL").series
    all_series = history.schedule_series(
        Question(notional_grid=(1e5, 1e6, 1e7)), "binance", "SOL/USDT:USDT"
    )
    return tuple(
        replace(series, venue=f"{series.margin_type[:2]} {series.notional:.0f}")
        for series in all_series
    )


@pytest.mark.parametrize(("subject", "least"), [("venues", 5), ("schedule", 30)])
def test_the_rate_drawn_is_the_mark_in_force_in_the_recorded_archive(
    subject: str, least: int
) -> None:
    all_series = recorded(subject)
    svg = draw(*all_series, stress=windows())
    first = min(day(series.points[0].observed_at) for series in all_series)
    last = max(day(series.until) for series in all_series)
    pixel = (last - first) / 300.0  # days
    compared = 0
    for series in all_series:
        points = [(day(point.observed_at), point.rate) for point in series.points]
        ends = [*(at for at, _ in points[1:]), day(series.until)]
        for (start, rate), end in zip(points, ends, strict=True):
            if end - start > 2 * pixel:
                rate_read = drawn_rate(svg, series.venue, first, last, (start + end) / 2.0)
                assert rate_read == (None if rate is None else pytest.approx(rate, rel=0.01))
                compared += 1
    assert compared >= least


@settings(max_examples=40)
@given(
    st.lists(
        st.tuples(st.integers(7, 90), st.none() | st.floats(0.01, 0.9)), min_size=2, max_size=8
    )
)
def test_the_rate_drawn_is_the_mark_in_force(steps_of: list[tuple[int, float | None]]) -> None:
    at, points = 19_723, []  # 2024-01-01
    for days, rate in steps_of:
        points.append(SeriesPoint(f"{date_of(at).isoformat()}T00:00:00Z", rate))
        at += days
    until = f"{date_of(at).isoformat()}T00:00:00Z"
    series = MarginSeries("BTC", "a", "S", "any", "initial", 1e6, tuple(points), until)
    svg = draw(series)
    rates = [point.rate for point in points if point.rate is not None]
    if not rates:
        assert elements(svg, "line") == []
        return
    start = 19_723.0
    for point, (days, _) in zip(points, steps_of, strict=True):
        middle = start + days / 2.0
        rate_read = drawn_rate(svg, "a", 19_723.0, float(at), middle)
        assert rate_read == (
            None if point.rate is None else pytest.approx(point.rate, rel=0.02, abs=3e-3)
        )
        assert rate_at(series.points, until, date_of(middle).isoformat()) == point.rate
        start += days
    logarithmic = max(rates) / min(rates) >= 5.0
    assert (min(level for level, _ in levels(svg)) > 0.0) == logarithmic


def test_a_line_has_a_gap_where_its_rate_was_not_known() -> None:
    svg = draw(course("2024-01-01 0.1, 2024-02-01 -, 2024-04-01 0.1", "2024-07-01"))
    first, second = stairs(svg)["venue-a"]
    days = across(svg, day("2024-01-01"), day("2024-07-01"))
    assert days(first[-1][0]) == pytest.approx(day("2024-02-01"), abs=0.1)
    assert days(second[0][0]) == pytest.approx(day("2024-04-01"), abs=0.1)


def test_a_line_is_dotted_where_nothing_was_observed_for_long() -> None:
    series = replace(
        course("2024-01-01 0.1, 2024-06-01 0.2", "2024-09-01"),
        gaps=(ObservationGap("2024-03-01T00:00:00Z", "2024-06-01T00:00:00Z"),),
    )
    svg = draw(series)
    days = across(svg, day("2024-01-01"), day("2024-09-01"))
    before, after = stairs(svg)["venue-a"]
    (quiet,) = quiet_stairs(svg, "venue-a")
    assert [days(x) for x, _ in (before[0], before[-1])] == pytest.approx(
        [day("2024-01-01"), day("2024-03-01")], abs=0.5
    )
    assert [days(x) for x, _ in (after[0], after[-1])] == pytest.approx(
        [day("2024-06-01"), day("2024-09-01")], abs=0.5
    )
    # When the margin changed in the gap is not known: the step belongs to it.
    assert [days(x) for x, _ in quiet] == pytest.approx(
        [day("2024-03-01"), day("2024-06-01"), day("2024-06-01")], abs=0.5
    )
    assert (quiet[0][1], quiet[-1][1]) == (before[-1][1], after[0][1])
    (seen,) = elements(svg, "seen")
    assert [x for x, _ in re.findall(r"M(\S+) (\S+?)h0", seen.attributes["d"])] == [
        rounded(quiet[0][0]),
        rounded(quiet[-1][0]),
    ]


def test_a_single_observation_between_two_gaps_is_marked() -> None:
    gaps = (
        ObservationGap("2024-01-01T00:00:00Z", "2024-04-01T00:00:00Z"),
        ObservationGap("2024-04-01T00:00:00Z", "2024-09-01T00:00:00Z"),
    )
    svg = draw(replace(course("2024-01-01 0.1", "2024-09-01"), gaps=gaps))
    assert stairs(svg)["venue-a"] == []
    (seen,) = elements(svg, "seen")
    assert seen.attributes["d"].count("h0") == 3


def test_a_line_ends_where_its_venue_was_last_observed() -> None:
    svg = draw(
        course("2024-01-01 0.1", "2024-04-01"),
        course("2024-02-01 0.2", "2024-07-01", venue="b"),
    )
    days = across(svg, day("2024-01-01"), day("2024-07-01"))
    ends = {name: days(line_runs[-1][-1][0]) for name, line_runs in stairs(svg).items()}
    assert ends["venue-a"] == pytest.approx(day("2024-04-01"), abs=0.1)
    assert ends["b"] == pytest.approx(day("2024-07-01"), abs=0.1)
    (early,) = elements(svg, "ends")
    assert [days(run[0][0]) for run in runs(early.attributes["d"].replace("h0", ""))] == [
        pytest.approx(day("2024-04-01"), abs=0.1)
    ]


def test_what_was_observed_once_is_a_dot_in_its_own_colour() -> None:
    svg = draw(
        course("2024-01-01 0.1", "2024-07-01"),
        course("2024-03-01 0.2", "2024-03-01", venue="b"),
    )
    (dot,) = elements(svg, "dot")
    assert "c1" in dot.css
    x = runs(dot.attributes["d"].replace("h0", ""))[0][0][0]
    assert across(svg, day("2024-01-01"), day("2024-07-01"))(x) == pytest.approx(
        day("2024-03-01"), abs=0.4
    )
    assert elements(svg, "ends") == []


def test_one_observation_alone_is_a_dot_in_the_middle_of_a_week() -> None:
    (dot,) = elements(draw(course("2024-03-06 0.2", "2024-03-06")), "dot")
    assert runs(dot.attributes["d"].replace("h0", ""))[0][0][0] == (44.0 + 318.0) / 2


@pytest.mark.parametrize(
    ("low", "high", "lowest"), [(0.02, 0.09, 0.0), (0.02, 0.1, 0.02), (0.1, 0.1, 0.0)]
)
def test_rates_far_apart_are_on_a_logarithmic_axis_others_on_one_from_nothing(
    low: float, high: float, lowest: float
) -> None:
    svg = draw(course(f"2024-01-01 {low}, 2024-02-01 {high}", "2024-07-01"))
    assert min(rate for rate, _ in levels(svg)) == lowest
    assert max(rate for rate, _ in levels(svg)) >= high


def test_names_never_overlap_and_stay_in_the_drawing_even_of_40_venues() -> None:
    all_series = [
        course(f"2024-01-01 {0.01 * (1 + n % 3)}", "2024-07-01", venue=f"venue-{n:02d}")
        for n in range(40)
    ]
    for number in (1, 2, 15, 40):
        svg = draw(*all_series[:number], stress=(CRASH,))
        heights = sorted(float(element.attributes["y"]) for element in elements(svg, "name"))
        assert len(heights) == number
        assert all(following - height >= 15.0 - 0.11 for height, following in pairwise(heights))
        root = elements(svg)[0].attributes["viewBox"].split()
        assert heights[0] >= 12.0
        assert heights[-1] <= float(root[3]) - 36.0 + 4.0
        for element in elements(svg):
            if element.tag == "text":
                assert 0.0 <= float(element.attributes["x"]) <= 480.0
                assert 8.0 <= float(element.attributes["y"]) <= float(root[3])


@pytest.mark.parametrize("name", [WORST, "长" * 30, "\x1b" * 30, "w" * 300])
def test_a_name_is_escaped_and_cut_to_its_room(name: str) -> None:
    svg = draw(course("2024-01-01 0.1", "2024-07-01", venue=name))
    (label,) = elements(svg, "name")
    wide = sum(2 if ord(letter) > 0x2E80 else 1 for letter in label.words)
    assert label.words.endswith("…")
    assert 20 <= wide <= 21
    assert "\x1b" not in svg
    assert "<script" not in svg


def test_windows_of_stress_stand_on_their_days_and_none_is_drawn_outside() -> None:
    outside = StressWindow("2023-01-01", "2023-12-30", "before", "hand-made")
    after = StressWindow("2024-07-02", "2024-08-01", "after", "hand-made")
    over = StressWindow("2024-06-28", "2024-07-20", "over the end", "hand-made")
    svg = draw(course("2024-01-01 0.1", "2024-07-01"), stress=(outside, CRASH, over, after))
    days = across(svg, day("2024-01-01"), day("2024-07-01"))
    bands = elements(svg, "stress")
    assert [element.words.split(",")[0] for element in bands] == ["over the end", CRASH.name]
    last, crash = bands
    x, width = float(crash.attributes["x"]), float(crash.attributes["width"])
    assert days(x) == pytest.approx(day("2024-03-10"), abs=0.1)
    assert days(x + width) == pytest.approx(day("2024-03-13"), abs=0.15)  # the last day too
    assert float(last.attributes["x"]) + float(last.attributes["width"]) == pytest.approx(
        318.0, abs=0.11
    )
    assert {flag.words for flag in elements(svg, "flag")} == {CRASH.name, "over the end"}


def test_every_window_of_stress_has_a_flag_and_flags_do_not_cross() -> None:
    stress = tuple(
        StressWindow(monday(n), monday(n), f"coins −{n} %", "hand-made") for n in range(0, 26, 2)
    )
    svg = draw(course("2024-01-01 0.1", "2024-07-01"), stress=stress)
    assert len(elements(svg, "stress")) == 13
    flags = elements(svg, "flag")
    assert {flag.words for flag in flags} == {window.name for window in stress}
    for height in {flag.attributes["y"] for flag in flags}:
        places = sorted(
            float(flag.attributes["x"]) for flag in flags if flag.attributes["y"] == height
        )
        assert all(following - x > 6.0 * 8 for x, following in pairwise(places))


def test_nothing_known_is_an_empty_drawing() -> None:
    svg = draw(course("2024-01-01 -", "2024-07-01"), stress=(CRASH,))
    assert [element.tag for element in elements(svg)] == ["svg", "title", "desc"]


@given(st.floats(0.0, 30_000.0), st.floats(0.001, 8_000.0))
def test_dates_are_round_few_and_inside(first: float, days: float) -> None:
    ticks = date_ticks(first, first + days)
    assert len(ticks) <= 7
    assert all(first <= tick.at <= first + days for tick in ticks)
    assert all(tick.at < following.at for tick, following in pairwise(ticks))
    assert all(tick.at == int(tick.at) for tick in ticks)
    if days > 1_500:
        assert {(date_of(tick.at).month, date_of(tick.at).day) for tick in ticks} == {(1, 1)}
    if days >= 2:
        assert len(ticks) >= 2 or days < 4 or days > 7_000


def test_moments_are_read_in_utc() -> None:
    assert day_number("1970-01-02") == 1.0
    assert day_number("1970-01-02T12:00:00Z") == day_number("1970-01-02T14:00:00+02:00") == 1.5


def test_a_year_is_said_where_it_begins() -> None:
    ticks = date_ticks(day("2023-11-15"), day("2024-03-15"))
    assert [(tick.label, tick.year) for tick in ticks] == [
        ("Dec", "2023"),
        ("Jan", "2024"),
        ("Feb", ""),
        ("Mar", ""),
    ]


def test_a_margin_holds_from_its_mark_to_the_last_observation() -> None:
    series = course("2024-01-01 0.1, 2024-02-01 0.2", "2024-07-01")
    times = ("2023-12-31", "2024-01-01", "2024-01-31", "2024-02-01", "2024-07-01", "2024-07-02")
    rates = [rate_at(series.points, series.until, at) for at in times]
    assert rates == [None, 0.1, 0.1, 0.2, 0.2, None]


def test_what_moved_while_it_was_not_known_is_a_move_and_not_knowing_is_none() -> None:
    unchanged = course("2024-01-01 -, 2024-01-05 0.1, 2024-02-01 -, 2024-03-01 0.1", "2024-07-01")
    assert (change_count(unchanged), largest_change(unchanged)) == (0, None)
    assert peak_to_trough(unchanged) == 1.0
    changed = course("2024-01-01 0.1, 2024-02-01 -, 2024-03-01 0.3", "2024-07-01")
    change = largest_change(changed)
    assert change is not None
    assert (change.before, change.after, change.point.observed_at) == (
        0.1,
        0.3,
        "2024-03-01T00:00:00Z",
    )
    assert change_count(changed) == 1
    assert peak_to_trough(changed) == pytest.approx(3.0)


def test_of_equal_moves_the_first_counts_and_falls_count_as_rises() -> None:
    rise = largest_change(course("2024-01-01 0.1, 2024-02-01 0.2, 2024-03-01 0.1", "2024-07-01"))
    assert rise is not None
    assert rise.after == 0.2
    assert rise.size == pytest.approx(math.log(2))
    fall = largest_change(course("2024-01-01 0.1, 2024-02-01 0.2, 2024-03-01 0.05", "2024-07-01"))
    assert fall is not None
    assert (fall.before, fall.after) == (0.2, 0.05)


@pytest.mark.parametrize(
    ("at", "beginning"),
    [
        ("2024-03-09T23:59:59Z", ""),
        ("2024-03-10T00:00:00Z", "during the stress of"),
        ("2024-03-12T23:59:59Z", "during the stress of"),
        ("2024-03-13T00:00:00Z", "1\u00a0day after the stress of"),
        ("2024-03-26T23:59:59Z", "14\u00a0days after the stress of"),
        ("2024-03-27T00:00:00Z", ""),
    ],
)
def test_stress_is_named_up_to_14_days_after_it(at: str, beginning: str) -> None:
    text = stress_nearby((CRASH,), at)
    expected = f"{beginning} 10–12\u00a0Mar\u00a02024 (BTC −20 %)"
    assert text == (expected if beginning else "")
