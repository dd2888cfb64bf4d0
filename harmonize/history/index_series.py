"""Harmonization indices of one question per day, kept beside the tables.

A day is kept with the fingerprint of what it was computed from, and computed again only if that has
changed. A night therefore adds one day, however long the history is.
"""

import json
import os
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from shutil import rmtree
from typing import Any

from harmonize.document import IndexSummary
from harmonize.history.table_files import DamagedTableError, read_table
from harmonize.history.table_rows import write_table
from harmonize.history.tables import HistoryTables

FOLDER = "index"

KEPT_FORMAT = "2"
"""Format of the kept days; files of another one are not read."""

MAX_QUESTIONS = 32
"""Number of questions whose days are kept: those asked last, answered from kept days or not."""

_LEFT_OVER = 24 * 3600 * 10**9
"""Age, in nanoseconds, at which an unfinished file is that of a process that was killed."""

_COLUMNS = (
    "day",
    "margin_type",
    "reference",
    "value",
    "underlyings",
    "interval_lower",
    "interval_upper",
)


@dataclass(frozen=True, slots=True)
class IndexDay:
    """Indices over all underlyings as of a day, and the fingerprint of what they rest on."""

    fingerprint: str
    summaries: tuple[IndexSummary, ...]


def read_series(store: HistoryTables, question: str) -> dict[str, IndexDay]:
    """Returns the kept days of a question by date in ISO 8601; empty if there are none."""
    path = _path(store, question)
    try:
        days = _days(read_table(path))
    except (OSError, DamagedTableError, KeyError, ValueError):  # a damaged file is replaced
        return {}
    mark_as_asked(store, question)
    return days


def _days(table: Any) -> dict[str, IndexDay]:  # noqa: ANN401 - pyarrow has no types
    fingerprints: dict[str, str] = json.loads((table.schema.metadata or {})[b"fingerprints"])
    summaries: dict[str, list[IndexSummary]] = {day: [] for day in fingerprints}
    for day, *values in zip(*(table.column(name).to_pylist() for name in _COLUMNS), strict=True):
        summaries[day].append(IndexSummary("", *values))
    return {day: IndexDay(own, tuple(summaries[day])) for day, own in fingerprints.items()}


def mark_as_asked(store: HistoryTables, question: str) -> None:
    """Makes a question the one asked last; a folder that cannot be written keeps its order."""
    with suppress(OSError):
        os.utime(_path(store, question))


def write_series(store: HistoryTables, question: str, days: Mapping[str, IndexDay]) -> None:
    """Keeps the days of a question; a folder that cannot be written keeps none."""
    import pyarrow as pa  # noqa: PLC0415 - heavy, and only tables need it

    rows = [(day, summary) for day, own in sorted(days.items()) for summary in own.summaries]
    columns: dict[str, Sequence[object]] = {
        "day": [day for day, _ in rows],
        "margin_type": [row.margin_type for _, row in rows],
        "reference": [row.reference for _, row in rows],
        "value": [row.value for _, row in rows],
        "underlyings": [row.underlyings for _, row in rows],
        "interval_lower": [row.interval_lower for _, row in rows],
        "interval_upper": [row.interval_upper for _, row in rows],
    }
    numbers = dict.fromkeys(("value", "interval_lower", "interval_upper"), pa.float64())
    types = numbers | {"underlyings": pa.int32()}
    schema = pa.schema([(name, types.get(name, pa.string())) for name in _COLUMNS])
    fingerprints = {day: own.fingerprint for day, own in sorted(days.items())}
    metadata = {"fingerprints": json.dumps(fingerprints)}
    with suppress(OSError):
        path = _path(store, question)
        write_table(path, pa.table(columns, schema=schema).replace_schema_metadata(metadata))
        _remove_oldest(path.parent)


def underlyings_folder(store: HistoryTables, question: str) -> Path:
    """Returns the folder of the indices of every underlying, for a question that selects none."""
    return store.path / FOLDER / question


def _path(store: HistoryTables, question: str) -> Path:
    return store.path / FOLDER / f"{question}.parquet"


def _remove_oldest(folder: Path) -> None:
    """Removes the questions asked longest ago, and what processes that were killed left."""
    paths = sorted(folder.glob("*.parquet"), key=_time)
    for path in paths[:-MAX_QUESTIONS]:
        path.unlink(missing_ok=True)
        rmtree(path.with_suffix(""), ignore_errors=True)
    kept = {path.stem for path in paths[-MAX_QUESTIONS:]}
    newest = _time(paths[-1])
    unfinished = [path for path in folder.iterdir() if path.is_dir() and path.name not in kept]
    for path in (*unfinished, *folder.rglob("*.part")):
        if not path.exists() or newest - _time(path) <= _LEFT_OVER:
            continue
        if path.is_dir():
            rmtree(path, ignore_errors=True)
        else:
            path.unlink(missing_ok=True)


def _time(path: Path) -> int:
    return path.stat().st_mtime_ns
