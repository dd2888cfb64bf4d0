"""The least margin for which a position can be held when it is split over accounts, exactly.

``A(N) = min Σ f_v(n_v)`` over ``Σ n_v = N``, where each ``n_v`` is 0 or between the account's
smallest ticket and its limit. Margin functions jump at the bounds of flat tiers, so the problem is
not convex, but it has one coupling constraint only: its dual (``harmonize.arbitrage.lagrangian``) lies below A(N)
by no more than one account's jump. Where every function is convex and continuous the two are equal,
and the dual's water-filling is the answer. Elsewhere branch and bound closes what is left: a piece
that cannot be part of a better split is dropped, and the account that the dual leaves between two
sizes is kept to a piece, below it or above it. Positions whose bounds are all multiples of one step
can leave too many splits that cost nearly the same; for those a mixed-integer programme is asked as
well. How far the answer could still be too high is reported.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from heapq import heappop, heappush
from itertools import count
from math import inf

import numpy as np

from harmonize.arbitrage.lagrangian import GRAIN, Dual, Items, convex, maximum, mixed, pieces_at
from harmonize.numerics.offer import Offer
from harmonize.numerics.panel import Floats

PROVED = 1e-9
"""A split is called exact when it is within this share of the bound."""

_NODES = 300
"""After so many a mixed-integer programme is asked too; it is quicker then, as measured."""

_JUMP = 1e-12  # relative; less is none
_MOST_NODES = 5000


@dataclass(frozen=True, slots=True)
class Split:
    """The least total margin in USD, how it is reached, and how far it could still be too high.

    ``allocation`` is in USD of notional, by the places of the offers. ``bound`` is proved: no split
    costs less. ``shadow_price`` is what the next dollar of notional costs (a rate); None where no
    account takes it without going into another tier.
    """

    cost: float
    bound: float
    allocation: tuple[float, ...]
    shadow_price: float | None
    nodes: int

    @property
    def gap(self) -> float:
        """How far the cost may lie above the least, as a share of it."""
        return max(self.cost - self.bound, 0.0) / self.cost if self.cost else 0.0

    @property
    def proved(self) -> bool:
        """Whether the cost is the least, to rounding."""
        return self.gap <= PROVED


def split(offers: Sequence[Offer], notional: float, fee: float = 0.0) -> Split | None:
    """Split a position of ``notional`` USD; ``fee`` in USD is paid for every account but the first.

    None where the accounts together do not take the position. Raises ValueError: a notional that is
    not a number above 0, or a fee below 0.
    """
    if not 0.0 < notional < inf or not 0.0 <= fee < inf:
        message = f"notional above 0 and fee from 0, were {notional} and {fee}"
        raise ValueError(message)
    items = items_of(offers, notional, fee)
    search = _Search(items, _alike(offers), notional, fee)
    search.run()
    if search.sizes is None:
        return None
    return Split(
        cost=search.best - fee,
        bound=min(search.bound, search.best) - fee,
        allocation=tuple(_attained(items, search.sizes).tolist()),
        shadow_price=_shadow_price(items_of(offers, inf, fee), search.sizes),
        nodes=search.nodes,
    )


def items_of(offers: Sequence[Offer], notional: float, fee: float) -> Items:
    """The pieces of all accounts up to a notional, in USD; each account may also stay empty."""
    rows = []
    for account, offer in enumerate(offers):
        rows.append((account, 0.0, 0.0, 0.0, 0.0, 0.0, 1.0))
        most = min(offer.limit, notional)
        for lower, upper, fixed, rate, coefficient, power in offer.pieces:
            low, high = max(lower, offer.ticket), min(upper, most)
            if lower < most and low <= high:
                rows.append((account, low, high, fixed + fee, rate, coefficient, power))
    columns = np.array(rows).T
    return Items(columns[0].astype(np.intp), *columns[1:])


def _alike(offers: Sequence[Offer]) -> tuple[tuple[int, ...], ...]:
    """Accounts with the same offer: any split of theirs can be ordered by size."""
    found: dict[Offer, list[int]] = {}
    for place, offer in enumerate(offers):
        found.setdefault(offer, []).append(place)
    groups: list[tuple[int, ...]] = [()] * len(offers)
    for places in found.values():
        for place in places:
            groups[place] = tuple(places)
    return tuple(groups)


class _Search:
    """Branch and bound, the lowest bound first."""

    def __init__(
        self, items: Items, alike: tuple[tuple[int, ...], ...], notional: float, fee: float
    ) -> None:
        self.fee = fee
        self.items = items
        self.alike = alike
        self.notional = notional
        self.best = inf
        self.bound = inf
        self.sizes: Floats | None = None
        self.nodes = 0

    def run(self) -> None:
        """Search until the best split is proved, or the nodes are used up."""
        order = count()
        open_: list[tuple[float, int, Items, Dual]] = []
        self._open(open_, order, self.items, 0.0)
        asked = bool(self.items.coefficient.any())  # the programme is for straight pieces
        least = -inf  # what the programme has proved
        while open_:
            bound, _, items, dual = heappop(open_)
            if not asked and self.nodes > _NODES and bound < self._proved():
                least, asked = self._programmed(), True
            if max(bound, least) >= self._proved() or self.nodes > _MOST_NODES:
                self.bound = max(min(self.bound, bound), least)
                return
            for child in self._children(items, dual):
                self._open(open_, order, child, dual.level)

    def _proved(self) -> float:
        """A bound from which on the best split is proved; infinite while there is none."""
        return self.best - PROVED * (self.best - self.fee) if self.sizes is not None else inf

    def _open(
        self,
        open_: list[tuple[float, int, Items, Dual]],
        order: Iterator[int],
        items: Items,
        near: float,
    ) -> None:
        self.nodes += 1
        dual = maximum(items, self.notional, near)
        if dual is None:
            return
        for sizes in self._candidates(dual):
            if self._better(sizes) and dual.bound < self._proved():
                self._polish(sizes)
            if dual.bound >= self._proved():
                break
        if dual.bound < self._proved():
            kept = items.take(dual.bound + dual.excess <= self.best)
            heappush(open_, (dual.bound, next(order), kept, dual))
        else:
            self.bound = min(self.bound, dual.bound)

    def _better(self, sizes: Floats) -> bool:
        """Keep a split that costs less than the best so far."""
        cost = float(self.items.margins(sizes).sum())
        better = cost < self.best
        if better:
            self.best, self.sizes = cost, sizes
        return better

    def _candidates(self, dual: Dual) -> Iterator[Floats]:
        """The dual's own split, and those that give what is left over to one account."""
        yield mixed(dual, self.notional)[0]
        for sizes in (dual.below, dual.above):
            moved = sizes + (self.notional - sizes.sum())
            change = self.items.margins(moved) - self.items.margins(sizes)
            place = int(np.argmin(change))
            if np.isfinite(change[place]):
                found = sizes.copy()
                found[place] = moved[place]
                yield found

    def _programmed(self) -> float:
        """Let a mixed-integer programme look for a better split; gives what it proves."""
        from harmonize.arbitrage.milp import solve  # noqa: PLC0415 - scipy is heavy, and seldom needed

        root = maximum(self.items, self.notional)
        if root is None:
            return -inf
        found = solve(self.items.take(root.bound + root.excess <= self.best), self.notional)
        if found is None:
            return -inf
        chosen, proved = found
        dual = maximum(chosen, self.notional)
        if dual is not None:
            self._better(mixed(dual, self.notional)[0])
        return proved

    def _polish(self, sizes: Floats) -> None:
        """Try the best split that leaves every account on the piece that it is on."""
        held = self.items.take(pieces_at(self.items, sizes))
        if convex(held).all():
            dual = maximum(held, self.notional)
            if dual is not None:
                self._better(mixed(dual, self.notional)[0])

    def _children(self, items: Items, dual: Dual) -> Iterator[Items]:
        sizes, account = mixed(dual, self.notional)
        if account is None:
            return
        size = sizes[account]
        own = items.account == account
        low, high = items.lower, items.upper
        within = own & (low < size) & (size < high)
        inside = np.flatnonzero(within)
        if inside.size:
            start, end = float(low[inside[0]]), float(high[inside[0]])
            if convex(items.take(inside)).all():
                yield from self._restricted(items, account, 0.0, start, below=True)
                yield items.take(~own | within)
                yield from self._restricted(items, account, end, inf, below=False)
                return
        yield from self._restricted(items, account, 0.0, float(size), below=True)
        yield from self._restricted(items, account, float(size), inf, below=False)

    def _restricted(
        self, items: Items, account: int, least: float, most: float, *, below: bool
    ) -> Iterator[Items]:
        """Keep an account within sizes; of those that are alike, the first ones hold most."""
        alike = self.alike[account]
        place = alike.index(account)
        held = alike[place:] if below else alike[: place + 1]
        chosen = np.isin(items.account, held)
        lower = np.where(chosen, np.maximum(items.lower, least), items.lower)
        upper = np.where(chosen, np.minimum(items.upper, most), items.upper)
        cut = replace(items, lower=lower, upper=upper).take(lower <= upper)
        if np.unique(cut.account).size == len(self.alike):
            yield cut


def _attained(items: Items, sizes: Floats) -> Floats:
    """Sizes just above a bound where margin falls there, so that they cost what is said."""
    chosen = items.take(pieces_at(items, sizes))
    above = (sizes > 0.0) & (sizes == chosen.lower) & (sizes < chosen.upper)
    attained: Floats = np.where(above, np.nextafter(sizes, inf), sizes)
    return attained


def _shadow_price(items: Items, sizes: Floats) -> float | None:
    """The least slope of a piece that goes on from an account's size without a jump."""
    at = sizes[items.account]
    asked = items.values(at)
    held = items.margins(sizes)[items.account]
    room = items.upper > at * (1.0 + GRAIN)
    going = (items.lower <= at) & room & (asked <= held + _JUMP * np.abs(held))
    if not going.any():
        return None
    on = items.take(going)
    with np.errstate(invalid="ignore", divide="ignore"):
        bend = on.coefficient * on.power * at[going] ** (on.power - 1.0)
    return float((on.rate + np.where(on.coefficient != 0.0, bend, 0.0)).min())
