import re
from html import escape
from html.parser import HTMLParser
from itertools import pairwise
from pathlib import Path

import pytest

from harmonize.document import AuditDocument
from harmonize.text import numbers
from reports.charts.svg import COLOURS, DASHES, EMPHASISED
from reports.html import report as html_
from reports.html.emphasis import venues_to_name
from reports.html.heat_map import heat_legend
from reports.html.report import html, page
from tests.support import recorded
from tests.support.sample_documents import (
    BASELINE,
    HEAT,
    NOTIONAL_GRID,
    RATES,
    SCRIPT,
    empty,
    large,
    sample,
)

VOID = {"meta", "br", "hr", "img", "link", "input"}
SECTIONS = (
    "summary",
    "ranking",
    "divergence",
    "underlyings",
    "gap",
    "findings",
    "coverage",
    "rules",
    "method",
    "provenance",
)
STYLESHEET = Path(html_.__file__).parent / "static" / "report.css"


class Tree(HTMLParser):
    """Parses a page and asserts that it is well formed: every tag closes in order."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: list[tuple[str, dict[str, str]]] = []
        self.text: list[str] = []
        self.rows: list[list[str]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Opens a tag, which may begin a row or a cell."""
        names = [name for name, _ in attrs]
        assert len(names) == len(set(names)), (tag, attrs)
        self.tags.append((tag, {name: value or "" for name, value in attrs}))
        if tag not in VOID:
            self.open.append(tag)
        if tag == "tr":
            self.rows.append([])
        if tag in {"td", "th"}:
            self.rows[-1].append("")

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Records a tag without content."""
        self.tags.append((tag, {name: value or "" for name, value in attrs}))

    def handle_endtag(self, tag: str) -> None:
        """Closes the tag that was opened last."""
        assert self.open, f"</{tag}> closes nothing"
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        """Records text, and adds it to the open cell."""
        self.text.append(data)
        if self.rows and {"td", "th"} & set(self.open):
            self.rows[-1][-1] += data

    def of(self, *tags: str) -> list[dict[str, str]]:
        """Returns the attributes of all tags with these names."""
        return [attributes for tag, attributes in self.tags if tag in tags]


def read(text: str) -> Tree:
    tree = Tree()
    tree.feed(text)
    tree.close()
    assert tree.open == []
    return tree


@pytest.fixture(scope="module")
def report() -> str:
    return html(sample())


@pytest.fixture(scope="module")
def tree(report: str) -> Tree:
    return read(report)


@pytest.mark.parametrize("document", [sample(), empty(), large()], ids=["sample", "empty", "large"])
def test_every_tag_closes_in_order_and_every_section_is_there(document: AuditDocument) -> None:
    tree = read(html(document))
    assert tuple(section["id"] for section in tree.of("section")) == SECTIONS


def test_the_page_asks_for_nothing_and_runs_nothing(tree: Tree) -> None:
    assert not tree.of("script", "link", "img", "iframe", "object", "embed", "base", "form")
    for tag, attributes in tree.tags:
        assert not {"src", "srcset", "style", "action", "data", "background"} & set(attributes), tag
        assert not [name for name in attributes if name.startswith("on")]
        for name in ("href", "xlink:href"):
            assert attributes.get(name, "#").startswith("#"), attributes
    assert "url(" not in STYLESHEET.read_text()
    assert "@import" not in STYLESHEET.read_text()
    assert "@font-face" not in STYLESHEET.read_text()


def test_the_policy_forbids_all_but_inline_style(tree: Tree) -> None:
    (policy,) = [meta["content"] for meta in tree.of("meta") if "http-equiv" in meta]
    assert policy == "default-src 'none'; style-src 'unsafe-inline'; img-src data:"


def test_a_symbol_that_is_markup_is_shown_as_text(report: str, tree: Tree) -> None:
    assert SCRIPT not in report
    assert SCRIPT in "".join(tree.text)
    assert escape(SCRIPT) in report


def test_no_control_character_reaches_the_page(report: str) -> None:
    assert not re.search("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]", report)
    assert "RED/USDT\\x1b[31m[red]\\u202e" in report


def test_same_document_same_bytes() -> None:
    assert html(sample()) == html(sample())


def test_ids_are_unique_and_every_link_leads_somewhere(tree: Tree) -> None:
    ids = [attributes["id"] for _, attributes in tree.tags if "id" in attributes]
    assert len(ids) == len(set(ids))
    links = {link["href"][1:] for link in tree.of("a")}
    labels = {
        name
        for _, attributes in tree.tags
        for name in attributes.get("aria-labelledby", "").split()
    }
    assert links | labels <= set(ids)
    assert "summary" in links


def test_tables_have_captions_and_heads_with_a_scope(tree: Tree) -> None:
    assert len(tree.of("caption")) == len(tree.of("table")) > 8
    assert {cell.get("scope") for cell in tree.of("th")} == {"col", "row"}
    assert len(tree.of("main")) == len(tree.of("header")) == len(tree.of("footer")) == 1
    assert tree.of("nav")[0]["aria-label"] == "Contents"


def test_headings_skip_no_level(tree: Tree) -> None:
    levels = [int(tag[1]) for tag, _ in tree.tags if re.fullmatch("h[1-6]", tag)]
    assert levels[0] == 1
    assert levels.count(1) == 1
    assert all(after - before <= 1 for before, after in pairwise(levels))


def test_every_drawing_has_a_title_and_states_its_result(report: str) -> None:
    titles = re.findall(r"<title id=[^>]*>([^<]*)</title><desc id=[^>]*>([^<]*)</desc>", report)
    assert [title for title, _ in titles] == [
        "Initial margin on BTC",
        "Maintenance margin on BTC",
        "Arbitrage gap on BTC",
        "Liquidation distance on BTC",
        "Optimal split of BTC",
        "Lowest margin on BTC",
    ]
    description = titles[0][1].replace("\N{NO-BREAK SPACE}", " ")
    assert description == (
        "Initial margin on BTC, 5 venues in the chart: at $1m, the lowest margin of 3 venues compared"
        " was 2.0 % (50×) at venue-a, the highest 4.0 % (25×) at venue-c. synthetic-baseline requires"
        " 4.0 %."
        " Dates compared: 3 Sep – 19 Nov 2025."
    )


def row(tree: Tree, *begins: str) -> list[str]:
    (match,) = [cells for cells in tree.rows if tuple(cells[: len(begins)]) == begins]
    return match


def test_rates_in_the_table_are_the_documents(tree: Tree) -> None:
    rates = [cells for cells in tree.rows if cells[:2] == ["venue-a", "BTC/USDT · cross"]]
    assert rates[0][2:-1] == [numbers.rate(rate) for rate in RATES["venue-a"]]
    assert len(NOTIONAL_GRID) == len(rates[0][2:-1])
    blind = [cells for cells in tree.rows if cells[:2] == ["venue-e", "BTC/USDT · cross"]]
    assert blind[0][4:6] == ["–", "–"]


def test_cells_of_the_heat_map_are_the_documents_divergences(tree: Tree) -> None:
    heads = [
        place
        for place, cells in enumerate(tree.rows)
        if cells[0] == "Venue" and cells[-1] == "Observed"
    ]
    assert len(heads) == 2
    assert tree.rows[heads[0]] == ["Venue", "BTC", "ETH", "Observed"]
    expected = {
        row.venue: numbers.deviation(point.deviation)
        for row in sample().divergences
        if row.underlying == "BTC" and row.margin_type == "initial"
        for point in row.points
        if point.notional == HEAT
    }
    initial = {cells[0]: cells[1] for cells in tree.rows[heads[0] + 1 : heads[0] + 6]}
    assert list(initial) == list(RATES)
    assert initial["venue-a"] == expected["venue-a"] == "−50\N{NO-BREAK SPACE}%"
    assert initial["venue-b"] == expected["venue-b"] + "†"
    assert initial["venue-c"] == expected["venue-c"] == "0\N{NO-BREAK SPACE}%"
    assert initial["venue-d"] == expected["venue-d"] + "‡°"
    assert initial["venue-e"] == ">cap"
    maintenance = {cells[0]: cells[1:3] for cells in tree.rows[heads[1] + 1 : heads[1] + 6]}
    assert maintenance["venue-e"] == ["n/o", "n/o"]
    assert maintenance["venue-a"][1] == "·"


def test_every_mark_in_a_matrix_is_in_a_legend(tree: Tree) -> None:
    text = "".join(tree.text)
    for entry in (*heat_legend(), *page(sample()).coverage.statuses):
        assert entry.meaning in text
    classes = {cell.get("class", "") for cell in tree.of("td")}
    assert {"u2", "z0", "o1", "no", "nc", "nl", "ob", "st", "dc"} <= classes


def test_status_is_never_told_by_colour_alone(tree: Tree) -> None:
    marks = {
        "venue-a": ["● obs", "·"],
        "venue-b": ["◐ stale", "◐ stale"],
        "venue-c": ["● obs", "● obs"],
        "venue-d": ["◇ doc", "◇ doc"],
        "venue-e": ["✕ n/o", "✕ n/o"],
    }
    for venue, expected in marks.items():
        assert expected in [cells[1:3] for cells in tree.rows if cells[:1] == [venue]]


def test_the_ranking_names_its_weights_dates_and_notionals(tree: Tree) -> None:
    btc = row(tree, "1", "BTC")
    spaced = [cell.replace("\N{NO-BREAK SPACE}", " ") for cell in btc]
    assert spaced[3:] == [
        *("71.2", "81.2", "71.2", "81.2"),
        "3",
        "$10k – $10m",
        "3 Sep – 19 Nov 2025",
    ]
    assert "Venue weights: equal." in "".join(tree.text)


def test_the_summary_is_made_of_the_documents_numbers(report: str) -> None:
    summary = page(sample()).summary
    text = " ".join(f"{statement.lead}: {statement.text}" for statement in summary).replace(
        "\N{NO-BREAK SPACE}", " "
    )
    assert "6 margin schedules on 3 underlyings at 5 venues, from 3 snapshots" in text
    assert "The checks produced 7 findings: 2 error, 2 warning and 3 info." in text
    assert (
        "Of 6 schedules evaluated on initial margin that comparisons include, one per venue and"
        " underlying, 4 (67 %) lay below Synthetic baseline by more than its tolerance" in text
    )
    assert "Not counted there: 4 schedules of further contracts or profiles" in text
    assert "1 more could not be evaluated" in text
    assert "No margin could be compared with synthetic-cap." in text
    assert "Closest to the reference: BTC (71.2) and ETH (48.0)." in text
    assert (
        "venue-a required $20k (2.0 %, 50×), venue-c $40k (4.0 %, 25×): a spread of $20k over"
        " 3 venues, the highest 2 times the lowest." in text
    )
    assert "3 of 11 recorded venue–underlying pairs (27 %)" in text
    assert "Cross-venue statistics compare observations of 3 Sep – 19 Nov 2025." in text
    for statement in summary:
        assert escape(statement.text, quote=False) in report.replace("&#39;", "'")


def test_flags_and_checked_sources_stand_where_the_reference_is_used(tree: Tree) -> None:
    text = "".join(tree.text).replace("\N{NO-BREAK SPACE}", " ")
    caveat = "sources: ◇ 1 derived, ● 1 primary, ◐ 1 secondary, ○ 1 unverified; ⚑ flags: tiers (design choice); not statutory"
    assert text.count(caveat) == 4  # ranking, two heat-maps, one underlying
    finding = next(cells for cells in tree.rows if cells[1:2] == ["MH301"])
    assert finding[8].replace("\N{NO-BREAK SPACE}", " ") == f"{BASELINE} 0.1◇ 1 ● 1 ◐ 1 ○ 1 ⚑ 1"


def test_hashes_are_shortened_and_whole_on_pointing(tree: Tree) -> None:
    titled = [code["title"] for code in tree.of("code") if "title" in code]
    assert len(titled) == 3 + 6
    assert all(len(title) == 64 for title in titled)


def test_every_explanation_is_printed(tree: Tree) -> None:
    text = [part.strip() for part in tree.text]
    for expected in ("Instrument choice", "The most liquid one.", "Ties go to the first."):
        assert expected in text


def test_a_document_of_real_size_stays_below_a_megabyte() -> None:
    text = html(large())
    assert len(text.encode()) < 1_000_000
    assert max(len(svg) for svg in re.findall(r'<svg class="chart".*?</svg>', text)) < 25_000
    spaced = text.replace("\N{NO-BREAK SPACE}", " ")
    assert "The 20 closest to synthetic-baseline" in text
    assert "388 more are in the JSON document" in spaced
    assert re.search(r"9,9\d\d more findings in the JSON document", spaced)


def test_at_most_eight_lines_of_a_chart_are_named_and_the_others_on_hover_and_focus() -> None:
    text = html(recorded.reported().document)
    charts = re.findall(r'<svg class="chart"[^>]*group.*?</svg>', text, re.DOTALL)
    named = [set(re.findall(r'<text class="name [^"]*"[^>]*>([^<]*)<', chart)) for chart in charts]
    others = [re.findall(r'class="other" role="img" tabindex="0"', chart) for chart in charts]
    assert max(map(len, named)) == EMPHASISED
    assert all(others)
    assert re.search(r"\d+ in grey, named on hover and focus and in the table\.", text)


def test_a_venue_has_one_colour_and_dash_in_all_charts_of_margins() -> None:
    looks: dict[str, set[str]] = {}
    text = html(recorded.reported().document).split('id="history')[0]
    for look, name in re.findall(r'<text class="name (c\d d\d)[^"]*"[^>]*>([^<]*)<', text):
        looks.setdefault(name, set()).add(look)
    assert len(looks) > 7
    assert all(len(own) == 1 for own in looks.values())


def luminance(colour: str) -> float:
    def linear(part: str) -> float:
        value = int(part, 16) / 255
        return value / 12.92 if value <= 0.04045 else ((value + 0.055) / 1.055) ** 2.4

    full = colour if len(colour) == 7 else "#" + "".join(sign * 2 for sign in colour[1:])
    red, green, blue = (linear(full[at : at + 2]) for at in (1, 3, 5))
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(first: str, second: str) -> float:
    high, low = sorted((luminance(first), luminance(second)), reverse=True)
    return (high + 0.05) / (low + 0.05)


def palettes() -> list[dict[str, str]]:
    blocks = re.findall(r":root\S* \{(.*?)\}", STYLESHEET.read_text(), re.DOTALL)
    return [dict(re.findall(r"--([\w-]+): (#\w+)", block)) for block in blocks]


def test_text_has_the_contrast_that_wcag_aa_asks_in_light_dark_and_print() -> None:
    light, dark, paper = palettes()
    assert set(light) == set(dark) == set(paper)
    for palette in (light, dark, paper):
        for name in ("ink", "soft", "link", "key", "error", "warning", "info"):
            assert contrast(palette[name], palette["paper"]) >= 4.5, name
        for line in range(COLOURS):
            assert contrast(palette[f"line-{line}"], palette["paper"]) >= 4.5, line
        for side in "uo":
            for step in "123":
                assert contrast(palette["ink"], palette[side + step]) >= 4.5
            assert contrast(palette[f"{side}4-ink"], palette[f"{side}4"]) >= 4.5
        assert contrast(palette["bar"], palette["wash"]) >= 3


def test_the_style_sheet_has_every_class_that_drawings_use() -> None:
    styles = STYLESHEET.read_text()
    for number in range(COLOURS):
        assert f".c{number} " in styles
    for number in range(1, DASHES):
        assert f".d{number} " in styles


def test_references_that_take_every_place_leave_none_for_venues() -> None:
    compared = [(float(number), f"venue-{number}") for number in range(12)]
    for limit in (0, -1):
        assert venues_to_name(compared, [], limit) == frozenset()
    assert len(venues_to_name(compared, [], 8)) == 8
