"""Locates, reads and compiles rule sets, and reports their problems as file:line:column."""

from functools import cache
from importlib.resources import files
from os.path import normpath
from pathlib import Path

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from harmonize.core.bounded_file import read_regular_file
from harmonize.core.yaml_source import (
    MAX_BYTES,
    YamlSource,
    YamlSourceError,
    decode_utf8,
    one_line,
    parse_yaml,
    printable,
)
from harmonize.core.yaml_source import Path as Where
from harmonize.policy.rule_set import RuleSet
from harmonize.text.suggest import did_you_mean
from rules.language import inheritance, schema
from rules.language.compiler import compile_rule_set
from rules.language.consistency import inconsistencies
from rules.language.errors import Problem, located_problems, problem_lines
from rules.language.inheritance import Merged


class RuleError(Exception):
    """Files that cannot be loaded: a line per problem, with its place and the fix.

    As text, it is the first line and the number of the others.
    """

    def __init__(self, *lines: str) -> None:
        super().__init__(*lines)
        self.lines = lines

    def __str__(self) -> str:
        """Returns the first line, with the number of the others."""
        others = len(self.lines) - 1
        return f"{self.lines[0]} (and {others} more)" if others else self.lines[0]


def pack_ids() -> tuple[str, ...]:
    """Returns the ids of the rule sets that ship with the package, sorted."""
    return tuple(
        sorted(
            path.name.removesuffix(".yaml")
            for path in files("rules").iterdir()
            if path.name.endswith(".yaml")
        )
    )


@cache
def load_packs() -> tuple[RuleSet, ...]:
    """Returns every rule set that ships with the package, sorted by id."""
    return load_all(pack_ids())


def load_all(names_or_paths: tuple[str | Path, ...]) -> tuple[RuleSet, ...]:
    """Returns several rule sets, in the given order. Raises RuleError: as ``load``, or one id twice."""
    names: dict[str, str | Path] = {}
    rule_sets = []
    problems: list[str] = []
    for name in names_or_paths:
        try:
            rule_set = load(name)
        except RuleError as error:
            problems += error.lines
            continue
        if rule_set.id in names:
            reason = f"{name}: duplicate id {rule_set.id}, also in {names[rule_set.id]}; remove one"
            problems.append(reason)
        names[rule_set.id] = name
        rule_sets.append(rule_set)
    if problems:
        raise RuleError(*problems)
    return tuple(rule_sets)


def load(name_or_path: str | Path) -> RuleSet:
    """Returns a compiled rule set, by the id of a pack or the path of a file.

    A name with a folder or the ending .yaml or .yml is a file, any other a pack. Raises RuleError:
    there is no such pack or file, or its problems.
    """
    try:
        merged = resolve(name_or_path)
    except YamlSourceError as error:
        raise RuleError(str(error)) from None
    try:
        rules = schema.RULES.validate_python(merged.effective)
    except ValidationError as error:
        raise RuleError(*problem_lines(_problems(merged, error))) from None
    return compile_rule_set(rules)


def check(name_or_path: str | Path) -> list[str]:
    """Returns the problems of a rule set as ``file:line:column: field: problem; fix``, by place.

    The last line counts those beyond the first ``MAX_PROBLEMS``. The examples are not run, because
    they need the comparison itself.
    """
    try:
        merged = resolve(name_or_path)
    except (YamlSourceError, RuleError) as error:
        return [str(error)]
    try:
        schema.RULES.validate_python(merged.effective)
    except ValidationError as error:
        return problem_lines(_problems(merged, error))
    return []


def resolve(name_or_path: str | Path) -> Merged:
    """Returns a rule set with its inherited fields. Raises RuleError, YamlSourceError."""
    return inheritance.merge(_read_yaml(name_or_path), _read_parent)


def message_at(merged: Merged, path: Where, message: str) -> str:
    """Returns a message preceded by the place of the field that it concerns."""
    name, place = merged.place(path)
    return str(YamlSourceError(name, *place, message))


def rule_set_text(name_or_path: str) -> str:
    """Returns the unmodified text of a pack or a file. Raises RuleError, YamlSourceError."""
    if _is_pack(name_or_path):
        return pack_text(name_or_path)
    return decode_utf8(read_bytes(Path(name_or_path)), name_or_path)


def pack_text(pack: str) -> str:
    """Returns the unmodified text of a pack. Raises RuleError: no pack has the id."""
    name = f"{pack}.yaml"
    if pack not in pack_ids():
        fix = did_you_mean(pack, pack_ids(), f"available: {', '.join(pack_ids())}")
        reason = f"unknown rule set {printable(pack)}{fix}"
        raise RuleError(reason)
    return files("rules").joinpath(name).read_text(encoding="utf-8")


def _is_pack(name: str) -> bool:
    return not (_is_yaml(name) or "/" in name or "\\" in name)


def _is_yaml(name: str) -> bool:
    return name.endswith((".yaml", ".yml"))


def _read_yaml(name_or_path: str | Path) -> YamlSource:
    """Returns a pack or a file, parsed. Raises RuleError: it is missing; YamlSourceError: not YAML."""
    if isinstance(name_or_path, str) and _is_pack(name_or_path):
        return parse_yaml(pack_text(name_or_path), f"rules/{name_or_path}.yaml")
    name = str(name_or_path)
    available = f"available rule sets: {', '.join(pack_ids())}"
    return parse_yaml(decode_utf8(read_bytes(Path(name_or_path), available), name), name)


def _read_parent(parent: str, child: str) -> YamlSource:
    """Returns the parent of a rule set: a pack by its id, or a file beside the child's."""
    try:
        if not _is_yaml(parent):
            return parse_yaml(pack_text(parent), f"rules/{parent}.yaml")
        return _read_yaml(Path(normpath(Path(child).parent / parent)))
    except RuleError as error:
        raise LookupError(str(error)) from None


def read_bytes(path: Path, fix: str = "name another file") -> bytes:
    """Returns the bytes of a user's file, up to one byte above the size limit.

    Raises RuleError: the file cannot be read; ``fix`` ends the message if it is missing.
    """
    name = one_line(str(path))
    try:
        return read_regular_file(path, MAX_BYTES)
    except FileNotFoundError:
        reason = f"{name}: no such file; {fix}"
    except IsADirectoryError:
        reason = f"{name}: expected a file, found a directory; name a file in it"
    except (OSError, ValueError) as error:
        cause = getattr(error, "strerror", None) or error
        reason = f"{name}: cannot read the file ({cause}); name another file"
    raise RuleError(reason)


def _problems(merged: Merged, error: ValidationError) -> list[Problem]:
    """Returns validation errors and contradictions, sorted by place."""
    errors = error.errors(include_url=False)
    value = merged.effective
    if errors[0]["type"].startswith("union_tag"):
        kind, other_errors = _errors_besides_kind(value)
        errors += other_errors
        value = {**value, "kind": kind} if isinstance(value, dict) else value
    return located_problems(merged, errors, inconsistencies(value), schema.json_schema(), skip=1)


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
