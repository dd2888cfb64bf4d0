"""Reads positions from CSV: venue, underlying, side, notional, margin and, optionally, account.

Amounts are in USD at the first mark, and may be written as in a portfolio: 5m, $250k, 1'000.50. Rows of one
venue, underlying and account may repeat.
"""

import csv
import re
from collections.abc import Callable, Collection, Mapping, Sequence
from io import StringIO
from math import isfinite

import numpy as np

from harmonize.arbitrage.book_numbers import AmountError, decimal_mark, parse_size
from harmonize.liquidation.price import Side
from harmonize.stress.errors import StressInputError
from harmonize.stress.positions import NO_ACCOUNT, Positions, build_positions, signs
from harmonize.text.suggest import did_you_mean

HEADS = ("venue", "underlying", "side", "notional", "margin")
"""Columns of a file, in any order."""

ACCOUNT = "account"
"""Optional column: rows of one venue with the same text share their margin.

An account is at one venue: the same text on two venues is two accounts. A row with an empty cell is
margined alone.
"""

_PLAIN = re.compile(r"[0-9]+(\.[0-9]{1,2})?")
"""Amount with one reading, which needs no further rules: most cells of a large file."""

_SIDES = frozenset(side.value for side in Side)


def read_positions(text: str, name: str, venues: Collection[str] = ()) -> Positions:
    """Returns the positions of a CSV text; ``venues`` are the known ones, empty if any name is.

    Raises StressInputError for the first error, with file, line and the name of the column.
    """
    rows = csv.reader(StringIO(text.removeprefix("\ufeff")))
    heads = [head.strip().lower() for head in next(rows, [])]
    _check_heads(heads, name)
    columns: dict[str, list[str]] = {head: [] for head in heads}
    lines: list[int] = []
    for row in rows:
        if not row:
            continue
        if len(row) != len(heads):
            found = f"expected {len(heads)} cells, found {len(row)}; write amounts without commas"
            message = f"{name}:{rows.line_num}: {found}"
            raise StressInputError(message)
        lines.append(rows.line_num)
        for head, cell in zip(heads, row, strict=True):
            columns[head].append(cell.strip())
    if not lines:
        message = f"{name}:1: no positions; add one per row: {', '.join(HEADS)}"
        raise StressInputError(message)
    places = _Places(name, lines)
    _check_venues(columns["venue"], venues, places)
    return _positions(columns, places)


class _Places:
    """Lines of the rows of a file, for errors."""

    def __init__(self, name: str, lines: Sequence[int]) -> None:
        self.name, self.lines = name, lines

    def error(self, row: int, head: str, reason: str) -> StressInputError:
        """Returns an error in a cell."""
        return StressInputError(f"{self.name}:{self.lines[row]}: {head}: {reason}")


def _check_heads(heads: Sequence[str], name: str) -> None:
    known = (*HEADS, ACCOUNT)
    for position, head in enumerate(heads):
        if head not in known:
            message = f"{name}:1: unknown column {head!r}; use {', '.join(known)}"
            raise StressInputError(message)
        if head in heads[:position]:
            message = f"{name}:1: column {head} is there twice; remove one"
            raise StressInputError(message)
    missing = [head for head in HEADS if head not in heads]
    if missing:
        message = f"{name}:1: missing column {', '.join(missing)}; add it"
        raise StressInputError(message)


def _check_venues(cells: Sequence[str], venues: Collection[str], places: _Places) -> None:
    for row, cell in enumerate(cells):
        if venues and cell and cell not in venues:
            fix = did_you_mean(cell, venues, "see `harmonize venues` for the known ones")
            raise places.error(row, "venue", f"unknown venue {cell}{fix}")


def _positions(columns: Mapping[str, Sequence[str]], places: _Places) -> Positions:
    for head in ("venue", "underlying"):
        _check(columns[head], head, places, bool, "a name")
    sides = [side.lower() for side in columns["side"]]
    _check(sides, "side", places, _SIDES.__contains__, "long or short")
    mark = _decimal_mark(columns)
    amounts = {head: _amounts(columns[head], head, places, mark) for head in ("notional", "margin")}
    venues, venue = _codes(columns["venue"])
    underlyings, underlying = _codes([name.upper() for name in columns["underlying"]])
    names = columns.get(ACCOUNT, [""] * len(sides))
    account_names, codes = _codes(names)
    account = np.where(np.array(names) == "", NO_ACCOUNT, codes)
    return build_positions(
        venues,
        venue,
        signs(sides),
        amounts["notional"],
        amounts["margin"],
        account=account,
        underlyings=underlyings,
        underlying=underlying,
        account_names=account_names,
    )


def _check(
    cells: Sequence[str],
    head: str,
    places: _Places,
    is_valid: Callable[[str], bool],
    expected: str,
) -> None:
    for row, cell in enumerate(cells):
        if not is_valid(cell):
            raise places.error(row, head, f"expected {expected}, found {cell!r}")


def _decimal_mark(columns: Mapping[str, Sequence[str]]) -> str:
    """Returns the decimal mark that numbers of a file settle; empty if none does."""
    cells = (cell for head in ("notional", "margin") for cell in columns[head])
    mark, _ = decimal_mark(cell for cell in cells if not _PLAIN.fullmatch(cell))
    return mark


def _amounts(
    cells: Sequence[str], head: str, places: _Places, mark: str
) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    values = np.empty(len(cells))
    for row, cell in enumerate(cells):
        try:
            values[row] = float(cell) if _PLAIN.fullmatch(cell) else _written_amount(cell, mark)
        except AmountError as error:
            raise places.error(row, head, str(error)) from None
        if not (isfinite(values[row]) and values[row] > 0.0):
            raise places.error(row, head, f"expected a number above 0, in USD, found {cell!r}")
    return values


def _written_amount(cell: str, mark: str) -> float:
    """Returns an amount in USD as ``portfolio`` reads it. Raises AmountError."""
    amount = parse_size(cell, mark)
    if amount.unit and not amount.is_usd:
        message = f"expected USD, found {amount.unit!r}; convert it"
        raise AmountError(message)
    return float(amount.number)


def _codes(names: Sequence[str]) -> tuple[tuple[str, ...], np.ndarray]:
    distinct, codes = np.unique(np.array(names), return_inverse=True)
    return tuple(distinct.tolist()), codes
