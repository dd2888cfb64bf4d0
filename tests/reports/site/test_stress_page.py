"""Pages on what a fall liquidates: every number equals that of its row, and unknown is a value."""

import csv
import html
import io
import math
import re
from dataclasses import replace
from functools import cache

import pytest

from harmonize.document import AuditDocument, StressRow
from reports.charts.density_bars import CliffMark, DensityBin, density_bars
from reports.charts.svg import Frame
from reports.registry import report_files
from reports.site.folder import site_files
from reports.site.marks import NOT_OBSERVABLE
from reports.site.stress_words import harmonized_key, paragraph, rules_name
from tests.support.sample_documents import FORMULA, SCRIPT, sample
from tests.support.sample_stress import (
    SHOCKS,
    point,
    replayed,
    stress,
    stressed_sample,
    without_curve,
)
from tests.support.site_pages import broken_links

NBSP = "\N{NO-BREAK SPACE}"
TAGS = re.compile(r"<[^>]+>")
MOST_BYTES = 300_000
BAND_ENDS = [(point(10.0, shock).move, point(1.0, shock).move) for shock in SHOCKS]
"""Largest and least move of each shock."""


@cache
def files() -> dict[str, bytes]:
    return dict(report_files(stressed_sample()))


def pages(document: AuditDocument) -> dict[str, str]:
    return {
        path: content.decode()
        for path, content in site_files(document)
        if path.startswith("stress") and path.endswith(".html")
    }


def plain(markup: str) -> str:
    return html.unescape(TAGS.sub(" ", markup)).replace(NBSP, " ")


def cells(content: str, label: str, name: str) -> list[str]:
    """Returns the cells of the row that starts with a name, of the table with a label."""
    region = re.search(rf'aria-label="{label}, table".*?</table>', content, re.DOTALL)
    assert region is not None, label
    for row in re.findall(r"<tr>(.*?)</tr>", region[0], re.DOTALL):
        found = re.findall(r"<(?:th|td)[^>]*>(.*?)</(?:th|td)>", row, re.DOTALL)
        if plain(found[0]).strip() == name:
            return [plain(cell).strip() for cell in found]
    pytest.fail(f"{label}: no row {name}")


def section(content: str, anchor: str) -> str:
    found = re.search(rf'<section id="{anchor}">.*?</section>', content, re.DOTALL)
    return found[0] if found else ""


def example() -> StressRow:
    return stressed_sample().stress[1]


def page() -> str:
    return files()["stress.html"].decode()


def test_a_document_without_stress_says_how_to_have_one() -> None:
    (content,) = pages(sample()).values()
    assert "harmonize report --stress" in content
    assert "<section" not in content


def test_the_largest_underlying_is_shown_in_full_and_each_other_has_a_page() -> None:
    found = pages(stressed_sample())
    assert set(found) == {"stress.html", "stress/eth.html"}
    assert 'id="counterfactuals"' in found["stress.html"]
    assert all(len(content) <= MOST_BYTES for content in found.values())


def test_an_underlying_without_a_simulation_is_listed_with_its_reason() -> None:
    sentence = "Not simulated: HYPE, with an open interest of $933m: no rule set of "
    assert sentence in plain(section(page(), "underlyings"))
    (content,) = pages(replace(stressed_sample(), stress=())).values()
    assert sentence in plain(content)


def test_the_moves_under_other_rules_rise_from_the_least() -> None:
    moves = {"notional kept": 0.05527, "margin kept": 0.05172}
    changed = tuple(replace(own, move=moves[own.behaviour]) for own in example().changed)
    document = replace(sample(), stress=(replace(example(), changed=changed),))
    rows = dict(site_files(document))["stress-btc-curve.csv"].decode()
    assert "5.172 % to 5.527 %" in rows.replace(NBSP, " ")


def test_every_link_of_the_pages_leads_somewhere() -> None:
    assert not [line for line in broken_links(files()) if "stress" in str(line)]


def test_links_lead_somewhere_where_no_underlying_has_a_curve() -> None:
    document = replace(sample(), stress=(without_curve("BTC"), without_curve("ETH")))
    assert not [
        line for line in broken_links(dict(report_files(document))) if "stress" in str(line)
    ]


def test_the_paragraph_is_made_of_the_numbers() -> None:
    words = paragraph(example()).replace(NBSP, " ")
    for part in (
        "fall of BTC by 10.0 % liquidates $130m, 10.5 % of the open interest of longs",
        "5–95 % of 40 books: $116m to $147m",
        "At 10× it liquidates $185m and ends 15.0 % below",
        "losses beyond margin are $32.1m to $321m",
        "Cliffs are at shocks of 5.5 % (10×).",
        "loss beyond margin depends on sample and behaviour",
        "leverage, median (assumed; halved $45.6m, doubled $789m)",
        "Effective leverage is assumed on 45.45 % of the open interest.",
        "Margins were observed 1–19 Nov 2025.",
    ):
        assert part in words, part
    assert "time to sell" not in words


def test_an_amount_of_the_document_changes_the_paragraph() -> None:
    points = tuple(replace(own, liquidated=7.77e8) for own in example().points)
    assert "$777m" in paragraph(replace(example(), points=points))


def test_contributions_and_reverse_stress_are_those_of_the_rows() -> None:
    row = cells(page(), "Contributions to BTC", "venue-b")
    assert row == [
        *("venue-b", "$500m", "$50m", "$55.6m", "$45.5m", "0.988", "94.33 %", "assumed"),
        "19 Nov 2025",
    ]
    reverse = cells(page(), "Reverse stress of BTC", "venue-a")
    assert reverse == ["venue-a", "$1.5m", "$0", "–", "6.54 %", "3.21 %"]


def test_figures_of_venues_have_their_intervals_or_none() -> None:
    first, *others = example().venues
    limits = (
        replace(first.reverse[0], shock=0.05, low=0.04, high=0.06),
        replace(first.reverse[1], shock=0.05, low=0.04),
        replace(first.reverse[2], shock=None, reason="too little"),
    )
    sampled = replace(first, shapley_ratio_low=0.8, shapley_ratio_high=1.2, reverse=limits)
    row = replace(example(), venues=(sampled, *others))
    content = pages(replace(stressed_sample(), stress=(row,)))["stress.html"]
    assert "0.988 (0.8 – 1.2)" in cells(content, "Contributions to BTC", "venue-a")
    reverse = cells(content, "Reverse stress of BTC", "venue-a")
    assert reverse[3:] == ["5.0 % (4.0 % – 6.0 %)", "5.0 % (4.0 % – )", NOT_OBSERVABLE.sign]
    assert "5–95 % interval over 40 samples of positions" in plain(content)


def test_a_counterfactual_has_its_sign_or_what_it_depends_on() -> None:
    table = section(page(), "counterfactuals")
    assert "depends on sample and behaviour" in table
    first = example().effects[0].rule_set
    row = cells(page(), "Counterfactuals on BTC", first)
    assert row[1:3] == ["liquidated notional", "less"]
    assert row[3:] == ["−$456m", "−$456m", "−$456m", "−$684m to −$228m"]
    assert cells(page(), "Reactions on BTC", first)[1:] == ["$11.1m", "$222m", "$0"]


def test_sensitivity_keeps_the_rank_and_the_mark() -> None:
    row = cells(page(), "Sensitivity of BTC", "leverage, median")
    assert row == ["leverage, median", "1", "assumed", "$45.6m", "$136m", "$789m", "$743m"]
    assert cells(page(), "Sensitivity of BTC", "time to sell")[-1] == "$0"


def test_every_assumption_has_its_mark_and_what_is_not_observable_its_reason() -> None:
    for own in example().defaults:
        assert cells(page(), "Assumptions on BTC", own.name)[2] == own.mark
    absent = section(page(), "absent")
    assert cells(page(), "Not observable on BTC", "open interest is not observed")[1] == "2"
    assert "Amplification is not identified." in plain(absent)


def test_validation_is_in_words_and_numbers_and_the_rest_is_unvalidated() -> None:
    words = plain(section(page(), "validation"))
    assert "are attributed to venue-a (the source names no venue); every other" in words
    assert "0.26 (BTC)" in words
    assert "(10, 25, 50 and 100×)" in words
    assert "Unvalidated, without recorded liquidations: ETH." in words
    row = cells(page(), "Validation", "BTC")
    assert row == ["BTC", "venue-a", "49", "$1bn", "$260m", "0.26", "0.64", "44.3", ""]


def test_a_validation_that_is_unknown_states_its_reason() -> None:
    (known,) = example().validation
    unknown = replace(known, ratio=None, overstatement=None, reason="no margins of venue-a")
    document = replace(sample(), stress=(replace(example(), validation=(unknown,)),))
    words = plain(section(pages(document)["stress.html"], "validation"))
    assert "no margins of venue-a" in words
    assert "Nothing was compared" in words


def test_without_volume_there_is_no_curve_and_no_zero_for_what_is_unknown() -> None:
    content = pages(stressed_sample())["stress/eth.html"]
    assert "There is no curve of ETH: no candles of" in plain(content)
    assert cells(content, "Contributions to ETH", "venue-a")[2:6] == [NOT_OBSERVABLE.sign] * 4
    assert "Move of ETH" not in content
    assert "Liquidations of ETH by price" in content


def test_the_curve_has_a_band_of_liquidities_now_and_harmonized() -> None:
    svg = files()["stress-btc-curve.svg"].decode()
    assert svg.count('<path class="area b0 paler"') == svg.count('<path class="area b1 paler"') == 1
    assert "rules in force, liquidity multipliers 1× to 10×" in svg
    rows = list(csv.reader(io.StringIO(files()["stress-btc-curve.csv"].decode())))
    assert len(rows) == 1 + len(example().points)


def test_the_band_reaches_from_the_least_to_the_largest_move() -> None:
    svg = files()["stress-btc-curve.svg"].decode()
    found = re.search(r'<path class="area b0 paler" d="M([^"]*)Z"', svg)
    assert found is not None
    places = [tuple(map(float, own.split())) for own in found[1].split("L")]
    count = len(places) // 2
    upper, lower = places[:count], places[count:][::-1]
    assert [x for x, _ in upper] == [x for x, _ in lower]
    logs = [math.log(largest / least) for largest, least in BAND_ENDS]
    heights = [low - high for (_, high), (_, low) in zip(upper, lower, strict=True)]
    scale = (lower[0][1] - lower[1][1]) / math.log(BAND_ENDS[1][1] / BAND_ENDS[0][1])
    assert heights == pytest.approx([scale * own for own in logs], abs=0.3)


def test_a_cliff_stands_at_the_price_from_which_it_begins() -> None:
    bins = {"a": [DensityBin(0.0, 0.1, 2e6)]}
    places = []
    for fall in (0.0, 0.025, 0.1):
        svg = density_bars(Frame("k", "t", ""), bins, [CliffMark(fall, "cliff")], {})
        pole = re.search(r'stroke-dasharray="4 2" d="M([\d.]+)', svg)
        assert pole is not None
        places.append(float(pole[1]))
    first, quarter, last = places
    assert quarter == pytest.approx(first + 0.25 * (last - first), abs=0.1)


def test_harmonized_rules_are_the_baseline_or_else_the_first() -> None:
    keys = [("reference", "a"), ("reference", "harmonized-baseline")]
    assert harmonized_key(keys) == keys[1]
    assert harmonized_key(keys[:1]) == keys[0]
    assert harmonized_key([]) is None
    assert rules_name("reference IM", "mas") == "mas (IM)"
    assert rules_name("leverage=10", "") == "leverage=10"


def test_the_map_marks_a_cliff_and_names_every_venue() -> None:
    svg = files()["stress-btc-density.svg"].decode()
    assert "cliff at a shock of" in svg
    assert "venue-b" in svg
    assert "<script>" not in svg


def test_bars_stand_on_one_another_and_no_bin_is_no_chart() -> None:
    bins = {"a": [DensityBin(0.0, 0.1, 2e6)], "b": [DensityBin(0.0, 0.1, 1e6)]}
    svg = density_bars(Frame("k", "t", ""), bins, [CliffMark(0.05, "cliff")], {})
    (lower, upper) = [
        [float(own) for own in re.findall(r"-?[\d.]+", data)]
        for data in re.findall(r'class="area[^"]*" d="([^"]*)"', svg)
    ]
    assert upper[1] + upper[3] == pytest.approx(lower[1], abs=0.11)
    assert lower[3] == pytest.approx(2 * upper[3], abs=0.2)
    assert "path" not in density_bars(Frame("k", "t", ""), {}, [], {})


def test_paths_and_given_positions_are_stated() -> None:
    given = replace(example(), paths=(replayed(),), is_synthetic=False)
    content = pages(replace(sample(), stress=(given,)))["stress.html"]
    row = cells(content, "Paths of BTC", "2025-10-10")
    assert row[1:4] == ["no impact", "14.74 %", "14.74 %"]
    assert "The positions were given." in plain(content)


def test_names_of_venues_are_inert_and_formulas_too() -> None:
    assert all(SCRIPT not in content for content in pages(stressed_sample()).values())
    rows = list(csv.reader(io.StringIO(files()["stress-assumptions.csv"].decode())))
    assert rows[0][0] == "underlying"
    assert any(row[-1] == f"'{FORMULA}" for row in rows)


def test_a_csv_has_every_underlying_and_numbers_unrounded() -> None:
    rows = list(csv.DictReader(io.StringIO(files()["stress-venues.csv"].decode())))
    assert {row["underlying"] for row in rows} == {"BTC", "ETH"}
    amounts = {row["Venue"]: row["Leave-one-out"] for row in rows if row["underlying"] == "BTC"}
    assert float(amounts["venue-b"]) == pytest.approx(5e8 / 9, rel=1e-8)


def test_the_curve_and_the_cells_of_effects_are_in_files_unrounded() -> None:
    curve = list(csv.DictReader(io.StringIO(files()["stress.csv"].decode())))
    assert len(curve) == len(example().points) + len(example().changed)
    today = [row for row in curve if not row["what_if"]]
    points = example().points
    assert [float(row["move"]) for row in today] == pytest.approx([own.move for own in points])
    effects = list(csv.DictReader(io.StringIO(files()["stress-effects.csv"].decode())))
    cells_of = [cell for own in example().effects for cell in own.cells]
    assert [float(row["change"]) for row in effects] == [cell.change for cell in cells_of]
    assert {row["depends_on"] for row in effects} == {"", "sample, behaviour"}


def test_equal_documents_give_equal_pages() -> None:
    row = stress("BTC", ("venue-a",), ())
    first, second = (pages(replace(sample(), stress=(row, without_curve("X")))) for _ in range(2))
    assert first == second
