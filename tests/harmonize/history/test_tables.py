"""Tables updated night by night, damaged or shared equal tables built at once."""

import json
import os
import random
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from shutil import rmtree

import pytest

from harmonize.archive.archive import Archive
from harmonize.archive.catalog import Entry
from harmonize.config.run_settings import RetentionSettings
from harmonize.document.change import ChangeKind
from harmonize.history import derived, queries, table_rows, tables, timeline
from harmonize.history.table_rows import ScheduleRow
from harmonize.history.tables import HistoryTables, TableState
from harmonize.history.timeline import FIRST_SEEN, VenueObservation
from harmonize.nightly import retention
from tests.support.table_archives import (
    ASSETS,
    PLAIN,
    START,
    ScriptedArchive,
    build_at_once,
    event_list,
    rows_by_part,
    sent,
)

DAY = timedelta(days=1)
RATES = ("0.02", "0.02", "0.04", "0.05", "?")
IMPLAUSIBLE = "0.0001"
"""A rate so far below the others that a live schedule with it is hidden."""


@pytest.fixture(autouse=True)
def own_caches(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


@pytest.fixture
def books(tmp_path: Path) -> ScriptedArchive:
    return ScriptedArchive(tmp_path / "archive")


def random_state(chance: random.Random, rates: Sequence[str]) -> dict[str, str]:
    assets = [asset for asset in ASSETS if chance.random() < 0.9] or ["BTC"]
    return {asset: chance.choice(rates) for asset in assets}


def run_script(
    chance: random.Random, books: ScriptedArchive, grown: HistoryTables, *, prunes: bool
) -> None:
    """Applies three months of random events to an archive, with occasional updates of the tables."""
    rates = RATES if prunes else (*RATES, IMPLAUSIBLE)
    clock, state = START, random_state(chance, rates)
    for _ in range(22):
        clock += DAY * chance.choice([1, 1, 1, 4])
        if chance.random() < 0.5:
            state = random_state(chance, rates)
        time = clock + DAY * chance.choice([0] * 8 + [20, -6])
        event = chance.randrange(12)
        if event < 8:
            books.restore()  # an append must not reuse the name of a damaged pack
        if event < 6:
            books.gather(state, time, complete=chance.random() < 0.7)
        elif event == 6:
            books.fail(time)
        elif event == 7:
            past = START + DAY * chance.randrange(-60, 60)
            books.bring(random_state(chance, rates), past, complete=chance.random() < 0.7)
        elif event < 10 and (
            readable := [
                entry for entry in books.archive.entries() if not entry.pruned and not entry.failed
            ]
        ):
            books.damage(chance.choice(readable))
        elif event == 10 and prunes:
            books.restore()
            prune(books, grown)
        if chance.random() < 0.6:
            grown.update(books.archive)
    books.restore()
    grown.update(books.archive)


def prune(books: ScriptedArchive, grown: HistoryTables) -> None:
    grown.update(books.archive)
    entries = books.archive.entries()
    prunable = retention.prunable(
        entries, RetentionSettings(daily=2), queries.snapshots_with_changes(grown)
    )
    books.archive.prune(prunable, START, "room")


def without_before(stored: dict[tuple[str, str, str], list[ScheduleRow]]) -> object:
    """Returns the rows without the time before a change, whose observation may have been pruned."""
    return {
        key: [
            replace(
                row,
                before_at=None,
                change=row.change and json.dumps(json.loads(row.change) | {"before": ""}),
            )
            for row in part
        ]
        for key, part in stored.items()
    }


@pytest.mark.parametrize("seed", range(16))
def test_updated_tables_equal_those_built_at_once(
    seed: int, tmp_path: Path, books: ScriptedArchive
) -> None:
    grown = HistoryTables(tmp_path / "grown")
    run_script(random.Random(seed), books, grown, prunes=False)  # noqa: S311 - a seed, not a secret
    once = build_at_once(books, tmp_path / "once")
    assert rows_by_part(grown) == rows_by_part(once)
    assert grown.state() == once.state()


@pytest.mark.parametrize("seed", range(100, 112))
def test_updated_tables_equal_those_built_at_once_after_pruning(
    seed: int, tmp_path: Path, books: ScriptedArchive
) -> None:
    grown = HistoryTables(tmp_path / "grown")
    run_script(random.Random(seed), books, grown, prunes=True)  # noqa: S311 - as above
    once = build_at_once(books, tmp_path / "once")
    assert without_before(rows_by_part(grown)) == without_before(rows_by_part(once))


def test_a_change_is_found_after_any_number_of_unreadable_nights(
    tmp_path: Path, books: ScriptedArchive
) -> None:
    """Ten nights over New Year with an update each; BTC is unreadable on seven of them."""
    grown = HistoryTables(tmp_path / "grown")
    start = datetime(2027, 12, 29, 1, tzinfo=UTC)
    for day, rate in enumerate(["0.02", "?", "?", "?", "?", "0.05", "?", "?", "?", "0.05"]):
        books.gather(PLAIN | {"BTC": rate}, start + day * DAY)
        grown.update(books.archive)
    btc = [(time - start, kind) for time, symbol, kind in event_list(grown) if symbol == "BTC"]
    assert btc == [
        (0 * DAY, FIRST_SEEN),
        (1 * DAY, ChangeKind.UNREAD),
        (5 * DAY, ChangeKind.TIGHTER),
        (6 * DAY, ChangeKind.UNREAD),
        (9 * DAY, ChangeKind.READ),
    ]


def test_an_older_snapshot_is_inserted(tmp_path: Path, books: ScriptedArchive) -> None:
    grown = HistoryTables(tmp_path / "grown")
    for day, rate in ((0, "0.02"), (10, "0.05")):
        books.gather(PLAIN | {"BTC": rate}, START + day * DAY)
        grown.update(books.archive)
    books.bring(PLAIN | {"BTC": "0.04"}, START + 5 * DAY)
    grown.update(books.archive)
    events = [event for event in event_list(grown) if event[1] == "BTC"]
    assert [(time - START, kind) for time, _, kind in events] == [
        (0 * DAY, FIRST_SEEN),
        (5 * DAY, ChangeKind.TIGHTER),
        (10 * DAY, ChangeKind.TIGHTER),
    ]


def test_entries_are_read_once(
    tmp_path: Path, books: ScriptedArchive, monkeypatch: pytest.MonkeyPatch
) -> None:
    grown = HistoryTables(tmp_path / "grown")
    for day in range(12):
        books.gather(PLAIN, START + day * DAY)
    grown.update(books.archive)
    books.gather(PLAIN, START + 12 * DAY)
    sequences: list[int] = []
    read = Archive.read

    def recording_read(self: Archive, entry: Entry) -> object:
        sequences.append(entry.sequence)
        return read(self, entry)

    monkeypatch.setattr(Archive, "read", recording_read)
    grown.update(books.archive)
    assert sorted(sequences) == [12, 13]
    grown.update(books.archive)
    assert len(sequences) == 2


def test_rolling_back_an_archive_removes_its_rows(tmp_path: Path) -> None:
    longer, shorter = ScriptedArchive(tmp_path / "longer"), ScriptedArchive(tmp_path / "shorter")
    longer.gather(PLAIN, START)
    shorter.gather(PLAIN, START)
    longer.gather(PLAIN | {"BTC": "0.05"}, START + DAY)
    grown = HistoryTables(tmp_path / "grown")
    grown.update(longer.archive)
    assert {kind for _, _, kind in event_list(grown)} == {FIRST_SEEN, ChangeKind.TIGHTER}
    grown.update(shorter.archive)
    assert {kind for _, _, kind in event_list(grown)} == {FIRST_SEEN}
    grown.update(Archive.create(tmp_path / "empty"))
    assert event_list(grown) == []


@pytest.mark.parametrize("writes", range(1, 9))
def test_a_crash_between_two_files_leaves_correct_tables(
    writes: int, tmp_path: Path, books: ScriptedArchive, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Power fails before the nth file is written; nights over New Year, with and without tables."""
    grown = HistoryTables(tmp_path / "grown")
    start = datetime(2027, 12, 30, 1, tzinfo=UTC)
    write_table, calls = table_rows.write_table, [0]

    def failing(path: Path, table: object) -> None:
        calls[0] += 1
        if calls[0] == writes:
            raise PowerCutError
        write_table(path, table)

    for module in (table_rows, tables):
        monkeypatch.setattr(module, "write_table", failing)
    for day, rate in enumerate(["0.02", "0.04", "0.05", "0.05", "0.04"]):
        books.gather(PLAIN | {"BTC": rate}, start + day * DAY)
        if day in {1, 4}:
            try:
                grown.update(books.archive)
            except PowerCutError:
                grown.update(books.archive)
    monkeypatch.undo()
    assert rows_by_part(grown) == rows_by_part(build_at_once(books, tmp_path / "once"))


class PowerCutError(Exception):
    """Simulated power failure."""


def _other_version(folder: Path) -> None:
    import pyarrow.parquet as pq  # noqa: PLC0415 - heavy, and only this test needs it

    path = folder / "entries.parquet"
    table = pq.read_table(path, partitioning=None)
    pq.write_table(table.replace_schema_metadata({"format": "0", "version": "0"}), path)
    for table_path in folder.glob("schedules/*/*.parquet"):
        table_path.write_bytes(b"written by another version")
    stale = folder / "schedules" / "venue=dydx" / "1999.parquet"
    stale.write_bytes(b"likewise")


def _truncated(name: str) -> Callable[[Path], None]:
    def truncate(folder: Path) -> None:
        (path,) = folder.rglob(name)
        path.write_bytes(path.read_bytes()[:-40])

    return truncate


def _emptied(folder: Path) -> None:
    (path,) = folder.rglob("2027.parquet")
    path.write_bytes(b"")


def _without_rows(folder: Path) -> None:
    rmtree(folder / "schedules")


@pytest.mark.parametrize(
    "damage",
    [
        _other_version,
        _truncated("entries.parquet"),
        _truncated("2027.parquet"),
        _emptied,
        _without_rows,
    ],
)
@pytest.mark.parametrize("has_new_entry", [False, True])
def test_tables_of_another_version_or_truncated_are_rebuilt(
    damage: Callable[[Path], None], tmp_path: Path, books: ScriptedArchive, *, has_new_entry: bool
) -> None:
    grown = HistoryTables(tmp_path / "grown")
    books.gather(PLAIN, START)
    books.gather(PLAIN | {"ETH": "0.05"}, START + DAY)
    grown.update(books.archive)
    damage(grown.path)
    if has_new_entry:
        books.gather(PLAIN, START + 2 * DAY)
    grown.update(books.archive)
    assert rows_by_part(grown) == rows_by_part(build_at_once(books, tmp_path / "once"))


def test_processes_and_threads_can_update_concurrently(
    tmp_path: Path, books: ScriptedArchive
) -> None:
    grown = HistoryTables(tmp_path / "grown")
    books.gather(PLAIN, START)
    code = (
        "import sys; from pathlib import Path; from harmonize.archive.archive import Archive;"
        "from harmonize.history.tables import HistoryTables\n"
        "for _ in range(25): HistoryTables(Path(sys.argv[2])).update(Archive.open(Path(sys.argv[1])))"
    )
    command = [sys.executable, "-c", code, str(books.path), str(grown.path)]
    processes = [subprocess.Popen(command) for _ in range(2)]
    errors: list[BaseException] = []

    def update() -> None:
        try:
            for _ in range(15):
                grown.update(books.archive)
        except BaseException as error:  # noqa: BLE001 - asserted below
            errors.append(error)

    threads = [threading.Thread(target=update) for _ in range(3)]
    for thread in threads:
        thread.start()
    for day in range(1, 30):
        books.gather(PLAIN | {"BTC": "0.02" if day % 2 else "0.04"}, START + day * DAY)
    for thread in threads:
        thread.join()
    assert [process.wait() for process in processes] == [0, 0]
    assert not errors
    grown.update(books.archive)
    assert rows_by_part(grown) == rows_by_part(build_at_once(books, tmp_path / "once"))


def test_tables_of_a_read_only_archive_are_in_the_cache(
    tmp_path: Path, books: ScriptedArchive, monkeypatch: pytest.MonkeyPatch
) -> None:
    books.gather(PLAIN, START)
    books.gather(PLAIN | {"BTC": "0.05"}, START + DAY)
    beside, in_cache = derived.table_folders(books.archive)
    mkdir = Path.mkdir

    def refused(self: Path, *args: object, **options: object) -> None:
        if beside and self.is_relative_to(beside):
            raise PermissionError(13, "Permission denied", str(self))
        mkdir(self, *args, **options)  # type: ignore[arg-type]

    monkeypatch.setattr(Path, "mkdir", refused)
    used, state = derived.update_tables(books.archive)
    assert used.path == in_cache
    assert in_cache.is_relative_to(tmp_path / "cache")
    assert len(state.entries) == 2
    assert beside is not None
    assert not beside.exists()
    assert rows_by_part(used) == rows_by_part(build_at_once(books, tmp_path / "once"))


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become another user")
def test_tables_of_an_archive_of_another_user_are_in_the_cache(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    derived.update_tables(Archive.create(tmp_path / "empty"))  # runs the deferred imports
    with tempfile.TemporaryDirectory() as name:
        folder, cache = Path(name), Path(name) / "cache"
        folder.chmod(0o755)
        cache.mkdir()
        cache.chmod(0o777)
        monkeypatch.setenv("XDG_CACHE_HOME", str(cache))
        books = ScriptedArchive(folder / "archive")
        books.gather(PLAIN, START)
        child = os.fork()
        if not child:  # no pytest code may run in the child
            try:
                os.setuid(65534)
                used, _ = derived.update_tables(books.archive)
                os._exit(0 if used.path.is_relative_to(cache) and rows_by_part(used) else 2)
            except BaseException:  # noqa: BLE001 - the parent asserts the exit code
                os._exit(1)
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0


def test_tables_of_an_archive_at_a_url_are_in_the_cache(tmp_path: Path) -> None:
    archive = Archive.create("memory://tables-of-a-test")
    archive.append(sent(PLAIN, START))
    used, state = derived.update_tables(archive)
    assert used.path.is_relative_to(tmp_path / "cache")
    assert len(state.entries) == 1
    assert [kind for _, _, kind in event_list(used)] == [FIRST_SEEN] * 3
    assert derived.table_folders(archive)[0] is None


def test_missing_tables_have_an_empty_state(tmp_path: Path) -> None:
    assert HistoryTables(tmp_path / "none").state() == TableState()


def test_a_night_that_cannot_be_compared_is_left_out_and_the_history_stays(
    books: ScriptedArchive, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for day in range(3):
        books.gather({**PLAIN, "BTC": f"0.0{2 + day}"}, START + day * DAY)
    odd = books.archive.entries()[1]

    def fail_on_one(before: VenueObservation | None, after: VenueObservation) -> object:
        if after.entry.digest == odd.digest:
            raise ZeroDivisionError
        return timeline.find_events(before, after)

    monkeypatch.setattr(tables, "find_events", fail_on_one)
    store = build_at_once(books, tmp_path / "derived")
    faults = [state.fault for state in store.state().entries]
    assert faults == ["", "cannot be read: ZeroDivisionError", ""]
    assert [event for event in event_list(store) if event[2] != FIRST_SEEN] == [
        (START + 2 * DAY, "BTC", "tighter")
    ]
