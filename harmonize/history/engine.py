"""The table files that a query opens, and the shared DuckDB engine that runs it."""

import re
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from harmonize.history.table_rows import ScheduleRow, row_from_columns, to_naive_utc
from harmonize.history.tables import HistoryTables

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection


def table_files(
    store: HistoryTables,
    *,
    venues: Sequence[str] = (),
    every: bool = False,
    since: int = 0,
    until: int = 9999,
) -> list[str]:
    """Returns the tables to open: each venue's newest year up to ``until``, or ``every`` year."""
    paths: list[Path] = []
    for folder in sorted((store.path / "schedules").glob("venue=*")):
        if venues and folder.name.removeprefix("venue=") not in venues:
            continue
        years = sorted(
            path for path in folder.glob("*.parquet") if since <= int(path.stem) <= until
        )
        paths += years if every else years[-1:]
    return [_WILDCARD.sub(r"[\g<0>]", str(path)) for path in paths]


_WILDCARD = re.compile(r"[\[*?]")
"""Characters of a path that DuckDB would read as a pattern."""


def query_rows(
    files: Sequence[str], sql: str, parameters: Mapping[str, object]
) -> list[ScheduleRow]:
    """Returns the rows that a query selects with all their columns."""
    names: list[str] = []
    rows = query(files, sql, parameters, names)
    return [row_from_columns(dict(zip(names, row, strict=True))) for row in rows]


def query(
    files: Sequence[str],
    sql: str,
    parameters: Mapping[str, object],
    names: list[str] | None = None,
) -> list[tuple[Any, ...]]:
    """Returns the result of a query; its column names are appended to ``names``."""
    if not files:
        return []
    with _engine().cursor() as connection:
        stored = {name: to_naive_utc(value) for name, value in parameters.items()}
        connection.execute(sql, {"files": list(files), **stored})
        if names is not None:
            names += [column[0] for column in connection.description or ()]
        return connection.fetchall()


@cache
def _engine() -> "DuckDBPyConnection":
    """Returns the shared DuckDB engine, as starting one takes longer than most queries.

    Its file cache is off: tables are replaced while the process runs.
    """
    import duckdb  # noqa: PLC0415 - heavy, and only queries need it

    connection = duckdb.connect()
    connection.execute("set enable_external_file_cache = false")
    return connection
