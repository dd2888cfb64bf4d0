"""The result of `harmonize report` as text: a summary of three lines, and the snapshots read."""

from collections.abc import Iterator

from harmonize.document import AuditDocument, Level, SnapshotRow, Verdict
from harmonize.text.messages import counted, observation_day, observation_span
from harmonize.text.words import first_words

_MAX_VENUES = 5
"""Maximum number of venues named in a line."""


def summary(document: AuditDocument) -> tuple[str, str, str]:
    """Returns three lines: what was read, findings per level, and what was not observed."""
    return (_read(document), _findings(document), _not_observed(document))


def _read(document: AuditDocument) -> str:
    dates = [snapshot.observed_at for snapshot in document.snapshots]
    inexact = sum(snapshot.date_kind != "exact" for snapshot in document.snapshots)
    oldest = min((snapshot.observed_from for snapshot in document.snapshots), default="")
    stale = sum(snapshot.stale for snapshot in document.snapshots)
    venues = {schedule.venue for schedule in document.schedules}
    parts = (
        f"{counted(len(document.schedules), 'schedule')} of {counted(len(venues), 'venue')}",
        f"observed {observation_span(oldest, max(dates))}" if dates else "",
        f"{inexact:,} of {counted(len(dates), 'snapshot')} without an exact date"
        if inexact
        else "",
        f"{stale:,} stale",
    )
    return f"as of {document.as_of[:10]}: read {', '.join(part for part in parts if part)}; {document.archive}"


def _findings(document: AuditDocument) -> str:
    counts = {level: sum(row.level is level for row in document.findings) for level in Level}
    parts = [
        *(f"{number:,} {level.value}" for level, number in counts.items()),
        *([f"{len(document.waived):,} waived"] if document.waived else []),
    ]
    compared = counted(sum(row.is_compared for row in document.comparisons), "underlying")
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


def snapshot_lines(document: AuditDocument) -> Iterator[str]:
    """Yields a line per snapshot: venue, date, age, staleness, source."""
    for row in document.snapshots:
        staleness = "stale" if row.stale else "recent"
        day = observation_day(row.observed_at, row.observed_from, row.date_kind)
        yield f"  {row.venue:<14} {day}, {_age(row)} old, {staleness} ({row.source})"


def _age(row: SnapshotRow) -> str:
    is_bound = row.date_kind != "exact"
    bound = ("up to " if row.observed_from else "at least ") if is_bound else ""
    return f"{bound}{counted(int(row.age_days), 'day')}"
