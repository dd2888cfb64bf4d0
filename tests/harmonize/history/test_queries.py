"""Questions about time, against reading the archive as of that time, and against the table of Binance."""

import json
import random
from collections import Counter
from collections.abc import Sequence
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
from harmonize.archive.location import recorded
from harmonize.core.schedule import MarginFunction, MarginSchedule, Observed, value_of
from harmonize.document.change import ChangeKind
from harmonize.document.history import StressWindow
from harmonize.history import queries
from harmonize.history.recent import DAYS
from harmonize.history.table_rows import GONE, Row
from harmonize.history.tables import HistoryTables
from harmonize.history.timeline import FIRST
from tests.harmonize.history import test_binance_history
from tests.support.table_archives import PLAIN, START, Books, of_recorded, rows
from venues.registry import VENUES

DAY = timedelta(days=1)
ASSETS = ("BTC", "ETH", "DOGE", "SOL", "LUNA", "PEPE", "XMR", "FTT", "BNX", "DEXE")
WHOLE = (datetime(2024, 6, 1, tzinfo=UTC), datetime(2026, 7, 31, 12, tzinfo=UTC))
"""Moments at which every venue is compared, besides the last."""


def moments(seed: int, count: int) -> list[datetime]:
    """Moments among the dated snapshots of Binance: turns of years, snapshots, and any."""
    chance = random.Random(seed)  # noqa: S311 - a seed, not a secret
    days = [
        datetime.fromisoformat(day).replace(tzinfo=UTC)
        for day in sorted(test_binance_history.table())
    ]
    found = [datetime(year, 1, 1, tzinfo=UTC) for year in (2023, 2024, 2025, 2026)]
    found += [one - timedelta(microseconds=1) for one in found]
    while len(found) < count:
        found.append(chance.choice(days) + timedelta(minutes=chance.choice([0, 0, -1, 70000])))
    return [max(one, days[0]) for one in found]


def numbers(figure: Observed[MarginFunction], ratio: float) -> list[tuple[float, ...]] | None:
    """The pieces of a function, with bounds at a price ``ratio`` times as high."""
    function = value_of(figure)
    if function is None:
        return None
    return [
        (
            float(one.upper) * ratio,
            float(one.fixed) * ratio,
            float(one.rate),
            float(one.coefficient) * ratio ** (1 - float(one.power)),
            float(one.power),
        )
        for one in function.pieces
    ]


def close(one: Sequence[tuple[float, ...]] | None, row: Sequence[tuple[float, ...]] | None) -> bool:
    if one is None or row is None:
        return one is row
    lowers = [0.0, *(piece[1] for piece in row[:-1])]
    assert [piece[0] for piece in row] == lowers
    return len(one) == len(row) and all(
        a == pytest.approx(b[1:], rel=1e-9, abs=1e-12) for a, b in zip(one, row, strict=True)
    )


def alike(schedule: MarginSchedule, row: Row) -> bool:
    """Whether a row is a schedule, with prices aside."""
    prices = [
        float(factor.value)
        for evidence in schedule.evidence
        for factor in (evidence.conversion.factors if evidence.conversion else ())
        if "price" in factor.name
    ]
    ratio = row.price / prices[0] if row.price and prices else 1.0
    capacity = value_of(schedule.capacity)
    taken = [] if capacity is None else [float(capacity) * ratio]
    return (
        close(numbers(schedule.initial, ratio), row.initial)
        and close(numbers(schedule.maintenance, ratio), row.maintenance)
        and taken == pytest.approx([] if row.capacity is None else [row.capacity], rel=1e-9)
    )


def compare(moment: datetime, venues: tuple[str, ...], assets: Sequence[str]) -> int:
    reading, _ = audit.read(Question(moment=moment, venues=venues))
    compared = 0
    for asset in assets:
        due = {
            one.key: one for one in reading.schedules if one.instrument.underlying.asset == asset
        }
        found = {
            one.key: one
            for one in queries.as_of(of_recorded(), asset, moment)
            if not venues or one.venue in venues
        }
        assert found.keys() == due.keys(), (moment, asset)
        wrong = [key for key, one in due.items() if not alike(one, found[key])]
        assert not wrong, (moment, wrong)
        compared += len(due)
    return compared


def test_binance_as_of_any_moment_is_what_the_archive_says_then() -> None:
    compared = sum(compare(moment, ("binance",), ASSETS) for moment in moments(1, 18))
    assert compared > 200


def test_every_venue_as_of_a_moment_is_what_the_archive_says_then() -> None:
    last = datetime(2026, 12, 1, tzinfo=UTC)
    assert compare(last, (), [*ASSETS, "XRP", "TRUMP", "XAU"]) > 250
    for moment in WHOLE:
        compare(moment, (), ASSETS)


def test_years_begin_with_what_was_in_force() -> None:
    """An answer about one day needs no more than one file a venue."""
    (held,) = [
        (own, carried)
        for (venue, year, part), carried in rows(of_recorded()).items()
        if (venue, year, part) == ("venue=binance", "2024", "carried")
        for own in [rows(of_recorded())["venue=binance", "2023", "own"]]
    ]
    own, carried = held
    assert len(carried) > 200
    assert {one.observed_at.year for one in carried} <= {2021, 2022, 2023}
    assert not {one.kind for one in carried} & {ChangeKind.DELISTED, ChangeKind.LEFT_OUT}
    last = {one.key: one for one in own}
    assert all(last.get(one.key, one) == one for one in carried)


@cache
def days_of_change() -> dict[str, list[tuple[str, str]]]:
    """By symbol, the days on which the table of Binance has it come, go or change."""
    found: dict[str, list[tuple[str, str]]] = {}
    table = test_binance_history.table()
    days = sorted(table)
    for symbol in table[days[0]]:
        found.setdefault(symbol, []).append((days[0], "first"))
    for one, two in pairwise(days):
        for symbol in sorted(table[one].keys() | table[two].keys()):
            old, new = table[one].get(symbol), table[two].get(symbol)
            if old is None or new is None:
                found.setdefault(symbol, []).append((two, "came" if new else "went"))
            elif not old.same(new):
                found.setdefault(symbol, []).append((two, "changed"))
    return found


def said(row: Row) -> str:
    alone = {
        FIRST: "first",
        ChangeKind.LISTED: "came",
        ChangeKind.APPEARED: "came",
        ChangeKind.DELISTED: "went",
    }
    return alone.get(row.kind, "changed")


def test_history_of_every_symbol_has_the_days_of_the_table() -> None:
    last = max(test_binance_history.table())
    due = days_of_change()
    assert sum(map(len, due.values())) > 4000
    own = [
        one
        for (venue, _, part), held in rows(of_recorded()).items()
        if venue == "venue=binance" and part == "own"
        for one in held
    ]
    found: dict[str, list[tuple[str, str]]] = {}
    for one in own:
        if not one.symbol.endswith(":BTC") and f"{one.observed_at:%Y-%m-%d}" <= last:
            found.setdefault(one.symbol, []).append((f"{one.observed_at:%Y-%m-%d}", said(one)))
    assert found == due


@pytest.mark.parametrize("symbol", ["BTC/USDT:USDT", "ETH/USDT:USDT", "DOGE/USDT:USDT"])
def test_history_has_the_margins_of_the_table_until_the_next_row(symbol: str) -> None:
    held = queries.history(of_recorded(), "binance", symbol.lower())
    for row, after in pairwise([*held, None]):
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
            due = table.at(sizes, np.searchsorted(table.upper, sizes))
            for figure, margins in due.items():
                if not np.isnan(margins).any():
                    told = [queries.margin_of(row, figure, size) for size in sizes]
                    assert told == pytest.approx(list(margins), rel=1e-9)
            top = table.upper[-1]
            assert top > 1e12 or queries.margin_of(row, "initial", top * 1.01) is None


def test_history_ends_where_it_is_asked_to() -> None:
    held = queries.history(of_recorded(), "binance", "BTC/USDT:USDT")
    until = held[3].observed_at
    assert queries.history(of_recorded(), "binance", "btcusdt", until) == held[:4]
    assert queries.history(of_recorded(), "binance", "NONE") == ()


def test_weeks_count_rows_by_the_iso_calendar() -> None:
    names = {one.value: one.name.lower() for one in ChangeKind}
    left = {FIRST, ChangeKind.APPEARED, ChangeKind.LEFT_OUT, ChangeKind.UNREAD, ChangeKind.READ}
    counted = Counter(
        (one.venue, one.observed_at.isocalendar()[:2], names[one.kind])
        for (_, _, part), held in rows(of_recorded()).items()
        if part == "own"
        for one in held
        if one.kind not in left
    )
    apart = ("tighter", "looser", "mixed", "listed", "delisted")
    found: Counter[tuple[str, tuple[int, int], str]] = Counter()
    for week in queries.weeks(of_recorded()):
        monday = datetime.fromisoformat(week.week)
        assert monday.weekday() == 0
        of_week = monday.isocalendar()[:2]
        found += Counter({(week.venue, of_week, name): getattr(week, name) for name in apart})
        others = sum(
            number
            for (venue, when, name), number in counted.items()
            if (venue, when) == (week.venue, of_week) and name not in apart
        )
        assert week.other == others
    assert found == Counter({key: one for key, one in counted.items() if key[2] in apart})
    assert sum(found.values()) > 3000


def test_two_times_stand_on_a_row() -> None:
    """When it was observed is the archive's; since when it holds, the venue's own field."""
    with recorded() as path:
        archive = Archive.open(path)
        entries = {one.digest: one for one in archive.entries()}
        checked = 0
        for (_, _, part), held in rows(of_recorded()).items():
            for row in held if part == "own" else ():
                assert row.observed_at == entries[row.digest].observed_at
                if row.venue not in {"gate", "woofipro"}:
                    continue
                due = set[datetime]()
                for payload in archive.read(entries[row.digest]).payloads:
                    due |= stated(json.loads(payload.content), row.id)
                assert row.effective_from is None or row.effective_from in due, row
                checked += row.effective_from is not None
    assert checked > 5


def stated(document: object, name: str) -> set[datetime]:
    """The times that the rows of an instrument state in any depth: of gate seconds, of woofipro ms."""
    if isinstance(document, list):
        return {at for one in document for at in stated(one, name)}
    if not isinstance(document, dict):
        return set()
    found = {at for one in document.values() for at in stated(one, name)}
    if name in {document.get("name"), document.get("symbol")}:
        for key, unit in (("config_change_time", 1), ("updated_time", 1000)):
            if key in document:
                found.add(datetime.fromtimestamp(float(document[key]) / unit, UTC))
    return found


def update(books: Books, folder: Path) -> HistoryTables:
    store = HistoryTables(folder / "tables")
    store.update(books.archive)
    return store


def in_force(store: HistoryTables, moment: datetime) -> set[str]:
    return {one.symbol[:3] for one in queries.as_of(store, "BTC", moment)}


def test_what_went_and_what_cannot_be_read_is_not_in_force(tmp_path: Path) -> None:
    books = Books(tmp_path / "archive")
    begun = datetime(2027, 12, 29, 1, tzinfo=UTC)
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
        books.gather(state, begun + day * DAY)
    store = update(books, tmp_path)
    there = [bool(in_force(store, begun + day * DAY)) for day in range(len(states))]
    assert there == [True, False, False, True, True, False, False, True]
    assert not in_force(store, begun - DAY)
    assert in_force(store, begun + DAY - timedelta(microseconds=1))


def test_unchanged_is_since_the_last_change_and_not_since_a_gap(tmp_path: Path) -> None:
    """BTC changes, SOL could not be read for a night over a New Year, ETH goes; all others stand."""
    books = Books(tmp_path / "archive")
    begun = datetime(2027, 12, 29, 1, tzinfo=UTC)
    for day, state in enumerate(
        [
            PLAIN,
            PLAIN | {"BTC": "0.05"},
            PLAIN | {"BTC": "0.05", "SOL": "?"},
            PLAIN | {"BTC": "0.05"},
            {"BTC": "0.05", "SOL": "0.02"},
        ]
    ):
        books.gather(state, begun + day * DAY)
    store = update(books, tmp_path)

    def since(day: int) -> dict[str, int]:
        found = queries.unchanged(store, begun + day * DAY)
        return {one.symbol[:3]: (one.since - begun).days for one in found}

    assert since(0) == {"BTC": 0, "ETH": 0, "SOL": 0}
    assert since(1) == {"BTC": 1, "ETH": 0, "SOL": 0}
    assert since(2) == {"BTC": 1, "ETH": 0}
    assert since(3) == {"BTC": 1, "ETH": 0, "SOL": 0}
    assert since(9) == {"BTC": 1, "SOL": 0}


def test_of_two_observations_at_one_time_the_later_appended_counts(tmp_path: Path) -> None:
    books = Books(tmp_path / "archive")
    books.gather(PLAIN, START)
    books.gather({"ETH": "0.02"}, START + DAY)
    books.gather(PLAIN, START + DAY)
    store = update(books, tmp_path)
    assert in_force(store, START + DAY) == {"BTC"}
    assert len(queries.unchanged(store, START + DAY)) == 3


def test_stress_counts_what_tightened_between_observations_about_a_window(tmp_path: Path) -> None:
    books = Books(tmp_path / "archive")
    books.gather(PLAIN, START)
    books.gather({"BTC": "0.03", "ETH": "0.03", "SOL": "0.01"}, START + 2 * DAY)
    books.gather({"BTC": "0.04", "ETH": "0.03", "SOL": "0.01"}, START + 6 * DAY)
    store = update(books, tmp_path)

    def window(first: int, last: int) -> StressWindow:
        days = [f"{START + day * DAY:%Y-%m-%d}" for day in (first, last)]
        return StressWindow(days[0], days[1], f"{first} to {last}", "this test")

    def told(day: int, *windows: StressWindow) -> list[tuple[object, ...]]:
        return [
            (
                one.window,
                one.since[8:10],
                one.until[8:10],
                one.tightened,
                round(one.largest, 9),
                one.symbol,
            )
            for one in queries.in_stress(store, START + day * DAY, windows)
        ]

    both = ("20", "22", 2, 0.5, "BTC/USDC:USDC")  # of two that rose alike, by name
    one = ("22", "26", 1, round(1 / 3, 9), "BTC/USDC:USDC")
    assert told(9, window(-3, -1), window(7, 9)) == []
    assert told(9, window(-3, 0), window(1, 1)) == [("-3 to 0", *both), ("1 to 1", *both)]
    assert told(9, window(2, 3)) == [("2 to 3", *both), ("2 to 3", *one)]
    assert told(9, window(6, 8)) == [("6 to 8", *one)]
    assert told(5, window(2, 8)) == [("2 to 8", *both)]


def test_lately_holds_the_changes_and_observations_of_a_month(tmp_path: Path) -> None:
    books = Books(tmp_path / "archive")
    store = HistoryTables(tmp_path / "tables")
    days = [0, 5, 36, 37, 60]
    for day in days:
        rate = {0: "0.02", 5: "0.03", 36: "0.04", 37: "0.04", 60: "0.05"}[day]
        books.gather(PLAIN | {"BTC": rate}, START + day * DAY)
    books.fail(START + 50 * DAY)
    held = store.update(books.archive)

    def lately(day: float) -> tuple[list[str], list[float]]:
        found = queries.recent_history(store, held, START + day * DAY, ())
        changed = [one.change.after[:10] for one in found.changes]
        seen = [(at - START) / DAY for at in found.observed["dydx"]]
        return changed, seen

    assert DAYS == 31.0
    on = [f"{START + one * DAY:%Y-%m-%d}" for one in range(61)]
    assert lately(60) == ([on[36], on[60]], [36, 37, 60])
    assert lately(36) == ([on[36]], [5, 36])  # the change of day 5 is 31 days ago to the second
    assert lately(35.9) == (
        [on[5]],
        [0, 5],
    )  # observations are those before the newest of its venue
    assert lately(59) == ([on[36]], [36, 37])
    assert lately(45) == ([on[36]], [36, 37])


def test_margins_above_capacity_and_of_what_went_are_none() -> None:
    held = queries.as_of(of_recorded(), "BTC", datetime(2026, 12, 1, tzinfo=UTC))
    checked = 0
    for row in held:
        assert row.kind not in GONE
        if row.capacity is not None and row.initial:
            assert queries.margin_of(row, "initial", row.capacity * 1.001) is None
            top = min(row.capacity, row.initial[-1][1])
            assert top == inf or queries.rate_of(row, "initial", top) is not None
            checked += 1
    assert checked > 10
    assert {one.venue for one in held} <= {one.venue for one in VENUES}
