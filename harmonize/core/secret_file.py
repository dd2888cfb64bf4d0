"""Reads secret files, which nobody but their owner may read."""

import stat
from pathlib import Path


class PrivateError(Exception):
    """Secret file that cannot be used. The message is one line and never quotes the content."""


def text(path: Path) -> str:
    """Returns the text of a secret file.

    Raises PrivateError: others may read the file, or it cannot be read as UTF-8.
    """
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
