"""Margin terms from schedules: what a book can use, and why it cannot use the rest."""

from dataclasses import replace
from decimal import Decimal

import numpy as np
import pytest

from harmonize.api.audit import load_rule_sets
from harmonize.comparison.universe import Universe, build_universe
from harmonize.core.instrument import contract
from harmonize.core.schedule import (
    FeeAddOn,
    MaintenanceMeaning,
    MarginMode,
    MarginSchedule,
    Profile,
    Unknown,
)
from harmonize.stress.margins import reference_tiers, venue_margins
from harmonize.stress.tiers import Tiers, VenueMargins
from tests.harmonize.checks.examples import NOW, flat_schedule

TIERED = flat_schedule((1000, "0.05", "0.01"), (5000, "0.1", "0.05"))


def universe(schedule: MarginSchedule, rule_sets: tuple[str, ...] = ()) -> Universe:
    loaded = load_rule_sets(rule_sets) if rule_sets else ()
    return build_universe([schedule], loaded, (), NOW, {}, venues=1)


def terms(schedule: MarginSchedule, fee: float = 0.0) -> VenueMargins | Unknown:
    own = universe(schedule)
    return venue_margins(own, own.peer_groups[0], {}, fee)["okx"]


def test_terms_are_the_tiers_and_the_largest_position() -> None:
    found = terms(TIERED)
    assert isinstance(found, VenueMargins)
    assert found.largest == 5000.0
    assert found.initial_margin(np.array([500.0, 2000.0])).tolist() == pytest.approx([25.0, 200.0])
    assert found.maintenance.margin(np.array([500.0, 2000.0])).tolist() == pytest.approx(
        [5.0, 100.0]
    )


def test_the_isolated_schedule_counts_if_there_is_one() -> None:
    tiers = flat_schedule((5000, "0.2", "0.04"))
    cross, isolated = (
        replace(schedule, profile=Profile(mode))
        for schedule, mode in ((TIERED, MarginMode.CROSS), (tiers, MarginMode.ISOLATED))
    )
    own = build_universe([cross, isolated], (), (), NOW, {}, venues=1)
    found = venue_margins(own, own.peer_groups[0], {})["okx"]
    assert isinstance(found, VenueMargins)
    assert found.maintenance.margin(np.array([500.0])) == pytest.approx([20.0])


@pytest.mark.parametrize(("rule", "fee"), [("none", 0.0), ("close fee on notional", 0.0005)])
def test_a_fee_counts_where_a_venue_adds_one(rule: str, fee: float) -> None:
    found = terms(replace(TIERED, fee=FeeAddOn(rule, Unknown("not published"))), 0.0005)
    assert isinstance(found, VenueMargins)
    assert found.fee == fee


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"initial": Unknown("none")}, "IM is not observable"),
        ({"maintenance": Unknown("none")}, "MM is not observable"),
        (
            {"meaning": MaintenanceMeaning.CALL},
            "MM is a margin call, at which nothing is liquidated",
        ),
        (
            {"instrument": contract("okx", "X", base="BTC", quote="USD", settle="ETH")},
            "quanto contract: the loss depends on a third currency",
        ),
    ],
)
def test_why_a_venue_is_not_observable(change: dict[str, object], reason: str) -> None:
    schedule = replace(TIERED, **change)  # type: ignore[arg-type] # each case changes what it names
    assert terms(schedule) == Unknown(reason)


@pytest.mark.parametrize(("margin_type", "rate"), [("initial", 0.10), ("maintenance", 0.05)])
def test_the_reference_has_both_margins(margin_type: str, rate: float) -> None:
    own = universe(TIERED, ("harmonized-baseline",))
    found = reference_tiers(own, "harmonized-baseline", margin_type, "BTC")
    assert not isinstance(found, Unknown)
    assert found.margin(np.array([1e4])) == pytest.approx([rate * 1e4])


def test_without_a_reference_there_is_a_reason() -> None:
    assert reference_tiers(universe(TIERED), "harmonized-baseline", "initial", "BTC") == Unknown(
        "harmonized-baseline: the rule set is not selected"
    )
    own = universe(TIERED, ("harmonized-baseline", "vara-retail"))
    assert reference_tiers(own, "vara-retail", "maintenance", "BTC") == Unknown(
        "vara-retail sets no maintenance margin for BTC"
    )


@pytest.mark.parametrize(
    ("rule_set", "meaning"),
    [
        ("jfsa-retail", "margin call"),
        ("cftc-dco", "margin call"),
        ("umr-schedule", "clearing requirement"),
    ],
)
def test_a_margin_that_triggers_no_liquidation_is_not_a_threshold(
    rule_set: str, meaning: str
) -> None:
    own = universe(TIERED, (rule_set,))
    found = reference_tiers(own, rule_set, "maintenance", "BTC")
    assert isinstance(found, Unknown)
    if rule_set != "cftc-dco":  # its margins are measured, and no inputs are given here
        assert found.reason == f"MM of {rule_set} is a {meaning}, at which nothing is liquidated"


def test_a_margin_call_that_is_converted_to_a_liquidation_trigger_is_used() -> None:
    (rule_set,) = load_rule_sets(("jfsa-retail",))
    converted = replace(rule_set, across={MaintenanceMeaning.LIQUIDATION: Decimal("0.4")})
    own = build_universe([TIERED], (converted,), (), NOW, {}, venues=1)
    found = reference_tiers(own, "jfsa-retail", "maintenance", "BTC")
    assert isinstance(found, Tiers)
    assert found.margin(np.array([1e4])) == pytest.approx([0.4 * 0.5 * 1e4])
