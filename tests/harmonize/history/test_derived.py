"""Where tables lie, what is kept of an answer, and when it is not believed."""

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from types import SimpleNamespace

import pytest

from harmonize.archive.archive import Archive
from harmonize.archive.source import Source
from harmonize.document.change import ChangeKind
from harmonize.document.history import StressWindow
from harmonize.history import derived, queries
from harmonize.history.recent import RecentHistory
from harmonize.history.tables import HistoryTables
from tests.support.table_archives import PLAIN, START, Books, sent

DAY = timedelta(days=1)
WINDOWS = (StressWindow("2027-11-21", "2027-11-22", "a fall", "this test"),)


@pytest.fixture
def books(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Books:
    """Four nights; BTC tightens in a window of stress, ETH in the last night."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setattr(derived, "windows", lambda: WINDOWS)
    found = Books(tmp_path / "archive")
    for day, state in enumerate([PLAIN, PLAIN | {"BTC": "0.04"}, PLAIN, PLAIN | {"ETH": "0.03"}]):
        found.gather(state, START + day * DAY)
    return found


def source(books: Books) -> Source:
    return Source.of(books.archive, "this")


def asked(books: Books, day: int = 3) -> RecentHistory:
    return derived.lately(source(books), START + day * DAY)


def afresh(books: Books, folder: Path, day: int) -> RecentHistory:
    store = HistoryTables(folder)
    held = store.update(books.archive)
    windows = vars(derived)["windows"]()
    return queries.recent_history(store, held, START + day * DAY, windows)


def test_the_answer_that_was_kept_is_the_one_computed(tmp_path: Path, books: Books) -> None:
    due = afresh(books, tmp_path / "once", 3)
    assert [one.change.kind for one in due.changes] == [
        ChangeKind.TIGHTER,
        ChangeKind.LOOSER,
        ChangeKind.TIGHTER,
    ]
    assert [(one.symbol[:3], one.until[8:10]) for one in due.in_stress] == [
        ("BTC", "21"),
        ("ETH", "23"),
    ]
    assert len(due.unchanged) == 3
    assert asked(books) == due
    assert (books.path / "derived" / "lately.json").exists()
    assert asked(books) == due


def poison(books: Books) -> None:
    """Let the answer that is kept be recognised."""
    path = books.path / "derived" / "lately.json"
    kept = json.loads(path.read_bytes())
    path.write_text(json.dumps(kept | {"lately": kept["lately"] | {"unchanged": []}}))


def test_an_answer_that_was_kept_is_used(books: Books) -> None:
    asked(books)
    poison(books)
    assert asked(books).unchanged == ()
    assert asked(books, 9).unchanged == ()  # nothing was observed since


def _grown(books: Books, _: pytest.MonkeyPatch) -> None:
    books.gather(PLAIN | {"ETH": "0.03"}, START + 4 * DAY)


def _grown_by_a_failed_try(books: Books, _: pytest.MonkeyPatch) -> None:
    books.fail(START + 4 * DAY)


def _another_version(_: Books, patch: pytest.MonkeyPatch) -> None:
    patch.setattr(derived, "VERSION", "another")


def _other_windows(_: Books, patch: pytest.MonkeyPatch) -> None:
    patch.setattr(derived, "windows", lambda: (replace(WINDOWS[0], last="2027-11-23"),))


def _cut_short(books: Books, _: pytest.MonkeyPatch) -> None:
    path = books.path / "derived" / "lately.json"
    path.write_bytes(path.read_bytes()[:-9])


@pytest.mark.parametrize(
    "befalls", [_grown, _grown_by_a_failed_try, _another_version, _other_windows, _cut_short]
)
def test_an_answer_is_not_used_after(
    befalls: Callable[[Books, pytest.MonkeyPatch], None],
    tmp_path: Path,
    books: Books,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    asked(books)
    poison(books)
    befalls(books, monkeypatch)
    newest = [one for one in books.archive.entries() if not one.failed][-1]
    day = (newest.observed_at - START).days
    assert asked(books, 5) == afresh(books, tmp_path / "once", day)


def test_an_answer_about_an_earlier_day_is_computed(tmp_path: Path, books: Books) -> None:
    asked(books)
    poison(books)
    found = asked(books, 2)
    assert found == afresh(books, tmp_path / "once", 2)
    assert len(found.unchanged) == 3
    assert [one.change.kind for one in found.changes] == [ChangeKind.TIGHTER, ChangeKind.LOOSER]
    assert asked(books).unchanged == ()  # and what is kept of the newest stays


def test_an_answer_with_something_that_could_not_be_read_is_not_kept(
    tmp_path: Path, books: Books
) -> None:
    entries = books.archive.entries()
    books.damage(entries[-1])
    asked(books)
    books.restore()
    derived._tables_at.cache_clear()  # noqa: SLF001 - another process would have none
    assert asked(books) == afresh(books, tmp_path / "once", 3)


def test_venues_that_were_seen_once_have_no_changes_and_need_no_tables(tmp_path: Path) -> None:
    archive = Archive.create(tmp_path / "archive")
    archive.append(sent(PLAIN, START))
    found = derived.lately(Source.of(archive, "this"), START)
    assert found == RecentHistory(observed={"dydx": (START,)})
    assert not (tmp_path / "archive" / "derived").exists()


def test_changes_after_a_sequence_are_those_of_what_was_gathered(books: Books) -> None:
    books.bring(PLAIN | {"SOL": "0.05"}, START + 10 * DAY)
    books.gather(PLAIN, START + 11 * DAY)
    found = derived.changes_after(books.archive, 1, 6)
    assert [(one.symbol[:3], one.kind, one.after[8:10]) for one in found] == [
        ("BTC", ChangeKind.TIGHTER, "21"),
        ("BTC", ChangeKind.LOOSER, "22"),
        ("ETH", ChangeKind.TIGHTER, "23"),
        ("SOL", ChangeKind.LOOSER, "01"),
    ]
    assert derived.changes_after(books.archive, 3, 3) == ()
    assert len(derived.changes_after(books.archive, 3, 4)) == 1


def test_changed_in_names_the_snapshots_that_told_something(books: Books) -> None:
    books.gather(PLAIN | {"ETH": "0.03"}, START + 4 * DAY)
    digests = [one.digest for one in books.archive.entries()]
    assert derived.changed_in(books.archive) == set(digests[:4])


def test_entries_of_a_large_archive_come_from_its_tables_as_far_as_they_go(
    books: Books, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(derived, "_MAX_MANIFESTS", 2)
    derived.tables_of(books.archive)
    books.gather(PLAIN, START + 4 * DAY)
    assert derived.entries_of(books.archive) == books.archive.entries()
    assert len(derived.entries_of(books.archive)) == 5


def test_courses_are_of_what_is_compared_and_end_with_its_venue(books: Books) -> None:
    members = [SimpleNamespace(venue="dydx", symbol=f"{one}/USDC:USDC") for one in ("BTC", "ETH")]
    for one in members:
        one.profile = "cross"
    document = SimpleNamespace(
        curves=[SimpleNamespace(underlying="BTC"), SimpleNamespace(underlying="ETH")],
        comparisons=[SimpleNamespace(underlying=one.symbol[:3], members=[one]) for one in members],
        heat_map_notional=1e5,
    )
    past = derived.past([source(books)], document, START + 9 * DAY)  # type: ignore[arg-type]
    heat = document.heat_map_notional
    marks = {
        (one.underlying, one.margin_type, one.notional): [
            (mark.observed_at[8:10], mark.rate) for mark in one.points
        ]
        for one in past.series
    }
    for asset, due in (
        ("BTC", [("20", 0.02), ("21", 0.04), ("22", 0.02)]),
        ("ETH", [("20", 0.02), ("23", 0.03)]),
    ):
        assert marks[asset, "initial", heat] == due
        assert marks[asset, "maintenance", 1e6] == [("20", 0.00001)]
    assert {one.until for one in past.series} == {"2027-11-23T01:00:00Z"}
    assert [(one.week, one.tighter, one.looser) for one in past.weeks] == [
        ("2027-11-15", 1, 0),
        ("2027-11-22", 1, 1),
    ]
    assert past.stress_windows == WINDOWS
