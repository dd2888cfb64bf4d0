"""Distances between tiers that are one step of the published bounds, and those that are a gap."""

from decimal import Decimal as D

import pytest

from harmonize.core.schedule import Tier, Unknown
from tests.support.answers import answer, read
from tests.venues.exchanges.test_narrow_answers import gate_tiers
from tests.venues.parsing.test_tier_tables import fault
from venues.exchanges import gate
from venues.parsing.tier_bounds import find_deduction_fault


@pytest.mark.parametrize(
    ("unit", "above", "is_gap"),
    [
        ("quote currency", "50001", False),
        ("quote currency", "50002", True),
        ("quote currency", "50010", True),
        ("quote currency", "50000.1", False),
        ("contracts", "50001", False),
        ("contracts", "50010", True),
        ("coins", "50010", True),
    ],
)
def test_a_step_is_at_most_one_however_round_the_bounds_are(
    unit: str, above: str, *, is_gap: bool
) -> None:
    found = fault(unit, ("0", "50000"), (above, "100000"))
    assert found == is_gap * f"gap between tiers 1 and 2: 50000 to {above}"


@pytest.mark.parametrize(
    ("end", "above", "is_gap"), [("1000", "1001", False), ("999", "1000", True), ("5", "6", True)]
)
def test_a_whole_step_counts_from_a_thousand_units(end: str, above: str, *, is_gap: bool) -> None:
    found = fault("quote currency", ("0", end), (above, "2000"))
    assert found == is_gap * f"gap between tiers 1 and 2: {end} to {above}"


def test_tiers_that_do_not_tile_have_neither_margin() -> None:
    first, second = gate_tiers()
    second["risk_limit"] = "1000000"
    result = read(answer("gate", gate.TIERS, [first, second], settle="usdt", contract="BTC_USDT"))
    (schedule,) = result.schedules
    for margin in (schedule.initial, schedule.maintenance):
        assert isinstance(margin, Unknown)
        assert "tier 2 ends at 1000000, expected above 1000000" in margin.reason


def test_a_deduction_that_continuity_contradicts_is_named_with_its_tier() -> None:
    def tier(upper: str, rate: str, deduction: str) -> Tier:
        return Tier(D(upper), D("0.1"), D(rate), deduction=D(deduction))

    first, second = tier("1000", "0.01", "0"), tier("5000", "0.02", "10")
    assert find_deduction_fault((first, second)) == ""
    assert find_deduction_fault((first, tier("5000", "0.02", "10.01"))) == ""
    assert find_deduction_fault((first, tier("5000", "0.02", "10.02"))) == (
        "tier 2: expected a deduction of $10.00 by continuity, found $10.02"
    )
    assert find_deduction_fault((tier("1000", "0.01", "5"), second)).startswith("tier 1: ")
