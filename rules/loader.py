"""Rule sets found, read and compiled; what is wrong with one, as file:line:column."""

from collections.abc import Callable
from dataclasses import dataclass
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal, localcontext
from difflib import get_close_matches
from functools import cache
from importlib.resources import files
from pathlib import Path

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from harmonize import requirement
from harmonize.requirement import RuleSet
from harmonize.schedule import INFINITY, MarginFunction, marginal
from harmonize.written import (
    LARGEST,
    Place,
    Written,
    WrittenError,
    decode,
    one_line,
    read,
    shown,
)
from harmonize.written import Path as Where
from rules import model

RATIO = Decimal("1.25")  # of neighbouring bounds above the last tier; see ``continued``
PLACES = Decimal("1e-18")  # to which the rates above the last tier are rounded
WHOLE = Decimal(1)


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
        written = _written(named)
    except WrittenError as error:
        raise RuleError(str(error)) from None
    try:
        rules = model.RULES.validate_python(written.value)
    except ValidationError as error:
        problems = _problems(written, error)
        more = f" (and {len(problems) - 1} more)" if len(problems) > 1 else ""
        reason = f"{problems[0]}{more}"
        raise RuleError(reason) from None
    return compiled(rules)


def check(named: str | Path) -> list[str]:
    """List all that is wrong with a rule set, ``file:line:column: field: what; mend``, by place."""
    try:
        written = _written(named)
    except (WrittenError, RuleError) as error:
        return [str(error)]
    try:
        model.RULES.validate_python(written.value)
    except ValidationError as error:
        return [str(problem) for problem in _problems(written, error)]
    return []


def source(pack: str) -> str:
    """Give the text of a pack as it was written. Raises RuleError: no pack has the id."""
    name = f"{pack}.yaml"
    if pack not in packs():
        reason = f"no rule set is called {shown(pack)}; there are {', '.join(packs())}"
        close = get_close_matches(pack, packs(), 1)
        raise RuleError(f"{reason}; did you mean {close[0]}?" if close else reason)
    return files("rules").joinpath(name).read_text(encoding="utf-8")


def compiled(rules: model.CapRules | model.ScheduleRules) -> RuleSet:
    """Turn a rule set as written into the values that margins are compared with."""
    place = f"{rules.scope.region}: " if rules.scope.region else ""
    return RuleSet(
        id=rules.id,
        version=rules.version,
        title=rules.title,
        scope=f"{place}{rules.scope.text}",
        account_classes=rules.scope.account_classes,
        crypto_only=rules.scope.underlyings == "crypto",
        requirement=_requirement(rules),
        tolerance=requirement.Tolerance(rules.tolerance.relative, rules.tolerance.absolute),
        meaning=rules.maintenance_meaning,
        statutory=rules.statutory,
        citations=tuple(
            requirement.Citation(one.reference, one.via, one.verified) for one in rules.citations
        ),
        flags=tuple(requirement.Flag(one.field, one.status, one.note) for one in rules.flags),
    )


def _requirement(
    rules: model.CapRules | model.ScheduleRules,
) -> requirement.Cap | requirement.ReferenceSchedule:
    if isinstance(rules, model.CapRules):
        return _cap(rules.requirement)
    formula = rules.requirement.formula
    return requirement.ReferenceSchedule(
        tuple(
            requirement.ReferenceClass(name, one.assets, *continued(one, formula))
            for name, one in rules.requirement.classes.items()
        )
    )


def _cap(cap: model.CapRequirement) -> requirement.Cap:
    maintenance = cap.maintenance
    rate = maintenance.rate if maintenance else None
    if maintenance and maintenance.fraction_of_initial:
        rate = cap.initial_rate * maintenance.fraction_of_initial
    return requirement.Cap(cap.initial_rate, rate)


def continued(
    one: model.SizeClass, formula: model.Formula
) -> tuple[MarginFunction, MarginFunction]:
    """IM and MM of a class: its tiers, then chords of the formula, then the whole position.

    Bounds above the last tier are at most 1.25 apart, and those at which a rate reaches 100 %.
    At each of them the margin is the formula's to 1e-18 of notional; the first chord takes up what
    rounding left between the last tier and the formula. Between bounds the chord is within 0.5 % of
    the formula: 0.47 % above it at most in the packs. Neither function jumps, and MM never exceeds
    IM.
    """
    last = one.tiers[-1].upper
    bounds, count = _bounds(last, one, formula)
    initial = [(tier.upper, tier.initial_rate) for tier in one.tiers]
    maintenance = [(tier.upper, tier.maintenance_rate) for tier in one.tiers]
    with localcontext(prec=model.DIGITS):
        return (
            _joined(
                initial, bounds[:count], lambda n: formula.margin(n, formula.initial_days, one)
            ),
            _joined(
                maintenance, bounds, lambda n: formula.margin(n, formula.maintenance_days, one)
            ),
        )


def _bounds(
    last: Decimal, one: model.SizeClass, formula: model.Formula
) -> tuple[list[Decimal], int]:
    """Bounds up to where MM is the whole position, and how many lead to where IM is."""
    bounds = [last]
    counts = []
    for days in (formula.initial_days, formula.maintenance_days):
        full = formula.full(days, one).to_integral_value(ROUND_CEILING)
        end = max(full, _next(last))
        while bounds[-1] < end:
            bounds.append(min(end, _next(bounds[-1])))
        counts.append(len(bounds) - 1)
    return bounds[1:], counts[0]


def _next(bound: Decimal) -> Decimal:
    """A quarter above ``bound``, cut to three digits."""
    with localcontext(prec=3, rounding=ROUND_FLOOR):
        return Decimal(f"{bound * RATIO:f}")


def _joined(
    tiers: list[tuple[Decimal, Decimal]],
    bounds: list[Decimal],
    margin: Callable[[Decimal], Decimal],
) -> MarginFunction:
    reached, lower = model.slices(tiers), tiers[-1][0]
    for upper in bounds:
        rate = ((margin(upper) - reached) / (upper - lower)).quantize(PLACES)
        tiers.append((upper, rate))
        reached, lower = reached + rate * (upper - lower), upper
    uppers, rates = zip(*tiers, (INFINITY, WHOLE), strict=True)
    return marginal(uppers, rates)


def _is_yaml(name: str) -> bool:
    return name.endswith((".yaml", ".yml"))


def _written(named: str | Path) -> Written:
    """Read a pack or a file. Raises RuleError: it is not there; WrittenError: it is not YAML."""
    if isinstance(named, str) and not (_is_yaml(named) or "/" in named or "\\" in named):
        return read(source(named), f"rules/{named}.yaml")
    name = str(named)
    return read(decode(_bytes(Path(named)), name), name)


def _bytes(path: Path) -> bytes:
    name = one_line(str(path))
    try:
        with path.open("rb") as file:
            return file.read(LARGEST + 1)
    except FileNotFoundError:
        reason = f"{name}: there is no such file; the rule sets here are {', '.join(packs())}"
    except IsADirectoryError:
        reason = f"{name}: is a directory; name a file in it"
    except (OSError, ValueError) as error:
        said = getattr(error, "strerror", None) or error
        reason = f"{name}: cannot be read ({said}); name another file"
    raise RuleError(reason)


@dataclass(frozen=True, slots=True, order=True)
class _Problem:
    """One thing that is wrong, ordered by where it stands."""

    place: Place
    field: str
    message: str
    name: str

    def __str__(self) -> str:
        field = f"{self.field}: " if self.field else ""
        return str(WrittenError(self.name, *self.place, f"{field}{self.message}"))


def _problems(written: Written, error: ValidationError) -> list[_Problem]:
    """List what pydantic found, and the contradictions that it did not come to, by place."""
    errors = error.errors(include_url=False)
    if errors[0]["type"].startswith("union_tag"):
        errors += _beyond_the_kind(written)
    found = [_told(written, one) for one in errors if _counts(one)]
    known = {one.field for one in found}
    for path, message in model.contradictions(written.value):
        if _dotted(path) not in known:
            found.append(_Problem(written.place(path), _dotted(path), message, written.name))
    return sorted(found)


def _beyond_the_kind(written: Written) -> list[ErrorDetails]:
    """Find what else is wrong where the kind is, supposing the kind that the rest looks like."""
    fields = written.value if isinstance(written.value, dict) else {}
    looks = "schedule" if "classes" in str(fields.get("requirement")) else "cap"
    try:
        model.RULES.validate_python({**fields, "kind": looks})
    except ValidationError as error:
        return error.errors(include_url=False)
    return []


def _counts(error: ErrorDetails) -> bool:
    """Tell whether an error is one of its own, and not the consequence of others."""
    consequence = error["type"] == "too_short" and error["input"]
    return not consequence and error["type"] != model.CONTRADICTION


def _told(written: Written, error: ErrorDetails) -> _Problem:
    path: Where = error["loc"][1:]  # the kind stands first
    kind = error["type"]
    if kind.startswith("union_tag"):
        path = ("kind",)
    place = written.place(path)
    if kind == "extra_forbidden":
        place = written.key_place(path)
    if path and path[-1] == "[key]" and path not in written.values:
        path = path[:-1]
        place = written.key_place(path)
    return _Problem(place, _dotted(path), _message(error), written.name)


def _dotted(path: Where) -> str:
    steps = (f"[{step}]" if isinstance(step, int) else f".{one_line(step)}" for step in path)
    return "".join(steps).removeprefix(".")


# What pydantic finds, as a sentence about the field.
_SAID = {
    "missing": "is missing; add it",
    "extra_forbidden": "is no field here; {meant}",
    "union_tag_not_found": "is missing; add 'kind: cap' or 'kind: schedule'",
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
    "model_attributes_type": "a rule set must be a mapping, was {was}; begin with 'id:'",
    "value_error": "{error}",
}


def _message(error: ErrorDetails) -> str:
    context = error.get("ctx", {})
    value = error["input"]
    facts = {
        "was": shown(value["kind"] if "tag" in context else value),
        "expected": context.get("expected", "'cap' or 'schedule'"),
        "shape": model.SHAPES.get(context.get("pattern", ""), ""),
        "meant": _meant(str(error["loc"][-1])) if error["type"] == "extra_forbidden" else "",
    }
    said = _SAID.get(error["type"])
    return said.format(**{**context, **facts}) if said else error["msg"]


def _meant(word: str) -> str:
    definitions = model.json_schema()["$defs"].values()
    known = {name for one in definitions for name in one.get("properties", ())}
    if word in known:
        return "move it to where it belongs"
    close = get_close_matches(word, sorted(known), 1)
    return f"did you mean {close[0]}?" if close else "remove it"
