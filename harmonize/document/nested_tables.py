"""Tables of rows that contain rows: each kind of row is one table, and equal rows are one row.

A column of contained rows holds positions in the table of their kind: one per row, or a list. Other
columns are as in ``encoding``; one in which most values differ is a plain list of values.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

Row = Mapping[str, Any]
"""A row as fields by name."""

Table = dict[str, Any]
Encode = Callable[[Sequence[Any]], Any]
"""Encodes a column of values."""

CONTAINED: Mapping[str, Mapping[str, str]] = MappingProxyType(
    {
        "rows": {
            "holding": "holding_times",
            "every_window": "tests",
            "after_liquidation": "tests",
            "clearing": "clearing_horizons",
        },
        "backtests": {"years": "years", "worst": "breaches"},
        "clearing_horizons": {"test": "tests"},
        "tests": {"worst": "breaches"},
        "holding_times": {},
        "years": {},
        "breaches": {},
        "moves": {},
        "unjudged": {},
        "volatilities": {},
    }
)
"""Tables of the section on adequacy, containing ones first; their columns of rows, with the table of each."""

CONTAINED_ONLY = frozenset(
    {"holding_times", "clearing_horizons", "tests", "breaches", "years"},
)
"""Tables of rows that only occur in others."""

SINGLE = frozenset({"every_window", "after_liquidation", "test"})
"""Columns that contain one row; the others contain several."""


@dataclass(slots=True)
class _Rows:
    """Distinct rows of one table in the order of their first use."""

    positions: dict[Any, int] = field(default_factory=dict)

    def position(self, row: Any) -> int:  # noqa: ANN401 - a row of any kind
        return self.positions.setdefault(row, len(self.positions))


def nested_tables(
    section: Row, names: Mapping[str, Sequence[str]], encode: Encode
) -> dict[str, Table]:
    """Returns the tables of a section.

    ``section`` holds its rows as hashable objects by table, ``names`` are the fields of each table's
    rows, and ``encode`` encodes a column of values that repeat.
    """
    contained: dict[str, _Rows] = {name: _Rows() for name in CONTAINED_ONLY}
    tables: dict[str, Table] = {}
    for name, columns in CONTAINED.items():
        own = contained[name].positions if name in CONTAINED_ONLY else section[name]
        tables[name] = {
            "length": len(own),
            "columns": {
                column: _column(
                    [getattr(row, column) for row in own], column, columns, contained, encode
                )
                for column in names[name]
            },
        }
    return tables


def _column(
    content: Sequence[Any],
    column: str,
    tables: Mapping[str, str],
    contained: Mapping[str, _Rows],
    encode: Encode,
) -> Any:  # noqa: ANN401 - any encoded column
    if column not in tables:
        return content if _is_diverse(content) else encode(content)
    rows = contained[tables[column]]
    if column in SINGLE:
        return [rows.position(row) for row in content]
    return [[rows.position(row) for row in several] for several in content]


def _is_diverse(content: Sequence[Any]) -> bool:
    """Whether most values of a column differ, so that a dictionary of them would be longer."""
    return len(set(content)) * 2 > len(content)


def contained_rows(
    tables: Mapping[str, Sequence[Row]], check: Callable[[int, int, str], None]
) -> dict[str, list[dict[str, Any]]]:
    """Returns the rows of every table, with the rows that they contain in place of positions.

    ``check`` receives a position, the number of rows it may refer to and its place, and raises if it
    points at nothing.
    """
    complete: dict[str, list[dict[str, Any]]] = {}
    for name in reversed(tuple(CONTAINED)):
        columns = CONTAINED[name]
        complete[name] = [
            {
                column: _resolved(value, complete[columns[column]], f"{name}.{column}", check)
                if column in columns
                else value
                for column, value in row.items()
            }
            for row in tables[name]
        ]
    return complete


def _resolved(
    value: Any,  # noqa: ANN401 - a position or several
    rows: Sequence[Row],
    place: str,
    check: Callable[[int, int, str], None],
) -> Any:  # noqa: ANN401 - a row or several
    several = value if isinstance(value, list) else [value]
    for position in several:
        check(position, len(rows), place)
    found = [rows[position] for position in several]
    return found if isinstance(value, list) else found[0]
