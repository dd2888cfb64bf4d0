"""Tiers that tile, published steps between tiers, and tiers without end."""

from dataclasses import replace
from decimal import Decimal

import pytest

from harmonize.core.payload import Snapshot
from harmonize.core.schedule import (
    INFINITY,
    Derived,
    Known,
    MarginSchedule,
    Tier,
    TierRule,
    Unknown,
)
from tests.support import recorded
from venues import facts, registry
from venues.facts import Facts
from venues.parsing import tier_tables
from venues.parsing.tier_tables import (
    NO_CAPACITY,
    TierTable,
    close_steps,
    find_tiling_fault,
    finite_capacity,
)

D = Decimal


def tiers(*bounds: tuple[str | None, str]) -> tuple[Tier, ...]:
    return tuple(
        Tier(D(upper), D("0.01"), D("0.005"), lower=None if lower is None else D(lower))
        for lower, upper in bounds
    )


def fault(unit: str, *bounds: tuple[str | None, str]) -> str:
    return find_tiling_fault(close_steps(tiers(*bounds), unit))


@pytest.mark.parametrize(
    ("unit", "bounds"),
    [
        ("contracts", [("0", "1000"), ("1000", "2000")]),
        ("contracts", [("0", "1000"), ("1000.01", "2000")]),
        ("contracts", [("0", "5"), ("6", "20")]),
        ("contracts", [("1", "1000"), ("1001", "2000")]),
        ("quote currency", [("0", "50000"), ("50000.01", "100000")]),
        ("quote currency", [("0", "50000"), ("50001", "100000")]),
        ("coins", [("0", "0.5"), ("0.501", "2.75")]),
        ("coins", [("0.0", "5.0"), ("5.0", "Infinity")]),
        ("coins", [(None, "5"), (None, "10")]),
    ],
)
def test_bounds_that_meet_or_lie_one_published_step_apart_tile(
    unit: str, bounds: list[tuple[str | None, str]]
) -> None:
    assert fault(unit, *bounds) == ""


@pytest.mark.parametrize(
    ("unit", "bounds", "reason"),
    [
        (
            "contracts",
            [("0", "1000"), ("2000", "3000")],
            "gap between tiers 1 and 2: 1000 to 2000",
        ),
        (
            "contracts",
            [("0", "1000"), ("1001.5", "3000")],
            "gap between tiers 1 and 2: 1000 to 1001.5",
        ),
        (
            "quote currency",
            [("0", "50000"), ("50000.02", "100000.5")],
            "",
        ),
        (
            "quote currency",
            [("0", "50000"), ("50002", "100000")],
            "gap between tiers 1 and 2: 50000 to 50002",
        ),
        ("coins", [("0", "5"), ("6", "10")], "gap between tiers 1 and 2: 5 to 6"),
        (
            "contracts",
            [("0", "1000"), ("999", "3000")],
            "overlap between tiers 1 and 2: 1000 to 999",
        ),
        ("contracts", [("10", "1000"), ("1000", "3000")], "tier 1 begins at 10, expected 0"),
        ("contracts", [("0", "Infinity"), ("1000", "3000")], "tier 1 has no end"),
        ("contracts", [(None, "Infinity"), (None, "Infinity")], "tier 1 has no end"),
    ],
)
def test_a_gap_above_one_step_an_overlap_and_an_early_open_end_are_faults(
    unit: str, bounds: list[tuple[str | None, str]], reason: str
) -> None:
    assert fault(unit, *bounds).startswith(reason or "gap")


def test_an_early_open_end_names_the_tier_that_follows() -> None:
    reason = "tier 1 has no end, but tier 2 follows"
    assert find_tiling_fault(tiers((None, "Infinity"), (None, "5"))) == reason


def test_an_open_end_is_no_infinite_capacity() -> None:
    assert finite_capacity(Known(INFINITY)) == NO_CAPACITY
    assert finite_capacity(Derived(INFINITY, "converted")) == NO_CAPACITY
    assert finite_capacity(Known(D(5))) == Known(D(5))
    assert finite_capacity(Unknown("no key")) == Unknown("no key")


def test_a_table_that_makes_no_schedule_is_the_defect_of_its_contract(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    (snapshot,) = recorded.of_venue("mudrex")
    whole = registry.read(snapshot, facts.bundled())
    build_schedule, odd = tier_tables.build_schedule, whole.schedules[1].instrument.id

    def fail_on_one(snapshot: Snapshot, table: TierTable, known: Facts) -> MarginSchedule:
        if table.instrument.id == odd:
            raise ZeroDivisionError
        return build_schedule(snapshot, table, known)

    monkeypatch.setattr(tier_tables, "build_schedule", fail_on_one)
    parsed = registry.read(snapshot, facts.bundled())
    assert parsed.schedules == (whole.schedules[0], *whole.schedules[2:])
    (defect,) = parsed.defects
    pointer = whole.schedules[1].evidence[0].rows[0]
    assert (defect.symbol, defect.where.partition(" at ")[2]) == (odd, pointer)
    assert defect.reason == "cannot be read: ZeroDivisionError"


def test_a_rule_for_curves_makes_no_margin_of_tiers() -> None:
    """A contract that settles in a third currency may fall under a rule for curves alone."""
    (snapshot,) = recorded.of_venue("mudrex")
    known = facts.bundled()
    rows = tuple(
        replace(row, initial=TierRule.CONTINUOUS, maintenance=TierRule.CONTINUOUS)
        if row.venue == "mudrex"
        else row
        for row in known.rows
    )
    parsed = registry.read(snapshot, Facts(rows))
    assert parsed.schedules
    assert not parsed.defects
    for schedule in parsed.schedules:
        assert isinstance(schedule.initial, Unknown)
        assert schedule.initial.reason.startswith("no source states how the venue's tiers")
