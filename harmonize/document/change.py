"""Changes of a schedule between two observations, as values in documents."""

from dataclasses import dataclass
from enum import StrEnum

from harmonize.text.messages import observation_day

NotionalRange = tuple[float, float | None]


class ChangeKind(StrEnum):
    """Kind of change of a schedule."""

    TIGHTER = "tighter"
    LOOSER = "looser"
    MIXED = "mixed"
    BANDS = "only bands"
    CAPACITY = "only capacity"
    RULE = "only rule"
    KNOWN = "now known"
    UNKNOWN = "no longer known"
    LISTED = "listed"
    DELISTED = "delisted"
    LEFT_OUT = "left out"  # absent from a partial snapshot, so not known to be delisted
    APPEARED = "appeared"  # present after absence from a partial snapshot
    UNREAD = "could not be read"  # present in the snapshot, but unreadable
    READ = "read again"  # readable again, and unchanged
    ANOTHER_ASSET = "another asset"  # the code means another asset than before


@dataclass(frozen=True, slots=True)
class MarginChange:
    """Change of IM or MM of one schedule.

    Ranges are (lower, upper] in USD, open-ended if upper is None. ``largest_rise`` and
    ``largest_fall`` are the extremes of after / before − 1, with their notionals. They are None if
    the function was not known at both times.
    """

    margin_type: str
    tighter: tuple[NotionalRange, ...]
    looser: tuple[NotionalRange, ...]
    largest_rise: float | None
    rise_notional: float | None
    largest_fall: float | None
    fall_notional: float | None


@dataclass(frozen=True, slots=True)
class Step:
    """Margins in USD at one notional, before and after a change; None without a value."""

    notional: float
    initial_before: float | None
    initial_after: float | None
    maintenance_before: float | None
    maintenance_after: float | None


@dataclass(frozen=True, slots=True)
class Change:
    """Change of one schedule between two observations. Times are ISO 8601 in UTC.

    ``before`` and ``after`` are the latest possible times of the two observations. ``before_kind`` and
    ``after_kind`` state how far they are known, ``before_from`` and ``after_from`` the earliest possible
    times, empty if not known. ``underlying_before`` is the asset before, if the code meant another one.
    ``price`` is the price ratio whose effect on the bounds was removed; 1 if no price was used.
    ``replaced`` tells that no tier is as before, so that the code may mean another asset.
    """

    venue: str
    symbol: str
    profile: str
    underlying: str
    kind: ChangeKind
    before: str
    after: str
    moved: tuple[MarginChange, ...] = ()
    steps: tuple[Step, ...] = ()
    capacity_before: float | None = None
    capacity_after: float | None = None
    rule_before: str = ""
    rule_after: str = ""
    price: float = 1.0
    replaced: bool = False
    before_kind: str = "exact"
    before_from: str = ""
    after_kind: str = "exact"
    after_from: str = ""
    underlying_before: str = ""

    @property
    def assets(self) -> frozenset[str]:
        """Assets that the code means or meant."""
        return frozenset({self.underlying, self.underlying_before} - {""})

    @property
    def before_day(self) -> str:
        """Day of the observation before, as far as it is known; empty without one."""
        return observation_day(self.before, self.before_from, self.before_kind)

    @property
    def after_day(self) -> str:
        """Day of the observation after, as far as it is known; empty without one."""
        return observation_day(self.after, self.after_from, self.after_kind)
