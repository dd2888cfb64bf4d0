"""A venue's observations in order of time, and what changed from each to the next."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from harmonize.archive.archive import Archive, ArchiveError
from harmonize.archive.catalog import Entry
from harmonize.core.notionals import NOTIONAL_GRID
from harmonize.core.payload import Snapshot
from harmonize.core.schedule import MarginSchedule
from harmonize.document.change import Change, ChangeKind
from harmonize.history.diff import Key, Observed, changes
from venues import facts, registry
from venues.adapter import Parsed
from venues.facts import Facts

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


def points(archive: Archive, entries: Sequence[Entry], start: int = 0) -> Iterator[Point]:
    """Read observations from number ``start`` of those that ``due`` gives; pruned ones are passed over.

    Each is read as an audit of its moment would: laid over the older ones that it rests on, and held
    against the complete one before these. ``warm`` says where to start for that. Laid over a complete
    one it holds every instrument, some as of that one.
    """
    known = facts.bundled()
    snapshots: dict[str, Snapshot] = {}
    below: _Schedules = ()
    base: _Schedules = ()
    for place, entry in enumerate(entries):
        if place < start or entry.pruned:
            continue
        rests_on = _rests_on(entries, place)
        try:
            held = {one.digest: snapshots.get(one.digest) or archive.read(one) for one in rests_on}
        except ArchiveError as error:
            yield Point(entry, Observed((), frozenset()), str(error))
            continue
        snapshots = held
        if entry.complete:
            below = base
        found = registry.parse(held.values(), known, below)
        if entry.complete:
            base = _as_sent(held[entry.digest], found, known)
        whole = [entry.venue] if rests_on[-1].complete else []
        yield Point(entry, Observed.of(found.schedules, whole, found.defects))


_Schedules = tuple[MarginSchedule, ...]


def warm(entries: Sequence[Entry], start: int) -> int:
    """Where to start, so that what is before ``start`` is read as it was: two complete ones back."""
    whole = [
        place for place in range(start) if entries[place].complete and not entries[place].pruned
    ]
    return whole[-2] if len(whole) > 1 else 0


def _rests_on(entries: Sequence[Entry], place: int) -> list[Entry]:
    """An observation and the older ones below it, newest first, down to a complete one."""
    found: list[Entry] = []
    for one in reversed(entries[: place + 1]):
        if not one.pruned:
            found.append(one)
            if one.complete:
                break
    return found


def _as_sent(snapshot: Snapshot, found: Parsed, known: Facts) -> _Schedules:
    """The schedules of a complete snapshot before any was hidden for what it says."""
    blamed = {one.symbol for one in found.defects}
    if any(one.instrument.id in blamed for one in found.schedules):
        return registry.read(snapshot, known).schedules
    return found.schedules


def events(before: Point | None, after: Point) -> tuple[list[Event], Point]:
    """What changed from one point to the next, and the point to go on from.

    Without a point before, all that is there is first seen. A schedule that could not be read stays as
    it was in the point to go on from, so that a change is found however long it stays broken.
    """
    if before is None:
        return [Event(after.entry, one, None) for one in after.observed.schedules], after
    was, now = before.observed.by_key(), after.observed.by_key()
    found, broken = [], []
    for change in changes(before.observed, after.observed, NOTIONAL_GRID):
        key = (change.venue, change.symbol, change.profile)
        if change.kind is ChangeKind.UNREAD:
            broken.append(was[key])
        if change.kind is not ChangeKind.UNREAD or key not in before.broken:
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
        change = Change(*key, asset, ChangeKind.READ, before="", after=moment)
        found.append(Event(after.entry, one, change))
    return found
