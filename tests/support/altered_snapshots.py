"""Recorded snapshots with one thing changed in them, as the venue's own bytes again."""

import copy
import json
from collections.abc import Callable
from decimal import Decimal
from typing import Any

from harmonize.core.payload import Payload, Snapshot, decode
from venues import facts
from venues.adapter import Parsed
from venues.registry import find_adapter


def with_content(snapshot: Snapshot, method: str, content: bytes) -> Snapshot:
    """The snapshot with other bytes in its first answer to ``method``."""
    target = snapshot.answers(method)[0]
    changed = Payload.of(target.venue, target.call, target.observed_at, target.provenance, content)
    payloads = tuple(changed if one is target else one for one in snapshot.payloads)
    return Snapshot(snapshot.venue, snapshot.observed_at, payloads, snapshot.complete)


def changed(snapshot: Snapshot, method: str, change: Callable[[Any], Any]) -> Snapshot:
    """The snapshot with its first answer to ``method`` changed as a document.

    ``change`` edits the document in place, or gives another one.
    """
    document = copy.deepcopy(decode(snapshot.answers(method)[0]))
    other = change(document)
    return with_content(snapshot, method, written(document if other is None else other))


def altered(snapshot: Snapshot, method: str, change: Callable[[Any], object]) -> Snapshot:
    """The snapshot with its first answer to ``method`` changed in place, its decimals as floats."""
    document = json.loads(written(decode(snapshot.answers(method)[0])))
    change(document)
    return with_content(snapshot, method, json.dumps(document).encode())


def without(snapshot: Snapshot, method: str) -> Snapshot:
    """The snapshot without any answer to ``method``."""
    kept = tuple(one for one in snapshot.payloads if one.call.method != method)
    return Snapshot(snapshot.venue, snapshot.observed_at, kept, snapshot.complete)


def written(document: object) -> bytes:
    """Write a document back as JSON, Decimals as numbers, digits kept."""
    marked = json.dumps(document, default=_mark)
    return marked.replace('"\\u0000', "").replace('\\u0000"', "").encode()


def _mark(value: object) -> str:
    assert isinstance(value, Decimal)
    return f"\x00{value}\x00"


def parsed(snapshot: Snapshot) -> Parsed:
    """Read a snapshot with its venue's adapter and the facts that ship."""
    one = find_adapter(snapshot.venue)
    assert one is not None
    return one.parse(snapshot, facts.bundled())


def trimmed(snapshot: Snapshot, payloads: int = 8, rows: int = 4) -> Snapshot:
    """A smaller snapshot of the same shape: few payloads, few rows of each list of instruments."""
    kept = tuple(
        Payload.of(one.venue, one.call, one.observed_at, one.provenance, _fewer(one, rows))
        for one in snapshot.payloads[:payloads]
    )
    return Snapshot(snapshot.venue, snapshot.observed_at, kept, snapshot.complete)


_LISTS: dict[str, tuple[tuple[str | int, ...], ...]] = {
    "binance": ((),),
    "bybit": (("result", "list"),),
    "dydx": (("markets",),),
    "hyperliquid": ((0, "universe"), ("universe",)),
}


def _fewer(payload: Payload, rows: int) -> bytes:
    document: Any = decode(payload)
    for path in _LISTS.get(payload.venue, ()):
        holder, here = None, document
        for key in path:
            if isinstance(key, int) != isinstance(here, list) or (key not in here and key != 0):
                break
            holder, here = here, here[key]
        else:
            fewer = dict(list(here.items())[:rows]) if isinstance(here, dict) else here[: rows * 5]
            if holder is None:
                document = fewer
            else:
                holder[path[-1]] = fewer
    return written(document)
