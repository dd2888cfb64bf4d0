"""Peer groups: the schedules compared on one underlying, and which of them are included."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from harmonize.comparison.layout import FunctionRef
from harmonize.core.payload import Origin
from harmonize.core.schedule import Derived, MarginSchedule
from harmonize.text.messages import iso_utc

MIN_VENUES = 2
"""Smallest number of venues that can be compared with one another."""

LOWER_BOUND = "its margins are lower bounds at every size"

UNVERIFIED = "no source verifies the derivation of its margins from published data"


@dataclass(frozen=True, slots=True)
class PeerGroup:
    """Representative schedules of the venues on one underlying, with their rows in the layout."""

    underlying: str
    rows: tuple[int, ...]
    schedules: tuple[MarginSchedule, ...]

    @property
    def span(self) -> tuple[str, str]:
        """Oldest and newest observation time of the schedules."""
        return observation_span(self.schedules)

    def without(self, venue: str) -> "PeerGroup":
        """Returns the group without one venue."""
        remaining = [
            (row, schedule)
            for row, schedule in zip(self.rows, self.schedules, strict=True)
            if schedule.instrument.venue != venue
        ]
        return PeerGroup(
            self.underlying,
            tuple(row for row, _ in remaining),
            tuple(schedule for _, schedule in remaining),
        )

    def included_positions(self, own: Sequence[FunctionRef | None]) -> tuple[int, ...]:
        """Returns the positions of included schedules that have a function.

        ``own`` are the functions of one margin type, by row.
        """
        return tuple(
            position
            for position, (row, schedule) in enumerate(zip(self.rows, self.schedules, strict=True))
            if not exclusion_reason(schedule) and own[row] is not None
        )


def peer_groups(
    chosen: Mapping[str, Mapping[str, MarginSchedule]],
    schedules: Sequence[MarginSchedule],
    *,
    min_venues: int = MIN_VENUES,
) -> tuple[PeerGroup, ...]:
    """Groups representative schedules by underlying; fewer than ``min_venues`` form no group.

    ``chosen`` is by underlying and venue; contracts that do not trade join no group. ``schedules``
    define the rows.
    """
    rows = {schedule.key: row for row, schedule in enumerate(schedules)}
    trading = {
        underlying: tuple(schedule for schedule in by_venue.values() if not schedule.not_trading)
        for underlying, by_venue in chosen.items()
    }
    return tuple(
        PeerGroup(underlying, tuple(rows[schedule.key] for schedule in members), members)
        for underlying, members in trading.items()
        if len(members) >= min_venues
    )


def exclusion_reason(schedule: MarginSchedule) -> str:
    """Reason for excluding a schedule from cross-venue statistics; empty if it is included."""
    if schedule.not_trading:
        return schedule.not_trading
    if schedule.origin is Origin.DOCUMENTATION:
        return "based on the venue's documentation"
    if schedule.identity_doubt:
        return schedule.identity_doubt
    if schedule.counted_with:
        book = schedule.instrument.order_book
        return f"one order book ({book}) with {schedule.counted_with}, which counts for both"
    is_unverified = any(
        isinstance(function, Derived) and not function.verified
        for function in (schedule.initial, schedule.maintenance)
    )
    if not schedule.known_up_to:
        return schedule.exclusion_reason or LOWER_BOUND
    return schedule.exclusion_reason or (UNVERIFIED if is_unverified else "")


def observation_span(schedules: Sequence[MarginSchedule]) -> tuple[str, str]:
    """Returns the oldest and newest possible observation time of the schedules, and of their prices.

    The oldest is empty if a schedule has no earliest time.
    """
    newest = max(schedule.dates[-1] for schedule in schedules)
    ends = [schedule.precision.older_end(schedule.dates[0]) for schedule in schedules]
    oldest = [end for end in ends if end is not None]
    return iso_utc(min(oldest)) if len(oldest) == len(ends) else "", iso_utc(newest)
