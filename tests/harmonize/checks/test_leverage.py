"""MH112: MM plus the fee to close, against IM, as shares of the notional at a bound."""

from dataclasses import replace
from decimal import Decimal

import pytest

from harmonize.core.schedule import FeeAddOn, Known, MarginSchedule
from harmonize.document import Finding
from tests.harmonize.checks.examples import flat_schedule, of

D = Decimal
TIERS = flat_schedule((20_000, "0.008", "0.005"), (50_000, "0.02", "0.01"))


def findings(schedule: MarginSchedule, fee: str) -> list[Finding]:
    charged = replace(schedule, fee=FeeAddOn("to close", Known(D(fee))))
    return [row for row in of(charged).audited().findings if row.code == "MH112"]


def test_the_margin_and_the_fee_are_shares_of_the_notional_at_the_bound() -> None:
    (finding,) = findings(TIERS, "0.004")
    assert finding.notional == 20_000.0
    assert finding.observed == pytest.approx(0.008)
    assert finding.required == pytest.approx(0.009)
    assert finding.message == (
        "observed IM 0.8 % at $20,000, required at least 0.9 %: MM 0.5 % plus a fee of 0.4 %"
    )


def test_a_fee_that_fills_the_distance_exactly_is_no_finding() -> None:
    assert findings(TIERS, "0.003") == []


def test_the_first_bound_with_too_little_margin_is_named() -> None:
    (finding,) = findings(
        flat_schedule((20_000, "0.02", "0.005"), (50_000, "0.012", "0.01")), "0.004"
    )
    assert finding.notional == 50_000.0
