"""Partial liquidation: each slice at the MM of what remains, conserved, and equal to a plain loop."""

from collections.abc import Iterator
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harmonize.core.instrument import Payoff
from harmonize.liquidation.price import BelowAtEntryError, MarginBasis, Side, liquidation
from harmonize.stress.curve import curve
from harmonize.stress.errors import StressInputError
from harmonize.stress.falls import falls
from harmonize.stress.impact import LinearImpact, SquareRootImpact
from harmonize.stress.paths import PathTerms, run_path, settle, to_deleverage
from harmonize.stress.positions import Positions, build_positions
from harmonize.stress.slices import MOST_SLICES, slice_falls, sliced_thresholds
from harmonize.stress.thresholds import Direction, thresholds
from harmonize.stress.tiers import VenueMargins, tiers_from_pieces
from tests.harmonize.stress.markets import flat_margins

# MM of 1 %, 2 % and 5 % up to $1m, $5m and beyond, without jumps: F(N) = rate·N − deduction.
TIERS = [
    (0.0, 1e6, 0.0, 0.01, 0.0, 2.0),
    (1e6, 5e6, -1e4, 0.02, 0.0, 2.0),
    (5e6, 1e15, -1.6e5, 0.05, 0.0, 2.0),
]
NO_IMPACT = LinearImpact(0.0)


def tiered(payoff: Payoff = Payoff.LINEAR, basis: MarginBasis = MarginBasis.VALUE) -> VenueMargins:
    own = tiers_from_pieces(TIERS)
    return VenueMargins("a", own, own, fee=0.0005, payoff=payoff, basis=basis)


def book(seed: int = 3, rows: int = 30, side: float = 1.0) -> Positions:
    rng = np.random.default_rng(seed)
    notional = 10.0 ** rng.uniform(4.0, 7.5, rows)
    return build_positions(["a"], 0, side, notional, notional / rng.uniform(1.5, 60.0, rows))


def required(value: Fraction) -> Fraction:
    """MM of a value, without fee, in exact numbers."""
    _, _, fixed, rate, _, _ = next(tier for tier in TIERS if value <= tier[1])
    return Fraction(fixed) + Fraction(str(rate)) * value


def exact_falls(notional: float, margin: float, slices: int) -> list[Fraction]:
    """Falls of the slices of a linear long without a fee, in exact numbers.

    Cash of closed slices is followed, and the price solved tier by tier for what is open.
    """
    whole, cash, last = Fraction(notional), Fraction(margin), Fraction(0)
    found = []
    for closed in range(slices):
        open_ = whole * (slices - closed) / slices
        if cash - open_ * last > required(open_ * (1 - last)):
            last = next(fall for fall in solved(open_, cash) if fall >= last)
        found.append(last)
        cash -= whole / slices * last
    return found


def solved(open_: Fraction, cash: Fraction) -> Iterator[Fraction]:
    """Yields the falls at which cash less loss is the MM of the open value, from the largest tier on."""
    for lower, upper, fixed, rate, _, _ in reversed(TIERS):
        # cash − open·d = fixed + rate·open·(1 − d)
        own = Fraction(str(rate))
        fall = (cash - Fraction(fixed) - own * open_) / (open_ * (1 - own))
        if Fraction(lower) < open_ * (1 - fall) <= Fraction(upper):
            yield fall


@pytest.mark.parametrize("slices", [1, 2, 5, 20])
def test_falls_of_slices_equal_an_exact_loop_on_tiers(slices: int) -> None:
    own = tiers_from_pieces(TIERS)
    positions = book()
    found = slice_falls(positions, [VenueMargins("a", own, own)], slices).fall
    expected = [
        float(fall)
        for notional, margin in zip(positions.notional, positions.margin, strict=True)
        for fall in exact_falls(float(notional), float(margin), slices)
    ]
    assert found == pytest.approx(expected, abs=1e-12)
    assert slices == 1 or len(np.unique(found)) > len(positions)


@pytest.mark.parametrize("side", [1.0, -1.0])
@pytest.mark.parametrize("payoff", [Payoff.LINEAR, Payoff.INVERSE])
@pytest.mark.parametrize("basis", MarginBasis)
def test_falls_of_slices_equal_a_loop_over_the_liquidation_formula(
    side: float, payoff: Payoff, basis: MarginBasis
) -> None:
    positions, slices = book(5, 12, side), 4
    terms = tiered(payoff, basis)
    found = slice_falls(positions, [terms], slices).fall.reshape(-1, slices)
    words, is_inverse = Side.LONG if side > 0.0 else Side.SHORT, payoff is Payoff.INVERSE
    for row, (notional, margin) in enumerate(
        zip(positions.notional.tolist(), positions.margin.tolist(), strict=True)
    ):
        left, equity, last = notional, margin, 0.0
        for closed in range(slices):
            try:
                price = liquidation(
                    TIERS, left, equity, words, inverse=is_inverse, basis=basis, fee=0.0005
                )
                fall = np.inf if price is None else side * (1.0 - price)
            except BelowAtEntryError:
                fall = 0.0
            last = max(last, fall)
            assert found[row, closed] == pytest.approx(last, abs=1e-9)
            if np.isinf(last):
                break
            at = 1.0 - side * last
            lost = side * (1.0 / at - 1.0) if is_inverse else last
            equity -= notional / slices * lost
            left -= notional / slices


@settings(max_examples=30)
@given(st.integers(0, 500), st.integers(2, 6))
def test_margin_at_each_slice_is_the_mm_of_what_remains(seed: int, slices: int) -> None:
    positions, terms = book(seed, 8), tiered()
    fall = slice_falls(positions, [terms], slices).fall.reshape(-1, slices)
    each = positions.notional / slices
    for closed in range(slices):
        realised = each * fall[:, :closed].sum(axis=1)
        open_ = each * (slices - closed)
        equity = positions.margin - realised - open_ * fall[:, closed]
        value = open_ * (1.0 - fall[:, closed])
        least = terms.maintenance.margin(value) + terms.fee * value
        at_mm = np.isclose(equity, least, rtol=1e-9, atol=1e-6)
        is_below_at_once = fall[:, closed] == 0.0
        assert (at_mm | is_below_at_once).all()
        assert (np.diff(fall, axis=1) >= 0.0).all()


def test_one_slice_is_the_full_liquidation_bit_by_bit() -> None:
    positions, terms = book(8, 200), tiered()
    whole = thresholds(positions, falls(positions, [terms]))
    one = sliced_thresholds(positions, [terms], 1)
    for field in ("fall", "bankrupt", "notional", "margin", "exposure", "immediate", "row"):
        assert (getattr(whole, field) == getattr(one, field)).all()
    impact, path = SquareRootImpact(0.05, 1e9), [0.02, 0.2, 0.05, 0.3]
    results = [run_path(own, impact, path, PathTerms(2, 3.0, hold=False)) for own in (whole, one)]
    for field in ("move", "liquidated", "unsold", "loss", "beyond_margin", "left", "execution"):
        found, expected = (getattr(result, field) for result in results)
        assert np.array_equal(found, expected, equal_nan=True)


@settings(max_examples=30)
@given(st.integers(0, 500), st.integers(2, 7), st.sampled_from([1, 3]))
def test_slices_conserve_contracts_margins_and_losses(seed: int, slices: int, steps: int) -> None:
    positions, terms = book(seed, 25), tiered()
    given_ = sliced_thresholds(positions, [terms], slices)
    owner = given_.row // slices
    assert np.bincount(owner, given_.notional) == pytest.approx(positions.notional)
    assert np.bincount(owner, given_.margin) == pytest.approx(positions.margin)
    path = np.random.default_rng(seed).uniform(0.0, 0.6, 6)
    found = run_path(given_, SquareRootImpact(0.04, 1e9), path, PathTerms(steps))
    once = found.share > 0.0  # a row is sold once, and the whole of it
    assert set(np.unique(found.share)) <= {0.0, 1.0}
    assert found.liquidated[0] == pytest.approx(given_.notional[once].sum())
    assert found.sold.sum() == pytest.approx(found.liquidated.sum())
    # By position: losses are paid from its whole margin, those beyond it by others.
    loss = np.bincount(owner, np.where(once, given_.exposure * found.execution, 0.0))
    beyond = np.maximum(loss - positions.margin, 0.0)
    assert np.bincount(owner, found.beyond_by_row) == pytest.approx(beyond, abs=1e-3)
    assert found.loss == pytest.approx(found.from_margin + found.beyond_margin)
    assert found.from_margin[0] == pytest.approx(np.minimum(loss, positions.margin).sum())
    paid, haircuts = settle(found.beyond_margin, [1e4])
    assert found.loss == pytest.approx(found.from_margin + paid + haircuts)
    is_whole = np.bincount(owner, once) == slices
    freed = np.bincount(owner, np.where(once, given_.margin, 0.0))
    left = np.maximum(np.where(is_whole, positions.margin, freed) - loss, 0.0)
    assert found.left[0] == pytest.approx(left.sum(), abs=1e-3)


@settings(max_examples=30)
@given(st.integers(0, 500), st.integers(2, 7))
def test_slices_liquidate_no_more_than_whole_positions_without_impact(
    seed: int, slices: int
) -> None:
    positions, terms = book(seed, 25), tiered()
    whole = sliced_thresholds(positions, [terms], 1)
    parts = sliced_thresholds(positions, [terms], slices)
    path = np.random.default_rng(seed).uniform(0.0, 0.4, 5)
    most, less = (run_path(own, NO_IMPACT, path).triggered[: path.size] for own in (whole, parts))
    assert (less.cumsum(axis=0) <= most.cumsum(axis=0) * (1.0 + 1e-12)).all()


def test_a_fall_by_hand() -> None:
    # $100 of margin $10 at MM 1 %: 90/99 of the price. Half is closed at 1/11 and loses $50/11; the rest
    # has a margin of 10 − 50/11 − 50·d, and MM of 0.5·(1 − d).
    positions = build_positions(["a"], 0, 1.0, [100.0], [10.0])
    found = slice_falls(positions, [flat_margins(0.01)], 2)
    first = (10.0 - 1.0) / 99.0
    second = (10.0 - 50.0 * first - 0.5) / (50.0 - 0.5)
    assert found.fall == pytest.approx([first, second], abs=1e-15)
    assert found.bankrupt.tolist() == [0.1, 0.1]
    assert found.exposure.tolist() == [50.0, 50.0]


def test_what_remains_can_lose_more_than_a_whole_liquidation() -> None:
    # The whole is sold at its fall of 9.1 %. Its second half falls on, and takes the margin of both.
    positions = build_positions(["a"], 0, 1.0, [100.0], [10.0])
    whole, halves = (sliced_thresholds(positions, [flat_margins(0.01)], n) for n in (1, 2))
    path = [0.095, 0.095, 0.3, 0.3]
    assert run_path(whole, NO_IMPACT, path).beyond_margin[0] == 0.0
    found = run_path(halves, NO_IMPACT, path)
    assert found.beyond_margin[0] == pytest.approx(50 * 0.095 + 50 * 0.3 - 10.0)
    assert found.from_margin[0] == pytest.approx(10.0)
    assert found.beyond_by_row == pytest.approx([0.0, found.beyond_margin[0]])


def test_the_margin_of_open_slices_pays_for_those_sold() -> None:
    # Half is sold at 10.005 %, beyond M/N of 10 %, and the rest recovers: nobody else has a loss.
    positions = build_positions(["a"], 0, 1.0, [100.0], [10.0])
    halves = sliced_thresholds(positions, [flat_margins(0.01)], 2)
    found = run_path(halves, NO_IMPACT, [0.095, 0.10005, 0.0])
    assert found.liquidated[0] == 50.0
    assert found.execution[0] > halves.bankrupt[0]
    assert found.beyond_margin[0] == 0.0
    assert found.from_margin[0] == pytest.approx(50.0 * 0.10005)


def test_a_margin_below_mm_closes_the_least_that_restores_it() -> None:
    # $10m of margin $280k: MM is 340k of the whole, 270k of $8.6m, so that 2 of 10 slices are closed at once.
    own = tiers_from_pieces(TIERS)
    positions = build_positions(["a"], 0, 1.0, [1e7], [2.8e5])
    found = slice_falls(positions, [VenueMargins("a", own, own)], 10)
    assert (found.fall == 0.0).tolist() == [True] * 2 + [False] * 8
    assert found.immediate.tolist() == [True] * 2 + [False] * 8


def test_closing_the_bankrupt_slices_at_bankruptcy_saves_the_haircut() -> None:
    positions = build_positions(["a"], 0, 1.0, [100.0, 200.0], [10.0, 100.0])
    halves = sliced_thresholds(positions, [flat_margins(0.01)], 2)
    found = run_path(halves, NO_IMPACT, [0.095, 0.095, 0.3, 0.3])
    _, haircuts = settle(found.beyond_margin, [4.0])
    closed = to_deleverage(halves, found, haircuts)
    assert closed[0] * (0.3 - 0.1) == pytest.approx(haircuts[0])
    assert closed[0] <= 50.0


def test_margin_of_slices_that_are_still_to_be_sold_backs_no_other() -> None:
    # Half is sold at 30 %. The other half is liquidated there, and the path ends before its sale.
    positions = build_positions(["a"], 0, 1.0, [100.0], [10.0])
    halves = sliced_thresholds(positions, [flat_margins(0.01)], 2)
    found = run_path(halves, NO_IMPACT, [0.095, 0.3], PathTerms(hold=False))
    assert (found.liquidated[0], found.unsold[0]) == (100.0, 50.0)
    assert found.beyond_margin[0] == pytest.approx(50.0 * 0.3 - 5.0)


def test_deleveraging_of_an_inverse_contract_closes_its_notional() -> None:
    positions = build_positions(["a"], 0, 1.0, [100.0], [10.0])
    terms = tiered(Payoff.INVERSE)
    whole = sliced_thresholds(positions, [terms], 1)
    found = run_path(whole, NO_IMPACT, [0.3, 0.3])
    assert found.beyond_margin[0] == pytest.approx(110.0 * 0.3 - 10.0)
    assert to_deleverage(whole, found, found.beyond_margin)[0] == pytest.approx(100.0)


def test_shorts_are_sliced_in_a_rise() -> None:
    positions = book(2, 10, -1.0)
    found = sliced_thresholds(positions, [tiered()], 3, Direction.RISE)
    assert found.notional.size == 30
    assert not sliced_thresholds(positions, [tiered()], 3).notional.size
    assert curve(found, NO_IMPACT, [0.5]).liquidated[0] > 0.0


@pytest.mark.parametrize("slices", [0, -1, MOST_SLICES + 1])
def test_slices_are_a_number_from_one(slices: int) -> None:
    with pytest.raises(StressInputError, match="slices: expected a number from 1 to 20, found"):
        sliced_thresholds(book(), [tiered()], slices)
