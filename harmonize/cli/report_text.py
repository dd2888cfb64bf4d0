"""The result of `harmonize report` as text: a summary of three lines, and the snapshots read."""

from collections.abc import Iterator
from datetime import datetime

from harmonize.api.audit import age_today
from harmonize.document import AuditDocument, Level, Verdict
from harmonize.text.messages import counted
from harmonize.text.words import first_words

_MAX_VENUES = 5
"""Maximum number of venues named in a line."""


def summary(document: AuditDocument) -> tuple[str, str, str]:
    """Returns three lines: what was read, findings per level, and what was not observed."""
    return (_read(document), _findings(document), _not_observed(document))


def _read(document: AuditDocument) -> str:
    dates = sorted(snapshot.observed_at[:10] for snapshot in document.snapshots)
    stale = sum(snapshot.stale for snapshot in document.snapshots)
    venues = {schedule.venue for schedule in document.schedules}
    parts = (
        f"{counted(len(document.schedules), 'schedule')} of {counted(len(venues), 'venue')}",
        f"observed {' to '.join(dict.fromkeys((dates[0], dates[-1])))}" if dates else "",
        f"{stale:,} of {counted(len(dates), 'snapshot')} stale as of {document.as_of[:10]}",
    )
    return f"read: {', '.join(part for part in parts if part)}; {document.archive}"


def _findings(document: AuditDocument) -> str:
    counts = {level: sum(row.level is level for row in document.findings) for level in Level}
    parts = [
        *(f"{number:,} {level.value}" for level, number in counts.items()),
        *([f"{len(document.waived):,} waived"] if document.waived else []),
    ]
    compared = counted(len(document.comparisons), "underlying")
    breaches = sum(row.verdict is Verdict.BREACH for row in document.findings)
    return (
        f"findings by level: {', '.join(parts)}; {breaches:,} of them breaches of statutory minimums, "
        f"if offered to the clients they protect; {compared} compared"
    )


def _not_observed(document: AuditDocument) -> str:
    venues = [row.venue for row in document.unobserved]
    initial = sum(row.initial_status == "unknown" for row in document.schedules)
    maintenance = sum(row.maintenance_status == "unknown" for row in document.schedules)
    parts = (
        f"{counted(len(venues), 'venue')} ({first_words(venues, _MAX_VENUES)})" if venues else "",
        f"IM of {counted(initial, 'schedule')}" if initial else "",
        f"MM of {counted(maintenance, 'schedule')}" if maintenance else "",
        counted(len(document.defects), "unreadable row") if document.defects else "",
    )
    return f"not observed: {', '.join(part for part in parts if part) or 'nothing is missing'}"


def snapshot_lines(document: AuditDocument, now: datetime) -> Iterator[str]:
    """Yields a line per snapshot: venue, date, staleness, age of the venue's newest today, source."""
    ages = age_today(document, now)
    for row in document.snapshots:
        staleness = "stale" if row.stale else "recent"
        age = counted(ages[row.venue].days, "day")
        yield (
            f"  {row.venue:<14} {row.observed_at[:10]}  {staleness} as of {document.as_of[:10]}, "
            f"newest is {age} old today ({row.source})"
        )
