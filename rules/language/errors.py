"""What pydantic finds wrong in a written file, as lines with file:line:column and the mend."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any, Protocol

from pydantic_core import ErrorDetails

from harmonize.core.yaml_source import Path, Place, WrittenError, one_line, shown
from rules.language.consistency import CONTRADICTION, Contradiction
from rules.language.scalars import SHAPES


class LocatedError(Protocol):
    """A text of which the place of every value and key is known."""

    def place(self, path: Path) -> tuple[str, Place]:
        """Where a value stands: the file, line and column."""

    def key_place(self, path: Path) -> tuple[str, Place]:
        """Where a key stands."""


@dataclass(frozen=True, slots=True, order=True)
class Problem:
    """One thing that is wrong, ordered by where it stands."""

    place: Place
    field: str
    message: str
    name: str

    def __str__(self) -> str:
        field = f"{self.field}: " if self.field else ""
        return str(WrittenError(self.name, *self.place, f"{field}{self.message}"))


def problems(
    placed: LocatedError,
    errors: Iterable[ErrorDetails],
    contradictions: Iterable[Contradiction],
    schema: Mapping[str, Any],
    *,
    skip: int = 0,
) -> list[Problem]:
    """List what pydantic found, and the contradictions that it did not come to, by place.

    ``skip`` is how many steps of pydantic's paths are its own (the kind of a union).
    """
    found = [_told(placed, one, schema, skip) for one in errors if _counts(one)]
    known = {one.field for one in found}
    for path, message in contradictions:
        if dotted(path) not in known:
            name, place = placed.place(path)
            found.append(Problem(place, dotted(path), message, name))
    return sorted(set(found))


def dotted(path: Path) -> str:
    """Write a path as people do: ``requirement.classes.A.tiers[0].upper``."""
    steps = (f"[{step}]" if isinstance(step, int) else f".{one_line(step)}" for step in path)
    return "".join(steps).removeprefix(".")


def _counts(error: ErrorDetails) -> bool:
    """Tell whether an error is one of its own, and not the consequence of others."""
    consequence = error["type"] == "too_short" and error["input"]
    return not consequence and error["type"] != CONTRADICTION


def _told(
    placed: LocatedError, error: ErrorDetails, schema: Mapping[str, Any], skip: int
) -> Problem:
    kind = error["type"]
    path: Path = ("kind",) if kind.startswith("union_tag") else error["loc"][skip:]
    at_key = kind == "extra_forbidden"
    if path and path[-1] == "[key]":
        path, at_key = path[:-1], True
    name, place = placed.key_place(path) if at_key else placed.place(path)
    return Problem(place, dotted(path), _message(error, schema), name)


# What pydantic finds, as a sentence about the field.
_SAID = {
    "missing": "is missing; add it",
    "extra_forbidden": "is no field here; {meant}",
    "union_tag_not_found": "is missing; add 'kind: cap', 'kind: schedule', 'kind: model' or 'kind: disclosure'",
    "union_tag_invalid": "must be {expected}, was {was}",
    "enum": "must be {expected}, was {was}",
    "literal_error": "must be {expected}, was {was}",
    "string_type": "must be text, was {was}; put text in quotes",
    "string_pattern_mismatch": "must be {shape}, was {was}",
    "bool_type": "must be true or false, was {was}",
    "tuple_type": "must be a list, was {was}; put its entries in [ ]",
    "too_short": "is empty; add an entry",
    "dict_type": "must be a mapping, was {was}; write its fields below it, indented",
    "model_type": "must be a mapping, was {was}; write its fields below it, indented",
    "model_attributes_type": "must be a mapping, was {was}; write its fields below it, indented",
    "value_error": "{error}",
}


def _message(error: ErrorDetails, schema: Mapping[str, Any]) -> str:
    context = error.get("ctx", {})
    value = error["input"]
    if error["type"] == "model_attributes_type" and not error["loc"]:
        return f"a rule set must be a mapping, was {shown(value)}; begin with 'id:'"
    facts = {
        "was": shown(value["kind"] if "tag" in context else value),
        "expected": _expected(context.get("expected", context.get("expected_tags", ""))),
        "shape": SHAPES.get(context.get("pattern", ""), ""),
        "meant": _meant(str(error["loc"][-1]), schema)
        if error["type"] == "extra_forbidden"
        else "",
    }
    said = _SAID.get(error["type"])
    return said.format(**{**context, **facts}) if said else error["msg"]


def _expected(words: str) -> str:
    """Join the words that there are as a sentence does: commas, and one ``or``."""
    *rest, last = words.replace("True", "true").replace(" or ", ", ").split(", ")
    return f"{', '.join(rest)} or {last}" if rest else last


def _meant(word: str, schema: Mapping[str, Any]) -> str:
    definitions = [schema, *schema.get("$defs", {}).values()]
    known = {name for one in definitions for name in one.get("properties", ())}
    if word in known:
        return "move it to where it belongs"
    close = get_close_matches(word, sorted(known), 1)
    return f"did you mean {close[0]}?" if close else "remove it"
