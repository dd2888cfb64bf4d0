"""Rows of what schedules were from when on, and how they stand in Parquet files."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import UTC, datetime
from math import inf
from os import fsync
from pathlib import Path
from typing import Any

from harmonize.core.schedule import MarginFunction, Observed, Unknown, value_of
from harmonize.document.change import Change, ChangeKind, MarginChange, Step
from harmonize.document.rows import note, pieces, status
from harmonize.history.diff import Key, price_of
from harmonize.history.timeline import Event
from harmonize.numerics.panel import PieceNumbers

GONE = frozenset({ChangeKind.DELISTED.value, ChangeKind.LEFT_OUT.value, ChangeKind.UNREAD.value})
"""What is said of a schedule that is not in force."""

_PIECE = ("upper", "fixed", "rate", "coefficient", "power")


@dataclass(frozen=True, slots=True)
class Row:
    """A schedule from the time it was observed so, until its next row.

    Margins are pieces (lower, upper, fixed, rate, coefficient, power) in USD, None where they are not
    known. ``kind`` is what became of it: of a schedule that went, the rest is what was last seen.
    ``change`` is the change in full, as JSON; empty for what was seen first.
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

    @property
    def key(self) -> Key:
        """What names a schedule: venue, symbol, profile."""
        return (self.venue, self.symbol, self.profile)


def row_of(event: Event) -> Row:
    """An event as a row."""
    schedule, change = event.schedule, event.change
    instrument = schedule.instrument
    effective = schedule.effective
    capacity, price = value_of(schedule.capacity), price_of(schedule)
    before = change.before if change else ""
    moved = change.moved if change else ()
    return Row(
        asset=instrument.underlying.asset,
        venue=instrument.venue,
        symbol=instrument.symbol,
        id=instrument.id,
        profile=str(schedule.profile),
        observed_at=event.entry.observed_at,
        before_at=datetime.fromisoformat(before) if before else None,
        effective_from=None if isinstance(effective, Unknown) else effective.value,
        kind=event.kind,
        sequence=event.entry.sequence,
        digest=event.entry.digest,
        rule=schedule.rule.value if schedule.rule else "",
        initial=_numbers(schedule.initial),
        initial_status=status(schedule.initial).value,
        initial_note=note(schedule.initial),
        maintenance=_numbers(schedule.maintenance),
        maintenance_status=status(schedule.maintenance).value,
        maintenance_note=note(schedule.maintenance),
        capacity=None if capacity is None else float(capacity),
        price=None if price is None else float(price),
        rise=max((one.largest_rise for one in moved if one.largest_rise is not None), default=None),
        fall=min((one.largest_fall for one in moved if one.largest_fall is not None), default=None),
        change=_told(change) if change else "",
    )


def _told(change: Change) -> str:
    """A change as JSON."""
    parts: dict[str, object] = {
        "moved": [_parts(one) for one in change.moved],
        "steps": [_parts(one) for one in change.steps],
    }
    return json.dumps(_parts(change) | parts, ensure_ascii=False, separators=(",", ":"))


def _parts(one: Change | MarginChange | Step) -> dict[str, object]:
    """What stands in a value, by name; ``asdict`` copies all of it and takes ten times as long."""
    return {name: getattr(one, name) for name in one.__slots__}


def _numbers(figure: Observed[MarginFunction]) -> tuple[PieceNumbers, ...] | None:
    if isinstance(figure, Unknown):
        return None
    return tuple(
        (
            one.lower,
            inf if one.upper is None else one.upper,
            one.fixed,
            one.rate,
            one.coefficient,
            one.power,
        )
        for one in pieces(figure)
    )


def _row_schema() -> Any:  # noqa: ANN401 - as above
    import pyarrow as pa  # noqa: PLC0415 - as above

    time = pa.timestamp("us")
    function = pa.list_(pa.struct([(name, pa.float64()) for name in _PIECE]))
    kinds = dict.fromkeys(("observed_at", "before_at", "effective_from"), time)
    kinds |= dict.fromkeys(("initial", "maintenance"), function)
    kinds |= dict.fromkeys(("capacity", "price", "rise", "fall"), pa.float64())
    kinds |= {"sequence": pa.int32(), "carried": pa.bool_()}
    names = (*(one.name for one in fields(Row)), "carried")
    return pa.schema([(name, kinds.get(name, pa.string())) for name in names])


def write_rows(path: Path, own: Sequence[Row], carried: Sequence[Row]) -> None:
    """Write one venue's year, by asset, so that a question about one reads a part of it."""
    import pyarrow as pa  # noqa: PLC0415 - as above

    rows = sorted(
        ((one, flag) for flag, part in ((True, carried), (False, own)) for one in part),
        key=lambda pair: (pair[0].asset, pair[0].key, pair[0].observed_at, pair[0].sequence),
    )
    table = pa.Table.from_pylist(
        [_written(one) | {"carried": flag} for one, flag in rows], schema=_row_schema()
    )
    path.parent.mkdir(parents=True, exist_ok=True)
    put(path, table)


def put(path: Path, table: Any) -> None:  # noqa: ANN401 - as above
    """Let a file hold a table, or stay as it was."""
    import pyarrow.parquet as pq  # noqa: PLC0415 - as above

    path.parent.mkdir(parents=True, exist_ok=True)
    beside = path.with_suffix(".part")
    with beside.open("wb") as file:
        pq.write_table(table, file, compression="zstd", row_group_size=512)
        file.flush()
        fsync(file.fileno())  # the table lasts before another says that it does
    beside.replace(path)


def _written(row: Row) -> dict[str, object]:
    found: dict[str, object] = {one.name: bare(getattr(row, one.name)) for one in fields(Row)}
    for name in ("initial", "maintenance"):
        held: Sequence[PieceNumbers] | None = getattr(row, name)
        found[name] = held and [dict(zip(_PIECE, one[1:], strict=True)) for one in held]
    return found


def change_of(row: Row) -> Change:
    """The change that made a row, in full."""
    said = json.loads(row.change)
    moved = [
        MarginChange(
            **{**one, **{name: tuple(map(tuple, one[name])) for name in ("tighter", "looser")}}
        )
        for one in said["moved"]
    ]
    steps = [Step(**one) for one in said["steps"]]
    parts = {"kind": ChangeKind(said["kind"]), "moved": tuple(moved), "steps": tuple(steps)}
    return Change(**{**said, **parts})


def bare(value: object) -> object:
    """A time as it stands in a table: in UTC, without a zone; anything else as it is."""
    return value.astimezone(UTC).replace(tzinfo=None) if isinstance(value, datetime) else value


def aware(value: Any) -> Any:  # noqa: ANN401 - a column is anything
    """The inverse of ``bare``."""
    return value.replace(tzinfo=UTC) if isinstance(value, datetime) else value


def read_rows(path: Path) -> tuple[list[Row], list[Row]]:
    """The rows of one venue's year in order of time, and those carried into it."""
    import pyarrow.parquet as pq  # noqa: PLC0415 - as above

    own: list[Row] = []
    carried: list[Row] = []
    for one in pq.read_table(path, partitioning=None).to_pylist():
        (carried if one.pop("carried") else own).append(row_from(one))
    return sorted(own, key=lambda one: (one.observed_at, one.sequence)), carried


def row_from(one: Mapping[str, Any]) -> Row:
    """A row by its columns, as they stand in the table."""
    found = {name: aware(value) for name, value in one.items()}
    for name in ("initial", "maintenance"):
        held = found[name]
        if held is not None:
            lowers = [0.0, *(piece["upper"] for piece in held)]
            found[name] = tuple(
                (lower, *(piece[part] for part in _PIECE))
                for lower, piece in zip(lowers, held, strict=False)
            )
    return Row(**found)
