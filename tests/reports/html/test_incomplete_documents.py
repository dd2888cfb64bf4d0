"""Incomplete documents still render, and state what is missing."""

from dataclasses import replace

from harmonize.document import (
    AuditDocument,
    CoverageRow,
    CoverageStatus,
    DivergencePoint,
    PieceRow,
    SpreadInterval,
    Verdict,
)
from harmonize.text.words import first_words, join_words
from reports.html import caps_and_models
from reports.html.page import MatrixCell, ReportPage
from reports.html.report import html, page
from tests.support.sample_documents import BASELINE, HEAT, finding, sample


def with_spaces(text: str) -> str:
    return text.replace("\N{NO-BREAK SPACE}", " ")


def caption(document: AuditDocument, index: int = 0) -> str:
    return with_spaces(page(document).underlyings[0].charts[index].caption)


def heat(view: ReportPage, underlying: str, venue: str) -> MatrixCell:
    heat_map = view.heat_maps[0]
    (row,) = [row for row in heat_map.rows if row.venue == venue]
    return row.cells[heat_map.columns.index(underlying)]


def test_curves_without_a_comparison_are_drawn_and_read_off_at_their_points() -> None:
    bare = replace(sample(), comparisons=(), spreads=(), divergences=(), indices=())
    section = page(bare).underlyings[0]
    assert section.dates == ""
    assert section.notes == ()
    rows = {row.name: [with_spaces(cell) for cell in row.cells] for row in section.charts[0].rows}
    assert rows["venue-a"] == ["0.8 %", "1.0 %", "2.0 %", "5.0 %"]
    assert rows["venue-b"] == ["1.0 %", "1.0 %", "2.5 %", "–"]
    assert rows[BASELINE] == ["–", "2.0 %", "4.0 %", "–"]  # at a jump, the rate of the lower piece
    assert "from 0.4 % to 10.0 % of notional." in caption(bare)
    assert page(bare).ranking.blocks == ()
    assert "No underlying can be compared." in html(bare)


def test_a_figure_that_no_venue_publishes_is_said_to_be_not_observable() -> None:
    document = sample()
    initial_only = tuple(
        curve for curve in document.curves if curve.margin_type == "initial" or curve.is_reference
    )
    text = caption(replace(document, curves=initial_only, spreads=(), divergences=()), index=1)
    assert (
        text
        == "Maintenance margin on BTC, 0 venues in the chart, 5 more in the table: not observable at any venue."
    )


def test_margins_beyond_the_reference_or_of_another_class_are_marked() -> None:
    document = sample()
    changed = tuple(
        replace(row, points=(DivergencePoint(HEAT, 2e4, None, None),))
        if row.venue == "venue-a"
        else replace(row, points=(), reason="on no list")
        if row.venue == "venue-b"
        else replace(row, points=(), reason="")
        if row.venue == "venue-d"
        else replace(row, points=(DivergencePoint(HEAT, 0.0, 4e4, -1.0),))
        if row.venue == "venue-e"
        else row
        for row in document.divergences
    )
    view = page(replace(document, divergences=changed))
    assert heat(view, "BTC", "venue-a").text == "no ref"
    assert heat(view, "BTC", "venue-b") == MatrixCell("no", "n/o", "on no list")
    assert heat(view, "BTC", "venue-d") == MatrixCell("no", "n/o", "")
    assert heat(view, "BTC", "venue-e").css == "u4"


def test_an_underlying_that_the_reference_does_not_know_is_counted_not_shown() -> None:
    document = sample()
    only_btc = tuple(row for row in document.divergences if row.underlying == "BTC")
    view = page(replace(document, divergences=only_btc))
    assert view.heat_maps[0].columns == ("BTC",)
    assert with_spaces(view.heat_maps_omitted) == f"{BASELINE} does not cover 1 compared underlying"


def test_a_venue_without_a_reason_or_a_schedule_is_not_observable() -> None:
    document = sample()
    not_observable = CoverageRow("venue-a", "ETH", "", CoverageStatus.NOT_OBSERVABLE, "", "")
    view = page(replace(document, coverage=(*document.coverage, not_observable)))
    assert heat(view, "ETH", "venue-a") == MatrixCell("no", "n/o", "")
    assert heat(view, "ETH", "venue-e") == MatrixCell("no", "n/o", "the snapshot has no mark price")


def test_the_best_known_of_several_rows_stands_for_the_venue() -> None:
    document = sample()
    better = CoverageRow("venue-e", "BTC", "Y", CoverageStatus.STALE, "observed long ago", "")
    view = page(replace(document, coverage=(*document.coverage, better)))
    (row,) = [row for row in view.coverage.matrix if row.venue == "venue-e"]
    column = view.coverage.columns.index("BTC")
    assert row.cells[column] == MatrixCell("st", "◐ stale", "observed long ago")


def test_indices_only_against_the_median_are_ranked_by_it() -> None:
    document = sample()
    medians = tuple(row for row in document.indices if row.reference == "median")
    ranking = page(replace(document, indices=medians)).ranking
    assert ranking.columns[0] == "IM against the cross-venue median"
    assert [row.underlying for row in ranking.blocks[0].rows] == ["BTC", "ETH"]


def test_an_underlying_without_the_first_index_follows_unranked() -> None:
    document = sample()
    kept = tuple(
        row for row in document.indices if row.underlying == "BTC" or row.reference == "median"
    )
    ranked, unranked = page(replace(document, indices=kept)).ranking.blocks
    assert [row.underlying for row in ranked.rows] == ["BTC"]
    assert unranked.is_folded
    assert [(row.rank, row.underlying) for row in unranked.rows] == [("–", "ETH")]
    only = page(replace(document, indices=document.indices[:1])).ranking
    assert only.tick == only.blocks[0].rows[0].tick == ""


def test_many_ranges_of_cheapest_venues_are_cut_and_counted() -> None:
    document = sample()
    intervals = tuple(
        SpreadInterval(n * 1e3, (n + 1) * 1e3, (f"venue-{n % 2}",), ("venue-c",), 1.0, 1.0)
        for n in range(40)
    )
    spreads = tuple(replace(spread, intervals=intervals) for spread in document.spreads)
    rows = page(replace(document, spreads=spreads)).underlyings[0].charts[0].lowest_margins
    assert len(rows) == 31
    assert rows[-1].interval == "10 more ranges in the JSON document"
    assert rows[0].spread == "$1"


def test_neighbouring_ranges_with_the_same_cheapest_venues_are_one() -> None:
    rows = page(sample()).underlyings[0].charts[0].lowest_margins
    assert [(row.interval, row.lowest_venues) for row in rows] == [
        ("up to $50k", "venue-e"),
        ("($50k, $1m]", "venue-a and venue-b"),
        ("above $1m", "venue-a"),
    ]
    assert rows[-1].highest_venues == "venue-b and venue-c"
    assert rows[-1].spread == "from $5k"


def test_caps_prohibitions_and_models_are_told_apart_and_counted() -> None:
    document = sample()
    baseline, cap = document.rule_sets
    row = next(item for item in document.divergences if item.margin_type == "initial")
    rules = (
        *(baseline, replace(cap, requirement="IM 50 % (primary)")),
        *(replace(cap, id=name) for name in ("ban", "undetermined")),
        *(replace(cap, id=name, kind="model", statutory=False) for name in ("model", "blind")),
    )
    rows = [
        replace(row, rule_set=rule_set, verdict=verdict, venue=venue)
        for rule_set, verdict, venue in (
            ("synthetic-cap", Verdict.BREACH, "venue-a"),
            ("synthetic-cap", Verdict.COMPLIANT, "venue-b"),
            ("undetermined", Verdict.NOT_OBSERVABLE, "venue-a"),
            ("ban", Verdict.PROHIBITED, "venue-a"),
            ("ban", Verdict.PROHIBITED, "venue-b"),
            ("ban", Verdict.NOT_APPLICABLE, "venue-c"),
            ("model", Verdict.UNDER, "venue-a"),
            ("model", Verdict.OVER, "venue-b"),
            ("model", Verdict.NOT_OBSERVABLE, "venue-c"),
        )
    ]
    changed = replace(document, rule_sets=rules, divergences=tuple(rows))
    texts = {
        item.lead: item.text.replace("\N{NO-BREAK SPACE}", " ")
        for item in caps_and_models.statements(changed)
    }
    assert texts == {
        "Caps and minimums": (
            "Margins below synthetic-cap (IM 50 % (primary); statutory): 1 instrument at 1 venue. A "
            "statutory requirement would be breached if the contract were offered to the clients it "
            "protects; whether it is was not observed. Each is a finding with the verdict breach, and "
            "its level is error only where the venue itself designates the schedule for retail "
            "clients. No margin could be compared with undetermined."
        ),
        "Prohibitions": (
            "Prohibited at any margin, if offered to the protected clients: ban: 2 schedules at "
            "2 venues. A prohibition is not a margin of 100 %."
        ),
        "Risk models": (
            "Initial margin against model: 1 of 2 schedules below by more than the tolerance, 1 "
            "above. Not observable, because inputs are missing: blind."
        ),
    }


def test_without_rule_sets_there_is_nothing_to_say_of_them() -> None:
    assert list(caps_and_models.statements(replace(sample(), rule_sets=()))) == []


def test_a_finding_without_a_divergence_is_shown_by_its_rate() -> None:
    single = finding(1, sample().findings[0].level, Verdict.UNDER, deviation=None, symbol="")
    (check,) = page(replace(sample(), findings=(single,))).checks
    assert [with_spaces(text) for text in check.examples] == ["venue-a 0.8 %"]


def test_meanings_of_mm_that_differ_are_said_before_comparing() -> None:
    notes = page(sample()).underlyings[0].notes
    assert notes[-1] == (
        "The meaning of maintenance margin differs between venues:"
        " liquidation trigger (3) and margin call (1)."
    )
    assert "Stale: venue-b." in notes
    assert "From documentation, not observed: venue-d." in notes


def test_lists_of_words() -> None:
    assert join_words([]) == ""
    assert join_words(["a", "b", "c"]) == "a, b and c"
    assert join_words(["a", "b", "c", "d"], 2) == "a, b and 2 others"
    assert join_words(["a", "b", "c"], 2) == "a, b and c"
    assert first_words("abc", 2) == "a, b … and 1 more"
    assert first_words("ab", 2) == "a, b"


def test_a_lower_bound_has_its_own_mark_and_rate() -> None:
    """Above $100,000, venue-a requires at least 1 %: its rows on BTC carry no deviation there."""
    document = sample()
    known = PieceRow(0.0, 1e5, 0.0, 0.01, 0.0, 2.0)
    pieces = (known, replace(known, lower=1e5, upper=None, bound="at least"))
    schedules = tuple(
        replace(row, initial=pieces, known_up_to=1e5)
        if (row.venue, row.underlying) == ("venue-a", "BTC")
        else row
        for row in document.schedules
    )
    changed = replace(document, schedules=schedules, heat_map_notional=1e6)
    view = page(changed)
    cell = heat(view, "BTC", "venue-a")
    assert (cell.css, cell.text, with_spaces(cell.note)) == ("lb", "≥", "requires ≥ 1.0 %")
    (row,) = [row for row in view.underlyings[0].charts[0].rows if row.name == "venue-a"]
    by_notional = dict(zip(document.notional_grid, map(with_spaces, row.cells), strict=True))
    assert by_notional[1e6] == "≥ 1.0 %"
    assert "≥" not in by_notional[1e4] + by_notional[1e5]
    assert heat(page(replace(changed, heat_map_notional=1e5)), "BTC", "venue-a").text != "≥"
    curved = tuple(replace(piece, coefficient=1e-9) for piece in pieces)
    rising = tuple(replace(row, initial=curved) if row.known_up_to else row for row in schedules)
    cell = heat(page(replace(changed, schedules=rising)), "BTC", "venue-a")
    assert (cell.text, cell.note) == ("≥", "requires ≥")


def test_curves_that_are_lower_bounds_alone_have_no_range_of_rates() -> None:
    document = sample()
    curves = tuple(
        curve if curve.is_reference else replace(curve, known_up_to=0.0)
        for curve in document.curves
    )
    text = caption(replace(document, curves=curves, spreads=(), divergences=()))
    assert "5 venues in the chart" in text
    assert ": known only as lower bounds." in text
