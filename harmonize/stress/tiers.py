"""Margin terms of a venue as arrays: tiers of IM and MM, fee add-on, largest position."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from harmonize.core.instrument import Payoff
from harmonize.liquidation.price import MarginBasis
from harmonize.numerics.panel import PieceNumbers
from harmonize.stress.errors import StressInputError
from harmonize.stress.positions import Codes, Floats

_HALVINGS = 100  # of an interval of notionals; floats are neighbours after fewer
_BEYOND = 1e30  # USD: beyond every notional


@dataclass(frozen=True, slots=True)
class Tiers:
    """Pieces of one margin function, in USD; the last continues above its upper bound.

    Margin of a notional N in (lower, upper] is ``fixed + rate·N + coefficient·N ** power``.
    """

    lower: Floats
    upper: Floats
    fixed: Floats
    rate: Floats
    coefficient: Floats
    power: Floats

    def piece(self, notional: Floats) -> Codes:
        """Returns the index of the piece that covers each notional."""
        return np.minimum(np.searchsorted(self.upper, notional), self.upper.size - 1)

    def margin(self, notional: Floats) -> Floats:
        """Returns the margin, in USD, of each notional."""
        return self.margin_on(self.piece(notional), notional)

    def margin_on(self, piece: Codes, notional: Floats) -> Floats:
        """Returns the margin, in USD, of each notional by the formula of a piece."""
        margin = self.fixed[piece] + self.rate[piece] * notional
        if self.coefficient.any():
            margin = margin + self.coefficient[piece] * notional ** self.power[piece]
        return margin

    def largest_covered(self, margin: Floats) -> Floats:
        """Returns the largest notional, in USD, whose margin an amount covers; infinite without one.

        The margin must not fall with size.
        """
        least = self.margin_on(np.arange(self.lower.size), self.lower)
        reached = np.searchsorted(least, margin, side="right") - 1
        piece = np.maximum(reached, 0)
        end = np.where(piece == self.upper.size - 1, np.inf, self.upper[piece])
        with np.errstate(divide="ignore", invalid="ignore"):
            root = (margin - self.fixed[piece]) / self.rate[piece]
        root = np.where(self.rate[piece] > 0.0, root, end)
        curved = np.flatnonzero(self.coefficient[piece])
        if curved.size:
            root[curved] = self._curved_root(piece[curved], margin[curved])
        return np.where(reached < 0, 0.0, np.clip(root, self.lower[piece], end))

    def _curved_root(self, piece: Codes, margin: Floats) -> Floats:
        """Returns the notional at which a piece with a power of N requires a margin."""
        low, high = self.lower[piece], np.maximum(2.0 * self.upper[piece], 1.0)
        while (short := self.margin_on(piece, high) <= margin).any() and high.max() < _BEYOND:
            high = np.where(short, 2.0 * high, high)
        for _ in range(_HALVINGS):
            middle = 0.5 * (low + high)
            covered = self.margin_on(piece, middle) <= margin
            low, high = np.where(covered, middle, low), np.where(covered, high, middle)
        return low

    def scaled(self, factor: float) -> "Tiers":
        """Returns the tiers with every margin multiplied by a factor."""
        return replace(
            self,
            fixed=self.fixed * factor,
            rate=self.rate * factor,
            coefficient=self.coefficient * factor,
        )


def tiers_from_pieces(pieces: Sequence[PieceNumbers]) -> Tiers:
    """Returns the pieces of a margin function as arrays. Raises StressInputError: there are none."""
    if not pieces:
        message = "tiers: expected at least one piece, found none"
        raise StressInputError(message)
    return Tiers(*(np.array(column, float) for column in zip(*pieces, strict=True)))


@dataclass(frozen=True, slots=True)
class VenueMargins:
    """Margin terms of one venue on one underlying.

    ``largest`` is the largest position with an observed margin, in USD. ``unobserved`` states that the
    venue accepts larger ones, whose margin was not observed; it is empty if it accepts none. ``fee`` is the fee add-on on
    MM (a rate). ``basis`` is the quantity that MM follows while the price moves. IM is at least
    ``least_initial_rate`` of the notional: a cap on leverage.
    """

    venue: str
    initial: Tiers
    maintenance: Tiers
    largest: float = np.inf
    fee: float = 0.0
    basis: MarginBasis = MarginBasis.VALUE
    payoff: Payoff = Payoff.LINEAR
    least_initial_rate: float = 0.0
    unobserved: str = ""

    def __post_init__(self) -> None:
        """Raises StressInputError: the contract is quanto, or the fee is not a rate."""
        if self.payoff is Payoff.QUANTO:
            message = (
                f"{self.venue}: quanto contract: the loss depends on a third currency;"
                " choose a linear or inverse contract"
            )
            raise StressInputError(message)
        if not 0.0 <= self.fee < 1.0:
            message = f"{self.venue}: fee: expected a rate from 0 to below 1, found {self.fee}"
            raise StressInputError(message)

    @property
    def is_inverse(self) -> bool:
        """True if the contract settles in the base coin."""
        return self.payoff is Payoff.INVERSE

    def initial_margin(self, notional: Floats) -> Floats:
        """Returns the initial margin, in USD, of each notional."""
        return np.maximum(self.initial.margin(notional), self.least_initial_rate * notional)

    def largest_notional(self, margin: Floats, notional: Floats) -> Floats:
        """Returns the largest notional, at most the given one, whose IM a margin covers.

        IM must not fall with size.
        """
        covered = np.minimum(self.initial.largest_covered(margin), notional)
        if not self.least_initial_rate:
            return covered
        return np.minimum(covered, margin / self.least_initial_rate)
