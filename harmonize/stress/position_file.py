"""Reads positions from CSV: venue, underlying, side, notional, margin and, optionally, account.

Amounts are in USD at the first mark. Rows of one venue, underlying and account may repeat.
"""

import csv
from collections.abc import Callable, Mapping, Sequence
from io import StringIO
from math import isfinite

import numpy as np

from harmonize.liquidation.price import Side
from harmonize.stress.errors import StressInputError
from harmonize.stress.positions import NO_ACCOUNT, Positions, build_positions, signs

HEADS = ("venue", "underlying", "side", "notional", "margin")
"""Columns of a file, in any order."""

ACCOUNT = "account"
"""Optional column: rows of one venue with the same text share their margin.

An account is at one venue: the same text on two venues is two accounts. A row with an empty cell is
margined alone.
"""

_SIDES = frozenset(side.value for side in Side)


def read_positions(text: str, name: str) -> Positions:
    """Returns the positions of a CSV text.

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
    return _positions(columns, _Places(name, lines))


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


def _positions(columns: Mapping[str, Sequence[str]], places: _Places) -> Positions:
    for head in ("venue", "underlying"):
        _check(columns[head], head, places, bool, "a name")
    sides = [side.lower() for side in columns["side"]]
    _check(sides, "side", places, _SIDES.__contains__, "long or short")
    for head in ("notional", "margin"):
        _check(columns[head], head, places, _is_amount, "a number above 0, in USD")
    venues, venue = _codes(columns["venue"])
    underlyings, underlying = _codes([name.upper() for name in columns["underlying"]])
    names = columns.get(ACCOUNT, [""] * len(sides))
    account_names, codes = _codes(names)
    account = np.where(np.array(names) == "", NO_ACCOUNT, codes)
    return build_positions(
        venues,
        venue,
        signs(sides),
        np.array(columns["notional"], float),
        np.array(columns["margin"], float),
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


def _is_amount(cell: str) -> bool:
    try:
        number = float(cell)
    except ValueError:
        return False
    return isfinite(number) and number > 0.0 and "_" not in cell


def _codes(names: Sequence[str]) -> tuple[tuple[str, ...], np.ndarray]:
    distinct, codes = np.unique(np.array(names), return_inverse=True)
    return tuple(distinct.tolist()), codes
