"""Where an archive lies: a folder, or the URL of a place that fsspec opens."""

from contextlib import AbstractContextManager
from importlib.resources import as_file, files
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    pass


Place = Path | str
"""A folder as a path; a URL, as ``s3://bucket/margins``, as text."""


def place_of(text: str) -> Place:
    """Read what a user wrote: a URL stays text, all else is a path."""
    return text if "://" in text else Path(text)


RECORDED = "the recorded archive that ships with harmonize"


def recorded() -> AbstractContextManager[Path]:
    """Give the path of the recorded archive for as long as the context is open."""
    return as_file(files("venues") / "recorded" / "archive")
