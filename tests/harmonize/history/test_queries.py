"""Queries, compared with reading the archive as of the same time and with the Binance tier table."""

import json
import random
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import cache
from itertools import pairwise
from math import inf
from pathlib import Path

import numpy as np
import pytest

from harmonize.api import audit
from harmonize.api.audit import Question
from harmonize.archive.archive import Archive
from harmonize.archive.catalog import Entry
from harmonize.archive.location import recorded_archive
from harmonize.core.date_precision import EXACT, NO_LATER_THAN, DatePrecision, date_between
from harmonize.core.payload import Snapshot
from harmonize.core.schedule import MarginFunction, MarginSchedule, Observed, value_of
from harmonize.document.change import ChangeKind
from harmonize.document.history import StressWindow
from harmonize.history import queries
from harmonize.history.recent import RECENT_DAYS
from harmonize.history.table_rows import NOT_IN_FORCE, ScheduleRow, change_of
from harmonize.history.tables import HistoryTables
from harmonize.history.timeline import FIRST_SEEN
from tests.harmonize.history import test_binance_history
from tests.support.table_archives import (
    PLAIN,
    START,
    ScriptedArchive,
    recorded_tables,
    rows_by_part,
    sent,
)
from venues.registry import VENUES

DAY = timedelta(days=1)
ASSETS = ("BTC", "ETH", "DOGE", "SOL", "LUNA", "PEPE", "XMR", "FTT", "BNX", "DEXE")
TIMES_OF_ALL_VENUES = (datetime(2024, 6, 1, tzinfo=UTC), datetime(2026, 7, 31, 12, tzinfo=UTC))
"""Times at which every venue is compared, besides the last."""


def times_of_binance(seed: int, count: int) -> list[datetime]:
    """Returns times around Binance snapshots: starts of years, snapshot times and others."""
    chance = random.Random(seed)  # noqa: S311 - a seed, not a secret
    days = [
        datetime.fromisoformat(day).replace(tzinfo=UTC)
        for day in sorted(test_binance_history.table())
    ]
    times = [datetime(year, 1, 1, tzinfo=UTC) for year in (2023, 2024, 2025, 2026)]
    times += [time - timedelta(microseconds=1) for time in times]
    while len(times) < count:
        times.append(chance.choice(days) + timedelta(minutes=chance.choice([0, 0, -1, 70000])))
    return [max(time, days[0]) for time in times]


def numbers(margin: Observed[MarginFunction], ratio: float) -> list[tuple[float, ...]] | None:
    """Returns the pieces of a function, with bounds at ``ratio`` times the price."""
    function = value_of(margin)
    if function is None:
        return None
    return [
        (
            float(piece.upper) * ratio,
            float(piece.fixed) * ratio,
            float(piece.rate),
            float(piece.coefficient) * ratio ** (1 - float(piece.power)),
            float(piece.power),
        )
        for piece in function.pieces
    ]


def is_close(
    pieces: Sequence[tuple[float, ...]] | None, stored: Sequence[tuple[float, ...]] | None
) -> bool:
    """Whether pieces without lower bounds equal stored pieces up to rounding."""
    if pieces is None or stored is None:
        return pieces is stored
    lowers = [0.0, *(piece[1] for piece in stored[:-1])]
    assert [piece[0] for piece in stored] == lowers
    return len(pieces) == len(stored) and all(
        a == pytest.approx(b[1:], rel=1e-9, abs=1e-12) for a, b in zip(pieces, stored, strict=True)
    )


def is_row_of(schedule: MarginSchedule, row: ScheduleRow) -> bool:
    """Whether a row equals a schedule apart from prices."""
    prices = [
        float(factor.value)
        for evidence in schedule.evidence
        for factor in (evidence.conversion.factors if evidence.conversion else ())
        if "price" in factor.name
    ]
    ratio = row.price / prices[0] if row.price and prices else 1.0
    capacity = value_of(schedule.capacity)
    expected = [] if capacity is None else [float(capacity) * ratio]
    return (
        is_close(numbers(schedule.initial, ratio), row.initial)
        and is_close(numbers(schedule.maintenance, ratio), row.maintenance)
        and expected == pytest.approx([] if row.capacity is None else [row.capacity], rel=1e-9)
    )


def compare(time: datetime, venues: tuple[str, ...], assets: Sequence[str]) -> int:
    reading, _ = audit.read(Question(as_of=time, venues=venues))
    compared = 0
    for asset in assets:
        schedules = {
            schedule.key: schedule
            for schedule in reading.schedules
            if schedule.instrument.underlying.asset == asset
        }
        stored = {
            row.key: row
            for row in queries.rows_as_of(recorded_tables(), asset, time)
            if not venues or row.venue in venues
        }
        assert stored.keys() == schedules.keys(), (time, asset)
        wrong = [key for key, schedule in schedules.items() if not is_row_of(schedule, stored[key])]
        assert not wrong, (time, wrong)
        compared += len(schedules)
    return compared


def test_binance_as_of_any_time_equals_the_archive_then() -> None:
    compared = sum(compare(time, ("binance",), ASSETS) for time in times_of_binance(1, 18))
    assert compared > 200


def test_every_venue_as_of_a_time_equals_the_archive_then() -> None:
    last = datetime(2026, 12, 1, tzinfo=UTC)
    assert compare(last, (), [*ASSETS, "XRP", "TRUMP", "XAU"]) > 250
    for time in TIMES_OF_ALL_VENUES:
        compare(time, (), ASSETS)


def test_years_begin_with_the_rows_in_force() -> None:
    """A query about one day needs at most one file per venue."""
    stored = rows_by_part(recorded_tables())
    own, carried = (
        stored["venue=binance", "2023", "own"],
        stored["venue=binance", "2024", "carried"],
    )
    assert len(carried) > 200
    assert {row.observed_at.year for row in carried} <= {2021, 2022, 2023}
    assert not {row.kind for row in carried} & {ChangeKind.DELISTED, ChangeKind.LEFT_OUT}
    last = {row.key: row for row in own}
    assert all(last.get(row.key, row) == row for row in carried)


@cache
def days_of_change() -> dict[str, list[tuple[str, str]]]:
    """Returns by symbol the days on which the Binance table adds, removes or changes it."""
    by_symbol: dict[str, list[tuple[str, str]]] = {}
    table = test_binance_history.table()
    days = sorted(table)
    for symbol in table[days[0]]:
        by_symbol.setdefault(symbol, []).append((days[0], "first"))
    for day, following in pairwise(days):
        for symbol in sorted(table[day].keys() | table[following].keys()):
            old, new = table[day].get(symbol), table[following].get(symbol)
            if old is None or new is None:
                kind = "added" if new else "removed"
                by_symbol.setdefault(symbol, []).append((following, kind))
            elif not old.same(new) or (symbol, following) in test_binance_history.OTHER_ASSETS:
                by_symbol.setdefault(symbol, []).append((following, "changed"))
    return by_symbol


def kind_of(row: ScheduleRow) -> str:
    kinds = {
        FIRST_SEEN: "first",
        ChangeKind.LISTED: "added",
        ChangeKind.APPEARED: "added",
        ChangeKind.DELISTED: "removed",
    }
    return kinds.get(row.kind, "changed")


def test_history_of_every_symbol_has_the_days_of_the_table() -> None:
    last = max(test_binance_history.table())
    expected = days_of_change()
    assert sum(map(len, expected.values())) > 4000
    own = [
        row
        for (venue, _, part), stored in rows_by_part(recorded_tables()).items()
        if venue == "venue=binance" and part == "own"
        for row in stored
    ]
    by_symbol: dict[str, list[tuple[str, str]]] = {}
    for row in own:
        day = f"{row.observed_at:%Y-%m-%d}"
        if not row.symbol.endswith(":BTC") and day <= last:
            by_symbol.setdefault(row.symbol, []).append((day, kind_of(row)))
    assert by_symbol == expected


@pytest.mark.parametrize("symbol", ["BTC/USDT:USDT", "ETH/USDT:USDT", "DOGE/USDT:USDT"])
def test_history_has_the_margins_of_the_table_until_the_next_row(symbol: str) -> None:
    stored = queries.rows_of_symbol(recorded_tables(), "binance", symbol.lower())
    for row, after in pairwise([*stored, None]):
        assert row is not None
        days = [
            day
            for day in test_binance_history.table()
            if row.observed_at.date().isoformat() <= day
            and (after is None or day < after.observed_at.date().isoformat())
        ]
        for day in days[:1] + days[-1:]:
            table = test_binance_history.table()[day][symbol]
            sizes = test_binance_history.GRID[table.upper[-1] >= test_binance_history.GRID]
            expected = table.at(sizes, np.searchsorted(table.upper, sizes))
            for margin_type, margins in expected.items():
                if not np.isnan(margins).any():
                    stored_margins = [queries.margin_of(row, margin_type, size) for size in sizes]
                    assert stored_margins == pytest.approx(list(margins), rel=1e-9)
            top = table.upper[-1]
            assert top > 1e12 or queries.margin_of(row, "initial", top * 1.01) is None


def test_history_ends_at_the_requested_time() -> None:
    stored = queries.rows_of_symbol(recorded_tables(), "binance", "BTC/USDT:USDT")
    until = stored[3].observed_at
    assert queries.rows_of_symbol(recorded_tables(), "binance", "btcusdt", until) == stored[:4]
    assert queries.rows_of_symbol(recorded_tables(), "binance", "NONE") == ()


def test_weeks_count_rows_by_the_iso_calendar() -> None:
    names = {kind.value: kind.name.lower() for kind in ChangeKind}
    excluded = {
        FIRST_SEEN,
        ChangeKind.APPEARED,
        ChangeKind.LEFT_OUT,
        ChangeKind.UNREAD,
        ChangeKind.READ,
    }
    expected = Counter(
        (
            *(row.venue, row.observed_at.isocalendar()[:2]),
            names[row.kind] if is_dated(row) else "undated",
        )
        for (_, _, part), stored in rows_by_part(recorded_tables()).items()
        if part == "own"
        for row in stored
        if row.kind not in excluded
    )
    fields = ("tighter", "looser", "mixed", "listed", "delisted", "undated")
    counts: Counter[tuple[str, tuple[int, int], str]] = Counter()
    for week in queries.weeks(recorded_tables()):
        monday = datetime.fromisoformat(week.week)
        assert monday.weekday() == 0
        of_week = monday.isocalendar()[:2]
        counts += Counter({(week.venue, of_week, name): getattr(week, name) for name in fields})
        others = sum(
            number
            for (venue, iso_week, name), number in expected.items()
            if (venue, iso_week) == (week.venue, of_week) and name not in fields
        )
        assert week.other == others
    assert counts == Counter({key: n for key, n in expected.items() if key[2] in fields})
    assert sum(counts.values()) > 3000
    undated = {key[1] for key in counts if key[0] == "binance" and key[2] == "undated"}
    assert min(undated) < (2022, 10)  # hand-made recordings, known by the day of their publication


def is_dated(row: ScheduleRow) -> bool:
    """Whether both observations around a row's change are exact and at most 31 days apart."""
    before = [(row.before_at, row.before_kind)] if row.before_at else []
    if row.kind == ChangeKind.LISTED:
        before = [
            (entry.observed_at, entry.date_kind)
            for entry in recorded_entries()
            if entry.venue == row.venue and entry.complete and entry.observed_at < row.observed_at
        ]
    if not before:
        return False
    at, kind = max(before)
    return kind == row.date_kind == "exact" and row.observed_at - at <= timedelta(days=31)


@cache
def recorded_entries() -> tuple[Entry, ...]:
    with recorded_archive() as path:
        return Archive.open(path).entries()


def with_date(snapshot: Snapshot, precision: DatePrecision) -> Snapshot:
    """Returns a snapshot whose observation time is known as far as stated."""
    payloads = tuple(replace(payload, precision=precision) for payload in snapshot.payloads)
    return replace(snapshot, payloads=payloads)


@pytest.mark.parametrize("position", [0, 1])
def test_what_has_no_exact_date_has_no_week_and_no_stress(tmp_path: Path, position: int) -> None:
    books = ScriptedArchive(tmp_path / "archive")
    for day, (rate, state) in enumerate((("0.02", {}), ("0.03", {"ETH": "0.02"}))):
        snapshot = sent({"BTC": rate, **state}, START + day * DAY, live=False)
        precision = NO_LATER_THAN if day == position else EXACT
        books.archive.append(with_date(snapshot, precision), imported=True)
    store = update(books, tmp_path)
    window = StressWindow(f"{START:%Y-%m-%d}", f"{START + DAY:%Y-%m-%d}", "a fall", "this test")
    assert queries.in_stress(store, START + 9 * DAY, [window]) == ()
    (week,) = queries.weeks(store)
    assert (week.tighter, week.listed, week.undated) == (0, 0, 2)
    rows = queries.rows_of_symbol(store, "dydx", "BTC/USDC:USDC")
    kinds = (NO_LATER_THAN.kind.value, "exact")
    assert (rows[1].before_kind, rows[1].date_kind) == (kinds if position == 0 else kinds[::-1])
    assert not queries.margin_series(rows, "initial", 1e4, "2027-12-01").points[1].is_dated
    change = change_of(rows[1])
    days = (change.before_day, change.after_day)
    assert [day.startswith("≤") for day in days] == [position == 0, position == 1]


@pytest.mark.parametrize(("days", "is_close"), [(31, True), (32, False)])
def test_observations_far_apart_give_no_week_and_no_stress(
    tmp_path: Path, days: int, *, is_close: bool
) -> None:
    books = ScriptedArchive(tmp_path / "archive")
    books.gather({"BTC": "0.02"}, START)
    books.gather({"BTC": "0.03", "ETH": "0.02"}, START + days * DAY)
    store = update(books, tmp_path)
    window = StressWindow(f"{START:%Y-%m-%d}", f"{START + DAY:%Y-%m-%d}", "a fall", "this test")
    assert bool(queries.in_stress(store, START + 99 * DAY, [window])) is is_close
    (week,) = queries.weeks(store)
    assert (week.tighter, week.listed, week.undated) == ((1, 1, 0) if is_close else (0, 0, 2))
    rows = queries.rows_of_symbol(store, "dydx", "BTC/USDC:USDC")
    series = queries.margin_series(rows, "initial", 1e4, "2028-12-01")
    assert series.points[1].is_dated is is_close


def test_a_listing_lies_after_the_last_complete_observation(tmp_path: Path) -> None:
    books = ScriptedArchive(tmp_path / "archive")
    books.gather({"BTC": "0.02"}, START)
    books.gather({"BTC": "0.02"}, START + 30 * DAY, complete=False)
    books.gather({"BTC": "0.02", "ETH": "0.02"}, START + 40 * DAY)
    (week,) = queries.weeks(update(books, tmp_path))
    assert (week.listed, week.undated) == (0, 1)


def test_unchanged_since_an_inexact_date_states_its_kind(tmp_path: Path) -> None:
    books = ScriptedArchive(tmp_path / "archive")
    earliest = START - 9 * DAY
    snapshot = with_date(sent(PLAIN, START, live=False), date_between(earliest))
    books.archive.append(snapshot, imported=True)
    books.gather(PLAIN, START + DAY)
    store = HistoryTables(tmp_path / "tables")
    state = store.update(books.archive)
    recent = queries.recent_history(store, state, START + 2 * DAY, ())
    assert {schedule.since_day for schedule in recent.unchanged} == {"2027-11-11 to 2027-11-20"}
    assert recent.observed == {"dydx": (START + DAY,)}


def test_a_row_has_two_times() -> None:
    """The observation time is the archive's, the effective time the venue's own field."""
    with recorded_archive() as path:
        archive = Archive.open(path)
        entries = {entry.digest: entry for entry in archive.entries()}
        checked = 0
        for (_, _, part), stored in rows_by_part(recorded_tables()).items():
            for row in stored if part == "own" else ():
                assert row.observed_at == entries[row.digest].observed_at
                if row.venue not in {"gate", "woofipro"}:
                    continue
                published = set[datetime]()
                for payload in archive.read(entries[row.digest]).payloads:
                    published |= effective_times(json.loads(payload.content), row.id)
                assert row.effective_from is None or row.effective_from in published, row
                checked += row.effective_from is not None
    assert checked > 5


def effective_times(document: object, name: str) -> set[datetime]:
    """Returns the effective times of an instrument at any depth: gate in s, woofipro in ms."""
    if isinstance(document, list):
        return {time for item in document for time in effective_times(item, name)}
    if not isinstance(document, dict):
        return set()
    times = {time for item in document.values() for time in effective_times(item, name)}
    if name in {document.get("name"), document.get("symbol")}:
        for key, unit in (("config_change_time", 1), ("updated_time", 1000)):
            if key in document:
                times.add(datetime.fromtimestamp(float(document[key]) / unit, UTC))
    return times


def update(books: ScriptedArchive, folder: Path) -> HistoryTables:
    store = HistoryTables(folder / "tables")
    store.update(books.archive)
    return store


def in_force(store: HistoryTables, time: datetime) -> set[str]:
    return {row.symbol[:3] for row in queries.rows_as_of(store, "BTC", time)}


def test_removed_and_unreadable_schedules_are_not_in_force(tmp_path: Path) -> None:
    books = ScriptedArchive(tmp_path / "archive")
    start = datetime(2027, 12, 29, 1, tzinfo=UTC)
    without = {"ETH": "0.02"}
    states = [
        PLAIN,
        PLAIN | {"BTC": "?"},
        PLAIN | {"BTC": "?"},
        PLAIN,
        PLAIN,
        without,
        without,
        PLAIN,
    ]
    for day, state in enumerate(states):
        books.gather(state, start + day * DAY)
    store = update(books, tmp_path)
    is_in_force = [bool(in_force(store, start + day * DAY)) for day in range(len(states))]
    assert is_in_force == [True, False, False, True, True, False, False, True]
    assert not in_force(store, start - DAY)
    assert in_force(store, start + DAY - timedelta(microseconds=1))


def test_unchanged_counts_from_the_last_change_and_not_from_an_unreadable_period(
    tmp_path: Path,
) -> None:
    """BTC changes, SOL is unreadable for a night at New Year, ETH is removed; others are unchanged."""
    books = ScriptedArchive(tmp_path / "archive")
    start = datetime(2027, 12, 29, 1, tzinfo=UTC)
    for day, state in enumerate(
        [
            PLAIN,
            PLAIN | {"BTC": "0.05"},
            PLAIN | {"BTC": "0.05", "SOL": "?"},
            PLAIN | {"BTC": "0.05"},
            {"BTC": "0.05", "SOL": "0.02"},
        ]
    ):
        books.gather(state, start + day * DAY)
    store = update(books, tmp_path)

    def since(day: int) -> dict[str, int]:
        schedules = queries.unchanged(store, start + day * DAY)
        return {schedule.symbol[:3]: (schedule.since - start).days for schedule in schedules}

    assert since(0) == {"BTC": 0, "ETH": 0, "SOL": 0}
    assert since(1) == {"BTC": 1, "ETH": 0, "SOL": 0}
    assert since(2) == {"BTC": 1, "ETH": 0}
    assert since(3) == {"BTC": 1, "ETH": 0, "SOL": 0}
    assert since(9) == {"BTC": 1, "SOL": 0}


def test_of_two_observations_at_one_time_the_later_appended_counts(tmp_path: Path) -> None:
    books = ScriptedArchive(tmp_path / "archive")
    books.gather(PLAIN, START)
    books.gather({"ETH": "0.02"}, START + DAY)
    books.gather(PLAIN, START + DAY)
    store = update(books, tmp_path)
    assert in_force(store, START + DAY) == {"BTC"}
    assert len(queries.unchanged(store, START + DAY)) == 3


def test_stress_counts_tightening_between_observations_around_a_window(tmp_path: Path) -> None:
    books = ScriptedArchive(tmp_path / "archive")
    books.gather(PLAIN, START)
    books.gather({"BTC": "0.03", "ETH": "0.03", "SOL": "0.01"}, START + 2 * DAY)
    books.gather({"BTC": "0.04", "ETH": "0.03", "SOL": "0.01"}, START + 6 * DAY)
    store = update(books, tmp_path)

    def window(first: int, last: int) -> StressWindow:
        days = [f"{START + day * DAY:%Y-%m-%d}" for day in (first, last)]
        return StressWindow(days[0], days[1], f"{first} to {last}", "this test")

    def tightenings(day: int, *windows: StressWindow) -> list[tuple[object, ...]]:
        return [
            (
                stressed.window,
                stressed.since[8:10],
                stressed.until[8:10],
                stressed.tightened,
                round(stressed.largest, 9),
                stressed.symbol,
            )
            for stressed in queries.in_stress(store, START + day * DAY, windows)
        ]

    both = ("20", "22", 2, 0.5, "BTC/USDC:USDC")  # of two equal increases, the first name
    single = ("22", "26", 1, round(1 / 3, 9), "BTC/USDC:USDC")
    assert tightenings(9, window(-3, -1), window(7, 9)) == []
    assert tightenings(9, window(-3, 0), window(1, 1)) == [("-3 to 0", *both), ("1 to 1", *both)]
    assert tightenings(9, window(2, 3)) == [("2 to 3", *both), ("2 to 3", *single)]
    assert tightenings(9, window(6, 8)) == [("6 to 8", *single)]
    assert tightenings(5, window(2, 8)) == [("2 to 8", *both)]


def test_recent_history_has_the_changes_and_observations_of_a_month(tmp_path: Path) -> None:
    books = ScriptedArchive(tmp_path / "archive")
    store = HistoryTables(tmp_path / "tables")
    days = [0, 5, 36, 37, 60]
    for day in days:
        rate = {0: "0.02", 5: "0.03", 36: "0.04", 37: "0.04", 60: "0.05"}[day]
        books.gather(PLAIN | {"BTC": rate}, START + day * DAY)
    books.fail(START + 50 * DAY)
    state = store.update(books.archive)

    def recent(day: float) -> tuple[list[str], list[float]]:
        history = queries.recent_history(store, state, START + day * DAY, ())
        changed = [dated.change.after[:10] for dated in history.changes]
        observed = [(time - START) / DAY for time in history.observed["dydx"]]
        return changed, observed

    assert RECENT_DAYS == 31.0
    days_text = [f"{START + day * DAY:%Y-%m-%d}" for day in range(61)]
    assert recent(60) == ([days_text[36], days_text[60]], [36, 37, 60])
    assert recent(36) == (
        [days_text[36]],
        [5, 36],
    )  # the change of day 5 is 31 days ago to the second
    assert recent(35.9) == (
        [days_text[5]],
        [0, 5],
    )  # observations count back from the newest of the venue
    assert recent(59) == ([days_text[36]], [36, 37])
    assert recent(45) == ([days_text[36]], [36, 37])


def test_margins_above_capacity_and_of_removed_schedules_are_none() -> None:
    in_force_rows = queries.rows_as_of(recorded_tables(), "BTC", datetime(2026, 12, 1, tzinfo=UTC))
    checked = 0
    for row in in_force_rows:
        assert row.kind not in NOT_IN_FORCE
        if row.capacity is not None and row.initial:
            assert queries.margin_of(row, "initial", row.capacity * 1.001) is None
            top = min(row.capacity, row.initial[-1][1])
            assert top == inf or queries.rate_of(row, "initial", top) is not None
            checked += 1
    assert checked > 10
    assert {row.venue for row in in_force_rows} <= {adapter.venue for adapter in VENUES}
