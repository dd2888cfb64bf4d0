"""Indices of every underlying on each day, kept so that a question about some of them needs no more.

Files are per question and month. A row is an index; an underlying without one has a row without a
value, because names that users write are matched with all that were observed on the day.
"""

import json
from collections.abc import Collection, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from harmonize.history.table_files import DamagedTableError, read_table
from harmonize.history.table_rows import write_table

_ROWS_PER_GROUP = 16_384
_COLUMNS = ("asset", "margin_type", "reference", "day", "value")
_ORDER = [(name, "ascending") for name in _COLUMNS[:-1]]


@dataclass(frozen=True, slots=True)
class UnderlyingIndex:
    """Index of one underlying against a reference."""

    asset: str
    margin_type: str
    reference: str
    value: float


@dataclass(frozen=True, slots=True)
class UnderlyingDay:
    """Observed underlyings and their indices as of a day, with the fingerprint of the day."""

    fingerprint: str
    names: frozenset[str]
    indices: tuple[UnderlyingIndex, ...]


def read_underlyings(folder: Path, folded: Collection[str]) -> dict[str, UnderlyingDay]:
    """Returns the kept days of a question by date, with the underlyings of some case-folded names.

    A damaged or missing month has no days.
    """
    days: dict[str, UnderlyingDay] = {}
    for path in sorted(folder.glob("*.parquet")):
        with suppress(OSError, DamagedTableError, KeyError, ValueError):
            names = read_table(path, columns=["asset"], dictionary=["asset"]).column("asset")
            chosen = [name for name in names.unique().to_pylist() if name.casefold() in folded]
            days |= _days(read_table(path, filters=[("asset", "in", chosen or [""])]))
    return days


def _days(table: Any) -> dict[str, UnderlyingDay]:  # noqa: ANN401 - pyarrow has no types
    fingerprints = _fingerprints(table)
    names: dict[str, set[str]] = {day: set() for day in fingerprints}
    indices: dict[str, list[UnderlyingIndex]] = {day: [] for day in fingerprints}
    columns = (table.column(name).to_pylist() for name in _COLUMNS)
    for asset, margin_type, reference, day, value in zip(*columns, strict=True):
        names[day].add(asset)
        if value is not None:
            indices[day].append(UnderlyingIndex(asset, margin_type, reference, value))
    return {
        day: UnderlyingDay(own, frozenset(names[day]), tuple(indices[day]))
        for day, own in fingerprints.items()
    }


def _fingerprints(table: Any) -> dict[str, str]:  # noqa: ANN401 - as above
    fingerprints: dict[str, str] = json.loads((table.schema.metadata or {})[b"fingerprints"])
    return fingerprints


def write_underlyings(folder: Path, days: Mapping[str, UnderlyingDay]) -> None:
    """Keeps the days of a question with those kept before; a folder that cannot be written does not."""
    months: dict[str, dict[str, UnderlyingDay]] = {}
    for day, own in days.items():
        months.setdefault(day[:7], {})[day] = own
    with suppress(OSError):
        for month, new in months.items():
            _write_month(folder / f"{month}.parquet", new)


def _write_month(path: Path, days: Mapping[str, UnderlyingDay]) -> None:
    import pyarrow as pa  # noqa: PLC0415 - heavy, and only tables need it
    import pyarrow.compute as pc  # noqa: PLC0415 - as above

    types = dict.fromkeys(_COLUMNS, pa.string()) | {"value": pa.float64()}
    schema = pa.schema(types.items())
    columns = dict(zip(_COLUMNS, zip(*_rows(days), strict=True), strict=False))
    table = pa.table(columns or dict.fromkeys(_COLUMNS, ()), schema=schema)
    fingerprints = {day: own.fingerprint for day, own in days.items()}
    with suppress(FileNotFoundError, DamagedTableError, KeyError, ValueError):
        before = read_table(path)
        fingerprints = _fingerprints(before) | fingerprints
        is_replaced = pc.is_in(before["day"], value_set=pa.array(sorted(days), pa.string()))
        table = pa.concat_tables([before.filter(pc.invert(is_replaced)).cast(schema), table])
    metadata = {"fingerprints": json.dumps(dict(sorted(fingerprints.items())))}
    table = table.sort_by(_ORDER).replace_schema_metadata(metadata)
    write_table(path, table, rows_per_group=_ROWS_PER_GROUP)


def _rows(days: Mapping[str, UnderlyingDay]) -> Sequence[tuple[object, ...]]:
    rows: list[tuple[object, ...]] = []
    for day, own in days.items():
        rows += [
            (index.asset, index.margin_type, index.reference, day, index.value)
            for index in own.indices
        ]
        without = own.names - {index.asset for index in own.indices}
        rows += [(asset, "", "", day, None) for asset in without]
    return rows
