"""How long the largest pages of the report take to open in Chromium."""

import sys
import time
from dataclasses import replace
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

from reports.registry import report_files
from tests.support import recorded
from tests.support.browser import MISSING, Browser, browser, find_chromium
from tests.support.sample_thresholds import large_section

RUNS = 5
SHOWN = 10
"""Number of pages: the largest of the report."""

GOAL = 1.0
"""Largest time in seconds until a page is loaded."""


def main() -> None:
    """Print the median time of each page, or that there is no browser."""
    executable = find_chromium()
    if executable is None:
        _say(f"pages in a browser: {MISSING}")
        return
    with TemporaryDirectory() as name:
        folder = Path(name)
        pages = _write_pages(folder / "report")
        with browser(executable, folder / "profile") as page:
            page.open(pages[0])
            times = [_time_of(page, path) for path in pages]
    _say(f"{'page':<44} {'MB':>6} {'median s':>9} {'goal':>6}")
    for path, (size, seconds) in zip(pages, times, strict=True):
        name = f"{path.parent.name}/{path.name}"
        _say(f"{name:<44} {size:>6.2f} {seconds:>9.2f} {GOAL:>6.2f}")


def _write_pages(folder: Path) -> list[Path]:
    """Writes the report of the recorded archive with every section; returns its largest pages."""
    document = replace(recorded.stressed(), thresholds=large_section())
    sizes: dict[Path, int] = {}
    for name, content in report_files(document):
        file = folder / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(content)
        if file.suffix == ".html":
            sizes[file] = len(content)
    return sorted(sizes, key=lambda file: (-sizes[file], file))[:SHOWN]


def _time_of(page: Browser, path: Path) -> tuple[float, float]:
    """Returns the size of a page in MB, and the median time in seconds until it is loaded."""
    seconds = []
    for _ in range(RUNS):
        begin = time.perf_counter()
        page.open(path)
        seconds.append(time.perf_counter() - begin)
    return path.stat().st_size / 1e6, median(seconds)


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")


if __name__ == "__main__":
    main()
