"""Margins of a schedule at a notional, from the pieces of the document."""

from collections.abc import Sequence
from dataclasses import dataclass

from harmonize.document import PieceRow, ScheduleRow
from reports.lookup import lower_bound


@dataclass(frozen=True, slots=True)
class Margin:
    """Margin in USD at one notional; None with the reason why there is none.

    ``at_least`` is the lower bound in words, such as ``≥ 0.25 %``, if only that is known.
    """

    amount: float | None
    is_above_capacity: bool = False
    at_least: str = ""


def margin_at(row: ScheduleRow, margin_type: str, notional: float) -> Margin:
    """Returns IM or MM at a notional, as the pieces define it: fixed + rate·N + coefficient·N^power.

    Above the capacity of the venue a schedule has no value, an unknown margin has none anywhere, and
    a lower bound is not an amount.
    """
    if row.capacity is not None and notional > row.capacity:
        return Margin(None, is_above_capacity=True)
    piece = piece_at(pieces_of(row, margin_type), notional)
    if piece is None:
        return Margin(None)
    if piece.bound:
        return Margin(None, at_least=lower_bound(row, margin_type, notional))
    size_charge = piece.coefficient * notional**piece.power if piece.coefficient else 0.0
    return Margin(piece.fixed + piece.rate * notional + size_charge)


def tier_count(row: ScheduleRow) -> int:
    """Returns the number of published tiers: lower bounds above them count only if there is no other."""
    pieces = row.initial or row.maintenance
    return sum(not piece.bound for piece in pieces) or len(pieces)


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
