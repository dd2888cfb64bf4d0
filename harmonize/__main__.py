"""Where the program starts."""

import gc
import os
import sys
from typing import NoReturn

from harmonize.cli import app
from harmonize.terminal import INTERNAL


def main() -> None:
    """Run the command line; an error of ours is one line and exit code 4."""
    # One short run that keeps nearly all it builds: searching it for garbage costs a fifth of it.
    gc.disable()
    try:
        app()
    except SystemExit as end:
        _leave(end.code)
    except Exception as error:  # the last edge: whatever it is, the user gets one line
        if "--verbose" in sys.argv or "-v" in sys.argv:
            raise
        said = " ".join(str(error).split()) or type(error).__name__
        sys.stderr.write(f"error: internal: {type(error).__name__}: {said}; see --verbose\n")
        sys.exit(INTERNAL)


def _leave(code: str | int | None) -> NoReturn:
    """End at once: giving back a million small objects one by one would take a tenth of the run."""
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code if isinstance(code, int) else 0)


if __name__ == "__main__":
    main()
