"""Reads a portfolio from a CSV, JSON or Excel file and checks every row."""

import csv
import json
import struct
import zlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from io import BytesIO, StringIO
from itertools import islice
from typing import Any
from zipfile import BadZipFile

from harmonize.core.instrument import resolve_asset

_WORKBOOK_ERRORS = (
    BadZipFile,
    zlib.error,
    struct.error,
    SyntaxError,  # ElementTree's error for broken XML
    ArithmeticError,
    AttributeError,
    EOFError,
    LookupError,
    NotImplementedError,
    OSError,
    RuntimeError,
    TypeError,
    ValueError,
)
"""Errors that openpyxl raises on a damaged workbook; it has no error of its own for most damage."""

COLUMNS = ("underlying", "side", "notional")
MAX_ROWS = 100_000
MAX_BYTES = 50_000_000
_SIDES = ("long", "short")
_MIN_NOTIONAL, _MAX_NOTIONAL = Decimal("1e-6"), Decimal(10) ** 15
_MAX_ERRORS = 20  # errors printed in full; the others are counted


@dataclass(frozen=True, slots=True)
class Position:
    """One position: asset, side (``long`` or ``short``) and notional in USD."""

    underlying: str
    side: str
    notional: float


class PositionsError(Exception):
    """Errors in a portfolio file, one line per row."""

    def __init__(self, lines: Sequence[str]) -> None:
        super().__init__("\n".join(lines))
        self.lines = tuple(lines)


def read_positions(content: bytes, name: str) -> tuple[Position, ...]:
    """Returns the positions of a file; the suffix of its name selects the format.

    Raises PositionsError: one line per row with an error.
    """
    if len(content) > MAX_BYTES:
        raise PositionsError([f"{name}: larger than {MAX_BYTES:,} bytes; split the file"])
    suffix = name.lower().rpartition(".")[2]
    readers = {"csv": _csv_rows, "json": _json_rows, "xlsx": _xlsx_rows}
    if suffix not in readers:
        raise PositionsError([f"{name}: expected a .csv, .json or .xlsx file"])
    positions: list[Position] = []
    errors: list[str] = []
    for location, row in islice(readers[suffix](content, name), MAX_ROWS + 1):
        position, reason = _position(row)
        if position is not None:
            positions.append(position)
        else:
            errors.append(f"{name}: {location}: {reason}")
    if len(positions) + len(errors) > MAX_ROWS:
        raise PositionsError([f"{name}: more than {MAX_ROWS:,} rows; split the file"])
    if len(errors) > _MAX_ERRORS:
        errors = [
            *errors[:_MAX_ERRORS],
            f"{name}: {len(errors) - _MAX_ERRORS} more rows with errors",
        ]
    if not positions and not errors:
        errors = [f"{name}: no positions; add one per row: {', '.join(COLUMNS)}"]
    if errors:
        raise PositionsError(errors)
    return tuple(positions)


def _position(row: Mapping[str, object]) -> tuple[Position | None, str]:
    """Returns the position, or None and the error in the row."""
    missing = [name for name in COLUMNS if str(row.get(name) or "").strip() == ""]
    if missing:
        return None, f"missing {', '.join(missing)}; add all of {', '.join(COLUMNS)}"
    asset, side = str(row["underlying"]).strip(), str(row["side"]).strip().lower()
    if side not in _SIDES:
        return None, f"side: expected long or short, found {_quoted(row['side'])}"
    if not asset.replace("-", "").isalnum():
        return (
            None,
            f"underlying: expected an asset such as BTC, found {_quoted(row['underlying'])}",
        )
    notional = _notional(row["notional"])
    if notional is None:
        text = _quoted(row["notional"])
        return None, f"notional: expected an amount in USD above 0, such as 250000, found {text}"
    return Position(resolve_asset(asset), side, float(notional)), ""


def _notional(value: object) -> Decimal | None:
    """Returns a notional in USD; None if the cell is not a number or is out of range.

    Underscores may group digits. A comma is ambiguous and is not accepted.
    """
    text = str(value).strip().replace("_", "")
    if isinstance(value, bool) or "," in text:
        return None
    try:
        amount = Decimal(text)
    except InvalidOperation:
        return None
    return amount if amount.is_finite() and _MIN_NOTIONAL <= amount <= _MAX_NOTIONAL else None


def _quoted(value: object) -> str:
    text = repr(str(value))
    return text if len(text) <= 40 else f"{text[:37]}…'"  # noqa: PLR2004 - a line has room for it


_Rows = Iterator[tuple[str, Mapping[str, object]]]
"""Rows by column name, each with its location in the file."""


def _csv_rows(content: bytes, name: str) -> _Rows:
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        message = f"{name}: byte {error.start} is not UTF-8; save the file as UTF-8"
        raise PositionsError([message]) from None
    lines = csv.reader(StringIO(text), strict=True)
    try:
        columns = _columns(next(lines, []), name)
        for cells in lines:
            if any(cell.strip() for cell in cells):
                yield f"line {lines.line_num}", _row(columns, cells)
    except csv.Error as error:
        message = f"{name}: line {lines.line_num}: {error}; correct the quotes"
        raise PositionsError([message]) from None


def _xlsx_rows(content: bytes, name: str) -> _Rows:
    from openpyxl import load_workbook  # noqa: PLC0415 - heavy, and only workbooks need it

    try:
        book = load_workbook(BytesIO(content), read_only=True, data_only=True)
        sheet = book.worksheets[0]
        lines: Iterator[Sequence[Any]] = sheet.iter_rows(values_only=True)
        columns = _columns([str(cell or "") for cell in next(lines, ())], name)
        for number, cells in enumerate(lines, start=2):
            if any(cell is not None for cell in cells):
                yield f"row {number}", _row(columns, cells)
    except _WORKBOOK_ERRORS as error:
        message = f"{name}: cannot read the workbook: {error}; save it as .xlsx again"
        raise PositionsError([message]) from None


def _columns(cells: Sequence[str], name: str) -> tuple[str, ...]:
    """Returns the column names. Raises PositionsError: they are not exactly ``COLUMNS``."""
    columns = tuple(cell.strip().lower() for cell in cells)
    while columns and not columns[-1]:
        columns = columns[:-1]
    if sorted(columns) != sorted(COLUMNS):
        found = ", ".join(columns) or "nothing"
        message = (
            f"{name}: first line: expected the columns {', '.join(COLUMNS)}, found {_quoted(found)}"
        )
        raise PositionsError([message])
    return columns


def _row(columns: Sequence[str], cells: Sequence[object]) -> Mapping[str, object]:
    """Returns cells by column; a cell beyond the last column makes the notional invalid.

    The extra cell is usually part of a number that a decimal or thousands comma split.
    """
    beyond = [cell for cell in cells[len(columns) :] if str(cell or "").strip()]
    row: dict[str, object] = dict(zip(columns, cells, strict=False))
    if beyond:
        row["notional"] = f"{row.get('notional')},{beyond[0]}"
    return row


def _json_rows(content: bytes, name: str) -> _Rows:
    try:
        parsed = json.loads(content.decode("utf-8-sig"), parse_float=Decimal)
    except (ValueError, ArithmeticError, RecursionError) as error:
        message = f"{name}: cannot read the JSON: {error}"
        raise PositionsError([message]) from None
    rows = parsed.get("positions") if isinstance(parsed, dict) else parsed
    if not isinstance(rows, list):
        message = f"{name}: expected a list of positions, each with {', '.join(COLUMNS)}"
        raise PositionsError([message])
    for number, row in enumerate(rows, start=1):
        if not isinstance(row, dict):
            yield f"position {number}", {}
            continue
        unknown = sorted(set(map(str, row)) - set(COLUMNS))
        if unknown:
            message = (
                f"{name}: position {number}: unknown field {unknown[0]}; use {', '.join(COLUMNS)}"
            )
            raise PositionsError([message])
        yield f"position {number}", row
