"""The audit of the recorded archive: every conclusion checked by another way to it."""

import json
from collections import Counter
from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal
from fractions import Fraction
from importlib.resources import files
from typing import Any

import jsonschema
import pytest

from harmonize import document
from harmonize.api.audit import Question, answer, load_rule_sets, read, read_with_history
from harmonize.audit.assemble import AuditOptions, Reading, VenueProperties, audit
from harmonize.checks import CHECKS
from harmonize.comparison.representative import choose_representatives
from harmonize.core.notionals import HEAT_NOTIONAL
from harmonize.core.payload import Defect, Snapshot
from harmonize.core.schedule import INFINITY, Known, MarginSchedule, Tier, Unknown, flat, marginal
from harmonize.document import (
    AuditDocument,
    CoverageStatus,
    DivergenceRow,
    Level,
    ScheduleRow,
    Status,
    Verdict,
)
from tests.support import recorded
from tests.support.altered_snapshots import changed, parsed
from venues import conventions

DOCUMENT = recorded.audited().document
VENUES = VenueProperties(conventions.bundled())
SCHEDULES = {
    (schedule.venue, schedule.symbol, schedule.profile): schedule for schedule in DOCUMENT.schedules
}


def divergence(venue: str, symbol: str, rule_set: str, margin_type: str) -> DivergenceRow:
    rows = [
        row
        for row in DOCUMENT.divergences
        if (row.venue, row.symbol, row.rule_set, row.margin_type)
        == (venue, symbol, rule_set, margin_type)
    ]
    return rows[0]


def exact(schedule: ScheduleRow, margin_type: str, notional: float) -> Fraction | None:
    pieces = getattr(schedule, margin_type)
    size = Fraction(notional)
    for piece in pieces:
        if piece.upper is None or size <= Fraction(piece.upper):
            bend = (
                size ** int(piece.power)
                if piece.power.is_integer()
                else Fraction(notional**piece.power)
            )
            curved = Fraction(piece.coefficient) * bend
            return Fraction(piece.fixed) + Fraction(piece.rate) * size + curved
    return None


def audit_of(*schedules: MarginSchedule, defects: tuple[Defect, ...] = ()) -> AuditDocument:
    reading, as_of = read(Question(venues=("binance",)))
    own = Reading(reading.archive, reading.snapshots, schedules, defects)
    return audit(own, load_rule_sets(THREE), AuditOptions(as_of), VENUES)


THREE = ("esma-retail", "harmonized-baseline", "jfsa-retail")
BINANCE = recorded.schedule("binance", "BTC/USDT:USDT")


def test_nothing_unknown_is_ever_compliant() -> None:
    for row in DOCUMENT.divergences:
        schedule = SCHEDULES[row.venue, row.symbol, row.profile]
        if getattr(schedule, f"{row.margin_type}_status") is Status.UNKNOWN:
            assert row.verdict in {
                Verdict.NOT_OBSERVABLE,
                Verdict.NOT_APPLICABLE,
                Verdict.PROHIBITED,
            }
            assert row.reason
            assert row.lowest is None


def test_a_schedule_that_is_known_only_in_part_is_not_compliant_for_the_rest() -> None:
    whole = replace(
        BINANCE,
        initial=Known(flat([Decimal(1000)], [Decimal("0.6")])),
        maintenance=Known(flat([Decimal(1000)], [Decimal("0.6")])),
        capacity=Known(Decimal(5000)),
    )
    rows = [row for row in audit_of(whole).divergences if row.rule_set == "esma-retail"]
    assert [row.verdict for row in rows] == [Verdict.NOT_OBSERVABLE] * 2
    assert rows[0].reason == "observed only up to $1,000; compliant up to there"


def test_a_schedule_above_every_minimum_is_compliant_and_over_the_baseline() -> None:
    strict = flat([Decimal(10) ** 9], [Decimal("0.9")])
    whole = replace(
        BINANCE, initial=Known(strict), maintenance=Known(strict), capacity=Known(Decimal(10) ** 9)
    )
    verdicts = {(row.rule_set, row.margin_type): row.verdict for row in audit_of(whole).divergences}
    assert verdicts == {
        ("esma-retail", "initial"): Verdict.COMPLIANT,
        ("esma-retail", "maintenance"): Verdict.COMPLIANT,
        ("harmonized-baseline", "initial"): Verdict.OVER,
        ("harmonized-baseline", "maintenance"): Verdict.OVER,
        ("jfsa-retail", "initial"): Verdict.COMPLIANT,
        ("jfsa-retail", "maintenance"): Verdict.NOT_APPLICABLE,
    }


def test_retail_caps_do_not_concern_professional_schedules() -> None:
    rows = {
        row.profile: row.verdict
        for row in DOCUMENT.divergences
        if row.symbol == "BTC/USD:BTC"
        and row.venue == "krakenfutures"
        and (row.rule_set, row.margin_type) == ("esma-retail", "initial")
    }
    assert rows["professional dlt"] is Verdict.NOT_APPLICABLE
    assert rows["retail"] is Verdict.COMPLIANT
    assert rows["retail europa"] is Verdict.BREACH
    assert rows["any"] is Verdict.BREACH


def test_margin_call_is_not_scored_against_liquidation() -> None:
    row = divergence("binance", "BTC/USDT:USDT", "jfsa-retail", "maintenance")
    assert row.verdict is Verdict.NOT_APPLICABLE
    assert row.reason == "a liquidation trigger is not scored against a margin call"


def test_an_asset_on_no_class_list_has_no_verdict_against_the_baseline() -> None:
    row = divergence("binance", "0G/USDT:USDT", "harmonized-baseline", "initial")
    assert row.verdict is Verdict.NOT_OBSERVABLE
    assert "no class list" in row.reason


def test_points_are_the_exact_margins_and_requirements() -> None:
    compared = 0
    for row in DOCUMENT.divergences:
        schedule = SCHEDULES[row.venue, row.symbol, row.profile]
        for point in row.points:
            if point.margin is None:
                continue
            margin = exact(schedule, row.margin_type, point.notional)
            assert margin is not None
            assert point.margin == pytest.approx(float(margin), rel=6e-12)  # 12 digits
            if point.deviation is not None and point.required is not None:
                assert point.deviation == pytest.approx(point.margin / point.required - 1)
                compared += 1
    assert compared > 2000


def test_binance_btc_against_the_baseline_by_hand() -> None:
    # At $1m the class A reference asks 10,000 + 0.1001 * 900,000 = $100,090; Binance asks 1m / 75.
    row = divergence("binance", "BTC/USDT:USDT", "harmonized-baseline", "initial")
    point = next(point for point in row.points if point.notional == HEAT_NOTIONAL)
    schedule = SCHEDULES["binance", "BTC/USDT:USDT", "any"]
    tier = next(piece for piece in schedule.initial if piece.upper is None or piece.upper >= 1e6)
    assert point.required == pytest.approx(100_090)
    assert point.margin == pytest.approx(tier.rate * 1e6)
    assert row.verdict is Verdict.UNDER


def test_every_finding_belongs_to_a_check_and_fingerprints_are_unique() -> None:
    codes = {check.code for check in CHECKS}
    assert {finding.code for finding in DOCUMENT.findings} <= codes
    prints = Counter(finding.fingerprint for finding in DOCUMENT.findings)
    assert max(prints.values()) == 1


def test_findings_are_sorted_by_level() -> None:
    order = [list(Level).index(finding.level) for finding in DOCUMENT.findings]
    assert order == sorted(order)


def test_every_statutory_shortfall_is_a_finding_and_every_finding_one() -> None:
    breaches = {
        (row.venue, row.symbol, row.profile, row.rule_set, row.margin_type)
        for row in DOCUMENT.divergences
        if row.verdict is Verdict.BREACH
    }
    findings = {
        (finding.venue, finding.symbol, finding.profile, finding.rule_set, finding.margin_type)
        for finding in DOCUMENT.findings
        if finding.code in {"MH401", "MH402"}
    }
    assert findings == breaches
    assert breaches


def test_documentation_and_bare_leverage_are_shown_but_not_counted() -> None:
    btc = next(comparison for comparison in DOCUMENT.comparisons if comparison.underlying == "BTC")
    excluded = {
        member.venue: member.exclusion_reason for member in btc.members if not member.included
    }
    assert {"deribit", "htx"} <= set(excluded)
    assert excluded["weex"] == "only the maximum leverage is published"
    assert all(excluded.values())
    assert "paradex" not in excluded
    for spread in DOCUMENT.spreads:
        if spread.underlying == "BTC":
            assert set(excluded).isdisjoint(spread.venues)


def test_every_cross_venue_figure_names_the_dates_it_spans() -> None:
    for spread in DOCUMENT.spreads:
        comparison = next(
            comparison
            for comparison in DOCUMENT.comparisons
            if comparison.underlying == spread.underlying
        )
        rows = [
            SCHEDULES[member.venue, member.symbol, member.profile]
            for member in comparison.members
            if member.venue in spread.venues
        ]
        assert spread.oldest == min(row.oldest for row in rows)  # empty if one has no earliest date
        assert spread.newest == max(row.newest for row in rows)
    assert any(not spread.oldest for spread in DOCUMENT.spreads)
    assert all(index.oldest <= index.newest for index in DOCUMENT.indices)


def test_coverage_has_a_row_a_venue_and_underlying_with_one_of_four_marks() -> None:
    pairs = Counter((row.venue, row.underlying) for row in DOCUMENT.coverage)
    assert max(pairs.values()) == 1
    early = answer(Question(as_of=date(2026, 9, 25))).document
    assert {row.status for row in early.coverage} == set(CoverageStatus)
    assert set(pairs) == {(schedule.venue, schedule.underlying) for schedule in DOCUMENT.schedules}


def test_the_same_archive_gives_the_same_bytes() -> None:
    reading, as_of = read_with_history(Question())
    again = audit(reading, load_rule_sets(()), AuditOptions(as_of), VENUES)
    assert document.to_json(again) == document.to_json(DOCUMENT)


def test_order_of_what_was_read_does_not_matter() -> None:
    reading, as_of = read(Question(venues=("okx", "mexc", "gate")))
    turned = replace(
        reading, schedules=reading.schedules[::-1], inputs=reading.inputs[::-1], unobserved=()
    )
    reading = replace(reading, unobserved=())
    options = AuditOptions(as_of)
    rules = load_rule_sets(())
    assert audit(turned, rules, options, VENUES) == audit(reading, rules, options, VENUES)


def test_the_document_keeps_its_published_schema_and_reads_back() -> None:
    published = json.loads(
        (files("harmonize") / "schemas" / "audit-document.schema.json").read_text()
    )
    assert published == document.json_schema()
    reading, as_of = read(Question(venues=("okx", "mexc", "deribit", "htx")))
    small = audit(reading, load_rule_sets(()), AuditOptions(as_of), VENUES)
    text = document.to_json(small)
    jsonschema.validate(json.loads(text), published)
    assert document.from_json(text) == small


def test_staleness_counts_back_from_the_date_of_the_audit() -> None:
    by_venue = {snapshot.venue: snapshot for snapshot in DOCUMENT.snapshots}
    assert DOCUMENT.as_of == "2026-11-29T23:59:59Z"
    assert by_venue["binance"].age_days == 150.0
    ages = [row.age_days for row in DOCUMENT.snapshots if row.venue == "hyperliquid"]
    assert min(ages) == 65.0
    assert by_venue["binance"].stale
    early = answer(Question(as_of=date(2026, 9, 25))).document
    stale = {finding.venue for finding in early.findings if finding.code == "MH902"}
    assert {"binance", "bitget", "bybit", "deribit", "dydx", "htx", "okx"} <= stale
    assert {"cryptocom", "gate", "hyperliquid", "krakenfutures", "mexc"}.isdisjoint(stale)


def test_a_wanted_instrument_goes_before_the_rule() -> None:
    schedules = recorded.schedules("krakenfutures")
    pair = ("krakenfutures", "BTC")
    assert (
        choose_representatives(schedules, {})["BTC"]["krakenfutures"].instrument.symbol
        == "BTC/USD:USD"
    )
    chosen = choose_representatives(schedules, {pair: "BTC/USD:BTC"})["BTC"]["krakenfutures"]
    assert chosen.instrument.symbol == "BTC/USD:BTC"
    with pytest.raises(KeyError):
        choose_representatives(schedules, {pair: "BTC/USDT:USDT"})


# checks, one failing and one passing schedule each


def tiers(*rows: tuple[int, str, str], gap: int = 0) -> tuple[Tier, ...]:
    lower, built = Decimal(0), []
    for upper, initial, maintenance in rows:
        built.append(Tier(Decimal(upper), Decimal(initial), Decimal(maintenance), lower))
        lower = Decimal(upper) + gap
    return tuple(built)


def with_tiers(rows: tuple[Tier, ...], **figures: object) -> MarginSchedule:
    uppers = [tier.upper for tier in rows]
    initial = flat(uppers, [tier.initial_rate or Decimal(1) for tier in rows])
    maintenance = marginal(uppers, [tier.maintenance_rate or Decimal(1) for tier in rows])
    return replace(
        BINANCE,
        tiers=rows,
        **{"initial": Known(initial), "maintenance": Known(maintenance), **figures},  # type: ignore[arg-type]
    )


SOUND = with_tiers(tiers((1000, "0.02", "0.01"), (5000, "0.04", "0.02")))
FAILING = {
    "MH101": with_tiers(
        tiers((1000, "0.02", "0.01"), (5000, "0.04", "0.02"), gap=500),
        initial=Unknown("gap"),
        maintenance=Unknown("gap"),
    ),
    "MH102": with_tiers(tiers((1000, "0.02", "0.03"))),
    "MH103": with_tiers(tiers((1000, "0.02", "0.01"), (5000, "0.01", "0.005"))),
    "MH104": replace(
        SOUND,
        maintenance=Known(flat([Decimal(1000), Decimal(5000)], [Decimal("0.01"), Decimal("0.02")])),
    ),
    "MH105": SOUND,
    "MH106": with_tiers(
        tuple(replace(tier, deduction=Decimal(7)) for tier in tiers((1000, "0.02", "0.01")))
    ),
    "MH201": replace(SOUND, maintenance=Unknown("not published")),
    "MH202": replace(SOUND, initial=Unknown("not published")),
    "MH203": replace(SOUND, capacity=Unknown("not published")),
    "MH204": recorded.schedule("okx", "BTC/USDT:USDT"),
    "MH301": BINANCE,
    "MH302": BINANCE,
    "MH401": BINANCE,
    "MH402": BINANCE,
}
MESSAGES = {
    "MH101": "tiers 1 and 2 leave a gap between $1,000 and $1,500; IM and MM are not observable",
    "MH102": "observed MM up to 50.0 % above IM, largest at $1; required at most IM",
    "MH103": "observed IM rate 1.0 % above $1,000, required at least the 2.0 % below it",
    "MH104": "MM jumps by $10 (an increase of 100.0 %) at $1,000",
    "MH105": "IM jumps by $20 (an increase of 100.0 %) at $1,000",
    "MH106": "tier 1: observed deduction $7.00, required $0.00 for a continuous margin",
    "MH201": "MM is not observable: not published",
    "MH202": "IM is not observable: not published",
    "MH203": "capacity is not observable: not published",
}
ROUND = with_tiers(tiers((10**12, "0.9", "0.8")), capacity=Known(Decimal(10) ** 12))


@pytest.mark.parametrize("code", FAILING)
def test_each_check_finds_its_failing_schedule(code: str) -> None:
    findings = [finding for finding in audit_of(FAILING[code]).findings if finding.code == code]
    assert findings
    if code in MESSAGES:
        assert findings[0].message == MESSAGES[code]


def test_no_check_but_divergence_finds_anything_in_a_sound_strict_schedule() -> None:
    codes = {finding.code for finding in audit_of(ROUND).findings}
    # Of venues, of rule sets, and of a schedule that asks as much of any size.
    assert codes <= {"MH109", "MH301", "MH302", "MH209", "MH306", "MH404", "MH902", "MH905"}
    assert all(
        finding.verdict is Verdict.OVER
        for finding in audit_of(ROUND).findings
        if finding.code == "MH301"
    )


def test_an_open_ended_range_of_a_finding_has_no_upper_end() -> None:
    loose = with_tiers(tiers((1000, "0.01", "0.005")))
    open_ended = replace(
        loose,
        tiers=(),
        initial=Known(flat([INFINITY], [Decimal("0.01")])),
        capacity=Unknown("none"),
    )
    findings = [finding for finding in audit_of(open_ended).findings if finding.code == "MH401"]
    assert findings[0].intervals[0].upper is None


def test_defects_are_findings_of_level_error() -> None:
    defect = Defect("binance", "call() at /0", "expected a number, found None", "BTCUSDT")
    findings = [
        finding
        for finding in audit_of(SOUND, defects=(defect,)).findings
        if finding.code == "MH901"
    ]
    assert [(finding.level, finding.symbol) for finding in findings] == [(Level.ERROR, "BTCUSDT")]


def test_each_check_explains_itself() -> None:
    for check in CHECKS:
        page = check.run.__doc__ or ""
        for part in ("## What it checks", "## Why it matters", "## Example"):
            assert part in page, check.code


def test_the_audit_reads_no_clock() -> None:
    reading, _ = read(Question(venues=("okx",)))
    later = audit(reading, load_rule_sets(()), AuditOptions(datetime(2030, 1, 1, tzinfo=UTC)))
    assert later.snapshots[0].age_days == 1329.0


@pytest.mark.parametrize("value", ["NaN", -0.5, None, "abc", 10**30])
@pytest.mark.parametrize("key", ["initialMargin", "maintenanceMargin", "contracts"])
def test_a_compliant_schedule_with_a_broken_figure_is_compliant_no_more(
    key: str, value: object
) -> None:
    snapshot = recorded.of_venue("krakenfutures")[0]

    def break_(document: Any) -> None:
        document["instruments"][0]["retailMarginLevels"][0][key] = value

    broken = changed(snapshot, "publicGetInstruments", break_)
    partial = parsed(broken)
    reading = Reading("test", (("", broken),), partial.schedules, partial.defects)
    rows = audit(reading, load_rule_sets(()), AuditOptions(snapshot.observed_at)).divergences
    whole = audited_kraken(snapshot)
    compliant = {(row.symbol, row.profile) for row in rows if row.verdict is Verdict.COMPLIANT}
    assert ("BTC/USD:BTC", "retail") in whole
    assert ("BTC/USD:BTC", "retail") not in compliant
    assert partial.defects


def audited_kraken(snapshot: Snapshot) -> set[tuple[str, str]]:
    whole = parsed(snapshot)
    reading = Reading("test", (("", snapshot),), whole.schedules, whole.defects)
    document = audit(reading, load_rule_sets(()), AuditOptions(snapshot.observed_at))
    return {
        (row.symbol, row.profile)
        for row in document.divergences
        if row.verdict is Verdict.COMPLIANT
    }


def test_caps_on_crypto_contracts_do_not_concern_shares_and_metals() -> None:
    for symbol in ("TSLA/USDT:USDT", "XAU/USDT:USDT"):
        row = divergence("binance", symbol, "esma-retail", "initial")
        assert row.verdict is Verdict.NOT_APPLICABLE
        assert "the underlying is no crypto-asset" in row.reason


def test_a_breach_is_an_error_where_the_venue_itself_says_retail() -> None:
    levels = {
        (finding.venue, "retail" in finding.profile): finding.level
        for finding in DOCUMENT.findings
        if finding.code == "MH401"
    }
    assert levels["krakenfutures", True] is Level.ERROR
    assert levels["binance", False] is Level.WARNING
