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
    similar_underlying,
    with_observed_names,
)
from harmonize.api.known_venues import unknown_venue_error
from harmonize.api.missing_schedule import similar_symbol
from harmonize.archive.catalog import observations
from harmonize.archive.location import recorded_archive
from harmonize.comparison.representative import preferred
from harmonize.core.date_precision import DatePrecision
from harmonize.core.schedule import MarginSchedule
from harmonize.document.history import MarginSeries, ObservationGap, Week
from harmonize.document.rows import AT_LEAST
from harmonize.history import derived, queries
from harmonize.history.lead_lag import LeadLag, find_increases, lead_lags
from harmonize.history.observation_times import (
    VenueTimes,
    contract_gaps,
    times_by_venue,
    times_of,
    weekly_gaps,
)
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
from harmonize.text.suggest import similar_name

_MARGIN_TYPES = ("initial", "maintenance")


@dataclass(frozen=True, slots=True)
class ScheduleState:
    """Margins of a schedule from an observation on, in USD, in the order of the requested notionals.

    ``kind`` is the kind of change since the previous observation; empty for the first.
    ``effective_from`` is the effective time if the venue states it. If ``bound`` is ``at least``, the
    margins are lower bounds. ``initial_status`` and ``maintenance_status`` tell known and derived margins
    from lower bounds and from those that no source verifies.
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
    initial_status: str = ""
    maintenance_status: str = ""


@dataclass(frozen=True, slots=True)
class MeasuredMargin:
    """Procyclicality of IM or MM at one notional."""

    margin_type: str
    notional: float
    measured: Procyclicality


@dataclass(frozen=True, slots=True)
class ScheduleHistory:
    """One schedule over time: its states at the first observation and after each change.

    ``observations`` counts those of the contract from the first state to ``until``, the newest one; a
    partial snapshot without the contract is none. ``left_out`` lists the observations of the venue that
    could not be read, with the reason. ``until_kind`` and ``until_from``, the earliest possible time, state
    how far ``until`` is known.
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
    until_kind: str = "exact"
    until_from: str = ""

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
        until_kind=archived.newest.kind.value,
        until_from=archived.newest.earliest_text(times[-1]),
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


def weeks_not_observed(question: Question, venue: str) -> tuple[ObservationGap, ...]:
    """Returns the spans with a week in which a venue was not observed, up to the question's day.

    Raises RequestError: unknown venue; ArchiveError.
    """
    _check_venue(venue)
    with recorded_archive() as path:
        states = [
            derived.update_tables(source.archive)[1].entries
            for source in open_sources(question, path)
        ]
    return weekly_gaps(times_by_venue(states, _end_of_day(question)).get(venue, ()))


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
    archived = archived_rows(
        question, until, lambda store: queries.rows_of_underlyings(store, [asset], until)
    )
    rows = {key: own for key, own in archived.rows.items() if key in keys}
    if not rows:
        similar = similar_underlying(asset, reading)
        fix = f"; did you mean {similar}?" if similar else ""
        message = f"no venue with an observed margin on {asset}{fix}"
        raise NotObservedError(message)
    series = tuple(
        queries.margin_series(
            own,
            "initial",
            question.notional_grid[0],
            iso_utc(archived.times_of(key)[-1]),
            contract_gaps(archived.times_of(key)),
        )
        for key, own in sorted(rows.items())
    )
    increases = {
        margin.venue: find_increases(
            margin, archived.times_of((margin.venue, margin.symbol, margin.profile))
        )
        for margin in series
    }
    return UnderlyingHistory(series, lead_lags(increases))


def venue_procyclicality(question: Question, venue: str) -> tuple[VenueProcyclicality, ...]:
    """Returns the procyclicality of a venue's margins, by margin type and notional of the question.

    Raises RequestError: unknown venue; ArchiveError.
    """
    _check_venue(venue)
    until = _end_of_day(question) or datetime.max.replace(tzinfo=UTC)
    archived = archived_rows(
        question, until, lambda store: queries.rows_of_venue(store, venue, until)
    )
    return measure_venue(
        [
            queries.margin_series(rows, margin_type, notional, until_text)
            for key, rows in sorted(archived.rows.items())
            for until_text in (iso_utc(archived.times_of(key)[-1]),)
            for margin_type in _MARGIN_TYPES
            for notional in question.notional_grid
        ]
    )


def schedule_series(question: Question, venue: str, symbol: str) -> tuple[MarginSeries, ...]:
    """Returns one schedule's margin series for a chart: IM and MM at each notional.

    Raises as ``schedule_history``.
    """
    archived = _schedule_rows(question, venue, symbol)
    span = iso_utc(archived.times[-1]), contract_gaps(archived.times)
    return tuple(
        queries.margin_series(archived.rows, margin_type, notional, *span)
        for margin_type in _MARGIN_TYPES
        for notional in question.notional_grid
    )


@dataclass(frozen=True, slots=True)
class ArchivedRows:
    """Rows per schedule in chronological order, and observation times per venue, of each archive."""

    rows: dict[ScheduleKey, list[ScheduleRow]]
    times: dict[str, list[VenueTimes]]

    def times_of(self, key: ScheduleKey) -> list[datetime]:
        """Returns the times at which the contract of a schedule was observed, in order."""
        return times_of(self.rows[key], self.times[key[0]])


def archived_rows(
    question: Question, until: datetime, query: Callable[[HistoryTables], Sequence[ScheduleRow]]
) -> ArchivedRows:
    """Returns the rows of a query up to a time. Raises ArchiveError, RequestError."""
    rows: dict[ScheduleKey, list[ScheduleRow]] = {}
    states: list[TableState] = []
    with recorded_archive() as path:
        for source in open_sources(question, path):
            store, state = derived.update_tables(source.archive)
            states.append(state)
            for row in query(store):
                rows.setdefault(row.key, []).append(row)
    return ArchivedRows(
        {key: sorted(own, key=_chronological) for key, own in rows.items()},
        {
            venue: [VenueTimes.of(state.entries, venue, until) for state in states]
            for venue in {venue for venue, _, _ in rows}
        },
    )


@dataclass(frozen=True, slots=True)
class _ScheduleRows:
    """Rows of one schedule, its observation times, and the unreadable observations of its venue.

    ``newest`` states how far the last time is known.
    """

    rows: tuple[ScheduleRow, ...]
    times: tuple[datetime, ...]
    newest: DatePrecision
    unreadable: tuple[str, ...]


def _schedule_rows(question: Question, venue: str, symbol: str) -> _ScheduleRows:
    """Returns the rows of one symbol in one profile; at least one row.

    Raises RequestError: unknown venue; NotObservedError: no snapshot contains the symbol; ArchiveError.
    """
    _check_venue(venue)
    limit = _end_of_day(question)
    rows: list[ScheduleRow] = []
    times: list[VenueTimes] = []
    unreadable: list[str] = []
    with recorded_archive() as path:
        for source in open_sources(question, path):
            store, state = derived.update_tables(source.archive)
            rows += queries.rows_of_symbol(store, venue, symbol, limit)
            times.append(VenueTimes.of(state.entries, venue, limit))
            unreadable += _unreadable(state, venue, limit)
    selected = [row for row in rows if _has_profile(row, question.profile)]
    if not selected:
        similar = "" if rows else _similar_symbol(question, venue, symbol)
        fix = f"; did you mean {similar}?" if similar else ""
        message = f"{venue}: no schedule of {symbol} in any snapshot{fix}"
        raise NotObservedError(message)
    profile = _followed_profile(question, venue, symbol, selected)
    own = sorted((row for row in selected if row.profile == profile), key=_chronological)
    observed = times_of(own, times)
    known = {at: kept.entry.precision for own_times in times for at, kept in own_times.observed}
    newest = known.get(observed[-1], own[-1].precision)
    return _ScheduleRows(tuple(own), tuple(observed), newest, tuple(unreadable))


def _similar_symbol(question: Question, venue: str, symbol: str) -> str:
    """Returns the venue's symbol that an unobserved one resembles; empty without one."""
    try:
        schedules = read(replace(question, venues=(venue,), underlyings=()))[0].schedules
    except RequestError:  # nothing was observed by the question's day
        return ""
    symbols = {schedule.instrument.symbol for schedule in schedules}
    return similar_symbol(symbol, schedules) or similar_name(symbol, symbols)


def _unreadable(state: TableState, venue: str, limit: datetime | None) -> list[str]:
    """Returns day and reason of a venue's unreadable observations."""
    faults = {kept.entry.digest: kept.fault for kept in state.entries}
    entries = observations([kept.entry for kept in state.entries], venue)
    return [
        f"{entry.observed_at:%Y-%m-%d}: {faults[entry.digest]}"
        for entry in entries
        if faults[entry.digest] and (limit is None or entry.observed_at <= limit)
    ]


def _check_venue(venue: str) -> None:
    if message := unknown_venue_error((venue,)):
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
        initial_status=row.initial_status,
        maintenance_status=row.maintenance_status,
        bound=AT_LEAST if AT_LEAST in {row.initial_status, row.maintenance_status} else "",
    )


def _measured_margins(
    rows: Sequence[ScheduleRow], times: Sequence[datetime], notionals: Sequence[float]
) -> list[MeasuredMargin]:
    """Returns the procyclicality of the margins in force at each observation of the contract."""
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
