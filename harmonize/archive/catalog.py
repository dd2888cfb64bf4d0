"""What an archive holds, without the payloads: its entries, and which of them count when."""

from bisect import bisect_right
from collections.abc import Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, replace
from datetime import datetime
from operator import attrgetter

from harmonize.archive.manifest import Manifest, Pruning, moment
from harmonize.core.payload import Origin


@dataclass(frozen=True, slots=True)
class Entry:
    """One snapshot in the archive, without its payloads.

    ``digest`` is the hash of its manifest, ``payloads`` their number, ``size`` the bytes of the pack.
    ``failed`` says that it is the record of a try that failed. ``pack`` and ``base`` name packs by
    their hashes; ``pruned`` is when one of the two was taken away, empty where both are there.
    ``gathered`` says that it was gathered into this very archive, and not imported or recorded.
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


@dataclass(frozen=True, slots=True)
class Catalog:
    """The snapshots of an archive up to a record of its chain, which ``digest`` is the hash of.

    ``gone`` are the packs that were pruned and that nothing needed again, each with when.
    """

    entries: tuple[Entry, ...] = ()
    sequence: int = 0
    digest: str = ""
    gone: tuple[tuple[str, str], ...] = ()


def newest_of(entries: Iterable[Entry]) -> dict[str, Entry]:
    """The last appended entry of each venue that holds answers and was not pruned."""
    return {one.venue: one for one in entries if not one.failed and not one.pruned}


def continued(start: Catalog, records: Iterable[tuple[Manifest | Pruning, str]]) -> Catalog:
    """A listing with the records that follow it, each with its digest.

    A pack that was pruned is there again from the next manifest on that needs it.
    """
    entries, gone = list(start.entries), dict(start.gone)
    sequence, last = start.sequence, start.digest
    for record, last in records:
        sequence = record["sequence"]
        if "pruned_at" in record:
            gone = dict.fromkeys(record["packs"], record["pruned_at"]) | gone
            continue
        entries.append(entry_of(record, last))
        for name in needs(entries[-1]):
            gone.pop(name, None)
    marked = tuple(_marked(one, gone) for one in entries)
    return Catalog(marked, sequence, last, tuple(sorted(gone.items())))


def needs(entry: Entry) -> tuple[str, ...]:
    """The packs without which an entry cannot be read."""
    return (entry.pack, entry.base) if entry.base else (entry.pack,)


def _marked(entry: Entry, gone: Mapping[str, str]) -> Entry:
    pruned = next((gone[name] for name in needs(entry) if name in gone), "")
    return entry if entry.pruned == pruned else replace(entry, pruned=pruned)


def needless(entries: Iterable[Entry], dropped: AbstractSet[str]) -> list[str]:
    """The packs that are there and that only the entries of some digests need."""
    names: dict[bool, set[str]] = {True: set(), False: set()}
    for one in entries:
        if not one.pruned:
            names[one.digest in dropped].update(needs(one))
    return sorted(names[True] - names[False])


def latest(entries: Iterable[Entry], as_of: datetime | None = None) -> dict[str, tuple[Entry, ...]]:
    """For each venue, the newest entry observed at or before ``as_of``, and what it rests on.

    An entry that is not complete says nothing about what it leaves out, so the older ones follow
    it, newest first, down to the newest complete one (or all, if none is). Of two entries observed
    at the same time the later appended is the newer. Entries that were pruned are passed over.
    """
    found: dict[str, list[Entry]] = {}
    held = (entry for entry in entries if not entry.pruned)
    due = (entry for entry in held if as_of is None or entry.observed_at <= as_of)
    for entry in sorted(due, key=lambda one: (one.observed_at, one.sequence), reverse=True):
        newer = found.setdefault(entry.venue, [])
        if not newer or not newer[-1].complete:
            newer.append(entry)
    return {venue: tuple(found[venue]) for venue in sorted(found)}


def observations(entries: Iterable[Entry], venue: str) -> tuple[Entry, ...]:
    """The observations of a venue in order of time; failed tries are none.

    Of what was gathered into the archive, the order of the sequence is the order of time, whatever the
    clock said: see ``in_order``.
    """
    held = [one for one in entries if one.venue == venue and not one.failed]
    gathered = sorted((one for one in held if one.gathered), key=_SEQUENCE)
    found = [*(one for one in held if not one.gathered), *in_order(gathered)]
    return tuple(sorted(found, key=lambda one: (one.observed_at, one.sequence)))


def in_order(gathered: Sequence[Entry]) -> list[Entry]:
    """Entries in the order in which they were gathered, with times that follow that order.

    The fewest entries whose clock must have been wrong are those outside a longest run of times that never
    fall. One that stood ahead has the time of the next that was right, one that stood behind that of the
    one before it.
    """
    right = _never_falling([one.observed_at for one in gathered])
    found: list[Entry] = []
    for place, one in enumerate(gathered):
        if place in right:
            found.append(one)
            continue
        later = (gathered[k].observed_at for k in range(place, len(gathered)) if k in right)
        at = next(later, one.observed_at)
        if found and one.observed_at < found[-1].observed_at:
            at = found[-1].observed_at
        found.append(replace(one, observed_at=at))
    return found


def _never_falling(times: Sequence[datetime]) -> frozenset[int]:
    """The places of a longest run of times that never fall; of several the one that ends soonest."""
    ends: list[datetime] = []
    places: list[int] = []
    before: list[int | None] = []
    for place, time in enumerate(times):
        length = bisect_right(ends, time)
        before.append(places[length - 1] if length else None)
        ends[length : length + 1] = [time]
        places[length : length + 1] = [place]
    found: list[int] = []
    last = places[-1] if places else None
    while last is not None:
        found.append(last)
        last = before[last]
    return frozenset(found)


def with_observation_times(entries: Iterable[Entry]) -> tuple[Entry, ...]:
    """The same entries, each with the time that ``observations`` gives it."""
    held = tuple(entries)
    times = {
        one.digest: one
        for venue in {one.venue for one in held}
        for one in observations(held, venue)
    }
    return tuple(times.get(one.digest, one) for one in held)


_SEQUENCE = attrgetter("sequence")


def entry_of(manifest: Manifest, digest: str) -> Entry:
    """What a manifest with its digest says, without its payloads."""
    origins = {one["provenance"]["origin"] for one in manifest["payloads"]}
    return Entry(
        sequence=manifest["sequence"],
        venue=manifest["venue"],
        observed_at=moment(manifest["observed_at"]),
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
    )
