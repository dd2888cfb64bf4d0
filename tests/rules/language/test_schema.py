"""The JSON Schema that editors complete and check rule sets with."""

import json
from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from importlib.resources import files
from typing import Any

import jsonschema
import pytest
import yaml

from harmonize.core.yaml_source import Plain, read
from rules import loader
from rules.language.schema import json_schema
from tests.rules.small import CAP, SCHEDULE

VALIDATOR = jsonschema.Draft202012Validator(json_schema())


def _as_json(value: Plain) -> Any:
    """A written value in the types that JSON has."""
    if isinstance(value, dict):
        return {key: _as_json(one) for key, one in value.items()}
    if isinstance(value, list):
        return [_as_json(one) for one in value]
    if isinstance(value, Decimal):
        return float(value)
    return str(value) if isinstance(value, date) else value


def test_the_published_schema_is_that_of_the_model() -> None:
    text = files("rules").joinpath("ruleset.schema.json").read_text(encoding="utf-8")
    assert text == json.dumps(json_schema(), indent=2, ensure_ascii=False) + "\n"


def test_the_schema_is_a_schema() -> None:
    jsonschema.Draft202012Validator.check_schema(json_schema())


def test_editors_find_the_schema_in_the_first_line() -> None:
    for pack in loader.packs():
        assert loader.source(pack).startswith(
            "# yaml-language-server: $schema=ruleset.schema.json\n"
        )


@pytest.mark.parametrize("pack", loader.packs())
def test_packs_satisfy_the_schema_as_this_tool_reads_them(pack: str) -> None:
    VALIDATOR.validate(_as_json(read(loader.source(pack), pack).value))


@pytest.mark.parametrize("pack", loader.packs())
def test_packs_satisfy_the_schema_as_an_editor_reads_them(pack: str) -> None:
    """An editor takes 50% and 5_000_000 for text, and knows nothing of Decimal."""
    VALIDATOR.validate(_edited(pack))


def _edited(pack: str) -> Any:
    """Read as YAML 1.2 does: grouped digits and days are text."""
    text = loader.source(pack)
    value = yaml.safe_load(text)

    def regroup(one: Any) -> Any:
        if isinstance(one, dict):
            return {key: regroup(item) for key, item in one.items()}
        if isinstance(one, list):
            return [regroup(item) for item in one]
        if isinstance(one, date):
            return str(one)
        grouped = f"{one:_}" if isinstance(one, int) and not isinstance(one, bool) else ""
        return grouped if "_" in grouped and grouped in text else one

    return regroup(value)


@pytest.mark.parametrize(
    ("right", "old", "new"),
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
        (SCHEDULE, "[SOL]", "[sol]"),
        (SCHEDULE, "    A:", "    a:"),
        (SCHEDULE, "pi: 5%", "pi: five"),
        (SCHEDULE, "not observable", "compliant"),
    ],
)
def test_editors_mark_what_the_tool_refuses(right: str, old: str, new: str) -> None:
    assert VALIDATOR.is_valid(yaml.safe_load(right))
    assert not VALIDATOR.is_valid(yaml.safe_load(right.replace(old, new, 1)))


def _properties(schema: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    for name, one in schema["$defs"].items():
        for field, property_ in one.get("properties", {}).items():
            yield f"{name}.{field}", property_


def test_every_field_is_described() -> None:
    bare = [name for name, one in _properties(json_schema()) if not one.get("description")]
    assert bare == []
    assert len(list(_properties(json_schema()))) > 40
