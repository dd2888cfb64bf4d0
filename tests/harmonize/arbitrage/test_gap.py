"""The gap and its parts: the laws that define them, conditions, and what-ifs against brute force."""

from dataclasses import replace
from math import inf

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from harmonize.arbitrage.accounts import (
    SplitConstraints,
    accounts_of,
    as_whole,
    at_least,
    with_table,
)
from harmonize.arbitrage.gap import Arbitrage, arbitrage
from harmonize.arbitrage.what_if import WhatIfError, parse, what_if
from harmonize.numerics.offer import Offer, margin
from tests.support.offers import curved, flat, marginal

EXACT = 1e-12


@st.composite
def tables(draw: st.DrawFn) -> Offer:
    """One to three tiers to 40,000 with rising rates, flat or marginal."""
    size = draw(st.integers(1, 3))
    bounds = sorted(draw(st.lists(st.integers(1, 39), min_size=size, max_size=size, unique=True)))
    rates = sorted(draw(st.lists(st.integers(1, 60), min_size=size, max_size=size)))
    make = draw(st.sampled_from((flat, marginal)))
    return make([1000.0 * one for one in (*bounds[:-1], 40)], [one / 128 for one in rates])


markets = st.lists(tables(), min_size=1, max_size=3).map(
    lambda offers: {f"venue-{number}": one for number, one in enumerate(offers)}
)
notionals = st.integers(1, 39).map(lambda thousands: 1000.0 * thousands)


def found(result: Arbitrage | None) -> Arbitrage:
    assert result is not None
    return result


@given(markets, tables(), notionals)
def test_the_gap_is_the_sum_of_its_parts(
    offers: dict[str, Offer], reference: Offer, notional: float
) -> None:
    one = found(arbitrage(offers, notional, reference=reference.pieces))
    assert one.reference == pytest.approx(margin(reference, notional))
    assert one.gap == pytest.approx((one.reference or 0.0) - one.split.cost, rel=1e-9, abs=1e-9)
    assert one.fragmentation is not None
    assert one.divergence is not None
    assert one.gap == pytest.approx(one.fragmentation + one.divergence, rel=1e-9, abs=1e-9)
    assert one.fragmentation >= -1e-9


@given(markets, tables(), notionals)
def test_equal_tables_have_no_divergence(
    offers: dict[str, Offer], reference: Offer, notional: float
) -> None:
    same = dict.fromkeys(offers, reference)
    one = found(arbitrage(same, notional, reference=reference.pieces))
    assert one.divergence == pytest.approx(0.0, abs=1e-9 * notional)


@given(tables(), tables(), notionals)
def test_one_venue_has_no_fragmentation(own: Offer, reference: Offer, notional: float) -> None:
    one = found(arbitrage({"venue": own}, notional, reference=reference.pieces))
    assert one.fragmentation == pytest.approx(0.0, abs=1e-9 * notional)
    assert one.divergence == pytest.approx(
        (margin(reference, notional) or 0.0) - (margin(own, notional) or 0.0), abs=1e-9 * notional
    )


def test_the_parts_of_a_gap_by_hand() -> None:
    # The reference is 1 % to 1,000 and 3 % on the slice above; both venues ask 1 % flat to 1,000
    # and 2 % above it. 2,000: R = 10 + 30 = 40. Split in halves at the reference: 10 + 10 = 20; as
    # they are 10 + 10 = 20 as well.
    own = flat([1000.0, 5000.0], [0.01, 0.02])
    reference = marginal([1000.0, 5000.0], [0.01, 0.03])
    one = found(arbitrage({"a": own, "b": own}, 2000.0, reference=reference.pieces))
    assert (one.reference, one.same_table, one.split.cost) == pytest.approx((40.0, 20.0, 20.0))
    assert (one.fragmentation, one.divergence, one.gap) == pytest.approx((20.0, 0.0, 20.0))
    assert (one.single, one.saving) == pytest.approx((40.0, 20.0))
    assert one.single_venues == ("a", "b")
    assert [part.venue for part in one.parts] == ["a", "b"]
    assert [part.notional for part in one.parts] == pytest.approx([1000.0, 1000.0])
    assert [part.margin for part in one.parts] == pytest.approx([10.0, 10.0])


def test_conditions_are_kept_to() -> None:
    own = flat([1000.0, 5000.0], [0.01, 0.02])
    offers = {"a": own, "b": own, "c": flat([5000.0], [0.05])}
    without = found(arbitrage(offers, 3000.0, SplitConstraints(excluded=frozenset({"a"}))))
    assert {part.venue for part in without.parts} <= {"b", "c"}
    limited = found(arbitrage(offers, 3000.0, SplitConstraints(limits={"a": 500.0, "b": 500.0})))
    assert limited.split.cost == pytest.approx(5 + 5 + 100)
    assert limited.single_venues == ("c",)
    many = found(arbitrage(offers, 3000.0, SplitConstraints(accounts={"a": 2})))
    assert many.split.cost == pytest.approx(30.0)
    assert [(part.venue, part.number) for part in many.parts] == [("a", 1), ("a", 2), ("b", 1)]
    dear = found(arbitrage(offers, 3000.0, SplitConstraints(accounts={"a": 2}, fee=20.0)))
    # Three accounts: 30 + 40. Two: 1000 at 1 % and 2000 at 2 %, 10 + 40 + 20 = 70. One: 60.
    assert dear.split.cost == pytest.approx(60.0)
    assert len(dear.parts) == 1
    tickets = accounts_of(offers, SplitConstraints(ticket=700.0))
    assert all(one.offer.ticket == 700.0 for one in tickets)
    assert arbitrage(offers, 3000.0, SplitConstraints(excluded=frozenset(offers))) is None
    assert arbitrage(offers, 1e6) is None


def test_a_position_that_no_venue_takes_alone_has_no_single_cost() -> None:
    own = flat([1000.0], [0.01])
    one = found(arbitrage({"a": own, "b": own}, 1500.0))
    assert one.single is None
    assert one.saving is None
    assert one.gap is one.divergence is one.fragmentation is None


@given(
    tables() | st.integers(0, 20).map(lambda seed: curved(np.random.default_rng(seed))),
    st.floats(0.001, 0.5),
    st.floats(1.0, 40_000.0),
)
def test_a_floor_is_the_larger_of_two_at_every_size(
    offer: Offer, floor: float, notional: float
) -> None:
    due = max(margin(offer, notional) or 0.0, floor * notional)
    assert margin(at_least(offer, floor), notional) == pytest.approx(due, rel=1e-9)


def test_a_floor_on_an_open_ended_table_goes_on() -> None:
    offer = Offer(((0.0, inf, -50.0, 0.02, 0.0, 2.0),), 1e10)
    held = at_least(offer, 0.01)
    assert [piece[:2] for piece in held.pieces] == [
        (0.0, pytest.approx(5000.0)),
        (pytest.approx(5000.0), inf),
    ]
    assert margin(held, 4000.0) == pytest.approx(40.0)
    assert margin(held, 6000.0) == pytest.approx(70.0)


def test_the_whole_position_sets_the_rate() -> None:
    offer = flat([1000.0, 5000.0], [0.01, 0.02])
    assert margin(as_whole(offer, 4000.0), 500.0) == pytest.approx(10.0)
    assert margin(as_whole(offer, 9000.0), 500.0) == pytest.approx(10.0)  # at the rate of its end
    low = replace(offer, limit=900.0)
    assert margin(as_whole(low, 4000.0), 500.0) == pytest.approx(5.0)


def test_another_table_ends_where_it_ends() -> None:
    offer = with_table(flat([1000.0], [0.01]), flat([500.0], [0.02]).pieces)
    assert offer.limit == 500.0
    assert margin(offer, 400.0) == pytest.approx(8.0)
    assert margin(offer, 600.0) is None


def test_what_ifs_by_hand() -> None:
    offers = {"a": flat([1000.0, 5000.0], [0.01, 0.04]), "b": flat([1000.0, 5000.0], [0.02, 0.03])}
    reference = flat([5000.0], [0.10]).pieces

    def ask(asked: str) -> tuple[float | None, ...]:
        row = what_if(parse(asked, tuple(offers)), offers, [2000.0], SplitConstraints(), reference)
        (point,) = row.points
        return point.split, point.changed, point.gap

    now = 10.0 + 20.0
    assert ask("leverage=25") == pytest.approx((now, 80.0, 120.0))
    assert ask("minimum=1.5%") == pytest.approx((now, 15.0 + 20.0, 200.0 - 35.0))
    assert ask("aggregate") == pytest.approx((now, 60.0, 140.0))
    assert ask("adopt=b") == pytest.approx((now, 40.0, 160.0))
    nothing = what_if(
        parse("adopt=a", ("a",)), offers, [20_000.0], SplitConstraints(), None
    ).points[0]
    assert (nothing.split, nothing.changed, nothing.single, nothing.gap) == (None,) * 4


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ("leverage=0", "a number above 1, at most 1000"),
        ("leverage=1", "a number above 1, at most 1000"),
        ("leverage=abc", "was 'abc'"),
        ("minimum=200%", "a number above 0, at most 1"),
        ("minimum=nan", "was 'nan'"),
        ("leverage=sNaN", "was 'sNaN'"),
        ("adopt=nobody", "no venue 'nobody' is compared; there are a, b"),
        ("aggregate=1", "what-if is leverage=20, minimum=0.5%, aggregate or adopt=VENUE"),
        ("tax", "was 'tax'"),
    ],
)
def test_a_what_if_that_is_none_says_what_there_is(asked: str, said: str) -> None:
    with pytest.raises(WhatIfError, match=said):
        parse(asked, ("a", "b"))
