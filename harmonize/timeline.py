"""A venue's observations in order of time, and what changed from each to the next."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from operator import attrgetter

from harmonize.archive import Archive, ArchiveError
from harmonize.audit import LADDER
from harmonize.change import Change, Kind
from harmonize.changes import Key, Observed, changes
from harmonize.listing import Entry, latest
from harmonize.payload import Snapshot
from harmonize.schedule import MarginSchedule
from venues import facts, registry

FIRST = "first seen"
"""What became of a schedule that a venue's first observation holds."""


@dataclass(frozen=True, slots=True)
class Point:
    """What was read of one venue as of one observation; ``fault`` says why nothing could be.

    ``broken`` names the schedules that could not be read and stand as they were before.
    """

    entry: Entry
    observed: Observed
    fault: str = ""
    broken: frozenset[Key] = frozenset()


@dataclass(frozen=True, slots=True)
class Event:
    """A schedule that changed, came or went. Of one that went, ``schedule`` is the last seen.

    ``change`` is None for what the first observation holds.
    """

    entry: Entry
    schedule: MarginSchedule
    change: Change | None

    @property
    def kind(self) -> str:
        """What became of it."""
        return self.change.kind.value if self.change else FIRST


def due(entries: Iterable[Entry], venue: str) -> tuple[Entry, ...]:
    """The observations of a venue in order of time; failed tries are none.

    Of what was gathered into the archive, the order of the sequence is the order of time, whatever the
    clock said: one whose clock stood ahead of a later one's has the later one's time here.
    """
    held = [one for one in entries if one.venue == venue and not one.failed]
    found = [one for one in held if not one.gathered]
    upto: datetime | None = None
    for one in sorted((one for one in held if one.gathered), key=_SEQUENCE, reverse=True):
        upto = one.observed_at if upto is None else min(upto, one.observed_at)
        found.append(one if upto == one.observed_at else replace(one, observed_at=upto))
    return tuple(sorted(found, key=lambda one: (one.observed_at, one.sequence)))


_SEQUENCE = attrgetter("sequence")


def points(archive: Archive, entries: Sequence[Entry], start: int = 0) -> Iterator[Point]:
    """Read observations from number ``start`` of those that ``due`` gives; pruned ones are passed over.

    Each is read as an audit of its moment would: laid over the older ones that it rests on.
    """
    known = facts.bundled()
    snapshots: dict[str, Snapshot] = {}
    earlier: tuple[MarginSchedule, ...] = ()
    for place, entry in enumerate(entries):
        if place < start or entry.pruned:
            continue
        (rests_on,) = latest(entries[: place + 1]).values()
        try:
            held = {one.digest: snapshots.get(one.digest) or archive.read(one) for one in rests_on}
        except ArchiveError as error:
            yield Point(entry, Observed((), frozenset()), str(error))
            continue
        snapshots = held
        found = registry.parse(held.values(), known, earlier)
        if entry.complete:
            earlier = found.schedules
        whole = [entry.venue] if entry.complete else []
        yield Point(entry, Observed.of(found.schedules, whole, found.defects))


def events(before: Point | None, after: Point) -> tuple[list[Event], Point]:
    """What changed from one point to the next, and the point to go on from.

    Without a point before, all that is there is first seen. A schedule that could not be read stays as
    it was in the point to go on from, so that a change is found however long it stays broken.
    """
    if before is None:
        return [Event(after.entry, one, None) for one in after.observed.schedules], after
    was, now = before.observed.by_key(), after.observed.by_key()
    found, broken = [], []
    for change in changes(before.observed, after.observed, LADDER):
        key = (change.venue, change.symbol, change.profile)
        if change.kind is Kind.UNREAD:
            broken.append(was[key])
        if change.kind is not Kind.UNREAD or key not in before.broken:
            found.append(Event(after.entry, now.get(key) or was[key], change))
    found += _read_again(before, after, {one.schedule.key for one in found})
    observed = replace(after.observed, schedules=(*after.observed.schedules, *broken))
    return found, replace(after, observed=observed, broken=frozenset(one.key for one in broken))


def _read_again(before: Point, after: Point, told: set[Key]) -> list[Event]:
    """What was broken, is read again, and did not change in between."""
    now = after.observed.by_key()
    found = []
    for key in sorted(before.broken & now.keys() - told):
        one = now[key]
        moment = f"{one.observed_at:%Y-%m-%dT%H:%M:%SZ}"
        asset = one.instrument.underlying.asset
        change = Change(*key, asset, Kind.READ, before="", after=moment)
        found.append(Event(after.entry, one, change))
    return found
