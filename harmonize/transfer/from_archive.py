"""Another archive as a source: a folder, or a tar of one, read without trust in its names."""

import re
import shutil
import tarfile
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

from harmonize.archive.archive import MANIFEST_NAME, Archive, ArchiveError
from harmonize.archive.location import Place
from harmonize.archive.manifest import LIMIT, PACK_NAME
from harmonize.transfer.source import LeftOut, SourceItem, UnreadableSourceError

_PARTS = re.compile(rf"format\.json|manifests/{MANIFEST_NAME.pattern}|packs/{PACK_NAME.pattern}")
"""The names that files of an archive have, within it."""

_TOP = re.compile(r"\A(?:\./)?(?:(?!manifests/|packs/|derived/|\.)[^/]+/)?")
"""What may stand before them in a tar: the folder that was packed."""

_BLOCK = 512


def offered(place: Place) -> Iterator[SourceItem]:
    """Give every snapshot in order; one that is damaged is told and passed over.

    Raises UnreadableSourceError: no archive, or its manifests do not follow one another.
    """
    try:
        archive = Archive.open(place)
        entries = archive.entries()
    except ArchiveError as error:
        message = f"{error}; restore it, or export it anew"
        raise UnreadableSourceError(message) from error
    for entry in entries:
        if entry.pruned:
            what = f"snapshot {entry.sequence} of {entry.venue}"
            yield LeftOut(what, f"its payloads were pruned on {entry.pruned[:10]}")
            continue
        try:
            yield archive.read(entry)
        except ArchiveError as error:
            what = f"snapshot {entry.sequence} of {entry.venue}"
            yield LeftOut(what, f"{error}; restore it", unread=True)


def offered_by_tar(path: Path) -> Iterator[SourceItem]:
    """Give every snapshot of the archive in a tar, likewise. Raises UnreadableSourceError."""
    with TemporaryDirectory(prefix="harmonize-") as folder:
        try:
            _unpack(path, Path(folder))
            for one in offered(Path(folder)):
                shown = LeftOut(one.what, one.reason.replace(folder, str(path)), one.count, one.unread) if isinstance(one, LeftOut) else one  # fmt: skip
                yield shown
        except UnreadableSourceError as error:
            raise UnreadableSourceError(str(error).replace(folder, str(path))) from error


def _unpack(path: Path, folder: Path) -> None:
    """Copy the files of an archive out of a tar, each under a name that this function knows."""
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
        message = f"{path} is cut short or damaged: {error}; copy it again"
        raise UnreadableSourceError(message) from error
    except OSError as error:
        message = f"{path} cannot be read: {error.strerror}; make it readable"
        raise UnreadableSourceError(message) from error


def _check_end(path: Path) -> None:
    """A tar ends in two blocks of zeros; one that was cut short does not."""
    with path.open("rb") as file:
        size = file.seek(0, 2)
        file.seek(max(0, size - 2 * _BLOCK))
        if size % _BLOCK or any(file.read()):
            message = f"{path} is cut short: its end is missing; copy it again"
            raise UnreadableSourceError(message)


def _name(path: Path, member: tarfile.TarInfo) -> str:
    """The name of a member within the archive; empty for a folder. Raises UnreadableSourceError."""
    if member.isdir() and ".." not in member.name.split("/"):
        return ""
    name = _TOP.sub("", member.name, count=1)
    if name.startswith("derived/"):
        return ""  # tables that are made anew
    if not _PARTS.fullmatch(name):
        what = "is no part of an archive; pack the files of an archive alone"
    elif member.type not in {tarfile.REGTYPE, tarfile.AREGTYPE} or member.issparse():
        what = "is not a regular file; pack the file itself"
    elif member.size > LIMIT:
        what = f"has {member.size} bytes, the most is {LIMIT}; it is no file of an archive"
    else:
        return name
    message = f"{path}: member {member.name!r} {what}"
    raise UnreadableSourceError(message)


def _copy(path: Path, tar: tarfile.TarFile, member: tarfile.TarInfo, to: Path) -> None:
    content = tar.extractfile(member)
    if content is None or to.exists():
        message = f"{path}: member {member.name!r} is there twice; pack the archive anew"
        raise UnreadableSourceError(message)
    with content, to.open("xb") as file:
        shutil.copyfileobj(content, file)
