"""The least ratio of a curved margin to a constant rate, at the notional that algebra gives."""

from decimal import Decimal as D

import pytest

from harmonize.core.schedule import INFINITY, MarginFunction, Piece, flat
from harmonize.numerics.offer import Offer, offer_margin
from harmonize.numerics.rounding import rounded, rounded_all, rounded_or_none
from tests.harmonize.numerics.test_deviation import deviation_of


@pytest.mark.parametrize(
    ("power", "coefficient"), [("1.5", "1e-5"), ("1.8", "1e-6"), ("2", "1e-8"), ("3", "1e-14")]
)
def test_a_fixed_amount_and_a_curve_have_their_least_ratio_where_they_balance(
    power: str, coefficient: str
) -> None:
    # a/N + r + c N^(p−1) is least where a/N = (p − 1) c N^(p−1), that is N^p = a / ((p − 1) c)
    function = MarginFunction((Piece(D(100_000_000), D(500), D("0.01"), D(coefficient), D(power)),))
    deviation = deviation_of(function, flat([INFINITY], [D("0.02")]))
    c, p = float(coefficient), float(power)
    notional = (500 / ((p - 1) * c)) ** (1 / p)
    least = (500 / notional + 0.01 + c * notional ** (p - 1)) / 0.02 - 1
    assert deviation.lowest == pytest.approx(least, rel=1e-9)
    assert deviation.lowest_notional == pytest.approx(notional, rel=1e-5)


def test_figures_keep_twelve_significant_digits() -> None:
    assert rounded(2 / 3) == 0.666666666667
    assert rounded(200_000 / 3) == 66666.6666667
    assert rounded_all([1 / 3, 1e-7 / 3]) == (0.333333333333, 3.33333333333e-8)
    assert rounded_or_none(2 / 3) == 0.666666666667
    assert rounded_or_none(None) is None


def test_an_account_without_a_smallest_position_takes_any() -> None:
    offer = Offer(((0.0, 100.0, 0.0, 0.5, 0.0, 2.0),), 100.0)
    assert offer.min_position == 0.0
    assert offer_margin(offer, 0.25) == 0.125
    assert offer_margin(offer, 0.0) is None
    assert offer_margin(offer, 100.5) is None
