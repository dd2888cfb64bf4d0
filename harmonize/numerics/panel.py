"""Many margin functions as arrays: evaluated at millions of positions in one call.

All amounts are USD in float64. Agreement with exact arithmetic is 1e-12 relative (tested against
fractions): margin is counted up from the piece's lower bound, ``base + rate * (N - lower)``, so
that a large deduction is never taken from a large product. A bound holds for a notional as
float64 writes it: the float nearest to a published bound lies in the tier that the bound closes.
"""

import decimal
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from itertools import accumulate

import numpy as np
from numpy.typing import NDArray

from harmonize.core.schedule import MarginFunction, Piece

Floats = NDArray[np.float64]
Ints = NDArray[np.intp]

PieceNumbers = tuple[float, float, float, float, float, float]
"""One piece: lower, upper (infinite where open-ended), fixed, rate, coefficient, power."""

_BITS = 49  # buckets: the exponent and the first three bits of the mantissa of N
_DOORS = (2.0**-4, 2.0**50)  # notionals in USD that have doors of their own; others share
_CHUNK = 1 << 16  # positions handled at a time, so that work arrays stay in the cache
_LARGEST = float(np.finfo(np.float64).max)
_DIGITS = 60  # of ``base`` before it is rounded to a float; what cancels are far fewer


@dataclass(frozen=True, slots=True)
class Rows:
    """The pieces laid out for search; behind each function's last stands a row without a value.

    ``limit`` is where to step to the next row, ``base`` the margin just above ``lower`` without
    the power term. ``doors[k, b]`` is the first row of function ``k`` that can hold a notional
    of bucket ``b``.
    """

    limit: Floats
    lower: Floats
    base: Floats
    rate: Floats
    coefficient: Floats
    power: Floats
    bucket_index: NDArray[np.int32]
    lowest: int


@dataclass(frozen=True, slots=True)
class Panel:
    """Margin functions, one after another, as flat arrays of their pieces.

    Pieces of function ``k`` stand at ``first[k] : first[k + 1]``; each covers (lower, upper].
    """

    first: Ints
    lower: Floats
    upper: Floats
    fixed: Floats
    rate: Floats
    coefficient: Floats
    power: Floats
    rows: Rows

    def __len__(self) -> int:
        """Count the functions."""
        return len(self.first) - 1

    @property
    def owner(self) -> Ints:
        """Which function each piece belongs to."""
        return np.repeat(np.arange(len(self)), np.diff(self.first))

    def evaluate(self, which: Ints, notional: Floats) -> Floats:
        """Margin in USD of position ``notional[i]`` under function ``which[i]``.

        NaN where the function has no value: not a finite number, not above 0, or above its last
        bound. Raises IndexError: a function that the panel does not hold. Raises ValueError: not
        one function a position.
        """
        if which.shape != notional.shape or notional.ndim != 1:
            message = f"one function a position: {which.shape} against {notional.shape}"
            raise ValueError(message)
        if which.size and (which.min() < 0 or which.max() >= len(self)):
            message = f"the panel holds functions 0 to {len(self) - 1}"
            raise IndexError(message)
        which, notional = which.astype(np.intp, copy=False), notional.astype(float, copy=False)
        margin = np.empty(notional.shape)
        with np.errstate(over="ignore"):  # a margin beyond the largest float is infinite
            for start in range(0, notional.size, _CHUNK):
                part = slice(start, start + _CHUNK)
                self._evaluate(which[part], notional[part], margin[part])
        return margin

    def _evaluate(self, which: Ints, notional: Floats, margin: Floats) -> None:
        rows = self.rows
        valid = notional > 0.0
        whole = bool(valid.all())
        safe = notional if whole else np.where(valid, notional, 1.0)
        row = _row(rows, which, safe)
        np.subtract(safe, rows.lower.take(row), out=margin)
        margin *= rows.rate.take(row)
        margin += rows.base.take(row)
        if rows.coefficient.any():
            curved = np.flatnonzero(rows.coefficient.take(row))
            bent = row[curved]
            margin[curved] += rows.coefficient[bent] * safe[curved] ** rows.power[bent]
        if not whole:
            margin[~valid] = np.nan

    def at(self, function: int, notional: float) -> float:
        """Margin in USD of one position under one function; NaN where it has no value."""
        return float(self.evaluate(np.array([function]), np.array([notional], dtype=float))[0])


def _row(rows: Rows, which: Ints, notional: Floats) -> Ints:
    """Go in by the door of the notional's bucket, and on while the notional is above the limit."""
    buckets = rows.bucket_index.shape[1]
    door = notional.view(np.int64) >> _BITS
    door -= rows.lowest
    np.clip(door, 0, buckets - 1, out=door)
    door += which * buckets
    row = rows.bucket_index.ravel().take(door).astype(np.intp)
    behind = np.flatnonzero(notional > rows.limit.take(row))
    while behind.size:
        further = row[behind] + 1
        row[behind] = further
        behind = behind[notional[behind] > rows.limit.take(further)]
    return row


def panel(functions: Sequence[MarginFunction]) -> Panel:
    """Lay functions out as arrays, in the order given."""
    pieces = [piece for function in functions for piece in function.pieces]
    first = np.array([0, *accumulate(len(function.pieces) for function in functions)], np.intp)
    upper = np.array([float(piece.upper) for piece in pieces])
    lower = np.empty_like(upper)
    lower[1:] = upper[:-1]
    lower[first[:-1]] = 0.0
    rate = np.array([float(piece.rate) for piece in pieces])
    coefficient = np.array([float(piece.coefficient) for piece in pieces])
    power = np.array([float(piece.power) for piece in pieces])
    base = _bases(pieces, lower.tolist())
    behind = first[1:]
    limit = np.insert(np.minimum(upper, _LARGEST), behind, np.inf)
    doors, lowest = _doors(first + np.arange(len(first)), limit)
    return Panel(
        first=first,
        lower=lower,
        upper=upper,
        fixed=np.array([float(piece.fixed) for piece in pieces]),
        rate=rate,
        coefficient=coefficient,
        power=power,
        rows=Rows(
            limit=limit,
            lower=np.insert(lower, behind, 0.0),
            base=np.insert(base, behind, 0.0),
            rate=np.insert(rate, behind, np.nan),
            coefficient=np.insert(coefficient, behind, 0.0),
            power=np.insert(power, behind, 1.0),
            bucket_index=doors,
            lowest=lowest,
        ),
    )


def _bases(pieces: Sequence[Piece], lower: Sequence[float]) -> Floats:
    """``fixed + rate * lower`` of each piece for the lower bound as float64 writes it."""
    with decimal.localcontext(prec=_DIGITS):
        return np.array(
            [
                float(piece.fixed + piece.rate * Decimal(min(bound, _LARGEST)))
                for piece, bound in zip(pieces, lower, strict=True)
            ]
        )


def _doors(first: Ints, limit: Floats) -> tuple[NDArray[np.int32], int]:
    """For every function and bucket, the first row that can hold a notional of the bucket."""
    lowest, highest = (int(np.float64(end).view(np.int64) >> _BITS) for end in _DOORS)
    starts = (np.arange(lowest, highest + 1, dtype=np.int64) << _BITS).view(np.float64)
    starts[0] = 0.0
    doors = np.empty((len(first) - 1, starts.size), np.int32)
    for function in range(len(first) - 1):
        begin, end = first[function], first[function + 1]
        doors[function] = begin + np.searchsorted(limit[begin:end], starts, side="left")
    return doors, lowest
