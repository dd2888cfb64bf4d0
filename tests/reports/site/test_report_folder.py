import base64
import csv
import gzip
import hashlib
import io
import re
from collections import Counter
from dataclasses import replace
from functools import cache

import pytest

from harmonize.document import AuditDocument, Status
from harmonize.document.history import History, StressWindow
from harmonize.text import numbers
from reports.charts.bars import DistanceBar, distance_bars, stacked_areas
from reports.charts.curve_lines import CurveLine, curve_lines
from reports.charts.svg import EMPHASISED, Frame, line_css
from reports.html.report import html
from reports.piece_values import margin_at
from reports.registry import report_files
from reports.site.addresses import cell_anchor, finding_anchor, underlying_slug
from reports.site.folder import PAGES, site_files
from reports.site.report_context import ReportContext
from tests.support import recorded
from tests.support.sample_documents import ESCAPE, FORMULA, HEAT, SCRIPT, empty, large, sample
from tests.support.sample_history import course, week
from tests.support.site_pages import broken_links, read_page

POLICY = re.compile(r'http-equiv="Content-Security-Policy" content="([^"]*)"')
HISTORY = History(
    (
        course("2025-01-01 0.01, 2025-03-01 0.02", "2025-04-01"),
        course("2025-01-01 0.02", "2025-04-01", venue="venue-b"),
    ),
    (week("2025-01-06", 1), week("2025-03-03", 2, 1)),
    (StressWindow("2025-02-03", "2025-02-04", "BTC", "prices"),),
)


def pages(document: AuditDocument) -> dict[str, str]:
    return {
        path: content.decode() for path, content in site_files(document) if path.endswith(".html")
    }


@cache
def recorded_files() -> dict[str, bytes]:
    return dict(report_files(recorded.reported().document))


@pytest.fixture(scope="module")
def site() -> dict[str, str]:
    return pages(sample())


@pytest.mark.parametrize(
    "document",
    [sample(), empty(), replace(sample(), history=HISTORY), large()],
    ids=["sample", "empty", "history", "large"],
)
def test_every_link_leads_to_a_file_and_an_anchor_that_exist(document: AuditDocument) -> None:
    assert broken_links(dict(report_files(document))) == []


@pytest.mark.parametrize("document", [sample(), empty()], ids=["sample", "empty"])
def test_ids_are_unique_within_a_page_and_names_of_regions_too(document: AuditDocument) -> None:
    for path, content in pages(document).items():
        tree = read_page(content.encode())
        assert not [ident for ident, count in Counter(tree.ids).items() if count > 1], path
        names = [tag["aria-label"] for _, tag in tree.tags if tag.get("role") == "region"]
        assert len(names) == len(set(names)), path


def test_every_underlying_venue_and_rule_set_has_a_page(site: dict[str, str]) -> None:
    document = sample()
    assert {"index.html", "findings.html", "gap.html", "history.html", "coverage.html"} <= set(site)
    assert {kind.path for kind in PAGES if kind.path} <= set(site)
    for row in document.schedules:
        assert f"underlyings/{underlying_slug(row.underlying)}.html" in site
    for venue in ("venue-a", "venue-b", "venue-c", "venue-d", "venue-e"):
        assert f"venues/{venue}.html" in site
    for rule_set in document.rule_sets:
        assert f"rules/{rule_set.id}.html" in site


def test_every_finding_has_its_permalink_on_the_page_that_it_names(site: dict[str, str]) -> None:
    context = ReportContext(sample())
    for finding in context.document.findings:
        path, _, anchor = context.finding_address(finding).partition("#")
        assert anchor == finding_anchor(finding.fingerprint)
        assert anchor in read_page(site[path].encode()).ids


def test_a_cell_of_the_heat_map_leads_to_the_margin_of_its_venue(site: dict[str, str]) -> None:
    anchor = cell_anchor("venue-a", "BTC", "initial")
    assert anchor == "cell-venue-a-btc-im"
    assert f'<td id="{anchor}"' in site["divergence.html"]
    assert f'href="underlyings/btc.html#{anchor}"' in site["divergence.html"]
    assert re.search(
        rf'id="{anchor}"[^>]*>2\.0\N{{NO-BREAK SPACE}}%<', site["underlyings/btc.html"]
    )


def test_a_schedule_leads_down_to_payload_pointer_unit_and_price(site: dict[str, str]) -> None:
    row = next(row for row in sample().schedules if row.evidence)
    (payload, *_) = [snapshot.payloads for snapshot in sample().snapshots if snapshot.payloads]
    page = site[f"underlyings/{underlying_slug(row.underlying)}.html"]
    evidence = row.evidence[0]
    assert row.evidence[0].rows[0] in page
    fields = f"{evidence.columns[0].key} ({evidence.columns[0].unit})"
    known = {row.sha256 for row in payload}
    if evidence.sha256 in known:
        assert f"#payload-{evidence.sha256[:12]}" in page
        assert fields in site[f"venues/{row.venue}.html"]
    else:
        assert fields in page


def test_what_all_schedules_share_is_on_the_page_of_the_venue_and_what_differs_on_each() -> None:
    document = sample()
    venue = next(row.venue for row in document.schedules if row.evidence)
    own = [row for row in document.schedules if row.venue == venue]
    shared = pages(document)[f"underlyings/{underlying_slug(own[0].underlying)}.html"]
    assert "liquidation fee" not in shared
    rows = tuple(
        replace(row, fee_rule="no fee at all") if row == own[0] else row
        for row in document.schedules
    )
    page = pages(replace(document, schedules=rows))
    assert (
        "liquidation fee no fee at all"
        in page[f"underlyings/{underlying_slug(own[0].underlying)}.html"]
    )
    assert "no fee at all" in page[f"venues/{venue}.html"]


def test_the_first_mention_of_a_rule_set_leads_to_its_text() -> None:
    page = recorded_files()["underlyings/sc.html"].decode()
    findings = page.split('<section id="findings">')[1].split("</section>")[0]
    names = {
        finding.rule_set
        for finding in recorded.reported().document.findings
        if finding.underlying == "SC" and finding.rule_set
    }
    assert len(names) > 3
    for name in names:
        assert findings.index(f'<a href="../rules/{name}.html">{name}</a>') <= findings.index(name)


def test_curves_are_drawn_only_where_venues_are_compared() -> None:
    document = recorded.reported().document
    compared = {row.underlying for row in document.comparisons if row.is_compared}
    drawn = {
        underlying
        for underlying in ReportContext(document).underlyings
        if b'<section id="curves">'
        in recorded_files()[f"underlyings/{underlying_slug(underlying)}.html"]
    }
    assert drawn <= compared
    assert len(drawn) > 100


@pytest.mark.parametrize("document", [sample(), large()], ids=["sample", "large"])
def test_only_the_own_script_runs_and_nothing_is_requested(document: AuditDocument) -> None:
    for path, content in pages(document).items():
        tree = read_page(content.encode())
        policy = POLICY.search(content)
        assert policy is not None
        allowed = policy[1].replace("&#x27;", "'")
        assert "default-src 'none'" in allowed
        for script in tree.scripts:
            digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
            assert f"script-src 'sha256-{digest}' 'strict-dynamic'" in allowed
        assert len(tree.scripts) <= 1
        assert bool(tree.scripts) == ("script-src" in allowed)
        assert bool(tree.scripts) == ("data-tools" in content or 'class="saved"' in content)
        for tag, attributes in tree.tags:
            assert tag not in {"iframe", "object", "embed", "base", "form", "img"}, path
            assert not {"src", "srcset", "style", "action"} & set(attributes), (path, tag)
            assert not [name for name in attributes if name.startswith("on")], (path, tag)


def test_text_from_venues_rules_and_waivers_is_inert() -> None:
    hostile = f'{SCRIPT}" onmouseover="alert(1)'
    document = sample()
    document = replace(
        document,
        rule_sets=tuple(
            replace(row, title=hostile, description=hostile, scope=hostile, requirement=hostile)
            for row in document.rule_sets
        ),
        waivers=tuple(replace(row, reason=hostile, owner=hostile) for row in document.waivers),
        unobserved=tuple(replace(row, reason=hostile) for row in document.unobserved),
        explanations={hostile: hostile},
        archive=hostile,
    )
    for path, content in pages(document).items():
        assert "<script>alert" not in content, path
        assert not any("onmouseover" in tag for _, tag in read_page(content.encode()).tags), path
        assert "\x1b" not in content
        assert "\u202e" not in content
    assert any(ascii(ESCAPE[8])[1:-1] in content for content in pages(document).values())


def test_a_formula_in_a_name_is_text_in_every_csv() -> None:
    document = replace(
        sample(), schedules=tuple(replace(row, venue=FORMULA) for row in sample().schedules)
    )
    for path, content in site_files(document):
        if path.endswith(".csv"):
            for row in csv.reader(io.StringIO(content.decode())):
                assert not [cell for cell in row if cell.startswith("=")], path


def test_csv_files_state_numbers_unrounded() -> None:
    files = dict(site_files(sample()))
    rows = list(csv.DictReader(io.StringIO(files["underlyings/btc.csv"].decode())))
    of_type = [row for row in rows if row["Margin type"] == "initial"]
    first = next(
        row for row in of_type if (row["Venue"], row["Position"]) == ("venue-a", "1000000")
    )
    assert (first["Margin"], first["Rate"], first["Rank"]) == ("20000", "0.02", "1")


def test_margins_of_pieces_equal_those_that_the_audit_compared() -> None:
    document = recorded.reported().document
    rows = {(row.venue, row.symbol, row.profile): row for row in document.schedules}
    compared = 0
    for divergence in document.divergences:
        row = rows[divergence.venue, divergence.symbol, divergence.profile]
        for point in divergence.points:
            margin = margin_at(row, divergence.margin_type, point.notional)
            assert margin.is_above_capacity == point.above_capacity
            assert margin.amount == (
                None if point.margin is None else pytest.approx(point.margin, rel=1e-9)
            )
            compared += 1
    assert compared > 3_000


def test_every_chart_has_a_permalink_and_its_files_or_buttons_for_them() -> None:
    for path, content in recorded_files().items():
        if not path.endswith(".html"):
            continue
        page = content.decode()
        for figure in re.findall(r"<figure.*?</figure>", page, re.DOTALL):
            name = re.match(r'<figure id="chart-([\w-]+)"', figure)
            assert name is not None, path
            assert '<span class="saved">' in figure
            link = f"{name[1]}.svg"
            folder = path.rpartition("/")[0]
            if f'<a href="{link}">SVG</a>' in figure:
                assert f"{folder}/{link}".strip("/") in recorded_files()


def test_heat_maps_have_their_table_as_csv(site: dict[str, str]) -> None:
    assert '<a href="divergence.csv">' in site["divergence.html"]
    rows = list(csv.DictReader(io.StringIO(dict(site_files(sample()))["divergence.csv"].decode())))
    assert {row["Venue"] for row in rows} >= {"venue-a", "venue-b"}
    assert "BTC" in rows[0]


def test_axes_of_size_and_of_moves_state_both_ends() -> None:
    frame, notionals = Frame("k", "Title", ""), (2e4, 3e5, 7e7)
    svg = stacked_areas(frame, notionals, [(0.1, 0.2, 0.3), (0.5, 0.6, 0.7), (1.0, 1.0, 1.0)])
    labels = re.findall(r'class="notional"[^>]*>([^<]*)<', svg)
    assert (labels[0], labels[-1]) == ("$20k", "$70m")
    moves = distance_bars(frame, [DistanceBar("venue-a", 0.37, 0.31, None, None, "")])
    ends = [
        label.replace("\N{NO-BREAK SPACE}", " ")
        for label in re.findall(r'class="notional"[^>]*>([^<]*)<', moves)
    ]
    assert {"−50 %", "50 %"} <= set(ends)


def test_an_unverified_margin_is_marked_in_charts_of_both_reports() -> None:
    document = sample()
    rows = tuple(
        replace(row, initial_status=Status.UNVERIFIED) if row.venue == "venue-a" else row
        for row in document.schedules
    )
    document = replace(document, schedules=rows)
    for page in (pages(document)["underlyings/btc.html"], html(document)):
        assert re.search(r'<text class="name [^"]*"[^>]*>○ venue-a<', page)


def test_an_unverified_margin_is_marked_where_it_stands() -> None:
    document = sample()
    rows = tuple(
        replace(row, initial_status=Status.UNVERIFIED) if row.venue == "venue-a" else row
        for row in document.schedules
    )
    site = pages(replace(document, schedules=rows))
    heat_map = re.search(
        r'<td id="cell-venue-a-btc-im"[^>]*><a [^>]*>([^<]*)<', site["divergence.html"]
    )
    assert heat_map is not None
    assert heat_map[1].endswith("○")
    page = site["underlyings/btc.html"]
    cell = re.search(r'<td id="cell-venue-a-btc-im"[^>]*>([^<]*)<', page)
    assert cell is not None
    assert cell[1].endswith("○")
    assert "○ unverified" in page


def test_equal_documents_give_equal_bytes() -> None:
    assert dict(report_files(sample())) == dict(report_files(sample()))


def test_pages_of_underlyings_do_not_change_with_the_day_of_the_build() -> None:
    today, later = pages(sample()), pages(replace(sample(), as_of="2025-11-21"))
    changed = {path for path in today if today[path] != later[path]}
    assert changed == {"index.html"}


def test_a_large_download_is_compressed_and_a_small_one_is_not() -> None:
    small, whole = dict(report_files(sample())), recorded_files()
    assert {"data/audit.json", "data/findings.csv", "data/findings.xlsx"} <= set(small)
    assert "data/audit.json.gz" in whole
    assert gzip.decompress(whole["data/audit.json.gz"]).startswith(b'{"schema_version"')
    assert 'href="data/audit.json.gz"' in whole["data.html"].decode()


def test_at_most_eight_lines_of_a_chart_are_named() -> None:
    for path, content in recorded_files().items():
        if not path.endswith(".html"):
            continue
        for chart in re.findall(r'<svg class="chart".*?</svg>', content.decode(), re.DOTALL):
            names = re.findall(r'<text class="name [^"]*"[^>]*>([^<]*)<', chart)
            assert len(names) <= EMPHASISED, path


def test_every_line_that_is_not_named_is_named_on_hover_and_focus() -> None:
    points = ((1e4, 0.01), (1e8, 0.05))
    lines = [
        CurveLine(f"venue-{number}", points, number, is_emphasised=number < 8)
        for number in range(12)
    ]
    svg = curve_lines(Frame("k", "Title", ""), lines, (1e4, 1e8))
    for number in range(8, 12):
        assert f'tabindex="0" aria-label="venue-{number}"><title>venue-{number}</title>' in svg
    assert 'role="group"' in svg


def test_fifty_six_venues_have_lines_of_their_own() -> None:
    assert len({line_css(style) for style in range(56)}) == 56


def test_axes_state_both_ends() -> None:
    lines = [CurveLine("a", ((1e4, 0.01), (3e7, 0.04)), 0, is_emphasised=True)]
    svg = curve_lines(Frame("k", "Title", ""), lines, (1e4, 3e7))
    labels = re.findall(r'class="notional"[^>]*>([^<]*)<', svg)
    assert (labels[0], labels[-1]) == ("$10k", "$30m")


def test_the_rank_of_equal_margins_is_shared_and_excluded_venues_have_none() -> None:
    document = sample()
    page = pages(document)["underlyings/btc.html"]
    rows = re.findall(r'<tr id="venue-([a-z-]+)"><th[^>]*>.*?</th><td[^>]*>([^<]*)</td>', page)
    ranks = dict(rows)
    comparison = next(row for row in document.comparisons if row.underlying == "BTC")
    for member in comparison.members:
        if member.venue in ranks and not member.included:
            assert ranks[member.venue] == numbers.NOT_OBSERVABLE
    assert ranks["venue-a"] == "1"


def test_every_link_of_the_recorded_report_leads_somewhere() -> None:
    assert broken_links(recorded_files()) == []


def test_every_recorded_finding_has_its_permalink_also_where_equal_ones_share_a_line() -> None:
    context = ReportContext(recorded.reported().document)
    anchors = {
        path: set(re.findall(r'id="(finding-[^"]*)"', content.decode()))
        for path, content in recorded_files().items()
        if path.endswith(".html")
    }
    for finding in context.document.findings:
        path, _, anchor = context.finding_address(finding).partition("#")
        assert anchor in anchors[path], finding


def test_sizes_keep_within_their_limits() -> None:
    files = recorded_files()
    sizes = {path: len(content) for path, content in files.items()}
    assert sum(sizes.values()) <= 22_000_000
    pages_packed = sum(
        len(gzip.compress(content, 6)) for path, content in files.items() if path.endswith(".html")
    )
    assert pages_packed <= 3_700_000
    assert sizes["data/findings.xlsx"] <= 700_000
    assert sizes["index.html"] <= 300_000
    html = [path for path in files if path.endswith(".html")]
    assert sum(path.startswith("underlyings/") for path in html) >= 865
    assert HEAT == 1e6
