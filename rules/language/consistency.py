"""Contradictions between the fields of a rule set, each with its place and the mend."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from decimal import Decimal
from itertools import pairwise
from typing import Any, NamedTuple

from pydantic import ValidationError

from harmonize.core.yaml_source import Path, shown
from harmonize.policy.expression import Expression, ExpressionError, evaluate, names, parse, rises
from harmonize.policy.size_formula import slices
from rules.language.requirements import FormulaParts, SizeClass

CONTRADICTION = "contradiction"
MEETING = Decimal("0.01")  # how far the last tier may lie from the formula, as a share of it

Bag = Mapping[str, Any]


class Contradiction(NamedTuple):
    """Where a rule set contradicts itself, and how to mend it."""

    path: Path
    message: str


MEDIAN = "median"  # as compare.MEDIAN, which a rule set may not be called
_WHOLE_INDEX = 100


def inconsistencies(written: object) -> Iterator[Contradiction]:
    """Find every contradiction between fields, in a rule set that may lack or misstate some.

    Fields that are wrong on their own are passed over: the model names those.
    """
    fields = mapping(written)
    requirement = mapping(fields.get("requirement"))
    kind = fields.get("kind")
    if fields.get("id") == MEDIAN:
        message = "is what the venues' own middle is called in an index; choose another"
        yield Contradiction(("id",), message)
    yield from _of_cross_venue(mapping(fields.get("cross_venue")))
    yield from _of_scope(mapping(fields.get("scope")))
    yield from _of_tolerance(fields, requirement)
    if not isinstance(fields.get("requirement"), dict):
        kind = None  # nothing to contradict
    if kind == "cap":
        yield from _of_cap(requirement)
    elif kind == "schedule":
        yield from _of_schedule(requirement)
    elif kind == "model":
        yield from _of_model(requirement)
    yield from _of_meanings(fields)
    yield from _of_citations(fields, requirement)
    yield from _of_examples(fields, requirement)


def _of_cross_venue(limits: Bag) -> Iterator[Contradiction]:
    index = limits.get("index")
    if isinstance(index, int | Decimal) and not isinstance(index, bool) and index > _WHOLE_INDEX:
        message = f"must be at most 100, as an index is, was {Decimal(index):f}"
        yield Contradiction(("cross_venue", "index"), message)


def _of_scope(scope: Bag) -> Iterator[Contradiction]:
    for name, low, high in (("notional", "above", "up_to"), ("in_force", "since", "until")):
        range_ = mapping(scope.get(name))
        if _after(range_.get(low), range_.get(high), strictly=name == "in_force"):
            message = f"must come after {low} ({range_[low]}), was {range_[high]}"
            yield Contradiction(("scope", name, high), message)


def _after(one: object, other: object, *, strictly: bool) -> bool:
    """Tell whether both are numbers or both days, and the one does not come before the other."""
    if isinstance(one, date) and isinstance(other, date):
        return one > other
    low, high = _numeric(one), _numeric(other)
    return low is not None and high is not None and (low > high or (low == high and not strictly))


def _of_tolerance(fields: Bag, requirement: Bag) -> Iterator[Contradiction]:
    asked = mapping(fields.get("tolerance")).get("statistical")
    if asked is None:
        return
    path: Path = ("tolerance", "statistical")
    if fields.get("kind") != "model":
        yield Contradiction(path, "needs measured inputs, which kind model has; remove it")
        return
    rate = _formula(requirement.get("rate"))
    if rate is None and requirement.get("rate") is not None:
        return  # it is no formula; that is said already
    if rate is None:
        yield Contradiction(path, "needs a formula with inputs, but there is no rate; remove it")
    elif not rises(rate):
        message = (
            "needs a rate that rises with every input, and this one subtracts an input or divides "
            "by one; write the rate without that, or use relative"
        )
        yield Contradiction(path, message)


def _of_cap(requirement: Bag) -> Iterator[Contradiction]:
    path: Path = ("requirement",)
    initial, prohibited = requirement.get("initial_rate"), requirement.get("prohibited")
    maintenance = requirement.get("maintenance")
    if initial is None and prohibited is None:
        message = "is missing; add it, or 'prohibited: true' where no margin is enough"
        yield Contradiction((*path, "initial_rate"), message)
    if prohibited and (initial is not None or maintenance is not None):
        message = "leaves no room for rates; remove the rates or remove this"
        yield Contradiction((*path, "prohibited"), message)
    if not isinstance(maintenance, dict):
        return
    path = (*path, "maintenance")
    given = [maintenance.get(name) is not None for name in ("rate", "fraction_of_initial")]
    if given.count(True) != 1:
        yield Contradiction(path, "must have either rate or fraction_of_initial; write one of them")
    rate = maintenance.get("rate")
    if _above(rate, initial):
        message = f"must not be above initial_rate ({initial}), was {rate}"
        yield Contradiction((*path, "rate"), message)


def _of_schedule(requirement: Bag) -> Iterator[Contradiction]:
    path: Path = ("requirement", "formula")
    formula = mapping(requirement.get("formula"))
    continued = requirement.get("above_last_tier") == "formula"
    if continued and not isinstance(requirement.get("formula"), dict):
        yield Contradiction(path, "is missing; add it, or write 'above_last_tier: last rate'")
    if continued and requirement.get("tiers_are") == "flat":
        message = "cannot be continued by the formula; write 'above_last_tier: last rate'"
        yield Contradiction(("requirement", "tiers_are"), message)
    initial, maintenance = formula.get("initial_days"), formula.get("maintenance_days")
    if _above(maintenance, initial):
        message = f"must not be above initial_days ({initial}), was {maintenance}"
        yield Contradiction((*path, "maintenance_days"), message)
        formula = {}  # no tiers can meet it
    if (formula.get("v1") is None) != (formula.get("adv") is None):
        missing = "v1" if formula.get("v1") is None else "adv"
        yield Contradiction((*path, missing), "is missing; v1 and adv are measured together")
    yield from _of_inputs(requirement, [((*path, one), formula.get(one)) for one in ("v1", "adv")])
    yield from _membership(requirement)
    for name, one in mapping(requirement.get("classes")).items():
        place: Path = ("requirement", "classes", name)
        found = list(_of_tiers((*place, "tiers"), rows(mapping(one).get("tiers"))))
        if continued and isinstance(one, dict):
            found += _formula_parts(place, one)
        yield from found or (_junction(place, formula, one) if continued else ())


def _formula_parts(place: Path, one: Bag) -> Iterator[Contradiction]:
    for name in ("v1", "adv_ref"):
        if one.get(name) is None:
            message = "is missing; the formula above the last tier needs it"
            yield Contradiction((*place, name), message)


def _of_inputs(
    requirement: Bag, formulas: Sequence[tuple[Path, object]]
) -> Iterator[Contradiction]:
    """Find names without an input, and inputs that no formula names."""
    inputs = mapping(requirement.get("inputs"))
    wanted: set[str] = set()
    for path, text in formulas:
        found = _formula(text)
        for name in sorted(names(found)) if found is not None else ():
            wanted.add(name)
            if name not in inputs:
                known = f"there are {', '.join(inputs)}" if inputs else "there are none"
                yield Contradiction(path, f"{name!r} is no input; add it under inputs ({known})")
    if all(text is None or _formula(text) is not None for _, text in formulas):
        for name in inputs:
            if name not in wanted:
                message = "is named by no formula; use it or remove it"
                yield Contradiction(("requirement", "inputs", name), message)


def _of_model(requirement: Bag) -> Iterator[Contradiction]:
    path: Path = ("requirement",)
    published = rows(requirement.get("published"))
    rate = requirement.get("rate")
    if rate is None and not published:
        yield Contradiction((*path, "rate"), "is missing; add it, or published rates")
    if requirement.get("combine") == "larger of both" and (rate is None or not published):
        message = "needs a rate and published rates; add what is missing or remove this"
        yield Contradiction((*path, "combine"), message)
    yield from _of_inputs(requirement, [((*path, "rate"), rate)])
    multiple = _formula(requirement.get("initial"))
    if multiple is not None and not _is_multiple(multiple):
        message = "must be a number from 1, as in 1.10: initial margin as a multiple of the rate"
        yield Contradiction((*path, "initial"), message)
    for index, one in enumerate(map(mapping, published)):
        if _after(one.get("since"), one.get("until"), strictly=True):
            message = f"must not lie before since ({one['since']}), was {one['until']}"
            yield Contradiction((*path, "published", index, "until"), message)


def _is_multiple(expression: Expression) -> bool:
    """Tell whether an expression is a number from 1."""
    try:
        return not names(expression) and evaluate(expression, {}) >= 1
    except ArithmeticError:
        return False


def _of_meanings(fields: Bag) -> Iterator[Contradiction]:
    seen = [fields.get("maintenance_meaning")]
    for index, one in enumerate(map(mapping, rows(fields.get("maintenance_across")))):
        meaning = one.get("meaning")
        if meaning is not None and meaning in seen:
            message = f"{shown(meaning)} is scored already; remove this entry"
            yield Contradiction(("maintenance_across", index, "meaning"), message)
        seen.append(meaning)


def _of_citations(fields: Bag, requirement: Bag) -> Iterator[Contradiction]:
    """Find numbers that no citation supports."""
    citations = [mapping(one) for one in rows(fields.get("citations"))]
    if not citations or any(not rows(one.get("supports")) for one in citations):
        return
    cited = [figure for one in citations for figure in rows(one.get("supports"))]
    asked = ["initial"]
    if fields.get("kind") == "cap":
        asked = [] if requirement.get("prohibited") else asked
        asked += ["maintenance"] * (requirement.get("maintenance") is not None)
    elif requirement.get("maintenance") != "none":
        asked.append("maintenance")
    for figure in asked if fields.get("kind") != "disclosure" else ():
        if figure not in cited:
            message = f"{figure} margin has no source; add a citation with supports: [{figure}]"
            yield Contradiction(("citations",), message)


def _of_examples(fields: Bag, requirement: Bag) -> Iterator[Contradiction]:
    inputs = mapping(requirement.get("inputs"))
    for index, one in enumerate(map(mapping, rows(fields.get("examples")))):
        path: Path = ("examples", index)
        if one.get("initial") is None and one.get("maintenance") is None:
            yield Contradiction(
                path, "expects nothing; add the verdict due as initial: or maintenance:"
            )
        for name in mapping(one.get("inputs")):
            if name not in inputs:
                known = f"there are {', '.join(inputs)}" if inputs else "there are none"
                message = f"is no input of the formula; {known}"
                yield Contradiction((*path, "inputs", name), message)
        tiers = [mapping(tier) for tier in rows(one.get("tiers"))]
        for number, tier in enumerate(tiers[:-1]):
            if tier.get("upper") is None:
                message = "is missing; only the last tier may be open-ended"
                yield Contradiction((*path, "tiers", number, "upper"), message)
        yield from _rising((*path, "tiers"), tiers)


def _membership(requirement: Bag) -> Iterator[Contradiction]:
    """Find assets that stand in two classes, or twice in one."""
    home: dict[str, object] = {}
    for name, one in mapping(requirement.get("classes")).items():
        for index, asset in enumerate(rows(mapping(one).get("assets"))):
            if not isinstance(asset, str):
                continue
            if asset in home:
                message = f"{shown(asset)} is in class {home[asset]} already; list it once"
                yield Contradiction(("requirement", "classes", name, "assets", index), message)
            home.setdefault(asset, name)


def _of_tiers(path: Path, tiers: Sequence[object]) -> Iterator[Contradiction]:
    bags = [mapping(tier) for tier in tiers]
    yield from _rising(path, bags)
    for index, (row, following) in enumerate(pairwise([{}, *bags])):
        place = (*path, index)
        for name in ("initial_rate", "maintenance_rate"):
            if _above(row.get(name), following.get(name)):
                message = (
                    f"must not be below the rate of the tier before it ({row[name]}), "
                    f"was {following[name]}"
                )
                yield Contradiction((*place, name), message)
        initial, maintenance = following.get("initial_rate"), following.get("maintenance_rate")
        if _above(maintenance, initial):
            message = f"must not be above initial_rate ({initial}), was {maintenance}"
            yield Contradiction((*place, "maintenance_rate"), message)


def _rising(path: Path, tiers: Sequence[Bag]) -> Iterator[Contradiction]:
    for index, (row, following) in enumerate(pairwise([{}, *tiers])):
        below, upper = _numeric(row.get("upper")), _numeric(following.get("upper"))
        if below is not None and upper is not None and upper <= below:
            message = f"must be above the bound before it ({below}), was {upper}"
            yield Contradiction((*path, index, "upper"), message)


def _junction(path: Path, formula: object, one: object) -> Iterator[Contradiction]:
    """Find tiers that do not lead to the formula that continues them."""
    try:
        parts, size_class = FormulaParts.model_validate(formula), SizeClass.model_validate(one)
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
        due = parts.size().margin(upper, days, v1, adv)
        margin = slices([(tier.upper, getattr(tier, name)) for tier in size_class.tiers])
        if abs(margin - due) > MEETING * due:
            message = (
                f"tiers add up to {margin / upper:.4%} of notional at {upper}, the formula gives "
                f"{due / upper:.4%}; they must meet within {MEETING:.0%}"
            )
            yield Contradiction((*path, "tiers", len(size_class.tiers) - 1, name), message)


def mapping(value: object) -> Bag:
    """Give a mapping as it is, anything else as an empty one."""
    return value if isinstance(value, dict) else {}


def rows(value: object) -> Sequence[Any]:
    """Give a list as it is, anything else as an empty one."""
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


def _above(one: object, other: object) -> bool:
    """Tell whether both are numbers and the one is above the other."""
    number, bound = _numeric(one), _numeric(other)
    return number is not None and bound is not None and number > bound
