"""MH81x: can the rule sets themselves be relied on?"""

from collections.abc import Iterator

from harmonize.checks.base import AuditContext, Check, Draft
from harmonize.document import Level, Verdict
from harmonize.policy.rule_set import Disclosure, Prohibition, Verified
from harmonize.text.messages import counted


def source_unverified(examined: AuditContext) -> Iterator[Draft]:
    """A number of a statutory rule set was not read in a primary source.

    ## What it checks
    The mark of the best source of each number that a statutory rule set asks.

    ## Why it matters
    A breach is a grave word. Who reports one should know that the number comes from the press, from
    memory, or from sources that conflict.

    ## Formula
    No citation that supports the number is marked primary.

    ## Example
    Dubai's 20 %, from law firms and the press.

    ## Citation
    The rule set's own.
    """
    for rule in examined.rules:
        rule_set = rule.applied.rule_set
        if not rule_set.statutory or isinstance(rule_set.requirement, Disclosure):
            continue
        figures = (
            ["scope"]
            if isinstance(rule_set.requirement, Prohibition)
            else [one for one in ("initial", "maintenance") if rule.asks(one)]
        )
        for figure in figures:
            mark = rule_set.verified(figure)
            if mark is not Verified.PRIMARY:
                said = mark.value if mark else "no source"
                yield Draft(
                    Verdict.NOT_APPLICABLE,
                    Level.INFO,
                    "",
                    f"{rule_set.id}: the source of {figure} is {said}",
                    rule_set=rule_set.id,
                    figure=figure,
                    verified=said,
                )


def not_in_force(examined: AuditContext) -> Iterator[Draft]:
    """A rule set is not in force on the date of the audit.

    ## What it checks
    The days on which a rule set holds, against the date of the audit.

    ## Why it matters
    It judges the schedules that were observed while it held, and says nothing of any other.

    ## Formula
    date of the audit < since, or > until.

    ## Example
    A measure that enters into force next year.

    ## Citation
    The rule set's own.
    """
    day = examined.as_of.date()
    for rule in examined.rules:
        scope, name = rule.applied.rule_set.scope, rule.applied.rule_set.id
        early = scope.since is not None and day < scope.since
        late = scope.until is not None and day > scope.until
        if early or late:
            said = f"from {scope.since}" if early else f"until {scope.until}"
            yield Draft(
                Verdict.NOT_APPLICABLE,
                Level.INFO,
                "",
                f"{name}: in force {said}, the audit is as of {day}",
                rule_set=name,
            )


def jurisdiction_unknown(examined: AuditContext) -> Iterator[Draft]:
    """Where venues are established is not known, and a rule set asks for it.

    ## What it checks
    Verdicts that are not observable because nobody said where the venue is established.

    ## Why it matters
    Which law a venue stands under is not in what it serves. Nothing is assumed.

    ## Formula
    The number of venues without an entry under `jurisdictions` in the configuration. One finding a
    rule set.

    ## Example
    A rule set for venues in Japan, and no word on any venue.

    ## Citation
    Design rule of this tool: what cannot be observed is never shown as compliant.
    """
    for rule in examined.rules:
        name = rule.applied.rule_set.id
        if not rule.applied.rule_set.scope.jurisdictions:
            continue
        venues = sorted(
            {
                row.venue
                for row in examined.divergences
                if row.rule_set == name and row.reason.startswith("where ")
            }
        )
        if venues:
            yield Draft(
                Verdict.NOT_OBSERVABLE,
                Level.INFO,
                "",
                f"{name}: {counted(len(venues), 'venue')} without a known place: "
                f"{', '.join(venues[:5])}; name them under jurisdictions in the configuration",
                rule_set=name,
            )


CHECKS = (
    Check("MH811", "source-unverified", source_unverified),
    Check("MH812", "rule-set-not-in-force", not_in_force),
    Check("MH813", "jurisdiction-unknown", jurisdiction_unknown),
)
