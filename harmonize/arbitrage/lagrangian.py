"""Lagrangian dual of splitting a position over accounts: a lower bound, and splits near it.

``g(λ) = λ·N + Σ_v min_n (f_v(n) − λ·n)`` is a lower bound on the cost of any split of N, for every
λ. λ is a marginal margin rate: each account takes the size that costs less than λ per dollar, so
maximising g is water-filling. Every inner minimum is found exactly on the pieces. Source: Everett, "Generalized
Lagrange multiplier method for solving problems of optimum allocation of resources", 1963.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from math import inf

import numpy as np
from numpy.typing import NDArray

from harmonize.numerics.elementary import powers
from harmonize.numerics.panel import Floats, Ints

_MAX_STEPS = 200
_FIRST_STEP, _STEP_FACTOR = 1e-3, 8.0  # of λ, in the search for a bracket
_TOLERANCE = 1e-13  # relative; values of the dual that differ by less are equal

SIZE_TOLERANCE = 1e-12
"""As a share of the position; sums of sizes that differ by less are equal."""


@dataclass(frozen=True)
class AccountPieces:
    """Pieces that each account may still use, by account and size; an empty account is a piece too.

    Sizes are in (``lower``, ``upper``]. At ``lower`` the margin is the limit from above.
    Pieces are sorted by account, and every account has at least one.
    """

    account: Ints
    lower: Floats
    upper: Floats
    fixed: Floats
    rate: Floats
    coefficient: Floats
    power: Floats

    def take(self, index: Ints | NDArray[np.bool_]) -> "AccountPieces":
        """Returns some of the pieces."""
        return AccountPieces(
            self.account[index],
            self.lower[index],
            self.upper[index],
            self.fixed[index],
            self.rate[index],
            self.coefficient[index],
            self.power[index],
        )

    @cached_property
    def starts(self) -> Ints:
        """Returns the index of each account's first piece."""
        begins = np.empty(self.account.size, np.bool_)
        begins[0] = True
        np.not_equal(self.account[1:], self.account[:-1], out=begins[1:])
        return begins.nonzero()[0]

    @cached_property
    def curved(self) -> Ints:
        """Returns the indices of curved pieces."""
        return self.coefficient.nonzero()[0]

    def values(self, size: Floats) -> Floats:
        """Returns the margin of each piece at its own size, by its formula also beyond its bounds."""
        margin: Floats = self.fixed + self.rate * size
        curved = self.curved
        if curved.size:
            positive = np.maximum(size[curved], 0.0)
            margin[curved] += self.coefficient[curved] * powers(positive, self.power[curved])
        return margin

    def margins(self, size: Floats) -> Floats:
        """Returns the margin of each account at its own size; infinite if no piece covers it."""
        margin: Floats = np.minimum.reduceat(self.covering_margins(size), self.starts)
        return margin

    def covering_margins(self, size: Floats) -> Floats:
        """Returns the margin of each piece at its account's size; infinite outside the piece."""
        at = size[self.account]
        margins: Floats = np.where((self.lower <= at) & (at <= self.upper), self.values(at), inf)
        return margins


@dataclass(frozen=True, slots=True)
class Dual:
    """Maximum of the dual: ``bound`` in USD, reached at λ = ``level``.

    ``below`` and ``above`` are optimal sizes at that λ whose sum is at most, respectively at least,
    the position. ``excess`` is the cost of each piece at that λ over its account's best piece.
    """

    bound: float
    level: float
    below: Floats
    above: Floats
    excess: Floats


@dataclass(frozen=True, slots=True)
class _Response:
    """Optimal sizes of the accounts at one λ, with the value and the slope of the dual."""

    level: float
    value: float
    slope: float
    sizes: Floats
    excess: Floats


def convex(items: AccountPieces) -> NDArray[np.bool_]:
    """Returns True for each piece that is straight or convex."""
    is_convex: NDArray[np.bool_] = items.coefficient * items.power * (items.power - 1.0) >= 0.0
    return is_convex


def pieces_at(items: AccountPieces, sizes: Floats) -> Ints:
    """Returns the index of the cheapest piece that covers each account's size."""
    margins = items.covering_margins(sizes)
    starts = items.starts
    ends = np.append(starts[1:], margins.size)
    return np.array(
        [
            start + int(np.argmin(margins[start:end]))
            for start, end in zip(starts, ends, strict=True)
        ],
        np.intp,
    )


def maximize_dual(items: AccountPieces, notional: float, near: float = 0.0) -> Dual | None:
    """Maximises the dual by its supporting lines; None if the pieces cannot cover the position.

    The dual is concave, and piecewise linear unless pieces are curved. The search ends where the
    supporting lines below and above the maximum meet, if the dual has the same value there.
    """
    starts = items.starts
    tolerance = SIZE_TOLERANCE * notional
    smallest = np.minimum.reduceat(items.lower, starts)
    largest = np.maximum.reduceat(items.upper, starts)
    if smallest.sum() > notional + tolerance or largest.sum() < notional - tolerance:
        return None
    respond = _responder(items, notional, tolerance)
    low, high = _bracket(respond, near)
    best = max(low, high, key=lambda response: response.value)
    for _ in range(_MAX_STEPS):
        if not low.slope > 0.0 > high.slope:
            break
        level = (high.value - low.value + low.slope * low.level - high.slope * high.level) / (
            low.slope - high.slope
        )
        if not low.level < level < high.level:
            break
        middle = respond(level)
        best = max(best, middle, key=lambda response: response.value)
        line = low.value + low.slope * (level - low.level)
        if line - middle.value <= _TOLERANCE * abs(middle.value):
            break
        if middle.slope > 0.0:
            low = middle
        else:
            high = middle
    return Dual(best.value, best.level, low.sizes, high.sizes, best.excess)


def _responder(
    items: AccountPieces, notional: float, tolerance: float
) -> Callable[[float], _Response]:
    """Returns the function from λ to the accounts' response."""
    starts = items.starts
    curved = items.curved
    is_convex = convex(items)[curved]
    curved_up, curved_down = curved[is_convex], curved[~is_convex]

    def respond(level: float) -> _Response:
        size = np.where(items.rate < level, items.upper, items.lower)
        if curved_up.size:
            size[curved_up] = _stationary(items.take(curved_up), level)
        value = items.values(size) - level * size
        if curved_down.size:
            size[curved_down], value[curved_down] = _better_end(items.take(curved_down), level)
        least = np.minimum.reduceat(value, starts)
        excess = value - least[items.account]
        sizes = np.maximum.reduceat(np.where(excess == 0.0, size, 0.0), starts)
        slope = notional - float(sizes.sum())
        total = float(level * notional + least.sum())
        return _Response(level, total, slope if abs(slope) > tolerance else 0.0, sizes, excess)

    return respond


def _bracket(respond: Callable[[float], _Response], near: float) -> tuple[_Response, _Response]:
    """Returns responses below and above the maximum: sizes that sum to too little, and too much."""
    low = high = respond(near)
    step = _FIRST_STEP
    while low.slope < 0.0:
        high, low = low, respond(near - step)
        step *= _STEP_FACTOR
    while high.slope > 0.0:
        low, high = high, respond(near + step)
        step *= _STEP_FACTOR
    return low, high


def _stationary(items: AccountPieces, level: float) -> Floats:
    """Returns the size at which the slope of a convex piece is ``level``, within its bounds.

    ``c·p·n^(p−1) = level − rate``. Where no n above 0 solves it, the slope is above
    ``level`` throughout for a piece that steepens from its rate. It is below ``level`` throughout for
    a piece that flattens towards its rate.
    """
    base = (level - items.rate) / (items.coefficient * items.power)
    is_solvable = base > 0.0
    size = np.where(items.coefficient * items.power > 0.0, 0.0, inf)
    size[is_solvable] = powers(base[is_solvable], 1.0 / (items.power[is_solvable] - 1.0))
    clipped: Floats = np.clip(size, items.lower, items.upper)
    return clipped


def _better_end(items: AccountPieces, level: float) -> tuple[Floats, Floats]:
    """Returns the cheaper end of concave pieces, and its cost at λ."""
    low, high = (items.values(end) - level * end for end in (items.lower, items.upper))
    return np.where(low <= high, items.lower, items.upper), np.minimum(low, high)


def mixed(dual: Dual, notional: float) -> tuple[Floats, int | None]:
    """Moves from the sizes below to those above, account by account, until they sum to the position.

    Returns the sizes, and the account whose size is between its two optimal sizes; None if there is
    none.
    """
    sizes = dual.below.copy()
    missing = notional - float(sizes.sum())
    for account in np.flatnonzero(dual.above != dual.below).tolist():
        if abs(missing) <= SIZE_TOLERANCE * notional:
            break
        step = float(dual.above[account] - dual.below[account])
        if 0.0 < missing < step or step < missing < 0.0:
            sizes[account] += missing
            return sizes, account
        if (missing > 0.0) == (step > 0.0) and missing:
            sizes[account] = dual.above[account]
            missing -= step
    return sizes, None
