"""MH2xx: does a venue publish what a position costs?"""

from collections.abc import Callable, Iterator

from harmonize.checks.base import AuditContext, Check, Draft, Option, about
from harmonize.core.payload import Origin
from harmonize.core.schedule import Derived, MarginSchedule, Unknown
from harmonize.document import Level, Verdict
from harmonize.policy.rule_set import Disclosure
from harmonize.text.messages import counted, percent

NO_FEE = "none"
"""The fee rule of a venue that is known to add no fee to maintenance margin."""


def maintenance_unknown(examined: AuditContext) -> Iterator[Draft]:
    """Maintenance margin cannot be observed.

    ## What it checks
    The schedule has a maintenance margin, and it can be put in USD.

    ## Why it matters
    Without it nobody outside the venue can say when a position is liquidated. Nothing that is
    unknown is ever counted as compliant.

    ## Formula
    MM is known or derived, not unknown.

    ## Example
    The venue publishes a maximum leverage alone.

    ## Citation
    The disclosure rule set; BCBS-CPMI-IOSCO, Transparency and responsiveness of initial margin in
    centrally cleared markets, January 2025.
    """
    rule_set = _expecting(examined, "MH201")
    for schedule in examined.schedules:
        if isinstance(schedule.maintenance, Unknown):
            reason = schedule.maintenance.reason
            draft = Draft(
                Verdict.NOT_OBSERVABLE,
                Level.WARNING,
                "",
                f"MM is not observable: {reason}",
                rule_set=rule_set,
                figure="maintenance",
            )
            yield about(schedule, draft)


def initial_unknown(examined: AuditContext) -> Iterator[Draft]:
    """Initial margin cannot be observed.

    ## What it checks
    The schedule has an initial margin, and it can be put in USD.

    ## Why it matters
    Without it the leverage that the venue allows is not known at any size.

    ## Formula
    IM is known or derived, not unknown.

    ## Example
    Tiers are in contracts and no price was recorded to convert them.

    ## Citation
    As for MH201.
    """
    rule_set = _expecting(examined, "MH202")
    for schedule in examined.schedules:
        if isinstance(schedule.initial, Unknown):
            reason = schedule.initial.reason
            draft = Draft(
                Verdict.NOT_OBSERVABLE,
                Level.WARNING,
                "",
                f"IM is not observable: {reason}",
                rule_set=rule_set,
                figure="initial",
            )
            yield about(schedule, draft)


def capacity_unknown(examined: AuditContext) -> Iterator[Draft]:
    """The largest position that the venue takes is not published.

    ## What it checks
    The last tier has an end, or the venue states a position limit.

    ## Why it matters
    How far a schedule reaches decides how much risk can be held at its last rate.

    ## Formula
    Capacity is known or derived, not unknown.

    ## Example
    The last margin tier is open-ended.

    ## Citation
    As for MH201.
    """
    rule_set = _expecting(examined, "MH203")
    for schedule in examined.schedules:
        if isinstance(schedule.capacity, Unknown):
            draft = Draft(
                Verdict.NOT_OBSERVABLE,
                Level.INFO,
                "",
                f"capacity is not observable: {schedule.capacity.reason}",
                rule_set=rule_set,
                figure="capacity",
            )
            yield about(schedule, draft)


def margin_derived(examined: AuditContext) -> Iterator[Draft]:
    """A margin rests on a step that the venue does not state.

    ## What it checks
    IM and MM are known, not derived: same-day amounts, a stated rule for the tiers.

    ## Why it matters
    A derived margin can be wrong although every number in it was published. Whoever quotes it
    should quote the step as well.

    ## Formula
    IM and MM are both known.

    ## Example
    Position tiers in contracts of one day, converted with the contract value of another.

    ## Citation
    CPMI-IOSCO, Principles for financial market infrastructures, Principle 23: rules and key
    procedures are disclosed.
    """
    rule_set = _expecting(examined, "MH204")
    for schedule in examined.schedules:
        steps = {
            figure.derivation
            for figure in (schedule.initial, schedule.maintenance)
            if isinstance(figure, Derived) and figure.verified
        }
        if steps:
            said = f"derived: {'; '.join(sorted(steps))}"
            draft = Draft(Verdict.NOT_APPLICABLE, Level.INFO, "", said, rule_set=rule_set)
            yield about(schedule, draft)


def rule_unstated(examined: AuditContext) -> Iterator[Draft]:
    """It is not known whether tiers are flat or marginal.

    ## What it checks
    A schedule of several tiers has a rule by which they become a margin.

    ## Why it matters
    The same table read as flat or as marginal tiers gives margins that differ by half and more.

    ## Formula
    There is more than one tier and no tier rule.

    ## Example
    Ten rows of rates, and no word on whether a rate holds for the slice or the whole.

    ## Citation
    As for MH204.
    """
    rule_set = _expecting(examined, "MH205")
    for schedule in examined.schedules:
        if len(schedule.tiers) > 1 and schedule.rule is None:
            said = f"{counted(len(schedule.tiers), 'tier')} without a rule: flat or marginal"
            draft = Draft(Verdict.NOT_OBSERVABLE, Level.WARNING, "", said, rule_set=rule_set)
            yield about(schedule, draft)


def margin_unverified(examined: AuditContext) -> Iterator[Draft]:
    """A margin rests on a step that no source verifies.

    ## What it checks
    IM and MM rest on steps that some source states, be it not the venue.

    ## Why it matters
    The figure is the best reading of what was published, and it may be wrong. It enters no
    cross-venue figure, and `--strict` leaves it out altogether.

    ## Formula
    Neither IM nor MM is derived by an unverified step.

    ## Example
    Bounds whose unit no documentation names, read as US dollars.

    ## Citation
    As for MH204.
    """
    rule_set = _expecting(examined, "MH206")
    for schedule in examined.schedules:
        steps = {
            figure.derivation
            for figure in (schedule.initial, schedule.maintenance)
            if isinstance(figure, Derived) and not figure.verified
        }
        if steps:
            said = f"no source verifies: {'; '.join(sorted(steps))}"
            draft = Draft(Verdict.NOT_OBSERVABLE, Level.WARNING, "", said, rule_set=rule_set)
            yield about(schedule, draft)


def documentation_only(examined: AuditContext) -> Iterator[Draft]:
    """A venue's margins are known from its documentation, not from what it serves.

    ## What it checks
    Where the payloads come from.

    ## Why it matters
    A sample in a manual shows the shape of an answer and not the margin of today.

    ## Formula
    The origin of a schedule's margins is documentation. One finding a venue.

    ## Example
    The only table known is the example in the reference of the endpoint.

    ## Citation
    As for MH204.
    """
    yield from _of_venues(
        examined,
        "MH207",
        lambda one: one.origin is Origin.DOCUMENTATION,
        "known from the venue's documentation alone",
    )


def partly_published(examined: AuditContext) -> Iterator[Draft]:
    """Only a part of a schedule is published, or was observed.

    ## What it checks
    Whether there is more to a schedule than the part that is known.

    ## Why it matters
    A maximum leverage says what the smallest position costs and nothing of any other.

    ## Formula
    The schedule stands aside in comparisons, for a reason other than its origin. One finding a venue.

    ## Example
    The listing names a maximum leverage; the tiers need a key.

    ## Citation
    As for MH201.
    """
    yield from _of_venues(
        examined,
        "MH208",
        lambda one: bool(one.exclusion_reason) and one.origin is not Origin.DOCUMENTATION,
        "known in part only",
    )


def fee_unknown(examined: AuditContext) -> Iterator[Draft]:
    """The fee that is counted on top of maintenance margin is not known.

    ## What it checks
    The rate of the fee add-on, where the venue has one or does not say.

    ## Why it matters
    Liquidation comes at MM plus the fee. Without its rate the price at which it comes is uncertain.

    ## Formula
    The venue's fee rule is not that there is none, and the rate is unknown. One finding a venue.

    ## Example
    The fee to close depends on the account's tier.

    ## Citation
    As for MH201.
    """
    yield from _of_venues(
        examined,
        "MH209",
        lambda one: one.fee.rule != NO_FEE and isinstance(one.fee.rate, Unknown),
        "with a fee add-on of unknown rate, or no word on one",
    )


def bounds_move(examined: AuditContext) -> Iterator[Draft]:
    """Tier bounds are in contracts or coins, so that they move with the price.

    ## What it checks
    Whether a price was needed to put the bounds of a schedule in US dollars.

    ## Why it matters
    When the price falls, the same contracts are worth less and the bounds shrink with it: a
    position's tier depends on the price, and no date of change is ever published.

    ## Formula
    A conversion of the schedule's bounds uses a price. One finding a venue.

    ## Example
    Tiers of 1,000 and 5,000 contracts of 0.01 BTC.

    ## Citation
    BCBS-CPMI-IOSCO, Transparency and responsiveness of initial margin in centrally cleared markets,
    January 2025, on responsiveness.
    """
    yield from _of_venues(
        examined,
        "MH210",
        lambda one: any("price" in factor for factor in _factors(one)),
        "with bounds that move with the price",
        Verdict.NOT_APPLICABLE,
    )


def price_of_another_day(examined: AuditContext) -> Iterator[Draft]:
    """Bounds were converted with a price or a contract size of another day.

    ## What it checks
    The dates of everything that a conversion used, against the date of the margin payload.

    ## Why it matters
    In US dollars such a bound is off by as much as the price has moved in between.

    ## Formula
    A payload that the schedule rests on lies more than `days` from its own. One finding a venue.

    ## Example
    Tiers in contracts of May, converted with the contract value of August.

    ## Citation
    Design rule of this tool: a conversion that mixes dates is derived, never known.
    """
    limit = examined.options["days"]
    yield from _of_venues(
        examined,
        "MH211",
        lambda one: (
            max(
                abs((date - one.observed_at).total_seconds())
                for date in (one.observed_at, *one.dates)
            )
            > limit * 86400
        ),
        "converted with amounts of another day",
        Verdict.NOT_APPLICABLE,
    )


def share_disclosed(examined: AuditContext) -> Iterator[Draft]:
    """A venue publishes margins of a part of its contracts only.

    ## What it checks
    The share of a venue's schedules of which IM, MM and capacity are all known or derived.

    ## Why it matters
    Who compares venues sees the contracts that are published; the others may be the laxer ones.

    ## Formula
    schedules with IM, MM and capacity / schedules < `least_share`.

    ## Example
    Margins of 40 contracts are served, those of 60 are not.

    ## Citation
    As for MH201.
    """
    least = examined.options["least_share"]
    rule_set = _expecting(examined, "MH212")
    for venue, schedules in examined.by_venue().items():
        whole = sum(
            not any(isinstance(one, Unknown) for one in (s.initial, s.maintenance, s.capacity))
            for s in schedules
        )
        share = whole / len(schedules)
        if share < least:
            yield Draft(
                Verdict.NOT_OBSERVABLE,
                Level.INFO,
                venue,
                f"IM, MM and capacity are known of {whole:,} of {counted(len(schedules), 'schedule')}"
                f" ({percent(share)}; {percent(least)} is asked)",
                rule_set=rule_set,
                divergence=share - 1.0,
            )


def _expecting(examined: AuditContext, code: str) -> str:
    """The first rule set that expects what a check looks for; empty where none does."""
    for rule in examined.rules:
        requirement = rule.applied.rule_set.requirement
        if isinstance(requirement, Disclosure) and any(
            one.code == code for one in requirement.expects
        ):
            return rule.applied.rule_set.id
    return ""


def _of_venues(
    examined: AuditContext,
    code: str,
    concerns: Callable[[MarginSchedule], bool],
    said: str,
    verdict: Verdict = Verdict.NOT_OBSERVABLE,
) -> Iterator[Draft]:
    """One draft for every venue that has schedules of a kind."""
    rule_set = _expecting(examined, code)
    for venue, schedules in examined.by_venue().items():
        found = [one for one in schedules if concerns(one)]
        if found:
            names = ", ".join(one.instrument.symbol for one in found[:3])
            more = f" and {len(found) - 3:,} more" if len(found) > 3 else ""  # noqa: PLR2004
            number = f"{len(found):,} of {counted(len(schedules), 'schedule')}"
            message = f"{number} {said}: {names}{more}"
            yield Draft(verdict, Level.INFO, venue, message, rule_set=rule_set)


def _factors(schedule: MarginSchedule) -> list[str]:
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
    Check("MH205", "tier-rule-unstated", rule_unstated),
    Check("MH206", "margin-unverified", margin_unverified),
    Check("MH207", "documentation-only", documentation_only),
    Check("MH208", "partly-published", partly_published),
    Check("MH209", "fee-unknown", fee_unknown),
    Check("MH210", "bounds-move-with-price", bounds_move),
    Check(
        "MH211",
        "price-of-another-day",
        price_of_another_day,
        (Option("days", 1.0, "days", "how far the dates may lie apart"),),
    ),
    Check(
        "MH212",
        "share-disclosed",
        share_disclosed,
        (Option("least_share", 0.9, "of schedules", "the least share with IM, MM and capacity"),),
        "preview",
    ),
)
