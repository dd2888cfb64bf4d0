import re
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harmonize.api import history
from harmonize.api.audit import Question
from harmonize.document.history import ObservationGap, StressWindow, Week
from reports.charts.svg import Frame
from reports.charts.weekly_bars import weekly_bars
from tests.support.sample_history import CRASH, across, day, elements, levels, monday, week

WEEKS = st.lists(
    st.tuples(*[st.integers(0, 60)] * 6).filter(lambda counts: sum(counts) > 0),
    min_size=1,
    max_size=30,
).map(lambda rows: [week(monday(n), *counts) for n, counts in enumerate(rows)])


def draw(weeks: list[Week], *stress: StressWindow) -> str:
    return weekly_bars(Frame("k", "Title", "A sentence."), weeks, stress)


Box = tuple[float, float, float, float]
"""Left, top, right, bottom."""


def boxes(svg: str, css: str) -> list[Box]:
    """Returns the bars of a kind, from left to right, the upper first."""
    rectangles = []
    for area in elements(svg, "area"):
        if css in area.css:
            for x, y, wide, tall in re.findall(
                r"M([\d.]+) ([\d.]+)h([\d.]+)v([\d.]+)h-[\d.]+z", area.attributes["d"]
            ):
                left, top = float(x), float(y)
                rectangles.append((left, top, left + float(wide), top + float(tall)))
    return sorted(rectangles)


def test_weeks_without_an_observation_are_marked_and_no_week_without_change() -> None:
    weeks = [week(monday(number), 1) for number in (0, 1, 6)]
    gaps = (
        ObservationGap("2024-01-10T00:00:00Z", "2024-02-12T00:00:00Z"),  # weeks of 15 Jan to 5 Feb
        ObservationGap("2023-01-01T00:00:00Z", "2023-12-31T00:00:00Z"),  # before the chart
        ObservationGap("2024-01-03T00:00:00Z", "2024-01-11T00:00:00Z"),  # no whole week
    )
    svg = weekly_bars(Frame("k", "Title", ""), weeks, (), gaps)
    (band,) = elements(svg, "quiet")
    days = across(svg, day(monday(0)), day(monday(7)))
    left, width = float(band.attributes["x"]), float(band.attributes["width"])
    assert days(left) == pytest.approx(day("2024-01-15"), abs=0.2)
    assert days(left + width) == pytest.approx(day("2024-02-12"), abs=0.2)
    assert band.words == "not observed, 4\N{NO-BREAK SPACE}weeks"
    assert "not observed" in [element.words for element in elements(svg, "side")]
    assert elements(draw(weeks), "quiet") == []
    assert "not observed" not in draw(weeks)


def zero_of(svg: str) -> float:
    return next(y for value, y in levels(svg) if value == 0.0)


def check_bars(weeks: list[Week], svg: str) -> None:
    """Checks that every bar has the height of its count, on its own side, in order of time."""
    highest = max(entry.tighter + entry.mixed for entry in weeks)
    lowest = max(entry.looser + entry.mixed for entry in weeks)
    if not highest + lowest:
        assert elements(svg, "rate") == []
        return
    unit = 170.0 / (highest + lowest)
    zero = zero_of(svg)
    tighter, looser, mixed = (boxes(svg, css) for css in ("tighter", "looser", "mixed"))
    for bars, counts in (
        (tighter, [entry.tighter for entry in weeks if entry.tighter]),
        (looser, [entry.looser for entry in weeks if entry.looser]),
        (mixed, [count for entry in weeks if entry.mixed for count in (entry.mixed, entry.mixed)]),
    ):
        heights = [bottom - top for _, top, _, bottom in bars]
        assert heights == [pytest.approx(max(1.0, n * unit), abs=0.11) for n in counts]
    assert all(bottom <= zero + 1.11 for _, _, _, bottom in tighter)
    assert all(top >= zero - 0.11 for _, top, _, _ in looser)
    for above, below in zip(mixed[::2], mixed[1::2], strict=True):
        assert above[0] == below[0]
        assert above[3] <= zero + 1.11
        assert below[1] >= zero - 0.11


@settings(max_examples=60)
@given(WEEKS)
def test_bars_are_as_tall_as_counts_tighter_up_looser_down_mixed_on_both_sides(
    weeks: list[Week],
) -> None:
    check_bars(weeks, draw(weeks))


def test_the_weeks_of_binance_are_drawn_as_they_were_counted() -> None:
    weeks = list(history.weekly_changes(Question(), "binance"))
    assert len(weeks) > 50
    check_bars(weeks, draw(weeks))


def test_mixed_stands_beyond_the_rest_and_shifts_nothing() -> None:
    svg = draw([week(monday(0), 3, 2, 5), week(monday(1), 1, 1)])
    unit = 170.0 / (8 + 7)
    above, below = boxes(svg, "mixed")
    assert above[3] == pytest.approx(zero_of(svg) - 3 * unit, abs=0.11)
    assert below[1] == pytest.approx(zero_of(svg) + 2 * unit, abs=0.11)


def test_bars_stand_on_their_weeks_and_a_week_without_change_is_empty() -> None:
    weeks = [week(monday(0), 1), week(monday(3), 2), week(monday(9), 3)]
    svg = draw(weeks, CRASH)
    days = across(svg, day(monday(0)), day(monday(9)) + 7)
    bars = boxes(svg, "tighter")
    assert [days(box[0]) for box in bars] == [
        pytest.approx(day(item.week), abs=0.1) for item in weeks
    ]
    assert all(6.0 < days(right) - days(left) <= 7.0 for left, _, right, _ in bars)
    (band,) = elements(svg, "stress")
    assert days(float(band.attributes["x"])) == pytest.approx(day("2024-03-10"), abs=0.1)


def test_labels_say_what_a_height_is() -> None:
    svg = draw([week(monday(0), 40, 11, 2), week(monday(1), 7)])
    zero, unit = zero_of(svg), 170.0 / (42 + 13)
    labels = levels(svg)
    assert len(labels) > 3
    assert all(abs(zero - y) == pytest.approx(count * unit, abs=0.11) for count, y in labels)
    heights = sorted(y for _, y in labels)
    assert all(following - y >= 12.0 for y, following in pairwise(heights))


def test_other_changes_and_listings_are_marks_in_lanes_one_a_week() -> None:
    weeks = [week(monday(0), 1, 0, 0, 9, 0, 1), week(monday(2), 0, 0, 0, 1, 0, 0)]
    svg = draw(weeks)
    (other, *_), marks = (
        [element.words for element in elements(svg, "side")][2:],
        boxes(svg, "mark"),
    )
    assert other == "other"
    assert "listed" not in [element.words for element in elements(svg, "side")]
    assert "delisted" in [element.words for element in elements(svg, "side")]
    lanes = sorted({box[1] for box in marks})
    assert [sum(box[1] == lane for box in marks) for lane in lanes] == [2, 1]


@settings(max_examples=60)
@given(WEEKS)
def test_names_of_sides_and_lanes_never_overlap_and_stay_inside(weeks: list[Week]) -> None:
    svg = draw(weeks)
    heights = [float(element.attributes["y"]) for element in elements(svg, "side")]
    assert all(following - y >= 15.0 - 0.11 for y, following in pairwise(heights))
    height = float(elements(svg)[0].attributes["viewBox"].split()[3])
    assert all(10.0 <= y <= height - 36.0 for y in heights)
    has_changes = any(week.tighter or week.looser or week.mixed for week in weeks)
    assert ("tighter" in [element.words for element in elements(svg, "side")]) == has_changes


def test_both_sides_are_named_where_one_is_all_but_empty() -> None:
    for counts in ((1, 90, 1), (90, 1, 1), (0, 9, 0), (9, 0, 0)):
        svg = draw([week(monday(0), *counts, 1, 1, 1), week(monday(1), 0, 0, 0, 1)])
        names = [element.words for element in elements(svg, "side")]
        mixed = ["mixed"] * (counts[2] > 0)
        assert names == [*mixed, "tighter", "looser", *mixed, "other", "listed", "delisted"]


def test_no_week_is_an_empty_drawing() -> None:
    assert [element.tag for element in elements(draw([]))] == ["svg", "title", "desc"]
