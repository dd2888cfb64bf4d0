"""Depth of an order book from CSV: interpolation, its end, and errors with their place."""

import numpy as np
import pytest

from harmonize.stress.curve import curve
from harmonize.stress.depth_file import read_depth
from harmonize.stress.errors import StressInputError
from tests.harmonize.stress.markets import stated

TABLE = "volume,move\n1e6,0.01\n3e6,0.05\n"


def test_moves_are_interpolated_from_zero_to_the_end() -> None:
    impact = read_depth(TABLE, "d.csv")
    moves = impact.move(np.array([0.0, 5e5, 1e6, 2e6, 3e6, 3.1e6]))
    assert moves.tolist() == pytest.approx([0.0, 0.005, 0.01, 0.03, 0.05, np.inf])
    other = read_depth("Move, Volume\n0,0\n\n0.01,1e6\n0.05,3e6\n", "d.csv")
    assert other == impact


def test_a_sale_beyond_the_end_is_refused() -> None:
    impact = read_depth(TABLE, "d.csv")
    given = stated([0.02, 0.021], [2e6, 2e6])
    assert curve(given, impact, [0.01]).move.tolist() == [0.01]
    with pytest.raises(StressInputError, match=r"\$4,000,000 is sold beyond the end of the table"):
        curve(given, impact, [0.02])


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "d.csv:1: expected the columns volume, move, found none"),
        ("volume,size\n", "d.csv:1: expected the columns volume, move, found volume, size"),
        ("volume,move\n", "d.csv:1: no rows; add a volume in USD and a move per row"),
        ("volume,move\n0,0\n", "d.csv:1: no rows; add a volume"),
        (f"{TABLE}1,000,0.1\n", "d.csv:4: expected 2 cells, found 3; write numbers without commas"),
        (f"{TABLE}2e6,0.06\n", "d.csv:4: volume: expected more than 3e+06, found 2e+06; sort"),
        (f"{TABLE}4e6,0.04\n", "d.csv:4: move: expected at least 0.05, found 0.04"),
        (f"{TABLE}4e6,5\n", "d.csv:4: move: expected a fraction from 0 to below 1"),
        (f"{TABLE}-4e6,0.2\n", "d.csv:4: volume: expected USD from 0, found '-4e6'"),
        (f"{TABLE}nan,0.2\n", "d.csv:4: volume: expected USD from 0, found 'nan'"),
        (f"{TABLE}inf,0.2\n", "d.csv:4: volume: expected USD from 0, found 'inf'"),
        (f"{TABLE}\uff14000000,0.2\n", "d.csv:4: volume: expected USD from 0, found "),
        ("volume,move\n0,0.01\n", "d.csv:2: volume: expected more than 0, found 0"),
    ],
)
def test_errors_state_place_and_problem(text: str, message: str) -> None:
    with pytest.raises(StressInputError) as error:
        read_depth(text, "d.csv")
    assert str(error.value).startswith(message)
