"""Thresholds of one side and underlying, sorted by venue and fall."""

import numpy as np
import pytest

from harmonize.stress.errors import StressInputError
from harmonize.stress.falls import falls
from harmonize.stress.positions import build_positions
from harmonize.stress.thresholds import Direction, thresholds
from harmonize.stress.tiers import tiers_from_pieces
from tests.harmonize.stress.markets import flat_margins

POSITIONS = build_positions(
    ["a", "b"],
    [1, 0, 1, 0, 1],
    [1.0, 1.0, 1.0, -1.0, 1.0],
    1000.0,
    [100.0, 50.0, 5.0, 100.0, 200.0],
    count=[1.0, 2.0, 3.0, 4.0, 5.0],
    underlyings=["BTC", "ETH"],
    underlying=[0, 0, 0, 0, 1],
)
FALLS = falls(POSITIONS, [flat_margins(0.01), flat_margins(0.01, venue="b")])


def test_rows_are_sorted_by_venue_and_fall() -> None:
    found = thresholds(POSITIONS, FALLS)
    assert found.row.tolist() == [1, 2, 0, 4]
    assert found.venue.tolist() == [0, 1, 1, 1]
    assert found.open_interest.tolist() == [2000.0, 9000.0]
    assert found.fall.tolist() == FALLS.fall[found.row].tolist()


def test_immediate_liquidations_are_counted_apart() -> None:
    found = thresholds(POSITIONS, FALLS)
    assert found.immediate_notional.tolist() == [0.0, 3000.0]
    assert found.liquidated_by_venue(np.array([0.0])).tolist() == [[0.0, 3000.0]]


def test_one_side_and_one_underlying_are_selected() -> None:
    assert thresholds(POSITIONS, FALLS, Direction.RISE).row.tolist() == [3]
    assert thresholds(POSITIONS, FALLS, underlying="ETH").row.tolist() == [4]
    with pytest.raises(
        StressInputError, match="unknown underlying SOL: the positions have BTC, ETH"
    ):
        thresholds(POSITIONS, FALLS, underlying="SOL")


def test_shorts_mirror_longs() -> None:
    positions = build_positions(["a"], 0, [1.0, -1.0], 1000.0, 100.0)
    found = falls(positions, [flat_margins(0.01)])
    assert found.fall == pytest.approx([(0.1 - 0.01) / 0.99, (0.1 - 0.01) / 1.01])


def test_tiers_have_a_piece() -> None:
    with pytest.raises(StressInputError, match="tiers: expected at least one piece, found none"):
        tiers_from_pieces([])
