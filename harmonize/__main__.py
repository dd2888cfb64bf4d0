"""The entry point of the program."""

import gc
import os
import sys
from typing import NoReturn

from typer.exceptions import Abort, TyperException

from harmonize.cli.console import INTERNAL, OK, STOPPED, one_line
from harmonize.cli.main import app


def main() -> None:
    """Runs the command line; any error is one line on stderr."""
    # A run is short and keeps nearly all it builds: garbage collection would take a fifth of it.
    gc.disable()
    try:
        _exit(app(standalone_mode=False))
    except TyperException as error:
        if error.format_message():  # without a message, the help has been printed
            _print_error(f"{error.format_message()} See --help.")
        _exit(error.exit_code)
    except (Abort, KeyboardInterrupt):
        _print_error("interrupted")
        _exit(STOPPED)
    except BrokenPipeError:  # the reader closed the pipe: no error, and nothing left to flush
        os._exit(OK)
    except Exception as error:  # the outermost handler: the user gets one line
        if "--verbose" in sys.argv or "-v" in sys.argv:
            raise
        _print_error(f"internal: {type(error).__name__}: {error}; use --verbose for the traceback")
        _exit(INTERNAL)


def _print_error(text: str) -> None:
    sys.stderr.write(f"error: {one_line(text)}\n")


def _exit(code: object) -> NoReturn:
    """Ends at once: releasing a million small objects one by one would take a tenth of the run."""
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code if isinstance(code, int) else OK)


if __name__ == "__main__":
    main()
