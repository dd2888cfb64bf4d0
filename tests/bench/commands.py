"""How much processor time whole commands take, and how much memory: as the operating system accounts for them.

Processor time is that of all processes of a command. A busy machine lengthens it little, unlike wall time.
"""

import resource
import subprocess
import sys
import tempfile
from statistics import median

GOALS = (
    ("harmonize --help", ("--help",), 0.25, 400, 5),
    ("harmonize rules list (every pack read and compiled)", ("rules", "list"), 0.5, 400, 5),
    (
        "harmonize audit (every pack, recorded archive, table)",
        ("audit", "--fail-on", "never"),
        2.0,
        400,
        5,
    ),
    (
        "harmonize report (every page, table and chart of the archive)",
        ("report", "--out"),
        30.0,
        1_000,
        1,
    ),
)
"""Name, arguments, largest processor seconds, largest MB of a process, and timed runs, smallest first."""


def main() -> int:
    """Print medians, goals and peak memory after every command; 1 if a goal is missed."""
    _say(f"{'command':<62} {'CPU s':>7} {'goal s':>7} {'peak MB':>8} {'goal MB':>8}")
    missed = False
    with tempfile.TemporaryDirectory() as folder:
        for name, arguments, goal, memory, runs in GOALS:
            command = [sys.executable, "-m", "harmonize", *arguments]
            if arguments[-1] == "--out":
                command.append(folder)
            else:
                _timed(command)  # reads files for the first time
            seconds = median(_timed(command) for _ in range(runs))
            peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024
            is_met = seconds <= goal and peak <= memory
            verdict = "met" if is_met else "missed"
            _say(f"{name:<62} {seconds:>7.2f} {goal:>7.2f} {peak:>8.0f} {memory:>8,}  {verdict}")
            missed |= not is_met
    _say("peak: the largest process of this command or an earlier one")
    return int(missed)


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def _timed(command: list[str]) -> float:
    """Returns the processor seconds of a command, which has to succeed."""
    begin = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run(command, check=True, capture_output=True)
    end = resource.getrusage(resource.RUSAGE_CHILDREN)
    return end.ru_utime + end.ru_stime - begin.ru_utime - begin.ru_stime


if __name__ == "__main__":
    sys.exit(main())
