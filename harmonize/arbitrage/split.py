"""The lowest margin of a position that is split over accounts, exactly.

``A(N) = min Σ f_v(n_v)`` over ``Σ n_v = N``, where each ``n_v`` is 0 or between the account's
smallest position and its limit. Margin functions jump at the bounds of flat tiers, so the problem
is not convex. As it has only one coupling constraint, its dual (``harmonize.arbitrage.lagrangian``)
is below A(N) by at most one account's jump. If every function is convex and continuous, the two are
equal, and the dual's water-filling is optimal.

Otherwise branch and bound closes the remaining gap. A piece that cannot be part of a better split is
dropped. The account that the dual leaves between two sizes is restricted to a piece, to sizes below
it, or to sizes above it. If all bounds are multiples of one step, many splits can cost nearly the
same: a mixed-integer linear program is then solved as well. The remaining gap is reported.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from heapq import heappop, heappush
from itertools import count
from math import inf

import numpy as np

from harmonize.arbitrage.lagrangian import (
    SIZE_TOLERANCE,
    AccountPieces,
    Dual,
    convex,
    maximize_dual,
    mixed,
    pieces_at,
)
from harmonize.numerics.elementary import powers
from harmonize.numerics.offer import Offer
from harmonize.numerics.panel import Floats

PROVED = 1e-9
"""A split is proved optimal if its cost is within this share of the bound."""

_NODES_BEFORE_MILP = 300
"""Nodes after which the mixed-integer program is solved too; measured to be faster then."""

_JUMP = 1e-12  # relative; a smaller difference is no jump
_TIE = 1e-13  # relative; of splits whose costs differ by less the first one found counts
_MAX_NODES = 5000

_EMPTY = (0.0, 0.0, 0.0, 0.0, 0.0, 1.0)
"""Piece of an account that holds nothing."""


@dataclass(frozen=True, slots=True)
class Split:
    """Lowest total margin found, in USD, with its allocation and its proved lower bound.

    - ``allocation``: notional per offer, in USD, in the order of the offers.
    - ``bound``: no split costs less.
    - ``shadow_price``: marginal margin rate of the next dollar of notional; None if no account
      takes it without entering another tier.
    """

    cost: float
    bound: float
    allocation: tuple[float, ...]
    shadow_price: float | None
    nodes: int

    @property
    def optimality_gap(self) -> float:
        """Largest possible excess of the cost over the optimum, as a share of the cost."""
        return max(self.cost - self.bound, 0.0) / self.cost if self.cost else 0.0

    @property
    def proved(self) -> bool:
        """True if the cost is the optimum, to rounding."""
        return self.optimality_gap <= PROVED


def split(offers: Sequence[Offer], notional: float, fee: float = 0.0) -> Split | None:
    """Splits a position of ``notional`` USD; each account but the first costs ``fee`` USD.

    None if the accounts together do not take the position. Raises ValueError: the notional is not
    a finite number above 0, or the fee is below 0.
    """
    if not 0.0 < notional < inf or not 0.0 <= fee < inf:
        message = f"expected a notional above 0 and a fee of at least 0, found {notional} and {fee}"
        raise ValueError(message)
    items = items_of(offers, notional, fee)
    search = _Search(items, _identical(offers), notional, fee)
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


def items_of(offers: Sequence[Offer], notional: float, fee: float) -> AccountPieces:
    """Returns the pieces of all accounts up to a notional, in USD; an account may also be empty."""
    columns = np.array([piece for offer in offers for piece in (_EMPTY, *offer.pieces)]).T
    account = np.repeat(np.arange(len(offers)), [1 + len(offer.pieces) for offer in offers])
    largest = np.array([min(offer.limit, notional) for offer in offers])[account]
    smallest = np.array([offer.min_position for offer in offers])[account]
    is_empty = np.zeros(account.size, np.bool_)
    is_empty[np.flatnonzero(np.diff(account, prepend=-1))] = True
    low, high = np.maximum(columns[0], smallest), np.minimum(columns[1], largest)
    is_kept = is_empty | ((columns[0] < largest) & (low <= high))
    items = AccountPieces(
        account,
        np.where(is_empty, 0.0, low),
        np.where(is_empty, 0.0, high),
        np.where(is_empty, 0.0, columns[2] + fee),
        *columns[3:],
    )
    return items.take(is_kept)


def _identical(offers: Sequence[Offer]) -> tuple[tuple[int, ...], ...]:
    """Returns, per account, the accounts with the same offer; their sizes can be sorted freely."""
    by_offer: dict[Offer, list[int]] = {}
    for account, offer in enumerate(offers):
        by_offer.setdefault(offer, []).append(account)
    return tuple(tuple(by_offer[offer]) for offer in offers)


class _Search:
    """Branch and bound over the pieces, lowest bound first."""

    def __init__(
        self,
        items: AccountPieces,
        identical: tuple[tuple[int, ...], ...],
        notional: float,
        fee: float,
    ) -> None:
        self.fee = fee
        self.items = items
        self.identical = identical
        self.notional = notional
        self.best = inf
        self.bound = inf
        self.sizes: Floats | None = None
        self.nodes = 0

    def run(self) -> None:
        """Searches until the best split is proved or the node limit is reached."""
        order = count()
        queue: list[tuple[float, int, AccountPieces, Dual]] = []
        self._expand(queue, order, self.items, 0.0)
        can_solve_milp = not self.items.coefficient.any()  # all pieces are straight
        milp_bound = -inf
        while queue:
            bound, _, items, dual = heappop(queue)
            if can_solve_milp and self.nodes > _NODES_BEFORE_MILP and bound < self._cutoff():
                milp_bound, can_solve_milp = self._solve_milp(), False
            if max(bound, milp_bound) >= self._cutoff() or self.nodes > _MAX_NODES:
                self.bound = max(min(self.bound, bound), milp_bound)
                return
            for child in self._children(items, dual):
                self._expand(queue, order, child, dual.level)

    def _cutoff(self) -> float:
        """Returns the bound from which on the best split is proved; infinite while there is none."""
        return self.best - PROVED * (self.best - self.fee) if self.sizes is not None else inf

    def _expand(
        self,
        queue: list[tuple[float, int, AccountPieces, Dual]],
        order: Iterator[int],
        items: AccountPieces,
        near: float,
    ) -> None:
        """Bounds a node, tries its splits, and queues it unless it cannot improve on the best."""
        self.nodes += 1
        dual = maximize_dual(items, self.notional, near)
        if dual is None:
            return
        for sizes in self._candidates(dual):
            if self._keep_if_better(sizes) and dual.bound < self._cutoff():
                self._polish(sizes)
            if dual.bound >= self._cutoff():
                break
        if dual.bound < self._cutoff():
            promising = items.take(dual.bound + dual.excess <= self.best)
            heappush(queue, (dual.bound, next(order), promising, dual))
        else:
            self.bound = min(self.bound, dual.bound)

    def _keep_if_better(self, sizes: Floats) -> bool:
        """Keeps a split that costs less than the best so far, by more than noise; True if it does."""
        cost = float(self.items.margins(sizes).sum())
        noise = 0.0 if self.sizes is None else _TIE * self.best
        is_better = cost < self.best - noise
        if is_better:
            self.best, self.sizes = cost, sizes
        return is_better

    def _candidates(self, dual: Dual) -> Iterator[Floats]:
        """Yields the dual's own split, and splits that assign the remainder to one account."""
        yield mixed(dual, self.notional)[0]
        for sizes in (dual.below, dual.above):
            moved = sizes + (self.notional - sizes.sum())
            change = self.items.margins(moved) - self.items.margins(sizes)
            smallest = float(change.min())
            if np.isfinite(smallest):
                account = int(np.argmax(change <= smallest + _TIE * abs(self.notional)))
                candidate = sizes.copy()
                candidate[account] = moved[account]
                yield candidate

    def _solve_milp(self) -> float:
        """Solves the mixed-integer program, keeps a better split and returns the proved bound."""
        from harmonize.arbitrage.milp import solve  # noqa: PLC0415 - scipy is heavy, and rarely needed

        root = maximize_dual(self.items, self.notional)
        if root is None:
            return -inf
        solution = solve(self.items.take(root.bound + root.excess <= self.best), self.notional)
        if solution is None:
            return -inf
        chosen, bound = solution
        dual = maximize_dual(chosen, self.notional)
        if dual is not None:
            self._keep_if_better(mixed(dual, self.notional)[0])
        return bound

    def _polish(self, sizes: Floats) -> None:
        """Tries the best split in which every account remains on its piece."""
        current = self.items.take(pieces_at(self.items, sizes))
        if convex(current).all():
            dual = maximize_dual(current, self.notional)
            if dual is not None:
                self._keep_if_better(mixed(dual, self.notional)[0])

    def _children(self, items: AccountPieces, dual: Dual) -> Iterator[AccountPieces]:
        """Yields restrictions of the account that the dual leaves between two sizes."""
        sizes, account = mixed(dual, self.notional)
        if account is None:
            return
        size = sizes[account]
        own = items.account == account
        low, high = items.lower, items.upper
        contains_size = own & (low < size) & (size < high)
        inside = np.flatnonzero(contains_size)
        if inside.size:
            start, end = float(low[inside[0]]), float(high[inside[0]])
            if convex(items.take(inside)).all():
                yield from self._restricted(items, account, 0.0, start, below=True)
                yield items.take(~own | contains_size)
                yield from self._restricted(items, account, end, inf, below=False)
                return
        yield from self._restricted(items, account, 0.0, float(size), below=True)
        yield from self._restricted(items, account, float(size), inf, below=False)

    def _restricted(
        self, items: AccountPieces, account: int, smallest: float, largest: float, *, below: bool
    ) -> Iterator[AccountPieces]:
        """Restricts an account to a range of sizes, if every account keeps a piece.

        Identical accounts are sorted by descending size, so those after it (``below``) or before it
        are restricted too.
        """
        identical = self.identical[account]
        position = identical.index(account)
        accounts = identical[position:] if below else identical[: position + 1]
        is_among = np.zeros(len(self.identical), np.bool_)
        is_among[list(accounts)] = True
        is_restricted = is_among[items.account]
        lower = np.where(is_restricted, np.maximum(items.lower, smallest), items.lower)
        upper = np.where(is_restricted, np.minimum(items.upper, largest), items.upper)
        restricted = replace(items, lower=lower, upper=upper).take(lower <= upper)
        if restricted.account.size and restricted.starts.size == len(self.identical):
            yield restricted


def _attained(items: AccountPieces, sizes: Floats) -> Floats:
    """Moves sizes just above a bound at which margin falls, so that they have the stated cost."""
    chosen = items.take(pieces_at(items, sizes))
    is_at_bound = (sizes > 0.0) & (sizes == chosen.lower) & (sizes < chosen.upper)
    attained: Floats = np.where(is_at_bound, np.nextafter(sizes, inf), sizes)
    return attained


def _shadow_price(items: AccountPieces, sizes: Floats) -> float | None:
    """Returns the least slope of a piece that continues from an account's size without a jump."""
    at = sizes[items.account]
    margins = items.values(at)
    current = items.margins(sizes)[items.account]
    has_room = items.upper > at * (1.0 + SIZE_TOLERANCE)
    is_continuous = margins <= current + _JUMP * np.abs(current)
    continues = (items.lower <= at) & has_room & is_continuous
    if not continues.any():
        return None
    pieces = items.take(continues)
    slope = pieces.rate.copy()
    curved = np.flatnonzero(pieces.coefficient)
    power = pieces.power[curved]
    raised = powers(at[continues][curved], power - 1.0)
    slope[curved] += pieces.coefficient[curved] * power * raised
    return float(slope.min())
