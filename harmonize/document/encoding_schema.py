"""JSON Schema of the encoded document, made from that of its rows."""

from collections.abc import Mapping, Sequence
from typing import Any

from harmonize.document.encoding import GROUP, MEMBERS, REFERENCES, UNIQUE, Reference
from harmonize.document.nested_tables import CONTAINED, CONTAINED_ONLY, SINGLE

_POSITION = {"type": "integer", "minimum": 0}
_POSITIONS = {"type": "array", "items": _POSITION}
_POSITIONS_OR_NONE = {
    "type": "array",
    "items": {"anyOf": [_POSITION, {"type": "null"}]},
}


def encoded_schema(schema: Mapping[str, Any]) -> dict[str, Any]:
    """Returns the schema of the encoded document. ``schema`` is that of the document in rows."""
    definitions, properties = dict(schema["$defs"]), dict(schema["properties"])
    for name, references in REFERENCES.items():
        row = definitions[_row_name(properties[name])]
        properties[name] = _table_schema(row, references)
    members = _table_schema(definitions["Member"], (MEMBERS,))
    columns = members["properties"]["columns"]
    columns["properties"] = {"comparison": _POSITIONS, **columns["properties"]}
    columns["required"] = ["comparison", *columns["required"]]
    properties |= {"members": members, "groups": {"type": "array", "items": _ref("Group")}}
    definitions["Comparison"] = _without_members(definitions["Comparison"])
    definitions["Group"] = _group_schema(definitions["Finding"])
    definitions["AdequacySection"] = _section_schema(definitions)
    for row_name in ("CoverageRow", "DivergenceRow", "Finding", "Member", "ScheduleRow"):
        del definitions[row_name]  # their tables have columns instead
    for row_name in _ADEQUACY_ROWS.values():
        del definitions[row_name]
    return {
        **schema,
        "$defs": definitions,
        "properties": properties,
        "required": [*schema["required"], "members", "groups"],
    }


def _table_schema(row: Mapping[str, Any], references: Sequence[Reference]) -> dict[str, Any]:
    """Returns the schema of a table of rows; columns that references replace may be absent."""
    replaced = {name for reference in references for name in reference.fields}
    columns: dict[str, Any] = {
        reference.column: _POSITIONS if reference.collection == "groups" else _POSITIONS_OR_NONE
        for reference in references
    }
    required = [*columns]
    for name, value in row["properties"].items():
        item = {key: part for key, part in value.items() if key not in {"title", "default"}}
        if name in replaced:
            item = {"anyOf": [item, {"type": "null"}]}
        else:
            required.append(name)
        columns[name] = {"type": "array", "items": item} if name in UNIQUE else _column_schema(item)
    return _columns_schema(row["description"], columns, required)


def _columns_schema(
    description: str, columns: Mapping[str, Any], required: Sequence[str]
) -> dict[str, Any]:
    return {
        "type": "object",
        "description": f"Table of rows: {description}",
        "properties": {
            "length": {"type": "integer", "minimum": 0},
            "columns": {
                "type": "object",
                "properties": columns,
                "required": required,
                "additionalProperties": False,
            },
        },
        "required": ["length", "columns"],
        "additionalProperties": False,
    }


_ADEQUACY_ROWS = {
    "rows": "AdequacyRow",
    "backtests": "DatedBacktestRow",
    "clearing_horizons": "ClearingRow",
    "tests": "CoverageTest",
    "holding_times": "HoldingRow",
    "years": "YearRow",
    "breaches": "BreachRow",
    "moves": "MoveRow",
    "unjudged": "UnjudgedRow",
    "volatilities": "VolatilityRow",
}
"""Kind of row of each table of the section on adequacy."""


def _section_schema(definitions: Mapping[str, Any]) -> dict[str, Any]:
    """Returns the schema of the section on adequacy: a table per kind of row."""
    section = definitions["AdequacySection"]
    tables = {
        name: _nested_schema(definitions[_ADEQUACY_ROWS[name]], columns)
        for name, columns in CONTAINED.items()
    }
    return {
        **section,
        "properties": {**section["properties"], **tables},
        "required": [*section["properties"], *sorted(CONTAINED_ONLY)],
        "additionalProperties": False,
    }


def _nested_schema(row: Mapping[str, Any], contained: Mapping[str, str]) -> dict[str, Any]:
    """Returns the schema of a table of rows that contain rows, or of contained ones."""
    columns: dict[str, Any] = {}
    for name, value in row["properties"].items():
        item = {key: part for key, part in value.items() if key not in {"title", "default"}}
        if name in contained:
            several = {"type": "array", "items": _POSITIONS}
            columns[name] = _POSITIONS if name in SINGLE else several
        else:
            columns[name] = {"anyOf": [{"type": "array", "items": item}, _column_schema(item)]}
    return _columns_schema(row["description"], columns, [*columns])


def _column_schema(item: Mapping[str, Any]) -> dict[str, Any]:
    """Returns the schema of a dictionary-encoded column."""
    return {
        "type": "object",
        "properties": {"dictionary": {"type": "array", "items": item}, "indices": _POSITIONS},
        "required": ["dictionary"],
        "additionalProperties": False,
    }


def _without_members(schema: Mapping[str, Any]) -> dict[str, Any]:
    properties = {name: part for name, part in schema["properties"].items() if name != "members"}
    required = [name for name in schema["required"] if name != "members"]
    return {**schema, "properties": properties, "required": required}


def _group_schema(finding: Mapping[str, Any]) -> dict[str, Any]:
    properties = {name: finding["properties"][name] for name in GROUP}
    properties |= {"findings": _POSITIONS, "waived": _POSITIONS}
    return {
        "title": "Group",
        "type": "object",
        "description": "Findings with one cause: positions in `findings` and in `waived`.",
        "properties": properties,
        "required": [*properties],
    }


def _row_name(collection: Mapping[str, Any]) -> str:
    reference: str = collection["items"]["$ref"]
    return reference.rpartition("/")[2]


def _ref(name: str) -> dict[str, str]:
    return {"$ref": f"#/$defs/{name}"}
