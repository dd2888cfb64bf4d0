"""Rule sets with what was measured put into them: one reference an underlying, or why there is none."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from decimal import Decimal, localcontext

from harmonize.core.schedule import INFINITY, ZERO, MarginFunction, flat
from harmonize.policy.expression import evaluate
from harmonize.policy.inputs import Held, Input, Need, lacking
from harmonize.policy.rule_set import (
    Cap,
    Combine,
    Measured,
    Model,
    Published,
    ReferenceClass,
    ReferenceSchedule,
    RuleSet,
    Verified,
)
from harmonize.policy.size_formula import DIGITS, continued

WHOLE = Decimal(1)
_LONGEST_GRACE = 100_000  # days; more is for ever


@dataclass(frozen=True, slots=True)
class Applied:
    """A rule set as an audit applies it.

    ``graded`` holds the reference functions by class, None where the rule set has one rate for all
    (a cap) or none at all. ``reasons`` says why an underlying has no reference. ``used`` are the
    inputs that went in, ``wanting`` the needs that nothing measured, with how many underlyings.
    """

    rule_set: RuleSet
    graded: ReferenceSchedule | None
    reasons: Mapping[str, str] = field(default_factory=dict)
    used: tuple[Input, ...] = ()

    @property
    def cap(self) -> Cap | None:
        """The cap, where the rule set is one."""
        requirement = self.rule_set.requirement
        return requirement if isinstance(requirement, Cap) else None


def apply_rule_sets(
    rule_sets: Iterable[RuleSet], held: Held, assets: Sequence[str], on: date
) -> tuple[Applied, ...]:
    """Put inputs and published rates into every rule set, for the underlyings that are audited."""
    return tuple(_applied(one, held, sorted(set(assets)), on) for one in rule_sets)


def _applied(rule_set: RuleSet, held: Held, assets: Sequence[str], on: date) -> Applied:
    requirement = rule_set.requirement
    if isinstance(requirement, ReferenceSchedule):
        return _measured(rule_set, requirement, held, assets, on)
    if isinstance(requirement, Model):
        return _modelled(rule_set, requirement, held, assets, on)
    return Applied(rule_set, None)


def _measured(
    rule_set: RuleSet,
    requirement: ReferenceSchedule,
    held: Held,
    assets: Sequence[str],
    on: date,
) -> Applied:
    """Replace the static class of every asset whose inputs were measured by the formula."""
    if requirement.measured is None:
        return Applied(rule_set, requirement)
    classes = list(requirement.classes)
    used: list[Input] = []
    own: list[ReferenceClass] = []
    for asset in assets:
        found, missing = _inputs(requirement.measured.needs, held, asset, on)
        if not missing:
            own.append(_by_formula(requirement.measured, found, asset))
            used += found.values()
    ousted = {asset for one in own for asset in one.assets}
    kept = [_without(one, ousted) for one in classes]
    return Applied(rule_set, ReferenceSchedule((*own, *kept)), used=tuple(used))


def _without(one: ReferenceClass, assets: set[str]) -> ReferenceClass:
    if not assets.intersection(one.assets):
        return one
    rest = tuple(asset for asset in one.assets if asset not in assets)
    return ReferenceClass(one.name, rest, one.initial, one.maintenance, one.v1)


def _by_formula(measured: Measured, found: Mapping[str, Input], asset: str) -> ReferenceClass:
    values = {name: one.value for name, one in found.items()}
    v1, adv = evaluate(measured.v1, values), evaluate(measured.adv, values)
    initial, maintenance = continued(measured.formula, min(v1, WHOLE), adv, (), ())
    return ReferenceClass(
        f"{asset} by formula",
        (asset,),
        initial,
        maintenance,
        v1,
        basis=_basis(found),
        verified=_weakest(found),
    )


def _inputs(
    needs: Sequence[Need], held: Held, asset: str, on: date
) -> tuple[dict[str, Input], str]:
    """The inputs of one asset by the formula's names, and the first reason why one is missing."""
    found: dict[str, Input] = {}
    for need in needs:
        one = held.get((need.name, asset))
        reason = lacking(need, one, asset, on)
        if one is None or reason:
            return {}, reason
        found[need.local] = one
    return found, ""


def _modelled(
    rule_set: RuleSet, model: Model, held: Held, assets: Sequence[str], on: date
) -> Applied:
    classes: list[ReferenceClass] = []
    reasons: dict[str, str] = {}
    used: list[Input] = []
    for asset in assets:
        published = _published(model, asset, on)
        found, reason = _inputs(model.needs, held, asset, on)
        if model.rate is None:
            reason = f"no rate of {asset} is published for {on}"
        if not reason:
            reason = _unbounded(rule_set, found) or _impossible(model, found, asset)
        if published is not None and (reason == "" or model.combine is Combine.PREFER):
            both = not reason and model.combine is Combine.LARGER
            classes.append(_class(rule_set, model, asset, published, found if both else {}))
            used += found.values() if both else ()
        elif reason:
            reasons[asset] = reason
        else:
            classes.append(_class(rule_set, model, asset, None, found))
            used += found.values()
    return Applied(rule_set, ReferenceSchedule(tuple(classes)), reasons, tuple(used))


def _unbounded(rule_set: RuleSet, found: Mapping[str, Input]) -> str:
    """Say which input has no interval at the confidence that the tolerance asks; empty if all do."""
    asked = rule_set.tolerance.statistical
    for one in found.values():
        if asked is not None and one.confidence != asked:
            return f"{one.name} of {one.underlying} has no interval at {asked:%}".replace(
                ".000000", ""
            )
    return ""


def _impossible(model: Model, found: Mapping[str, Input], asset: str) -> str:
    """Say why the formula gives no rate above 0 with what was measured; empty where it does."""
    for end in ("value", "lower", "upper"):
        values = {name: _at(one, end) for name, one in found.items()}
        try:
            if model.rate is None or evaluate(model.rate, values) > 0:
                continue
        except ArithmeticError:
            pass
        return f"the formula gives no rate above 0 for {asset} with what was measured"
    return ""


def _published(model: Model, asset: str, on: date) -> tuple[Published, Decimal] | None:
    """The rate published for a day: of the newest list in force, else of the newest in its grace."""
    grace = timedelta(days=min(model.grace_days, _LONGEST_GRACE))
    holding = [
        one
        for one in model.published
        if asset in one.rates and one.since <= on <= min(one.until, date.max - grace) + grace
    ]
    if not holding:
        return None
    newest = max(holding, key=lambda one: (one.until >= on, one.since, one.until))
    return newest, newest.rates[asset]


def _class(
    rule_set: RuleSet,
    model: Model,
    asset: str,
    published: tuple[Published, Decimal] | None,
    found: Mapping[str, Input],
) -> ReferenceClass:
    """The class of one asset: its rate, and how far the inputs' intervals widen the tolerance."""
    floor = published[1] if published else ZERO
    rate = low = high = floor
    computed = published is None or model.combine is Combine.LARGER
    if computed and model.rate is not None:
        rate, low, high = (
            max(floor, evaluate(model.rate, {name: _at(one, end) for name, one in found.items()}))
            for end in ("value", "lower", "upper")
        )
    with localcontext(prec=DIGITS):
        below, above = 1 - low / rate, high / rate - 1
    if rule_set.tolerance.statistical is None or not found:
        below = above = ZERO
    said = [_basis(found)] if found else []
    verified = _weakest(found)
    if published:
        said.append(_published_basis(*published))
        verified = published[0].verified.value if rate == floor else verified
    return ReferenceClass(
        asset,
        (asset,),
        _whole(model.multiple * rate),
        _whole(rate) if model.maintained else None,
        below=below,
        above=above,
        basis="; ".join(said),
        verified=verified,
    )


def _at(one: Input, end: str) -> Decimal:
    found: Decimal | None = getattr(one, end)
    return one.value if found is None else found


def _whole(rate: Decimal) -> MarginFunction:
    return flat([INFINITY], [min(rate, WHOLE)])


def _basis(found: Mapping[str, Input]) -> str:
    return ", ".join(
        f"{one.name} {_figure(one.value)} of {one.observed_at:%Y-%m-%d} ({one.origin})"
        for one in found.values()
    )


def _published_basis(published: Published, rate: Decimal) -> str:
    span = f"{published.since}"
    span += f" to {published.until}" * (published.until != published.since)
    return f"{_figure(rate)} published for {span} ({published.verified})"


def _figure(value: Decimal) -> str:
    return f"{float(value) * 100:.4g} %" if value <= 1 else f"{value:,f}"


_ORDER = [one.value for one in (Verified.PRIMARY, Verified.SECONDARY, Verified.DERIVED)]


def _weakest(found: Mapping[str, Input]) -> str:
    """The weakest mark among inputs: what is computed from them is known no better."""
    marks = [one.origin for one in found.values()]
    return max(
        marks, key=lambda one: _ORDER.index(one) if one in _ORDER else len(_ORDER), default=""
    )
