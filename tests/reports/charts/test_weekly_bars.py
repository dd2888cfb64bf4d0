import re
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harmonize.api import history
from harmonize.api.audit import Question
from harmonize.document.history import StressWindow, Week
from reports.charts.svg import Frame
from reports.charts.weekly_bars import by_week
from tests.support.sample_history import CRASH, across, day, elements, levels, monday, week

WEEKS = st.lists(
    st.tuples(*[st.integers(0, 60)] * 6).filter(lambda one: sum(one) > 0), min_size=1, max_size=30
).map(lambda found: [week(monday(n), *counts) for n, counts in enumerate(found)])


def drawn(weeks: list[Week], *stress: StressWindow) -> str:
    return by_week(Frame("k", "Title", "A sentence."), weeks, stress)


Box = tuple[float, float, float, float]
"""Left, top, right, bottom."""


def boxes(svg: str, css: str) -> list[Box]:
    """The bars of a kind, from left to right, the upper first."""
    found = []
    for one in elements(svg, "area"):
        if css in one.css:
            for x, y, wide, tall in re.findall(
                r"M([\d.]+) ([\d.]+)h([\d.]+)v([\d.]+)h-[\d.]+z", one.attributes["d"]
            ):
                left, top = float(x), float(y)
                found.append((left, top, left + float(wide), top + float(tall)))
    return sorted(found)


def zero_of(svg: str) -> float:
    return next(y for value, y in levels(svg) if value == 0.0)


def check_bars(weeks: list[Week], svg: str) -> None:
    """Every bar is as tall as its count, on its own side, in the order of time."""
    most = max(one.tighter + one.mixed for one in weeks)
    least = max(one.looser + one.mixed for one in weeks)
    if not most + least:
        assert elements(svg, "rate") == []
        return
    each = 170.0 / (most + least)
    zero = zero_of(svg)
    tighter, looser, mixed = (boxes(svg, css) for css in ("tighter", "looser", "mixed"))
    for bars, counts in (
        (tighter, [one.tighter for one in weeks if one.tighter]),
        (looser, [one.looser for one in weeks if one.looser]),
        (mixed, [count for one in weeks if one.mixed for count in (one.mixed, one.mixed)]),
    ):
        heights = [bottom - top for _, top, _, bottom in bars]
        assert heights == [pytest.approx(max(1.0, n * each), abs=0.11) for n in counts]
    assert all(bottom <= zero + 1.11 for _, _, _, bottom in tighter)
    assert all(top >= zero - 0.11 for _, top, _, _ in looser)
    for above, below in zip(mixed[::2], mixed[1::2], strict=True):
        assert above[0] == below[0]
        assert above[3] <= zero + 1.11
        assert below[1] >= zero - 0.11


@settings(max_examples=60, deadline=None)
@given(WEEKS)
def test_bars_are_as_tall_as_counts_tighter_up_looser_down_mixed_on_both_sides(
    weeks: list[Week],
) -> None:
    check_bars(weeks, drawn(weeks))


def test_the_weeks_of_binance_are_drawn_as_they_were_counted() -> None:
    weeks = list(history.weeks(Question(), "binance"))
    assert len(weeks) > 50
    check_bars(weeks, drawn(weeks))


def test_mixed_stands_beyond_the_rest_and_shifts_nothing() -> None:
    svg = drawn([week(monday(0), 3, 2, 5), week(monday(1), 1, 1)])
    each = 170.0 / (8 + 7)
    above, below = boxes(svg, "mixed")
    assert above[3] == pytest.approx(zero_of(svg) - 3 * each, abs=0.11)
    assert below[1] == pytest.approx(zero_of(svg) + 2 * each, abs=0.11)


def test_bars_stand_on_their_weeks_and_a_week_without_change_is_empty() -> None:
    weeks = [week(monday(0), 1), week(monday(3), 2), week(monday(9), 3)]
    svg = drawn(weeks, CRASH)
    days = across(svg, day(monday(0)), day(monday(9)) + 7)
    bars = boxes(svg, "tighter")
    assert [days(one[0]) for one in bars] == [
        pytest.approx(day(one.week), abs=0.1) for one in weeks
    ]
    assert all(6.0 < days(right) - days(left) <= 7.0 for left, _, right, _ in bars)
    (band,) = elements(svg, "stress")
    assert days(float(band.attributes["x"])) == pytest.approx(day("2024-03-10"), abs=0.1)


def test_labels_say_what_a_height_is() -> None:
    svg = drawn([week(monday(0), 40, 11, 2), week(monday(1), 7)])
    zero, each = zero_of(svg), 170.0 / (42 + 13)
    found = levels(svg)
    assert len(found) > 3
    assert all(abs(zero - y) == pytest.approx(count * each, abs=0.11) for count, y in found)
    heights = sorted(y for _, y in found)
    assert all(other - y >= 12.0 for y, other in pairwise(heights))


def test_other_changes_and_listings_are_marks_in_lanes_one_a_week() -> None:
    weeks = [week(monday(0), 1, 0, 0, 9, 0, 1), week(monday(2), 0, 0, 0, 1, 0, 0)]
    svg = drawn(weeks)
    (other, *_), marks = [one.words for one in elements(svg, "side")][2:], boxes(svg, "mark")
    assert other == "other"
    assert "listed" not in [one.words for one in elements(svg, "side")]
    assert "delisted" in [one.words for one in elements(svg, "side")]
    lanes = sorted({one[1] for one in marks})
    assert [sum(one[1] == lane for one in marks) for lane in lanes] == [2, 1]


@settings(max_examples=60, deadline=None)
@given(WEEKS)
def test_names_of_sides_and_lanes_never_overlap_and_stay_inside(weeks: list[Week]) -> None:
    svg = drawn(weeks)
    heights = [float(one.attributes["y"]) for one in elements(svg, "side")]
    assert all(other - y >= 15.0 - 0.11 for y, other in pairwise(heights))
    height = float(elements(svg)[0].attributes["viewBox"].split()[3])
    assert all(10.0 <= y <= height - 36.0 for y in heights)
    moved = any(one.tighter or one.looser or one.mixed for one in weeks)
    assert ("tighter" in [one.words for one in elements(svg, "side")]) == moved


def test_both_sides_are_named_where_one_is_all_but_empty() -> None:
    for counts in ((1, 90, 1), (90, 1, 1), (0, 9, 0), (9, 0, 0)):
        svg = drawn([week(monday(0), *counts, 1, 1, 1), week(monday(1), 0, 0, 0, 1)])
        names = [one.words for one in elements(svg, "side")]
        mixed = ["mixed"] * (counts[2] > 0)
        assert names == [*mixed, "tighter", "looser", *mixed, "other", "listed", "delisted"]


def test_no_week_is_an_empty_drawing() -> None:
    assert [one.tag for one in elements(drawn([]))] == ["svg", "title", "desc"]
