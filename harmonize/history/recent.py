"""What an archive says of time to the checks: recent changes, stress, long standstill, observations."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime

from harmonize.document.change import Change

DAYS = 31.0
"""How many days changes are given before the newest observation, and a venue's observations before its own."""

Key = tuple[str, str, str]


@dataclass(frozen=True, slots=True)
class Dated:
    """A change, and since when it holds where the venue says; times are ISO 8601 in UTC."""

    change: Change
    effective_from: str

    @property
    def key(self) -> Key:
        """What names its schedule."""
        return (self.change.venue, self.change.symbol, self.change.profile)


@dataclass(frozen=True, slots=True)
class InStress:
    """How many schedules of a venue tightened between two observations about a window of stress.

    ``first`` and ``last`` bound the window, ``since`` and ``until`` are the observations before and
    after. ``largest`` is the largest rise among them, of ``symbol``.
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
class Unchanged:
    """A schedule in force, and when it was last seen to change, or was first seen."""

    venue: str
    symbol: str
    profile: str
    since: datetime

    @property
    def key(self) -> Key:
        """What names it."""
        return (self.venue, self.symbol, self.profile)


@dataclass(frozen=True, slots=True)
class RecentHistory:
    """What checks of change are asked about; empty where no history was read."""

    changes: tuple[Dated, ...] = ()
    in_stress: tuple[InStress, ...] = ()
    unchanged: tuple[Unchanged, ...] = ()
    observed: Mapping[str, tuple[datetime, ...]] = field(default_factory=dict)

    def of(self, keys: Iterable[Key]) -> "RecentHistory":
        """The part about some schedules, and about their venues."""
        wanted = frozenset(keys)
        found = self.of_venues(venue for venue, _, _ in wanted)
        changes = (one for one in found.changes if one.key in wanted)
        unchanged = (one for one in found.unchanged if one.key in wanted)
        return replace(found, changes=tuple(changes), unchanged=tuple(unchanged))

    def of_venues(self, venues: Iterable[str]) -> "RecentHistory":
        """The part about some venues."""
        wanted = frozenset(venues)
        return RecentHistory(
            tuple(one for one in self.changes if one.change.venue in wanted),
            tuple(one for one in self.in_stress if one.venue in wanted),
            tuple(one for one in self.unchanged if one.venue in wanted),
            {venue: one for venue, one in self.observed.items() if venue in wanted},
        )

    def with_(self, other: "RecentHistory") -> "RecentHistory":
        """Both parts together; they speak of different venues."""
        return RecentHistory(
            (*self.changes, *other.changes),
            (*self.in_stress, *other.in_stress),
            (*self.unchanged, *other.unchanged),
            {**self.observed, **other.observed},
        )
