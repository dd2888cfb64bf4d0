"""The Lagrangian dual of holding a position in several accounts: a bound, and splits near it.

``g(λ) = λ·N + Σ_v min_n (f_v(n) − λ·n)``: whatever λ is, no split of N costs less. λ is a marginal
margin rate: each account takes what it takes for less than λ a dollar, so that maximising g is
water-filling. Every inner minimum is found exactly on the pieces. Source: Everett, "Generalized
Lagrange multiplier method for solving problems of optimum allocation of resources", 1963.
"""

from collections.abc import Callable
from dataclasses import dataclass
from math import inf

import numpy as np
from numpy.typing import NDArray

from harmonize.numerics.panel import Floats, Ints

_STEPS = 200
_FIRST, _WIDER = 1e-3, 8.0  # how far from the last λ the next one is looked for
_LEVEL = 1e-13  # relative: two values of the dual that differ by less are one

GRAIN = 1e-12
"""Of the position: sums of sizes that differ by less are one."""


@dataclass(frozen=True, slots=True)
class Items:
    """Pieces that accounts may still be on, by account and rising; an empty account is a piece too.

    Sizes are in (``lower``, ``upper``]; at ``lower`` the piece is taken with its limit from above.
    """

    account: Ints
    lower: Floats
    upper: Floats
    fixed: Floats
    rate: Floats
    coefficient: Floats
    power: Floats

    def take(self, index: Ints | NDArray[np.bool_]) -> "Items":
        """Keep some pieces."""
        return Items(
            self.account[index],
            self.lower[index],
            self.upper[index],
            self.fixed[index],
            self.rate[index],
            self.coefficient[index],
            self.power[index],
        )

    def starts(self) -> Ints:
        """Where each account's pieces begin; every account has one or more."""
        found: Ints = np.concatenate(([0], np.flatnonzero(np.diff(self.account)) + 1))
        return found

    def values(self, size: Floats) -> Floats:
        """Margin of each piece at a size of its own, as if it went on beyond its ends."""
        margin: Floats = self.fixed + self.rate * size
        bent = np.flatnonzero(self.coefficient)
        if bent.size:
            positive = np.maximum(size[bent], 0.0)
            margin[bent] += self.coefficient[bent] * positive ** self.power[bent]
        return margin

    def margins(self, size: Floats) -> Floats:
        """Margin of each account at a size of its own; infinite where no piece holds it."""
        at = size[self.account]
        inside = (self.lower <= at) & (at <= self.upper)
        asked = np.where(inside, self.values(at), inf)
        margin: Floats = np.minimum.reduceat(asked, self.starts())
        return margin


@dataclass(frozen=True, slots=True)
class Dual:
    """The dual at its maximum, ``bound``, reached at λ = ``level``.

    ``below`` and ``above`` are sizes that are best at that λ and together no more and no less than
    the position; ``excess`` is how much each piece costs there over its account's best.
    """

    bound: float
    level: float
    below: Floats
    above: Floats
    excess: Floats


@dataclass(frozen=True, slots=True)
class _Response:
    """What the accounts hold at one λ, what the dual is there, and how it rises with λ."""

    level: float
    value: float
    slope: float
    sizes: Floats
    excess: Floats


def convex(items: Items) -> NDArray[np.bool_]:
    """Which pieces are straight or bend upwards."""
    bend: NDArray[np.bool_] = items.coefficient * items.power * (items.power - 1.0) >= 0.0
    return bend


def pieces_at(items: Items, sizes: Floats) -> Ints:
    """The cheapest piece that holds each account's size."""
    at = sizes[items.account]
    asked = np.where((items.lower <= at) & (at <= items.upper), items.values(at), inf)
    starts = items.starts()
    ends = np.append(starts[1:], asked.size)
    return np.array(
        [start + int(np.argmin(asked[start:end])) for start, end in zip(starts, ends, strict=True)],
        np.intp,
    )


def maximum(items: Items, notional: float, near: float = 0.0) -> Dual | None:
    """Maximise the dual by its supporting lines; None where the pieces cannot hold the position.

    The dual is concave and, but for pieces that bend, made of lines; where the lines below and
    above its maximum meet, it is reached when its value is theirs.
    """
    starts = items.starts()
    grain = GRAIN * notional
    least, most = np.minimum.reduceat(items.lower, starts), np.maximum.reduceat(items.upper, starts)
    if least.sum() > notional + grain or most.sum() < notional - grain:
        return None
    bent = np.flatnonzero(items.coefficient)
    rounded = bent[convex(items)[bent]]
    hollow = np.setdiff1d(bent, rounded)

    def respond(level: float) -> _Response:
        size = np.where(items.rate < level, items.upper, items.lower)
        if rounded.size:
            size[rounded] = _stationary(items.take(rounded), level)
        value = items.values(size) - level * size
        if hollow.size:
            size[hollow], value[hollow] = _better_end(items.take(hollow), level)
        least = np.minimum.reduceat(value, starts)
        excess = value - least[items.account]
        sizes = np.maximum.reduceat(np.where(excess == 0.0, size, 0.0), starts)
        slope = notional - float(sizes.sum())
        total = float(level * notional + least.sum())
        return _Response(level, total, slope if abs(slope) > grain else 0.0, sizes, excess)

    low, high = _bracket(respond, near)
    best = max(low, high, key=lambda one: one.value)
    for _ in range(_STEPS):
        if not low.slope > 0.0 > high.slope:
            break
        level = (high.value - low.value + low.slope * low.level - high.slope * high.level) / (
            low.slope - high.slope
        )
        if not low.level < level < high.level:
            break
        found = respond(level)
        best = max(best, found, key=lambda one: one.value)
        if low.value + low.slope * (level - low.level) - found.value <= _LEVEL * abs(found.value):
            break
        if found.slope > 0.0:
            low = found
        else:
            high = found
    return Dual(best.value, best.level, low.sizes, high.sizes, best.excess)


def _bracket(respond: Callable[[float], _Response], near: float) -> tuple[_Response, _Response]:
    """Responses below and above the maximum: together the accounts hold too little, or too much."""
    low = high = respond(near)
    step = _FIRST
    while low.slope < 0.0:
        high, low = low, respond(near - step)
        step *= _WIDER
    while high.slope > 0.0:
        low, high = high, respond(near + step)
        step *= _WIDER
    return low, high


def _stationary(items: Items, level: float) -> Floats:
    """Where a piece that bends upwards rises by ``level`` a dollar, within its ends.

    ``c·p·n^(p−1) = level − rate``. Where no n above 0 does, a piece that steepens from its rate rises
    by more all along, and one that flattens towards it by less.
    """
    base = (level - items.rate) / (items.coefficient * items.power)
    solved = base > 0.0
    place = np.where(items.coefficient * items.power > 0.0, 0.0, inf)
    with np.errstate(over="ignore", divide="ignore"):
        place[solved] = base[solved] ** (1.0 / (items.power[solved] - 1.0))
    clipped: Floats = np.clip(place, items.lower, items.upper)
    return clipped


def _better_end(items: Items, level: float) -> tuple[Floats, Floats]:
    """The cheaper end of pieces that bend downwards."""
    low, high = (items.values(end) - level * end for end in (items.lower, items.upper))
    return np.where(low <= high, items.lower, items.upper), np.minimum(low, high)


def mixed(dual: Dual, notional: float) -> tuple[Floats, int | None]:
    """Go from the sizes below to those above, account by account, until they are the position.

    Gives the sizes and the account that is left between two of them, None where none is.
    """
    sizes = dual.below.copy()
    left = notional - float(sizes.sum())
    for account in np.flatnonzero(dual.above != dual.below).tolist():
        if abs(left) <= GRAIN * notional:
            break
        step = float(dual.above[account] - dual.below[account])
        if 0.0 < left < step or step < left < 0.0:
            sizes[account] += left
            return sizes, account
        if (left > 0.0) == (step > 0.0) and left:
            sizes[account] = dual.above[account]
            left -= step
    return sizes, None
