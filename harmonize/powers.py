"""Where a sum of powers of N is zero: exact in count, to the last bit in place."""

from collections.abc import Sequence
from itertools import pairwise

Term = tuple[float, float]
"""A coefficient and the power of N it multiplies."""


def value(terms: Sequence[Term], notional: float) -> float:
    """Evaluate the sum at ``notional``."""
    return float(sum(coefficient * notional**power for coefficient, power in terms))


def roots(terms: Sequence[Term], lower: float, upper: float) -> list[float]:
    """Find every sign change of ``sum(c * N ** p)`` in the open interval (lower, upper), lower > 0.

    Dividing by the lowest power and differentiating leaves one term fewer, whose roots part the
    interval into stretches on which the quotient is monotone; each holds at most one root, found
    by bisection. Source: the proof of Descartes' rule of signs for real exponents.
    """
    merged: dict[float, float] = {}
    for coefficient, power in terms:
        merged[power] = merged.get(power, 0.0) + coefficient
    kept = sorted((power, coefficient) for power, coefficient in merged.items() if coefficient)
    if len(kept) < 2:  # noqa: PLR2004 - one power of N alone has no root above 0
        return []
    lowest = kept[0][0]
    reduced = [(coefficient, power - lowest) for power, coefficient in kept]
    slope = [(coefficient * power, power - 1.0) for coefficient, power in reduced if power]
    stations = [lower, *roots(slope, lower, upper), upper]
    found = (_bisect(reduced, left, right) for left, right in pairwise(stations))
    return [root for root in found if root is not None and lower < root < upper]


def _bisect(terms: Sequence[Term], left: float, right: float) -> float | None:
    at_left, at_right = value(terms, left), value(terms, right)
    if at_left == 0.0 or (at_left > 0.0) == (at_right > 0.0):
        return None
    while True:
        middle = 0.5 * (left + right)
        if not left < middle < right:
            return middle
        if (value(terms, middle) > 0.0) == (at_left > 0.0):
            left = middle
        else:
            right = middle
