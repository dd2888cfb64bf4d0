"""Distances between tiers that are one step of the published bounds, and those that are a gap."""

import pytest

from tests.venues.parsing.test_tier_tables import fault


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
