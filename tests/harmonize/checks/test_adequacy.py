"""Checks of margins against past prices: they fire beyond a limit, and never on what is not known."""

from dataclasses import replace
from datetime import date
from decimal import Decimal
from functools import cache

import pytest
from scipy.stats import binom

from harmonize.api.audit import AdequacyScope, AnswerOptions, Question, answer
from harmonize.checks.price_tests import binomial_tail
from harmonize.document import AdequacyRow, AdequacySection, AuditDocument, Finding, Level, Verdict
from harmonize.history.recent import RecentHistory
from harmonize.policy.rule_set import AdequacyLimits, Scope
from tests.harmonize.checks.examples import Case, after_change, flat_schedule, loosened_at, priced
from tests.harmonize.checks.price_tests import (
    ROW,
    clearing,
    holding,
    past,
    section,
    sized,
    with_clearing,
    with_holding,
)

REQUESTED = AnswerOptions(adequacy=AdequacyScope.VERDICTS)


def findings(case: Case, code: str = "MH5") -> list[Finding]:
    return [f for f in case.audited().findings if f.code.startswith(code)]


def limited(limits: AdequacyLimits, *rows: AdequacyRow, **changes: object) -> Case:
    """Returns a case of rows against one rule set with these limits and other changed fields."""
    case = priced(*rows)
    rule = next(rule for rule in case.rules if rule.id == "harmonized-baseline")
    return replace(case, rules=(replace(rule, adequacy=limits, **changes),))  # type: ignore[arg-type]


HOUR_LIMIT = AdequacyLimits(maintenance_minutes=Decimal(60))


def test_a_verdict_within_every_limit_has_no_finding_but_what_was_not_tested() -> None:
    (only,) = findings(priced(ROW))
    assert (only.code, only.verdict, only.level) == (
        "MH508",
        Verdict.NOT_OBSERVABLE,
        Level.INFO,
    )
    assert only.message == (
        "not testable against past prices by harmonized-baseline: 1 schedule with prices, not decided: "
        "the charge for size (1)"
    )


def test_without_limits_or_without_tests_there_is_no_finding() -> None:
    failing = with_holding(ROW, holding("maintenance", 1.0))
    assert findings(limited(AdequacyLimits(), failing)) == []
    assert findings(replace(priced(), adequacy=AdequacySection())) == []


@pytest.mark.parametrize(
    ("minutes", "bound", "count"),
    [
        (59.0, "measured", 1),
        (60.0, "measured", 0),
        (60.0, "shorter", 1),
        (15.0, "shorter", 1),
        (1_440.0, "shorter", 0),
        (15.0, "longer", 0),
        (None, "", 0),
    ],
)
def test_a_holding_time_counts_only_if_it_is_known_to_be_shorter(
    minutes: float | None, bound: str, count: int
) -> None:
    row = with_holding(ROW, holding("maintenance", minutes, bound))
    assert len(findings(limited(HOUR_LIMIT, row), "MH501")) == count


def test_a_holding_time_that_may_be_shorter_or_longer_is_not_decided() -> None:
    for minutes, bound in ((1_440.0, "shorter"), (15.0, "longer"), (None, "")):
        row = with_holding(ROW, holding("maintenance", minutes, bound))
        (only,) = findings(limited(HOUR_LIMIT, row))
        assert "the time over which MM holds (1)" in only.message


def test_the_shortest_time_over_sides_and_sizes_is_named() -> None:
    short = replace(with_holding(ROW, holding("maintenance", 30.0)), side="short", notional=1e6)
    (one,) = findings(
        limited(
            HOUR_LIMIT,
            with_holding(ROW, holding("maintenance", 45.0)),
            short,
            replace(ROW, notional=1e7),
        ),
        "MH501",
    )
    assert one.message == (
        "MM of 5.0 % on a short position of $1,000,000 covers the 99 % move for 30 minutes, required at "
        "least 1 hour by harmonized-baseline; so it is on 2 of 3 sides and sizes tested"
    )
    assert (one.verdict, one.level, one.margin_type) == (
        Verdict.UNDER,
        Level.WARNING,
        "maintenance",
    )
    assert (one.notional, one.deviation) == (1e6, -0.5)


def test_each_margin_has_a_finding_of_its_own() -> None:
    row = with_holding(ROW, *(holding(m, 20.0) for m in ("buffer", "maintenance", "initial")))
    found = findings(priced(row), "MH501")
    assert {f.message.split(" of ")[0] for f in found} == {"IM − MM", "MM", "IM"}
    assert len({f.fingerprint for f in found}) == 3


SHARE = AdequacyLimits(close_out_share=Decimal("0.01"))


@pytest.mark.parametrize(
    ("seconds", "close_out", "count"),
    [
        (3_600, None, 1),
        (86_400, None, 0),
        (86_400, 7_200.0, 0),
        (86_400, 80_000.0, 1),
        (3_600, 900.0, 1),
    ],
)
def test_a_day_counts_as_a_close_out_only_if_closing_takes_that_long(
    seconds: int, close_out: float | None, count: int
) -> None:
    row = replace(ROW, every_window=past(5_000, seconds=seconds), close_out_seconds=close_out)
    found = findings(limited(SHARE, row))
    assert len([f for f in found if f.code == "MH502"]) == count
    assert len([f for f in found if f.code == "MH508"]) == 1 - count


def test_a_close_out_finding_names_counts_prices_and_the_worst_day() -> None:
    (one,) = findings(priced(replace(ROW, after_liquidation=past(60, 300))), "MH503")
    assert one.message == (
        "the price moved beyond MM of 5.0 % on a long position of $10,000 within 1 hour in 60 of 300 "
        "liquidations (20.0 %), at most 10.0 % by harmonized-baseline; okx perp BTC-USDT-SWAP 1h from "
        "2025-01-01 to 2026-01-01, worst 10.0 % at 2025-10-10 21:00 UTC; so it is on 1 of 1 sides and "
        "sizes tested"
    )
    assert one.deviation == -0.5


@pytest.mark.parametrize(
    ("days", "breaches", "observations", "count"),
    [
        (1, 10, 1_000, 0),  # 99 % exactly
        (1, 16, 1_000, 0),  # P(X >= 16) is 4.9 % of 1,000 at 1 %, and 16 of 1,000 is at the margin
        (1, 17, 1_000, 1),
        (2, 34, 2_000, 1),  # 17 of 1,000 that do not overlap
        (2, 30, 2_000, 0),
        (1, None, 1_000, 0),
    ],
)
def test_a_shortfall_of_coverage_has_to_be_improbable_by_chance(
    days: int, breaches: int | None, observations: int, count: int
) -> None:
    limits = AdequacyLimits(
        coverage_1d=Decimal("0.99"),
        coverage_2d=Decimal("0.99"),
        coverage_significance=Decimal("0.04"),
    )
    row = with_clearing(ROW, clearing(days, breaches, observations))
    assert len(findings(limited(limits, row), "MH504")) == count


def test_without_a_significance_every_shortfall_counts() -> None:
    limits = AdequacyLimits(coverage_5d=Decimal("0.9"))
    counts = [
        len(findings(limited(limits, with_clearing(ROW, clearing(5, breaches))), "MH504"))
        for breaches in (100, 101)  # 90 % exactly is no shortfall, without rounding
    ]
    assert counts == [0, 1]


@pytest.mark.parametrize(
    ("least", "trials", "rate"), [(5, 250, 0.01), (17, 1_000, 0.01), (0, 9, 0.5)]
)
def test_the_probability_by_chance_is_the_binomial_one(
    least: int, trials: int, rate: float
) -> None:
    assert binomial_tail(least, trials, rate) == pytest.approx(
        float(binom.sf(least - 1, trials, rate)), rel=1e-9
    )


def test_breaches_that_avoid_one_another_are_not_clustered() -> None:
    for after_breach, after_calm, count in (
        (0.3, 0.1, 1),
        (0.1, 0.3, 0),
        (0.2, 0.2, 0),
        (None, 0.2, 0),
    ):
        part = clearing(1, 20, p_value=0.001, after_breach=after_breach, after_calm=after_calm)
        assert len(findings(priced(with_clearing(ROW, part)), "MH505")) == count
    unknown = replace(clearing(1, 20, after_breach=0.3, after_calm=0.1), christoffersen=None)
    assert findings(priced(with_clearing(ROW, unknown)), "MH505") == []


EXPONENT = AdequacyLimits(size_exponent=Decimal("0.5"))


def test_a_charge_for_size_follows_the_time_of_the_close_out() -> None:
    """MM holds one hour, and closing $10m takes twelve: a third of it is four hours, twice the move."""
    small = sized(1e4, 0.05, 0.1)
    for maintenance, count in ((0.1, 0), (0.0999, 1), (0.05, 1), (0.2, 0)):
        rows = (small, sized(1e7, maintenance, 12.0))
        assert len(findings(limited(EXPONENT, *rows), "MH506")) == count
    (flat,) = findings(limited(EXPONENT, small, sized(1e7, 0.05, 12.0)), "MH506")
    assert "rises from 5.0 % at $10,000 to 5.0 % at $10,000,000" in flat.message
    assert (
        "closing takes 12 hours: as the time to the power of 0, required at least 0.5"
        in flat.message
    )


def test_a_close_out_within_the_time_that_the_margin_holds_needs_no_charge() -> None:
    for rows in (
        (sized(1e4, 0.05, 0.1), sized(1e7, 0.05, 3.0)),  # a third of 3 hours is the hour it holds
        (sized(1e4, 0.05, 0.1),),
        (ROW, replace(ROW, notional=1e7)),  # no volume
    ):
        assert findings(limited(EXPONENT, *rows), "MH506") == []
    unknown = with_holding(sized(1e4, 0.05, 0.1), holding("maintenance", None))
    beyond = with_holding(sized(1e4, 0.05, 0.1), holding("maintenance", 1_440.0, "longer"))
    for small in (unknown, beyond):
        assert findings(limited(EXPONENT, small, sized(1e7, 0.05, 12.0)), "MH506") == []


def test_a_reduction_counts_only_if_its_time_and_the_volatility_of_that_time_are_known() -> None:
    case = loosened_at(1.0)
    assert len(findings(case, "MH507")) == 2  # IM and MM
    old = replace(case, adequacy=section(recent=1.0, last="2026-02-06T00:00:00Z"))
    assert findings(old, "MH507") == []
    (dated,) = case.lately.changes
    for before_from in ("", "2025-12-01T00:00:00Z"):
        change = replace(dated.change, before_from=before_from)
        undated = RecentHistory(changes=(replace(dated, change=change),))
        assert findings(replace(case, lately=undated), "MH507") == []
    tightened = after_change(
        flat_schedule((50_000, "0.1", "0.05")), flat_schedule((50_000, "0.2", "0.1"))
    )
    assert findings(replace(tightened, adequacy=case.adequacy), "MH507") == []


def test_of_two_reductions_the_newest_is_reported() -> None:
    case = loosened_at(1.0)
    (dated,) = case.lately.changes
    earlier = replace(
        dated.change, after="2026-03-01T00:00:00Z", before_from="2026-02-28T00:00:00Z"
    )
    both = RecentHistory(changes=(dated, replace(dated, change=earlier)))
    found = findings(replace(case, lately=both), "MH507")
    assert [f.observed_at for f in found] == [dated.change.after] * 2


def test_underlyings_without_prices_are_counted_once_per_rule_set() -> None:
    case = priced(sized(1e4, 0.05, 0.1))
    unpriced = replace(case.adequacy, without_prices=("ABC", "XYZ"))
    messages = [f.message for f in findings(replace(case, adequacy=unpriced), "MH508")]
    assert messages == [
        f"not testable against past prices by {rule}: 2 underlyings without archived prices"
        for rule in ("emir-ccp", "harmonized-baseline")
    ]


def test_a_margin_that_is_unknown_is_not_missing_for_want_of_prices() -> None:
    row = replace(ROW, maintenance=None, every_window=past(None), after_liquidation=past(None))
    row = with_holding(row, replace(holding("maintenance", None), rate=None))
    assert findings(limited(AdequacyLimits(HOUR_LIMIT.buffer_minutes, Decimal(60)), row)) == []
    assert findings(limited(SHARE, row)) == []


def test_limits_apply_within_the_scope_of_their_rule_set_and_only_a_law_is_breached() -> None:
    failing = replace(ROW, every_window=past(5_000))
    (benchmark,) = findings(limited(SHARE, failing))
    (law,) = findings(limited(SHARE, failing, statutory=True))
    assert (benchmark.verdict, law.verdict) == (Verdict.UNDER, Verdict.BREACH)
    for scope, count in (
        (Scope("Another venue", venues=("bybit",)), 0),
        (Scope("This venue", venues=("okx",)), 1),
        (Scope("Another underlying", underlyings=("ETH",)), 0),
        (Scope("Later", since=date(2027, 1, 1)), 0),
        (Scope("Larger positions", above=Decimal(10_000)), 0),
        (Scope("Such positions", above=Decimal(9_999), up_to=Decimal(10_000)), 1),
    ):
        assert len(findings(limited(SHARE, failing, scope=scope))) == count, scope.text


@cache
def recorded_document() -> AuditDocument:
    question = Question(
        venues=("binance", "dydx"),
        underlyings=("BTC", "XLM"),
        as_of=date(2026, 11, 29),
        options=REQUESTED,
    )
    return answer(question).document


def test_the_recorded_archive_has_findings_that_can_be_checked_by_hand() -> None:
    found = {
        (f.code, f.venue, f.rule_set, f.margin_type): f.message
        for f in recorded_document().findings
        if f.code.startswith("MH5")
    }
    assert found["MH503", "binance", "harmonized-baseline", "maintenance"].startswith(
        "the price moved beyond MM of 0.88 % on a long position of $10,000,000 within 1 hour in 140 of "
        "288 liquidations (48.61 %), at most 10.0 % by harmonized-baseline; binance perp BTCUSDT 15m"
    )
    assert found["MH504", "binance", "emir-ccp", "initial"].startswith(
        "IM of 0.6667 % on a short position of $10,000 covered 58.52 % of moves over 2 days (850 of "
        "2,049 beyond, red), required at least 99.0 % by emir-ccp"
    )
    assert found["MH506", "dydx", "harmonized-baseline", "maintenance"].startswith(
        "MM rises from 3.0 % at $10,000 to 3.0 % at $10,000,000, while closing takes 1.5 days"
    )
    assert "1 underlying without archived prices" in found["MH508", "", "cftc-dco", ""]
    fingerprints = [f.fingerprint for f in recorded_document().findings]
    assert len(fingerprints) == len(set(fingerprints))
    assert not recorded_document().defects


def test_a_breach_of_the_recorded_archive_is_never_one_of_a_benchmark() -> None:
    verdicts = {f.verdict for f in recorded_document().findings if f.code.startswith("MH5")}
    assert verdicts == {Verdict.UNDER, Verdict.NOT_OBSERVABLE}


def test_a_reduction_of_the_recorded_archive_in_rising_volatility_is_reported() -> None:
    question = Question(
        venues=("binance",), underlyings=("XRP",), as_of=date(2025, 3, 20), options=REQUESTED
    )
    found = [f for f in answer(question).document.findings if f.code == "MH507"]
    initial = next(f for f in found if f.margin_type == "initial")
    assert initial.message.startswith(
        "IM at $5,000 was reduced by 66.67 % between 2025-03-13 and 2025-03-20"
    )
    assert "rose by 116.3 %: from 75.97 % to 164.3 % a year" in initial.message
