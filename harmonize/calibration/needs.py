"""The rate that a formula gives for an asset, with its interval, and its change since the last version."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

from harmonize.adequacy.measured_inputs import MOVES, WORST_YEARS
from harmonize.calibration.evidence import AssetEvidence, last_day
from harmonize.policy.expression import Expression, evaluate, input_names
from harmonize.policy.inputs import Input, Need
from harmonize.policy.rule_set import Model, ReferenceSchedule, RuleSet

_WHOLE = Decimal(1)

_COARSEST = Decimal("0.001")
"""Coarsest step to which a share is taken to be rounded: 0.1 may be 10.0 % without its last zeros."""

_SERIES = r"\S+ (?:perp|spot) \S+ \w+"

_STATED_PRICES = re.compile(rf"({_SERIES})(?:; (\d{{4}}-\d\d-\d\d to \d{{4}}-\d\d-\d\d)|: )")
"""Series of an input in its source, with the window of a calibration; ``--measured`` states none."""


@dataclass(frozen=True, slots=True)
class AssetRate:
    """Rate of an asset. The bounds follow from those of its inputs; None if one states none."""

    asset: str
    value: Decimal
    lower: Decimal | None
    upper: Decimal | None


@dataclass(frozen=True, slots=True)
class InputChange:
    """Measured input beside the one of the last version; None: there was none.

    ``series`` is that of the new value; empty if it is not stated.
    """

    before: Input | None
    after: Input
    series: str = ""

    @property
    def prices_before(self) -> tuple[str, str]:
        """Series of the old value and its window, as its source states them; empty if it does not."""
        match = _STATED_PRICES.search(self.before.source) if self.before else None
        return (match[1], match[2] or "") if match else ("", "")

    @property
    def is_series_changed(self) -> bool:
        """Whether another series gives the new value; the two are then not comparable."""
        before, _ = self.prices_before
        return bool(before and self.series) and before != self.series

    @property
    def is_unchanged(self) -> bool:
        """Whether the values are equal, up to half of the step to which the old one is rounded."""
        if self.before is None or self.is_series_changed:
            return False
        exponent = self.before.value.as_tuple().exponent
        step = Decimal(1).scaleb(exponent) if isinstance(exponent, int) else Decimal(0)
        difference = abs(self.after.value - self.before.value)
        return difference <= min(step, _COARSEST) / 2

    @property
    def is_same_day(self) -> bool:
        """Whether both are of prices to one last day, so that no move of the market parts them.

        A measurement that states its series without a window is dated by its end, others by their last day.
        """
        if self.before is None:
            return False
        series, window = self.prices_before
        if series and not window:
            return self.before.observed_at == self.after.observed_at
        return self.before.observed_at.date() == last_day(self.after.observed_at)

    @property
    def is_beyond(self) -> bool | None:
        """Whether the new value lies outside the old interval; None: no interval, or another series."""
        before = self.before
        if before is None or before.lower is None or before.upper is None:
            return None
        if self.is_series_changed:
            return None
        return not before.lower <= self.after.value <= before.upper


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
