"""Statements of docs/history.md about the tables: columns and the two SQL queries."""

import re
from collections import Counter
from datetime import UTC, datetime

import duckdb
import pyarrow.parquet as pq
import pytest

from harmonize.history import queries
from tests.support.paths import DOCS
from tests.support.table_archives import recorded_tables, rows_by_part

PAGE = (DOCS / "history.md").read_text(encoding="utf-8")
QUERIES = re.findall(r"```sql\n(.*?)```", PAGE, re.DOTALL)


def run_query(query: str) -> list[dict[str, object]]:
    sql = query.replace("'derived/", f"'{recorded_tables().path}/")
    with duckdb.connect() as connection:
        result = connection.execute(sql)
        names = [column[0] for column in result.description or ()]
        return [dict(zip(names, row, strict=True)) for row in result.fetchall()]


def test_the_page_names_every_column_with_its_type() -> None:
    """The table of the page, compared with the schema of a file."""
    type_names = {
        "timestamp[us]": "timestamp",
        "list<element: struct<": "list of struct",
    }
    table = PAGE.partition("| column | type")[2].partition("\n\n")[0]
    documented: dict[str, str] = {}
    for line in table.splitlines()[2:]:
        names, types = (cell.strip() for cell in line.split("|")[1:3])
        columns, listed = re.findall(r"`(\w+)`", names), types.split(", ")
        for position, column in enumerate(columns):
            is_per_column = len(listed) == len(columns)
            documented[column] = listed[position] if is_per_column else listed[0]
    path = next((recorded_tables().path / "schedules").glob("*/*.parquet"))
    schema = pq.read_schema(path)
    expected = {}
    for column in schema:
        text = str(column.type)
        matches = (name for prefix, name in type_names.items() if text.startswith(prefix))
        expected[column.name] = next(matches, text)
    assert documented == expected
    pieces = schema.field("initial").type.value_type
    named = re.findall(r"`(\w+)`", PAGE.partition("A piece is ")[2].partition(":")[0])
    assert [piece.name for piece in pieces] == named


def test_the_first_query_agrees_with_harmonize() -> None:
    rows_of_query = run_query(QUERIES[0])
    expected = queries.rows_as_of(recorded_tables(), "BTC", datetime(2024, 1, 1, tzinfo=UTC))
    assert len(expected) > 3
    assert [(row["venue"], row["symbol"], row["profile"]) for row in rows_of_query] == [
        row.key for row in expected
    ]
    assert [row["capacity"] for row in rows_of_query] == [row.capacity for row in expected]
    assert [row["first_rate"] for row in rows_of_query] == [
        row.initial[0][3] if row.initial else None for row in expected
    ]


def test_the_second_query_agrees_with_a_count() -> None:
    tightened = Counter[tuple[str, str]]()
    largest: dict[tuple[str, str], float] = {}
    for (_, _, part), stored in rows_by_part(recorded_tables()).items():
        for row in stored if part == "own" else ():
            if row.kind in {"tighter", "mixed"}:
                key = (row.venue, f"{row.observed_at:%Y-%m}")
                tightened[key] += 1
                largest[key] = max(row.rise or 0.0, largest.get(key, 0.0))
    by_month = {(str(row["venue"]), str(row["month"])): row for row in run_query(QUERIES[1])}
    assert {key: row["tightened"] for key, row in by_month.items()} == dict(tightened)
    assert {key: row["largest"] for key, row in by_month.items()} == pytest.approx(largest)
    assert len(by_month) > 20
