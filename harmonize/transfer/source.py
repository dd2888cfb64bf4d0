"""What a source of snapshots gives: snapshots, what was left out and why, and files read safely."""

import stat
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from harmonize.archive.manifest import LIMIT
from harmonize.core.payload import Snapshot


class UnreadableSourceError(Exception):
    """A source, or a file of one, that cannot be read: one line with the place and the mend."""


@dataclass(frozen=True, slots=True)
class LeftOut:
    """What a source holds and is not taken over, and why; ``count`` of it.

    ``unread`` says that it could not be read, rather than was none of what an archive holds.
    """

    what: str
    reason: str
    count: int = 1
    unread: bool = False


SourceItem = Snapshot | LeftOut
"""One thing that a source gives."""


def held(folder: Path, name: str) -> bytes:
    """Read a file that the manifest of a folder names. Raises UnreadableSourceError."""
    path = folder.joinpath(*_inside(folder, name))
    try:
        return regular(path)
    except FileNotFoundError as error:
        message = f"{path} is missing; put it there, or take it out of {folder / 'MANIFEST.json'}"
        raise UnreadableSourceError(message) from error


def _inside(folder: Path, name: str) -> tuple[str, ...]:
    """The parts of a name that leads to a file in the folder, through no link."""
    parts = PurePosixPath(name).parts
    strange = not parts or ".." in parts or name.startswith("/") or set(name) & set("\\:\0")
    if strange:
        message = f"{folder / 'MANIFEST.json'} names {name!r}, which is no file inside its folder; correct the name"
        raise UnreadableSourceError(message)
    here = folder
    for part in parts:
        here /= part
        if here.is_symlink():
            message = f"{here} is a link; put the file itself there"
            raise UnreadableSourceError(message)
    return parts


def regular(path: Path) -> bytes:
    """Read a regular file of at most LIMIT bytes. Raises FileNotFoundError, UnreadableSourceError."""
    try:
        status = path.stat()
        if not stat.S_ISREG(status.st_mode):
            message = f"{path} is not a regular file; put the file itself there"
            raise UnreadableSourceError(message)
        if status.st_size > LIMIT:
            message = f"{path} has {status.st_size} bytes, the most is {LIMIT}; split it"
            raise UnreadableSourceError(message)
        return path.read_bytes()
    except FileNotFoundError:
        raise
    except OSError as error:
        message = f"{path} cannot be read: {error.strerror}; make it readable"
        raise UnreadableSourceError(message) from error
