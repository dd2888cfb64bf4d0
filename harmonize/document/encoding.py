"""Encoding of the audit document for JSON: large collections as tables, repeated content as references.

A table is ``{"length": n, "columns": {…}}``. A column that repeats values is dictionary-encoded as in
Apache Arrow: ``{"dictionary": [values], "indices": [position per row]}``; without ``indices``, every row
has the one value. Columns named in ``REFERENCES`` are positions in another collection of the document,
which states the fields that they replace; these fields have a column only for rows without a reference.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from harmonize.document import nested_tables as nested

Row = Mapping[str, Any]
"""A row as fields by name."""

Table = dict[str, Any]

SCHEDULE = ("venue", "symbol", "profile", "underlying", "observed_at", "observed_from", "date_kind")
"""Fields that identify a schedule and its date."""

GROUP = ("code", "name", "level", "verdict", "rule_set", "margin_type", "verified", "state")
"""Fields that the findings of one group share."""


@dataclass(frozen=True, slots=True)
class Reference:
    """Column of positions in ``collection``, instead of ``fields``."""

    column: str
    collection: str
    fields: tuple[str, ...]


_TO_SCHEDULE = Reference("schedule", "schedules", SCHEDULE)
_TO_GROUP = Reference("group", "groups", GROUP)

REFERENCES: Mapping[str, tuple[Reference, ...]] = MappingProxyType(
    {
        "schedules": (),
        "coverage": (),
        "divergences": (_TO_SCHEDULE,),
        "findings": (_TO_GROUP, _TO_SCHEDULE),
        "waived": (_TO_GROUP, _TO_SCHEDULE),
    }
)
"""References of each collection that is encoded as a table."""

MEMBERS = Reference(
    "schedule",
    "schedules",
    ("venue", "symbol", "profile", "observed_at", "observed_from", "date_kind", "stale", "origin"),
)
"""Reference of the members of comparisons, which are one table."""

UNIQUE = frozenset({"fingerprint"})
"""Columns that repeat no value: a list of values."""


def encoded(document: Row, names: Mapping[str, Sequence[str]]) -> dict[str, Any]:
    """Returns a document in its encoded form.

    ``document`` holds rows as objects with attributes; ``names`` are the fields of each table's rows.
    """
    groups = _group_rows(document)
    collections = {**document, "groups": groups}
    tables = {
        name: _table(document[name], names[name], references, collections)
        for name, references in REFERENCES.items()
    }
    comparisons = document["comparisons"]
    members = [
        (position, member)
        for position, comparison in enumerate(comparisons)
        for member in comparison.members
    ]
    table = _table([member for _, member in members], names["members"], (MEMBERS,), collections)
    table["columns"] = {"comparison": [position for position, _ in members], **table["columns"]}
    return {
        **document,
        **tables,
        "groups": _with_findings(groups, tables),
        "comparisons": [_fields(row, names["comparisons"], {"members"}) for row in comparisons],
        "members": table,
        "adequacy": _adequacy(document["adequacy"], names),
    }


def _adequacy(section: object, names: Mapping[str, Sequence[str]]) -> dict[str, Any]:
    """Returns the section on adequacy with its rows as tables."""
    own = {name: getattr(section, name) for name in names["adequacy"]}
    tables = nested.nested_tables(own, names, _dictionary_encoded)
    return {**own, **tables}


def decoded(document: Row) -> dict[str, Any]:
    """Returns an encoded document, read from JSON, with every table as a list of rows.

    Raises ValueError: the document is not complete, or a reference points at nothing.
    """
    try:
        return _decoded(document)
    except _UnreadableTableError:
        raise
    except (KeyError, IndexError, TypeError, AttributeError, ValueError) as error:
        message = f"incomplete audit document, missing or unreadable: {error}; write it again"
        raise ValueError(message) from None


def _decoded(document: Row) -> dict[str, Any]:
    collections = dict(document)
    for name, references in REFERENCES.items():
        collections[name] = _checked_rows(name, references, collections)
    members: list[list[Row]] = [[] for _ in document["comparisons"]]
    for row in _checked_rows("members", (MEMBERS,), collections):
        _check_position(row["comparison"], len(members), "members")
        members[row["comparison"]].append(_without(row, {"comparison"}))
    collections["comparisons"] = [
        {**comparison, "members": own}
        for comparison, own in zip(document["comparisons"], members, strict=True)
    ]
    if "adequacy" in document:  # since 3.1
        collections["adequacy"] = _decoded_adequacy(document["adequacy"])
    return _without(collections, {"groups", "members"})


def _decoded_adequacy(section: Row) -> dict[str, Any]:
    tables = {name: _checked_rows(name, (), section) for name in nested.CONTAINED}
    complete = nested.contained_rows(tables, _check_position)
    return {
        name: complete.get(name, value)
        for name, value in section.items()
        if name not in nested.CONTAINED_ONLY
    }


class _UnreadableTableError(ValueError):
    """A table that is not whole: one line with its name and the fault."""


def _checked_rows(
    name: str, references: Sequence[Reference], collections: Row
) -> list[dict[str, Any]]:
    """Returns the rows of a table of the document. Raises _UnreadableTableError: it is not whole."""
    table = collections[name]
    length = table["length"]
    for column, content in table["columns"].items():
        own = len(values(content, length))
        if own != length:
            message = f"incomplete audit document: {name}.{column} has {own} values of {length}"
            raise _UnreadableTableError(message)
    if length and not table["columns"]:
        message = f"incomplete audit document: {name} has no columns for {length} rows"
        raise _UnreadableTableError(message)
    for reference in references:
        size = len(collections[reference.collection])
        for position in table["columns"][reference.column]:
            if position is not None:
                _check_position(position, size, f"{name}.{reference.column}")
    return rows(table, references, collections)


def _check_position(position: int, size: int, where: str) -> None:
    if not 0 <= position < size:
        message = f"incomplete audit document: {where} refers to row {position} of {size}"
        raise _UnreadableTableError(message)


def rows(
    table: Row, references: Sequence[Reference] = (), collections: Row = MappingProxyType({})
) -> list[dict[str, Any]]:
    """Returns the rows of a table, with the fields that its references replace."""
    length = table["length"]
    columns = {name: values(column, length) for name, column in table["columns"].items()}
    table_rows = [
        dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)
    ]
    for reference in references:
        collection = collections[reference.collection]
        for row in table_rows:
            position = row.pop(reference.column)
            if position is not None:
                target = collection[position]
                row.update((name, target[name]) for name in reference.fields)
    return table_rows


def values(column: Sequence[Any] | Row, length: int) -> Sequence[Any]:
    """Returns the values of a column, one per row."""
    if not isinstance(column, Mapping):
        return column
    dictionary: list[Any] = column["dictionary"]
    if "indices" not in column:
        return dictionary * length
    indices = column["indices"]
    if min(indices, default=0) < 0:
        message = f"an index of {min(indices)}"
        raise IndexError(message)
    return [dictionary[index] for index in indices]


def _group_rows(document: Row) -> list[dict[str, Any]]:
    """Returns the groups of all findings, in the order of their first finding."""
    findings = (*document["findings"], *document["waived"])
    keys = dict.fromkeys(tuple(getattr(row, name) for name in GROUP) for row in findings)
    return [dict(zip(GROUP, key, strict=True)) for key in keys]


def _with_findings(groups: Sequence[Row], tables: Mapping[str, Table]) -> list[dict[str, Any]]:
    """Returns the groups with the positions of their findings, and of their waived findings."""
    positions: dict[str, list[list[int]]] = {}
    for name in ("findings", "waived"):
        positions[name] = [[] for _ in groups]
        for row, group in enumerate(tables[name]["columns"]["group"]):
            positions[name][group].append(row)
    return [
        {**group, **{name: own[number] for name, own in positions.items()}}
        for number, group in enumerate(groups)
    ]


def _table(
    of: Sequence[Any], names: Sequence[str], references: Sequence[Reference], collections: Row
) -> Table:
    columns: dict[str, Any] = {}
    replaced: dict[str, list[int | None]] = {}
    for reference in references:
        positions = _positions(of, reference, collections[reference.collection])
        columns[reference.column] = positions
        replaced |= dict.fromkeys(reference.fields, positions)
    for name in names:
        column = [getattr(row, name) for row in of]
        if name in replaced:
            if None not in replaced[name]:
                continue
            pairs = zip(column, replaced[name], strict=True)
            column = [value if position is None else None for value, position in pairs]
        columns[name] = column if name in UNIQUE else _dictionary_encoded(column)
    return {"length": len(of), "columns": columns}


def _positions(
    of: Sequence[Any], reference: Reference, collection: Iterable[Any]
) -> list[int | None]:
    """Returns the position of the row in the collection that has the same fields, for each row."""
    first: dict[tuple[Any, ...], int] = {}
    for position, target in enumerate(collection):
        first.setdefault(_key(target, reference.fields), position)
    return [first.get(_key(row, reference.fields)) for row in of]


def _key(row: object, names: Sequence[str]) -> tuple[Any, ...]:
    if isinstance(row, dict):
        return tuple(row[name] for name in names)
    return tuple(getattr(row, name) for name in names)


def _dictionary_encoded(column: Sequence[Any]) -> dict[str, Any]:
    """Returns distinct values, in the order of their first row, and the index of each row."""
    by_identity = dict(zip(map(id, column), column, strict=True))  # rows share most values
    index: dict[Any, int] = {}
    for value in by_identity.values():
        index.setdefault(value, len(index))
    if len(index) == 1:
        return {"dictionary": list(index)}
    of_identity = {identity: index[value] for identity, value in by_identity.items()}
    return {"dictionary": list(index), "indices": [of_identity[id(value)] for value in column]}


def _fields(row: object, names: Sequence[str], excluded: set[str]) -> dict[str, Any]:
    return {name: getattr(row, name) for name in names if name not in excluded}


def _without(row: Row, excluded: set[str]) -> dict[str, Any]:
    return {name: value for name, value in row.items() if name not in excluded}
