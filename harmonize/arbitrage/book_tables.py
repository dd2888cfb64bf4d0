"""Reads the cells of a book from CSV, JSON or Excel, within limits of size."""

import csv
import json
import struct
import zlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from io import BytesIO, StringIO
from itertools import islice
from typing import Any
from zipfile import BadZipFile, ZipFile

from harmonize.arbitrage.book_columns import recognized_count

MAX_ROWS = 100_000
MAX_BYTES = 20_000_000
MAX_UNPACKED_BYTES = 50_000_000
"""Largest size of an unpacked workbook. Compression can hide gigabytes in half a megabyte."""
_MAX_PARTS = 2_000
_MAX_COLUMNS = 200
_MAX_SHEET_ROWS = 1_048_577  # one more than a worksheet can have

_WORKBOOK_ERRORS = (
    BadZipFile,
    zlib.error,
    struct.error,
    SyntaxError,  # ElementTree's error for broken XML
    ArithmeticError,
    AssertionError,
    AttributeError,
    EOFError,
    LookupError,
    MemoryError,
    OSError,
    RuntimeError,  # with NotImplementedError, for methods of compression that zipfile lacks
    TypeError,
    ValueError,
)
"""Errors that openpyxl raises on a damaged workbook; it has no error of its own for most damage."""

_SEPARATORS = {",": "a comma", ";": "a semicolon", "\t": "a tab", "|": "a vertical bar"}


class TableError(Exception):
    """File that cannot be read at all: the problem and the fix, in one line."""


@dataclass(frozen=True, slots=True)
class BookTable:
    """Heads and rows of a book; every row has its location in the file and one cell per head."""

    heads: tuple[str, ...]
    rows: tuple[tuple[str, tuple[object, ...]], ...]
    notes: tuple[str, ...] = ()


def read_table(content: bytes, suffix: str, mapping: Mapping[str, str]) -> BookTable:
    """Returns the cells of a file of the format ``csv``, ``json`` or ``xlsx``.

    ``mapping`` has the heads that the user names. Raises TableError.
    """
    if len(content) > MAX_BYTES:
        message = f"larger than {MAX_BYTES:,} bytes; split the file"
        raise TableError(message)
    if suffix == "xlsx":
        return _xlsx_table(content)
    text, notes = _decoded(content)
    table = _json_table(text) if suffix == "json" else _csv_table(text, mapping)
    return BookTable(table.heads, table.rows, (*notes, *table.notes))


def _decoded(content: bytes) -> tuple[str, tuple[str, ...]]:
    if content.startswith((b"\xff\xfe", b"\xfe\xff")):
        try:
            return content.decode("utf-16"), ("read as UTF-16",)
        except UnicodeDecodeError:
            message = "cannot read as UTF-16; save the file as UTF-8"
            raise TableError(message) from None
    try:
        return content.decode("utf-8-sig"), ()
    except UnicodeDecodeError as error:
        message = f"byte {error.start} is not UTF-8; save the file as UTF-8"
        raise TableError(message) from None


def _bounded(rows: Iterator[tuple[str, tuple[object, ...]]]) -> tuple[Any, ...]:
    read = tuple(islice(rows, MAX_ROWS + 1))
    if len(read) > MAX_ROWS:
        message = f"more than {MAX_ROWS:,} rows; split the file"
        raise TableError(message)
    return read


def _trimmed(cells: Sequence[object]) -> tuple[str, ...]:
    heads = [" ".join(_text(cell).split()) for cell in cells]
    while heads and not heads[-1]:
        heads.pop()
    return tuple(heads)


def _csv_table(text: str, mapping: Mapping[str, str]) -> BookTable:
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    separator, offset = _separator(text, mapping)
    notes = (f"columns separated by {_SEPARATORS[separator]}",) if separator != "," else ()
    lines = csv.reader(StringIO(text), delimiter=separator, strict=True)
    try:
        heads: tuple[str, ...] = ()
        for _ in range(offset):
            next(lines, [])
        for cells in lines:
            if heads := _trimmed(cells):
                break
        rows = _bounded(
            (f"line {lines.line_num}", _padded(cells, len(heads)))
            for cells in lines
            if any(cell.strip() for cell in cells)
        )
    except csv.Error as error:
        message = f"line {lines.line_num}: {error}; correct the quotes"
        raise TableError(message) from None
    return BookTable(heads, rows, notes)


def _separator(text: str, mapping: Mapping[str, str]) -> tuple[str, int]:
    """Returns the separator of the head line, and the number of lines before that line.

    It is the one by which the line has most heads of a book, then most heads. Excel writes a first
    line ``sep=;``.
    """
    lines = text.split("\n", 2)
    first = lines[0].strip().strip('"')
    if first.lower().startswith("sep=") and first[4:] in _SEPARATORS:
        return first[4:], 1
    head = next((line for line in StringIO(text) if line.strip()), "")[:100_000]

    def score(separator: str) -> tuple[int, int]:
        try:
            heads = _trimmed(next(csv.reader([head], delimiter=separator), []))
        except csv.Error:
            return (0, 0)
        return (recognized_count(heads, mapping), len(heads))

    return max(_SEPARATORS, key=score), 0


def _text(cell: object) -> str:
    return "" if cell is None else str(cell).strip()


def _padded(cells: Sequence[object], count: int) -> tuple[object, ...]:
    """Returns the cells of a row, at least ``count``; empty cells beyond that are dropped."""
    row = list(cells)
    while len(row) > count and not _text(row[-1]):
        row.pop()
    return (*row, *[None] * (count - len(row)))


def _json_table(text: str) -> BookTable:
    try:
        parsed = json.loads(text, parse_float=Decimal, object_pairs_hook=_unique_fields)
    except (ValueError, ArithmeticError, RecursionError) as error:
        message = f"cannot read the JSON: {error}"
        raise TableError(message) from None
    rows = parsed.get("positions") if isinstance(parsed, dict) else parsed
    if not isinstance(rows, list):
        message = "expected a list of positions, or one under positions"
        raise TableError(message)
    if len(rows) > MAX_ROWS:
        message = f"more than {MAX_ROWS:,} rows; split the file"
        raise TableError(message)
    heads = tuple(dict.fromkeys(key for row in rows if isinstance(row, dict) for key in row))
    if len(heads) > _MAX_COLUMNS:
        message = f"more than {_MAX_COLUMNS} different fields; use one name per column"
        raise TableError(message)
    return BookTable(
        heads,
        tuple(
            (
                f"position {number}",
                tuple(row.get(head) if isinstance(row, dict) else None for head in heads),
            )
            for number, row in enumerate(rows, start=1)
        ),
    )


def _unique_fields(pairs: list[tuple[str, object]]) -> dict[str, object]:
    fields: dict[str, object] = {}
    for name, value in pairs:
        if name in fields:
            message = f"field {name[:40]!r} appears twice in one position; remove one"
            raise ValueError(message)
        fields[name] = value
    return fields


def _xlsx_table(content: bytes) -> BookTable:
    from openpyxl import load_workbook  # noqa: PLC0415 - heavy, and only workbooks need it

    try:
        _check_unpacked(content)
        book = load_workbook(BytesIO(content), read_only=True, data_only=True)
        sheet = book.worksheets[0]
        others = [other.title for other in book.worksheets[1:]]
        lines: Iterator[tuple[int, Sequence[Any]]] = enumerate(
            sheet.iter_rows(values_only=True, max_row=_MAX_SHEET_ROWS, max_col=_MAX_COLUMNS), 1
        )
        heads: tuple[str, ...] = ()
        for _, cells in lines:
            if heads := _trimmed(cells):
                break
        rows = _bounded(
            (f"row {number}", _padded(cells, len(heads)))
            for number, cells in lines
            # A sheet can begin its second row a million empty rows below; counting is fast.
            if cells.count(None) < len(cells) and any(map(_text, cells))
        )
    except _WORKBOOK_ERRORS as error:
        text = " ".join(str(error).split())[:200]
        message = f"cannot read the workbook: {text}; save it as .xlsx again"
        raise TableError(message) from None
    notes = []
    if others:
        notes.append(f"only the first sheet, {sheet.title}, is read; not read: {', '.join(others)}")
    headless = next((place for place, cells in rows if len(cells) > len(heads)), "")
    if headless:  # comments beside a table; no comma can split the cells of a workbook
        notes.append(f"cells beyond the last head are not read, as in {headless}")
        rows = tuple((place, cells[: len(heads)]) for place, cells in rows)
    return BookTable(heads, rows, tuple(notes))


def _check_unpacked(content: bytes) -> None:
    """Raises TableError: the parts of a workbook are too many or too large, or declare entities.

    The unpacking of a part ends at its declared size, so the declared sizes are a bound.
    """
    with ZipFile(BytesIO(content)) as archive:
        parts = archive.infolist()
        total = sum(part.file_size for part in parts)
        if total > MAX_UNPACKED_BYTES or len(parts) > _MAX_PARTS:
            message = (
                f"unpacks to {total:,} bytes in {len(parts):,} parts, at most "
                f"{MAX_UNPACKED_BYTES:,} are read; save the positions alone in a new file"
            )
            raise TableError(message)
        for part in parts:
            with archive.open(part) as file:
                if _declares_entities(file.read(MAX_UNPACKED_BYTES)):
                    message = f"{part.filename} declares XML entities; save it as .xlsx again"
                    raise TableError(message)


def _declares_entities(xml: bytes) -> bool:
    """Returns whether an XML part has a document type, in which entities can expand without end."""
    return any(
        b"<!" + word in xml.replace(b"\0", b"")  # UTF-16 has NUL bytes between ASCII letters
        for word in (b"DOCTYPE", b"ENTITY")
    )
