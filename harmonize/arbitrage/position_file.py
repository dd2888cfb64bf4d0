"""Reads a portfolio from a CSV, JSON or Excel file; every row is read or reported."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

from harmonize.arbitrage.book_columns import (
    Column,
    Columns,
    ColumnsError,
    columns_with_a_side,
    find_columns,
    is_entry_price,
    unused_heads,
)
from harmonize.arbitrage.book_names import ContractNames, NameReading, read_name
from harmonize.arbitrage.book_numbers import (
    Amount,
    AmountError,
    decimal_comma,
    decimal_mark,
    is_usd,
    parse_amount,
    parse_size,
)
from harmonize.arbitrage.book_tables import BookTable, TableError, read_table
from harmonize.core.instrument import is_asset_name, is_evident
from harmonize.text.messages import counted

FORMATS = ("csv", "json", "xlsx")
_SIDES = {"long": "long", "short": "short", "buy": "long", "sell": "short"}
_UNSIGNED_SIDES = frozenset({"both", "net"})  # one-way mode: the sign of the size is the side
_MIN_NOTIONAL, _MAX_NOTIONAL = Decimal("1e-6"), Decimal(10) ** 15
_MAX_LINES = 20  # errors and notes printed in full; the others are counted, errors with their rows
_MAX_TEXT = 40


@dataclass(frozen=True, slots=True)
class Position:
    """One position: asset, side (``long`` or ``short``) and notional in USD."""

    underlying: str
    side: str
    notional: float


@dataclass(frozen=True, slots=True)
class BookRow:
    """One row of a book as it is written: the text of its asset, and the unit of its quantity.

    ``is_product`` marks a notional that is a quantity, in coins, times a price.
    """

    location: str
    asset: str
    side: str
    notional: float
    unit: str = ""
    is_product: bool = False


@dataclass(frozen=True, slots=True)
class BookFile:
    """Rows of a book, one error per row that cannot be read, and how the others were read."""

    name: str
    rows: tuple[BookRow, ...]
    errors: tuple[str, ...]
    notes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Book:
    """Positions of a book, one error per row that is not in it, and how the others were read."""

    positions: tuple[Position, ...]
    errors: tuple[str, ...]
    notes: tuple[str, ...]


class PositionsError(Exception):
    """Book of which nothing can be read, one line per problem."""

    def __init__(self, lines: Sequence[str]) -> None:
        super().__init__("\n".join(lines))
        self.lines = tuple(lines)


def read_book(content: bytes, name: str, mapping: Mapping[str, str] | None = None) -> BookFile:
    """Returns the rows of a file; the suffix of its name selects the format.

    ``mapping`` states heads by key: underlying, side, notional, quantity, price. Raises
    PositionsError: the file, its heads or all of its rows cannot be read.
    """
    suffix = name.lower().rpartition(".")[2]
    if suffix not in FORMATS:
        raise PositionsError([f"{name}: expected a .csv, .json or .xlsx file"])
    try:
        table = read_table(content, suffix, mapping or {})
        if not table.rows:
            message = "no positions; add one per row: underlying, side, notional"
            raise PositionsError([f"{name}: {message}"])
        columns = find_columns(table.heads, mapping or {})
    except TableError as error:
        raise PositionsError([f"{name}: {error}"]) from None
    except ColumnsError as error:
        place = "fields" if suffix == "json" else "first line"
        raise PositionsError([f"{name}: {place}: {error}"]) from None
    book = _rows_of(table, columns, name)
    if not book.rows:
        raise PositionsError(limited(book.errors, name))
    return book


def resolve_book(book: BookFile, known: ContractNames) -> Book:
    """Returns the positions of a book on the assets that its pairs, ids and names mean.

    Raises PositionsError: no row has an asset that can be read.
    """
    readings = {text: read_name(text, known) for text in {row.asset for row in book.rows}}
    positions: list[Position] = []
    errors = list(book.errors)
    places: dict[str, list[str]] = {}
    for row in book.rows:
        reading = readings[row.asset]
        problem = reading.problem or _unit_problem(row, reading, known)
        if problem:
            errors.append(f"{book.name}: {row.location}: {problem}")
            continue
        asset = reading.underlying.asset
        if not is_evident(row.asset, asset):
            places.setdefault(f"{row.asset} read as {asset}", []).append(row.location)
        positions.append(Position(asset, row.side, row.notional))
    notes = [
        f"{book.name}: {found[0]}: {text}"
        + (f" (and {counted(len(found) - 1, 'more row')})" if found[1:] else "")
        for text, found in places.items()
    ]
    errors.sort(key=lambda line: int(_place(line, book.name).split()[1]))
    if not positions:
        raise PositionsError(limited(errors, book.name))
    return Book(tuple(positions), tuple(errors), (*book.notes, *notes))


def limited(lines: Sequence[str], name: str, what: str = "rows with errors") -> list[str]:
    """Returns the first lines, and one line with the number and the places of the others."""
    if len(lines) <= _MAX_LINES:
        return list(lines)
    others = lines[_MAX_LINES:]
    places = [_place(line, name) for line in others[:_MAX_LINES]]
    rest = "" if len(others) <= len(places) else " …"
    return [*lines[:_MAX_LINES], f"{name}: {len(others)} more {what}: {', '.join(places)}{rest}"]


def _place(line: str, name: str) -> str:
    """Returns the place of a row in a line on it, such as ``line 7``."""
    return line.removeprefix(f"{name}: ").split(":")[0]


def _unit_problem(row: BookRow, reading: NameReading, known: ContractNames) -> str:
    """Returns why a quantity is not in coins of its contract; empty if it is, or may be."""
    if not row.unit:
        if row.is_product and row.asset.casefold() in known.in_contracts:
            return (
                f"quantity: {row.asset} trades in contracts, not in coins; write a notional in USD"
            )
        return ""
    unit = read_name(row.unit, known).underlying
    if unit.asset != reading.underlying.asset:
        return (
            f"quantity: expected coins of {reading.underlying.asset}, found {_quoted(row.unit)}; "
            "write coins, or a notional in USD"
        )
    if unit.multiplier != reading.underlying.multiplier:
        return (
            f"quantity: {row.unit} is not the unit of {row.asset}, whose price may be of several "
            "coins; write a notional in USD"
        )
    return ""


def _rows_of(table: BookTable, columns: Columns, name: str) -> BookFile:
    reader = _RowReader(
        columns,
        columns_with_a_side(table.heads, columns),
        len(table.heads),
        *_number_format(table, columns),
    )
    rows: list[BookRow] = []
    errors: list[str] = []
    counts: dict[str, int] = {}
    for location, cells in table.rows:
        try:
            row, notes = reader.read(location, cells)
        except (_RowError, AmountError) as error:
            errors.append(f"{name}: {location}: {error}")
            continue
        rows.append(row)
        for note in notes:
            counts[note] = counts.get(note, 0) + 1
    return BookFile(
        name,
        tuple(rows),
        tuple(errors),
        tuple(
            f"{name}: {note}"
            for note in (
                *table.notes,
                *reader.notes(),
                *_unused(table, columns),
                *(
                    f"{note} ({count} rows)" if count > 1 else note
                    for note, count in counts.items()
                ),
            )
        ),
    )


def _unused(table: BookTable, columns: Columns) -> tuple[str, ...]:
    heads = unused_heads(table.heads, columns)
    return (f"columns not read: {', '.join(heads[:30])}",) if heads else ()


def _number_format(table: BookTable, columns: Columns) -> tuple[str, str]:
    """Returns the decimal mark that the file settles, and an example, as ``_RowReader`` has them."""
    indices = [columns[key].index for key in ("notional", "quantity", "price") if key in columns]
    values = [cells[index] for _, cells in table.rows for index in indices if index < len(cells)]
    mark, example = decimal_mark(values)
    return mark, example or decimal_comma(values)


class _RowError(ValueError):
    """Row that is no position: the problem and the fix."""


@dataclass(frozen=True, slots=True)
class _RowReader:
    """Reads the rows of one table with ``count`` columns, of which ``unread`` can state a side.

    ``mark`` is the decimal mark that ``example`` settles; without a mark, ``example`` is a number
    with a decimal comma, or empty.
    """

    columns: Columns
    unread: tuple[Column, ...]
    count: int
    mark: str
    example: str

    def notes(self) -> tuple[str, ...]:
        """Returns how all rows are read, where it is not evident from the file."""
        notes = []
        if self.example:
            word = "point" if self.mark == "." else "comma"
            notes.append(f"numbers read with a decimal {word}, as in {self.example}")
        if "side" not in self.columns:
            notes.append("no column side: negative sizes are short, all others long")
        price = self.columns.get("price")
        if "notional" not in self.columns and price is not None:
            kind = " (a price at entry, not the current one)" if is_entry_price(price) else ""
            head = self.columns["quantity"].head
            notes.append(f"notional is {head}, in coins, times {price.head}{kind}")
        return tuple(notes)

    def read(self, location: str, cells: Sequence[object]) -> tuple[BookRow, tuple[str, ...]]:
        """Returns a row and notes on how it was read. Raises _RowError, AmountError."""
        if len(cells) > self.count:
            message = (
                f"{len(cells)} cells, expected {self.count}; put a number with a comma in quotes, "
                "or remove its commas"
            )
            raise _RowError(message)
        asset = self._asset(cells)
        if "side" in self.columns and self._is_blank("side", cells):
            message = "missing side; add long or short"
            raise _RowError(message)
        amount, unit, notes = self._amount(cells)
        side, side_notes = self._side(cells, amount)
        if not _MIN_NOTIONAL <= abs(amount) <= _MAX_NOTIONAL:
            message = (
                f"notional: expected an amount in USD from {_MIN_NOTIONAL} to 1e15, "
                f"found {abs(amount):.6g}; correct it, or remove the row"
            )
            raise _RowError(message)
        is_product = self._is_blank("notional", cells)
        row = BookRow(location, asset, side, float(abs(amount)), unit, is_product)
        return row, (*notes, *side_notes)

    def _cell(self, key: str, cells: Sequence[object]) -> object:
        column = self.columns.get(key)
        return None if column is None else cells[column.index]

    def _is_blank(self, key: str, cells: Sequence[object]) -> bool:
        cell = self._cell(key, cells)
        return cell is None or not str(cell).strip()

    def _asset(self, cells: Sequence[object]) -> str:
        if self._is_blank("underlying", cells):
            message = "missing underlying; add an asset such as BTC"
            raise _RowError(message)
        cell = self._cell("underlying", cells)
        text = str(cell).strip()
        if isinstance(cell, bool | dict | list) or not is_asset_name(text):
            message = f"underlying: expected an asset such as BTC, found {_quoted(text)}"
            raise _RowError(message)
        return text

    def _parsed(self, key: str, cells: Sequence[object]) -> Amount:
        column = self.columns[key]
        cell = self._cell(key, cells)
        try:
            amount = parse_size(cell, self.mark)
            if key != "notional" and not amount.is_usd:  # 5B can be five coins of the asset B
                amount = parse_amount(cell, self.mark)
        except AmountError as error:
            message = f"{key}: {error}"
            raise AmountError(message) from None
        return amount if amount.unit else Amount(amount.number, column.unit)

    def _amount(self, cells: Sequence[object]) -> tuple[Decimal, str, tuple[str, ...]]:
        """Returns the signed notional in USD, the unit of a quantity, and notes."""
        has_notional = "notional" in self.columns and not self._is_blank("notional", cells)
        if has_notional:
            amount = self._parsed("notional", cells)
            if amount.unit and not amount.is_usd:
                message = (
                    f"notional: expected USD, found {_quoted(amount.unit)}; convert it, or use "
                    "the columns quantity and price"
                )
                raise _RowError(message)
            return self._signed_by_quantity(amount.number, cells), "", ()
        if "quantity" not in self.columns or self._is_blank("quantity", cells):
            message = "missing notional; add an amount in USD, or quantity and price"
            raise _RowError(message)
        quantity = self._parsed("quantity", cells)
        if is_usd(quantity.unit):
            head = self.columns["quantity"].head
            return quantity.number, "", (f"{head} in {quantity.unit} read as the notional",)
        if "price" not in self.columns or self._is_blank("price", cells):
            message = "quantity without a price; add a column price or notional"
            raise _RowError(message)
        price = self._parsed("price", cells)
        if (price.unit and not price.is_usd) or price.number <= 0:
            message = f"price: expected USD above 0, found {price.number} {price.unit}".rstrip()
            raise _RowError(message)
        notes = ("notional from quantity and price",) if "notional" in self.columns else ()
        return quantity.number * price.number, quantity.unit, notes

    def _signed_by_quantity(self, notional: Decimal, cells: Sequence[object]) -> Decimal:
        """Returns a notional with the sign of the quantity, which exports write instead of a side."""
        if "quantity" not in self.columns or self._is_blank("quantity", cells):
            return notional
        try:
            quantity = self._parsed("quantity", cells).number
        except AmountError:
            if "side" not in self.columns or self._side_word(cells) in _UNSIGNED_SIDES:
                raise
            return notional  # the column side states the side
        if quantity < 0 < notional:
            return -notional
        if notional < 0 < quantity:
            message = "notional is below 0 and quantity above; correct one, or add a column side"
            raise _RowError(message)
        return notional

    def _side_word(self, cells: Sequence[object]) -> str:
        return str(self._cell("side", cells)).strip().lower()

    def _side(self, cells: Sequence[object], amount: Decimal) -> tuple[str, tuple[str, ...]]:
        signed = "short" if amount < 0 else "long"
        if "side" not in self.columns:
            if signed == "long":
                self._refuse_hidden_side(cells)
            return signed, ()
        word = self._side_word(cells)
        if word in _UNSIGNED_SIDES:
            if signed == "long":
                self._refuse_hidden_side(cells)
            return signed, (f"side {word}: read from the sign of the size",)
        side = _SIDES.get(word)
        if side is None:
            found = _quoted(self._cell("side", cells))
            message = f"side: expected long or short, found {found}"
            raise _RowError(message)
        if amount < 0 and side == "long":
            message = f"side {word}, but an amount below 0; remove the sign, or write short"
            raise _RowError(message)
        return side, () if word == side else (f"side {word} read as {side}",)

    def _no_side(self) -> str:
        return "no side" if "side" in self.columns else "no column side"

    def _refuse_hidden_side(self, cells: Sequence[object]) -> None:
        """Raises _RowError: a column that is not read states that the position is short."""
        for column in self.unread:
            cell = cells[column.index]
            if isinstance(cell, str) and _SIDES.get(cell.strip().lower()) == "short":
                message = f"{self._no_side()}, but {column.head} is {_quoted(cell)}; add --columns side={column.head}"
                raise _RowError(message)
            try:
                is_negative = parse_size(cell, self.mark).number < 0
            except AmountError:
                continue
            if is_negative:
                message = (
                    f"{self._no_side()}, but {column.head} is below 0; add a column side, or --columns "
                    f"quantity={column.head}"
                )
                raise _RowError(message)


def _quoted(value: object) -> str:
    text = repr(str(value))
    return text if len(text) <= _MAX_TEXT else f"{text[: _MAX_TEXT - 3]}…'"
