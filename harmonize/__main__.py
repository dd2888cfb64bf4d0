"""Where the program starts."""

import gc
import os
import sys
from typing import NoReturn

from typer.exceptions import Abort, TyperException

from harmonize.cli.console import INTERNAL, OK, STOPPED, one_line
from harmonize.cli.main import app


def main() -> None:
    """Run the command line; any error is one line on stderr."""
    # One short run that keeps nearly all it builds: searching it for garbage costs a fifth of it.
    gc.disable()
    try:
        _leave(app(standalone_mode=False))
    except TyperException as error:
        if error.format_message():  # without one, the help has been printed instead
            _say(f"{error.format_message()} See --help.")
        _leave(error.exit_code)
    except (Abort, KeyboardInterrupt):
        _say("stopped")
        _leave(STOPPED)
    except BrokenPipeError:  # the reader went away: no error, and nothing left to flush
        os._exit(OK)
    except Exception as error:  # the last edge: whatever it is, the user gets one line
        if "--verbose" in sys.argv or "-v" in sys.argv:
            raise
        _say(f"internal: {type(error).__name__}: {error}; see --verbose")
        _leave(INTERNAL)


def _say(text: str) -> None:
    sys.stderr.write(f"error: {one_line(text)}\n")


def _leave(code: object) -> NoReturn:
    """End at once: giving back a million small objects one by one would take a tenth of the run."""
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code if isinstance(code, int) else OK)


if __name__ == "__main__":
    main()
