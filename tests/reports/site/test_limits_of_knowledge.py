"""What pages show of margins, dates and contracts that are known in part."""

import re
from dataclasses import replace
from html import unescape

import pytest

from harmonize.document import AuditDocument, Comparison, PieceRow, ScheduleRow, Status, Verdict
from harmonize.document.history import History, MarginSeries
from reports.charts.curve_lines import CurveLine, curve_lines
from reports.charts.svg import Frame
from reports.site.folder import site_files
from reports.site.key_messages import key_messages
from reports.site.report_context import ReportContext
from tests.support.sample_documents import sample
from tests.support.sample_history import course, week

CLOSED = "the venue closed on 2025-11-01"
SPACE = "\N{NO-BREAK SPACE}"


def pieces(*, known_up_to: float) -> tuple[PieceRow, ...]:
    last = PieceRow(known_up_to, None, 0.0, 0.02, 0.0, 0.0, "at least")
    if not known_up_to:
        return (last,)
    return (PieceRow(0.0, known_up_to, 0.0, 0.02, 0.0, 0.0), last)


def bounded(row: ScheduleRow, known_up_to: float) -> ScheduleRow:
    margins = pieces(known_up_to=known_up_to)
    status = Status.KNOWN if known_up_to else Status.AT_LEAST
    return replace(
        row,
        initial=margins,
        maintenance=margins,
        initial_status=status,
        maintenance_status=status,
        initial_note="only the maximum leverage is published",
        known_up_to=known_up_to,
    )


def with_schedule(venue: str, **changes: object) -> AuditDocument:
    """Returns the sample with other fields of the schedules of one venue."""
    document = sample()
    rows = tuple(
        replace(row, **changes) if row.venue == venue else row  # type: ignore[arg-type]
        for row in document.schedules
    )
    return replace(document, schedules=rows)


def with_bound(known_up_to: float) -> AuditDocument:
    document = sample()
    rows = tuple(
        bounded(row, known_up_to) if row.venue == "venue-a" else row for row in document.schedules
    )
    return replace(document, schedules=rows)


def page(document: AuditDocument, path: str) -> str:
    return unescape(dict(site_files(document))[path].decode()).replace(SPACE, " ")


def row_of(venue: str, content: str) -> list[str]:
    found = re.search(rf'<tr id="venue-{venue}">.*?</tr>', content, re.DOTALL)
    assert found is not None
    return [re.sub("<[^>]+>", "", cell) for cell in re.findall(r"<t[hd].*?</t[hd]>", found[0])]


def test_a_lower_bound_has_its_sign_and_no_rank() -> None:
    content = page(with_bound(0.0), "underlyings/btc.html")
    cells = row_of("venue-a", content)
    assert cells[1:6] == ["–", "≥ 2.0 %", "≥ 2.0 %", "≥ 2.0 %", "≥ 2.0 %"]
    assert "≥ lower bound" in content
    assert "known as a lower bound only (only the maximum leverage is published)" in content
    assert "every size: ≥ 2.0 % · ≥ 2.0 %" in content
    venue = page(with_bound(0.0), "venues/venue-a.html")
    assert "lower bounds only: 2 schedules" in venue
    assert "≥ lower bounds at every size: 2 schedules" in venue


def test_above_a_published_size_a_margin_is_a_lower_bound() -> None:
    content = page(with_bound(1e6), "underlyings/btc.html")
    cells = row_of("venue-a", content)
    assert cells[1] == "1"
    assert cells[2:6] == ["2.0 %", "2.0 %", "2.0 %", "≥ 2.0 %"]
    assert "margins published up to $1m, lower bounds above" in content
    assert "venue-a BTC/USDT, cross: 1 tier," in content


def test_the_line_of_a_lower_bound_ends_faint_and_named_with_its_sign() -> None:
    content = page(with_bound(1e5), "underlyings/btc.html")
    assert 'class="bound ' in content
    assert ">≥ venue-a</text>" in content
    assert "A faint dotted line and ≥ mark a lower bound" in content
    assert "A pale square marks the size" in content
    assert "faint dotted" not in page(sample(), "underlyings/btc.html")


@pytest.mark.parametrize(("is_open", "mark"), [(True, "unobserved"), (False, "ends")])
def test_a_line_states_why_it_ends(is_open: bool, mark: str) -> None:  # noqa: FBT001 - parameter of the case
    line = CurveLine("a", ((1e4, 0.1), (1e5, 0.1)), 0, is_emphasised=True, is_open=is_open)
    svg = str(curve_lines(Frame("k", "t", ""), [line], (1e4, 1e8)))
    assert f'class="{mark}"' in svg
    assert 'class="bound' not in svg


def test_a_grey_line_of_lower_bounds_only_is_drawn_and_named() -> None:
    line = CurveLine("a", (), 0, is_emphasised=False, bound=((1e4, 0.1), (1e8, 0.1)))
    svg = str(curve_lines(Frame("k", "t", ""), [line], (1e4, 1e8)))
    assert 'class="rest bound"' in svg
    assert 'aria-label="≥ a"' in svg


def test_a_contract_that_does_not_trade_is_excluded_with_the_reason() -> None:
    document = with_schedule("venue-a", not_trading=CLOSED)
    content = page(document, "underlyings/btc.html")
    cells = row_of("venue-a", content)
    assert cells[1] == "–"
    assert "°⊘" in " ".join(cells)
    assert f'<td class="why">{CLOSED}</td>' in content
    assert f"not trading: {CLOSED}" in content
    assert f"{CLOSED} (2)" in page(document, "venues/venue-a.html")


def test_a_standing_tells_closed_contracts_from_those_a_rule_does_not_cover() -> None:
    document = with_schedule("venue-a", not_trading=CLOSED)
    rows = tuple(
        replace(row, verdict=Verdict.NOT_APPLICABLE, reason=CLOSED)
        if row.venue == "venue-a"
        else row
        for row in document.divergences
    )
    content = page(replace(document, divergences=rows), "venues/venue-a.html")
    assert "no longer trading" in content
    assert "not covered by it" not in content


def test_venues_without_a_complete_recording_are_named_as_not_known() -> None:
    document = sample()
    coverage = tuple(row for row in document.coverage if row.venue != "venue-b")
    kept = next(row for row in document.coverage if row.venue == "venue-b")
    content = page(
        replace(document, coverage=(*coverage, replace(kept, underlying="ETH"))),
        "underlyings/btc.html",
    )
    assert "? Not known whether listed at venue-b" in content


def shared_book() -> AuditDocument:
    """Returns the sample with a venue that counts for another one on BTC."""
    document = sample()
    point = next(
        point
        for spread in document.spreads
        if (spread.underlying, spread.margin_type) == ("BTC", "initial")
        for point in spread.points
        if point.notional == document.heat_map_notional
    )
    btc = document.comparisons[0]
    twin = replace(
        btc.members[-1],
        venue="twin",
        included=False,
        exclusion_reason="one order book",
        counted_with=point.lowest_venues[0],
    )
    shared = Comparison(btc.underlying, btc.oldest, btc.newest, (*btc.members, twin))
    return replace(document, comparisons=(shared, *document.comparisons[1:]))


def test_a_venue_that_counts_for_another_is_named_with_it() -> None:
    document = shared_book()
    for path in ("underlyings/btc.html", "underlyings.html", "index.html"):
        assert "(and twin)" in page(document, path), path


def message(document: AuditDocument, name: str) -> str:
    found = {entry.name: entry for entry in key_messages(ReportContext(document))}
    return f"{found[name].sentence} {found[name].dates}" if name in found else ""


def test_the_widest_difference_names_the_number_of_venues_compared() -> None:
    assert re.search(
        r"the strictest of \d venues compared", message(sample(), "widest").replace(SPACE, " ")
    )


def dated(series: MarginSeries, *, is_dated: bool) -> AuditDocument:
    points = tuple(replace(point, is_dated=is_dated) for point in series.points)
    return replace(sample(), history=History((replace(series, points=points),)))


def test_an_increase_is_a_message_only_between_close_and_exact_dates() -> None:
    series = course("2025-01-01 0.01, 2025-03-01 0.02", "2025-04-01")
    assert "venue-a raised the initial margin" in message(dated(series, is_dated=True), "increase")
    assert message(dated(series, is_dated=False), "increase") == ""


def test_the_dates_of_a_message_are_a_bound_if_one_is_unknown() -> None:
    rows = tuple(
        replace(
            row,
            verdict=Verdict.BREACH,
            observed_at="2025-11-19T00:00:00Z",
            date_kind="no later than",
        )
        for row in sample().divergences
    )
    caps = {row.id for row in sample().rule_sets if row.kind == "cap"}
    rows = tuple(replace(row, rule_set=next(iter(caps))) for row in rows)
    assert message(replace(sample(), divergences=rows), "retail").endswith(
        f"≤{SPACE}19{SPACE}Nov{SPACE}2025"
    )


def test_changes_without_exact_dates_are_counted_apart() -> None:
    weeks = (replace(week("2025-01-06"), undated=3), replace(week("2025-03-03"), undated=2))
    content = page(replace(sample(), history=History((), weeks, ())), "venues/venue-a.html")
    assert "5 changes without exact dates: no week is known." in content
    mixed = (*weeks, week("2025-03-10", 2), week("2025-03-17", 1))
    content = page(replace(sample(), history=History((), mixed, ())), "venues/venue-a.html")
    assert "Not included: 5 further changes without exact dates." in content
