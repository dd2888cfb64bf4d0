"""Reads and validates a YAML file against one shape; errors carry file, line and column."""

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TypeVar

from pydantic import ValidationError

from harmonize.core.yaml_source import YamlSourceError, decode_utf8, parse_yaml
from rules.language.consistency import Contradiction
from rules.language.errors import LocatedText, located_problems, problem_lines
from rules.language.inheritance import standalone
from rules.language.scalars import Shape
from rules.loader import RuleError, read_bytes

S = TypeVar("S", bound=Shape)


def load_shape(
    path: Path,
    shape: type[S],
    contradictions: Callable[[object], Iterable[Contradiction]],
) -> S:
    """Returns the validated content of a file.

    Raises RuleError: the file cannot be read, or its problems, one line each.
    """
    name = str(path)
    try:
        source = parse_yaml(decode_utf8(read_bytes(path), name), name)
    except YamlSourceError as error:
        raise RuleError(str(error)) from None
    return validate_shape(standalone(source), source.value, shape, contradictions)


def validate_shape(
    text: LocatedText,
    value: object,
    shape: type[S],
    contradictions: Callable[[object], Iterable[Contradiction]],
) -> S:
    """Returns a validated value whose parts have places in a text. Raises RuleError: its problems."""
    try:
        instance = shape.model_validate(value)
        problems = located_problems(text, (), contradictions(value), {})
    except ValidationError as error:
        problems = located_problems(
            text,
            error.errors(include_url=False),
            contradictions(value),
            shape.model_json_schema(),
        )
    if problems:
        raise RuleError(*problem_lines(problems))
    return instance
