"""MH4xx: does a schedule keep to what a statute asks, or does the statute prohibit it?"""

from collections import Counter
from collections.abc import Iterator

from harmonize.checks.base import AuditContext, Check, Draft, ranges_text
from harmonize.document import DivergenceRow, Level, Verdict
from harmonize.policy.rule_set import Model
from harmonize.text.messages import counted, dollars, percent


def initial_below_cap(examined: AuditContext) -> Iterator[Draft]:
    """Initial margin is below a statutory minimum: leverage is above the cap.

    ## What it checks
    IM(N) / N against the rule set's minimum rate at every notional, with its tolerance (one basis
    point of notional for statutory caps).

    ## Why it matters
    The cap binds whoever offers the contract to the clients it protects. The finding says what
    the published schedule would breach if it were offered to them; whether it is offered is a
    question of access, not of margin. It is an error where the venue itself names the schedule one
    for retail clients, else a warning.

    ## Formula
    IM(N) / N < minimum rate − tolerance.

    ## Example
    125x (0.8 %) against ESMA's 2:1 (50 %).

    ## Citation
    The rule set's own; each finding carries the mark of the source of its number.
    """
    return _breaching(examined, "initial")


def maintenance_below_cap(examined: AuditContext) -> Iterator[Draft]:
    """Maintenance margin is below a statutory close-out level.

    ## What it checks
    MM(N) / N against the rule set's close-out rate at every notional, where both mean the same.

    ## Why it matters
    A close-out that comes later than the law says leaves a retail client with less than the part
    of the margin that the law protects. Error and warning as for MH401.

    ## Formula
    MM(N) / N < close-out rate − tolerance.

    ## Example
    MM of 0.4 % against ESMA's close-out at half of 50 %.

    ## Citation
    The rule set's own; each finding carries the mark of the source of its number.
    """
    return _breaching(examined, "maintenance")


def prohibited(examined: AuditContext) -> Iterator[Draft]:
    """A rule set prohibits the contracts of a venue at any margin.

    ## What it checks
    Which of a venue's contracts lie in the scope of a prohibition.

    ## Why it matters
    A prohibition is not a margin of 100 %: no schedule complies with it. As with caps, it binds
    whoever offers the contract to the clients it protects.

    ## Formula
    The number of schedules in scope. One finding a venue and rule set.

    ## Example
    Crypto derivatives for retail clients in the United Kingdom.

    ## Citation
    The rule set's own.
    """
    held: Counter[tuple[str, str]] = Counter()
    retail: set[tuple[str, str]] = set()
    for row in examined.divergences:
        if row.verdict is Verdict.PROHIBITED:
            key = (row.venue, row.rule_set)
            held[key] += 1
            retail |= {key} if "retail" in row.profile else set()
    rules = {one.applied.rule_set.id: one.applied.rule_set for one in examined.rules}
    for (venue, rule_set), number in sorted(held.items()):
        mark = rules[rule_set].verified("scope")
        named = mark.value if mark else "no source"
        yield Draft(
            Verdict.PROHIBITED,
            Level.ERROR if (venue, rule_set) in retail else Level.WARNING,
            venue,
            f"{counted(number, 'schedule')} would be prohibited by {rule_set} ({named}), if offered "
            "to the clients it protects; no margin complies",
            rule_set=rule_set,
            verified=named,
        )


def cap_not_observable(examined: AuditContext) -> Iterator[Draft]:
    """Whether a venue keeps to a statutory minimum cannot be told.

    ## What it checks
    Which of a venue's schedules have a margin in scope that is unknown, or known up to a size only.

    ## Why it matters
    What is not observable is not compliant. Who reads that a venue has three breaches must also read
    of how many contracts nothing is known.

    ## Formula
    The number of verdicts that are not observable. One finding a venue, rule set and figure.

    ## Example
    MM of 40 contracts is not published.

    ## Citation
    Design rule of this tool: what cannot be observed is never shown as compliant.
    """
    statutory = {
        one.applied.rule_set.id for one in examined.rules if one.applied.rule_set.statutory
    }
    held: dict[tuple[str, str, str], list[DivergenceRow]] = {}
    for row in examined.divergences:
        if row.verdict is Verdict.NOT_OBSERVABLE and row.rule_set in statutory:
            held.setdefault((row.venue, row.rule_set, row.margin_type), []).append(row)
    for (venue, rule_set, figure), rows in sorted(held.items()):
        word = "IM" if figure == "initial" else "MM"
        yield Draft(
            Verdict.NOT_OBSERVABLE,
            Level.INFO,
            venue,
            f"{word} of {counted(len(rows), 'schedule')} cannot be held against {rule_set}: "
            f"{rows[0].symbol}: {rows[0].reason}",
            rule_set=rule_set,
            figure=figure,
        )


def published_lapsed(examined: AuditContext) -> Iterator[Draft]:
    """The rates that a rule set carries were published for a time that is over.

    ## What it checks
    Whether any published list of the rule set holds on the date of the audit, or none has begun.

    ## Why it matters
    An authority that publishes weekly has published since. Until the list is brought up to date, the
    rule set can judge with its model alone, or not at all.

    ## Formula
    date of the audit > the last day of the newest list + grace.

    ## Example
    Ratios for 27 August to 16 September 2025 in an audit of 2026.

    ## Citation
    The rule set's own.
    """
    day = examined.as_of.date()
    for rule in examined.rules:
        requirement = rule.applied.rule_set.requirement
        if not isinstance(requirement, Model) or not requirement.published:
            continue
        newest = max(requirement.published, key=lambda one: one.until)
        late = (day - newest.until).days
        begun = any(one.since <= day for one in requirement.published)
        if not begun:
            first = min(one.since for one in requirement.published)
            name = rule.applied.rule_set.id
            yield Draft(
                Verdict.NOT_OBSERVABLE,
                Level.WARNING,
                "",
                f"{name}: the first published rates hold from {first}, after the audit; add an older list",
                rule_set=name,
                verified=newest.verified.value,
            )
        elif late > requirement.grace_days:
            name = rule.applied.rule_set.id
            yield Draft(
                Verdict.NOT_OBSERVABLE,
                Level.WARNING,
                "",
                f"{name}: the newest published rates hold until {newest.until}, {late} days before "
                f"the audit; bring the list up to date ({newest.via})",
                rule_set=name,
                verified=newest.verified.value,
            )


def _breaching(examined: AuditContext, figure: str) -> Iterator[Draft]:
    marks = {
        one.applied.rule_set.id: one.applied.rule_set.verified(figure) for one in examined.rules
    }
    for row in examined.divergences:
        if row.margin_type == figure and row.verdict is Verdict.BREACH:
            mark = marks[row.rule_set]
            yield _draft(row, mark.value if mark else "no source")


def _draft(row: DivergenceRow, mark: str) -> Draft:
    observed, required, at = row.observed or 0.0, row.required or 0.0, row.lowest_notional or 0.0
    word = "IM" if row.margin_type == "initial" else "MM"
    mend = f"; to comply, {row.remedy}" if row.remedy else ""
    return Draft(
        Verdict.BREACH,
        Level.ERROR if "retail" in row.profile else Level.WARNING,
        row.venue,
        f"{word} {percent(observed)} at {dollars(at)} is below the {percent(required)} ({mark}) of "
        f"{row.rule_set}, if offered to the clients it protects; below it on {ranges_text(row.under)}{mend}",
        symbol=row.symbol,
        profile=row.profile,
        underlying=row.underlying,
        rule_set=row.rule_set,
        intervals=row.under,
        notional=row.lowest_notional,
        observed=row.observed,
        required=row.required,
        divergence=row.lowest,
        figure=row.margin_type,
        observed_at=row.observed_at,
        verified=mark,
        remedy=row.remedy,
    )


CHECKS = (
    Check("MH401", "initial-below-cap", initial_below_cap),
    Check("MH402", "maintenance-below-cap", maintenance_below_cap),
    Check("MH403", "prohibited", prohibited),
    Check("MH404", "cap-not-observable", cap_not_observable),
    Check("MH405", "published-lapsed", published_lapsed),
)
