"""Prints tables as CSV, and writes them as workbooks."""

import sys
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from harmonize.cli.console import USAGE, fail, print_text, write, write_stdout

if TYPE_CHECKING:
    from reports.formats.sheets import Sheet


def print_csv(sheet: "Sheet", output: Path | None = None) -> None:
    """Writes a table as CSV to a file, otherwise to stdout."""
    from reports.formats.sheets import sheet_csv

    emit(sheet_csv(sheet).encode(), output)


def write_workbook(
    sheets: "Sequence[Sheet]", title: str, created: datetime, output: Path | None
) -> None:
    """Writes tables as a workbook to a file, otherwise to stdout, unless that is a terminal."""
    from reports.formats.sheets import workbook

    if output is None and sys.stdout.isatty():
        fail("--format xlsx: cannot write a binary format to a terminal; add --output FILE", USAGE)
    emit(workbook(sheets, title, created), output)


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
