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

import gc
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, fields, replace
from datetime import datetime
from os import SEEK_END
from pathlib import Path
from shutil import rmtree
from typing import Any

from harmonize.archive.archive import Archive
from harmonize.archive.catalog import Catalog, Entry, observations
from harmonize.core.schedule import MarginSchedule
from harmonize.document.change import ChangeKind
from harmonize.history.diff import Key
from harmonize.history.table_rows import GONE, Row, aware, bare, put, read_rows, row_of, write_rows
from harmonize.history.timeline import Point, events, points, warm
from harmonize.version import VERSION
from venues import registry

FORMAT = "2"
_END = b"PAR1"


@dataclass(frozen=True, slots=True)
class Kept:
    """An entry of an archive, and what came of reading it: not yet, read, or why not."""

    entry: Entry
    read: bool = False
    fault: str = ""


@dataclass(frozen=True, slots=True)
class HistoryTables:
    """A folder of tables."""

    path: Path

    def update(self, archive: Archive) -> "TableState":
        """Bring the tables up to the archive, reading only what is new, and give what it holds.

        A snapshot that was observed before others that are there makes those after it be read again.
        One process at a time does this; another waits for it.
        Raises ArchiveError: the chain of the archive is not sound; OSError: the folder cannot be written.
        """
        held = self.held()
        listing = archive.listing(held.listing)
        if listing == held.listing and not _behind(held):
            return held
        from filelock import FileLock  # noqa: PLC0415 - only writing needs it

        self.path.mkdir(parents=True, exist_ok=True)
        with FileLock(self.path / "update.lock"), _uncollected():
            return self._updated(archive, self.held())

    def _updated(self, archive: Archive, held: "TableState") -> "TableState":
        listing = archive.listing(held.listing)
        known = {one.entry.digest: one for one in held.kept}
        kept = {one.digest: known.get(one.digest, Kept(one)) for one in listing.entries}
        venues = {one.venue for one in listing.entries}
        for folder in (self.path / "schedules").glob("venue=*"):
            if folder.name.removeprefix("venue=") not in venues:
                rmtree(folder, ignore_errors=True)
        for venue in sorted(venues):
            if registry.find_adapter(venue) is not None:
                entries = observations(listing.entries, venue)
                before = observations([one.entry for one in held.kept if one.read], venue)
                kept |= self._venue(archive, entries, before)
        read = (replace(kept[one.digest], entry=one) for one in listing.entries)
        found = TableState(listing, tuple(read))
        if found != held:
            self._write_entries(found)
        return found

    def held(self) -> "TableState":
        """What the tables hold; nothing, where they are none or another version's.

        Of a venue whose tables are missing or cut short, nothing counts as read.
        """
        import pyarrow as pa  # noqa: PLC0415 - heavy, and only tables need it
        import pyarrow.parquet as pq  # noqa: PLC0415 - as above

        path = self.path / "entries.parquet"
        if not path.exists():
            return TableState()
        try:
            table = pq.read_table(path, partitioning=None)
        except (OSError, pa.ArrowInvalid):  # cut short: tables are made anew
            return TableState()
        said = {key.decode(): text.decode() for key, text in (table.schema.metadata or {}).items()}
        if (said.get("format"), said.get("version")) != (FORMAT, VERSION):
            return TableState()
        columns = [list(map(aware, table.column(name).to_pylist())) for name in _ENTRY]
        states = (table.column(name).to_pylist() for name in ("read", "fault"))
        entries_ = (Entry(*one) for one in zip(*columns, strict=True))
        lost = {name.split("/")[0] for name in json.loads(said["files"]) if not self._sound(name)}
        kept = tuple(
            Kept(one) if f"venue={one.venue}" in lost else Kept(one, read, fault)
            for one, read, fault in zip(entries_, *states, strict=True)
        )
        gone = tuple((name, at) for name, at in json.loads(said["gone"]))
        entries = tuple(one.entry for one in kept)
        listing = Catalog(entries, int(said["sequence"]), said["digest"], gone)
        return TableState(listing, kept)

    def _sound(self, name: str) -> bool:
        """Tell whether a table is there and was written to its end."""
        try:
            with (self.path / "schedules" / name).open("rb") as file:
                file.seek(-len(_END), SEEK_END)
                return file.read() == _END
        except OSError:
            return False

    def _venue(
        self, archive: Archive, entries: Sequence[Entry], before: Sequence[Entry]
    ) -> dict[str, Kept]:
        """Read what is new of one venue, and write the years that it touches."""
        start = _common(list(map(_named, entries)), list(map(_named, before)))
        if start == len(entries) == len(before):
            return {}
        if not {one.digest for one in before} <= {one.digest for one in entries}:
            start = 0  # another archive, or one that was rolled back
        found = self._read_from(archive, entries, start) if start else None
        return found or self._read_from(archive, entries, 0) or {}

    def _read_from(
        self, archive: Archive, entries: Sequence[Entry], start: int
    ) -> dict[str, Kept] | None:
        """Read a venue's observations from one on; None where those before it cannot be read again."""
        if not entries:
            return {}
        folder, cut = self._folder(entries[0].venue), entries[start]
        if not start:
            rmtree(folder, ignore_errors=True)
        found = {one.digest: Kept(one, read=True) for one in entries}
        places = {one.digest: place for place, one in enumerate(entries)}
        own, carried = _before(folder, cut)
        rows: list[Row] = []
        last: Point | None = None
        waits = start > 0
        for point in points(archive, entries, warm(entries, start)):
            new = places[point.entry.digest] >= start
            if point.fault and not new:
                return None
            if point.fault:
                found[point.entry.digest] = Kept(point.entry, fault=point.fault)
                continue
            if not new:
                last = point
                continue
            if last is not None and waits:
                last = _with_broken(archive, entries, last, (*carried, *own))
            waits = False
            happened, last = events(last, point)
            rows += map(row_of, happened)
        _rewrite(folder, cut, (own, carried), rows)
        return found

    def _folder(self, venue: str) -> Path:
        return self.path / "schedules" / f"venue={venue}"

    def _write_entries(self, held: "TableState") -> None:
        import pyarrow as pa  # noqa: PLC0415 - as above

        said = {"format": FORMAT, "version": VERSION}
        said |= {"sequence": str(held.listing.sequence), "digest": held.listing.digest}
        said |= {"gone": json.dumps(held.listing.gone)}
        files = sorted((self.path / "schedules").glob("venue=*/*.parquet"))
        said |= {"files": json.dumps([f"{one.parent.name}/{one.name}" for one in files])}
        columns: dict[str, list[object]] = {
            name: [bare(getattr(one.entry, name)) for one in held.kept] for name in _ENTRY
        }
        columns |= {
            "read": [one.read for one in held.kept],
            "fault": [one.fault for one in held.kept],
        }
        table = pa.table(columns, schema=_entry_schema()).replace_schema_metadata(said)
        put(self.path / "entries.parquet", table)

    def clear(self) -> None:
        """Take the tables away."""
        rmtree(self.path, ignore_errors=True)


@dataclass(frozen=True, slots=True)
class TableState:
    """What the tables say of their archive."""

    listing: Catalog = field(default_factory=Catalog)
    kept: tuple[Kept, ...] = ()


def _named(entry: Entry) -> tuple[str, datetime]:
    return entry.digest, entry.observed_at


def _common(one: Sequence[object], other: Sequence[object]) -> int:
    """How many entries two lists begin with alike."""
    pairs = enumerate(zip(one, other, strict=False))
    return next((place for place, (a, b) in pairs if a != b), min(len(one), len(other)))


@contextmanager
def _uncollected() -> Iterator[None]:
    """Look for no garbage meanwhile: nearly all that is read stays, and looking takes a fifth of the time."""
    was = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was:
            gc.enable()


def _behind(held: "TableState") -> bool:
    """Tell whether something is there that was not read yet, or could not be."""
    return any(
        not one.read and not one.entry.failed and registry.find_adapter(one.entry.venue) is not None
        for one in held.kept
    )


def _with_broken(
    archive: Archive, entries: Sequence[Entry], last: Point, rows: Iterable[Row]
) -> Point:
    """A point with the schedules that could not be read then, as they were before that."""
    newest = {one.key: one for one in rows}
    places = {one.digest: place for place, one in enumerate(entries)}
    unread = [one for one in newest.values() if one.kind == ChangeKind.UNREAD.value]
    stood: list[MarginSchedule] = []
    for place in sorted({places[one.digest] for one in unread}):
        seen: Mapping[Key, MarginSchedule] = {}
        for point in points(archive, entries[:place], warm(entries, place)):
            seen = seen if point.fault else point.observed.by_key()
        keys = sorted(one.key for one in unread if places[one.digest] == place)
        stood += [seen[key] for key in keys if key in seen]
    observed = replace(last.observed, schedules=(*last.observed.schedules, *stood))
    return replace(last, observed=observed, broken=frozenset(one.key for one in stood))


def _before(folder: Path, cut: Entry) -> tuple[list[Row], list[Row]]:
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


def _rewrite(
    folder: Path, cut: Entry, held: tuple[list[Row], list[Row]], rows: Sequence[Row]
) -> None:
    """Replace a venue's rows from ``cut`` on; every year with a row begins with what was in force.

    ``held`` are the rows of the cut's year before it, and those carried into that year.
    """
    first = cut.observed_at.year
    own, carried = held
    years = sorted({one.observed_at.year for one in (*own, *rows)})
    for year in years:
        if year > first:
            own, carried = [], _in_force(own, carried)
        own = [*own, *(one for one in rows if one.observed_at.year == year)]
        write_rows(folder / f"{year}.parquet", own, carried)
    for path in folder.glob("*.parquet"):
        if int(path.stem) >= first and int(path.stem) not in years:
            path.unlink()


def _in_force(own: Sequence[Row], carried: Sequence[Row]) -> list[Row]:
    """The last row of every schedule that did not go; one that could not be read stays."""
    last = {one.key: one for one in (*carried, *own)}
    left = GONE - {ChangeKind.UNREAD.value}
    return [one for _, one in sorted(last.items()) if one.kind not in left]


_ENTRY = tuple(one.name for one in fields(Entry))


def _entry_schema() -> Any:  # noqa: ANN401 - pyarrow has no types
    import pyarrow as pa  # noqa: PLC0415 - as above

    kinds = {"sequence": pa.int32(), "payloads": pa.int32(), "size": pa.int64()}
    kinds |= {"observed_at": pa.timestamp("us")}
    kinds |= dict.fromkeys(("complete", "failed", "gathered", "read"), pa.bool_())
    return pa.schema([(name, kinds.get(name, pa.string())) for name in (*_ENTRY, "read", "fault")])
