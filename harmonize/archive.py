"""The append-only archive of what venues sent: append, read, verify, prune.

An archive is a folder, or a place of an object store that fsspec opens::

    format.json                 {"format": 2}
    packs/<sha256>.zst          the payloads of one snapshot, one after the other, in one zstd frame
    manifests/<sequence>.json   one snapshot: which pack, and what each stretch of it answers
    derived/                    tables that can be made anew from the rest; no part of the chain

A pack is named by the hash of its own bytes. It may be compressed against the content of an earlier
one, its base, which stands alone; so a night that brought little news takes little room. A manifest is
sealed: ``seal`` is its hash with an empty seal; and chained: ``previous`` is the hash of the whole
manifest before it. So a byte that changes, goes or comes in any object shows, and so does an object
that is missing or out of place. A pack that was taken away on purpose is named, with the day and the
reason, by a record in the same chain; all other manifests stay. Format 1 is the same without bases
and without such records; it is read and appended to as it is.

What this cannot show: that the newest manifests were taken away together with the packs that only
they name, or that someone wrote the whole chain anew. No file inside the archive could; to know,
keep the digest of the newest entry elsewhere and look for it again.

Files come into being whole: written under a temporary name (``*.tmp``, of no meaning if a crash
leaves one), flushed, and linked to their final name, which fails where that name is taken; an object
store does the same by one conditional request. The pack is durable before its manifest exists, and
the manifest is what makes a snapshot part of the archive. Equal snapshots in equal order give equal
bytes, as long as the version of zstd is the same.
"""

import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime

from harmonize.listing import Entry, Listing, bring_back, entry_of, gone_and_named, take_away
from harmonize.manifest import (
    PACK_NAME,
    Manifest,
    Packed,
    Pruning,
    content_of,
    digest,
    holds,
    packed,
    packed_against,
    parsed,
    pruning,
    require,
    unpacked,
    written,
)
from harmonize.objects import DISK, ArchiveError, Disk, Objects, objects_at
from harmonize.payload import Snapshot
from harmonize.place import Place

__all__ = ["Archive", "ArchiveError", "Problem"]

FORMATS = {1: b'{"format": 1}\n', 2: b'{"format": 2}\n'}
NEWEST = 2
ATTEMPTS = 20
"""How often an append yields its sequence number to another process before it gives up."""

WORTH = 0.5
"""The most that a pack on a base may take of what its base takes; above, a new one stands alone."""

MANIFEST_NAME = re.compile(r"(?!0{8})([0-9]{8})\.json")
_OURS = {"format.json", "packs", "manifests", "derived"}


@dataclass(frozen=True, slots=True)
class Problem:
    """What is wrong with one object; ``where`` is its path within the archive."""

    where: str
    what: str


_Record = tuple[Manifest | Pruning, str]
_Bases = dict[str, tuple[str, bytes]]


@dataclass(frozen=True, slots=True)
class Archive:
    """Snapshots in one place. Open one with ``Archive.open`` or ``Archive.create``."""

    objects: Objects
    format: int = NEWEST

    @property
    def place(self) -> Place:
        """Where it lies: a folder or a URL."""
        return self.objects.place

    @classmethod
    def open(cls, place: Place) -> "Archive":
        """Take an archive that exists. Raises ArchiveError: none there, or an unknown format."""
        objects = objects_at(place)
        try:
            return cls(objects, _format_of(objects))
        except ArchiveError as error:
            what = f"is not an archive that this version reads: {error.name} {error.what}"
            raise ArchiveError(objects.place, what) from error

    @classmethod
    def create(cls, place: Place, disk: Disk = DISK) -> "Archive":
        """Make an empty archive. Raises ArchiveError: files there already, or not writable."""
        objects = objects_at(place, disk)
        try:
            objects.prepare(("", "packs", "manifests"))
            for directory in ("", "packs", "manifests"):
                strangers = set(objects.names(directory)) - {"packs", "manifests"}
                if strangers:
                    what = f"already holds {min(strangers)}; name a new or an empty directory"
                    raise ArchiveError(objects.place, what, directory)
            objects.publish("format.json", FORMATS[NEWEST])
            objects.settle("..")
        except OSError as error:
            what = f"cannot become an archive: {_said(error)}"
            raise ArchiveError(objects.place, what) from error
        return cls(objects)

    @classmethod
    def found(cls, place: Place) -> "Archive | None":
        """Open the archive of a place, or give None where there is none. Raises ArchiveError."""
        objects = objects_at(place)
        if _raised(objects.names, "") or "format.json" not in objects.names(""):
            return None
        return cls.open(place)

    @classmethod
    def opened(cls, place: Place) -> "Archive":
        """Open the archive of a place, or make it where there is none. Raises ArchiveError."""
        return cls.found(place) or cls.create(place)

    def entries(self) -> tuple[Entry, ...]:
        """List the snapshots in the order of their sequence, reading manifests only.

        Raises ArchiveError: a manifest is missing, damaged, or does not follow the one before.
        """
        return self.listing().entries

    def listing(self, known: Listing | None = None) -> Listing:
        """List the snapshots; of manifests that ``known`` covers only the last is read again.

        Raises ArchiveError, as ``entries`` does.
        """
        start = known if known and self._covers(known) else Listing()
        found = {one.sequence: one for one in start.entries}
        sequence, last = start.sequence, start.digest
        for step in self._chain(start.sequence, start.digest):
            if isinstance(step, ArchiveError):
                raise step
            record, last = step
            sequence = record["sequence"]
            if "pruned_at" in record:
                take_away(found, record)
            else:
                entry = entry_of(record, last)
                bring_back(found, entry)
                found[sequence] = entry
        return Listing(tuple(found.values()), sequence, last)

    def read(self, entry: Entry) -> Snapshot:
        """Take a snapshot out, holding every hash against its bytes. Raises ArchiveError."""
        name = _manifest_name(entry.sequence)
        if entry.pruned:
            what = f"its payloads were pruned on {entry.pruned[:10]}; the record of them stays"
            raise ArchiveError(self.place, what, name)
        record, digest_ = self._record(entry.sequence)
        if digest_ != entry.digest or "pruned_at" in record:
            what = f"has the digest {digest_} and not {entry.digest}, by which it was asked for"
            raise ArchiveError(self.place, what, name)
        return self._snapshot(record, {})

    def append(self, snapshot: Snapshot, like: Entry | None = None) -> Entry:
        """Archive a snapshot; it lasts when this returns.

        ``like`` is an entry whose payloads resemble it: then only what is new takes room. A snapshot
        that the newest entry already holds is not archived twice, so that an append can be tried again.

        Raises ArchiveError: not writable, or a snapshot that would not read back as it is. What
        was archived before is unchanged then; a pack without a manifest may be left.
        """
        pack = self._packed(snapshot, like)
        try:
            for attempt in range(ATTEMPTS):
                sequence, previous, last = self._next()
                if last is not None and "pruned_at" not in last and holds(last, snapshot):
                    self._snapshot(last, {})
                    self.objects.settle("manifests")  # it may have stood there and not lasted
                    return entry_of(last, previous)
                if not attempt:
                    self._publish_pack(pack)
                content = written(snapshot, pack, sequence, previous)
                with suppress(FileExistsError):  # another process was faster: follow its manifest
                    self.objects.publish(_manifest_name(sequence), content)
                    return _appended(content)
        except OSError as error:
            what = f"cannot append: {_said(error)}; what was archived before is unchanged"
            raise ArchiveError(self.place, what) from error
        what = "cannot append: other processes keep appending; run them one after the other"
        raise ArchiveError(self.place, what)

    def prune(self, drop: Sequence[Entry], at: datetime, reason: str) -> tuple[str, ...]:
        """Take away the packs that only the entries of ``drop`` need, and give their names.

        The record of it joins the chain first, so that a crash between leaves packs that a later
        pruning takes; every manifest stays. Run this while nothing else appends.
        Raises ArchiveError: format 1, or not writable.
        """
        if self.format < NEWEST:
            what = "has format 1, which cannot be pruned; import it into a new archive"
            raise ArchiveError(self.place, what)
        entries = self.entries()
        dropped = {one.digest for one in drop}
        kept = {
            name
            for one in entries
            if not one.pruned and one.digest not in dropped
            for name in (one.pack, one.base)
        }
        packs = sorted({one.pack for one in entries if one.digest in dropped} - kept)
        try:
            if packs:
                self._publish_pruning(packs, at, reason)
            gone = {*packs, *(one.pack for one in entries if one.pruned)} - kept
            held = set(self.objects.names("packs"))
            for name in sorted(gone):
                if f"{name}.zst" in held:
                    self.objects.remove(_pack_name(name))
            self.objects.settle("packs")
        except OSError as error:
            what = f"cannot prune: {_said(error)}; what is kept is unchanged"
            raise ArchiveError(self.place, what) from error
        return tuple(packs)

    def _publish_pruning(self, packs: list[str], at: datetime, reason: str) -> None:
        for _ in range(ATTEMPTS):
            sequence, previous, _last = self._next()
            with suppress(FileExistsError):
                content = pruning(packs, at, reason, sequence, previous)
                return self.objects.publish(_manifest_name(sequence), content)
        what = "cannot prune: other processes keep appending; run them one after the other"
        raise ArchiveError(self.place, what)

    def verify(self) -> tuple[Problem, ...]:
        """Hold every byte against the hashes and name each object that fails; empty is sound.

        A pack that no manifest names is a problem too: an interrupted append leaves one, but so
        does the removal of the newest manifest. Run this while nothing appends.
        """
        return tuple(Problem(error.name, error.what) for error in self._errors())

    def _errors(self) -> Iterator[ArchiveError]:
        yield from _raised(_format_of, self.objects)
        try:
            steps = list(self._chain(0, ""))
            records = [step[0] for step in steps if not isinstance(step, ArchiveError)]
            gone, named = gone_and_named(records)
            bases: _Bases = {}
            for step in steps:
                if isinstance(step, ArchiveError):
                    yield step
                elif "pruned_at" not in step[0] and step[0]["pack"]["sha256"] not in gone:
                    yield from _raised(self._snapshot, step[0], bases)
            yield from self._strangers(named)
        except ArchiveError as error:  # a directory that cannot be listed
            yield error

    def _strangers(self, named: set[str]) -> Iterator[ArchiveError]:
        for name in self.objects.names(""):
            if name not in _OURS:
                yield ArchiveError(self.place, "is no part of an archive", name)
        for pattern, directory in ((MANIFEST_NAME, "manifests"), (PACK_NAME, "packs")):
            for name in self.objects.names(directory):
                where = f"{directory}/{name}"
                if not pattern.fullmatch(name):
                    yield ArchiveError(self.place, "is no part of an archive", where)
                elif directory == "packs" and name not in named:
                    what = "is named by no sound manifest: one is gone, or an append broke off"
                    yield ArchiveError(self.place, what, where)

    def _chain(self, before: int, previous: str | None) -> Iterator[_Record | ArchiveError]:
        """Follow the records after one, each with its digest; what is not sound is yielded as an error.

        ``previous`` None means that the record before is not sound, so that nothing can follow it.
        """
        for sequence in self._sequences():
            if sequence <= before:
                continue
            if sequence != before + 1:
                upto = "" if sequence == before + 2 else f", as are all up to {sequence - 1:08}"
                yield ArchiveError(self.place, f"is missing{upto}", _manifest_name(before + 1))
                previous = None
            before = sequence
            try:
                record, digest_ = self._record(sequence)
            except ArchiveError as error:
                yield error
                previous = None
                continue
            if previous is not None and record["previous"] != previous:
                what = "does not follow the manifest before it: one of the two was replaced"
                yield ArchiveError(self.place, what, _manifest_name(sequence))
            previous = digest_
            yield record, digest_

    def _covers(self, known: Listing) -> bool:
        """Tell whether the record that a listing ends with is still the one of its place."""
        if not known.sequence:
            return True
        try:
            content = self.objects.read(_manifest_name(known.sequence))
        except ArchiveError:
            return False
        return digest(content) == known.digest

    def _sequences(self) -> list[int]:
        matches = map(MANIFEST_NAME.fullmatch, self.objects.names("manifests"))
        return [int(match[1]) for match in matches if match]

    def _next(self) -> tuple[int, str, Manifest | Pruning | None]:
        """Give the sequence number that is free, and the record before it with its digest."""
        sequences = self._sequences()
        if not sequences:
            return 1, "", None
        record, digest_ = self._record(sequences[-1])
        return sequences[-1] + 1, digest_, record

    def _record(self, sequence: int) -> _Record:
        name = _manifest_name(sequence)
        content = self.objects.read(name)
        try:
            record = parsed(content)
        except (ValueError, RecursionError) as error:
            raise ArchiveError(self.place, f"is damaged: {error}", name) from error
        if record["sequence"] != sequence:
            what = f"holds sequence {record['sequence']}, so it stands in another's place"
            raise ArchiveError(self.place, what, name)
        return record, digest(content)

    def _snapshot(self, manifest: Manifest, bases: _Bases) -> Snapshot:
        """Read a snapshot; ``bases`` remembers the last base of each venue."""
        name = _pack_name(manifest["pack"]["sha256"])
        content = self.objects.read(name)
        named, base, venue = manifest["pack"].get("base"), None, manifest["venue"]
        if named is not None:
            if bases.get(venue, ("", b""))[0] != named:
                bases[venue] = (named, self._content_of(named))
            base = bases[venue][1]
        try:
            return unpacked(manifest, content, base)
        except ValueError as error:
            raise ArchiveError(self.place, str(error), name) from error

    def _content_of(self, sha256: str) -> bytes:
        """What the pack of a name holds, which is to stand alone."""
        name = _pack_name(sha256)
        content = self.objects.read(name)
        try:
            found = digest(content)
            require(found == sha256, f"is damaged: the sha256 of its bytes is {found}")
            return content_of(content)
        except ValueError as error:
            raise ArchiveError(self.place, str(error), name) from error

    def _packed(self, snapshot: Snapshot, like: Entry | None) -> Packed:
        """Compress the payloads, and make sure that the snapshot will read back as it is."""
        bodies = b"".join(payload.content for payload in snapshot.payloads)
        pack, base = self._compressed(bodies, like)
        try:
            again = parsed(written(snapshot, pack, 1, ""))
            faithful = "pruned_at" not in again and (
                unpacked(again, pack.content, base) == snapshot
            )
            require(faithful, "a payload is of another venue, or a time has no zone")
        except (ValueError, TypeError, OverflowError) as error:
            what = f"cannot append this snapshot of {snapshot.venue!r}: {error}"
            raise ArchiveError(self.place, what) from error
        return pack

    def _compressed(self, bodies: bytes, like: Entry | None) -> tuple[Packed, bytes | None]:
        """Compress, against the base of a like entry where that is worth it."""
        if like is None or like.pruned or self.format < NEWEST:
            return packed(bodies), None
        sha256 = like.base or like.pack
        try:
            base = self._content_of(sha256)
            room = WORTH * len(self.objects.read(_pack_name(sha256)))
        except ArchiveError:  # what is damaged is for `verify` to tell; this snapshot stands alone
            return packed(bodies), None
        found = packed_against(bodies, base, sha256)
        return (found, base) if len(found.content) <= room else (packed(bodies), None)

    def _publish_pack(self, pack: Packed) -> None:
        name = _pack_name(digest(pack.content))
        try:
            self.objects.publish(name, pack.content)
        except FileExistsError:
            if self.objects.read(name) != pack.content:
                what = "is damaged, so nothing can be archived under its name; restore it first"
                raise ArchiveError(self.place, what, name) from None
            self.objects.settle("packs")  # whoever made it may not have come to this


def _manifest_name(sequence: int) -> str:
    return f"manifests/{sequence:08}.json"


def _pack_name(sha256: str) -> str:
    return f"packs/{sha256}.zst"


def _said(error: OSError) -> str:
    return error.strerror or str(error) or type(error).__name__


def _appended(content: bytes) -> Entry:
    record = parsed(content)
    assert "pruned_at" not in record  # noqa: S101 - it was written as a manifest
    return entry_of(record, digest(content))


def _raised(function: Callable[..., object], *arguments: object) -> list[ArchiveError]:
    try:
        function(*arguments)
    except ArchiveError as error:
        return [error]
    return []


def _format_of(objects: Objects) -> int:
    content = objects.read("format.json")
    for number, text in FORMATS.items():
        if content == text:
            return number
    what = f"holds {content[:40]!r} and not {FORMATS[NEWEST]!r}: a newer version's, or damaged"
    raise ArchiveError(objects.place, what, "format.json")
