"""One night: gather, archive, audit, report, changes, notify; the same night twice is once."""

import gzip
import hashlib
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, time
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
    day = now.date()
    archive = opened(task.question)
    last = task.site.latest()
    due = _due(task, archive, day, clock_is_back=last > f"{day}")
    reached = door.gather(due) if due else True
    question = replace(task.question, as_of=day, sizes=PICTURED_SIZES, history=True, past=True)
    found = answer(question)
    night = _night(task, found, archive, day, _clock(last, day), reached=reached)
    _write(task, door, night, found, stands=last <= night.night)
    untold = _tell(task, door, night)
    if task.settings.keep is not None:
        _prune(task, archive, now)
    if task.settings.nights is not None:
        task.site.thin(task.settings.nights)
    return Done(night, untold)


def _due(task: Task, archive: Archive, day: Date, *, clock_is_back: bool) -> tuple[str, ...]:
    """The venues to ask: those without a snapshot of the day. A clock that went back tells no day."""
    held = (
        set() if clock_is_back else {one.venue for one in _of_day(archive, day) if not one.failed}
    )
    return tuple(one.venue for one in task.wanted if one.venue not in held)


def _of_day(archive: Archive, day: Date) -> tuple[Entry, ...]:
    entries = memory.entries_of(archive)
    return tuple(one for one in entries if one.observed_at.date() == day)


def _clock(last: str, day: Date) -> str:
    if last <= f"{day}":
        return ""
    return f"the clock says {day}, and the night of {last} was written before: one of the two was wrong"


def _night(  # noqa: PLR0913 - what a night is made of
    task: Task, found: Answer, archive: Archive, day: Date, clock: str, *, reached: bool
) -> Night:
    document = found.document
    venues = tuple(_venue_nights(task, archive, day, document))
    observed = [one.observed_at for one in venues if one.became == "gathered"]
    errors = tuple(_errors(found, venues, clock, reached=reached))
    fresh = _fresh(task, document, day)
    grave = [one for one in fresh if task.fail_on and _rank(one.level) <= _rank(task.fail_on)]
    return Night(
        night=f"{day}",
        as_of=max(observed, default=f"{day}T00:00:00Z"),
        version=VERSION,
        venues=venues,
        changes=_changes(task, archive, day),
        fresh=fresh,
        errors=errors,
        counts={
            level.value: sum(one.level is level for one in document.findings) for level in Level
        },
        exit_code=INCOMPLETE if errors else FINDINGS if grave else FINE,
    )


def _rank(level: Level) -> int:
    return tuple(Level).index(level)


def _venue_nights(
    task: Task, archive: Archive, day: Date, document: AuditDocument
) -> list[VenueNight]:
    """What the archive holds of the day: so a night that is run again says the same."""
    today = _of_day(archive, day)
    newest = {one.venue: one.observed_at for one in document.snapshots}
    reasons = {one.venue: one.reason for one in document.unobserved}
    found = []
    for one in task.wanted:
        own = [entry for entry in today if entry.venue == one.venue]
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


def _errors(
    found: Answer, venues: Sequence[VenueNight], clock: str, *, reached: bool
) -> Sequence[str]:
    errors = [clock] if clock else []
    if not reached:
        errors.append("no venue could be reached; what is archived was read")
    errors += [f"{one.venue}: {one.reason}" for one in venues if one.became == "failed"]
    errors += found.missing
    for one in found.document.defects:
        errors.append(f"{one.venue} {one.symbol}".rstrip() + f": {one.where}: {one.reason}")
    return errors


def _fresh(task: Task, document: AuditDocument, day: Date) -> tuple[Finding, ...]:
    """The findings that are new or worse than the night before; none where there was none."""
    before = task.site.before(f"{day}")
    content = task.site.read(before, "baseline.json.gz") if before else None
    if content is None:
        return ()
    known = baseline.read(gzip.decompress(content), f"the night of {before}")
    return baseline.held_against(document, known).findings


def _changes(task: Task, archive: Archive, day: Date) -> tuple[Change, ...]:
    """What changed since the night before; nothing on the first."""
    before = task.site.before(f"{day}")
    if not before:
        return ()
    since, until = (
        datetime.combine(Date.fromisoformat(one), time.max, UTC) for one in (before, f"{day}")
    )
    named = {one.venue for one in task.wanted}
    assets = task.question.underlyings
    return tuple(
        one
        for one in memory.changes_between(archive, since, until)
        if one.venue in named and (not assets or one.underlying in assets)
    )


def _write(task: Task, door: Door, night: Night, found: Answer, *, stands: bool) -> None:
    """Write the night, then what stands above the nights, the newest pointer last.

    Where the clock went back, a night that is there already stays as it is (``stands`` is False).
    """
    site, pages = task.site, door.pages
    report = pages.report(found.document)
    folder = f"nights/{night.night}"
    if stands or night.night not in site.nights():
        document = replace(found.whole, baseline=None)
        site.write(f"{folder}/index.html", report)
        site.write(f"{folder}/audit.json.gz", gzip.compress(to_json(document), 6, mtime=0))
        known = gzip.compress(baseline.written(document), 6, mtime=0)
        site.write(f"{folder}/baseline.json.gz", known)
        site.write_night(night)
    recent = _nights(site, site.nights()[-SHOWN:])
    months = site.months()
    place = months.index(night.night[:7])
    around = (months[place - 1] if place else "", (*months, "")[place + 1])
    of_month = _nights(site, [one for one in site.nights() if one.startswith(night.night[:7])])
    site.write(f"changes/{months[place]}.html", pages.month(months[place], of_month, around))
    if around[0] and len(of_month) == 1:  # a month begins: the one before it now leads on
        earlier = months[place - 1]
        held = _nights(site, [one for one in site.nights() if one.startswith(earlier)])
        before = months[place - 2] if place > 1 else ""
        site.write(f"changes/{earlier}.html", pages.month(earlier, held, (before, months[place])))
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
        archive.prune(gone, now, f"retention: {kept}, and all in which something changed")
