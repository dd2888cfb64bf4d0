"""Observations of a venue in chronological order, and the changes between them."""

from collections.abc import Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field, replace
from functools import cache, partial

from harmonize.archive.archive import Archive, ArchiveError
from harmonize.archive.catalog import Entry, latest
from harmonize.archive.location import recorded_archive
from harmonize.core.notionals import NOTIONAL_GRID
from harmonize.core.payload import Snapshot
from harmonize.core.schedule import MarginSchedule
from harmonize.document.change import Change, ChangeKind
from harmonize.history.acceptances import Accepted
from harmonize.history.diff import ObservedSchedules, find_changes
from harmonize.history.price_witness import Confirms, witnesses
from harmonize.history.recent import ScheduleKey
from harmonize.text.messages import iso_utc
from venues import facts, registry
from venues.adapter import Parsed
from venues.beliefs import Beliefs
from venues.plausibility import References

FIRST_SEEN = "first seen"
"""Kind of event of every schedule in a venue's first observation."""


@dataclass(frozen=True, slots=True)
class VenueObservation:
    """Schedules of one venue as of one archive entry.

    ``fault`` is the reason why the entry cannot be read; empty otherwise. ``carried_over`` lists the
    schedules that could not be read and repeat their previous state. ``withheld`` are schedules that
    the checks withheld. ``can_restart`` tells whether later observations depend on this one alone.
    """

    entry: Entry
    observed: ObservedSchedules
    fault: str = ""
    carried_over: frozenset[ScheduleKey] = frozenset()
    parsed: Parsed = field(default_factory=lambda: Parsed((), ()))
    withheld: frozenset[ScheduleKey] = frozenset()
    can_restart: bool = False


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


@cache
def recorded_beliefs(venue: str) -> Beliefs:
    """Numbers of a venue in the recorded archive, against which its first night is held.

    Without capacities: a recording may end at an earlier tier than the venue's list of today.
    """
    beliefs = Beliefs()
    with recorded_archive() as path:
        archive = Archive.open(path)
        for entry in reversed(latest(archive.entries()).get(venue, ())):
            snapshot = archive.read(entry)
            parsed = registry.read(snapshot, facts.bundled())
            beliefs = beliefs.with_recording(snapshot, parsed.schedules)
    numbers = beliefs.all_numbers()
    return Beliefs({key: replace(own, capacity=None) for key, own in numbers.items()})


def read_observations(
    archive: Archive,
    entries: Sequence[Entry],
    start: int = 0,
    accepted: Accepted | None = None,
    others: Sequence[Entry] = (),
) -> Iterator[VenueObservation]:
    """Yields the observations from number ``start`` of ``entries``, which ``observations`` ordered.

    Pruned entries are skipped. Each entry is read as an audit as of its time reads it: an incomplete
    one together with the older ones it builds on, and held against what was believed before it. Built
    on a complete entry, it contains every instrument, some as of that older entry. ``restart``
    returns the number to start from; the entry there is believed as it is. ``others`` are entries of
    other venues, whose prices may confirm a market's move.
    """
    confirming = witnesses(archive, others)
    state = _VenueState()
    for position, entry in enumerate(entries):
        if position < start or entry.pruned:
            continue
        try:
            snapshot = archive.read(entry)
        except ArchiveError as error:
            state = replace(state, fault=str(error))
            yield VenueObservation(entry, ObservedSchedules((), frozenset()), state.fault)
            continue
        if position == start > 0:
            state = _VenueState.believing(snapshot)
        else:
            own = (accepted or {}).get(entry.digest, {})
            state = state.after(snapshot, own, confirming(entry))
        if state.fault:
            yield VenueObservation(entry, ObservedSchedules((), frozenset()), state.fault)
            continue
        yield state.observation(entry)


@dataclass(frozen=True, slots=True)
class _VenueState:
    """What is known of a venue after some of its entries.

    ``layers`` are the parsed snapshots since the last complete one, newest first, and ``is_whole``
    whether they end with it. ``fault`` is the reason why they cannot be read as a whole.
    """

    layers: tuple[Parsed, ...] = ()
    is_whole: bool = False
    beliefs: Beliefs = field(default_factory=Beliefs)
    withheld: frozenset[ScheduleKey] = frozenset()
    fault: str = ""

    @classmethod
    def believing(cls, snapshot: Snapshot) -> "_VenueState":
        """Returns the state after a snapshot that is believed as it is."""
        parsed = registry.read(snapshot, facts.bundled())
        beliefs = Beliefs().with_recording(snapshot, parsed.schedules)
        return cls((parsed,), snapshot.complete, beliefs)

    def after(
        self, snapshot: Snapshot, accepted: Mapping[str, str], confirms: Confirms
    ) -> "_VenueState":
        """Returns the state after a snapshot in which a person accepted some contracts."""
        if self.fault and not snapshot.complete:
            return self
        recorded = partial(recorded_beliefs, snapshot.venue)
        references = References(self.beliefs, recorded, confirms)
        result = registry.screened(snapshot, facts.bundled(), references, accepted)
        keys = {schedule.key for schedule in result.parsed.schedules}
        if not snapshot.complete:
            layers = (result.parsed, *self.layers)
            withheld = (self.withheld - keys) | result.withheld
            return _VenueState(layers, self.is_whole, result.beliefs, withheld)
        unreadable = {defect.symbol for defect in result.parsed.defects}
        beliefs = result.beliefs.listed(keys, unreadable)
        return _VenueState((result.parsed,), True, beliefs, result.withheld)  # noqa: FBT003 - is_whole

    def observation(self, entry: Entry) -> VenueObservation:
        """Returns what the layers show together."""
        parsed = registry.merge(self.layers)
        keys = {schedule.key for schedule in parsed.schedules}
        complete = [entry.venue] if self.is_whole else []
        believed = tuple(s for s in parsed.schedules if s.key not in self.withheld)
        return VenueObservation(
            entry,
            ObservedSchedules.of(believed, complete, parsed.defects),
            parsed=parsed,
            withheld=self.withheld,
            can_restart=entry.complete and not self.withheld and self.beliefs.keys <= keys,
        )


def restart(entries: Sequence[Entry], start: int, restarts: AbstractSet[str]) -> int:
    """Returns the number of the last entry before ``start`` whose digest is in ``restarts``; or 0.

    Reading from there reproduces the observations before ``start``.
    """
    numbers = (
        position
        for position in range(start - 1, 0, -1)
        if entries[position].digest in restarts and not entries[position].pruned
    )
    return next(numbers, 0)


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
