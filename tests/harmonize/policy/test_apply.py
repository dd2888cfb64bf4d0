"""What was measured or published, put into rule sets: every number by another way to it."""

from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal as D

import pytest
from scipy import stats

from harmonize.api.audit import Question, answer
from harmonize.policy.apply import apply_rule_sets
from harmonize.policy.inputs import Input, Need, held, lacking, unsound
from harmonize.policy.rule_set import Model, ReferenceClass, RuleSet
from rules import loader

ON = date(2026, 3, 10)
NOW = datetime(2026, 3, 10, tzinfo=UTC)


def given(name: str, value: str, low: str = "", high: str = "", **parts: object) -> Input:
    one = Input(name, "BTC", D(value), NOW, observations=1095, origin="derived")
    if low:
        one = replace(one, lower=D(low), upper=D(high), confidence=D("0.95"))
    return replace(one, **parts)  # type: ignore[arg-type]


def graded(rule_set: RuleSet, *inputs: Input, on: date = ON, asset: str = "BTC") -> ReferenceClass:
    (one,) = apply_rule_sets([rule_set], held(inputs, NOW), [asset], on)
    assert one.graded is not None
    (found,) = [each for each in one.graded.classes if asset in each.assets]
    return found


def rate(found: ReferenceClass) -> D:
    return found.initial.pieces[0].rate


def reason(rule_set: RuleSet, *inputs: Input, on: date = ON, asset: str = "BTC") -> str:
    (one,) = apply_rule_sets([rule_set], held(inputs, NOW), [asset], on)
    return one.reasons[asset]


def test_emir_is_a_quarter_above_the_quantile_with_its_interval_as_tolerance() -> None:
    found = graded(loader.load("emir-ccp"), given("var_99_2d_365d", "0.086", "0.070", "0.170"))
    assert rate(found) == D("0.1075")
    assert found.maintenance == found.initial
    # 1.25 * 7.0 % and 1.25 * 17.0 %, as shares of 1.25 * 8.6 %.
    assert float(found.below) == pytest.approx(1 - 70 / 86, rel=1e-15)
    assert float(found.above) == pytest.approx(170 / 86 - 1, rel=1e-15)
    assert found.verified == "derived"


def test_stress_and_floor_are_the_larger_of_both() -> None:
    inputs = (
        given("var_99_2d_365d", "0.086", "0.07", "0.17"),
        given("var_99_2d_worst_365d", "0.19", "0.19", "0.19"),
        given("var_99_2d_10y", "0.142", "0.142", "0.142"),
    )
    assert rate(graded(loader.load("emir-ccp-stress25"), *inputs)) == D("0.112")
    assert rate(graded(loader.load("emir-ccp-floor10y"), *inputs)) == D("0.142")


def test_cftc_asks_110_percent_of_what_must_be_kept() -> None:
    found = graded(loader.load("cftc-dco"), given("var_99_1d_1095d", "0.081", "0.065", "0.096"))
    assert rate(found) == D("0.0891")
    assert found.maintenance is not None
    assert found.maintenance.pieces[0].rate == D("0.081")


def test_practice_is_the_larger_of_published_and_measured() -> None:
    rules = loader.load("cftc-dco-observed")
    low = given("var_99_1d_1095d", "0.081", "0.065", "0.096")
    assert rate(graded(rules, low)) == D("1.10") * D("0.15")
    assert graded(rules, low).verified == "primary"
    high = given("var_99_1d_1095d", "0.2", "0.1", "0.3")
    found = graded(rules, high)
    assert rate(found) == D("0.22")
    assert found.verified == "derived"
    # The published 15 % bounds the interval from below: 1 - 0.15 / 0.2.
    assert found.below == D("0.25")
    assert reason(rules) == "no measurement of var_99_1d_1095d for BTC"


def test_published_ratios_come_first_and_hold_eight_days_longer() -> None:
    rules = loader.load("jvcea-corporate")
    inputs = (given("var_99_1d_182d_jpy", "0.06"), given("var_99_1d_910d_jpy", "0.07"))
    for day, due in (
        (date(2025, 8, 26), D("0.07")),
        (date(2025, 8, 27), D("0.08518")),
        (date(2025, 9, 24), D("0.08518")),
        (date(2025, 9, 25), D("0.07")),
    ):
        assert rate(graded(rules, *inputs, on=day)) == due, day
    assert rate(graded(rules, on=date(2025, 9, 1), asset="ETH")) == D("0.17513")
    assert reason(rules, on=date(2025, 9, 1), asset="SOL").startswith(
        "no measurement of var_99_1d_182d_jpy for SOL"
    )


def test_a_model_of_published_rates_alone_says_when_none_is() -> None:
    rules = loader.load("jvcea-corporate")
    assert isinstance(rules.requirement, Model)
    bare = replace(rules, requirement=replace(rules.requirement, rate=None, needs=()))
    assert reason(bare) == "no rate of BTC is published for 2026-03-10"


def test_the_newest_of_two_published_lists_holds() -> None:
    rules = loader.load("jvcea-corporate")
    model = rules.requirement
    assert isinstance(model, Model)
    newer = replace(model.published[0], since=date(2025, 9, 1), rates={"BTC": D("0.09")})
    both = replace(rules, requirement=replace(model, published=(newer, model.published[0])))
    assert rate(graded(both, on=date(2025, 9, 5))) == D("0.09")
    assert rate(graded(both, on=date(2025, 8, 30))) == D("0.08518")


def test_a_list_in_force_goes_before_one_in_its_grace() -> None:
    jvcea = loader.load("jvcea-corporate")
    assert isinstance(jvcea.requirement, Model)
    first = jvcea.requirement.published[0]
    lapsed = replace(first, since=date(2026, 2, 1), until=date(2026, 3, 8), rates={"BTC": D("0.9")})
    in_force = replace(
        first, since=date(2026, 1, 1), until=date(2026, 12, 31), rates={"BTC": D("0.3")}
    )
    for published in ((lapsed, in_force), (in_force, lapsed)):
        model = replace(jvcea.requirement, published=published, grace_days=10**10)
        assert rate(graded(replace(jvcea, requirement=model))) == D("0.3")


def test_a_rate_is_never_above_the_whole_position() -> None:
    found = graded(loader.load("emir-ccp"), given("var_99_2d_365d", "0.9", "0.8", "1.1"))
    assert rate(found) == 1


@pytest.mark.parametrize(
    ("need", "one", "said"),
    [
        (Need("q", "v", "m"), None, "no measurement of v for BTC"),
        (
            Need("q", "v", "m", least_observations=365),
            given("v", "0.1", observations=364),
            "v of BTC has 364 observations, 365 are required",
        ),
        (
            Need("q", "v", "m", least_observations=365),
            given("v", "0.1", observations=None),
            "v of BTC states no number of observations",
        ),
        (
            Need("q", "v", "m", oldest_days=9),
            given("v", "0.1", observed_at=datetime(2026, 2, 28, tzinfo=UTC)),
            "v of BTC is 10 days old, at most 9 days are permitted",
        ),
        (
            Need("q", "v", "m", oldest_days=10),
            given("v", "0.1", observed_at=datetime(2026, 2, 28, tzinfo=UTC)),
            "",
        ),
    ],
)
def test_why_an_input_cannot_be_used(need: Need, one: Input | None, said: str) -> None:
    assert lacking(need, one, "BTC", ON) == said


def test_a_tolerance_at_another_confidence_than_the_interval_is_refused() -> None:
    one = given("var_99_2d_365d", "0.086", "0.07", "0.17", confidence=D("0.99"))
    assert reason(loader.load("emir-ccp"), one) == "var_99_2d_365d of BTC has no interval at 95%"
    bare = given("var_99_2d_365d", "0.086")
    assert reason(loader.load("emir-ccp"), bare) == "var_99_2d_365d of BTC has no interval at 95%"


def test_the_baseline_takes_the_formula_where_v1_and_volume_were_measured() -> None:
    inputs = (
        given("var_99_1d_1095d", "0.081"),
        given("var_99_1d_worst_365d", "0.141"),
        given("adv_30d_median", "2000000000"),
    )
    found = graded(loader.load("harmonized-baseline"), *inputs)
    assert found.name == "BTC by formula"
    v1 = 0.75 * 0.081 + 0.25 * 0.141
    assert float(found.v1 or 0) == pytest.approx(v1, rel=1e-15)
    for notional in (1e4, 1e6, 1e8, 1e9):
        due = notional * v1 * (1 + notional / (3 * 0.05 * 2e9)) ** 0.5
        piece = next(one for one in found.initial.pieces if notional <= one.upper)
        own = float(piece.fixed) + float(piece.rate) * notional
        assert due * (1 - 1e-9) <= own <= due * 1.005
    without = graded(loader.load("harmonized-baseline"), *inputs[:2])
    assert without.name == "A"


def test_the_newest_measurement_by_the_date_of_the_audit_counts() -> None:
    old = given("v", "0.1", observed_at=datetime(2026, 1, 1, tzinfo=UTC))
    late = given("v", "0.3", observed_at=datetime(2026, 4, 1, tzinfo=UTC))
    now = given("v", "0.2")
    assert held([now, old, late], NOW)["v", "BTC"] is now
    again = given("v", "0.25")
    assert held([now, again], NOW)["v", "BTC"] is again


@pytest.mark.parametrize(
    ("one", "said"),
    [
        (given("v", "0"), "expected values above 0"),
        (given("v", "0.1", "0.2", "0.3"), "the interval 0.2 to 0.3 does not contain 0.1"),
        (
            given("v", "0.1", lower=D("0.1")),
            "expected lower, upper and confidence together; add the missing ones",
        ),
        (
            given("v", "0.1", "0.1", "0.2", confidence=D(1)),
            "expected a confidence between 0 and 1, found 1",
        ),
        (given("v", "0.1", "0.1", "0.2"), ""),
    ],
)
def test_an_impossible_input_is_told(one: Input, said: str) -> None:
    assert unsound(one) == said


def test_the_recorded_quantiles_are_those_of_the_calibration() -> None:
    """Three figures of the table of 3 March 2026, and the ranks that its intervals name."""
    document = answer(Question(venues=("okx",), rules=("emir-ccp", "cftc-dco"))).document
    found = {(one.name, one.underlying): one for one in document.inputs}
    one = found["var_99_2d_365d", "BTC"]
    assert (one.value, one.lower, one.upper, one.observations) == (0.086, 0.07, 0.17, 365)
    assert (one.origin, one.observed_at[:10]) == ("derived", "2026-03-03")
    assert found["var_99_1d_1095d", "ETH"].value == 0.111
    # 99 % of 365 days: the interval at 95 % runs from the 1st to the 9th largest.
    exceedances = stats.binom(365, 0.01)
    assert exceedances.cdf(8) - exceedances.cdf(0) >= 0.95
