"""Resolves both lock files in empty environments with several releases of pip: ``make locks``.

An older pip reads a lock more strictly than a newer one, and what it accepts must not depend on what was
published after the lock was written. Nothing is installed: the faults in question stop the resolution.
"""

import subprocess
import sys
import tempfile
import time
from pathlib import Path

from tests.support.paths import ROOT

RELEASES = ("23.0", "23.2.1", "24.3.1", "")
"""The oldest pip that Python 3.11 came with in use, that of Python 3.11.7, one of 2024, the newest."""

LOCKS = ("requirements.lock", "requirements-dev.lock")


def _pip(python: Path, *arguments: str) -> None:
    command = [str(python), "-m", "pip", "-qq", "--disable-pip-version-check", *arguments]
    subprocess.run(command, check=True)


def main() -> None:
    """Raises CalledProcessError for the first release of pip that refuses a lock."""
    for release in RELEASES:
        for lock in LOCKS:
            begun = time.monotonic()
            with tempfile.TemporaryDirectory() as folder:
                subprocess.run([sys.executable, "-m", "venv", folder], check=True)
                python = Path(folder) / "bin" / "python"
                _pip(python, "install", "--upgrade", f"pip=={release}" if release else "pip")
                _pip(python, "install", "--dry-run", "--require-hashes", "-r", str(ROOT / lock))
            name = f"pip {release}" if release else "the newest pip"
            sys.stdout.write(f"{lock} resolves with {name} ({time.monotonic() - begun:.0f} s)\n")
            sys.stdout.flush()


if __name__ == "__main__":
    main()
