"""Selected snapshots out of an archive: into a new archive, a tar of one, or a folder of plain files."""

import shutil
import tarfile
from collections.abc import Callable, Collection, Iterable, Iterator
from datetime import date
from itertools import repeat
from pathlib import Path
from tempfile import mkdtemp

from harmonize.archive.archive import Archive
from harmonize.archive.catalog import Entry
from harmonize.archive.location import Place
from harmonize.core.payload import Snapshot
from harmonize.transfer import plain_folder

_Given = tuple[Snapshot, bool]


class ExportError(Exception):
    """A place that cannot take an export: one line that says why, and the mend."""


def selected(
    entries: Iterable[Entry],
    venues: Collection[str] = (),
    since: date | None = None,
    until: date | None = None,
) -> tuple[Entry, ...]:
    """The entries of these venues (all, if none is named) observed from ``since`` to ``until``, both included.

    Of what was pruned nothing is left to export.
    """
    return tuple(
        one
        for one in entries
        if not one.pruned
        and (not venues or one.venue in venues)
        and (since is None or one.observed_at.date() >= since)
        and (until is None or one.observed_at.date() <= until)
    )


def to_archive(
    to: Place, snapshots: Iterable[Snapshot], gathered: Iterable[bool] | None = None
) -> int:
    """Write an archive, or a tar of one where the name ends in ``.tar``; say how many snapshots.

    ``gathered`` says of each whether it was gathered into the archive that it comes from; not, if left
    out. Raises ExportError; ArchiveError, and nothing is there then, unless it is a URL.
    """
    given = zip(snapshots, repeat(object=False) if gathered is None else gathered, strict=False)
    if isinstance(to, str):
        return _copied(given, Archive.create(to))
    return _written(to, lambda folder: _as_archive(folder, to.suffix == ".tar", given))


def to_payloads(to: Place, snapshots: Iterable[Snapshot]) -> int:
    """Write a folder of payload files with a manifest; say how many snapshots. Raises as ``to_archive``."""
    if isinstance(to, str):
        message = f"{to}: payloads are written as a folder here; name one, or leave --as out"
        raise ExportError(message)
    return _written(to, lambda folder: plain_folder.write(_made(folder / "result"), snapshots))


def _written(to: Path, write: Callable[[Path], int]) -> int:
    """Let ``write`` make a "result" in a folder beside the place, and give it its name when it is whole."""
    if to.exists() or to.is_symlink():
        message = f"{to} is there already; name another place"
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
        message = f"{to} cannot be written: {error.strerror}; choose another place"
        raise ExportError(message) from error
    return count


def _made(folder: Path) -> Path:
    folder.mkdir()
    return folder


def _as_archive(folder: Path, packed: bool, given: Iterable[_Given]) -> int:  # noqa: FBT001 - by the name
    place = folder / ("archive" if packed else "result")
    count = _copied(given, Archive.create(place))
    if packed:
        _pack(place, folder / "result")
    return count


def _copied(given: Iterable[_Given], to: Archive) -> int:
    newest: dict[str, Entry] = {}
    count = 0
    for snapshot, gathered in given:
        like = newest.get(snapshot.venue)
        newest[snapshot.venue] = to.append(snapshot, like, imported=not gathered)
        count += 1
    return count


def _pack(place: Path, to: Path) -> None:
    """Write the files of a folder as a tar that is the same wherever and whenever it is made."""
    with tarfile.open(to, "x:", format=tarfile.USTAR_FORMAT) as tar:
        for path in sorted(one for one in place.rglob("*") if one.is_file()):
            member = tarfile.TarInfo(path.relative_to(place).as_posix())
            member.size = path.stat().st_size
            with path.open("rb") as file:
                tar.addfile(member, file)


def snapshots(archive: Archive, entries: Iterable[Entry]) -> Iterator[Snapshot]:
    """Read entries in their order. Raises ArchiveError."""
    return (archive.read(one) for one in entries)
