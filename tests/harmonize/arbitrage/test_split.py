"""Cheapest split: against brute force, a linear program, HiGHS, and the laws of an infimum."""

from collections.abc import Sequence
from dataclasses import replace
from fractions import Fraction
from itertools import product
from math import inf
from random import Random

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import linprog

from harmonize.arbitrage import split as module
from harmonize.arbitrage.lagrangian import AccountPieces
from harmonize.arbitrage.milp import solve
from harmonize.arbitrage.split import PROVED, split
from harmonize.numerics.offer import Offer, offer_margin
from tests.support.offers import curved, flat, marginal, random_flat, random_marginal

EXACT = 1e-12


def brute(offers: Sequence[Offer], notional: float, fee: float = 0.0) -> Fraction | None:
    """Tries every split with all accounts but one at an end of a piece; exact for straight pieces.

    Costs are linear between ends, so some optimal split has at most one account elsewhere.
    """
    ends = []
    for offer in offers:
        piece_ends = {Fraction(0)}
        for lower, upper, *_ in offer.pieces:
            largest = min(upper, offer.limit)
            if max(lower, offer.min_position) <= largest and lower < offer.limit:
                piece_ends |= {Fraction(max(lower, offer.min_position)), Fraction(largest)}
        ends.append(sorted(piece_ends))
    best: Fraction | None = None
    for free in range(len(offers)):
        choices = [
            piece_ends if account != free else [Fraction(-1)]
            for account, piece_ends in enumerate(ends)
        ]
        for sizes in product(*choices):
            remainder = Fraction(notional) - sum(size for size in sizes if size >= 0)
            whole = [remainder if size < 0 else size for size in sizes]
            costs = [
                _exact(offer, size, notional) for offer, size in zip(offers, whole, strict=True)
            ]
            if all(cost is not None for cost in costs):
                used = sum(size > 0 for size in whole)
                total = sum(cost for cost in costs if cost) + Fraction(fee) * (used - 1)
                best = total if best is None else min(best, total)
    return best


def _exact(offer: Offer, size: Fraction, notional: float) -> Fraction | None:
    """Returns the least limit of the margin at a size, from the published numbers.

    No account holds more than the position, so the limit from above at the whole position is
    excluded.
    """
    if size == 0:
        return Fraction(0)
    if size < Fraction(offer.min_position) or size > Fraction(offer.limit):
        return None
    limits = [
        Fraction(fixed) + Fraction(rate) * size
        for lower, upper, fixed, rate, *_ in offer.pieces
        if Fraction(lower) <= size <= Fraction(upper) and lower < min(offer.limit, notional)
    ]
    return min(limits, default=None)


@st.composite
def small_offers(draw: st.DrawFn, max_count: int = 4) -> list[Offer]:
    """Draws up to four accounts of up to three tiers, flat or marginal, rates rising or not."""
    offers = []
    for _ in range(draw(st.integers(1, max_count))):
        size = draw(st.integers(1, 3))
        bounds = sorted(
            draw(st.lists(st.integers(1, 40), min_size=size, max_size=size, unique=True))
        )
        rates = draw(st.lists(st.integers(1, 100), min_size=size, max_size=size))
        if draw(st.integers(0, 4)):
            rates.sort()
        make = draw(st.sampled_from((flat, marginal)))
        offers.append(make([1000.0 * bound for bound in bounds], [rate / 128 for rate in rates]))
    return offers


def rising(offers: Sequence[Offer]) -> list[Offer]:
    """Returns the accounts with rates in rising order, so that margin rises with size."""
    return [
        flat([piece[1] for piece in offer.pieces], sorted(piece[3] for piece in offer.pieces))
        for offer in offers
    ]


notionals = st.integers(1, 80).map(lambda thousands: 500.0 * thousands)


@settings(max_examples=150)
@given(small_offers(), notionals)
def test_the_cost_is_that_of_the_best_of_all_splits(offers: list[Offer], notional: float) -> None:
    cheapest, expected = split(offers, notional), brute(offers, notional)
    assert (cheapest is None) == (expected is None)
    if cheapest is not None and expected is not None:
        assert cheapest.cost == pytest.approx(float(expected), rel=EXACT)
        assert cheapest.proved
        assert cheapest.bound <= cheapest.cost


@settings(max_examples=100)
@given(
    small_offers(3), notionals, st.sampled_from((0.0, 1500.0, 4000.0)), st.sampled_from((0.0, 40.0))
)
def test_smallest_positions_and_account_costs_hold(
    offers: list[Offer], notional: float, ticket: float, fee: float
) -> None:
    offers = [replace(offer, min_position=ticket) for offer in offers]
    cheapest, expected = split(offers, notional, fee), brute(offers, notional, fee)
    assert (cheapest is None) == (expected is None)
    if cheapest is not None and expected is not None:
        assert cheapest.cost == pytest.approx(float(expected), rel=EXACT)
        assert all(size == 0.0 or size >= ticket * (1 - EXACT) for size in cheapest.allocation)


@given(small_offers(), notionals)
def test_the_allocation_adds_up_to_the_position_and_the_cost(
    offers: list[Offer], notional: float
) -> None:
    cheapest = split(offers, notional)
    if cheapest is None:
        assert sum(offer.limit for offer in offers) < notional
        return
    assert sum(cheapest.allocation) == pytest.approx(notional, rel=EXACT)
    costs = [
        _exact(offer, Fraction(size), notional)
        for offer, size in zip(offers, cheapest.allocation, strict=True)
    ]
    assert all(cost is not None for cost in costs)
    assert float(sum(cost for cost in costs if cost)) == pytest.approx(cheapest.cost, rel=EXACT)


@given(small_offers(), notionals)
def test_no_single_account_is_cheaper(offers: list[Offer], notional: float) -> None:
    cheapest = split(offers, notional)
    single = [
        amount
        for amount in (offer_margin(offer, notional) for offer in offers)
        if amount is not None
    ]
    if single:
        assert cheapest is not None
        assert cheapest.cost <= min(single) * (1 + EXACT)


@given(small_offers(), notionals, st.floats(0.01, 1.0))
def test_a_smaller_position_never_costs_more(
    offers: list[Offer], notional: float, part: float
) -> None:
    offers = rising(offers)
    whole, less = split(offers, notional), split(offers, notional * part)
    if whole is not None:
        assert less is not None
        assert less.cost <= whole.cost * (1 + EXACT)


@given(small_offers(), small_offers(1), notionals)
def test_one_more_venue_never_raises_the_cost(
    offers: list[Offer], more: list[Offer], notional: float
) -> None:
    cheapest, wider = split(offers, notional), split([*offers, *more], notional)
    if cheapest is not None:
        assert wider is not None
        assert wider.cost <= cheapest.cost * (1 + EXACT)


@given(small_offers(), notionals, st.floats(0.1, 1.0), st.data())
def test_a_larger_capacity_never_raises_the_cost(
    offers: list[Offer], notional: float, part: float, data: st.DataObject
) -> None:
    position = data.draw(st.integers(0, len(offers) - 1))
    tighter = list(offers)
    tighter[position] = replace(offers[position], limit=offers[position].limit * part)
    cheapest, wider = split(tighter, notional), split(offers, notional)
    if cheapest is not None:
        assert wider is not None
        assert wider.cost <= cheapest.cost * (1 + EXACT)


@given(small_offers(), notionals, st.randoms(use_true_random=False))
def test_the_order_of_the_venues_does_not_matter(
    offers: list[Offer], notional: float, random: Random
) -> None:
    shuffled = list(offers)
    random.shuffle(shuffled)
    cheapest, other = split(offers, notional), split(shuffled, notional)
    assert (cheapest is None) == (other is None)
    if cheapest and other:
        assert other.cost == pytest.approx(cheapest.cost, rel=EXACT)


@given(small_offers(), notionals, st.data())
def test_a_tier_in_two_halves_is_the_same_tier(
    offers: list[Offer], notional: float, data: st.DataObject
) -> None:
    position = data.draw(st.integers(0, len(offers) - 1))
    pieces = list(offers[position].pieces)
    tier = data.draw(st.integers(0, len(pieces) - 1))
    lower, upper, *terms = pieces[tier]
    middle = lower + (upper - lower) * data.draw(st.floats(0.1, 0.9))
    fixed, rate, coefficient, power = terms
    pieces[tier : tier + 1] = [
        (lower, middle, fixed, rate, coefficient, power),
        (middle, upper, fixed, rate, coefficient, power),
    ]
    halved = list(offers)
    halved[position] = replace(offers[position], pieces=tuple(pieces))
    cheapest, other = split(offers, notional), split(halved, notional)
    assert (cheapest is None) == (other is None)
    if cheapest and other:
        assert other.cost == pytest.approx(cheapest.cost, rel=EXACT)


@given(small_offers(), notionals, st.sampled_from((1e-3, 0.5, 7.0, 1e4)))
def test_other_units_give_the_same_split(offers: list[Offer], notional: float, unit: float) -> None:
    scaled = [
        Offer(
            tuple(
                (lower * unit, upper * unit, fixed * unit, rate, 0.0, 2.0)
                for lower, upper, fixed, rate, _, _ in offer.pieces
            ),
            offer.limit * unit,
        )
        for offer in offers
    ]
    cheapest, other = split(offers, notional), split(scaled, notional * unit)
    assert (cheapest is None) == (other is None)
    if cheapest and other:
        assert other.cost == pytest.approx(cheapest.cost * unit, rel=1e-11)


@pytest.mark.parametrize("seed", range(12))
def test_the_split_of_many_venues_is_that_of_highs_and_not_below_its_linear_bound(
    seed: int,
) -> None:
    rng = np.random.default_rng(seed)
    offers = [(random_flat if rng.random() < 0.6 else random_marginal)(rng, 10) for _ in range(20)]
    notional = float(np.round(10 ** rng.uniform(5, np.log10(sum(o.limit for o in offers) * 0.9))))
    cheapest = split(offers, notional)
    assert cheapest is not None
    assert cheapest.proved
    assert cheapest.cost >= linear_bound(offers, notional) * (1 - 1e-9)
    chosen, bound = solve(module.items_of(offers, notional, 0.0), notional) or (None, 0.0)
    assert chosen is not None
    assert cheapest.cost == pytest.approx(bound, rel=1e-7)


def linear_bound(offers: Sequence[Offer], notional: float) -> float:
    """Solves the linear program over the ends of all pieces: the convex hull of each account."""
    costs, sizes, owner = [], [], []
    for account, offer in enumerate(offers):
        for lower, upper, fixed, rate, *_ in ((0.0, 0.0, 0.0, 0.0), *offer.pieces):
            for end in {lower, min(upper, notional)} if lower < notional else set():
                costs.append(fixed + rate * end)
                sizes.append(end)
                owner.append(account)
    equal = np.zeros((len(offers) + 1, len(costs)))
    equal[owner, np.arange(len(costs))] = 1.0
    equal[-1] = np.array(sizes) / notional
    solution = linprog(costs, A_eq=equal, b_eq=np.ones(len(offers) + 1), method="highs")
    return float(solution.fun)


@pytest.mark.parametrize("seed", range(8))
def test_curved_margins_are_split_within_a_millionth(seed: int) -> None:
    rng = np.random.default_rng(seed)
    offers = [curved(rng) for _ in range(3)] + [random_flat(rng, 3)]
    notional = float(10 ** rng.uniform(5, 7.5))
    cheapest = split(offers, notional)
    assert cheapest is not None
    assert cheapest.optimality_gap <= 1e-6
    assert cheapest.cost <= on_a_grid(offers, notional) * (1 + 1e-9)


def on_a_grid(
    offers: Sequence[Offer], notional: float, steps: int = 1000, fee: float = 0.0
) -> float:
    """Returns the cost of the best split into equal parts, by adding one account after another."""
    grid = [notional * step / steps for step in range(steps + 1)]
    best = np.full(steps + 1, inf)
    best[0] = 0.0
    for offer in offers:
        costs = np.array([0.0, *(_cost(offer, size) + fee for size in grid[1:])])
        best = np.array([(best[: k + 1] + costs[k::-1]).min() for k in range(steps + 1)])
    return float(best[-1]) - fee


def _cost(offer: Offer, size: float) -> float:
    amount = offer_margin(offer, size) if size >= offer.min_position else None
    return inf if amount is None else amount


@st.composite
def curved_offers(draw: st.DrawFn) -> list[Offer]:
    """Draws pieces that steepen or flatten, with jumps between them, beside flat tiers."""
    power = draw(st.sampled_from((0.5, 1.25, 1.5, 1.8, 2.0, 3.0)))
    rate = draw(st.integers(1, 60)) / 1000
    rise = (
        draw(st.integers(1, 40)) / 1000 / 20_000 ** (power - 1.0)
    )  # the increase of the rate at the end
    curve = (0.0, 20_000.0, 0.0, rate, rise if power > 1 else -rate / 2, power)
    jump = draw(st.integers(1, 19)) * 1000.0
    low = (0.0, jump, 0.0, rate, 0.0, 2.0)
    pieces = draw(st.sampled_from(((curve,), (low, (jump, *curve[1:])))))
    return [Offer(pieces, 20_000.0), *draw(small_offers(2))]


@settings(max_examples=200)
@given(
    curved_offers(),
    st.integers(1, 20).map(lambda thousands: 1000.0 * thousands),
    st.sampled_from((0.0, 1000.0)),
)
def test_curved_pieces_beside_jumps_cost_no_more_than_on_a_grid(
    offers: list[Offer], notional: float, ticket: float
) -> None:
    offers = [replace(offer, min_position=ticket) for offer in offers]
    cheapest, on_grid = split(offers, notional, 20.0), on_a_grid(offers, notional, 400, 20.0)
    if cheapest is None:
        assert on_grid == inf
        return
    assert cheapest.cost <= on_grid * (1 + 1e-9)
    assert cheapest.optimality_gap <= 1e-6
    margins = [
        offer_margin(offer, size)
        for offer, size in zip(offers, cheapest.allocation, strict=True)
        if size
    ]
    fees = 20.0 * (len(margins) - 1)
    assert sum(amount or 0.0 for amount in margins) + fees == pytest.approx(cheapest.cost, rel=1e-9)


def test_a_curve_that_is_steeper_than_the_marginal_rate_stays_at_its_smallest_size() -> None:
    curve = Offer(((0.0, 1e5, 0.0, 0.043, 0.00016127978732711305, 1.5),), 1e5, min_position=1000.0)
    cheapest = split([curve, flat([4e3, 1.3e4, 1.8e4], [0.009, 0.051, 0.147])], 4500.0, 20.0)
    assert cheapest is not None
    assert cheapest.allocation == pytest.approx((1000.0, 3500.0))
    assert cheapest.cost == pytest.approx(43.0 + 0.00016127978732711305 * 1000**1.5 + 31.5 + 20.0)


def test_the_sum_of_all_capacities_can_be_split() -> None:
    limits = [8762.367, 15000.0, 8762.367]
    cheapest = split([flat([limit], [0.1]) for limit in limits], sum(limits) * (1 + 1e-16))
    assert cheapest is not None
    assert cheapest.allocation == pytest.approx(tuple(limits))
    full = split([flat([1.1], [0.1]), flat([2.2], [0.1])], 3.3)
    assert full is not None
    assert full.shadow_price is None


def test_a_split_is_just_above_a_bound_at_which_margin_falls() -> None:
    offer = flat([3000.0, 4000.0, 24_000.0], [0.069, 0.058, 0.096])
    cheapest = split([offer] * 3, 9000.0)
    assert cheapest is not None
    assert sum(offer_margin(offer, size) or 0.0 for size in cheapest.allocation) == pytest.approx(
        cheapest.cost
    )


def test_a_concave_margin_is_split_where_its_slope_is_least() -> None:
    root = Offer(((0.0, 1e6, 0.0, 0.0, 10.0, 0.5),), 1e6)
    line = flat([1e6], [0.02])
    # 10 √n against 0.02 n: all in one account, whichever is cheaper.
    small, large = split([root, line], 1e5), split([root, line], 9e5)
    assert small is not None
    assert large is not None
    assert small.cost == pytest.approx(0.02 * 1e5)
    assert large.cost == pytest.approx(10 * 9e5**0.5)
    mixed = split([root, replace(line, limit=1e5)], 1.05e6)
    assert mixed is not None
    assert mixed.cost == pytest.approx(10 * 1e6**0.5 + 0.02 * 5e4, rel=1e-9)
    assert mixed.optimality_gap <= PROVED


def test_sub_accounts_share_a_position_evenly_enough() -> None:
    offer = flat([1000.0, 5000.0], [0.01, 0.05])
    three = split([offer] * 3, 3000.0)
    assert three is not None
    assert three.cost == pytest.approx(30.0)
    assert three.allocation == pytest.approx((1000.0, 1000.0, 1000.0))
    more = split([offer] * 3, 3500.0)
    # One account enters its second tier: two accounts of 1000 at 1 %, and one of 1500 at 5 %.
    assert more is not None
    assert more.cost == pytest.approx(20.0 + 75.0)


def test_the_shadow_price_is_the_slope_of_the_cost() -> None:
    offers = [marginal([1000.0, 5000.0], [0.01, 0.04]), marginal([2000.0, 9000.0], [0.02, 0.03])]
    cheapest, further = split(offers, 3500.0), split(offers, 3501.0)
    assert cheapest is not None
    assert further is not None
    assert cheapest.shadow_price == pytest.approx(further.cost - cheapest.cost, rel=1e-9) == 0.03
    full = split([flat([1000.0, 5000.0], [0.01, 0.04])], 1000.0)
    assert full is not None
    assert full.shadow_price is None


def test_the_shadow_price_of_a_curved_margin_is_its_derivative() -> None:
    cheapest = split([Offer(((0.0, 1e6, 0.0, 0.01, 1e-8, 2.0),), 1e6)], 5e5)
    assert cheapest is not None
    assert cheapest.shadow_price == pytest.approx(0.01 + 2 * 1e-8 * 5e5)


def test_equal_steps_that_branch_and_bound_leaves_open_go_to_the_milp(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    rng = np.random.default_rng(3)
    bounds = [1e5 * step for step in range(1, 9)]
    offers = [
        flat(bounds, (np.sort(rng.choice(np.arange(4, 400), 8, replace=False)) / 1000).tolist())
        for _ in range(6)
    ]
    whole = split(offers, 1_450_000.0)
    monkeypatch.setattr(module, "_NODES_BEFORE_MILP", 0)
    calls: list[AccountPieces] = []

    def recording_solve(items: AccountPieces, size: float) -> tuple[AccountPieces, float] | None:
        calls.append(items)
        return solve(items, size)

    monkeypatch.setattr("harmonize.arbitrage.milp.solve", recording_solve)
    with_milp = split(offers, 1_450_000.0)
    assert calls
    assert whole is not None
    assert with_milp is not None
    assert with_milp.cost == pytest.approx(whole.cost, rel=EXACT)
    assert with_milp.optimality_gap <= 1e-6


@pytest.mark.parametrize(("notional", "fee"), [(0.0, 0.0), (-1.0, 0.0), (inf, 0.0), (1.0, -1.0)])
def test_an_invalid_position_or_account_cost_is_rejected(notional: float, fee: float) -> None:
    with pytest.raises(ValueError, match="expected a notional above 0"):
        split([flat([10.0], [0.1])], notional, fee)


def test_a_position_beyond_all_capacities_has_no_split() -> None:
    assert split([flat([10.0], [0.1])] * 3, 31.0) is None
    assert split([replace(flat([10.0], [0.1]), min_position=8.0)] * 2, 7.0) is None
