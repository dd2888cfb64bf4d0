"""Questions about time over 10,000 venue-nights, timed against pandas over the same files and payloads.

Run: ``python -m tests.bench.history``. The tables are real rows, repeated; answers are compared.
"""

import random
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from statistics import median
from typing import Any

import pandas as pd

from harmonize.archive.archive import Archive
from harmonize.archive.catalog import Catalog, Entry
from harmonize.document.change import ChangeKind
from harmonize.history import queries
from harmonize.history.table_rows import NOT_IN_FORCE, ScheduleRow, row_from_columns, write_rows
from harmonize.history.tables import EntryState, HistoryTables, TableState
from harmonize.history.timeline import FIRST_SEEN
from tests.harmonize.history import test_binance_history
from tests.support.table_archives import recorded_tables, rows_by_part
from venues import facts, registry

VENUES, NIGHTS = 40, 250
LONG = 4 * 365
"""Nights of the one venue with a long history."""

BEGUN = datetime(2024, 1, 1, 1, tzinfo=UTC)
RUNS = 9
SHARE = 0.02
"""Of the schedules of a venue, how many change in a night."""

GOALS = {"as of": 0.050, "history": 0.200, "replay": 3.0, "bytes": 25_000}


def main() -> None:
    """Print what was measured and the goals, and fail where two answers differ."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        store, nights, count = synthetic(folder / "tables")
        size = sum(one.stat().st_size for one in store.path.rglob("*.parquet"))
        _say(f"{nights:,} venue-nights, {count:,} rows, {size / 1e6:.1f} MB of tables")
        began = time.perf_counter()
        assert len(store.state().entries) == nights
        _say(f"listing all of them: {(time.perf_counter() - began) * 1e3:.0f} ms")
        _as_of(store)
        _history(store)
        _replay(folder)


def synthetic(folder: Path) -> tuple[HistoryTables, int, int]:
    """Tables of many venues over a year and of one over four: how many nights, and rows."""
    chance = random.Random(20_261_121)  # noqa: S311 - a seed, not a secret
    by_venue: dict[str, list[ScheduleRow]] = {}
    for (_, _, part), held in rows_by_part(recorded_tables()).items():
        for one in held if part == "own" else ():
            if one.kind not in NOT_IN_FORCE:
                by_venue.setdefault(one.venue, []).append(one)
    largest = sorted(by_venue, key=lambda venue: (-len(by_venue[venue]), venue))
    entries: list[Entry] = []
    count = 0
    for number in range(VENUES + 1):
        real = by_venue[largest[number % len(largest)]]
        venue = f"{number:02} {real[0].venue}"
        named = {one.key: replace(one, venue=venue) for one in real}
        nights = LONG if number == 0 else NIGHTS
        count += _venue(folder, venue, list(named.values()), nights, chance)
        entries += _nights(venue, nights, len(entries))
    store = HistoryTables(folder)
    store._write_entries(  # noqa: SLF001 - what `update` would write
        TableState(
            Catalog(tuple(entries), len(entries), entries[-1].digest),
            tuple(EntryState(one, read=True) for one in entries),
        )
    )
    return store, len(entries), count


def _venue(
    folder: Path, venue: str, schedules: list[ScheduleRow], nights: int, chance: random.Random
) -> int:
    """Write a venue's years: all first seen, then some changed each night; give the rows' number."""
    last = {
        one.key: replace(one, observed_at=BEGUN, kind=FIRST_SEEN, change="", before_at=None)
        for one in schedules
    }
    change = next((one.change for one in schedules if one.change), "")
    own, carried, year, count = list(last.values()), list[ScheduleRow](), BEGUN.year, 0
    for night in range(1, nights):
        at = BEGUN + timedelta(days=night)
        if at.year > year:
            count += len(own)
            write_rows(folder / "schedules" / f"venue={venue}" / f"{year}.parquet", own, carried)
            own, carried, year = (
                [],
                [one for one in last.values() if one.kind not in NOT_IN_FORCE],
                at.year,
            )
        for key in chance.sample(sorted(last), max(1, int(len(last) * SHARE))):
            was = last[key]
            kind = chance.choice(
                [ChangeKind.TIGHTER, ChangeKind.LOOSER, ChangeKind.BANDS, ChangeKind.DELISTED]
            )
            scale = chance.choice([0.5, 1.0, 2.0])
            last[key] = replace(
                was,
                observed_at=at,
                before_at=at - timedelta(days=1),
                sequence=night,
                kind=kind.value,
                change=change,
                capacity=was.capacity and was.capacity * scale,
            )
            own.append(last[key])
    write_rows(folder / "schedules" / f"venue={venue}" / f"{year}.parquet", own, carried)
    return count + len(own)


def _nights(venue: str, count: int, before: int) -> Iterator[Entry]:
    for night in range(count):
        digest = f"{before + night:064x}"
        at = BEGUN + timedelta(days=night)
        yield Entry(
            before + night + 1, venue, at, complete=True, digest=digest, payloads=1, size=9_000
        )


def _frame(files: list[Path]) -> pd.DataFrame:
    return pd.concat([pd.read_parquet(one, partitioning=None) for one in files])


def _read(held: pd.DataFrame) -> tuple[ScheduleRow, ...]:
    found = held.drop(columns="carried").astype(object)
    return tuple(map(_row, found.where(found.notna(), None).to_dict("records")))


def _row(one: dict[Any, Any]) -> ScheduleRow:
    """A row as the tables' own reader gives it."""
    plain = {name: _plain(value) for name, value in one.items()}
    return row_from_columns(plain)


def _plain(value: Any) -> Any:
    return value.to_pydatetime() if isinstance(value, pd.Timestamp) else value


def _as_of(store: HistoryTables) -> None:
    moment = BEGUN + timedelta(days=200, hours=5)

    def plain() -> tuple[ScheduleRow, ...]:
        held = _frame(sorted(store.path.glob("schedules/*/2024.parquet")))
        until = moment.replace(tzinfo=None)
        held = held[(held["asset"] == "BTC") & (held["observed_at"] <= until)]
        held = held.sort_values(["observed_at", "sequence"])
        held = held.groupby(["venue", "symbol", "profile"]).tail(1)
        held = held[~held["kind"].isin(sorted(NOT_IN_FORCE))]
        return _read(held.sort_values(["venue", "symbol", "profile"]))

    ours, found = _timed(lambda: queries.rows_as_of(store, "BTC", moment))
    theirs, due = _timed(plain, 3)
    _same(found, due)
    _told(f"BTC as of a day, {len(found)} schedules", ours, "as of", theirs, "pandas")


def _history(store: HistoryTables) -> None:
    folder = min((store.path / "schedules").iterdir())
    venue = folder.name.removeprefix("venue=")
    files = sorted(folder.glob("*.parquet"))
    symbol = "BTC/USDT:USDT"

    def plain() -> tuple[ScheduleRow, ...]:
        held = _frame(files)
        held = held[~held["carried"] & (held["symbol"] == symbol)]
        return _read(held.sort_values(["observed_at", "sequence", "profile"]))

    ours, found = _timed(lambda: queries.rows_of_symbol(store, venue, symbol))
    theirs, due = _timed(plain, 3)
    _same(found, due)
    what = f"four years of one schedule, {len(found)} rows in {len(files)} files"
    _told(what, ours, "history", theirs, "pandas")


def _replay(folder: Path) -> None:
    """The table of Binance as an archive, read into tables; its days parsed and compared by look-up."""
    archive = Archive.create(folder / "archive")
    newest: Entry | None = None
    for snapshot in test_binance_history.snapshots():
        newest = archive.append(snapshot, newest, imported=True)
    store = HistoryTables(folder / "binance")
    began = time.perf_counter()
    store.update(archive)
    ours = time.perf_counter() - began
    began = time.perf_counter()
    table = test_binance_history.table()
    days = sorted(table)
    due = len(table[days[0]])
    for one, two in pairwise(days):
        old, new = table[one], table[two]
        due += len(old.keys() ^ new.keys())
        due += sum(not old[key].same(new[key]) for key in old.keys() & new.keys())
    theirs = time.perf_counter() - began
    own = [
        one for (_, _, part), held in rows_by_part(store).items() if part == "own" for one in held
    ]
    # A table of symbols does not know that one became the code of another asset with equal margins.
    renamed = {
        (f"{one.observed_at:%Y-%m-%d}", one.symbol)
        for one in own
        if one.kind == ChangeKind.ANOTHER_ASSET
    }
    due += sum(
        table[one][symbol].same(table[two][symbol])
        for one, two in pairwise(days)
        for day, symbol in renamed
        if day == two and symbol in table[one] and symbol in table[two]
    )
    _same(len([one for one in own if not one.symbol.endswith(":BTC")]), due)
    what = f"the replay of {len(days)} days of Binance, {len(own)} rows"
    _told(what, ours, "replay", theirs, "looking up rows in pandas, no functions")
    began = time.perf_counter()
    for entry in archive.entries():
        registry.parse([archive.read(entry)], facts.bundled())
    _say(f"    {'of that reading and parsing alone':<58} {time.perf_counter() - began:>7.2f} s")
    sizes = {
        name: sum(each.stat().st_size for each in path.rglob("*") if each.is_file())
        for name, path in (("archive", folder / "archive"), ("tables", store.path))
    }
    each = sum(sizes.values()) / len(days)
    _say(
        f"bytes per venue-night: {each:,.0f} (goal {GOALS['bytes']:,}): {_met(each <= GOALS['bytes'])}; "
        + ", ".join(f"{name} {size / len(days):,.0f}" for name, size in sizes.items())
    )


def _timed(function: Callable[[], Any], runs: int = RUNS) -> tuple[float, Any]:
    times = []
    for _ in range(runs + 1):
        began = time.perf_counter()
        found = function()
        times.append(time.perf_counter() - began)
    return median(times[1:]), found


def _same(found: object, due: object) -> None:
    if found != due:
        message = "two answers differ"
        raise SystemExit(message)


def _told(what: str, ours: float, goal: str, theirs: float, name: str) -> None:
    _say(
        f"{what:<62} {ours * 1e3:>7.0f} ms (goal {GOALS[goal] * 1e3:,.0f} ms): "
        f"{_met(ours <= GOALS[goal])}; {name} {theirs * 1e3:,.0f} ms"
    )


def _met(holds: bool) -> str:  # noqa: FBT001 - the truth of a sentence
    return "met" if holds else "missed"


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")


if __name__ == "__main__":
    main()
