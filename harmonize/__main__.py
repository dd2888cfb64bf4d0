"""The entry point of the program."""

import errno
import gc
import os
import sys
import traceback
from pathlib import Path
from typing import NoReturn

from typer.exceptions import Abort, TyperException

from harmonize.cli.console import (
    INTERNAL,
    OK,
    STOPPED,
    USAGE,
    discard_stdout,
    print_error,
    print_error_lines,
    unwritable_stdout,
)
from harmonize.cli.main import app

_UNWRITABLE = {errno.ENOSPC, errno.EBADF, errno.EIO}


def main() -> None:
    """Runs the command line; any error is one line on stderr."""
    # A run is short and keeps nearly all it builds: garbage collection would take a fifth of it.
    gc.disable()
    _open_closed_streams()
    try:
        _exit(app(standalone_mode=False))
    except TyperException as error:
        if error.format_message():  # without a message, the help has been printed
            print_error(f"error: {error.format_message()} See --help.")
        _exit(error.exit_code)
    except (Abort, KeyboardInterrupt):
        print_error("error: interrupted")
        _exit(STOPPED)
    except SystemExit:  # raised where the reader of the help closed the pipe: no error
        discard_stdout()
        _exit(OK)
    except Exception as error:  # noqa: BLE001 - the outermost handler: the user gets one line
        if isinstance(error, OSError) and error.filename is None and error.errno in _UNWRITABLE:
            discard_stdout()  # the help, which does not pass through the console
            print_error(f"error: {unwritable_stdout(error)}")
            _exit(USAGE)
        if "--verbose" in sys.argv or "-v" in sys.argv:
            print_error_lines(traceback.format_exc())
            _exit(INTERNAL)
        print_error(
            f"error: internal: {type(error).__name__}: {error}; use --verbose for the traceback"
        )
        _exit(INTERNAL)


def _open_closed_streams() -> None:
    """Gives a stream that the caller closed a descriptor that cannot be written.

    Otherwise the next file opened would have its number, and receive what is meant for the stream.
    """
    while (number := os.open(os.devnull, os.O_RDONLY)) <= 2:  # noqa: PLR2004 - stderr
        pass
    os.close(number)
    if sys.stdout is None:
        sys.stdout = os.fdopen(1, "w", encoding="utf-8", closefd=False)
    if sys.stderr is None:
        sys.stderr = Path(os.devnull).open("w", encoding="utf-8")  # noqa: SIM115 - until the end


def _exit(code: object) -> NoReturn:
    """Ends at once: releasing a million small objects one by one would take a tenth of the run."""
    number = code if isinstance(code, int) else OK
    try:
        sys.stdout.flush()
    except BrokenPipeError:
        pass
    except OSError as error:
        print_error(f"error: {unwritable_stdout(error)}")
        number = USAGE
    os._exit(number)


if __name__ == "__main__":
    main()
