"""Margins above the published sizes: nothing is compared there, and every output says at least."""

from dataclasses import replace
from decimal import Decimal as D

import pytest

from harmonize.api.coverage import HEADINGS, coverage_by_venue, table_row
from harmonize.api.schedule_view import points, schedule_object, schedule_text
from harmonize.audit.assemble import Reading
from harmonize.comparison.curves import UPPER, build_curves
from harmonize.comparison.layout import build_layout
from harmonize.comparison.offers import build_offer, end_reason
from harmonize.comparison.universe import build_universe
from harmonize.core.schedule import INFINITY, Known, MarginSchedule, TierRule, Unknown
from harmonize.document import (
    AuditDocument,
    CoverageStatus,
    DivergenceRow,
    PieceRow,
    ScheduleRow,
    Status,
    Verdict,
)
from harmonize.document.rows import bounded, coverage_row, schedule_row
from harmonize.liquidation.distance import LiquidationTerms
from tests.harmonize.checks.examples import (
    INPUTS,
    LAX,
    NOW,
    flat_schedule,
    of,
    two_venues,
)
from tests.harmonize.liquidation.test_distance import rows as distances
from tests.support import recorded

BASELINE = ("harmonized-baseline",)
ONE_RATE = flat_schedule((INFINITY, "0.1", "0.05"))
NO_SIZE = replace(ONE_RATE, known_up_to=D(0), exclusion_reason="only the maximum leverage")
UP_TO_50K = replace(ONE_RATE, known_up_to=D(50_000))


def audited(schedule: MarginSchedule) -> AuditDocument:
    return of(schedule, rules=BASELINE, inputs=INPUTS).audited()


def initial(document: AuditDocument) -> DivergenceRow:
    (row,) = [row for row in document.divergences if row.margin_type == "initial"]
    return row


def test_the_layout_ends_where_the_margin_is_known_and_keeps_what_is_published() -> None:
    layout = build_layout([ONE_RATE, UP_TO_50K, NO_SIZE], [])
    for margin_type in ("initial", "maintenance"):
        known, limited, unknown = layout.own[margin_type]
        assert known is not None
        assert limited is not None
        assert (known.limit, limited.limit, unknown) == (1e10, 5e4, None)
        assert [ref.limit for ref in layout.published[margin_type] if ref] == [1e10] * 3


def test_margins_known_at_no_size_have_no_verdict_and_no_points() -> None:
    assert initial(audited(ONE_RATE)).verdict is Verdict.UNDER
    row = initial(audited(NO_SIZE))
    assert row.verdict is Verdict.NOT_OBSERVABLE
    assert row.reason == "IM is known only as a lower bound: only the maximum leverage"
    assert (row.points, row.under, row.lowest, row.remedy) == ((), (), None, "")
    assert not [f for f in audited(NO_SIZE).findings if f.code.startswith("MH3")]


def test_a_verdict_covers_the_known_sizes_only() -> None:
    """The baseline requires 10 % at small sizes: 5 % is too low, 10 % complies up to $50,000."""
    low = flat_schedule((INFINITY, "0.05", "0.025"))
    row = initial(audited(replace(low, known_up_to=D(500_000))))
    assert row.verdict is Verdict.UNDER
    assert row.under[-1].upper == 500_000.0
    margins = {point.notional: point.margin for point in row.points}
    assert (margins[1e5], margins[1e6]) == (5e3, None)
    assert not any(point.above_capacity for point in row.points)
    within = initial(audited(UP_TO_50K))
    assert (within.verdict, within.reason) == (
        Verdict.NOT_OBSERVABLE,
        "observed only up to $50,000; compliant up to there",
    )


def test_a_formula_complies_up_to_its_end_and_says_so() -> None:
    high = replace(
        flat_schedule((1_000_000, "0.6", "0.3")),
        capacity=Unknown("none is published"),
        rule=TierRule.CONTINUOUS,
        tiers=(),
    )
    document = of(high, rules=("esma-retail",)).audited()
    assert initial(document).verdict is Verdict.COMPLIANT
    assert initial(document).reason == "compliant up to $1,000,000, where the formula ends"


def test_spreads_gaps_and_indices_end_where_a_margin_is_known() -> None:
    other = flat_schedule((INFINITY, "0.2", "0.1"))
    document = two_venues(UP_TO_50K, other).audited()
    (spread,) = [row for row in document.spreads if row.margin_type == "initial"]
    assert [interval.upper for interval in spread.intervals] == [50_000.0]
    assert {point.notional for point in spread.points} == {1e4}
    allocations = {
        point.notional: {part.venue: part.notional for part in point.allocation}
        for row in document.arbitrages
        for point in row.points
    }
    assert allocations[1e4] == {"okx": 1e4}
    assert allocations[1e6] == {"okx": 5e4, "bybit": 9.5e5}
    without = two_venues(NO_SIZE, other).audited()
    assert not [row for row in without.spreads if row.points]
    (comparison,) = without.comparisons
    assert [(m.venue, m.included, m.exclusion_reason) for m in comparison.members] == [
        ("bybit", True, ""),
        ("okx", False, "only the maximum leverage"),
    ]
    unnamed = two_venues(replace(NO_SIZE, exclusion_reason=""), other).audited()
    (comparison,) = unnamed.comparisons
    assert comparison.members[1].exclusion_reason == "its margins are lower bounds at every size"


@pytest.mark.parametrize(
    ("changes", "largest", "reason"),
    [
        ({}, 50_000.0, "accepts no position above $50,000"),
        (
            {"capacity": Known(D(1_500_000_000))},
            50_000.0,
            "tiers above $50,000 were not observed (capacity $1,500,000,000)",
        ),
        (
            {"capacity": Unknown("none")},
            50_000.0,
            "tiers above $50,000 were not observed (capacity unknown)",
        ),
        (
            {"capacity": Unknown("none"), "tiers": (), "rule": TierRule.CONTINUOUS},
            50_000.0,
            "margin above $50,000, where its rate reaches 100 %, is not published",
        ),
        ({"capacity": Unknown("none")}, 1e10, "compared only up to $10,000,000,000"),
    ],
)
def test_capacity_and_what_was_not_observed_are_two_reasons(
    changes: dict[str, object], largest: float, reason: str
) -> None:
    schedule = replace(LAX, **changes)  # type: ignore[arg-type] # each case changes what it names
    assert end_reason(schedule, largest) == reason


def test_an_offer_knows_whether_larger_positions_exist() -> None:
    layout = build_layout([LAX, replace(LAX, capacity=Known(D(90_000))), NO_SIZE], [])
    bounded_offer = build_offer(layout, "initial", 0, LAX)
    wider = build_offer(layout, "initial", 1, replace(LAX, capacity=Known(D(90_000))))
    assert bounded_offer is not None
    assert wider is not None
    assert (bounded_offer.largest, bounded_offer.is_unobserved_above) == (50_000.0, False)
    assert (wider.largest, wider.is_unobserved_above) == (50_000.0, True)
    assert build_offer(layout, "initial", 2, NO_SIZE) is None


def test_an_offer_has_no_pieces_above_the_known_size() -> None:
    limited = replace(flat_schedule((20_000, "0.1", "0.05"), (INFINITY, "0.2", "0.1")))
    limited = replace(limited, known_up_to=D(50_000))
    offer = build_offer(build_layout([limited], []), "initial", 0, limited)
    assert offer is not None
    assert [piece[:2] for piece in offer.pieces] == [(0.0, 2e4), (2e4, 5e4)]
    assert (offer.largest, offer.is_unobserved_above) == (5e4, True)


def test_a_short_that_outgrows_the_observed_tiers_has_no_distance() -> None:
    """At 5x, a short of $900 is liquidated near $1,070; maintenance margin is observed up to $1,000."""
    accepted = flat_schedule((1_000, "0.05", "0.01"))
    larger = replace(accepted, capacity=Known(D(90_000)))
    entry = LiquidationTerms(900.0, leverage=5.0)
    (known, _), (unknown, _) = distances(accepted, entry), distances(larger, entry)
    assert known.adverse_move_short == pytest.approx(1.2 / 1.01 - 1)
    assert (unknown.adverse_move_short, unknown.reason) == (
        None,
        "short liquidated beyond: tiers above $1,000 were not observed (capacity $90,000)",
    )
    assert unknown.adverse_move_long == known.adverse_move_long == pytest.approx(1 - 0.8 / 0.99)
    (small, _) = distances(larger, replace(entry, notional=500.0))
    assert (small.adverse_move_short, small.reason) == (known.adverse_move_short, "")


def test_pieces_above_the_known_size_are_lower_bounds() -> None:
    first, second = PieceRow(0.0, 1e4, 0.0, 0.1, 0.0, 2.0), PieceRow(1e4, None, 0.0, 0.2, 0.0, 2.0)
    assert bounded((first, second), INFINITY) == (first, second)
    assert bounded((first, second), D(10_000)) == (first, replace(second, bound="at least"))
    assert bounded((first, second), D(50_000)) == (
        first,
        replace(second, upper=5e4),
        replace(second, lower=5e4, bound="at least"),
    )
    assert [piece.bound for piece in bounded((first, second), D(0))] == ["at least"] * 2


def row_of(schedule: MarginSchedule) -> ScheduleRow:
    pieces = [(0.0, float("inf"), 0.0, 0.1, 0.0, 2.0)]
    return schedule_row(schedule, stale=False, initial=pieces, maintenance=pieces)


def test_a_lower_bound_does_not_read_as_known() -> None:
    row = row_of(NO_SIZE)
    assert (row.initial_status, row.known_up_to) == (Status.AT_LEAST, 0.0)
    assert row.initial_note == "only the maximum leverage"
    assert (row_of(ONE_RATE).initial_status, row_of(ONE_RATE).known_up_to) == (Status.KNOWN, None)
    assert (row_of(UP_TO_50K).initial_status, row_of(UP_TO_50K).known_up_to) == (
        Status.KNOWN,
        50_000.0,
    )


def test_an_underlying_with_lower_bounds_alone_is_not_covered() -> None:
    covered, least = (coverage_row(each, stale=False) for each in (UP_TO_50K, NO_SIZE))
    assert (covered.status, covered.reason) == (CoverageStatus.OBSERVED, "")
    assert least.status is CoverageStatus.NOT_OBSERVABLE
    assert least.reason == "lower bounds only: only the maximum leverage"
    unnamed = coverage_row(replace(NO_SIZE, exclusion_reason=""), stale=False)
    assert unnamed.reason == "lower bounds only: no size is published"


def test_the_table_of_venues_names_lower_bounds() -> None:
    reading = Reading("a test", (), (NO_SIZE,), ())
    (row,) = [row for row in coverage_by_venue(reading) if row.adapter.venue == "okx"]
    cells = dict(zip(HEADINGS, table_row(row), strict=True))
    assert (cells["IM status"], cells["MM status"]) == ("at least", "at least")


def test_the_view_of_a_schedule_marks_lower_bounds() -> None:
    exact, least = points(UP_TO_50K, [1e4, 1e10])
    assert (exact["bound"], exact["initial_margin"]) == ("", 1e3)
    assert (least["bound"], least["initial_margin"], least["max_leverage"]) == (
        "at least",
        1e9,
        10.0,
    )
    text = schedule_text(UP_TO_50K, [1e4, 1e10], NOW)
    assert "≥ 1,000,000,000.00" in text
    assert "≤ 10×" in text
    assert "at least 0.1·N" in text
    assert text.count("≥") == 4  # IM and MM, amount and rate, at one of two notionals
    pieces: object = schedule_object(UP_TO_50K, {}, [1e4])["pieces"]
    assert isinstance(pieces, dict)
    assert [piece["bound"] for piece in pieces["initial"]] == ["", "at least"]


def test_weex_does_not_require_a_quarter_percent_of_ten_billion() -> None:
    """WEEX publishes a maximum leverage of 400 for BTC: IM is at least 0.25 %, at any size."""
    schedule = recorded.schedule("weex", "BTC/USDT:USDT")
    text = " ".join(schedule_text(schedule, [1e10], NOW).split())
    assert "IM at least: only the maximum leverage is published" in text
    assert "10,000,000,000 ≥ 25,000,000.00 – ≥ 0.25 % – ≤ 400×" in text.replace("\xa0", " ")
    (point,) = points(schedule, [1e10])
    assert point["bound"] == "at least"
    (row,) = [
        row
        for row in recorded.audited().document.schedules
        if (row.venue, row.symbol) == ("weex", "BTC/USDT:USDT")
    ]
    assert [piece.bound for piece in row.initial] == ["at least"]
    assert (row.initial_status, row.known_up_to) == (Status.AT_LEAST, 0.0)


def test_the_view_names_tiers_that_were_not_observed() -> None:
    text = schedule_text(recorded.schedule("gate", "BTC/USDT:USDT"), [1e5, 1e6, 2e9], NOW)
    assert text.count("tiers above $500,000 were not observed (capacity $1,500,000,000)") == 1
    assert text.count("above the capacity") == 1


def test_no_divergence_of_the_recorded_archive_lies_above_a_known_size() -> None:
    document = recorded.audited().document
    rows = {(row.venue, row.symbol, row.profile): row for row in document.schedules}
    limited = {key for key, row in rows.items() if row.known_up_to is not None}
    assert len(limited) == 143
    cases = [r for r in document.divergences if (r.venue, r.symbol, r.profile) in limited]
    assert {row.verdict for row in cases} <= {
        Verdict.NOT_OBSERVABLE,
        Verdict.NOT_APPLICABLE,
        Verdict.PROHIBITED,
    }
    assert not any(row.points or row.under or row.over for row in cases)
    included = {(m.venue, m.symbol) for c in document.comparisons for m in c.members if m.included}
    assert not included & {key[:2] for key in limited}
    # A first tier without its size once complied with this rule set.
    (phemex,) = [
        row
        for row in cases
        if (row.venue, row.symbol, row.rule_set) == ("phemex", "BTC/USD:BTC", "emir-ccp")
        and row.margin_type == "initial"
    ]
    assert phemex.verdict is Verdict.NOT_OBSERVABLE


def test_a_curve_has_two_points_where_its_lower_bound_begins() -> None:
    universe = build_universe([UP_TO_50K], (), (), NOW, {}, venues=1)
    curve = build_curves(universe.peer_groups, universe.layout)[0]
    assert (curve.notional, curve.known_up_to, curve.end) == (
        (1e3, 5e4, 5e4, UPPER),
        50_000.0,
        "",
    )


def test_curves_tell_lower_bounds_capacity_and_what_was_not_observed() -> None:
    curves = {
        (curve.underlying, curve.margin_type, curve.name): curve
        for curve in recorded.audited().document.curves
    }
    gate = curves["BTC", "initial", "gate"]
    assert (gate.notional[-1], gate.end, gate.known_up_to) == (500_000.0, "not observed", None)
    mexc = curves["BTC", "initial", "mexc"]
    assert (mexc.end, mexc.known_up_to) == ("capacity", None)
    assert curves["BTC", "initial", "dydx"].end == ""
    orderly = curves["TRX", "initial", "modetrade"]
    assert orderly.end == "not observed"
    assert orderly.rate[-1] == pytest.approx(1.0)
    least = [curve for curve in curves.values() if curve.known_up_to is not None]
    assert {curve.known_up_to for curve in least} == {0.0}
    assert all(curve.notional[-1] == UPPER or curve.end for curve in least)
    assert not any(curve.included for curve in least)
