"""Fields that rows with margins may have, by venue and kind of row, and what an unknown one means.

A field is known if a recording has it, if the venue's adapter reads it, or if the venue's
documentation names it.
"""

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from importlib.resources import files
from types import MappingProxyType

from harmonize.core.payload import (
    Call,
    Payload,
    Remark,
    RemarkKind,
    Snapshot,
    decode,
    escape,
)
from harmonize.core.schedule import MarginSchedule
from harmonize.core.yaml_source import YamlSource, YamlSourceError, parse_yaml
from harmonize.text.numbers import count_text
from venues import asset_classes
from venues.adapter import Parsed
from venues.field_names import (
    Concern,
    concern_in_row,
    concern_in_tier,
    describe_instrument,
    is_absent,
)

TIER_ROW_FIELDS = 20
"""Largest number of known fields of a tier; a row with more describes an instrument."""

MAX_NAMED_FIELDS = 20
"""Largest number of unknown fields of an endpoint that are told by name."""

_MAX_TEXT = 120

ScheduleKey = tuple[str, str, str]
"""Venue, symbol and profile of a schedule."""

_NO_NAMES: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class VenueFields:
    """Known field names of one venue.

    ``rows`` are the names in recordings and documentation by row kind (see ``row_kind``), ``read``
    the names that the adapter reads in any row, and those that state the class of a contract.
    """

    read: frozenset[str] = _NO_NAMES
    rows: Mapping[str, frozenset[str]] = field(default_factory=lambda: MappingProxyType({}))

    def names(self, kind: str) -> frozenset[str]:
        """Returns the known names in rows of one kind."""
        return self.rows.get(kind, _NO_NAMES) | self.read

    def is_tier_row(self, kind: str) -> bool:
        """Whether rows of a kind are tiers; a kind without any known row counts as one."""
        names = self.rows.get(kind, _NO_NAMES)
        return len(names) <= TIER_ROW_FIELDS and not describe_instrument(names)


KnownFields = Mapping[str, VenueFields]
"""Known fields by venue."""


@dataclass(frozen=True, slots=True)
class FieldDrift:
    """Unknown fields of a live snapshot.

    ``hiding`` is the call and the JSON pointer of a field that may change the meaning of a
    schedule, by the schedule's key. ``remarks`` tell the fields that hide no schedule.
    """

    hiding: Mapping[ScheduleKey, tuple[Call, str]]
    remarks: tuple[Remark, ...]


@dataclass(frozen=True, slots=True)
class _UnknownField:
    """Unknown field of one row: its call, its name, its JSON pointer and what it may concern."""

    call: Call
    name: str
    pointer: str
    concern: Concern


@cache
def known_fields() -> KnownFields:
    """Fields in the recordings, fields that are read, and documented fields."""
    data = files("venues")
    generated = json.loads(data.joinpath("fields.json").read_text(encoding="utf-8"))
    documented = documented_fields(
        data.joinpath("documented_fields.yaml").read_text(encoding="utf-8")
    )
    fields: dict[str, VenueFields] = {}
    for venue, read in generated["read"].items():
        rows: dict[str, frozenset[str]] = {}
        for kinds in (generated["recorded"].get(venue, {}), documented.get(venue, {})):
            for kind, names in kinds.items():
                rows[kind] = rows.get(kind, _NO_NAMES) | frozenset(names)
        class_names = asset_classes.bundled().names(venue)
        fields[venue] = VenueFields(frozenset(read) | class_names, rows)
    return fields


def documented_fields(text: str) -> Mapping[str, Mapping[str, frozenset[str]]]:
    """Reads documented names by venue and row kind; a group per source. Raises YamlSourceError."""
    source = parse_yaml(text, "documented_fields.yaml")
    venues = source.value if isinstance(source.value, dict) else {}
    return {
        venue: {kind: _group_names(source, (venue, kind), groups) for kind, groups in kinds.items()}
        for venue, kinds in venues.items()
        if isinstance(kinds, dict)
    }


def _group_names(source: YamlSource, path: tuple[str, str], groups: object) -> frozenset[str]:
    """Names of all groups of one row kind, each with its source."""
    names: set[str] = set()
    for index, group in enumerate(groups if isinstance(groups, list) else [groups]):
        texts = group if isinstance(group, dict) else {}
        if set(texts) != {"source", "names"} or not all(isinstance(t, str) for t in texts.values()):
            reason = "expected a list of groups with exactly the keys source and names"
            raise YamlSourceError(source.name, *source.place((*path, index)), reason)
        names.update(str(texts["names"]).split())
    return frozenset(names)


def row_kind(method: str, pointer: str) -> str:
    """Row kind: the endpoint and the depth of the row in its responses."""
    return f"{method} {pointer.count('/')}"


def find_drift(
    snapshot: Snapshot, schedules: Iterable[MarginSchedule], known: VenueFields
) -> FieldDrift:
    """Finds unknown fields in the rows of schedules and in the list entries that contain the rows."""
    documents = _Documents({payload.sha256: payload for payload in snapshot.payloads})
    hiding: dict[ScheduleKey, tuple[Call, str]] = {}
    by_row: dict[tuple[str, str], tuple[_UnknownField, ...]] = {}
    for schedule in schedules:
        for evidence in schedule.evidence:
            for pointer in (*evidence.rows, *evidence.context):
                row = (evidence.sha256, pointer)
                if row not in by_row:
                    by_row[row] = tuple(_unknown_fields(documents, evidence.sha256, pointer, known))
                for unknown in by_row[row]:
                    if unknown.concern is Concern.MARGIN:
                        hiding.setdefault(schedule.key, (unknown.call, unknown.pointer))
    told = {unknown: None for fields in by_row.values() for unknown in fields}
    return FieldDrift(hiding, tuple(_remarks(snapshot.venue, told)))


@dataclass(frozen=True, slots=True)
class _Documents:
    """Payloads by hash, each decoded once."""

    payloads: Mapping[str, Payload]
    decoded: dict[str, object] = field(default_factory=dict)

    def of(self, sha256: str) -> object:
        """Returns the document of a payload."""
        if sha256 not in self.decoded:
            self.decoded[sha256] = decode(self.payloads[sha256])
        return self.decoded[sha256]


def _unknown_fields(
    documents: _Documents, sha256: str, pointer: str, known: VenueFields
) -> Iterator[_UnknownField]:
    """Unknown fields of a row and of the list entries that contain it.

    A whole document as a row holds market data; names that are numbers are data, not fields.
    """
    call = documents.payloads[sha256].call
    for at, entry in entries_with_row(documents.of(sha256), pointer):
        kind = row_kind(call.method, at)
        is_tier = at == pointer and known.is_tier_row(kind)
        for name in sorted(entry.keys() - known.names(kind)):
            value = entry[name]
            if not is_absent(value) and not name.isdecimal():
                concern = (concern_in_tier if is_tier else concern_in_row)(name, value)
                yield _UnknownField(call, name, f"{at}/{escape(name)}", concern)


def entries_with_row(document: object, pointer: str) -> list[tuple[str, Mapping[str, object]]]:
    """Objects on the way to a row that lie within an entry of a list, and the row itself.

    Raises KeyError, IndexError: the document has no such row.
    """
    found: list[tuple[str, Mapping[str, object]]] = []
    node, at, is_inside_list = document, "", False
    for token in pointer.split("/")[1:]:
        if isinstance(node, list):
            node, is_inside_list = node[int(token)], True
        elif isinstance(node, dict):
            node = node[token.replace("~1", "/").replace("~0", "~")]
        else:
            raise KeyError(pointer)
        at = f"{at}/{token}"
        if isinstance(node, dict) and (is_inside_list or at == pointer):
            found.append((at, node))
    return found


def _remarks(venue: str, fields: Iterable[_UnknownField]) -> Iterator[Remark]:
    """One remark per endpoint and name, and one per endpoint with the number of neutral names."""
    rows: dict[str, dict[str, list[_UnknownField]]] = {}
    neutral: dict[str, set[str]] = {}
    for unknown in fields:
        if unknown.concern is Concern.UNCLEAR:
            by_name = rows.setdefault(unknown.call.method, {})
            by_name.setdefault(unknown.name, []).append(unknown)
        elif unknown.concern is Concern.NEUTRAL:
            neutral.setdefault(unknown.call.method, set()).add(unknown.name)
    for method, by_name in sorted(rows.items()):
        named = sorted(by_name.items())
        for name, found in named[:MAX_NAMED_FIELDS]:
            text = (
                f"unknown field {_printable(name)} in {count_text(len(found), 'row')} of {method}, "
                f"first at {_printable(found[0].pointer)}; it hides no margin"
            )
            where = f"{method}: {_printable(name)}"
            yield Remark(venue, where, text, RemarkKind.UNKNOWN_FIELD)
        if more := len(named[MAX_NAMED_FIELDS:]):
            text = f"{count_text(more, 'further unknown field')} of {method}, which hide no margin"
            yield Remark(venue, f"{method}: others", text, RemarkKind.UNKNOWN_FIELD)
    for method, names in sorted(neutral.items()):
        text = f"{count_text(len(names), 'unknown field')} of {method} that cannot concern margin"
        yield Remark(venue, method, text, RemarkKind.UNKNOWN_FIELD)


def _printable(text: str) -> str:
    """A venue's text without control characters, shortened to fit in a message."""
    visible = text if text.isprintable() else ascii(text)
    return visible if len(visible) <= _MAX_TEXT else f"{visible[: _MAX_TEXT - 1]}…"


def fields_of(snapshots: Iterable[tuple[Snapshot, Parsed]]) -> dict[str, dict[str, list[str]]]:
    """Field names of every row with margins and of the list entries around it, by venue and kind."""
    names_by_venue: dict[str, dict[str, set[str]]] = {}
    for snapshot, parsed in snapshots:
        documents = _Documents({payload.sha256: payload for payload in snapshot.payloads})
        for evidence in (e for schedule in parsed.schedules for e in schedule.evidence):
            method = documents.payloads[evidence.sha256].call.method
            for pointer in (*evidence.rows, *evidence.context):
                for at, entry in entries_with_row(documents.of(evidence.sha256), pointer):
                    kinds = names_by_venue.setdefault(snapshot.venue, {})
                    kinds.setdefault(row_kind(method, at), set()).update(entry)
    return {
        venue: {kind: sorted(names) for kind, names in sorted(kinds.items())}
        for venue, kinds in sorted(names_by_venue.items())
    }
