"""MH4xx: compliance of schedules with statutory minimum margins and prohibitions."""

from collections import Counter
from collections.abc import Hashable, Iterator
from datetime import date

from harmonize.checks.base import ABBREVIATIONS, AuditContext, Check, Draft, ranges_text
from harmonize.document import DivergenceRow, Level, Verdict
from harmonize.policy.rule_set import Model
from harmonize.text.messages import counted, dollars, percent


def initial_below_cap(context: AuditContext) -> Iterator[Draft]:
    """Initial margin is below a statutory minimum, so leverage is above the statutory cap.

    ## What it checks
    Compares IM(N) / N with the minimum rate of the rule set at every notional. The tolerance is
    that of the rule set: one basis point of notional for statutory caps.

    ## Why it matters
    A cap binds any firm that offers the contract to the clients whom the cap protects. The finding
    states what the published schedule would breach if it were offered to these clients. Whether it
    is offered to them is a matter of access, not of margin, and was not observed. The verdict is
    therefore breach in either case, and the level error only if the venue itself designates the
    schedule for retail clients, otherwise warning. ``--fail-on breach`` counts both.

    ## Formula
    IM(N) / N < minimum rate − tolerance.

    ## Example
    Leverage of 125x (IM of 0.8 %) against the ESMA cap of 2:1 (IM of 50 %).

    ## Citation
    The citations of the rule set. Each finding states how far the source of its number was
    verified.
    """
    return _breaches(context, "initial")


def maintenance_below_cap(context: AuditContext) -> Iterator[Draft]:
    """Maintenance margin is below a statutory close-out level.

    ## What it checks
    Compares MM(N) / N with the close-out rate of the rule set at every notional. The comparison is
    made only if maintenance margin has the same meaning in the schedule and in the rule set.

    ## Why it matters
    A close-out later than the law requires leaves a retail client with less margin than the law
    protects. Verdict and level are as for MH401.

    ## Formula
    MM(N) / N < close-out rate − tolerance.

    ## Example
    MM of 0.4 % against the ESMA close-out at half of the 50 % initial margin.

    ## Citation
    The citations of the rule set. Each finding states how far the source of its number was
    verified.
    """
    return _breaches(context, "maintenance")


def prohibited(context: AuditContext) -> Iterator[Draft]:
    """A rule set prohibits contracts of a venue at any margin.

    ## What it checks
    Counts the contracts of a venue that are in the scope of a prohibition.

    ## Why it matters
    A prohibition is not a margin requirement of 100 %: no schedule can comply with it. As with
    caps, it binds any firm that offers the contract to the clients whom the rule set protects. A
    rule set can state a prohibition only if its text was read. Contracts that it may or may not
    cover are not observable.

    ## Formula
    Number of schedules in scope. One finding per venue and rule set.

    ## Example
    Crypto derivatives for retail clients in the United Kingdom.

    ## Citation
    The citations of the rule set.
    """
    schedules: Counter[tuple[str, str]] = Counter()
    retail: set[tuple[str, str]] = set()
    for row in context.divergences:
        if row.verdict is Verdict.PROHIBITED:
            key = (row.venue, row.rule_set)
            schedules[key] += 1
            retail |= {key} if "retail" in row.profile else set()
    rule_sets = {rule.applied.rule_set.id: rule.applied.rule_set for rule in context.rules}
    for (venue, rule_set), count in sorted(schedules.items()):
        verification = rule_sets[rule_set].verified("scope")
        verified = verification.value if verification else "no source"
        yield Draft(
            Verdict.PROHIBITED,
            Level.ERROR if (venue, rule_set) in retail else Level.WARNING,
            venue,
            f"{counted(count, 'schedule')} would be prohibited by {rule_set} ({verified}) if "
            "offered to the clients it protects; no margin complies",
            rule_set=rule_set,
            verified=verified,
        )


def cap_not_observable(context: AuditContext) -> Iterator[Draft]:
    """Compliance of a venue with a statutory minimum cannot be determined.

    ## What it checks
    Counts the schedules of a venue that are in scope and whose margin is unknown, or known only up
    to a certain position size, and those of which no source states whether the rule set covers them.

    ## Why it matters
    A margin that is not observable is not compliant. A reader who learns that a venue has three
    breaches must also learn how many of its contracts could not be assessed.

    ## Formula
    Number of verdicts that are not observable. One finding per venue, rule set and margin type.

    ## Example
    The MM of 40 contracts is not published; the text on dated futures was not read.

    ## Citation
    Design rule of this tool: a margin that is not observable is never shown as compliant.
    """
    statutory = {
        rule.applied.rule_set.id for rule in context.rules if rule.applied.rule_set.statutory
    }
    unobserved: dict[tuple[str, str, str], list[DivergenceRow]] = {}
    for row in context.divergences:
        if row.verdict is Verdict.NOT_OBSERVABLE and row.rule_set in statutory:
            unobserved.setdefault((row.venue, row.rule_set, row.margin_type), []).append(row)
    for (venue, rule_set, margin_type), rows in sorted(unobserved.items()):
        yield Draft(
            Verdict.NOT_OBSERVABLE,
            Level.INFO,
            venue,
            f"{ABBREVIATIONS[margin_type]} of {counted(len(rows), 'schedule')} cannot be compared "
            f"with {rule_set}: {rows[0].symbol}: {rows[0].reason}",
            rule_set=rule_set,
            margin_type=margin_type,
        )


def published_rates_expired(context: AuditContext) -> Iterator[Draft]:
    """The published rates that a rule set contains do not apply on the date of the audit.

    ## What it checks
    Whether one of the published rate lists of the rule set applies on the date of the audit. The
    newest list may have expired, or the first list may not apply yet.

    ## Why it matters
    An authority that publishes rates weekly has published newer rates since. Until the list is
    updated, the rule set can assess schedules with its model only, or not at all.

    ## Formula
    date of the audit > last day of use of the newest list, which the list states or which is its
    last day + the grace period; or date of the audit < first day of the first list.

    ## Example
    Rates for 27 August to 16 September 2025 in an audit of 2026.

    ## Citation
    The citations of the rule set.
    """
    day = context.as_of.date()
    for rule in context.rules:
        requirement = rule.applied.rule_set.requirement
        if not isinstance(requirement, Model) or not requirement.published:
            continue
        newest = max(requirement.published, key=lambda rates: rates.until)
        name = rule.applied.rule_set.id
        problem = _expiry(requirement, day)
        if problem:
            yield Draft(
                Verdict.NOT_OBSERVABLE,
                Level.WARNING,
                "",
                f"{name}: {problem}",
                rule_set=name,
                verified=newest.verified.value,
            )


def _expiry(requirement: Model, day: date) -> str:
    """Returns why no published rates apply on a day; empty if rates apply, within their grace."""
    grace_days = requirement.grace_days
    newest = max(requirement.published, key=lambda rates: rates.last_use(grace_days))
    last_use = newest.last_use(grace_days)
    first = min(rates.since for rates in requirement.published)
    if first > day:
        return (
            f"the first published rates apply from {first}, after the date of the audit; "
            "add an older list"
        )
    if day > last_use:
        return (
            f"the newest published rates applied until {newest.until}, "
            f"{(day - newest.until).days} days before the audit, and lapsed on {last_use}; "
            f"update the list ({newest.via})"
        )
    return ""


def _breaches(context: AuditContext, margin_type: str) -> Iterator[Draft]:
    rules = {rule.applied.rule_set.id: rule for rule in context.rules}
    messages: dict[Hashable, str] = {}
    for row in context.divergences:
        if row.margin_type == margin_type and row.verdict is Verdict.BREACH:
            verification = rules[row.rule_set].verification(row.underlying, margin_type)
            verified = verification or "no source"
            # Rows with equal margins share their ranges, and so one text. Ranges are slow to hash.
            content = (*_content(row), verified, id(row.under))
            if content not in messages:
                messages[content] = _message(row, verified)
            yield _breach(row, verified, messages[content])


def _content(row: DivergenceRow) -> tuple[Hashable, ...]:
    return row.rule_set, row.observed, row.required, row.lowest_notional, row.remedy


def _message(row: DivergenceRow, verified: str) -> str:
    observed, required = row.observed or 0.0, row.required or 0.0
    remedy = f"; to comply, {row.remedy}" if row.remedy else ""
    return (
        f"observed {ABBREVIATIONS[row.margin_type]} {percent(observed)} at "
        f"{dollars(row.lowest_notional or 0.0)}, required at least {percent(required)} "
        f"({verified}) by {row.rule_set} if offered to the clients it protects; below the "
        f"requirement on {ranges_text(row.under)}{remedy}"
    )


def _breach(row: DivergenceRow, verified: str, message: str) -> Draft:
    return Draft(
        Verdict.BREACH,
        Level.ERROR if "retail" in row.profile else Level.WARNING,
        row.venue,
        message,
        symbol=row.symbol,
        profile=row.profile,
        underlying=row.underlying,
        rule_set=row.rule_set,
        intervals=row.under,
        notional=row.lowest_notional,
        observed=row.observed,
        required=row.required,
        deviation=row.lowest,
        margin_type=row.margin_type,
        observed_at=row.observed_at,
        observed_from=row.observed_from,
        date_kind=row.date_kind,
        verified=verified,
        remedy=row.remedy,
    )


CHECKS = (
    Check("MH401", "initial-below-cap", initial_below_cap),
    Check("MH402", "maintenance-below-cap", maintenance_below_cap),
    Check("MH403", "prohibited", prohibited),
    Check("MH404", "cap-not-observable", cap_not_observable),
    Check("MH405", "published-rates-expired", published_rates_expired),
)
