"""Where an archive lies: a folder, or the URL of a place that fsspec opens."""

from pathlib import Path

Place = Path | str
"""A folder as a path; a URL, as ``s3://bucket/margins``, as text."""


def place_of(text: str) -> Place:
    """Read what a user wrote: a URL stays text, all else is a path."""
    return text if "://" in text else Path(text)
