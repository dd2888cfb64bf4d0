"""Schedules read out of an archive, as Parquet tables that DuckDB answers from; made anew at will.

Beside an archive, or in a folder of their own::

    entries.parquet                        every snapshot, and whether it was read
    schedules/venue=<venue>/<year>.parquet a row for each schedule that changed, came or went

A row holds the schedule as it was observed from then on, until the next row of the same schedule. Every
year begins with the rows that were in force when it began (``carried``), so that a question about one
day opens one file a venue, and a night writes one. Two times stand on a row: when it was observed, and
``effective_from`` where the venue says since when it holds. Bounds in contracts or coins are in USD at
the price of the row's own snapshot: a change of price alone makes no row.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, astuple, dataclass, field, fields, replace
from datetime import UTC, datetime
from pathlib import Path
from shutil import rmtree
from typing import Any

from harmonize.archive import Archive
from harmonize.change import Change, Kind, Moved, Step
from harmonize.changes import price_of
from harmonize.listing import Entry, Listing
from harmonize.panel import PieceNumbers
from harmonize.rows import note, pieces, status
from harmonize.schedule import Figure, MarginFunction, Unknown, value_of
from harmonize.timeline import Event, Point, due, events, points
from harmonize.version import VERSION
from venues import registry

FORMAT = "1"
GONE = frozenset({Kind.DELISTED.value, Kind.LEFT_OUT.value, Kind.UNREAD.value})
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
    def key(self) -> tuple[str, str, str]:
        """What names a schedule: venue, symbol, profile."""
        return (self.venue, self.symbol, self.profile)


@dataclass(frozen=True, slots=True)
class Kept:
    """An entry of an archive, and what came of reading it: not yet, read, or why not."""

    entry: Entry
    read: bool = False
    fault: str = ""


@dataclass(frozen=True, slots=True)
class Store:
    """A folder of tables."""

    path: Path

    def update(self, archive: Archive) -> "Held":
        """Bring the tables up to the archive, reading only what is new, and give what it holds.

        A snapshot that was observed before others that are there makes those after it be read again.
        Raises ArchiveError: the chain of the archive is not sound; OSError: the folder cannot be written.
        """
        held = self.held()
        listing = archive.listing(held.listing)
        known = {one.entry.digest: one for one in held.kept}
        kept = {
            one.digest: replace(known.get(one.digest, Kept(one)), entry=one)
            for one in listing.entries
        }
        for venue in sorted({one.venue for one in listing.entries}):
            if registry.adapter(venue) is not None:
                entries = due(listing.entries, venue)
                before = due([one.entry for one in held.kept if one.read], venue)
                kept |= self._venue(archive, venue, entries, before)
        read = (replace(kept[one.digest], entry=one) for one in listing.entries)
        found = Held(listing, tuple(read))
        if found != held:
            self._write_entries(found)
        return found

    def held(self) -> "Held":
        """What the tables hold; nothing, where they are none or another version's."""
        import pyarrow.parquet as pq  # noqa: PLC0415 - heavy, and only tables need it

        path = self.path / "entries.parquet"
        if not path.exists():
            return Held()
        try:
            table = pq.read_table(path, partitioning=None)
        except OSError:  # cut short by a crash of another kind: tables are made anew
            return Held()
        said = {key.decode(): text.decode() for key, text in (table.schema.metadata or {}).items()}
        if (said.get("format"), said.get("version")) != (FORMAT, VERSION):
            return Held()
        columns = [list(map(_aware, table.column(name).to_pylist())) for name in _ENTRY]
        states = (table.column(name).to_pylist() for name in ("read", "fault"))
        entries_ = (Entry(*one) for one in zip(*columns, strict=True))
        kept = tuple(Kept(*one) for one in zip(entries_, *states, strict=True))
        gone = tuple((name, at) for name, at in json.loads(said["gone"]))
        entries = tuple(one.entry for one in kept)
        listing = Listing(entries, int(said["sequence"]), said["digest"], gone)
        return Held(listing, kept)

    def _venue(
        self, archive: Archive, venue: str, entries: Sequence[Entry], before: Sequence[Entry]
    ) -> dict[str, Kept]:
        """Read what is new of one venue, and write the years that it touches."""
        digests = [one.digest for one in entries]
        start = _common(list(map(_named, entries)), list(map(_named, before)))
        if start == len(digests):
            return {}
        if not {one.digest for one in before} <= {
            *digests
        }:  # another archive, or one that was rolled back
            rmtree(self._folder(venue), ignore_errors=True)
            start = 0
        cut = entries[start]
        found: dict[str, Kept] = {one.digest: Kept(one, read=True) for one in entries}
        rows: list[Row] = []
        last: Point | None = None
        for point in points(archive, entries, _warm(entries, start)):
            place = digests.index(point.entry.digest)
            if point.fault:
                found[point.entry.digest] = Kept(point.entry, fault=point.fault)
                continue
            happened, last = events(last, point)
            if place >= start:
                rows += map(row_of, happened)
        self._rewrite(venue, cut, rows)
        return found

    def _folder(self, venue: str) -> Path:
        return self.path / "schedules" / f"venue={venue}"

    def _rewrite(self, venue: str, cut: Entry, rows: Sequence[Row]) -> None:
        """Replace a venue's rows from ``cut`` on; every year begins with what was in force."""
        folder = self._folder(venue)
        first = cut.observed_at.year
        years = sorted({one.observed_at.year for one in rows} | {first})
        own, carried = self._before(folder, cut)
        for path in folder.glob("*.parquet"):
            if int(path.stem) > first:
                path.unlink()
        for year in years:
            if year > first:
                own, carried = [], _in_force(own, carried)
            own = [*own, *(one for one in rows if one.observed_at.year == year)]
            _write(folder / f"{year}.parquet", own, carried)

    def _before(self, folder: Path, cut: Entry) -> tuple[list[Row], list[Row]]:
        """The rows of the cut's year that stand before it, and those that were carried into it."""
        year = cut.observed_at.year
        earlier = [found for one in folder.glob("*.parquet") if (found := int(one.stem)) <= year]
        if not earlier:
            return [], []
        own, carried = read_rows(folder / f"{max(earlier)}.parquet")
        if max(earlier) < year:
            return [], _in_force(own, carried)
        upto = (cut.observed_at, cut.sequence)
        return [one for one in own if (one.observed_at, one.sequence) < upto], carried

    def _write_entries(self, held: "Held") -> None:
        import pyarrow as pa  # noqa: PLC0415 - as above

        said = {"format": FORMAT, "version": VERSION}
        said |= {"sequence": str(held.listing.sequence), "digest": held.listing.digest}
        said |= {"gone": json.dumps(held.listing.gone)}
        columns: dict[str, list[object]] = {
            name: [bare(getattr(one.entry, name)) for one in held.kept] for name in _ENTRY
        }
        columns |= {
            "read": [one.read for one in held.kept],
            "fault": [one.fault for one in held.kept],
        }
        table = pa.table(columns, schema=_entry_schema()).replace_schema_metadata(said)
        _replace(self.path / "entries.parquet", table)

    def clear(self) -> None:
        """Take the tables away."""
        rmtree(self.path, ignore_errors=True)


@dataclass(frozen=True, slots=True)
class Held:
    """What the tables say of their archive."""

    listing: Listing = field(default_factory=Listing)
    kept: tuple[Kept, ...] = ()


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
        change=json.dumps(asdict(change), ensure_ascii=False, separators=(",", ":"))
        if change
        else "",
    )


def _numbers(figure: Figure[MarginFunction]) -> tuple[PieceNumbers, ...] | None:
    if isinstance(figure, Unknown):
        return None
    return tuple(
        (one.lower, float("inf") if one.upper is None else one.upper, *astuple(one)[2:])
        for one in pieces(figure)
    )


def _named(entry: Entry) -> tuple[str, datetime]:
    return entry.digest, entry.observed_at


def _common(one: Sequence[object], other: Sequence[object]) -> int:
    """How many entries two lists begin with alike."""
    pairs = enumerate(zip(one, other, strict=False))
    return next((place for place, (a, b) in pairs if a != b), min(len(one), len(other)))


def _warm(entries: Sequence[Entry], start: int) -> int:
    """Where to begin reading, so that the point before ``start`` is read as it was then."""
    whole = [place for place in range(max(start - 1, 0)) if entries[place].complete]
    return whole[-1] if whole else 0


def _in_force(own: Sequence[Row], carried: Sequence[Row]) -> list[Row]:
    """The last row of every schedule that did not go."""
    last = {one.key: one for one in (*carried, *own)}
    return [one for _, one in sorted(last.items()) if one.kind not in GONE]


_ENTRY = tuple(one.name for one in fields(Entry))


def _entry_schema() -> Any:  # noqa: ANN401 - pyarrow has no types
    import pyarrow as pa  # noqa: PLC0415 - as above

    kinds = {"sequence": pa.int32(), "payloads": pa.int32(), "size": pa.int64()}
    kinds |= {"observed_at": pa.timestamp("us")}
    kinds |= dict.fromkeys(("complete", "failed", "gathered", "read"), pa.bool_())
    return pa.schema([(name, kinds.get(name, pa.string())) for name in (*_ENTRY, "read", "fault")])


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


def _write(path: Path, own: Sequence[Row], carried: Sequence[Row]) -> None:
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
    _replace(path, table)


def _replace(path: Path, table: Any) -> None:  # noqa: ANN401 - as above
    import pyarrow.parquet as pq  # noqa: PLC0415 - as above

    path.parent.mkdir(parents=True, exist_ok=True)
    beside = path.with_suffix(".part")
    pq.write_table(table, beside, compression="zstd", row_group_size=512)
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
        Moved(**{**one, **{name: tuple(map(tuple, one[name])) for name in ("tighter", "looser")}})
        for one in said["moved"]
    ]
    steps = [Step(**one) for one in said["steps"]]
    parts = {"kind": Kind(said["kind"]), "moved": tuple(moved), "steps": tuple(steps)}
    return Change(**{**said, **parts})


def bare(value: object) -> object:
    """A time as it stands in a table: in UTC, without a zone; anything else as it is."""
    return value.astimezone(UTC).replace(tzinfo=None) if isinstance(value, datetime) else value


def _aware(value: Any) -> Any:  # noqa: ANN401 - a column is anything
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
    found = {name: _aware(value) for name, value in one.items()}
    for name in ("initial", "maintenance"):
        held = found[name]
        if held is not None:
            lowers = [0.0, *(piece["upper"] for piece in held)]
            found[name] = tuple(
                (lower, *(piece[part] for part in _PIECE))
                for lower, piece in zip(lowers, held, strict=False)
            )
    return Row(**found)
