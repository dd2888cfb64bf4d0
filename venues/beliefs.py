"""Last schedules of a venue that passed the checks, against which its next snapshot is held."""

from collections.abc import Iterable, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field, replace
from datetime import datetime

from harmonize.core.payload import Snapshot
from harmonize.core.schedule import MarginSchedule
from venues.continuity import Key
from venues.published import Documents, Published, evidence_hashes, published_numbers


@dataclass(frozen=True, slots=True)
class Beliefs:
    """Published numbers by schedule key, as last believed.

    ``unread`` are schedules of recordings whose numbers have not been read from their snapshot yet:
    an archive of recordings alone never needs them.
    """

    numbers: Mapping[Key, Published] = field(default_factory=dict)
    unread: Mapping[Key, tuple[MarginSchedule, Snapshot]] = field(default_factory=dict)

    @property
    def keys(self) -> AbstractSet[Key]:
        """Keys of the schedules believed."""
        return self.numbers.keys() | self.unread.keys()

    def all_numbers(self) -> dict[Key, Published]:
        """Returns the numbers of every schedule, reading those that were not read yet."""
        by_snapshot: dict[int, tuple[Snapshot, list[MarginSchedule]]] = {}
        for schedule, snapshot in self.unread.values():
            by_snapshot.setdefault(id(snapshot), (snapshot, []))[1].append(schedule)
        numbers = dict(self.numbers)
        for snapshot, schedules in by_snapshot.values():
            numbers |= numbers_of(snapshot, schedules)
        return numbers

    def with_recording(self, snapshot: Snapshot, schedules: Iterable[MarginSchedule]) -> "Beliefs":
        """Returns the beliefs after a recording, which was reviewed and is believed as it is."""
        recorded = {schedule.key: (schedule, snapshot) for schedule in schedules}
        numbers = {key: own for key, own in self.numbers.items() if key not in recorded}
        return Beliefs(numbers, {**self.unread, **recorded})

    def with_numbers(self, numbers: Mapping[Key, Published]) -> "Beliefs":
        """Returns the beliefs after schedules that passed the checks."""
        unread = {key: own for key, own in self.unread.items() if key not in numbers}
        return Beliefs({**self.numbers, **numbers}, unread)

    def contested(self, keys: AbstractSet[Key], at: datetime) -> "Beliefs":
        """Returns the beliefs after an observation that contradicts those about ``keys``."""
        numbers = self.all_numbers() if keys & self.unread.keys() else self.numbers
        marked = {
            key: replace(numbers[key], contested_at=numbers[key].contested_at or at)
            for key in keys & numbers.keys()
        }
        return self.with_numbers(marked)

    def listed(self, keys: AbstractSet[Key], unreadable: AbstractSet[str]) -> "Beliefs":
        """Returns the beliefs about ``keys``, and about contracts with an id in ``unreadable``.

        All others were delisted and are forgotten. An empty id stands for any contract.
        """

        def is_kept(key: Key, contract_id: str) -> bool:
            return key in keys or not unreadable.isdisjoint({"", contract_id})

        return Beliefs(
            {k: own for k, own in self.numbers.items() if is_kept(k, own.contract_id)},
            {k: own for k, own in self.unread.items() if is_kept(k, own[0].instrument.id)},
        )


def numbers_of(snapshot: Snapshot, schedules: Iterable[MarginSchedule]) -> dict[Key, Published]:
    """Returns the published numbers of schedules of one snapshot, by key."""
    of_snapshot = tuple(schedules)
    documents = Documents.of(snapshot, evidence_hashes(of_snapshot))
    return {schedule.key: published_numbers(schedule, documents) for schedule in of_snapshot}
