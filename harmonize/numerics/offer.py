"""Margin terms of one account: its margin function as numbers, and the sizes that it accepts."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from harmonize.core.schedule import piece_margin
from harmonize.numerics.panel import PieceNumbers


@dataclass(frozen=True, slots=True)
class Offer:
    """Margin terms of one account: its pieces, largest and smallest position, in USD.

    ``end`` states why there is no margin above the largest position: the capacity of the venue, or
    margins that were not observed (``is_unobserved_above``).
    """

    pieces: tuple[PieceNumbers, ...]
    limit: float
    min_position: float = 0.0
    end: str = field(default="", compare=False)
    is_unobserved_above: bool = field(default=False, compare=False)

    @property
    def largest(self) -> float:
        """Largest position with a margin, in USD."""
        return min(self.limit, self.pieces[-1][1])


def offer_margin(offer: Offer, notional: float) -> float | None:
    """Returns the margin, in USD, of a position; None if it is above the limit or has no value."""
    if not 0.0 < notional <= offer.limit:
        return None
    return margin_of_pieces(offer.pieces, notional)


def margin_of_pieces(pieces: Sequence[PieceNumbers], notional: float) -> float | None:
    """Returns the margin, in USD, of a position; None where no piece covers the notional."""
    for lower, upper, fixed, rate, coefficient, power in pieces:
        if lower < notional <= upper:
            return piece_margin(fixed, rate, coefficient, power, notional)
    return None
