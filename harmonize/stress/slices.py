"""Partial liquidation: a position is liquidated in equal slices, each with its own fall.

Of n slices, slice k is liquidated where the margin of the slices k to n no longer exceeds their MM and
fee. A slice is closed at its own fall d, so that its loss is realised there. What remains is a position
of its own, with notional and margin at the first mark:

- ``N(k + 1) = N(k) − N/n``
- ``M(k + 1) = M(k) − N/n·d`` of a linear contract; ``M(k) − N/n·s·(1/(1 − s·d) − 1)`` of an inverse one

Its fall follows from the liquidation formula, with the tier of what remains. Closing a slice lowers MM
and leaves equity as it is. If margin still does not exceed MM, the next slice has the same fall: the
least number of slices is closed that brings margin above the MM of the rest.
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import NamedTuple

import numpy as np

from harmonize.stress.errors import StressInputError
from harmonize.stress.falls import Falls, falls
from harmonize.stress.positions import Flags, Floats, Positions
from harmonize.stress.thresholds import Direction, Thresholds, thresholds
from harmonize.stress.tiers import VenueMargins

MOST_SLICES = 20
"""Most slices of a position: each is a row of the simulation."""

_LEAST_MARGIN = 1e-300  # USD; a margin of 0 would be no position


def check_slices(slices: int, name: str = "slices") -> None:
    """Raises StressInputError: a number of slices below 1, or more than can be simulated."""
    if not 1 <= slices <= MOST_SLICES:
        message = f"{name}: expected a number from 1 to {MOST_SLICES}, found {slices:,}"
        raise StressInputError(message)


def sliced_thresholds(
    positions: Positions,
    margins: Sequence[VenueMargins],
    slices: int,
    direction: Direction = Direction.FALL,
) -> Thresholds:
    """Returns the thresholds of the side that a direction liquidates, one row per slice.

    One slice is the whole position. The row of slice k of position i, both from 0, is ``i·slices + k``.
    Raises StressInputError: a number of slices outside 1 to ``MOST_SLICES``, a venue without margins, or
    a position above the largest of its venue.
    """
    check_slices(slices)
    if slices == 1:
        return thresholds(positions, falls(positions, margins), direction)
    rows = positions.subset(np.repeat(np.arange(len(positions)), slices))
    each = rows.resized(rows.notional / slices, rows.margin / slices)
    found = thresholds(each, slice_falls(positions, margins, slices), direction)
    return replace(found, slices=slices)


def slice_falls(positions: Positions, margins: Sequence[VenueMargins], slices: int) -> Falls:
    """Returns the falls of the slices of positions, those of one position one after another.

    Every slice has the same share of the position's margin and exposure, and the position's bankruptcy.
    """
    whole = falls(positions, margins)
    inverse = np.array([terms.is_inverse for terms in margins])[positions.venue]
    margin, own = positions.margin, whole
    columns = [(whole.fall, whole.immediate, whole.beyond_tiers)]
    for closed in range(1, slices):
        realised = positions.notional / slices * _relative_loss(own.fall, positions.side, inverse)
        margin = np.maximum(margin - realised, _LEAST_MARGIN)
        own = falls(positions.resized(positions.notional * (1 - closed / slices), margin), margins)
        own = replace(own, fall=np.maximum(own.fall, columns[-1][0]))
        columns.append((own.fall, own.immediate & (own.fall == 0.0), own.beyond_tiers))
    fall, immediate, beyond_tiers = (
        np.stack(column, axis=1).ravel() for column in zip(*columns, strict=True)
    )
    return Falls(
        fall,
        np.repeat(whole.bankrupt, slices),
        np.repeat(whole.exposure / slices, slices),
        immediate,
        beyond_tiers,
    )


def _relative_loss(fall: Floats, side: Floats, inverse: Flags) -> Floats:
    """Returns the loss at a fall per notional, in the settlement currency at the first mark.

    It is 0 without a fall that liquidates: nothing is realised.
    """
    reached = np.where(np.isfinite(fall), fall, 0.0)
    if not inverse.any():
        return reached
    with np.errstate(divide="ignore"):
        in_coins = side * (1.0 / (1.0 - side * reached) - 1.0)
    return np.where(inverse, in_coins, reached)


class SoldRows(NamedTuple):
    """Rows of thresholds with what of each was sold: share, loss and loss beyond its own margin."""

    given: Thresholds
    is_triggered: Flags
    share: Floats
    loss: Floats
    beyond: Floats


def pooled(sold: SoldRows) -> tuple[Floats, Floats]:
    """Returns loss beyond margin and margin left by row, in USD, if the slices of a position share it.

    The margin of slices that are still open backs the losses of those sold. The loss beyond margin of a
    position is that of its slices sold beyond bankruptcy, in proportion to their own; the margin left is
    that of the share sold.
    """
    given = sold.given
    position = given.row // given.slices

    def by_position(amounts: Floats) -> Floats:
        return np.bincount(position, amounts).astype(float)

    freed = given.margin * sold.share
    backing = by_position(freed + np.where(sold.is_triggered, 0.0, given.margin))
    loss, own = by_position(sold.loss), by_position(sold.beyond)
    beyond = np.minimum(np.maximum(loss - backing, 0.0), own)
    total = by_position(freed)
    left = np.maximum(total - loss, 0.0)
    with np.errstate(divide="ignore", invalid="ignore"):
        beyond_share = np.where(own > 0.0, beyond / own, 0.0)
        left_share = np.where(total > 0.0, left / total, 0.0)
    return sold.beyond * beyond_share[position], freed * left_share[position]
