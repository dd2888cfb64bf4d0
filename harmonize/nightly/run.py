"""Runs one nightly cycle. Idempotent: a repeated run completes what is missing."""

import gzip
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import Executor
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, replace
from datetime import UTC, datetime, time, timedelta
from datetime import date as Date  # noqa: N812 - `date` names arguments here

from harmonize.api.audit import Answer, Question, RequestError, answer, open_archive
from harmonize.api.index_over_time import keep_index
from harmonize.archive.archive import Archive, ArchiveError
from harmonize.archive.catalog import Entry, with_observation_times
from harmonize.audit import baseline
from harmonize.audit.baseline import Baseline
from harmonize.config.run_settings import RunSettings
from harmonize.core.instrument import AssetNames
from harmonize.document import AuditDocument, Finding, Level, Verdict, to_json
from harmonize.document.change import Change
from harmonize.document.night import EndedSignal, Night, VenueNight
from harmonize.history import derived
from harmonize.nightly import outbox, price_findings, retention
from harmonize.nightly.earlier_runs import NIGHTS_SHOWN, EarlierRuns, earlier_runs, read_nights
from harmonize.nightly.outbox import Sender
from harmonize.nightly.site import Site, SiteError
from harmonize.nightly.venue_nights import PARTIAL, NightEntries, venue_nights
from harmonize.text.messages import iso_utc
from harmonize.version import VERSION
from venues import registry
from venues.adapter import VenueAdapter

OK, FINDINGS, INCOMPLETE, UNDELIVERED = 0, 1, 3, 5
"""Exit codes: nothing new, new or worse findings, incomplete observation, undelivered notification."""

RERUN_WINDOW = timedelta(hours=12)
"""A venue with a younger snapshot is not gathered again: the run repeats its night."""


@dataclass(frozen=True, slots=True)
class Task:
    """Input of a run. Findings that reach ``fail_on`` exit with 1; with None, none do."""

    question: Question
    site: Site
    settings: RunSettings
    fail_on: Level | Verdict | None = Level.ERROR

    @property
    def adapters(self) -> tuple[VenueAdapter, ...]:
        """The adapters of the selected venues; all, if the question names none."""
        names = self.question.venues
        return tuple(adapter for adapter in registry.VENUES if not names or adapter.venue in names)


@dataclass(frozen=True, slots=True)
class SiteRenderers:
    """Renderers of the site's files.

    - ``report`` renders an audit document as one page, and ``folder`` as the pages of the site: their
      paths and contents, ``index.html`` among them.
    - ``changes`` and ``feed`` render nights, newest first.
    - ``month`` renders the nights of one month, with the names of the months before and after it.
    - ``latest`` renders the newest night.
    """

    report: Callable[[AuditDocument], bytes]
    folder: Callable[[AuditDocument], Iterable[tuple[str, bytes]]]
    changes: Callable[[Sequence[Night], Sequence[str]], bytes]
    month: Callable[[str, Sequence[Night], tuple[str, str]], bytes]
    feed: Callable[[Sequence[Night]], bytes]
    latest: Callable[[Night], bytes]


@dataclass(frozen=True, slots=True)
class RunServices:
    """External dependencies of a run: clock, gathering, rendering, delivery.

    ``gather`` gathers and archives venues, and returns whether any venue could be reached.
    ``send`` returns the failures: the channel's index in its argument, and a reason in one line.
    ``workers`` opens what shares long calculations; None: this process alone.
    """

    now: Callable[[], datetime]
    gather: Callable[[tuple[str, ...]], bool]
    pages: SiteRenderers
    send: Sender
    workers: Callable[[], AbstractContextManager[Executor | None]] = nullcontext


@dataclass(frozen=True, slots=True)
class RunResult:
    """The record of a night; ``undelivered`` has a line per channel without its notice.

    ``notes`` are lines on what was not kept for later questions; they do not concern the night.
    """

    night: Night
    undelivered: tuple[str, ...]
    notes: tuple[str, ...] = ()

    @property
    def exit_code(self) -> int:
        """The night's exit code; 5 if a notice could not be delivered, as nobody knows of the rest."""
        return UNDELIVERED if self.undelivered else self.night.exit_code


class RunAbortedError(Exception):
    """An error that aborted the night, in one line.

    ``undelivered`` has a line per channel without the notice of it.
    """

    def __init__(self, line: str, undelivered: tuple[str, ...]) -> None:
        """Keeps the line and the failed deliveries."""
        super().__init__(line)
        self.undelivered = undelivered

    @property
    def exit_code(self) -> int:
        """3, as the night was not observed; 5 if the notice of it could not be delivered."""
        return UNDELIVERED if self.undelivered else INCOMPLETE


@dataclass(frozen=True, slots=True)
class RunContext:
    """What a run knows of its night once the venues are gathered.

    ``entries`` are the snapshots of the night and ``sequence`` the archive's last sequence. ``as_of`` is
    the time of the newest entry. ``reached`` says whether any venue could be reached, ``requested``
    names the venues that this run gathered.
    """

    night_name: str
    entries: tuple[Entry, ...]
    sequence: int
    as_of: datetime
    reached: bool
    requested: frozenset[str]


def run(task: Task, services: RunServices) -> RunResult:
    """Runs one nightly cycle; a repeated run completes what an earlier run of the night did not.

    Raises RunAbortedError after the notice of the error, and RuleError.
    """
    now = services.now().astimezone(UTC)
    try:
        return _run(task, services, now)
    except (ArchiveError, RequestError, SiteError) as error:
        line = str(error)
        night = Night(
            f"{_night_end(now)}", iso_utc(now), VERSION, (), (), (), (line,), {}, INCOMPLETE
        )
        undelivered = outbox.notify_aborted(night, task.settings, task.site, services.send)
        raise RunAbortedError(line, undelivered) from error


def _run(task: Task, services: RunServices, now: datetime) -> RunResult:
    day = _night_end(now)
    archive = open_archive(task.question)
    name = task.site.night_name(f"{day}")
    earlier = earlier_runs(task.site, name, {adapter.venue for adapter in task.adapters})
    venues, last = _venues_to_gather(task, archive, now, earlier), _last_sequence(archive)
    reached = services.gather(venues) if venues else True
    entries, sequence, as_of = _entries_of_night(archive, day, last)
    context = RunContext(name, entries, sequence, as_of, reached, frozenset(venues))
    with services.workers() as executor:
        question = replace(task.question, as_of=as_of).for_report()
        audit = answer(question, executor, isolates_errors=True)
    night = _build_night(task, audit, archive, context, earlier)
    notices = [
        outbox.pending_of_earlier(previous, task.settings, task.site)
        for previous in earlier.nights[:1]
    ]
    notices.append(outbox.record_pending(night, task.settings, task.site))
    _write_site(task, services, night, audit, earlier.findings)
    undelivered = [
        line
        for notice in notices
        if notice is not None
        for line in outbox.deliver(notice, task.settings, task.site, services.send)
    ]
    if task.settings.keep is not None:
        _prune(task, archive, now)
    if task.settings.nights is not None:
        task.site.prune(
            task.settings.nights, {name, *(previous.night for previous in earlier.nights[:1])}
        )
    return RunResult(night, tuple(dict.fromkeys(undelivered)), _keep_index(task.question))


def _keep_index(question: Question) -> tuple[str, ...]:
    """Keeps the index of every day for later questions, and returns a note if that failed.

    The night is published by now, and the index can be computed on demand: no error concerns the night.
    """
    try:
        keep_index(question)
    except Exception as error:  # noqa: BLE001 - a cache never fails a night
        reason = " ".join(f"{type(error).__name__}: {error}".split()).removesuffix(":")
        return (f"index over time not kept: {reason}; the next question computes it",)
    return ()


def _night_end(now: datetime) -> Date:
    """Returns the day that names the night of a time: a night goes from noon to noon UTC."""
    return (now + timedelta(hours=12)).date()


def _last_sequence(archive: Archive) -> int:
    return max((entry.sequence for entry in derived.list_entries(archive)), default=0)


def _venues_to_gather(
    task: Task, archive: Archive, now: datetime, earlier: EarlierRuns
) -> tuple[str, ...]:
    """Returns the venues without a recent snapshot that is newer than the previous run.

    A snapshot of the previous run belongs to another night, whatever the clock says now. The exception
    is a previous run within the rerun window.
    """
    previous = earlier.previous
    since = 0
    if previous and _time_since(previous, now) >= RERUN_WINDOW:
        since = previous.sequence
    recent = {
        entry.venue
        for entry in derived.list_entries(archive)
        if entry.gathered
        and entry.sequence > since
        and timedelta(0) <= now - entry.observed_at < RERUN_WINDOW
    }
    return tuple(adapter.venue for adapter in task.adapters if adapter.venue not in recent)


def _time_since(night: Night, now: datetime) -> timedelta:
    """Returns the time between a night and now, in either direction of the clock."""
    return abs(now - datetime.fromisoformat(night.as_of))


def _entries_of_night(
    archive: Archive, day: Date, before: int
) -> tuple[tuple[Entry, ...], int, datetime]:
    """Returns the entries of the night that ends on ``day``, the last sequence and the newest time.

    Entries after sequence ``before`` are of this run and belong to the night, even if noon has passed.
    Without an entry, the time is the noon at which the night began.
    """
    entries = derived.list_entries(archive)
    noon = datetime.combine(day, time(12), UTC)
    start = noon - timedelta(days=1)
    of_night = tuple(
        entry for entry in entries if start <= entry.observed_at < noon or entry.sequence > before
    )
    digests = {entry.digest for entry in of_night}
    times = (
        entry.observed_at for entry in with_observation_times(entries) if entry.digest in digests
    )
    newest = max(times, default=start)
    return of_night, max((entry.sequence for entry in entries), default=0), newest


def _clock_error(previous: Night | None, name: str) -> str:
    if previous is None or previous.night[:10] <= name[:10]:
        return ""
    return (
        f"the clock says {name[:10]}, before the recorded night of {previous.night}; "
        "check the clock"
    )


def _build_night(
    task: Task, audit: Answer, archive: Archive, context: RunContext, earlier: EarlierRuns
) -> Night:
    document = audit.document
    names = tuple(adapter.venue for adapter in task.adapters)
    of_night = NightEntries(archive, context.entries, context.requested)
    venues = tuple(venue_nights(names, of_night, document))
    previous, reference = earlier.previous, earlier.findings
    clock_error = _clock_error(previous, context.night_name)
    lines = (clock_error, earlier.error, *_errors(audit, venues, context))
    errors = tuple(line for line in lines if line)
    new_findings: Sequence[Finding] = ()
    ended: tuple[EndedSignal, ...] = ()
    if reference:
        new_findings = baseline.compare_with_baseline(document, reference).findings
        ended = price_findings.ended_signals(document, reference)
    is_failure = task.fail_on and any(finding.reaches(task.fail_on) for finding in new_findings)
    return Night(
        night=context.night_name,
        as_of=iso_utc(context.as_of),
        version=VERSION,
        venues=venues,
        changes=_changes(task, archive, previous, context),
        new_findings=tuple(new_findings),
        errors=errors,
        counts={
            level.value: sum(finding.level is level for finding in document.findings)
            for level in Level
        },
        exit_code=INCOMPLETE if errors else FINDINGS if is_failure else OK,
        sequence=context.sequence,
        ended_signals=ended,
    )


def _errors(audit: Answer, venues: Sequence[VenueNight], context: RunContext) -> Sequence[str]:
    errors = []
    if not context.reached:
        errors.append("no venue is reachable; using archived data")
    errors += [
        f"{row.venue}: {row.reason}"
        for row in venues
        if row.status == "failed" or row.reason.startswith(PARTIAL)
    ]
    errors += audit.missing
    for defect in audit.document.defects:
        schedule = f"{defect.venue} {defect.symbol}".rstrip()
        errors.append(f"{schedule}: {defect.where}: {defect.reason}")
    return errors


def _changes(
    task: Task, archive: Archive, previous: Night | None, context: RunContext
) -> tuple[Change, ...]:
    """Returns the changes in snapshots after the previous run; none on the first night."""
    if previous is None:
        return ()
    venues = {adapter.venue for adapter in task.adapters}
    assets = task.question.underlyings
    return tuple(
        change
        for change in derived.changes_after(archive, previous.sequence, context.sequence)
        if change.venue in venues
        and (not assets or any(map(AssetNames.of([change.underlying]).match, assets)))
    )


def _write_site(
    task: Task, services: RunServices, night: Night, audit: Answer, reference: Baseline | None
) -> None:
    """Writes the night's folder, then the pages over all nights, and ``latest.json`` last.

    ``reference`` are the findings of the preceding run, some of which remain known as they were.
    """
    site, pages = task.site, services.pages
    report = pages.report(audit.document)
    folder = f"nights/{night.night}"
    document = gzip.compress(to_json(audit.whole), 6, mtime=0)
    kept = price_findings.kept(audit.whole, reference) if reference else {}
    findings = gzip.compress(baseline.to_baseline(audit.whole, kept), 6, mtime=0)
    site.write(f"{folder}/index.html", report)
    site.write(f"{folder}/audit.json.gz", document)
    site.write(f"{folder}/baseline.json.gz", findings)
    site.write_night(night)
    _write_changes(site, pages, night)
    site.write_pages(pages.folder(audit.document))
    site.write("latest.json", pages.latest(night))


def _write_changes(site: Site, pages: SiteRenderers, night: Night) -> None:
    """Writes the pages of changes. A new month's neighbours are written first, as they link to it."""
    names = site.nights()
    months = sorted({name[:7] for name in names})
    recent = read_nights(site, names[-NIGHTS_SHOWN:])
    index = months.index(night.night[:7])
    is_new = site.read(f"changes/{months[index]}.html") is None
    neighbours = [index - 1, index + 1] if is_new else []
    for position in (*neighbours, index):
        if 0 <= position < len(months):
            month = months[position]
            around = (months[position - 1] if position else "", (*months, "")[position + 1])
            of_month = read_nights(site, [name for name in names if name[:7] == month])
            site.write(f"changes/{month}.html", pages.month(month, of_month, around))
    site.write("changes.html", pages.changes(recent, months))
    site.write("changes.xml", pages.feed(recent))


def _prune(task: Task, archive: Archive, now: datetime) -> None:
    keep = task.settings.keep
    if keep is None:
        return
    entries = derived.list_entries(archive)
    removed = retention.prunable(entries, keep, derived.digests_with_events(archive))
    if removed:
        periods = f"{keep.daily} daily, {keep.weekly} weekly, {keep.monthly} monthly"
        reason = f"retention: {periods}, and every snapshot with a change"
        archive.prune(removed, now, reason, derived.update_tables(archive)[1].listing)
