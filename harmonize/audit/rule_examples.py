"""Runs the examples in a rule set: the expected verdict against the one that the rule set gives."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time
from decimal import Decimal

from harmonize.comparison.layout import build_layout
from harmonize.comparison.verdicts import evaluate
from harmonize.core.asset_class import StatedClass
from harmonize.core.instrument import Instrument, Payoff, contract
from harmonize.core.payload import Origin
from harmonize.core.schedule import (
    ZERO,
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
from harmonize.core.tickers import AssetClass
from harmonize.document import DivergenceRow, Verdict
from harmonize.policy.apply import apply_rule_sets
from harmonize.policy.inputs import Input, Need, newest_inputs
from harmonize.policy.rule_set import ContractKind, Model, ReferenceSchedule, RuleExample, RuleSet
from harmonize.text.messages import percent

_LONG_AGO = date(2000, 1, 1)  # of an undated example under a rule set without a first date
_FAR_AWAY = date(2100, 1, 1)  # expiry of a dated contract of an example
_CRYPTO = StatedClass(AssetClass.CRYPTO, "the example")
"""Class of an underlying of an example whose name tells none, such as NEWCOIN."""

_MANY = 10**9  # number of observations behind an input that an example states


@dataclass(frozen=True, slots=True)
class FailedExample:
    """An example with an unexpected verdict: its number from 0, the margin type, the message."""

    number: int
    margin_type: str
    message: str


def failing_examples(rule_set: RuleSet) -> Iterator[FailedExample]:
    """Runs every example of a rule set and yields those with an unexpected verdict."""
    for number, example in enumerate(rule_set.examples):
        rows = {row.margin_type: row for row in _rows(rule_set, example)}
        out_of_scope = _out_of_scope(rule_set, example)
        for margin_type, expected in (
            ("initial", example.initial),
            ("maintenance", example.maintenance),
        ):
            if expected is None:
                continue
            verdict, reason = (
                out_of_scope
                or _size_out_of_scope(rule_set, example)
                or _verdict(rows.get(margin_type), example)
            )
            if verdict != expected:
                message = (
                    f"expected {expected}, found {verdict}{reason}; correct the rule or the example"
                )
                yield FailedExample(number, margin_type, message)


def _out_of_scope(rule_set: RuleSet, example: RuleExample) -> tuple[str, str] | None:
    """The verdict where the rule set lists other venues or underlyings, and so no row exists."""
    scope = rule_set.scope
    for listed, own in ((scope.venues, example.venue), (scope.underlyings, example.underlying)):
        if listed and own not in listed:
            return Verdict.NOT_APPLICABLE.value, f": the rule set covers {', '.join(listed)}"
    return None


def _size_out_of_scope(rule_set: RuleSet, example: RuleExample) -> tuple[str, str] | None:
    """The verdict at a size outside the scope of the rule set or above the schedule's last tier."""
    scope, notional = rule_set.scope, example.notional
    if notional is None:
        return None
    if not scope.above < notional <= scope.up_to:
        return Verdict.NOT_APPLICABLE.value, ": the rule set covers other sizes"
    if notional > example.tiers[-1][0]:
        return Verdict.NOT_OBSERVABLE.value, ": the schedule ends below that size"
    return None


def _verdict(row: DivergenceRow | None, example: RuleExample) -> tuple[str, str]:
    """The verdict at the example's notional, or over every size, with the reason."""
    if row is None:
        return Verdict.NOT_OBSERVABLE.value, ": the rule set has no reference for it"
    if row.observed is None:
        return row.verdict.value, f": {row.reason}" if row.reason else ""
    if example.notional is None:
        return row.verdict.value, _rates_text(row.observed, row.required or 0.0)
    notional = float(example.notional)
    numbers = _rates_at(row, example, notional)
    short = Verdict.BREACH if row.verdict is Verdict.BREACH else Verdict.UNDER
    for verdict, intervals in ((short, row.under), (Verdict.OVER, row.over)):
        if any(i.lower < notional <= (i.upper or float("inf")) for i in intervals):
            return verdict.value, numbers
    return Verdict.COMPLIANT.value, numbers


def _rates_at(row: DivergenceRow, example: RuleExample, notional: float) -> str:
    """Observed and required rate at the example's notional.

    The rates of the row are those at the size with the largest deviation, which is another one. A
    requirement without points is one rate at every size.
    """
    rates = [
        initial if row.margin_type == "initial" else maintenance or ZERO
        for _, initial, maintenance in example.tiers
    ]
    observed = (_function(example, rates).margin(notional) or 0.0) / notional
    points = (point.required for point in row.points if point.notional == notional)
    margin = next(points, None)
    required = row.required if margin is None else margin / notional
    return _rates_text(observed, required or 0.0)


def _rates_text(observed: float, required: float) -> str:
    return f" ({percent(observed)} against {percent(required)})"


def _rows(rule_set: RuleSet, example: RuleExample) -> tuple[DivergenceRow, ...]:
    on = example.on or rule_set.scope.since or _LONG_AGO
    schedule = _schedule(rule_set, example, on)
    asset = schedule.instrument.underlying.asset
    now = datetime.combine(on, time.max, UTC)
    inputs = [
        _input(need, example, rule_set, asset, now)
        for need in _needs(rule_set)
        if need.local in example.inputs
    ]
    applied = apply_rule_sets([rule_set], newest_inputs(inputs, now), [asset], on)
    notional_grid = (float(example.notional),) if example.notional is not None else ()
    return evaluate([schedule], build_layout([schedule], applied), notional_grid)


def _needs(rule_set: RuleSet) -> tuple[Need, ...]:
    requirement = rule_set.requirement
    if isinstance(requirement, Model):
        return requirement.needs
    if isinstance(requirement, ReferenceSchedule) and requirement.measured:
        return requirement.measured.needs
    return ()


def _input(need: Need, example: RuleExample, rule_set: RuleSet, asset: str, now: datetime) -> Input:
    value = example.inputs[need.local]
    confidence = rule_set.tolerance.statistical
    bound = None if confidence is None else value
    return Input(need.name, asset, value, now, bound, bound, confidence, _MANY, "example")


def _schedule(rule_set: RuleSet, example: RuleExample, on: date) -> MarginSchedule:
    initial = _function(example, [rate for _, rate, _ in example.tiers])
    rates = [rate for _, _, rate in example.tiers]
    known = [rate for rate in rates if rate is not None]
    maintenance: Observed[MarginFunction] = Unknown("the example states no maintenance rate")
    if len(known) == len(rates):
        maintenance = Known(_function(example, known))
    observed = datetime.combine(on, time.min, UTC)
    last = example.tiers[-1][0]
    return MarginSchedule(
        instrument=_instrument(example),
        profile=Profile(MarginMode.ANY, example.account_class),
        observed_at=observed,
        dates=(observed,),
        origin=Origin.DOCUMENTATION,
        rule=TierRule.MARGINAL if example.marginal else TierRule.FLAT,
        tiers=(),
        initial=Known(initial),
        maintenance=maintenance,
        capacity=Known(last) if last.is_finite() else Unknown("open-ended"),
        meaning=example.meaning or rule_set.meaning,
        fee=FeeAddOn("none", Unknown("an example has no fee")),
        evidence=(),
    )


def _function(example: RuleExample, rates: list[Decimal]) -> MarginFunction:
    build = marginal if example.marginal else flat
    return build([upper for upper, _, _ in example.tiers], rates)


def _instrument(example: RuleExample) -> Instrument:
    asset = example.underlying
    settle = {Payoff.LINEAR: "USDT", Payoff.INVERSE: asset}.get(example.payoff, "EUR")
    quote = "USDT" if example.payoff is Payoff.LINEAR else "USD"
    expiry = _FAR_AWAY if example.contract is ContractKind.DATED else None
    own = contract(example.venue, asset, base=asset, quote=quote, settle=settle, expiry=expiry)
    return own if own.classification.known else replace(own, stated_class=_CRYPTO)
