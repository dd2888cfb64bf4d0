"""MH2xx: disclosure of the margins, fees and limits of a schedule."""

from collections.abc import Callable, Iterator

from harmonize.checks.base import AuditContext, Check, Draft, Option, first_names, for_schedule
from harmonize.core.payload import Origin
from harmonize.core.schedule import Derived, MarginSchedule, Unknown
from harmonize.document import Level, Verdict
from harmonize.policy.rule_set import Disclosure
from harmonize.text.messages import counted, percent

NO_FEE = "none"
"""Fee rule of a venue that is known to add no fee to maintenance margin."""

_SECONDS_PER_DAY = 86_400.0


def maintenance_unknown(context: AuditContext) -> Iterator[Draft]:
    """Maintenance margin is not observable.

    ## What it checks
    The schedule has a maintenance margin, and it can be converted to USD.

    ## Why it matters
    Without maintenance margin, no one outside the venue can determine when a position is
    liquidated. An unknown margin is never counted as compliant.

    ## Formula
    MM is known or derived, not unknown.

    ## Example
    The venue publishes only a maximum leverage.

    ## Citation
    The disclosure rule set; BCBS-CPMI-IOSCO, Transparency and responsiveness of initial margin in
    centrally cleared markets, January 2025.
    """
    rule_set = _expecting_rule_set(context, "MH201")
    for schedule in context.schedules:
        if isinstance(schedule.maintenance, Unknown):
            message = f"MM is not observable: {schedule.maintenance.reason}"
            yield for_schedule(schedule, _unknown(message, rule_set, "maintenance"))


def initial_unknown(context: AuditContext) -> Iterator[Draft]:
    """Initial margin is not observable.

    ## What it checks
    The schedule has an initial margin, and it can be converted to USD.

    ## Why it matters
    Without initial margin, the leverage that the venue allows is unknown at every size.

    ## Formula
    IM is known or derived, not unknown.

    ## Example
    Tiers are in contracts, and no price was recorded to convert them.

    ## Citation
    As for MH201.
    """
    rule_set = _expecting_rule_set(context, "MH202")
    for schedule in context.schedules:
        if isinstance(schedule.initial, Unknown):
            message = f"IM is not observable: {schedule.initial.reason}"
            yield for_schedule(schedule, _unknown(message, rule_set, "initial"))


def capacity_unknown(context: AuditContext) -> Iterator[Draft]:
    """The largest position that the venue accepts is not published.

    ## What it checks
    The last tier has an upper bound, or the venue states a position limit.

    ## Why it matters
    The upper end of a schedule determines how much risk can be held at its last rate.

    ## Formula
    Capacity is known or derived, not unknown.

    ## Example
    The last margin tier is open-ended.

    ## Citation
    As for MH201.
    """
    rule_set = _expecting_rule_set(context, "MH203")
    for schedule in context.schedules:
        if isinstance(schedule.capacity, Unknown):
            message = f"capacity is not observable: {schedule.capacity.reason}"
            yield for_schedule(schedule, _unknown(message, rule_set, "capacity", Level.INFO))


def margin_derived(context: AuditContext) -> Iterator[Draft]:
    """A margin is derived by a step that the venue does not state.

    ## What it checks
    IM and MM are known, not derived: the amounts are of the same day, and the venue states the
    rule of the tiers.

    ## Why it matters
    A derived margin can be wrong although every number in it was published. A reader who quotes
    the margin should also quote the step.

    ## Formula
    IM and MM are both known.

    ## Example
    Position tiers in contracts of one day, converted with the contract value of another day.

    ## Citation
    CPMI-IOSCO, Principles for financial market infrastructures, Principle 23: rules and key
    procedures are disclosed.
    """
    rule_set = _expecting_rule_set(context, "MH204")
    for schedule in context.schedules:
        steps = _derivations(schedule, verified=True)
        if steps:
            message = f"margin derived, not published: {'; '.join(steps)}"
            draft = Draft(Verdict.NOT_APPLICABLE, Level.INFO, "", message, rule_set=rule_set)
            yield for_schedule(schedule, draft)


def tier_rule_unstated(context: AuditContext) -> Iterator[Draft]:
    """The venue does not state whether tiers are flat or marginal.

    ## What it checks
    A schedule with several tiers has a rule that determines the margin from the tiers.

    ## Why it matters
    Read as flat or as marginal tiers, the same table gives margins that differ by half or more.

    ## Formula
    There is more than one tier, and no tier rule.

    ## Example
    Ten rows of rates, without a statement whether a rate applies to the slice in the tier or
    to the whole position.

    ## Citation
    As for MH204.
    """
    rule_set = _expecting_rule_set(context, "MH205")
    for schedule in context.schedules:
        if len(schedule.tiers) > 1 and schedule.rule is None:
            tiers = counted(len(schedule.tiers), "tier")
            message = f"tier rule not published for {tiers}: flat or marginal"
            draft = Draft(Verdict.NOT_OBSERVABLE, Level.WARNING, "", message, rule_set=rule_set)
            yield for_schedule(schedule, draft)


def margin_unverified(context: AuditContext) -> Iterator[Draft]:
    """A margin is derived by a step that no source verifies.

    ## What it checks
    Every step from which IM and MM are derived is stated by a source, which need not be the venue.

    ## Why it matters
    The margin is the best interpretation of the published data, and it may be wrong. It is
    excluded from cross-venue statistics, and `--strict` excludes it from the audit.

    ## Formula
    Neither IM nor MM is derived by an unverified step.

    ## Example
    Tier bounds whose unit no documentation states, read as US dollars.

    ## Citation
    As for MH204.
    """
    rule_set = _expecting_rule_set(context, "MH206")
    for schedule in context.schedules:
        steps = _derivations(schedule, verified=False)
        if steps:
            message = f"derivation not verified by any source: {'; '.join(steps)}"
            draft = Draft(Verdict.NOT_OBSERVABLE, Level.WARNING, "", message, rule_set=rule_set)
            yield for_schedule(schedule, draft)


def documentation_only(context: AuditContext) -> Iterator[Draft]:
    """The margins of a venue are known only from its documentation, not from its interface.

    ## What it checks
    The origin of the payloads.

    ## Why it matters
    A sample in a manual shows the format of a response, not the current margins.

    ## Formula
    The origin of the margins of a schedule is documentation. One finding per venue.

    ## Example
    The only known table is the example in the reference of the endpoint.

    ## Citation
    As for MH204.
    """
    yield from _per_venue(
        context,
        "MH207",
        lambda schedule: schedule.origin is Origin.DOCUMENTATION,
        "known only from the documentation of the venue",
    )


def partially_published(context: AuditContext) -> Iterator[Draft]:
    """Only part of a schedule is published, or was observed.

    ## What it checks
    Whether a schedule has further parts that are not known.

    ## Why it matters
    A maximum leverage determines the margin of the smallest position, and of no other position.

    ## Formula
    The schedule is excluded from comparisons, for a reason other than its origin. One finding per
    venue.

    ## Example
    The listing states a maximum leverage; the tiers require an API key.

    ## Citation
    As for MH201.
    """
    yield from _per_venue(
        context,
        "MH208",
        lambda schedule: (
            bool(schedule.exclusion_reason) and schedule.origin is not Origin.DOCUMENTATION
        ),
        "only partially published or observed",
    )


def fee_unknown(context: AuditContext) -> Iterator[Draft]:
    """The fee that the venue adds to maintenance margin is unknown.

    ## What it checks
    The rate of the fee add-on, if the venue has one or does not state whether it has one.

    ## Why it matters
    Liquidation occurs at MM plus the fee. Without the rate of the fee, the liquidation price is
    uncertain.

    ## Formula
    The fee rule of the venue is not that there is no fee, and the rate is unknown. One finding per
    venue.

    ## Example
    The fee to close depends on the fee tier of the account.

    ## Citation
    As for MH201.
    """
    yield from _per_venue(
        context,
        "MH209",
        lambda schedule: schedule.fee.rule != NO_FEE and isinstance(schedule.fee.rate, Unknown),
        "with a fee add-on of unknown rate, or no statement on a fee add-on",
    )


def tier_bounds_price_dependent(context: AuditContext) -> Iterator[Draft]:
    """Tier bounds are in contracts or coins, so they move with the price.

    ## What it checks
    Whether a price was needed to convert the bounds of a schedule to US dollars.

    ## Why it matters
    When the price falls, the same number of contracts has a lower value and the bounds decrease
    with it. The tier of a position depends on the price, and no date of change is ever published.

    ## Formula
    A conversion of the bounds of the schedule uses a price. One finding per venue.

    ## Example
    Tiers of 1,000 and 5,000 contracts of 0.01 BTC.

    ## Citation
    BCBS-CPMI-IOSCO, Transparency and responsiveness of initial margin in centrally cleared markets,
    January 2025, on responsiveness.
    """
    yield from _per_venue(
        context,
        "MH210",
        lambda schedule: any("price" in factor for factor in _conversion_factors(schedule)),
        "with tier bounds that move with the price",
        Verdict.NOT_APPLICABLE,
    )


def conversion_dates_differ(context: AuditContext) -> Iterator[Draft]:
    """Tier bounds were converted with a price or a contract size of another day.

    ## What it checks
    The dates of all amounts that a conversion used, against the date of the margin payload.

    ## Why it matters
    The error of such a bound in US dollars is as large as the price change between the two dates.

    ## Formula
    The date of a payload on which the schedule is based differs by more than `days` from the date
    of its margin payload. One finding per venue.

    ## Example
    Tiers in contracts of May, converted with the contract value of August.

    ## Citation
    Design rule of this tool: a margin converted with amounts of different dates is derived, never
    known.
    """
    limit = context.options["days"]
    yield from _per_venue(
        context,
        "MH211",
        lambda schedule: _date_difference(schedule) > limit * _SECONDS_PER_DAY,
        "converted with amounts of another day",
        Verdict.NOT_APPLICABLE,
    )


def disclosure_share_low(context: AuditContext) -> Iterator[Draft]:
    """A venue publishes the margins of only part of its contracts.

    ## What it checks
    The share of the schedules of a venue for which IM, MM and capacity are all known or derived.

    ## Why it matters
    A comparison contains only the published contracts; the others may have lower margins.

    ## Formula
    schedules with IM, MM and capacity / schedules < `least_share`.

    ## Example
    The margins of 40 contracts are published, those of 60 are not.

    ## Citation
    As for MH201.
    """
    required = context.options["least_share"]
    rule_set = _expecting_rule_set(context, "MH212")
    for venue, schedules in context.by_venue().items():
        complete = sum(
            not any(
                isinstance(amount, Unknown) for amount in (s.initial, s.maintenance, s.capacity)
            )
            for s in schedules
        )
        share = complete / len(schedules)
        if share < required:
            yield Draft(
                Verdict.NOT_OBSERVABLE,
                Level.INFO,
                venue,
                f"observed IM, MM and capacity of {complete:,} of "
                f"{counted(len(schedules), 'schedule')} ({percent(share)}), "
                f"required at least {percent(required)}",
                rule_set=rule_set,
                deviation=share - 1.0,
            )


def _unknown(message: str, rule_set: str, margin_type: str, level: Level = Level.WARNING) -> Draft:
    return Draft(
        Verdict.NOT_OBSERVABLE, level, "", message, rule_set=rule_set, margin_type=margin_type
    )


def _expecting_rule_set(context: AuditContext, code: str) -> str:
    """Returns the first rule set that expects a disclosure; empty if none does."""
    for rule in context.rules:
        requirement = rule.applied.rule_set.requirement
        if isinstance(requirement, Disclosure) and any(
            expectation.code == code for expectation in requirement.expects
        ):
            return rule.applied.rule_set.id
    return ""


def _per_venue(
    context: AuditContext,
    code: str,
    is_affected: Callable[[MarginSchedule], bool],
    problem: str,
    verdict: Verdict = Verdict.NOT_OBSERVABLE,
) -> Iterator[Draft]:
    """Returns one draft for every venue with affected schedules."""
    rule_set = _expecting_rule_set(context, code)
    for venue, schedules in context.by_venue().items():
        symbols = [schedule.instrument.symbol for schedule in schedules if is_affected(schedule)]
        if symbols:
            count = f"{len(symbols):,} of {counted(len(schedules), 'schedule')}"
            message = f"{count} {problem}: {first_names(symbols, 3)}"
            yield Draft(verdict, Level.INFO, venue, message, rule_set=rule_set)


def _derivations(schedule: MarginSchedule, *, verified: bool) -> list[str]:
    """Returns the steps from which IM and MM are derived, verified or unverified."""
    return sorted(
        {
            margin.derivation
            for margin in (schedule.initial, schedule.maintenance)
            if isinstance(margin, Derived) and margin.verified is verified
        }
    )


def _date_difference(schedule: MarginSchedule) -> float:
    """Returns the longest time in seconds from the margin payload to another payload used."""
    return max(
        abs((date - schedule.observed_at).total_seconds())
        for date in (schedule.observed_at, *schedule.dates)
    )


def _conversion_factors(schedule: MarginSchedule) -> list[str]:
    return [
        factor.name
        for evidence in schedule.evidence
        if evidence.conversion
        for factor in evidence.conversion.factors
    ]


CHECKS = (
    Check("MH201", "maintenance-unknown", maintenance_unknown),
    Check("MH202", "initial-unknown", initial_unknown),
    Check("MH203", "capacity-unknown", capacity_unknown),
    Check("MH204", "margin-derived", margin_derived),
    Check("MH205", "tier-rule-unstated", tier_rule_unstated),
    Check("MH206", "margin-unverified", margin_unverified),
    Check("MH207", "documentation-only", documentation_only),
    Check("MH208", "partially-published", partially_published),
    Check("MH209", "fee-unknown", fee_unknown),
    Check("MH210", "tier-bounds-price-dependent", tier_bounds_price_dependent),
    Check(
        "MH211",
        "conversion-dates-differ",
        conversion_dates_differ,
        (Option("days", 1.0, "days", "longest time between the dates"),),
    ),
    Check(
        "MH212",
        "disclosure-share-low",
        disclosure_share_low,
        (Option("least_share", 0.9, "of schedules", "smallest share with IM, MM and capacity"),),
        "preview",
    ),
)
