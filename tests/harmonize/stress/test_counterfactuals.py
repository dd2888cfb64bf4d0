"""Other rules on the same positions: reactions, timing, and laws that hold or fail."""

from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from harmonize.stress.book import Book, synthetic_book
from harmonize.stress.counterfactuals import (
    Behaviour,
    Outcome,
    WhatIf,
    adopt,
    apply,
    buffer,
    leverage_cap,
    maintenance_multiple,
    reference,
    reference_initial,
    reference_maintenance,
    unchanged,
)
from harmonize.stress.curve import curve
from harmonize.stress.errors import StressInputError
from harmonize.stress.impact import LinearImpact
from harmonize.stress.positions import build_positions
from harmonize.stress.thresholds import thresholds
from harmonize.stress.tiers import VenueMargins, tiers_from_pieces
from tests.harmonize.stress.markets import flat_margins

REFERENCE = flat_margins(0.05, 0.10)  # IM 10 %, MM 5 %: the baseline for BTC at small sizes
LOOSE = flat_margins(0.004, 0.008)


def longs(leverages: list[float], own: float = 0.004) -> Book:
    """Longs of $1,000 on one venue."""
    margins = 1000.0 / np.array(leverages)
    positions = build_positions(["a"], 0, 1.0, 1000.0, margins)
    return Book("BTC", positions, (flat_margins(own, 2 * own),))


def small_book(seed: int | None = None) -> Book:
    venues = {"a": flat_margins(0.004, 0.008), "b": flat_margins(0.02, 0.04, "b")}
    return synthetic_book("BTC", {"a": 1e9, "b": 5e8}, venues, rows=300, seed=seed)


def liquidated(outcome: Outcome, shock: float, slope: float = 0.0) -> float:
    given_ = thresholds(outcome.positions, outcome.falls)
    return float(curve(given_, LinearImpact(slope), [shock]).liquidated[0])


@pytest.mark.parametrize("behaviour", list(Behaviour))
def test_the_reference_liquidates_nothing_up_to_its_buffer_and_more_beyond(
    behaviour: Behaviour,
) -> None:
    """(IM − MM)/(1 − MM) = 5.26 % is the fall of a trader at the reference IM."""
    book = small_book()
    after = apply(book, reference(REFERENCE.initial, REFERENCE.maintenance), behaviour)
    limit = (0.10 - 0.05) / (1.0 - 0.05)
    assert limit == pytest.approx(0.0526, abs=1e-4)
    assert liquidated(unchanged(book), limit - 1e-6) > 0.0
    assert liquidated(after, limit - 1e-6) == 0.0
    assert liquidated(after, 0.12) > liquidated(unchanged(book), 0.12)


@pytest.mark.parametrize("behaviour", list(Behaviour))
@pytest.mark.parametrize("rate", [0.5, 0.1, 1 / 3])
def test_traders_who_meet_a_margin_that_is_also_maintenance_are_not_below_it(
    behaviour: Behaviour, rate: float
) -> None:
    book = small_book()
    equal = flat_margins(rate, rate)
    outcome = apply(book, reference(equal.initial, equal.maintenance), behaviour)
    assert outcome.immediate.tolist() == [0.0, 0.0]
    assert liquidated(outcome, 1e-6) > 0.0
    on_the_day = reference_maintenance(equal.maintenance)
    assert apply(book, on_the_day, behaviour).immediate.sum() > 0.0  # nobody has added margin


def test_traders_above_a_cap_add_margin_or_cut_notional() -> None:
    book = longs([5.0, 20.0, 50.0])
    kept = apply(book, leverage_cap(10.0), Behaviour.NOTIONAL_KEPT)
    cut = apply(book, leverage_cap(10.0), Behaviour.MARGIN_KEPT)
    assert kept.positions.margin == pytest.approx([200.0, 100.0, 100.0])
    assert kept.positions.notional.tolist() == [1000.0] * 3
    assert (kept.top_up[0], kept.closed[0]) == pytest.approx((50.0 + 80.0, 0.0))
    assert cut.positions.notional == pytest.approx([1000.0, 500.0, 200.0])
    assert (cut.top_up[0], cut.closed[0]) == pytest.approx((0.0, 500.0 + 800.0))


def test_a_cut_stops_at_the_size_that_the_tiers_allow() -> None:
    flat = tiers_from_pieces([(0.0, 600.0, 0.0, 0.1, 0.0, 2.0), (600.0, 1e9, 0.0, 0.5, 0.0, 2.0)])
    book = longs([10.0])
    after = apply(book, reference_initial(flat), Behaviour.MARGIN_KEPT)
    assert after.positions.notional[0] == pytest.approx(600.0)  # $100 carries no larger position
    terms = VenueMargins("a", flat, flat)
    assert terms.largest_notional(np.array([400.0]), np.array([1000.0])) == pytest.approx(800.0)


def test_a_margin_below_the_least_margin_supports_no_position() -> None:
    least = tiers_from_pieces([(0.0, 1e9, 500.0, 0.1, 0.0, 2.0)])
    after = apply(longs([10.0]), reference_initial(least), Behaviour.MARGIN_KEPT)
    assert after.positions.notional[0] == pytest.approx(0.0, abs=1e-6)
    assert after.closed[0] == pytest.approx(1000.0)


@given(
    st.lists(st.floats(1.1, 60.0), min_size=1, max_size=20),
    st.floats(0.0, 0.4),
    st.floats(1.5, 60.0),
    st.sampled_from(list(Behaviour)),
)
def test_a_leverage_cap_raises_neither_liquidations_nor_the_move(
    leverages: list[float], shock: float, cap: float, behaviour: Behaviour
) -> None:
    book = longs(leverages)
    impact = LinearImpact(1e-5)
    before, after = (
        curve(thresholds(part.positions, part.falls), impact, [shock])
        for part in (unchanged(book), apply(book, leverage_cap(cap), behaviour))
    )
    assert after.liquidated[0] <= before.liquidated[0] * (1 + 1e-12)
    assert after.move[0] <= before.move[0] + 1e-12


def test_parts_of_the_reference_change_one_margin_each() -> None:
    book = longs([5.0, 50.0])
    initial = apply(book, reference_initial(REFERENCE.initial), Behaviour.NOTIONAL_KEPT)
    maintenance = apply(book, reference_maintenance(REFERENCE.maintenance), Behaviour.NOTIONAL_KEPT)
    assert initial.positions.margin == pytest.approx([200.0, 100.0])
    assert initial.falls.fall == pytest.approx([(0.2 - 0.004) / 0.996, (0.1 - 0.004) / 0.996])
    assert maintenance.positions.margin == pytest.approx([200.0, 20.0])
    assert maintenance.falls.fall == pytest.approx([(0.2 - 0.05) / 0.95, 0.0])
    assert maintenance.immediate[0] == pytest.approx(1000.0)  # 2 % is below an MM of 5 %


def test_a_multiple_of_maintenance_margin() -> None:
    after = apply(longs([10.0]), maintenance_multiple(1.5), Behaviour.NOTIONAL_KEPT)
    assert after.falls.fall[0] == pytest.approx((0.1 - 0.006) / (1 - 0.006))


def test_a_buffer_is_released_from_a_fall_on() -> None:
    book = longs([10.0, 5.0], 0.05)
    after = apply(book, buffer(0.1), Behaviour.NOTIONAL_KEPT)
    before = unchanged(book).falls.fall
    assert after.falls.fall[0] == before[0]  # liquidated at 5.3 %, before the release
    assert after.falls.fall[1] == pytest.approx((0.2 - 0.04) / 0.96)  # MM 5 % ÷ 1.25


def test_a_rule_on_the_day_liquidates_at_once_who_is_below() -> None:
    book = longs([20.0, 8.0, 4.0], 0.01)
    rule = maintenance_multiple(5.0)
    on_the_day = apply(book, rule.starting_at(0.08), Behaviour.NOTIONAL_KEPT)
    before = unchanged(book).falls.fall
    early, at_once, later = on_the_day.falls.fall
    assert early == before[0]
    assert before[1] > 0.08
    assert at_once == pytest.approx(0.08)  # 5 % MM: below since a fall of 7.9 %
    assert later == pytest.approx((0.25 - 0.05) / 0.95)
    assert rule.starting_at(0.08).name == "maintenance=×5 from a fall of 8%"
    assert (on_the_day.top_up.sum(), on_the_day.closed.sum()) == (0.0, 0.0)


def test_adopting_a_venue_applies_its_terms_everywhere() -> None:
    book = small_book()
    after = apply(book, adopt("b"), Behaviour.NOTIONAL_KEPT)
    own = book.positions.venue == 0
    assert after.top_up[0] > 0.0
    assert after.top_up[1] == 0.0
    required = 0.04 * book.positions.notional[own]
    assert (after.positions.margin[own] >= required * (1 - 1e-12)).all()
    with pytest.raises(StressInputError, match="adopt: unknown venue z; use one of a, b"):
        apply(book, adopt("z"), Behaviour.NOTIONAL_KEPT)


def test_a_larger_position_stays_in_the_last_tier_of_an_adopted_venue() -> None:
    small = flat_margins(0.02, 0.04, "b", largest=500.0)
    positions = build_positions(["a", "b"], [0, 1], 1.0, [1000.0, 400.0], [100.0, 40.0])
    book = Book("BTC", positions, (flat_margins(0.004, 0.008), small))
    after = apply(book, adopt("b"), Behaviour.NOTIONAL_KEPT)
    assert after.falls.fall == pytest.approx([0.08 / 0.98, 0.08 / 0.98])


@pytest.mark.parametrize("make", [leverage_cap, maintenance_multiple])
@pytest.mark.parametrize("value", [0.0, -1.0, float("nan"), float("inf")])
def test_factors_are_numbers_above_zero(make: Callable[[float], WhatIf], value: float) -> None:
    with pytest.raises(StressInputError, match="above 0, found"):
        make(value)


def test_a_start_is_a_fall() -> None:
    with pytest.raises(StressInputError, match="buffer from a fall of 200%: fall: expected"):
        buffer(2.0)


def test_rules_do_not_change_the_book() -> None:
    book = small_book()
    before = book.positions.margin.copy()
    apply(book, leverage_cap(3.0), Behaviour.NOTIONAL_KEPT)
    assert np.array_equal(book.positions.margin, before)


def test_adopted_tiers_can_reach_further_than_a_venues_own() -> None:
    positions = build_positions(["a", "b"], [0, 1], -1.0, [900.0, 900.0], [450.0, 450.0])
    book = Book(
        "BTC", positions, (flat_margins(0.01, 0.02, largest=1000.0), flat_margins(0.01, 0.02, "b"))
    )
    assert unchanged(book).falls.beyond_tiers.tolist() == [True, False]
    after = apply(book, adopt("b"), Behaviour.NOTIONAL_KEPT)
    assert after.falls.beyond_tiers.tolist() == [False, False]


CURVED = (0.02, 4e-9, 2.0)


@pytest.mark.parametrize(
    "pieces",
    [
        [(0.0, 1e4, 0.0, 0.01, 0.0, 2.0), (1e4, 1e6, -100.0, 0.02, 0.0, 2.0)],
        [(0.0, 1e4, 0.0, 0.01, 0.0, 2.0), (1e4, 1e6, 0.0, 0.05, 0.0, 2.0)],
        [(0.0, 1e4, 50.0, 0.0, 0.0, 2.0), (1e4, 1e6, 50.0, 0.1, 0.0, 2.0)],
        [(0.0, 1e4, 0.0, 0.01, 0.0, 2.0), (1e4, 1e6, 0.0, *CURVED)],
    ],
)
@pytest.mark.parametrize("least_rate", [0.0, 0.015])
def test_the_largest_notional_is_the_last_that_a_margin_covers(
    pieces: list[tuple[float, ...]], least_rate: float
) -> None:
    tiers = tiers_from_pieces(pieces)  # type: ignore[arg-type]  # six numbers each
    terms = VenueMargins("a", tiers, tiers, least_initial_rate=least_rate)
    margin = np.geomspace(1.0, 1e5, 200)
    found = terms.largest_notional(margin, np.full(200, 2e6))
    above = np.nextafter(np.maximum(found * (1 + 1e-9), 1e-9), np.inf)
    assert (terms.initial_margin(above) > margin)[found < 2e6].all()
    inside = found > 0.0
    covered = terms.initial_margin(found[inside] * (1 - 1e-9))
    assert (covered <= margin[inside] * (1 + 1e-9)).all()
    assert (found[margin < terms.initial_margin(np.array([1e-9]))] == 0.0).all()
