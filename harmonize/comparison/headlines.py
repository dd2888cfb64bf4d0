"""Selects what headline figures may state: observations with exact dates that are close together.

One window of time holds for all underlyings, because headlines also compare underlyings.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from itertools import compress

from harmonize.comparison.peers import MIN_VENUES, PeerGroup, exclusion_reason

SPAN = timedelta(days=60)
"""Longest time between the observations that one headline figure compares."""


def headline_groups(
    peer_groups: Iterable[PeerGroup], span: timedelta = SPAN
) -> tuple[PeerGroup, ...]:
    """Returns per underlying the included venues with exact dates within one window of time.

    Of all windows of that length it is the one in which most underlyings have two venues or more, of
    equal ones that with the most venues, then the newest. Underlyings on fewer than two such venues
    are absent.
    """
    dated = [_exactly_dated(peers) for peers in peer_groups]
    ends = {schedule.observed_at for peers in dated for schedule in peers.schedules}
    windows = [(end, tuple(_within(peers, end, span) for peers in dated)) for end in sorted(ends)]
    _, groups = max(windows, key=_coverage, default=(None, ()))
    return tuple(peers for peers in groups if len(peers.schedules) >= MIN_VENUES)


def _exactly_dated(peers: PeerGroup) -> PeerGroup:
    return _kept(
        peers,
        [not exclusion_reason(x) and x.precision.is_exact for x in peers.schedules],
    )


def _within(peers: PeerGroup, end: datetime, span: timedelta) -> PeerGroup:
    """Returns the venues that were observed at most ``span`` before a time, and not after it."""
    return _kept(peers, [timedelta() <= end - x.observed_at <= span for x in peers.schedules])


def _kept(peers: PeerGroup, keeps: Sequence[bool]) -> PeerGroup:
    return PeerGroup(
        peers.underlying,
        tuple(compress(peers.rows, keeps)),
        tuple(compress(peers.schedules, keeps)),
    )


def _coverage(window: tuple[datetime, Sequence[PeerGroup]]) -> tuple[int, int, datetime]:
    end, groups = window
    sizes = [size for peers in groups if (size := len(peers.schedules)) >= MIN_VENUES]
    return len(sizes), sum(sizes), end
