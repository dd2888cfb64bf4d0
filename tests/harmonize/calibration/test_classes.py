"""Classes by hand: what each rule says at its bounds, in which order, and what hysteresis keeps."""

from decimal import Decimal as D
from itertools import product

import pytest

from harmonize.calibration.classes import AssetFacts, ClassDecision, decide


def decision(
    adv: str, v1: str, current: str = "", asset: str = "X", returns: int | None = 1_095
) -> ClassDecision:
    return decide(AssetFacts(asset, returns, D(v1), D(adv)), current)


@pytest.mark.parametrize(
    ("asset", "adv", "v1", "expected"),
    [
        ("BTC", "4_999_999", "0.1", "F"),  # the first rule precedes that of Bitcoin
        ("BTC", "5_000_000", "0.9", "A"),
        ("ETH", "5_000_000", "0.9", "B"),
        ("X", "39_999_999", "0.1", "E"),
        ("X", "5_000_000_000", "0.2200001", "E"),  # a large move precedes a large volume
        ("X", "40_000_000", "0.22", "D"),
        ("X", "99_999_999", "0.22", "D"),
        ("X", "100_000_000", "0.22", "C"),
        ("X", "4_999_999", "0.22", "F"),
    ],
)
def test_a_new_asset_has_the_class_of_the_first_rule_that_it_meets(
    asset: str, adv: str, v1: str, expected: str
) -> None:
    found = decision(adv, v1, asset=asset)
    assert (found.by_rule, found.assigned) == (expected, expected)


@pytest.mark.parametrize(
    ("current", "adv", "v1", "by_rule", "assigned"),
    [
        ("C", "80_000_000", "0.22", "D", "C"),
        ("C", "79_999_999", "0.22", "D", "D"),
        ("C", "100_000_000", "0.264", "E", "C"),
        ("C", "100_000_000", "0.2640001", "E", "E"),
        ("D", "119_999_999", "0.1", "C", "D"),
        ("D", "120_000_000", "0.1", "C", "C"),
        ("D", "32_000_000", "0.1", "E", "D"),
        ("D", "31_999_999", "0.1", "E", "E"),
        ("E", "47_999_999", "0.1", "D", "E"),
        ("E", "48_000_000", "0.176", "D", "D"),
        ("E", "48_000_000", "0.1760001", "D", "E"),
        ("E", "4_000_000", "0.3", "F", "E"),
        ("E", "3_999_999", "0.3", "F", "F"),
        ("F", "5_999_999", "0.1", "E", "F"),
        ("F", "6_000_000", "0.1", "E", "E"),
        ("C", "4_500_000", "0.1", "F", "F"),  # far beyond the bound of its own class
    ],
)
def test_a_member_leaves_its_class_twenty_percent_beyond_the_boundary(
    current: str, adv: str, v1: str, by_rule: str, assigned: str
) -> None:
    found = decision(adv, v1, current)
    assert (found.by_rule, found.assigned) == (by_rule, assigned)
    assert found.is_moved == (assigned != current)


M = D(1_000_000)


@pytest.mark.parametrize(
    ("current", "v1", "adv", "v1_interval", "adv_interval", "reason"),
    [
        ("C", "0.07", 48 * M, None, (42 * M, 60 * M),
         "ADV of $48,000,000 is below $100,000,000 by more than 20 %, with its whole interval $42,000,000 to $60,000,000"),
        ("C", "0.07", 48 * M, None, (42 * M, 100 * M),
         "ADV of $48,000,000 is below $100,000,000 by more than 20 %, which its interval $42,000,000 to $100,000,000 includes: chance may explain it"),
        ("C", "0.07", 3 * M, None, None,
         ("ADV of $3,000,000 is below $100,000,000 by more than 20 %, without an interval; "
         "ADV of $3,000,000 is below $5,000,000 by more than 20 %, without an interval")),
        ("C", "0.3", 900 * M, (D("0.25"), D("0.4")), None,
         "v1 of 30.0 % is above 22.0 % by more than 20 %, with its whole interval 25.0 % to 40.0 %"),
        ("D", "0.1", 120 * M, None, None, "ADV of $120,000,000 is above $100,000,000 by more than 20 %, without an interval"),
        ("D", "0.1", 23 * M, None, None, "ADV of $23,000,000 is below $40,000,000 by more than 20 %, without an interval"),
        ("E", "0.176", 48 * M, (D("0.1"), D("0.22")), None,
         ("ADV of $48,000,000 is above $40,000,000 by more than 20 %, without an interval; v1 of 17.6 % is below 22.0 % by more than 20 %, "
         "which its interval 10.0 % to 22.0 % includes: chance may explain it")),
        ("F", "0.1", 6 * M, None, None, "ADV of $6,000,000 is above $5,000,000 by more than 20 %, without an interval"),
        ("A", "0.1", 3 * M, None, None, "ADV of $3,000,000 is below $5,000,000 by more than 20 %, without an interval"),
    ],
)  # fmt: skip
def test_a_move_states_the_boundary_and_whether_the_interval_passed_it(  # noqa: PLR0913, PLR0917 - parts of a case
    current: str,
    v1: str,
    adv: D,
    v1_interval: tuple[D, D] | None,
    adv_interval: tuple[D, D] | None,
    reason: str,
) -> None:
    asset = "BTC" if current == "A" else "X"
    found = decide(AssetFacts(asset, 1_095, D(v1), adv, v1_interval, adv_interval), current)
    assert found.is_moved
    assert found.reason == reason


def test_every_move_has_a_reason() -> None:
    volumes = (
        "3_000_000",
        "4_500_000",
        "7_000_000",
        "45_000_000",
        "50_000_000",
        "90_000_000",
        "1_000_000_000",
    )
    for (adv, v1), current in product(product(volumes, ("0.1", "0.2", "0.25", "0.3")), "CDEF"):
        found = decision(adv, v1, current)
        assert found.reason, (adv, v1, current)


def test_small_moves_around_a_boundary_never_change_a_class_twice() -> None:
    """Whatever the start, values within a fifth of the bounds settle after one step."""
    values = product(("33_000_000", "45_000_000", "95_000_000", "115_000_000"), ("0.18", "0.25"))
    for (adv, v1), current in product(values, "CDE"):
        first = decision(adv, v1, current).assigned
        assert decision(adv, v1, first).assigned == first


@pytest.mark.parametrize("current", ["", "F"])
def test_a_short_history_is_the_class_of_new_assets(current: str) -> None:
    facts = AssetFacts("X", 364, None, None)
    assert decide(facts, current).assigned == "F"
    assert decide(AssetFacts("X", 365, D("0.1"), D(10**9)), current).assigned == "C"


@pytest.mark.parametrize(
    ("facts", "reason"),
    [
        (AssetFacts("X", 364, None, D(10**9)), "kept: 364 returns are known, 365 are required"),
        (AssetFacts("X", None, None, None), "kept: prices not observable"),
        (AssetFacts("X", 400, D("0.1"), None), "kept: ADV not measured"),
        (AssetFacts("X", 400, None, None), "kept: v1 and ADV not measured"),
    ],
)
def test_an_asset_that_was_not_measured_keeps_its_class(facts: AssetFacts, reason: str) -> None:
    found = decide(facts, "C")
    assert (found.by_rule, found.assigned, found.reason) == ("", "C", reason)
