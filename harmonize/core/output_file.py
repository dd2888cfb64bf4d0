"""Writes a file that a user names: atomically if it is a regular file, otherwise into it.

A device, a pipe or an open descriptor such as ``/dev/stdout`` is opened and written, never replaced.
Links are followed: their target changes, the link stays.
"""

import errno
import os
import re
import stat
import sys
from contextlib import suppress
from pathlib import Path

_MAX_LINKS = 40
_MAX_NAME = 60  # characters of the name that the temporary file repeats
_DESCRIPTOR = re.compile(r"(?:/dev/fd|/proc/(?:self|thread-self|\d+)(?:/task/\d+)?/fd)/(\d+)")


def write_file(path: Path, content: bytes, *, durable: bool = False) -> None:
    """Writes the whole content of a file; ``durable`` flushes it to the disk.

    A regular file or a new name has all of the content or is unchanged. Writing into a pipe waits
    for its reader. Raises OSError; FileNotFoundError if the folder does not exist.
    """
    target, descriptor = _resolved(path)
    if descriptor is not None:
        _write_to_descriptor(descriptor, content)
        return
    try:
        mode = target.stat().st_mode
    except FileNotFoundError:
        mode = None
    if mode is None or stat.S_ISREG(mode):
        _replace(target, content, mode, durable=durable)
        return
    with target.open("r+b" if stat.S_ISBLK(mode) else "wb", buffering=0) as file:
        _write_all(file.fileno(), content)


def _resolved(path: Path) -> tuple[Path, int | None]:
    """Follows links. Returns the target, and its number if it is a descriptor of this process."""
    current = Path(path)
    for _ in range(_MAX_LINKS):
        current = Path(os.path.realpath(current.parent)) / current.name
        match = _DESCRIPTOR.fullmatch(str(current))
        if match and _is_own(current):
            return current, int(match[1])
        if not current.is_symlink():
            return current, None
        current = current.parent / current.readlink()
    raise OSError(errno.ELOOP, os.strerror(errno.ELOOP), str(path))


def _is_own(path: Path) -> bool:
    """Returns whether a folder of descriptors is that of this process."""
    process = path.parts[2]
    return process in {"fd", "self", "thread-self", str(os.getpid())}


def _write_to_descriptor(number: int, content: bytes) -> None:
    """Writes at the position of an open descriptor, after what the program printed before."""
    for stream in (sys.stdout, sys.stderr):
        with suppress(AttributeError, ValueError):  # no stream, or a closed one
            stream.flush()
    _write_all(number, content)


def _write_all(number: int, content: bytes) -> None:
    rest = memoryview(content)
    while rest:
        rest = rest[os.write(number, rest) :]


def _replace(target: Path, content: bytes, mode: int | None, *, durable: bool) -> None:
    """Writes a temporary file beside the target and gives it the target's name."""
    partial = target.with_name(f".{target.name[:_MAX_NAME]}.part")
    try:
        partial.unlink(missing_ok=True)  # of a run that was interrupted
        with partial.open("xb") as file:
            file.write(content)
            file.flush()
            if durable:
                os.fsync(file.fileno())
        if mode is not None:
            partial.chmod(stat.S_IMODE(mode))
        partial.replace(target)
    except BaseException:
        with suppress(OSError):
            partial.unlink()
        raise
