"""Every benchmark, each in a process of its own: ``make bench``."""

import subprocess
import sys

for part in (
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
):
    subprocess.run([sys.executable, "-m", f"tests.bench.{part}"], check=True)
