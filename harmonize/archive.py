"""The append-only archive of what venues sent: append, read, verify.

An archive is a directory::

    format.json                 {"format": 1}
    packs/<sha256>.zst          the payloads of one snapshot, one after the other, in one zstd frame
    manifests/<sequence>.json   one snapshot: which pack, and what each stretch of it answers

A pack is named by the hash of its own bytes. A manifest is sealed: ``seal`` is its hash with an empty
seal; and chained: ``previous`` is the hash of the whole manifest before it. So a byte that changes,
goes or comes in any object shows, and so does an object that is missing or out of place.

What this cannot show: that the newest manifests were taken away together with the packs that only
they name, or that someone wrote the whole chain anew. No file inside the archive could; to know,
keep the digest of the newest entry elsewhere and look for it again.

Files come into being whole: written under a temporary name (``*.tmp``, of no meaning if a crash
leaves one), flushed, and linked to their final name, which fails where that name is taken. The pack
is durable before its manifest exists, and the manifest is what makes a snapshot part of the archive.
Equal snapshots in equal order give equal bytes, as long as the version of zstd is the same.
"""

import os
import re
import secrets
import stat
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import zstandard

from harmonize.manifest import (
    LIMIT,
    PACK_NAME,
    Manifest,
    digest,
    moment,
    parsed,
    require,
    unpacked,
    written,
)
from harmonize.payload import Origin, Snapshot

FORMAT = b'{"format": 1}\n'
LEVEL = 19
ATTEMPTS = 20
"""How often an append yields its sequence number to another process before it gives up."""

MANIFEST_NAME = re.compile(r"(?!0{8})([0-9]{8})\.json")


class ArchiveError(Exception):
    """An object of an archive that is not as it must be, or cannot be written: path, and what."""

    def __init__(self, path: Path, what: str) -> None:
        """Remember both apart, so that a problem can name the path within its archive."""
        super().__init__(f"{path}: {what}")
        self.path = path
        self.what = what


@dataclass(frozen=True, slots=True)
class Entry:
    """One snapshot in the archive, without its payloads.

    ``digest`` is the hash of its manifest, ``payloads`` their number, ``size`` the bytes of the pack.
    ``failed`` says that it is the record of a try that failed.
    """

    sequence: int
    venue: str
    observed_at: datetime
    complete: bool
    digest: str
    payloads: int
    size: int
    failed: bool = False


@dataclass(frozen=True, slots=True)
class Problem:
    """What is wrong with one object; ``where`` is its path within the archive."""

    where: str
    what: str


def _write(path: Path, content: bytes) -> None:
    with path.open("xb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())


def _sync(directory: Path) -> None:
    if not hasattr(os, "O_DIRECTORY"):  # pragma: no cover - Windows cannot flush a directory
        return
    descriptor = os.open(directory, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


@dataclass(frozen=True, slots=True)
class Disk:
    """The four steps by which a file comes to last; a test stops at each of them."""

    write: Callable[[Path, bytes], None] = _write  # make a new file, whole and flushed
    link: Callable[[Path, Path], None] = os.link  # give it its name; fails where that is taken
    remove: Callable[[Path], None] = os.unlink  # take the temporary name away
    sync: Callable[[Path], None] = _sync  # make the names in a directory last

    def publish(self, path: Path, content: bytes) -> None:
        """Let ``path`` hold ``content`` or not exist. Raises FileExistsError, other OSError."""
        temporary = path.with_name(f"{secrets.token_hex(8)}.tmp")
        try:
            self.write(temporary, content)
            self.link(temporary, path)
        finally:
            with suppress(OSError):  # one that stays means nothing
                self.remove(temporary)
        self.sync(path.parent)


DISK = Disk()


@dataclass(frozen=True, slots=True)
class Archive:
    """A directory of snapshots. Open one with ``Archive.open`` or ``Archive.create``."""

    path: Path
    disk: Disk = DISK

    @classmethod
    def open(cls, path: Path) -> "Archive":
        """Take an archive that exists. Raises ArchiveError: none there, or an unknown format."""
        try:
            _check_format(path)
        except ArchiveError as error:
            what = f"is not an archive that this version reads: {error.path.name} {error.what}"
            raise ArchiveError(path, what) from error
        return cls(path)

    @classmethod
    def create(cls, path: Path, disk: Disk = DISK) -> "Archive":
        """Make an empty archive. Raises ArchiveError: files there already, or not writable."""
        try:
            for directory in (path, path / "packs", path / "manifests"):
                directory.mkdir(parents=True, exist_ok=True)
                strangers = set(_names(directory)) - {"packs", "manifests"}
                if strangers:
                    what = f"already holds {min(strangers)}; name a new or an empty directory"
                    raise ArchiveError(directory, what)
            disk.publish(path / "format.json", FORMAT)
            disk.sync(path.absolute().parent)
        except OSError as error:
            raise ArchiveError(path, f"cannot become an archive: {error.strerror}") from error
        return cls(path, disk)

    def entries(self) -> tuple[Entry, ...]:
        """List the snapshots in the order of their sequence, reading manifests only.

        Raises ArchiveError: a manifest is missing, damaged, or does not follow the one before.
        """
        found = []
        for step in self._chain():
            if isinstance(step, ArchiveError):
                raise step
            found.append(_entry(*step))
        return tuple(found)

    def read(self, entry: Entry) -> Snapshot:
        """Take a snapshot out, holding every hash against its bytes. Raises ArchiveError."""
        manifest, digest = self._manifest(entry.sequence)
        if digest != entry.digest:
            what = f"has the digest {digest} and not {entry.digest}, by which it was asked for"
            raise ArchiveError(self._manifest_path(entry.sequence), what)
        return self._snapshot(manifest)

    def append(self, snapshot: Snapshot) -> Entry:
        """Archive a snapshot; it lasts when this returns.

        Raises ArchiveError: not writable, or a snapshot that would not read back as it is. What
        was archived before is unchanged then; a pack without a manifest may be left.
        """
        pack = self._packed(snapshot)
        try:
            self._publish_pack(pack)
            for _ in range(ATTEMPTS):
                sequence, previous = self._next()
                content = written(snapshot, pack, sequence, previous)
                with suppress(FileExistsError):  # another process was faster: follow its manifest
                    self.disk.publish(self._manifest_path(sequence), content)
                    return _entry(parsed(content), digest(content))
        except OSError as error:
            what = f"cannot append: {error.strerror}; what was archived before is unchanged"
            raise ArchiveError(self.path, what) from error
        what = "cannot append: other processes keep appending; run them one after the other"
        raise ArchiveError(self.path, what)

    def verify(self) -> tuple[Problem, ...]:
        """Hold every byte against the hashes and name each object that fails; empty is sound.

        A pack that no manifest names is a problem too: an interrupted append leaves one, but so
        does the removal of the newest manifest. Run this while nothing appends.
        """
        return tuple(
            Problem(error.path.relative_to(self.path).as_posix(), error.what)
            for error in self._errors()
        )

    def _errors(self) -> Iterator[ArchiveError]:
        named = set()
        yield from _raised(_check_format, self.path)
        try:
            for step in self._chain():
                if isinstance(step, ArchiveError):
                    yield step
                else:
                    named.add(f"{step[0]['pack']['sha256']}.zst")
                    yield from _raised(self._snapshot, step[0])
            yield from self._strangers(named)
        except ArchiveError as error:  # a directory that cannot be listed
            yield error

    def _strangers(self, named: set[str]) -> Iterator[ArchiveError]:
        for pattern, directory in ((MANIFEST_NAME, "manifests"), (PACK_NAME, "packs")):
            for name in _names(self.path / directory):
                if not pattern.fullmatch(name):
                    yield ArchiveError(self.path / directory / name, "is no part of an archive")
                elif directory == "packs" and name not in named:
                    what = "is named by no sound manifest: one is gone, or an append broke off"
                    yield ArchiveError(self.path / directory / name, what)

    def _chain(self) -> Iterator[tuple[Manifest, str] | ArchiveError]:
        """Follow the manifests, each with its digest; what is not sound is yielded as an error."""
        before = 0
        previous: str | None = ""  # None: the manifest before is not sound, so nothing to compare
        for sequence in self._sequences():
            if sequence != before + 1:
                upto = "" if sequence == before + 2 else f", as are all up to {sequence - 1:08}"
                yield ArchiveError(self._manifest_path(before + 1), f"is missing{upto}")
                previous = None
            before = sequence
            try:
                manifest, digest = self._manifest(sequence)
            except ArchiveError as error:
                yield error
                previous = None
                continue
            if previous is not None and manifest["previous"] != previous:
                what = "does not follow the manifest before it: one of the two was replaced"
                yield ArchiveError(self._manifest_path(sequence), what)
            previous = digest
            yield manifest, digest

    def _sequences(self) -> list[int]:
        matches = map(MANIFEST_NAME.fullmatch, _names(self.path / "manifests"))
        return [int(match[1]) for match in matches if match]

    def _next(self) -> tuple[int, str]:
        """Give the sequence number that is free, and the digest of the manifest before it."""
        sequences = self._sequences()
        if not sequences:
            return 1, ""
        return sequences[-1] + 1, self._manifest(sequences[-1])[1]

    def _manifest(self, sequence: int) -> tuple[Manifest, str]:
        path = self._manifest_path(sequence)
        content = _content(path)
        try:
            manifest = parsed(content)
        except (ValueError, RecursionError) as error:
            raise ArchiveError(path, f"is damaged: {error}") from error
        if manifest["sequence"] != sequence:
            what = f"holds sequence {manifest['sequence']}, so it stands in another's place"
            raise ArchiveError(path, what)
        return manifest, digest(content)

    def _snapshot(self, manifest: Manifest) -> Snapshot:
        path = self._pack_path(manifest["pack"]["sha256"])
        content = _content(path)
        try:
            return unpacked(manifest, content)
        except ValueError as error:
            raise ArchiveError(path, str(error)) from error

    def _packed(self, snapshot: Snapshot) -> bytes:
        """Compress the payloads, and make sure that the snapshot will read back as it is."""
        bodies = b"".join(payload.content for payload in snapshot.payloads)
        pack = zstandard.ZstdCompressor(level=LEVEL).compress(bodies)
        try:
            faithful = unpacked(parsed(written(snapshot, pack, 1, "")), pack) == snapshot
            require(faithful, "a payload is of another venue, or a time has no zone")
        except (ValueError, TypeError, OverflowError) as error:
            what = f"cannot append this snapshot of {snapshot.venue!r}: {error}"
            raise ArchiveError(self.path, what) from error
        return pack

    def _publish_pack(self, pack: bytes) -> None:
        path = self._pack_path(digest(pack))
        try:
            self.disk.publish(path, pack)
        except FileExistsError:
            if _content(path) != pack:
                what = "is damaged, so nothing can be archived under its name; restore it first"
                raise ArchiveError(path, what) from None
            self.disk.sync(path.parent)  # whoever made it may not have come to this

    def _manifest_path(self, sequence: int) -> Path:
        return self.path / "manifests" / f"{sequence:08}.json"

    def _pack_path(self, sha256: str) -> Path:
        return self.path / "packs" / f"{sha256}.zst"


def latest(entries: Iterable[Entry], as_of: datetime | None = None) -> dict[str, tuple[Entry, ...]]:
    """For each venue, the newest entry observed at or before ``as_of``, and what it rests on.

    An entry that is not complete says nothing about what it leaves out, so the older ones follow
    it, newest first, down to the newest complete one (or all, if none is). Of two entries observed
    at the same time the later appended is the newer.
    """
    found: dict[str, list[Entry]] = {}
    due = (entry for entry in entries if as_of is None or entry.observed_at <= as_of)
    for entry in sorted(due, key=lambda one: (one.observed_at, one.sequence), reverse=True):
        newer = found.setdefault(entry.venue, [])
        if not newer or not newer[-1].complete:
            newer.append(entry)
    return {venue: tuple(found[venue]) for venue in sorted(found)}


def _entry(manifest: Manifest, digest: str) -> Entry:
    return Entry(
        sequence=manifest["sequence"],
        venue=manifest["venue"],
        observed_at=moment(manifest["observed_at"]),
        complete=manifest["complete"],
        digest=digest,
        payloads=len(manifest["payloads"]),
        size=manifest["pack"]["size"],
        failed=any(
            one["provenance"]["origin"] == Origin.ATTEMPT.value for one in manifest["payloads"]
        ),
    )


def _raised(function: Callable[..., object], *arguments: object) -> list[ArchiveError]:
    try:
        function(*arguments)
    except ArchiveError as error:
        return [error]
    return []


def _check_format(archive: Path) -> None:
    path = archive / "format.json"
    content = _content(path)
    if content != FORMAT:
        what = f"holds {content[:40]!r} and not {FORMAT!r}: a newer version's, or damaged"
        raise ArchiveError(path, what)


def _names(directory: Path) -> list[str]:
    try:
        return sorted(path.name for path in directory.iterdir() if path.suffix != ".tmp")
    except OSError as error:
        raise ArchiveError(directory, f"cannot be listed: {error.strerror}") from error


def _content(path: Path) -> bytes:
    """Read a regular file of at most LIMIT bytes: no link, no pipe. Raises ArchiveError."""
    try:
        status = path.lstat()
        if not stat.S_ISREG(status.st_mode):
            raise ArchiveError(path, "is not a regular file")
        if status.st_size > LIMIT:
            raise ArchiveError(path, f"has {status.st_size} bytes; the most is {LIMIT}")
        return path.read_bytes()
    except FileNotFoundError as error:
        raise ArchiveError(path, "is missing") from error
    except OSError as error:
        raise ArchiveError(path, f"cannot be read: {error.strerror}") from error
