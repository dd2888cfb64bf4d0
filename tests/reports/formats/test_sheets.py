"""Tables of commands for spreadsheets: numbers in full, text that no program evaluates."""

import csv
from datetime import UTC, datetime, timedelta, timezone
from io import BytesIO, StringIO

import pytest
from openpyxl import load_workbook

from reports.formats.sheets import Sheet, record_sheet, sheet_csv, workbook

SHEET = Sheet(
    "Venues",
    ("venue", "margin_usd", "margin_rate", "stale"),
    (
        ("=HYPERLINK(1)", 0.1 + 0.2, 1 / 3, True),
        ("+cmd|x", None, float("inf"), False),
        ("a\u202eb,\x1b", 5, None, None),
    ),
)


def test_records_are_a_table_with_the_columns_of_all_in_the_order_of_appearance() -> None:
    records: list[dict[str, str | float | None]] = [
        {"venue": "okx"},
        {"rate": 0.0, "venue": "gate"},
    ]
    expected = Sheet("Rates", ("venue", "rate"), (("okx", None), ("gate", 0.0)))
    assert record_sheet("Rates", iter(records)) == expected


def test_csv_has_numbers_in_full_and_no_formula() -> None:
    rows = list(csv.reader(StringIO(sheet_csv(SHEET))))
    assert rows[0] == list(SHEET.headings)
    assert rows[1] == ["'=HYPERLINK(1)", "0.30000000000000004", "0.3333333333333333", "yes"]
    assert rows[2] == ["'+cmd|x", "", "", "no"]
    assert rows[3] == ["a\\u202eb,\\x1b", "5", "", ""]


def test_a_workbook_has_typed_cells_and_no_formula() -> None:
    content = workbook(
        (SHEET, Sheet("Notes", ("a",), ())), "Margins", datetime(2026, 1, 2, tzinfo=UTC)
    )
    book = load_workbook(BytesIO(content))
    assert book.sheetnames == ["Venues", "Notes"]
    rows = [[cell.value for cell in row] for row in book["Venues"].iter_rows()]
    assert rows[1] == ["'=HYPERLINK(1)", pytest.approx(0.3), pytest.approx(1 / 3), "yes"]
    assert rows[2] == ["'+cmd|x", None, None, "no"]
    assert all(cell.data_type != "f" for row in book["Venues"].iter_rows() for cell in row)
    assert book["Venues"]["B2"].number_format == "#,##0.00"
    assert book["Venues"]["C2"].number_format == "0.0000%"
    assert book.properties.created == datetime(2026, 1, 2)  # noqa: DTZ001 - as openpyxl reads it


def test_equal_tables_give_equal_bytes_whatever_the_clock_or_zone() -> None:
    at = datetime(2026, 1, 2, 12, tzinfo=UTC)
    elsewhere = at.astimezone(timezone(timedelta(hours=9)))
    assert workbook((SHEET,), "x", at) == workbook((SHEET,), "x", elsewhere)
