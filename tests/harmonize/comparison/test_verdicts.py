"""Verdicts: scope, tolerance, meanings and prohibitions, each by arithmetic in the test."""

from dataclasses import replace
from datetime import date
from decimal import Decimal as D

import pytest

from harmonize.audit.assemble import AuditOptions, Reading, VenueProperties, audit
from harmonize.core.asset_class import StatedClass
from harmonize.core.instrument import Payoff, contract
from harmonize.core.schedule import MaintenanceMeaning, MarginMode, MarginSchedule, Profile, flat
from harmonize.core.tickers import AssetClass
from harmonize.document import DivergenceRow, Verdict
from harmonize.policy.expression import parse
from harmonize.policy.rule_set import (
    Model,
    ReferenceClass,
    ReferenceSchedule,
    RuleSet,
    Scope,
    Tolerance,
)
from rules import loader
from tests.harmonize.checks.examples import NOW, flat_schedule, measured, snapshot

ESMA = loader.load("esma-retail")
CFTC = loader.load("cftc-dco")
STEPS = flat_schedule((100_000, "0.2", "0.1"), (1_000_000, "0.6", "0.3"))


def rows(
    schedule: MarginSchedule, rule_set: RuleSet, *inputs: object, places: object = None
) -> dict[str, DivergenceRow]:
    reading = Reading("a test", (("0", snapshot()),), (schedule,), (), inputs=inputs)  # type: ignore[arg-type]
    venues = VenueProperties(jurisdictions=places or {})  # type: ignore[arg-type]
    document = audit(reading, (rule_set,), AuditOptions(NOW), venues)
    return {row.margin_type: row for row in document.divergences}


def scoped(**parts: object) -> RuleSet:
    return replace(ESMA, scope=replace(ESMA.scope, **parts))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("rate", "verdict"),
    [
        # The quantile is 8.1 %, its interval 6.5 to 9.6 %; IM is 1.1 times it.
        ("0.0714", Verdict.UNDER),
        ("0.0716", Verdict.COMPLIANT),
        ("0.0891", Verdict.COMPLIANT),
        ("0.1055", Verdict.COMPLIANT),
        ("0.1057", Verdict.OVER),
    ],
)
def test_the_interval_of_the_quantile_is_the_tolerance(rate: str, verdict: Verdict) -> None:
    quantile = replace(measured("var_99_1d_1095d", "0.081"), lower=D("0.065"), upper=D("0.096"))
    row = rows(flat_schedule((1_000_000, rate, rate)), CFTC, quantile)["initial"]
    assert row.verdict is verdict
    assert row.required == pytest.approx(0.0891, rel=1e-12)


def test_tolerances_combine() -> None:
    quantile = replace(measured("var_99_1d_1095d", "0.081"), lower=D("0.065"), upper=D("0.096"))
    wide = replace(CFTC, tolerance=Tolerance(D("0.1"), D("0.001"), D("0.95")))
    # 1.1 * 6.5 % * 0.9 - 0.1 % = 6.335 %
    for rate, verdict in (("0.0633", Verdict.UNDER), ("0.0634", Verdict.COMPLIANT)):
        row = rows(flat_schedule((1_000_000, rate, rate)), wide, quantile)["initial"]
        assert row.verdict is verdict


@pytest.mark.parametrize(
    ("above", "up_to", "verdict", "under"),
    [
        ("0", "Infinity", Verdict.BREACH, ((0.0, 100_000.0),)),
        ("50000", "Infinity", Verdict.BREACH, ((50_000.0, 100_000.0),)),
        ("0", "60000", Verdict.BREACH, ((0.0, 60_000.0),)),
        ("50000", "60000", Verdict.BREACH, ((50_000.0, 60_000.0),)),
        ("100000", "Infinity", Verdict.COMPLIANT, ()),
        ("2000000", "Infinity", Verdict.NOT_OBSERVABLE, ()),
    ],
)
def test_only_sizes_in_scope_are_evaluated(
    above: str, up_to: str, verdict: Verdict, under: tuple[tuple[float, float], ...]
) -> None:
    row = rows(STEPS, scoped(above=D(above), up_to=D(up_to)))["initial"]
    assert row.verdict is verdict
    assert tuple((range_.lower, range_.upper) for range_ in row.under) == under


def test_sizes_above_the_scope_need_not_be_observed() -> None:
    short = replace(STEPS, initial=flat_schedule((500_000, "0.6", "0.3")).initial)
    assert rows(short, ESMA)["initial"].verdict is Verdict.NOT_OBSERVABLE
    assert rows(short, scoped(up_to=D(400_000)))["initial"].verdict is Verdict.COMPLIANT


@pytest.mark.parametrize(
    ("parts", "reason"),
    [
        ({"payoffs": (Payoff.INVERSE,)}, "the contract is linear, not inverse"),
        ({"since": date(2026, 3, 11)}, "in force from 2026-03-11; the schedule was observed on 2026-03-10"),
        ({"until": date(2026, 3, 9)}, "in force until 2026-03-09; the schedule was observed on 2026-03-10"),
        ({"since": date(2026, 3, 10), "until": date(2026, 3, 10)}, ""),
        ({"payoffs": (Payoff.LINEAR,), "venues": ("okx",), "underlyings": ("BTC",)}, ""),
    ],
)  # fmt: skip
def test_a_schedule_out_of_scope_is_not_applicable_with_a_reason(
    parts: dict[str, object], reason: str
) -> None:
    row = rows(STEPS, scoped(**parts))["initial"]
    assert row.verdict is (Verdict.NOT_APPLICABLE if reason else Verdict.BREACH)
    assert row.reason == reason


def of_asset(name: str, stated: StatedClass | None = None) -> MarginSchedule:
    own = contract("okx", f"{name}-USDT-SWAP", base=name, quote="USDT", settle="USDT")
    return replace(STEPS, instrument=replace(own, stated_class=stated))


SHARE = StatedClass(AssetClass.EQUITY, "okx instCategory: 3")
COIN = StatedClass(AssetClass.CRYPTO, "okx instCategory: 1")
FCA = loader.load("uk-fca")


@pytest.mark.parametrize(
    ("name", "stated", "initial", "reason"),
    [
        ("ADA", None, Verdict.BREACH, ""),
        ("NEWCOIN", COIN, Verdict.BREACH, ""),
        ("TSLAX", None, Verdict.NOT_APPLICABLE, "the underlying is no crypto-asset but equity (TSLAX is TSLA with a suffix of tokenized shares)"),
        ("NEWCOIN", SHARE, Verdict.NOT_APPLICABLE, "the underlying is no crypto-asset but equity (okx instCategory: 3)"),
        ("NEWCOIN", None, Verdict.NOT_OBSERVABLE, "esma-retail is for crypto-assets, and the class is not known: no venue's word and no list states the class of NEWCOIN"),
    ],
)  # fmt: skip
def test_a_cap_on_crypto_assets_needs_to_know_that_the_underlying_is_one(
    name: str, stated: StatedClass | None, initial: Verdict, reason: str
) -> None:
    row = rows(of_asset(name, stated), ESMA)["initial"]
    assert (row.verdict, row.reason) == (initial, reason)


def test_high_margin_does_not_comply_where_the_class_is_not_known() -> None:
    full = replace(of_asset("NEWCOIN"), initial=flat_schedule((10**7, "1", "1")).initial)
    assert rows(full, ESMA)["initial"].verdict is Verdict.NOT_OBSERVABLE
    assert rows(of_asset("NEWCOIN"), FCA)["initial"].verdict is Verdict.NOT_OBSERVABLE
    assert rows(of_asset("NEWCOIN", COIN), FCA)["initial"].verdict is Verdict.PROHIBITED
    assert rows(of_asset("NEWCOIN"), scoped(crypto_only=False))["initial"].verdict is Verdict.BREACH


def test_what_does_not_apply_for_another_reason_needs_no_class() -> None:
    call = replace(of_asset("NEWCOIN"), meaning=MaintenanceMeaning.CALL)
    assert rows(call, ESMA)["maintenance"].verdict is Verdict.NOT_APPLICABLE
    assert rows(call, ESMA)["initial"].verdict is Verdict.NOT_OBSERVABLE
    inverse = scoped(payoffs=(Payoff.INVERSE,))
    assert rows(of_asset("NEWCOIN"), inverse)["initial"].verdict is Verdict.NOT_APPLICABLE


def test_a_rule_set_that_lists_an_asset_in_a_class_says_itself_that_it_applies() -> None:
    baseline = loader.load("harmonized-baseline")
    assert isinstance(baseline.requirement, ReferenceSchedule)
    first, *others = baseline.requirement.classes
    listing = replace(first, assets=(*first.assets, "NEWCOIN"))
    lists = replace(baseline, requirement=replace(baseline.requirement, classes=(listing, *others)))
    assert rows(of_asset("NEWCOIN"), lists)["initial"].verdict is Verdict.OVER
    assert rows(of_asset("NEWCOIN"), baseline)["initial"].verdict is Verdict.NOT_OBSERVABLE
    assert rows(of_asset("NEWCOIN", SHARE), lists)["initial"].verdict is Verdict.NOT_APPLICABLE


@pytest.mark.parametrize("parts", [{"venues": ("bybit",)}, {"underlyings": ("ETH",)}])
def test_a_rule_set_that_lists_others_has_no_row(parts: dict[str, object]) -> None:
    assert rows(STEPS, scoped(**parts)) == {}


def test_where_a_venue_is_established_must_be_known() -> None:
    japan = scoped(jurisdictions=("JP",))
    unknown = rows(STEPS, japan)["initial"]
    assert unknown.verdict is Verdict.NOT_OBSERVABLE
    assert unknown.reason == "jurisdiction of okx unknown; add it to the configuration"
    outside = rows(STEPS, japan, places={"okx": ("SC", "HK")})["initial"]
    assert outside.verdict is Verdict.NOT_APPLICABLE
    assert outside.reason == "okx is established in SC, HK, not JP"
    assert rows(STEPS, japan, places={"okx": ("SC", "JP")})["initial"].verdict is Verdict.BREACH


@pytest.mark.parametrize(
    ("account", "applies"),
    [
        ("any", True),
        ("classic", True),
        ("retail", True),
        ("retail dlt", True),
        ("professional", False),
    ],
)
def test_account_classes_select_by_their_first_word(account: str, *, applies: bool) -> None:
    schedule = replace(STEPS, profile=Profile(MarginMode.ANY, account))
    verdict = rows(schedule, ESMA)["initial"].verdict
    assert verdict is (Verdict.BREACH if applies else Verdict.NOT_APPLICABLE)


def test_another_meaning_is_scored_by_the_factor_that_the_rule_set_gives() -> None:
    call = replace(STEPS, meaning=MaintenanceMeaning.CALL)
    assert rows(call, ESMA)["maintenance"].verdict is Verdict.NOT_APPLICABLE
    half = replace(ESMA, across={MaintenanceMeaning.CALL: D("0.4")})
    row = rows(call, half)["maintenance"]
    # 40 % of 25 % is 10 %: exactly the rate of the first tier.
    assert row.verdict is Verdict.COMPLIANT
    assert row.required == pytest.approx(0.1)
    assert row.reason == (
        "a margin call scored against 0.4 times the liquidation trigger, as the rule set specifies"
    )


def test_a_prohibition_has_its_own_verdict_and_one_row() -> None:
    by_type = rows(flat_schedule((1_000, "1", "1")), loader.load("uk-fca"))
    assert {row.verdict for row in by_type.values()} == {Verdict.PROHIBITED}
    assert list(by_type) == ["initial"]
    assert by_type["initial"].observed is None


def test_more_than_a_statutory_minimum_is_never_over() -> None:
    rules = loader.load("jvcea-corporate")
    inputs = [measured(f"var_99_1d_{days}d_jpy", "0.05") for days in (182, 910)]
    row = rows(STEPS, rules, *inputs)["initial"]
    assert row.verdict is Verdict.COMPLIANT
    assert row.over == ()


def test_rates_at_a_jump_of_the_reference_are_those_just_above_it() -> None:
    rules = loader.load("harmonized-baseline")
    steps = flat([D(1_000_000), D(10_000_000)], [D("0.05"), D("0.1")])
    class_ = ReferenceClass("A", ("BTC",), steps, steps)
    graded = replace(
        rules,
        requirement=ReferenceSchedule((class_,)),
        tolerance=Tolerance(D(0), D(0)),
    )
    row = rows(flat_schedule((20_000_000, "0.04", "0.04")), graded)["initial"]
    assert row.observed == pytest.approx(0.04)
    assert row.required == pytest.approx(0.1)
    assert row.lowest == pytest.approx(-0.6)
    assert row.lowest_notional == 1_000_000


def test_a_rate_without_inputs_is_a_rate() -> None:
    model = CFTC.requirement
    assert isinstance(model, Model)
    fixed = replace(CFTC, requirement=replace(model, needs=(), rate=parse("10%")))
    by_type = rows(
        flat_schedule((1_000_000, "0.05", "0.05")), replace(fixed, tolerance=Tolerance(D(0), D(0)))
    )
    assert by_type["initial"].required == pytest.approx(0.11)


def test_a_formula_without_a_rate_has_no_row() -> None:
    model = CFTC.requirement
    assert isinstance(model, Model)
    quantile = measured("var_99_1d_1095d", "0.081")
    for text in ("q - 8.1%", "q - 9%", "1 / (q - 8.1%)", "sqrt(q - 9%)"):
        broken = replace(CFTC, requirement=replace(model, rate=parse(text)))
        assert rows(STEPS, broken, quantile) == {}


def test_an_empty_scope_selects_everything() -> None:
    assert rows(STEPS, replace(ESMA, scope=Scope("everyone")))["initial"].verdict is Verdict.BREACH
