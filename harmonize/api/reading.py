"""From archives to an audit: each venue's newest snapshots and their content."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, time
from datetime import date as Date  # noqa: N812 - `date` names arguments here

from harmonize.api.question import Verification
from harmonize.archive.archive import ArchiveError
from harmonize.archive.catalog import Entry, latest
from harmonize.archive.source import Source
from harmonize.audit.assemble import Reading
from harmonize.core.payload import PRICES, Defect, Origin, Snapshot, Unobserved
from harmonize.core.schedule import Derived, MarginSchedule, Observed, T, Unknown
from harmonize.history import derived
from harmonize.history.acceptances import DECISIONS, unreadable_decisions
from harmonize.policy import inputs
from harmonize.policy.inputs import Input
from venues import facts, open_interest, registry
from venues.adapter import Access, Parsed, VenueAdapter
from venues.gathering.outcome import failure_reason

NEEDS_KEY = "needs a key"


@dataclass(frozen=True, slots=True)
class _VenueReading:
    """Content of one venue by a date: readable snapshots, newest first, and what failed.

    ``parsed`` is what the snapshots show together.
    """

    snapshots: tuple[tuple[str, Snapshot], ...]
    defects: tuple[Defect, ...]
    unobserved: tuple[Unobserved, ...]
    parsed: Parsed = field(default_factory=lambda: Parsed((), ()))


class NothingObservedError(Exception):
    """No source has a snapshot by the date: one line that says so."""


def read(
    sources: Sequence[Source],
    venues: Sequence[str],
    until: datetime | Date | None,
    verification: Verification = Verification.OPTIONAL,
) -> Reading:
    """Reads the newest snapshots of ``venues``, of all if empty, up to a date if one is given.

    A venue is read from the first source that holds a snapshot of it. With ``verification``
    required, margins without a verified source are unknown. Raises NothingObservedError,
    ArchiveError.
    """
    limit = until if isinstance(until, datetime) or until is None else _end(until)
    by_source = [(source, latest(source.entries, limit)) for source in sources]
    names = sorted({venue for _, entries in by_source for venue in entries})
    if not names:
        raise NothingObservedError(_nothing(sources, until))
    reading = Reading("; otherwise ".join(source.name for source in sources), (), (), ())
    for venue in names:
        if venue in {inputs.MARKET, DECISIONS, PRICES}:
            continue
        if not venues or venue in venues:
            own = [(source, by_venue.get(venue, ())) for source, by_venue in by_source]
            reading = _with_venue(reading, _read_venue(own), verification)
    never_observed = tuple(
        Unobserved(adapter.venue, _why_never_observed(adapter))
        for adapter in registry.VENUES
        if adapter.venue not in names and (not venues or adapter.venue in venues)
    )
    measured, broken = _measured(by_source)
    broken = (
        *broken,
        *(d for s, _ in by_source for d in unreadable_decisions(s.archive, s.entries)),
    )
    reading = replace(reading, inputs=measured, defects=(*reading.defects, *broken))
    unobserved = sorted((*reading.unobserved, *never_observed), key=lambda venue: venue.venue)
    return replace(reading, unobserved=tuple(unobserved))


def _end(day: Date) -> datetime:
    return datetime.combine(day, time.max, UTC)


def _measured(
    by_source: Sequence[tuple[Source, Mapping[str, tuple[Entry, ...]]]],
) -> tuple[tuple[Input, ...], tuple[Defect, ...]]:
    """Reads the measured inputs of all sources; those of an earlier source take precedence."""
    measured: list[Input] = []
    defects: list[Defect] = []
    for source, by_venue in reversed(by_source):
        for entry in reversed(by_venue.get(inputs.MARKET, ())):
            try:
                inputs_, broken = inputs.read_inputs(source.archive.read(entry))
            except ArchiveError as error:
                broken = (Defect(entry.venue, f"snapshot {entry.sequence}", str(error)),)
                inputs_ = ()
            measured += inputs_
            defects += broken
    return tuple(measured), tuple(defects)


def _why_never_observed(adapter: VenueAdapter) -> str:
    if adapter.closure_reason:
        return adapter.closure_reason
    needs_key = any(e.access is Access.KEY and e.required for e in adapter.endpoints)
    return NEEDS_KEY if needs_key else "never gathered, and not in the recorded archive"


def _nothing(sources: Sequence[Source], until: datetime | Date | None) -> str:
    entries = [entry for source in sources for entry in source.entries]
    if not entries:
        return (
            f"the archive {sources[0].name} is empty; run `harmonize fetch`, or remove --archive to "
            "use the recorded archive"
        )
    first = min(entry.observed_at for entry in entries)
    return f"no snapshot up to {until}; use a date from {first:%Y-%m-%d} on"


def _read_venue(
    by_source: Iterable[tuple[Source, tuple[Entry, ...]]],
) -> _VenueReading:
    """Reads a venue from the first source that holds a snapshot of it.

    The newest failed attempt is reported where it is newer than the snapshots.
    """
    snapshots: list[tuple[str, Snapshot]] = []
    defects: list[Defect] = []
    failed: list[Unobserved] = []
    for source, entries in by_source:
        for entry in entries:
            try:
                snapshot = source.archive.read(entry)
            except ArchiveError as error:
                defects.append(Defect(entry.venue, f"snapshot {entry.sequence}", str(error)))
                continue
            reason = failure_reason(snapshot)
            if reason is None:
                snapshots.append((entry.digest, snapshot))
            elif not snapshots:
                failed.append(Unobserved(entry.venue, reason, entry.observed_at))
        if snapshots:
            parsed = _parse(source, entries, snapshots)
            return _VenueReading(tuple(snapshots), tuple(defects), tuple(failed[:1]), parsed)
    return _VenueReading((), tuple(defects), tuple(failed[:1]))


def _parse(
    source: Source, entries: Sequence[Entry], snapshots: Sequence[tuple[str, Snapshot]]
) -> Parsed:
    """Parses the snapshots of one venue, newest first.

    Live ones, gathered or imported, are held against what was believed before them, for which earlier
    entries are read.
    """
    readable = dict(snapshots)
    is_live = any(
        payload.provenance.origin is Origin.LIVE
        for snapshot in readable.values()
        for payload in snapshot.payloads
    )
    if not is_live:
        return registry.parse(readable.values(), facts.bundled())
    newest = next(entry for entry in entries if entry.digest in readable)
    return derived.observation(source, newest).parsed


def _with_venue(reading: Reading, venue: _VenueReading, verification: Verification) -> Reading:
    parsed = venue.parsed
    interests = [i for _, snapshot in venue.snapshots for i in open_interest.read(snapshot)]
    is_required = verification is Verification.REQUIRED
    schedules = map(only_verified, parsed.schedules) if is_required else parsed.schedules
    return replace(
        reading,
        snapshots=(*reading.snapshots, *venue.snapshots),
        schedules=(*reading.schedules, *schedules),
        open_interest=(*reading.open_interest, *interests),
        defects=(*reading.defects, *venue.defects, *parsed.defects),
        unobserved=(*reading.unobserved, *venue.unobserved),
        remarks=(*reading.remarks, *parsed.remarks),
    )


def only_verified(schedule: MarginSchedule) -> MarginSchedule:
    """Returns a schedule in which margins and a capacity without a verified source are unknown."""
    return replace(
        schedule,
        initial=_verified(schedule.initial),
        maintenance=_verified(schedule.maintenance),
        capacity=_verified(schedule.capacity),
    )


def _verified(observed: Observed[T]) -> Observed[T]:
    if isinstance(observed, Derived) and not observed.verified:
        return Unknown(f"excluded, as no source verifies it: {observed.derivation}")
    return observed
