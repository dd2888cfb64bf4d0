"""Locates the derived tables of an archive, refreshes them on demand and answers from them."""

import hashlib
from collections import deque
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime
from functools import lru_cache
from pathlib import Path

from harmonize.archive.archive import Archive
from harmonize.archive.catalog import Entry, observations
from harmonize.archive.location import ArchiveLocation
from harmonize.archive.source import Source
from harmonize.archive.storage import storage_at
from harmonize.document import AuditDocument
from harmonize.document.change import Change
from harmonize.document.history import History, MarginSeries, StressWindow, VenueGaps, Week
from harmonize.history.acceptances import accepted_contracts
from harmonize.history.observation_times import (
    VenueTimes,
    contract_gaps,
    times_by_venue,
    times_of,
    weekly_gaps,
)
from harmonize.history.recent import RecentHistory, ScheduleKey
from harmonize.history.since_rows import since_rows
from harmonize.history.stress_windows import windows
from harmonize.history.table_rows import ScheduleRow, change_of
from harmonize.history.tables import FORMAT, HistoryTables, TableState
from harmonize.history.timeline import ReadingPlan, VenueObservation, read_observations
from harmonize.text.messages import iso_utc
from harmonize.version import VERSION

FOLLOWED_NOTIONALS = (1e5, 1e6, 1e7)
"""Notionals, in USD, at which the schedule with the most changes is followed."""

_FEW_OBSERVATIONS = 1
"""Number of earlier observations up to which reading them takes less time than the tables."""

_MAX_MANIFESTS = 200
"""Number of manifests up to which reading all of them is faster than loading the tables."""


@dataclass(frozen=True, slots=True)
class _Summary:
    """Recent history as of an archive's newest entry, and what it was computed from.

    The fields are the keys of the file ``lately.json``.
    """

    version: str
    digest: str
    windows: str
    lately: RecentHistory


def recent_history(source: Source, until: datetime) -> RecentHistory:
    """Returns the recent history of one archive as of ``until``. Raises ArchiveError."""
    entries = [entry for entry in source.entries if not entry.failed and entry.observed_at <= until]
    venues = {entry.venue for entry in entries}
    if len(venues) == len(entries):  # one observation per venue, so nothing can have changed
        return RecentHistory(observed={entry.venue: (entry.observed_at,) for entry in entries})
    newest = max(entry.observed_at for entry in entries)
    is_whole = until >= max(entry.observed_at for entry in source.entries)
    origin = (
        f"{VERSION}, tables {FORMAT}",
        source.entries[-1].digest,
        _digest_of_windows(windows()),
    )
    if is_whole and (summary := _read_summary(source.archive, origin)):
        return summary
    store, state = update_tables(source.archive)
    from harmonize.history import queries  # noqa: PLC0415 - duckdb is heavy

    recent = queries.recent_history(store, state, newest if is_whole else until, windows())
    if is_whole and not any(kept.fault for kept in state.entries):  # a damaged pack may be restored
        _write_summary(store, _Summary(*origin, recent))
    return recent


def update_tables(archive: Archive) -> tuple[HistoryTables, TableState]:
    """Returns the tables of an archive, brought up to date, and their state. Raises ArchiveError."""
    return _tables_at(archive, archive.tip())


@lru_cache(maxsize=4)
def _tables_at(archive: Archive, _: tuple[int, str]) -> tuple[HistoryTables, TableState]:
    """Returns the tables at a tip of the chain; entries up to a tip never change."""
    beside, in_cache = table_folders(archive)
    if beside is not None:
        with suppress(OSError):  # the archive is read-only, or the disk is full
            return HistoryTables(beside), HistoryTables(beside).update(archive)
    return HistoryTables(in_cache), HistoryTables(in_cache).update(archive)


def observation(source: Source, entry: Entry) -> VenueObservation:
    """Returns what a venue's entry shows, held against what was believed before it.

    Few observations are read from the first on; for many, the tables tell from which one to start.
    A decision applies to the snapshot that it names whatever the date of the audit. Raises ArchiveError.
    """
    until = [other for other in source.entries if other.observed_at <= entry.observed_at]
    entries = observations(until, entry.venue)
    position = next(k for k, other in enumerate(entries) if other.digest == entry.digest)
    accepted = accepted_contracts(source.archive, source.entries)
    plan = ReadingPlan(entries[: position + 1], accepted, {}, source.entries)
    if position > _FEW_OBSERVATIONS:
        _, state = update_tables(source.archive)
        checkpoints = {
            kept.entry.digest: kept.checkpoint for kept in state.entries if kept.can_restart
        }
        with_restart = replace(plan, checkpoints=checkpoints)
        found = list(
            read_observations(source.archive, with_restart, with_restart.restart(position))
        )
        if not found[0].fault:
            return found[-1]
    return deque(read_observations(source.archive, plan), maxlen=1)[0]


def build_history(sources: Sequence[Source], document: AuditDocument, until: datetime) -> History:
    """Returns the margin series of a document's schedules, changes per week and stress windows.

    For every underlying with curves: IM at the document's heat map notional of each compared schedule,
    and IM and MM at ``FOLLOWED_NOTIONALS`` of the schedule with the most changes. Since when a margin
    applies is of all schedules, at the document's notionals. Raises ArchiveError.
    """
    from harmonize.history import queries  # noqa: PLC0415 - duckdb is heavy

    keys = _compared_keys(document)
    assets = sorted({row.underlying for row in document.schedules} | {asset for asset, _ in keys})
    rows: dict[ScheduleKey, list[ScheduleRow]] = {}
    states: list[TableState] = []
    weeks: list[Week] = []
    for source in sources:
        store, state = update_tables(source.archive)
        for row in queries.rows_of_underlyings(store, assets, until):
            rows.setdefault(row.key, []).append(row)
        states.append(state)
        weeks += queries.weeks(store, until)
    ordered = {key: sorted(own, key=_chronological) for key, own in rows.items()}
    followed = [key for _, key in keys if key in ordered]
    times = {
        venue: [VenueTimes.of(state.entries, venue, until) for state in states]
        for venue in {venue for venue, _, _ in followed}
    }
    observed = {key: times_of(ordered[key], times[key[0]]) for key in followed}
    series = _margin_series(keys, ordered, observed, document.heat_map_notional)
    starts = (margins.points[0].observed_at[:10] for margins in series if margins.points)
    since = min(starts, default="9")
    stress = tuple(
        window
        for window in windows()
        if since <= window.last and window.first <= f"{until:%Y-%m-%d}"
    )
    merged = queries.merge_weeks(weeks)
    by_venue = times_by_venue((state.entries for state in states), until)
    gaps = tuple(
        VenueGaps(venue, weekly_gaps(by_venue.get(venue, ())))
        for venue in sorted({week.venue for week in merged})
    )
    observed_since = since_rows(document, ordered)
    return History(series, merged, stress, tuple(own for own in gaps if own.gaps), observed_since)


def _compared_keys(document: AuditDocument) -> list[tuple[str, ScheduleKey]]:
    """Returns underlying and key of the schedules compared on underlyings with curves, in order."""
    members = {comparison.underlying: comparison.members for comparison in document.comparisons}
    return [
        (asset, (member.venue, member.symbol, member.profile))
        for asset in dict.fromkeys(curve.underlying for curve in document.curves)
        for member in members.get(asset, ())
    ]


def _margin_series(
    keys: Sequence[tuple[str, ScheduleKey]],
    rows: Mapping[ScheduleKey, Sequence[ScheduleRow]],
    observed: Mapping[ScheduleKey, Sequence[datetime]],
    notional: float,
) -> tuple[MarginSeries, ...]:
    """Returns the series per underlying: IM of each schedule, then those of the one changed most."""
    from harmonize.history import queries  # noqa: PLC0415 - duckdb is heavy

    series = []
    for asset in dict.fromkeys(asset for asset, _ in keys):
        own = [key for underlying, key in keys if underlying == asset and key in rows]
        for key in own:
            span = iso_utc(observed[key][-1]), contract_gaps(observed[key])
            series.append(queries.margin_series(rows[key], "initial", notional, *span))
        most_changed = max(own, key=lambda key: len(rows[key]), default=None)
        if most_changed is not None and len(rows[most_changed]) > 1:
            times = observed[most_changed]
            span = iso_utc(times[-1]), contract_gaps(times)
            series += [
                queries.margin_series(rows[most_changed], margin_type, size, *span)
                for margin_type in ("initial", "maintenance")
                for size in FOLLOWED_NOTIONALS
                if (margin_type, size) != ("initial", notional)
            ]
    return tuple(series)


def _chronological(row: ScheduleRow) -> tuple[datetime, int]:
    return row.observed_at, row.sequence


def changes_after(archive: Archive, sequence: int, last: int) -> tuple[Change, ...]:
    """Returns the changes in snapshots gathered after ``sequence`` up to ``last``.

    Raises ArchiveError.
    """
    from harmonize.history import queries  # noqa: PLC0415 - duckdb is heavy

    store, state = update_tables(archive)
    gathered = {kept.entry.digest for kept in state.entries if kept.entry.gathered}
    rows = queries.rows_after(store, sequence, last)
    return tuple(change_of(row) for row in rows if row.digest in gathered)


def digests_with_events(archive: Archive) -> frozenset[str]:
    """Returns the digests of snapshots in which a schedule changed or was first seen."""
    from harmonize.history import queries  # noqa: PLC0415 - duckdb is heavy

    store, _ = update_tables(archive)
    return queries.snapshots_with_changes(store)


def run_lock_path(place: ArchiveLocation) -> Path:
    """Returns the file that a run locks while it works on an archive."""
    beside, in_cache = _table_folders(storage_at(place).place)
    return (in_cache if beside is None else beside) / "run.lock"


def table_folders(archive: Archive) -> tuple[Path | None, Path]:
    """Returns the possible folders of the tables: in the archive's own folder, and in the user cache.

    The first is None for an archive at a URL.
    """
    return _table_folders(archive.place)


def _table_folders(place: ArchiveLocation) -> tuple[Path | None, Path]:
    from platformdirs import user_cache_path  # noqa: PLC0415 - `--help` needs none

    beside = place / "derived" if isinstance(place, Path) else None
    name = str(place.absolute()) if isinstance(place, Path) else place
    in_cache = user_cache_path("harmonize", appauthor=False) / "derived" / _short_hash(name)
    return beside, in_cache


def _read_summary(archive: Archive, origin: tuple[str, str, str]) -> RecentHistory | None:
    """Returns the stored recent history if it was computed from the same version, entry and windows."""
    from pydantic import TypeAdapter, ValidationError  # noqa: PLC0415 - heavy

    for folder in table_folders(archive):
        if folder is None:
            continue
        with suppress(OSError, ValidationError):
            content = (folder / "lately.json").read_bytes()
            summary = TypeAdapter(_Summary).validate_json(content)
            if (summary.version, summary.digest, summary.windows) == origin:
                return summary.lately
    return None


def _write_summary(store: HistoryTables, summary: _Summary) -> None:
    from pydantic import TypeAdapter  # noqa: PLC0415 - heavy

    with suppress(OSError):
        store.path.mkdir(parents=True, exist_ok=True)
        part = store.path / "lately.part"
        part.write_bytes(TypeAdapter(_Summary).dump_json(summary))
        part.replace(store.path / "lately.json")


def _digest_of_windows(stress_windows: Sequence[StressWindow]) -> str:
    return _short_hash("\n".join(map(repr, stress_windows)))


def _short_hash(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def list_entries(archive: Archive) -> tuple[Entry, ...]:
    """Returns an archive's entries. For a large archive, the tables supply those that they contain.

    Raises ArchiveError.
    """
    tip = archive.tip()
    return archive.entries() if tip[0] <= _MAX_MANIFESTS else _entries_at(archive, tip)


@lru_cache(maxsize=4)
def _entries_at(archive: Archive, _: tuple[int, str]) -> tuple[Entry, ...]:
    for folder in table_folders(archive):
        if folder is not None and (folder / "entries.parquet").exists():
            return archive.listing(HistoryTables(folder).state().listing).entries
    return archive.entries()
