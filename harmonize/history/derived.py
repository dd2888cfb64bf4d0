"""Where the tables of an archive lie, brought up to date when asked, and what they recall."""

import hashlib
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from pathlib import Path

from harmonize.archive.archive import Archive
from harmonize.archive.catalog import Entry
from harmonize.archive.location import Place
from harmonize.archive.source import Source
from harmonize.archive.storage import objects_at
from harmonize.document import AuditDocument
from harmonize.document.change import Change
from harmonize.document.history import History, MarginSeries, StressWindow, Week
from harmonize.history.recent import Key, RecentHistory
from harmonize.history.stress_windows import windows
from harmonize.history.table_rows import Row, change_of
from harmonize.history.tables import HistoryTables, TableState
from harmonize.version import VERSION


@dataclass(frozen=True, slots=True)
class _Summary:
    """What checks are asked about as of an archive's newest entry, and of which archive."""

    version: str
    digest: str
    windows: str
    lately: RecentHistory


def lately(source: Source, until: datetime) -> RecentHistory:
    """What checks of change are asked about one archive. Raises ArchiveError."""
    held = [one for one in source.entries if not one.failed and one.observed_at <= until]
    venues = {one.venue for one in held}
    if len(venues) == len(held):  # each was observed once, so nothing can have changed
        return RecentHistory(observed={one.venue: (one.observed_at,) for one in held})
    newest = max(one.observed_at for one in held)
    whole = until >= max(one.observed_at for one in source.entries)
    said = (VERSION, source.entries[-1].digest, _name(windows()))
    if whole and (found := _summary(source.archive, said)):
        return found
    store, tables = tables_of(source.archive)
    from harmonize.history import queries  # noqa: PLC0415 - duckdb is heavy

    answer = queries.lately(store, tables, newest if whole else until, windows())
    if whole and not any(one.fault for one in tables.kept):  # what is broken may be mended
        _keep(store, _Summary(*said, answer))
    return answer


def tables_of(archive: Archive) -> tuple[HistoryTables, TableState]:
    """The tables of an archive, brought up to date. Raises ArchiveError."""
    return _tables_at(archive, archive.tip())


@lru_cache(maxsize=4)
def _tables_at(archive: Archive, _: tuple[int, str]) -> tuple[HistoryTables, TableState]:
    """The tables as they are at a tip of the chain, which nothing before it can change."""
    beside, apart = places(archive)
    if beside is not None:
        with suppress(OSError):  # not ours to write, or no room
            return HistoryTables(beside), HistoryTables(beside).update(archive)
    return HistoryTables(apart), HistoryTables(apart).update(archive)


STEPS = (1e5, 1e6, 1e7)
"""Notionals, in USD, at which one schedule is followed."""


def past(sources: Sequence[Source], document: AuditDocument, until: datetime) -> History:
    """Courses of the margins that a document compares, changes by week, and windows of stress.

    Of every underlying that has curves: IM at the document's heat notional, of each schedule compared;
    and of the schedule that changed most, IM and MM at STEPS. Raises ArchiveError.
    """
    from harmonize.history import queries  # noqa: PLC0415 - duckdb is heavy

    keys = _followed(document)
    rows: dict[Key, list[Row]] = {}
    newest: dict[str, datetime] = {}
    weeks: list[Week] = []
    for source in sources:
        store, held = tables_of(source.archive)
        for row in queries.rows_of(store, sorted({asset for asset, _ in keys}), until):
            rows.setdefault(row.key, []).append(row)
        for one in held.kept:
            if one.read and not one.fault and one.entry.observed_at <= until:
                newest[one.entry.venue] = max(
                    one.entry.observed_at, newest.get(one.entry.venue, one.entry.observed_at)
                )
        weeks += queries.weeks(store, until)
    held_rows = {key: sorted(found, key=_observed) for key, found in rows.items()}
    courses = _courses(keys, held_rows, newest, document.heat_map_notional)
    since = min((one.points[0].observed_at[:10] for one in courses if one.points), default="9")
    stress = tuple(
        one for one in windows() if since <= one.last and one.first <= f"{until:%Y-%m-%d}"
    )
    return History(courses, queries.merge_weeks(weeks), stress)


def _followed(document: AuditDocument) -> list[tuple[str, Key]]:
    """The schedules that are compared for the underlyings with curves, in the document's order."""
    members = {one.underlying: one.members for one in document.comparisons}
    return [
        (asset, (member.venue, member.symbol, member.profile))
        for asset in dict.fromkeys(one.underlying for one in document.curves)
        for member in members.get(asset, ())
    ]


def _courses(
    keys: Sequence[tuple[str, Key]],
    rows: Mapping[Key, Sequence[Row]],
    newest: Mapping[str, datetime],
    notional: float,
) -> tuple[MarginSeries, ...]:
    from harmonize.history import queries  # noqa: PLC0415 - as above

    found = []
    for asset in dict.fromkeys(asset for asset, _ in keys):
        own = [key for one, key in keys if one == asset and key in rows]
        for key in own:
            until = f"{newest[key[0]]:%Y-%m-%dT%H:%M:%SZ}"
            found.append(queries.margin_series(rows[key], "initial", notional, until))
        busiest = max(own, key=lambda key: len(rows[key]), default=None)
        if busiest is not None and len(rows[busiest]) > 1:
            until = f"{newest[busiest[0]]:%Y-%m-%dT%H:%M:%SZ}"
            found += [
                queries.margin_series(rows[busiest], figure, size, until)
                for figure in ("initial", "maintenance")
                for size in STEPS
                if (figure, size) != ("initial", notional)
            ]
    return tuple(found)


def _observed(row: Row) -> tuple[datetime, int]:
    return row.observed_at, row.sequence


def changes_after(archive: Archive, sequence: int, last: int) -> tuple[Change, ...]:
    """What changed in the snapshots gathered after one sequence and up to another. Raises ArchiveError."""
    from harmonize.history import queries  # noqa: PLC0415 - duckdb is heavy

    store, held = tables_of(archive)
    gathered = {one.entry.digest for one in held.kept if one.entry.gathered}
    rows = queries.rows_after(store, sequence, last)
    return tuple(change_of(one) for one in rows if one.digest in gathered)


def changed_in(archive: Archive) -> frozenset[str]:
    """The digests of the snapshots in which something changed, or was first seen."""
    from harmonize.history import queries  # noqa: PLC0415 - as above

    store, _ = tables_of(archive)
    return queries.snapshots_with_changes(store)


def lock_of(place: Place) -> Path:
    """The file that a run locks while it works on an archive."""
    return next(one for one in _places(objects_at(place).place) if one is not None) / "run.lock"


def places(archive: Archive) -> tuple[Path | None, Path]:
    """Where tables may lie: in the archive's own folder, else among the user's caches."""
    return _places(archive.place)


def _places(place: Place) -> tuple[Path | None, Path]:
    from platformdirs import user_cache_path  # noqa: PLC0415 - `--help` needs none

    own = place / "derived" if isinstance(place, Path) else None
    named = str(place.absolute()) if isinstance(place, Path) else place
    cache = user_cache_path("harmonize", appauthor=False) / "derived" / _hash(named)
    return own, cache


def _summary(archive: Archive, said: tuple[str, str, str]) -> RecentHistory | None:
    from pydantic import TypeAdapter, ValidationError  # noqa: PLC0415 - heavy

    for folder in places(archive):
        if folder is None:
            continue
        with suppress(OSError, ValidationError):
            text = (folder / "lately.json").read_bytes()
            found = TypeAdapter(_Summary).validate_json(text)
            if (found.version, found.digest, found.windows) == said:
                return found.lately
    return None


def _keep(store: HistoryTables, summary: _Summary) -> None:
    from pydantic import TypeAdapter  # noqa: PLC0415 - as above

    with suppress(OSError):
        store.path.mkdir(parents=True, exist_ok=True)
        beside = store.path / "lately.part"
        beside.write_bytes(TypeAdapter(_Summary).dump_json(summary))
        beside.replace(store.path / "lately.json")


def _name(found: Sequence[StressWindow]) -> str:
    return _hash("\n".join(map(repr, found)))


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def entries_of(archive: Archive) -> tuple[Entry, ...]:
    """List an archive's snapshots; of a large one, from its tables as far as they go.

    Raises ArchiveError.
    """
    tip = archive.tip()
    return archive.entries() if tip[0] <= _SMALL else _entries_at(archive, tip)


_SMALL = 200
"""Up to how many manifests reading them all is faster than loading tables."""


@lru_cache(maxsize=4)
def _entries_at(archive: Archive, _: tuple[int, str]) -> tuple[Entry, ...]:
    for folder in places(archive):
        if folder is not None and (folder / "entries.parquet").exists():
            return archive.listing(HistoryTables(folder).held().listing).entries
    return archive.entries()
