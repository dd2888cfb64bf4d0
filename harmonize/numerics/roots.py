"""Where a sum of powers of N is zero: exact in count, to the last bit in place."""

from collections.abc import Sequence
from itertools import pairwise

Term = tuple[float, float]
"""A coefficient and the power of N it multiplies."""


def value(terms: Sequence[Term], notional: float) -> float:
    """Evaluate the sum at ``notional``."""
    return float(sum(coefficient * notional**power for coefficient, power in terms))


def roots(terms: Sequence[Term], lower: float, upper: float) -> list[float]:
    """Find every sign change of ``sum(c * N ** p)`` in the open interval (lower, upper).

    ``lower`` lies above 0 and ``upper`` is finite. Dividing by the lowest power and
    differentiating leaves one term fewer, whose roots part the interval into stretches on which
    the quotient is monotone; each holds at most one root, found by bisection. Where a stretch ends
    on zero, the sum touches zero or leaves the interval there, and the next end decides. Source:
    the proof of Descartes' rule of signs for real exponents.
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
    signs = [(station, value(reduced, station)) for station in stations]
    ends = [(station, sign > 0.0) for station, sign in signs if sign]
    found = [
        _bisect(reduced, left, right, above=above)
        for (left, above), (right, beyond) in pairwise(ends)
        if above != beyond
    ]
    return [root for root in found if lower < root < upper]


def _bisect(terms: Sequence[Term], left: float, right: float, *, above: bool) -> float:
    """Narrow (left, right) to neighbouring floats; the sum is above zero at ``left`` or it is not."""
    while True:
        middle = 0.5 * (left + right)
        if not left < middle < right:
            return middle
        if (value(terms, middle) > 0.0) == above:
            left = middle
        else:
            right = middle
