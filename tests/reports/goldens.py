"""Small rendered outputs kept beside the tests; ``python -m tests.reports.goldens`` rewrites them."""

import re
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from types import MappingProxyType

from reports.charts import Drawing, draw
from reports.html_ import html
from reports.registry import render
from reports.table import table
from tests.reports.sample import RATES, curves, sample

FOLDER = Path(__file__).parent.parent / "goldens"


def chart() -> str:
    """One drawing."""
    lines = tuple(line for line in curves("BTC") if line.figure == "initial")
    styles = {venue: number for number, venue in enumerate(RATES)}
    (svg,) = draw([Drawing("btc", "IM on BTC", "A synthetic drawing.", lines, styles)])
    return svg.replace("><", ">\n<") + "\n"


def text(name: str) -> str:
    """The sample in a format that is text."""
    return render(name, sample()).decode()


def section(name: str) -> str:
    """One section of the report, without its drawings."""
    found = re.search(rf'<section id="{name}".*?</section>', html(sample()), re.DOTALL)
    if found is None:
        message = f"the report has no section {name}"
        raise LookupError(message)
    return re.sub(r'<svg class="chart".*?</svg>', "<svg/>", found[0], flags=re.DOTALL) + "\n"


GOLDENS: Mapping[str, Callable[[], str]] = MappingProxyType(
    {
        "report-table.txt": lambda: table(sample()),
        "report-chart.svg": chart,
        "findings.csv": lambda: text("csv"),
        "findings.jsonl": lambda: text("jsonl"),
        "findings.md": lambda: text("markdown"),
        "findings.sarif": lambda: text("sarif"),
        "findings.junit.xml": lambda: text("junit"),
        "findings.github.txt": lambda: text("github"),
        "report-findings.html": lambda: section("findings"),
        "report-rules.html": lambda: section("rules"),
        "report-summary.html": lambda: section("summary"),
        "report-divergence.html": lambda: section("divergence"),
        "report-underlyings.html": lambda: section("underlyings"),
    }
)


def main() -> None:
    """Write every golden."""
    FOLDER.mkdir(exist_ok=True)
    for name, rendered in GOLDENS.items():
        (FOLDER / name).write_text(rendered(), encoding="utf-8")
        sys.stdout.write(f"{name}\n")


if __name__ == "__main__":
    main()
