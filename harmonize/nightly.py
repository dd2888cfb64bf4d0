"""One night: gather, archive, audit, report, changes, notify; the same night twice is once."""

import gzip
import hashlib
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, time, timedelta
from datetime import date as Date  # noqa: N812 - `date` names arguments here

from harmonize import baseline, memory, notice, retention
from harmonize.app import PICTURED_SIZES, Answer, Question, answer, opened
from harmonize.archive import Archive
from harmonize.change import Change
from harmonize.channel import Channel
from harmonize.document import AuditDocument, Finding, Level, to_json
from harmonize.listing import Entry
from harmonize.night import Night, VenueNight
from harmonize.notice import Notice
from harmonize.run_settings import RunSettings
from harmonize.site import Site
from harmonize.version import VERSION
from venues import registry
from venues.adapter import VenueAdapter
from venues.outcome import attempt

FINE, FINDINGS, INCOMPLETE, UNTOLD = 0, 1, 3, 5
"""Exit codes: nothing new, new or worse findings, something was not observed, a notice did not pass."""

FRESH = timedelta(hours=12)
"""A venue with a snapshot younger than this is not asked again: the night is being run once more."""

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
class Pages:
    """How a night is written: each gives the bytes of a file.

    ``report`` of a document; ``changes``, ``feed`` of nights, newest first; ``month`` of one month's
    nights; ``latest`` of the newest night.
    """

    report: Callable[[AuditDocument], bytes]
    changes: Callable[[Sequence[Night], Sequence[str]], bytes]
    month: Callable[[str, Sequence[Night], tuple[str, str]], bytes]
    feed: Callable[[Sequence[Night]], bytes]
    latest: Callable[[Night], bytes]


Sender = Callable[[Notice, Sequence[Channel]], Sequence[tuple[int, str]]]


@dataclass(frozen=True, slots=True)
class Door:
    """The world: the clock, the venues, the pages, and where notices go.

    ``gather`` asks venues, archives what they answer, and tells whether any could be reached.
    ``send`` gives what failed: the place of a channel among those given, and a line why.
    """

    now: Callable[[], datetime]
    gather: Callable[[tuple[str, ...]], bool]
    pages: Pages
    send: Sender


@dataclass(frozen=True, slots=True)
class Done:
    """What came of a night; ``untold`` says which channels a notice did not pass, and why."""

    night: Night
    untold: tuple[str, ...]

    @property
    def exit_code(self) -> int:
        """That of the night, but for a notice that did not pass."""
        return UNTOLD if self.untold else self.night.exit_code


def run(task: Task, door: Door) -> Done:
    """Do one night's work; what an earlier run of the same night did is not done again.

    Raises SiteError, ArchiveError, AskedError, RuleError.
    """
    now = door.now().astimezone(UTC)
    day = (now + timedelta(hours=12)).date()
    archive = opened(task.question)
    called = task.site.called(f"{day}")
    clock = _clock(task.site.latest(), f"{day}")
    due = _due(task, archive, now)
    reached = door.gather(due) if due else True
    tonight = Tonight(called, *_observed(archive, day), reached, clock)
    found = answer(replace(task.question, moment=tonight.as_of, sizes=PICTURED_SIZES, past=True))
    night = _night(task, found, archive, tonight)
    _write(task, door, night, found)
    untold = _tell(task, door, night)
    if task.settings.keep is not None:
        _prune(task, archive, now)
    if task.settings.nights is not None:
        task.site.thin(task.settings.nights)
    return Done(night, untold)


@dataclass(frozen=True, slots=True)
class Tonight:
    """What is known of a night once venues were asked: its name, its entries, its time, its troubles."""

    called: str
    entries: tuple[Entry, ...]
    sequence: int
    as_of: datetime
    reached: bool
    clock: str


def _due(task: Task, archive: Archive, now: datetime) -> tuple[str, ...]:
    """The venues to ask: those without a snapshot of the last hours."""
    held = {
        one.venue
        for one in memory.entries_of(archive)
        if one.gathered and timedelta(0) <= now - one.observed_at < FRESH
    }
    return tuple(one.venue for one in task.wanted if one.venue not in held)


def _observed(archive: Archive, day: Date) -> tuple[tuple[Entry, ...], int, datetime]:
    """The entries of the night that ends on a day, the last sequence, and the newest time of them."""
    entries = memory.entries_of(archive)
    noon = datetime.combine(day, time(12), UTC)
    own = tuple(one for one in entries if noon - timedelta(days=1) <= one.observed_at < noon)
    newest = max((one.observed_at for one in own), default=noon)
    return own, max((one.sequence for one in entries), default=0), newest


def _clock(last: str, day: str) -> str:
    if last[:10] <= day:
        return ""
    return f"the clock says {day}, and the night of {last} was written before: one of the two was wrong"


def _night(task: Task, found: Answer, archive: Archive, tonight: Tonight) -> Night:
    document = found.document
    venues = tuple(_venue_nights(task, archive, tonight, document))
    errors = tuple(_errors(found, venues, tonight))
    before = _before(task.site, tonight.called)
    fresh = _fresh(task, document, before)
    grave = [one for one in fresh if task.fail_on and _rank(one.level) <= _rank(task.fail_on)]
    return Night(
        night=tonight.called,
        as_of=f"{tonight.as_of:%Y-%m-%dT%H:%M:%SZ}",
        version=VERSION,
        venues=venues,
        changes=_changes(task, archive, before, tonight),
        fresh=fresh,
        errors=errors,
        counts={
            level.value: sum(one.level is level for one in document.findings) for level in Level
        },
        exit_code=INCOMPLETE if errors else FINDINGS if grave else FINE,
        sequence=tonight.sequence,
    )


def _before(site: Site, called: str) -> Night | None:
    """The run before this one: of the newest nights the one whose archive went furthest."""
    others = [one for one in site.nights() if one != called][-SHOWN:]
    return max(_nights(site, others), key=lambda one: one.sequence, default=None)


def _rank(level: Level) -> int:
    return tuple(Level).index(level)


def _venue_nights(
    task: Task, archive: Archive, tonight: Tonight, document: AuditDocument
) -> list[VenueNight]:
    """What the archive holds of the night: so one that is run again says the same."""
    newest = {one.venue: one.observed_at for one in document.snapshots}
    reasons = {one.venue: one.reason for one in document.unobserved}
    found = []
    for one in task.wanted:
        own = [entry for entry in tonight.entries if entry.venue == one.venue]
        good = [entry for entry in own if not entry.failed]
        seen = newest.get(one.venue, "")
        if good:
            seen = f"{max(entry.observed_at for entry in good):%Y-%m-%dT%H:%M:%SZ}"
            partial = "" if good[-1].complete else "holds some instruments only"
            found.append(VenueNight(one.venue, "gathered", seen, partial))
        elif own:
            reason = attempt(archive.read(own[-1])) or ""
            found.append(VenueNight(one.venue, "failed", seen, reason))
        else:
            found.append(VenueNight(one.venue, "not asked", seen, reasons.get(one.venue, "")))
    return found


def _errors(found: Answer, venues: Sequence[VenueNight], tonight: Tonight) -> Sequence[str]:
    errors = [tonight.clock] if tonight.clock else []
    if not tonight.reached:
        errors.append("no venue could be reached; what is archived was read")
    errors += [f"{one.venue}: {one.reason}" for one in venues if one.became == "failed"]
    errors += found.missing
    for one in found.document.defects:
        errors.append(f"{one.venue} {one.symbol}".rstrip() + f": {one.where}: {one.reason}")
    return errors


def _fresh(task: Task, document: AuditDocument, before: Night | None) -> tuple[Finding, ...]:
    """The findings that are new or worse than the run before; none where there was none."""
    content = task.site.read(before.night, "baseline.json.gz") if before else None
    if before is None or content is None:
        return ()
    known = baseline.read(gzip.decompress(content), f"the night of {before.night}")
    return baseline.held_against(document, known).findings


def _changes(
    task: Task, archive: Archive, before: Night | None, tonight: Tonight
) -> tuple[Change, ...]:
    """What changed in the snapshots that came since the run before; nothing on the first."""
    if before is None:
        return ()
    named = {one.venue for one in task.wanted}
    assets = task.question.underlyings
    return tuple(
        one
        for one in memory.changes_after(archive, before.sequence, tonight.sequence)
        if one.venue in named and (not assets or one.underlying in assets)
    )


def _write(task: Task, door: Door, night: Night, found: Answer) -> None:
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
    names = site.nights()
    months = sorted({one[:7] for one in names})
    place = months.index(night.night[:7])
    around = (months[place - 1] if place else "", (*months, "")[place + 1])
    own = [one for one in names if one.startswith(night.night[:7])]
    read = {one: site.night(one) for one in {*names[-SHOWN:], *own}}
    recent = [each for one in reversed(names[-SHOWN:]) if (each := read[one])]
    of_month = [each for one in reversed(own) if (each := read[one])]
    site.write(f"changes/{months[place]}.html", pages.month(months[place], of_month, around))
    if around[0] and len(of_month) == 1:  # a month begins: the one before it now leads on
        earlier = months[place - 1]
        before = months[place - 2] if place > 1 else ""
        then = _nights(site, [one for one in names if one.startswith(earlier)])
        site.write(f"changes/{earlier}.html", pages.month(earlier, then, (before, months[place])))
    site.write("changes.html", pages.changes(recent, months))
    site.write("changes.xml", pages.feed(recent))
    site.write("index.html", report)
    site.write("latest.json", pages.latest(night))


def _nights(site: Site, names: Sequence[str]) -> list[Night]:
    """What these nights brought, newest first; one that cannot be read is left out."""
    found = (site.night(one) for one in reversed(names))
    return [one for one in found if one is not None]


def _tell(task: Task, door: Door, night: Night) -> tuple[str, ...]:
    """Send a notice where one is due; channels that it passed in an earlier run are left alone."""
    wanted = task.settings.notify
    if not wanted.channels or not notice.due(night, Level(wanted.level), wanted.on):
        return ()
    link = f"{task.settings.base_url}/nights/{night.night}/" if task.settings.base_url else ""
    said = notice.notice(night, link)
    mark = hashlib.sha256(said.document + "\n".join((said.title, *said.lines)).encode()).hexdigest()
    places = _untold(task.site, night.night, mark, len(wanted.channels))
    failed = door.send(said, [wanted.channels[place] for place in places])
    left = {places[place]: reason for place, reason in failed}
    record = {"notice": mark, "untold": sorted(left)}
    task.site.write(f"nights/{night.night}/notified.json", f"{json.dumps(record)}\n".encode())
    return tuple(
        f"run.notify.channels[{place}] ({wanted.channels[place].KIND}): {reason}"
        for place, reason in sorted(left.items())
    )


def _untold(site: Site, night: str, mark: str, count: int) -> list[int]:
    """The channels that this very notice has not passed yet."""
    content = site.read(night, "notified.json")
    record = json.loads(content) if content else {}
    if record.get("notice") != mark:
        return list(range(count))
    return [one for one in record["untold"] if one < count]


def _prune(task: Task, archive: Archive, now: datetime) -> None:
    keep = task.settings.keep
    if keep is None:
        return
    entries = memory.entries_of(archive)
    gone = retention.dropped(entries, keep, memory.changed_in(archive))
    if gone:
        kept = f"{keep.daily} daily, {keep.weekly} weekly, {keep.monthly} monthly"
        reason = f"retention: {kept}, and all in which something changed"
        archive.prune(gone, now, reason, memory.tables_of(archive)[1].listing)
