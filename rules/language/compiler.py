"""Compiles a validated rule set into the values with which margins are compared."""

from collections.abc import Mapping, Sequence
from decimal import Decimal
from types import MappingProxyType

from harmonize.core.schedule import INFINITY, ZERO, MarginFunction, flat, marginal
from harmonize.policy import rule_set
from harmonize.policy.expression import evaluate, parse
from harmonize.policy.inputs import Need
from harmonize.policy.size_formula import continued_functions
from rules.language import requirements, schema


def compile_rule_set(rules: schema.AnyRules) -> rule_set.RuleSet:
    """Returns the compiled rule set."""
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
            rule_set.Citation(
                citation.reference, citation.via, citation.verified, citation.supports
            )
            for citation in rules.citations
        ),
        flags=tuple(rule_set.Flag(flag.field, flag.status, flag.note) for flag in rules.flags),
        across=MappingProxyType(
            {entry.meaning: entry.factor for entry in rules.maintenance_across}
        ),
        extends=rules.extends or "",
        examples=tuple(map(_example, rules.examples)),
        cross_venue=_cross_venue(rules),
        adequacy=_adequacy(rules),
    )


def _scope(scope: schema.Scope) -> rule_set.Scope:
    notional, in_force = scope.notional, scope.in_force
    return rule_set.Scope(
        text=f"{scope.region}: {scope.text}" if scope.region else scope.text,
        account_classes=scope.account_classes,
        venues=scope.venues,
        jurisdictions=scope.jurisdictions,
        payoffs=scope.payoffs,
        contracts=scope.contracts,
        except_underlyings=scope.except_underlyings,
        undetermined=tuple(
            rule_set.Undetermined(entry.reason.strip(), entry.contracts, entry.underlyings)
            for entry in scope.undetermined
        ),
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
        tuple(rule_set.DisclosureItem(item.what, item.check) for item in rules.requirement.expects)
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
        measured = rule_set.MeasuredFormula(
            formula.size(), _needs(schedule.inputs), parse(formula.v1), parse(formula.adv)
        )
    return rule_set.ReferenceSchedule(
        tuple(
            rule_set.ReferenceClass(
                name,
                class_.assets,
                *_functions(class_, schedule),
                class_.v1,
                adv=class_.adv_ref,
            )
            for name, class_ in schedule.classes.items()
        ),
        measured,
        formula.size() if formula else None,
    )


def _functions(
    class_: requirements.SizeClass, schedule: requirements.ScheduleRequirement
) -> tuple[MarginFunction, MarginFunction]:
    initial = [(tier.upper, tier.initial_rate) for tier in class_.tiers]
    maintenance = [(tier.upper, tier.maintenance_rate) for tier in class_.tiers]
    if schedule.above_last_tier == "formula" and schedule.formula and class_.v1 and class_.adv_ref:
        return continued_functions(
            schedule.formula.size(), class_.v1, class_.adv_ref, initial, maintenance
        )
    return _tiered(initial, schedule), _tiered(maintenance, schedule)


def _tiered(
    tiers: Sequence[tuple[Decimal, Decimal]], schedule: requirements.ScheduleRequirement
) -> MarginFunction:
    uppers, rates = [upper for upper, _ in tiers], [rate for _, rate in tiers]
    if schedule.above_last_tier == "last rate":
        uppers[-1] = INFINITY
    build = marginal if schedule.tiers_are == "marginal" else flat
    return build(uppers, rates)


def _model(requirement: requirements.ModelRequirement) -> rule_set.Model:
    return rule_set.Model(
        needs=_needs(requirement.inputs),
        rate=parse(requirement.rate) if requirement.rate is not None else None,
        multiple=evaluate(parse(requirement.initial), {}),
        sets_maintenance=requirement.maintenance == "equal to rate",
        published=tuple(
            rule_set.PublishedRates(
                rates.since, rates.until, rates.rates, rates.via, rates.verified, rates.lapses
            )
            for rates in requirement.published
        ),
        combine=requirement.combine,
        grace_days=requirement.grace_days,
    )


def _needs(inputs: Mapping[str, requirements.Input]) -> tuple[Need, ...]:
    return tuple(
        Need(local, input_.measured, input_.means, input_.least_observations, input_.oldest_days)
        for local, input_ in inputs.items()
    )


def _cross_venue(rules: schema.AnyRules) -> rule_set.CrossVenueLimits | None:
    limits = rules.cross_venue if isinstance(rules, schema.ScheduleRules) else None
    return rule_set.CrossVenueLimits(**limits.model_dump()) if limits else None


def _adequacy(rules: schema.AnyRules) -> rule_set.AdequacyLimits | None:
    if not isinstance(rules, schema.ScheduleRules | schema.ModelRules):
        return None
    limits = rules.adequacy
    return rule_set.AdequacyLimits(**limits.model_dump()) if limits else None


def _example(example: schema.Example) -> rule_set.RuleExample:
    return rule_set.RuleExample(
        text=example.text,
        underlying=example.underlying,
        tiers=tuple(
            (tier.upper or INFINITY, tier.initial_rate, tier.maintenance_rate)
            for tier in example.tiers
        ),
        marginal=example.tiers_are == "marginal",
        initial=example.initial,
        maintenance=example.maintenance,
        notional=example.notional,
        venue=example.venue,
        account_class=example.account_class,
        payoff=example.payoff,
        contract=example.contract,
        meaning=example.meaning,
        on=example.observed_on,
        inputs=example.inputs,
    )
