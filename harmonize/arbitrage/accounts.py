"""What venues would ask: their own margin, held to a floor, seen as a whole, or another's table."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import pairwise
from math import inf, isfinite

from harmonize.numerics.offer import Offer, margin
from harmonize.numerics.panel import PieceNumbers
from harmonize.numerics.roots import roots
from harmonize.numerics.segments import HORIZON

_SMALLEST = 1e-6  # USD, or a share of the piece: where crossings are looked for from 0 on


@dataclass(frozen=True, slots=True)
class Account:
    """One account at a venue, and what it asks; ``number`` counts sub-accounts from 1."""

    venue: str
    offer: Offer
    number: int = 1


@dataclass(frozen=True, slots=True)
class SplitConstraints:
    """How a position may be split. Amounts are USD of notional, ``fee`` is USD.

    ``limits`` bound what is held at a venue in each account, ``ticket`` is the smallest position in
    an account, ``fee`` is paid for every account but the first, ``accounts`` says how many
    sub-accounts a venue is used with (1 unless named).
    """

    excluded: frozenset[str] = frozenset()
    limits: Mapping[str, float] = field(default_factory=dict)
    ticket: float = 0.0
    fee: float = 0.0
    accounts: Mapping[str, int] = field(default_factory=dict)


def accounts_of(offers: Mapping[str, Offer], conditions: SplitConstraints) -> tuple[Account, ...]:
    """The accounts that may be used, under the conditions; venues in their order."""
    found = []
    for venue, offer in offers.items():
        if venue in conditions.excluded:
            continue
        limit = min(offer.limit, conditions.limits.get(venue, inf))
        held = replace(offer, limit=limit, ticket=max(offer.ticket, conditions.ticket))
        found += [
            Account(venue, held, number)
            for number in range(1, conditions.accounts.get(venue, 1) + 1)
        ]
    return tuple(found)


def at_least(offer: Offer, floor: float) -> Offer:
    """The larger of the margin and ``floor`` (a rate) times the notional; cut where they cross."""
    return replace(offer, pieces=tuple(_joined(_floored(offer.pieces, floor))))


def _floored(pieces: Iterable[PieceNumbers], floor: float) -> Iterable[PieceNumbers]:
    for piece in pieces:
        lower, upper, fixed, rate, coefficient, power = piece
        terms = [(fixed, 0.0), (rate - floor, 1.0), (coefficient, power)]
        end = upper if isfinite(upper) else max(HORIZON, 2.0 * lower)
        begin = lower or min(_SMALLEST, _SMALLEST * end)
        cuts = [lower, *roots(terms, begin, end), upper]
        for low, high in pairwise(cuts):
            inside = 0.5 * (low + (high if isfinite(high) else 2.0 * low + 1.0))
            above = sum(c * inside**p for c, p in terms) >= 0.0
            yield (low, high, *piece[2:]) if above else (low, high, 0.0, floor, 0.0, 2.0)


def _joined(pieces: Iterable[PieceNumbers]) -> list[PieceNumbers]:
    """Neighbours with the same terms as one piece."""
    found: list[PieceNumbers] = []
    for piece in pieces:
        if found and found[-1][2:] == piece[2:]:
            found[-1] = (found[-1][0], *piece[1:])
        else:
            found.append(piece)
    return found


def as_whole(offer: Offer, notional: float) -> Offer:
    """The rate that the offer asks for the whole position, on whatever part is held in it.

    A venue whose table ends below the position is taken at the rate of its end.
    """
    seen = min(notional, offer.limit, offer.pieces[-1][1])
    asked = margin(replace(offer, limit=inf), seen)
    rate = 0.0 if asked is None else asked / seen
    return replace(offer, pieces=((0.0, offer.pieces[-1][1], 0.0, rate, 0.0, 2.0),))


def with_table(offer: Offer, table: Sequence[PieceNumbers]) -> Offer:
    """Another's table under the offer's own limit; it ends where the table ends."""
    return replace(offer, pieces=tuple(table), limit=min(offer.limit, table[-1][1]))
