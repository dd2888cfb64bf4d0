"""Margins of a schedule at a notional, from the pieces of the document."""

from collections.abc import Sequence
from dataclasses import dataclass

from harmonize.document import PieceRow, ScheduleRow


@dataclass(frozen=True, slots=True)
class Margin:
    """Margin in USD at one notional; None with the reason why there is none."""

    amount: float | None
    is_above_capacity: bool = False


def margin_at(row: ScheduleRow, margin_type: str, notional: float) -> Margin:
    """Returns IM or MM at a notional, as the pieces define it: fixed + rate·N + coefficient·N^power.

    Above the capacity of the venue a schedule has no value, and an unknown margin has none anywhere.
    """
    if row.capacity is not None and notional > row.capacity:
        return Margin(None, is_above_capacity=True)
    piece = piece_at(pieces_of(row, margin_type), notional)
    if piece is None:
        return Margin(None)
    size_charge = piece.coefficient * notional**piece.power if piece.coefficient else 0.0
    return Margin(piece.fixed + piece.rate * notional + size_charge)


def pieces_of(row: ScheduleRow, margin_type: str) -> tuple[PieceRow, ...]:
    """Returns the pieces of IM or MM; empty if the margin is not known."""
    return row.initial if margin_type == "initial" else row.maintenance


def piece_at(pieces: Sequence[PieceRow], notional: float) -> PieceRow | None:
    """Returns the piece on whose range (lower, upper] a notional lies; None beyond the last."""
    return next(
        (
            piece
            for piece in pieces
            if piece.lower < notional and (piece.upper is None or notional <= piece.upper)
        ),
        None,
    )
