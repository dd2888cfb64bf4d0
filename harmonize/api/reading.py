"""From archives to what an audit reads: each venue's newest snapshots, and what they hold."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, time
from datetime import date as Date  # noqa: N812 - `date` names arguments here

from harmonize.api.question import Verification
from harmonize.archive.archive import ArchiveError
from harmonize.archive.catalog import Entry, latest
from harmonize.archive.source import Source
from harmonize.audit.assemble import Reading
from harmonize.core.payload import Defect, Snapshot, Unobserved
from harmonize.core.schedule import Derived, MarginSchedule, Observed, T, Unknown
from harmonize.policy import inputs
from harmonize.policy.inputs import Input
from venues import facts, open_interest, registry
from venues.adapter import Access, VenueAdapter
from venues.gathering.outcome import attempt

NEEDS_KEY = "needs a key"


@dataclass(frozen=True, slots=True)
class Held:
    """What sources hold of one venue by a date: readable snapshots, newest first, and what failed."""

    snapshots: tuple[tuple[str, Snapshot], ...]
    defects: tuple[Defect, ...]
    unobserved: tuple[Unobserved, ...]
    before: tuple[Snapshot, ...] = ()


class NothingObservedError(Exception):
    """Sources without any snapshot by the date asked: one line that says so."""


def read(
    sources: Sequence[Source],
    venues: Sequence[str],
    until: datetime | Date | None,
    verification: Verification = Verification.OPTIONAL,
) -> tuple[Reading, datetime]:
    """Read the newest snapshots of ``venues`` (all if empty), and the date that ages count from.

    A venue is read from the first source that holds a snapshot of it. With ``verification``
    required, margins without a verified source are unknown. Raises NothingObservedError, ArchiveError.
    """
    limit = until if isinstance(until, datetime) or until is None else _end(until)
    by_source = [(one, latest(one.entries, limit)) for one in sources]
    named = sorted({venue for _, entries in by_source for venue in entries})
    if not named:
        raise NothingObservedError(_nothing(sources, until))
    newest: list[datetime] = []
    reading = Reading("; else ".join(one.name for one in sources), (), (), ())
    for venue in named:
        if venue == inputs.MARKET:
            continue
        held, used = _held([(one, by_venue.get(venue, ())) for one, by_venue in by_source])
        newest += [entry.observed_at for entry in used]
        if not venues or venue in venues:
            reading = _with(reading, held, verification)
    never = tuple(
        Unobserved(one.venue, _why_never(one))
        for one in registry.VENUES
        if one.venue not in named and (not venues or one.venue in venues)
    )
    measured, broken = _measured(by_source)
    reading = replace(reading, inputs=measured, defects=(*reading.defects, *broken))
    gone = tuple(sorted((*reading.unobserved, *never), key=lambda one: one.venue))
    return replace(reading, unobserved=gone), limit or max(newest)


def _end(day: Date) -> datetime:
    return datetime.combine(day, time.max, UTC)


def _measured(
    by_source: Sequence[tuple[Source, Mapping[str, tuple[Entry, ...]]]],
) -> tuple[tuple[Input, ...], tuple[Defect, ...]]:
    """Read the inputs that sources hold; those of an earlier source count before a later one's."""
    found: list[Input] = []
    defects: list[Defect] = []
    for source, by_venue in reversed(by_source):
        for entry in reversed(by_venue.get(inputs.MARKET, ())):
            try:
                read_, broken = inputs.read(source.archive.read(entry))
            except ArchiveError as error:
                broken = (Defect(entry.venue, f"snapshot {entry.sequence}", str(error)),)
                read_ = ()
            found += read_
            defects += broken
    return tuple(found), tuple(defects)


def _why_never(adapter: VenueAdapter) -> str:
    if adapter.closed:
        return adapter.closed
    keyed = any(one.access is Access.KEY and one.required for one in adapter.endpoints)
    return NEEDS_KEY if keyed else "never gathered, and no recording ships with the tool"


def _nothing(sources: Sequence[Source], until: datetime | Date | None) -> str:
    entries = [entry for one in sources for entry in one.entries]
    if not entries:
        return (
            f"the archive {sources[0].name} is empty; gather with `harmonize fetch`, or leave out "
            "--archive to use the recorded one"
        )
    first = min(entry.observed_at for entry in entries)
    return f"nothing was observed by {until}; the first snapshot is of {first:%Y-%m-%d}"


def _held(entries: Iterable[tuple[Source, tuple[Entry, ...]]]) -> tuple[Held, list[Entry]]:
    """Take a venue from the first source with a snapshot of it; failed tries before it are told."""
    snapshots: list[tuple[str, Snapshot]] = []
    defects: list[Defect] = []
    failed: list[Unobserved] = []
    used: list[Entry] = []
    for source, due in entries:
        for entry in due:
            used.append(entry)
            try:
                snapshot = source.archive.read(entry)
            except ArchiveError as error:
                defects.append(Defect(entry.venue, f"snapshot {entry.sequence}", str(error)))
                continue
            reason = attempt(snapshot)
            if reason is None:
                snapshots.append((entry.digest, snapshot))
            elif not snapshots:
                failed.append(Unobserved(entry.venue, reason, entry.observed_at))
        if snapshots:
            before = _before(source, used[-1])
            return Held(tuple(snapshots), tuple(defects), tuple(failed[:1]), before), used
    return Held((), tuple(defects), tuple(failed[:1])), used


def _before(source: Source, entry: Entry) -> tuple[Snapshot, ...]:
    """The complete snapshot of the venue that came before one, to hold leaps against."""
    earlier = [
        one
        for one in source.entries
        if one.venue == entry.venue and one.complete and one.observed_at < entry.observed_at
    ]
    if not earlier or not entry.complete:
        return ()
    try:
        return (source.archive.read(max(earlier, key=lambda one: one.observed_at)),)
    except ArchiveError:
        return ()  # its own defect is told when it is asked for


def _with(reading: Reading, held: Held, verification: Verification) -> Reading:
    known = facts.bundled()
    before = [one for snapshot in held.before for one in registry.read(snapshot, known).schedules]
    parsed = registry.parse((snapshot for _, snapshot in held.snapshots), known, before)
    interests = [one for _, snapshot in held.snapshots for one in open_interest.read(snapshot)]
    required = verification is Verification.REQUIRED
    found = map(verified, parsed.schedules) if required else parsed.schedules
    return replace(
        reading,
        snapshots=(*reading.snapshots, *held.snapshots),
        schedules=(*reading.schedules, *found),
        interests=(*reading.interests, *interests),
        defects=(*reading.defects, *held.defects, *parsed.defects),
        unobserved=(*reading.unobserved, *held.unobserved),
    )


def verified(schedule: MarginSchedule) -> MarginSchedule:
    """Take out the figures of a schedule that rest on a step which no source states."""
    return replace(
        schedule,
        initial=_verified(schedule.initial),
        maintenance=_verified(schedule.maintenance),
        capacity=_verified(schedule.capacity),
    )


def _verified(figure: Observed[T]) -> Observed[T]:
    if isinstance(figure, Derived) and not figure.verified:
        return Unknown(f"left out by --strict: {figure.derivation}")
    return figure
