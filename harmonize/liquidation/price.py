"""Liquidation price of an isolated position, exact on the tiers and without iteration.

Prices are relative to the entry price E: ``x = P / E``. Notional N and margin M are in USD at entry.
s is 1 for a long and −1 for a short. f is the fee add-on, and F the maintenance margin. A position is
liquidated when its equity no longer exceeds maintenance margin and fee:

- linear, F of the value at the price:   ``M + s·N·(x − 1) = F(N·x) + f·N·x``
- inverse, F of the value in coins:      ``M + s·N·(1 − 1/x) = F(N/x) + f·N/x``
- F of the number of contracts or coins: the tier remains that of the entry, ``F(N)·x`` or ``F(N)/x``
- F at entry: the amount remains that of the entry, ``F(N)``

With ``n = N·x`` and ``n = N/x`` the first two are the same equation in the position's value n, with s
and −s respectively. It is solved on every piece from N outwards, so the tier is that of the value at
the liquidation price. On one linear tier, F = m·n − D, the equation has the published
solutions:

- linear: ``P = (q·E − M − D) / (q·(1 − m − f))`` for a long and ``(q·E + M + D) / (q·(1 + m + f))`` for a short
- inverse: ``q·(1 + m + f) / (q/E + M + D)`` and ``q·(1 − m − f) / (q/E − M − D)``

Source: reference pages of Binance, Gate, OKX, Phemex, Bitget, Hyperliquid and Bybit.
"""

from collections.abc import Iterator, Sequence
from enum import StrEnum
from math import inf

from harmonize.core.schedule import piece_margin
from harmonize.numerics.offer import margin_of_pieces
from harmonize.numerics.panel import PieceNumbers
from harmonize.numerics.roots import Term, roots, sum_of_terms


class Side(StrEnum):
    """Direction of a position."""

    LONG = "long"
    SHORT = "short"


class MarginBasis(StrEnum):
    """Quantity that maintenance margin follows while the price moves."""

    VALUE = "value at the price"  # in quote currency of a linear, in coins of an inverse contract
    QUANTITY = "quantity"  # tiers in contracts or coins that do not change with the price
    ENTRY = "value at entry"


class BelowAtEntryError(ValueError):
    """The margin is at or below maintenance margin and fee already at entry."""


def liquidation(  # noqa: PLR0913 - the terms of one equation
    pieces: Sequence[PieceNumbers],
    notional: float,
    margin: float,
    side: Side,
    *,
    inverse: bool = False,
    basis: MarginBasis = MarginBasis.VALUE,
    fee: float = 0.0,
) -> float | None:
    """Returns the liquidation price as a multiple of the entry price; None if none is above 0.

    ``pieces`` are those of maintenance margin; the last piece continues above its bound. Raises
    BelowAtEntryError: equity at entry does not exceed maintenance margin and fee. Raises ValueError:
    a notional or margin that is not a finite number above 0.
    """
    if not (0.0 < notional < inf and 0.0 < margin < inf):
        message = f"expected a notional and a margin above 0, found {notional} and {margin}"
        raise ValueError(message)
    required = _maintenance(pieces, notional) + fee * notional
    if margin <= required:
        message = f"the margin {margin} does not exceed the {required} required at entry"
        raise BelowAtEntryError(message)
    sign = 1.0 if side is Side.LONG else -1.0
    direction = -sign if inverse else sign  # an inverse contract is linear in 1/x
    if basis is MarginBasis.VALUE:
        size = _value_at(pieces, notional, margin, direction, fee)
        if size is None:
            return None
        return notional / size if inverse else size / notional
    proportional = required if basis is MarginBasis.QUANTITY else 0.0
    fixed = 0.0 if basis is MarginBasis.QUANTITY else required
    # Linear: M − fixed + s·N·(x − 1) = proportional·x. Inverse: the same in 1/x with −s.
    slope = direction * notional - proportional
    ratio = (direction * notional - margin + fixed) / slope if slope else inf
    if not 0.0 < ratio < inf:
        return None
    return 1.0 / ratio if inverse else ratio


def _maintenance(pieces: Sequence[PieceNumbers], notional: float) -> float:
    """Returns maintenance margin, in USD; the last piece continues above its bound."""
    margin = margin_of_pieces(pieces, notional)
    return piece_margin(*pieces[-1][2:], notional) if margin is None else margin


def _value_at(
    pieces: Sequence[PieceNumbers], notional: float, margin: float, sign: float, fee: float
) -> float | None:
    """Returns the position value nearest to N at which equity no longer exceeds the requirement.

    That is where ``M + s·(n − N) − F(n) − f·n`` is not above 0; None if it is above 0 throughout.
    """
    for near, far, piece in _outwards(pieces, notional, rising=sign < 0.0):
        _, _, fixed, rate, coefficient, power = piece
        surplus = [
            (margin - sign * notional - fixed, 0.0),
            (sign - rate - fee, 1.0),
            (-coefficient, power),
        ]
        if sum_of_terms(surplus, near) <= 0.0:
            return near
        root = _nearest_root(surplus, near, far)
        if root is not None:
            return root
    return None


def _nearest_root(terms: Sequence[Term], near: float, far: float) -> float | None:
    """Returns the sign change nearest to ``near``; in closed form if the sum is linear."""
    (constant, _), (slope, _), (coefficient, _) = terms
    low, high = min(near, far), max(near, far)
    if coefficient == 0.0:
        root = -constant / slope if slope else inf
        return root if low < root <= high else None
    top = high if high < inf else max(1e3 * low, 1e15)
    inside = roots(terms, low or 1e-12 * top, top)
    if high < inf and sum_of_terms(terms, high) <= 0.0 < sum_of_terms(terms, near):
        inside.append(high)
    return min(inside, key=lambda root: abs(root - near), default=None)


def _outwards(
    pieces: Sequence[PieceNumbers], notional: float, *, rising: bool
) -> Iterator[tuple[float, float, PieceNumbers]]:
    """Yields the pieces from the notional on, each with its nearer and its farther end."""
    open_ended = [*pieces[:-1], (pieces[-1][0], inf, *pieces[-1][2:])]
    if rising:
        for piece in open_ended:
            if piece[1] > notional:
                yield max(piece[0], notional), piece[1], piece
    else:
        for piece in reversed(open_ended):
            if piece[0] < notional:
                yield min(piece[1], notional), piece[0], piece
