"""Harmonization indices of one question per day, kept beside the tables.

A day is kept with the fingerprint of what it was computed from, and computed again only if that has
changed. A night therefore adds one day, however long the history is.
"""

import json
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from harmonize.document import IndexSummary
from harmonize.history.table_rows import write_table
from harmonize.history.tables import HistoryTables

FOLDER = "index"

MAX_QUESTIONS = 32
"""Number of questions whose series are kept: those asked last."""

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
    import pyarrow as pa  # noqa: PLC0415 - heavy, and only tables need it
    import pyarrow.parquet as pq  # noqa: PLC0415 - as above

    path = _path(store, question)
    if not path.exists():
        return {}
    try:
        table = pq.read_table(path, partitioning=None)
    except (OSError, pa.ArrowInvalid):  # a damaged file is replaced
        return {}
    fingerprints = json.loads(table.schema.metadata[b"fingerprints"])
    summaries: dict[str, list[IndexSummary]] = {day: [] for day in fingerprints}
    for day, *values in zip(*(table.column(name).to_pylist() for name in _COLUMNS), strict=True):
        summaries[day].append(IndexSummary("", *values))
    return {day: IndexDay(own, tuple(summaries[day])) for day, own in fingerprints.items()}


def write_series(store: HistoryTables, question: str, days: Mapping[str, IndexDay]) -> None:
    """Keeps the days of a question; a folder that cannot be written keeps none."""
    import pyarrow as pa  # noqa: PLC0415 - as above

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


def _path(store: HistoryTables, question: str) -> Path:
    return store.path / FOLDER / f"{question}.parquet"


def _remove_oldest(folder: Path) -> None:
    paths = sorted(folder.glob("*.parquet"), key=lambda path: path.stat().st_mtime_ns)
    for path in paths[:-MAX_QUESTIONS]:
        path.unlink(missing_ok=True)
