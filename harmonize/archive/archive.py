"""The append-only archive of venue responses: append, read, verify, prune.

An archive is a folder, or a prefix of an object store that fsspec opens::

    format.json                 {"format": 2}
    packs/<sha256>.zst          the payloads of one snapshot, concatenated in one zstd frame
    manifests/<sequence>.json   one snapshot: its pack, and the call behind each byte range of it
    derived/                    tables computed from the rest; not part of the chain

A pack is named by the hash of its own bytes. A pack may be compressed against the content of an
earlier pack, its base, which has no base itself. A night with few changes therefore needs little space.

A manifest is sealed: ``seal`` is its hash with an empty seal. It is chained: ``previous`` is the hash
of the whole manifest before it. Verification therefore detects every changed, added or removed byte,
and every missing or misplaced object. A pack removed on purpose is named, with the date and the
reason, by a record in the same chain; all other manifests stay. Format 1 has neither bases nor such
records; an archive of format 1 is read and appended to without conversion.

Verification cannot detect the removal of the newest manifests together with the packs that only they
name, nor a chain rewritten as a whole. No file inside the archive could. To detect both, keep the
digest of the newest entry elsewhere and compare it later.

Files are created atomically: written under a temporary name (``*.tmp``, meaningless if a crash leaves
one), flushed, and linked to their final name. Linking fails if that name is taken; an object store
achieves the same by one conditional request. The pack is durable before its manifest exists, and
the manifest makes a snapshot part of the archive. A crash between the two leaves an orphan, a pack
that no record names; the next append or pruning in a folder removes it. Equal snapshots in equal
order produce equal bytes, given the same version of zstd.
"""

from collections.abc import Sequence
from collections.abc import Set as AbstractSet
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime

from harmonize.archive.catalog import (
    Catalog,
    Entry,
    entry_from,
    extend_catalog,
    removable_packs,
)
from harmonize.archive.chain import (
    MANIFEST_NAME,
    intact_records,
    manifest_name,
    read_record,
    sequences,
)
from harmonize.archive.integrity import IntegrityProblem, problems
from harmonize.archive.leftovers import SAFE_AGE, sweep
from harmonize.archive.location import ArchiveLocation
from harmonize.archive.manifest import (
    WINDOW_LOG,
    CompressedPack,
    Manifest,
    Pruning,
    compress,
    compress_against,
    describes,
    digest,
    manifest_bytes,
    parse_record,
    pruning_bytes,
    require,
    unpack,
)
from harmonize.archive.packs import pack_name, read_base, read_snapshot
from harmonize.archive.storage import (
    DISK,
    ArchiveError,
    Disk,
    Storage,
    error_text,
    storage_at,
)
from harmonize.core.payload import Snapshot

__all__ = ["MANIFEST_NAME", "Archive", "ArchiveError", "IntegrityProblem"]

FORMATS = {1: b'{"format": 1}\n', 2: b'{"format": 2}\n'}
NEWEST_FORMAT = 2
MAX_ATTEMPTS = 20
"""How often an append yields its sequence number to another process before it fails."""

MAX_SIZE_RATIO = 0.5
"""Largest size of a pack relative to its base; a larger pack is stored without a base."""

_FOLDERS = {"": {"packs", "manifests", "derived"}, "packs": set[str](), "manifests": set[str]()}


@dataclass(frozen=True, slots=True)
class Archive:
    """The snapshots at one location. Open one with ``Archive.open`` or ``Archive.create``."""

    storage: Storage
    format: int = NEWEST_FORMAT

    @property
    def place(self) -> ArchiveLocation:
        """Location of the archive: a folder or a URL."""
        return self.storage.place

    @classmethod
    def open(cls, place: ArchiveLocation) -> "Archive":
        """Opens an existing archive. Raises ArchiveError: no archive, or an unknown format."""
        storage = storage_at(place)
        try:
            return cls(storage, _format_of(storage))
        except ArchiveError as error:
            problem = f"cannot be opened as an archive: {error.name} {error.problem}"
            raise ArchiveError(storage.place, problem) from error

    @classmethod
    def create(cls, place: ArchiveLocation, disk: Disk = DISK) -> "Archive":
        """Creates an empty archive. Raises ArchiveError: other files exist, or not writable."""
        storage = storage_at(place, disk)
        try:
            storage.prepare(_FOLDERS)
            for directory, expected in _FOLDERS.items():
                foreign = set(storage.names(directory)) - expected
                if foreign:
                    problem = f"already contains {min(foreign)}; use a new or an empty directory"
                    raise ArchiveError(storage.place, problem, directory)
            storage.publish("format.json", FORMATS[NEWEST_FORMAT])
            storage.sync("..")
        except OSError as error:
            problem = f"cannot create an archive: {error_text(error)}"
            raise ArchiveError(storage.place, problem) from error
        return cls(storage)

    @classmethod
    def find(cls, place: ArchiveLocation) -> "Archive | None":
        """Opens the archive at a location; None if there is none. Raises ArchiveError."""
        try:
            names = storage_at(place).names("")
        except ArchiveError as error:
            if isinstance(error.__cause__, FileNotFoundError):
                return None
            raise
        return cls.open(place) if "format.json" in names else None

    @classmethod
    def open_or_create(cls, place: ArchiveLocation) -> "Archive":
        """Opens the archive at a location, or creates it if there is none. Raises ArchiveError."""
        return cls.find(place) or cls.create(place)

    def entries(self) -> tuple[Entry, ...]:
        """Returns the entries in the order of their sequence, reading manifests only.

        Raises ArchiveError: a manifest is missing, damaged, or does not follow its predecessor.
        """
        return self.listing().entries

    def listing(self, cached: Catalog | None = None) -> Catalog:
        """Returns the catalog; of the manifests that ``cached`` covers only the last is read again.

        Raises ArchiveError, as ``entries`` does.
        """
        start = cached if cached and self._is_current(cached) else Catalog()
        return extend_catalog(start, intact_records(self.storage, start.sequence, start.digest))

    def tip(self) -> tuple[int, str]:
        """Returns sequence number and digest of the newest record, which identify the whole chain.

        Raises ArchiveError, as ``entries`` does.
        """
        sequence, previous, _ = self._next()
        return sequence - 1, previous

    def read(self, entry: Entry) -> Snapshot:
        """Returns the snapshot of an entry after checking every hash. Raises ArchiveError."""
        name = manifest_name(entry.sequence)
        if entry.pruned:
            problem = f"payloads were pruned on {entry.pruned[:10]}; only their record remains"
            raise ArchiveError(self.place, problem, name)
        record, record_digest = read_record(self.storage, entry.sequence)
        if record_digest != entry.digest or "pruned_at" in record:
            problem = f"expected the digest {entry.digest}, found {record_digest}"
            raise ArchiveError(self.place, problem, name)
        return read_snapshot(self.storage, record, {})

    def holds(self, entry: Entry, snapshot: Snapshot) -> bool:
        """Returns whether an entry's manifest describes exactly this snapshot. Raises ArchiveError."""
        record, _ = read_record(self.storage, entry.sequence)
        return "pruned_at" not in record and describes(record, snapshot)

    def append(
        self, snapshot: Snapshot, similar: Entry | None = None, *, imported: bool = False
    ) -> Entry:
        """Archives a snapshot; it is durable when this returns.

        ``similar`` is an entry with similar payloads: then only the differences need space. A
        snapshot that the newest entry already holds is not archived twice, so that an append can be
        repeated. ``imported`` marks a snapshot whose place in the sequence implies no time.

        Raises ArchiveError: not writable, or a snapshot that would not read back unchanged. The
        archived snapshots are unchanged then; a pack without a manifest may remain.
        """
        with self.storage.sole_use() as is_alone:
            if is_alone:
                sweep(self.storage, 0.0, recent=True)
        with self.storage.lock(exclusive=False):
            return self._append(snapshot, self._pack(snapshot, similar), imported=imported)

    def _append(self, snapshot: Snapshot, pack: CompressedPack, *, imported: bool) -> Entry:
        try:
            for attempt in range(MAX_ATTEMPTS):
                sequence, previous, last = self._next()
                if last is not None and "pruned_at" not in last and describes(last, snapshot):
                    read_snapshot(self.storage, last, {})
                    self.storage.sync("manifests")  # it may exist without being durable
                    return entry_from(last, previous)
                if not attempt:
                    self._publish_pack(pack)
                content = manifest_bytes(snapshot, pack, sequence, previous, imported=imported)
                with suppress(FileExistsError):  # another process was faster: follow its manifest
                    self.storage.publish(manifest_name(sequence), content)
                    return _appended_entry(content)
        except OSError as error:
            problem = f"cannot append: {error_text(error)}; existing snapshots are unchanged"
            raise ArchiveError(self.place, problem) from error
        problem = "cannot append: other processes keep appending; run them one at a time"
        raise ArchiveError(self.place, problem)

    def prune(
        self, drop: Sequence[Entry], at: datetime, reason: str, cached: Catalog | None = None
    ) -> tuple[str, ...]:
        """Removes the packs that only the entries of ``drop`` require, and returns their hashes.

        The pruning record joins the chain first. A crash in between leaves packs that a later
        pruning removes; every manifest stays. What interrupted writes left is removed too. In a folder the pruning waits for running appends. On
        an object store, run it while nothing else writes. Raises ArchiveError: format 1, or not
        writable.
        """
        if self.format < NEWEST_FORMAT:
            problem = "format 1 cannot be pruned; import it into a new archive"
            raise ArchiveError(self.place, problem)
        with self.storage.lock(exclusive=True) as is_locked:
            pruned = self._prune(drop, at, reason, cached)
            sweep(self.storage, 0.0 if is_locked else SAFE_AGE, recent=False)
            return pruned

    def _prune(
        self, drop: Sequence[Entry], at: datetime, reason: str, cached: Catalog | None
    ) -> tuple[str, ...]:
        before = self.listing(cached)
        try:
            self._publish_pruning(before, {entry.digest for entry in drop}, at, reason)
            after = self.listing(before)
            existing = set(self.storage.names("packs"))
            for sha256, _ in after.gone:
                if f"{sha256}.zst" in existing:
                    self.storage.remove(pack_name(sha256))
            self.storage.sync("packs")
        except (OSError, ValueError) as error:
            cause = error_text(error) if isinstance(error, OSError) else error
            problem = f"cannot prune: {cause}; remaining snapshots are unchanged"
            raise ArchiveError(self.place, problem) from error
        return tuple(sorted(dict(after.gone).keys() - dict(before.gone).keys()))

    def _publish_pruning(
        self, cached: Catalog, dropped: AbstractSet[str], at: datetime, reason: str
    ) -> None:
        """Appends the pruning record after all records, including those appended meanwhile."""
        for _ in range(MAX_ATTEMPTS):
            cached = self.listing(cached)
            packs = removable_packs(cached.entries, dropped)
            if not packs:
                return None
            sequence = cached.sequence + 1
            content = pruning_bytes(packs, at, reason, sequence, cached.digest)
            with suppress(FileExistsError):
                return self.storage.publish(manifest_name(sequence), content)
        problem = "cannot prune: other processes keep appending; run them one at a time"
        raise ArchiveError(self.place, problem)

    def verify(self) -> tuple[IntegrityProblem, ...]:
        """Checks every byte against the hashes; empty if the archive is intact.

        A readable pack that no record names is an orphan: an interrupted append leaves one without
        any loss, but so does the removal of the newest manifest. Run this while nothing appends.
        """
        try:
            _format_of(self.storage)
        except ArchiveError as error:
            return (IntegrityProblem(error.name, error.problem), *problems(self.storage))
        return tuple(problems(self.storage))

    def _is_current(self, cached: Catalog) -> bool:
        """Returns whether the last record of a catalog is still the one stored under its number."""
        if not cached.sequence:
            return True
        try:
            content = self.storage.read(manifest_name(cached.sequence))
        except ArchiveError:
            return False
        return digest(content) == cached.digest

    def _next(self) -> tuple[int, str, Manifest | Pruning | None]:
        """Returns the next free sequence number, and digest and content of the record before it."""
        used = sequences(self.storage)
        if not used:
            return 1, "", None
        record, record_digest = read_record(self.storage, used[-1])
        return used[-1] + 1, record_digest, record

    def _pack(self, snapshot: Snapshot, similar: Entry | None) -> CompressedPack:
        """Compresses the payloads and checks that the snapshot would read back unchanged."""
        content = b"".join(payload.content for payload in snapshot.payloads)
        try:
            pack, base = self._compress(content, similar)
            manifest = parse_record(manifest_bytes(snapshot, pack, 1, ""))
            is_faithful = "pruned_at" not in manifest and (
                unpack(manifest, pack.content, base) == snapshot
            )
            require(is_faithful, "a payload belongs to another venue, or a time has no time zone")
        except (ValueError, TypeError, OverflowError) as error:
            problem = f"cannot append this snapshot of {snapshot.venue!r}: {error}"
            raise ArchiveError(self.place, problem) from error
        return pack

    def _compress(
        self, content: bytes, similar: Entry | None
    ) -> tuple[CompressedPack, bytes | None]:
        """Compresses against the base of a similar entry if that saves enough space.

        Returns the pack and the content of its base, None if the pack has none.
        """
        if similar is None or similar.pruned or self.format < NEWEST_FORMAT:
            return compress(content), None
        sha256 = similar.base or similar.pack
        try:
            base, base_size = read_base(self.storage, sha256)
        except ArchiveError:  # `verify` reports the damage; this snapshot does without the base
            return compress(content), None
        if max(len(base), len(content)) > 2**WINDOW_LOG:
            return compress(content), None
        pack = compress_against(content, base, sha256)
        if len(pack.content) <= MAX_SIZE_RATIO * base_size:
            return pack, base
        return compress(content), None

    def _publish_pack(self, pack: CompressedPack) -> None:
        name = pack_name(digest(pack.content))
        try:
            self.storage.publish(name, pack.content)
        except FileExistsError:
            if self.storage.read(name) != pack.content:
                problem = "is damaged and blocks its name; restore it before appending"
                raise ArchiveError(self.place, problem, name) from None
            self.storage.sync("packs")  # its creator may have stopped before this step


def _appended_entry(content: bytes) -> Entry:
    record = parse_record(content)
    assert "pruned_at" not in record  # noqa: S101 - it was written as a manifest
    return entry_from(record, digest(content))


def _format_of(storage: Storage) -> int:
    content = storage.read("format.json")
    for number, text in FORMATS.items():
        if content == text:
            return number
    problem = f"expected {FORMATS[NEWEST_FORMAT]!r}, found {content[:40]!r}: damaged, or of a newer version"
    raise ArchiveError(storage.place, problem, "format.json")
