"""Roots of sums of powers of N: all of them, each to the last bit of its position."""

from collections.abc import Sequence
from itertools import pairwise

Term = tuple[float, float]
"""Coefficient, and the power of N that it multiplies."""


def sum_of_terms(terms: Sequence[Term], notional: float) -> float:
    """Returns the sum of the terms at ``notional``."""
    total = 0.0
    for coefficient, power in terms:  # in this order: versions of Python add up differently
        total += coefficient * notional**power
    return total


def roots(terms: Sequence[Term], lower: float, upper: float) -> list[float]:
    """Returns every sign change of ``sum(c * N ** p)`` in the open interval (lower, upper).

    ``lower`` is above 0 and ``upper`` is finite. Dividing by the lowest power and differentiating
    leaves one term fewer. The roots of that derivative divide the interval into stretches on which
    the quotient is monotone. Each stretch has at most one root, found by bisection. If a stretch
    ends at zero, the sum touches zero there or leaves the interval, and the next end decides.
    Source: the proof of Descartes' rule of signs for real exponents.
    """
    merged: dict[float, float] = {}
    for coefficient, power in terms:
        merged[power] = merged.get(power, 0.0) + coefficient
    combined = sorted((power, coefficient) for power, coefficient in merged.items() if coefficient)
    if len(combined) < 2:  # noqa: PLR2004 - one power of N alone has no root above 0
        return []
    lowest = combined[0][0]
    reduced = [(coefficient, power - lowest) for power, coefficient in combined]
    slope = [(coefficient * power, power - 1.0) for coefficient, power in reduced if power]
    split_points = [lower, *roots(slope, lower, upper), upper]
    signs = [(point, sum_of_terms(reduced, point)) for point in split_points]
    ends = [(point, sign > 0.0) for point, sign in signs if sign]
    sign_changes = [
        _bisect(reduced, left, right, left_above=left_above)
        for (left, left_above), (right, right_above) in pairwise(ends)
        if left_above != right_above
    ]
    return [root for root in sign_changes if lower < root < upper]


def _bisect(terms: Sequence[Term], left: float, right: float, *, left_above: bool) -> float:
    """Narrows (left, right) to neighbouring floats; ``left_above``: the sum is above 0 at ``left``."""
    while True:
        middle = 0.5 * (left + right)
        if not left < middle < right:
            return middle
        if (sum_of_terms(terms, middle) > 0.0) == left_above:
            left = middle
        else:
            right = middle
