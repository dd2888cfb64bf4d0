"""Margin terms of a schedule as an offer, and why they end where they end.

A capacity is the largest position that the venue accepts. Where the published tiers or formula end
below it, or the venue publishes none, margin above was not observed: two different statements.
"""

from collections.abc import Sequence

from harmonize.comparison.layout import PanelLayout
from harmonize.core.schedule import MarginSchedule, TierRule, value_of
from harmonize.numerics.offer import Offer
from harmonize.numerics.panel import PieceNumbers
from harmonize.numerics.segments import HORIZON


def build_offer(
    layout: PanelLayout, margin_type: str, row: int, schedule: MarginSchedule
) -> Offer | None:
    """Returns the margin terms of a schedule; None if its margin is known at no size."""
    function = layout.own[margin_type][row]
    if function is None:
        return None
    pieces = layout.pieces(function.function)
    if schedule.known_up_to.is_finite():
        pieces = pieces_up_to(pieces, function.limit)
    largest = min(function.limit, pieces[-1][1])
    return Offer(
        pieces,
        function.limit,
        end=end_reason(schedule, largest),
        is_unobserved_above=is_unobserved_above(schedule, largest),
    )


def pieces_up_to(pieces: Sequence[PieceNumbers], limit: float) -> tuple[PieceNumbers, ...]:
    """Returns the pieces up to a notional, in USD."""
    return tuple(
        (piece[0], min(piece[1], limit), *piece[2:]) for piece in pieces if piece[0] < limit
    )


def is_unobserved_above(schedule: MarginSchedule, largest: float) -> bool:
    """True if the venue may accept positions above ``largest``, whose margin was not observed."""
    capacity = value_of(schedule.capacity)
    return largest < HORIZON and (capacity is None or largest < float(capacity))


def end_reason(schedule: MarginSchedule, largest: float) -> str:
    """Returns why there is no margin above ``largest``, the end of a margin function in USD."""
    if largest >= HORIZON:
        return f"compared only up to ${largest:,.0f}"
    if not is_unobserved_above(schedule, largest):
        return f"accepts no position above ${largest:,.0f}"
    if schedule.rule is TierRule.CONTINUOUS and not schedule.tiers:
        return f"margin above ${largest:,.0f}, where its rate reaches 100 %, is not published"
    capacity = value_of(schedule.capacity)
    limit = "unknown" if capacity is None else f"${float(capacity):,.0f}"
    return f"tiers above ${largest:,.0f} were not observed (capacity {limit})"


def no_margin_reason(schedule: MarginSchedule, abbreviation: str) -> str:
    """Returns why a margin is known at no size, for ``abbreviation`` IM or MM."""
    margin = schedule.initial if abbreviation == "IM" else schedule.maintenance
    if value_of(margin) is None:
        return f"{abbreviation} is not observable"
    reason = schedule.exclusion_reason or "no size is published"
    return f"{abbreviation} is known only as a lower bound: {reason}"
