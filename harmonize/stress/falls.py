"""Fall at which each position is liquidated, for millions of positions in one call.

The equation and its solution are those of ``harmonize.liquidation.price``: the position's value is
followed from the notional outwards, tier by tier, so that the tier is that at liquidation. A fall is
the adverse move relative to the first mark: the price falls for a long and rises for a short.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from harmonize.liquidation.price import MarginBasis
from harmonize.stress.errors import StressInputError
from harmonize.stress.positions import Codes, Flags, Floats, Positions
from harmonize.stress.tiers import Tiers, VenueMargins

_MOST_HALVINGS = 1100  # from the largest float to the smallest
_BEYOND = 1e15  # USD: end of an open-ended tier with a power of N, as in the scalar formula
_NEAR_ZERO = 1e-12
_ROUNDING = 1e-12  # relative: IM and MM of equal rates can differ by it
_CHUNK = 1 << 16  # positions per step, so that work arrays stay in the cache


@dataclass(frozen=True, slots=True)
class Falls:
    """Liquidation and bankruptcy of positions, in the order of the positions.

    - ``fall``: adverse move at liquidation; 0 if the margin is at or below MM and fee, infinite if no
      move liquidates.
    - ``bankrupt``: adverse move at which the margin is lost: M/N of a linear contract.
    - ``exposure``: loss in USD per unit of adverse move, of one position. It is N for a linear
      contract. Margin of an inverse contract is in coins, so its value moves too: N + M and N − M.
    - ``immediate``: True if the margin is below MM and fee at the first mark. A margin that equals them
      is liquidated by the first fall, and not before: a trader who adds margin up to MM has met it.
    - ``beyond_tiers``: True if the value at liquidation is above the largest observed position.
      The last tier is continued there, so that the venue may liquidate earlier.
    """

    fall: Floats
    bankrupt: Floats
    exposure: Floats
    immediate: Flags
    beyond_tiers: Flags


class _Table(NamedTuple):
    """Pieces of MM of all venues, one venue after another, and the terms of each venue.

    Venue ``v`` has the pieces ``first[v] : end[v]``; the last one has no upper bound.
    """

    pieces: Tiers
    first: Codes
    end: Codes
    largest: Floats
    fee: Floats
    is_inverse: Flags
    follows_value: Flags
    follows_quantity: Flags


class _Rows(NamedTuple):
    """Positions, with the piece that covers their notional and the terms of their venue."""

    notional: Floats
    margin: Floats
    sign: Floats
    piece: Codes
    venue: Codes

    def subset(self, rows: Codes | slice) -> "_Rows":
        """Returns some rows."""
        return _Rows(
            self.notional[rows],
            self.margin[rows],
            self.sign[rows],
            self.piece[rows],
            self.venue[rows],
        )


def falls(positions: Positions, margins: Sequence[VenueMargins]) -> Falls:
    """Returns the falls of positions; ``margins`` are those of ``positions.venues``, in that order.

    Raises StressInputError: a venue without margins, or a position above the largest of its venue.
    """
    names = tuple(terms.venue for terms in margins)
    if names != positions.venues:
        message = f"margins: expected those of {positions.venues}, in that order, found {names}"
        raise StressInputError(message)
    table = _table(margins)
    _require_capacity(positions, margins)
    piece = np.empty(len(positions), np.intp)
    for code, terms in enumerate(margins):
        own = np.flatnonzero(positions.venue == code)
        piece[own] = table.first[code] + terms.maintenance.piece(positions.notional[own])
    amounts, flags = np.zeros((3, len(positions))), np.zeros((2, len(positions)), bool)
    result = Falls(amounts[0], amounts[1], amounts[2], flags[0], flags[1])
    rows = _Rows(positions.notional, positions.margin, positions.side, piece, positions.venue)
    for begin in range(0, len(positions), _CHUNK):
        chunk = slice(begin, begin + _CHUNK)
        _fill(result, chunk, rows.subset(chunk), table)
    return result


def _table(margins: Sequence[VenueMargins]) -> _Table:
    parts = [terms.maintenance for terms in margins]
    sizes = np.array([part.upper.size for part in parts])
    end = np.cumsum(sizes)
    upper = np.concatenate([part.upper for part in parts])
    upper[end - 1] = np.inf
    pieces = Tiers(
        np.concatenate([part.lower for part in parts]),
        upper,
        np.concatenate([part.fixed for part in parts]),
        np.concatenate([part.rate for part in parts]),
        np.concatenate([part.coefficient for part in parts]),
        np.concatenate([part.power for part in parts]),
    )
    return _Table(
        pieces,
        end - sizes,
        end,
        np.array([terms.largest for terms in margins]),
        np.array([terms.fee for terms in margins]),
        np.array([terms.is_inverse for terms in margins]),
        np.array([terms.basis is MarginBasis.VALUE for terms in margins]),
        np.array([terms.basis is MarginBasis.QUANTITY for terms in margins]),
    )


def _require_capacity(positions: Positions, margins: Sequence[VenueMargins]) -> None:
    largest = np.array([terms.largest for terms in margins])
    above = np.flatnonzero(positions.notional > largest[positions.venue])
    if above.size:
        terms, notional = margins[positions.venue[above[0]]], positions.notional[above[0]]
        if terms.unobserved:
            message = (
                f"{terms.venue}: position of {_usd(notional)}: {terms.unobserved}; its margin is unknown:"
                " leave it out"
            )
        else:
            message = (
                f"{terms.venue}: position of {_usd(notional)} is above the largest of"
                f" ${terms.largest:,.0f}; split it into positions of at most that"
            )
        raise StressInputError(message)


_MOST_DIGITS = 1e15
"""Amount in USD from which a message has no digits beyond the sixth."""


def _usd(amount: float) -> str:
    return f"${amount:,.0f}" if amount < _MOST_DIGITS else f"${amount:g}"


def _fill(result: Falls, chunk: slice, own: _Rows, table: _Table) -> None:
    """Writes the falls of some positions."""
    fee = table.fee[own.venue]
    required = table.pieces.margin_on(own.piece, own.notional) + fee * own.notional
    at_or_below = own.margin <= required
    ratio, value = _price_ratio(own, required, table)
    fall = np.where(np.isnan(ratio), np.inf, own.sign * (1.0 - ratio))
    result.fall[chunk] = np.where(at_or_below, 0.0, fall)
    result.immediate[chunk] = own.margin < required * (1.0 - _ROUNDING)
    result.beyond_tiers[chunk] = ~at_or_below & (value > table.largest[own.venue])
    inverse = table.is_inverse[own.venue]
    exposure = np.where(inverse, own.notional + own.sign * own.margin, own.notional)
    result.exposure[chunk] = np.maximum(exposure, 0.0)
    with np.errstate(divide="ignore"):
        result.bankrupt[chunk] = np.where(exposure > 0.0, own.margin / exposure, np.inf)


def _price_ratio(own: _Rows, required: Floats, table: _Table) -> tuple[Floats, Floats]:
    """Returns liquidation price over first mark, and the value there; NaN if there is none."""
    inverse = table.is_inverse[own.venue]
    direction = np.where(inverse, -own.sign, own.sign)
    by_value = table.follows_value[own.venue]
    if by_value.all():
        value = _liquidation_value(own, direction, table)
        ratio = value / own.notional
    else:
        value = np.zeros_like(required)
        ratio = _fixed_tier_ratio(own, required, direction, table)
        rows = np.flatnonzero(by_value)
        value[rows] = _liquidation_value(own.subset(rows), direction[rows], table)
        ratio[rows] = value[rows] / own.notional[rows]
    if inverse.any():
        ratio = np.where(inverse, 1.0 / ratio, ratio)
    return ratio, value


def _fixed_tier_ratio(own: _Rows, required: Floats, direction: Floats, table: _Table) -> Floats:
    """Returns the ratio where MM stays on its tier, in proportion to the price or fixed at entry.

    It is the inverse of the ratio for an inverse contract, which is linear in 1/x.
    """
    proportional = np.where(table.follows_quantity[own.venue], required, 0.0)
    slope = direction * own.notional - proportional
    with np.errstate(divide="ignore", invalid="ignore"):
        ratio = (direction * own.notional - own.margin + (required - proportional)) / slope
    return np.where((ratio > 0.0) & (ratio < np.inf), ratio, np.nan)


def _liquidation_value(own: _Rows, sign: Floats, table: _Table) -> Floats:
    """Returns the value nearest to N at which equity no longer exceeds the requirement, or NaN.

    Each pass moves the positions that are still solvent one tier outwards.
    """
    pieces, rising = table.pieces, sign < 0.0
    piece = own.piece
    result = np.full(own.notional.size, np.nan)
    rows, near, venue = np.arange(own.notional.size), own.notional, own.venue
    base = own.margin - sign * own.notional
    while rows.size:
        surplus = _Surplus(
            base - pieces.fixed[piece],
            sign - pieces.rate[piece] - table.fee[venue],
            pieces.coefficient[piece],
            pieces.power[piece],
        )
        far = np.where(rising, pieces.upper[piece], pieces.lower[piece])
        value = np.where(surplus.at(near) <= 0.0, near, surplus.nearest_root(near, far))
        result[rows] = value
        piece = np.where(rising, piece + 1, piece - 1)
        pending = np.flatnonzero(
            np.isnan(value) & (piece >= table.first[venue]) & (piece < table.end[venue])
        )
        rows, near, base, piece = rows[pending], far[pending], base[pending], piece[pending]
        sign, rising, venue = sign[pending], rising[pending], venue[pending]
    return result


class _Surplus(NamedTuple):
    """Equity minus requirement on one tier: ``constant + slope·n − coefficient·n ** power``."""

    constant: Floats
    slope: Floats
    coefficient: Floats
    power: Floats

    def at(self, value: Floats) -> Floats:
        """Returns the surplus at a value of the position."""
        linear = self.constant + self.slope * value
        if not self.coefficient.any():
            return linear
        return linear - self.coefficient * value**self.power

    def subset(self, rows: Codes) -> "_Surplus":
        """Returns the surplus of some rows."""
        return _Surplus(*(column[rows] for column in self))

    def nearest_root(self, near: Floats, far: Floats) -> Floats:
        """Returns the sign change nearest to ``near``, above which the surplus is positive, or NaN."""
        with np.errstate(divide="ignore", invalid="ignore"):
            root = -self.constant / self.slope
        low, high = np.minimum(near, far), np.maximum(near, far)
        root = np.where((low < root) & (root <= high), root, np.nan)
        curved = np.flatnonzero(self.coefficient)
        if curved.size:
            root[curved] = self.subset(curved).curved_root(near[curved], far[curved])
        return root

    def curved_root(self, near: Floats, far: Floats) -> Floats:
        """Returns the root of rows with a power of n: before or after the turning point."""
        top = np.maximum(1e3 * np.minimum(near, far), _BEYOND)
        end = np.where(np.isinf(far), top, far)
        end = np.where(end == 0.0, _NEAR_ZERO * np.maximum(near, end), end)
        with np.errstate(divide="ignore", invalid="ignore"):
            turn = (self.slope / (self.coefficient * self.power)) ** (1.0 / (self.power - 1.0))
        inside = (turn > np.minimum(near, end)) & (turn < np.maximum(near, end))
        middle = np.where(inside, turn, end)
        first = self.at(middle) <= 0.0
        start, stop = np.where(first, near, middle), np.where(first, middle, end)
        root = self.bisected(start, stop)
        return np.where(self.at(stop) <= 0.0, root, np.nan)

    def bisected(self, start: Floats, stop: Floats) -> Floats:
        """Narrows intervals with a positive surplus at ``start`` to neighbouring floats."""
        for _ in range(_MOST_HALVINGS):
            middle = 0.5 * (start + stop)
            if not ((middle != start) & (middle != stop)).any():
                break
            positive = self.at(middle) > 0.0
            start, stop = np.where(positive, middle, start), np.where(positive, stop, middle)
        return stop
