"""Margin of a long on one venue and a short on another, against both legs on one venue.

The pair requires ``IM_A(N) + IM_B(N)``. One venue with both legs requires, by its offset rule, 0
(net), ``IM(N)`` (larger side), ``IM(2N)`` (sum) or ``2·IM(N)`` (separate). The ranges of N on which
the pair requires less end at tier bounds and where the two sums cross; they are found exactly.
Break-even is the annual return on notional that pays for the capital of the pair, before funding
and fees: ``h·(IM_A(N) + IM_B(N)) / N`` at the cost of capital h.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from itertools import pairwise
from math import inf

from harmonize.core.venue_conventions import OffsetRule, combined_margin
from harmonize.numerics.offer import Offer, offer_margin
from harmonize.numerics.roots import Term, roots, sum_of_terms
from harmonize.numerics.rounding import rounded, rounded_or_none
from harmonize.numerics.segments import HORIZON, MIN_NOTIONAL

_TIE = 1e-9  # relative; a smaller difference is no advantage


@dataclass(frozen=True, slots=True)
class PairPoint:
    """Margin of both legs and of one venue at one notional, in USD; None if unknown.

    ``alone`` is the margin of both legs on the one venue. ``break_even`` is a rate of notional per
    year.
    """

    notional: float
    long: float | None
    short: float | None
    total: float | None
    alone: float | None
    break_even: float | None


@dataclass(frozen=True, slots=True)
class Pair:
    """A pair at the requested notionals.

    ``cheaper`` are the ranges (lower, upper] on which the pair requires less than one venue.
    ``compared`` is the notional up to which all three have a value. ``end`` states why the first of
    them ends there; empty if none does.
    """

    points: tuple[PairPoint, ...]
    cheaper: tuple[tuple[float, float], ...]
    compared: float
    end: str = ""


@dataclass(frozen=True, slots=True)
class Legs:
    """Offers of the two legs, and of one venue for both legs with its offset rule."""

    long: Offer
    short: Offer
    single_venue: Offer
    rule: OffsetRule


def compare_pair(legs: Legs, notionals: Sequence[float], cost_of_capital: float) -> Pair:
    """Compares a pair with both legs on one venue; ``cost_of_capital`` is a rate per year."""
    points = [_point(legs, notional, cost_of_capital) for notional in notionals]
    ends = [
        (_end(legs.long), legs.long.end),
        (_end(legs.short), legs.short.end),
        (_single_venue_end(legs), legs.single_venue.end),
    ]
    compared, end = min(ends, key=lambda pair: pair[0])
    ranges = _merged(_cheaper(legs, compared))
    return Pair(
        tuple(points), tuple((rounded(low), rounded(high)) for low, high in ranges), compared, end
    )


def _point(legs: Legs, notional: float, cost_of_capital: float) -> PairPoint:
    long, short = offer_margin(legs.long, notional), offer_margin(legs.short, notional)
    total = None if long is None or short is None else long + short
    alone = combined_margin(legs.rule, partial(offer_margin, legs.single_venue), notional, notional)
    break_even = None if total is None else cost_of_capital * total / notional
    figures = map(rounded_or_none, (long, short, total, alone, break_even))
    return PairPoint(notional, *figures)


def _end(offer: Offer) -> float:
    return min(offer.largest, HORIZON)


def _single_venue_end(legs: Legs) -> float:
    """Returns the largest size of each leg at which the one venue has a margin for both."""
    if legs.rule is OffsetRule.NET:
        return HORIZON
    return _end(legs.single_venue) / (2.0 if legs.rule is OffsetRule.SUM else 1.0)


def _cheaper(legs: Legs, end: float) -> Iterator[tuple[float, float]]:
    """Cuts at every bound and crossing; between two cuts the sign is that of the middle."""
    alone, multiple = _single_venue_offer(legs.single_venue, legs.rule)
    pair_offers = [(legs.long, 1.0), (legs.short, 1.0)]
    offers = [*pair_offers, *([(alone, -multiple)] if alone else [])]
    bounds = {0.0, end}
    bounds |= {piece[1] for offer, _ in offers for piece in offer.pieces if piece[1] < end}
    for lower, upper in pairwise(sorted(bounds)):
        difference = [term for offer, sign in offers for term in _terms(offer, upper, sign)]
        total = [term for offer, sign in pair_offers for term in _terms(offer, upper, sign)]
        cuts = [lower, *roots(difference, max(lower, min(MIN_NOTIONAL, upper / 2)), upper), upper]
        for low, high in pairwise(cuts):
            middle = 0.5 * (low + high)
            if sum_of_terms(difference, middle) < -_TIE * sum_of_terms(total, middle):
                yield low, high


def _single_venue_offer(offer: Offer, rule: OffsetRule) -> tuple[Offer | None, float]:
    """Returns the margin of both legs on one venue, as a function of N and its multiple."""
    if rule is OffsetRule.NET:
        return None, 0.0
    if rule is OffsetRule.SUM:
        pieces = tuple(
            (low / 2, high / 2, fixed, 2 * rate, coefficient * 2**power, power)
            for low, high, fixed, rate, coefficient, power in offer.pieces
        )
        return replace(offer, pieces=pieces, limit=offer.limit / 2), 1.0
    return offer, 2.0 if rule is OffsetRule.SEPARATE else 1.0


def _terms(offer: Offer, upper: float, multiple: float) -> list[Term]:
    """Returns the piece that ends at or above a bound, as a sum of powers."""
    piece = next((piece for piece in offer.pieces if piece[1] >= upper), offer.pieces[-1])
    _, _, fixed, rate, coefficient, power = piece
    return [(multiple * fixed, 0.0), (multiple * rate, 1.0), (multiple * coefficient, power)]


def _merged(ranges: Iterator[tuple[float, float]]) -> list[tuple[float, float]]:
    """Joins adjacent ranges."""
    merged: list[tuple[float, float]] = []
    last = -inf
    for low, high in ranges:
        if low == last:
            merged[-1] = (merged[-1][0], high)
        else:
            merged.append((low, high))
        last = high
    return merged
