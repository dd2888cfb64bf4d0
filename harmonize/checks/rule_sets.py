"""MH81x: reliability and applicability of the rule sets."""

from collections.abc import Iterator

from harmonize.checks.base import AuditContext, Check, Draft, first_names
from harmonize.comparison.applicability import JURISDICTION_UNKNOWN
from harmonize.document import Level, Verdict
from harmonize.policy.rule_set import Disclosure, Prohibition, Verified
from harmonize.text.messages import counted


def source_not_primary(context: AuditContext) -> Iterator[Draft]:
    """A number of a statutory rule set was not verified in a primary source.

    ## What it checks
    The verification status of the best source of each number that a statutory rule set requires.

    ## Why it matters
    A reported breach is a serious statement. The reader must know whether the number comes from the
    press, from memory or from conflicting sources.

    ## Formula
    No citation that supports the number is marked `primary`.

    ## Example
    The 20 % of Dubai, from law firms and the press.

    ## Citation
    The citations of the rule set.
    """
    for rule in context.rules:
        rule_set = rule.applied.rule_set
        if not rule_set.statutory or isinstance(rule_set.requirement, Disclosure):
            continue
        fields = (
            ["scope"]
            if isinstance(rule_set.requirement, Prohibition)
            else [name for name in ("initial", "maintenance") if rule.sets_margin(name)]
        )
        for field in fields:
            verification = rule_set.verified(field)
            if verification is not Verified.PRIMARY:
                verified = verification.value if verification else "no source"
                subject = field if field == "scope" else f"{field} margin"
                yield Draft(
                    Verdict.NOT_APPLICABLE,
                    Level.INFO,
                    "",
                    f"{rule_set.id}: source of {subject}: observed {verified}, required primary",
                    rule_set=rule_set.id,
                    margin_type=field,
                    verified=verified,
                )


def rule_set_not_in_force(context: AuditContext) -> Iterator[Draft]:
    """A rule set is not in force on the date of the audit.

    ## What it checks
    The period in which a rule set is in force, against the date of the audit.

    ## Why it matters
    The rule set applies only to schedules that were observed while it was in force.

    ## Formula
    date of the audit < first day in force, or date of the audit > last day in force.

    ## Example
    A measure that enters into force next year.

    ## Citation
    The citations of the rule set.
    """
    day = context.as_of.date()
    for rule in context.rules:
        scope, name = rule.applied.rule_set.scope, rule.applied.rule_set.id
        is_early = scope.since is not None and day < scope.since
        is_late = scope.until is not None and day > scope.until
        if is_early or is_late:
            period = f"from {scope.since}" if is_early else f"until {scope.until}"
            yield Draft(
                Verdict.NOT_APPLICABLE,
                Level.INFO,
                "",
                f"{name}: in force {period}, the audit is as of {day}",
                rule_set=name,
            )


def jurisdiction_unknown(context: AuditContext) -> Iterator[Draft]:
    """A rule set depends on the jurisdiction of venues, which is unknown.

    ## What it checks
    Verdicts that are not observable because the configuration does not state where the venue is
    established.

    ## Why it matters
    The data of a venue do not state which law applies to the venue. No jurisdiction is assumed.

    ## Formula
    Number of venues without an entry under `jurisdictions` in the configuration. One finding per
    rule set.

    ## Example
    A rule set for venues in Japan, and no jurisdiction configured for any venue.

    ## Citation
    Design rule of this tool: a margin that is not observable is never shown as compliant.
    """
    for rule in context.rules:
        name = rule.applied.rule_set.id
        if not rule.applied.rule_set.scope.jurisdictions:
            continue
        venues = sorted(
            {
                row.venue
                for row in context.divergences
                if row.rule_set == name and row.reason.startswith(JURISDICTION_UNKNOWN)
            }
        )
        if venues:
            yield Draft(
                Verdict.NOT_OBSERVABLE,
                Level.INFO,
                "",
                f"{name}: jurisdiction unknown for {counted(len(venues), 'venue')}: "
                f"{first_names(venues, 5)}; add them under jurisdictions in the configuration",
                rule_set=name,
            )


CHECKS = (
    Check("MH811", "source-not-primary", source_not_primary),
    Check("MH812", "rule-set-not-in-force", rule_set_not_in_force),
    Check("MH813", "jurisdiction-unknown", jurisdiction_unknown),
)
