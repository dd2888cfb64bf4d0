"""A YAML file read into one shape, or all that is wrong with it as lines with their place."""

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TypeVar

from pydantic import ValidationError

from harmonize.core.yaml_source import WrittenError, decode, read
from rules.language.consistency import Contradiction
from rules.language.errors import problems
from rules.language.inheritance import alone
from rules.language.scalars import Shape
from rules.loader import RuleError, content

S = TypeVar("S", bound=Shape)


def shaped(
    path: Path,
    shape: type[S],
    contradictions: Callable[[object], Iterable[Contradiction]],
) -> S:
    """Read a file. Raises RuleError: the first thing that is wrong and how many more there are."""
    name = str(path)
    try:
        written = read(decode(content(path), name), name)
    except WrittenError as error:
        raise RuleError(str(error)) from None
    whole = alone(written)
    try:
        found = shape.model_validate(written.value)
        wrong = problems(whole, (), contradictions(written.value), {})
    except ValidationError as error:
        wrong = problems(
            whole,
            error.errors(include_url=False),
            contradictions(written.value),
            shape.model_json_schema(),
        )
    if wrong:
        more = f" (and {len(wrong) - 1} more)" if len(wrong) > 1 else ""
        reason = f"{wrong[0]}{more}"
        raise RuleError(reason)
    return found
