"""Reads files that users name, without waiting for a pipe or reading a device without end."""

import errno
import stat
from pathlib import Path

_KINDS = (
    (stat.S_ISFIFO, "a pipe"),
    (stat.S_ISCHR, "a device"),
    (stat.S_ISBLK, "a device"),
    (stat.S_ISSOCK, "a socket"),
)


def read_regular_file(path: Path, limit: int) -> bytes:
    """Returns the bytes of a regular file, at most one more than ``limit``.

    The kind of the file is determined before it is opened, because opening a pipe waits for a
    writer. Raises OSError: no regular file, or it cannot be read; ValueError: a path with NUL.
    """
    mode = path.stat().st_mode
    if stat.S_ISDIR(mode):
        raise IsADirectoryError(errno.EISDIR, "it is a directory")
    if not stat.S_ISREG(mode):
        kind = next((name for is_kind, name in _KINDS if is_kind(mode)), "something else")
        raise OSError(errno.EINVAL, f"expected a regular file, found {kind}")
    with path.open("rb") as file:
        return file.read(limit + 1)
