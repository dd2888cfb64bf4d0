"""An archive as a report reads it: its entries and its display name."""

from dataclasses import dataclass

from harmonize.archive.archive import Archive
from harmonize.archive.catalog import Entry


@dataclass(frozen=True, slots=True)
class Source:
    """An archive, its entries and the name under which reports cite it."""

    archive: Archive
    name: str
    entries: tuple[Entry, ...]

    @classmethod
    def of(cls, archive: Archive, name: str) -> "Source":
        """Returns the source with the archive's entries read once. Raises ArchiveError."""
        return cls(archive, name, archive.entries())
