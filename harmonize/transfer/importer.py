"""Snapshots of other archives, tables and recordings into an archive: each once, in their order."""

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from harmonize.archive.archive import Archive
from harmonize.archive.catalog import Entry
from harmonize.archive.location import Place
from harmonize.core.payload import Snapshot
from harmonize.core.schedule import Unknown
from harmonize.transfer import (
    from_archive,
    from_recordings,
    from_tier_table,
    plain_folder,
    recording_manifest,
)
from harmonize.transfer.source import LeftOut, SourceItem, UnreadableSourceError
from venues import facts, registry
from venues.adapter import Parsed

_TAR, _TAR_AT = b"ustar", 257
_PARQUET = b"PAR1"


@dataclass(frozen=True, slots=True)
class Taken:
    """A snapshot that a source gave; ``new`` says that the archive did not have it.

    ``parsed`` is what its adapter reads of it; None where it comes from an archive.
    """

    snapshot: Snapshot
    new: bool
    parsed: Parsed | None

    def unknown(self) -> Iterator[LeftOut]:
        """The schedules read whose IM or MM stays unknown, and why."""
        for one in self.parsed.schedules if self.parsed else ():
            reasons = {
                figure.reason: None
                for figure in (one.initial, one.maintenance)
                if isinstance(figure, Unknown)
            }
            if reasons:
                what = f"{one.instrument.venue} {one.instrument.symbol}"
                yield LeftOut(what, next(iter(reasons)))


@dataclass(frozen=True, slots=True)
class Source:
    """What a source gives; ``made`` says that the snapshots are made here and were in no archive."""

    offers: Iterator[SourceItem]
    made: bool


def source(place: Place) -> Source:
    """Tell by its content what a source is. Raises UnreadableSourceError, also as it is read."""
    if isinstance(place, str):
        return Source(from_archive.offered(place), made=False)
    path = place
    try:
        if path.is_dir():
            return _folder(path)
        with path.open("rb") as file:
            head = file.read(_TAR_AT + len(_TAR))
    except OSError as error:
        message = f"{path} cannot be read: {error.strerror}; name a file or folder that is there"
        raise UnreadableSourceError(message) from error
    if head.startswith(_PARQUET):
        return Source(from_tier_table.offered(path), made=True)
    if head[_TAR_AT:] == _TAR:
        return Source(from_archive.offered_by_tar(path), made=False)
    raise UnreadableSourceError(_unknown(path))


def _folder(path: Path) -> Source:
    if (path / "format.json").exists():
        return Source(from_archive.offered(path), made=False)
    if not (path / recording_manifest.NAME).exists():
        raise UnreadableSourceError(_unknown(path))
    manifest = recording_manifest.document(path)
    if isinstance(manifest, dict) and manifest.get("format") == plain_folder.FORMAT:
        return Source(plain_folder.offered(path, manifest), made=False)
    return Source(from_recordings.offered(path, manifest), made=True)


def _unknown(path: Path) -> str:
    return (
        f"{path} is nothing that can be imported; name an archive (a folder with format.json, or a tar of it), "
        "a Parquet table of dated tiers, or a folder of recordings with MANIFEST.json"
    )


def imported(
    given: Source,
    archive: Archive | None,
    append: Callable[[Snapshot], object],
    venues: Collection[str] = (),
) -> Iterator[Taken | LeftOut]:
    """Append what the archive does not have yet, and tell of everything that the source gives.

    ``archive`` is what is there before, None where nothing is; ``append`` takes what is new. Only
    snapshots of ``venues`` are taken, where any are named. Raises UnreadableSourceError, ArchiveError.
    """
    known = _Known(archive)
    for one in given.offers:
        if isinstance(one, LeftOut):
            yield one
        elif not venues or one.venue in venues:
            new = known.add(one)
            if new:
                append(one)
            yield Taken(one, new, _parsed(one) if given.made else None)


def _parsed(snapshot: Snapshot) -> Parsed:
    return registry.parse([snapshot], facts.bundled())


class _Known:
    """The snapshots that an archive has: found by what its entries say, then held byte for byte."""

    def __init__(self, archive: Archive | None) -> None:
        self._archive = archive
        self._entries: dict[object, list[Entry]] = defaultdict(list)
        self._added: set[object] = set()
        for one in archive.entries() if archive else ():
            self._entries[one.venue, one.observed_at, one.complete, one.payloads].append(one)

    def add(self, snapshot: Snapshot) -> bool:
        """Know this one from now on; tell whether it was not known before."""
        mark = _mark(snapshot)
        if mark in self._added:
            return False
        self._added.add(mark)
        said = (snapshot.venue, snapshot.observed_at, snapshot.complete, len(snapshot.payloads))
        like = self._entries.get(said, ())
        return not any(self._archive.holds(one, snapshot) for one in like if self._archive)


def _mark(snapshot: Snapshot) -> Snapshot:
    """The snapshot without its bytes, for which their hashes stand."""
    payloads = (replace(one, content=b"") for one in snapshot.payloads)
    return replace(snapshot, payloads=tuple(payloads))


def grouped(left_out: Iterable[LeftOut]) -> list[tuple[str, int, tuple[str, ...]]]:
    """What was left out by reason: how much, and of what; the most frequent reason first."""
    by_reason: dict[str, list[LeftOut]] = defaultdict(list)
    for one in left_out:
        by_reason[one.reason].append(one)
    found = [
        (reason, sum(one.count for one in held), tuple(dict.fromkeys(one.what for one in held)))
        for reason, held in by_reason.items()
    ]
    return sorted(found, key=lambda one: (-one[1], one[0]))
