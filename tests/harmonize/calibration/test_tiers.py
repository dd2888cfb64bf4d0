"""Tiers against the formula in whole numbers, and against those that the rule set published."""

from decimal import Decimal as D
from fractions import Fraction
from math import isqrt

import pytest

from harmonize.calibration.tiers import FormulaTier, formula_tiers
from harmonize.policy.rule_set import ReferenceSchedule
from harmonize.policy.size_formula import SizeFormula
from rules.language import schema
from rules.language.requirements import SizeTier
from rules.loader import load, resolve

FORMULA = SizeFormula(D("0.05"), D(1), D("0.25"))
SCALE = 10**40


def exact_margin(notional: D, days: Fraction, v1: D, adv: D) -> Fraction:
    """N * v1 * sqrt(days + N / (3 * 0.05 * ADV)), the root rounded down at 40 digits."""
    under = days + Fraction(notional) / (3 * Fraction(1, 20) * Fraction(adv))
    root = isqrt(under.numerator * SCALE * SCALE // under.denominator)
    return Fraction(notional) * Fraction(v1) * Fraction(root, SCALE)


def margins(tiers: tuple[FormulaTier, ...], name: str) -> list[Fraction]:
    totals, lower, total = [], Fraction(0), Fraction(0)
    for tier in tiers:
        total += Fraction(getattr(tier, name)) * (Fraction(tier.upper) - lower)
        lower = Fraction(tier.upper)
        totals.append(total)
    return totals


def classes() -> dict[str, tuple[D, D, list[SizeTier]]]:
    rules = schema.RULES.validate_python(resolve("harmonized-baseline").effective)
    assert isinstance(rules, schema.ScheduleRules)
    return {
        name: (class_.v1 or D(0), class_.adv_ref or D(0), list(class_.tiers))
        for name, class_ in rules.requirement.classes.items()
    }


@pytest.mark.parametrize("name", "ABCDEF")
def test_sums_of_slices_equal_the_formula_at_every_bound(name: str) -> None:
    v1, adv, published = classes()[name]
    bounds = [tier.upper for tier in published]
    tiers = formula_tiers(FORMULA, v1, adv, bounds)
    assert [tier.upper for tier in tiers] == bounds
    for column, days in (("initial_rate", Fraction(1)), ("maintenance_rate", Fraction(1, 4))):
        lower = D(0)
        for bound, margin in zip(bounds, margins(tiers, column), strict=True):
            difference = margin - exact_margin(bound, days, v1, adv)
            half_a_digit = Fraction(bound - lower) / (2 * 10**10)  # of the last slice alone
            assert abs(difference) <= half_a_digit * (1 + Fraction(1, 10**9))
            lower = bound


@pytest.mark.parametrize("name", "ABCDEF")
def test_the_published_tiers_are_these_rounded_to_four_digits(name: str) -> None:
    v1, adv, published = classes()[name]
    tiers = formula_tiers(FORMULA, v1, adv, [tier.upper for tier in published])
    for tier, expected in zip(tiers, published, strict=True):
        assert round(tier.initial_rate, 4) == expected.initial_rate
        assert round(tier.maintenance_rate, 4) == expected.maintenance_rate


def test_tiers_end_where_a_slice_would_cost_more_than_itself() -> None:
    tiers = formula_tiers(FORMULA, D("0.5"), D(75_000_000), [D(10**5), D(10**7), D(25 * 10**6)])
    assert [tier.upper for tier in tiers] == [D(10**5), D(10**7)]
    (whole,) = formula_tiers(FORMULA, D("0.5"), D(1_000), [D(10**9)])
    assert (whole.initial_rate, whole.maintenance_rate) == (D(1), D(1))


def test_the_formula_is_that_of_the_rule_set() -> None:
    requirement = load("harmonized-baseline").requirement
    assert isinstance(requirement, ReferenceSchedule)
    assert requirement.size == FORMULA
