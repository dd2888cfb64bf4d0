"""Rows of the audit document on snapshots, payloads, coverage and defects."""

from dataclasses import dataclass
from enum import StrEnum


class CoverageStatus(StrEnum):
    """Observability of an underlying on a venue.

    A pair without a row is not listed there if the venue has a complete snapshot; otherwise it is
    only not in this recording.
    """

    OBSERVED = "observed"
    STALE = "stale"
    DOCUMENTATION = "documentation"
    NOT_OBSERVABLE = "not observable"


@dataclass(frozen=True, slots=True)
class Tool:
    """Program that wrote the document."""

    name: str
    version: str


@dataclass(frozen=True, slots=True)
class PayloadRow:
    """One archived payload: its call, hash, date and origin.

    ``observed_at`` is the latest possible time of the observation, here and in all rows. ``date_kind``
    states how far it is known: ``exact``, ``no later than``, ``between``, or ``derived`` (between two
    times, from prices). ``observed_from`` is the earliest possible time; empty if it is not known.
    """

    call: str
    request: str
    sha256: str
    observed_at: str
    origin: str
    source: str
    date_basis: str
    size: int
    observed_from: str = ""
    date_kind: str = "exact"


@dataclass(frozen=True, slots=True)
class SnapshotRow:
    """One snapshot that the audit read.

    ``age_days`` is its age at ``as_of`` of the document, from its earliest possible time, or from
    the latest one if the earliest is not known; it is then older, and counts as stale.
    """

    venue: str
    observed_at: str
    source: str
    sha256: str
    age_days: float
    stale: bool
    complete: bool
    payloads: tuple[PayloadRow, ...]
    observed_from: str = ""
    date_kind: str = "exact"


@dataclass(frozen=True, slots=True)
class CoverageRow:
    """Observability of one underlying on one venue, with the reason for any limitation.

    ``identity`` is the reason why the contract may be on another asset than those compared under the
    name; empty without a doubt. ``asset_source`` is the source that names the asset behind the
    venue's code; empty if the code alone names it.
    """

    venue: str
    underlying: str
    symbol: str
    status: CoverageStatus
    reason: str
    observed_at: str
    identity: str = ""
    asset_source: str = ""
    observed_from: str = ""
    date_kind: str = "exact"


@dataclass(frozen=True, slots=True)
class DefectRow:
    """Unreadable data of a venue. The other instruments of the venue are kept."""

    venue: str
    where: str
    reason: str
    symbol: str


@dataclass(frozen=True, slots=True)
class UnobservedRow:
    """Venue that the newest attempt did not observe. Its other data in the document are older.

    ``attempted_at`` is empty without an attempt, ``last_observed_at`` without a snapshot.
    """

    venue: str
    reason: str
    attempted_at: str
    last_observed_at: str
