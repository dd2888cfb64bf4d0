"""MH9xx: could what the venue sent be read, and is it recent?"""

from collections.abc import Iterator

from harmonize.checks.examined import Draft, Examined, moment
from harmonize.document import Level, Verdict


def unreadable(examined: Examined) -> Iterator[Draft]:
    """Something a venue sent could not be read.

    ## What it checks
    Every payload and every row of it is what the endpoint promises: numbers are numbers in a
    sane range, words are words that the adapter knows.

    ## Why it matters
    An instrument whose row is broken is not observable; it never becomes compliant, and the
    audit is incomplete (exit code 3).

    ## Example
    A maintenance rate of "NaN", or an answer cut off in the middle.
    """
    for number, defect in enumerate(examined.defects):
        yield Draft(
            Verdict.NOT_OBSERVABLE,
            Level.ERROR,
            defect.venue,
            f"{defect.where}: {defect.reason}",
            symbol=defect.symbol,
            figure="" if defect.symbol else f"{defect.where} {number}",
        )


def stale(examined: Examined) -> Iterator[Draft]:
    """A venue's newest observation is old.

    ## What it checks
    The age of the newest snapshot, counted back from the date of the audit, against the limit of
    the audit (30 days unless set).

    ## Why it matters
    Venues change margins every week. An old schedule may have nothing to do with what the venue
    asks today; it is compared, and marked.

    ## Example
    A snapshot of 2024-12-25 in an audit as of 2026-09-25: 639 days.
    """
    for seen in examined.seen:
        if seen.stale:
            yield Draft(
                Verdict.NOT_APPLICABLE,
                Level.WARNING,
                seen.venue,
                f"last observed {seen.age_days:.0f} days before the audit "
                f"(limit {examined.stale_after_days:g})",
                observed_at=moment(seen.observed_at),
            )


def not_observed(examined: Examined) -> Iterator[Draft]:
    """A venue's margins were not brought by the newest try.

    ## What it checks
    Every venue that the tool reads was gathered, or recorded. A try that failed is an error; a
    venue that was never tried (it needs a key, or nobody gathered it) is a note.

    ## Why it matters
    A venue that did not answer is not compliant; what the audit shows of it, if anything, is its
    last good snapshot. An audit after a failed try is incomplete (exit code 3).

    ## Example
    A venue answers with HTTP status 403 from the place that gathers; its last good snapshot is
    12 days old.
    """
    last = {one.venue: one for one in examined.seen}
    for one in examined.unobserved:
        held = "nothing of it was ever observed"
        if one.venue in last:
            held = f"last observed {last[one.venue].age_days:.0f} days before the audit"
        tried = f"{one.attempted_at:%Y-%m-%d %H:%M} UTC: " if one.attempted_at else ""
        yield Draft(
            Verdict.NOT_OBSERVABLE,
            Level.ERROR if one.attempted_at else Level.INFO,
            one.venue,
            f"{tried}{one.reason}; {held}",
        )
