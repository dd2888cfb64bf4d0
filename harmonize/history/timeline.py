"""Observations of a venue in chronological order, and the changes between them."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from harmonize.archive.archive import Archive, ArchiveError
from harmonize.archive.catalog import Entry
from harmonize.core.notionals import NOTIONAL_GRID
from harmonize.core.payload import Snapshot
from harmonize.core.schedule import MarginSchedule
from harmonize.document.change import Change, ChangeKind
from harmonize.history.diff import ObservedSchedules, find_changes
from harmonize.history.recent import ScheduleKey
from harmonize.text.messages import iso_utc
from venues import facts, registry
from venues.adapter import Parsed
from venues.facts import Facts

FIRST_SEEN = "first seen"
"""Kind of event of every schedule in a venue's first observation."""


@dataclass(frozen=True, slots=True)
class VenueObservation:
    """Schedules of one venue as of one archive entry.

    ``fault`` is the reason why the entry cannot be read; empty otherwise. ``carried_over`` lists the
    schedules that could not be read and repeat their previous state.
    """

    entry: Entry
    observed: ObservedSchedules
    fault: str = ""
    carried_over: frozenset[ScheduleKey] = frozenset()


@dataclass(frozen=True, slots=True)
class ScheduleEvent:
    """Schedule that changed, was added or was removed; a removed one in its last observed state.

    ``change`` is None in a venue's first observation.
    """

    entry: Entry
    schedule: MarginSchedule
    change: Change | None

    @property
    def kind(self) -> str:
        """Kind of the change, or ``FIRST_SEEN``."""
        return self.change.kind.value if self.change else FIRST_SEEN


_Schedules = tuple[MarginSchedule, ...]


def read_observations(
    archive: Archive, entries: Sequence[Entry], start: int = 0
) -> Iterator[VenueObservation]:
    """Yields the observations from number ``start`` of ``entries``, which ``observations`` ordered.

    Pruned entries are skipped. Each entry is read as an audit as of its time reads it: an incomplete
    one together with the older ones it builds on, and compared with the complete one before. Built
    on a complete entry, it contains every instrument, some as of that older entry. ``warm_up_start``
    returns the number to start from.
    """
    venue_facts = facts.bundled()
    snapshots: dict[str, Snapshot] = {}
    previous: _Schedules = ()
    newest: _Schedules = ()
    for position, entry in enumerate(entries):
        if position < start or entry.pruned:
            continue
        stack = _stack(entries, position)
        try:
            snapshots = {
                layer.digest: snapshots.get(layer.digest) or archive.read(layer) for layer in stack
            }
        except ArchiveError as error:
            yield VenueObservation(entry, ObservedSchedules((), frozenset()), str(error))
            continue
        if entry.complete:
            previous = newest
        parsed = registry.parse(snapshots.values(), venue_facts, previous)
        if entry.complete:
            newest = _as_sent(snapshots[entry.digest], parsed, venue_facts)
        complete = [entry.venue] if stack[-1].complete else []
        yield VenueObservation(
            entry, ObservedSchedules.of(parsed.schedules, complete, parsed.defects)
        )


def warm_up_start(entries: Sequence[Entry], start: int) -> int:
    """Returns the number of the second complete entry before ``start``; 0 if there are fewer.

    Reading from there reproduces the observations before ``start``.
    """
    complete = [
        position
        for position in range(start)
        if entries[position].complete and not entries[position].pruned
    ]
    return complete[-2] if len(complete) > 1 else 0


def _stack(entries: Sequence[Entry], position: int) -> list[Entry]:
    """Returns an entry and the older ones below it, newest first, down to a complete one."""
    stack: list[Entry] = []
    for entry in reversed(entries[: position + 1]):
        if not entry.pruned:
            stack.append(entry)
            if entry.complete:
                break
    return stack


def _as_sent(snapshot: Snapshot, parsed: Parsed, venue_facts: Facts) -> _Schedules:
    """Returns the schedules of a complete snapshot before plausibility checks hid any of them."""
    hidden = {defect.symbol for defect in parsed.defects}
    if any(schedule.instrument.id in hidden for schedule in parsed.schedules):
        return registry.read(snapshot, venue_facts).schedules
    return parsed.schedules


def find_events(
    before: VenueObservation | None, after: VenueObservation
) -> tuple[list[ScheduleEvent], VenueObservation]:
    """Returns the events between two observations, and the observation to continue from.

    Without an observation before, every schedule is first seen. An unreadable schedule keeps its
    previous state in the observation to continue from. A later change is therefore found however
    long the schedule stays unreadable.
    """
    if before is None:
        return [
            ScheduleEvent(after.entry, schedule, None) for schedule in after.observed.schedules
        ], after
    old, new = before.observed.by_key(), after.observed.by_key()
    events, unreadable = [], []
    for change in find_changes(before.observed, after.observed, NOTIONAL_GRID):
        key = (change.venue, change.symbol, change.profile)
        if change.kind is ChangeKind.UNREAD:
            unreadable.append(old[key])
        if change.kind is not ChangeKind.UNREAD or key not in before.carried_over:
            events.append(ScheduleEvent(after.entry, new.get(key) or old[key], change))
    events += _readable_again(before, after, {event.schedule.key for event in events})
    observed = replace(after.observed, schedules=(*after.observed.schedules, *unreadable))
    carried_over = frozenset(schedule.key for schedule in unreadable)
    return events, replace(after, observed=observed, carried_over=carried_over)


def _readable_again(
    before: VenueObservation, after: VenueObservation, changed: set[ScheduleKey]
) -> list[ScheduleEvent]:
    """Returns an event per schedule that is readable again and did not change in between."""
    new = after.observed.by_key()
    events = []
    for key in sorted(before.carried_over & new.keys() - changed):
        schedule = new[key]
        asset = schedule.instrument.underlying.asset
        observed_at = iso_utc(schedule.observed_at)
        change = Change(*key, asset, ChangeKind.READ, before="", after=observed_at)
        events.append(ScheduleEvent(after.entry, schedule, change))
    return events
