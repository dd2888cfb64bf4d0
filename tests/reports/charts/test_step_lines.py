import math
from dataclasses import replace
from functools import cache
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harmonize.api import history
from harmonize.api.audit import Question
from harmonize.document.history import MarginSeries, SeriesPoint, StressWindow
from harmonize.history.stress_windows import windows
from reports.charts.dates import dates, day_of, moment
from reports.charts.step_lines import Line, steps
from reports.charts.svg import Frame
from reports.html.series_stats import in_force, leap, moves, near, peak_to_trough
from tests.support.sample_history import (
    CRASH,
    WORST,
    across,
    course,
    day,
    elements,
    levels,
    monday,
    runs,
    stairs,
)


def drawn(*courses: MarginSeries, stress: tuple[StressWindow, ...] = ()) -> str:
    lines = [
        Line(one.venue, f"c{n % 7} d{n % 4}", one.points, one.until)
        for n, one in enumerate(courses)
    ]
    return steps(Frame("k", "Title", "A sentence."), lines, stress)


def rate_at(svg: str, name: str, first: float, last: float, at: float) -> float | None:
    """The rate that a line shows at a day, read off the labels of the axis; None in a gap."""
    days = across(svg, first, last)
    for run in stairs(svg)[name]:
        for (x, y), (end, other) in pairwise(run):
            if y == other and days(x) <= at < days(end):
                return value(svg, y)
    return None


def value(svg: str, y: float) -> float:
    """The rate at a height: straight between two levels, in logarithms where no level is 0."""
    (low, bottom), *_, (high, top) = sorted(levels(svg))
    part = (y - bottom) / (top - bottom)
    if low > 0.0:
        return math.exp(math.log(low) + part * (math.log(high) - math.log(low)))
    return low + part * (high - low)


@cache
def recorded(what: str) -> tuple[MarginSeries, ...]:
    """Of the recorded archive: one underlying at all venues, or one schedule as if each line were one."""
    if what == "venues":
        return history.compared(Question(ladder=(1e6,)), "SOL").courses
    found = history.drawn(Question(ladder=(1e5, 1e6, 1e7)), "binance", "SOL/USDT:USDT")
    return tuple(replace(one, venue=f"{one.margin_type[:2]} {one.notional:.0f}") for one in found)


@pytest.mark.parametrize(("what", "least"), [("venues", 7), ("schedule", 30)])
def test_the_rate_drawn_is_the_mark_in_force_in_the_recorded_archive(what: str, least: int) -> None:
    courses = recorded(what)
    svg = drawn(*courses, stress=windows())
    first = min(day(one.points[0].observed_at) for one in courses)
    last = max(day(one.until) for one in courses)
    pixel = (last - first) / 300.0  # days
    compared = 0
    for one in courses:
        marks = [(day(mark.observed_at), mark.rate) for mark in one.points]
        ends = [*(at for at, _ in marks[1:]), day(one.until)]
        for (begun, rate), end in zip(marks, ends, strict=True):
            if end - begun > 2 * pixel:
                shown = rate_at(svg, one.venue, first, last, (begun + end) / 2.0)
                assert shown == (None if rate is None else pytest.approx(rate, rel=0.01))
                compared += 1
    assert compared >= least


@settings(max_examples=40, deadline=None)
@given(
    st.lists(
        st.tuples(st.integers(7, 90), st.none() | st.floats(0.01, 0.9)), min_size=2, max_size=8
    )
)
def test_the_rate_drawn_is_the_mark_in_force(steps_of: list[tuple[int, float | None]]) -> None:
    at, marks = 19_723, []  # 2024-01-01
    for days, rate in steps_of:
        marks.append(SeriesPoint(f"{day_of(at).isoformat()}T00:00:00Z", rate))
        at += days
    until = f"{day_of(at).isoformat()}T00:00:00Z"
    one = MarginSeries("BTC", "a", "S", "any", "initial", 1e6, tuple(marks), until)
    svg = drawn(one)
    rates = [mark.rate for mark in marks if mark.rate is not None]
    if not rates:
        assert elements(svg, "line") == []
        return
    begun = 19_723.0
    for mark, (days, _) in zip(marks, steps_of, strict=True):
        middle = begun + days / 2.0
        shown = rate_at(svg, "a", 19_723.0, float(at), middle)
        assert shown == (
            None if mark.rate is None else pytest.approx(mark.rate, rel=0.02, abs=3e-3)
        )
        assert in_force(one.points, until, day_of(middle).isoformat()) == mark.rate
        begun += days
    logarithmic = max(rates) / min(rates) >= 5.0
    assert (min(level for level, _ in levels(svg)) > 0.0) == logarithmic


def test_a_line_has_a_gap_where_its_rate_was_not_known() -> None:
    svg = drawn(course("2024-01-01 0.1, 2024-02-01 -, 2024-04-01 0.1", "2024-07-01"))
    first, second = stairs(svg)["venue-a"]
    days = across(svg, day("2024-01-01"), day("2024-07-01"))
    assert days(first[-1][0]) == pytest.approx(day("2024-02-01"), abs=0.1)
    assert days(second[0][0]) == pytest.approx(day("2024-04-01"), abs=0.1)


def test_a_line_ends_where_its_venue_was_last_observed() -> None:
    svg = drawn(
        course("2024-01-01 0.1", "2024-04-01"),
        course("2024-02-01 0.2", "2024-07-01", venue="b"),
    )
    days = across(svg, day("2024-01-01"), day("2024-07-01"))
    ends = {name: days(found[-1][-1][0]) for name, found in stairs(svg).items()}
    assert ends["venue-a"] == pytest.approx(day("2024-04-01"), abs=0.1)
    assert ends["b"] == pytest.approx(day("2024-07-01"), abs=0.1)
    (early,) = elements(svg, "ends")
    assert [days(run[0][0]) for run in runs(early.attributes["d"].replace("h0", ""))] == [
        pytest.approx(day("2024-04-01"), abs=0.1)
    ]


def test_what_was_observed_once_is_a_dot_in_its_own_colour() -> None:
    svg = drawn(
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
    (dot,) = elements(drawn(course("2024-03-06 0.2", "2024-03-06")), "dot")
    assert runs(dot.attributes["d"].replace("h0", ""))[0][0][0] == (44.0 + 344.0) / 2


@pytest.mark.parametrize(
    ("low", "high", "lowest"), [(0.02, 0.09, 0.0), (0.02, 0.1, 0.02), (0.1, 0.1, 0.0)]
)
def test_rates_far_apart_are_on_a_logarithmic_axis_others_on_one_from_nothing(
    low: float, high: float, lowest: float
) -> None:
    svg = drawn(course(f"2024-01-01 {low}, 2024-02-01 {high}", "2024-07-01"))
    assert min(found for found, _ in levels(svg)) == lowest
    assert max(found for found, _ in levels(svg)) >= high


def test_names_never_overlap_and_stay_in_the_drawing_even_of_40_venues() -> None:
    courses = [
        course(f"2024-01-01 {0.01 * (1 + n % 3)}", "2024-07-01", venue=f"venue-{n:02d}")
        for n in range(40)
    ]
    for number in (1, 2, 15, 40):
        svg = drawn(*courses[:number], stress=(CRASH,))
        heights = sorted(float(one.attributes["y"]) for one in elements(svg, "name"))
        assert len(heights) == number
        assert all(other - one >= 15.0 - 0.11 for one, other in pairwise(heights))
        root = elements(svg)[0].attributes["viewBox"].split()
        assert heights[0] >= 12.0
        assert heights[-1] <= float(root[3]) - 36.0 + 4.0
        for one in elements(svg):
            if one.tag == "text":
                assert 0.0 <= float(one.attributes["x"]) <= 480.0
                assert 8.0 <= float(one.attributes["y"]) <= float(root[3])


@pytest.mark.parametrize("name", [WORST, "长" * 30, "\x1b" * 30, "w" * 300])
def test_a_name_is_escaped_and_cut_to_its_room(name: str) -> None:
    svg = drawn(course("2024-01-01 0.1", "2024-07-01", venue=name))
    (shown,) = elements(svg, "name")
    wide = sum(2 if ord(letter) > 0x2E80 else 1 for letter in shown.words)
    assert shown.words.endswith("…")
    assert 15 <= wide <= 16
    assert "\x1b" not in svg
    assert "<script" not in svg


def test_windows_of_stress_stand_on_their_days_and_none_is_drawn_outside() -> None:
    outside = StressWindow("2023-01-01", "2023-12-30", "before", "hand-made")
    after = StressWindow("2024-07-02", "2024-08-01", "after", "hand-made")
    over = StressWindow("2024-06-28", "2024-07-20", "over the end", "hand-made")
    one = course("2024-01-01 0.1", "2024-07-01")
    svg = drawn(one, stress=(outside, CRASH, over, after))
    days = across(svg, day("2024-01-01"), day("2024-07-01"))
    bands = elements(svg, "stress")
    assert [one.words.split(",")[0] for one in bands] == ["over the end", CRASH.name]
    last, crash = bands
    x, width = float(crash.attributes["x"]), float(crash.attributes["width"])
    assert days(x) == pytest.approx(day("2024-03-10"), abs=0.1)
    assert days(x + width) == pytest.approx(day("2024-03-13"), abs=0.15)  # the last day too
    assert float(last.attributes["x"]) + float(last.attributes["width"]) == pytest.approx(
        344.0, abs=0.11
    )
    assert {found.words for found in elements(svg, "flag")} == {CRASH.name, "over the end"}


def test_flags_do_not_cross_and_hang_in_three_rows_at_most() -> None:
    stress = tuple(
        StressWindow(monday(n), monday(n), f"coins −{n} %", "hand-made") for n in range(0, 26, 2)
    )
    svg = drawn(course("2024-01-01 0.1", "2024-07-01"), stress=stress)
    assert len(elements(svg, "stress")) == 13
    flags = elements(svg, "flag")
    assert len({one.attributes["y"] for one in flags}) <= 3
    for height in {one.attributes["y"] for one in flags}:
        places = sorted(
            float(one.attributes["x"]) for one in flags if one.attributes["y"] == height
        )
        assert all(other - x > 6.0 * 8 for x, other in pairwise(places))


def test_nothing_known_is_an_empty_drawing() -> None:
    svg = drawn(course("2024-01-01 -", "2024-07-01"), stress=(CRASH,))
    assert [one.tag for one in elements(svg)] == ["svg", "title", "desc"]


@settings(deadline=None)
@given(st.floats(0.0, 30_000.0), st.floats(0.001, 8_000.0))
def test_dates_are_round_few_and_inside(first: float, days: float) -> None:
    found = dates(first, first + days)
    assert len(found) <= 7
    assert all(first <= one.at <= first + days for one in found)
    assert all(one.at < other.at for one, other in pairwise(found))
    assert all(one.at == int(one.at) for one in found)
    if days > 1_500:
        assert {(day_of(one.at).month, day_of(one.at).day) for one in found} == {(1, 1)}
    if days >= 2:
        assert len(found) >= 2 or days < 4 or days > 7_000


def test_moments_are_read_in_utc() -> None:
    assert moment("1970-01-02") == 1.0
    assert moment("1970-01-02T12:00:00Z") == moment("1970-01-02T14:00:00+02:00") == 1.5


def test_a_year_is_said_where_it_begins() -> None:
    found = dates(day("2023-11-15"), day("2024-03-15"))
    assert [(one.label, one.year) for one in found] == [
        ("Dec", "2023"),
        ("Jan", "2024"),
        ("Feb", ""),
        ("Mar", ""),
    ]


def test_a_margin_holds_from_its_mark_to_the_last_observation() -> None:
    one = course("2024-01-01 0.1, 2024-02-01 0.2", "2024-07-01")
    asked = ("2023-12-31", "2024-01-01", "2024-01-31", "2024-02-01", "2024-07-01", "2024-07-02")
    found = [in_force(one.points, one.until, at) for at in asked]
    assert found == [None, 0.1, 0.1, 0.2, 0.2, None]


def test_what_moved_while_it_was_not_known_is_a_move_and_not_knowing_is_none() -> None:
    one = course("2024-01-01 -, 2024-01-05 0.1, 2024-02-01 -, 2024-03-01 0.1", "2024-07-01")
    assert (moves(one), leap(one)) == (0, None)
    assert peak_to_trough(one) == 1.0
    other = course("2024-01-01 0.1, 2024-02-01 -, 2024-03-01 0.3", "2024-07-01")
    found = leap(other)
    assert found is not None
    assert (found.before, found.after, found.at) == (0.1, 0.3, "2024-03-01T00:00:00Z")
    assert moves(other) == 1
    assert peak_to_trough(other) == pytest.approx(3.0)


def test_of_equal_moves_the_first_counts_and_falls_count_as_rises() -> None:
    found = leap(course("2024-01-01 0.1, 2024-02-01 0.2, 2024-03-01 0.1", "2024-07-01"))
    assert found is not None
    assert found.after == 0.2
    assert found.size == pytest.approx(math.log(2))
    fall = leap(course("2024-01-01 0.1, 2024-02-01 0.2, 2024-03-01 0.05", "2024-07-01"))
    assert fall is not None
    assert (fall.before, fall.after) == (0.2, 0.05)


@pytest.mark.parametrize(
    ("at", "said"),
    [
        ("2024-03-09T23:59:59Z", ""),
        ("2024-03-10T00:00:00Z", "in the stress of"),
        ("2024-03-12T23:59:59Z", "in the stress of"),
        ("2024-03-13T00:00:00Z", "1\u00a0day after the stress of"),
        ("2024-03-26T23:59:59Z", "14\u00a0days after the stress of"),
        ("2024-03-27T00:00:00Z", ""),
    ],
)
def test_stress_is_named_up_to_14_days_after_it(at: str, said: str) -> None:
    found = near((CRASH,), at)
    whole = f"{said} 10–12\u00a0Mar\u00a02024 (BTC −20 %)"
    assert found == (whole if said else "")
