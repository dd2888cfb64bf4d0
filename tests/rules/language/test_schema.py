"""JSON Schema with which editors complete and validate rule sets."""

import json
from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from importlib.resources import files
from typing import Any

import jsonschema
import pytest
import yaml

from harmonize.core.yaml_source import Plain, parse_yaml
from rules import loader
from rules.language.schema import json_schema
from tests.rules.small import CAP, SCHEDULE

VALIDATOR = jsonschema.Draft202012Validator(json_schema())


def _as_json(value: Plain) -> Any:
    """Returns a YAML value in the types of JSON."""
    if isinstance(value, dict):
        return {key: _as_json(field) for key, field in value.items()}
    if isinstance(value, list):
        return [_as_json(entry) for entry in value]
    if isinstance(value, Decimal):
        return float(value)
    return str(value) if isinstance(value, date) else value


def test_the_published_schema_equals_the_generated_one() -> None:
    text = files("rules").joinpath("ruleset.schema.json").read_text(encoding="utf-8")
    assert text == json.dumps(json_schema(), indent=2, ensure_ascii=False) + "\n"


def test_the_schema_is_valid_json_schema() -> None:
    jsonschema.Draft202012Validator.check_schema(json_schema())


def test_every_pack_names_the_schema_in_its_first_line() -> None:
    for pack in loader.pack_ids():
        assert loader.pack_text(pack).startswith(
            "# yaml-language-server: $schema=ruleset.schema.json\n"
        )


@pytest.mark.parametrize("pack", loader.pack_ids())
def test_packs_satisfy_the_schema_as_this_tool_reads_them(pack: str) -> None:
    VALIDATOR.validate(_as_json(parse_yaml(loader.pack_text(pack), pack).value))


@pytest.mark.parametrize("pack", loader.pack_ids())
def test_packs_satisfy_the_schema_as_an_editor_reads_them(pack: str) -> None:
    """Editors parse 50% and 5_000_000 as text and have no Decimal."""
    VALIDATOR.validate(_as_editor(pack))


def _as_editor(pack: str) -> Any:
    """Returns a pack as parsed by YAML 1.2: grouped digits and dates are text."""
    text = loader.pack_text(pack)
    value = yaml.safe_load(text)

    def regroup(node: Any) -> Any:
        if isinstance(node, dict):
            return {key: regroup(field) for key, field in node.items()}
        if isinstance(node, list):
            return [regroup(entry) for entry in node]
        if isinstance(node, date):
            return str(node)
        grouped = f"{node:_}" if isinstance(node, int) and not isinstance(node, bool) else ""
        return grouped if "_" in grouped and grouped in text else node

    return regroup(value)


@pytest.mark.parametrize(
    ("valid", "old", "new"),
    [
        (CAP, "kind: cap", "kind: rule"),
        (CAP, "title: Small cap\n", ""),
        (CAP, "title:", "titel:"),
        (CAP, "50%", "50"),
        (CAP, "50%", "0"),
        (CAP, "fraction_of_initial: 0.5", "fraction_of_initial: 0.5\n    rate: 0.25"),
        (CAP, "\n    fraction_of_initial: 0.5", " {}"),
        (CAP, "margin call", "margin-call"),
        (CAP, "primary", "checked"),
        (CAP, "small-cap", "Small"),
        (SCHEDULE, "[SOL]", "[]"),
        (SCHEDULE, "[SOL]", "[' sol']"),
        (SCHEDULE, "    A:", "    a:"),
        (SCHEDULE, "pi: 5%", "pi: five"),
        (SCHEDULE, "not observable", "compliant"),
    ],
)
def test_the_schema_rejects_invalid_rule_sets(valid: str, old: str, new: str) -> None:
    assert VALIDATOR.is_valid(yaml.safe_load(valid))
    assert not VALIDATOR.is_valid(yaml.safe_load(valid.replace(old, new, 1)))


def _properties(schema: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    for name, definition in schema["$defs"].items():
        for field, property_ in definition.get("properties", {}).items():
            yield f"{name}.{field}", property_


def test_every_field_is_described() -> None:
    undescribed = [
        name for name, property_ in _properties(json_schema()) if not property_.get("description")
    ]
    assert undescribed == []
    assert len(list(_properties(json_schema()))) > 40
