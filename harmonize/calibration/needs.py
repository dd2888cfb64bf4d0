"""The rate that a formula gives for an asset, with its interval, and its change since the last version."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

from harmonize.adequacy.measured_inputs import MOVES, WORST_YEARS
from harmonize.calibration.evidence import AssetEvidence
from harmonize.policy.expression import Expression, evaluate, input_names
from harmonize.policy.inputs import Input, Need
from harmonize.policy.rule_set import Model, ReferenceSchedule, RuleSet

_WHOLE = Decimal(1)


@dataclass(frozen=True, slots=True)
class AssetRate:
    """Rate of an asset. The bounds follow from those of its inputs; None if one states none."""

    asset: str
    value: Decimal
    lower: Decimal | None
    upper: Decimal | None


@dataclass(frozen=True, slots=True)
class InputChange:
    """Measured input beside the one of the last version; None: there was none."""

    before: Input | None
    after: Input

    @property
    def is_beyond(self) -> bool | None:
        """Whether the new value lies outside the old interval; None: there was no interval."""
        if self.before is None or self.before.lower is None or self.before.upper is None:
            return None
        return not self.before.lower <= self.after.value <= self.before.upper


@dataclass(frozen=True, slots=True)
class RateFormula:
    """Formula of a rule set for a rate, its inputs, and the days of the moves that it covers."""

    expression: Expression
    needs: tuple[Need, ...]
    days: int

    @property
    def names(self) -> Mapping[str, str]:
        """Measured names of the formula's inputs, by their names in it."""
        used = input_names(self.expression)
        return {need.local: need.name for need in self.needs if need.local in used}


def needs_of(rule_set: RuleSet) -> tuple[Need, ...]:
    """Returns the measured inputs that a rule set names, also those of volume."""
    requirement = rule_set.requirement
    if isinstance(requirement, Model):
        return requirement.needs
    if isinstance(requirement, ReferenceSchedule) and requirement.measured:
        return requirement.measured.needs
    return ()


def rate_formula(rule_set: RuleSet) -> RateFormula | None:
    """Returns the formula of a rule set for the rate that its moves have to cover; None: it has none.

    That of a schedule is v1, that of a model its rate before any multiple.
    """
    requirement = rule_set.requirement
    expression = None
    if isinstance(requirement, Model):
        expression = requirement.rate
    elif isinstance(requirement, ReferenceSchedule) and requirement.measured:
        expression = requirement.measured.v1
    if expression is None:
        return None
    horizons = {**{name: move[0] for name, move in MOVES.items()}, **WORST_YEARS}
    needs = needs_of(rule_set)
    days = max((horizons.get(need.name, 1) for need in needs), default=1)
    return RateFormula(expression, needs, days)


def asset_rate(
    expression: Expression, needs: Sequence[Need], evidence: AssetEvidence
) -> AssetRate | None:
    """Returns the rate of an asset; None if one of its inputs was not measured."""
    inputs = {
        need.local: evidence.inputs[need.name].input
        for need in needs
        if need.name in evidence.inputs
    }
    return rate_from(expression, evidence.asset, inputs)


def rate_from(expression: Expression, asset: str, inputs: Mapping[str, Input]) -> AssetRate | None:
    """Returns the rate from inputs by their names in the formula; None if one is missing."""
    used = input_names(expression)
    if not used <= inputs.keys():
        return None
    own = {name: inputs[name] for name in used}
    value = _evaluated(expression, {name: item.value for name, item in own.items()})
    lower = {name: item.lower for name, item in own.items() if item.lower is not None}
    upper = {name: item.upper for name, item in own.items() if item.upper is not None}
    is_bounded = lower.keys() == upper.keys() == own.keys()
    return AssetRate(
        asset,
        value,
        _evaluated(expression, lower) if is_bounded else None,
        _evaluated(expression, upper) if is_bounded else None,
    )


def _evaluated(expression: Expression, values: Mapping[str, Decimal]) -> Decimal:
    return min(evaluate(expression, values), _WHOLE)
