"""Examples in rule sets, and the reports of those with an unexpected verdict."""

from dataclasses import replace
from decimal import Decimal as D

import pytest

from harmonize.audit.rule_examples import FailedExample, failing_examples
from harmonize.core.instrument import Payoff
from harmonize.core.schedule import INFINITY
from harmonize.policy.rule_set import RuleExample, RuleSet
from rules import loader

ESMA = loader.load("esma-retail")
HALF = RuleExample("a half", "BTC", ((D(100_000), D("0.4"), D("0.2")), (D(200_000), D("0.5"), D("0.25"))), marginal=False, initial="breach", maintenance="breach")  # fmt: skip


def outcome(example: RuleExample, rules: RuleSet = ESMA) -> list[FailedExample]:
    return list(failing_examples(replace(rules, examples=(example,))))


@pytest.mark.parametrize("pack", loader.pack_ids())
def test_every_pack_has_examples_and_they_come_out_as_written(pack: str) -> None:
    rules = loader.load(pack)
    assert list(failing_examples(rules)) == []
    assert rules.examples or pack == "disclosure"


def test_a_wrong_verdict_is_reported_with_the_numbers() -> None:
    assert outcome(HALF) == []
    (first, second) = outcome(replace(HALF, initial="compliant", maintenance="over"))
    assert first == FailedExample(
        0,
        "initial",
        "expected compliant, found breach (40.0 % against 50.0 %); correct the rule or the example",
    )
    assert second.margin_type == "maintenance"


@pytest.mark.parametrize(
    ("notional", "verdict"), [(100_000, "breach"), (100_001, "compliant"), (1, "breach")]
)
def test_one_size_alone_can_be_judged(notional: int, verdict: str) -> None:
    assert outcome(replace(HALF, notional=D(notional), initial=verdict, maintenance=verdict)) == []


@pytest.mark.parametrize(
    ("rules", "underlying", "notional", "expected"),
    [
        ("harmonized-baseline", "SOL", 100_000, "found under (0.8 % against 20.02 %)"),
        ("harmonized-baseline", "SOL", 10_000_000, "found under (0.8 % against 21.6 %)"),
        ("harmonized-baseline", "BTC", 100_000, "found under (0.8 % against 10.0 %)"),
        ("esma-retail", "SOL", 100_000, "found breach (0.8 % against 50.0 %)"),
    ],
)
def test_the_rates_are_those_at_the_size_of_the_example(
    rules: str, underlying: str, notional: int, expected: str
) -> None:
    """Class C requires 20.02 % up to 100,000; its largest margin is 100 % of a huge position."""
    wrong = RuleExample("far below", underlying, ((INFINITY, D("0.008"), D("0.004")),), marginal=False, initial="over", maintenance=None, notional=D(notional))  # fmt: skip
    (failure,) = outcome(wrong, loader.load(rules))
    assert expected in failure.message


def test_the_rates_of_a_compliant_size_are_named_too() -> None:
    high = replace(HALF, notional=D(150_000), initial="breach", maintenance=None)
    (failure,) = outcome(high)
    assert "found compliant (50.0 % against 50.0 %)" in failure.message


def test_a_size_beyond_the_schedule_or_the_rule_set_is_never_compliant() -> None:
    beyond = replace(HALF, notional=D(200_001), initial="compliant", maintenance=None)
    (failure,) = outcome(beyond)
    assert "found not observable: the schedule ends below that size" in failure.message
    narrow = replace(ESMA, scope=replace(ESMA.scope, up_to=D(150_000)))
    inside = replace(HALF, notional=D(150_001), initial="not applicable", maintenance=None)
    assert outcome(inside, narrow) == []


@pytest.mark.parametrize(
    ("underlying", "verdict"),
    [("NEWCOIN", "breach"), ("TSLAX", "not applicable"), ("XAU", "not applicable")],
)
def test_an_example_is_about_a_crypto_asset_unless_its_name_says_otherwise(
    underlying: str, verdict: str
) -> None:
    example = replace(HALF, underlying=underlying, initial=verdict, maintenance=verdict)
    assert outcome(example) == []


def test_over_is_a_verdict_at_a_single_size_too() -> None:
    rules = loader.load("harmonized-baseline")
    expensive = replace(HALF, initial="over", maintenance="over", notional=D(150_000))
    assert outcome(expensive, rules) == []


def test_what_an_example_leaves_out_is_not_observable() -> None:
    bare = replace(HALF, tiers=((D(100_000), D("0.6"), None),), initial="compliant")
    (failure,) = outcome(replace(bare, maintenance="compliant"))
    assert "found not observable: the example states no maintenance rate" in failure.message


@pytest.mark.parametrize("payoff", list(Payoff))
def test_the_payoff_of_an_example_is_that_of_its_contract(payoff: Payoff) -> None:
    narrow = replace(ESMA, scope=replace(ESMA.scope, payoffs=(payoff,)))
    assert outcome(replace(HALF, payoff=payoff), narrow) == []
    other = next(p for p in Payoff if p is not payoff)
    (first, _) = outcome(replace(HALF, payoff=other), narrow)
    assert f"the contract is {other.value}, not {payoff.value}" in first.message


def test_marginal_tiers_are_read_as_slices() -> None:
    # 40 % up to 100,000 and 60 % above: half of the whole is reached at 200,000 only.
    tiers = ((D(100_000), D("0.4"), D("0.2")), (D(300_000), D("0.6"), D("0.3")))
    steps = replace(HALF, tiers=tiers, marginal=True, maintenance=None)
    assert outcome(replace(steps, notional=D(199_000), initial="breach")) == []
    assert outcome(replace(steps, notional=D(201_000), initial="compliant")) == []
    assert outcome(replace(steps, marginal=False, notional=D(101_000), initial="compliant")) == []
