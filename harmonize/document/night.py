"""What one night of the scheduled run brought, as values that its site and its notices are made of."""

from dataclasses import dataclass

from harmonize.document import Finding
from harmonize.document.change import Change


@dataclass(frozen=True, slots=True)
class VenueNight:
    """What became of one venue: ``gathered``, ``failed``, ``not asked`` or ``held`` (already there).

    ``observed_at`` is the time of its newest snapshot, empty if there is none; ``reason`` says why.
    """

    venue: str
    status: str
    observed_at: str
    reason: str


@dataclass(frozen=True, slots=True)
class Night:
    """One night: from noon to noon UTC, named for the day on which it ends, as 2026-11-20.

    ``as_of`` is the time of its newest observation, ``sequence`` that of the newest entry which its
    archive held. ``changes`` are those seen since the run before; ``new_findings`` the findings that are new or
    worse than then; ``errors`` what went wrong, a line each. ``counts`` are findings by level.
    """

    night: str
    as_of: str
    version: str
    venues: tuple[VenueNight, ...]
    changes: tuple[Change, ...]
    new_findings: tuple[Finding, ...]
    errors: tuple[str, ...]
    counts: dict[str, int]
    exit_code: int
    sequence: int = 0
