"""Many margin functions as arrays, evaluated at millions of positions in one call.

All amounts are USD in float64. Results agree with exact arithmetic to 1e-12 relative, which the
tests verify with fractions. Margin is computed upwards from the piece's lower bound,
``base + rate * (N - lower)``, so that no large deduction is subtracted from a large product.
Bounds are compared in float64: the float nearest to a published bound lies in the tier below it.
"""

import decimal
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from itertools import accumulate

import numpy as np
from numpy.typing import NDArray

from harmonize.core.schedule import MarginFunction, Piece
from harmonize.numerics import elementary

Floats = elementary.Floats
Ints = NDArray[np.intp]

PieceNumbers = tuple[float, float, float, float, float, float]
"""One piece: lower, upper (infinite where open-ended), fixed, rate, coefficient, power."""

_BITS = 49  # shift: a bucket is the exponent and the first three mantissa bits of N
_BUCKET_RANGE = (2.0**-4, 2.0**50)  # notionals, in USD, with separate buckets; others share one
_CHUNK = 1 << 16  # positions per step, so that work arrays stay in the cache
_BLOCK = 1024  # functions per step of the search index
_LARGEST = float(np.finfo(np.float64).max)
_DIGITS = 60  # of ``base`` before rounding to a float; cancellation costs far fewer


@dataclass(frozen=True, slots=True)
class SearchRows:
    """Pieces arranged for search; a row without a value follows the last piece of each function.

    ``limit`` is the largest notional of a row. ``base`` is the margin just above ``lower``, without
    the power term. ``bucket_index[k, b]`` is the first row of function ``k`` that can cover a
    notional of bucket ``b``.
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

    Function ``k`` has the pieces ``first[k] : first[k + 1]``; each covers (lower, upper]. ``bounds``
    are the distinct upper bounds, sorted. ``keys`` rise over all pieces: see ``pieces_at``.
    """

    first: Ints
    lower: Floats
    upper: Floats
    fixed: Floats
    rate: Floats
    coefficient: Floats
    power: Floats
    bounds: Floats
    keys: Ints
    rows: SearchRows

    def __len__(self) -> int:
        """Number of functions."""
        return len(self.first) - 1

    @property
    def owner(self) -> Ints:
        """Index of the function to which each piece belongs."""
        return np.repeat(np.arange(len(self)), np.diff(self.first))

    def pieces_at(self, functions: Ints, notional: Floats) -> Ints:
        """Returns the piece of each function that covers the notional of its row; −1 if there is none.

        Rows of ``functions`` belong to the notionals; a function of −1 is none. The key of a piece is
        the number of its function times a constant, plus the rank of its upper bound.
        """
        selected = functions * (self.bounds.size + 1)
        selected += np.searchsorted(self.bounds, notional)[:, None]
        piece = np.searchsorted(self.keys, selected)
        is_covered = (functions >= 0) & (piece < self.first[functions + 1])
        return np.where(is_covered, piece, -1)

    def evaluate(self, which: Ints, notional: Floats) -> Floats:
        """Returns the margin, in USD, of position ``notional[i]`` under function ``which[i]``.

        NaN where the function has no value: the notional is not finite, not above 0, or above the
        last bound. Raises IndexError: the panel has no such function. Raises ValueError: the number
        of functions differs from the number of positions.
        """
        if which.shape != notional.shape or notional.ndim != 1:
            message = f"expected one function per position, found shapes {which.shape} and {notional.shape}"
            raise ValueError(message)
        if which.size and (which.min() < 0 or which.max() >= len(self)):
            message = f"expected functions from 0 to {len(self) - 1}"
            raise IndexError(message)
        which, notional = which.astype(np.intp, copy=False), notional.astype(float, copy=False)
        margin = np.empty(notional.shape)
        with np.errstate(over="ignore"):  # a margin beyond the largest float is infinite
            for start in range(0, notional.size, _CHUNK):
                chunk = slice(start, start + _CHUNK)
                self._evaluate(which[chunk], notional[chunk], margin[chunk])
        return margin

    def _evaluate(self, which: Ints, notional: Floats, margin: Floats) -> None:
        rows = self.rows
        valid = notional > 0.0
        all_valid = bool(valid.all())
        safe = notional if all_valid else np.where(valid, notional, 1.0)
        row = _row_index(rows, which, safe)
        np.subtract(safe, rows.lower.take(row), out=margin)
        margin *= rows.rate.take(row)
        margin += rows.base.take(row)
        if rows.coefficient.any():
            curved = np.flatnonzero(rows.coefficient.take(row))
            curved_rows = row[curved]
            margin[curved] += rows.coefficient[curved_rows] * elementary.powers(
                safe[curved], rows.power[curved_rows]
            )
        if not all_valid:
            margin[~valid] = np.nan

    def at(self, function: int, notional: float) -> float:
        """Returns the margin, in USD, of one position; NaN where the function has no value."""
        return float(self.evaluate(np.array([function]), np.array([notional], dtype=float))[0])


def _row_index(rows: SearchRows, which: Ints, notional: Floats) -> Ints:
    """Starts at the first row of each notional's bucket and steps on while the limit is below it."""
    buckets = rows.bucket_index.shape[1]
    bucket = notional.view(np.int64) >> _BITS
    bucket -= rows.lowest
    np.clip(bucket, 0, buckets - 1, out=bucket)
    bucket += which * buckets
    row = rows.bucket_index.ravel().take(bucket).astype(np.intp)
    pending = np.flatnonzero(notional > rows.limit.take(row))
    while pending.size:
        next_row = row[pending] + 1
        row[pending] = next_row
        pending = pending[notional[pending] > rows.limit.take(next_row)]
    return row


def build_panel(functions: Sequence[MarginFunction]) -> Panel:
    """Returns the functions as arrays, in the given order."""
    pieces = [piece for function in functions for piece in function.pieces]
    first = np.array([0, *accumulate(len(function.pieces) for function in functions)], np.intp)
    upper = _floats(piece.upper for piece in pieces)
    lower = np.empty_like(upper)
    lower[1:] = upper[:-1]
    lower[first[:-1]] = 0.0
    fixed = _floats(piece.fixed for piece in pieces)
    rate = _floats(piece.rate for piece in pieces)
    coefficient = _floats(piece.coefficient for piece in pieces)
    power = _floats(piece.power for piece in pieces)
    base = _base_margins(pieces, lower.tolist())
    after_last = first[1:]
    limit = np.insert(np.minimum(upper, _LARGEST), after_last, np.inf)
    bucket_index, lowest = _bucket_index(first + np.arange(len(first)), limit)
    bounds, ranks = np.unique(upper, return_inverse=True)
    owner = np.repeat(np.arange(len(functions)), np.diff(first))
    return Panel(
        first=first,
        lower=lower,
        upper=upper,
        fixed=fixed,
        rate=rate,
        coefficient=coefficient,
        power=power,
        bounds=bounds,
        keys=owner * (bounds.size + 1) + ranks,
        rows=SearchRows(
            limit=limit,
            lower=np.insert(lower, after_last, 0.0),
            base=np.insert(base, after_last, 0.0),
            rate=np.insert(rate, after_last, np.nan),
            coefficient=np.insert(coefficient, after_last, 0.0),
            power=np.insert(power, after_last, 1.0),
            bucket_index=bucket_index,
            lowest=lowest,
        ),
    )


def _floats(numbers: Iterable[Decimal]) -> Floats:
    """Returns the numbers as floats; most are zero, which needs no conversion."""
    return np.array([float(number) if number else 0.0 for number in numbers])


def _base_margins(pieces: Sequence[Piece], lower: Sequence[float]) -> Floats:
    """``fixed + rate * lower`` of each piece, with the lower bound rounded to float64."""
    with decimal.localcontext(prec=_DIGITS):
        return np.array(
            [
                float(piece.fixed + piece.rate * _exact(bound)) if bound else float(piece.fixed)
                for piece, bound in zip(pieces, lower, strict=True)
            ]
        )


def _exact(bound: float) -> Decimal:
    """Returns a bound as a decimal; a whole one is faster to convert as an integer."""
    finite = min(bound, _LARGEST)
    return Decimal(int(finite)) if finite.is_integer() else Decimal(finite)


def _bucket_index(first: Ints, limit: Floats) -> tuple[NDArray[np.int32], int]:
    """Returns the first row that can cover a notional, per function and bucket; and the lowest bucket.

    The limits of a function below the start of a bucket are counted, in blocks of bounded memory.
    """
    lowest, highest = (int(np.float64(end).view(np.int64) >> _BITS) for end in _BUCKET_RANGE)
    starts = (np.arange(lowest, highest + 1, dtype=np.int64) << _BITS).view(np.float64)
    starts[0] = 0.0
    width = starts.size + 1
    above = np.searchsorted(starts, limit, side="right")  # first bucket that starts above a limit
    bucket_index = np.empty((len(first) - 1, starts.size), np.int32)
    for begin in range(0, len(first) - 1, _BLOCK):
        bounds = first[begin : begin + _BLOCK + 1]
        function = np.repeat(np.arange(bounds.size - 1), np.diff(bounds))
        cell = function * width + above[bounds[0] : bounds[-1]]
        counts = np.bincount(cell, minlength=(bounds.size - 1) * width).reshape(-1, width)
        below = counts.cumsum(axis=1)[:, :-1]
        bucket_index[begin : begin + _BLOCK] = bounds[:-1, None] + below
    return bucket_index, lowest
