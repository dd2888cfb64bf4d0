"""MH80x: status of the waivers in the configuration."""

from collections.abc import Iterator
from datetime import date

from harmonize.checks.base import AuditContext, Check, Draft, Option
from harmonize.document import Level, Verdict, WaiverRow


def waiver_expired(context: AuditContext) -> Iterator[Draft]:
    """A waiver has expired, and the findings that it covered count again.

    ## What it checks
    The last day of every waiver, against the date of the audit.

    ## Why it matters
    A waiver is a decision for a limited time. Its owner must renew it, or correct the cause of the
    findings.

    ## Formula
    date of the audit > `expires`.

    ## Example
    A waiver until 30 June in an audit of July.

    ## Citation
    docs/configuration.md.
    """
    for row in _with_status(context, "expired"):
        yield _draft(row, Level.WARNING, f"expired on {row.expires}; renew it or remove it")


def waiver_unused(context: AuditContext) -> Iterator[Draft]:
    """A waiver does not match any finding.

    ## What it checks
    Whether the waiver waived at least one finding.

    ## Why it matters
    Either the findings were resolved, or the scope of the waiver is misspelt. In both cases the
    waiver should be removed or corrected: otherwise it would silently waive the next finding in
    its scope.

    ## Formula
    No finding is in the scope of the waiver.

    ## Example
    A waiver for a contract that was delisted.

    ## Citation
    docs/configuration.md.
    """
    for row in _with_status(context, "unused"):
        yield _draft(row, Level.INFO, "waives no finding; remove it, or correct its scope")


def waiver_lapsed(context: AuditContext) -> Iterator[Draft]:
    """A waived value has worsened by more than its waiver allows.

    ## What it checks
    The value of every finding in the scope of a waiver, against the waived value and the allowed
    worsening.

    ## Why it matters
    The owner of the waiver accepted 0.8 %, not 0.4 %. A finding that worsened counts again.

    ## Formula
    worse than `value` by more than the share `may_worsen`: a margin rate that decreased, or a
    deviation that moved away from the requirement.

    ## Example
    An IM of 1 % was waived and may worsen by a tenth; it is now 0.8 %.

    ## Citation
    docs/configuration.md.
    """
    for row in _with_status(context, "lapsed"):
        value = "" if row.value is None else f" from {row.value:g}"
        problem = (
            f"lapsed: a value worsened{value} by more than the allowed share of "
            f"{row.allowed_worsening:.4g}; renew it or remove it"
        )
        yield _draft(row, Level.WARNING, problem)


def waiver_expires_soon(context: AuditContext) -> Iterator[Draft]:
    """A waiver expires soon.

    ## What it checks
    The number of days until the last day of every active waiver.

    ## Why it matters
    The next decision can be prepared before a nightly run fails.

    ## Formula
    `expires` − date of the audit < `days`.

    ## Example
    A waiver until Friday.

    ## Citation
    docs/configuration.md.
    """
    limit = context.options["days"]
    for row in _with_status(context, "active"):
        days_left = (date.fromisoformat(row.expires) - context.as_of.date()).days
        if days_left < limit:
            yield _draft(row, Level.INFO, f"expires on {row.expires}, in {days_left} days")


def _with_status(context: AuditContext, status: str) -> Iterator[WaiverRow]:
    return (row for row in context.waivers if row.status == status)


def _draft(row: WaiverRow, level: Level, problem: str) -> Draft:
    codes = ", ".join(row.codes)
    return Draft(
        Verdict.NOT_APPLICABLE,
        level,
        "",
        f"{row.where}: the waiver of {codes} for {row.scope} ({row.owner}) {problem}",
        subject=f"{codes}\n{row.scope}\n{row.owner}\n{row.expires}",
    )


CHECKS = (
    Check("MH801", "waiver-expired", waiver_expired),
    Check("MH802", "waiver-unused", waiver_unused),
    Check("MH803", "waiver-lapsed", waiver_lapsed),
    Check(
        "MH804",
        "waiver-expires-soon",
        waiver_expires_soon,
        (Option("days", 14.0, "days", "length of the notice period before the last day"),),
    ),
)
