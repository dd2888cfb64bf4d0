"""Charts of a move against time: both axes logarithmic, margins as level lines."""

import re
from itertools import pairwise

import pytest

from reports.charts.horizon_lines import (
    LevelLine,
    MoveLine,
    envelope,
    horizon_lines,
    size_lines,
    with_jumps,
)
from reports.charts.svg import Frame

FRAME = Frame("key", "Title", "What it shows")
MOVE = MoveLine(
    "99 % move",
    "ref",
    ((900.0, 0.01), (3_600.0, 0.02), (14_400.0, 0.04)),
    ((900.0, 0.008, 0.012), (3_600.0, 0.016, 0.024)),
)


def points(d: str) -> list[tuple[float, float]]:
    return [(float(x), float(y)) for x, y in re.findall(r"(-?[\d.]+) (-?[\d.]+)", d)]


def path_of(svg: str, css: str) -> list[tuple[float, float]]:
    match = re.search(rf'<path class="{css}" d="([^"]*)"', svg)
    assert match is not None
    return points(match[1])


def test_a_move_that_grows_with_the_root_of_time_is_a_straight_line() -> None:
    svg = horizon_lines(FRAME, [MOVE], [LevelLine("okx IM 2 %", "c0 d0", 0.02)])
    (x0, y0), (x1, y1), (x2, y2) = path_of(svg, "line ref")[:3]
    assert x1 - x0 == pytest.approx(x2 - x1, abs=0.2)
    assert y0 - y1 == pytest.approx(y1 - y2, abs=0.2)
    level = path_of(svg, "line c0 d0")
    assert level[0][1] == level[1][1] == pytest.approx(y1, abs=0.1)


def test_the_band_lies_around_the_move_where_it_is_bounded() -> None:
    svg = horizon_lines(FRAME, [MOVE], [])
    band = path_of(svg, "area b0 paler")
    assert len(band) == 4
    line = path_of(svg, "line ref")
    assert band[0][1] < line[0][1] < band[3][1]
    assert "95 % interval of 99 % move" in svg
    one_sided = MoveLine("99 % move", "ref", MOVE.points, MOVE.band[:1])
    assert "area" not in horizon_lines(FRAME, [one_sided], [])


def test_lines_beyond_the_emphasised_ones_are_grey_and_named_on_hover() -> None:
    levels = [LevelLine("okx IM 2 %", "c0 d0", 0.02), LevelLine("gate IM 3 %", "c1 d0", 0.03, is_emphasised=False)]  # fmt: skip
    svg = horizon_lines(FRAME, [MOVE], levels)
    assert svg.count('class="other"') == 1
    assert 'aria-label="gate IM 3 %"' in svg
    assert 'role="group"' in svg
    assert '<text class="name c0 d0"' in svg
    assert "name c1 d0" not in svg


def test_times_and_rates_are_named_in_words() -> None:
    svg = horizon_lines(FRAME, [MOVE], [])
    texts = re.findall(r"<text[^>]*>([^<]*)</text>", svg)
    assert {"15 min", "1 h", "4 h", "time"} <= set(texts)
    assert "1 d" not in texts
    assert any(text.endswith("%") for text in texts)


def test_no_line_lies_on_the_axis_and_names_do_not_overlap() -> None:
    levels = [LevelLine(f"venue {n}", "c0 d0", 0.005) for n in range(6)]
    svg = horizon_lines(FRAME, [MOVE], levels)
    bottom = points(re.search(r'<path class="axis" d="([^"]*)"', svg)[1])[0][1]  # type: ignore[index]
    assert all(y < bottom - 1.0 for _, y in path_of(svg, "line c0 d0")[:2])
    heights = sorted(
        float(y) for y in re.findall(r'<text class="name [^"]*" x="[^"]*" y="([^"]*)"', svg)
    )
    assert min(b - a for a, b in pairwise(heights)) > 11.0


def test_without_moves_there_are_axes_only() -> None:
    svg = horizon_lines(FRAME, [], [])
    assert "axis" in svg
    assert 'class="line' not in svg


def test_names_of_venues_are_escaped() -> None:
    svg = horizon_lines(FRAME, [MOVE], [LevelLine("<b> & co", "c0 d0", 0.02)])
    assert "<b>" not in svg
    assert "&lt;b&gt; &amp; co" in svg


def test_rates_over_size_have_axes_in_usd_with_both_ends() -> None:
    lines = [MoveLine("okx IM", "c0 d0", ((1e4, 0.01), (1e6, 0.02), (1e8, 0.04)))]
    svg = size_lines(FRAME, lines)
    texts = re.findall(r'class="notional"[^>]*>([^<]*)<', svg)
    assert (texts[0], texts[-2], texts[-1]) == ("$10k", "$100m", "position size")
    (x0, y0), (x1, y1), (x2, y2) = path_of(svg, "line c0 d0")[:3]
    assert x1 - x0 == pytest.approx(x2 - x1, abs=0.2)
    assert y0 - y1 == pytest.approx(y1 - y2, abs=0.2)


def test_a_move_that_is_not_emphasised_is_grey_and_named_on_hover() -> None:
    other = MoveLine(
        "99 % move of okx", "ref", ((900.0, 0.02), (3_600.0, 0.03)), is_emphasised=False
    )
    svg = horizon_lines(FRAME, [MOVE, other], [])
    assert 'aria-label="99 % move of okx"' in svg
    assert svg.count('<text class="name') == 1
    assert 'role="group"' in svg


def test_the_chart_is_no_wider_than_text_of_eleven_pixels_permits_on_a_telephone() -> None:
    svg = horizon_lines(FRAME, [MOVE], [])
    box = re.search(r'viewBox="0 0 (\d+) \d+"', svg)
    assert box is not None
    assert 12 * 480 / float(box[1]) >= 11


def test_a_line_has_both_ends_of_a_jump_between_its_points() -> None:
    line = ((0.05, 0.13), (0.01, 0.01))
    jumps = [(0.048, 0.048, 0.12), (0.005, 0.1, 0.2), (0.3, 0.3, 0.4)]
    assert with_jumps(line, jumps) == ((0.01, 0.01), (0.048, 0.048), (0.048, 0.12), (0.05, 0.13))
    assert with_jumps((), jumps) == ()


def test_the_envelope_of_lines_has_both_sides_of_a_jump() -> None:
    even = ((0.01, 0.01), (0.09, 0.09))
    jumping = ((0.01, 0.01), (0.03, 0.03), (0.03, 0.12), (0.09, 0.12))
    expected = [
        (0.01, 0.01, 0.01),
        (0.03, 0.03, 0.03),
        (0.03, 0.03, 0.12),
        (0.09, 0.09, 0.12),
    ]
    for own, bounds in zip(envelope([even, jumping]), expected, strict=True):
        assert own == pytest.approx(bounds)
    assert envelope([]) == ()
