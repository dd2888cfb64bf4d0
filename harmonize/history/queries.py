"""Questions about time, answered by DuckDB from the tables of a store."""

import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from harmonize.archive.catalog import with_observation_times
from harmonize.document.change import ChangeKind
from harmonize.document.history import MarginSeries, SeriesPoint, StressWindow, Week
from harmonize.history.recent import DAYS, Dated, InStress, RecentHistory, Unchanged
from harmonize.history.table_rows import GONE, Row, bare, change_of, row_from
from harmonize.history.tables import HistoryTables, TableState
from harmonize.history.timeline import FIRST

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

_COUNTED = {
    ChangeKind.TIGHTER.value: "tighter",
    ChangeKind.LOOSER.value: "looser",
    ChangeKind.MIXED.value: "mixed",
    ChangeKind.LISTED.value: "listed",
    ChangeKind.DELISTED.value: "delisted",
}
_UNCOUNTED = (
    FIRST,
    *(
        one.value
        for one in (ChangeKind.LEFT_OUT, ChangeKind.APPEARED, ChangeKind.UNREAD, ChangeKind.READ)
    ),
)


def as_of(store: HistoryTables, asset: str, moment: datetime) -> tuple[Row, ...]:
    """The schedules of an underlying as they were in force at a time; by venue, symbol, profile."""
    found = _asked(
        _files(store, until=moment.year),
        """
        select * exclude (carried) from read_parquet($files, hive_partitioning = false)
        where asset = $asset and observed_at <= $moment
        qualify row_number() over (
            partition by venue, symbol, profile order by observed_at desc, sequence desc
        ) = 1
        order by venue, symbol, profile
        """,
        {"asset": asset, "moment": moment},
    )
    return tuple(one for one in found if one.kind not in GONE)


def history(
    store: HistoryTables, venue: str, symbol: str, until: datetime | None = None
) -> tuple[Row, ...]:
    """The rows of a symbol (unified or the venue's own) in order of time, in all its profiles."""
    return tuple(
        _asked(
            _files(store, venues=[venue], every=True),
            """
            select * exclude (carried) from read_parquet($files, hive_partitioning = false)
            where not carried and (upper(symbol) = $symbol or upper(id) = $symbol)
              and ($moment is null or observed_at <= $moment)
            order by observed_at, sequence, profile
            """,
            {"symbol": symbol.upper(), "moment": until},
        )
    )


def rows_of(store: HistoryTables, assets: Sequence[str], until: datetime) -> tuple[Row, ...]:
    """The rows of underlyings in order of time."""
    return tuple(
        _asked(
            _files(store, every=True, until=until.year),
            """
            select * exclude (carried) from read_parquet($files, hive_partitioning = false)
            where not carried and list_contains($assets, asset) and observed_at <= $moment
            order by observed_at, sequence, venue, symbol, profile
            """,
            {"assets": list(assets), "moment": until},
        )
    )


def rows_after(store: HistoryTables, sequence: int, last: int) -> tuple[Row, ...]:
    """The rows of entries after one sequence and up to another, but for what was first seen."""
    return tuple(
        _asked(
            _files(store, every=True),
            """
            select * exclude (carried) from read_parquet($files, hive_partitioning = false)
            where not carried and sequence > $sequence and sequence <= $last and change != ''
            order by venue, symbol, profile, sequence
            """,
            {"sequence": sequence, "last": last},
        )
    )


def rows_at(store: HistoryTables, venue: str, until: datetime) -> tuple[Row, ...]:
    """All rows of a venue in order of time."""
    return tuple(
        _asked(
            _files(store, venues=[venue], every=True, until=until.year),
            """
            select * exclude (carried, change) replace (null as price), '' as change
            from read_parquet($files, hive_partitioning = false)
            where not carried and observed_at <= $moment
            order by observed_at, sequence, symbol, profile
            """,
            {"moment": until},
        )
    )


def rows_between(
    store: HistoryTables, since: datetime, until: datetime, venues: Sequence[str] = ()
) -> tuple[Row, ...]:
    """The rows observed after ``since`` and up to ``until``, but for what was first seen."""
    return tuple(
        _asked(
            _files(store, venues=venues, every=True, since=since.year, until=until.year),
            """
            select * exclude (carried) from read_parquet($files, hive_partitioning = false)
            where not carried and observed_at > $since and observed_at <= $until and change != ''
            order by observed_at, sequence, symbol, profile
            """,
            {"since": since, "until": until},
        )
    )


def snapshots_with_changes(store: HistoryTables) -> frozenset[str]:
    """The digests of the snapshots that rows rest on."""
    found = _table(
        _files(store, every=True),
        "select distinct digest from read_parquet($files, hive_partitioning = false)",
        {},
    )
    return frozenset(digest for (digest,) in found)


def weeks(store: HistoryTables, until: datetime | None = None) -> tuple[Week, ...]:
    """How many schedules of each venue changed in each week, weeks without a change left out."""
    found = _table(
        _files(store, every=True),
        """
        select venue, strftime(date_trunc('week', observed_at), '%Y-%m-%d'),
               kind, count(*)
        from read_parquet($files, hive_partitioning = false)
        where not carried and not list_contains($left, kind)
          and ($moment is null or observed_at <= $moment)
        group by all order by all
        """,
        {"left": list(_UNCOUNTED), "moment": until},
    )
    counts: dict[tuple[str, str], dict[str, int]] = {}
    for venue, week, kind, number in found:
        held = counts.setdefault((venue, week), {})
        name = _COUNTED.get(kind, "other")
        held[name] = held.get(name, 0) + number
    return tuple(
        Week(venue, week, *(held.get(name, 0) for name in _WEEK))
        for (venue, week), held in counts.items()
    )


def merge_weeks(found: Iterable[Week]) -> tuple[Week, ...]:
    """The weeks that several archives hold, each from the first that tells of it: they may be copies.

    By venue and in order of time.
    """
    held: dict[tuple[str, str], Week] = {}
    for one in found:
        held.setdefault((one.venue, one.week), one)
    return tuple(one for _, one in sorted(held.items()))


_WEEK = ("tighter", "looser", "mixed", "other", "listed", "delisted")


def unchanged(store: HistoryTables, until: datetime) -> tuple[Unchanged, ...]:
    """The schedules in force, and when each was last seen to change, or was first seen.

    That one could not be read for a time, and is as it was before, is no change.
    """
    found = _table(
        _files(store, every=True, until=until.year),
        """
        select venue, symbol, profile,
               coalesce(max(observed_at) filter (not list_contains($gap, kind)), min(observed_at))
        from read_parquet($files, hive_partitioning = false)
        where not carried and observed_at <= $moment
        group by all
        having not list_contains($gone, last(kind order by observed_at, sequence))
        order by all
        """,
        {
            "moment": until,
            "gone": sorted(GONE),
            "gap": [ChangeKind.UNREAD.value, ChangeKind.READ.value],
        },
    )
    return tuple(
        Unchanged(venue, symbol, profile, moment.replace(tzinfo=UTC))
        for venue, symbol, profile, moment in found
    )


def lately(
    store: HistoryTables, held: TableState, until: datetime, windows: Sequence[StressWindow]
) -> RecentHistory:
    """What checks of change are asked about, as of ``until``."""
    since = until - timedelta(days=DAYS)
    observed: dict[str, list[datetime]] = {}
    for one in with_observation_times(
        each.entry for each in held.kept if each.read and not each.fault
    ):
        if one.observed_at <= until:
            observed.setdefault(one.venue, []).append(one.observed_at)
    return RecentHistory(
        changes=tuple(map(_dated, rows_between(store, since, until))),
        in_stress=in_stress(store, until, windows),
        unchanged=unchanged(store, until),
        observed={venue: _newest(times) for venue, times in sorted(observed.items())},
    )


def _newest(times: Sequence[datetime]) -> tuple[datetime, ...]:
    """The observations of a venue in the last days before its newest one."""
    since = max(times) - timedelta(days=DAYS)
    return tuple(sorted({one for one in times if one >= since}))


def _dated(row: Row) -> Dated:
    effective = row.effective_from
    return Dated(change_of(row), f"{effective:%Y-%m-%dT%H:%M:%SZ}" if effective else "")


def in_stress(
    store: HistoryTables, until: datetime, windows: Sequence[StressWindow]
) -> tuple[InStress, ...]:
    """The schedules of each venue that tightened between observations about a window of stress."""
    risen = _table(
        _files(store, every=True),
        """
        select venue, before_at, observed_at, count(*), max(rise),
               first(symbol order by rise desc, symbol)
        from read_parquet($files, hive_partitioning = false)
        where not carried and rise is not null and observed_at <= $moment
        group by all order by all
        """,
        {"moment": until},
    )
    return tuple(
        InStress(
            venue,
            window.name,
            window.first,
            window.last,
            f"{before:%Y-%m-%dT%H:%M:%SZ}",
            f"{after:%Y-%m-%dT%H:%M:%SZ}",
            *counted,
        )
        for window in windows
        for venue, before, after, *counted in risen
        if f"{after:%Y-%m-%d}" >= window.first and f"{before:%Y-%m-%d}" <= window.last
    )


def margin_series(rows: Sequence[Row], figure: str, notional: float, until: str) -> MarginSeries:
    """One margin at one notional over time. ``rows`` are those of one schedule, in order of time."""
    last = rows[-1]
    marks: list[SeriesPoint] = []
    for one in rows:
        mark = SeriesPoint(f"{one.observed_at:%Y-%m-%dT%H:%M:%SZ}", rate_of(one, figure, notional))
        if not marks or mark.rate != marks[-1].rate:
            marks.append(mark)
    return MarginSeries(
        last.asset, last.venue, last.symbol, last.profile, figure, notional, tuple(marks), until
    )


def rate_of(row: Row, figure: str, notional: float) -> float | None:
    """Margin over notional; None where it is not known, above what the venue takes, or gone."""
    margin = margin_of(row, figure, notional)
    return None if margin is None else margin / notional


def margin_of(row: Row, figure: str, notional: float) -> float | None:
    """Margin in USD, as ``rate_of``."""
    if row.kind in GONE or (row.capacity is not None and notional > row.capacity):
        return None
    for lower, upper, fixed, rate, coefficient, power in getattr(row, figure) or ():
        if lower < notional <= upper:
            bend = coefficient * notional**power if coefficient else 0.0
            found: float = fixed + rate * notional + bend
            return found
    return None


def _files(
    store: HistoryTables,
    *,
    venues: Sequence[str] = (),
    every: bool = False,
    since: int = 0,
    until: int = 9999,
) -> list[str]:
    """The tables to open: each venue's newest year up to ``until``, or ``every`` one from ``since``."""
    found: list[Path] = []
    for folder in sorted((store.path / "schedules").glob("venue=*")):
        if venues and folder.name.removeprefix("venue=") not in venues:
            continue
        years = sorted(one for one in folder.glob("*.parquet") if since <= int(one.stem) <= until)
        found += years if every else years[-1:]
    return [_WILD.sub(r"[\g<0>]", str(one)) for one in found]


_WILD = re.compile(r"[\[*?]")
"""What a path may hold that the engine takes for a pattern."""


def _asked(files: Sequence[str], sql: str, values: Mapping[str, object]) -> Iterable[Row]:
    names: list[str] = []
    rows = _table(files, sql, values, names)
    return [row_from(dict(zip(names, one, strict=True))) for one in rows]


def _table(
    files: Sequence[str],
    sql: str,
    values: Mapping[str, object],
    names: list[str] | None = None,
) -> list[tuple[Any, ...]]:
    if not files:
        return []
    with _engine().cursor() as connection:
        plain = {
            name: bare(one) if isinstance(one, datetime) else one for name, one in values.items()
        }
        connection.execute(sql, {"files": list(files), **plain})
        if names is not None:
            names += [one[0] for one in connection.description or ()]
        return connection.fetchall()


@cache
def _engine() -> "DuckDBPyConnection":
    """DuckDB, started once: that takes longer than most questions. It keeps nothing of any file."""
    import duckdb  # noqa: PLC0415 - heavy, and only questions about time need it

    connection = duckdb.connect()
    connection.execute("set enable_external_file_cache = false")
    return connection
