"""Rows of the document: a margin function as pieces that give the same margin."""

from decimal import Decimal

import pytest

from harmonize.core.schedule import (
    INFINITY,
    Known,
    MarginFunction,
    Observed,
    Piece,
    Unknown,
    flat,
    marginal,
)
from harmonize.document.rows import pieces

D = Decimal
CURVED = MarginFunction(
    (
        Piece(D(1000), rate=D("0.02")),
        Piece(D(50_000), fixed=D(-5), rate=D("0.025"), coefficient=D("1e-6"), power=D("1.5")),
        Piece(INFINITY, fixed=D(40), rate=D("0.03"), coefficient=D("2e-9")),
    )
)
UPPERS, RATES = [D(1000), D(50_000), INFINITY], [D("0.01"), D("0.02"), D("0.05")]


@pytest.mark.parametrize("function", [CURVED, flat(UPPERS, RATES), marginal(UPPERS, RATES)])
def test_pieces_have_the_numbers_of_the_function_and_tile_it(function: MarginFunction) -> None:
    rows = pieces(Known(function))
    assert [row.lower for row in rows] == [0.0, 1000.0, 50_000.0]
    assert [row.upper for row in rows] == [1000.0, 50_000.0, None]
    for row, piece in zip(rows, function.pieces, strict=True):
        numbers = (row.fixed, row.rate, row.coefficient, row.power)
        assert numbers == tuple(
            map(float, (piece.fixed, piece.rate, piece.coefficient, piece.power))
        )


def test_an_unknown_function_has_no_pieces() -> None:
    unknown: Observed[MarginFunction] = Unknown("not published")
    assert pieces(unknown) == ()
