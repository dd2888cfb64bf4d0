"""Items that an import source yields, and safe reading of the files that it names."""

import re
import stat
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from harmonize.archive.manifest import MAX_BYTES
from harmonize.core.payload import Snapshot

_NO_NAME = re.compile(r"[\\:\0\ud800-\udfff]")
"""Characters of no portable file name: separators, NUL, and surrogates, which have no encoding."""

_MAX_NAME_LENGTH = 200


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

    @property
    def message(self) -> str:
        """What is skipped and why, in one line; most errors name their place themselves."""
        return self.reason if self.what in self.reason else f"{self.what}: {self.reason}"


SourceItem = Snapshot | SkippedItem
"""One item of a source."""


def read_listed_file(folder: Path, name: str, limit: int = MAX_BYTES) -> bytes:
    """Reads a file, of at most ``limit`` bytes, that the manifest of a folder names.

    Raises UnreadableSourceError.
    """
    path = folder.joinpath(*parts_inside(folder, name))
    try:
        return read_regular_file(path, limit)
    except FileNotFoundError as error:
        message = f"{path}: is missing; add it, or remove it from {folder / 'MANIFEST.json'}"
        raise UnreadableSourceError(message) from error


def parts_inside(folder: Path, name: str) -> tuple[str, ...]:
    """Returns the parts of a file name inside the folder.

    Raises UnreadableSourceError if the name leads outside or through a link.
    """
    parts = PurePosixPath(name).parts
    is_unsafe = not parts or ".." in parts or name.startswith("/") or _NO_NAME.search(name)
    if is_unsafe or any(len(part) > _MAX_NAME_LENGTH for part in parts):
        shown = name if len(name) <= _MAX_NAME_LENGTH else f"{name[:40]}…"
        message = f"{folder / 'MANIFEST.json'}: {shown!r} is not a file inside the folder; correct the name"
        raise UnreadableSourceError(message)
    path = folder
    for part in parts:
        path /= part
        if path.is_symlink():
            message = f"{path}: is a link; replace it by the file"
            raise UnreadableSourceError(message)
    return parts


def check_regular_file(path: Path) -> int:
    """Returns the size of a regular file, in bytes. Raises OSError, UnreadableSourceError."""
    status = path.stat()
    if not stat.S_ISREG(status.st_mode):
        message = f"{path}: is not a regular file; replace it by the file"
        raise UnreadableSourceError(message)
    return status.st_size


def read_regular_file(path: Path, limit: int = MAX_BYTES) -> bytes:
    """Reads a regular file of at most ``limit`` bytes.

    Raises FileNotFoundError, UnreadableSourceError.
    """
    try:
        size = check_regular_file(path)
        if size > limit:
            message = f"{path}: has {size} bytes; the limit is {limit}; split it"
            raise UnreadableSourceError(message)
        return path.read_bytes()
    except FileNotFoundError:
        raise
    except OSError as error:
        message = f"{path}: cannot be read: {error.strerror}; make it readable"
        raise UnreadableSourceError(message) from error
