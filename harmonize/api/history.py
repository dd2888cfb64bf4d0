"""One schedule over time, as the archive saw it: margins at notionals, and when they changed."""

from bisect import bisect_right
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime, time

from harmonize.api.audit import (
    AskedError,
    NotObservedError,
    Question,
    find_schedule,
    read,
    sources_of,
)
from harmonize.archive.catalog import observations
from harmonize.archive.location import recorded
from harmonize.comparison.representative import preferred
from harmonize.core.schedule import MarginSchedule
from harmonize.document.history import MarginSeries as Drawn
from harmonize.document.history import Week
from harmonize.history import derived, queries
from harmonize.history.lead_lag import LeadLag, leads, rises
from harmonize.history.procyclicality import Responsiveness, VenueMoves, responsiveness, venue_moves
from harmonize.history.recent import Key
from harmonize.history.table_rows import Row
from harmonize.history.tables import HistoryTables
from harmonize.history.timeline import FIRST
from venues import registry


@dataclass(frozen=True, slots=True)
class Seen:
    """The margins of a schedule from one observation on, in USD, in the order of the notionals asked.

    ``kind`` is what changed since the observation before; empty for the first. ``effective_from`` is
    since when it holds, where the venue says.
    """

    observed_at: str
    initial: tuple[float | None, ...]
    maintenance: tuple[float | None, ...]
    capacity: float | None
    kind: str
    effective_from: str = ""


@dataclass(frozen=True, slots=True)
class Course:
    """How IM or MM at one notional moved."""

    figure: str
    notional: float
    measured: Responsiveness


@dataclass(frozen=True, slots=True)
class Series:
    """One schedule over time: where it was first seen, and wherever it changed.

    ``observations`` counts those of its venue from then to ``until``. ``left_out`` are observations
    that could not be read, and why.
    """

    venue: str
    symbol: str
    profile: str
    notionals: tuple[float, ...]
    observations: int
    until: str
    seen: tuple[Seen, ...]
    courses: tuple[Course, ...]
    left_out: tuple[str, ...]

    def as_object(self) -> dict[str, object]:
        """The series for JSON."""
        return asdict(self)


def series(question: Question, venue: str, symbol: str) -> Series:
    """Follow one symbol through every snapshot of a venue up to the question's day.

    Raises AskedError: no such venue; NotObservedError: the symbol is in none; ArchiveError.
    """
    found = _followed(question, venue, symbol)
    if not found.rows:
        message = f"{venue} has no schedule of {symbol} in any snapshot"
        raise NotObservedError(message)
    last = found.rows[-1]
    times = [one for one in found.times if one >= found.rows[0].observed_at]
    return Series(
        venue,
        last.symbol,
        last.profile,
        question.ladder,
        len(times),
        _moment(times[-1]),
        tuple(_seen(one, question.ladder) for one in found.rows),
        tuple(_courses(found.rows, times, question.ladder)),
        found.left_out,
    )


def weeks(question: Question, venue: str) -> tuple[Week, ...]:
    """How many schedules of a venue changed each week, up to the question's day.

    Raises AskedError: no such venue; NotObservedError: nothing of it changed; ArchiveError.
    """
    _check_venue(venue)
    limit = _limit(question)
    found: list[Week] = []
    with recorded() as path:
        for source in sources_of(question, path):
            store, _ = derived.tables_of(source.archive)
            found += [one for one in queries.weeks(store, limit) if one.venue == venue]
    if not found:
        message = f"nothing of {venue} was seen to change; it was observed once, or always the same"
        raise NotObservedError(message)
    return queries.merge_weeks(found)


@dataclass(frozen=True, slots=True)
class Compared:
    """IM on an underlying at every venue over time, and which venues tightened first."""

    courses: tuple[Drawn, ...]
    leads: tuple[LeadLag, ...]


def compared(question: Question, asset: str) -> Compared:
    """Follow IM on an underlying at the first notional of the question, at every venue.

    Of each venue the schedule that an audit compares is followed. Raises NotObservedError, ArchiveError,
    AskedError.
    """
    reading, as_of = read(replace(question, underlyings=(asset,)))
    by_venue: dict[str, list[MarginSchedule]] = {}
    for one in reading.schedules:
        by_venue.setdefault(one.instrument.venue, []).append(one)
    keys = {preferred(held).key for held in by_venue.values()}
    held = _gathered(question, as_of, lambda store: queries.rows_of(store, [asset], as_of))
    rows = {key: own for key, own in held.rows.items() if key in keys}
    if not rows:
        message = f"no venue was seen to ask margin on {asset}"
        raise NotObservedError(message)
    courses = tuple(
        queries.margin_series(own, "initial", question.ladder[0], _moment(held.times[key[0]][-1]))
        for key, own in sorted(rows.items())
    )
    found = {one.venue: rises(one, held.times[one.venue]) for one in courses}
    return Compared(courses, leads(found))


def moves(question: Question, venue: str) -> tuple[VenueMoves, ...]:
    """How far all margins of a venue moved, at each notional of the question. Raises as ``weeks``."""
    _check_venue(venue)
    until = _limit(question) or datetime.max.replace(tzinfo=UTC)
    held = _gathered(question, until, lambda store: queries.rows_at(store, venue, until))
    return venue_moves(
        [
            queries.margin_series(own, figure, size, _moment(held.times[venue][-1]))
            for _, own in sorted(held.rows.items())
            for figure in ("initial", "maintenance")
            for size in question.ladder
        ]
    )


@dataclass(frozen=True, slots=True)
class _Gathered:
    """Rows of schedules in order of time, out of all archives, and when venues were observed."""

    rows: dict[Key, list[Row]]
    times: dict[str, list[datetime]]


def _gathered(
    question: Question, until: datetime, ask: Callable[[HistoryTables], Sequence[Row]]
) -> _Gathered:
    rows: dict[Key, list[Row]] = {}
    times: dict[str, set[datetime]] = {}
    with recorded() as path:
        for source in sources_of(question, path):
            store, held = derived.tables_of(source.archive)
            for row in ask(store):
                rows.setdefault(row.key, []).append(row)
            for kept in held.kept:
                if kept.read and kept.entry.observed_at <= until:
                    times.setdefault(kept.entry.venue, set()).add(kept.entry.observed_at)
    return _Gathered(
        {key: sorted(own, key=_order) for key, own in rows.items()},
        {venue: sorted(found) for venue, found in times.items()},
    )


def drawn(question: Question, venue: str, symbol: str) -> tuple[Drawn, ...]:
    """The same as courses to draw, IM and MM at each notional. Raises as ``series``."""
    found = _followed(question, venue, symbol)
    if not found.rows:
        message = f"{venue} has no schedule of {symbol} in any snapshot"
        raise NotObservedError(message)
    until = _moment(found.times[-1])
    return tuple(
        queries.margin_series(found.rows, figure, size, until)
        for figure in ("initial", "maintenance")
        for size in question.ladder
    )


@dataclass(frozen=True, slots=True)
class _Followed:
    """The rows of one schedule, when its venue was observed, and what could not be read."""

    rows: tuple[Row, ...]
    times: tuple[datetime, ...]
    left_out: tuple[str, ...]


def _followed(question: Question, venue: str, symbol: str) -> _Followed:
    _check_venue(venue)
    limit = _limit(question)
    rows: list[Row] = []
    times: set[datetime] = set()
    left_out: list[str] = []
    with recorded() as path:
        for source in sources_of(question, path):
            store, held = derived.tables_of(source.archive)
            rows += queries.history(store, venue, symbol, limit)
            state = {one.entry.digest: one for one in held.kept}
            for one in observations([each.entry for each in held.kept], venue):
                kept = state[one.digest]
                if limit and one.observed_at > limit:
                    continue
                if kept.fault:
                    left_out.append(f"{one.observed_at:%Y-%m-%d}: {kept.fault}")
                elif kept.read:
                    times.add(one.observed_at)
    own = [one for one in rows if not question.profile or _fits(one.profile, question.profile)]
    if not own:
        return _Followed((), (), tuple(left_out))
    chosen = _profile(question, venue, symbol, own)
    followed = sorted((one for one in own if one.profile == chosen), key=_order)
    times |= {one.observed_at for one in followed}
    return _Followed(tuple(followed), tuple(sorted(times)), tuple(left_out))


def _check_venue(venue: str) -> None:
    if registry.find_adapter(venue) is None:
        known = ", ".join(one.venue for one in registry.VENUES)
        message = f"no venue is called {venue}; there are {known}"
        raise AskedError(message)


def _limit(question: Question) -> datetime | None:
    return datetime.combine(question.as_of, time.max, UTC) if question.as_of else None


def _fits(profile: str, wanted: str) -> bool:
    return wanted in {profile, *profile.split(", ")}


def _order(row: Row) -> tuple[datetime, int]:
    return row.observed_at, row.sequence


def _profile(question: Question, venue: str, symbol: str, rows: Sequence[Row]) -> str:
    """Of several profiles the one that the newest snapshot prefers is followed through all of them."""
    profiles = sorted({one.profile for one in rows})
    if len(profiles) > 1:
        try:
            schedule, _, _ = find_schedule(replace(question, venues=(venue,)), symbol)
            return str(schedule.profile)
        except LookupError:  # the newest snapshot has none of them
            return max(rows, key=_order).profile
    return profiles[0]


def _moment(at: datetime) -> str:
    return f"{at:%Y-%m-%dT%H:%M:%SZ}"


def _seen(row: Row, notionals: Sequence[float]) -> Seen:
    return Seen(
        observed_at=_moment(row.observed_at),
        initial=tuple(queries.margin_of(row, "initial", size) for size in notionals),
        maintenance=tuple(queries.margin_of(row, "maintenance", size) for size in notionals),
        capacity=row.capacity,
        kind="" if row.kind == FIRST else row.kind,
        effective_from=_moment(row.effective_from) if row.effective_from else "",
    )


def _courses(
    rows: Sequence[Row], times: Sequence[datetime], notionals: Sequence[float]
) -> list[Course]:
    """Margins as they were in force at each observation of the venue, measured."""
    starts = [one.observed_at for one in rows]
    in_force = [rows[bisect_right(starts, at) - 1] for at in times]
    courses = []
    for figure in ("initial", "maintenance"):
        for size in notionals:
            points = [
                (at, asked)
                for at, row in zip(times, in_force, strict=True)
                if (asked := queries.margin_of(row, figure, size)) is not None and asked > 0.0
            ]
            if points:
                courses.append(Course(figure, size, responsiveness(points)))
    return courses
