"""What is printed where: data to stdout, notes and errors to stderr, files whole or not at all."""

import json
import os
import sys
from contextlib import suppress
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import NoReturn

import typer

from harmonize.archive.location import Place
from harmonize.version import VERSION

OK, FINDINGS, USAGE, INCOMPLETE, INTERNAL, UNDELIVERED = 0, 1, 2, 3, 4, 5
"""Exit codes. When several apply, the highest of 4, 2, 5, 3, 1 counts."""


STOPPED = 130
"""The exit code of a program that its user stopped."""


class FailOn(StrEnum):
    """The gravest level of finding that still exits with 0 is the one below this."""

    ERROR = "error"
    WARNING = "warning"
    INFO = "info"
    NEVER = "never"


@dataclass(frozen=True, slots=True)
class Settings:
    """What the options before the command say."""

    archive: Place | None
    quiet: bool
    verbose: bool


def own_archive() -> Path:
    """Where the user's own archive lies, unless ``--archive`` says otherwise."""
    from platformdirs import user_data_path

    return user_data_path("harmonize", appauthor=False) / "archive"


def write(path: Path, content: bytes) -> None:
    """Write a file whole or not at all."""
    beside = path.with_name(f".{path.name}.part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        beside.write_bytes(content)
        beside.replace(path)
    except OSError as error:
        with suppress(OSError):
            beside.unlink()
        fail(f"{path} cannot be written: {error.strerror}; choose another place", USAGE)


def print_json(value: object) -> None:
    """Write a value to stdout as JSON that people can read."""
    write_stdout(f"{json.dumps(value, indent=2, ensure_ascii=False)}\n".encode())


def write_stdout(content: bytes) -> None:
    """Write data to stdout. A reader that goes away (``| head``) is no error."""
    try:
        sys.stdout.buffer.write(content)
        sys.stdout.flush()
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def note(settings: Settings, text: str) -> None:
    """Write a line to stderr, unless asked to be quiet."""
    if not settings.quiet:
        typer.echo(one_line(text), err=True)


def fail(text: str, code: int) -> NoReturn:
    """Write one line that says what is wrong and how to mend it, and end with ``code``."""
    typer.echo(f"error: {one_line(text)}", err=True)
    raise typer.Exit(code)


def one_line(text: str) -> str:
    """Keep a message on one line and free of control characters."""
    return "".join(one if one.isprintable() else ascii(one)[1:-1] for one in text)


def version_told(*, wanted: bool) -> None:
    """Print the version and end, where it is wanted."""
    if wanted:
        typer.echo(f"harmonize {VERSION}")
        raise typer.Exit
