"""Arbitrage gap: its decomposition, constraints on the split, and what-ifs by hand."""

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
from harmonize.arbitrage.rows import too_large_reason
from harmonize.arbitrage.what_if import WhatIfError, apply_what_if, parse_what_if
from harmonize.numerics.offer import Offer, offer_margin
from tests.support.offers import curved, flat, marginal

EXACT = 1e-12


@st.composite
def tables(draw: st.DrawFn) -> Offer:
    """Draws one to three tiers up to 40,000 with rising rates, flat or marginal."""
    size = draw(st.integers(1, 3))
    bounds = sorted(draw(st.lists(st.integers(1, 39), min_size=size, max_size=size, unique=True)))
    rates = sorted(draw(st.lists(st.integers(1, 60), min_size=size, max_size=size)))
    make = draw(st.sampled_from((flat, marginal)))
    return make([1000.0 * bound for bound in (*bounds[:-1], 40)], [rate / 128 for rate in rates])


markets = st.lists(tables(), min_size=1, max_size=3).map(
    lambda offers: {f"venue-{number}": offer for number, offer in enumerate(offers)}
)
notionals = st.integers(1, 39).map(lambda thousands: 1000.0 * thousands)


def solved(result: Arbitrage | None) -> Arbitrage:
    assert result is not None
    return result


@given(markets, tables(), notionals)
def test_the_gap_is_fragmentation_plus_divergence(
    offers: dict[str, Offer], reference: Offer, notional: float
) -> None:
    result = solved(arbitrage(offers, notional, reference=reference.pieces))
    assert result.reference == pytest.approx(offer_margin(reference, notional))
    assert result.gap == pytest.approx(
        (result.reference or 0.0) - result.split.cost, rel=1e-9, abs=1e-9
    )
    assert result.fragmentation is not None
    assert result.divergence is not None
    assert result.gap == pytest.approx(result.fragmentation + result.divergence, rel=1e-9, abs=1e-9)
    assert result.fragmentation >= -1e-9


@given(markets, tables(), notionals)
def test_equal_tables_have_no_divergence(
    offers: dict[str, Offer], reference: Offer, notional: float
) -> None:
    same = dict.fromkeys(offers, reference)
    result = solved(arbitrage(same, notional, reference=reference.pieces))
    assert result.divergence == pytest.approx(0.0, abs=1e-9 * notional)


@given(tables(), tables(), notionals)
def test_one_venue_has_no_fragmentation(own: Offer, reference: Offer, notional: float) -> None:
    result = solved(arbitrage({"venue": own}, notional, reference=reference.pieces))
    assert result.fragmentation == pytest.approx(0.0, abs=1e-9 * notional)
    assert result.divergence == pytest.approx(
        (offer_margin(reference, notional) or 0.0) - (offer_margin(own, notional) or 0.0),
        abs=1e-9 * notional,
    )


def test_a_gap_and_its_decomposition_by_hand() -> None:
    # The reference is 1 % up to 1,000 and 3 % on the slice above. Both venues have flat tiers: 1 % up
    # to 1,000, and 2 % above. At 2,000: R = 10 + 30 = 40. Two halves at the reference: A_R = 10 + 10
    # = 20. Two halves at the venues: A = 10 + 10 = 20.
    own = flat([1000.0, 5000.0], [0.01, 0.02])
    reference = marginal([1000.0, 5000.0], [0.01, 0.03])
    result = solved(arbitrage({"a": own, "b": own}, 2000.0, reference=reference.pieces))
    assert (result.reference, result.reference_split, result.split.cost) == pytest.approx(
        (40.0, 20.0, 20.0)
    )
    assert (result.fragmentation, result.divergence, result.gap) == pytest.approx((20.0, 0.0, 20.0))
    assert (result.single, result.saving) == pytest.approx((40.0, 20.0))
    assert result.single_venues == ("a", "b")
    assert [account.venue for account in result.allocation] == ["a", "b"]
    assert [account.notional for account in result.allocation] == pytest.approx([1000.0, 1000.0])
    assert [account.margin for account in result.allocation] == pytest.approx([10.0, 10.0])


def test_constraints_hold() -> None:
    own = flat([1000.0, 5000.0], [0.01, 0.02])
    offers = {"a": own, "b": own, "c": flat([5000.0], [0.05])}
    without = solved(arbitrage(offers, 3000.0, SplitConstraints(excluded=frozenset({"a"}))))
    assert {account.venue for account in without.allocation} <= {"b", "c"}
    limited = solved(arbitrage(offers, 3000.0, SplitConstraints(limits={"a": 500.0, "b": 500.0})))
    assert limited.split.cost == pytest.approx(5 + 5 + 100)
    assert limited.single_venues == ("c",)
    many = solved(arbitrage(offers, 3000.0, SplitConstraints(sub_accounts={"a": 2})))
    assert many.split.cost == pytest.approx(30.0)
    accounts = [(account.venue, account.number) for account in many.allocation]
    assert accounts == [("a", 1), ("a", 2), ("b", 1)]
    costly = solved(
        arbitrage(offers, 3000.0, SplitConstraints(sub_accounts={"a": 2}, account_cost=20.0))
    )
    # Three accounts: 30 + 40. Two: 1000 at 1 % and 2000 at 2 %, 10 + 40 + 20 = 70. One: 60.
    assert costly.split.cost == pytest.approx(60.0)
    assert len(costly.allocation) == 1
    with_minimum = accounts_of(offers, SplitConstraints(min_position=700.0))
    assert all(account.offer.min_position == 700.0 for account in with_minimum)
    assert arbitrage(offers, 3000.0, SplitConstraints(excluded=frozenset(offers))) is None
    assert arbitrage(offers, 1e6) is None


def test_a_position_that_no_venue_takes_alone_has_no_single_cost() -> None:
    own = flat([1000.0], [0.01])
    result = solved(arbitrage({"a": own, "b": own}, 1500.0))
    assert result.single is None
    assert result.saving is None
    assert result.gap is result.divergence is result.fragmentation is None


@given(
    tables() | st.integers(0, 20).map(lambda seed: curved(np.random.default_rng(seed))),
    st.floats(0.001, 0.5),
    st.floats(1.0, 40_000.0),
)
def test_a_floor_is_the_larger_of_two_at_every_size(
    offer: Offer, floor: float, notional: float
) -> None:
    expected = max(offer_margin(offer, notional) or 0.0, floor * notional)
    assert offer_margin(at_least(offer, floor), notional) == pytest.approx(expected, rel=1e-9)


def test_a_floor_on_an_open_ended_table_is_open_ended() -> None:
    offer = Offer(((0.0, inf, -50.0, 0.02, 0.0, 2.0),), 1e10)
    floored = at_least(offer, 0.01)
    assert [piece[:2] for piece in floored.pieces] == [
        (0.0, pytest.approx(5000.0)),
        (pytest.approx(5000.0), inf),
    ]
    assert offer_margin(floored, 4000.0) == pytest.approx(40.0)
    assert offer_margin(floored, 6000.0) == pytest.approx(70.0)


def test_the_whole_position_sets_the_rate() -> None:
    offer = flat([1000.0, 5000.0], [0.01, 0.02])
    assert offer_margin(as_whole(offer, 4000.0), 500.0) == pytest.approx(10.0)
    assert offer_margin(as_whole(offer, 9000.0), 500.0) == pytest.approx(
        10.0
    )  # the rate of the end of the table
    low = replace(offer, limit=900.0)
    assert offer_margin(as_whole(low, 4000.0), 500.0) == pytest.approx(5.0)


def test_another_table_limits_the_offer_to_its_end() -> None:
    offer = with_table(flat([1000.0], [0.01]), flat([500.0], [0.02]).pieces)
    assert offer.limit == 500.0
    assert offer_margin(offer, 400.0) == pytest.approx(8.0)
    assert offer_margin(offer, 600.0) is None


def test_what_ifs_by_hand() -> None:
    offers = {"a": flat([1000.0, 5000.0], [0.01, 0.04]), "b": flat([1000.0, 5000.0], [0.02, 0.03])}
    reference = flat([5000.0], [0.10]).pieces

    def result(specification: str) -> tuple[float | None, ...]:
        change = parse_what_if(specification, tuple(offers))
        row = apply_what_if(change, offers, [2000.0], SplitConstraints(), reference)
        (point,) = row.points
        return point.split, point.changed, point.gap

    before = 10.0 + 20.0
    assert result("leverage=25") == pytest.approx((before, 80.0, 120.0))
    assert result("minimum=1.5%") == pytest.approx((before, 15.0 + 20.0, 200.0 - 35.0))
    assert result("aggregate") == pytest.approx((before, 60.0, 140.0))
    assert result("adopt=b") == pytest.approx((before, 40.0, 160.0))
    nothing = apply_what_if(
        parse_what_if("adopt=a", ("a",)), offers, [20_000.0], SplitConstraints(), None
    ).points[0]
    assert (nothing.split, nothing.changed, nothing.single, nothing.gap) == (None,) * 4


def test_aggregated_positions_leave_out_margins_that_were_not_observed() -> None:
    """Of $2,000, a takes $500 at the rate of its end; if larger positions exist, that rate is unknown."""
    cheap, other = flat([500.0], [0.01]), flat([5000.0], [0.03])
    aggregate = parse_what_if("aggregate", ("a", "b"))

    def changed(first: Offer) -> float | None:
        offers = {"a": first, "b": other}
        row = apply_what_if(aggregate, offers, [2000.0], SplitConstraints(), None)
        return row.points[0].changed

    assert changed(cheap) == pytest.approx(500 * 0.01 + 1500 * 0.03)
    assert changed(replace(cheap, is_unobserved_above=True)) == pytest.approx(2000 * 0.03)


def test_a_split_that_was_not_observed_differs_from_one_above_the_capacities() -> None:
    offers = {"a": flat([500.0], [0.01]), "b": flat([900.0], [0.03])}
    assert too_large_reason(offers, [2e3, 3e3]) == (
        "the venues together do not accept $2,000, $3,000"
    )
    offers["b"] = replace(offers["b"], is_unobserved_above=True)
    assert too_large_reason(offers, [2e3]) == (
        "the observed margins of the venues together do not reach $2,000; larger positions were not "
        "observed at b"
    )


@pytest.mark.parametrize(
    ("specification", "message"),
    [
        ("leverage=0", "expected a number above 1, at most 1000"),
        ("leverage=1", "expected a number above 1, at most 1000"),
        ("leverage=abc", "found 'abc'"),
        ("minimum=200%", "expected a number above 0, at most 1"),
        ("minimum=nan", "found 'nan'"),
        ("leverage=sNaN", "found 'sNaN'"),
        ("adopt=nobody", "unknown venue 'nobody'; use a venue that is compared"),
        ("aggregate=1", "what-if: expected leverage=20, minimum=0.5%, aggregate or adopt=VENUE"),
        ("tax", "found 'tax'"),
    ],
)
def test_an_invalid_what_if_names_the_valid_ones(specification: str, message: str) -> None:
    with pytest.raises(WhatIfError, match=message):
        parse_what_if(specification, ("a", "b"))
