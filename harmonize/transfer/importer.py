"""Imports snapshots of other archives, tables and recordings, each once and in their order."""

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

from harmonize.archive.archive import Archive
from harmonize.archive.catalog import Entry
from harmonize.archive.location import ArchiveLocation
from harmonize.core.payload import Origin, Snapshot
from harmonize.core.schedule import Unknown
from harmonize.history.venue_lists import VenueLists
from harmonize.transfer import (
    from_archive,
    from_candles,
    from_recordings,
    from_tier_table,
    plain_folder,
    recording_manifest,
)
from harmonize.transfer.source import (
    SkippedItem,
    SourceItem,
    UnreadableSourceError,
    check_regular_file,
)
from venues import completeness, facts, registry
from venues.adapter import Parsed

_TAR_MAGIC, _TAR_OFFSET = b"ustar", 257
_PARQUET_MAGIC = b"PAR1"


@dataclass(frozen=True, slots=True)
class ImportedSnapshot:
    """A snapshot of a source; ``new`` is whether the archive did not hold it before.

    ``parsed`` is the result of its adapter, None for a snapshot that comes from an archive.
    """

    snapshot: Snapshot
    new: bool
    parsed: Parsed | None

    @property
    def partial_reason(self) -> str:
        """Reason why a snapshot that its source declares complete is partial; empty if there is none."""
        return completeness.partial_reason(self.snapshot)

    def unknown(self) -> Iterator[SkippedItem]:
        """Yields each parsed schedule with an unknown IM or MM, and the reason."""
        for schedule in self.parsed.schedules if self.parsed else ():
            margins = (schedule.initial, schedule.maintenance)
            reasons = [margin.reason for margin in margins if isinstance(margin, Unknown)]
            if reasons:
                what = f"{schedule.instrument.venue} {schedule.instrument.symbol}"
                yield SkippedItem(what, reasons[0])


@dataclass(frozen=True, slots=True)
class ImportSource:
    """The items of a source; ``converted`` marks margins built from other formats, which no archive held before."""

    items: Iterator[SourceItem]
    converted: bool


def open_source(
    place: ArchiveLocation, clock: Callable[[], datetime] = lambda: datetime.now(UTC)
) -> ImportSource:
    """Opens a source, detecting its kind by its content.

    ``clock`` gives the time of the import, with a time zone; market data cannot be of a later one.
    Raises UnreadableSourceError, at once or while the items are read.
    """
    if isinstance(place, str):
        return ImportSource(from_archive.read_items(place), converted=False)
    path = place
    try:
        if path.is_dir():
            return _folder_source(path, clock())
        check_regular_file(path)
        with path.open("rb") as file:
            head = file.read(_TAR_OFFSET + len(_TAR_MAGIC))
    except OSError as error:
        message = f"{path}: cannot be read: {error.strerror}; use an existing file or folder"
        raise UnreadableSourceError(message) from error
    if head.startswith(_PARQUET_MAGIC):
        return ImportSource(_observed_items(path, clock()), converted=True)
    if head[_TAR_OFFSET:] == _TAR_MAGIC:
        return ImportSource(from_archive.read_tar_items(path), converted=False)
    raise UnreadableSourceError(_unknown_kind(path))


def _observed_items(path: Path, now: datetime) -> Iterator[SourceItem]:
    """Yields the items of a table of tiers. Raises UnreadableSourceError: one of a day to come."""
    for item in from_tier_table.read_items(path):
        if isinstance(item, Snapshot) and item.observed_at > now:
            message = f"{path}: observed: {item.observed_at:%Y-%m-%d} is later than the import, {now:%Y-%m-%d}; correct it"
            raise UnreadableSourceError(message)
        yield item


def _folder_source(path: Path, now: datetime) -> ImportSource:
    if (path / "format.json").exists():
        return ImportSource(from_archive.read_items(path), converted=False)
    if not (path / recording_manifest.NAME).exists():
        raise UnreadableSourceError(_unknown_kind(path))
    manifest = recording_manifest.document(path)
    if isinstance(manifest, dict) and manifest.get("format") == plain_folder.FORMAT:
        return ImportSource(plain_folder.read_items(path, manifest), converted=False)
    if from_candles.is_market_manifest(manifest):
        return ImportSource(from_candles.read_items(path, manifest, now), converted=False)
    return ImportSource(from_recordings.read_items(path, manifest, now), converted=True)


def _unknown_kind(path: Path) -> str:
    return (
        f"{path}: unknown kind of source; use an archive (a folder with format.json, or a tar of one), "
        "a Parquet table of dated tiers, or a folder of recordings with MANIFEST.json"
    )


def import_snapshots(
    import_source: ImportSource,
    archive: Archive | None,
    append: Callable[[Snapshot], object],
    venues: Collection[str] = (),
) -> Iterator[ImportedSnapshot | SkippedItem]:
    """Appends the snapshots that the archive does not hold, and yields every item of the source.

    ``archive`` is the archive before the import, None if there is none. ``append`` receives each new
    snapshot. If any ``venues`` are named, snapshots of other venues are skipped. Raises
    UnreadableSourceError, ArchiveError.
    """
    register = _SnapshotRegister(archive)
    earlier = archive if import_source.converted else None
    lists = VenueLists(earlier, earlier.entries() if earlier else ())
    for item in import_source.items:
        if isinstance(item, SkippedItem):
            yield item
        elif not venues or item.venue in venues:
            parsed = registry.parse([item], facts.bundled()) if import_source.converted else None
            snapshot = lists.add(item, parsed) if parsed else _without_missing_page(item)
            is_new = register.add(item, snapshot)
            if is_new:
                append(snapshot)
            yield ImportedSnapshot(snapshot, is_new, parsed)


def _without_missing_page(snapshot: Snapshot) -> Snapshot:
    """Returns a snapshot of an archive, as partial with the reason if it lacks a page of a list."""
    adapter = registry.find_adapter(snapshot.venue)
    reason = completeness.missing_page(adapter, snapshot) if adapter and snapshot.complete else ""
    return completeness.as_partial(snapshot, reason) if reason else snapshot


class _SnapshotRegister:
    """The snapshots of an archive: candidates by their entries, then compared byte for byte."""

    def __init__(self, archive: Archive | None) -> None:
        self._archive = archive
        self._entries: dict[object, list[Entry]] = defaultdict(list)
        self._added: set[object] = set()
        for entry in archive.entries() if archive else ():
            key = (entry.venue, entry.observed_at, entry.complete, entry.payloads)
            self._entries[key].append(entry)

    def add(self, original: Snapshot, imported: Snapshot) -> bool:
        """Registers a snapshot and returns whether it was not registered before.

        ``original`` is the snapshot of the source, ``imported`` the same or its partial form. The
        archive may hold either, or another reason for being partial.
        """
        identity = _without_content(original)
        if identity in self._added:
            return False
        self._added.add(identity)
        is_held = self._holds(original) or (imported is not original and self._holds(imported))
        return not is_held and not self._holds_as_partial(original)

    def _candidates(self, snapshot: Snapshot, *, complete: bool, payloads: int) -> list[Entry]:
        key = (snapshot.venue, snapshot.observed_at, complete, payloads)
        return self._entries.get(key, [])

    def _holds(self, snapshot: Snapshot) -> bool:
        candidates = self._candidates(
            snapshot, complete=snapshot.complete, payloads=len(snapshot.payloads)
        )
        return any(self._archive.holds(entry, snapshot) for entry in candidates if self._archive)

    def _holds_as_partial(self, snapshot: Snapshot) -> bool:
        """Returns whether a complete snapshot is archived as partial, for whatever reason."""
        candidates = self._candidates(snapshot, complete=False, payloads=len(snapshot.payloads) + 1)
        return snapshot.complete and any(
            _is_partial_form(self._archive.read(entry), snapshot)
            for entry in candidates
            if self._archive and not entry.pruned
        )


def _is_partial_form(archived: Snapshot, snapshot: Snapshot) -> bool:
    """Returns whether a snapshot was archived as partial, with the record of a reason added."""
    rest = tuple(p for p in archived.payloads if p.provenance.origin is not Origin.NOTE)
    return rest == snapshot.payloads


def _without_content(snapshot: Snapshot) -> Snapshot:
    """Returns the snapshot without the bytes of its payloads, which their hashes identify."""
    payloads = (replace(payload, content=b"") for payload in snapshot.payloads)
    return replace(snapshot, payloads=tuple(payloads))


def grouped_by_reason(left_out: Iterable[SkippedItem]) -> list[tuple[str, int, tuple[str, ...]]]:
    """Returns reason, total count and distinct descriptions per reason, most frequent first."""
    by_reason: dict[str, list[SkippedItem]] = defaultdict(list)
    for item in left_out:
        by_reason[item.reason].append(item)
    totals = [
        (
            reason,
            sum(item.count for item in items),
            tuple(dict.fromkeys(item.what for item in items)),
        )
        for reason, items in by_reason.items()
    ]
    return sorted(totals, key=lambda total: (-total[1], total[0]))
