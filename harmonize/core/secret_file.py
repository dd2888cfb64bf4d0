"""Text that only its owner may read."""

import stat
from pathlib import Path


class PrivateError(Exception):
    """A private file that cannot be used: one line that says why, and never what is in it."""


def text(path: Path) -> str:
    """Read a file that nobody but its owner may read. Raises PrivateError."""
    try:
        mode = path.stat().st_mode
        if stat.S_IMODE(mode) & 0o077:
            message = f"{path} can be read by others; make it private with: chmod 600 {path}"
            raise PrivateError(message)
        return path.read_text(encoding="utf-8")
    except OSError as error:
        message = f"{path} cannot be read: {error.strerror}"
    except UnicodeDecodeError:
        message = f"{path} is not a text file in UTF-8"
    raise PrivateError(message)
