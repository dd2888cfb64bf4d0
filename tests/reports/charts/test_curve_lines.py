import re
from dataclasses import replace
from html.parser import HTMLParser
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harmonize.text import numbers
from reports.charts.curve_lines import CurveLine, curve_lines
from reports.charts.label_layout import spread_labels
from reports.charts.svg import Frame
from tests.support.sample_documents import BASELINE, RATES, curves


def curve(name: str, notional: tuple[float, ...], rate: tuple[float, ...]) -> CurveLine:
    return CurveLine(name, tuple(zip(notional, rate, strict=True)), 0, is_emphasised=True)


def draw(*lines: CurveLine, key: str = "btc") -> str:
    notionals = [notional for line in lines for notional, _ in line.all_points] or [1e3, 1e6]
    ends = (min(notionals), max(notionals) if max(notionals) > min(notionals) else 1e7)
    styled = [
        replace(line, style=number if line.style is not None else None)
        for number, line in enumerate(lines)
    ]
    return curve_lines(Frame(key, "IM on BTC", "venue-a asks least & most"), styled, ends)


def initial() -> list[CurveLine]:
    return [
        replace(
            curve(row.name, row.notional, row.rate),
            style=None if row.is_reference else 0,
            is_aside=not row.included,
        )
        for row in curves("BTC")
        if row.margin_type == "initial"
    ]


class Texts(HTMLParser):
    """Collects the texts of a chart: class, position, words."""

    def __init__(self) -> None:
        super().__init__()
        self.texts: list[tuple[str, float, float, str]] = []
        self.open: dict[str, str | None] = {}

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Records the attributes of a text."""
        self.open = dict(attrs) if tag == "text" else {}

    def handle_data(self, data: str) -> None:
        """Records the words of a text."""
        if self.open:
            css, x, y = (str(self.open[name]) for name in ("class", "x", "y"))
            self.texts.append((css, float(x), float(y), data))


def texts(svg: str, css: str) -> list[tuple[float, float, str]]:
    parser = Texts()
    parser.feed(svg)
    return [(x, y, text) for kind, x, y, text in parser.texts if kind.split()[0] == css]


def test_the_same_curves_give_the_same_bytes() -> None:
    assert draw(*initial()) == draw(*initial())


def test_every_line_carries_its_name_as_text() -> None:
    svg = draw(*initial())
    assert {text for _, _, text in texts(svg, "name")} == {*RATES, BASELINE}
    assert f"<title>{BASELINE}</title>" in svg


def test_the_name_of_a_reference_is_condensed_before_it_is_cut() -> None:
    def label(name: str) -> str:
        svg = draw(replace(curve(name, (1e3, 1e6), (0.02, 0.04)), style=None))
        (element,) = re.findall(r'<text class="name [^>]*>[^<]*', svg)
        return str(element)

    assert label("harmonized-baseline").endswith(">harmonized-baseline")
    assert "textLength" not in label("harmonized-baseline")
    assert 'textLength="140"' in label("harmonized-baseline-2026-11")
    assert label("harmonized-baseline-2026-11").endswith(">harmonized-baseline-2026-11")
    assert label("x" * 60).endswith(f">{'x' * 31}…")


def test_every_line_has_a_path_and_no_two_venues_look_the_same() -> None:
    svg = draw(*initial())
    looks = re.findall(r'<path class="line ([^"]*)"', svg)
    assert len(looks) == len(RATES) + 1
    assert len(set(looks)) == len(looks)


def test_what_is_not_counted_looks_aside() -> None:
    svg = draw(*initial())
    (aside,) = re.findall(r'<text class="name [^"]*aside"[^>]*>([^<]*)', svg)
    assert aside == "venue-d"


def test_the_drawing_says_its_result_to_who_cannot_see_it() -> None:
    svg = draw(*initial())
    assert 'role="img" aria-labelledby="btc-t btc-d"' in svg
    assert '<title id="btc-t">IM on BTC</title>' in svg
    assert '<desc id="btc-d">venue-a asks least &amp; most</desc>' in svg


def test_the_drawing_holds_no_style_no_date_and_no_address() -> None:
    svg = draw(*initial())
    assert not re.search(r"style=|http|xlink|metadata|<defs|<!--|font-family", svg)
    assert len(svg) < 25_000


def test_axes_are_labelled_in_the_reports_numbers() -> None:
    svg = draw(*initial())
    assert [text for _, _, text in texts(svg, "notional")] == [
        "$1k",
        "$10k",
        "$100k",
        "$1m",
        "$10m",
    ]
    rates = [text for _, _, text in texts(svg, "rate")]
    assert rates == [numbers.axis_rate(rate) for rate in (0.002, 0.005, 0.01, 0.02, 0.05, 0.1)]


def test_rates_that_hardly_differ_stand_on_a_scale_from_zero() -> None:
    svg = draw(curve("venue-a", (1e3, 1e6), (0.02, 0.04)))
    assert texts(svg, "rate")[0][2] == numbers.axis_rate(0.0)


def test_rates_of_zero_can_be_drawn() -> None:
    svg = draw(curve("venue-a", (1e3, 1e6), (0.0, 0.0)))
    assert texts(svg, "rate")


def test_a_single_point_and_no_curve_at_all_can_be_drawn() -> None:
    single, without = draw(curve("venue-a", (1e6,), (0.02,))), draw(curve("venue-a", (), ()))
    assert texts(single, "name")
    assert not texts(without, "name")
    assert texts(without, "rate")


@pytest.mark.parametrize("decades", [3, 9, 15, 40])
def test_ticks_are_few_over_any_range(decades: int) -> None:
    svg = draw(curve("venue-a", (1.0, 10.0**decades), (1e-6, 1e3)))
    assert 2 <= len(texts(svg, "notional")) <= 14
    assert 2 <= len(texts(svg, "rate")) <= 7


@pytest.mark.parametrize("many", [2, 5, 8])
def test_names_never_overlap_and_stay_in_the_drawing(many: int) -> None:
    lines = [curve(f"venue-{n:02}", (1e3, 1e6), (0.02, 0.02 + n * 1e-6)) for n in range(many)]
    svg = draw(*lines, curve("far", (1e3, 1e5), (0.5, 0.5)))
    heights = sorted(y for _, y, _ in texts(svg, "name"))
    assert min(b - a for a, b in pairwise(heights)) > 13.8
    assert heights[0] > 8
    assert heights[-1] < 320


@given(st.lists(st.floats(min_value=34, max_value=316), max_size=20))
@settings(max_examples=60)
def test_names_keep_the_order_of_their_lines(preferred: list[float]) -> None:
    heights = spread_labels(sorted(preferred), 14, 34, 316)
    assert heights == sorted(heights)
    assert len(heights) == len(preferred)
    assert all(33.9 <= height <= 316.1 for height in heights)


def test_names_that_crowd_at_an_edge_stay_inside() -> None:
    assert spread_labels([316.0] * 3, 14, 34, 316) == [288.0, 302.0, 316.0]
    assert spread_labels([34.0] * 3, 14, 34, 316) == [34.0, 48.0, 62.0]


def test_lone_names_stand_where_their_lines_end() -> None:
    assert spread_labels([50.0, 200.0], 14, 34, 316) == [50.0, 200.0]


def test_a_name_with_markup_mathematics_or_foreign_glyphs_is_text() -> None:
    lines = [curve(name, (1e3, 1e6), (0.02, 0.1)) for name in ("<b>", "a$x$b$", "币安人生", "\x1b")]
    svg = draw(*lines, key='"><script>')
    assert [text for _, _, text in texts(svg, "name")]
    assert "&lt;b&gt;" in svg
    assert "a$x$b$" in svg
    assert "币安人生" in svg
    assert "\\x1b" in svg
    assert "<script" not in svg


def test_a_long_name_is_cut() -> None:
    svg = draw(curve("x" * 40, (1e3, 1e6), (0.02, 0.1)))
    assert texts(svg, "name")[0][2] == "x" * 20 + "…"


def test_a_jump_is_vertical_and_straight_stretches_lose_their_points() -> None:
    notional = tuple(10.0 ** (3 + n / 50) for n in range(151))
    step = curve("venue-a", (*notional, 1e6), (*(0.02,) * 151, 0.04))
    svg = draw(step)
    (d,) = re.findall(r'<path class="line c0 d0" d="([^"]*)"', svg)
    # Level, then vertical at the jump; then its key beside the name.
    assert re.fullmatch(r"M46 \d+H350V\d+M360 [\d.]+H376", d)


def xs(svg: str, css: str) -> list[float]:
    """Horizontal places of the points of all paths of a class."""
    return [
        float(x)
        for d in re.findall(rf'<path class="{css}[^"]*" d="([^"]*)"', svg)
        for x in re.findall(r"[MLH]([\d.]+)", d)
    ]


def test_a_lower_bound_continues_its_line_faintly() -> None:
    notional, rate = (1e3, 1e5, 1e5, 1e6), (0.02, 0.02, 0.02, 0.02)
    exact = curve("venue-a", notional, rate)
    whole = draw(exact)
    least = draw(replace(exact, points=exact.points[:2], bound=exact.points[2:]))
    assert xs(whole, "bound") == []
    assert texts(whole, "name")[0][2] == "venue-a"
    line, bound = xs(least, "line"), xs(least, "bound")
    assert max(bound) == max(xs(whole, "line")[:2]) == 350.0
    assert min(bound) == line[1]  # where the line ends, the lower bound begins
    assert line[0] < line[1] < 350.0
    assert texts(least, "name")[0][2] == "≥ venue-a"


def test_a_rate_known_at_no_size_has_no_line() -> None:
    known = curve("venue-a", (1e3, 1e6), (0.02, 0.02))
    least = replace(known, points=(), bound=known.points)
    svg = draw(least, curve("venue-b", (1e3, 1e6), (0.1, 0.1)))
    assert (min(xs(svg, "bound")), max(xs(svg, "bound"))) == (46.0, 350.0)
    assert min(xs(svg, "line c0")) > 350.0  # its key beside the name alone
    assert {text for _, _, text in texts(svg, "name")} == {"≥ venue-a", "venue-b"}


def test_an_end_at_the_capacity_differs_from_an_end_of_what_was_observed() -> None:
    capacity = curve("venue-a", (1e3, 1e5), (0.02, 0.02))
    unobserved = replace(curve("venue-b", (1e3, 1e4), (0.1, 0.1)), is_open=True)
    svg = draw(capacity, unobserved, curve("c", (1e3, 1e6), (0.5, 0.5)))
    (at_capacity,), (at_end,) = set(xs(svg, "ends")), set(xs(svg, "unobserved"))
    assert at_end < at_capacity < 350.0
