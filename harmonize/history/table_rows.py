"""Rows of schedule states over time, and their Parquet representation."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import UTC, datetime
from math import inf
from os import fsync
from pathlib import Path
from typing import Any
from uuid import uuid4

from harmonize.core.date_precision import DateKind, DatePrecision
from harmonize.core.schedule import MarginFunction, Observed, Unknown, value_of
from harmonize.document.change import Change, ChangeKind, MarginChange, Step
from harmonize.document.rows import margin_note, margin_status, pieces
from harmonize.history.diff import price_of
from harmonize.history.recent import ScheduleKey
from harmonize.history.table_files import read_table
from harmonize.history.timeline import ScheduleEvent
from harmonize.numerics.panel import PieceNumbers

NOT_IN_FORCE = frozenset(
    {ChangeKind.DELISTED.value, ChangeKind.LEFT_OUT.value, ChangeKind.UNREAD.value}
)
"""Kinds of rows after which a schedule is not in force."""

_TIMES = ("observed_at", "observed_from", "before_at", "before_from", "effective_from")
_COMPRESSION_LEVEL = 12
"""Level of zstd: files are a third smaller than at the default level, and reading takes no longer."""

_PIECE_FIELDS = ("upper", "fixed", "rate", "coefficient", "power")


@dataclass(frozen=True, slots=True)
class ScheduleRow:
    """State of a schedule from its observation until its next row.

    Margins are pieces (lower, upper, fixed, rate, coefficient, power) in USD; None if unknown.
    ``kind`` is the kind of event. The row of a removed schedule repeats its last observed state.
    ``change`` is the complete change as JSON; empty for a schedule that was first seen.
    ``observed_at`` is the latest possible time, ``date_kind`` and ``observed_from`` state how far it
    is known; ``before_kind`` and ``before_from`` do so for ``before_at``.
    """

    asset: str
    venue: str
    symbol: str
    id: str
    profile: str
    observed_at: datetime
    before_at: datetime | None
    effective_from: datetime | None
    kind: str
    sequence: int
    digest: str
    rule: str
    initial: tuple[PieceNumbers, ...] | None
    initial_status: str
    initial_note: str
    maintenance: tuple[PieceNumbers, ...] | None
    maintenance_status: str
    maintenance_note: str
    capacity: float | None
    price: float | None
    rise: float | None
    fall: float | None
    change: str
    date_kind: str = DateKind.EXACT.value
    observed_from: datetime | None = None
    before_kind: str = DateKind.EXACT.value
    before_from: datetime | None = None

    @property
    def precision(self) -> DatePrecision:
        """How far ``observed_at`` is known."""
        return DatePrecision(DateKind(self.date_kind), self.observed_from)

    @property
    def key(self) -> ScheduleKey:
        """Venue, symbol and profile of the schedule."""
        return (self.venue, self.symbol, self.profile)


def row_of(event: ScheduleEvent) -> ScheduleRow:
    """Returns the row of an event."""
    schedule, change = event.schedule, event.change
    instrument = schedule.instrument
    effective = schedule.effective
    capacity, price = value_of(schedule.capacity), price_of(schedule)
    before, before_from = (change.before, change.before_from) if change else ("", "")
    moved = change.moved if change else ()
    rises = (margin.largest_rise for margin in moved if margin.largest_rise is not None)
    falls = (margin.largest_fall for margin in moved if margin.largest_fall is not None)
    return ScheduleRow(
        asset=instrument.underlying.asset,
        venue=instrument.venue,
        symbol=instrument.symbol,
        id=instrument.id,
        profile=str(schedule.profile),
        observed_at=event.entry.observed_at,
        before_at=datetime.fromisoformat(before) if before else None,
        before_kind=change.before_kind if change else DateKind.EXACT.value,
        before_from=datetime.fromisoformat(before_from) if before_from else None,
        effective_from=None if isinstance(effective, Unknown) else effective.value,
        kind=event.kind,
        sequence=event.entry.sequence,
        digest=event.entry.digest,
        rule=schedule.rule.value if schedule.rule else "",
        initial=_piece_numbers(schedule.initial),
        initial_status=margin_status(schedule, schedule.initial).value,
        initial_note=margin_note(schedule, schedule.initial),
        maintenance=_piece_numbers(schedule.maintenance),
        maintenance_status=margin_status(schedule, schedule.maintenance).value,
        maintenance_note=margin_note(schedule, schedule.maintenance),
        capacity=None if capacity is None else float(capacity),
        price=None if price is None else float(price),
        rise=max(rises, default=None),
        fall=min(falls, default=None),
        change=_to_json(change) if change else "",
        date_kind=event.entry.date_kind,
        observed_from=event.entry.observed_from,
    )


def _to_json(change: Change) -> str:
    lists: dict[str, object] = {
        "moved": [_fields(margin) for margin in change.moved],
        "steps": [_fields(step) for step in change.steps],
    }
    return json.dumps(_fields(change) | lists, ensure_ascii=False, separators=(",", ":"))


def _fields(value: Change | MarginChange | Step) -> dict[str, object]:
    """Returns the fields by name. ``asdict`` copies deeply and takes ten times as long."""
    return {name: getattr(value, name) for name in value.__slots__}


def _piece_numbers(margin: Observed[MarginFunction]) -> tuple[PieceNumbers, ...] | None:
    if isinstance(margin, Unknown):
        return None
    return tuple(
        (
            piece.lower,
            inf if piece.upper is None else piece.upper,
            piece.fixed,
            piece.rate,
            piece.coefficient,
            piece.power,
        )
        for piece in pieces(margin)
    )


def _row_schema() -> Any:  # noqa: ANN401 - pyarrow has no types
    import pyarrow as pa  # noqa: PLC0415 - heavy, and only tables need it

    time = pa.timestamp("us")
    function = pa.list_(pa.struct([(name, pa.float64()) for name in _PIECE_FIELDS]))
    types = dict.fromkeys(_TIMES, time)
    types |= dict.fromkeys(("initial", "maintenance"), function)
    types |= dict.fromkeys(("capacity", "price", "rise", "fall"), pa.float64())
    types |= {"sequence": pa.int32(), "carried": pa.bool_()}
    names = (*(column.name for column in fields(ScheduleRow)), "carried")
    return pa.schema([(name, types.get(name, pa.string())) for name in names])


def write_rows(path: Path, own: Sequence[ScheduleRow], carried: Sequence[ScheduleRow]) -> None:
    """Writes one venue's year, sorted by asset, so that a query about one asset reads only a part."""
    import pyarrow as pa  # noqa: PLC0415 - as above

    rows = sorted(
        [*((row, True) for row in carried), *((row, False) for row in own)],
        key=lambda pair: (pair[0].asset, pair[0].key, pair[0].observed_at, pair[0].sequence),
    )
    table = pa.Table.from_pylist(
        [_to_columns(row) | {"carried": is_carried} for row, is_carried in rows],
        schema=_row_schema(),
    )
    write_table(path, table)


def write_table(
    path: Path,
    table: Any,  # noqa: ANN401 - as above
    *,
    rows_per_group: int = 512,
    has_statistics: bool = True,
) -> None:
    """Writes a table to a file as a whole; after an error the file is as before.

    Without statistics, and the description of types that only Arrow reads, small files are smaller.
    """
    import pyarrow.parquet as pq  # noqa: PLC0415 - as above

    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_suffix(f".{uuid4().hex[:12]}.part")  # writers at the same time write their own
    try:
        with part.open("wb") as file:
            pq.write_table(
                table,
                file,
                compression="zstd",
                compression_level=_COMPRESSION_LEVEL,
                row_group_size=rows_per_group,
                write_statistics=has_statistics,
                store_schema=has_statistics,
                write_page_checksum=True,
            )
            file.flush()
            fsync(file.fileno())  # durable before entries.parquet states that its rows were read
        part.replace(path)
    except BaseException:
        part.unlink(missing_ok=True)
        raise


def _to_columns(row: ScheduleRow) -> dict[str, object]:
    columns: dict[str, object] = {
        column.name: to_naive_utc(getattr(row, column.name)) for column in fields(ScheduleRow)
    }
    for margin_type in ("initial", "maintenance"):
        margin: Sequence[PieceNumbers] | None = getattr(row, margin_type)
        columns[margin_type] = margin and [
            dict(zip(_PIECE_FIELDS, piece[1:], strict=True)) for piece in margin
        ]
    return columns


def change_of(row: ScheduleRow) -> Change:
    """Returns the complete change of a row, which was not first seen."""
    change = json.loads(row.change)
    moved = [
        MarginChange(
            **{
                **margin,
                **{name: tuple(map(tuple, margin[name])) for name in ("tighter", "looser")},
            }
        )
        for margin in change["moved"]
    ]
    steps = [Step(**step) for step in change["steps"]]
    typed = {"kind": ChangeKind(change["kind"]), "moved": tuple(moved), "steps": tuple(steps)}
    return Change(**{**change, **typed})


def to_naive_utc(value: object) -> object:
    """Returns a time in UTC without a time zone, as tables store it; other values unchanged."""
    return value.astimezone(UTC).replace(tzinfo=None) if isinstance(value, datetime) else value


def from_naive_utc(value: Any) -> Any:  # noqa: ANN401 - a column holds any type
    """Returns a time of a table with its time zone, UTC; other values unchanged."""
    return value.replace(tzinfo=UTC) if isinstance(value, datetime) else value


def read_rows(path: Path) -> tuple[list[ScheduleRow], list[ScheduleRow]]:
    """Returns the rows of one venue's year in chronological order, and those carried into it.

    Raises DamagedTableError.
    """
    own: list[ScheduleRow] = []
    carried: list[ScheduleRow] = []
    for columns in read_table(path).to_pylist():
        (carried if columns.pop("carried") else own).append(row_from_columns(columns))
    return sorted(own, key=lambda row: (row.observed_at, row.sequence)), carried


def row_from_columns(columns: Mapping[str, Any]) -> ScheduleRow:
    """Returns the row of the columns of a table."""
    values = dict(columns)
    for name in _TIMES:
        values[name] = from_naive_utc(values[name])
    for margin_type in ("initial", "maintenance"):
        margin = values[margin_type]
        if margin is not None:
            lowers = [0.0, *(piece["upper"] for piece in margin)]
            values[margin_type] = tuple(
                (lower, *(piece[name] for name in _PIECE_FIELDS))
                for lower, piece in zip(lowers, margin, strict=False)
            )
    return ScheduleRow(**values)
