"""Queries about schedules over time, on the derived tables, with DuckDB."""

from bisect import bisect_right
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import groupby
from operator import itemgetter

from harmonize.archive.catalog import with_observation_times
from harmonize.core.date_precision import CLOSE_DAYS, DateKind, is_closely_dated
from harmonize.document import Status
from harmonize.document.change import ChangeKind
from harmonize.document.history import MarginSeries, ObservationGap, SeriesPoint, StressWindow, Week
from harmonize.history.engine import query, query_rows, table_files
from harmonize.history.recent import (
    RECENT_DAYS,
    DatedChange,
    RecentHistory,
    ScheduleKey,
    StressTightening,
    UnchangedSchedule,
)
from harmonize.history.table_rows import (
    NOT_IN_FORCE,
    ScheduleRow,
    change_of,
    from_naive_utc,
)
from harmonize.history.tables import HistoryTables, TableState
from harmonize.history.timeline import FIRST_SEEN
from harmonize.numerics.offer import margin_of_pieces
from harmonize.numerics.panel import PieceNumbers
from harmonize.text.messages import iso_utc

_WEEK_FIELDS = ("tighter", "looser", "mixed", "other", "listed", "delisted", "undated")
_WEEK_FIELD_BY_KIND = {
    ChangeKind.TIGHTER.value: "tighter",
    ChangeKind.LOOSER.value: "looser",
    ChangeKind.MIXED.value: "mixed",
    ChangeKind.LISTED.value: "listed",
    ChangeKind.DELISTED.value: "delisted",
}
_KINDS_NOT_COUNTED = (
    FIRST_SEEN,
    ChangeKind.LEFT_OUT.value,
    ChangeKind.APPEARED.value,
    ChangeKind.UNREAD.value,
    ChangeKind.READ.value,
)

_MARKED = frozenset({Status.AT_LEAST.value, Status.UNVERIFIED.value})
"""Statuses of a rate that a reader must know: a lower bound, or verified by no source."""

_UNREADABLE = (ChangeKind.UNREAD.value, ChangeKind.READ.value)
"""Kinds of rows that state no change, only that a schedule could not be read, or could again."""


def rows_as_of(store: HistoryTables, asset: str, time: datetime) -> tuple[ScheduleRow, ...]:
    """Returns the schedules of an underlying in force at a time, by venue, symbol and profile."""
    rows = query_rows(
        table_files(store, until=time.year),
        """
        select * exclude (carried) from read_parquet($files, hive_partitioning = false)
        where observed_at <= $time
        qualify asset = $asset and row_number() over (
            partition by venue, symbol, profile order by observed_at desc, sequence desc
        ) = 1
        order by venue, symbol, profile
        """,
        {"asset": asset, "time": time},
    )
    return tuple(row for row in rows if row.kind not in NOT_IN_FORCE)


def rows_of_symbol(
    store: HistoryTables, venue: str, symbol: str, until: datetime | None = None
) -> tuple[ScheduleRow, ...]:
    """Returns the rows of a symbol, unified or the venue's own, in all profiles, in chronological order."""
    return tuple(
        query_rows(
            table_files(store, venues=[venue], every=True),
            """
            select * exclude (carried) from read_parquet($files, hive_partitioning = false)
            where not carried and (upper(symbol) = $symbol or upper(id) = $symbol)
              and ($until is null or observed_at <= $until)
            order by observed_at, sequence, profile
            """,
            {"symbol": symbol.upper(), "until": until},
        )
    )


def rows_of_underlyings(
    store: HistoryTables, assets: Sequence[str], until: datetime
) -> tuple[ScheduleRow, ...]:
    """Returns the rows of underlyings in chronological order, without changes."""
    return tuple(
        query_rows(
            table_files(store, every=True, until=until.year),
            """
            select * exclude (carried, change), '' as change from read_parquet($files, hive_partitioning = false)
            where not carried and list_contains($assets, asset) and observed_at <= $until
            order by observed_at, sequence, venue, symbol, profile
            """,
            {"assets": list(assets), "until": until},
        )
    )


def rows_after(store: HistoryTables, sequence: int, last: int) -> tuple[ScheduleRow, ...]:
    """Returns the rows of entries after ``sequence`` up to ``last``, excluding schedules first seen."""
    return tuple(
        query_rows(
            table_files(store, every=True),
            """
            select * exclude (carried) from read_parquet($files, hive_partitioning = false)
            where not carried and sequence > $sequence and sequence <= $last and change != ''
            order by venue, symbol, profile, sequence
            """,
            {"sequence": sequence, "last": last},
        )
    )


def rows_of_venue(store: HistoryTables, venue: str, until: datetime) -> tuple[ScheduleRow, ...]:
    """Returns all rows of a venue in chronological order, without prices and changes."""
    return tuple(
        query_rows(
            table_files(store, venues=[venue], every=True, until=until.year),
            """
            select * exclude (carried, change) replace (null as price), '' as change
            from read_parquet($files, hive_partitioning = false)
            where not carried and observed_at <= $until
            order by observed_at, sequence, symbol, profile
            """,
            {"until": until},
        )
    )


def rows_between(
    store: HistoryTables, since: datetime, until: datetime, venues: Sequence[str] = ()
) -> tuple[ScheduleRow, ...]:
    """Returns the rows observed after ``since`` up to ``until``, excluding schedules first seen."""
    return tuple(
        query_rows(
            table_files(store, venues=venues, every=True, since=since.year, until=until.year),
            """
            select * exclude (carried) from read_parquet($files, hive_partitioning = false)
            where not carried and observed_at > $since and observed_at <= $until and change != ''
            order by observed_at, sequence, symbol, profile
            """,
            {"since": since, "until": until},
        )
    )


def snapshots_with_changes(store: HistoryTables) -> frozenset[str]:
    """Returns the digests of the snapshots with at least one row."""
    digests = query(
        table_files(store, every=True),
        "select distinct digest from read_parquet($files, hive_partitioning = false)",
        {},
    )
    return frozenset(digest for (digest,) in digests)


def weeks(store: HistoryTables, until: datetime | None = None) -> tuple[Week, ...]:
    """Returns the number of changed schedules per venue and week; weeks without a change are omitted.

    A listing lies between the last complete observation before it and its own observation.
    """
    groups = query(
        table_files(store, every=True),
        """
        select venue, strftime(date_trunc('week', observed_at), '%Y-%m-%d') as week, kind,
               before_at, before_kind, observed_at, date_kind, count(*)
        from read_parquet($files, hive_partitioning = false)
        where not carried and not list_contains($excluded, kind)
          and ($until is null or observed_at <= $until)
        group by all order by all
        """,
        {"excluded": list(_KINDS_NOT_COUNTED), "until": until},
    )
    complete = _complete_observations(store)
    weeks_by_key: dict[tuple[str, str], Counter[str]] = {}
    for venue, week, kind, before, before_kind, after, after_kind, number in groups:
        counts = weeks_by_key.setdefault((venue, week), Counter())
        start: tuple[datetime | None, str] = (before, before_kind)
        if kind == ChangeKind.LISTED.value:
            earlier = (entry for entry in complete.get(venue, ()) if entry[0] < after)
            start = max(earlier, default=start)
        is_dated = is_closely_dated(*start, after, after_kind)
        counts[_WEEK_FIELD_BY_KIND.get(kind, "other") if is_dated else "undated"] += number
    return tuple(
        Week(venue, week, *(counts[name] for name in _WEEK_FIELDS))
        for (venue, week), counts in weeks_by_key.items()
    )


def _complete_observations(store: HistoryTables) -> dict[str, list[tuple[datetime, str]]]:
    """Returns the times of complete readable snapshots per venue, without time zone, and their kinds."""
    states = {kept.entry.digest: kept for kept in store.state().entries}
    observed: dict[str, list[tuple[datetime, str]]] = {}
    for entry in with_observation_times(kept.entry for kept in states.values()):
        if entry.complete and states[entry.digest].read:
            time = entry.observed_at.astimezone(UTC).replace(tzinfo=None)
            observed.setdefault(entry.venue, []).append((time, entry.date_kind))
    return observed


def merge_weeks(weeks_of_archives: Iterable[Week]) -> tuple[Week, ...]:
    """Returns the weeks of several archives by venue, in chronological order.

    Archives may be copies of each other. A week of a venue is therefore taken from the first archive
    that contains it.
    """
    first: dict[tuple[str, str], Week] = {}
    for week in weeks_of_archives:
        first.setdefault((week.venue, week.week), week)
    return tuple(week for _, week in sorted(first.items()))


def unchanged(store: HistoryTables, until: datetime) -> tuple[UnchangedSchedule, ...]:
    """Returns the schedules in force with the time of their last change or first observation.

    A period in which a schedule could not be read is not a change.
    """
    rows = query(
        table_files(store, every=True, until=until.year),
        """
        select venue, symbol, profile,
               coalesce(
                   max({time: observed_at, number: sequence, kind: date_kind, earliest: observed_from})
                       filter (not list_contains($unreadable, kind)),
                   min({time: observed_at, number: sequence, kind: date_kind, earliest: observed_from})
               )
        from read_parquet($files, hive_partitioning = false)
        where not carried and observed_at <= $until
        group by all
        having not list_contains($gone, last(kind order by observed_at, sequence))
        order by all
        """,
        {
            "until": until,
            "gone": sorted(NOT_IN_FORCE),
            "unreadable": list(_UNREADABLE),
        },
    )
    return tuple(
        UnchangedSchedule(
            *(venue, symbol, profile, from_naive_utc(since["time"]), since["kind"]),
            observed_from=from_naive_utc(since["earliest"]),
        )
        for venue, symbol, profile, since in rows
    )


@dataclass(frozen=True, slots=True)
class ChangeTimes:
    """Times of a schedule's rows in order, and for each one since when the schedule is unchanged.

    The latter is None while the schedule is not in force. As in ``unchanged``, a period in which it
    could not be read is not a change.
    """

    times: tuple[datetime, ...]
    since: tuple[datetime | None, ...]

    def unchanged_since(self, time: datetime) -> datetime | None:
        """Returns since when the schedule is unchanged as of a time; None if it is not in force."""
        position = bisect_right(self.times, time)
        return self.since[position - 1] if position else None


def change_times(
    store: HistoryTables, venue: str, symbols: Sequence[str]
) -> dict[ScheduleKey, ChangeTimes]:
    """Returns the times of change of a venue's schedules of some symbols."""
    rows = query(
        table_files(store, venues=[venue], every=True),
        """
        select symbol, profile, observed_at, kind
        from read_parquet($files, hive_partitioning = false)
        where not carried and list_contains($symbols, symbol)
        order by symbol, profile, observed_at, sequence
        """,
        {"symbols": list(symbols)},
    )
    times: dict[ScheduleKey, ChangeTimes] = {}
    for (symbol, profile), own in groupby(rows, key=itemgetter(0, 1)):
        observed_at, since, last = [], list[datetime | None](), None
        for _, _, naive, kind in own:
            time = from_naive_utc(naive)
            last = time if last is None or kind not in _UNREADABLE else last
            observed_at.append(time)
            since.append(None if kind in NOT_IN_FORCE else last)
        times[venue, symbol, profile] = ChangeTimes(tuple(observed_at), tuple(since))
    return times


def recent_history(
    store: HistoryTables, state: TableState, until: datetime, windows: Sequence[StressWindow]
) -> RecentHistory:
    """Returns the input of the checks of changes, as of ``until``."""
    since = until - timedelta(days=RECENT_DAYS)
    readable = (kept.entry for kept in state.entries if kept.read and not kept.fault)
    times_by_venue: dict[str, list[datetime]] = {}
    for entry in with_observation_times(readable):
        if entry.observed_at <= until and entry.precision.is_exact:
            times_by_venue.setdefault(entry.venue, []).append(entry.observed_at)
    return RecentHistory(
        changes=tuple(map(_dated, rows_between(store, since, until))),
        in_stress=in_stress(store, until, windows),
        unchanged=unchanged(store, until),
        observed={venue: _recent(times) for venue, times in sorted(times_by_venue.items())},
    )


def _recent(times: Sequence[datetime]) -> tuple[datetime, ...]:
    """Returns a venue's observation times in the ``RECENT_DAYS`` days before its newest one."""
    since = max(times) - timedelta(days=RECENT_DAYS)
    return tuple(sorted({time for time in times if time >= since}))


def _dated(row: ScheduleRow) -> DatedChange:
    return DatedChange(change_of(row), iso_utc(row.effective_from) if row.effective_from else "")


def in_stress(
    store: HistoryTables, until: datetime, windows: Sequence[StressWindow]
) -> tuple[StressTightening, ...]:
    """Returns the tightening per venue between consecutive observations around a stress window.

    Only between two exact dates at most 31 days apart: otherwise a tightening has no relation to the
    window that was observed.
    """
    increases = query(
        table_files(store, every=True),
        """
        select venue, before_at, observed_at, count(*), max(rise),
               first(symbol order by rise desc, symbol)
        from read_parquet($files, hive_partitioning = false)
        where not carried and rise is not null and observed_at <= $until
          and before_kind = $exact and date_kind = $exact
          and observed_at - before_at <= $longest
        group by all order by all
        """,
        {"until": until, "exact": DateKind.EXACT.value, "longest": timedelta(days=CLOSE_DAYS)},
    )
    return tuple(
        StressTightening(
            venue=venue,
            window=window.name,
            first=window.first,
            last=window.last,
            since=iso_utc(before),
            until=iso_utc(after),
            tightened=count,
            largest=largest,
            symbol=symbol,
        )
        for window in windows
        for venue, before, after, count, largest, symbol in increases
        if f"{after:%Y-%m-%d}" >= window.first and f"{before:%Y-%m-%d}" <= window.last
    )


def margin_series(
    rows: Sequence[ScheduleRow],
    margin_type: str,
    notional: float,
    until: str,
    gaps: Sequence[ObservationGap] = (),
) -> MarginSeries:
    """Returns one margin at one notional over time. ``rows`` are one schedule's, in order.

    ``gaps`` are the spans in which the contract was not observed. A series begins where the code began
    to mean the asset of the last row.
    """
    last = rows[-1]
    points: list[SeriesPoint] = []
    for row in of_one_asset(rows):
        rate = rate_of(row, margin_type, notional)
        since = row.precision.earliest_text(row.observed_at)
        is_dated = is_closely_dated(row.before_at, row.before_kind, row.observed_at, row.date_kind)
        own_status = row.initial_status if margin_type == "initial" else row.maintenance_status
        status = own_status if rate is not None and own_status in _MARKED else ""
        point = SeriesPoint(iso_utc(row.observed_at), rate, since, row.date_kind, is_dated, status)
        if not points or (point.rate, point.status) != (points[-1].rate, points[-1].status):
            points.append(point)
    return MarginSeries(
        underlying=last.asset,
        venue=last.venue,
        symbol=last.symbol,
        profile=last.profile,
        margin_type=margin_type,
        notional=notional,
        points=tuple(points),
        until=until,
        gaps=tuple(gap for gap in gaps if points and gap.last > points[0].observed_at),
    )


def of_one_asset(rows: Sequence[ScheduleRow]) -> Sequence[ScheduleRow]:
    """Returns the rows since the code means the asset that it means in the last one."""
    kinds = [row.kind for row in rows]
    if ChangeKind.ANOTHER_ASSET.value not in kinds:
        return rows
    return rows[len(kinds) - 1 - kinds[::-1].index(ChangeKind.ANOTHER_ASSET.value) :]


def rate_of(row: ScheduleRow, margin_type: str, notional: float) -> float | None:
    """Returns the margin divided by notional; None as for ``margin_of``."""
    margin = margin_of(row, margin_type, notional)
    return None if margin is None else margin / notional


def margin_of(row: ScheduleRow, margin_type: str, notional: float) -> float | None:
    """Returns the margin in USD; None if unknown, above the capacity, or not in force."""
    if row.kind in NOT_IN_FORCE or (row.capacity is not None and notional > row.capacity):
        return None
    return margin_of_pieces(getattr(row, margin_type) or (), notional)


def margin_at_price(
    pieces: Sequence[PieceNumbers] | None, notional: float, ratio: float = 1.0
) -> float | None:
    """Returns the margin of a schedule in coins at ``ratio`` times its price: ``ratio·f(N/ratio)``.

    None if the function is unknown, or ends below.
    """
    margin = margin_of_pieces(pieces, notional / ratio) if pieces else None
    return None if margin is None else ratio * margin
