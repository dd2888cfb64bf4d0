"""From a rule set as written to the values that margins are compared with."""

from collections.abc import Mapping, Sequence
from decimal import Decimal
from types import MappingProxyType

from harmonize.core.schedule import INFINITY, ZERO, MarginFunction, flat, marginal
from harmonize.policy import rule_set
from harmonize.policy.expression import evaluate, parse
from harmonize.policy.inputs import Need
from harmonize.policy.size_formula import continued
from rules.language import requirements, schema


def compiled(rules: schema.AnyRules) -> rule_set.RuleSet:
    """Turn a rule set as written into a value."""
    return rule_set.RuleSet(
        id=rules.id,
        version=rules.version,
        title=rules.title,
        about=(rules.about or "").strip(),
        scope=_scope(rules.scope),
        region=rules.scope.region or "",
        requirement=_requirement(rules),
        tolerance=rule_set.Tolerance(
            rules.tolerance.relative, rules.tolerance.absolute, rules.tolerance.statistical
        ),
        meaning=rules.maintenance_meaning,
        statutory=rules.statutory,
        citations=tuple(
            rule_set.Citation(one.reference, one.via, one.verified, one.supports)
            for one in rules.citations
        ),
        flags=tuple(rule_set.Flag(one.field, one.status, one.note) for one in rules.flags),
        across=MappingProxyType({one.meaning: one.factor for one in rules.maintenance_across}),
        extends=rules.extends or "",
        examples=tuple(map(_tried, rules.examples)),
        cross_venue=_cross_venue(rules),
    )


def _scope(scope: schema.Scope) -> rule_set.Scope:
    notional, in_force = scope.notional, scope.in_force
    return rule_set.Scope(
        text=f"{scope.region}: {scope.text}" if scope.region else scope.text,
        account_classes=scope.account_classes,
        venues=scope.venues,
        jurisdictions=scope.jurisdictions,
        payoffs=scope.payoffs,
        underlyings=scope.underlyings if isinstance(scope.underlyings, tuple) else (),
        crypto_only=scope.underlyings == "crypto",
        above=(notional.above if notional else None) or ZERO,
        up_to=(notional.up_to if notional else None) or INFINITY,
        since=in_force.since if in_force else None,
        until=in_force.until if in_force else None,
    )


def _requirement(rules: schema.AnyRules) -> rule_set.Requirement:
    if isinstance(rules, schema.CapRules):
        return _cap(rules.requirement)
    if isinstance(rules, schema.ScheduleRules):
        return _schedule(rules.requirement)
    if isinstance(rules, schema.ModelRules):
        return _model(rules.requirement)
    return rule_set.Disclosure(
        tuple(rule_set.Expected(one.what, one.check) for one in rules.requirement.expects)
    )


def _cap(cap: requirements.CapRequirement) -> rule_set.Cap | rule_set.Prohibition:
    if cap.initial_rate is None:
        return rule_set.Prohibition()
    maintenance = cap.maintenance
    rate = maintenance.rate if maintenance else None
    if maintenance and maintenance.fraction_of_initial:
        rate = cap.initial_rate * maintenance.fraction_of_initial
    return rule_set.Cap(cap.initial_rate, rate)


def _schedule(schedule: requirements.ScheduleRequirement) -> rule_set.ReferenceSchedule:
    formula = schedule.formula
    measured = None
    if formula and formula.v1 and formula.adv:
        measured = rule_set.Measured(
            formula.size(), _needs(schedule.inputs), parse(formula.v1), parse(formula.adv)
        )
    return rule_set.ReferenceSchedule(
        tuple(
            rule_set.ReferenceClass(name, one.assets, *_functions(one, schedule), one.v1)
            for name, one in schedule.classes.items()
        ),
        measured,
    )


def _functions(
    one: requirements.SizeClass, schedule: requirements.ScheduleRequirement
) -> tuple[MarginFunction, MarginFunction]:
    initial = [(tier.upper, tier.initial_rate) for tier in one.tiers]
    maintenance = [(tier.upper, tier.maintenance_rate) for tier in one.tiers]
    if schedule.above_last_tier == "formula" and schedule.formula and one.v1 and one.adv_ref:
        return continued(schedule.formula.size(), one.v1, one.adv_ref, initial, maintenance)
    return _tiered(initial, schedule), _tiered(maintenance, schedule)


def _tiered(
    tiers: Sequence[tuple[Decimal, Decimal]], schedule: requirements.ScheduleRequirement
) -> MarginFunction:
    uppers, rates = [upper for upper, _ in tiers], [rate for _, rate in tiers]
    if schedule.above_last_tier == "last rate":
        uppers[-1] = INFINITY
    build = marginal if schedule.tiers_are == "marginal" else flat
    return build(uppers, rates)


def _model(model_: requirements.ModelRequirement) -> rule_set.Model:
    return rule_set.Model(
        needs=_needs(model_.inputs),
        rate=parse(model_.rate) if model_.rate is not None else None,
        multiple=evaluate(parse(model_.initial), {}),
        maintained=model_.maintenance == "equal to rate",
        published=tuple(
            rule_set.Published(one.since, one.until, one.rates, one.via, one.verified)
            for one in model_.published
        ),
        combine=model_.combine,
        grace_days=model_.grace_days,
    )


def _needs(inputs: Mapping[str, requirements.Input]) -> tuple[Need, ...]:
    return tuple(
        Need(local, one.measured, one.means, one.least_observations, one.oldest_days)
        for local, one in inputs.items()
    )


def _cross_venue(rules: schema.AnyRules) -> rule_set.CrossVenue | None:
    found = rules.cross_venue if isinstance(rules, schema.ScheduleRules) else None
    return rule_set.CrossVenue(**found.model_dump()) if found else None


def _tried(one: schema.Example) -> rule_set.RuleExample:
    return rule_set.RuleExample(
        text=one.text,
        underlying=one.underlying,
        tiers=tuple(
            (tier.upper or INFINITY, tier.initial_rate, tier.maintenance_rate) for tier in one.tiers
        ),
        marginal=one.tiers_are == "marginal",
        initial=one.initial,
        maintenance=one.maintenance,
        notional=one.notional,
        venue=one.venue,
        account_class=one.account_class,
        payoff=one.payoff,
        meaning=one.meaning,
        on=one.observed_on,
        inputs=one.inputs,
    )
