"""One-line summary of a rule set's requirement."""

from collections.abc import Iterator
from decimal import Decimal

from harmonize.policy.expression import to_text
from harmonize.policy.rule_set import Disclosure, Model, Prohibition, ReferenceSchedule, RuleSet


def requirement_summary(rule_set: RuleSet) -> str:
    """Returns a one-line summary of the requirement; each number shows how it was verified."""
    requirement = rule_set.requirement
    if isinstance(requirement, Prohibition):
        return "prohibited at any margin"
    if isinstance(requirement, Disclosure):
        return f"{len(requirement.expects)} items to publish"
    if isinstance(requirement, ReferenceSchedule):
        count = len(requirement.classes)
        classes = f"{count} class{'' if count == 1 else 'es'}"
        return f"tiers for {classes} ({_verification(rule_set, 'initial')})"
    if isinstance(requirement, Model):
        return f"{_model(requirement)} ({_verification(rule_set, 'initial')})"
    initial = f"IM {percent(requirement.initial_rate)} ({_verification(rule_set, 'initial')})"
    if requirement.maintenance_rate is None:
        return initial
    rate = percent(requirement.maintenance_rate)
    return f"{initial}, MM {rate} ({_verification(rule_set, 'maintenance')})"


def parameters(rule_set: RuleSet) -> Iterator[tuple[str, float]]:
    """Yields the numbers of a rule set's formula that all underlyings share, each with its name."""
    requirement = rule_set.requirement
    if isinstance(requirement, ReferenceSchedule) and requirement.size is not None:
        formula = requirement.size
        yield "pi, share of daily volume", float(formula.pi)
        yield "days of risk in initial margin", float(formula.initial_days)
        yield "days of risk in maintenance margin", float(formula.maintenance_days)
    if isinstance(requirement, Model):
        yield "initial margin, multiple of the rate", float(requirement.multiple)
    for meaning, factor in rule_set.across.items():
        yield f"factor where maintenance margin is a {meaning.value}", float(factor)


def _model(model: Model) -> str:
    parts = [f"r = {to_text(model.rate)}"] if model.rate is not None else []
    parts += ["r as published"] * bool(model.published)
    rate = f"; {model.combine.value}; ".join(parts)
    inputs = ", ".join(f"{need.local} is {need.name}" for need in model.needs)
    rate += f", where {inputs}" * bool(inputs)
    initial = "r" if model.multiple == 1 else f"{model.multiple.normalize():f} r"
    maintenance = "MM r" if model.sets_maintenance else "no MM"
    return f"{rate}; IM {initial}, {maintenance}"


def _verification(rule_set: RuleSet, margin_type: str) -> str:
    verified = rule_set.verified(margin_type)
    return verified.value if verified else "no source"


def percent(rate: Decimal) -> str:
    """Returns a rate in percent, to six significant digits: 0.125 is 12.5 %."""
    return f"{float(rate) * 100:.6g} %"
