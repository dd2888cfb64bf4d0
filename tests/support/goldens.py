"""Rendered samples stored with the tests; ``python -m tests.support.goldens`` rewrites them."""

import re
import sys
from collections.abc import Callable, Mapping
from io import BytesIO
from types import MappingProxyType

import openpyxl
from pyarrow.parquet import read_table

from reports.charts.curve_lines import CurveLine, curve_lines
from reports.charts.svg import Frame
from reports.formats.table import table
from reports.html.gap import gap_sections
from reports.html.history import schedule_chart, weeks_chart
from reports.html.report import html
from reports.lookup import Lookup
from reports.registry import render
from reports.site import pages
from tests.support.paths import ROOT
from tests.support.sample_documents import RATES, curves, sample
from tests.support.sample_history import CRASH, course, monday, week
from tests.support.sample_nights import nights

FOLDER = ROOT / "tests" / "goldens"


def chart() -> str:
    """Renders one margin chart."""
    styles = {venue: number for number, venue in enumerate(RATES)}
    lines = [
        CurveLine(
            curve.name,
            tuple(zip(curve.notional, curve.rate, strict=True)),
            None if curve.is_reference else styles[curve.name],
            is_emphasised=True,
            is_aside=not curve.included,
        )
        for curve in curves("BTC")
        if curve.margin_type == "initial"
    ]
    svg = curve_lines(Frame("btc", "IM on BTC", "A synthetic drawing."), lines, (1e3, 1e7))
    return svg.replace("><", ">\n<") + "\n"


def gap_charts() -> str:
    """Renders the charts of the arbitrage-gap section."""
    (gap_section,) = gap_sections(Lookup(sample()))
    svgs = [chart.svg.replace("><", ">\n<") for chart in gap_section.charts]
    return "".join(f"{svg}\n" for svg in svgs)


def steps() -> str:
    """Renders one schedule over time: an interruption, an early end, a window of stress."""
    rates = "2024-01-01 0.1, 2024-03-15 0.15, 2024-05-01 -, 2024-06-01 0.05"
    all_series = [
        course(rates, "2024-07-01", notional=1e5),
        course("2024-01-01 0.2, 2024-03-15 0.25", "2024-07-01", notional=1e6),
        course("2024-01-01 0.01", "2024-04-01", margin_type="maintenance", notional=1e5),
    ]
    return schedule_chart(all_series, [CRASH], "0").svg.replace("><", ">\n<") + "\n"


def weeks() -> str:
    """Renders the changes of a venue per week: every kind, and weeks without changes."""
    sample_weeks = [
        week(monday(0), 3, 1, 2, 1),
        week(monday(1), 1),
        week(monday(10), 12, 0, 1, 0, 4, 1),
        week(monday(14), 0, 5),
    ]
    return weeks_chart(sample_weeks, [CRASH], 0).svg.replace("><", ">\n<") + "\n"


def text(name: str) -> str:
    """Renders the sample in a text format."""
    return render(name, sample()).decode()


def workbook() -> str:
    """Returns every cell of the sample workbook with its type and number format."""
    book = openpyxl.load_workbook(BytesIO(render("xlsx", sample())))
    lines = []
    for sheet in book:
        lines.append(f"# {sheet.title}, frozen at {sheet.freeze_panes}")
        lines += [
            f"{cell.coordinate} {cell.data_type} {cell.number_format} {cell.value!r}"
            for row in sheet
            for cell in row
            if cell.value is not None
        ]
    return "".join(f"{line}\n" for line in lines)


def parquet() -> str:
    """Returns the columns of the sample Parquet table with their units, and every row."""
    table = read_table(BytesIO(render("parquet", sample())))
    fields = [f"# {column.name} {column.type} {dict(column.metadata)}" for column in table.schema]
    return "".join(f"{line}\n" for line in (*fields, *map(str, table.to_pylist())))


def section(name: str) -> str:
    """Renders one section of the report, without its charts."""
    match = re.search(rf'<section id="{name}".*?</section>', html(sample()), re.DOTALL)
    if match is None:
        message = f"the report has no section {name}"
        raise LookupError(message)
    return re.sub(r'<svg class="chart".*?</svg>', "<svg/>", match[0], flags=re.DOTALL) + "\n"


SITE = pages.Site("Margins of <venues>", "https://example.org/margins")


def changes() -> str:
    """Renders the body of a page of changes."""
    page = pages.changes_page(nights(), ("2026-10", "2026-11"), SITE).decode()
    return page[page.index("<body") :]


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
        "findings.xlsx.txt": workbook,
        "findings.parquet.txt": parquet,
        "report-findings.html": lambda: section("findings"),
        "report-rules.html": lambda: section("rules"),
        "report-summary.html": lambda: section("summary"),
        "report-divergence.html": lambda: section("divergence"),
        "report-underlyings.html": lambda: section("underlyings"),
        "report-gap.html": lambda: section("gap"),
        "report-gap-charts.svg": gap_charts,
        "site-changes.html": changes,
        "site-changes.xml": lambda: pages.feed(nights(), SITE).decode(),
        "report-steps.svg": steps,
        "report-weeks.svg": weeks,
    }
)


def main() -> None:
    """Writes every golden file."""
    FOLDER.mkdir(exist_ok=True)
    for name, rendered in GOLDENS.items():
        (FOLDER / name).write_text(rendered(), encoding="utf-8")
        sys.stdout.write(f"{name}\n")


if __name__ == "__main__":
    main()
