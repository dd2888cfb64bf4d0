"""One night: gather, archive, audit, report, changes, notify; the same night twice is once."""

import gzip
import zlib
from collections.abc import Callable, Sequence
from collections.abc import Set as AbstractSet
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime, time, timedelta
from datetime import date as Date  # noqa: N812 - `date` names arguments here

from harmonize.api.audit import Answer, AskedError, Question, answer, opened
from harmonize.archive.archive import Archive, ArchiveError
from harmonize.archive.catalog import Entry, with_observation_times
from harmonize.audit import baseline
from harmonize.audit.baseline import Baseline, BaselineError
from harmonize.config.run_settings import RunSettings
from harmonize.document import AuditDocument, Level, to_json
from harmonize.document.change import Change
from harmonize.document.night import Night, VenueNight
from harmonize.history import derived
from harmonize.nightly import outbox, retention
from harmonize.nightly.outbox import Sender
from harmonize.nightly.site import Site, SiteError, in_time
from harmonize.version import VERSION
from venues import registry
from venues.adapter import VenueAdapter
from venues.gathering.outcome import failure_reason

OK, FINDINGS, INCOMPLETE, UNDELIVERED = 0, 1, 3, 5
"""Exit codes: nothing new, new or worse findings, something was not observed, a notice did not pass."""

FRESH = timedelta(hours=12)
"""A venue with a snapshot younger than this is not asked again: the night is being run once more."""

_TIME = "%Y-%m-%dT%H:%M:%SZ"

SHOWN = 30
"""How many nights the page of changes and the feed hold."""


@dataclass(frozen=True, slots=True)
class Task:
    """What a night is to do. ``fail_on`` is the gravest level without an exit code, None is any."""

    question: Question
    site: Site
    settings: RunSettings
    fail_on: Level | None = Level.ERROR

    @property
    def wanted(self) -> tuple[VenueAdapter, ...]:
        """The venues that are asked for; all, where none is named."""
        named = self.question.venues
        return tuple(one for one in registry.VENUES if not named or one.venue in named)


@dataclass(frozen=True, slots=True)
class SiteRenderers:
    """How a night is written: each gives the bytes of a file.

    ``report`` of a document; ``changes``, ``feed`` of nights, newest first; ``month`` of one month's
    nights; ``latest`` of the newest night.
    """

    report: Callable[[AuditDocument], bytes]
    changes: Callable[[Sequence[Night], Sequence[str]], bytes]
    month: Callable[[str, Sequence[Night], tuple[str, str]], bytes]
    feed: Callable[[Sequence[Night]], bytes]
    latest: Callable[[Night], bytes]


@dataclass(frozen=True, slots=True)
class RunServices:
    """The world: the clock, the venues, the pages, and where notices go.

    ``gather`` asks venues, archives what they answer, and tells whether any could be reached.
    ``send`` gives what failed: the place of a channel among those given, and a line why.
    """

    now: Callable[[], datetime]
    gather: Callable[[tuple[str, ...]], bool]
    pages: SiteRenderers
    send: Sender


@dataclass(frozen=True, slots=True)
class RunResult:
    """What came of a night; ``untold`` says which channels a notice did not pass, and why."""

    night: Night
    untold: tuple[str, ...]

    @property
    def exit_code(self) -> int:
        """That of the night, but for a notice that did not pass: then nobody knows of the rest."""
        return UNDELIVERED if self.untold else self.night.exit_code


class RunAbortedError(Exception):
    """An error that stopped the night: one line; ``untold`` says which channels do not know of it."""

    def __init__(self, line: str, untold: tuple[str, ...]) -> None:
        """Hold the line, and what came of telling it."""
        super().__init__(line)
        self.untold = untold

    @property
    def exit_code(self) -> int:
        """The night was not observed, or worse: nobody knows."""
        return UNDELIVERED if self.untold else INCOMPLETE


def run(task: Task, door: RunServices) -> RunResult:
    """Do one night's work; what an earlier run of the same night did is not done again.

    Raises StoppedError, when that was told; RuleError.
    """
    now = door.now().astimezone(UTC)
    try:
        return _run(task, door, now)
    except (ArchiveError, AskedError, SiteError) as error:
        line = str(error)
        night = Night(
            f"{_day(now)}", f"{now:{_TIME}}", VERSION, (), (), (), (line,), {}, INCOMPLETE
        )
        untold = outbox.stopped(night, task.settings, task.site, door.send)
        raise RunAbortedError(line, untold) from error


def _run(task: Task, door: RunServices, now: datetime) -> RunResult:
    day = _day(now)
    archive = opened(task.question)
    called = task.site.night_name(f"{day}")
    earlier = _earlier(task.site, called, {one.venue for one in task.wanted})
    due, last = _due(task, archive, now, earlier), _last(archive)
    reached = door.gather(due) if due else True
    tonight = RunContext(called, *_observed(archive, day, last), reached, frozenset(due))
    found = answer(replace(task.question, as_of=tonight.as_of).for_report())
    night = _night(task, found, archive, tonight, earlier)
    waiting = [outbox.left(one, task.settings, task.site) for one in earlier[:1]]
    waiting.append(outbox.pending(night, task.settings, task.site))
    _write(task, door, night, found)
    untold = [
        line
        for one in waiting
        if one is not None
        for line in outbox.deliver(one, task.settings, task.site, door.send)
    ]
    if task.settings.keep is not None:
        _prune(task, archive, now)
    if task.settings.nights is not None:
        task.site.prune(task.settings.nights, {called, *(one.night for one in earlier[:1])})
    return RunResult(night, tuple(dict.fromkeys(untold)))


def _day(now: datetime) -> Date:
    """The day that names the night of a time: it goes from noon to noon UTC."""
    return (now + timedelta(hours=12)).date()


def _last(archive: Archive) -> int:
    return max((one.sequence for one in derived.entries_of(archive)), default=0)


@dataclass(frozen=True, slots=True)
class RunContext:
    """What is known of a night once venues were asked.

    Its name, its entries, the archive's last sequence, its time, whether any venue could be reached,
    and which were asked.
    """

    night_name: str
    entries: tuple[Entry, ...]
    sequence: int
    as_of: datetime
    reached: bool
    asked: frozenset[str]


def _due(task: Task, archive: Archive, now: datetime, earlier: Sequence[Night]) -> tuple[str, ...]:
    """The venues to ask: those without a snapshot of the last hours that came after the run before.

    What came earlier than that run is of another night, whatever the clock says now; unless that run
    itself was not long ago.
    """
    last = earlier[0] if earlier else None
    since = last.sequence if last and _ago(last, now) >= FRESH else 0
    held = {
        one.venue
        for one in derived.entries_of(archive)
        if one.gathered and one.sequence > since and timedelta(0) <= now - one.observed_at < FRESH
    }
    return tuple(one.venue for one in task.wanted if one.venue not in held)


def _ago(night: Night, now: datetime) -> timedelta:
    """How long ago a night was, whichever way the clock moved."""
    return abs(now - datetime.fromisoformat(night.as_of))


def _observed(archive: Archive, day: Date, before: int) -> tuple[tuple[Entry, ...], int, datetime]:
    """The entries of the night that ends on a day, the last sequence, and the newest time of them.

    What came after sequence ``before`` is of this run, and of the night though noon passed meanwhile.
    A night without an entry speaks of the noon that it began with.
    """
    entries = derived.entries_of(archive)
    noon = datetime.combine(day, time(12), UTC)
    begun = noon - timedelta(days=1)
    own = tuple(one for one in entries if begun <= one.observed_at < noon or one.sequence > before)
    tonight = {one.digest for one in own}
    times = (one.observed_at for one in with_observation_times(entries) if one.digest in tonight)
    newest = max(times, default=begun)
    return own, max((one.sequence for one in entries), default=0), newest


def _clock(before: Night | None, called: str) -> str:
    if before is None or before.night[:10] <= called[:10]:
        return ""
    return (
        f"the clock says {called[:10]}, and the night of {before.night} was written before: "
        "one of the two was wrong"
    )


def _night(
    task: Task, found: Answer, archive: Archive, tonight: RunContext, earlier: Sequence[Night]
) -> Night:
    document = found.document
    venues = tuple(_venue_nights(task, archive, tonight, document))
    before = earlier[0] if earlier else None
    known, unread = _known(task.site, earlier)
    clock = _clock(before, tonight.night_name)
    told = (clock, unread, *_errors(found, venues, tonight))
    errors = tuple(one for one in told if one)
    fresh = baseline.compare_with_baseline(document, known).findings if known else ()
    grave = [one for one in fresh if task.fail_on and _rank(one.level) <= _rank(task.fail_on)]
    return Night(
        night=tonight.night_name,
        as_of=f"{tonight.as_of:{_TIME}}",
        version=VERSION,
        venues=venues,
        changes=_changes(task, archive, before, tonight),
        new_findings=fresh,
        errors=errors,
        counts={
            level.value: sum(one.level is level for one in document.findings) for level in Level
        },
        exit_code=INCOMPLETE if errors else FINDINGS if grave else OK,
        sequence=tonight.sequence,
    )


def _earlier(site: Site, called: str, venues: AbstractSet[str]) -> list[Night]:
    """Some nights before this one, the run just before it first: whose archive went furthest.

    The clock may have been wrong, so both the nights with the newest names and those named before this
    one are looked at; of two runs that found nothing in between, this night's forerunner by name counts.
    Nights of fewer venues than these say nothing of the others.
    """
    names = [one for one in site.nights() if one != called]
    below = [one for one in names if in_time(one) < in_time(called)]
    found = _nights(site, sorted({*names[-SHOWN:], *below[-SHOWN:]}, key=in_time))
    whole = [one for one in found if venues <= {each.venue for each in one.venues}]
    return sorted(whole, key=lambda one: _before_key(one, called), reverse=True)


def _before_key(night: Night, called: str) -> tuple[int, bool, tuple[str, int]]:
    named = in_time(night.night)
    return night.sequence, named < in_time(called), named


def _rank(level: Level) -> int:
    return tuple(Level).index(level)


def _venue_nights(
    task: Task, archive: Archive, tonight: RunContext, document: AuditDocument
) -> list[VenueNight]:
    """What the archive holds of the night: so one that is run again says the same."""
    newest = {one.venue: one.observed_at for one in document.snapshots}
    reasons = {one.venue: one.reason for one in document.unobserved}
    found = []
    for one in task.wanted:
        own = [
            entry
            for entry in tonight.entries
            if entry.venue == one.venue and (entry.gathered or entry.failed)
        ]
        good = [entry for entry in own if not entry.failed]
        seen = newest.get(one.venue, "")
        if good:
            seen = f"{max(entry.observed_at for entry in good):{_TIME}}"
            partial = "" if good[-1].complete else "holds some instruments only"
            found.append(VenueNight(one.venue, "gathered", seen, partial))
        elif own:
            found.append(VenueNight(one.venue, "failed", seen, _why(archive, own[-1])))
        elif one.venue not in tonight.asked:
            found.append(VenueNight(one.venue, "held", seen, ""))
        else:
            found.append(VenueNight(one.venue, "not asked", seen, reasons.get(one.venue, "")))
    return found


def _why(archive: Archive, entry: Entry) -> str:
    """Why a try failed."""
    if entry.pruned:
        return "why is pruned"
    return failure_reason(archive.read(entry)) or ""


def _errors(found: Answer, venues: Sequence[VenueNight], tonight: RunContext) -> Sequence[str]:
    errors = []
    if not tonight.reached:
        errors.append("no venue could be reached; what is archived was read")
    errors += [f"{one.venue}: {one.reason}" for one in venues if one.status == "failed"]
    errors += found.missing
    for one in found.document.defects:
        errors.append(f"{one.venue} {one.symbol}".rstrip() + f": {one.where}: {one.reason}")
    return errors


def _known(site: Site, earlier: Sequence[Night]) -> tuple[Baseline | None, str]:
    """The findings of the run before, and an error where those are not to be had.

    Then those of the newest run that has them; None on the first night, on which nothing is new.
    """
    for one in earlier:
        content = site.read(f"nights/{one.night}/baseline.json.gz")
        if content is None:
            continue
        with suppress(OSError, EOFError, zlib.error, BaselineError):
            known = baseline.read(gzip.decompress(content), f"the night of {one.night}")
            if one is earlier[0]:
                return known, ""
            lost = f"the findings of the night of {earlier[0].night} cannot be read"
            return known, f"{lost}; what is new is held against the night of {one.night}"
    lost = "the findings of no earlier night can be read; what is new is not known"
    return None, lost if earlier else ""


def _changes(
    task: Task, archive: Archive, before: Night | None, tonight: RunContext
) -> tuple[Change, ...]:
    """What changed in the snapshots that came since the run before; nothing on the first."""
    if before is None:
        return ()
    named = {one.venue for one in task.wanted}
    assets = task.question.underlyings
    return tuple(
        one
        for one in derived.changes_after(archive, before.sequence, tonight.sequence)
        if one.venue in named and (not assets or one.underlying in assets)
    )


def _write(task: Task, door: RunServices, night: Night, found: Answer) -> None:
    """Write the night, then what stands above the nights, the newest pointer last."""
    site, pages = task.site, door.pages
    report = pages.report(found.document)
    folder = f"nights/{night.night}"
    document = gzip.compress(to_json(found.whole), 6, mtime=0)
    known = gzip.compress(baseline.written(found.whole), 6, mtime=0)
    site.write(f"{folder}/index.html", report)
    site.write(f"{folder}/audit.json.gz", document)
    site.write(f"{folder}/baseline.json.gz", known)
    site.write_night(night)
    _write_changes(site, pages, night)
    site.write("index.html", report)
    site.write("latest.json", pages.latest(night))


def _write_changes(site: Site, pages: SiteRenderers, night: Night) -> None:
    """Write the pages of changes; those of the months beside a new one first, as they lead to it."""
    names = site.nights()
    months = sorted({one[:7] for one in names})
    recent = _nights(site, names[-SHOWN:])
    place = months.index(night.night[:7])
    new = site.read(f"changes/{months[place]}.html") is None
    beside = [place - 1, place + 1] if new else []
    for at in (*beside, place):
        if 0 <= at < len(months):
            month = months[at]
            around = (months[at - 1] if at else "", (*months, "")[at + 1])
            own = _nights(site, [one for one in names if one[:7] == month])
            site.write(f"changes/{month}.html", pages.month(month, own, around))
    site.write("changes.html", pages.changes(recent, months))
    site.write("changes.xml", pages.feed(recent))


def _nights(site: Site, names: Sequence[str]) -> list[Night]:
    """What these nights brought, newest first; one that cannot be read is left out."""
    found = (site.night(one) for one in reversed(names))
    return [one for one in found if one is not None]


def _prune(task: Task, archive: Archive, now: datetime) -> None:
    keep = task.settings.keep
    if keep is None:
        return
    entries = derived.entries_of(archive)
    gone = retention.dropped(entries, keep, derived.changed_in(archive))
    if gone:
        kept = f"{keep.daily} daily, {keep.weekly} weekly, {keep.monthly} monthly"
        reason = f"retention: {kept}, and all in which something changed"
        archive.prune(gone, now, reason, derived.tables_of(archive)[1].listing)
