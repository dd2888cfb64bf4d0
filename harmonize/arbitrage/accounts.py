"""Accounts that can hold a position, and changes to their margin functions for what-ifs."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import pairwise
from math import inf, isfinite

from harmonize.numerics.offer import Offer, margin_of_pieces
from harmonize.numerics.panel import PieceNumbers
from harmonize.numerics.roots import roots
from harmonize.numerics.segments import HORIZON

_SMALLEST = 1e-6  # USD, or a share of the piece: lower end of the search for crossings from 0


@dataclass(frozen=True, slots=True)
class Account:
    """One account at a venue with its margin terms; ``number`` numbers sub-accounts from 1."""

    venue: str
    offer: Offer
    number: int = 1


@dataclass(frozen=True, slots=True)
class SplitConstraints:
    """Constraints on the split of a position.

    - ``excluded``: venues that hold nothing.
    - ``limits``: largest position per account by venue, in USD of notional.
    - ``min_position``: smallest position per account, in USD of notional.
    - ``account_cost``: cost of each account but the first, in USD.
    - ``sub_accounts``: number of separately margined sub-accounts by venue; 1 if a venue is not named.
    """

    excluded: frozenset[str] = frozenset()
    limits: Mapping[str, float] = field(default_factory=dict)
    min_position: float = 0.0
    account_cost: float = 0.0
    sub_accounts: Mapping[str, int] = field(default_factory=dict)


def accounts_of(offers: Mapping[str, Offer], constraints: SplitConstraints) -> tuple[Account, ...]:
    """Returns the accounts that the constraints permit, in the order of the venues."""
    accounts = []
    for venue, offer in offers.items():
        if venue in constraints.excluded:
            continue
        limit = min(offer.limit, constraints.limits.get(venue, inf))
        constrained = replace(
            offer, limit=limit, min_position=max(offer.min_position, constraints.min_position)
        )
        accounts += [
            Account(venue, constrained, number)
            for number in range(1, constraints.sub_accounts.get(venue, 1) + 1)
        ]
    return tuple(accounts)


def at_least(offer: Offer, floor: float) -> Offer:
    """Returns the larger of the margin and ``floor`` (a rate) times notional, cut where they cross."""
    return replace(offer, pieces=tuple(_merged(_floored(offer.pieces, floor))))


def _floored(pieces: Iterable[PieceNumbers], floor: float) -> Iterable[PieceNumbers]:
    for piece in pieces:
        lower, upper, fixed, rate, coefficient, power = piece
        excess = [(fixed, 0.0), (rate - floor, 1.0), (coefficient, power)]
        end = upper if isfinite(upper) else max(HORIZON, 2.0 * lower)
        begin = lower or min(_SMALLEST, _SMALLEST * end)
        cuts = [lower, *roots(excess, begin, end), upper]
        for low, high in pairwise(cuts):
            inside = 0.5 * (low + (high if isfinite(high) else 2.0 * low + 1.0))
            is_above = sum(c * inside**p for c, p in excess) >= 0.0
            yield (low, high, *piece[2:]) if is_above else (low, high, 0.0, floor, 0.0, 2.0)


def _merged(pieces: Iterable[PieceNumbers]) -> list[PieceNumbers]:
    """Joins neighbours with the same formula."""
    merged: list[PieceNumbers] = []
    for piece in pieces:
        if merged and merged[-1][2:] == piece[2:]:
            merged[-1] = (merged[-1][0], *piece[1:])
        else:
            merged.append(piece)
    return merged


def as_whole(offer: Offer, notional: float) -> Offer:
    """Returns an offer that applies the rate of the whole position to every part of it.

    If the venue's table ends below the position, the rate is that of the end of the table.
    """
    end = min(notional, offer.limit, offer.pieces[-1][1])
    whole_margin = margin_of_pieces(offer.pieces, end)
    rate = 0.0 if whole_margin is None else whole_margin / end
    return replace(offer, pieces=((0.0, offer.pieces[-1][1], 0.0, rate, 0.0, 2.0),))


def with_table(offer: Offer, table: Sequence[PieceNumbers]) -> Offer:
    """Returns another table under the offer's own limit, which is at most the end of the table."""
    return replace(offer, pieces=tuple(table), limit=min(offer.limit, table[-1][1]))
