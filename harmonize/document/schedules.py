"""Rows of the audit document on margin schedules: pieces, status and evidence."""

from dataclasses import dataclass
from enum import StrEnum


class Status(StrEnum):
    """Observability of a margin, capacity or fee."""

    KNOWN = "known"
    DERIVED = "derived"
    UNVERIFIED = "derived, unverified"
    AT_LEAST = "at least"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class PieceRow:
    """Margin = fixed + rate·N + coefficient·N^power on (lower, upper].

    If ``bound`` is ``at least``, the venue requires at least that margin; empty if it is the margin.
    """

    lower: float
    upper: float | None
    fixed: float
    rate: float
    coefficient: float
    power: float
    bound: str = ""


@dataclass(frozen=True, slots=True)
class ColumnRow:
    """Published quantity of a tier: its key in the row of the tier, and its unit."""

    quantity: str
    key: str
    unit: str


@dataclass(frozen=True, slots=True)
class FactorRow:
    """Number used by a conversion, and its position in a payload."""

    name: str
    value: float
    unit: str
    sha256: str
    pointer: str
    observed_at: str


@dataclass(frozen=True, slots=True)
class ConversionRow:
    """Conversion of published bounds to USD."""

    formula: str
    factors: tuple[FactorRow, ...]


@dataclass(frozen=True, slots=True)
class EvidenceRow:
    """Pointers into one payload: ``rows[k] + column.key`` is the position of a number of tier k."""

    sha256: str
    rows: tuple[str, ...]
    columns: tuple[ColumnRow, ...]
    conversion: ConversionRow | None


@dataclass(frozen=True, slots=True)
class ScheduleRow:
    """One margin schedule. ``*_note`` states the derivation, or why the value is unknown.

    ``underlying_class`` is empty in documents that do not state it. ``not_trading`` is the reason why
    the contract no longer trades on the date of the audit; empty if it trades, as far as is observed.
    ``known_up_to`` is the largest notional, in USD, up to which the pieces are the venue's margin;
    above it they are lower bounds. None if there is no such notional, 0 if they are lower bounds at
    every size: their status is then ``at least``.
    """

    venue: str
    symbol: str
    underlying: str
    multiplier: int
    payoff: str
    expiry: str | None
    profile: str
    tier_rule: str | None
    observed_at: str
    oldest: str
    newest: str
    stale: bool
    origin: str
    capacity: float | None
    capacity_status: Status
    capacity_note: str
    initial: tuple[PieceRow, ...]
    initial_status: Status
    initial_note: str
    maintenance: tuple[PieceRow, ...]
    maintenance_status: Status
    maintenance_note: str
    maintenance_meaning: str
    fee_rule: str
    fee_rate: float | None
    fee_note: str
    notes: tuple[str, ...]
    evidence: tuple[EvidenceRow, ...]
    underlying_class: str = ""
    underlying_class_basis: str = ""
    underlying_class_note: str = ""
    observed_from: str = ""
    date_kind: str = "exact"
    not_trading: str = ""
    known_up_to: float | None = None
