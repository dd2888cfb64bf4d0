"""Result of one nightly run, as values for the site and the notifications."""

from dataclasses import dataclass

from harmonize.document import Finding, Level
from harmonize.document.change import Change


@dataclass(frozen=True, slots=True)
class VenueNight:
    """Result of one venue: ``gathered``, ``failed``, ``not asked`` or ``held`` (already archived).

    ``observed_at`` is the time of the newest snapshot of the venue; empty without a snapshot.
    ``reason`` states the reason for the status.
    """

    venue: str
    status: str
    observed_at: str
    reason: str


@dataclass(frozen=True, slots=True)
class EndedSignal:
    """A signal on thresholds that the preceding run reported, and that is no longer on."""

    code: str
    name: str
    level: Level
    underlying: str


@dataclass(frozen=True, slots=True)
class Night:
    """One nightly run, from noon to noon UTC, named after the day on which it ends.

    ``night`` has the form 2026-11-20. ``as_of`` is the time of the newest observation, and
    ``sequence`` the number of the newest entry in the archive. ``changes`` are the changes since
    the previous run, and ``new_findings`` the findings that are new or worse since then. ``errors``
    has one line per error. ``counts`` is the number of findings per level. ``ended_signals`` are the
    signals that were on at the previous run and no longer are; one that was not calculated is not among
    them.
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
    ended_signals: tuple[EndedSignal, ...] = ()
