"""The examples in a rule set, run: the verdict that its author expects against the one it gives."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from decimal import Decimal

from harmonize.comparison.layout import build_layout
from harmonize.comparison.verdicts import evaluate
from harmonize.core.instrument import Instrument, Payoff, contract
from harmonize.core.payload import Origin
from harmonize.core.schedule import (
    FeeAddOn,
    Known,
    MarginFunction,
    MarginMode,
    MarginSchedule,
    Observed,
    Profile,
    TierRule,
    Unknown,
    flat,
    marginal,
)
from harmonize.document import DivergenceRow, Verdict
from harmonize.policy.apply import apply_rule_sets
from harmonize.policy.inputs import Input, Need, held
from harmonize.policy.rule_set import Model, ReferenceSchedule, RuleExample, RuleSet

_LONG_AGO = date(2000, 1, 1)  # of an example without a day, under a rule set without a beginning
_MANY = 10**9  # observations of an input that an example gives


@dataclass(frozen=True, slots=True)
class Unmet:
    """An example whose verdict is another: its number from 0, the figure, and what is wrong."""

    number: int
    figure: str
    message: str


def failing_examples(rule_set: RuleSet) -> Iterator[Unmet]:
    """Run every example of a rule set; give those that come out otherwise."""
    for number, one in enumerate(rule_set.examples):
        rows = {row.margin_type: row for row in _rows(rule_set, one)}
        nowhere = _elsewhere(rule_set, one)
        for figure, due in (("initial", one.initial), ("maintenance", one.maintenance)):
            if due is None:
                continue
            verdict, why = nowhere or _unsized(rule_set, one) or _verdict(rows.get(figure), one)
            if verdict != due:
                message = f"{due} was expected, it is {verdict}{why}; mend the rule or the example"
                yield Unmet(number, figure, message)


def _elsewhere(rule_set: RuleSet, one: RuleExample) -> tuple[str, str] | None:
    """The verdict on what no row is made of: the rule set lists other venues or underlyings."""
    scope = rule_set.scope
    for listed, own in ((scope.venues, one.venue), (scope.underlyings, one.underlying)):
        if listed and own not in listed:
            return Verdict.NOT_APPLICABLE.value, f": the rule set speaks of {', '.join(listed)}"
    return None


def _unsized(rule_set: RuleSet, one: RuleExample) -> tuple[str, str] | None:
    """The verdict at a size that the rule set does not speak of, or that the schedule does not reach."""
    scope, at = rule_set.scope, one.notional
    if at is None:
        return None
    if not scope.above < at <= scope.up_to:
        return Verdict.NOT_APPLICABLE.value, ": the rule set speaks of other sizes"
    if at > one.tiers[-1][0]:
        return Verdict.NOT_OBSERVABLE.value, ": the schedule ends below that size"
    return None


def _verdict(row: DivergenceRow | None, one: RuleExample) -> tuple[str, str]:
    """The verdict at the example's notional, or over every size; and what it rests on."""
    if row is None:
        return Verdict.NOT_OBSERVABLE.value, ": the rule set has no reference for it"
    if row.observed is None:
        return row.verdict.value, f": {row.reason}" if row.reason else ""
    numbers = f" ({row.observed * 100:.4g} % against {(row.required or 0.0) * 100:.4g} %)"
    if one.notional is None:
        return row.verdict.value, numbers
    at = float(one.notional)
    short = Verdict.BREACH if row.verdict is Verdict.BREACH else Verdict.UNDER
    for verdict, ranges in ((short, row.under), (Verdict.OVER, row.over)):
        if any(part.lower < at <= (part.upper or float("inf")) for part in ranges):
            return verdict.value, numbers
    return Verdict.COMPLIANT.value, ""


def _rows(rule_set: RuleSet, one: RuleExample) -> tuple[DivergenceRow, ...]:
    on = one.on or rule_set.scope.since or _LONG_AGO
    schedule = _schedule(rule_set, one, on)
    asset = schedule.instrument.underlying.asset
    now = datetime.combine(on, time.max, UTC)
    given = [
        _input(need, one, rule_set, asset, now)
        for need in _needs(rule_set)
        if need.local in one.inputs
    ]
    put = apply_rule_sets([rule_set], held(given, now), [asset], on)
    return evaluate([schedule], build_layout([schedule], put), ())


def _needs(rule_set: RuleSet) -> tuple[Need, ...]:
    requirement = rule_set.requirement
    if isinstance(requirement, Model):
        return requirement.needs
    if isinstance(requirement, ReferenceSchedule) and requirement.measured:
        return requirement.measured.needs
    return ()


def _input(need: Need, one: RuleExample, rule_set: RuleSet, asset: str, now: datetime) -> Input:
    value = one.inputs[need.local]
    asked = rule_set.tolerance.statistical
    bound = None if asked is None else value
    return Input(need.name, asset, value, now, bound, bound, asked, _MANY, "example")


def _schedule(rule_set: RuleSet, one: RuleExample, on: date) -> MarginSchedule:
    initial = _function(one, [rate for _, rate, _ in one.tiers])
    rates = [rate for _, _, rate in one.tiers]
    known = [rate for rate in rates if rate is not None]
    maintenance: Observed[MarginFunction] = Unknown("the example names no maintenance rate")
    if len(known) == len(rates):
        maintenance = Known(_function(one, known))
    observed = datetime.combine(on, time.min, UTC)
    last = one.tiers[-1][0]
    return MarginSchedule(
        instrument=_instrument(one),
        profile=Profile(MarginMode.ANY, one.account_class),
        observed_at=observed,
        dates=(observed,),
        origin=Origin.DOCUMENTATION,
        rule=TierRule.MARGINAL if one.marginal else TierRule.FLAT,
        tiers=(),
        initial=Known(initial),
        maintenance=maintenance,
        capacity=Known(last) if last.is_finite() else Unknown("open-ended"),
        meaning=one.meaning or rule_set.meaning,
        fee=FeeAddOn("none", Unknown("an example has no fee")),
        evidence=(),
    )


def _function(one: RuleExample, rates: list[Decimal]) -> MarginFunction:
    build = marginal if one.marginal else flat
    return build([upper for upper, _, _ in one.tiers], rates)


def _instrument(one: RuleExample) -> Instrument:
    settle = {Payoff.LINEAR: "USDT", Payoff.INVERSE: one.underlying}.get(one.payoff, "EUR")
    quote = "USDT" if one.payoff is Payoff.LINEAR else "USD"
    return contract(one.venue, one.underlying, base=one.underlying, quote=quote, settle=settle)
