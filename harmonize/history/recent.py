"""Recent history of an archive, as the checks read it: changes, stress, unchanged schedules, observations."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime

from harmonize.document.change import Change
from harmonize.text.messages import iso_utc, observation_day

RECENT_DAYS = 31.0
"""Length of the recent history, in days.

Changes are counted back from the newest observation, a venue's observations from its own newest one.
"""

ScheduleKey = tuple[str, str, str]
"""Venue, symbol and profile of a schedule."""


@dataclass(frozen=True, slots=True)
class DatedChange:
    """Change with its effective time, in ISO 8601 and UTC; empty where the venue states none."""

    change: Change
    effective_from: str

    @property
    def key(self) -> ScheduleKey:
        """Key of the changed schedule."""
        return (self.change.venue, self.change.symbol, self.change.profile)


@dataclass(frozen=True, slots=True)
class StressTightening:
    """Number of a venue's schedules that tightened between two observations around a stress window.

    The dates of both observations are exact, and at most 31 days apart. ``first`` and ``last`` bound the window, ``since`` and ``until`` are the observations before and
    after. ``largest`` is the largest increase among them, of ``symbol``.
    """

    venue: str
    window: str
    first: str
    last: str
    since: str
    until: str
    tightened: int
    largest: float
    symbol: str


@dataclass(frozen=True, slots=True)
class UnchangedSchedule:
    """Schedule in force, with the time of its last observed change or its first observation.

    ``since`` is the latest possible time; ``date_kind`` and ``observed_from``, the earliest possible
    one, state how far it is known.
    """

    venue: str
    symbol: str
    profile: str
    since: datetime
    date_kind: str = "exact"
    observed_from: datetime | None = None

    @property
    def since_day(self) -> str:
        """Day from which the schedule is unchanged, as far as it is known."""
        earliest = iso_utc(self.observed_from) if self.observed_from else ""
        return observation_day(iso_utc(self.since), earliest, self.date_kind)

    @property
    def key(self) -> ScheduleKey:
        """Key of the schedule."""
        return (self.venue, self.symbol, self.profile)


@dataclass(frozen=True, slots=True)
class RecentHistory:
    """Input of the checks of changes; empty if no history was read.

    ``observed`` are the exact observation times per venue.
    """

    changes: tuple[DatedChange, ...] = ()
    in_stress: tuple[StressTightening, ...] = ()
    unchanged: tuple[UnchangedSchedule, ...] = ()
    observed: Mapping[str, tuple[datetime, ...]] = field(default_factory=dict)

    @property
    def unchanged_since(self) -> dict[ScheduleKey, datetime]:
        """Time of the last observed change, or of the first observation, by schedule key."""
        return {schedule.key: schedule.since for schedule in self.unchanged}

    def of_schedules(self, keys: Iterable[ScheduleKey]) -> "RecentHistory":
        """Returns the part about the given schedules and their venues."""
        selected = frozenset(keys)
        part = self.of_venues(venue for venue, _, _ in selected)
        changes = (change for change in part.changes if change.key in selected)
        unchanged = (schedule for schedule in part.unchanged if schedule.key in selected)
        return replace(part, changes=tuple(changes), unchanged=tuple(unchanged))

    def of_venues(self, venues: Iterable[str]) -> "RecentHistory":
        """Returns the part about the given venues."""
        selected = frozenset(venues)
        return RecentHistory(
            tuple(dated for dated in self.changes if dated.change.venue in selected),
            tuple(stressed for stressed in self.in_stress if stressed.venue in selected),
            tuple(schedule for schedule in self.unchanged if schedule.venue in selected),
            {venue: times for venue, times in self.observed.items() if venue in selected},
        )

    def merged_with(self, other: "RecentHistory") -> "RecentHistory":
        """Returns the union with the history of other venues."""
        return RecentHistory(
            (*self.changes, *other.changes),
            (*self.in_stress, *other.in_stress),
            (*self.unchanged, *other.unchanged),
            {**self.observed, **other.observed},
        )
