"""What differences between venues are worth at one notional, and how much of it a common table would leave.

Three amounts of margin for the same position N, in USD:

- ``R`` what the reference asks of it in one account: R(N);
- ``A_R`` the cheapest split over the venues' accounts if every one of them asked the reference;
- ``A`` the cheapest split over them as they are.

``gap = R − A = (R − A_R) + (A_R − A) = fragmentation + divergence``. Fragmentation remains when
every venue uses the same table: margin rises faster than size, and no venue sees what is held at
another. Divergence is what a common table closes. Equal tables make ``A_R = A``, so divergence 0; one
account that takes the position makes ``A_R = R``, so fragmentation 0. Source: the design of this project.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from harmonize.arbitrage.accounts import Account, SplitConstraints, accounts_of, with_table
from harmonize.arbitrage.split import Split, split
from harmonize.numerics.offer import Offer, margin
from harmonize.numerics.panel import PieceNumbers


@dataclass(frozen=True, slots=True)
class Part:
    """What one account holds of a split position, and what it asks for that, in USD."""

    venue: str
    number: int
    notional: float
    margin: float


@dataclass(frozen=True, slots=True)
class Arbitrage:
    """The cheapest ways to hold one position; amounts in USD.

    ``single`` is the least that one account asks, None where none takes the position. ``reference``
    and ``same_table`` are R and A_R; None without a reference, or where it has no value.
    """

    notional: float
    single: float | None
    single_venues: tuple[str, ...]
    split: Split
    parts: tuple[Part, ...]
    reference: float | None = None
    same_table: float | None = None

    @property
    def saving(self) -> float | None:
        """What the split saves over the best single account."""
        return None if self.single is None else self.single - self.split.cost

    @property
    def fragmentation(self) -> float | None:
        """What splitting saves when every venue uses the reference."""
        if self.reference is None or self.same_table is None:
            return None
        return self.reference - self.same_table

    @property
    def divergence(self) -> float | None:
        """What the venues' own tables save beyond that."""
        return None if self.same_table is None else self.same_table - self.split.cost

    @property
    def gap(self) -> float | None:
        """What the cheapest split saves over the reference."""
        if self.fragmentation is None or self.divergence is None:
            return None
        return self.fragmentation + self.divergence


_TIE = 1e-9  # relative; single accounts closer than this are both named


def arbitrage(
    offers: Mapping[str, Offer],
    notional: float,
    conditions: SplitConstraints | None = None,
    reference: Sequence[PieceNumbers] | None = None,
) -> Arbitrage | None:
    """Find the cheapest split of a position over venues, and its parts against a reference.

    None where the venues together do not take the position. Raises ValueError: a notional that is
    not a number above 0.
    """
    chosen = conditions or SplitConstraints()
    accounts = accounts_of(offers, chosen)
    found = _split(accounts, notional, chosen.fee)
    if found is None:
        return None
    asked = {
        one.venue: margin(one.offer, notional)
        for one in accounts
        if notional >= one.offer.ticket and one.number == 1
    }
    known = {venue: amount for venue, amount in asked.items() if amount is not None}
    single = min(known.values(), default=None)
    return Arbitrage(
        notional=notional,
        single=single,
        single_venues=tuple(
            venue
            for venue, amount in known.items()
            if single is not None and amount <= single * (1.0 + _TIE)
        ),
        split=found,
        parts=_parts(accounts, found),
        reference=None if reference is None else _reference(reference, notional),
        same_table=None
        if reference is None
        else _same_table(accounts, reference, notional, chosen),
    )


def _split(accounts: Sequence[Account], notional: float, fee: float) -> Split | None:
    return split([one.offer for one in accounts], notional, fee) if accounts else None


def _parts(accounts: Sequence[Account], found: Split) -> tuple[Part, ...]:
    return tuple(
        Part(one.venue, one.number, size, margin(one.offer, min(size, one.offer.limit)) or 0.0)
        for one, size in zip(accounts, found.allocation, strict=True)
        if size > 0.0
    )


def _reference(table: Sequence[PieceNumbers], notional: float) -> float | None:
    return margin(Offer(tuple(table), table[-1][1]), notional)


def _same_table(
    accounts: Sequence[Account],
    table: Sequence[PieceNumbers],
    notional: float,
    conditions: SplitConstraints,
) -> float | None:
    same = [Account(one.venue, with_table(one.offer, table), one.number) for one in accounts]
    found = _split(same, notional, conditions.fee)
    return None if found is None else found.cost
