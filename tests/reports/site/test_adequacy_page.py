"""Pages of margins tested against past prices: every number equals that of its row."""

import csv
import html
import io
import re
import tarfile
from collections import Counter
from collections.abc import Iterator
from dataclasses import astuple, replace
from functools import cache

import pytest

from harmonize.document import AdequacyRow, AdequacySection, AuditDocument
from harmonize.document.adequacy_sentences import sentences
from harmonize.document.history import History, StressWindow
from reports.registry import report_files
from reports.site import adequacy_words as words
from reports.site.adequacy_addresses import verdict_address, verdict_anchor
from reports.site.adequacy_charts import close_out_seconds, move_over
from reports.site.adequacy_page import MOST_ROWS
from reports.site.adequacy_table import age_days
from reports.site.folder import site_files
from tests.support import recorded
from tests.support.sample_adequacy import (
    BREACH,
    FILE,
    SERIES,
    hostile,
    judged_sample,
    moves,
    section,
    verdict,
    without_breach,
)
from tests.support.sample_documents import FORMULA, SCRIPT, empty, sample
from tests.support.sample_history import course
from tests.support.site_pages import broken_links, read_page

NBSP = "\N{NO-BREAK SPACE}"
TAGS = re.compile(r"<[^>]+>")


@cache
def files() -> dict[str, bytes]:
    return dict(report_files(judged_sample()))


@cache
def recorded_files() -> dict[str, bytes]:
    return dict(report_files(recorded.judged().document))


def page(path: str, document: AuditDocument | None = None) -> str:
    content = dict(site_files(document))[path] if document else files()[path]
    return content.decode()


def plain(markup: str) -> str:
    return html.unescape(TAGS.sub(" ", markup)).replace(NBSP, " ")


def cells(content: str, anchor: str) -> dict[str, list[str]]:
    """Returns the lines of each cell of the row with an anchor, by its head."""
    table = next(
        part for part in re.findall(r"<table.*?</table>", content, re.DOTALL) if anchor in part
    )
    heads = [
        plain(head).strip()
        for head in re.findall(r"<th[^>]*>(.*?)</th>", table.split("</thead>")[0])
    ]
    row = re.search(rf'<tr id="{anchor}">(.*?)</tr>', table, re.DOTALL)
    assert row is not None
    found = re.findall(r"<(?:th|td)[^>]*>(.*?)</(?:th|td)>", row[1], re.DOTALL)
    lines = [[plain(part).strip() for part in cell.split("<small>")] for cell in found]
    return dict(zip(heads, lines, strict=True))


def test_every_column_states_the_number_of_its_row() -> None:
    row = cells(page("adequacy.html"), verdict_anchor(verdict()))
    assert row == {
        "Venue": ["venue-a", "BTC/USDT · cross"],
        "Underlying": ["BTC"],
        "Side": ["long"],
        "Size": ["$1m"],
        "MM holds": ["<15 min", "√t 5 min"],
        "IM − MM holds": ["20 min", "19 min to 21 min; √t 14 min"],
        "IM holds": [">5 d", "√t 36 min"],
        "Over MM after a liquidation": ["40.15 %", "273 of 680 in 15 min"],
        "Over MM in all windows": ["5.377 %", "5,527 of 102,782"],
        "IM over 1 day": ["74.94 %", "red; 514 of 2,051", "p <0.001, 0.088, 0.250, 1.000"],
        "IM over 2 days": ["98.54 %", "yellow; 30 of 2,049", "p <0.001, 0.088, 0.250, 1.000"],
        "IM over 5 days": [
            "100.0 %",
            "green; 0 of 2,043; ≤ 1.23 %",
            "p <0.001, 0.088, 0.250, 1.000",
        ],
        "Worst days": ["2025-10-10"],
        "Table, and its age": ["19 Nov 2025", "under 1 day"],
        "Prices, and what is not observable": [SERIES],
    }


def test_the_share_without_a_breach_is_a_bound_and_so_is_the_age_of_a_bounded_date() -> None:
    row = cells(page("adequacy.html"), verdict_anchor(without_breach()))
    assert row["Over MM after a liquidation"] == ["0.0 %, ≤ 1.23 %", "0 of 250 in 30 min"]
    assert row["Table, and its age"] == ["≤ 3 Sep 2025", "≥ 78 days"]


def test_what_is_unknown_is_marked_and_has_its_reason() -> None:
    row = cells(page("adequacy.html"), verdict_anchor(hostile()))
    for head in ("MM holds", "IM − MM holds", "Over MM after a liquidation", "IM over 1 day"):
        assert row[head] == ["n/o"]
    assert row["Worst days"] == ["n/o"]
    assert row["IM holds"][1] == "unknown to 21 min; √t 14 min"
    reasons = row["Prices, and what is not observable"][1]
    assert (
        "IM − MM, MM, after a liquidation, all windows: <script>alert(1)</script> publishes no MM"
        in reasons
    )
    assert "close-out time: no size verdict: no volume" in reasons
    assert "clearing: IM was not tested" in reasons


def test_the_end_of_an_interval_beyond_the_measured_horizons_is_marked() -> None:
    holding = replace(verdict().holding[0], shortest_bound="shorter", longest_bound="longer")
    assert words.holding_range(holding).replace(NBSP, " ") == "<19 min to >21 min; √t 14 min"
    document = judged_sample()
    measured = replace(holding, shortest=900.0, longest_bound="measured")
    first = replace(verdict(), holding=(measured, *verdict().holding[1:]))
    rows = (first, *document.adequacy.rows[1:])
    shown = page("adequacy.html", replace(document, adequacy=replace(document.adequacy, rows=rows)))
    assert cells(shown, verdict_anchor(first))["IM − MM holds"][1] == "<15 min to 21 min; √t 14 min"


def test_rows_keep_their_order_and_each_has_its_permalink_on_both_pages() -> None:
    content = page("adequacy.html")
    shown = [row for row in section().rows if row.notional == 1e6]
    assert re.findall(r'<tr id="(verdict-[^"]*)"', content) == list(map(verdict_anchor, shown))
    for row in section().rows:
        path, _, anchor = verdict_address(row, 1e6).partition("#")
        ids = read_page(files()[path]).ids
        assert anchor in ids
        assert verdict_anchor(row) in ids
    other = verdict(notional=1e4)
    assert verdict_address(other, 1e6).startswith("adequacy/btc-at-10000.html#")
    listed = cells(page("adequacy/btc-at-10000.html"), verdict_anchor(other))
    assert listed["Size"] == ["$10k"]
    assert listed["Worst days"] == [
        "2025-10-10",
        "112,137.6, close of 2025-10-10 21:00, to 101,516.5, low of 2025-10-10 21:15 UTC; 8.971 % uncovered; hourly/venue_a.parquet",
    ]


def test_the_worst_breach_leads_to_two_candles_a_file_and_the_tiers() -> None:
    content = page("adequacy/btc.html")
    anchor = f"detail-{verdict_anchor(verdict())}"
    detail = content.split(f'<div id="{anchor}">')[1].split("</details>")[0]
    shown = plain(detail)
    assert (
        "Worst, MM, after a liquidation: 9.471 % from 112,137.6, close of the candle of 2025-10-10 21:00,"
        " to 101,516.5, low of 2025-10-10 21:15 UTC; 8.971 % uncovered; venue-a perp BTCUSDT 15m, file"
    ) in shown
    assert f"<code>{FILE}</code>" in detail
    assert "IM 2.0 % (USD 20,000.00)" in shown
    tiers = re.search(r'href="\.\./(underlyings/btc\.html)#(schedule-venue-a[^"]*)"', detail)
    assert tiers is not None
    assert tiers[2] in read_page(files()[tiers[1]]).ids
    for sentence in astuple(sentences(verdict())):
        assert sentence in shown


def csv_rows(name: str, content: dict[str, bytes]) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(content[name].decode())))


def numbers_of(row: AdequacyRow) -> Iterator[tuple[str, float | None]]:
    holding = {part.margin: part for part in row.holding}
    yield from (("im", row.initial), ("mm", row.maintenance), ("size_usd", row.notional))
    for margin, name in (("maintenance", "mm"), ("buffer", "buffer"), ("initial", "im")):
        part = holding[margin]
        yield from ((f"{name}_seconds", part.seconds), (f"{name}_shortest", part.shortest))
        yield f"{name}_longest", part.longest
        yield f"{name}_by_square_root", part.by_square_root
    for name, test in (("liquidation", row.after_liquidation), ("windows", row.every_window)):
        yield f"{name}_breaches", test.breaches
        yield f"{name}_observations", test.observations
        yield f"{name}_share", test.breach_rate
        yield f"{name}_share_at_most", test.rate_at_most
    yield "close_out_seconds", row.close_out_seconds
    for tested in row.clearing:
        name, rate = f"im_{tested.days}d", tested.test.breach_rate
        yield f"{name}_coverage", None if rate is None else 1 - rate


def p_values_of(row: AdequacyRow) -> Iterator[tuple[str, float | None]]:
    for tested in row.clearing:
        name = f"im_{tested.days}d"
        yield f"{name}_kupiec_p", tested.kupiec
        yield f"{name}_christoffersen_p", tested.christoffersen
        yield f"{name}_conditional_p", tested.conditional
        yield f"{name}_shortfall_p", tested.shortfall


def test_the_csv_file_has_every_verdict_with_its_numbers_unrounded() -> None:
    document = recorded.judged().document
    listed = csv_rows("adequacy.csv", recorded_files())
    assert len(listed) == len(document.adequacy.rows) > 1_000
    for shown, row in zip(listed, document.adequacy.rows, strict=True):
        assert (shown["venue"], shown["contract"], shown["side"]) == (
            row.venue,
            row.symbol,
            row.side,
        )
        for name, value in numbers_of(row):
            assert bool(shown[name]) == (value is not None), name
            assert float(shown[name] or 0) == pytest.approx(value or 0, rel=1e-8), name
        for name, value in p_values_of(row):
            assert float(shown[name] or 0) == pytest.approx(value or 0, rel=1e-3), name
        assert shown["worst_days"].split() == words.worst_days(row)
        assert float(shown["age_days"]) == pytest.approx(age_days(row, document.as_of)[0])


def test_results_state_their_numbers() -> None:
    results = plain(page("adequacy.html").split('<section id="results">')[1].split("</section>")[0])
    assert "at most an hour: MM for 2 of 2, IM − MM for 2 of 2, IM for 1 of 3 positions." in results
    assert "in 40.15 % of cases at worst (venue-a BTC long, 273 of 680 in 15 min)" in results
    assert "above 10.0 % for 1 of 2 positions" in results
    assert (
        "green zone for 0 of 2 positions over 1 day, 0 of 2 over 2 days, 2 of 2 over 5 days."
        in results
    )
    assert "A one-day backtest of a liquidation trigger is always red and says nothing" in results
    assert "is red for 2 of 2 positions" in results


def test_verdicts_from_daily_candles_are_no_worst_result() -> None:
    document = judged_sample()
    daily = replace(
        verdict("venue-c"),
        after_liquidation=replace(
            verdict().after_liquidation, breaches=600, series="venue-c perp 1d"
        ),
    )
    rows = (*document.adequacy.rows, daily)
    content = page(
        "adequacy.html", replace(document, adequacy=replace(document.adequacy, rows=rows))
    )
    assert "40.15" in content.split('<section id="results">')[1].split("</section>")[0]
    assert "of 2 positions with enough liquidations" in plain(content)


def test_what_has_no_verdict_is_listed_with_its_reason() -> None:
    content = page("adequacy.html")
    absent = plain(content.split('<section id="absent">')[1].split("</section>")[0])
    assert "only a leverage is published" in absent
    assert "venue-c ETH" in absent
    assert "for 2 underlyings with schedules: ETH" in absent
    listed = csv_rows("adequacy-not-observable.csv", files())
    assert [row["reason"] for row in listed][:2] == ["only a leverage is published", SCRIPT]
    assert len(listed) == 4


@pytest.mark.parametrize("document", [sample(), empty()], ids=["sample", "empty"])
def test_without_verdicts_one_line_says_so(document: AuditDocument) -> None:
    built = dict(site_files(document))
    assert "No margin was tested against past prices" in built["adequacy.html"].decode()
    assert not [path for path in built if path.startswith("adequacy/")]
    assert not [path for path, content in built.items() if b'<section id="adequacy">' in content]


def test_pages_of_venues_and_underlyings_have_their_worst_verdicts_or_a_reason() -> None:
    underlying = page("underlyings/btc.html")
    block = underlying.split('<section id="adequacy">')[1].split("</section>")[0]
    assert '<a href="../adequacy/btc.html#detail-verdict-venue-a' in block
    assert "40.15 % (273 of 680 in 15 min)" in plain(block)
    venue = page("venues/venue-b.html").split('<section id="adequacy">')[1].split("</section>")[0]
    assert "0.0 %, ≤ 1.23 % (0 of 250 in 30 min)" in plain(venue)
    for path, reason in (
        ("underlyings/eth.html", "only a leverage is published, no archived prices"),
        ("venues/venue-c.html", "only a leverage is published"),
        ("venues/venue-e.html", "no contract with archived prices"),
    ):
        absent = page(path).split('<section id="adequacy">')[1].split("</section>")[0]
        assert f"Not tested against past prices : {reason}" in plain(absent)


def test_blocks_do_not_change_with_the_day_of_the_build() -> None:
    today = dict(site_files(judged_sample()))
    later = dict(site_files(replace(judged_sample(), as_of="2025-11-21")))
    changed = {path for path in later if later[path] != today[path]}
    assert changed == {"index.html", "adequacy.html", "adequacy.csv"}


def test_hostile_names_are_text_and_every_link_leads_somewhere() -> None:
    assert broken_links(files()) == []
    for path, content in files().items():
        if "adequacy" in path and path.endswith(".html"):
            tree = read_page(content)
            assert "<script>alert" not in content.decode(), path
            assert "\x1b" not in content.decode()
            assert not [ident for ident, count in Counter(tree.ids).items() if count > 1], path
            names = [tag["aria-label"] for _, tag in tree.tags if tag.get("role") == "region"]
            assert len(names) == len(set(names)), path
        if "adequacy" in path and path.endswith(".csv"):
            for row in csv.reader(io.StringIO(content.decode())):
                assert not [cell for cell in row if cell.startswith("=")], path
    assert FORMULA in plain(page("adequacy.html"))


def test_the_chart_of_time_has_the_move_its_interval_and_the_margins() -> None:
    rows = csv_rows("adequacy/btc-long.csv", files())
    assert [row["Rate"] for row in rows if "move" in row["Line"]] == [
        f"{rate}{NBSP}%" for rate in ("0.5", "1.0", "5.0")
    ] + ["n/o: 40 observations"]
    assert rows[0]["Interval"].replace(NBSP, " ") == "0.45 % to 0.55 %"
    margins = {
        row["Line"]: row["Rate"].replace(NBSP, " ") for row in rows if "venue-a" in row["Line"][:7]
    }
    assert margins == {"venue-a BTC/USDT IM": "2.0 %", "venue-a BTC/USDT MM": "1.0 %"}
    svg = re.search(r"<svg.*?</svg>", page("adequacy/btc.html"), re.DOTALL)
    assert svg is not None
    assert f"venue-a IM 2.0{NBSP}%" in svg[0]
    assert "area b0 paler" in svg[0]


def test_the_move_over_a_close_out_is_interpolated_and_unknown_beyond_the_horizons() -> None:
    measured = [row for row in moves("BTC", ("venue-a",)) if row.side == "long" and row.move]
    assert close_out_seconds(verdict(), 4.5e8) == pytest.approx(86_400.0)
    assert move_over(measured, 1_800.0) == pytest.approx(0.005 * 2**0.5)
    assert move_over(measured, 86_400.0) == pytest.approx(0.05)
    assert move_over(measured, 800.0) is None
    assert move_over(measured, 90_000.0) is None
    assert close_out_seconds(replace(verdict(), volume=None), 1e6) is None


def test_required_and_measured_rates_over_size_stand_beside_each_other() -> None:
    figure = page("adequacy/btc.html").split('<figure id="chart-btc-size-venue-a"')[1]
    table = figure.split("<table")[1].split("</table>")[0]
    heads, *rows = [
        [plain(cell).strip() for cell in re.findall(r"<(?:th|td)[^>]*>(.*?)</(?:th|td)>", row)]
        for row in re.findall(r"<tr.*?</tr>", table, re.DOTALL)
    ]
    shown = [dict(zip(heads, row, strict=True)) for row in rows]
    assert [row["Close-out time"] for row in shown] == ["1.9 s", "19 s", "3.2 min", "32 min"]
    assert [row["IM"] for row in shown] == ["2.0 %"] * 4
    assert [row["MM"] for row in shown] == ["1.0 %", "1.0 %", "1.0 %", "–"]
    assert [row["99 % move, long"] for row in shown[:3]] == ["–"] * 3
    assert shown[3]["99 % move, long"] == "0.7303 %"


def test_breaches_over_time_have_stress_windows_table_changes_and_counts() -> None:
    history = History(
        (course("2023-03-01 0.01, 2024-03-01 0.02", "2024-04-01"),),
        (),
        (StressWindow("2023-08-17", "2023-08-18", "BTC −16 %", "prices"),),
    )
    content = page("adequacy/btc-history.html", replace(judged_sample(), history=history))
    figures = re.findall(r"<figure.*?</figure>", content, re.DOTALL)
    assert len(figures) == 4
    assert 'class="stress"' in figures[0]
    assert "<title>$10k, 2023: 100 of 400</title>" in figures[0]
    assert ", 2024: " not in figures[0].split("</svg>")[0]
    assert "1,537" in plain(figures[0])
    listed = csv_rows("adequacy-history.csv", files())
    assert len(listed) == 16
    assert (listed[0]["year"], listed[0]["breaches"], listed[0]["observations"]) == (
        "2023",
        "100",
        "400",
    )
    table = page("adequacy.html").split('<section id="history">')[1].split("</section>")[0]
    assert "24.52 % 103 of 420; 2023: 25.0 %; 1,537 unknown" in re.sub(r"\s+", " ", plain(table))


def test_other_sizes_of_a_document_without_the_usual_one_are_shown() -> None:
    document = judged_sample()
    rows = tuple(replace(row, notional=5e6) for row in document.adequacy.rows[:2])
    content = page("adequacy.html", replace(document, adequacy=AdequacySection(0.99, rows)))
    assert "Position of $5m" in content
    assert content.count('<tr id="verdict-') == 2


def test_the_recorded_pages_keep_within_their_limits_and_every_link_leads_somewhere() -> None:
    built = recorded_files()
    assert broken_links(built) == []
    own = {path: content for path, content in built.items() if path.startswith("adequacy")}
    assert max(len(content) for path, content in own.items() if path.endswith(".html")) <= 300_000
    assert own["adequacy.html"].count(b'<tr id="verdict-') == MOST_ROWS
    assert sum(map(len, built.values())) <= 30_000_000
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:gz") as archive:
        for path, content in built.items():
            entry = tarfile.TarInfo(path)
            entry.size = len(content)
            archive.addfile(entry, io.BytesIO(content))
    assert len(packed.getvalue()) <= 6_100_000


def test_equal_documents_give_equal_bytes() -> None:
    assert dict(site_files(judged_sample())) == dict(site_files(judged_sample()))


def test_the_breach_of_the_sample_is_the_worst_of_its_row() -> None:
    assert words.worst_breaches(verdict())[0] == BREACH
