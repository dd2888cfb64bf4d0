"""Files of the rows that comparisons need: per venue and month of observation.

A month is written as a whole, so that a night costs the same however long the history is.
"""

import hashlib
from collections.abc import Collection, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from harmonize.archive.catalog import Entry
from harmonize.core.open_interest import newest_by_contract
from harmonize.history.compared_rows import ComparedRow, compared_row
from harmonize.history.table_files import DamagedTableError, read_table
from harmonize.history.table_rows import from_naive_utc, to_naive_utc, write_table
from harmonize.history.timeline import VenueObservation

FOLDER = "compared"

_ROWS_PER_GROUP = 1 << 20
_NAMES = tuple(column.name for column in fields(ComparedRow))
_TIMES = ("observed_at", "observed_from", "priced_at", "priced_from")
_TEXTS = ("digest", *(name for name in _NAMES if name not in {*_TIMES, "interest"}))


@dataclass(frozen=True, slots=True)
class EntryRows:
    """Rows of the schedules that a venue shows as of one entry."""

    entry: Entry
    rows: tuple[ComparedRow, ...]


def layers_key(digests: Iterable[str]) -> str:
    """Returns a hash of the entries whose content the rows of an entry merge, newest first."""
    return hashlib.sha256("\n".join(digests).encode()).hexdigest()[:32]


def entry_rows(observation: VenueObservation) -> EntryRows:
    """Returns the rows of an observation."""
    interests = newest_by_contract(observation.interests)
    rows = []
    for schedule in observation.parsed.schedules:
        interest = interests.get((schedule.instrument.venue, schedule.instrument.id))
        rows.append(compared_row(schedule, None if interest is None else float(interest.value)))
    return EntryRows(observation.entry, tuple(rows))


def write_entries(
    folder: Path, replaced: Collection[str], entries: Sequence[EntryRows], *, is_append: bool
) -> None:
    """Writes a venue's rows of some entries, and drops the stored rows of the ``replaced`` digests.

    With ``is_append``, none of them is stored yet, so that only the months of ``entries`` are read.
    Raises DamagedTableError: a month that is read; OSError.
    """
    months: dict[str, list[EntryRows]] = {}
    for own in entries:
        months.setdefault(_month(own.entry), []).append(own)
    stored = () if is_append else (path.stem for path in folder.glob("*.parquet"))
    for month in sorted({*months, *stored}):
        _write_month(folder / f"{month}.parquet", replaced, months.get(month, ()))


def _write_month(path: Path, replaced: Collection[str], entries: Sequence[EntryRows]) -> None:
    import pyarrow as pa  # noqa: PLC0415 - heavy, and only tables need it
    import pyarrow.compute as pc  # noqa: PLC0415 - as above

    columns: dict[str, list[object]] = {name: [] for name in ("digest", *_NAMES)}
    for own in entries:
        columns["digest"] += [own.entry.digest] * len(own.rows)
        for name, values in zip(_NAMES, zip(*map(_values, own.rows), strict=True), strict=False):
            columns[name] += values
    table = pa.table(columns, schema=_schema())
    if path.exists():
        kept = read_table(path).cast(_schema())
        is_replaced = pc.is_in(kept["digest"], value_set=pa.array(sorted(replaced), pa.string()))
        table = pa.concat_tables([kept.filter(pc.invert(is_replaced)), table])
    if table.num_rows:
        write_table(path, table, rows_per_group=_ROWS_PER_GROUP, has_statistics=False)
    else:
        path.unlink(missing_ok=True)


def _values(row: ComparedRow) -> tuple[object, ...]:
    return tuple(to_naive_utc(getattr(row, name)) for name in _NAMES)


def _schema() -> Any:  # noqa: ANN401 - pyarrow has no types
    import pyarrow as pa  # noqa: PLC0415 - as above

    types = dict.fromkeys(_TIMES, pa.timestamp("us")) | {"interest": pa.float64()}
    return pa.schema([(name, types.get(name, pa.string())) for name in ("digest", *_NAMES)])


@dataclass(frozen=True, slots=True)
class _Column:
    """Values of a column: distinct ones, and the position of each row's value among them."""

    codes: NDArray[np.intp]
    values: tuple[Any, ...]

    def of(self, rows: NDArray[np.intp]) -> list[Any]:
        """Returns the values of some rows."""
        return [self.values[code] for code in self.codes[rows].tolist()]


@dataclass(frozen=True, slots=True)
class ComparedRows:
    """Rows of a venue's entries, as columns; rows become objects only where they are needed.

    ``complete`` are the digests of the entries whose file could be read.
    """

    columns: Mapping[str, _Column] = field(default_factory=dict)
    slices: Mapping[str, slice] = field(default_factory=dict)
    complete: frozenset[str] = frozenset()

    def assets_of(self, digest: str) -> frozenset[str]:
        """Returns the underlyings of an entry's schedules."""
        if digest not in self.slices:
            return frozenset()
        column = self.columns["asset"]
        codes = np.unique(column.codes[self.slices[digest]])
        return frozenset(column.values[code] for code in codes.tolist())

    def rows_of(self, digest: str, assets: Collection[str] | None) -> list[ComparedRow]:
        """Returns the rows of an entry on some underlyings, on all of them if None."""
        if digest not in self.slices:
            return []
        span = self.slices[digest]
        rows = np.arange(span.start, span.stop)
        if assets is not None:
            column = self.columns["asset"]
            chosen = [code for code, asset in enumerate(column.values) if asset in assets]
            rows = rows[np.isin(column.codes[span], chosen)]
        values = (self.columns[name].of(rows) for name in _NAMES)
        return [ComparedRow(*row) for row in zip(*values, strict=True)]


def read_entries(folder: Path, entries: Iterable[Entry]) -> ComparedRows:
    """Reads the months of some entries of a venue, except damaged and missing files.

    A damaged file is deleted where that is possible, so that the next update rebuilds the venue.
    """
    import pyarrow as pa  # noqa: PLC0415 - as above

    months: dict[str, list[str]] = {}
    for entry in entries:
        months.setdefault(_month(entry), []).append(entry.digest)
    tables = {}
    for month in sorted(months):
        path = folder / f"{month}.parquet"
        try:
            tables[month] = read_table(path, dictionary=_TEXTS)
        except DamagedTableError:
            with suppress(OSError):
                path.unlink()
        except OSError:
            continue
    if not tables:
        return ComparedRows()
    table = pa.concat_tables(tables.values()).unify_dictionaries().combine_chunks()
    columns = {name: _column(table.column(name)) for name in ("digest", *_NAMES)}
    digests = columns["digest"]
    starts = np.flatnonzero(np.diff(digests.codes, prepend=-1))
    stops = [*starts[1:].tolist(), len(digests.codes)]
    names = digests.of(starts)
    slices = map(slice, starts.tolist(), stops)
    complete = frozenset(digest for month in tables for digest in months[month])
    return ComparedRows(columns, dict(zip(names, slices, strict=True)), complete)


def _month(entry: Entry) -> str:
    return f"{entry.observed_at:%Y-%m}"


def _column(column: Any) -> _Column:  # noqa: ANN401 - as above
    encoded = column.combine_chunks() if column.num_chunks != 1 else column.chunk(0)
    if not hasattr(encoded, "dictionary"):
        encoded = encoded.dictionary_encode(null_encoding="encode")
    values = tuple(map(from_naive_utc, encoded.dictionary.to_pylist()))
    return _Column(encoded.indices.to_numpy(zero_copy_only=False).astype(np.intp), values)
