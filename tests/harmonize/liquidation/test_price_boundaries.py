"""Liquidation prices at bounds of tiers, at their ends, and far from the entry."""

from math import inf, nan

import pytest

from harmonize.liquidation.price import BelowAtEntryError, MarginBasis, Side, liquidation
from harmonize.numerics.panel import PieceNumbers
from tests.support.offers import flat, marginal


@pytest.mark.parametrize("wrong", [0.0, -1.0, inf, nan])
def test_notional_and_margin_are_finite_and_above_zero(wrong: float) -> None:
    pieces = flat([1e6], [0.02]).pieces
    for notional, margin in ((wrong, 100.0), (1000.0, wrong)):
        with pytest.raises(ValueError, match="expected a notional and a margin above 0"):
            liquidation(pieces, notional, margin, Side.LONG)


def test_a_long_at_a_bound_keeps_the_tier_below_the_bound() -> None:
    # 1,000 is the last dollar of the first tier; the second would ask 100, more than the margin
    pieces = flat([1000.0, 5000.0], [0.01, 0.10]).pieces
    assert liquidation(pieces, 1000.0, 50.0, Side.LONG) == pytest.approx(950 / 990)


def test_a_short_at_a_bound_enters_the_tier_above_it() -> None:
    # just above 1,000 the second tier asks 100, more than the margin of 50
    pieces = flat([1000.0, 5000.0], [0.01, 0.10]).pieces
    assert liquidation(pieces, 1000.0, 50.0, Side.SHORT) == 1.0


def test_equity_that_equals_the_requirement_at_a_bound_is_liquidated_there() -> None:
    # at 100 equity is 75 − 50 = 25, and just above 100 the second tier asks 25
    pieces = flat([100.0, 500.0], [0.125, 0.25]).pieces
    assert liquidation(pieces, 50.0, 75.0, Side.SHORT) == 2.0


def test_equity_that_reaches_the_requirement_at_the_end_of_a_tier_is_liquidated_there() -> None:
    # at 100 equity is 62.5 − 50 = 12.5, and the first tier asks 12.5
    pieces = marginal([100.0, 500.0], [0.125, 0.25]).pieces
    assert liquidation(pieces, 50.0, 62.5, Side.SHORT) == 2.0


@pytest.mark.parametrize("margin", [1e4, 1e16, 1e30])
def test_a_flat_rate_has_a_price_however_far(margin: float) -> None:
    # margin and notional, over one plus the rate
    price = liquidation(flat([1e6], [0.25]).pieces, 1.0, margin, Side.SHORT)
    assert price == pytest.approx((margin + 1.0) / 1.25, rel=1e-15)


CURVED: PieceNumbers = (0.0, 100.0, 0.0, 0.0, 0.01, 1.5)
"""MM of 0.01 · N^1.5: 10 at 100, 0.08 at 4."""


def test_a_curved_tier_ends_where_the_next_begins() -> None:
    # from 200 at MM 10 + 0.2 · (N − 100) = 30: equity is 35 − (200 − N), so at 100 it is below 0
    flat_above: PieceNumbers = (100.0, inf, -10.0, 0.2, 0.0, 2.0)
    price = liquidation((CURVED, flat_above), 200.0, 35.0, Side.LONG)
    # 35 − 200 + N = −10 + 0.2 N
    assert price == pytest.approx(155 / 0.8 / 200)


def test_a_root_of_a_curved_tier_outside_of_the_tier_is_none_of_its_prices() -> None:
    # Down from 250: the upper tier asks 0.002 · N^1.5, 2 at 100; the lower tier asks nothing.
    # Equity 200 − (250 − N) is 50 at 100 and 0 at 50; the upper tier's own root would be 51.
    upper: PieceNumbers = (100.0, inf, 0.0, 0.0, 0.002, 1.5)
    lower: PieceNumbers = (0.0, 100.0, 0.0, 0.0, 0.0, 2.0)
    assert liquidation((lower, upper), 250.0, 200.0, Side.LONG) == pytest.approx(50 / 250)


def test_a_long_in_a_curved_tier_is_liquidated_near_zero() -> None:
    # 0.01 · N^1.5 = N − 1e-6 near N = 1e-6: equity is 100 − 1e-6 − (100 − N)
    price = liquidation((CURVED,), 100.0, 100.0 - 1e-6, Side.LONG)
    assert price == pytest.approx(1e-8, rel=1e-3)


def test_a_curved_short_is_liquidated_far_from_its_entry() -> None:
    # 1e-9 · N² = 1e9 − N beyond the entry of 1
    curved: PieceNumbers = (0.0, inf, 0.0, 0.0, 1e-9, 2.0)
    price = liquidation((curved,), 1.0, 1e9 - 1.0, Side.SHORT)
    assert price == pytest.approx((5**0.5 - 1) / 2 * 1e9, rel=1e-9)


@pytest.mark.parametrize("side", Side)
def test_a_curved_tier_that_reaches_the_margin_at_its_bound_is_liquidated_there(side: Side) -> None:
    # short: at 100 equity is 60 − 50 = 10 and MM is 10; long: at 100 equity is 110 − 100 = 10
    above: PieceNumbers = (100.0, inf, 0.0, 0.0, 0.01, 1.5)
    if side is Side.SHORT:
        assert liquidation((CURVED, above), 50.0, 60.0, side) == pytest.approx(2.0, rel=1e-12)
    else:
        assert liquidation((CURVED, above), 200.0, 110.0, side) == pytest.approx(0.5, rel=1e-12)


def test_a_root_at_the_end_of_a_tier_belongs_to_the_tier_although_the_next_asks_less() -> None:
    # at 100 equity is 75 − 50 = 25, as the first tier asks; the second asks half
    pieces = flat([100.0, 500.0], [0.25, 0.125]).pieces
    assert liquidation(pieces, 50.0, 75.0, Side.SHORT) == 2.0


def test_the_fee_counts_at_entry() -> None:
    pieces = flat([1e6], [0.02]).pieces
    assert liquidation(pieces, 1000.0, 25.0, Side.LONG, fee=0.004) is not None
    with pytest.raises(BelowAtEntryError, match="does not exceed the 30"):
        liquidation(pieces, 1000.0, 25.0, Side.LONG, fee=0.01)


@pytest.mark.parametrize("basis", [MarginBasis.ENTRY, MarginBasis.QUANTITY])
def test_a_long_with_more_margin_than_its_loss_can_be_has_no_price(basis: MarginBasis) -> None:
    pieces = flat([1e6], [0.01]).pieces
    assert liquidation(pieces, 1000.0, 1050.0, Side.LONG, basis=basis) is None


@pytest.mark.parametrize("inverse", [False, True])
def test_a_margin_that_rises_as_fast_as_the_position_has_no_price(*, inverse: bool) -> None:
    side = Side.SHORT if inverse else Side.LONG
    pieces = flat([1e6], [1.0]).pieces
    basis = MarginBasis.QUANTITY
    assert liquidation(pieces, 1000.0, 1500.0, side, basis=basis, inverse=inverse) is None


def test_of_two_prices_the_one_nearer_to_the_entry_counts() -> None:
    # 3 + n − 4 √n is 0 at 1 and at 9, and below 0 between them
    root: PieceNumbers = (0.0, inf, 0.0, 0.0, 4.0, 0.5)
    assert liquidation((root,), 100.0, 103.0, Side.LONG) == pytest.approx(0.09)


def test_a_margin_that_follows_a_root_has_a_price_near_zero() -> None:
    # n − √n − (100 − 99.76) is 0 at √n = 1.2
    root: PieceNumbers = (0.0, inf, 0.0, 0.0, 1.0, 0.5)
    assert liquidation((root,), 100.0, 99.76, Side.LONG) == pytest.approx(0.0144)


def test_a_curved_tier_counts_up_to_its_end_although_the_next_asks_less() -> None:
    # at 100 equity is 60 − 50 = 10, as the curve asks; the next tier asks 1
    above: PieceNumbers = (100.0, inf, 0.0, 0.01, 0.0, 2.0)
    assert liquidation((CURVED, above), 50.0, 60.0, Side.SHORT) == pytest.approx(2.0, rel=1e-12)
