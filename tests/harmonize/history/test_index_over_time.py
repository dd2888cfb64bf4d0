"""The index over time from the tables equals a reading of the archive on every day."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from functools import cache
from pathlib import Path

import pytest

from harmonize.api import compared_venues, index_over_time
from harmonize.api.index_over_time import keep_index
from harmonize.api.observed_days import ObservedDay
from harmonize.api.question import Question, Verification
from harmonize.archive.archive import Archive
from harmonize.archive.catalog import Entry
from harmonize.core.payload import Snapshot
from harmonize.document import IndexSummary
from harmonize.history import derived
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
    for path in (growing / "derived" / "index").glob("*"):
        path.unlink()
    (growing / "derived" / "index").rmdir()
    (growing / "derived" / "index").write_text("no folder")
    days = computed(monkeypatch)
    assert answer(Question(archive=growing)) == by_day(Question(archive=growing))
    assert days
