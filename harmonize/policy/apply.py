"""Applies rule sets to measured inputs: one reference per underlying, or the reason for none."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from decimal import Decimal, localcontext

from harmonize.core.schedule import INFINITY, ZERO, MarginFunction, flat
from harmonize.policy.expression import evaluate
from harmonize.policy.inputs import Input, InputsByName, Need, unusable_reason
from harmonize.policy.rule_set import (
    Cap,
    Combine,
    MeasuredFormula,
    Model,
    PublishedRates,
    ReferenceClass,
    ReferenceSchedule,
    RuleSet,
    Verified,
)
from harmonize.policy.size_formula import DIGITS, continued_functions

WHOLE = Decimal(1)


@dataclass(frozen=True, slots=True)
class AppliedRuleSet:
    """Rule set as an audit applies it.

    - ``reference_schedule``: reference functions by class; None for a cap, a prohibition or a disclosure.
    - ``reasons``: by underlying, the reason why there is no reference.
    - ``used_inputs``: measured inputs behind the references.
    - ``class_reasons``: by listed underlying, why its class applies where others have the formula, or where all
      of its inputs were measured.
    """

    rule_set: RuleSet
    reference_schedule: ReferenceSchedule | None
    reasons: Mapping[str, str] = field(default_factory=dict)
    used_inputs: tuple[Input, ...] = ()
    class_reasons: Mapping[str, str] = field(default_factory=dict)

    @property
    def cap(self) -> Cap | None:
        """Cap of the rule set; None if its requirement is of another kind."""
        requirement = self.rule_set.requirement
        return requirement if isinstance(requirement, Cap) else None


def apply_rule_sets(
    rule_sets: Iterable[RuleSet], inputs: InputsByName, assets: Sequence[str], on: date
) -> tuple[AppliedRuleSet, ...]:
    """Applies measured inputs and published rates to every rule set, for the audited underlyings."""
    return tuple(
        _apply_rule_set(rule_set, inputs, sorted(set(assets)), on) for rule_set in rule_sets
    )


def _apply_rule_set(
    rule_set: RuleSet, inputs: InputsByName, assets: Sequence[str], on: date
) -> AppliedRuleSet:
    requirement = rule_set.requirement
    if isinstance(requirement, ReferenceSchedule):
        return _apply_schedule(rule_set, requirement, inputs, assets, on)
    if isinstance(requirement, Model):
        return _apply_model(rule_set, requirement, inputs, assets, on)
    return AppliedRuleSet(rule_set, None)


def _apply_schedule(
    rule_set: RuleSet,
    requirement: ReferenceSchedule,
    inputs: InputsByName,
    assets: Sequence[str],
    on: date,
) -> AppliedRuleSet:
    """Replaces the static class of every asset with measured inputs by the formula."""
    if requirement.measured is None:
        return AppliedRuleSet(rule_set, requirement)
    used: list[Input] = []
    measured_classes: list[ReferenceClass] = []
    reasons: dict[str, str] = {}
    for asset in assets:
        asset_inputs, reason = _asset_inputs(requirement.measured.needs, inputs, asset, on)
        reasons[asset] = reason
        if not reason:
            measured_classes.append(_class_by_formula(requirement.measured, asset_inputs, asset))
            used += asset_inputs.values()
    replaced = {asset for class_ in measured_classes for asset in class_.assets}
    static_classes = [_without_assets(class_, replaced) for class_ in requirement.classes]
    listed = {asset for class_ in requirement.classes for asset in class_.assets} - replaced
    names = [need.name for need in requirement.measured.needs]
    return AppliedRuleSet(
        rule_set,
        ReferenceSchedule((*measured_classes, *static_classes)),
        used_inputs=tuple(used),
        class_reasons={
            asset: reason
            for asset, reason in reasons.items()
            if asset in listed and (replaced or all((name, asset) in inputs for name in names))
        },
    )


def _without_assets(class_: ReferenceClass, assets: set[str]) -> ReferenceClass:
    if not assets.intersection(class_.assets):
        return class_
    rest = tuple(asset for asset in class_.assets if asset not in assets)
    return replace(class_, assets=rest)


def _class_by_formula(
    measured: MeasuredFormula, asset_inputs: Mapping[str, Input], asset: str
) -> ReferenceClass:
    values = {name: input_.value for name, input_ in asset_inputs.items()}
    v1, adv = evaluate(measured.v1, values), evaluate(measured.adv, values)
    initial, maintenance = continued_functions(measured.formula, min(v1, WHOLE), adv, (), ())
    return ReferenceClass(
        f"{asset} by formula",
        (asset,),
        initial,
        maintenance,
        v1,
        basis=_basis(asset_inputs),
        verified=_weakest_origin(asset_inputs),
        adv=adv,
    )


def _asset_inputs(
    needs: Sequence[Need], inputs: InputsByName, asset: str, on: date
) -> tuple[dict[str, Input], str]:
    """Returns one asset's inputs by their names in the formula, and why the first is unusable.

    Without usable inputs the mapping is empty; with them the reason is empty.
    """
    asset_inputs: dict[str, Input] = {}
    for need in needs:
        input_ = inputs.get((need.name, asset))
        reason = unusable_reason(need, input_, asset, on)
        if input_ is None or reason:
            return {}, reason
        asset_inputs[need.local] = input_
    return asset_inputs, ""


def _apply_model(
    rule_set: RuleSet, model: Model, inputs: InputsByName, assets: Sequence[str], on: date
) -> AppliedRuleSet:
    classes: list[ReferenceClass] = []
    reasons: dict[str, str] = {}
    used: list[Input] = []
    for asset in assets:
        published = _published_rate(model, asset, on)
        asset_inputs, reason = _asset_inputs(model.needs, inputs, asset, on)
        if model.rate is None:
            reason = f"no rate of {asset} is published for {on}"
        if not reason:
            reason = _missing_interval(rule_set, asset_inputs) or _no_positive_rate(
                model, asset_inputs, asset
            )
        if published is None and model.combine is Combine.LARGER:
            reason = _lapsed_rate(model, asset, on) or reason
        if published is not None and (reason == "" or model.combine is Combine.PREFER):
            use_model = not reason and model.combine is Combine.LARGER
            model_inputs = asset_inputs if use_model else {}
            classes.append(_model_class(rule_set, model, asset, published, model_inputs))
            used += asset_inputs.values() if use_model else ()
        elif reason:
            reasons[asset] = reason
        else:
            classes.append(_model_class(rule_set, model, asset, None, asset_inputs))
            used += asset_inputs.values()
    return AppliedRuleSet(rule_set, ReferenceSchedule(tuple(classes)), reasons, tuple(used))


def _missing_interval(rule_set: RuleSet, asset_inputs: Mapping[str, Input]) -> str:
    """Names an input without an interval at the required confidence; empty if there is none."""
    confidence = rule_set.tolerance.statistical
    for input_ in asset_inputs.values():
        if confidence is not None and input_.confidence != confidence:
            percentage = f"{confidence:%}".replace(".000000", "")
            return f"{input_.name} of {input_.underlying} has no interval at {percentage}"
    return ""


def _no_positive_rate(model: Model, asset_inputs: Mapping[str, Input], asset: str) -> str:
    """States that the formula gives no rate above 0; empty if it gives one."""
    for end in ("value", "lower", "upper"):
        values = {name: _at_end(input_, end) for name, input_ in asset_inputs.items()}
        try:
            if model.rate is None or evaluate(model.rate, values) > 0:
                continue
        except ArithmeticError:
            pass
        return f"the formula gives no rate above 0 for {asset} from the measured inputs"
    return ""


def _published_rate(model: Model, asset: str, on: date) -> tuple[PublishedRates, Decimal] | None:
    """Returns the rate for a day: of the newest list in force, otherwise of the newest in grace."""
    usable = [
        rates
        for rates in model.published
        if asset in rates.rates and rates.since <= on <= rates.last_use(model.grace_days)
    ]
    if not usable:
        return None
    newest = max(usable, key=lambda rates: (rates.until >= on, rates.since, rates.until))
    return newest, newest.rates[asset]


def _lapsed_rate(model: Model, asset: str, on: date) -> str:
    """States that no published rate of an asset is used any more; empty if none ever was.

    The larger of both requires both: the model alone would pass for the published practice.
    """
    lists = [rates for rates in model.published if asset in rates.rates and rates.since <= on]
    if not lists:
        return ""
    newest = max(lists, key=lambda rates: rates.last_use(model.grace_days))
    return (
        f"the rate of {asset} published for {_span(newest)} lapsed on "
        f"{newest.last_use(model.grace_days)}"
    )


def _model_class(
    rule_set: RuleSet,
    model: Model,
    asset: str,
    published: tuple[PublishedRates, Decimal] | None,
    asset_inputs: Mapping[str, Input],
) -> ReferenceClass:
    """Returns the class of one asset: its rate, and the tolerance from the inputs' intervals."""
    floor = published[1] if published else ZERO
    rate = low = high = floor
    is_computed = published is None or model.combine is Combine.LARGER
    if is_computed and model.rate is not None:
        rate, low, high = (
            max(
                floor,
                evaluate(
                    model.rate,
                    {name: _at_end(input_, end) for name, input_ in asset_inputs.items()},
                ),
            )
            for end in ("value", "lower", "upper")
        )
    with localcontext(prec=DIGITS):
        below, above = 1 - low / rate, high / rate - 1
    if rule_set.tolerance.statistical is None or not asset_inputs:
        below = above = ZERO
    basis = [_basis(asset_inputs)] if asset_inputs else []
    verified = _weakest_origin(asset_inputs)
    if published:
        basis.append(_published_basis(*published, model.grace_days))
        verified = published[0].verified.value if rate == floor else verified
    return ReferenceClass(
        asset,
        (asset,),
        _constant_rate(model.multiple * rate),
        _constant_rate(rate) if model.sets_maintenance else None,
        below=below,
        above=above,
        basis="; ".join(basis),
        verified=verified,
    )


def _at_end(input_: Input, end: str) -> Decimal:
    """Returns ``value``, ``lower`` or ``upper`` of an input; without an interval, its value."""
    bound: Decimal | None = getattr(input_, end)
    return input_.value if bound is None else bound


def _constant_rate(rate: Decimal) -> MarginFunction:
    return flat([INFINITY], [min(rate, WHOLE)])


def _basis(asset_inputs: Mapping[str, Input]) -> str:
    return ", ".join(
        f"{input_.name} {_number_text(input_.value)} of {input_.observed_at:%Y-%m-%d} "
        f"({input_.origin})"
        for input_ in asset_inputs.values()
    )


def _published_basis(published: PublishedRates, rate: Decimal, grace_days: int) -> str:
    last_use = published.last_use(grace_days)
    used = f", used until {last_use}" * (last_use != published.until)
    return f"{_number_text(rate)} published for {_span(published)}{used} ({published.verified})"


def _span(published: PublishedRates) -> str:
    last = f" to {published.until}" * (published.until != published.since)
    return f"{published.since}{last}"


def _number_text(value: Decimal) -> str:
    return f"{float(value) * 100:.4g} %" if value <= 1 else f"{value:,f}"


_ORIGIN_ORDER = [mark.value for mark in (Verified.PRIMARY, Verified.SECONDARY, Verified.DERIVED)]


def _weakest_origin(asset_inputs: Mapping[str, Input]) -> str:
    """Returns the weakest origin among inputs, which is also that of a rate computed from them."""
    origins = [input_.origin for input_ in asset_inputs.values()]
    return max(
        origins,
        key=lambda origin: (
            _ORIGIN_ORDER.index(origin) if origin in _ORIGIN_ORDER else len(_ORIGIN_ORDER)
        ),
        default="",
    )
