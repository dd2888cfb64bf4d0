"""Many margin functions as arrays: evaluated at millions of positions in one call.

All amounts are USD in float64. Agreement with exact arithmetic is 1e-12 relative (tested against
fractions): margins carry at most a few units in the last place of ``rate * N``, and no published
deduction takes away more than 99.9 % of that product.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate

import numpy as np
from numpy.typing import NDArray

from harmonize.schedule import MarginFunction

Floats = NDArray[np.float64]
Ints = NDArray[np.intp]

_BITS = 49  # buckets: the exponent and the first three bits of the mantissa of N
_CHUNK = 1 << 15  # positions handled at a time, so that work arrays stay in the cache


@dataclass(frozen=True, slots=True)
class Panel:
    """Margin functions, one after another, as flat arrays of their pieces.

    Pieces of function ``k`` stand at ``first[k] : first[k + 1]``; each covers (lower, upper].
    ``doors[k, b]`` is where the search for a notional of bucket ``b`` begins.
    """

    first: Ints
    lower: Floats
    upper: Floats
    fixed: Floats
    rate: Floats
    coefficient: Floats
    power: Floats
    doors: NDArray[np.int32]
    lowest: int

    def __len__(self) -> int:
        """Count the functions."""
        return len(self.first) - 1

    @property
    def owner(self) -> Ints:
        """Which function each piece belongs to."""
        return np.repeat(np.arange(len(self)), np.diff(self.first))

    def evaluate(self, which: Ints, notional: Floats) -> Floats:
        """Margin in USD of position ``notional[i]`` under function ``which[i]``.

        NaN where the function has no value: not a number, not above 0, or above its last bound.
        Raises IndexError: a function that the panel does not hold.
        """
        if which.shape != notional.shape:
            message = f"one function a position: {which.shape} against {notional.shape}"
            raise ValueError(message)
        if which.size and (which.min() < 0 or which.max() >= len(self)):
            message = f"the panel holds functions 0 to {len(self) - 1}"
            raise IndexError(message)
        margin = np.empty(notional.shape)
        for start in range(0, notional.size, _CHUNK):
            part = slice(start, start + _CHUNK)
            margin[part] = self._evaluate(which[part], notional[part])
        return margin

    def _evaluate(self, which: Ints, notional: Floats) -> Floats:
        positive = notional > 0.0
        safe = notional if positive.all() else np.where(positive, notional, 1.0)
        bucket = (safe.view(np.int64) >> _BITS) - self.lowest
        np.clip(bucket, 0, self.doors.shape[1] - 1, out=bucket)
        piece = self.doors.ravel().take(which * self.doors.shape[1] + bucket)
        past = safe > self.upper.take(piece)
        end = self.first.take(which + 1) - 1
        past &= piece < end
        if past.any():
            behind = np.flatnonzero(past)
            while behind.size:
                piece[behind] += 1
                ahead = safe[behind] > self.upper.take(piece[behind])
                ahead &= piece[behind] < end[behind]
                behind = behind[ahead]
        margin: Floats = self.rate.take(piece)
        margin *= safe
        margin += self.fixed.take(piece)
        coefficient = self.coefficient.take(piece)
        if coefficient.any():
            curved = np.flatnonzero(coefficient)
            powers = self.power.take(piece[curved])
            margin[curved] += coefficient[curved] * safe[curved] ** powers
        outside = safe > self.upper.take(piece)
        outside |= ~positive
        if outside.any():
            margin[outside] = np.nan
        return margin

    def at(self, function: int, notional: float) -> float:
        """Margin in USD of one position under one function; NaN where it has no value."""
        return float(self.evaluate(np.array([function]), np.array([notional], dtype=float))[0])


def panel(functions: Sequence[MarginFunction]) -> Panel:
    """Lay functions out as arrays, in the order given."""
    pieces = [piece for function in functions for piece in function.pieces]
    first = np.array([0, *accumulate(len(function.pieces) for function in functions)], np.intp)
    upper = np.array([float(piece.upper) for piece in pieces])
    lower = np.empty_like(upper)
    lower[1:] = upper[:-1]
    lower[first[:-1]] = 0.0
    doors, lowest = _doors(first, upper)
    return Panel(
        first=first,
        lower=lower,
        upper=upper,
        fixed=np.array([float(piece.fixed) for piece in pieces]),
        rate=np.array([float(piece.rate) for piece in pieces]),
        coefficient=np.array([float(piece.coefficient) for piece in pieces]),
        power=np.array([float(piece.power) for piece in pieces]),
        doors=doors,
        lowest=lowest,
    )


def _doors(first: Ints, upper: Floats) -> tuple[NDArray[np.int32], int]:
    """For every function and bucket, the first piece that can hold a notional of the bucket."""
    finite = upper[np.isfinite(upper)]
    if not finite.size:
        return first[:-1, None].astype(np.int32), 0
    lowest = int(finite.min().view(np.int64) >> _BITS)
    highest = int(finite.max().view(np.int64) >> _BITS) + 1
    starts = (np.arange(lowest, highest + 1, dtype=np.int64) << _BITS).view(np.float64)
    starts[0] = 0.0
    doors = np.empty((len(first) - 1, starts.size), np.int32)
    for function in range(len(first) - 1):
        begin, end = first[function], first[function + 1]
        inside = np.searchsorted(upper[begin:end], starts, side="left")
        doors[function] = begin + np.minimum(inside, end - begin - 1)
    return doors, lowest
