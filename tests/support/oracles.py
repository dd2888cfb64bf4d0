"""Margin by exact arithmetic, without any formula from ``harmonize``.

The tier of a position is decided by the float nearest to a bound: a notional "on the bound" cannot
be written otherwise. Amounts use the bounds exactly as published.
"""

import decimal
import math
from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from harmonize.core.schedule import MarginFunction, Piece

Exact = Decimal | Fraction | float | int

ONE_IN_A_TRILLION = Fraction(1, 10**12)
DIGITS = 60  # of a power of N that is not a fraction


def exact_marginal_margin(
    uppers: Sequence[Decimal], rates: Sequence[Decimal], notional: Exact
) -> Fraction:
    """Returns the sum of each tier's rate times the slice of ``notional`` in that tier."""
    size, below, margin = Fraction(notional), Fraction(0), Fraction(0)
    for upper, rate in zip(uppers, rates, strict=True):
        top = min(size, Fraction(upper)) if upper.is_finite() else size
        margin += Fraction(rate) * max(top - below, Fraction(0))
        below = max(top, below)
    return margin


def exact_flat_margin(
    uppers: Sequence[Decimal], rates: Sequence[Decimal], notional: Exact
) -> Fraction:
    """Returns ``notional`` times the rate of its tier."""
    tier = bisect_left([float(upper) for upper in uppers], float(notional))
    return Fraction(rates[tier]) * Fraction(notional)


def exact_margin(function: MarginFunction, notional: Exact) -> Fraction | None:
    """Returns the margin of a position, exact if powers are integers; None without a value."""
    if not math.isfinite(notional) or not notional > 0:
        return None
    size = Fraction(notional)
    tier = bisect_left([float(piece.upper) for piece in function.pieces], float(notional))
    return _value(function.pieces[tier], size) if tier < len(function.pieces) else None


def _value(piece: Piece, size: Fraction) -> Fraction:
    straight = Fraction(piece.fixed) + Fraction(piece.rate) * size
    return straight + _curved_part(piece, size) if piece.coefficient else straight


def _curved_part(piece: Piece, size: Fraction) -> Fraction:
    coefficient = Fraction(piece.coefficient)
    if piece.power == piece.power.to_integral_value():
        return coefficient * size ** int(piece.power)
    with decimal.localcontext(prec=DIGITS):
        return coefficient * Fraction(
            (Decimal(size.numerator) / Decimal(size.denominator)) ** piece.power
        )


@dataclass(frozen=True, slots=True)
class ScaledFunction:
    """A function whose numbers are integers over ``scale``, so that fractions are exact.

    ``curves`` contains the pieces with a power of N, and None for the others.
    """

    uppers: tuple[float, ...]
    fixed: tuple[int, ...]
    rates: tuple[int, ...]
    curves: tuple[Piece | None, ...]
    scale: int


def scaled_function(function: MarginFunction) -> ScaledFunction:
    """Returns a function from its own pieces."""
    curves = tuple(piece if piece.coefficient else None for piece in function.pieces)
    return _scaled(
        [piece.upper for piece in function.pieces],
        [Fraction(piece.fixed) for piece in function.pieces],
        [Fraction(piece.rate) for piece in function.pieces],
        curves,
    )


def scaled_marginal(uppers: Sequence[Decimal], rates: Sequence[Decimal]) -> ScaledFunction:
    """Returns a marginal function, summed over slices from the tiers alone."""
    bounds = [Fraction(0), *(Fraction(upper) for upper in uppers[:-1])]
    at_bound = [Fraction(0)]
    for (left, right), rate in zip(pairwise(bounds), rates, strict=False):
        at_bound.append(at_bound[-1] + Fraction(rate) * (right - left))
    fixed = [
        amount - Fraction(rate) * bound
        for amount, rate, bound in zip(at_bound, rates, bounds, strict=True)
    ]
    return _scaled(uppers, fixed, [Fraction(rate) for rate in rates], (None,) * len(rates))


def scaled_flat(uppers: Sequence[Decimal], rates: Sequence[Decimal]) -> ScaledFunction:
    """Returns a flat function, from the tiers alone."""
    zeros = [Fraction(0)] * len(rates)
    return _scaled(uppers, zeros, [Fraction(rate) for rate in rates], (None,) * len(rates))


def _scaled(
    uppers: Sequence[Decimal],
    fixed: Sequence[Fraction],
    rates: Sequence[Fraction],
    curves: tuple[Piece | None, ...],
) -> ScaledFunction:
    scale = math.lcm(*(number.denominator for number in (*fixed, *rates)))
    return ScaledFunction(
        uppers=tuple(float(upper) for upper in uppers),
        fixed=tuple(int(number * scale) for number in fixed),
        rates=tuple(int(number * scale) for number in rates),
        curves=curves,
        scale=scale,
    )


def mismatches(
    functions: Sequence[MarginFunction],
    which: NDArray[np.intp],
    notional: NDArray[np.float64],
    margins: NDArray[np.float64],
    tolerance: Fraction = ONE_IN_A_TRILLION,
) -> list[int]:
    """Returns the indices of margins that differ from the exact one by more than ``tolerance``.

    The tolerance is relative. A margin must be NaN if, and only if, the function has no value.
    """
    exact = [scaled_function(function) for function in functions]
    return scaled_mismatches(exact, which, notional, margins, tolerance)


def scaled_mismatches(
    exact: Sequence[ScaledFunction],
    which: NDArray[np.intp],
    notional: NDArray[np.float64],
    margins: NDArray[np.float64],
    tolerance: Fraction = ONE_IN_A_TRILLION,
) -> list[int]:
    """As ``mismatches``, for functions that are already exact."""
    triples = zip(which.tolist(), notional.tolist(), margins.tolist(), strict=True)
    return [
        index
        for index, (function, size, margin) in enumerate(triples)
        if not _agrees(exact[function], size, margin, tolerance)
    ]


def _agrees(exact: ScaledFunction, size: float, margin: float, tolerance: Fraction) -> bool:
    """True if ``|margin - value| <= tolerance * |value|``, multiplied out to integers."""
    tier = bisect_left(exact.uppers, size) if 0.0 < size < math.inf else len(exact.uppers)
    if tier == len(exact.uppers):
        return math.isnan(margin)
    if not math.isfinite(margin):
        return False
    curve = exact.curves[tier]
    if curve is not None:
        expected = _value(curve, Fraction(size))
        return abs(Fraction(margin) - expected) <= tolerance * abs(expected)
    top, bottom = size.as_integer_ratio()
    numerator, denominator = margin.as_integer_ratio()
    expected_top = (exact.fixed[tier] * bottom + exact.rates[tier] * top) * denominator
    difference = abs(numerator * bottom * exact.scale - expected_top)
    return difference * tolerance.denominator <= tolerance.numerator * abs(expected_top)
