"""Ranking of venues at one notional: order, verdicts at that size, and reasons against a rank."""

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal as D

import pytest

from harmonize.comparison.ranking import Ranking, RankingTerms, rank_venues
from harmonize.comparison.universe import build_universe
from harmonize.core.date_precision import NO_LATER_THAN
from harmonize.core.payload import Origin
from harmonize.core.schedule import Derived, MarginSchedule, Unknown
from harmonize.document import Verdict
from harmonize.policy.inputs import Input
from harmonize.policy.rule_set import RuleSet
from rules import loader
from tests.harmonize.checks.examples import NOW, flat_schedule

ESMA = loader.load("esma-retail")
CAP = replace(ESMA, scope=replace(ESMA.scope, above=D(50_000), up_to=D(400_000)))
TABLE = ((100_000, "0.3", "0.2"), (1_000_000, "0.6", "0.4"))


def of(venue: str, *rows: tuple[object, str, str]) -> MarginSchedule:
    schedule = flat_schedule(*rows)
    return replace(schedule, instrument=replace(schedule.instrument, venue=venue))


def ranking(
    *schedules: MarginSchedule,
    notional: float = 100_000.0,
    margin_type: str = "initial",
    rules: tuple[RuleSet, ...] = (ESMA,),
    inputs: tuple[Input, ...] = (),
) -> Ranking:
    universe = build_universe(schedules, rules, inputs, NOW, {}, venues=1)
    return rank_venues(universe, "BTC", RankingTerms(notional, margin_type, NOW), {})


def test_the_lowest_margin_is_first_and_equal_margins_share_a_rank() -> None:
    result = ranking(
        *(of("bybit", (1e6, "0.1", "0.05")), of("okx", (1e6, "0.02", "0.01"))),
        *(of("gate", (1e6, "0.1", "0.01")), of("mexc", (1e6, "0.5", "0.2"))),
    )
    assert [(x.rank, x.venue, x.margin) for x in result.venues] == [
        *((1, "okx", 2_000.0), (2, "bybit", 10_000.0)),
        *((2, "gate", 10_000.0), (4, "mexc", 50_000.0)),
    ]
    assert [(x.rate, x.leverage) for x in result.venues][::3] == [(0.02, 50.0), (0.5, 2.0)]
    maintenance = ranking(
        of("bybit", (1e6, "0.1", "0.05")),
        of("gate", (1e6, "0.1", "0.01")),
        margin_type="maintenance",
    )
    assert [(x.venue, x.margin) for x in maintenance.venues] == [("gate", 1e3), ("bybit", 5e3)]


@pytest.mark.parametrize(
    ("notional", "verdict", "required", "deviation"),
    [
        (100_000.0, Verdict.BREACH, 50_000.0, -0.4),  # 30 % where 50 % is required
        (100_001.0, Verdict.COMPLIANT, 50_000.5, 0.2),  # 60 % on the next tier
    ],
)
def test_the_verdict_is_that_of_the_size_and_not_of_the_schedule(
    notional: float, verdict: Verdict, required: float, deviation: float
) -> None:
    (venue,) = ranking(of("okx", *TABLE), notional=notional).venues
    (standing,) = venue.standings
    assert standing.verdict is verdict
    assert standing.required == pytest.approx(required)
    assert standing.deviation == pytest.approx(deviation)
    assert standing.verified == "primary"


@pytest.mark.parametrize(
    ("origin", "verified"), [("derived", "derived"), ("unverified", "unverified")]
)
@pytest.mark.parametrize("margin_type", ["initial", "maintenance"])
def test_a_requirement_is_verified_as_far_as_its_measured_inputs(
    origin: str, verified: str, margin_type: str
) -> None:
    value = D("0.086")
    measured = Input("var_99_2d_365d", "BTC", value, NOW, observations=1095, origin=origin)
    measured = replace(measured, lower=value, upper=value, confidence=D("0.95"))
    rules = loader.load("emir-ccp")
    rules = replace(rules, meaning=of("okx", *TABLE).meaning)
    (venue,) = ranking(
        of("okx", *TABLE), margin_type=margin_type, rules=(rules,), inputs=(measured,)
    ).venues
    (standing,) = venue.standings
    assert standing.required == pytest.approx(10_750.0)
    assert standing.verified == verified


@pytest.mark.parametrize(
    ("relative", "absolute", "low", "rate", "verdict", "share"),
    [
        ("0", "0", "0.1", "0.125", Verdict.COMPLIANT, 0.0),
        ("0.2", "0", "0.1", "0.1", Verdict.COMPLIANT, 0.2),
        ("0.2", "0", "0.1", "0.0999", Verdict.UNDER, 0.2),
        ("0.2", "0.01", "0.1", "0.09", Verdict.COMPLIANT, 0.28),  # 1 point of 12.5 % is 8 %
        ("0.2", "0", "0.05", "0.05", Verdict.COMPLIANT, 0.6),  # times half, by the interval
        ("0.2", "0", "0.05", "0.0499", Verdict.UNDER, 0.6),
        ("0", "0.2", "0.1", "0.001", Verdict.COMPLIANT, 1.0),
    ],
)
def test_the_tolerance_is_that_of_the_verdict(  # noqa: PLR0913, PLR0917 - a case per row
    relative: str, absolute: str, low: str, rate: str, verdict: Verdict, share: float
) -> None:
    """The required rate is 12.5 %, from a move of 10 %."""
    rules = loader.load("emir-ccp")
    tolerance = replace(rules.tolerance, relative=D(relative), absolute=D(absolute))
    rules = replace(rules, tolerance=tolerance)
    measured = Input("var_99_2d_365d", "BTC", D("0.1"), NOW, observations=1095, origin="derived")
    measured = replace(measured, lower=D(low), upper=D("0.1"), confidence=D("0.95"))
    (venue,) = ranking(of("okx", (1e6, rate, "0.0005")), rules=(rules,), inputs=(measured,)).venues
    (standing,) = venue.standings
    assert standing.required == pytest.approx(12_500.0)
    assert standing.verdict is verdict
    assert standing.tolerance_below == pytest.approx(share)


def test_a_range_that_is_too_low_begins_above_its_lower_bound() -> None:
    falling = of("okx", (100_000, "0.6", "0.4"), (1_000_000, "0.3", "0.2"))
    for notional, verdict in ((100_000.0, Verdict.COMPLIANT), (100_001.0, Verdict.BREACH)):
        (venue,) = ranking(falling, notional=notional).venues
        assert venue.standings[0].verdict is verdict


def test_a_rule_set_for_other_sizes_does_not_apply() -> None:
    for notional, verdict in (
        *((50_000.0, Verdict.NOT_APPLICABLE), (50_001.0, Verdict.BREACH)),
        *((400_000.0, Verdict.COMPLIANT), (400_001.0, Verdict.NOT_APPLICABLE)),
    ):
        (venue,) = ranking(of("okx", *TABLE), notional=notional, rules=(CAP,)).venues
        assert venue.standings[0].verdict is verdict, notional


def test_a_margin_that_a_rule_set_does_not_set_is_not_compliant() -> None:
    no_maintenance = loader.load("vara-retail")
    (venue,) = ranking(of("okx", *TABLE), margin_type="maintenance", rules=(no_maintenance,)).venues
    assert venue.standings[0].verdict is Verdict.NOT_APPLICABLE
    assert venue.standings[0].reason == "the rule set sets no maintenance margin"
    elsewhere = replace(ESMA, scope=replace(ESMA.scope, underlyings=("ETH",)))
    (venue,) = ranking(of("okx", *TABLE), rules=(elsewhere,)).venues
    assert venue.standings[0].reason == "the rule set does not cover BTC"


def test_a_venue_without_a_rank_has_the_reason_and_its_margin_if_it_is_known() -> None:
    ok = of("okx", *TABLE)
    result = ranking(
        ok,
        replace(of("gate", *TABLE), initial=Unknown("only the leverage is published")),
        of("mexc", (50_000, "0.01", "0.005")),
        replace(of("bybit", (50_000, "0.01", "0.005")), capacity=Unknown("none")),
        replace(of("lbank", *TABLE), known_up_to=D(0), exclusion_reason="only the leverage"),
        replace(of("phemex", *TABLE), known_up_to=D(50_000)),
        replace(of("xt", *TABLE), not_trading="expired on 2026-01-01"),
        replace(of("aster", *TABLE), origin=Origin.DOCUMENTATION),
        replace(
            of("htx", *TABLE),
            initial=Derived(ok.initial.value, "a guess", verified=False),  # type: ignore[union-attr]
        ),
    )
    assert [x.venue for x in result.venues] == ["okx"]
    assert {x.venue for x in result.unranked if x.is_lower_bound} == {"lbank", "phemex"}
    assert {x.venue: (x.reason, x.margin) for x in result.unranked} == {
        "lbank": ("only the leverage", 30_000.0),
        "phemex": ("tiers above $50,000 were not observed (capacity $1,000,000)", 30_000.0),
        "xt": ("expired on 2026-01-01", 30_000.0),
        "aster": ("based on the venue's documentation", 30_000.0),
        "bybit": ("tiers above $50,000 were not observed (capacity unknown)", None),
        "gate": ("only the leverage is published", None),
        "htx": ("no source verifies the derivation of its margins from published data", 30_000.0),
        "mexc": ("accepts no position above $50,000", None),
    }


def test_age_staleness_and_bounds_of_dates_are_marked() -> None:
    before = NOW - timedelta(days=31)
    old = replace(of("okx", *TABLE), observed_at=before, dates=(before,))
    bound = replace(of("gate", *TABLE), precision=NO_LATER_THAN)
    recent, inexact = of("bybit", *TABLE), bound
    result = {x.venue: x for x in ranking(old, recent, inexact).venues}
    assert (result["okx"].age_days, result["okx"].stale) == (31.0, True)
    assert (result["bybit"].age_days, result["bybit"].stale) == (0.0, False)
    assert (result["gate"].age_days, result["gate"].stale) == (None, True)
    assert (result["gate"].observed_from, result["gate"].date_kind) == ("", "no later than")


def test_an_underlying_that_no_venue_lists_has_no_ranking() -> None:
    universe = build_universe([of("okx", *TABLE)], (ESMA,), (), NOW, {}, venues=1)
    assert rank_venues(universe, "ETH", RankingTerms(1e5, "initial", NOW), {}) == Ranking((), ())
