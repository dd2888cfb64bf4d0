"""Items that an import source yields, and safe reading of the files that it names."""

import stat
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from harmonize.archive.manifest import MAX_BYTES
from harmonize.core.payload import Snapshot


class UnreadableSourceError(Exception):
    """A source, or a file of one, that cannot be read: one line with the place and the fix."""


@dataclass(frozen=True, slots=True)
class SkippedItem:
    """Part of a source that is not imported: what it is, the reason, and how many of it.

    ``is_unreadable`` marks content that could not be read. Otherwise an archive does not hold its kind.
    """

    what: str
    reason: str
    count: int = 1
    is_unreadable: bool = False


SourceItem = Snapshot | SkippedItem
"""One item of a source."""


def read_listed_file(folder: Path, name: str) -> bytes:
    """Reads a file that the manifest of a folder names. Raises UnreadableSourceError."""
    path = folder.joinpath(*_parts_inside(folder, name))
    try:
        return read_regular_file(path)
    except FileNotFoundError as error:
        message = f"{path}: is missing; add it, or remove it from {folder / 'MANIFEST.json'}"
        raise UnreadableSourceError(message) from error


def _parts_inside(folder: Path, name: str) -> tuple[str, ...]:
    """Returns the parts of a file name inside the folder.

    Raises UnreadableSourceError if the name leads outside or through a link.
    """
    parts = PurePosixPath(name).parts
    is_unsafe = not parts or ".." in parts or name.startswith("/") or set(name) & set("\\:\0")
    if is_unsafe:
        message = f"{folder / 'MANIFEST.json'}: {name!r} is not a file inside the folder; correct the name"
        raise UnreadableSourceError(message)
    path = folder
    for part in parts:
        path /= part
        if path.is_symlink():
            message = f"{path}: is a link; replace it by the file"
            raise UnreadableSourceError(message)
    return parts


def read_regular_file(path: Path) -> bytes:
    """Reads a regular file of at most MAX_BYTES. Raises FileNotFoundError, UnreadableSourceError."""
    try:
        status = path.stat()
        if not stat.S_ISREG(status.st_mode):
            message = f"{path}: is not a regular file; replace it by the file"
            raise UnreadableSourceError(message)
        if status.st_size > MAX_BYTES:
            message = f"{path}: has {status.st_size} bytes; the limit is {MAX_BYTES}; split it"
            raise UnreadableSourceError(message)
        return path.read_bytes()
    except FileNotFoundError:
        raise
    except OSError as error:
        message = f"{path}: cannot be read: {error.strerror}; make it readable"
        raise UnreadableSourceError(message) from error
