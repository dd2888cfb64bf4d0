"""Rows of a worksheet as compact XML, for a sheet of many rows in a workbook of xlsxwriter.

A cell without a reference follows the cell before it, and a text stands in its cell (ECMA-376 part 1,
18.3.1.4 and 18.18.11). Rows that repeat each other then compress to a third of what references and a
table of shared strings take.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache
from html import escape
from io import BytesIO
from itertools import chain
from math import isfinite
from zipfile import ZIP_DEFLATED, ZipFile, ZipInfo

from reports.formats.finding_columns import CellValue, neutralize_formula

_SHEET = "xl/worksheets/sheet1.xml"
_CELL = re.compile(r'<c r="([A-Z]+)2"(?: s="(\d+)")?[^>]*>')
_SAMPLE_ROW = re.compile(r'<row r="2".*?</row>')
_DIMENSION = re.compile(r'(<dimension ref="A1:[A-Z]+)\d+"')
_ESCAPED = re.compile(r"_x[0-9A-Fa-f]{4}_")
_LONGEST = 32_767  # letters that a cell of Excel holds
_LEVEL = 9
_DATE = (1980, 1, 1, 0, 0, 0)


def with_first_sheet(book: bytes, rows: Iterable[Sequence[CellValue]]) -> bytes:
    """Returns a workbook with rows below the head of its first sheet, in place of its second row.

    The second row is a sample: it has a cell in every column, whose number format the column gets.
    Equal arguments give equal bytes.
    """
    buffer = BytesIO()
    with ZipFile(BytesIO(book)) as source, ZipFile(buffer, "w", ZIP_DEFLATED) as target:
        for name in source.namelist():
            content = source.read(name)
            if name == _SHEET:
                content = _with_rows(content.decode(), rows)
            target.writestr(_entry(name), content, compresslevel=_LEVEL)
    return buffer.getvalue()


def _entry(name: str) -> ZipInfo:
    entry = ZipInfo(name, _DATE)
    entry.compress_type = ZIP_DEFLATED
    entry.external_attr = 0o644 << 16
    return entry


def _with_rows(sheet: str, rows: Iterable[Sequence[CellValue]]) -> bytes:
    sample = _SAMPLE_ROW.search(sheet)
    if sample is None:
        message = "expected a sheet with a sample in its second row"
        raise ValueError(message)
    styles = [f' s="{style}"' if style else "" for _, style in _CELL.findall(sample[0])]
    lines = [_row(row, styles) for row in rows]
    head = _DIMENSION.sub(rf'\g<1>{len(lines) + 1}"', sheet[: sample.start()])
    return "".join(chain([head], lines, [sheet[sample.end() :]])).encode()


def _row(row: Sequence[CellValue], styles: Sequence[str]) -> str:
    return f"<row>{''.join(_cells(row, styles))}</row>"


def _cells(row: Sequence[CellValue], styles: Sequence[str]) -> Iterator[str]:
    for cell, style in zip(row, styles, strict=True):
        if isinstance(cell, str):
            yield f'<c t="str"><v>{_text(cell)}</v></c>' if cell else "<c/>"
        elif cell is None or not isfinite(cell):
            yield "<c/>"
        else:
            yield f"<c{style}><v>{repr(cell).removesuffix('.0')}</v></c>"


@lru_cache(maxsize=65536)
def _text(words: str) -> str:
    """Returns text as XML; a sequence that Excel would read as an escaped letter is escaped itself."""
    inert = neutralize_formula(words)[:_LONGEST]
    literal = _ESCAPED.sub(lambda found: f"_x005F{found[0]}", inert)
    return escape(literal, quote=False)
