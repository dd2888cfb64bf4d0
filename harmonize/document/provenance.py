"""What was read: snapshots, payloads, coverage, and what could not be read."""

from dataclasses import dataclass
from enum import StrEnum


class CoverageStatus(StrEnum):
    """What is known of an underlying on a venue. A pair without a row is not listed there."""

    OBSERVED = "observed"
    STALE = "stale"
    DOCUMENTATION = "documentation"
    NOT_OBSERVABLE = "not observable"


@dataclass(frozen=True, slots=True)
class Tool:
    """What wrote the document."""

    name: str
    version: str


@dataclass(frozen=True, slots=True)
class PayloadRow:
    """One archived payload: its call, hash, date, and where it comes from."""

    call: str
    request: str
    sha256: str
    observed_at: str
    origin: str
    source: str
    date_basis: str
    size: int


@dataclass(frozen=True, slots=True)
class SnapshotRow:
    """One snapshot that the audit read. ``age_days`` counts back from the document's ``as_of``."""

    venue: str
    observed_at: str
    source: str
    sha256: str
    age_days: float
    stale: bool
    complete: bool
    payloads: tuple[PayloadRow, ...]


@dataclass(frozen=True, slots=True)
class CoverageRow:
    """What is known of one underlying on one venue, and why not more."""

    venue: str
    underlying: str
    symbol: str
    status: CoverageStatus
    reason: str
    observed_at: str


@dataclass(frozen=True, slots=True)
class DefectRow:
    """Something a venue sent that could not be read; the venue's other instruments are kept."""

    venue: str
    where: str
    reason: str
    symbol: str


@dataclass(frozen=True, slots=True)
class UnobservedRow:
    """A venue that the newest try did not observe; what else is shown of it is older.

    ``attempted_at`` is empty where nothing was tried, ``last_observed_at`` where nothing is held.
    """

    venue: str
    reason: str
    attempted_at: str
    last_observed_at: str
