"""Observations of a venue in chronological order, and the changes between them."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from harmonize.archive.archive import Archive, ArchiveError
from harmonize.archive.catalog import Entry
from harmonize.core.notionals import NOTIONAL_GRID
from harmonize.core.open_interest import OpenInterest, newest_by_contract
from harmonize.core.payload import Snapshot
from harmonize.core.schedule import MarginSchedule
from harmonize.document.change import Change, ChangeKind
from harmonize.history.acceptances import Accepted
from harmonize.history.dated_change import dated_change
from harmonize.history.diff import ObservedSchedules, find_changes
from harmonize.history.price_witness import witnesses
from harmonize.history.recent import ScheduleKey
from harmonize.history.venue_state import Checkpoint, VenueState, Withheld
from venues import open_interest
from venues.adapter import Parsed

FIRST_SEEN = "first seen"
"""Kind of event of every schedule in a venue's first observation."""


@dataclass(frozen=True, slots=True)
class VenueObservation:
    """Schedules of one venue as of one archive entry.

    ``fault`` is the reason why the entry cannot be read; empty otherwise. ``carried_over`` lists the
    schedules that could not be read and repeat their previous state. ``parsed`` is what could be read,
    ``withheld`` what the checks withhold of it. ``checkpoint`` completes the entry's snapshot to the
    state after it, from which reading may continue; None if the entry is partial or unreadable.
    ``contracts`` are the symbols that a partial entry itself contains; None for the others.
    ``layers`` are the digests of the entries whose content ``parsed`` merges, newest first, without
    unreadable ones. ``interests`` is the newest open interest in them per contract.
    """

    entry: Entry
    observed: ObservedSchedules
    fault: str = ""
    carried_over: frozenset[ScheduleKey] = frozenset()
    parsed: Parsed = field(default_factory=lambda: Parsed((), ()))
    withheld: Mapping[ScheduleKey, Withheld] = field(default_factory=dict)
    checkpoint: str | None = None
    contracts: frozenset[str] | None = None
    layers: tuple[str, ...] = ()
    interests: tuple[OpenInterest, ...] = ()


@dataclass(frozen=True, slots=True)
class _Layers:
    """Digests of the entries since the last complete one, newest first, and their open interest."""

    digests: tuple[str, ...] = ()
    interests: tuple[OpenInterest, ...] = ()

    def after(self, entry: Entry, snapshot: Snapshot) -> "_Layers":
        """Returns the layers after an entry."""
        own = open_interest.read(snapshot)
        if entry.complete:
            return _Layers((entry.digest,), own)
        merged = newest_by_contract((*own, *self.interests))
        return _Layers((entry.digest, *self.digests), tuple(merged.values()))


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


@dataclass(frozen=True, slots=True)
class ReadingPlan:
    """Entries of a venue in the order of ``observations``, and what reading them depends on.

    ``accepted`` are the contracts that a person accepted. ``checkpoints`` are the checkpoints of entries
    from which reading may start, by digest. ``others`` are the entries of the whole archive, whose
    prices may confirm a market's move.
    """

    entries: Sequence[Entry]
    accepted: Accepted = field(default_factory=dict)
    checkpoints: Mapping[str, str] = field(default_factory=dict)
    others: Sequence[Entry] = ()

    def restart(self, start: int) -> int:
        """Returns the number of the last entry before ``start`` with a checkpoint; or 0.

        Reading from there reproduces the observations before ``start``.
        """
        numbers = (
            position
            for position in range(start - 1, 0, -1)
            if self.entries[position].digest in self.checkpoints
            and not self.entries[position].pruned
        )
        return next(numbers, 0)


def read_observations(
    archive: Archive, plan: ReadingPlan, start: int = 0
) -> Iterator[VenueObservation]:
    """Yields the observations from entry number ``start``, which is 0 or has a checkpoint.

    Pruned entries are skipped. Each entry is read as an audit as of its time reads it: an incomplete
    one together with the older ones it builds on, and held against what was believed before it. Built
    on a complete entry, it contains every instrument, some as of that older entry.
    """
    confirming = witnesses(archive, plan.others)
    state, layers = VenueState(), _Layers()
    for position, entry in enumerate(plan.entries):
        if position < start or entry.pruned:
            continue
        try:
            snapshot = archive.read(entry)
        except ArchiveError as error:
            state = replace(state, fault=str(error))
        else:
            if position == start > 0:
                checkpoint = Checkpoint.from_json(plan.checkpoints[entry.digest])
                state = VenueState.resumed(snapshot, checkpoint)
            else:
                accepted = plan.accepted.get(entry.digest, {})
                state = state.after(entry, snapshot, accepted, confirming(entry))
            layers = layers.after(entry, snapshot)
        observation = _observation(entry, state)
        yield replace(observation, layers=layers.digests, interests=layers.interests)


def _observation(entry: Entry, state: VenueState) -> VenueObservation:
    """Returns what a state shows after an entry; with a fault, only what is readable."""
    parsed = state.merged()
    if state.fault:
        nothing = ObservedSchedules((), frozenset())
        return VenueObservation(entry, nothing, state.fault, parsed=parsed, withheld=state.withheld)
    complete = [entry.venue] if state.is_whole else []
    believed = tuple(s for s in parsed.schedules if s.key not in state.withheld)
    return VenueObservation(
        entry,
        ObservedSchedules.of(believed, complete, parsed.defects),
        parsed=parsed,
        withheld=state.withheld,
        checkpoint=state.checkpoint().to_json() if entry.complete else None,
        contracts=None if entry.complete else state.newest_contracts,
    )


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
        change = dated_change(schedule, ChangeKind.READ, after=schedule)
        events.append(ScheduleEvent(after.entry, schedule, change))
    return events
