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

from collections.abc import Callable, Iterator, Sequence
from collections.abc import Set as AbstractSet
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime

from harmonize.archive.catalog import Catalog, Entry, continued, entry_of, needless, needs
from harmonize.archive.chain import (
    MANIFEST_NAME,
    Record,
    chain,
    manifest_name,
    record_at,
    sequences,
    sound,
)
from harmonize.archive.location import Place
from harmonize.archive.manifest import (
    PACK_NAME,
    WINDOW,
    Manifest,
    Packed,
    Pruning,
    check_pack,
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
from harmonize.archive.storage import DISK, ArchiveError, Disk, Objects, objects_at, said
from harmonize.core.payload import Snapshot

__all__ = ["MANIFEST_NAME", "Archive", "ArchiveError", "Problem"]

FORMATS = {1: b'{"format": 1}\n', 2: b'{"format": 2}\n'}
NEWEST = 2
ATTEMPTS = 20
"""How often an append yields its sequence number to another process before it gives up."""

WORTH = 0.5
"""The most that a pack on a base may take of what its base takes; above, a new one stands alone."""

_OURS = {"format.json", "packs", "manifests", "derived"}
_FOLDERS = {"": {"packs", "manifests", "derived"}, "packs": set[str](), "manifests": set[str]()}


@dataclass(frozen=True, slots=True)
class Problem:
    """What is wrong with one object; ``where`` is its path within the archive."""

    where: str
    what: str


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
            objects.prepare(_FOLDERS)
            for directory, ours in _FOLDERS.items():
                strangers = set(objects.names(directory)) - ours
                if strangers:
                    what = f"already holds {min(strangers)}; name a new or an empty directory"
                    raise ArchiveError(objects.place, what, directory)
            objects.publish("format.json", FORMATS[NEWEST])
            objects.settle("..")
        except OSError as error:
            what = f"cannot become an archive: {said(error)}"
            raise ArchiveError(objects.place, what) from error
        return cls(objects)

    @classmethod
    def found(cls, place: Place) -> "Archive | None":
        """Open the archive of a place, or give None where there is none. Raises ArchiveError."""
        try:
            names = objects_at(place).names("")
        except ArchiveError as error:
            if isinstance(error.__cause__, FileNotFoundError):
                return None
            raise
        return cls.open(place) if "format.json" in names else None

    @classmethod
    def opened(cls, place: Place) -> "Archive":
        """Open the archive of a place, or make it where there is none. Raises ArchiveError."""
        return cls.found(place) or cls.create(place)

    def entries(self) -> tuple[Entry, ...]:
        """List the snapshots in the order of their sequence, reading manifests only.

        Raises ArchiveError: a manifest is missing, damaged, or does not follow the one before.
        """
        return self.listing().entries

    def listing(self, known: Catalog | None = None) -> Catalog:
        """List the snapshots; of manifests that ``known`` covers only the last is read again.

        Raises ArchiveError, as ``entries`` does.
        """
        start = known if known and self._covers(known) else Catalog()
        return continued(start, sound(self.objects, start.sequence, start.digest))

    def tip(self) -> tuple[int, str]:
        """The sequence number of the newest record and its digest, which stand for the whole chain.

        Raises ArchiveError, as ``entries`` does.
        """
        sequence, previous, _ = self._next()
        return sequence - 1, previous

    def read(self, entry: Entry) -> Snapshot:
        """Take a snapshot out, holding every hash against its bytes. Raises ArchiveError."""
        name = manifest_name(entry.sequence)
        if entry.pruned:
            what = f"its payloads were pruned on {entry.pruned[:10]}; the record of them stays"
            raise ArchiveError(self.place, what, name)
        record, digest_ = record_at(self.objects, entry.sequence)
        if digest_ != entry.digest or "pruned_at" in record:
            what = f"has the digest {digest_} and not {entry.digest}, by which it was asked for"
            raise ArchiveError(self.place, what, name)
        return self._snapshot(record, {})

    def holds(self, entry: Entry, snapshot: Snapshot) -> bool:
        """Tell by its manifest whether an entry is of this very snapshot. Raises ArchiveError."""
        record, _ = record_at(self.objects, entry.sequence)
        return "pruned_at" not in record and holds(record, snapshot)

    def append(
        self, snapshot: Snapshot, like: Entry | None = None, *, imported: bool = False
    ) -> Entry:
        """Archive a snapshot; it lasts when this returns.

        ``like`` is an entry whose payloads resemble it: then only what is new takes room. A snapshot
        that the newest entry already holds is not archived twice, so that an append can be tried again.
        ``imported`` says that it was not gathered just now: its place in the sequence tells no time.

        Raises ArchiveError: not writable, or a snapshot that would not read back as it is. What
        was archived before is unchanged then; a pack without a manifest may be left.
        """
        with self.objects.held(alone=False):
            return self._append(snapshot, self._packed(snapshot, like), imported=imported)

    def _append(self, snapshot: Snapshot, pack: Packed, *, imported: bool) -> Entry:
        try:
            for attempt in range(ATTEMPTS):
                sequence, previous, last = self._next()
                if last is not None and "pruned_at" not in last and holds(last, snapshot):
                    self._snapshot(last, {})
                    self.objects.settle("manifests")  # it may have stood there and not lasted
                    return entry_of(last, previous)
                if not attempt:
                    self._publish_pack(pack)
                content = written(snapshot, pack, sequence, previous, imported=imported)
                with suppress(FileExistsError):  # another process was faster: follow its manifest
                    self.objects.publish(manifest_name(sequence), content)
                    return _appended(content)
        except OSError as error:
            what = f"cannot append: {said(error)}; what was archived before is unchanged"
            raise ArchiveError(self.place, what) from error
        what = "cannot append: other processes keep appending; run them one after the other"
        raise ArchiveError(self.place, what)

    def prune(
        self, drop: Sequence[Entry], at: datetime, reason: str, known: Catalog | None = None
    ) -> tuple[str, ...]:
        """Take away the packs that only the entries of ``drop`` need, and give their names.

        The record of it joins the chain first, so that a crash between leaves packs that a later
        pruning takes; every manifest stays. In a folder it waits for who appends; on an object store,
        run it while nothing else writes. Raises ArchiveError: format 1, or not writable.
        """
        if self.format < NEWEST:
            what = "has format 1, which cannot be pruned; import it into a new archive"
            raise ArchiveError(self.place, what)
        with self.objects.held(alone=True):
            return self._prune(drop, at, reason, known)

    def _prune(
        self, drop: Sequence[Entry], at: datetime, reason: str, known: Catalog | None
    ) -> tuple[str, ...]:
        before = self.listing(known)
        try:
            self._publish_pruning(before, {one.digest for one in drop}, at, reason)
            after = self.listing(before)
            held = set(self.objects.names("packs"))
            for name, _ in after.gone:
                if f"{name}.zst" in held:
                    self.objects.remove(_pack_name(name))
            self.objects.settle("packs")
        except (OSError, ValueError) as error:
            why = said(error) if isinstance(error, OSError) else error
            what = f"cannot prune: {why}; what is kept is unchanged"
            raise ArchiveError(self.place, what) from error
        return tuple(sorted(dict(after.gone).keys() - dict(before.gone).keys()))

    def _publish_pruning(
        self, known: Catalog, dropped: AbstractSet[str], at: datetime, reason: str
    ) -> None:
        """Record what is needless after the records that are there, however many came meanwhile."""
        for _ in range(ATTEMPTS):
            known = self.listing(known)
            packs = needless(known.entries, dropped)
            if not packs:
                return None
            sequence = known.sequence + 1
            content = pruning(packs, at, reason, sequence, known.digest)
            with suppress(FileExistsError):
                return self.objects.publish(manifest_name(sequence), content)
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
            steps = list(chain(self.objects, 0, ""))
            records = [step for step in steps if not isinstance(step, ArchiveError)]
            held = continued(Catalog(), records)
            yield from (step for step in steps if isinstance(step, ArchiveError))
            yield from self._bad_packs(records, held)
            yield from self._strangers(held)
        except ArchiveError as error:  # a directory that cannot be listed
            yield error

    def _bad_packs(self, records: Sequence[Record], held: Catalog) -> Iterator[ArchiveError]:
        """Read every pack that is due; one is named once, and not for the fault of its base."""
        there = {one.sequence for one in held.entries if not one.pruned}
        blamed: set[str] = set()
        bases: _Bases = {}
        for record, _ in records:
            if "pruned_at" in record or record["sequence"] not in there:
                continue
            for error in _raised(self._snapshot, record, bases):
                if error.name not in blamed:
                    blamed.add(error.name)
                    yield error

    def _strangers(self, held: Catalog) -> Iterator[ArchiveError]:
        for name in self.objects.names(""):
            if name not in _OURS:
                yield ArchiveError(self.place, "is no part of an archive", name)
        gone = dict(held.gone)
        named = {name for one in held.entries for name in needs(one)}
        for pattern, directory in ((MANIFEST_NAME, "manifests"), (PACK_NAME, "packs")):
            for name in self.objects.names(directory):
                where, pack = f"{directory}/{name}", name.removesuffix(".zst")
                if not pattern.fullmatch(name):
                    yield ArchiveError(self.place, "is no part of an archive", where)
                elif pack in gone:
                    what = f"is there, though it was pruned on {gone[pack][:10]}; prune again"
                    yield ArchiveError(self.place, what, where)
                elif directory == "packs" and pack not in named:
                    what = "is named by no sound manifest: one is gone, or an append broke off"
                    yield ArchiveError(self.place, what, where)

    def _covers(self, known: Catalog) -> bool:
        """Tell whether the record that a listing ends with is still the one of its place."""
        if not known.sequence:
            return True
        try:
            content = self.objects.read(manifest_name(known.sequence))
        except ArchiveError:
            return False
        return digest(content) == known.digest

    def _next(self) -> tuple[int, str, Manifest | Pruning | None]:
        """Give the sequence number that is free, and the record before it with its digest."""
        taken = sequences(self.objects)
        if not taken:
            return 1, "", None
        record, digest_ = record_at(self.objects, taken[-1])
        return taken[-1] + 1, digest_, record

    def _snapshot(self, manifest: Manifest, bases: _Bases) -> Snapshot:
        """Read a snapshot; ``bases`` remembers the last base of each venue."""
        pack, venue = manifest["pack"], manifest["venue"]
        name = _pack_name(pack["sha256"])
        content = self.objects.read(name)
        try:
            check_pack(pack, content)
            base = None
            if "base" in pack:
                if bases.get(venue, ("", b""))[0] != pack["base"]:
                    bases[venue] = (pack["base"], self._base(pack["base"])[0])
                base = bases[venue][1]
            return unpacked(manifest, content, base)
        except ValueError as error:
            raise ArchiveError(self.place, str(error), name) from error

    def _base(self, sha256: str) -> tuple[bytes, int]:
        """What a pack holds that is to stand alone, and how many bytes it takes itself."""
        name = _pack_name(sha256)
        content = self.objects.read(name)
        try:
            found = digest(content)
            require(found == sha256, f"is damaged: the sha256 of its bytes is {found}")
            return content_of(content), len(content)
        except ValueError as error:
            raise ArchiveError(self.place, str(error), name) from error

    def _packed(self, snapshot: Snapshot, like: Entry | None) -> Packed:
        """Compress the payloads, and make sure that the snapshot will read back as it is."""
        bodies = b"".join(payload.content for payload in snapshot.payloads)
        try:
            pack, base = self._compressed(bodies, like)
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
            base, taken = self._base(sha256)
        except ArchiveError:  # what is damaged is for `verify` to tell; this snapshot stands alone
            return packed(bodies), None
        if max(len(base), len(bodies)) > 2**WINDOW:
            return packed(bodies), None
        found = packed_against(bodies, base, sha256)
        return (found, base) if len(found.content) <= WORTH * taken else (packed(bodies), None)

    def _publish_pack(self, pack: Packed) -> None:
        name = _pack_name(digest(pack.content))
        try:
            self.objects.publish(name, pack.content)
        except FileExistsError:
            if self.objects.read(name) != pack.content:
                what = "is damaged, so nothing can be archived under its name; restore it first"
                raise ArchiveError(self.place, what, name) from None
            self.objects.settle("packs")  # whoever made it may not have come to this


def _pack_name(sha256: str) -> str:
    return f"packs/{sha256}.zst"


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
