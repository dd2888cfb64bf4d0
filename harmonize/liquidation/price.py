"""How far a price may move before an isolated position is liquidated: exact on the tiers, no iteration.

Everything is relative to the entry price E: ``x = P / E``, notional N and margin M are in USD at
entry, s is 1 for a long and −1 for a short, f the fee add-on, F the maintenance margin. A position
is liquidated where equity no longer exceeds what is asked.

- linear, F of the value at the price:   ``M + s·N·(x − 1) = F(N·x) + f·N·x``
- inverse, F of the value in coins:      ``M + s·N·(1 − 1/x) = F(N/x) + f·N/x``
- F of the number of contracts or coins: the tier stays that of the entry, ``F(N)·x`` or ``F(N)/x``
- F at entry: the amount stays what it was, ``F(N)``

With ``n = N·x`` and ``n = N/x`` the first two are the same equation in the position's value n, once
with s and once with −s. It is solved on every piece from N outwards, so that the tier is that of the
value at the liquidation price. On one linear tier, F = m·n − D, this is the published
``P = (q·E − M − D) / (q·(1 − m − f))`` for a long and ``(q·E + M + D) / (q·(1 + m + f))`` for a short;
inverse ``q·(1 + m + f) / (q/E + M + D)`` and ``q·(1 − m − f) / (q/E − M − D)``. Source: reference pages
of Binance, Gate, OKX, Phemex, Bitget, Hyperliquid and Bybit, which it reduces to.
"""

from collections.abc import Iterator, Sequence
from enum import StrEnum
from math import inf

from harmonize.numerics.panel import PieceNumbers
from harmonize.numerics.roots import Term, roots, value


class Side(StrEnum):
    """Which way the position gains."""

    LONG = "long"
    SHORT = "short"


class Valued(StrEnum):
    """What maintenance margin follows while the price moves."""

    VALUE = "value at the price"  # in quote currency of a linear, in coins of an inverse contract
    QUANTITY = "quantity"  # tiers in contracts or coins that do not change with the price
    ENTRY = "value at entry"


class BelowAtEntryError(ValueError):
    """The margin is below what is asked already at entry."""


def liquidation(  # noqa: PLR0913 - the terms of one equation
    pieces: Sequence[PieceNumbers],
    notional: float,
    margin: float,
    side: Side,
    *,
    inverse: bool = False,
    valued: Valued = Valued.VALUE,
    fee: float = 0.0,
) -> float | None:
    """Give the liquidation price as a multiple of the entry price; None where there is none above 0.

    ``pieces`` are those of maintenance margin; above the last bound the last piece goes on. Raises
    BelowAtEntryError: equity is at or below what is asked at entry. Raises ValueError: a notional or
    margin that is not above 0.
    """
    if not (0.0 < notional < inf and 0.0 < margin < inf):
        message = f"notional and margin are amounts above 0, were {notional} and {margin}"
        raise ValueError(message)
    asked = _asked(pieces, notional) + fee * notional
    if margin <= asked:
        message = f"the margin {margin} is not above the {asked} that is asked at entry"
        raise BelowAtEntryError(message)
    sign = 1.0 if side is Side.LONG else -1.0
    if valued is Valued.VALUE:
        place = _value_at(pieces, notional, margin, -sign if inverse else sign, fee)
        if place is None:
            return None
        return notional / place if inverse else place / notional
    held = asked if valued is Valued.QUANTITY else 0.0
    fixed = 0.0 if valued is Valued.QUANTITY else asked
    # Linear: M − fixed + s·N·(x − 1) = held·x. Inverse: the same in 1/x with −s.
    towards = -sign if inverse else sign
    slope = towards * notional - held
    ratio = (towards * notional - margin + fixed) / slope if slope else inf
    if not 0.0 < ratio < inf:
        return None
    return 1.0 / ratio if inverse else ratio


def _asked(pieces: Sequence[PieceNumbers], size: float) -> float:
    for lower, upper, *_ in pieces:
        if lower < size <= upper:
            return value(_terms(pieces, lower), size)
    return value(_terms(pieces, pieces[-1][0]), size)


def _terms(pieces: Sequence[PieceNumbers], lower: float) -> list[Term]:
    _, _, fixed, rate, coefficient, power = next(one for one in pieces if one[0] == lower)
    return [(fixed, 0.0), (rate, 1.0), (coefficient, power)]


def _value_at(
    pieces: Sequence[PieceNumbers], notional: float, margin: float, sign: float, fee: float
) -> float | None:
    """The first position value, from N outwards, at which ``M + s·(n − N) − F(n) − f·n`` is not above 0."""
    for near, far, piece in _outwards(pieces, notional, rising=sign < 0.0):
        _, _, fixed, rate, coefficient, power = piece
        terms = [
            (margin - sign * notional - fixed, 0.0),
            (sign - rate - fee, 1.0),
            (-coefficient, power),
        ]
        if near > 0.0 and value(terms, near) <= 0.0:
            return near
        found = _first_root(terms, near, far)
        if found is not None:
            return found
    return None


def _first_root(terms: Sequence[Term], near: float, far: float) -> float | None:
    """The sign change nearest to ``near``; a straight sum has its root in closed form."""
    (constant, _), (slope, _), (bend, _) = terms
    low, high = min(near, far), max(near, far)
    if bend == 0.0:
        place = -constant / slope if slope else inf
        return place if low < place <= high else None
    top = high if high < inf else max(1e3 * low, 1e15)
    bottom = low or 1e-12 * top
    inside = roots(terms, bottom, top)
    if high < inf and value(terms, high) <= 0.0 < value(terms, near or bottom):
        inside.append(high)
    return min(inside, key=lambda one: abs(one - near), default=None)


def _outwards(
    pieces: Sequence[PieceNumbers], notional: float, *, rising: bool
) -> Iterator[tuple[float, float, PieceNumbers]]:
    """Pieces from the notional on, each from its nearer to its farther end."""
    open_ended = [*pieces[:-1], (pieces[-1][0], inf, *pieces[-1][2:])]
    if rising:
        for piece in open_ended:
            if piece[1] > notional:
                yield max(piece[0], notional), piece[1], piece
    else:
        for piece in reversed(open_ended):
            if piece[0] < notional:
                yield min(piece[1], notional), piece[0], piece
