"""Small recorded snapshots, and odd values at every place in their payloads."""

import json
import random
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from typing import Any

from harmonize.core.instrument import AT_PAR_WITH_USD, Instrument
from harmonize.core.payload import Origin, Payload, Snapshot
from harmonize.core.schedule import MarginSchedule
from tests.support import recorded
from venues import facts, registry

Path = tuple[str | int, ...]
Key = tuple[str, str, str]

DELETED = object()
"""Stands for the removal of a key or an entry."""

DUPLICATE = object()
"""Stands for a second copy of an entry, or of a member as a JSON object with equal keys."""

SWAPPED = object()
"""Stands for an exchange with the neighbour of an entry or a member."""


def _nested(depth: int) -> object:
    value: object = 1
    for _ in range(depth):
        value = [value]
    return value


ODD_VALUES: tuple[object, ...] = (
    None,
    [],
    {},
    [[]],
    [None],
    {"": None},
    "",
    " ",
    "0",
    "-1",
    "1e999",
    "NaN",
    "-Infinity",
    "Infinity",
    0,
    -1,
    1,
    0.5,
    1e30,
    1e-17,
    1e15,
    2**31 - 1,
    2**63 - 1,
    9.223372036854775807e18,
    "9223372036854775807",
    10**400,
    True,
    False,
    "KCS",
    "USD",
    "20260925 15:00:00 GB",
    "2026-13-45",
    "2026-09-25T15:00:00Z",
    "0000-00-00",
    253402300800000,
    "币安人生",
    "\ud800",
    "a\nb\u202e\x1b[31m",
    "/~0~1/",
    "-" * 5000,
    "9" * 5000,
    _nested(50),
    DELETED,
    DUPLICATE,
    SWAPPED,
)
"""Values that a venue's answer may hold at any place: other types, signs, dates, names, lengths."""

RAW_VALUES = ("9" * 5000, "1e400", "1E-400", "[" * 400 + "]" * 400, '"\\ud83d"', '{"a":1,"a":[]}')
"""JSON texts that Python's own encoder does not write."""


@dataclass(frozen=True, slots=True)
class Sample:
    """A small live snapshot of one venue: its documents by payload, and its schedules."""

    snapshot: Snapshot
    documents: tuple[Any, ...]
    schedules: Mapping[Key, MarginSchedule]


@cache
def samples(venue: str) -> tuple[Sample, ...]:
    """Small versions of a venue's recordings, one for each set of calls that it answers."""
    by_calls: dict[frozenset[str], Snapshot] = {}
    for snapshot in recorded.snapshots():
        if snapshot.venue == venue:
            by_calls[frozenset(map(_kind, snapshot.payloads))] = snapshot
    small = [_sample(snapshot) for snapshot in by_calls.values()]
    return tuple(sample for sample in small if sample is not None)


def _kind(payload: Payload) -> str:
    return f"{payload.call.method} {dict(payload.call.params).get('type', '')}"


def _sample(snapshot: Snapshot) -> Sample | None:
    """Keeps the rows of a few contracts, so that one parse takes a millisecond."""
    schedules = registry.read(snapshot, facts.bundled()).schedules
    if not schedules:
        return None
    ids = _few_contracts([schedule.instrument for schedule in schedules])
    chosen = [schedule for schedule in schedules if schedule.instrument.id in ids]
    names = {text for schedule in chosen for text in _names(schedule)}
    used = {evidence.sha256 for schedule in chosen for evidence in schedule.evidence}
    payloads, documents, methods = [], [], set()
    for payload in snapshot.payloads:
        if payload.sha256 not in used and _kind(payload) in methods:
            continue
        methods.add(_kind(payload))
        document = _trimmed(json.loads(payload.content), names)
        documents.append(document)
        payloads.append(live(payload, json.dumps(document)))
    small = replace(snapshot, payloads=tuple(payloads))
    return Sample(small, tuple(documents), by_key(small))


CONTRACTS = 3
"""Number of contracts in a small snapshot, unless the venue has more kinds of contracts."""

_FEW, _MATCHING = 4, 30


def _few_contracts(instruments: Sequence[Instrument]) -> set[str]:
    """Ids of a few contracts: the first of each kind, and the first of all."""
    first = {(i.payoff, i.perpetual, i.settle in AT_PAR_WITH_USD): i.id for i in instruments[::-1]}
    others = (instrument.id for instrument in instruments)
    return set(list(dict.fromkeys((*first.values(), *others)))[: max(CONTRACTS, len(first))])


def _names(schedule: MarginSchedule) -> tuple[str, ...]:
    instrument = schedule.instrument
    base = instrument.symbol.partition("/")[0]
    return (instrument.id, base, f"{base}-{instrument.quote}", f"{base}{instrument.quote}")


def _trimmed(value: Any, names: set[str]) -> Any:
    if isinstance(value, dict):
        members: Any = value.items()
        if len(value) > 3 * _MATCHING or (
            len(value) > _FEW and all(isinstance(member, dict) for member in value.values())
        ):
            kept = [(k, v) for k, v in members if k in names or _mentions(v, names)]
            members = kept[:_MATCHING] or list(members)[:_FEW]
        return {key: _trimmed(member, names) for key, member in members}
    if isinstance(value, list):
        matching = [entry for entry in value if _mentions(entry, names)]
        kept = value if len(value) <= _MATCHING else (matching or value)[:_MATCHING]
        return [_trimmed(entry, names) for entry in kept]
    return value


def _mentions(value: Any, names: set[str]) -> bool:
    entries = value.values() if isinstance(value, dict) else value
    if not isinstance(value, dict | list):
        return False
    return any(isinstance(entry, str) and entry in names for entry in entries)


def live(payload: Payload, text: str) -> Payload:
    """The payload with another text, as if gathered."""
    provenance = replace(payload.provenance, origin=Origin.LIVE)
    if payload.provenance.origin in {Origin.MARKET, Origin.DOCUMENTATION}:
        provenance = payload.provenance
    content = text.encode("utf-8", "surrogatepass")
    return Payload.of(payload.venue, payload.call, payload.observed_at, provenance, content)


def by_key(snapshot: Snapshot) -> dict[Key, MarginSchedule]:
    """Schedules as the venue's adapter reads them, before any plausibility check."""
    return {s.key: s for s in registry.read(snapshot, facts.bundled()).schedules}


def paths(document: Any, path: Path = ()) -> Iterator[Path]:
    """Every place in a document: containers and leaves."""
    yield path
    members: Any = ()
    if isinstance(document, dict):
        members = document.items()
    elif isinstance(document, list):
        members = enumerate(document)
    for key, member in members:
        yield from paths(member, (*path, key))


@dataclass(frozen=True, slots=True)
class Mutation:
    """One odd value at one place of one payload."""

    sample: Sample
    payload: int
    path: Path
    value: object

    def __str__(self) -> str:
        """Names the place and the value, so that a failure can be repeated."""
        call = self.sample.snapshot.payloads[self.payload].call
        names = {id(DELETED): "deleted", id(DUPLICATE): "duplicate", id(SWAPPED): "swapped"}
        value = names.get(id(self.value), ascii(self.value)[:60])
        return f"{call} at /{'/'.join(map(str, self.path))}: {value}"

    def snapshot(self) -> Snapshot:
        """The snapshot with the value in its place."""
        return _with_text(self.sample, self.payload, self._text())

    def _text(self) -> str:
        document = self.sample.documents[self.payload]
        if not self.path:
            is_action = self.value is DELETED or self.value is DUPLICATE or self.value is SWAPPED
            return "" if is_action else _dumped(self.value)
        holder, key = _at(document, self.path[:-1]), self.path[-1]
        if isinstance(holder, list):
            return self._in_list(document, holder, int(key))
        return self._in_object(document, holder, str(key))

    def _in_list(self, document: Any, holder: list[Any], index: int) -> str:
        before = holder.copy()
        if self.value is DELETED:
            del holder[index]
        elif self.value is DUPLICATE:
            holder.insert(index, holder[index])
        elif self.value is SWAPPED:
            holder[index], holder[index - 1] = holder[index - 1], holder[index]
        else:
            holder[index] = _marked(self.value)
        text = _dumped(document)
        holder[:] = before
        return text

    def _in_object(self, document: Any, holder: dict[str, Any], key: str) -> str:
        before = dict(holder)
        if self.value is DELETED:
            del holder[key]
        elif self.value is DUPLICATE:
            holder[f"\0{key}"] = None
        elif self.value is SWAPPED:
            other = next((name for name in reversed(before) if name != key), key)
            holder[key], holder[other] = holder[other], holder[key]
        else:
            holder[key] = _marked(self.value)
        text = _dumped(document)
        holder.clear()
        holder.update(before)
        return text


@dataclass(frozen=True, slots=True)
class Raw:
    """A JSON text that stands for itself."""

    text: str


def _marked(value: object) -> object:
    return f"\0raw{RAW_VALUES.index(value.text)}\0" if isinstance(value, Raw) else value


def _dumped(value: object) -> str:
    text = json.dumps(_marked(value))
    if "\\u0000" in text:
        for number, raw in enumerate(RAW_VALUES):
            text = text.replace(f'"\\u0000raw{number}\\u0000"', raw)
        text = text.replace("\\u0000", "")
    return text


def _at(document: Any, path: Path) -> Any:
    for step in path:
        document = document[step]
    return document


def _with_text(sample: Sample, payload: int, text: str) -> Snapshot:
    payloads = list(sample.snapshot.payloads)
    payloads[payload] = live(payloads[payload], text)
    return replace(sample.snapshot, payloads=tuple(payloads))


def draw(venue: str, count: int) -> Iterator[Mutation]:
    """Mutations of a venue's small snapshots, the same at every run; each place at least once."""
    drawn = random.Random(venue)  # noqa: S311 - a sample
    values = (*ODD_VALUES, *map(Raw, RAW_VALUES))
    places = [
        (sample, number, path)
        for sample in samples(venue)
        for number, document in enumerate(sample.documents)
        for path in paths(document)
    ]
    drawn.shuffle(places)
    for number in range(count if places else 0):
        sample, payload, path = places[number % len(places)]
        yield Mutation(sample, payload, path, drawn.choice(values))


def contracts_of_row(mutation: Mutation) -> frozenset[str] | None:
    """Symbols that the row with the mutated place concerns; None if the place is in no row.

    A row is an entry of a list, or a member of an object of objects. It concerns the contracts
    whose schedules change without it; a part of a row that concerns none belongs to the row around
    it.
    """
    document = mutation.sample.documents[mutation.payload]
    for end in range(len(mutation.path), 0, -1):
        holder = _at(document, mutation.path[: end - 1])
        if isinstance(_at(document, mutation.path[:end]), dict | list) and _is_table(holder):
            symbols = _dependents(mutation, mutation.path[:end])
            if symbols:
                return symbols
    return None


def _is_table(holder: Any) -> bool:
    if isinstance(holder, list):
        return len(holder) > 1
    return len(holder) > 1 and all(isinstance(member, dict) for member in holder.values())


_DEPENDENTS: dict[tuple[int, int, Path], frozenset[str]] = {}


def _dependents(mutation: Mutation, row: Path) -> frozenset[str]:
    name = (id(mutation.sample), mutation.payload, row)
    if name not in _DEPENDENTS:
        without = Mutation(mutation.sample, mutation.payload, row, DELETED)
        _DEPENDENTS[name] = changed(mutation.sample, by_key(without.snapshot()))
    return _DEPENDENTS[name]


def changed(sample: Sample, schedules: Mapping[Key, MarginSchedule]) -> frozenset[str]:
    """Symbols of the sample with a schedule that is missing or different in ``schedules``."""
    return frozenset(
        key[1]
        for key, schedule in sample.schedules.items()
        if key not in schedules or _content(schedules[key]) != _content(schedule)
    )


def _content(schedule: MarginSchedule) -> tuple[object, ...]:
    return (
        schedule.tiers,
        schedule.rule,
        schedule.initial,
        schedule.maintenance,
        schedule.capacity,
    )
