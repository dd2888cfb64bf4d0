"""Reads an order book's depth from CSV: the volume sold, in USD, and the move that it causes."""

import csv
from io import StringIO

from harmonize.stress.errors import StressInputError
from harmonize.stress.impact import DepthImpact

HEADS = ("volume", "move")
"""Columns of a file, in any order; moves are fractions of the first mark."""


def read_depth(text: str, name: str) -> DepthImpact:
    """Returns the impact of a CSV text; a first row of no volume and no move is added if it is missing.

    Raises StressInputError for the first error, with file and line.
    """
    rows = csv.reader(StringIO(text.removeprefix("\ufeff")))
    heads = [head.strip().lower() for head in next(rows, [])]
    if sorted(heads) != sorted(HEADS):
        message = (
            f"{name}:1: expected the columns {', '.join(HEADS)}, found {', '.join(heads) or 'none'}"
        )
        raise StressInputError(message)
    table: list[tuple[float, float]] = [(0.0, 0.0)]
    for row in rows:
        if not row:
            continue
        place = f"{name}:{rows.line_num}"
        if len(row) != len(heads):
            message = f"{place}: expected {len(heads)} cells, found {len(row)}; write numbers without commas"
            raise StressInputError(message)
        cells = dict(zip(heads, row, strict=True))
        volume, move = (_number(cells[head], head, place) for head in HEADS)
        _check_row(volume, move, table[-1], place)
        if volume:
            table.append((volume, move))
    if len(table) == 1:
        message = f"{name}:1: no rows; add a volume in USD and a move per row"
        raise StressInputError(message)
    volumes, moves = zip(*table, strict=True)
    return DepthImpact(volumes, moves)


def _number(cell: str, head: str, place: str) -> float:
    try:
        number = float(cell)
    except ValueError:
        number = float("nan")
    most = 1.0 if head == "move" else float("inf")
    if not 0.0 <= number < most or "_" in cell or not cell.isascii():
        expected = "a fraction from 0 to below 1 (0.1 is 10 %)" if head == "move" else "USD from 0"
        message = f"{place}: {head}: expected {expected}, found {cell.strip()!r}"
        raise StressInputError(message)
    return number


def _check_row(volume: float, move: float, before: tuple[float, float], place: str) -> None:
    """Raises StressInputError: a volume that does not rise, or a move that falls with volume."""
    if volume == 0.0 == before[0] and move == 0.0:
        return
    if volume <= before[0]:
        message = (
            f"{place}: volume: expected more than {before[0]:g}, found {volume:g}; sort the rows"
        )
        raise StressInputError(message)
    if move < before[1]:
        message = f"{place}: move: expected at least {before[1]:g}, found {move:g}; a deeper sale moves more"
        raise StressInputError(message)
