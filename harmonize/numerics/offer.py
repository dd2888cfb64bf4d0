"""One account's margin function as numbers, with the sizes that it takes."""

from dataclasses import dataclass

from harmonize.numerics.panel import PieceNumbers


@dataclass(frozen=True, slots=True)
class Offer:
    """What one account asks: its margin function's pieces, and the sizes that it takes, in USD."""

    pieces: tuple[PieceNumbers, ...]
    limit: float
    ticket: float = 0.0


def margin(offer: Offer, notional: float) -> float | None:
    """Margin in USD of a position; None where the offer has no value."""
    if not 0.0 < notional <= offer.limit:
        return None
    for lower, upper, fixed, rate, coefficient, power in offer.pieces:
        if lower < notional <= upper:
            bend = coefficient * notional**power if coefficient else 0.0
            return fixed + rate * notional + bend
    return None
