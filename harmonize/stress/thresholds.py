"""Liquidation thresholds of one side of a market, arranged for the engines."""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from itertools import pairwise

import numpy as np

from harmonize.stress.errors import StressInputError
from harmonize.stress.falls import Falls
from harmonize.stress.positions import Codes, Flags, Floats, Positions

TIE = 1e-12
"""Moves closer than this are equal: sums of the same moves differ by rounding."""


_NODES = 200  # per venue, at which the notional of a synthetic book is known exactly

_SMALL = 256  # venues; codes of one byte are sorted by counting


class Direction(StrEnum):
    """Direction of the price: a fall liquidates longs, a rise liquidates shorts."""

    FALL = "fall"
    RISE = "rise"

    @property
    def side(self) -> float:
        """Side that is liquidated: 1 for longs, −1 for shorts."""
        return 1.0 if self is Direction.FALL else -1.0

    @property
    def largest_move(self) -> float:
        """Largest possible move: a price cannot fall below 0."""
        return 1.0 if self is Direction.FALL else np.inf


@dataclass(frozen=True, slots=True)
class Thresholds:
    """Positions of one underlying and one side, sorted by venue and fall.

    Venue ``v`` has the rows ``start[v] : start[v + 1]``, and ``cumulative[v][k]`` is the notional of
    its first k. ``row`` is the index of each row before sorting. ``notional``, ``margin`` and
    ``exposure`` are those of all positions that a row represents, in USD. Rows at or below MM
    have a fall of 0: their sales count like others. Of positions liquidated in ``slices``, each slice is
    a row, and rows with the same ``row // slices`` are one position.
    """

    venues: tuple[str, ...]
    direction: Direction
    start: tuple[int, ...]
    row: Codes
    fall: Floats
    bankrupt: Floats
    notional: Floats
    margin: Floats
    exposure: Floats
    immediate: Flags
    cumulative: tuple[Floats, ...]
    slices: int = 1

    @property
    def rows(self) -> tuple[slice, ...]:
        """Rows of each venue."""
        return tuple(slice(*ends) for ends in pairwise(self.start))

    @property
    def venue(self) -> Codes:
        """Index of the venue of each row."""
        return np.repeat(np.arange(len(self.venues)), np.diff(self.start))

    @property
    def open_interest(self) -> Floats:
        """Notional by venue, in USD."""
        return np.array([cumulative[-1] for cumulative in self.cumulative])

    @property
    def immediate_notional(self) -> Floats:
        """Notional by venue, in USD, whose margin is below MM at the first mark."""
        return self.sum_by_venue(np.where(self.immediate, self.notional, 0.0))

    def sum_by_venue(self, amounts: Floats) -> Floats:
        """Returns the sum per venue of an amount per row."""
        return np.array([amounts[rows].sum() for rows in self.rows])

    def smoothed_by_venue(self, moves: Floats) -> Floats:
        """Returns what ``liquidated_by_venue`` does, linear between one in ``_NODES`` rows and the next.

        The rows of a synthetic book stand for a density. How much a small move adds is a property of
        the density, and not of the one or two rows that happen to lie there.
        """
        reached = moves + TIE
        columns = []
        for rows, cumulative in zip(self.rows, self.cumulative, strict=True):
            fall = self.fall[rows]
            fall = fall[: np.searchsorted(fall, np.inf)]
            if not fall.size:
                columns.append(np.zeros(reached.shape))
                continue
            every = max(1, (rows.stop - rows.start) // _NODES)
            node = np.unique(np.append(np.arange(0, fall.size, every), fall.size - 1))
            middle = 0.5 * (
                cumulative[node] + cumulative[node + 1]
            )  # a row counts half at its fall
            total = cumulative[fall.size]
            columns.append(np.interp(reached, fall[node], middle, 0.0, total))
        return np.stack(columns, axis=-1)

    def liquidated_by_venue(self, moves: Floats) -> Floats:
        """Returns the notional, in USD, that each move liquidates: one row per move."""
        reached = moves + TIE
        return np.stack(
            [
                cumulative[np.searchsorted(self.fall[rows], reached, side="right")]
                for rows, cumulative in zip(self.rows, self.cumulative, strict=True)
            ],
            axis=-1,
        )


def thresholds(
    positions: Positions,
    falls: Falls,
    direction: Direction = Direction.FALL,
    underlying: str | None = None,
) -> Thresholds:
    """Returns the thresholds of the side that a direction liquidates; None is every underlying.

    Raises StressInputError: the positions do not include the underlying.
    """
    selected = positions.side == direction.side
    if underlying is not None:
        if underlying not in positions.underlyings:
            known = ", ".join(positions.underlyings)
            message = f"unknown underlying {underlying}: the positions have {known}"
            raise StressInputError(message)
        selected &= positions.underlying == positions.underlyings.index(underlying)
    rows = np.flatnonzero(selected)
    kind = np.uint8 if len(positions.venues) <= _SMALL else np.int64
    rows = rows[np.argsort(positions.venue[rows].astype(kind), kind="stable")]
    ends = np.cumsum(np.bincount(positions.venue[rows], minlength=len(positions.venues)))
    start = (0, *ends.tolist())
    for first, last in pairwise(start):
        own = rows[first:last]
        rows[first:last] = own[np.argsort(falls.fall[own])]
    count = positions.count[rows]
    notional = positions.notional[rows] * count
    return Thresholds(
        positions.venues,
        direction,
        start,
        rows,
        falls.fall[rows],
        falls.bankrupt[rows],
        notional,
        positions.margin[rows] * count,
        falls.exposure[rows] * count,
        falls.immediate[rows],
        tuple(running_sum(notional[first:last]) for first, last in pairwise(start)),
    )


def running_sum(amounts: Floats) -> Floats:
    """Returns the sums of the first 0, 1, … amounts."""
    sums = np.empty(amounts.size + 1)
    sums[0] = 0.0
    np.cumsum(amounts, out=sums[1:])
    return sums


def check_moves(name: str, moves: Iterable[float] | Floats) -> Floats:
    """Returns moves as an array. Raises StressInputError: one is outside [0, 1), or none is given."""
    array = np.atleast_1d(np.array(moves, float))
    if not array.size:
        message = f"{name}: expected at least one number, found none"
        raise StressInputError(message)
    wrong = ~((array >= 0.0) & (array < 1.0))
    if wrong.any():
        found = array[wrong].flat[0]
        message = f"{name}: expected fractions from 0 to below 1 (0.1 is 10 %), found {found}"
        raise StressInputError(message)
    return array
