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
    value_of,
)
from tests.support import recorded
from tests.support.answers import answer, only
from venues import facts, registry
from venues.exchanges import binance
from venues.facts import Facts
from venues.parsing import tier_tables
from venues.parsing.tier_bounds import (
    close_steps,
    find_deduction_fault,
    find_tiling_fault,
    without_empty_tiers,
)
from venues.parsing.tier_tables import NO_CAPACITY, TierTable, finite_capacity

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


# DEXE on Binance from 20 November to 25 December 2025, tiers 6 to 9: MM rate and maintenance amount.
DEXE = (
    ("250000", "500000", "0.125", "13875"),
    ("500000", "500000", "0.1667", "34725"),
    ("500000", "7500000", "0.25", "76375"),
    ("7500000", "12500000", "0.5", "1951375"),
)


def dexe(*, empty: str = "34725", above: str = "76375", with_amounts: bool = True) -> list[Tier]:
    """Returns tiers that begin at 0, with the amount of the row without width and of the next one."""
    amounts = {"34725": empty, "76375": above}
    base = Tier(D(250000), D("0.25"), D("0.0695"), D(0), D(0))
    rows = [
        Tier(D(upper), D("0.5"), D(rate), D(lower), D(amounts.get(amount, amount)))
        for lower, upper, rate, amount in DEXE
    ]
    tiers = [base, *rows]
    return tiers if with_amounts else [replace(tier, deduction=None) for tier in tiers]


def test_a_row_without_width_is_passed_over_where_the_amounts_continue() -> None:
    kept = without_empty_tiers(dexe())
    assert [str(tier.upper) for tier in kept] == ["250000", "500000", "7500000", "12500000"]
    assert find_tiling_fault(kept) == find_deduction_fault(kept) == ""
    assert len(without_empty_tiers(dexe(with_amounts=False))) == 4


def test_a_row_without_width_stays_a_fault_where_the_amounts_do_not_continue() -> None:
    for broken in (dexe(empty="34726"), dexe(above="76376")):
        kept = without_empty_tiers(broken)
        assert kept == tuple(broken)
        assert find_tiling_fault(kept).startswith("tier 3 ends at 500000")


def test_a_row_without_width_may_be_the_last_and_no_other_row_is_passed_over() -> None:
    last = tiers(("0", "500"), ("500", "500"))
    assert without_empty_tiers(last) == last[:1]
    for bounds in (
        [("0", "500"), ("400", "500")],
        [("0", "500"), (None, "500")],
        [("0", "500"), ("600", "600"), ("600", "700")],
    ):
        rows = tiers(*bounds)
        assert without_empty_tiers(rows) == rows
        assert find_tiling_fault(without_empty_tiers(rows))


def test_a_contract_of_binance_with_a_row_without_width_has_margins_to_its_end() -> None:
    rows = [
        {
            "bracket": number,
            "initialLeverage": leverage,
            "notionalFloor": floor,
            "notionalCap": cap,
            "maintMarginRatio": rate,
            "cum": amount,
        }
        for number, (floor, cap, rate, amount, leverage) in enumerate(
            [
                (0, 500_000, 0.125, 0, 4),
                (500_000, 500_000, 0.1667, 20_850, 3),
                (500_000, 7_500_000, 0.25, 62_500, 2),
            ],
            start=1,
        )
    ]
    schedule = only(answer("binance", binance.BRACKETS, [{"symbol": "DEXEUSDT", "brackets": rows}]))
    assert schedule.capacity == Known(D(7_500_000))
    maintenance = value_of(schedule.maintenance)
    assert maintenance is not None
    assert maintenance.margin(1_000_000) == 1_000_000 * 0.25 - 62_500
    assert maintenance.margin(500_000) == 62_500
    assert len(schedule.evidence[0].rows) == 3


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
