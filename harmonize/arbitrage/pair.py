"""A long on one venue against a short on another: what both need, against holding both on one venue.

The pair needs ``IM_A(N) + IM_B(N)``. One venue that counts opposite positions together needs, by its
rule, 0 (net), ``IM(N)`` (larger side), ``IM(2N)`` (both as one) or ``2·IM(N)`` (each alone). The pair needs
less on ranges of N that end at bounds of tiers and where the two sums cross; they are found exactly.
Break-even is what the pair must earn in a year, as a share of notional, to pay for the capital that it
ties up, funding and fees left out: ``h·(IM_A(N) + IM_B(N)) / N`` at the hurdle rate h.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from itertools import pairwise
from math import inf

from harmonize.core.venue_conventions import OffsetRule, combined_margin
from harmonize.numerics.offer import Offer, margin
from harmonize.numerics.roots import Term, roots, value
from harmonize.numerics.segments import HORIZON, LEAST

_SAME = 1e-9  # relative; closer than this is no advantage


@dataclass(frozen=True, slots=True)
class PairPoint:
    """At one notional in USD: margins of both legs and of one venue; None where unknown.

    ``alone`` is what the one venue needs for both legs, ``break_even`` a rate of notional a year.
    """

    notional: float
    long: float | None
    short: float | None
    total: float | None
    alone: float | None
    break_even: float | None


@dataclass(frozen=True, slots=True)
class Pair:
    """A pair at the notionals asked, and the ranges (lower, upper] on which it needs less than one venue."""

    points: tuple[PairPoint, ...]
    cheaper: tuple[tuple[float, float], ...]
    compared: float


@dataclass(frozen=True, slots=True)
class Legs:
    """Two venues for the two legs, and one that could hold both, with its rule for opposite positions."""

    long: Offer
    short: Offer
    one: Offer
    rule: OffsetRule


def pair(legs: Legs, notionals: Sequence[float], hurdle: float) -> Pair:
    """Compare a pair with holding both legs on one venue; ``hurdle`` is a rate a year.

    ``compared`` is the notional up to which all three have a value.
    """
    points = [_point(legs, size, hurdle) for size in notionals]
    most = min(_end(legs.long), _end(legs.short), _reach(legs))
    return Pair(tuple(points), tuple(_joined(_cheaper(legs, most))), most)


def _point(legs: Legs, size: float, hurdle: float) -> PairPoint:
    long, short = margin(legs.long, size), margin(legs.short, size)
    total = None if long is None or short is None else long + short
    alone = combined_margin(legs.rule, partial(margin, legs.one), size, size)
    return PairPoint(
        size, long, short, total, alone, None if total is None else hurdle * total / size
    )


def _end(offer: Offer) -> float:
    return min(offer.limit, offer.pieces[-1][1], HORIZON)


def _reach(legs: Legs) -> float:
    if legs.rule is OffsetRule.NET:
        return HORIZON
    return _end(legs.one) / (2.0 if legs.rule is OffsetRule.SUM else 1.0)


def _cheaper(legs: Legs, most: float) -> Iterator[tuple[float, float]]:
    """Cut at every bound and crossing; between two cuts the sign is that of the middle."""
    alone, times = _alone(legs.one, legs.rule)
    held = [(legs.long, 1.0), (legs.short, 1.0), *([(alone, -times)] if alone else [])]
    bounds = {0.0, most}
    bounds |= {piece[1] for offer, _ in held for piece in offer.pieces if piece[1] < most}
    for lower, upper in pairwise(sorted(bounds)):
        terms = [term for offer, sign in held for term in _terms(offer, upper, sign)]
        asked = [term for offer, sign in held if sign > 0 for term in _terms(offer, upper, sign)]
        cuts = [lower, *roots(terms, max(lower, min(LEAST, upper / 2)), upper), upper]
        for low, high in pairwise(cuts):
            middle = 0.5 * (low + high)
            if value(terms, middle) < -_SAME * value(asked, middle):
                yield low, high


def _alone(one: Offer, rule: OffsetRule) -> tuple[Offer | None, float]:
    """What one venue needs, as an offer of N and how many times it counts."""
    if rule is OffsetRule.NET:
        return None, 0.0
    if rule is OffsetRule.SUM:
        pieces = tuple(
            (low / 2, high / 2, fixed, 2 * rate, bend * 2**power, power)
            for low, high, fixed, rate, bend, power in one.pieces
        )
        return replace(one, pieces=pieces, limit=one.limit / 2), 1.0
    return one, 2.0 if rule is OffsetRule.SEPARATE else 1.0


def _terms(offer: Offer, upper: float, times: float) -> list[Term]:
    """The piece that ends at or above a bound, as a sum of powers."""
    piece = next((one for one in offer.pieces if one[1] >= upper), offer.pieces[-1])
    _, _, fixed, rate, coefficient, power = piece
    return [(times * fixed, 0.0), (times * rate, 1.0), (times * coefficient, power)]


def _joined(ranges: Iterator[tuple[float, float]]) -> list[tuple[float, float]]:
    found: list[tuple[float, float]] = []
    last = -inf
    for low, high in ranges:
        if low == last:
            found[-1] = (found[-1][0], high)
        else:
            found.append((low, high))
        last = high
    return found
