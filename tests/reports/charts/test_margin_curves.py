import re
from dataclasses import replace
from html.parser import HTMLParser
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harmonize.document import Curve
from harmonize.text import numbers
from reports.charts import margin_curves
from reports.charts.label_layout import spread_labels
from reports.charts.margin_curves import Drawing, draw_curves
from tests.support.sample_documents import BASELINE, RATES, curves

STYLES = {venue: number for number, venue in enumerate(RATES)}


def drawing(*lines: Curve, key: str = "btc") -> Drawing:
    styles = {line.name: number for number, line in enumerate(lines)}
    return Drawing(key, "IM on BTC", "venue-a asks least & most", lines, {**STYLES, **styles})


def curve(name: str, notional: tuple[float, ...], rate: tuple[float, ...]) -> Curve:
    return Curve("BTC", "initial", name, False, True, notional, rate)  # noqa: FBT003 - by place


def initial() -> Drawing:
    return drawing(*(line for line in curves("BTC") if line.margin_type == "initial"))


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
    assert draw_curves([initial()]) == draw_curves([initial()])
    assert draw_curves([initial(), initial()])[1] == draw_curves([initial()])[0]


def test_every_line_carries_its_name_as_text() -> None:
    (svg,) = draw_curves([initial()])
    assert {text for _, _, text in texts(svg, "name")} == {*RATES, BASELINE}


def test_every_line_has_a_path_and_no_two_venues_look_the_same() -> None:
    (svg,) = draw_curves([initial()])
    looks = re.findall(r'<path class="line ([^"]*)"', svg)
    assert len(looks) == len(RATES) + 1
    assert len(set(looks)) == len(looks)
    styles = {(n % margin_curves.COLOURS, n % margin_curves.DASHES) for n in range(28)}
    assert len(styles) == 28


def test_what_is_not_counted_looks_aside() -> None:
    (svg,) = draw_curves([initial()])
    (aside,) = re.findall(r'<text class="name [^"]*aside"[^>]*>([^<]*)', svg)
    assert aside == "venue-d"


def test_the_drawing_says_its_result_to_who_cannot_see_it() -> None:
    (svg,) = draw_curves([initial()])
    assert 'role="img" aria-labelledby="btc-t btc-d"' in svg
    assert '<title id="btc-t">IM on BTC</title>' in svg
    assert '<desc id="btc-d">venue-a asks least &amp; most</desc>' in svg


def test_the_drawing_holds_no_style_no_date_and_no_address() -> None:
    (svg,) = draw_curves([initial()])
    assert not re.search(r"style=|http|xlink|metadata|<defs|<!--|font-family", svg)
    assert len(svg) < 25_000


def test_axes_are_labelled_in_the_reports_numbers() -> None:
    (svg,) = draw_curves([initial()])
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
    (svg,) = draw_curves([drawing(curve("venue-a", (1e3, 1e6), (0.02, 0.04)))])
    assert texts(svg, "rate")[0][2] == numbers.axis_rate(0.0)


def test_rates_of_zero_can_be_drawn() -> None:
    (svg,) = draw_curves([drawing(curve("venue-a", (1e3, 1e6), (0.0, 0.0)))])
    assert texts(svg, "rate")


def test_a_single_point_and_no_curve_at_all_can_be_drawn() -> None:
    single, without = draw_curves(
        [drawing(curve("venue-a", (1e6,), (0.02,))), drawing(curve("venue-a", (), ()))]
    )
    assert texts(single, "name")
    assert not texts(without, "name")
    assert texts(without, "rate")


@pytest.mark.parametrize("decades", [3, 9, 15, 40])
def test_ticks_are_few_over_any_range(decades: int) -> None:
    (svg,) = draw_curves([drawing(curve("venue-a", (1.0, 10.0**decades), (1e-6, 1e3)))])
    assert 2 <= len(texts(svg, "notional")) <= 14
    assert 2 <= len(texts(svg, "rate")) <= 7


@pytest.mark.parametrize("many", [2, 12, 28])
def test_names_never_overlap_and_stay_in_the_drawing(many: int) -> None:
    lines = [curve(f"venue-{n:02}", (1e3, 1e6), (0.02, 0.02 + n * 1e-6)) for n in range(many)]
    (svg,) = draw_curves([drawing(*lines, curve("far", (1e3, 1e5), (0.5, 0.5)))])
    heights = sorted(y for _, y, _ in texts(svg, "name"))
    assert min(b - a for a, b in pairwise(heights)) > (13.8 if many < 20 else 9)
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
    (svg,) = draw_curves([drawing(*lines, key='"><script>')])
    assert [text for _, _, text in texts(svg, "name")]
    assert "&lt;b&gt;" in svg
    assert "a$x$b$" in svg
    assert "币安人生" in svg
    assert "\\x1b" in svg
    assert "<script" not in svg


def test_a_long_name_is_cut() -> None:
    (svg,) = draw_curves([drawing(curve("x" * 40, (1e3, 1e6), (0.02, 0.1)))])
    assert texts(svg, "name")[0][2] == "x" * 19 + "…"


def test_a_jump_is_vertical_and_straight_stretches_lose_their_points() -> None:
    notional = tuple(10.0 ** (3 + n / 50) for n in range(151))
    step = curve("venue-a", (*notional, 1e6), (*(0.02,) * 151, 0.04))
    (svg,) = draw_curves([drawing(step)])
    (d,) = re.findall(r'<path class="line c0 d0" d="([^"]*)"', svg)
    points = re.findall(r"[ML]([\d.]+) ([\d.]+)", d)
    assert len(points) == 5  # three of the line, two of its key beside the name
    assert points[1][0] == points[2][0]


def xs(svg: str, css: str) -> list[float]:
    """Horizontal places of the points of all paths of a class."""
    return [
        float(x)
        for d in re.findall(rf'<path class="{css}[^"]*" d="([^"]*)"', svg)
        for x in re.findall(r"[ML]([\d.]+) ", d)
    ]


def test_a_lower_bound_continues_its_line_faintly() -> None:
    notional, rate = (1e3, 1e5, 1e5, 1e6), (0.02, 0.02, 0.02, 0.02)
    exact = curve("venue-a", notional, rate)
    (whole,), (least,) = (
        draw_curves([drawing(line)]) for line in (exact, replace(exact, known_up_to=1e5))
    )
    assert xs(whole, "bound") == []
    assert texts(whole, "name")[0][2] == "venue-a"
    line, bound = xs(least, "line"), xs(least, "bound")
    assert max(bound) == max(xs(whole, "line")[:2]) == 362.0
    assert min(bound) == line[1]  # where the line ends, the lower bound begins
    assert line[0] < line[1] < 362.0
    assert texts(least, "name")[0][2] == "≥ venue-a"


def test_a_rate_known_at_no_size_has_no_line() -> None:
    least = replace(curve("venue-a", (1e3, 1e6), (0.02, 0.02)), known_up_to=0.0)
    (svg,) = draw_curves([drawing(least, curve("venue-b", (1e3, 1e6), (0.1, 0.1)))])
    assert (min(xs(svg, "bound")), max(xs(svg, "bound"))) == (44.0, 362.0)
    assert min(xs(svg, "line c0")) > 362.0  # its key beside the name alone
    assert {text for _, _, text in texts(svg, "name")} == {"≥ venue-a", "venue-b"}


def test_an_end_at_the_capacity_differs_from_an_end_of_what_was_observed() -> None:
    capacity = replace(curve("venue-a", (1e3, 1e5), (0.02, 0.02)), end="capacity")
    unobserved = replace(curve("venue-b", (1e3, 1e4), (0.1, 0.1)), end="not observed")
    (svg,) = draw_curves([drawing(capacity, unobserved, curve("c", (1e3, 1e6), (0.5, 0.5)))])
    (at_capacity,), (at_end,) = set(xs(svg, "ends")), set(xs(svg, "unobserved"))
    assert at_end < at_capacity < 362.0
