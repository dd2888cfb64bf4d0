"""What became of a schedule between two observations, as values that documents carry."""

from dataclasses import dataclass
from enum import StrEnum

Range = tuple[float, float | None]


class ChangeKind(StrEnum):
    """What became of a schedule."""

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
    LEFT_OUT = "left out"  # of a snapshot that does not hold every instrument
    APPEARED = "appeared"  # likewise
    UNREAD = "could not be read"  # it stands there, and something in it is broken
    READ = "read again"  # and it is as it was before


@dataclass(frozen=True, slots=True)
class MarginChange:
    """How IM or MM of one schedule moved; ranges (lower, upper] in USD, open-ended where upper is None.

    ``largest_rise`` and ``largest_fall`` are the extremes of after / before − 1 and where they are;
    None where the function was not known at both times.
    """

    margin_type: str
    tighter: tuple[Range, ...]
    looser: tuple[Range, ...]
    largest_rise: float | None
    rise_notional: float | None
    largest_fall: float | None
    fall_notional: float | None


@dataclass(frozen=True, slots=True)
class Step:
    """Margins in USD at one notional before and after; None where there is no value."""

    notional: float
    initial_before: float | None
    initial_after: float | None
    maintenance_before: float | None
    maintenance_after: float | None


@dataclass(frozen=True, slots=True)
class Change:
    """What became of one schedule between two observations; times are ISO 8601 in UTC.

    ``price`` is the ratio of prices that was taken out; 1 where none was used.
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
