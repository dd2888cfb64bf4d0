"""Compares the list of a new snapshot with the venue's earlier lists, while snapshots are appended."""

from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime
from functools import partial

from harmonize.archive.archive import Archive, ArchiveError
from harmonize.archive.catalog import Entry
from harmonize.core.payload import Snapshot
from harmonize.core.schedule import MarginSchedule
from venues import completeness, facts, registry
from venues.adapter import Parsed

Schedules = tuple[MarginSchedule, ...]


@dataclass(frozen=True, slots=True)
class _List:
    """One earlier list; ``lost_schedules`` are those of a list that lost too much, None otherwise."""

    observed_at: datetime
    complete: bool
    schedules: Callable[[], Schedules]
    lost_schedules: Callable[[], Schedules | None]


class VenueLists:
    """The lists of every venue among the entries of an archive, and those appended since."""

    def __init__(self, archive: Archive | None, entries: Iterable[Entry]) -> None:
        """Lists the entries; ``archive`` is None if there is none yet."""
        self._lists: dict[str, list[_List]] = defaultdict(list)
        self._read: dict[int, tuple[Snapshot, Schedules]] = {}
        for entry in entries:
            if archive is not None and not entry.pruned and not entry.failed:
                self._lists[entry.venue].append(self._archived(archive, entry))

    def _archived(self, archive: Archive, entry: Entry) -> _List:
        def read() -> tuple[Snapshot, Schedules]:
            if entry.sequence not in self._read:
                self._read = {entry.sequence: _readable(archive, entry)}
            return self._read[entry.sequence]

        return _List(
            entry.observed_at,
            entry.complete,
            lambda: read()[1],
            lambda: _lost_schedules(*read()),
        )

    def add(self, snapshot: Snapshot, parsed: Parsed) -> Snapshot:
        """Returns the snapshot, as partial with the reason if its list lost too much, and keeps it.

        A loss that an earlier list confirms is believed.
        """
        reason = self._loss(snapshot, parsed) if snapshot.complete else ""
        result = completeness.as_partial(snapshot, reason) if reason else snapshot
        schedules = parsed.schedules
        self._lists[snapshot.venue].append(
            _List(
                snapshot.observed_at,
                result.complete,
                lambda: schedules,
                partial(_lost_schedules, result, schedules),
            )
        )
        return result

    def _loss(self, snapshot: Snapshot, parsed: Parsed) -> str:
        """Returns what the list lost since the last complete one; empty if that is believable."""
        unreadable = frozenset(defect.symbol for defect in parsed.defects)
        earlier = [
            entry
            for entry in self._lists[snapshot.venue]
            if entry.observed_at < snapshot.observed_at
        ]
        latest_first = sorted(earlier, key=lambda entry: entry.observed_at, reverse=True)
        last = next((e for e in latest_first if e.complete and e.schedules()), None)
        if last is None:
            return ""
        reason = completeness.list_loss(last.schedules(), parsed.schedules, unreadable)
        if not reason:
            return ""
        nameless = sum(not defect.symbol for defect in parsed.defects)
        if nameless:
            reason = f"{reason}; unreadable payloads or rows without a name: {nameless}"
        latest = snapshot.observed_at - completeness.CONFIRMATION_INTERVAL
        between = (
            entry
            for entry in latest_first
            if last.observed_at < entry.observed_at <= latest and not entry.complete
        )
        doubtful = (schedules for entry in between if (schedules := entry.lost_schedules()))
        previous = next(doubtful, ())
        return "" if completeness.agrees(previous, parsed.schedules) else reason


def _readable(archive: Archive, entry: Entry) -> tuple[Snapshot, Schedules]:
    """Returns an entry's snapshot and schedules; nothing of a damaged one, which is no evidence."""
    try:
        snapshot = archive.read(entry)
    except ArchiveError:
        return Snapshot(entry.venue, entry.observed_at, (), complete=False), ()
    return snapshot, registry.parse([snapshot], facts.bundled()).schedules


def _lost_schedules(snapshot: Snapshot, schedules: Schedules) -> Schedules | None:
    """Returns the schedules of a snapshot that is partial because its list lost too much."""
    adapter = registry.find_adapter(snapshot.venue)
    if adapter is None or not completeness.partial_reason(snapshot):
        return None
    is_part = completeness.missing_page(adapter, snapshot) or completeness.narrowed_call(
        adapter, snapshot
    )
    return None if is_part else schedules
