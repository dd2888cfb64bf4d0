"""How venues change the shape of what they publish, done to the rows that margins stand in."""

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

Change = Callable[[Any, Any, Column], None]
"""Changes one figure of a row: the object that holds it, its key, and what it is."""


def renamed(holder: Any, key: Any, column: Column) -> None:
    """Give the field another name."""
    if isinstance(holder, list):
        holder[key] = {f"{column.figure}V2": holder[key]}
    else:
        holder[f"{key}V2"] = holder.pop(key)


def retyped(holder: Any, key: Any, _: Column) -> None:
    """Put an object where a number was."""
    holder[key] = {"value": holder[key], "unit": "?"}


def worded(holder: Any, key: Any, _: Column) -> None:
    """Put words where a number was."""
    holder[key] = "see announcement"


def in_percent(holder: Any, key: Any, column: Column) -> None:
    """Write a rate in percent."""
    if column.unit == "rate":
        holder[key] = _hundredfold(holder[key])


def _hundredfold(value: Any) -> Any:
    if isinstance(value, list):
        return [_hundredfold(one) for one in value]
    greater = Decimal(str(value)) * 100
    return f"{greater:f}" if isinstance(value, str) else greater


SHAPES: Mapping[str, tuple[Change, frozenset[str]]] = {
    "field renamed": (renamed, frozenset({"upper", "initial", "maintenance"})),
    "type changed": (retyped, frozenset({"upper", "initial", "maintenance"})),
    "words for a number": (worded, frozenset({"upper", "initial", "maintenance"})),
    "percent for fraction": (in_percent, frozenset({"initial", "maintenance"})),
}
"""Each change, and the figures it is done to."""


@dataclass(frozen=True, slots=True)
class Drift:
    """A fault that changes every row of one schedule of every venue, in the answer it stands in.

    ``bodies`` are the changed answers by the hash of the sound ones.
    """

    bodies: Mapping[str, bytes]
    name: str = "drift"

    def apply(self, _venue: str, _endpoint: Endpoint, _number: int, reply: Reply) -> Reply:
        """Send the changed answer in place of the sound one."""
        return replace(reply, body=self.bodies.get(sha256(reply.body).hexdigest(), reply.body))


def drifted(
    gathered: Gathered, schedule: MarginSchedule, change: Change, figures: frozenset[str]
) -> tuple[str, bytes] | None:
    """Change the rows of one schedule; None where it has no such figure to change."""
    main = schedule.evidence[0]
    payload = next(one for one in gathered.snapshot.payloads if one.sha256 == main.sha256)
    if payload.provenance.origin is not Origin.LIVE:
        return None
    document: Any = json.loads(
        json.dumps(decode(payload), default=_text_marked), object_hook=_unmark
    )
    touched = 0
    for row, column in _figures(main, figures):
        above, _, key = (row + column.key).rpartition("/")
        holder: Any = resolve(document, above)
        name = int(key) if isinstance(holder, list) else key
        before = json.dumps(holder, default=str)
        if holder[name] is None or holder[name] == "":
            continue
        change(holder, name, column)
        touched += before != json.dumps(holder, default=str)
    body = written(document)
    return (payload.sha256, body) if touched else None


def reshaped(gathered: Gathered, schedule: MarginSchedule) -> tuple[str, bytes]:
    """Send each row of a schedule in a new shape: its values in a list, without their names."""
    main = schedule.evidence[0]
    payload = next(one for one in gathered.snapshot.payloads if one.sha256 == main.sha256)
    document: Any = json.loads(written(decode(payload)))
    for row in main.rows:
        above, _, key = row.rpartition("/")
        holder: Any = resolve(document, above) if row else [document]
        place: Any = int(key) if isinstance(holder, list) and row else key or 0
        before = holder[place]
        holder[place] = list(before.values()) if isinstance(before, dict) else {"rows": before}
    return payload.sha256, json.dumps(document).encode()


def _figures(evidence: Evidence, figures: frozenset[str]) -> list[tuple[str, Column]]:
    return [
        (row, column)
        for row in evidence.rows
        for column in evidence.columns
        if column.figure in figures or not figures & {one.figure for one in evidence.columns}
    ]


def _text_marked(value: object) -> object:
    return {"\x00decimal": str(value)}


def _unmark(found: dict[str, Any]) -> Any:
    return Decimal(found["\x00decimal"]) if set(found) == {"\x00decimal"} else found
