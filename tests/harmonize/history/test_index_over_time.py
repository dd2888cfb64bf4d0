"""The index over time from the tables equals a reading of the archive on every day."""

import os
import shutil
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from functools import cache
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from harmonize.api import compared_venues, index_over_time
from harmonize.api.audit import RequestError
from harmonize.api.compared_venues import possible_names
from harmonize.api.index_over_time import keep_index
from harmonize.api.observed_days import ObservedDay
from harmonize.api.question import Question, Verification
from harmonize.archive.archive import Archive
from harmonize.archive.catalog import Entry
from harmonize.core.instrument import AssetNames
from harmonize.core.payload import Snapshot
from harmonize.document import IndexSummary
from harmonize.history import derived, index_series
from harmonize.history.index_series import IndexDay
from harmonize.history.index_values import UnderlyingDay, read_underlyings, write_underlyings
from harmonize.history.table_files import read_table
from harmonize.history.tables import HistoryTables
from harmonize.transfer.from_tier_table import read_items
from tests.support import recorded
from tests.support.index_by_day import FIRST, TIERS, add_night, by_day, dated, own_archive
from tests.support.table_archives import recorded_tables
from venues.gathering.outcome import Failed

Series = tuple[tuple[str, IndexSummary], ...]

FEW = ("hyperliquid", "okx", "woo", "woofipro")
"""Venues with open interest, with tiers in contracts, and with a shared order book."""


def answer(question: Question) -> Series:
    return index_over_time.index_over_time(question)


@cache
def binance(count: int) -> tuple[Snapshot, ...]:
    """Returns evenly chosen dated snapshots of Binance, oldest first."""
    items = [item for item in read_items(TIERS) if isinstance(item, Snapshot)]
    return tuple(items[-1 - position * len(items) // count] for position in range(count))[::-1]


@pytest.fixture(scope="module")
def books(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Archive of two live nights, years of Binance, and recordings of further venues."""
    path = tmp_path_factory.mktemp("books") / "archive"
    archive = own_archive(path, 2, (*FEW, "bybit"))
    for snapshot in binance(3):
        archive.append(snapshot, imported=True)
    for venue in ("dydx", "krakenfutures"):
        for snapshot in reversed(recorded.of_venue(venue)):
            archive.append(snapshot, imported=True)
    archive.append(Failed("okx", FIRST + timedelta(days=3), "status 503", 3, 1.0).snapshot)
    return path


OWN_RULES = """id: own
version: "1"
title: Own
extends: harmonized-baseline
scope: {notional: {above: 100_000}}
"""

SELECTIONS: dict[str, Question] = {
    "all": Question(),
    "aliases": Question(underlyings=("XBT", "eth", "MATIC", "kPEPE")),
    "venues": Question(venues=("binance", "bybit", "okx", "woo", "woofipro")),
    "profile": Question(profile="any", underlyings=("BTC", "ETH", "SOL", "DOGE")),
    "day": Question(as_of=date(2026, 8, 4), underlyings=("BTC", "SOL")),
    "time": Question(as_of=datetime(2026, 8, 4, 0, 30, tzinfo=UTC), underlyings=("BTC",)),
    "verified": Question(verification=Verification.REQUIRED, underlyings=("BTC", "ETH", "DOGE")),
    "instrument": Question(
        underlyings=("BTC",),
        instruments={("okx", "BTC"): "BTC/USD:BTC", ("krakenfutures", "XBT"): "BTC/USD:BTC"},
    ),
    "one rule set": Question(rules=("harmonized-baseline",), underlyings=("ETH", "XRP")),
    "cap": Question(rules=("esma-retail",), underlyings=("ETH", "XRP")),
}


@pytest.mark.sample(4)
@pytest.mark.parametrize("name", SELECTIONS)
def test_the_index_over_time_is_that_of_every_day(name: str, books: Path) -> None:
    question = replace(SELECTIONS[name], archive=books)
    expected = by_day(question)
    assert expected
    assert answer(question) == expected
    assert answer(question) == expected, "kept days"


def test_an_own_rule_set_is_followed_and_its_change_is_seen(books: Path, tmp_path: Path) -> None:
    path = tmp_path / "own.yaml"
    path.write_text(OWN_RULES)
    question = Question(archive=books, rules=(str(path),), underlyings=("BTC", "ETH"))
    before = answer(question)
    assert before == by_day(question)
    path.write_text(OWN_RULES.replace("id: own", "id: other").replace("own", "other"))
    question = replace(question, rules=(str(path.rename(tmp_path / "other.yaml")),))
    after = answer(question)
    assert after == by_day(question)
    assert {row.reference for _, row in before} == {"median", "own"}
    assert {row.reference for _, row in after} == {"median", "other"}


def test_the_recorded_archive_is_followed(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    folders = (recorded_tables().path, tmp_path / "cache")
    monkeypatch.setattr(derived, "_table_folders", lambda _: folders)
    derived._tables_at.cache_clear()  # noqa: SLF001 - other tests use the bundled tables
    question = Question(venues=("bybit", "hyperliquid", "okx"))
    assert answer(question) == by_day(question)


def test_answers_read_no_payloads(books: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    derived.update_tables(Archive.open(books))
    read = Archive.read

    def fails(archive: Archive, entry: Entry) -> Snapshot:
        assert entry.venue == "market", f"read a payload of {entry.venue}"
        return read(archive, entry)

    monkeypatch.setattr(Archive, "read", fails)
    assert answer(
        Question(archive=books, underlyings=("ETH",), venues=("bybit", "okx", "hyperliquid"))
    )


@pytest.fixture
def growing(tmp_path: Path) -> Path:
    """Archive of two nights with kept days."""
    path = tmp_path / "archive"
    own_archive(path, 2, FEW)
    keep_index(Question(archive=path))
    return path


def computed(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Returns the list to which every computed day will be added."""
    days: list[str] = []
    as_of = compared_venues.VenueDays.as_of

    def noted(walk: compared_venues.VenueDays, day: ObservedDay) -> compared_venues.VenueDay:
        days.append(day.day.isoformat())
        return as_of(walk, day)

    monkeypatch.setattr(compared_venues.VenueDays, "as_of", noted)
    return days


def test_a_night_adds_one_day(growing: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    days = computed(monkeypatch)
    question = Question(archive=growing)
    for night in (2, 3):
        add_night(Archive.open(growing), night, FEW)
        assert answer(question) == by_day(question)
    assert days == ["2026-08-05", "2026-08-06"]


def _insert_before(archive: Archive) -> None:
    for snapshot in reversed(recorded.of_venue("bitget")):
        archive.append(dated(snapshot, FIRST - timedelta(days=5), live=False), imported=True)


def _insert_between(archive: Archive) -> None:
    for snapshot in reversed(recorded.of_venue("bitget")):
        archive.append(dated(snapshot, FIRST + timedelta(hours=20), live=False), imported=True)


def _prune_first_night(archive: Archive) -> None:
    first = [entry for entry in archive.entries() if entry.observed_at.date() == FIRST.date()]
    assert archive.prune(first[1:], FIRST + timedelta(days=9), "this test")


def _lose_a_pack(archive: Archive) -> None:
    entry = max(archive.entries(), key=lambda own: own.observed_at)
    assert isinstance(archive.place, Path)
    (archive.place / "packs" / f"{entry.pack}.zst").write_bytes(b"")


def _fail(archive: Archive) -> None:
    archive.append(Failed("okx", FIRST + timedelta(days=1, hours=5), "no", 3, 1.0).snapshot)


def _add_partial(archive: Archive) -> None:
    for hours in (7, 9):
        for snapshot in recorded.of_venue("okx")[:1]:
            partial = replace(snapshot, complete=False)
            archive.append(dated(partial, FIRST + timedelta(days=1, hours=hours)))


CHANGE_INDICES = (_insert_between, _insert_before, _prune_first_night)
"""Those after which some day has other indices."""


@pytest.mark.parametrize(
    "change",
    [
        _insert_before,
        _insert_between,
        _prune_first_night,
        _lose_a_pack,
        _fail,
        _add_partial,
    ],
)
def test_the_days_follow_the_archive(change: Callable[[Archive], None], growing: Path) -> None:
    before = answer(Question(archive=growing))
    change(Archive.open(growing))
    derived._tables_at.cache_clear()  # noqa: SLF001 - as in another process
    question = Question(archive=growing)
    expected = by_day(question)
    assert answer(question) == expected
    assert (expected != before) == (change in CHANGE_INDICES)
    if change is _lose_a_pack:  # nothing is appended to a damaged archive
        return
    add_night(Archive.open(growing), 2, FEW)
    assert answer(question) == by_day(question)


def spoil(path: Path) -> None:
    """Overwrites the middle of a file; its ends, by which readers know its kind, remain."""
    content = bytearray(path.read_bytes())
    middle, few = len(content) // 3, min(200, len(content) // 4)
    content[middle : middle + few] = bytes(few)
    path.write_bytes(content)


@pytest.mark.parametrize("venue", FEW)
def test_a_damaged_table_is_read_from_payloads_and_then_rebuilt(venue: str, growing: Path) -> None:
    folder = growing / "derived" / "compared" / f"venue={venue}"
    (path,) = folder.glob("*.parquet")
    whole = path.read_bytes()
    spoil(path)
    rules = ("harmonized-baseline",)  # not what is kept of all
    question = Question(archive=growing, underlyings=("BTC", "ETH"), rules=rules)
    expected = by_day(question)
    assert expected
    assert answer(question) == expected
    assert not path.exists()
    missing = replace(question, underlyings=("BTC", "SOL"))
    assert answer(missing) == by_day(missing), "a file that another process is writing"
    derived._tables_at.cache_clear()  # noqa: SLF001 - as in another process
    again = replace(question, underlyings=("ETH",))
    assert answer(again) == by_day(again)
    assert path.read_bytes() == whole


@pytest.mark.parametrize("folder", ["compared", "schedules"])
def test_a_night_after_a_table_was_damaged_rebuilds_it(folder: str, growing: Path) -> None:
    (path,) = (growing / "derived" / folder / "venue=okx").glob("*.parquet")
    spoil(path)
    add_night(Archive.open(growing), 2, FEW)
    question = Question(archive=growing)
    assert answer(question) == by_day(question)
    assert derived.update_tables(Archive.open(growing))[0].path == growing / "derived"
    (path,) = (growing / "derived" / folder / "venue=okx").glob("*.parquet")
    assert read_table(path).num_rows


ASKED_OF_KEPT: dict[str, Question] = {
    "one": Question(underlyings=("BTC",)),
    "aliases": Question(underlyings=("XBT", "eth", "kPEPE")),
    "repeated": Question(underlyings=("SOL", "SOL", "BTC")),
    "none of the name": Question(underlyings=("NOSUCH", "BTC")),
    "all venues": Question(venues=(*FEW, "okx"), underlyings=("BTC",)),
    "a day": Question(underlyings=("BTC",), as_of=date(2026, 8, 3)),
}


@pytest.mark.parametrize("name", ASKED_OF_KEPT)
def test_some_underlyings_are_answered_from_the_indices_of_all(
    name: str, growing: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    question = replace(ASKED_OF_KEPT[name], archive=growing)
    expected = by_day(question)
    assert expected
    days = computed(monkeypatch)
    assert answer(question) == expected
    assert answer(question) == expected
    assert days == []


@pytest.mark.parametrize(("night", "computed_day"), [(2, "2026-08-05"), (1, "2026-08-04")])
def test_only_days_that_are_not_kept_as_they_are_now_are_computed(
    night: int, computed_day: str, growing: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    add_night(Archive.open(growing), night, FEW)
    days = computed(monkeypatch)
    question = Question(archive=growing, underlyings=("BTC", "ETH"))
    assert answer(question) == by_day(question)
    assert days == [computed_day]


def test_another_selection_or_rule_set_is_not_answered_from_all(
    growing: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    days = computed(monkeypatch)
    for question in (
        Question(archive=growing, underlyings=("BTC",), venues=FEW[:3]),
        Question(archive=growing, underlyings=("BTC",), rules=("harmonized-baseline",)),
        Question(archive=growing, underlyings=("BTC",), verification=Verification.REQUIRED),
    ):
        days.clear()
        assert answer(question) == by_day(question)
        assert days == ["2026-08-03", "2026-08-04"]


@pytest.mark.parametrize("night", [1, 40])
def test_kept_underlyings_follow_the_archive(
    night: int, growing: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A night in a new month, and one more snapshot of a kept day, which is computed again."""
    add_night(Archive.open(growing), night, FEW[:2])
    answer(Question(archive=growing))
    days = computed(monkeypatch)
    question = Question(archive=growing, underlyings=("BTC", "SOL"))
    assert answer(question) == by_day(question)
    assert days == []


def test_a_name_that_several_underlyings_match_is_an_error(
    growing: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The kept underlyings of a day are matched as those that were observed."""
    _, store = index_folder(growing)
    day = UnderlyingDay("of this day", frozenset({"kAB", "Kab", "KAB2"}), ())
    write_underlyings(store, {"2026-08-03": day})
    assert read_underlyings(store, possible_names(("KAB",)))["2026-08-03"].names == {"kAB", "Kab"}
    names = AssetNames.of({"kAB", "Kab"})
    monkeypatch.setattr(AssetNames, "of", lambda *_: names)
    with pytest.raises(RequestError, match="underlying KAB is ambiguous; use Kab or kAB"):
        answer(Question(archive=growing, underlyings=("KAB",)))


def index_folder(archive: Path) -> tuple[Path, Path]:
    """Returns the file of the question without a selection, and the folder of its underlyings."""
    folders = [path for path in (archive / "derived" / "index").iterdir() if path.is_dir()]
    (folder,) = folders
    return folder.with_suffix(".parquet"), folder


@pytest.mark.parametrize("where", ["series", "underlyings"])
@pytest.mark.parametrize("damage", [spoil, lambda path: pq.write_table(pa.table({"a": [1]}), path)])
def test_damaged_kept_days_are_computed_again(
    where: str, damage: Callable[[Path], None], growing: Path
) -> None:
    series, folder = index_folder(growing)
    (month,) = folder.glob("*.parquet")
    damage(series if where == "series" else month)
    for underlyings in ((), ("BTC", "ETH")):
        question = Question(archive=growing, underlyings=underlyings)
        assert answer(question) == by_day(question)
    add_night(Archive.open(growing), 2, FEW)
    answer(Question(archive=growing))
    assert "2026-08-05" in read_underlyings(folder, {"btc"})


def test_repeated_and_all_venues_are_one_question(
    growing: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    days = computed(monkeypatch)
    whole = answer(Question(archive=growing))
    for venues in (FEW, (*FEW, "okx"), (*reversed(FEW), "bybit")):
        assert answer(Question(archive=growing, venues=venues)) == whole
    assert days == []
    three = answer(Question(archive=growing, venues=FEW[:3]))
    days.clear()
    assert answer(Question(archive=growing, venues=(FEW[2], *FEW[:3]))) == three
    rules = ("harmonized-baseline", "esma-retail")
    once = answer(Question(archive=growing, rules=rules))
    days.clear()
    assert answer(Question(archive=growing, rules=rules[::-1])) == once
    assert days == []
    assert answer(Question(archive=growing, venues=("bybit",))) == ()


def test_the_question_asked_last_is_kept_even_if_it_was_written_first(
    growing: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(index_series, "MAX_QUESTIONS", 3)
    series, folder = index_folder(growing)
    selections = [("BTC",), ("ETH",), ("SOL",), ("DOGE",), ("XRP",)]
    for number, underlyings in enumerate(selections):
        os.utime(series, ns=(number, number))
        answer(Question(archive=growing, underlyings=underlyings))
        assert series.exists(), "an answer about some underlyings asks for all"
    for number, underlyings in enumerate(selections):
        os.utime(series, ns=(number, number))
        assert answer(Question(archive=growing))
        answer(Question(archive=growing, underlyings=underlyings, venues=FEW[:3]))
        assert series.exists()
    assert len(list(series.parent.glob("*.parquet"))) == 3
    os.utime(series, ns=(1, 1))
    answer(Question(archive=growing, profile="cross", underlyings=("BTC",)))
    assert not series.exists()
    assert not folder.exists(), "with its underlyings"


def test_two_processes_write_the_same_question(
    growing: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another writer begins and ends while one has written half."""
    store = HistoryTables(growing / "derived")
    own, others = (
        {day: IndexDay(day, (IndexSummary("", "initial", "median", value, 3, None, None),))}
        for day, value in (("2026-08-03", 90.0), ("2026-08-04", 80.0))
    )
    patched = "harmonize.history.table_rows.fsync"

    def interrupted(number: int) -> None:
        monkeypatch.setattr(patched, os.fsync)
        index_series.write_series(store, "same", others)
        assert index_series.read_series(store, "same") == others
        os.fsync(number)

    monkeypatch.setattr(patched, interrupted)
    index_series.write_series(store, "same", own)
    assert index_series.read_series(store, "same") == own
    assert not list(growing.rglob("*.part"))


def test_what_a_killed_process_left_is_removed_a_day_later(growing: Path) -> None:
    series, folder = index_folder(growing)
    left = [series.with_suffix(".1.part"), folder / "2026-08.2.part", growing / "derived/index/of"]
    left[2].mkdir()
    for path in left[:2]:
        path.write_bytes(b"")
    question = Question(archive=growing, venues=FEW[:3])
    answer(question)
    assert all(path.exists() for path in left), "another process may be writing them"
    for path in left:
        os.utime(path, ns=(1, 1))
    answer(replace(question, underlyings=("BTC",)))
    assert not any(path.exists() for path in left)


def test_another_version_computes_all_days_again(
    growing: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    days = computed(monkeypatch)
    question = Question(archive=growing)
    before = answer(question)
    assert days == []
    monkeypatch.setattr(index_over_time, "VERSION", "another")
    assert answer(question) == before
    assert days == ["2026-08-03", "2026-08-04"]


def test_a_folder_that_cannot_be_written_still_answers(
    growing: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.rmtree(growing / "derived" / "index")
    (growing / "derived" / "index").write_text("no folder")
    days = computed(monkeypatch)
    assert answer(Question(archive=growing)) == by_day(Question(archive=growing))
    assert days
