"""Figures of pages: chart, caption, its numbers as a table, and the files of both."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from reports.html.chart_file import framed_chart
from reports.html.page import Chart
from reports.site.layout import SAVED_CHART
from reports.site.markup import NOTHING, Html, details, element, join, text
from reports.site.tables import Cell, Row, Table, table, table_csv


@dataclass(frozen=True, slots=True)
class Figure:
    """A figure as markup, with the files beside the page: path and content."""

    markup: Html
    files: tuple[tuple[str, bytes], ...]


def figure(subject: str, chart: Chart, stem: str, *, has_files: bool = True) -> Figure:
    """Returns a chart with caption, table and permalink.

    `stem` is the path of its files without extension. If it has none, the script of the page makes them.
    """
    name = f"{subject}: {chart.title}"
    numbers_table = Table(
        label=name,
        caption=text(f"{chart.title}, {subject}. Dates compared: {chart.dates}"),
        heads=chart.columns,
        rows=[Row(tuple(map(Cell, row))) for row in chart.rows],
    )
    unit = ", ".join(part for part in (chart.unit, chart.dates) if part)
    file_name = stem.rpartition("/")[2]
    data = details(f"{name}, table", table(numbers_table, f"{file_name}.csv" if has_files else ""))
    file_link = f'<a href="{text(file_name)}.svg">SVG</a>' if has_files else ""
    return Figure(
        Html(
            f'<figure id="chart-{text(file_name)}"{" class=tall" if chart.tall else ""}><div class="drawn"><p class="charttitle">{text(chart.title)}'
            f" <span>{text(unit)}</span></p>"
            f'<div class="drawing" role="region" aria-label="{text(name)}, chart" tabindex="0">'
            f"{chart.svg}</div>{_swatches(chart)}<figcaption>{text(chart.caption)} "
            f"<span{SAVED_CHART}>{file_link}</span>"
            f"</figcaption></div>{data}</figure>\n"
        ),
        _files(name, chart, numbers_table, stem) if has_files else (),
    )


def with_data(own: Figure, data: bytes) -> Figure:
    """Returns a figure whose CSV file, if it has one, is ``data`` instead of the table as shown."""
    files = ((path, data if path.endswith(".csv") else content) for path, content in own.files)
    return Figure(own.markup, tuple(files))


def side_by_side(charts: Sequence[Figure]) -> Html:
    """Returns charts in pairs, one below the other on a narrow screen; nothing without a chart."""
    if not charts:
        return NOTHING
    return element("div", join(drawn.markup for drawn in charts), css="pair gap-charts")


def files_of(charts: Iterable[Figure]) -> tuple[tuple[str, bytes], ...]:
    """Returns the files of charts: path and content."""
    return tuple(file for drawn in charts for file in drawn.files)


def _swatches(chart: Chart) -> str:
    legend = "".join(
        f'<span class="swatch {css}"></span> {text(meaning)} ' for css, meaning in chart.legend
    )
    return f'<p class="swatches">{legend}</p>' if legend else ""


def _files(name: str, chart: Chart, data: Table, stem: str) -> tuple[tuple[str, bytes], ...]:
    drawing = (f"{stem}.svg", framed_chart(chart, name))
    return (drawing, (f"{stem}.csv", table_csv(data))) if data.rows else (drawing,)
