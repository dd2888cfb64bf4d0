"""MH80x: what became of the waivers in the configuration?"""

from collections.abc import Iterator
from datetime import date

from harmonize.checks.base import AuditContext, Check, Draft, Option
from harmonize.document import Level, Verdict, WaiverRow


def expired(examined: AuditContext) -> Iterator[Draft]:
    """A waiver has expired: what it covered counts again.

    ## What it checks
    The last day of every waiver, against the date of the audit.

    ## Why it matters
    A waiver is a decision for a time. Somebody must take it again, or mend what it covered.

    ## Formula
    date of the audit > expires.

    ## Example
    A waiver until 30 June in an audit of July.

    ## Citation
    docs/configuration.md.
    """
    for row in _of(examined, "expired"):
        said = f"expired on {row.expires}; renew it or remove it"
        yield _draft(row, Level.WARNING, said)


def unused(examined: AuditContext) -> Iterator[Draft]:
    """A waiver waives nothing.

    ## What it checks
    Whether any finding was waived by it.

    ## Why it matters
    What it covered was mended, or its scope is misspelt. In either case it should go: left in place
    it would silently waive the next finding there.

    ## Formula
    No finding is in its scope.

    ## Example
    A waiver for a contract that was delisted.

    ## Citation
    docs/configuration.md.
    """
    for row in _of(examined, "unused"):
        yield _draft(row, Level.INFO, "waives nothing; remove it, or mend its scope")


def lapsed(examined: AuditContext) -> Iterator[Draft]:
    """A waived value has worsened by more than its waiver allows.

    ## What it checks
    The value of every finding in a waiver's scope, against the value that was waived and how much
    worse it may become.

    ## Why it matters
    Somebody accepted 0.8 %, not 0.4 %. What worsened counts again.

    ## Formula
    worse by more than `may_worsen` of `value`: a margin rate that fell, a divergence that rose.

    ## Example
    IM of 1 % was waived and may worsen by a tenth; it is 0.8 % now.

    ## Citation
    docs/configuration.md.
    """
    for row in _of(examined, "lapsed"):
        was = "" if row.value is None else f" from {row.value:g}"
        said = f"lapsed: a value worsened{was} by more than {row.allowed_worsening:.4g} of it; decide anew"
        yield _draft(row, Level.WARNING, said)


def expires_soon(examined: AuditContext) -> Iterator[Draft]:
    """A waiver expires soon.

    ## What it checks
    The days that are left of every waiver that is in use.

    ## Why it matters
    The decision can be prepared before a nightly run fails.

    ## Formula
    expires − date of the audit < `days`.

    ## Example
    A waiver until Friday.

    ## Citation
    docs/configuration.md.
    """
    days = examined.options["days"]
    for row in _of(examined, "active"):
        left = (date.fromisoformat(row.expires) - examined.as_of.date()).days
        if left < days:
            yield _draft(row, Level.INFO, f"expires on {row.expires}, in {left} days")


def _of(examined: AuditContext, status: str) -> Iterator[WaiverRow]:
    return (row for row in examined.waivers if row.status == status)


def _draft(row: WaiverRow, level: Level, said: str) -> Draft:
    codes = ", ".join(row.codes)
    return Draft(
        Verdict.NOT_APPLICABLE,
        level,
        "",
        f"{row.where}: the waiver of {codes} for {row.scope} ({row.owner}) {said}",
        subject=f"{codes}\n{row.scope}\n{row.owner}\n{row.expires}",
    )


CHECKS = (
    Check("MH801", "waiver-expired", expired),
    Check("MH802", "waiver-unused", unused),
    Check("MH803", "waiver-lapsed", lapsed),
    Check(
        "MH804",
        "waiver-expires-soon",
        expires_soon,
        (Option("days", 14.0, "days", "how many days before"),),
    ),
)
