"""An archive as a report reads it: what it holds, and what it is called."""

from dataclasses import dataclass

from harmonize.archive.archive import Archive
from harmonize.archive.catalog import Entry


@dataclass(frozen=True, slots=True)
class Source:
    """An archive and the name by which a report speaks of it."""

    archive: Archive
    name: str
    entries: tuple[Entry, ...]

    @classmethod
    def of(cls, archive: Archive, name: str) -> "Source":
        """List the archive's snapshots once. Raises ArchiveError."""
        return cls(archive, name, archive.entries())
