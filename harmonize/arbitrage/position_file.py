"""A book of positions as people keep it: CSV, JSON or a workbook, checked row by row."""

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

from harmonize.core.instrument import asset_meant

_BROKEN = (
    BadZipFile,
    zlib.error,
    struct.error,
    SyntaxError,  # what ElementTree calls broken XML
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
"""What a damaged workbook makes its reader raise; it has no error of its own for most of it."""

COLUMNS = ("underlying", "side", "notional")
MOST_ROWS = 100_000
MOST_BYTES = 50_000_000
_SIDES = ("long", "short")
_SMALLEST, _LARGEST = Decimal("1e-6"), Decimal(10) ** 15
_SAID = 20  # errors that are printed; more are counted


@dataclass(frozen=True, slots=True)
class Position:
    """One position: the asset, its side, and its notional in USD."""

    underlying: str
    side: str
    notional: float


class PositionsError(Exception):
    """What is wrong in a book, one line a row."""

    def __init__(self, lines: Sequence[str]) -> None:
        super().__init__("\n".join(lines))
        self.lines = tuple(lines)


def read(content: bytes, name: str) -> tuple[Position, ...]:
    """Read a book; the ending of its name says what it is. Raises PositionsError, with every bad row."""
    if len(content) > MOST_BYTES:
        raise PositionsError([f"{name}: larger than {MOST_BYTES:,} bytes; split it"])
    ending = name.lower().rpartition(".")[2]
    readers = {"csv": _of_csv, "json": _of_json, "xlsx": _of_xlsx}
    if ending not in readers:
        raise PositionsError([f"{name}: a book is a .csv, .json or .xlsx file"])
    found: list[Position] = []
    wrong: list[str] = []
    for place, row in islice(readers[ending](content, name), MOST_ROWS + 1):
        position, reason = _position(row)
        if position is not None:
            found.append(position)
        else:
            wrong.append(f"{name}: {place}: {reason}")
    if len(found) + len(wrong) > MOST_ROWS:
        raise PositionsError([f"{name}: more than {MOST_ROWS:,} rows; split it"])
    if len(wrong) > _SAID:
        wrong = [*wrong[:_SAID], f"{name}: {len(wrong) - _SAID} more rows are wrong"]
    if not found and not wrong:
        wrong = [f"{name}: holds no position; write one a row: {', '.join(COLUMNS)}"]
    if wrong:
        raise PositionsError(wrong)
    return tuple(found)


def _position(row: Mapping[str, object]) -> tuple[Position | None, str]:
    """A position, or what is wrong with the row."""
    missing = [name for name in COLUMNS if str(row.get(name) or "").strip() == ""]
    if missing:
        return None, f"no {' and no '.join(missing)}; give all of {', '.join(COLUMNS)}"
    asset, side = str(row["underlying"]).strip(), str(row["side"]).strip().lower()
    if side not in _SIDES:
        return None, f"side is long or short, was {_shown(row['side'])}"
    if not asset.replace("-", "").isalnum():
        return None, f"underlying is an asset such as BTC, was {_shown(row['underlying'])}"
    amount = _amount(row["notional"])
    if amount is None:
        said = _shown(row["notional"])
        return None, f"notional is an amount in USD above 0, such as 250000, was {said}"
    return Position(asset_meant(asset), side, float(amount)), ""


def _amount(value: object) -> Decimal | None:
    """A number as people and programs write it; None where it is none, or not above 0."""
    text = str(value).strip().replace("_", "")
    if isinstance(value, bool) or "," in text:
        return None
    try:
        amount = Decimal(text)
    except InvalidOperation:
        return None
    return amount if amount.is_finite() and _SMALLEST <= amount <= _LARGEST else None


def _shown(value: object) -> str:
    text = repr(str(value))
    return text if len(text) <= 40 else f"{text[:37]}…'"  # noqa: PLR2004 - a line has room for it


Rows = Iterator[tuple[str, Mapping[str, object]]]


def _of_csv(content: bytes, name: str) -> Rows:
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        message = f"{name}: byte {error.start} is not UTF-8; save it as UTF-8"
        raise PositionsError([message]) from None
    lines = csv.reader(StringIO(text), strict=True)
    try:
        heads = _heads(next(lines, []), name)
        for cells in lines:
            if any(cell.strip() for cell in cells):
                yield f"line {lines.line_num}", _row(heads, cells)
    except csv.Error as error:
        message = f"{name}: line {lines.line_num}: {error}; mend the quotes"
        raise PositionsError([message]) from None


def _of_xlsx(content: bytes, name: str) -> Rows:
    from openpyxl import load_workbook  # noqa: PLC0415 - heavy, and only workbooks need it

    try:
        book = load_workbook(BytesIO(content), read_only=True, data_only=True)
        sheet = book.worksheets[0]
        lines: Iterator[Sequence[Any]] = sheet.iter_rows(values_only=True)
        heads = _heads([str(cell or "") for cell in next(lines, ())], name)
        for number, cells in enumerate(lines, start=2):
            if any(cell is not None for cell in cells):
                yield f"row {number}", _row(heads, cells)
    except _BROKEN as error:
        message = f"{name}: not a workbook that can be read: {error}; save it as .xlsx again"
        raise PositionsError([message]) from None


def _heads(cells: Sequence[str], name: str) -> tuple[str, ...]:
    """The column names. Raises PositionsError: not each of the three once, or others beside them."""
    heads = tuple(cell.strip().lower() for cell in cells)
    while heads and not heads[-1]:
        heads = heads[:-1]
    if sorted(heads) != sorted(COLUMNS):
        said = ", ".join(heads) or "nothing"
        message = (
            f"{name}: the first line names the columns {', '.join(COLUMNS)}, was {_shown(said)}"
        )
        raise PositionsError([message])
    return heads


def _row(heads: Sequence[str], cells: Sequence[object]) -> Mapping[str, object]:
    """Cells under their heads; what stands beyond the last head spoils the notional."""
    beyond = [cell for cell in cells[len(heads) :] if str(cell or "").strip()]
    row: dict[str, object] = dict(zip(heads, cells, strict=False))
    if beyond:
        row["notional"] = f"{row.get('notional')},{beyond[0]}"
    return row


def _of_json(content: bytes, name: str) -> Rows:
    try:
        found = json.loads(content.decode("utf-8-sig"), parse_float=Decimal)
    except (ValueError, ArithmeticError, RecursionError) as error:
        message = f"{name}: not JSON: {error}"
        raise PositionsError([message]) from None
    rows = found.get("positions") if isinstance(found, dict) else found
    if not isinstance(rows, list):
        message = f"{name}: a list of positions was due, each with {', '.join(COLUMNS)}"
        raise PositionsError([message])
    for number, row in enumerate(rows, start=1):
        if not isinstance(row, dict):
            yield f"position {number}", {}
            continue
        unknown = sorted(set(map(str, row)) - set(COLUMNS))
        if unknown:
            message = f"{name}: position {number}: no field is called {unknown[0]}; there are {', '.join(COLUMNS)}"
            raise PositionsError([message])
        yield f"position {number}", row
