"""Margin functions at their ends, and values that are verified unless stated otherwise."""

from decimal import Decimal
from math import inf, nan

import pytest

from harmonize.core.schedule import INFINITY, Derived, deductions, flat, marginal

D = Decimal


@pytest.mark.parametrize("notional", [1e-9, 0.5, 1.0])
def test_a_position_below_one_dollar_has_a_margin(notional: float) -> None:
    function = flat([D(100)], [D("0.5")])
    assert function.margin(notional) == pytest.approx(notional / 2)


@pytest.mark.parametrize("notional", [0.0, -0.5, -1.0, 100.5, inf, nan])
def test_no_other_size_has_a_margin(notional: float) -> None:
    assert flat([D(100)], [D("0.5")]).margin(notional) is None


def test_only_the_last_tier_may_be_open_ended() -> None:
    uppers, rates = [INFINITY, D(100)], [D("0.1"), D("0.2")]
    for build in (deductions, marginal):
        with pytest.raises(ValueError, match="finite bound before the last tier, found Infinity"):
            build(uppers, rates)
    assert deductions([D(100), INFINITY], rates) == (D(0), D(10))


def test_a_derived_value_is_verified_unless_stated_otherwise() -> None:
    assert Derived(1, "a step").verified
    assert not Derived(1, "a step", verified=False).verified
