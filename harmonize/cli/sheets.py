"""Prints answers in the requested format: text, JSON, a table as CSV, tables as a workbook."""

import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from harmonize.cli.console import USAGE, fail, print_json, print_text, write, write_stdout
from harmonize.cli.options import SheetForm

if TYPE_CHECKING:
    from reports.formats.sheets import Sheet


@dataclass(frozen=True, slots=True, kw_only=True)
class Printout:
    """Answer in every output format; only the requested one is made.

    ``value`` becomes the JSON, ``table`` the CSV. The workbook has the ``pages``, a ``title``, and
    ``created`` as its time, which needs a time zone.
    """

    value: Callable[[], object]
    table: "Callable[[], Sheet]"
    pages: "Callable[[], Sequence[Sheet]]"
    text: Callable[[], str]
    title: str
    created: datetime


def print_answer(answer: Printout, form: SheetForm, output: Path | None) -> None:
    """Writes an answer in a format to a file, otherwise to stdout."""
    if form is SheetForm.JSON:
        print_json(answer.value(), output)
    elif form is SheetForm.CSV:
        print_csv(answer.table(), output)
    elif form is SheetForm.XLSX:
        write_workbook(answer.pages(), answer.title, answer.created, output)
    else:
        emit_text(answer.text(), output)


def print_csv(sheet: "Sheet", output: Path | None = None) -> None:
    """Writes a table as CSV to a file, otherwise to stdout."""
    from reports.formats.sheets import sheet_csv

    emit(sheet_csv(sheet).encode(), output)


def write_workbook(
    sheets: "Sequence[Sheet]", title: str, created: datetime, output: Path | None
) -> None:
    """Writes tables as a workbook to a file, otherwise to stdout, unless that is a terminal.

    The time of creation has no fractions of a second in a workbook.
    """
    from reports.formats.sheets import workbook

    if output is None and sys.stdout.isatty():
        fail("--format xlsx: cannot write a binary format to a terminal; add --output FILE", USAGE)
    emit(workbook(sheets, title, created.replace(microsecond=0)), output)


def emit_text(text: str, output: Path | None) -> None:
    """Writes text to a file, otherwise to stdout."""
    if output is None:
        print_text(text)
    else:
        write(output, text.encode())


def emit(content: bytes, output: Path | None) -> None:
    """Writes data to a file, otherwise to stdout."""
    if output is None:
        write_stdout(content)
    else:
        write(output, content)
