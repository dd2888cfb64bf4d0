"""Margin by exact arithmetic: slow, plain, and without a formula from ``harmonize``.

Where a bound decides in which tier a position lies, the bound is the float nearest to it: a
notional "on the bound" cannot be written otherwise. Amounts use the bounds exactly as published.
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
DIGITS = 60  # where a power of N is no fraction


def slices(uppers: Sequence[Decimal], rates: Sequence[Decimal], notional: Exact) -> Fraction:
    """Sum each tier's rate times the part of ``notional`` that lies in the tier."""
    held, below, margin = Fraction(notional), Fraction(0), Fraction(0)
    for upper, rate in zip(uppers, rates, strict=True):
        top = min(held, Fraction(upper)) if upper.is_finite() else held
        margin += Fraction(rate) * max(top - below, Fraction(0))
        below = max(top, below)
    return margin


def whole(uppers: Sequence[Decimal], rates: Sequence[Decimal], notional: Exact) -> Fraction:
    """The whole of ``notional`` times the rate of the tier it lies in."""
    tier = bisect_left([float(upper) for upper in uppers], float(notional))
    return Fraction(rates[tier]) * Fraction(notional)


def value(function: MarginFunction, notional: Exact) -> Fraction | None:
    """The margin of a position, exactly where powers are whole; None where there is none."""
    if not math.isfinite(notional) or not notional > 0:
        return None
    held = Fraction(notional)
    tier = bisect_left([float(piece.upper) for piece in function.pieces], float(notional))
    return _value(function.pieces[tier], held) if tier < len(function.pieces) else None


def _value(piece: Piece, held: Fraction) -> Fraction:
    straight = Fraction(piece.fixed) + Fraction(piece.rate) * held
    return straight + _bend(piece, held) if piece.coefficient else straight


def _bend(piece: Piece, held: Fraction) -> Fraction:
    coefficient = Fraction(piece.coefficient)
    if piece.power == piece.power.to_integral_value():
        return coefficient * held ** int(piece.power)
    with decimal.localcontext(prec=DIGITS):
        return coefficient * Fraction(
            (Decimal(held.numerator) / Decimal(held.denominator)) ** piece.power
        )


@dataclass(frozen=True, slots=True)
class Whole:
    """A function whose every number is a whole one over ``scale``, so that no fraction is cut.

    ``bends`` hold the pieces that have a power of N, None for the others.
    """

    uppers: tuple[float, ...]
    fixed: tuple[int, ...]
    rates: tuple[int, ...]
    bends: tuple[Piece | None, ...]
    scale: int


def of_pieces(function: MarginFunction) -> Whole:
    """A function as its own pieces state it."""
    bends = tuple(piece if piece.coefficient else None for piece in function.pieces)
    return _scaled(
        [piece.upper for piece in function.pieces],
        [Fraction(piece.fixed) for piece in function.pieces],
        [Fraction(piece.rate) for piece in function.pieces],
        bends,
    )


def of_slices(uppers: Sequence[Decimal], rates: Sequence[Decimal]) -> Whole:
    """The sum over slices, counted up tier by tier from the tiers alone."""
    bounds = [Fraction(0), *(Fraction(upper) for upper in uppers[:-1])]
    at_bound = [Fraction(0)]
    for (left, right), rate in zip(pairwise(bounds), rates, strict=False):
        at_bound.append(at_bound[-1] + Fraction(rate) * (right - left))
    fixed = [
        amount - Fraction(rate) * bound
        for amount, rate, bound in zip(at_bound, rates, bounds, strict=True)
    ]
    return _scaled(uppers, fixed, [Fraction(rate) for rate in rates], (None,) * len(rates))


def of_whole(uppers: Sequence[Decimal], rates: Sequence[Decimal]) -> Whole:
    """Each tier's rate on the whole position, from the tiers alone."""
    zeros = [Fraction(0)] * len(rates)
    return _scaled(uppers, zeros, [Fraction(rate) for rate in rates], (None,) * len(rates))


def _scaled(
    uppers: Sequence[Decimal],
    fixed: Sequence[Fraction],
    rates: Sequence[Fraction],
    bends: tuple[Piece | None, ...],
) -> Whole:
    scale = math.lcm(*(number.denominator for number in (*fixed, *rates)))
    return Whole(
        uppers=tuple(float(upper) for upper in uppers),
        fixed=tuple(int(number * scale) for number in fixed),
        rates=tuple(int(number * scale) for number in rates),
        bends=bends,
        scale=scale,
    )


def disagreeing(
    functions: Sequence[MarginFunction],
    which: NDArray[np.intp],
    notional: NDArray[np.float64],
    margins: NDArray[np.float64],
    tolerance: Fraction = ONE_IN_A_TRILLION,
) -> list[int]:
    """Places of the margins that miss the exact one by more than ``tolerance`` of it.

    A margin must be NaN where the function has no value, and nowhere else.
    """
    exact = [of_pieces(function) for function in functions]
    return disagreeing_with(exact, which, notional, margins, tolerance)


def disagreeing_with(
    exact: Sequence[Whole],
    which: NDArray[np.intp],
    notional: NDArray[np.float64],
    margins: NDArray[np.float64],
    tolerance: Fraction = ONE_IN_A_TRILLION,
) -> list[int]:
    """As ``disagreeing``, against functions that were made exact beforehand."""
    triples = zip(which.tolist(), notional.tolist(), margins.tolist(), strict=True)
    return [
        place
        for place, (function, held, margin) in enumerate(triples)
        if not _agrees(exact[function], held, margin, tolerance)
    ]


def _agrees(exact: Whole, held: float, margin: float, tolerance: Fraction) -> bool:
    """``|margin - value| <= tolerance * |value|``, multiplied out so that all are integers."""
    tier = bisect_left(exact.uppers, held) if 0.0 < held < math.inf else len(exact.uppers)
    if tier == len(exact.uppers):
        return math.isnan(margin)
    if not math.isfinite(margin):
        return False
    bend = exact.bends[tier]
    if bend is not None:
        truth = _value(bend, Fraction(held))
        return abs(Fraction(margin) - truth) <= tolerance * abs(truth)
    top, bottom = held.as_integer_ratio()
    numerator, denominator = margin.as_integer_ratio()
    truth_top = (exact.fixed[tier] * bottom + exact.rates[tier] * top) * denominator
    missed = abs(numerator * bottom * exact.scale - truth_top)
    return missed * tolerance.denominator <= tolerance.numerator * abs(truth_top)
