"""Parquet tables of the schedules in an archive, for DuckDB; they can be rebuilt at any time.

In the archive's folder ``derived``, or in a folder of their own::

    entries.parquet                        every snapshot, and whether it was read
    schedules/venue=<venue>/<year>.parquet a row per schedule that changed, was added or was removed
    compared/venue=<venue>/<month>.parquet a row per schedule and snapshot, for comparisons over time

A row is the state of a schedule from its observation until the next row of the same schedule. Every year
begins with copies of the rows in force at its start (``carried``). A query about one day therefore opens
one file per venue, and a nightly run writes one.

A row has two times: its observation, and ``effective_from`` where the venue states it. Bounds in
contracts or coins are in USD at the price of the row's own snapshot. A change of price alone makes no
row.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, fields, replace
from datetime import datetime
from os import SEEK_END
from pathlib import Path
from shutil import rmtree
from typing import Any

from harmonize.archive.archive import Archive
from harmonize.archive.catalog import Catalog, Entry, observations
from harmonize.core.payload import reason_of
from harmonize.core.schedule import MarginSchedule
from harmonize.document.change import ChangeKind
from harmonize.history.acceptances import Accepted, accepted_contracts
from harmonize.history.compared_tables import FOLDER as COMPARED
from harmonize.history.compared_tables import EntryRows, entry_rows, layers_key, write_entries
from harmonize.history.garbage_collection import garbage_collection_disabled
from harmonize.history.recent import ScheduleKey
from harmonize.history.table_files import DamagedTableError, read_table
from harmonize.history.table_rows import (
    NOT_IN_FORCE,
    ScheduleRow,
    from_naive_utc,
    read_rows,
    row_of,
    to_naive_utc,
    write_rows,
    write_table,
)
from harmonize.history.timeline import (
    ReadingPlan,
    VenueObservation,
    find_events,
    read_observations,
)
from harmonize.version import VERSION
from venues import registry

FORMAT = "7"
_PARQUET_END = b"PAR1"


@dataclass(frozen=True, slots=True)
class EntryState:
    """Archive entry with its state: unread, read, or unreadable for the reason ``fault``.

    ``can_restart`` tells whether reading may start here, with ``checkpoint`` (see ``VenueState``).
    ``accepted`` are the ids of contracts that a decision accepts, joined by line breaks.
    ``contracts`` are the symbols that a partial entry contains, joined likewise; empty for the others.
    ``layers`` is the hash of the entries that the rows for comparisons merge, see ``layers_key``; empty
    if there are no such rows.
    """

    entry: Entry
    read: bool = False
    fault: str = ""
    can_restart: bool = False
    checkpoint: str = ""
    accepted: str = ""
    contracts: str = ""
    layers: str = ""

    def has_contract(self, symbol: str) -> bool:
        """Whether the entry observed a contract, or that it is absent; a partial one may not."""
        return self.entry.complete or symbol in self.contracts.split("\n")


@dataclass(frozen=True, slots=True)
class TableState:
    """Archive listing that the tables were made from, and the state of each entry."""

    listing: Catalog = field(default_factory=Catalog)
    entries: tuple[EntryState, ...] = ()


@dataclass(frozen=True, slots=True)
class HistoryTables:
    """Folder of tables."""

    path: Path

    def update(self, archive: Archive) -> TableState:
        """Brings the tables up to date with the archive, reading new snapshots, and returns the state.

        A snapshot observed before existing ones causes those after it to be read again. One process
        updates at a time; others wait. Raises ArchiveError if the archive's chain is corrupt, OSError
        if the folder cannot be written.
        """
        state = self.state()
        listing = archive.listing(state.listing)
        if listing == state.listing and not _has_unread(state):
            return state
        from filelock import FileLock  # noqa: PLC0415 - only writing needs it

        self.path.mkdir(parents=True, exist_ok=True)
        with FileLock(self.path / "update.lock"), garbage_collection_disabled():
            return self._update(archive, self.state())

    def _update(self, archive: Archive, state: TableState) -> TableState:
        listing = archive.listing(state.listing)
        known = {kept.entry.digest: kept for kept in state.entries}
        by_digest = {
            entry.digest: known.get(entry.digest, EntryState(entry)) for entry in listing.entries
        }
        accepted = accepted_contracts(archive, listing.entries)
        venues = {entry.venue for entry in listing.entries}
        for folder in self.path.glob("*/venue=*"):
            if folder.name.removeprefix("venue=") not in venues:
                rmtree(folder, ignore_errors=True)
        for part in self.path.glob("*/venue=*/*.part"):  # of a process that was killed
            part.unlink(missing_ok=True)
        for venue in sorted(venues):
            if registry.find_adapter(venue) is not None:
                entries = observations(listing.entries, venue)
                before = _VenueStates.of(state, venue)
                plan = ReadingPlan(entries, accepted, before.checkpoints, listing.entries)
                by_digest |= self._update_venue(archive, plan, before)
        current = (replace(by_digest[entry.digest], entry=entry) for entry in listing.entries)
        updated = TableState(listing, tuple(current))
        if updated != state:
            self._write_entries(updated)
        return updated

    def state(self) -> TableState:
        """Returns the state of the tables; empty if there are none or another version wrote them.

        Entries of a venue with a missing or truncated table count as unread.
        """
        try:
            table = read_table(self.path / "entries.parquet")
        except (OSError, DamagedTableError):  # the tables are built
            return TableState()
        metadata = {
            key.decode(): text.decode() for key, text in (table.schema.metadata or {}).items()
        }
        if (metadata.get("format"), metadata.get("version")) != (FORMAT, VERSION):
            return TableState()
        columns = [
            list(map(from_naive_utc, table.column(name).to_pylist())) for name in _ENTRY_COLUMNS
        ]
        states = (table.column(name).to_pylist() for name in _STATE_COLUMNS)
        files = json.loads(metadata["files"])
        damaged = {name.split("/")[1] for name in files if not self._is_intact(name)}
        kept = tuple(
            EntryState(entry) if f"venue={entry.venue}" in damaged else EntryState(entry, *own)
            for entry, *own in zip(map(Entry, *columns), *states, strict=True)
        )
        gone = tuple((name, time) for name, time in json.loads(metadata["gone"]))
        entries = tuple(state.entry for state in kept)
        listing = Catalog(entries, int(metadata["sequence"]), metadata["digest"], gone)
        return TableState(listing, kept)

    def _is_intact(self, name: str) -> bool:
        """Whether a table exists and was written to its end."""
        try:
            with (self.path / name).open("rb") as file:
                file.seek(-len(_PARQUET_END), SEEK_END)
                return file.read() == _PARQUET_END
        except OSError:
            return False

    def _update_venue(
        self, archive: Archive, plan: ReadingPlan, before: "_VenueStates"
    ) -> dict[str, EntryState]:
        """Reads a venue's new entries, writes the years concerned and returns the new states."""
        entries, accepted = plan.entries, plan.accepted
        identities = [_identity(entry, accepted) for entry in entries]
        start = _common_length(identities, before.identities)
        if start == len(entries) == len(before.identities):
            return {}
        if not before.digests <= {entry.digest for entry in entries}:
            start = 0  # another archive, or one that was rolled back
        states: dict[str, EntryState] | None = None
        if start:
            with suppress(DamagedTableError):  # the venue is read again from its first snapshot
                states = self._read_from(archive, plan, before, start)
        return states or self._read_from(archive, plan, before, 0) or {}

    def _read_from(
        self, archive: Archive, plan: ReadingPlan, before: "_VenueStates", start: int
    ) -> dict[str, EntryState] | None:
        """Reads a venue's observations from number ``start`` and writes their rows.

        Returns None if an earlier observation is no longer readable.
        """
        entries = plan.entries
        if not entries:
            return {}
        folder, first = self._folder(entries[0].venue), entries[start]
        if not start:
            rmtree(folder, ignore_errors=True)
            rmtree(self.compared_folder(first.venue), ignore_errors=True)
        states = {
            entry.digest: replace(
                _unchanged_state(entry, plan),
                contracts=before.contracts.get(entry.digest, ""),
                layers=before.layers.get(entry.digest, ""),
            )
            for entry in entries
        }
        positions = {entry.digest: position for position, entry in enumerate(entries)}
        own, carried = _rows_before(folder, first)
        rows: list[ScheduleRow] = []
        compared: list[EntryRows] = []
        last: VenueObservation | None = None
        is_first_new = True
        for observation in read_observations(archive, plan, plan.restart(start)):
            digest = observation.entry.digest
            is_new = positions[digest] >= start
            states[digest] = _state_after(states[digest], observation)
            if is_new and states[digest].layers:
                compared.append(entry_rows(observation))
            if observation.fault and not is_new:
                return None
            if observation.fault:
                continue
            if not is_new:
                last = observation
                continue
            if last is not None and is_first_new:
                last = _with_carried_over(archive, plan, last, (*carried, *own))
            is_first_new = False
            try:
                events, last = find_events(last, observation)
                rows += [row_of(event) for event in events]
            except Exception as error:  # noqa: BLE001 - one odd night never hides the history
                states[digest] = EntryState(observation.entry, fault=reason_of(error))
        _rewrite(folder, first, (own, carried), rows)
        replaced = {entry.digest for entry in entries[start:]}
        is_append = not replaced & before.compared
        write_entries(self.compared_folder(first.venue), replaced, compared, is_append=is_append)
        return states

    def compared_folder(self, venue: str) -> Path:
        """Returns the folder with a venue's rows for comparisons."""
        return self.path / COMPARED / f"venue={venue}"

    def _folder(self, venue: str) -> Path:
        return self.path / "schedules" / f"venue={venue}"

    def _write_entries(self, state: TableState) -> None:
        import pyarrow as pa  # noqa: PLC0415 - heavy, and only tables need it

        files = sorted(self.path.glob("*/venue=*/*.parquet"))
        metadata = {
            "format": FORMAT,
            "version": VERSION,
            "sequence": str(state.listing.sequence),
            "digest": state.listing.digest,
            "gone": json.dumps(state.listing.gone),
            "files": json.dumps([file.relative_to(self.path).as_posix() for file in files]),
        }
        columns: dict[str, list[object]] = {
            name: [to_naive_utc(getattr(kept.entry, name)) for kept in state.entries]
            for name in _ENTRY_COLUMNS
        }
        columns |= {
            name: [getattr(kept, name) for kept in state.entries] for name in _STATE_COLUMNS
        }
        table = pa.table(columns, schema=_entry_schema()).replace_schema_metadata(metadata)
        write_table(self.path / "entries.parquet", table)

    def clear(self) -> None:
        """Deletes the tables."""
        rmtree(self.path, ignore_errors=True)


@dataclass(frozen=True, slots=True)
class _VenueStates:
    """What the tables contain of a venue: identities and digests of entries, and further states.

    ``checkpoints``, ``contracts`` and ``layers`` are by digest; see ``EntryState``. ``compared`` are the
    digests of entries with rows for comparisons, read or not.
    """

    identities: list[tuple[str, datetime, str]]
    digests: frozenset[str]
    checkpoints: Mapping[str, str]
    contracts: Mapping[str, str]
    layers: Mapping[str, str]
    compared: frozenset[str]

    @classmethod
    def of(cls, state: TableState, venue: str) -> "_VenueStates":
        """Returns the states of a venue's entries that were read."""
        kept = {
            own.entry.digest: own for own in state.entries if own.read and own.entry.venue == venue
        }
        ordered = observations([own.entry for own in kept.values()], venue)
        return cls(
            [(e.digest, e.observed_at, kept[e.digest].accepted) for e in ordered],
            frozenset(kept),
            {digest: own.checkpoint for digest, own in kept.items() if own.can_restart},
            {digest: own.contracts for digest, own in kept.items()},
            {digest: own.layers for digest, own in kept.items()},
            frozenset(
                own.entry.digest for own in state.entries if own.layers and own.entry.venue == venue
            ),
        )


def _state_after(state: EntryState, observation: VenueObservation) -> EntryState:
    """State of an entry that was just read."""
    return replace(
        state,
        read=not observation.fault,
        fault=observation.fault,
        can_restart=observation.checkpoint is not None,
        checkpoint=observation.checkpoint or "",
        contracts=_joined(observation.contracts or ()),
        layers=layers_key(observation.layers) if _is_own(observation) else "",
    )


def _is_own(observation: VenueObservation) -> bool:
    """Whether an observation shows its own entry, which could be read."""
    return observation.layers[:1] == (observation.entry.digest,)


def _unchanged_state(entry: Entry, plan: ReadingPlan) -> EntryState:
    """State of an entry that was read before, as long as it is not read again."""
    return EntryState(
        entry,
        read=True,
        can_restart=entry.digest in plan.checkpoints,
        checkpoint=plan.checkpoints.get(entry.digest, ""),
        accepted=_joined(plan.accepted.get(entry.digest, ())),
    )


def _identity(entry: Entry, accepted: Accepted) -> tuple[str, datetime, str]:
    return entry.digest, entry.observed_at, _joined(accepted.get(entry.digest, ()))


def _joined(ids: Iterable[str]) -> str:
    return "\n".join(sorted(ids))


def _common_length(values: Sequence[object], others: Sequence[object]) -> int:
    """Returns the length of the longest common prefix."""
    pairs = enumerate(zip(values, others, strict=False))
    return next((position for position, (a, b) in pairs if a != b), min(len(values), len(others)))


def _has_unread(state: TableState) -> bool:
    """Whether an entry was not read yet or could not be read."""
    return any(
        not kept.read
        and not kept.entry.failed
        and registry.find_adapter(kept.entry.venue) is not None
        for kept in state.entries
    )


def _with_carried_over(
    archive: Archive, plan: ReadingPlan, last: VenueObservation, rows: Iterable[ScheduleRow]
) -> VenueObservation:
    """Returns an observation with the schedules that it could not read in their previous state."""
    newest = {row.key: row for row in rows}
    positions = {entry.digest: position for position, entry in enumerate(plan.entries)}
    unread = [row for row in newest.values() if row.kind == ChangeKind.UNREAD.value]
    carried_over: list[MarginSchedule] = []
    for position in sorted({positions[row.digest] for row in unread}):
        before: Mapping[ScheduleKey, MarginSchedule] = {}
        earlier = replace(plan, entries=plan.entries[:position])
        for observation in read_observations(archive, earlier, earlier.restart(position)):
            before = before if observation.fault else observation.observed.by_key()
        keys = sorted(row.key for row in unread if positions[row.digest] == position)
        carried_over += [before[key] for key in keys if key in before]
    observed = replace(last.observed, schedules=(*last.observed.schedules, *carried_over))
    keys_of_carried = frozenset(schedule.key for schedule in carried_over)
    return replace(last, observed=observed, carried_over=keys_of_carried)


def _rows_before(folder: Path, first: Entry) -> tuple[list[ScheduleRow], list[ScheduleRow]]:
    """Returns the rows of the entry's year that precede it, and those carried into that year."""
    year = first.observed_at.year
    earlier = [number for path in folder.glob("*.parquet") if (number := int(path.stem)) <= year]
    if not earlier:
        return [], []
    own, carried = read_rows(folder / f"{max(earlier)}.parquet")
    if max(earlier) < year:
        return [], _in_force(own, carried)
    limit = (first.observed_at, first.sequence)
    return [row for row in own if (row.observed_at, row.sequence) < limit], carried


def _rewrite(
    folder: Path,
    first: Entry,
    before: tuple[list[ScheduleRow], list[ScheduleRow]],
    rows: Sequence[ScheduleRow],
) -> None:
    """Replaces a venue's rows from the entry ``first`` on.

    ``before`` are the rows of its year that precede it, and those carried into that year. Every year
    with a row begins with the rows in force.
    """
    first_year = first.observed_at.year
    own, carried = before
    years = sorted({row.observed_at.year for row in (*own, *rows)})
    for year in years:
        if year > first_year:
            own, carried = [], _in_force(own, carried)
        own = [*own, *(row for row in rows if row.observed_at.year == year)]
        write_rows(folder / f"{year}.parquet", own, carried)
    for path in folder.glob("*.parquet"):
        if int(path.stem) >= first_year and int(path.stem) not in years:
            path.unlink()


def _in_force(own: Sequence[ScheduleRow], carried: Sequence[ScheduleRow]) -> list[ScheduleRow]:
    """Returns the last row of every schedule that was not removed; unreadable ones are included."""
    last = {row.key: row for row in (*carried, *own)}
    removed = NOT_IN_FORCE - {ChangeKind.UNREAD.value}
    return [row for _, row in sorted(last.items()) if row.kind not in removed]


_STATE_COLUMNS = ("read", "fault", "can_restart", "checkpoint", "accepted", "contracts", "layers")
_ENTRY_COLUMNS = tuple(column.name for column in fields(Entry))


def _entry_schema() -> Any:  # noqa: ANN401 - pyarrow has no types
    import pyarrow as pa  # noqa: PLC0415 - as above

    types = {"sequence": pa.int32(), "payloads": pa.int32(), "size": pa.int64()}
    types |= dict.fromkeys(("observed_at", "observed_from"), pa.timestamp("us"))
    types |= dict.fromkeys(("complete", "failed", "gathered", "read", "can_restart"), pa.bool_())
    names = (*_ENTRY_COLUMNS, *_STATE_COLUMNS)
    return pa.schema([(name, types.get(name, pa.string())) for name in names])
