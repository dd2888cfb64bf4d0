"""Points, reasons and spreads of audits of one or two schedules, by arithmetic in the test."""

from dataclasses import replace

import pytest

from harmonize.core.schedule import INFINITY, MaintenanceMeaning
from harmonize.document import Verdict
from tests.harmonize.checks.examples import INPUTS, STEEP, Case, flat_schedule, of, two_venues

BASELINE = ("harmonized-baseline",)


def test_a_point_has_the_deviation_of_its_margin_from_the_requirement() -> None:
    document = of(STEEP, rules=BASELINE, inputs=INPUTS).audited()
    (initial,) = [row for row in document.divergences if row.margin_type == "initial"]
    first, second, third, *beyond = initial.points
    # STEEP asks 10 % up to 60,000 and 50 % up to 1,000,000
    assert (first.notional, first.margin, first.required, first.deviation) == (1e4, 1e3, 1e3, 0.0)
    assert (second.margin, second.required, second.deviation) == (5e4, 1e4, 4.0)
    assert third.margin == 5e5
    assert third.required is not None
    assert third.deviation == pytest.approx(5e5 / third.required - 1.0)
    assert not any(point.above_capacity for point in (first, second, third))
    assert beyond
    assert all(point.above_capacity for point in beyond)
    assert {(point.margin, point.deviation) for point in beyond} == {(None, None)}


def test_a_margin_of_another_meaning_says_which_two_are_not_compared() -> None:
    called = replace(STEEP, meaning=MaintenanceMeaning.CALL)
    document = of(called, rules=BASELINE, inputs=INPUTS).audited()
    (row,) = [row for row in document.divergences if row.margin_type == "maintenance"]
    assert row.verdict is Verdict.NOT_APPLICABLE
    assert row.reason == "a margin call is not scored against a liquidation trigger"


def crossing(asset: str = "BTC") -> Case:
    """Two open-ended schedules, of which each asks twice the other's margin on one side of 20,000."""
    first = flat_schedule((20_000, "0.1", "0.05"), (INFINITY, "0.6", "0.3"), asset=asset)
    return two_venues(
        first, flat_schedule((20_000, "0.2", "0.1"), (INFINITY, "0.3", "0.15"), asset=asset)
    )


def with_a_copy(case: Case) -> Case:
    """Adds Gate with the schedule of the first venue."""
    first = case.schedules[0]
    copy = replace(first, instrument=replace(first.instrument, venue="gate"))
    return replace(case, schedules=(*case.schedules, copy))


def test_only_the_last_interval_of_open_ended_schedules_has_no_end() -> None:
    document = crossing().audited()
    (initial,) = [spread for spread in document.spreads if spread.margin_type == "initial"]
    first, last = initial.intervals
    assert (first.lower, first.upper, last.lower, last.upper) == (0.0, 2e4, 2e4, None)
    assert (first.lowest_venues, last.lowest_venues) == (("okx",), ("bybit",))
    assert (first.spread_lower, first.spread_upper) == pytest.approx((0.0, 0.1 * 2e4))
    assert last.spread_lower == pytest.approx(0.3 * 2e4)
    assert last.spread_upper is None


def test_an_asset_in_no_class_of_a_rule_set_has_an_index_against_the_median_alone() -> None:
    known = {row.reference for row in with_a_copy(crossing()).audited().indices}
    assert known == {"harmonized-baseline", "median"}
    indices = with_a_copy(crossing("XYZ")).audited().indices
    assert {row.reference for row in indices} == {"median"}
    # two venues are the median, the third is a factor of 2 from it
    assert [row.value for row in indices] == pytest.approx([100 / 2 ** (1 / 3)] * 2)


def test_two_venues_have_no_index() -> None:
    assert not crossing().audited().indices


def test_the_leverages_of_a_point_are_its_notional_over_its_margins() -> None:
    spreads = {row.margin_type: row.points[:2] for row in crossing().audited().spreads}
    first, second = spreads["initial"]
    assert (first.notional, first.lowest, first.highest, first.spread) == (1e4, 1e3, 2e3, 1e3)
    assert (first.highest_leverage, first.lowest_leverage) == pytest.approx((10.0, 5.0))
    assert (second.notional, second.lowest, second.highest) == (1e5, 3e4, 6e4)
    assert (second.highest_leverage, second.lowest_leverage) == pytest.approx((10 / 3, 5 / 3))
    assert second.annual_cost == pytest.approx(3e3)  # 10 % of the spread
