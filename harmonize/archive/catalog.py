"""Lists the snapshots of an archive without their payloads, and selects the entries in effect."""

from bisect import bisect_right
from collections.abc import Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, replace
from datetime import datetime
from operator import attrgetter

from harmonize.archive.manifest import Manifest, Pruning, date_precision, parse_utc
from harmonize.core.date_precision import DateKind, DatePrecision
from harmonize.core.payload import Origin


@dataclass(frozen=True, slots=True)
class Entry:
    """One archived snapshot, without its payloads.

    ``digest`` is the hash of the manifest, ``payloads`` their number, ``size`` the bytes of the pack.
    ``failed`` marks the record of a failed gathering attempt. ``pack`` and ``base`` name packs by
    hash. ``pruned`` is the time at which one of them was removed, empty while both exist.
    ``gathered`` marks a snapshot gathered into this archive, neither imported nor recorded.
    ``observed_at`` is the latest possible time of the observation, ``date_kind`` and
    ``observed_from``, the earliest possible one, state how far it is known.
    """

    sequence: int
    venue: str
    observed_at: datetime
    complete: bool
    digest: str
    payloads: int
    size: int
    failed: bool = False
    pack: str = ""
    base: str = ""
    pruned: str = ""
    gathered: bool = False
    date_kind: str = DateKind.EXACT.value
    observed_from: datetime | None = None

    @property
    def precision(self) -> DatePrecision:
        """How far the observation time is known."""
        return DatePrecision(DateKind(self.date_kind), self.observed_from)


@dataclass(frozen=True, slots=True)
class Catalog:
    """The snapshots of an archive up to one record of its chain.

    ``sequence`` and ``digest`` identify that record. ``gone`` pairs each pruned pack that no later
    manifest restored with the time of its pruning.
    """

    entries: tuple[Entry, ...] = ()
    sequence: int = 0
    digest: str = ""
    gone: tuple[tuple[str, str], ...] = ()


def newest_by_venue(entries: Iterable[Entry]) -> dict[str, Entry]:
    """Returns the last appended entry per venue, excluding failed attempts and pruned entries."""
    return {entry.venue: entry for entry in entries if not entry.failed and not entry.pruned}


def extend_catalog(catalog: Catalog, records: Iterable[tuple[Manifest | Pruning, str]]) -> Catalog:
    """Returns a catalog extended by the records that follow it, each with its digest.

    A pruned pack exists again from the next manifest that requires it.
    """
    entries, gone = list(catalog.entries), dict(catalog.gone)
    sequence, last_digest = catalog.sequence, catalog.digest
    for record, last_digest in records:
        sequence = record["sequence"]
        if "pruned_at" in record:
            gone = dict.fromkeys(record["packs"], record["pruned_at"]) | gone
            continue
        entries.append(entry_from(record, last_digest))
        for name in required_packs(entries[-1]):
            gone.pop(name, None)
    marked = tuple(_with_pruning_time(entry, gone) for entry in entries)
    return Catalog(marked, sequence, last_digest, tuple(sorted(gone.items())))


def required_packs(entry: Entry) -> tuple[str, ...]:
    """Returns the hashes of the packs without which an entry cannot be read."""
    return (entry.pack, entry.base) if entry.base else (entry.pack,)


def _with_pruning_time(entry: Entry, gone: Mapping[str, str]) -> Entry:
    pruned = next((gone[name] for name in required_packs(entry) if name in gone), "")
    return entry if entry.pruned == pruned else replace(entry, pruned=pruned)


def removable_packs(entries: Iterable[Entry], dropped: AbstractSet[str]) -> list[str]:
    """Returns the existing packs that only the entries with a digest in ``dropped`` require."""
    required_by: dict[bool, set[str]] = {True: set(), False: set()}
    for entry in entries:
        if not entry.pruned:
            required_by[entry.digest in dropped].update(required_packs(entry))
    return sorted(required_by[True] - required_by[False])


def latest(entries: Iterable[Entry], as_of: datetime | None = None) -> dict[str, tuple[Entry, ...]]:
    """Returns per venue the newest entry observed at or before ``as_of``, and those it builds on.

    An incomplete entry does not describe the instruments it omits. Older entries therefore follow
    it, newest first, down to the newest complete entry, or all of them if none is complete. Of two
    entries observed at the same time the later appended is the newer. Pruned entries are excluded.
    """
    stacks: dict[str, list[Entry]] = {}
    readable = (entry for entry in entries if not entry.pruned)
    observed = (entry for entry in readable if as_of is None or entry.observed_at <= as_of)
    for entry in sorted(observed, key=_TIME_ORDER, reverse=True):
        stack = stacks.setdefault(entry.venue, [])
        if not stack or not stack[-1].complete:
            stack.append(entry)
    return {venue: tuple(stacks[venue]) for venue in sorted(stacks)}


def observations(entries: Iterable[Entry], venue: str) -> tuple[Entry, ...]:
    """Returns the observations of a venue in chronological order, excluding failed attempts.

    For entries gathered into the archive the sequence is chronological, whatever the clock
    reported: see ``with_monotonic_times``.
    """
    successes = [entry for entry in entries if entry.venue == venue and not entry.failed]
    gathered = sorted((entry for entry in successes if entry.gathered), key=_SEQUENCE)
    others = [entry for entry in successes if not entry.gathered]
    return tuple(sorted([*others, *with_monotonic_times(gathered)], key=_TIME_ORDER))


def with_monotonic_times(gathered: Sequence[Entry]) -> list[Entry]:
    """Returns entries in the order of gathering, with observation times that never decrease.

    The entries with a wrong clock are those outside a longest non-decreasing run of times, which
    makes them as few as possible. An entry with a fast clock takes the time of the next correct
    entry, one with a slow clock the time of its predecessor.
    """
    correct = _longest_run([entry.observed_at for entry in gathered])
    ordered: list[Entry] = []
    for position, entry in enumerate(gathered):
        if position in correct:
            ordered.append(entry)
            continue
        later = (gathered[k].observed_at for k in range(position, len(gathered)) if k in correct)
        observed_at = next(later, entry.observed_at)
        if ordered and entry.observed_at < ordered[-1].observed_at:
            observed_at = ordered[-1].observed_at
        ordered.append(replace(entry, observed_at=observed_at))
    return ordered


def _longest_run(times: Sequence[datetime]) -> frozenset[int]:
    """Returns the positions of a longest non-decreasing subsequence; of several the earliest end."""
    ends: list[datetime] = []
    positions: list[int] = []
    predecessors: list[int | None] = []
    for position, time in enumerate(times):
        length = bisect_right(ends, time)
        predecessors.append(positions[length - 1] if length else None)
        ends[length : length + 1] = [time]
        positions[length : length + 1] = [position]
    run: list[int] = []
    last = positions[-1] if positions else None
    while last is not None:
        run.append(last)
        last = predecessors[last]
    return frozenset(run)


def with_observation_times(entries: Iterable[Entry]) -> tuple[Entry, ...]:
    """Returns the same entries, each with the time that ``observations`` assigns to it."""
    originals = tuple(entries)
    corrected = {
        entry.digest: entry
        for venue in {original.venue for original in originals}
        for entry in observations(originals, venue)
    }
    return tuple(corrected.get(original.digest, original) for original in originals)


_SEQUENCE = attrgetter("sequence")
_TIME_ORDER = attrgetter("observed_at", "sequence")


def entry_from(manifest: Manifest, digest: str) -> Entry:
    """Returns the entry that a manifest with a digest describes."""
    precision = date_precision(manifest)
    origins = {payload["provenance"]["origin"] for payload in manifest["payloads"]}
    return Entry(
        sequence=manifest["sequence"],
        venue=manifest["venue"],
        observed_at=parse_utc(manifest["observed_at"]),
        complete=manifest["complete"],
        digest=digest,
        payloads=len(manifest["payloads"]),
        size=manifest["pack"]["size"],
        failed=Origin.ATTEMPT.value in origins,
        pack=manifest["pack"]["sha256"],
        base=manifest["pack"].get("base", ""),
        gathered=Origin.LIVE.value in origins
        and Origin.ATTEMPT.value not in origins
        and not manifest.get("imported", False),
        date_kind=precision.kind.value,
        observed_from=precision.earliest,
    )
