"""Selects what headline figures may state: observations with exact dates that are close together."""

from collections.abc import Iterable, Sequence
from datetime import timedelta

from harmonize.comparison.peers import MIN_VENUES, PeerGroup, exclusion_reason
from harmonize.core.schedule import MarginSchedule

SPAN = timedelta(days=60)
"""Longest time between the observations that one headline figure compares."""


def headline_groups(
    peer_groups: Iterable[PeerGroup], span: timedelta = SPAN
) -> tuple[PeerGroup, ...]:
    """Returns per underlying the included venues with exact dates within a span.

    Of several such sets it is the one with the most venues, of equal ones the newest. An underlying
    on fewer than two such venues has none.
    """
    reduced = (_reduced(peers, span) for peers in peer_groups)
    return tuple(peers for peers in reduced if len(peers.schedules) >= MIN_VENUES)


def _reduced(peers: PeerGroup, span: timedelta) -> PeerGroup:
    dated = [
        (row, schedule)
        for row, schedule in zip(peers.rows, peers.schedules, strict=True)
        if not exclusion_reason(schedule) and schedule.precision.is_exact
    ]
    windows = [
        [(row, other) for row, other in dated if _is_within(other, schedule, span)]
        for _, schedule in dated
    ]
    widest = max(windows, key=_width_and_time, default=[])
    return PeerGroup(
        peers.underlying,
        tuple(row for row, _ in widest),
        tuple(schedule for _, schedule in widest),
    )


def _is_within(schedule: MarginSchedule, last: MarginSchedule, span: timedelta) -> bool:
    """Whether a schedule was observed at most ``span`` before the last one."""
    return timedelta() <= last.observed_at - schedule.observed_at <= span


def _width_and_time(window: Sequence[tuple[int, MarginSchedule]]) -> tuple[int, float]:
    return len(window), max(schedule.observed_at.timestamp() for _, schedule in window)
