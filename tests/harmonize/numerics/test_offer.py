"""Scalar margin of pieces as numbers, compared with exact fractions."""

import math
from fractions import Fraction

from hypothesis import given
from hypothesis import strategies as st

from harmonize.core.schedule import MarginFunction
from harmonize.numerics.offer import Offer, margin_of_pieces, offer_margin
from harmonize.numerics.panel import PieceNumbers
from tests.support import oracles, strategies

TWO_PIECES: tuple[PieceNumbers, ...] = (
    (0.0, 1_000.0, 0.0, 0.01, 0.0, 2.0),
    (1_000.0, math.inf, -10.0, 0.02, 0.5, 2.0),
)


def numbers(function: MarginFunction) -> list[PieceNumbers]:
    """Pieces of a function as float64 numbers."""
    rows: list[PieceNumbers] = []
    lower = 0.0
    for piece in function.pieces:
        terms = (piece.upper, piece.fixed, piece.rate, piece.coefficient, piece.power)
        upper, fixed, rate, coefficient, power = map(float, terms)
        rows.append((lower, upper, fixed, rate, coefficient, power))
        lower = upper
    return rows


@given(strategies.margin_functions, st.data())
def test_margin_of_pieces_agrees_with_exact_fractions(
    function: MarginFunction, data: st.DataObject
) -> None:
    notional = data.draw(strategies.notionals(function))
    observed = margin_of_pieces(numbers(function), notional)
    expected = oracles.exact_margin(function, notional)
    if expected is None:
        assert observed is None
        return
    assert observed is not None
    assert observed == function.margin(notional)
    piece = next(piece for piece in function.pieces if notional <= float(piece.upper))
    terms = abs(Fraction(piece.fixed)) + abs(Fraction(piece.rate)) * Fraction(notional) + expected
    assert abs(Fraction(observed) - expected) <= terms / 10**12


def test_margin_of_pieces_takes_the_piece_that_covers_the_notional() -> None:
    assert margin_of_pieces(TWO_PIECES, 1_000.0) == 10.0
    assert margin_of_pieces(TWO_PIECES, 2_000.0) == -10.0 + 40.0 + 0.5 * 4_000_000.0
    assert margin_of_pieces(TWO_PIECES, 0.0) is None
    assert margin_of_pieces(TWO_PIECES[:1], 1_001.0) is None


def test_margin_of_an_offer_ends_at_its_limit() -> None:
    offer = Offer(TWO_PIECES, 1_500.0)
    assert offer_margin(offer, 1_500.0) == -10.0 + 30.0 + 0.5 * 2_250_000.0
    assert offer_margin(offer, 1_501.0) is None
    assert offer_margin(offer, 0.0) is None
