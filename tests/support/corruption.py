"""Plausible corruption: live snapshots in which numbers are right in form and wrong in unit.

A trial changes one quantity of one contract, or of all contracts of a venue, and reads the snapshot as
a night after a good one or as a first night. Its result says whether the tool withheld what changed.
"""

import random
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta
from decimal import Decimal
from enum import StrEnum
from functools import cache, partial
from typing import Any

from harmonize.core.payload import Column, Evidence, Origin, Payload, Snapshot, decode, resolve
from harmonize.core.schedule import MarginSchedule, Unknown
from harmonize.history.diff import ObservedSchedules, find_changes
from harmonize.history.price_witness import nobody
from harmonize.history.venue_state import recorded_beliefs
from tests.replay.gathering import baseline
from tests.support.altered_snapshots import written
from venues import facts, registry
from venues.adapter import Parsed
from venues.beliefs import Beliefs
from venues.plausibility import References, Screened
from venues.published import ColumnKind, column_kind

Documents = dict[str, Any]
"""Decoded payloads by SHA-256, to be changed in place."""

Change = Callable[[MarginSchedule, Documents], None]
"""Corrupts one schedule's numbers in its documents."""


class Outcome(StrEnum):
    """What the tool made of a corruption."""

    WITHHELD = "hidden or flagged"
    LISTED = "listed as a change of the venue"
    SILENT = "nothing said"


@dataclass(frozen=True, slots=True)
class Corruption:
    """Corruption with its family, which groups rows of the record."""

    family: str
    name: str
    change: Change


@dataclass(frozen=True, slots=True)
class Trial:
    """Result of one corruption at one venue; ``whole`` if it concerned all contracts."""

    venue: str
    corruption: str
    whole: bool
    night: Outcome
    first_night: Outcome


def scaled(kinds: frozenset[ColumnKind], factor: str) -> Change:
    """Change that multiplies every column of some kinds."""

    def change(schedule: MarginSchedule, documents: Documents) -> None:
        for page, column, pointer in _cells(schedule):
            if column_kind(column.quantity, column.unit) in kinds:
                _multiply(documents[page.sha256], pointer, Decimal(factor))

    return change


def _leverage(factor: str) -> Change:
    """Change of the maximum leverage; of IM rates inversely where the venue publishes those."""

    def change(schedule: MarginSchedule, documents: Documents) -> None:
        for page, column, pointer in _cells(schedule):
            kind = column_kind(column.quantity, column.unit)
            if kind is ColumnKind.LEVERAGE:
                _multiply(documents[page.sha256], pointer, Decimal(factor))
            elif kind is ColumnKind.RATE and column.quantity.startswith(
                ("initial", "base initial")
            ):
                _multiply(documents[page.sha256], pointer, 1 / Decimal(factor))

    return change


def price_times(factor: str) -> Change:
    """Change that multiplies the prices that convert a schedule."""

    def change(schedule: MarginSchedule, documents: Documents) -> None:
        for sha256, pointer in _factor_places(schedule, documents, is_price=True):
            _multiply(documents[sha256], pointer, Decimal(factor))

    return change


def _size(factor: str | None) -> Change:
    """Change of contract sizes: taken as 1 (None), or multiplied."""

    def change(schedule: MarginSchedule, documents: Documents) -> None:
        for sha256, pointer in _factor_places(schedule, documents, is_price=False):
            if factor is None:
                _set(documents[sha256], pointer, lambda _: Decimal(1))
            else:
                _multiply(documents[sha256], pointer, Decimal(factor))

    return change


def _tier_dropped(position: Callable[[int], int]) -> Change:
    """Change that removes one tier's row, with the tiers renumbered and closed up where needed."""

    def change(schedule: MarginSchedule, documents: Documents) -> None:
        evidence = schedule.evidence[0]
        if len(evidence.rows) < 3:
            return
        gone = position(len(evidence.rows))
        _close_up(documents[evidence.sha256], evidence, gone)
        _remove(documents[evidence.sha256], evidence.rows[gone])

    return change


def _close_up(document: Any, evidence: Evidence, gone: int) -> None:
    """Lets the tier above begin where the removed one did, and lowers the numbers above."""
    lower = next((c for c in evidence.columns if c.quantity == "lower"), None)
    upper = next((c for c in evidence.columns if c.quantity == "upper"), None)
    if lower and upper and gone + 1 < len(evidence.rows):
        begin = resolve(document, evidence.rows[gone] + lower.key)
        _set(document, evidence.rows[gone + 1] + lower.key, lambda _: begin)
    for pointer in evidence.rows[gone + 1 :]:
        row = resolve(document, pointer)
        for name in ("tier", "bracket", "level"):
            if isinstance(row, dict) and str(row.get(name, "")).isdecimal():
                row[name] = type(row[name])(int(row[name]) - 1)


CORRUPTIONS = (
    *(Corruption("price", f"price × {f}", price_times(f)) for f in ("2", "0.5", "10")),
    *(
        Corruption("bounds", f"all bounds × {f}", scaled(frozenset({ColumnKind.AMOUNT}), f))
        for f in ("10", "100", "1000", "0.001")
    ),
    Corruption("contract size", "contract size taken as 1", _size(None)),
    Corruption("contract size", "contract size × 10", _size("10")),
    *(Corruption("leverage", f"leverage × {f}", _leverage(f)) for f in ("10", "2", "0.1")),
    *(
        Corruption("rates", f"rates × {f}", scaled(frozenset({ColumnKind.RATE}), f))
        for f in ("10", "0.1", "0.01")
    ),
    Corruption("tiers", "last tier dropped", _tier_dropped(lambda count: count - 1)),
    Corruption("tiers", "middle tier missing", _tier_dropped(lambda count: count // 2)),
)


def _places(schedules: Iterable[MarginSchedule]) -> set[str]:
    """Hashes of the payloads with the numbers of schedules, prices and sizes included."""
    pages = {page.sha256 for schedule in schedules for page in schedule.evidence}
    return pages | {sha256 for schedule in schedules for _, sha256, _ in _factors(schedule)}


def _cells(schedule: MarginSchedule) -> Iterator[tuple[Evidence, Column, str]]:
    factors = {name for name, _, _ in _factors(schedule)}
    for page in schedule.evidence:
        for column in page.columns:
            if column.quantity not in factors:
                for row in page.rows:
                    yield page, column, f"{row}{column.key}"


def _factors(schedule: MarginSchedule) -> Iterator[tuple[str, str, str]]:
    conversion = schedule.evidence[0].conversion
    for factor in conversion.factors if conversion else ():
        yield factor.name, factor.sha256, factor.pointer


_DONE = ""
"""Key, beside the hashes of documents, of the places of factors that were changed already."""


def _factor_places(
    schedule: MarginSchedule, documents: Documents, *, is_price: bool
) -> Iterator[tuple[str, str]]:
    """Places of a schedule's prices or sizes, each once: several schedules may share one."""
    done: set[tuple[str, str]] = documents.setdefault(_DONE, set())
    for name, sha256, pointer in _factors(schedule):
        if ("price" in name) is is_price and (sha256, pointer) not in done:
            done.add((sha256, pointer))
            yield sha256, pointer


def _multiply(document: Any, pointer: str, factor: Decimal) -> None:
    _set(document, pointer, lambda value: value * factor)


def _set(document: Any, pointer: str, change: Callable[[Decimal], Any]) -> None:
    """Changes the number, or every number of the list, at a pointer; keeps its JSON type."""
    parent_pointer, _, name = pointer.rpartition("/")
    try:
        parent, raw = resolve(document, parent_pointer), resolve(document, pointer)
    except KeyError:
        return
    key: Any = int(name) if isinstance(parent, list) else name.replace("~1", "/").replace("~0", "~")
    parent[key] = _changed(raw, change)  # type: ignore[index]


def _changed(raw: Any, change: Callable[[Decimal], Any]) -> Any:
    if isinstance(raw, list):
        return [_changed(entry, change) for entry in raw]
    if isinstance(raw, str) and "," in raw:
        return ",".join(_changed(part.strip(), change) for part in raw.split(","))
    if isinstance(raw, bool) or raw in {None, ""}:
        return raw
    value = change(Decimal(str(raw)))
    if isinstance(raw, str):
        return f"{value:f}" if isinstance(value, Decimal) else str(value)
    return int(value) if isinstance(raw, int) and value == int(value) else value


def _remove(document: Any, pointer: str) -> None:
    parent_pointer, _, name = pointer.rpartition("/")
    parent = resolve(document, parent_pointer)
    if isinstance(parent, list):
        parent[int(name)] = _GONE
    elif isinstance(parent, dict):
        del parent[name]


_GONE = "\ufdd0 removed"
"""Marks a removed row until all are removed, so that pointers stay valid."""


def _swept(value: Any) -> Any:
    if isinstance(value, list):
        return [_swept(entry) for entry in value if entry is not _GONE]
    if isinstance(value, dict):
        return {key: _swept(entry) for key, entry in value.items()}
    return value


@dataclass(frozen=True)
class Venue:
    """Good live snapshot of one venue, what it shows, and what was believed before it."""

    snapshot: Snapshot
    good: Screened
    beliefs: Beliefs = field(repr=False)

    @classmethod
    def of(cls, snapshot: Snapshot) -> "Venue":
        """Reads a live snapshot as a first night, and the night after it with prices that moved."""
        first = _screened(snapshot, Beliefs())
        moved = _next_night(snapshot, first.parsed.schedules)
        return cls(moved, _screened(moved, first.beliefs), first.beliefs)

    @property
    def readable(self) -> list[MarginSchedule]:
        """Schedules with an IM."""
        return [s for s in self.good.parsed.schedules if not isinstance(s.initial, Unknown)]

    def corrupted(self, change: Change, schedules: Sequence[MarginSchedule]) -> Snapshot:
        """Returns the snapshot with some schedules corrupted."""
        return changed_snapshot(self.snapshot, change, schedules)

    def outcome(self, corrupt: Snapshot, beliefs: Beliefs) -> Outcome | None:
        """Returns what the tool made of a corrupt snapshot; None if it changes no margin."""
        raw = registry.read(corrupt, facts.bundled())
        screened = _screened(corrupt, beliefs)
        concerned = _concerned(self.good.parsed, raw)
        if not concerned:
            return None
        shown = {s.key for s in screened.parsed.schedules if not isinstance(s.initial, Unknown)}
        if not concerned & shown:
            return Outcome.WITHHELD
        flagged = {remark.symbol for remark in screened.parsed.remarks}
        missed = [s for s in screened.parsed.schedules if s.key in concerned & shown]
        if all(schedule.instrument.id in flagged for schedule in missed):
            return Outcome.WITHHELD
        changes = find_changes(_observed(self.good.parsed), _observed(screened.parsed), ())
        listed = {(change.venue, change.symbol, change.profile) for change in changes}
        return Outcome.LISTED if concerned & shown <= listed else Outcome.SILENT


def changed_snapshot(
    snapshot: Snapshot, change: Change, schedules: Sequence[MarginSchedule]
) -> Snapshot:
    """Returns a snapshot in which some schedules' numbers are changed."""
    touched = {p.sha256 for p in snapshot.payloads if p.sha256 in _places(schedules)}
    documents: Documents = {p.sha256: decode(p) for p in snapshot.payloads if p.sha256 in touched}
    done: set[tuple[str, ...]] = set()
    for schedule in schedules:
        place = (schedule.evidence[0].sha256, *schedule.evidence[0].rows)
        if place not in done:  # schedules of several profiles may share their rows
            done.add(place)
            change(schedule, documents)
    payloads = tuple(
        Payload.of(
            p.venue, p.call, p.observed_at, p.provenance, written(_swept(documents[p.sha256]))
        )
        if p.sha256 in touched
        else p
        for p in snapshot.payloads
    )
    return replace(snapshot, payloads=payloads)


MAX_DAILY_MOVE = 0.04
"""Largest move of a price from one night to the next in the trials."""


def _next_night(snapshot: Snapshot, schedules: Sequence[MarginSchedule]) -> Snapshot:
    """Returns the snapshot a day later, with every price moved by a few per cent."""
    moves = random.Random(snapshot.venue)  # noqa: S311 - fixed moves

    def move(schedule: MarginSchedule, documents: Documents) -> None:
        factor = Decimal(str(round(1 + moves.uniform(-MAX_DAILY_MOVE, MAX_DAILY_MOVE), 6)))
        price_times(f"{factor}")(schedule, documents)

    moved = changed_snapshot(snapshot, move, schedules)
    at = snapshot.observed_at + timedelta(days=1)
    payloads = tuple(replace(payload, observed_at=at) for payload in moved.payloads)
    return replace(moved, observed_at=at, payloads=payloads)


def _screened(snapshot: Snapshot, beliefs: Beliefs) -> Screened:
    references = References(beliefs, partial(recorded_beliefs, snapshot.venue), nobody)
    return registry.screened(snapshot, facts.bundled(), references)


def _observed(parsed: Parsed) -> ObservedSchedules:
    venue = {schedule.instrument.venue for schedule in parsed.schedules}
    return ObservedSchedules.of(parsed.schedules, venue, parsed.defects)


def _concerned(good: Parsed, corrupt: Parsed) -> set[tuple[str, str, str]]:
    """Keys of schedules whose margins a corruption changed, or made unreadable."""
    before = {s.key: s for s in good.schedules if not isinstance(s.initial, Unknown)}
    after = {s.key: s for s in corrupt.schedules}
    return {
        key
        for key, schedule in before.items()
        if key not in after or _margins(after[key]) != _margins(schedule)
    }


def _margins(schedule: MarginSchedule) -> tuple[object, ...]:
    return schedule.initial, schedule.maintenance, schedule.capacity


def live(snapshot: Snapshot) -> Snapshot:
    """Returns a snapshot as if gathered by this tool; archived market prices keep their origin."""
    payloads = tuple(
        replace(p, provenance=replace(p.provenance, origin=Origin.LIVE))
        if p.provenance.origin is Origin.RECORDED
        else p
        for p in snapshot.payloads
    )
    return replace(snapshot, payloads=payloads)


@cache
def venues() -> Mapping[str, Venue]:
    """Every venue whose margins can be gathered, gathered once from the recordings."""
    return {venue: Venue.of(own.snapshot) for venue, own in sorted(baseline()[0].items())}


def trials(
    venue: Venue, contracts: int = 2, corruptions: Sequence[Corruption] = CORRUPTIONS
) -> Iterator[Trial]:
    """Yields the results of every corruption: of some contracts one by one, and of all."""
    readable = venue.readable
    if not readable:
        return
    drawn = random.Random(venue.snapshot.venue).sample(readable, min(contracts, len(readable)))  # noqa: S311 - a fixed sample
    samples: list[tuple[bool, list[MarginSchedule]]] = [(False, [schedule]) for schedule in drawn]
    if len(readable) > 1:
        samples.append((True, readable))
    for corruption in corruptions:
        for whole, schedules in samples:
            corrupt = venue.corrupted(corruption.change, schedules)
            if corrupt.payloads == venue.snapshot.payloads:
                continue
            night = venue.outcome(corrupt, venue.beliefs)
            first = venue.outcome(corrupt, Beliefs())
            if night is not None and first is not None:
                yield Trial(venue.snapshot.venue, corruption.name, whole, night, first)
