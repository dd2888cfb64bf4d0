"""Arbitrage gap at one notional, and the part of it that a common table would leave.

Three amounts of margin for the same position N, in USD:

- ``R``: the reference margin of the position in one account, R(N);
- ``A_R``: the cheapest split over the venues' accounts if every account used the reference;
- ``A``: the cheapest split with the venues' own tables.

``gap = R − A = (R − A_R) + (A_R − A) = fragmentation + divergence``. Fragmentation remains when
every venue uses the same table: margin rises faster than size, and no venue sees positions at
another venue. A common table removes divergence. With equal tables ``A_R = A``, so divergence is 0.
If one account takes the position, ``A_R = R``, so fragmentation is 0. Source: the design of this project.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from harmonize.arbitrage.accounts import Account, SplitConstraints, accounts_of, with_table
from harmonize.arbitrage.split import Split, split
from harmonize.numerics.offer import Offer, margin_of_pieces, offer_margin
from harmonize.numerics.panel import PieceNumbers
from harmonize.numerics.rounding import rounded, rounded_or_none


@dataclass(frozen=True, slots=True)
class AccountAllocation:
    """Notional and margin in one account of a split position, in USD."""

    venue: str
    number: int
    notional: float
    margin: float


@dataclass(frozen=True, slots=True)
class Arbitrage:
    """Cheapest ways to hold one position, in USD.

    - ``single``: lowest margin in one account; None if no account takes the position.
    - ``reference`` and ``reference_split``: R and A_R; None without a reference or without a value.

    These amounts and ``cost`` are rounded, so that differences of equal amounts are zero.
    """

    notional: float
    single: float | None
    single_venues: tuple[str, ...]
    split: Split
    allocation: tuple[AccountAllocation, ...]
    reference: float | None = None
    reference_split: float | None = None

    @property
    def cost(self) -> float:
        """Margin of the cheapest split."""
        return rounded(self.split.cost)

    @property
    def saving(self) -> float | None:
        """Saving of the split over the best single account."""
        return None if self.single is None else self.single - self.cost

    @property
    def fragmentation(self) -> float | None:
        """Saving of the split if every venue uses the reference."""
        if self.reference is None or self.reference_split is None:
            return None
        return self.reference - self.reference_split

    @property
    def divergence(self) -> float | None:
        """Further saving of the split from differences between the venues' tables."""
        return None if self.reference_split is None else self.reference_split - self.cost

    @property
    def gap(self) -> float | None:
        """Saving of the cheapest split over the reference."""
        if self.fragmentation is None or self.divergence is None:
            return None
        return self.fragmentation + self.divergence


_TIE = 1e-9  # relative; single accounts closer than this are all named


def arbitrage(
    offers: Mapping[str, Offer],
    notional: float,
    constraints: SplitConstraints | None = None,
    reference: Sequence[PieceNumbers] | None = None,
) -> Arbitrage | None:
    """Returns the cheapest split of a position over venues, and its gap to a reference.

    None if the venues together do not take the position. Raises ValueError: the notional is not a
    finite number above 0.
    """
    constraints = constraints or SplitConstraints()
    accounts = accounts_of(offers, constraints)
    cheapest = _split(accounts, notional, constraints.account_cost)
    if cheapest is None:
        return None
    single, single_venues = _best_single(accounts, notional)
    return Arbitrage(
        notional=notional,
        single=rounded_or_none(single),
        single_venues=single_venues,
        split=cheapest,
        allocation=_allocation(accounts, cheapest),
        reference=None
        if reference is None
        else rounded_or_none(margin_of_pieces(reference, notional)),
        reference_split=None
        if reference is None
        else rounded_or_none(_reference_split_cost(accounts, reference, notional, constraints)),
    )


def _best_single(
    accounts: Sequence[Account], notional: float
) -> tuple[float | None, tuple[str, ...]]:
    """Returns the lowest margin in one account, and the venues that require it."""
    margins = {
        account.venue: amount
        for account in accounts
        if notional >= account.offer.min_position
        and account.number == 1
        and (amount := offer_margin(account.offer, notional)) is not None
    }
    if not margins:
        return None, ()
    least = min(margins.values())
    return least, tuple(
        venue for venue, amount in margins.items() if amount <= least * (1.0 + _TIE)
    )


def _split(accounts: Sequence[Account], notional: float, fee: float) -> Split | None:
    return split([account.offer for account in accounts], notional, fee) if accounts else None


def _allocation(accounts: Sequence[Account], cheapest: Split) -> tuple[AccountAllocation, ...]:
    return tuple(
        AccountAllocation(
            account.venue,
            account.number,
            size,
            offer_margin(account.offer, min(size, account.offer.limit)) or 0.0,
        )
        for account, size in zip(accounts, cheapest.allocation, strict=True)
        if size > 0.0
    )


def _reference_split_cost(
    accounts: Sequence[Account],
    table: Sequence[PieceNumbers],
    notional: float,
    constraints: SplitConstraints,
) -> float | None:
    """Returns the cost of the cheapest split if every account uses ``table``."""
    with_reference = [
        replace(account, offer=with_table(account.offer, table)) for account in accounts
    ]
    cheapest = _split(with_reference, notional, constraints.account_cost)
    return None if cheapest is None else cheapest.cost
