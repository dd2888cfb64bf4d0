"""Reads secret files, which nobody but their owner may read."""

import stat
from pathlib import Path

from harmonize.core.bounded_file import read_regular_file

MAX_SECRET_BYTES = 10_000


class SecretFileError(Exception):
    """Secret file that cannot be used. The message is one line and never quotes the content."""


def read_secret(path: Path) -> str:
    """Returns the text of a secret file.

    Raises SecretFileError: others may read the file, or it cannot be read as UTF-8.
    """
    try:
        mode = path.stat().st_mode
        if stat.S_IMODE(mode) & 0o077:
            message = f"{path}: readable by other users; make it private with: chmod 600 {path}"
            raise SecretFileError(message)
        content = read_regular_file(path, MAX_SECRET_BYTES)
        if len(content) > MAX_SECRET_BYTES:
            message = f"{path}: larger than {MAX_SECRET_BYTES:,} bytes; expected one secret"
            raise SecretFileError(message)
        return content.decode("utf-8")
    except OSError as error:
        message = f"{path}: cannot read the file: {error.strerror}"
    except UnicodeDecodeError:
        message = f"{path}: expected UTF-8 text; save the file as UTF-8"
    raise SecretFileError(message)
