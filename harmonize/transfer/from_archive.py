"""Reads another archive as an import source: a folder, a URL, or a tar whose names are untrusted."""

import re
import shutil
import tarfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

from harmonize.archive.archive import MANIFEST_NAME, Archive, ArchiveError
from harmonize.archive.location import ArchiveLocation
from harmonize.archive.manifest import MAX_BYTES, PACK_NAME
from harmonize.transfer.source import SkippedItem, SourceItem, UnreadableSourceError

_OBJECT_NAME = re.compile(
    rf"format\.json|manifests/{MANIFEST_NAME.pattern}|packs/{PACK_NAME.pattern}"
)
"""Names of the objects within an archive."""

_PREFIX = re.compile(r"\A(?:\./)?(?:(?!manifests/|packs/|derived/|\.)[^/]+/)?")
"""Optional prefix of these names in a tar: the folder that was packed."""

_BLOCK = 512


def read_items(place: ArchiveLocation) -> Iterator[SourceItem]:
    """Yields every snapshot in order, and a SkippedItem for each that is pruned or damaged.

    Raises UnreadableSourceError: no archive, or its chain of manifests is broken.
    """
    try:
        archive = Archive.open(place)
        entries = archive.entries()
    except ArchiveError as error:
        message = f"{error}; restore it, or export it again"
        raise UnreadableSourceError(message) from error
    for entry in entries:
        what = f"snapshot {entry.sequence} of {entry.venue}"
        if entry.pruned:
            yield SkippedItem(what, f"payloads were pruned on {entry.pruned[:10]}")
            continue
        try:
            yield archive.read(entry)
        except ArchiveError as error:
            yield SkippedItem(what, f"{error}; restore it", is_unreadable=True)


def read_tar_items(path: Path) -> Iterator[SourceItem]:
    """Yields the items of the archive in a tar, as ``read_items``. Raises UnreadableSourceError."""
    with TemporaryDirectory(prefix="harmonize-") as folder:
        try:
            _unpack(path, Path(folder))
            for item in read_items(Path(folder)):
                if isinstance(item, SkippedItem):
                    yield replace(item, reason=item.reason.replace(folder, str(path)))
                else:
                    yield item
        except UnreadableSourceError as error:
            raise UnreadableSourceError(str(error).replace(folder, str(path))) from error


def _unpack(path: Path, folder: Path) -> None:
    """Copies the files of an archive out of a tar, each under a name of an archive's object."""
    for directory in ("manifests", "packs"):
        (folder / directory).mkdir()
    try:
        _check_end(path)
        with tarfile.open(path, "r:") as tar:
            for member in tar:
                name = _name(path, member)
                if name:
                    _copy(path, tar, member, folder / name)
    except (tarfile.TarError, EOFError) as error:
        message = f"{path}: is truncated or damaged: {error}; copy it again"
        raise UnreadableSourceError(message) from error
    except OSError as error:
        message = f"{path}: cannot be read: {error.strerror}; make it readable"
        raise UnreadableSourceError(message) from error


def _check_end(path: Path) -> None:
    """Checks the two blocks of zeros that end a tar. Raises UnreadableSourceError: truncated."""
    with path.open("rb") as file:
        size = file.seek(0, 2)
        file.seek(max(0, size - 2 * _BLOCK))
        if size % _BLOCK or any(file.read()):
            message = f"{path}: is truncated: its end is missing; copy it again"
            raise UnreadableSourceError(message)


def _name(path: Path, member: tarfile.TarInfo) -> str:
    """Returns the name of a member within the archive, empty for one to skip.

    Raises UnreadableSourceError: not a file of an archive.
    """
    if member.isdir() and ".." not in member.name.split("/"):
        return ""
    name = _PREFIX.sub("", member.name, count=1)
    if name.startswith("derived/"):
        return ""  # derived tables are recomputed
    if not _OBJECT_NAME.fullmatch(name):
        problem = "is not part of an archive; pack only the files of the archive"
    elif member.type not in {tarfile.REGTYPE, tarfile.AREGTYPE} or member.issparse():
        problem = "is not a regular file; pack the file itself"
    elif member.size > MAX_BYTES:
        problem = f"has {member.size} bytes; the limit is {MAX_BYTES}; remove it"
    else:
        return name
    message = f"{path}: member {member.name!r} {problem}"
    raise UnreadableSourceError(message)


def _copy(path: Path, tar: tarfile.TarFile, member: tarfile.TarInfo, to: Path) -> None:
    content = tar.extractfile(member)
    if content is None or to.exists():
        message = f"{path}: member {member.name!r} appears twice; pack the archive again"
        raise UnreadableSourceError(message)
    with content, to.open("xb") as file:
        shutil.copyfileobj(content, file)
