"""Fields that rows with margins may have, by venue and kind of row."""

import json
from collections.abc import Iterable, Mapping
from functools import cache
from importlib.resources import files

from harmonize.core.payload import Evidence, Snapshot, decode, escape, resolve
from venues.adapter import Parsed

TIER_ROW_FIELDS = 20
"""Largest number of fields of a tier row; wider rows describe an instrument."""

_MARGIN_TERMS = (
    "margin",
    "lever",
    "risk",
    "tier",
    "limit",
    "maint",
    "imr",
    "mmr",
    "bracket",
    "notional",
)
"""Parts of field names that indicate margin."""

KnownFields = Mapping[str, Mapping[str, frozenset[str]]]
"""Known field names by venue and row kind (see ``row_kind``)."""


@cache
def known_fields() -> KnownFields:
    """Fields of rows in the recordings, including documentation samples."""
    text = files("venues").joinpath("fields.json").read_text(encoding="utf-8")
    return {
        venue: {row: frozenset(names) for row, names in rows.items()}
        for venue, rows in json.loads(text).items()
    }


def row_kind(method: str, pointer: str) -> str:
    """Row kind: the endpoint and the depth of the row in its responses."""
    return f"{method} {pointer.count('/')}"


def find_unknown_field(
    document: object, evidence: Evidence, method: str, known: Mapping[str, frozenset[str]]
) -> str:
    """JSON pointer to a field absent from the recordings, which may change other fields' meaning.

    Empty if every row has known fields only.
    """
    for pointer in evidence.rows:
        row = resolve(document, pointer)
        expected = known.get(row_kind(method, pointer))
        if not isinstance(row, dict) or expected is None:
            continue
        for name in sorted(set(row) - expected):
            if len(expected) <= TIER_ROW_FIELDS or any(
                term in name.lower() for term in _MARGIN_TERMS
            ):
                return f"{pointer}/{escape(name)}"
    return ""


def fields_of(snapshots: Iterable[tuple[Snapshot, Parsed]]) -> dict[str, dict[str, list[str]]]:
    """Field names of every row with margins, by venue and row kind."""
    names_by_venue: dict[str, dict[str, set[str]]] = {}
    for snapshot, parsed in snapshots:
        methods = {payload.sha256: payload.call.method for payload in snapshot.payloads}
        documents = {payload.sha256: decode(payload) for payload in snapshot.payloads}
        for evidence in (e for schedule in parsed.schedules for e in schedule.evidence):
            for pointer in evidence.rows:
                row = resolve(documents[evidence.sha256], pointer)
                if isinstance(row, dict):
                    kind = row_kind(methods[evidence.sha256], pointer)
                    kinds = names_by_venue.setdefault(snapshot.venue, {})
                    kinds.setdefault(kind, set()).update(row)
    return {
        venue: {kind: sorted(names) for kind, names in sorted(kinds.items())}
        for venue, kinds in sorted(names_by_venue.items())
    }
