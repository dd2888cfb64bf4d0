"""What a rule set asks, in a line, each number with the mark of its source."""

from decimal import Decimal

from harmonize.policy.expression import written
from harmonize.policy.rule_set import Disclosure, Model, Prohibition, ReferenceSchedule, RuleSet


def summary(rule_set: RuleSet) -> str:
    """Say in a line what a rule set asks, each number with the mark of its source."""
    requirement = rule_set.requirement
    if isinstance(requirement, Prohibition):
        return "prohibited at any margin"
    if isinstance(requirement, Disclosure):
        return f"{len(requirement.expects)} things to be published"
    if isinstance(requirement, ReferenceSchedule):
        number = len(requirement.classes)
        classes = f"{number} class{'' if number == 1 else 'es'}"
        return f"tiers for {classes} ({_mark(rule_set, 'initial')})"
    if isinstance(requirement, Model):
        return f"{_model(requirement)} ({_mark(rule_set, 'initial')})"
    initial = f"IM {_percent(requirement.initial_rate)} ({_mark(rule_set, 'initial')})"
    if requirement.maintenance_rate is None:
        return initial
    rate = _percent(requirement.maintenance_rate)
    return f"{initial}, MM {rate} ({_mark(rule_set, 'maintenance')})"


def _model(model: Model) -> str:
    parts = [f"r = {written(model.rate)}"] if model.rate is not None else []
    parts += ["r as published"] * bool(model.published)
    joined = f"; {model.combine.value}; ".join(parts)
    where = ", ".join(f"{need.local} is {need.name}" for need in model.needs)
    joined += f", where {where}" * bool(where)
    maintenance = "MM r" if model.maintained else "no MM"
    return f"{joined}; IM {f'{model.multiple.normalize():f} r' if model.multiple != 1 else 'r'}, {maintenance}"


def _mark(rule_set: RuleSet, figure: str) -> str:
    mark = rule_set.verified(figure)
    return mark.value if mark else "no source"


def _percent(rate: Decimal) -> str:
    return f"{float(rate) * 100:.6g} %"
