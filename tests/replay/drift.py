"""Changes of payload structure that venues make, applied to rows with margins."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from decimal import Decimal
from hashlib import sha256
from typing import Any

from harmonize.core.payload import Column, Evidence, Origin, decode, resolve
from harmonize.core.schedule import MarginSchedule
from tests.replay.faults import Reply
from tests.support.altered_snapshots import written
from venues.adapter import Endpoint
from venues.gathering.outcome import Gathered

FieldChange = Callable[[Any, Any, Column], None]
"""Changes one field of a row in place, given its parent, its key and its column."""


def renamed(holder: Any, key: Any, column: Column) -> None:
    """Renames the field."""
    if isinstance(holder, list):
        holder[key] = {f"{column.quantity}V2": holder[key]}
    else:
        holder[f"{key}V2"] = holder.pop(key)


def retyped(holder: Any, key: Any, _: Column) -> None:
    """Replaces a number by an object."""
    holder[key] = {"value": holder[key], "unit": "?"}


def worded(holder: Any, key: Any, _: Column) -> None:
    """Replaces a number by words."""
    holder[key] = "see announcement"


def in_percent(holder: Any, key: Any, column: Column) -> None:
    """Converts a rate to percent."""
    if column.unit == "rate":
        holder[key] = _hundredfold(holder[key])


def _hundredfold(value: Any) -> Any:
    if isinstance(value, list):
        return [_hundredfold(number) for number in value]
    percent = Decimal(str(value)) * 100
    return f"{percent:f}" if isinstance(value, str) else percent


CHANGES: Mapping[str, tuple[FieldChange, frozenset[str]]] = {
    "field renamed": (renamed, frozenset({"upper", "initial", "maintenance"})),
    "type changed": (retyped, frozenset({"upper", "initial", "maintenance"})),
    "words for a number": (worded, frozenset({"upper", "initial", "maintenance"})),
    "percent for fraction": (in_percent, frozenset({"initial", "maintenance"})),
}
"""Change and affected columns, by name of the change."""


@dataclass(frozen=True, slots=True)
class Drift:
    """A fault that changes every row of one schedule per venue.

    ``bodies`` are the changed responses by the hash of the original ones.
    """

    bodies: Mapping[str, bytes]
    name: str = "drift"

    def apply(self, _venue: str, _endpoint: Endpoint, _number: int, reply: Reply) -> Reply:
        """Changed response, if there is one for this reply."""
        return replace(reply, body=self.bodies.get(sha256(reply.body).hexdigest(), reply.body))


def drifted(
    gathered: Gathered, schedule: MarginSchedule, change: FieldChange, columns: frozenset[str]
) -> tuple[str, bytes] | None:
    """Hash of the response and its changed body; None if no column of the schedule can change."""
    evidence = schedule.evidence[0]
    payload = next(entry for entry in gathered.snapshot.payloads if entry.sha256 == evidence.sha256)
    if payload.provenance.origin is not Origin.LIVE:
        return None
    document: Any = json.loads(
        json.dumps(decode(payload), default=_text_marked), object_hook=_unmark
    )
    changes = 0
    for row, column in _matching_columns(evidence, columns):
        parent, _, key = (row + column.key).rpartition("/")
        holder: Any = resolve(document, parent)
        name = int(key) if isinstance(holder, list) else key
        before = json.dumps(holder, default=str)
        if holder[name] is None or holder[name] == "":
            continue
        change(holder, name, column)
        changes += before != json.dumps(holder, default=str)
    body = written(document)
    return (payload.sha256, body) if changes else None


def reshaped(gathered: Gathered, schedule: MarginSchedule) -> tuple[str, bytes]:
    """Hash of the response and its body with each row as a list of values without names."""
    live = {
        payload.sha256: payload
        for payload in gathered.snapshot.payloads
        if payload.provenance.origin is Origin.LIVE
    }
    evidence = next(entry for entry in schedule.evidence if entry.sha256 in live)
    payload = live[evidence.sha256]
    document: Any = json.loads(written(decode(payload)))
    for row in evidence.rows:
        parent, _, key = row.rpartition("/")
        holder: Any = resolve(document, parent) if row else [document]
        position: Any = int(key) if isinstance(holder, list) and row else key or 0
        before = holder[position]
        holder[position] = list(before.values()) if isinstance(before, dict) else {"rows": before}
    return payload.sha256, json.dumps(document).encode()


def _matching_columns(evidence: Evidence, names: frozenset[str]) -> list[tuple[str, Column]]:
    return [
        (row, column)
        for row in evidence.rows
        for column in evidence.columns
        if column.quantity in names or not names & {c.quantity for c in evidence.columns}
    ]


def _text_marked(value: object) -> object:
    return {"\x00decimal": str(value)}


def _unmark(value: dict[str, Any]) -> Any:
    return Decimal(value["\x00decimal"]) if set(value) == {"\x00decimal"} else value
