"""Validation errors of a YAML file, as lines with file:line:column, the problem and the fix."""

import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any, Protocol

from pydantic_core import ErrorDetails

from harmonize.core.yaml_source import Path, Place, YamlSourceError, one_line, printable
from rules.language.consistency import CONTRADICTION, Contradiction
from rules.language.scalars import SHAPES

MAX_PROBLEMS = 100
"""Largest number of problems that are described in full; the others are counted."""

_MAX_STEP = 60  # characters of a field's name in a message


class LocatedText(Protocol):
    """Text with a known place for every value and key."""

    def place(self, path: Path) -> tuple[str, Place]:
        """Returns the file, line and column of a value."""

    def key_place(self, path: Path) -> tuple[str, Place]:
        """Returns the file, line and column of a key."""


@dataclass(frozen=True, slots=True, order=True)
class Problem:
    """One problem in a file, ordered by its place."""

    place: Place
    field: str
    message: str
    name: str

    def __str__(self) -> str:
        field = f"{self.field}: " if self.field else ""
        return str(YamlSourceError(self.name, *self.place, f"{field}{self.message}"))


def located_problems(
    text: LocatedText,
    errors: Iterable[ErrorDetails],
    contradictions: Iterable[Contradiction],
    schema: Mapping[str, Any],
    *,
    skip: int = 0,
) -> list[Problem]:
    """Returns validation errors, and contradictions in fields without one, sorted by place.

    ``skip`` is the number of leading path steps that pydantic adds (the kind of a union).
    """
    known = _known_fields(schema)
    errors = sorted(
        (error for error in errors if _is_primary(error)),
        key=lambda error: _location(text, error, skip)[2],
    )
    problems = [
        # The search for a similar field is too slow to run for every one of 100,000 errors.
        _problem(text, error, known if index < MAX_PROBLEMS else (), skip)
        for index, error in enumerate(errors)
    ]
    reported = {problem.field for problem in problems}
    for path, message in contradictions:
        if dotted_path(path) not in reported:
            name, place = text.place(path)
            problems.append(Problem(place, dotted_path(path), message, name))
    return sorted(set(problems))


def problem_lines(problems: Sequence[Problem]) -> list[str]:
    """Returns a line per problem; the last one counts those beyond the first ``MAX_PROBLEMS``."""
    lines = [str(problem) for problem in problems[:MAX_PROBLEMS]]
    others = len(problems) - len(lines)
    return [*lines, f"{one_line(problems[0].name)}: {others} more problems"] if others else lines


def dotted_path(path: Path) -> str:
    """Returns a path in dotted notation: ``requirement.classes.A.tiers[0].upper``."""
    steps = (f"[{step}]" if isinstance(step, int) else f".{_step_text(step)}" for step in path)
    return "".join(steps).removeprefix(".")


def _step_text(step: str) -> str:
    return one_line(step if len(step) <= _MAX_STEP else f"{step[: _MAX_STEP - 1]}…")


def _is_primary(error: ErrorDetails) -> bool:
    """True unless an error follows from another one, or is reported as a contradiction."""
    is_consequence = error["type"] == "too_short" and error["input"]
    return not is_consequence and error["type"] != CONTRADICTION


def _problem(text: LocatedText, error: ErrorDetails, known: Collection[str], skip: int) -> Problem:
    path, name, place = _location(text, error, skip)
    return Problem(place, dotted_path(path), _message(error, known), name)


def _location(text: LocatedText, error: ErrorDetails, skip: int) -> tuple[Path, str, Place]:
    """Returns the path of the field with an error, its file and its place."""
    kind = error["type"]
    path: Path = ("kind",) if kind.startswith("union_tag") else error["loc"][skip:]
    at_key = kind == "extra_forbidden"
    if path and path[-1] == "[key]":
        path, at_key = path[:-1], True
    name, place = text.key_place(path) if at_key else text.place(path)
    return path, name, place


_SIMILAR = 0.75  # ratio from which a word is close enough to another to be meant
_QUOTED = re.compile(r"'([^']*)'")
# Messages by pydantic's error type; the text follows the field's name.
_MESSAGES = {
    "missing": "missing; add it",
    "extra_forbidden": "unknown field; {fix}",
    "union_tag_not_found": "missing; add 'kind: cap', 'kind: schedule', 'kind: model' or 'kind: disclosure'",
    "union_tag_invalid": "expected {expected}, found {found}",
    "enum": "expected {expected}, found {found}{similar}",
    "literal_error": "expected {expected}, found {found}{similar}",
    "string_type": "expected text, found {found}; put text in quotes",
    "string_pattern_mismatch": "expected {shape}, found {found}",
    "bool_type": "expected true or false, found {found}",
    "tuple_type": "expected a list, found {found}; put its entries in [ ]",
    "too_short": "empty; add an entry",
    "dict_type": "expected a mapping, found {found}; write its fields below it, indented",
    "model_type": "expected a mapping, found {found}; write its fields below it, indented",
    "model_attributes_type": "expected a mapping, found {found}; write its fields below it, indented",
    "value_error": "{error}",
}


def _message(error: ErrorDetails, known: Collection[str]) -> str:
    context = error.get("ctx", {})
    value = error["input"]
    if error["type"] == "model_attributes_type" and not error["loc"]:
        return f"expected a rule set as a mapping, found {printable(value)}; begin with 'id:'"
    details = {
        "found": printable(value["kind"] if "tag" in context else value),
        "expected": _alternatives(context.get("expected", context.get("expected_tags", ""))),
        "similar": _similar_word(value, str(context.get("expected", ""))),
        "shape": SHAPES.get(context.get("pattern", ""), ""),
        "fix": _fix_for_unknown(str(error["loc"][-1]), known)
        if error["type"] == "extra_forbidden"
        else "",
    }
    message = _MESSAGES.get(error["type"])
    return message.format(**{**context, **details}) if message else error["msg"]


def _alternatives(words: str) -> str:
    """Returns pydantic's list of words with commas and one final ``or``."""
    *rest, last = words.replace("True", "true").replace(" or ", ", ").split(", ")
    return f"{', '.join(rest)} or {last}" if rest else last


def _similar_word(value: object, words: str) -> str:
    """Returns the accepted word that was probably meant; empty if none is similar."""
    if not isinstance(value, str) or len(value) > _MAX_STEP:
        return ""
    close = get_close_matches(value.lower(), _QUOTED.findall(words), 1, _SIMILAR)
    return f"; did you mean {close[0]}?" if close else ""


def _known_fields(schema: Mapping[str, Any]) -> Collection[str]:
    definitions = [schema, *schema.get("$defs", {}).values()]
    return {name for definition in definitions for name in definition.get("properties", ())}


def _fix_for_unknown(word: str, known: Collection[str]) -> str:
    if word in known:
        return "move it to the mapping that has this field"
    close = get_close_matches(word, sorted(known), 1) if len(word) <= _MAX_STEP else []
    return f"did you mean {close[0]}?" if close else "remove it"
