"""Rule sets applied to measured and published inputs; every number is computed independently."""

from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal as D

import pytest
from scipy import stats

from harmonize.api.audit import Question, answer
from harmonize.policy.apply import apply_rule_sets
from harmonize.policy.inputs import Input, Need, input_problem, newest_inputs, unusable_reason
from harmonize.policy.rule_set import Model, ReferenceClass, ReferenceSchedule, RuleSet
from rules import loader

ON = date(2026, 3, 10)
NOW = datetime(2026, 3, 10, tzinfo=UTC)


def measured(name: str, value: str, low: str = "", high: str = "", **parts: object) -> Input:
    input_ = Input(name, "BTC", D(value), NOW, observations=1095, origin="derived")
    if low:
        input_ = replace(input_, lower=D(low), upper=D(high), confidence=D("0.95"))
    return replace(input_, **parts)  # type: ignore[arg-type]


def reference_class(
    rule_set: RuleSet, *inputs: Input, on: date = ON, asset: str = "BTC"
) -> ReferenceClass:
    (applied,) = apply_rule_sets([rule_set], newest_inputs(inputs, NOW), [asset], on)
    assert applied.reference_schedule is not None
    (class_,) = [class_ for class_ in applied.reference_schedule.classes if asset in class_.assets]
    return class_


def rate(class_: ReferenceClass) -> D:
    return class_.initial.pieces[0].rate


def reason(rule_set: RuleSet, *inputs: Input, on: date = ON, asset: str = "BTC") -> str:
    (applied,) = apply_rule_sets([rule_set], newest_inputs(inputs, NOW), [asset], on)
    return applied.reasons[asset]


def test_emir_adds_a_quarter_and_takes_the_interval_as_tolerance() -> None:
    class_ = reference_class(
        loader.load("emir-ccp"), measured("var_99_2d_365d", "0.086", "0.070", "0.170")
    )
    assert rate(class_) == D("0.1075")
    assert class_.maintenance == class_.initial
    # 1.25 * 7.0 % and 1.25 * 17.0 %, as shares of 1.25 * 8.6 %.
    assert float(class_.below) == pytest.approx(1 - 70 / 86, rel=1e-15)
    assert float(class_.above) == pytest.approx(170 / 86 - 1, rel=1e-15)
    assert class_.verified == "derived"


def test_stress_and_floor_are_the_larger_of_both() -> None:
    inputs = (
        measured("var_99_2d_365d", "0.086", "0.07", "0.17"),
        measured("var_99_2d_worst_365d", "0.19", "0.19", "0.19"),
        measured("var_99_2d_10y", "0.142", "0.142", "0.142"),
    )
    assert rate(reference_class(loader.load("emir-ccp-stress25"), *inputs)) == D("0.112")
    assert rate(reference_class(loader.load("emir-ccp-floor10y"), *inputs)) == D("0.142")


def test_cftc_initial_margin_is_110_percent_of_maintenance() -> None:
    class_ = reference_class(
        loader.load("cftc-dco"), measured("var_99_1d_1095d", "0.081", "0.065", "0.096")
    )
    assert rate(class_) == D("0.0891")
    assert class_.maintenance is not None
    assert class_.maintenance.pieces[0].rate == D("0.081")


def test_observed_practice_is_the_larger_of_published_and_measured() -> None:
    rules = loader.load("cftc-dco-observed")
    low = measured("var_99_1d_1095d", "0.081", "0.065", "0.096")
    assert rate(reference_class(rules, low)) == D("1.10") * D("0.15")
    assert reference_class(rules, low).verified == "primary"
    high = measured("var_99_1d_1095d", "0.2", "0.1", "0.3")
    class_ = reference_class(rules, high)
    assert rate(class_) == D("0.22")
    assert class_.verified == "derived"
    # The published 15 % bounds the interval from below: 1 - 0.15 / 0.2.
    assert class_.below == D("0.25")
    assert reason(rules) == "no measurement of var_99_1d_1095d for BTC"


def test_published_ratios_take_precedence_for_eight_more_days() -> None:
    rules = loader.load("jvcea-corporate")
    inputs = (measured("var_99_1d_182d_jpy", "0.06"), measured("var_99_1d_910d_jpy", "0.07"))
    for day, expected in (
        (date(2025, 8, 26), D("0.07")),
        (date(2025, 8, 27), D("0.08518")),
        (date(2025, 9, 24), D("0.08518")),
        (date(2025, 9, 25), D("0.07")),
    ):
        assert rate(reference_class(rules, *inputs, on=day)) == expected, day
    assert rate(reference_class(rules, on=date(2025, 9, 1), asset="ETH")) == D("0.17513")
    assert reason(rules, on=date(2025, 9, 1), asset="SOL").startswith(
        "no measurement of var_99_1d_182d_jpy for SOL"
    )


def test_a_model_of_published_rates_alone_gives_a_reason_without_one() -> None:
    rules = loader.load("jvcea-corporate")
    assert isinstance(rules.requirement, Model)
    without_interval = replace(rules, requirement=replace(rules.requirement, rate=None, needs=()))
    assert reason(without_interval) == "no rate of BTC is published for 2026-03-10"


def test_the_newest_of_two_published_lists_applies() -> None:
    rules = loader.load("jvcea-corporate")
    model = rules.requirement
    assert isinstance(model, Model)
    newer = replace(model.published[0], since=date(2025, 9, 1), rates={"BTC": D("0.09")})
    both = replace(rules, requirement=replace(model, published=(newer, model.published[0])))
    assert rate(reference_class(both, on=date(2025, 9, 5))) == D("0.09")
    assert rate(reference_class(both, on=date(2025, 8, 30))) == D("0.08518")


def test_a_list_in_force_takes_precedence_over_one_in_grace() -> None:
    jvcea = loader.load("jvcea-corporate")
    assert isinstance(jvcea.requirement, Model)
    first = jvcea.requirement.published[0]
    lapsed = replace(first, since=date(2026, 2, 1), until=date(2026, 3, 8), rates={"BTC": D("0.9")})
    in_force = replace(
        first, since=date(2026, 1, 1), until=date(2026, 12, 31), rates={"BTC": D("0.3")}
    )
    for published in ((lapsed, in_force), (in_force, lapsed)):
        model = replace(jvcea.requirement, published=published, grace_days=10**10)
        assert rate(reference_class(replace(jvcea, requirement=model))) == D("0.3")


def test_a_rate_is_never_above_the_whole_position() -> None:
    class_ = reference_class(
        loader.load("emir-ccp"), measured("var_99_2d_365d", "0.9", "0.8", "1.1")
    )
    assert rate(class_) == 1


@pytest.mark.parametrize(
    ("need", "input_", "message"),
    [
        (Need("q", "v", "m"), None, "no measurement of v for BTC"),
        (
            Need("q", "v", "m", least_observations=365),
            measured("v", "0.1", observations=364),
            "v of BTC has 364 observations, 365 are required",
        ),
        (
            Need("q", "v", "m", least_observations=365),
            measured("v", "0.1", observations=None),
            "v of BTC states no number of observations",
        ),
        (
            Need("q", "v", "m", oldest_days=9),
            measured("v", "0.1", observed_at=datetime(2026, 2, 28, tzinfo=UTC)),
            "v of BTC is 10 days old, at most 9 days are permitted",
        ),
        (
            Need("q", "v", "m", oldest_days=10),
            measured("v", "0.1", observed_at=datetime(2026, 2, 28, tzinfo=UTC)),
            "",
        ),
    ],
)
def test_reasons_for_unusable_inputs(need: Need, input_: Input | None, message: str) -> None:
    assert unusable_reason(need, input_, "BTC", ON) == message


def test_an_interval_at_another_confidence_is_rejected() -> None:
    input_ = measured("var_99_2d_365d", "0.086", "0.07", "0.17", confidence=D("0.99"))
    assert reason(loader.load("emir-ccp"), input_) == "var_99_2d_365d of BTC has no interval at 95%"
    without_interval = measured("var_99_2d_365d", "0.086")
    assert (
        reason(loader.load("emir-ccp"), without_interval)
        == "var_99_2d_365d of BTC has no interval at 95%"
    )


V1 = (measured("var_99_1d_1095d", "0.08"), measured("var_99_1d_worst_365d", "0.1"))
ADV = measured("adv_30d_median", "14_000_000_000")


def of_asset(asset: str, *inputs: Input) -> tuple[Input, ...]:
    return tuple(replace(item, underlying=asset) for item in inputs)


@pytest.mark.parametrize(
    ("inputs", "reasons"),
    [
        ((), {}),  # nobody added inputs: every class applies, as the rule set states
        (V1, {}),
        ((*V1, ADV), {"ETH": "no measurement of var_99_1d_1095d for ETH"}),
        ((*V1, ADV, *of_asset("ETH", *V1)), {"ETH": "no measurement of adv_30d_median for ETH"}),
        ((*V1, ADV, *of_asset("ETH", *V1, ADV)), {}),
        (
            (replace(V1[0], observations=364), V1[1], ADV),
            {"BTC": "var_99_1d_1095d of BTC has 364 observations, 365 are required"},
        ),
    ],
)
def test_a_class_in_place_of_the_formula_has_a_reason(
    inputs: tuple[Input, ...], reasons: dict[str, str]
) -> None:
    assets = ["BTC", "ETH", "NEWCOIN"]  # the last one is in no class
    rules = [loader.load("harmonized-baseline")]
    (applied,) = apply_rule_sets(rules, newest_inputs(inputs, NOW), assets, ON)
    assert applied.class_reasons == reasons


def test_inputs_that_are_too_old_leave_the_class() -> None:
    rules = loader.load("harmonized-baseline")
    requirement = rules.requirement
    assert isinstance(requirement, ReferenceSchedule)
    assert requirement.measured is not None
    needs = tuple(replace(need, oldest_days=30) for need in requirement.measured.needs)
    aged = replace(requirement, measured=replace(requirement.measured, needs=needs))
    inputs = newest_inputs((*V1, ADV), NOW)
    for day, expected in (
        (date(2026, 4, 9), {}),
        (
            date(2026, 4, 10),
            {"BTC": "var_99_1d_1095d of BTC is 31 days old, at most 30 days are permitted"},
        ),
    ):
        (applied,) = apply_rule_sets([replace(rules, requirement=aged)], inputs, ["BTC"], day)
        assert applied.class_reasons == expected


def test_the_baseline_applies_the_formula_to_measured_v1_and_volume() -> None:
    inputs = (
        measured("var_99_1d_1095d", "0.081"),
        measured("var_99_1d_worst_365d", "0.141"),
        measured("adv_30d_median", "2000000000"),
    )
    class_ = reference_class(loader.load("harmonized-baseline"), *inputs)
    assert class_.name == "BTC by formula"
    v1 = 0.75 * 0.081 + 0.25 * 0.141
    assert float(class_.v1 or 0) == pytest.approx(v1, rel=1e-15)
    for notional in (1e4, 1e6, 1e8, 1e9):
        reference = notional * v1 * (1 + notional / (3 * 0.05 * 2e9)) ** 0.5
        margin = class_.initial.margin(notional)
        assert margin is not None
        assert reference * (1 - 1e-9) <= margin <= reference * 1.005
    without = reference_class(loader.load("harmonized-baseline"), *inputs[:2])
    assert without.name == "A"


def test_the_newest_measurement_as_of_the_audit_applies() -> None:
    old = measured("v", "0.1", observed_at=datetime(2026, 1, 1, tzinfo=UTC))
    late = measured("v", "0.3", observed_at=datetime(2026, 4, 1, tzinfo=UTC))
    now = measured("v", "0.2")
    assert newest_inputs([now, old, late], NOW)["v", "BTC"] is now
    again = measured("v", "0.25")
    assert newest_inputs([now, again], NOW)["v", "BTC"] is again


@pytest.mark.parametrize(
    ("input_", "message"),
    [
        (measured("v", "0"), "expected a number above 0, found 0"),
        (measured("v", "0.1", "0.2", "0.3"), "the interval 0.2 to 0.3 does not contain 0.1"),
        (
            measured("v", "0.1", lower=D("0.1")),
            "expected lower, upper and confidence together",
        ),
        (
            measured("v", "0.1", "0.1", "0.2", confidence=D(1)),
            "expected a confidence between 0 and 1, found 1",
        ),
        (measured("v", "0.1", "0.1", "0.2"), ""),
    ],
)
def test_impossible_inputs_are_described(input_: Input, message: str) -> None:
    assert input_problem(input_) == message


def test_the_recorded_quantiles_are_those_of_the_calibration() -> None:
    """Compares three numbers of the table of 3 March 2026, and the ranks of its intervals."""
    document = answer(Question(venues=("okx",), rules=("emir-ccp", "cftc-dco"))).document
    inputs = {(input_.name, input_.underlying): input_ for input_ in document.inputs}
    btc = inputs["var_99_2d_365d", "BTC"]
    assert (btc.value, btc.lower, btc.upper, btc.observations) == (0.086, 0.07, 0.17, 365)
    assert (btc.origin, btc.observed_at[:10]) == ("derived", "2026-03-03")
    assert inputs["var_99_1d_1095d", "ETH"].value == 0.111
    # 99 % of 365 days: the interval at 95 % runs from the 1st to the 9th largest.
    exceedances = stats.binom(365, 0.01)
    assert exceedances.cdf(8) - exceedances.cdf(0) >= 0.95
