"""Status of each venue in a night: gathered, partial, failed, held or not asked."""

from collections.abc import Iterator, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass

from harmonize.archive.archive import Archive
from harmonize.archive.catalog import Entry
from harmonize.document import AuditDocument
from harmonize.document.night import VenueNight
from harmonize.text.messages import iso_utc
from venues.completeness import partial_reason
from venues.gathering.outcome import failure_reason

PARTIAL = "partial"
"""Beginning of a venue's reason if its snapshot holds a part of its list."""


@dataclass(frozen=True, slots=True)
class NightEntries:
    """Entries of a night in its archive, and the venues that its run gathered."""

    archive: Archive
    entries: tuple[Entry, ...]
    requested: AbstractSet[str]


def venue_nights(
    venues: Sequence[str], night: NightEntries, document: AuditDocument
) -> Iterator[VenueNight]:
    """Yields the status per venue from the archive, so that a repeated run yields the same."""
    newest = {snapshot.venue: snapshot.observed_at for snapshot in document.snapshots}
    reasons = {venue.venue: venue.reason for venue in document.unobserved}
    for venue in venues:
        of_venue = [
            entry
            for entry in night.entries
            if entry.venue == venue and (entry.gathered or entry.failed)
        ]
        good = [entry for entry in of_venue if not entry.failed]
        observed_at = newest.get(venue, "")
        if good:
            observed_at = iso_utc(max(entry.observed_at for entry in good))
            yield VenueNight(venue, "gathered", observed_at, _partial_text(night.archive, good[-1]))
        elif of_venue:
            reason = _failure_reason(night.archive, of_venue[-1])
            yield VenueNight(venue, "failed", observed_at, reason)
        elif venue not in night.requested:
            yield VenueNight(venue, "held", observed_at, "")
        else:
            yield VenueNight(venue, "not asked", observed_at, reasons.get(venue, ""))


def _partial_text(archive: Archive, entry: Entry) -> str:
    """Returns why a snapshot is partial; empty if it is complete."""
    if entry.complete:
        return ""
    reason = "" if entry.pruned else partial_reason(archive.read(entry))
    return f"{PARTIAL}: {reason}" if reason else PARTIAL


def _failure_reason(archive: Archive, entry: Entry) -> str:
    """Returns why an attempt to gather failed."""
    if entry.pruned:
        return "the reason was pruned"
    return failure_reason(archive.read(entry)) or ""
