"""The page of an underlying answers what ``harmonize compare`` answers, at every listed size."""

import csv
import io
import re
from dataclasses import replace
from functools import cache
from html import unescape

import pytest

from harmonize.api.audit import Question
from harmonize.api.compare import compare_venues
from harmonize.document import AuditDocument
from harmonize.document.history import History, MarginSince, SinceRow
from harmonize.text import numbers
from reports.lookup import since_text
from reports.site.positions import SizeRanking, size_rankings
from reports.site.rankings import contenders
from reports.site.report_context import ReportContext
from reports.site.underlying_page import underlying_pages
from tests.support import recorded
from tests.support.sample_documents import BASELINE, sample

LARGE = 5e6


@cache
def context() -> ReportContext:
    return ReportContext(recorded.reported().document)


def ranking(of: ReportContext, underlying: str, margin_type: str, notional: float) -> SizeRanking:
    entries = contenders(of, underlying)
    return next(
        entry
        for entry in size_rankings(of, underlying, entries)
        if (entry.margin_type, entry.notional) == (margin_type, notional)
    )


def page(document: AuditDocument, underlying: str) -> str:
    path = f"underlyings/{underlying.lower()}.html"
    (content,) = [x for x in underlying_pages(ReportContext(document)) if x.path == path]
    return unescape(content.body).replace(numbers.NBSP, " ")


def cells(row: str) -> list[str]:
    return [re.sub("<[^>]+>", "", cell) for cell in re.findall(r"<t[hd].*?</t[hd]>", row)]


@pytest.mark.parametrize(
    ("underlying", "margin_type", "notional"),
    [("ETH", "initial", LARGE), ("ADA", "maintenance", 1e4), ("DOGE", "initial", 1e7)],
)
def test_a_page_ranks_as_the_command_compares(
    underlying: str, margin_type: str, notional: float
) -> None:
    expected = compare_venues(Question(), underlying, notional, margin_type)
    shown = ranking(context(), underlying, margin_type, notional)
    assert [x.venue for x in shown.ranked] == [x.venue for x in expected.venues]
    for own, venue in zip(shown.ranked, expected.venues, strict=True):
        (standing,) = venue.standings
        assert own.rank == venue.rank
        assert own.amount == pytest.approx(venue.margin, rel=1e-9)
        assert own.required == standing.required
        assert own.deviation == pytest.approx(standing.deviation, abs=1e-9)
        assert own.since == venue.since, venue.venue


def test_a_large_position_is_a_listed_size_but_causes_no_findings() -> None:
    document = context().document
    assert LARGE in document.notional_grid
    assert document.findings == recorded.audited().document.findings
    assert LARGE not in recorded.audited().document.notional_grid


def test_every_size_has_the_lowest_margin_in_usd_since_when_and_what_is_required() -> None:
    content = page(context().document, "ETH")
    answer = re.search(r'<p class="answer">(.*?)</p>', content)
    assert answer is not None
    sentence = re.sub("<[^>]+>", "", answer[1])
    assert "the least initial margin for a $5m ETH position was required at kucoin" in sentence
    assert "$50,000 (1.0 %, leverage 100×), since ≤ 27 Aug 2026" in sentence
    assert "$1,200,000 more" in sentence
    assert "That is −92 % from the $628,380 (◇ computed here) required by Harmonized" in sentence
    table = content.split('aria-label="Lowest margin by size, table"')[1].split("</table>")[0]
    rows = [cells(row) for row in re.findall(r"<tr>.*?</tr>", table, re.DOTALL)][1:]
    sizes = [numbers.usd(size) for size in context().document.notional_grid]
    assert [row[0] for row in rows] == [*sizes, *sizes]
    large = next(row for row in rows if row[:2] == ["$5m", "IM"])
    assert large[2:9] == [
        "kucoin",
        "$50,000",
        "1.0 %",
        "100×",
        "≤ 27 Aug 2026",
        "$628,380",
        "−92 %",
    ]


def test_the_gap_of_a_large_position_is_in_its_table() -> None:
    content = page(context().document, "ETH")
    table = content.split("Arbitrage gap and its components, table")[2].split("</table>")[0]
    assert '<th scope="row">$5m</th>' in table


def test_a_date_that_may_be_later_than_the_start_is_a_bound() -> None:
    own = MarginSince("2026-08-27T00:00:00Z", "", "exact", is_bound=True)
    assert since_text(own).replace(numbers.NBSP, " ") == "≤ 27 Aug 2026"
    begun = replace(own, is_bound=False)
    assert since_text(begun).replace(numbers.NBSP, " ") == "27 Aug 2026"
    bounded = replace(begun, date_kind="no later than")
    assert since_text(bounded).replace(numbers.NBSP, " ") == "≤ 27 Aug 2026"


def test_since_is_that_of_the_size_and_otherwise_the_schedule_s_own_date_as_a_bound() -> None:
    document = sample()
    row = next(x for x in document.schedules if (x.venue, x.underlying) == ("venue-a", "BTC"))
    changed = MarginSince("2025-03-01T00:00:00Z", "", "exact", is_bound=False)
    since = SinceRow(row.venue, row.symbol, row.profile, "initial", (1e5,), changed)
    of = ReportContext(replace(document, history=History(since=(since,))))
    for notional, expected in ((1e5, "1 Mar 2025"), (1e6, f"≤ {numbers.date(row.observed_at)}")):
        entry = next(
            x for x in ranking(of, "BTC", "initial", notional).ranked if x.venue == row.venue
        )
        shown = since_text(entry.since).replace(numbers.NBSP, " ")
        assert shown == expected.replace(numbers.NBSP, " ")


def test_the_file_of_an_underlying_states_how_each_margin_is_known() -> None:
    (content,) = [x for x in underlying_pages(context()) if x.path == "underlyings/eth.html"]
    rows = list(csv.DictReader(io.StringIO(dict(content.files)["underlyings/eth.csv"].decode())))
    large = {
        row["Venue"]: row
        for row in rows
        if (row["Position"], row["Margin type"]) == ("5000000", "initial")
    }
    assert (large["kucoin"]["Rank"], large["kucoin"]["Margin"]) == ("1", "50000")
    assert large["kucoin"]["Required"] == "628380"
    assert (large["bequant"]["Rate"], large["bequant"]["Margin"]) == (
        "≥ 1.333 %".replace(" %", f"{numbers.NBSP}%"),
        "",
    )
    assert "lower bound" in large["bequant"]["Status"]
    assert "unverified" in large["backpack"]["Status"]
    assert not large["backpack"]["Rank"]


def test_a_lower_bound_and_an_excluded_venue_have_no_rank_at_any_size() -> None:
    of = context()
    for notional in of.document.notional_grid:
        shown = ranking(of, "ETH", "initial", notional)
        assert not [x for x in shown.ranked if x.entry.is_excluded or x.margin.amount is None]
        assert all(x.rank is None for x in shown.others)


def test_without_a_reference_nothing_is_required() -> None:
    document = replace(sample(), divergences=())
    content = page(document, "BTC")
    assert "#Required" not in content
    assert "Deviation" not in content.split("Excluded")[0].split('id="curves"')[0]
    assert "Required" in page(sample(), "BTC")
    assert BASELINE in {row.id for row in sample().rule_sets}
