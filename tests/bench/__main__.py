"""Every benchmark, each in a process of its own: ``make bench``."""

import subprocess
import sys

PARTS = (
    "evaluate",
    "split",
    "commands",
    "gathering",
    "history",
    "index",
    "rolling",
    "adequacy",
    "stress",
    "growth",
    "thresholds",
    "pages",
)


def main() -> str | None:
    """Runs every part, also after one that fails; returns which failed, None if none did."""
    failed = []
    for part in PARTS:
        sys.stdout.write(f"== {part}\n")
        sys.stdout.flush()
        command = [sys.executable, "-m", f"tests.bench.{part}"]
        if subprocess.run(command, check=False).returncode:
            failed.append(part)
    return f"failed: {', '.join(failed)}" if failed else None


if __name__ == "__main__":
    sys.exit(main())
