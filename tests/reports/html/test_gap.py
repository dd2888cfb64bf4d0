"""Arbitrage-gap section and its charts."""

import re
from dataclasses import replace
from xml.etree import ElementTree as ET

import pytest

from reports.charts.bars import (
    BarSegment,
    DistanceBar,
    NotionalBand,
    distance_bars,
    lowest_margin_band,
    share_bars,
    stacked_areas,
)
from reports.charts.svg import Frame
from reports.html.gap import gap_sections
from reports.html.page import Chart
from reports.html.report import page
from reports.lookup import Lookup
from tests.support.sample_documents import ESCAPE, SCRIPT, sample

FRAME = Frame("key", "A <title>", "What it & shows")
SVG = "{http://www.w3.org/2000/svg}"


def shapes(svg: str, tag: str) -> list[ET.Element]:
    return list(ET.fromstring(svg).iter(tag))  # noqa: S314 - our own drawing


def charts() -> dict[str, Chart]:
    (section,) = gap_sections(Lookup(sample()))
    return {chart.title: chart for chart in section.charts}


def test_a_section_has_four_pictures_each_with_a_sentence_and_a_table() -> None:
    by_title = charts()
    assert list(by_title) == [
        "Arbitrage gap and its components",
        "Distance to liquidation",
        "Allocation of the optimal split",
        "Venue with the lowest margin",
    ]
    for chart in by_title.values():
        assert chart.caption.endswith(".")
        assert len(chart.rows[0]) == len(chart.columns)
        assert shapes(chart.svg, "title")


def test_the_sentence_of_the_gap_carries_its_numbers() -> None:
    caption = charts()["Arbitrage gap and its components"].caption.replace(
        "\N{NO-BREAK SPACE}", " "
    )
    assert (
        "requires $20k; the optimal split over venues, by the margins of the dates compared,"
        " required $8k: an arbitrage gap of $12k" in caption
    )
    assert "or $1.2k per year at a cost of capital of 10.0 %" in caption
    assert "$10k of the gap would close (divergence) and $2k would remain" in caption


def test_what_is_not_known_is_a_dash_with_its_reason() -> None:
    rows = {row[0]: row for row in charts()["Distance to liquidation"].rows}
    assert rows["venue-c"][1:3] == ("–", "–")
    assert rows["venue-c"][-1] == "MM is not observable"
    assert rows["venue-b"][-1] == "fee add-on excluded: taker fee"


def test_an_underlying_without_a_reference_has_no_gap_to_draw() -> None:
    document = sample()
    bare = replace(document.liquidations[0], underlying="ETH")
    both = replace(document, liquidations=(*document.liquidations, bare))
    _, eth = gap_sections(Lookup(both))
    assert next(chart.title for chart in eth.charts) == "Distance to liquidation"
    assert (
        eth.reason == "Some notionals are excluded: the venues together do not accept $1,000,000."
    )


def test_of_two_rule_sets_the_first_is_drawn() -> None:
    document = sample()
    other = replace(document.arbitrages[0], rule_set="other-rules")
    (section,) = gap_sections(Lookup(replace(document, arbitrages=(*document.arbitrages, other))))
    assert "synthetic-baseline" in section.charts[0].unit


def test_each_table_names_its_own_dates() -> None:
    document = sample()
    old = replace(document.liquidations[0], observed_at="2020-10-26T00:00:00Z")
    (section,) = gap_sections(Lookup(replace(document, liquidations=(*document.liquidations, old))))
    assert section.charts[1].dates.startswith("26\N{NO-BREAK SPACE}Oct\N{NO-BREAK SPACE}2020")
    assert "2020" not in section.charts[0].dates


def test_a_document_without_splits_has_no_section() -> None:
    assert gap_sections(Lookup(replace(sample(), arbitrages=()))) == ()
    assert gap_sections(Lookup(replace(sample(), liquidations=()))) == ()


def test_stacked_areas_lie_on_one_another() -> None:
    svg = stacked_areas(FRAME, [1e4, 1e5, 1e6], [[0.1, 0.2, 0.3], [0.8, 0.8, 0.9], [1.0, 1.0, 1.0]])
    areas = [area for area in shapes(svg, "path") if "area" in str(area.get("class"))]
    assert [area.get("class") for area in areas] == [
        "area needed",
        "area divergent",
        "area fragmented",
    ]
    edges = [re.findall(r"([\d.]+) ([\d.]+)", str(area.get("d"))) for area in areas]
    assert (
        edges[1][3:] == edges[0][:3][::-1]
    )  # the lower edge of an area is the upper edge of the previous one
    assert edges[2][3:] == edges[1][:3][::-1]
    assert float(edges[2][0][1]) < float(edges[1][0][1]) < float(edges[0][0][1])


def test_bars_are_parted_by_shares_and_named_where_there_is_room() -> None:
    segments = [BarSegment("a", 0.75, "a holds most"), BarSegment("long-name-b", 0.25, "b")]
    svg = share_bars(FRAME, [("$10k", segments)], {"a": 0, "long-name-b": 8})
    first, second = shapes(svg, "rect")
    assert float(str(first.get("width"))) == pytest.approx(
        3 * float(str(second.get("width"))), rel=0.01
    )
    assert second.get("class") == "b1 pale"
    texts = [element.text for element in shapes(svg, "text")]
    assert "a" in texts
    tiny = share_bars(
        FRAME, [("$10k", [BarSegment("long-name-b", 0.02, ""), BarSegment("a", 0.98, "")])], {}
    )
    assert "long-name-b" not in [element.text for element in shapes(tiny, "text")]


def test_a_band_has_a_stripe_for_each_of_several() -> None:
    svg = lowest_margin_band(
        FRAME,
        [NotionalBand(1e3, 1e4, ("a",)), NotionalBand(1e4, 1e5, ("a", "b"))],
        {"a": 0, "b": 1},
    )
    alone, upper, lower = shapes(svg, "rect")
    assert float(str(alone.get("height"))) == pytest.approx(2 * float(str(upper.get("height"))))
    assert alone.get("width") == upper.get("width") == lower.get("width")


def test_reaches_go_to_both_sides_and_say_why_there_is_none() -> None:
    rows = [
        DistanceBar("a", 0.1, 0.05, 0.02, 0.01, ""),
        DistanceBar("a-venue-with-a-long-name", None, None, None, None, "MM is unknown"),
        DistanceBar("c", None, 0.1, None, None, ""),
    ]
    svg = distance_bars(FRAME, rows)
    outer, inner, only = shapes(svg, "rect")
    assert float(str(outer.get("width"))) == pytest.approx(
        5 * float(str(inner.get("width"))), rel=0.02
    )
    texts = [element.text for element in shapes(svg, "text")]
    assert "MM is unknown" in texts
    assert "a-venue-with-a-long-…" in texts
    assert float(str(only.get("x"))) > float(str(outer.get("x")))


@pytest.mark.parametrize("name", [SCRIPT, ESCAPE, 'a"b', "x" * 80])
def test_a_hostile_name_stays_text(name: str) -> None:
    for svg in (
        share_bars(FRAME, [(name, [BarSegment(name, 1.0, name)])], {name: 3}),
        lowest_margin_band(FRAME, [NotionalBand(1e3, 1e6, (name,))], {}),
        distance_bars(FRAME, [DistanceBar(name, 0.1, 0.1, None, None, name)]),
    ):
        assert not shapes(svg, "script")
        assert "\x1b" not in svg


def test_empty_pictures_are_drawn_without_a_mark() -> None:
    for svg in (
        stacked_areas(FRAME, [], [[], [], []]),
        share_bars(FRAME, [], {}),
        lowest_margin_band(FRAME, [], {}),
        distance_bars(FRAME, []),
    ):
        assert shapes(svg, "title")
        assert not shapes(svg, "rect")
    single = stacked_areas(FRAME, [1e5], [[0.1], [0.5], [1.0]])
    assert len(shapes(single, "path")) > 3


def test_the_index_of_all_and_of_each_venue_stands_with_the_ranking() -> None:
    ranking = page(sample()).ranking
    assert [sentence.replace("\N{NO-BREAK SPACE}", " ") for sentence in ranking.overall] == [
        "Over 2 underlyings, IM against synthetic-baseline: 59.0."
    ]
    (venue,) = ranking.venues
    assert (venue.venue, venue.interval, venue.underlyings) == ("venue-a", "31.5 to 47.0", "5")
    assert venue.values[0] == "40.0"
    assert page(replace(sample(), indices=(), index_summaries=())).ranking.venues == ()
