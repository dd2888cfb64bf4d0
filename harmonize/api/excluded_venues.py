"""Venues that figures across venues exclude: by the comparison, or by the question."""

from dataclasses import dataclass, replace

from harmonize.comparison.peers import exclusion_reason
from harmonize.comparison.universe import Universe
from harmonize.core.schedule import MarginSchedule, reason_of

BY_REQUEST = "excluded by the question"
"""Reason of a venue that ``--exclude`` names."""


@dataclass(frozen=True, slots=True)
class ExcludedVenue:
    """Venue with a schedule on an underlying that no cross-venue figure includes, and why."""

    underlying: str
    venue: str
    symbol: str
    reason: str


def excluded_venues(universe: Universe, margin_type: str = "") -> tuple[ExcludedVenue, ...]:
    """Returns the venues that comparisons exclude, by underlying; with ``margin_type``, of one margin.

    A margin that is not observable excludes its venue from figures of that margin only.
    """
    return tuple(
        ExcludedVenue(underlying, instrument.venue, instrument.symbol, reason)
        for underlying, by_venue in universe.chosen.items()
        for schedule in by_venue.values()
        for instrument in (schedule.instrument,)
        if (reason := exclusion_reason(schedule) or _unobserved(schedule, margin_type))
    )


def _unobserved(schedule: MarginSchedule, margin_type: str) -> str:
    """Returns why a margin of a schedule is not observable; empty if it is, or none is named."""
    functions = {"initial": schedule.initial, "maintenance": schedule.maintenance}
    function = functions.get(margin_type)
    return reason_of(function)


def excluded_by_request(
    universe: Universe, underlying: str, venues: frozenset[str]
) -> tuple[ExcludedVenue, ...]:
    """Returns the venues that a question excludes, by name."""
    chosen = universe.chosen[underlying]
    return tuple(
        ExcludedVenue(underlying, venue, chosen[venue].instrument.symbol, BY_REQUEST)
        for venue in sorted(venues)
    )


def without_venues(universe: Universe, venues: frozenset[str]) -> Universe:
    """Returns a universe whose figures across venues include none of some venues."""
    groups = universe.peer_groups
    for venue in venues:
        groups = tuple(group.without(venue) for group in groups)
    chosen = {
        asset: {venue: schedule for venue, schedule in by_venue.items() if venue not in venues}
        for asset, by_venue in universe.chosen.items()
    }
    return replace(universe, peer_groups=groups, chosen=chosen)
