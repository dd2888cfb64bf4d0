"""Tables of commands as CSV and as an Excel workbook: numbers unchanged, text no formula."""

from collections.abc import Iterable, Mapping, Sequence
from csv import writer
from dataclasses import dataclass
from datetime import UTC, datetime
from io import BytesIO, StringIO
from math import isfinite
from typing import Any

from reports.formats.finding_columns import neutralize_formula

Cell = str | float | bool | None
"""Text, a number, or yes or no; None is an empty cell."""

_WIDEST = 60
_NARROWEST = 10
_NUMBER_FORMATS = {"_usd": "#,##0.00", "_rate": "0.0000%", "_share": "0.00%"}
"""Excel format of the columns whose name ends so."""

WORKBOOK_OPTIONS = {
    "in_memory": True,
    "strings_to_formulas": False,
    "strings_to_numbers": False,
    "strings_to_urls": False,
}
"""Options of every workbook: text stays text."""

_Worksheet = Any  # xlsxwriter has no types
_Format = Any


@dataclass(frozen=True, slots=True)
class Sheet:
    """A table with the name of its columns; a number's unit is the end of that name."""

    name: str
    headings: tuple[str, ...]
    rows: tuple[tuple[Cell, ...], ...]


def record_sheet(name: str, records: Iterable[Mapping[str, Cell]]) -> Sheet:
    """Returns records as a table with the columns of all of them, in the order of appearance."""
    rows = tuple(records)
    heads = tuple(dict.fromkeys(head for row in rows for head in row))
    return Sheet(name, heads, tuple(tuple(row.get(head) for head in heads) for row in rows))


def sheet_csv(sheet: Sheet) -> str:
    """Renders one table: a header and a line per row."""
    buffer = StringIO()
    lines = writer(buffer, lineterminator="\n")
    lines.writerow(sheet.headings)
    lines.writerows([_csv_cell(cell) for cell in row] for row in sheet.rows)
    return buffer.getvalue()


def _csv_cell(cell: Cell) -> str | float | None:
    if isinstance(cell, bool):
        return _yes_or_no(is_set=cell)
    if isinstance(cell, float) and not isfinite(cell):
        return None
    return neutralize_formula(cell) if isinstance(cell, str) else cell


def _yes_or_no(*, is_set: bool) -> str:
    return "yes" if is_set else "no"


def workbook(sheets: Sequence[Sheet], title: str, created: datetime) -> bytes:
    """Renders an Excel workbook; equal arguments give equal bytes."""
    from xlsxwriter import Workbook  # noqa: PLC0415 - heavy; only this format needs it

    buffer = BytesIO()
    with Workbook(buffer, WORKBOOK_OPTIONS) as book:
        in_utc = created.astimezone(UTC).replace(tzinfo=None)
        book.set_properties({"title": title, "created": in_utc})
        bold = book.add_format({"bold": True, "bottom": 1})
        formats = {
            end: book.add_format({"num_format": number_format})
            for end, number_format in _NUMBER_FORMATS.items()
        }
        for sheet in sheets:
            columns = [
                next((formats[end] for end in formats if heading.endswith(end)), None)
                for heading in sheet.headings
            ]
            page = book.add_worksheet(sheet.name)
            write_rows(page, sheet.headings, sheet.rows, bold, columns)
            page.autofilter(0, 0, len(sheet.rows), len(sheet.headings) - 1)
    return buffer.getvalue()


def write_rows(
    page: _Worksheet,
    headings: Sequence[str],
    rows: Iterable[Sequence[Cell]],
    bold: _Format,
    formats: Sequence[_Format] = (),
) -> None:
    """Writes a header and rows to a worksheet; ``formats`` are those of numbers, by column."""
    write_head(page, headings, bold)
    for number, row in enumerate(rows, start=1):
        for index, cell in enumerate(row):
            write_cell(page, number, index, cell, formats[index] if formats else None)


def write_head(page: _Worksheet, headings: Sequence[str], bold: _Format) -> None:
    """Writes the header of a worksheet, which stays in view."""
    page.freeze_panes(1, 0)
    for index, heading in enumerate(headings):
        page.write_string(0, index, heading, bold)
        page.set_column(index, index, max(_NARROWEST, min(_WIDEST, 2 * len(heading))))


def write_cell(
    page: _Worksheet, row: int, column: int, cell: Cell, number_format: _Format = None
) -> None:
    """Writes text or a number; a non-finite number stays empty, as Excel has no value for it."""
    if isinstance(cell, bool):
        page.write_string(row, column, _yes_or_no(is_set=cell))
    elif isinstance(cell, str):
        if cell:
            page.write_string(row, column, neutralize_formula(cell))
    elif cell is not None and isfinite(cell):
        page.write_number(row, column, cell, number_format)
