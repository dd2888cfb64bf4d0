"""Exports selected snapshots to a new archive, a tar of one, or a folder of plain files."""

import shutil
import tarfile
from collections.abc import Callable, Collection, Iterable, Iterator
from datetime import date
from itertools import repeat
from pathlib import Path
from tempfile import mkdtemp

from harmonize.archive.archive import Archive
from harmonize.archive.catalog import Entry
from harmonize.archive.location import ArchiveLocation
from harmonize.core.payload import Snapshot
from harmonize.transfer import plain_folder

_SnapshotAndGathered = tuple[Snapshot, bool]


class ExportError(Exception):
    """A destination that cannot receive an export: one line with the problem and the fix."""


def select_entries(
    entries: Iterable[Entry],
    venues: Collection[str] = (),
    since: date | None = None,
    until: date | None = None,
) -> tuple[Entry, ...]:
    """Returns the entries of these venues (all if none is named) observed in a period.

    Both ``since`` and ``until`` are included. Pruned entries are excluded: their payloads are removed.
    """
    return tuple(
        entry
        for entry in entries
        if not entry.pruned
        and (not venues or entry.venue in venues)
        and (since is None or entry.observed_at.date() >= since)
        and (until is None or entry.observed_at.date() <= until)
    )


def to_archive(
    to: ArchiveLocation, snapshots: Iterable[Snapshot], gathered: Iterable[bool] | None = None
) -> int:
    """Writes an archive, or a tar of one if the name ends in ``.tar``; returns the number of snapshots.

    ``gathered`` states per snapshot whether it was gathered into its archive; by default none was.
    Raises ExportError and ArchiveError; nothing remains then, unless the destination is a URL.
    """
    flags = repeat(object=False) if gathered is None else gathered
    flagged = zip(snapshots, flags, strict=False)
    if isinstance(to, str):
        return _append_all(flagged, Archive.create(to))
    return _publish(to, lambda folder: _write_archive(folder, to.suffix == ".tar", flagged))


def to_payloads(to: ArchiveLocation, snapshots: Iterable[Snapshot]) -> int:
    """Writes a folder of payload files with a manifest; returns the number of snapshots.

    Raises ExportError and ArchiveError; nothing remains then.
    """
    if isinstance(to, str):
        message = f"{to}: payloads can only be exported to a local folder; use a path"
        raise ExportError(message)
    return _publish(to, lambda folder: _write_plain_folder(folder, snapshots))


def _publish(to: Path, write: Callable[[Path], int]) -> int:
    """Runs ``write`` in a temporary folder and moves its "result" to the destination when complete."""
    if to.exists() or to.is_symlink():
        message = f"{to}: already exists; use another path"
        raise ExportError(message)
    try:
        to.absolute().parent.mkdir(parents=True, exist_ok=True)
        folder = Path(mkdtemp(prefix=".harmonize-", dir=to.absolute().parent))
        try:
            count = write(folder)
            (folder / "result").rename(to)
        finally:
            shutil.rmtree(folder, ignore_errors=True)
    except OSError as error:
        message = f"{to}: cannot be written: {error.strerror}; use another path"
        raise ExportError(message) from error
    return count


def _write_plain_folder(folder: Path, snapshots: Iterable[Snapshot]) -> int:
    (folder / "result").mkdir()
    return plain_folder.write(folder / "result", snapshots)


def _write_archive(folder: Path, as_tar: bool, flagged: Iterable[_SnapshotAndGathered]) -> int:  # noqa: FBT001 - set from the suffix
    path = folder / ("archive" if as_tar else "result")
    count = _append_all(flagged, Archive.create(path))
    if as_tar:
        _write_tar(path, folder / "result")
    return count


def _append_all(flagged: Iterable[_SnapshotAndGathered], archive: Archive) -> int:
    newest: dict[str, Entry] = {}
    count = 0
    for snapshot, gathered in flagged:
        similar = newest.get(snapshot.venue)
        newest[snapshot.venue] = archive.append(snapshot, similar, imported=not gathered)
        count += 1
    return count


def _write_tar(folder: Path, to: Path) -> None:
    """Writes the files of a folder as a tar whose bytes depend on neither time nor machine."""
    with tarfile.open(to, "x:", format=tarfile.USTAR_FORMAT) as tar:
        for path in sorted(file for file in folder.rglob("*") if file.is_file()):
            member = tarfile.TarInfo(path.relative_to(folder).as_posix())
            member.size = path.stat().st_size
            with path.open("rb") as file:
                tar.addfile(member, file)


def read_snapshots(archive: Archive, entries: Iterable[Entry]) -> Iterator[Snapshot]:
    """Returns the snapshots of entries, read in their order. Raises ArchiveError."""
    return (archive.read(entry) for entry in entries)
