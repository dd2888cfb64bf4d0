"""Tables that grew night by night, broke or were shared say what tables made at once would say."""

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
from harmonize.config.run_settings import Keep
from harmonize.document.change import ChangeKind
from harmonize.history import derived, queries, table_rows, tables
from harmonize.history.table_rows import Row
from harmonize.history.tables import HistoryTables, TableState
from harmonize.history.timeline import FIRST
from harmonize.nightly import retention
from tests.support.table_archives import ASSETS, PLAIN, START, Books, made_once, rows, sent, told

DAY = timedelta(days=1)
RATES = ("0.02", "0.02", "0.04", "0.05", "?")
LEAP = "0.0001"
"""A rate below the bound of a leap: it is hidden where it was sent live."""


@pytest.fixture(autouse=True)
def own_caches(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


@pytest.fixture
def books(tmp_path: Path) -> Books:
    return Books(tmp_path / "archive")


def state(chance: random.Random, rates: Sequence[str]) -> dict[str, str]:
    held = [one for one in ASSETS if chance.random() < 0.9] or ["BTC"]
    return {asset: chance.choice(rates) for asset in held}


def script(chance: random.Random, books: Books, grown: HistoryTables, *, prunes: bool) -> None:
    """Do what may befall an archive in three months, and bring tables up to date now and then."""
    rates = RATES if prunes else (*RATES, LEAP)
    clock, now = START, state(chance, rates)
    for _ in range(22):
        clock += DAY * chance.choice([1, 1, 1, 4])
        if chance.random() < 0.5:
            now = state(chance, rates)
        at = clock + DAY * chance.choice([0] * 8 + [20, -6])
        deed = chance.randrange(12)
        if deed < 8:
            books.restore()  # nothing is appended under the name of a damaged pack
        if deed < 6:
            books.gather(now, at, complete=chance.random() < 0.7)
        elif deed == 6:
            books.fail(at)
        elif deed == 7:
            old = START + DAY * chance.randrange(-60, 60)
            books.bring(state(chance, rates), old, complete=chance.random() < 0.7)
        elif deed < 10 and (
            held := [one for one in books.archive.entries() if not one.pruned and not one.failed]
        ):
            books.damage(chance.choice(held))
        elif deed == 10 and prunes:
            books.restore()
            prune(books, grown)
        if chance.random() < 0.6:
            grown.update(books.archive)
    books.restore()
    grown.update(books.archive)


def prune(books: Books, grown: HistoryTables) -> None:
    grown.update(books.archive)
    entries = books.archive.entries()
    gone = retention.dropped(entries, Keep(daily=2), queries.snapshots_with_changes(grown))
    books.archive.prune(gone, START, "room")


def without_before(found: dict[tuple[str, str, str], list[Row]]) -> object:
    """Rows without the time of the observation before a change, which may have been pruned."""
    return {
        key: [
            replace(
                one,
                before_at=None,
                change=one.change and json.dumps(json.loads(one.change) | {"before": ""}),
            )
            for one in held
        ]
        for key, held in found.items()
    }


@pytest.mark.parametrize("seed", range(16))
def test_tables_that_grew_are_those_made_at_once(seed: int, tmp_path: Path, books: Books) -> None:
    grown = HistoryTables(tmp_path / "grown")
    script(random.Random(seed), books, grown, prunes=False)  # noqa: S311 - a seed, not a secret
    once = made_once(books, tmp_path / "once")
    assert rows(grown) == rows(once)
    assert grown.held() == once.held()


@pytest.mark.parametrize("seed", range(100, 112))
def test_so_they_are_where_snapshots_were_pruned(seed: int, tmp_path: Path, books: Books) -> None:
    grown = HistoryTables(tmp_path / "grown")
    script(random.Random(seed), books, grown, prunes=True)  # noqa: S311 - as above
    once = made_once(books, tmp_path / "once")
    assert without_before(rows(grown)) == without_before(rows(once))


def test_a_change_is_found_however_many_nights_it_could_not_be_read(
    tmp_path: Path, books: Books
) -> None:
    """Brought up to date on each of five nights; three of them are unreadable, over a New Year."""
    grown = HistoryTables(tmp_path / "grown")
    begun = datetime(2027, 12, 29, 1, tzinfo=UTC)
    for day, rate in enumerate(["0.02", "?", "?", "?", "?", "0.05", "?", "?", "?", "0.05"]):
        books.gather(PLAIN | {"BTC": rate}, begun + day * DAY)
        grown.update(books.archive)
    btc = [(at - begun, kind) for at, symbol, kind in told(grown) if symbol == "BTC"]
    assert btc == [
        (0 * DAY, FIRST),
        (1 * DAY, ChangeKind.UNREAD),
        (5 * DAY, ChangeKind.TIGHTER),
        (6 * DAY, ChangeKind.UNREAD),
        (9 * DAY, ChangeKind.READ),
    ]


def test_an_older_snapshot_comes_in_between(tmp_path: Path, books: Books) -> None:
    grown = HistoryTables(tmp_path / "grown")
    for day, rate in ((0, "0.02"), (10, "0.05")):
        books.gather(PLAIN | {"BTC": rate}, START + day * DAY)
        grown.update(books.archive)
    books.bring(PLAIN | {"BTC": "0.04"}, START + 5 * DAY)
    grown.update(books.archive)
    found = [one for one in told(grown) if one[1] == "BTC"]
    assert [(at - START, kind) for at, _, kind in found] == [
        (0 * DAY, FIRST),
        (5 * DAY, ChangeKind.TIGHTER),
        (10 * DAY, ChangeKind.TIGHTER),
    ]


def test_what_is_known_is_not_read_again(
    tmp_path: Path, books: Books, monkeypatch: pytest.MonkeyPatch
) -> None:
    grown = HistoryTables(tmp_path / "grown")
    for day in range(12):
        books.gather(PLAIN, START + day * DAY)
    grown.update(books.archive)
    books.gather(PLAIN, START + 12 * DAY)
    read: list[int] = []
    whole = Archive.read

    def counted(self: Archive, entry: Entry) -> object:
        read.append(entry.sequence)
        return whole(self, entry)

    monkeypatch.setattr(Archive, "read", counted)
    grown.update(books.archive)
    assert sorted(read) == [11, 12, 13]
    grown.update(books.archive)
    assert len(read) == 3


def test_an_archive_that_was_rolled_back_takes_its_rows_along(tmp_path: Path) -> None:
    longer, shorter = Books(tmp_path / "longer"), Books(tmp_path / "shorter")
    longer.gather(PLAIN, START)
    shorter.gather(PLAIN, START)
    longer.gather(PLAIN | {"BTC": "0.05"}, START + DAY)
    grown = HistoryTables(tmp_path / "grown")
    grown.update(longer.archive)
    assert {kind for _, _, kind in told(grown)} == {FIRST, ChangeKind.TIGHTER}
    grown.update(shorter.archive)
    assert {kind for _, _, kind in told(grown)} == {FIRST}
    grown.update(Archive.create(tmp_path / "empty"))
    assert told(grown) == []


@pytest.mark.parametrize("writes", range(1, 9))
def test_a_crash_between_two_files_does_no_harm(
    writes: int, tmp_path: Path, books: Books, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The power goes before the nth file is put; the tables were there before, over a New Year."""
    grown = HistoryTables(tmp_path / "grown")
    begun = datetime(2027, 12, 30, 1, tzinfo=UTC)
    write_table, done = table_rows.write_table, [0]

    def failing(path: Path, table: object) -> None:
        done[0] += 1
        if done[0] == writes:
            raise PowerCutError
        write_table(path, table)

    for module in (table_rows, tables):
        monkeypatch.setattr(module, "write_table", failing)
    for day, rate in enumerate(["0.02", "0.04", "0.05", "0.05", "0.04"]):
        books.gather(PLAIN | {"BTC": rate}, begun + day * DAY)
        if day in {1, 4}:
            try:
                grown.update(books.archive)
            except PowerCutError:
                grown.update(books.archive)
    monkeypatch.undo()
    assert rows(grown) == rows(made_once(books, tmp_path / "once"))


class PowerCutError(Exception):
    """The machine stops here."""


def _other_version(folder: Path) -> None:
    import pyarrow.parquet as pq  # noqa: PLC0415 - beside the one that uses it

    path = folder / "entries.parquet"
    table = pq.read_table(path, partitioning=None)
    pq.write_table(table.replace_schema_metadata({"format": "0", "version": "0"}), path)
    for one in folder.glob("schedules/*/*.parquet"):
        one.write_bytes(b"what another version wrote")
    stale = folder / "schedules" / "venue=dydx" / "1999.parquet"
    stale.write_bytes(b"likewise")


def _cut(name: str) -> Callable[[Path], None]:
    def cut(folder: Path) -> None:
        (path,) = folder.rglob(name)
        path.write_bytes(path.read_bytes()[:-40])

    return cut


def _emptied(folder: Path) -> None:
    (path,) = folder.rglob("2027.parquet")
    path.write_bytes(b"")


def _without_rows(folder: Path) -> None:
    rmtree(folder / "schedules")


@pytest.mark.parametrize(
    "harm", [_other_version, _cut("entries.parquet"), _cut("2027.parquet"), _emptied, _without_rows]
)
@pytest.mark.parametrize("news", [False, True])
def test_tables_of_another_version_or_cut_short_are_made_anew(
    harm: Callable[[Path], None], tmp_path: Path, books: Books, *, news: bool
) -> None:
    grown = HistoryTables(tmp_path / "grown")
    books.gather(PLAIN, START)
    books.gather(PLAIN | {"ETH": "0.05"}, START + DAY)
    grown.update(books.archive)
    harm(grown.path)
    if news:
        books.gather(PLAIN, START + 2 * DAY)
    grown.update(books.archive)
    assert rows(grown) == rows(made_once(books, tmp_path / "once"))


def test_processes_and_threads_that_update_at_once_do_no_harm(tmp_path: Path, books: Books) -> None:
    grown = HistoryTables(tmp_path / "grown")
    books.gather(PLAIN, START)
    code = (
        "import sys; from pathlib import Path; from harmonize.archive.archive import Archive;"
        "from harmonize.history.tables import HistoryTables\n"
        "for _ in range(25): HistoryTables(Path(sys.argv[2])).update(Archive.open(Path(sys.argv[1])))"
    )
    command = [sys.executable, "-c", code, str(books.path), str(grown.path)]
    processes = [subprocess.Popen(command) for _ in range(2)]
    failed: list[BaseException] = []

    def update() -> None:
        try:
            for _ in range(15):
                grown.update(books.archive)
        except BaseException as error:  # noqa: BLE001 - it is told below
            failed.append(error)

    threads = [threading.Thread(target=update) for _ in range(3)]
    for one in threads:
        one.start()
    for day in range(1, 30):
        books.gather(PLAIN | {"BTC": "0.02" if day % 2 else "0.04"}, START + day * DAY)
    for one in threads:
        one.join()
    assert [one.wait() for one in processes] == [0, 0]
    assert not failed
    grown.update(books.archive)
    assert rows(grown) == rows(made_once(books, tmp_path / "once"))


def test_an_archive_that_cannot_be_written_has_its_tables_in_the_cache(
    tmp_path: Path, books: Books, monkeypatch: pytest.MonkeyPatch
) -> None:
    books.gather(PLAIN, START)
    books.gather(PLAIN | {"BTC": "0.05"}, START + DAY)
    beside, apart = derived.table_folders(books.archive)
    whole = Path.mkdir

    def refused(self: Path, *args: object, **named: object) -> None:
        if beside and self.is_relative_to(beside):
            raise PermissionError(13, "Permission denied", str(self))
        whole(self, *args, **named)  # type: ignore[arg-type]

    monkeypatch.setattr(Path, "mkdir", refused)
    used, held = derived.tables_of(books.archive)
    assert used.path == apart
    assert apart.is_relative_to(tmp_path / "cache")
    assert len(held.kept) == 2
    assert beside is not None
    assert not beside.exists()
    assert rows(used) == rows(made_once(books, tmp_path / "once"))


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become another user")
def test_so_it_is_for_a_user_without_rights(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    derived.tables_of(Archive.create(tmp_path / "empty"))  # what is imported late is imported
    with tempfile.TemporaryDirectory() as name:
        folder, cache = Path(name), Path(name) / "cache"
        folder.chmod(0o755)
        cache.mkdir()
        cache.chmod(0o777)
        monkeypatch.setenv("XDG_CACHE_HOME", str(cache))
        books = Books(folder / "archive")
        books.gather(PLAIN, START)
        child = os.fork()
        if not child:  # nothing of pytest may run in here
            try:
                os.setuid(65534)
                used, _ = derived.tables_of(books.archive)
                os._exit(0 if used.path.is_relative_to(cache) and rows(used) else 2)
            except BaseException:  # noqa: BLE001 - the parent tells it
                os._exit(1)
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0


def test_an_archive_at_a_url_has_its_tables_in_the_cache(tmp_path: Path) -> None:
    archive = Archive.create("memory://tables-of-a-test")
    archive.append(sent(PLAIN, START))
    used, held = derived.tables_of(archive)
    assert used.path.is_relative_to(tmp_path / "cache")
    assert len(held.kept) == 1
    assert [kind for _, _, kind in told(used)] == [FIRST] * 3
    assert derived.table_folders(archive)[0] is None


def test_tables_of_nothing_hold_nothing(tmp_path: Path) -> None:
    assert HistoryTables(tmp_path / "none").held() == TableState()
