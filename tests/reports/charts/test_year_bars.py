"""Charts of breaches per year: a bar per size, stress windows, and days in lanes below."""

import re

import pytest

from harmonize.document.history import StressWindow
from reports.charts.svg import Frame
from reports.charts.year_bars import DayMarks, YearBar, year_bars

FRAME = Frame("key", "Title", "What it shows")
SIZES = ("$10k", "$1m")
BARS = (
    YearBar(2023, 0, 0.2, "$10k, 2023"),
    YearBar(2023, 1, 0.1, "$1m, 2023"),
    YearBar(2024, 0, 0.4, "$10k, 2024"),
)
RECT = re.compile(
    r'<rect class="(\w+)" x="([\d.]+)" y="([\d.]+)" width="([\d.]+)" height="([\d.]+)">'
    r"<title>([^<]*)</title>"
)


def boxes(svg: str) -> dict[str, tuple[str, float, float, float]]:
    """Returns class, x, width and height of each rectangle by its tooltip."""
    return {
        note: (css, float(x), float(width), float(height))
        for css, x, _, width, height, note in RECT.findall(svg)
    }


def test_bars_are_as_high_as_their_shares_and_stand_in_their_years() -> None:
    found = boxes(year_bars(FRAME, SIZES, BARS, (), ()))
    first, second, later = (found[bar.note] for bar in BARS)
    assert first[3] == pytest.approx(2 * second[3], abs=0.2)
    assert later[3] == pytest.approx(4 * second[3], abs=0.2)
    assert first[1] + first[2] == pytest.approx(second[1], abs=0.2)
    assert second[1] + second[2] < later[1]
    assert (first[0], second[0], later[0]) == ("b0", "b1", "b0")


def test_sizes_are_named_beside_the_colour_of_their_bars() -> None:
    svg = year_bars(FRAME, SIZES, BARS, (), ())
    found = boxes(svg)
    for index, name in enumerate(SIZES):
        assert found[name][0] == f"b{index}"
        assert f">{name}</text>" in svg


def test_stress_windows_and_days_are_drawn_within_the_years_only() -> None:
    stress = (
        StressWindow("2023-08-17", "2023-08-18", "BTC −16 %", "prices"),
        StressWindow("2020-03-12", "2020-03-13", "coins −40 %", "prices"),
    )
    lanes = (
        DayMarks("worst breaches", ("2023-08-17", "2024-08-05", "2022-01-01")),
        DayMarks("table changes", ("2020-01-01",)),
    )
    svg = year_bars(FRAME, SIZES, BARS, stress, lanes)
    assert svg.count('class="stress"') == 1
    assert "worst breaches" in svg
    assert "table changes" not in svg
    lane = re.search(r'<path class="axis" d="((?:M[\d.]+ [\d.]+v9)+)"', svg)
    assert lane is not None
    assert lane[1].count("M") == 2


def test_without_bars_nothing_is_drawn() -> None:
    svg = year_bars(FRAME, SIZES, (), (), ())
    assert "<rect" not in svg
    assert "axis" not in svg


def test_a_year_without_a_breach_keeps_an_axis() -> None:
    svg = year_bars(FRAME, ("$10k",), (YearBar(2023, 0, 0.0, "none"),), (), ())
    assert boxes(svg)["none"][3] == 0.0
    assert re.search(r'class="rate"[^>]*>0\N{NO-BREAK SPACE}%<', svg)


def test_names_are_escaped() -> None:
    bars = (YearBar(2023, 0, 0.1, "<b> & co"),)
    svg = year_bars(FRAME, ("<i>",), bars, (), (DayMarks("<u>", ("2023-05-05",)),))
    assert not {"<b>", "<i>", "<u>"} & set(re.findall(r"<\w>", svg))
    assert "&lt;b&gt; &amp; co" in svg
