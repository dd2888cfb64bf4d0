"""Consistency of a rule set: contradictions between its fields, each with its place and the fix."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from decimal import Decimal
from itertools import islice, pairwise
from typing import Any, NamedTuple

from pydantic import ValidationError

from harmonize.core.yaml_source import Path, one_line, printable
from harmonize.policy.expression import (
    Expression,
    ExpressionError,
    evaluate,
    input_names,
    is_non_decreasing,
    parse,
)
from harmonize.policy.input_scale import range_problem
from harmonize.policy.rule_set import AccountClass, Verified
from harmonize.policy.size_formula import margin_at_last_bound
from rules.language.requirements import FormulaParts, SizeClass

CONTRADICTION = "contradiction"
JUNCTION_TOLERANCE = Decimal("0.01")  # of tiers and formula at the last bound, relative

Fields = Mapping[str, Any]


class Contradiction(NamedTuple):
    """Contradiction within a rule set: its path, the problem and the fix."""

    path: Path
    message: str


MEDIAN = "median"  # name of the cross-venue median in an index, hence no rule set's id
_MAX_INDEX = 100
_LEAST_MINUTES, _MOST_MINUTES = 15, 7_200  # shortest and longest horizon of a measured move
_COVERAGE = ("coverage_1d", "coverage_2d", "coverage_5d")
_MAX_NAMES = 20


def inconsistencies(rule_set: object) -> Iterator[Contradiction]:
    """Yields every contradiction between fields of a rule set, which may be incomplete.

    Fields that are invalid on their own are skipped: the model reports those.
    """
    fields = as_mapping(rule_set)
    requirement = as_mapping(fields.get("requirement"))
    kind = fields.get("kind")
    if fields.get("id") == MEDIAN:
        message = "'median' is reserved for the median over venues in an index; choose another id"
        yield Contradiction(("id",), message)
    yield from _cross_venue_contradictions(as_mapping(fields.get("cross_venue")))
    yield from _adequacy_contradictions(as_mapping(fields.get("adequacy")))
    yield from _scope_contradictions(as_mapping(fields.get("scope")))
    yield from _tolerance_contradictions(fields, requirement)
    if not isinstance(fields.get("requirement"), dict):
        kind = None  # nothing to contradict
    if kind == "cap":
        yield from _cap_contradictions(requirement)
        yield from _unread_prohibition(fields, requirement)
    elif kind == "schedule":
        yield from _schedule_contradictions(requirement)
    elif kind == "model":
        yield from _model_contradictions(requirement)
    yield from _meaning_contradictions(fields)
    yield from _unsupported_numbers(fields, requirement)
    yield from _example_contradictions(fields, requirement)


def _cross_venue_contradictions(limits: Fields) -> Iterator[Contradiction]:
    index = limits.get("index")
    if isinstance(index, int | Decimal) and not isinstance(index, bool) and index > _MAX_INDEX:
        message = f"expected a number up to {_MAX_INDEX}, found {Decimal(index):f}"
        yield Contradiction(("cross_venue", "index"), message)


def _adequacy_contradictions(limits: Fields) -> Iterator[Contradiction]:
    """Yields limits on tests against prices that cannot be tested, or that exclude one another."""
    initial = limits.get("initial_minutes")
    for name in ("buffer_minutes", "maintenance_minutes", "initial_minutes"):
        path: Path = ("adequacy", name)
        minutes = _numeric(limits.get(name))
        if minutes is not None and not _LEAST_MINUTES <= minutes <= _MOST_MINUTES:
            message = (
                f"expected from {_LEAST_MINUTES} to {_MOST_MINUTES} minutes, which moves are measured "
                f"over, found {Decimal(minutes):f}"
            )
            yield Contradiction(path, message)
        elif _is_above(minutes, initial):
            message = f"expected at most initial_minutes ({initial}), found {minutes}"
            yield Contradiction(path, message)
    significance = limits.get("coverage_significance")
    if significance is not None and all(limits.get(name) is None for name in _COVERAGE):
        message = "requires a coverage; add coverage_1d, coverage_2d or coverage_5d, or remove it"
        yield Contradiction(("adequacy", "coverage_significance"), message)
    if _is_above(limits.get("size_exponent"), 1):
        message = f"expected a number up to 1, found {Decimal(limits['size_exponent']):f}"
        yield Contradiction(("adequacy", "size_exponent"), message)


def _scope_contradictions(scope: Fields) -> Iterator[Contradiction]:
    accounts, kinds = as_list(scope.get("account_classes")), as_list(scope.get("contracts"))
    for index, account in enumerate(accounts):
        if account == AccountClass.ANY:
            message = "any is no class of accounts; use [] for every account class"
            yield Contradiction(("scope", "account_classes", index), message)
    for index, entry in enumerate(map(as_mapping, as_list(scope.get("undetermined")))):
        for place, kind in enumerate(as_list(entry.get("contracts")) if kinds else ()):
            if kind not in kinds:
                message = (
                    f"scope.contracts excludes {printable(kind)}; remove it here or add it there"
                )
                yield Contradiction(("scope", "undetermined", index, "contracts", place), message)
    for name, low, high in (("notional", "above", "up_to"), ("in_force", "since", "until")):
        bounds = as_mapping(scope.get(name))
        if _is_out_of_order(bounds.get(low), bounds.get(high), equal_allowed=name == "in_force"):
            expected = "a number above" if name == "notional" else "a date on or after"
            message = f"expected {expected} {bounds[low]} ({low}), found {bounds[high]}"
            yield Contradiction(("scope", name, high), message)


def _is_out_of_order(low: object, high: object, *, equal_allowed: bool) -> bool:
    """True if both are days or both numbers, and ``low`` is above ``high``; False if not comparable.

    Equal days are always in order, equal numbers only with ``equal_allowed``.
    """
    if isinstance(low, date) and isinstance(high, date):
        return low > high
    least, most = _numeric(low), _numeric(high)
    if least is None or most is None:
        return False
    return least > most or (least == most and not equal_allowed)


def _tolerance_contradictions(fields: Fields, requirement: Fields) -> Iterator[Contradiction]:
    confidence = as_mapping(fields.get("tolerance")).get("statistical")
    if confidence is None:
        return
    path: Path = ("tolerance", "statistical")
    if fields.get("kind") != "model":
        yield Contradiction(path, "requires measured inputs, which only kind model has; remove it")
        return
    rate = _formula(requirement.get("rate"))
    if rate is None and requirement.get("rate") is not None:
        return  # the model reports that it is not a formula
    if rate is None:
        yield Contradiction(path, "requires a formula with inputs, and there is no rate; remove it")
    elif not is_non_decreasing(rate):
        message = (
            "requires a rate that rises with every input, and this rate subtracts an input or "
            "divides by one; rewrite the rate, or use relative"
        )
        yield Contradiction(path, message)


def _cap_contradictions(requirement: Fields) -> Iterator[Contradiction]:
    path: Path = ("requirement",)
    initial, prohibited = requirement.get("initial_rate"), requirement.get("prohibited")
    maintenance = requirement.get("maintenance")
    if initial is None and prohibited is None:
        message = "missing; add it, or 'prohibited: true' if the contract may not be offered"
        yield Contradiction((*path, "initial_rate"), message)
    if prohibited and (initial is not None or maintenance is not None):
        message = "excludes rates; remove the rates or this field"
        yield Contradiction((*path, "prohibited"), message)
    if not isinstance(maintenance, dict):
        return
    path = (*path, "maintenance")
    rate, fraction = maintenance.get("rate"), maintenance.get("fraction_of_initial")
    if (rate is None) == (fraction is None):
        problem = "neither; add one" if rate is None else "both; remove one"
        message = f"expected either rate or fraction_of_initial, found {problem}"
        yield Contradiction(path, message)
    if _is_above(rate, initial):
        message = f"expected at most initial_rate ({initial}), found {rate}"
        yield Contradiction((*path, "rate"), message)


def _unread_prohibition(fields: Fields, requirement: Fields) -> Iterator[Contradiction]:
    """Yields a prohibition whose text nobody read: no verdict may rest on a report alone."""
    marks = [as_mapping(entry).get("verified") for entry in as_list(fields.get("citations"))]
    if requirement.get("prohibited") and marks and Verified.PRIMARY not in marks:
        message = (
            "a prohibition requires a citation with verified: primary; read the text, or describe "
            "the contracts under scope.undetermined"
        )
        yield Contradiction(("requirement", "prohibited"), message)


def _schedule_contradictions(requirement: Fields) -> Iterator[Contradiction]:
    path: Path = ("requirement", "formula")
    formula = as_mapping(requirement.get("formula"))
    continued = requirement.get("above_last_tier") == "formula"
    if continued and not isinstance(requirement.get("formula"), dict):
        yield Contradiction(path, "missing; add it, or use 'above_last_tier: last rate'")
    if continued and requirement.get("tiers_are") == "flat":
        message = "the formula cannot continue flat tiers; use 'above_last_tier: last rate'"
        yield Contradiction(("requirement", "tiers_are"), message)
    initial, maintenance = formula.get("initial_days"), formula.get("maintenance_days")
    if _is_above(maintenance, initial):
        message = f"expected at most initial_days ({initial}), found {maintenance}"
        yield Contradiction((*path, "maintenance_days"), message)
        formula = {}  # no tiers can join such a formula
    if (formula.get("v1") is None) != (formula.get("adv") is None):
        missing = "v1" if formula.get("v1") is None else "adv"
        yield Contradiction(
            (*path, missing), "missing; add it, since v1 and adv are measured together"
        )
    formulas = [((*path, name), formula.get(name)) for name in ("v1", "adv")]
    yield from _input_contradictions(requirement, formulas)
    yield from _duplicate_assets(requirement)
    for name, class_ in as_mapping(requirement.get("classes")).items():
        class_path: Path = ("requirement", "classes", name)
        tiers = as_list(as_mapping(class_).get("tiers"))
        contradictions = list(_tier_contradictions((*class_path, "tiers"), tiers))
        if continued and isinstance(class_, dict):
            contradictions += _missing_formula_parts(class_path, class_)
        if contradictions:
            yield from contradictions
        elif continued:
            yield from _open_junctions(class_path, formula, class_)


def _missing_formula_parts(path: Path, class_: Fields) -> Iterator[Contradiction]:
    for name in ("v1", "adv_ref"):
        if class_.get(name) is None:
            message = "missing; add it for the formula above the last tier"
            yield Contradiction((*path, name), message)


def _input_contradictions(
    requirement: Fields, formulas: Sequence[tuple[Path, object]]
) -> Iterator[Contradiction]:
    """Yields names without an input, and inputs that no formula uses."""
    inputs = as_mapping(requirement.get("inputs"))
    used: set[str] = set()
    for path, text in formulas:
        formula = _formula(text)
        for name in sorted(input_names(formula)) if formula is not None else ():
            used.add(name)
            if name not in inputs:
                message = f"unknown input {name!r}; add it under inputs ({_list_text(inputs)})"
                yield Contradiction(path, message)
    if all(text is None or _formula(text) is not None for _, text in formulas):
        for name in inputs:
            if name not in used:
                message = "not used by any formula; use it or remove it"
                yield Contradiction(("requirement", "inputs", name), message)


def _list_text(inputs: Fields) -> str:
    """Returns the first names of inputs; a list without end would make errors quadratic in it."""
    names = [one_line(name) for name in islice(inputs, _MAX_NAMES)]
    more = f" and {len(inputs) - _MAX_NAMES} more" if len(inputs) > _MAX_NAMES else ""
    return f"defined: {', '.join(names) or 'none'}{more}"


def _model_contradictions(requirement: Fields) -> Iterator[Contradiction]:
    path: Path = ("requirement",)
    published = as_list(requirement.get("published"))
    rate = requirement.get("rate")
    if rate is None and not published:
        yield Contradiction((*path, "rate"), "missing; add it, or add published rates")
    if requirement.get("combine") == "larger of both" and (rate is None or not published):
        message = "requires a rate and published rates; add the missing one or remove this field"
        yield Contradiction((*path, "combine"), message)
    yield from _input_contradictions(requirement, [((*path, "rate"), rate)])
    multiple = _formula(requirement.get("initial"))
    if multiple is not None and not _is_multiple(multiple):
        found = printable(requirement.get("initial"))
        message = f"expected a multiple of the rate of at least 1, such as 1.10, found {found}"
        yield Contradiction((*path, "initial"), message)
    for index, entry in enumerate(map(as_mapping, published)):
        for low, high in (("since", "until"), ("until", "lapses")):
            first, last = entry.get(low), entry.get(high)
            if _is_out_of_order(first, last, equal_allowed=True):
                message = f"expected a date on or after {first} ({low}), found {last}"
                yield Contradiction((*path, "published", index, high), message)


def _is_multiple(expression: Expression) -> bool:
    """True if an expression is a constant of at least 1."""
    try:
        return not input_names(expression) and evaluate(expression, {}) >= 1
    except ArithmeticError:
        return False


def _meaning_contradictions(fields: Fields) -> Iterator[Contradiction]:
    scored = [fields.get("maintenance_meaning")]
    for index, entry in enumerate(map(as_mapping, as_list(fields.get("maintenance_across")))):
        meaning = entry.get("meaning")
        if meaning is not None and meaning in scored:
            message = f"{printable(meaning)} is already scored; remove this entry"
            yield Contradiction(("maintenance_across", index, "meaning"), message)
        scored.append(meaning)


def _unsupported_numbers(fields: Fields, requirement: Fields) -> Iterator[Contradiction]:
    """Yields margin types that no citation supports."""
    citations = map(as_mapping, as_list(fields.get("citations")))
    supports = [as_list(citation.get("supports")) for citation in citations]
    if not supports or not all(supports):
        return  # a citation without supports is the source of every number
    margin_types = ["initial"]
    if fields.get("kind") == "cap":
        margin_types = [] if requirement.get("prohibited") else margin_types
        margin_types += ["maintenance"] * (requirement.get("maintenance") is not None)
    elif requirement.get("maintenance") != "none":
        margin_types.append("maintenance")
    for margin_type in margin_types if fields.get("kind") != "disclosure" else ():
        if not any(margin_type in supported for supported in supports):
            message = (
                f"{margin_type} margin has no source; add a citation with supports: [{margin_type}]"
            )
            yield Contradiction(("citations",), message)


def _example_contradictions(fields: Fields, requirement: Fields) -> Iterator[Contradiction]:
    inputs = as_mapping(requirement.get("inputs"))
    for index, example in enumerate(map(as_mapping, as_list(fields.get("examples")))):
        path: Path = ("examples", index)
        if example.get("initial") is None and example.get("maintenance") is None:
            message = "expects no verdict; add initial or maintenance"
            yield Contradiction(path, message)
        for name, value in as_mapping(example.get("inputs")).items():
            measured = as_mapping(inputs.get(name)).get("measured")
            number = _numeric(value)
            message = ""
            if name not in inputs:
                message = f"unknown input; use an input of the formula ({_list_text(inputs)})"
            elif isinstance(measured, str) and number is not None:
                message = range_problem(measured, Decimal(number))
            if message:
                yield Contradiction((*path, "inputs", name), message)
        tiers = [as_mapping(tier) for tier in as_list(example.get("tiers"))]
        for number, tier in enumerate(tiers[:-1]):
            if tier.get("upper") is None:
                message = "missing; add it, since only the last tier may be open-ended"
                yield Contradiction((*path, "tiers", number, "upper"), message)
        yield from _falling_bounds((*path, "tiers"), tiers)


def _duplicate_assets(requirement: Fields) -> Iterator[Contradiction]:
    """Yields assets that are listed in two classes, or twice in one class."""
    class_of: dict[str, object] = {}
    for name, class_ in as_mapping(requirement.get("classes")).items():
        for index, asset in enumerate(as_list(as_mapping(class_).get("assets"))):
            if not isinstance(asset, str):
                continue
            if asset in class_of:
                message = f"{printable(asset)} is already in class {class_of[asset]}; list it once"
                yield Contradiction(("requirement", "classes", name, "assets", index), message)
            class_of.setdefault(asset, name)


def _tier_contradictions(path: Path, tiers: Sequence[object]) -> Iterator[Contradiction]:
    fields = [as_mapping(tier) for tier in tiers]
    yield from _falling_bounds(path, fields)
    for index, (row, following) in enumerate(pairwise([{}, *fields])):
        tier_path = (*path, index)
        for name in ("initial_rate", "maintenance_rate"):
            if _is_above(row.get(name), following.get(name)):
                message = (
                    f"expected at least the rate of the previous tier ({row[name]}), "
                    f"found {following[name]}"
                )
                yield Contradiction((*tier_path, name), message)
        initial, maintenance = following.get("initial_rate"), following.get("maintenance_rate")
        if _is_above(maintenance, initial):
            message = f"expected at most initial_rate ({initial}), found {maintenance}"
            yield Contradiction((*tier_path, "maintenance_rate"), message)


def _falling_bounds(path: Path, tiers: Sequence[Fields]) -> Iterator[Contradiction]:
    for index, (row, following) in enumerate(pairwise([{}, *tiers])):
        below, upper = _numeric(row.get("upper")), _numeric(following.get("upper"))
        if below is not None and upper is not None and upper <= below:
            message = f"expected a bound above the previous one ({below}), found {upper}"
            yield Contradiction((*path, index, "upper"), message)


def _open_junctions(path: Path, formula: object, class_: object) -> Iterator[Contradiction]:
    """Yields tiers that do not join the formula that continues them."""
    try:
        parts, size_class = FormulaParts.model_validate(formula), SizeClass.model_validate(class_)
    except ValidationError:
        return
    upper = size_class.tiers[-1].upper
    v1, adv = size_class.v1, size_class.adv_ref
    for name, days in (
        ("initial_rate", parts.initial_days),
        ("maintenance_rate", parts.maintenance_days),
    ):
        if v1 is None or adv is None:
            return
        reference = parts.size().margin(upper, days, v1, adv)
        margin = margin_at_last_bound(
            [(tier.upper, getattr(tier, name)) for tier in size_class.tiers]
        )
        if abs(margin - reference) > JUNCTION_TOLERANCE * reference:
            message = (
                f"tiers sum to {margin / upper:.4%} of notional at {upper}, the formula gives "
                f"{reference / upper:.4%}; change the rates until both agree within {JUNCTION_TOLERANCE:.0%}"
            )
            yield Contradiction((*path, "tiers", len(size_class.tiers) - 1, name), message)


def as_mapping(value: object) -> Fields:
    """Returns a mapping unchanged; for any other value an empty mapping."""
    return value if isinstance(value, dict) else {}


def as_list(value: object) -> Sequence[Any]:
    """Returns a list unchanged; for any other value an empty list."""
    return value if isinstance(value, list | tuple) else ()


def _formula(text: object) -> Expression | None:
    if isinstance(text, int | Decimal) and not isinstance(text, bool):
        text = f"{text:f}"
    try:
        return parse(text) if isinstance(text, str) else None
    except ExpressionError:
        return None


def _numeric(value: object) -> int | Decimal | None:
    return value if isinstance(value, int | Decimal) and not isinstance(value, bool) else None


def _is_above(value: object, limit: object) -> bool:
    """True if both are numbers and ``value`` is above ``limit``."""
    number, bound = _numeric(value), _numeric(limit)
    return number is not None and bound is not None and number > bound
