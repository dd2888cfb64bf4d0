"""How long whole commands take, and how much memory: as the operating system accounts for them."""

import resource
import subprocess
import sys
import tempfile
import time
from statistics import median

RUNS = 5
GOALS = (
    ("harmonize audit (every pack, recorded archive, table)", ("audit", "--fail-on", "never"), 2.0),
    ("harmonize report (audit and HTML of the recorded archive)", ("report", "--out"), 2.0),
    ("harmonize rules list (every pack read and compiled)", ("rules", "list"), 0.5),
    ("harmonize --help", ("--help",), 0.25),
)


def main() -> None:
    """Time each command as a whole process; print medians, goals and peak memory."""
    _say(f"{'command':<60} {'median s':>9} {'goal s':>7}")
    with tempfile.TemporaryDirectory() as folder:
        for name, arguments, goal in GOALS:
            command = [sys.executable, "-m", "harmonize", *arguments]
            if arguments[-1] == "--out":
                command.append(folder)
            seconds = [_timed(command) for _ in range(RUNS + 1)][1:]
            _say(f"{name:<60} {median(seconds):>9.2f} {goal:>7.2f}")
    peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024
    _say(f"peak memory of the largest of these processes: {peak:.0f} MB (goal 400)")


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")


def _timed(command: list[str]) -> float:
    begin = time.perf_counter()
    subprocess.run(command, check=True, capture_output=True)
    return time.perf_counter() - begin


if __name__ == "__main__":
    main()
