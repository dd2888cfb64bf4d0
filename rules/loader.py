"""Rule sets found, read and compiled; what is wrong with one, as file:line:column."""

from difflib import get_close_matches
from functools import cache
from importlib.resources import files
from os.path import normpath
from pathlib import Path

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from harmonize.core.yaml_source import (
    LARGEST,
    WrittenError,
    YamlSource,
    decode,
    one_line,
    read,
    shown,
)
from harmonize.core.yaml_source import Path as Where
from harmonize.policy.rule_set import RuleSet
from rules.language import inheritance, schema
from rules.language.compiler import compiled
from rules.language.consistency import inconsistencies
from rules.language.errors import Problem, problems
from rules.language.inheritance import Merged


class RuleError(Exception):
    """A rule set that cannot be had: which, why, and the mend, in one line."""


def packs() -> tuple[str, ...]:
    """Name the rule sets that ship with the package, sorted."""
    return tuple(
        sorted(
            path.name.removesuffix(".yaml")
            for path in files("rules").iterdir()
            if path.name.endswith(".yaml")
        )
    )


@cache
def bundled() -> tuple[RuleSet, ...]:
    """Load every rule set that ships with the package, sorted by id."""
    return load_all(packs())


def load_all(named: tuple[str | Path, ...]) -> tuple[RuleSet, ...]:
    """Load several rule sets, in the order given. Raises RuleError: as ``load``, or one id twice."""
    found: dict[str, str | Path] = {}
    rule_sets = []
    for one in named:
        rule_set = load(one)
        if rule_set.id in found:
            reason = f"{one}: id {rule_set.id} is that of {found[rule_set.id]} too; leave out one"
            raise RuleError(reason)
        found[rule_set.id] = one
        rule_sets.append(rule_set)
    return tuple(rule_sets)


def load(named: str | Path) -> RuleSet:
    """Load a rule set by the id of a pack or by its file, compiled.

    A name with a folder or an ending in it is a file; any other is a pack. Raises RuleError: no
    such pack or file, or the first thing that is wrong in it and how many more there are.
    """
    try:
        whole = resolved(named)
    except WrittenError as error:
        raise RuleError(str(error)) from None
    try:
        rules = schema.RULES.validate_python(whole.effective)
    except ValidationError as error:
        found = _problems(whole, error)
        more = f" (and {len(found) - 1} more)" if len(found) > 1 else ""
        reason = f"{found[0]}{more}"
        raise RuleError(reason) from None
    return compiled(rules)


def check(named: str | Path) -> list[str]:
    """List all that is wrong with a rule set, ``file:line:column: field: what; mend``, by place.

    Its examples are not run here: that needs the comparison itself.
    """
    try:
        whole = resolved(named)
    except (WrittenError, RuleError) as error:
        return [str(error)]
    try:
        schema.RULES.validate_python(whole.effective)
    except ValidationError as error:
        return [str(problem) for problem in _problems(whole, error)]
    return []


def resolved(named: str | Path) -> Merged:
    """Read a rule set with all that it inherits. Raises RuleError, WrittenError."""
    return inheritance.merged(_written(named), _extended)


def located(whole: Merged, path: Where, message: str) -> str:
    """Write a message with the place of what it is about."""
    name, place = whole.place(path)
    return str(WrittenError(name, *place, message))


def text(named: str) -> str:
    """Give the text of a pack or a file as it was written. Raises RuleError, WrittenError."""
    if _is_pack(named):
        return source(named)
    return decode(content(Path(named)), named)


def source(pack: str) -> str:
    """Give the text of a pack as it was written. Raises RuleError: no pack has the id."""
    name = f"{pack}.yaml"
    if pack not in packs():
        reason = f"no rule set is called {shown(pack)}; there are {', '.join(packs())}"
        close = get_close_matches(pack, packs(), 1)
        raise RuleError(f"{reason}; did you mean {close[0]}?" if close else reason)
    return files("rules").joinpath(name).read_text(encoding="utf-8")


def _is_pack(named: str) -> bool:
    return not (_is_yaml(named) or "/" in named or "\\" in named)


def _is_yaml(name: str) -> bool:
    return name.endswith((".yaml", ".yml"))


def _written(named: str | Path) -> YamlSource:
    """Read a pack or a file. Raises RuleError: it is not there; WrittenError: it is not YAML."""
    if isinstance(named, str) and _is_pack(named):
        return read(source(named), f"rules/{named}.yaml")
    name = str(named)
    there = f"the rule sets here are {', '.join(packs())}"
    return read(decode(content(Path(named), there), name), name)


def _extended(named: str, by: str) -> YamlSource:
    """Read what a rule set extends: a pack by its id, or a file beside the one that names it."""
    try:
        if not _is_yaml(named):
            return read(source(named), f"rules/{named}.yaml")
        return _written(Path(normpath(Path(by).parent / named)))
    except RuleError as error:
        raise LookupError(str(error)) from None


def content(path: Path, else_: str = "name another file") -> bytes:
    """Read a file that people wrote, up to one byte too many. Raises RuleError."""
    name = one_line(str(path))
    try:
        with path.open("rb") as file:
            return file.read(LARGEST + 1)
    except FileNotFoundError:
        reason = f"{name}: there is no such file; {else_}"
    except IsADirectoryError:
        reason = f"{name}: is a directory; name a file in it"
    except (OSError, ValueError) as error:
        said = getattr(error, "strerror", None) or error
        reason = f"{name}: cannot be read ({said}); name another file"
    raise RuleError(reason)


def _problems(whole: Merged, error: ValidationError) -> list[Problem]:
    """List what pydantic found, and the contradictions that it did not come to, by place."""
    errors = error.errors(include_url=False)
    value = whole.effective
    if errors[0]["type"].startswith("union_tag"):
        kind, beyond = _beyond_the_kind(value)
        errors += beyond
        value = {**value, "kind": kind} if isinstance(value, dict) else value
    return problems(whole, errors, inconsistencies(value), schema.json_schema(), skip=1)


def _beyond_the_kind(value: object) -> tuple[str, list[ErrorDetails]]:
    """Find what else is wrong where the kind is, supposing the kind that the rest looks like."""
    fields = value if isinstance(value, dict) else {}
    asked = fields.get("requirement")
    asked = asked if isinstance(asked, dict) else {}
    signs = {"classes": "schedule", "rate": "model", "published": "model", "expects": "disclosure"}
    looks = next((kind for sign, kind in signs.items() if sign in asked), "cap")
    try:
        schema.RULES.validate_python({**fields, "kind": looks})
    except ValidationError as error:
        return looks, error.errors(include_url=False)
    return looks, []
