"""Locates an archive: a local folder, or the URL of an object store that fsspec opens."""

from contextlib import AbstractContextManager
from importlib.resources import as_file, files
from pathlib import Path

ArchiveLocation = Path | str
"""A path for a local folder; text for a URL such as ``s3://bucket/margins``."""

RECORDED_ARCHIVE_NAME = "the recorded archive that ships with harmonize"


def parse_location(text: str) -> ArchiveLocation:
    """Returns the location that a user wrote: text for a URL, otherwise a path."""
    return text if "://" in text else Path(text)


def recorded_archive() -> AbstractContextManager[Path]:
    """Returns a context that yields the path of the recorded archive while it is open."""
    return as_file(files("venues") / "recorded" / "archive")
