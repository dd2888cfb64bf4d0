"""The audit of the recorded archive: every conclusion checked by another way to it."""

import json
from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from fractions import Fraction
from importlib.resources import files
from typing import Any

import jsonschema
import pytest

from harmonize import document
from harmonize.api.audit import Question, read, read_with_history, rule_sets_of
from harmonize.audit.assemble import AuditOptions, Reading, VenueProperties, audit
from harmonize.checks import CHECKS
from harmonize.comparison.representative import choose
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
SCHEDULES = {(one.venue, one.symbol, one.profile): one for one in DOCUMENT.schedules}


def divergence(venue: str, symbol: str, rule_set: str, figure: str) -> DivergenceRow:
    found = [
        one
        for one in DOCUMENT.divergences
        if (one.venue, one.symbol, one.rule_set, one.margin_type)
        == (venue, symbol, rule_set, figure)
    ]
    return found[0]


def exact(schedule: ScheduleRow, figure: str, notional: float) -> Fraction | None:
    pieces = getattr(schedule, figure)
    size = Fraction(notional)
    for one in pieces:
        if one.upper is None or size <= Fraction(one.upper):
            bend = (
                size ** int(one.power) if one.power.is_integer() else Fraction(notional**one.power)
            )
            curved = Fraction(one.coefficient) * bend
            return Fraction(one.fixed) + Fraction(one.rate) * size + curved
    return None


def audit_of(*schedules: MarginSchedule, defects: tuple[Defect, ...] = ()) -> AuditDocument:
    reading, as_of = read(Question(venues=("binance",)))
    own = Reading(reading.archive, reading.snapshots, schedules, defects)
    return audit(own, rule_sets_of(THREE), AuditOptions(as_of), VENUES)


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
    rows = [one for one in audit_of(whole).divergences if one.rule_set == "esma-retail"]
    assert [one.verdict for one in rows] == [Verdict.NOT_OBSERVABLE] * 2
    assert rows[0].reason == "observed only up to $1,000, compliant there"


def test_a_schedule_above_every_minimum_is_compliant_and_over_the_baseline() -> None:
    strict = flat([Decimal(10) ** 9], [Decimal("0.9")])
    whole = replace(
        BINANCE, initial=Known(strict), maintenance=Known(strict), capacity=Known(Decimal(10) ** 9)
    )
    verdicts = {(one.rule_set, one.margin_type): one.verdict for one in audit_of(whole).divergences}
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
        one.profile: one.verdict
        for one in DOCUMENT.divergences
        if one.symbol == "BTC/USD:BTC"
        and one.venue == "krakenfutures"
        and (one.rule_set, one.margin_type) == ("esma-retail", "initial")
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
    counted = 0
    for row in DOCUMENT.divergences:
        schedule = SCHEDULES[row.venue, row.symbol, row.profile]
        for point in row.points:
            if point.margin is None:
                continue
            due = exact(schedule, row.margin_type, point.notional)
            assert due is not None
            assert point.margin == pytest.approx(float(due), rel=1e-12)
            if point.deviation is not None and point.required is not None:
                assert point.deviation == pytest.approx(point.margin / point.required - 1)
                counted += 1
    assert counted > 2000


def test_binance_btc_against_the_baseline_by_hand() -> None:
    # At $1m the class A reference asks 10,000 + 0.1001 * 900,000 = $100,090; Binance asks 1m / 75.
    row = divergence("binance", "BTC/USDT:USDT", "harmonized-baseline", "initial")
    point = next(one for one in row.points if one.notional == HEAT_NOTIONAL)
    schedule = SCHEDULES["binance", "BTC/USDT:USDT", "any"]
    tier = next(one for one in schedule.initial if one.upper is None or one.upper >= 1e6)
    assert point.required == pytest.approx(100_090)
    assert point.margin == pytest.approx(tier.rate * 1e6)
    assert row.verdict is Verdict.UNDER


def test_every_finding_belongs_to_a_check_and_fingerprints_are_unique() -> None:
    codes = {one.code for one in CHECKS}
    assert {one.code for one in DOCUMENT.findings} <= codes
    prints = Counter(one.fingerprint for one in DOCUMENT.findings)
    assert max(prints.values()) == 1


def test_findings_come_gravest_first() -> None:
    order = [list(Level).index(one.level) for one in DOCUMENT.findings]
    assert order == sorted(order)


def test_every_statutory_shortfall_is_a_finding_and_every_finding_one() -> None:
    breaches = {
        (one.venue, one.symbol, one.profile, one.rule_set, one.margin_type)
        for one in DOCUMENT.divergences
        if one.verdict is Verdict.BREACH
    }
    found = {
        (one.venue, one.symbol, one.profile, one.rule_set, one.margin_type)
        for one in DOCUMENT.findings
        if one.code in {"MH401", "MH402"}
    }
    assert found == breaches
    assert breaches


def test_documentation_and_bare_leverage_are_shown_but_not_counted() -> None:
    btc = next(one for one in DOCUMENT.comparisons if one.underlying == "BTC")
    aside = {one.venue: one.exclusion_reason for one in btc.members if not one.included}
    assert {"deribit", "htx"} <= set(aside)
    assert aside["weex"] == "only the maximum leverage is published"
    assert all(aside.values())
    assert "paradex" not in aside
    for gap in DOCUMENT.spreads:
        if gap.underlying == "BTC":
            assert set(aside).isdisjoint(gap.venues)


def test_every_cross_venue_figure_names_the_dates_it_spans() -> None:
    for gap in DOCUMENT.spreads:
        comparison = next(one for one in DOCUMENT.comparisons if one.underlying == gap.underlying)
        rows = [
            SCHEDULES[one.venue, one.symbol, one.profile]
            for one in comparison.members
            if one.venue in gap.venues
        ]
        assert gap.oldest == min(one.oldest for one in rows)
        assert gap.newest == max(one.newest for one in rows)
    assert all(one.oldest <= one.newest for one in DOCUMENT.indices)


def test_coverage_has_a_row_a_venue_and_underlying_with_one_of_four_marks() -> None:
    pairs = Counter((one.venue, one.underlying) for one in DOCUMENT.coverage)
    assert max(pairs.values()) == 1
    assert {one.status for one in DOCUMENT.coverage} == set(CoverageStatus)
    assert set(pairs) == {(one.venue, one.underlying) for one in DOCUMENT.schedules}


def test_the_same_archive_gives_the_same_bytes() -> None:
    reading, as_of = read_with_history(Question())
    again = audit(reading, rule_sets_of(()), AuditOptions(as_of), VENUES)
    assert document.to_json(again) == document.to_json(DOCUMENT)


def test_order_of_what_was_read_does_not_matter() -> None:
    reading, as_of = read(Question(venues=("okx", "mexc", "gate")))
    turned = replace(
        reading, schedules=reading.schedules[::-1], inputs=reading.inputs[::-1], unobserved=()
    )
    reading = replace(reading, unobserved=())
    options = AuditOptions(as_of)
    rules = rule_sets_of(())
    assert audit(turned, rules, options, VENUES) == audit(reading, rules, options, VENUES)


def test_the_document_keeps_its_published_schema_and_reads_back() -> None:
    published = json.loads(
        (files("harmonize") / "schemas" / "audit-document.schema.json").read_text()
    )
    assert published == document.json_schema()
    reading, as_of = read(Question(venues=("okx", "mexc", "deribit", "htx")))
    small = audit(reading, rule_sets_of(()), AuditOptions(as_of), VENUES)
    text = document.to_json(small)
    jsonschema.validate(json.loads(text), published)
    assert document.from_json(text) == small


def test_staleness_counts_back_from_the_date_of_the_audit() -> None:
    by_venue = {one.venue: one for one in DOCUMENT.snapshots}
    assert DOCUMENT.as_of == "2026-09-25T00:00:00Z"
    assert by_venue["binance"].age_days == 85.0
    assert by_venue["binance"].stale
    assert not by_venue["krakenfutures"].stale
    stale = [one.venue for one in DOCUMENT.findings if one.code == "MH902"]
    assert {"binance", "bitget", "bybit", "deribit", "dydx", "htx", "okx"} <= set(stale)
    assert {"cryptocom", "gate", "hyperliquid", "krakenfutures", "mexc"}.isdisjoint(stale)


def test_a_wanted_instrument_goes_before_the_rule() -> None:
    schedules = recorded.schedules("krakenfutures")
    pair = ("krakenfutures", "BTC")
    assert choose(schedules, {})["BTC"]["krakenfutures"].instrument.symbol == "BTC/USD:USD"
    chosen = choose(schedules, {pair: "BTC/USD:BTC"})["BTC"]["krakenfutures"]
    assert chosen.instrument.symbol == "BTC/USD:BTC"
    with pytest.raises(KeyError):
        choose(schedules, {pair: "BTC/USDT:USDT"})


# checks, one failing and one passing schedule each


def tiers(*rows: tuple[int, str, str], gap: int = 0) -> tuple[Tier, ...]:
    lower, built = Decimal(0), []
    for upper, initial, maintenance in rows:
        built.append(Tier(Decimal(upper), Decimal(initial), Decimal(maintenance), lower))
        lower = Decimal(upper) + gap
    return tuple(built)


def with_tiers(found: tuple[Tier, ...], **figures: object) -> MarginSchedule:
    uppers = [one.upper for one in found]
    initial = flat(uppers, [one.initial_rate or Decimal(1) for one in found])
    maintenance = marginal(uppers, [one.maintenance_rate or Decimal(1) for one in found])
    return replace(
        BINANCE,
        tiers=found,
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
        tuple(replace(one, deduction=Decimal(7)) for one in tiers((1000, "0.02", "0.01")))
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
    "MH101": "tiers 1 and 2 leave a gap between $1,000 and $1,500; IM and MM unknown",
    "MH102": "MM is up to 50 % above IM, most at $1",
    "MH103": "IM falls from 2 % to 1 % above $1,000",
    "MH104": "MM jumps by $10 (100 % more) at $1,000",
    "MH105": "IM jumps by $20 (100 % more) at $1,000",
    "MH106": "tier 1 publishes a deduction of $7.00, continuity gives $0.00",
    "MH201": "MM is not observable: not published",
    "MH202": "IM is not observable: not published",
    "MH203": "capacity is not observable: not published",
}
ROUND = with_tiers(tiers((10**12, "0.9", "0.8")), capacity=Known(Decimal(10) ** 12))


@pytest.mark.parametrize("code", FAILING)
def test_each_check_finds_its_failing_schedule(code: str) -> None:
    found = [one for one in audit_of(FAILING[code]).findings if one.code == code]
    assert found
    if code in MESSAGES:
        assert found[0].message == MESSAGES[code]


def test_no_check_but_divergence_finds_anything_in_a_sound_strict_schedule() -> None:
    codes = {one.code for one in audit_of(ROUND).findings}
    # Of venues, of rule sets, and of a schedule that asks as much of any size.
    assert codes <= {"MH109", "MH301", "MH302", "MH209", "MH306", "MH404", "MH902", "MH905"}
    assert all(
        one.verdict is Verdict.OVER for one in audit_of(ROUND).findings if one.code == "MH301"
    )


def test_an_open_ended_range_of_a_finding_has_no_upper_end() -> None:
    loose = with_tiers(tiers((1000, "0.01", "0.005")))
    open_ended = replace(
        loose,
        tiers=(),
        initial=Known(flat([INFINITY], [Decimal("0.01")])),
        capacity=Unknown("none"),
    )
    found = [one for one in audit_of(open_ended).findings if one.code == "MH401"]
    assert found[0].intervals[0].upper is None


def test_defects_are_findings_of_level_error() -> None:
    defect = Defect("binance", "call() at /0", "a number was due, was None", "BTCUSDT")
    found = [one for one in audit_of(SOUND, defects=(defect,)).findings if one.code == "MH901"]
    assert [(one.level, one.symbol) for one in found] == [(Level.ERROR, "BTCUSDT")]


def test_each_check_explains_itself() -> None:
    for check in CHECKS:
        page = check.run.__doc__ or ""
        for part in ("## What it checks", "## Why it matters", "## Example"):
            assert part in page, check.code


def test_time_is_given_never_read() -> None:
    reading, _ = read(Question(venues=("okx",)))
    later = audit(reading, rule_sets_of(()), AuditOptions(datetime(2030, 1, 1, tzinfo=UTC)))
    assert later.snapshots[0].age_days == pytest.approx(1329.7, abs=0.1)


@pytest.mark.parametrize("value", ["NaN", -0.5, None, "abc", 10**30])
@pytest.mark.parametrize("key", ["initialMargin", "maintenanceMargin", "contracts"])
def test_a_compliant_schedule_with_a_broken_figure_is_compliant_no_more(
    key: str, value: object
) -> None:
    snapshot = recorded.of_venue("krakenfutures")[0]

    def break_(document: Any) -> None:
        document["instruments"][0]["retailMarginLevels"][0][key] = value

    broken = changed(snapshot, "publicGetInstruments", break_)
    found = parsed(broken)
    reading = Reading("test", (("", broken),), found.schedules, found.defects)
    rows = audit(reading, rule_sets_of(()), AuditOptions(snapshot.observed_at)).divergences
    whole = audited_kraken(snapshot)
    compliant = {(one.symbol, one.profile) for one in rows if one.verdict is Verdict.COMPLIANT}
    assert ("BTC/USD:BTC", "retail") in whole
    assert ("BTC/USD:BTC", "retail") not in compliant
    assert found.defects


def audited_kraken(snapshot: Snapshot) -> set[tuple[str, str]]:
    found = parsed(snapshot)
    reading = Reading("test", (("", snapshot),), found.schedules, found.defects)
    document = audit(reading, rule_sets_of(()), AuditOptions(snapshot.observed_at))
    return {
        (one.symbol, one.profile)
        for one in document.divergences
        if one.verdict is Verdict.COMPLIANT
    }


def test_caps_on_crypto_contracts_do_not_concern_shares_and_metals() -> None:
    for symbol in ("TSLA/USDT:USDT", "XAU/USDT:USDT"):
        row = divergence("binance", symbol, "esma-retail", "initial")
        assert row.verdict is Verdict.NOT_APPLICABLE
        assert "no crypto-asset" in row.reason


def test_a_breach_is_an_error_where_the_venue_itself_says_retail() -> None:
    levels = {
        (one.venue, "retail" in one.profile): one.level
        for one in DOCUMENT.findings
        if one.code == "MH401"
    }
    assert levels["krakenfutures", True] is Level.ERROR
    assert levels["binance", False] is Level.WARNING
