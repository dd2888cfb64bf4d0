"""MH9xx: could what the venue sent be read, and is it recent?"""

from collections.abc import Iterator

from harmonize.checks.base import AuditContext, Check, Draft
from harmonize.core.payload import Origin
from harmonize.document import Level, Verdict
from harmonize.text.messages import moment


def unreadable(examined: AuditContext) -> Iterator[Draft]:
    """Something a venue sent could not be read.

    ## What it checks
    Every payload and every row of it is what the endpoint promises: numbers are numbers in a
    sane range, words are words that the adapter knows.

    ## Why it matters
    An instrument whose row is broken is not observable; it never becomes compliant, and the
    audit is incomplete (exit code 3).

    ## Formula
    One finding an instrument, or a place where no instrument can be told.

    ## Example
    A maintenance rate of "NaN", or an answer cut off in the middle.

    ## Citation
    Design rule of this tool: nothing defaults silently.
    """
    found: dict[tuple[str, str, str], list[str]] = {}
    for defect in examined.defects:
        place = "" if defect.symbol else defect.where
        said = f"{defect.where}: {defect.reason}"
        found.setdefault((defect.venue, defect.symbol, place), []).append(said)
    for (venue, symbol, place), reasons in found.items():
        message = "; ".join(dict.fromkeys(reasons))
        yield Draft(
            Verdict.NOT_OBSERVABLE, Level.ERROR, venue, message, symbol=symbol, subject=place
        )


def stale(examined: AuditContext) -> Iterator[Draft]:
    """A venue's newest observation is old.

    ## What it checks
    The age of the newest snapshot, counted back from the date of the audit, against the limit of
    the audit (30 days unless set).

    ## Why it matters
    Venues change margins every week. An old schedule may have nothing to do with what the venue
    asks today; it is compared, and marked.

    ## Formula
    date of the audit − date of the newest snapshot > the audit's limit.

    ## Example
    A snapshot of 2024-12-25 in an audit as of 2026-09-25: 639 days.

    ## Citation
    Venues' own change logs: margins change every week.
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


def not_observed(examined: AuditContext) -> Iterator[Draft]:
    """A venue's margins were not brought by the newest try.

    ## What it checks
    Every venue that the tool reads was gathered, or recorded. A try that failed is an error; a
    venue that was never tried (it needs a key, or nobody gathered it) is a note.

    ## Why it matters
    A venue that did not answer is not compliant; what the audit shows of it, if anything, is its
    last good snapshot. An audit after a failed try is incomplete (exit code 3).

    ## Formula
    The newest try failed, or there was none.

    ## Example
    A venue answers with HTTP status 403 from the place that gathers; its last good snapshot is
    12 days old.

    ## Citation
    Design rule of this tool: a failed venue is shown as such.
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


def incomplete(examined: AuditContext) -> Iterator[Draft]:
    """A venue's newest snapshot does not hold every instrument.

    ## What it checks
    Whether the snapshot was gathered, or recorded, whole.

    ## Why it matters
    Of the instruments that it leaves out nothing is known. That a contract is not in it does not
    mean that the venue does not list it.

    ## Formula
    The newest snapshot of the venue is marked as a part.

    ## Example
    A recording of two contracts of two hundred.

    ## Citation
    Design rule of this tool: truth before coverage.
    """
    newest = {one.venue: one.observed_at for one in examined.seen}
    for one in examined.snapshots:
        if not one.complete and one.observed_at == newest.get(one.venue):
            yield Draft(
                Verdict.NOT_OBSERVABLE,
                Level.INFO,
                one.venue,
                "the newest snapshot holds some instruments only",
                observed_at=moment(one.observed_at),
            )


def never_live(examined: AuditContext) -> Iterator[Draft]:
    """What is known of a venue was never gathered by this tool.

    ## What it checks
    The origin of every payload of the venue's snapshots.

    ## Why it matters
    A recording by somebody else may have been trimmed or rounded, and its date may be that of a
    file. What this tool gathers is kept byte for byte.

    ## Formula
    No payload of the venue is of origin live.

    ## Example
    A response that a public repository keeps as a test fixture.

    ## Citation
    The provenance of each payload says where it comes from.
    """
    live = {
        one.venue
        for one in examined.snapshots
        if any(payload.provenance.origin is Origin.LIVE for payload in one.payloads)
    }
    for seen in examined.seen:
        if seen.venue not in live:
            yield Draft(
                Verdict.NOT_APPLICABLE,
                Level.INFO,
                seen.venue,
                "recorded by others or from documentation, never gathered live",
                observed_at=moment(seen.observed_at),
            )


def nothing_read(examined: AuditContext) -> Iterator[Draft]:
    """A venue was observed, and no schedule was read from it.

    ## What it checks
    Whether the venue's snapshots gave any schedule.

    ## Why it matters
    The venue answered. Either it publishes no margins there, or it has changed what it sends, and
    the adapter is to be mended.

    ## Formula
    There is a snapshot and no schedule.

    ## Example
    A listing without any margin field.

    ## Citation
    Design rule of this tool: a venue that is not observed is shown as such.
    """
    read = {one.instrument.venue for one in examined.schedules}
    for seen in examined.seen:
        if seen.venue not in read:
            yield Draft(
                Verdict.NOT_OBSERVABLE,
                Level.WARNING,
                seen.venue,
                "was observed, and no schedule was read from it",
                observed_at=moment(seen.observed_at),
            )


CHECKS = (
    Check("MH901", "unreadable", unreadable),
    Check("MH902", "stale", stale),
    Check("MH903", "venue-not-observed", not_observed),
    Check("MH904", "snapshot-incomplete", incomplete),
    Check("MH905", "never-live", never_live),
    Check("MH906", "nothing-read", nothing_read),
)
