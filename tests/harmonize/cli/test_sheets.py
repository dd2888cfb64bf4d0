"""Answers in the requested format: only that one is made."""

import json
from collections.abc import Callable
from datetime import UTC, datetime
from io import BytesIO
from pathlib import Path
from typing import TypeVar
from zipfile import ZipFile

import pytest

from harmonize.cli.options import SheetForm
from harmonize.cli.sheets import Printout, print_answer
from reports.formats.sheets import Sheet, sheet_csv, workbook

_T = TypeVar("_T")

TABLE = Sheet("margins", ("venue", "margin_rate"), (("okx", 0.05),))
SECOND = Sheet("notes", ("note",), (("none",),))
CREATED = datetime(2026, 11, 30, 12, 30, 15, 250_000, UTC)


def printed(form: SheetForm, output: Path | None) -> list[str]:
    """Prints an answer; returns which of its formats were made."""
    made: list[str] = []

    def noted(name: str, value: _T) -> Callable[[], _T]:
        def make() -> _T:
            made.append(name)
            return value

        return make

    answer = Printout(
        value=noted("value", {"venue": "okx"}),
        table=noted("table", TABLE),
        pages=noted("pages", (TABLE, SECOND)),
        text=noted("text", "okx 5 %\n"),
        title="Margins",
        created=CREATED,
    )
    print_answer(answer, form, output)
    return made


EXPECTED = (
    (SheetForm.JSON, "value", f"{json.dumps({'venue': 'okx'}, indent=2)}\n".encode()),
    (SheetForm.CSV, "table", sheet_csv(TABLE).encode()),
    (SheetForm.TABLE, "text", b"okx 5 %\n"),
    (
        SheetForm.XLSX,
        "pages",
        workbook((TABLE, SECOND), "Margins", CREATED.replace(microsecond=0)),
    ),
)


@pytest.mark.parametrize(("form", "part", "content"), EXPECTED)
def test_only_the_requested_format_is_made_and_written(
    tmp_path: Path, form: SheetForm, part: str, content: bytes
) -> None:
    output = tmp_path / "answer"
    assert printed(form, output) == [part]
    assert output.read_bytes() == content


@pytest.mark.parametrize(("form", "part", "content"), EXPECTED)
def test_without_a_file_the_same_bytes_are_printed(
    capfdbinary: pytest.CaptureFixture[bytes], form: SheetForm, part: str, content: bytes
) -> None:
    assert printed(form, None) == [part]
    assert capfdbinary.readouterr().out == content


def test_a_workbook_states_its_time_in_whole_seconds(tmp_path: Path) -> None:
    printed(SheetForm.XLSX, tmp_path / "answer.xlsx")
    with ZipFile(BytesIO((tmp_path / "answer.xlsx").read_bytes())) as book:
        assert b"2026-11-30T12:30:15Z" in book.read("docProps/core.xml")
