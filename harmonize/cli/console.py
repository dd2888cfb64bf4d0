"""Output of commands: data on stdout, notes and errors on stderr, files.

Every line that a terminal shows passes through this module, which removes what would control it.
"""

import json
import os
import sys
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import NoReturn

import typer

from harmonize.archive.location import ArchiveLocation
from harmonize.core.output_file import write_file
from harmonize.text.sanitize import json_text, lines, one_line
from harmonize.version import VERSION

OK, FINDINGS, USAGE, INCOMPLETE, INTERNAL, UNDELIVERED = 0, 1, 2, 3, 4, 5
"""Exit codes. If several apply, the first of 4, 2, 5, 3, 1 is used."""

STOPPED = 130
"""Exit code of a program interrupted by its user."""


class FailOn(StrEnum):
    """Finding that makes the exit code 1: the lowest level, or a breach at any level."""

    BREACH = "breach"
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
    """Writes a file; ends the program if it cannot be written.

    A regular file is replaced at once or not at all. A device or a pipe is written into.
    """
    try:
        write_file(path, content)
    except BrokenPipeError:  # the reader of a pipe has enough
        return
    except OSError as error:
        folder = path.parent
        if not folder.exists():
            fail(f"{path}: missing folder {folder}; create it, or use another path", USAGE)
        fail(f"{path}: cannot write the file: {error.strerror}; use another path", USAGE)


def check_output(path: Path | None, *inputs: Path | None) -> None:
    """Ends the program if a file cannot be written to a path, before anything long is computed.

    A file that the command reads is never replaced by its output.
    """
    if path is None:
        return
    if path.is_file() and any(own and own.exists() and path.samefile(own) for own in inputs):
        fail(f"{path}: is read by this command; write the output to another path", USAGE)
    if not path.parent.is_dir():
        fail(f"{path}: missing folder {path.parent}; create it, or use another path", USAGE)
    if path.is_dir():
        fail(f"{path}: cannot write the file: Is a directory; use another path", USAGE)


def check_outputs(outputs: Sequence[Path | None], *inputs: Path | None) -> None:
    """Ends the program if one of several files cannot be written, or two of them are the same."""
    named: set[Path] = set()
    for path in filter(None, outputs):
        check_output(path, *inputs)
        if path.resolve() in named:
            fail(f"{path}: expected a file of its own for each output; use another path", USAGE)
        named.add(path.resolve())


def make_folder(path: Path) -> None:
    """Creates a folder that the program writes; ends the program if that is not possible."""
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        fail(f"{path}: cannot create the folder: {error.strerror}; use another path", USAGE)


def print_line(text: str) -> None:
    """Writes a line to stdout; text from elsewhere cannot control the terminal."""
    write_stdout(f"{one_line(text)}\n".encode())


def print_text(text: str) -> None:
    """Writes lines to stdout; text from elsewhere cannot control the terminal."""
    write_stdout(lines(text).encode())


def print_json(value: object, output: Path | None = None) -> None:
    """Writes a value as indented JSON to a file or stdout; what does not print is escaped."""
    content = f"{json_text(json.dumps(value, indent=2, ensure_ascii=False))}\n".encode()
    if output is None:
        write_stdout(content)
    else:
        write(output, content)


def write_stdout(content: bytes) -> None:
    """Writes data to stdout. A reader that closes the pipe (``| head``) is no error.

    A terminal receives text in which nothing controls it. Ends the program if nothing can be
    written: stdout is closed, or its disk is full.
    """
    if sys.stdout.isatty():
        content = lines(content.decode(errors="backslashreplace")).encode()
    try:
        sys.stdout.flush()
        sys.stdout.buffer.write(content)
        sys.stdout.flush()
    except BrokenPipeError:
        discard_stdout()
    except OSError as error:
        discard_stdout()
        fail(unwritable_stdout(error), USAGE)


def discard_stdout() -> None:
    """Sends the rest of the output nowhere, so that the end of the program cannot fail on it."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def unwritable_stdout(error: OSError) -> str:
    """Returns the message of an output that cannot be written."""
    return f"stdout: cannot write the output: {error.strerror}; redirect it elsewhere"


def print_error(text: str) -> None:
    """Writes a line to stderr; text from elsewhere cannot control the terminal."""
    print_error_lines(f"{one_line(text)}\n")


def print_error_lines(text: str) -> None:
    """Writes lines to stderr; text from elsewhere cannot control the terminal."""
    with suppress(OSError):  # there is no other place to tell it
        sys.stderr.write(lines(text))
        sys.stderr.flush()


def note(settings: Settings, text: str) -> None:
    """Writes a line to stderr, unless ``--quiet`` is set."""
    if not settings.quiet:
        print_error(text)


def fail(text: str, code: int) -> NoReturn:
    """Writes an error line with the problem and its fix, and ends with exit code ``code``."""
    print_error(f"error: {text}")
    raise typer.Exit(code)


def fail_with(error: Exception, code: int) -> NoReturn:
    """Writes a line per problem of an error, and ends with exit code ``code``."""
    lines: tuple[str, ...] = getattr(error, "lines", None) or (str(error),)
    for line in lines[:-1]:
        print_error(f"error: {line}")
    fail(lines[-1], code)


def print_version(*, requested: bool) -> None:
    """Prints the version and ends, if requested."""
    if requested:
        print_line(f"harmonize {VERSION}")
        raise typer.Exit
