"""Margins over time: of one schedule, of all schedules of a venue, and of one underlying per venue."""

from bisect import bisect_right
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime, time

from harmonize.api.audit import (
    NotObservedError,
    Question,
    RequestError,
    find_schedule,
    open_sources,
    read,
    with_observed_names,
)
from harmonize.archive.catalog import observations
from harmonize.archive.location import recorded_archive
from harmonize.comparison.representative import preferred
from harmonize.core.schedule import MarginSchedule
from harmonize.document.history import MarginSeries, Week
from harmonize.document.rows import AT_LEAST
from harmonize.history import derived, queries
from harmonize.history.lead_lag import LeadLag, find_increases, lead_lags
from harmonize.history.procyclicality import (
    Procyclicality,
    VenueProcyclicality,
    measure_procyclicality,
    measure_venue,
)
from harmonize.history.recent import ScheduleKey
from harmonize.history.table_rows import ScheduleRow
from harmonize.history.tables import HistoryTables, TableState
from harmonize.history.timeline import FIRST_SEEN
from harmonize.text.messages import iso_utc
from venues import registry

_MARGIN_TYPES = ("initial", "maintenance")


@dataclass(frozen=True, slots=True)
class ScheduleState:
    """Margins of a schedule from an observation on, in USD, in the order of the requested notionals.

    ``kind`` is the kind of change since the previous observation; empty for the first.
    ``effective_from`` is the effective time if the venue states it. If ``bound`` is ``at least``, the
    margins are lower bounds.
    """

    observed_at: str
    initial: tuple[float | None, ...]
    maintenance: tuple[float | None, ...]
    capacity: float | None
    kind: str
    effective_from: str = ""
    observed_from: str = ""
    date_kind: str = "exact"
    bound: str = ""


@dataclass(frozen=True, slots=True)
class MeasuredMargin:
    """Procyclicality of IM or MM at one notional."""

    margin_type: str
    notional: float
    measured: Procyclicality


@dataclass(frozen=True, slots=True)
class ScheduleHistory:
    """One schedule over time: its states at the first observation and after each change.

    ``observations`` counts those of its venue from the first state to ``until``. ``left_out`` lists
    the observations that could not be read, with the reason.
    """

    venue: str
    symbol: str
    profile: str
    notionals: tuple[float, ...]
    observations: int
    until: str
    seen: tuple[ScheduleState, ...]
    margins: tuple[MeasuredMargin, ...]
    left_out: tuple[str, ...]

    def as_object(self) -> dict[str, object]:
        """Returns the history as an object for JSON."""
        return asdict(self)


def schedule_history(question: Question, venue: str, symbol: str) -> ScheduleHistory:
    """Returns the history of one symbol over every snapshot of a venue up to the question's day.

    Raises RequestError: unknown venue; NotObservedError: no snapshot contains the symbol; ArchiveError.
    """
    archived = _schedule_rows(question, venue, symbol)
    last = archived.rows[-1]
    times = [at for at in archived.times if at >= archived.rows[0].observed_at]
    own = queries.of_one_asset(archived.rows)  # measures never join the lives of two assets
    own_times = [at for at in times if at >= own[0].observed_at]
    return ScheduleHistory(
        venue=venue,
        symbol=last.symbol,
        profile=last.profile,
        notionals=question.notional_grid,
        observations=len(times),
        until=iso_utc(times[-1]),
        seen=tuple(_state(row, question.notional_grid) for row in archived.rows),
        margins=tuple(_measured_margins(own, own_times, question.notional_grid)),
        left_out=archived.unreadable,
    )


def weekly_changes(question: Question, venue: str) -> tuple[Week, ...]:
    """Returns the number of changed schedules of a venue per week, up to the question's day.

    Raises RequestError: unknown venue; NotObservedError: no observed change; ArchiveError.
    """
    _check_venue(venue)
    limit = _end_of_day(question)
    venue_weeks: list[Week] = []
    with recorded_archive() as path:
        for source in open_sources(question, path):
            store, _ = derived.update_tables(source.archive)
            venue_weeks += [week for week in queries.weeks(store, limit) if week.venue == venue]
    if not venue_weeks:
        message = f"{venue}: no observed change; it has one observation, or all are equal"
        raise NotObservedError(message)
    return queries.merge_weeks(venue_weeks)


@dataclass(frozen=True, slots=True)
class UnderlyingHistory:
    """IM on an underlying per venue over time, and the lead-lag between the venues."""

    series: tuple[MarginSeries, ...]
    leads: tuple[LeadLag, ...]


def underlying_history(question: Question, asset: str) -> UnderlyingHistory:
    """Returns IM on an underlying per venue over time, at the first notional of the question.

    Each venue is represented by the schedule that an audit compares. Raises NotObservedError,
    ArchiveError, RequestError.
    """
    question = replace(question, underlyings=(asset,))
    reading, _ = read(question)
    until = question.last_read
    (asset,) = with_observed_names(question, reading).underlyings
    by_venue: dict[str, list[MarginSchedule]] = {}
    for schedule in reading.schedules:
        by_venue.setdefault(schedule.instrument.venue, []).append(schedule)
    keys = {preferred(schedules).key for schedules in by_venue.values()}
    archived = _archived_rows(
        question, until, lambda store: queries.rows_of_underlyings(store, [asset], until)
    )
    rows = {key: own for key, own in archived.rows.items() if key in keys}
    if not rows:
        message = f"no venue with an observed margin on {asset}"
        raise NotObservedError(message)
    series = tuple(
        queries.margin_series(
            own, "initial", question.notional_grid[0], iso_utc(archived.times[key[0]][-1])
        )
        for key, own in sorted(rows.items())
    )
    increases = {
        margin.venue: find_increases(margin, archived.times[margin.venue]) for margin in series
    }
    return UnderlyingHistory(series, lead_lags(increases))


def venue_procyclicality(question: Question, venue: str) -> tuple[VenueProcyclicality, ...]:
    """Returns the procyclicality of a venue's margins, by margin type and notional of the question.

    Raises RequestError: unknown venue; ArchiveError.
    """
    _check_venue(venue)
    until = _end_of_day(question) or datetime.max.replace(tzinfo=UTC)
    archived = _archived_rows(
        question, until, lambda store: queries.rows_of_venue(store, venue, until)
    )
    return measure_venue(
        [
            queries.margin_series(rows, margin_type, notional, iso_utc(archived.times[venue][-1]))
            for _, rows in sorted(archived.rows.items())
            for margin_type in _MARGIN_TYPES
            for notional in question.notional_grid
        ]
    )


def schedule_series(question: Question, venue: str, symbol: str) -> tuple[MarginSeries, ...]:
    """Returns one schedule's margin series for a chart: IM and MM at each notional.

    Raises as ``schedule_history``.
    """
    archived = _schedule_rows(question, venue, symbol)
    until = iso_utc(archived.times[-1])
    return tuple(
        queries.margin_series(archived.rows, margin_type, notional, until)
        for margin_type in _MARGIN_TYPES
        for notional in question.notional_grid
    )


@dataclass(frozen=True, slots=True)
class _ArchivedRows:
    """Rows per schedule in chronological order, from all archives, and observation times per venue."""

    rows: dict[ScheduleKey, list[ScheduleRow]]
    times: dict[str, list[datetime]]


def _archived_rows(
    question: Question, until: datetime, query: Callable[[HistoryTables], Sequence[ScheduleRow]]
) -> _ArchivedRows:
    rows: dict[ScheduleKey, list[ScheduleRow]] = {}
    times: dict[str, set[datetime]] = {}
    with recorded_archive() as path:
        for source in open_sources(question, path):
            store, state = derived.update_tables(source.archive)
            for row in query(store):
                rows.setdefault(row.key, []).append(row)
            for kept in state.entries:
                if kept.read and kept.entry.observed_at <= until:
                    times.setdefault(kept.entry.venue, set()).add(kept.entry.observed_at)
    return _ArchivedRows(
        {key: sorted(own, key=_chronological) for key, own in rows.items()},
        {venue: sorted(own) for venue, own in times.items()},
    )


@dataclass(frozen=True, slots=True)
class _ScheduleRows:
    """Rows of one schedule, its venue's observation times, and the unreadable observations."""

    rows: tuple[ScheduleRow, ...]
    times: tuple[datetime, ...]
    unreadable: tuple[str, ...]


def _schedule_rows(question: Question, venue: str, symbol: str) -> _ScheduleRows:
    """Returns the rows of one symbol in one profile; at least one row.

    Raises RequestError: unknown venue; NotObservedError: no snapshot contains the symbol; ArchiveError.
    """
    _check_venue(venue)
    limit = _end_of_day(question)
    rows: list[ScheduleRow] = []
    times: set[datetime] = set()
    unreadable: list[str] = []
    with recorded_archive() as path:
        for source in open_sources(question, path):
            store, state = derived.update_tables(source.archive)
            rows += queries.rows_of_symbol(store, venue, symbol, limit)
            readable_times, faults = _observation_times(state, venue, limit)
            times |= readable_times
            unreadable += faults
    selected = [row for row in rows if _has_profile(row, question.profile)]
    if not selected:
        message = f"{venue}: no schedule of {symbol} in any snapshot"
        raise NotObservedError(message)
    profile = _followed_profile(question, venue, symbol, selected)
    own = sorted((row for row in selected if row.profile == profile), key=_chronological)
    times |= {row.observed_at for row in own}
    return _ScheduleRows(tuple(own), tuple(sorted(times)), tuple(unreadable))


def _observation_times(
    state: TableState, venue: str, limit: datetime | None
) -> tuple[set[datetime], list[str]]:
    """Returns the times of a venue's readable observations, and day and reason of the others."""
    by_digest = {kept.entry.digest: kept for kept in state.entries}
    times: set[datetime] = set()
    faults: list[str] = []
    for entry in observations([kept.entry for kept in state.entries], venue):
        kept = by_digest[entry.digest]
        if limit and entry.observed_at > limit:
            continue
        if kept.fault:
            faults.append(f"{entry.observed_at:%Y-%m-%d}: {kept.fault}")
        elif kept.read:
            times.add(entry.observed_at)
    return times, faults


def _check_venue(venue: str) -> None:
    if registry.find_adapter(venue) is None:
        known = ", ".join(adapter.venue for adapter in registry.VENUES)
        message = f"unknown venue {venue}; use one of {known}"
        raise RequestError(message)


def _end_of_day(question: Question) -> datetime | None:
    return datetime.combine(question.as_of, time.max, UTC) if question.as_of else None


def _has_profile(row: ScheduleRow, profile: str) -> bool:
    """Whether a row's profile is the requested one or has it as a part; any if none is requested."""
    return not profile or profile in {row.profile, *row.profile.split(", ")}


def _chronological(row: ScheduleRow) -> tuple[datetime, int]:
    return row.observed_at, row.sequence


def _followed_profile(
    question: Question, venue: str, symbol: str, rows: Sequence[ScheduleRow]
) -> str:
    """Returns the profile to follow: of several, the one preferred in the newest snapshot."""
    profiles = sorted({row.profile for row in rows})
    if len(profiles) > 1:
        try:
            schedule, _, _ = find_schedule(replace(question, venues=(venue,)), symbol)
            return str(schedule.profile)
        except LookupError:  # the newest snapshot has none of the profiles
            return max(rows, key=_chronological).profile
    return profiles[0]


def _state(row: ScheduleRow, notionals: Sequence[float]) -> ScheduleState:
    return ScheduleState(
        observed_at=iso_utc(row.observed_at),
        initial=tuple(queries.margin_of(row, "initial", notional) for notional in notionals),
        maintenance=tuple(
            queries.margin_of(row, "maintenance", notional) for notional in notionals
        ),
        capacity=row.capacity,
        kind="" if row.kind == FIRST_SEEN else row.kind,
        effective_from=iso_utc(row.effective_from) if row.effective_from else "",
        observed_from=row.precision.earliest_text(row.observed_at),
        date_kind=row.date_kind,
        bound=AT_LEAST if AT_LEAST in {row.initial_status, row.maintenance_status} else "",
    )


def _measured_margins(
    rows: Sequence[ScheduleRow], times: Sequence[datetime], notionals: Sequence[float]
) -> list[MeasuredMargin]:
    """Returns the procyclicality of the margins in force at each observation of the venue."""
    starts = [row.observed_at for row in rows]
    in_force = [rows[bisect_right(starts, observed_at) - 1] for observed_at in times]
    measured = []
    for margin_type in _MARGIN_TYPES:
        for notional in notionals:
            points = [
                (observed_at, margin)
                for observed_at, row in zip(times, in_force, strict=True)
                if (margin := queries.margin_of(row, margin_type, notional)) is not None
                and margin > 0.0
            ]
            if points:
                measures = measure_procyclicality(points)
                measured.append(MeasuredMargin(margin_type, notional, measures))
    return measured
