"""Output of commands: data on stdout, notes and errors on stderr, files written atomically."""

import json
import os
import sys
from contextlib import suppress
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import NoReturn

import typer

from harmonize.archive.location import ArchiveLocation
from harmonize.version import VERSION

OK, FINDINGS, USAGE, INCOMPLETE, INTERNAL, UNDELIVERED = 0, 1, 2, 3, 4, 5
"""Exit codes. If several apply, the first of 4, 2, 5, 3, 1 is used."""

STOPPED = 130
"""Exit code of a program interrupted by its user."""


class FailOn(StrEnum):
    """Lowest level of finding that makes the exit code 1."""

    ERROR = "error"
    WARNING = "warning"
    INFO = "info"
    NEVER = "never"


@dataclass(frozen=True, slots=True)
class Settings:
    """Values of the options before the command."""

    archive: ArchiveLocation | None
    quiet: bool
    verbose: bool


def own_archive() -> Path:
    """Returns the place of the user's own archive, the default of ``--archive``."""
    from platformdirs import user_data_path

    return user_data_path("harmonize", appauthor=False) / "archive"


def write(path: Path, content: bytes) -> None:
    """Writes a file atomically; ends the program if it cannot be written."""
    partial = path.with_name(f".{path.name}.part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        partial.write_bytes(content)
        partial.replace(path)
    except OSError as error:
        with suppress(OSError):
            partial.unlink()
        fail(f"{path}: cannot write the file: {error.strerror}; use another path", USAGE)


def print_json(value: object) -> None:
    """Writes a value to stdout as indented JSON."""
    write_stdout(f"{json.dumps(value, indent=2, ensure_ascii=False)}\n".encode())


def write_stdout(content: bytes) -> None:
    """Writes data to stdout. A reader that closes the pipe (``| head``) is no error."""
    try:
        sys.stdout.buffer.write(content)
        sys.stdout.flush()
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def note(settings: Settings, text: str) -> None:
    """Writes a line to stderr, unless ``--quiet`` is set."""
    if not settings.quiet:
        typer.echo(one_line(text), err=True)


def fail(text: str, code: int) -> NoReturn:
    """Writes an error line with the problem and its fix, and ends with exit code ``code``."""
    typer.echo(f"error: {one_line(text)}", err=True)
    raise typer.Exit(code)


def one_line(text: str) -> str:
    """Returns a message as one line without control characters."""
    return "".join(
        character if character.isprintable() else ascii(character)[1:-1] for character in text
    )


def print_version(*, requested: bool) -> None:
    """Prints the version and ends, if requested."""
    if requested:
        typer.echo(f"harmonize {VERSION}")
        raise typer.Exit
