"""What docs/history.md says of the tables is so: columns, and the two questions in SQL."""

import re
from collections import Counter
from datetime import UTC, datetime

import duckdb
import pyarrow.parquet as pq
import pytest

from harmonize.history import queries
from tests.support.paths import DOCS
from tests.support.table_archives import of_recorded, rows

PAGE = (DOCS / "history.md").read_text(encoding="utf-8")
QUESTIONS = re.findall(r"```sql\n(.*?)```", PAGE, re.DOTALL)


def asked(question: str) -> list[dict[str, object]]:
    sql = question.replace("'derived/", f"'{of_recorded().path}/")
    with duckdb.connect() as connection:
        found = connection.execute(sql)
        names = [one[0] for one in found.description or ()]
        return [dict(zip(names, one, strict=True)) for one in found.fetchall()]


def test_the_page_names_every_column_with_its_type() -> None:
    """The table of the page, held against the schema of a file."""
    kinds = {
        "timestamp[us]": "timestamp",
        "list<element: struct<": "list of struct",
    }
    table = PAGE.partition("| column | type")[2].partition("\n\n")[0]
    told: dict[str, str] = {}
    for line in table.splitlines()[2:]:
        names, types = (cell.strip() for cell in line.split("|")[1:3])
        columns, each = re.findall(r"`(\w+)`", names), types.split(", ")
        for place, column in enumerate(columns):
            told[column] = each[place] if len(each) == len(columns) else each[0]
    path = next((of_recorded().path / "schedules").glob("*/*.parquet"))
    schema = pq.read_schema(path)
    due = {}
    for one in schema:
        kind = str(one.type)
        due[one.name] = next(
            (word for begun, word in kinds.items() if kind.startswith(begun)), kind
        )
    assert told == due
    pieces = schema.field("initial").type.value_type
    named = re.findall(r"`(\w+)`", PAGE.partition("A piece is ")[2].partition(":")[0])
    assert [one.name for one in pieces] == named


def test_the_first_question_is_answered_as_harmonize_does() -> None:
    found = asked(QUESTIONS[0])
    due = queries.as_of(of_recorded(), "BTC", datetime(2024, 1, 1, tzinfo=UTC))
    assert len(due) > 3
    assert [(one["venue"], one["symbol"], one["profile"]) for one in found] == [
        one.key for one in due
    ]
    assert [one["capacity"] for one in found] == [one.capacity for one in due]
    assert [one["first_rate"] for one in found] == [
        one.initial[0][3] if one.initial else None for one in due
    ]


def test_the_second_question_is_answered_as_counting_does() -> None:
    tightened = Counter[tuple[str, str]]()
    largest: dict[tuple[str, str], float] = {}
    for (_, _, part), held in rows(of_recorded()).items():
        for one in held if part == "own" else ():
            if one.kind in {"tighter", "mixed"}:
                key = (one.venue, f"{one.observed_at:%Y-%m}")
                tightened[key] += 1
                largest[key] = max(one.rise or 0.0, largest.get(key, 0.0))
    found = {(str(one["venue"]), str(one["month"])): one for one in asked(QUESTIONS[1])}
    assert {key: one["tightened"] for key, one in found.items()} == dict(tightened)
    assert {key: one["largest"] for key, one in found.items()} == pytest.approx(largest)
    assert len(found) > 20
