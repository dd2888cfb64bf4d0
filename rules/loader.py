"""Locates, reads and compiles rule sets, and reports their problems as file:line:column."""

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
from rules.language.compiler import compile_rule_set
from rules.language.consistency import inconsistencies
from rules.language.errors import Problem, located_problems
from rules.language.inheritance import Merged


class RuleError(Exception):
    """Rule set that cannot be loaded: its name, the problem and the fix, in one line."""


def packs() -> tuple[str, ...]:
    """Returns the ids of the rule sets that ship with the package, sorted."""
    return tuple(
        sorted(
            path.name.removesuffix(".yaml")
            for path in files("rules").iterdir()
            if path.name.endswith(".yaml")
        )
    )


@cache
def bundled() -> tuple[RuleSet, ...]:
    """Returns every rule set that ships with the package, sorted by id."""
    return load_all(packs())


def load_all(named: tuple[str | Path, ...]) -> tuple[RuleSet, ...]:
    """Returns several rule sets, in the given order. Raises RuleError: as ``load``, or one id twice."""
    names: dict[str, str | Path] = {}
    rule_sets = []
    for name in named:
        rule_set = load(name)
        if rule_set.id in names:
            reason = f"{name}: id {rule_set.id} is that of {names[rule_set.id]} too; leave out one"
            raise RuleError(reason)
        names[rule_set.id] = name
        rule_sets.append(rule_set)
    return tuple(rule_sets)


def load(named: str | Path) -> RuleSet:
    """Returns a compiled rule set, by the id of a pack or the path of a file.

    A name with a folder or the ending .yaml or .yml is a file, any other a pack. Raises RuleError:
    there is no such pack or file, or its first problem and the number of others.
    """
    try:
        whole = resolved(named)
    except WrittenError as error:
        raise RuleError(str(error)) from None
    try:
        rules = schema.RULES.validate_python(whole.effective)
    except ValidationError as error:
        problems = _problems(whole, error)
        more = f" (and {len(problems) - 1} more)" if len(problems) > 1 else ""
        reason = f"{problems[0]}{more}"
        raise RuleError(reason) from None
    return compile_rule_set(rules)


def check(named: str | Path) -> list[str]:
    """Returns every problem of a rule set as ``file:line:column: field: problem; fix``, by place.

    It does not run the examples, which need the comparison itself.
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
    """Returns a rule set with its inherited fields. Raises RuleError, WrittenError."""
    return inheritance.merge(_read_yaml(named), _read_parent)


def located(whole: Merged, path: Where, message: str) -> str:
    """Returns a message preceded by the place of the field that it concerns."""
    name, place = whole.place(path)
    return str(WrittenError(name, *place, message))


def text(named: str) -> str:
    """Returns the unmodified text of a pack or a file. Raises RuleError, WrittenError."""
    if _is_pack(named):
        return source(named)
    return decode(content(Path(named)), named)


def source(pack: str) -> str:
    """Returns the unmodified text of a pack. Raises RuleError: no pack has the id."""
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


def _read_yaml(named: str | Path) -> YamlSource:
    """Returns a pack or a file, parsed. Raises RuleError: it is missing; WrittenError: not YAML."""
    if isinstance(named, str) and _is_pack(named):
        return read(source(named), f"rules/{named}.yaml")
    name = str(named)
    available = f"the rule sets here are {', '.join(packs())}"
    return read(decode(content(Path(named), available), name), name)


def _read_parent(named: str, by: str) -> YamlSource:
    """Returns the parent of a rule set: a pack by its id, or a file beside the child's."""
    try:
        if not _is_yaml(named):
            return read(source(named), f"rules/{named}.yaml")
        return _read_yaml(Path(normpath(Path(by).parent / named)))
    except RuleError as error:
        raise LookupError(str(error)) from None


def content(path: Path, fix: str = "name another file") -> bytes:
    """Returns the bytes of a user's file, up to one byte above the size limit.

    Raises RuleError: the file cannot be read; ``fix`` ends the message if it is missing.
    """
    name = one_line(str(path))
    try:
        with path.open("rb") as file:
            return file.read(LARGEST + 1)
    except FileNotFoundError:
        reason = f"{name}: there is no such file; {fix}"
    except IsADirectoryError:
        reason = f"{name}: is a directory; name a file in it"
    except (OSError, ValueError) as error:
        cause = getattr(error, "strerror", None) or error
        reason = f"{name}: cannot be read ({cause}); name another file"
    raise RuleError(reason)


def _problems(whole: Merged, error: ValidationError) -> list[Problem]:
    """Returns validation errors and contradictions, sorted by place."""
    errors = error.errors(include_url=False)
    value = whole.effective
    if errors[0]["type"].startswith("union_tag"):
        kind, other_errors = _errors_besides_kind(value)
        errors += other_errors
        value = {**value, "kind": kind} if isinstance(value, dict) else value
    return located_problems(whole, errors, inconsistencies(value), schema.json_schema(), skip=1)


def _errors_besides_kind(value: object) -> tuple[str, list[ErrorDetails]]:
    """Returns the kind suggested by the requirement's fields, and the errors under that kind."""
    fields = value if isinstance(value, dict) else {}
    requirement = fields.get("requirement")
    requirement = requirement if isinstance(requirement, dict) else {}
    signs = {"classes": "schedule", "rate": "model", "published": "model", "expects": "disclosure"}
    likely_kind = next((kind for sign, kind in signs.items() if sign in requirement), "cap")
    try:
        schema.RULES.validate_python({**fields, "kind": likely_kind})
    except ValidationError as error:
        return likely_kind, error.errors(include_url=False)
    return likely_kind, []
