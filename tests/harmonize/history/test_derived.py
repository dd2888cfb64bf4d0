"""Folders of the tables, and the stored recent history with the reasons to recompute it."""

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
from tests.support.table_archives import PLAIN, START, ScriptedArchive, sent

DAY = timedelta(days=1)
WINDOWS = (StressWindow("2027-11-21", "2027-11-22", "a fall", "this test"),)


@pytest.fixture
def books(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ScriptedArchive:
    """Archive of four nights: BTC tightens in a stress window, ETH on the last night."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setattr(derived, "windows", lambda: WINDOWS)
    archive = ScriptedArchive(tmp_path / "archive")
    for day, state in enumerate([PLAIN, PLAIN | {"BTC": "0.04"}, PLAIN, PLAIN | {"ETH": "0.03"}]):
        archive.gather(state, START + day * DAY)
    return archive


def source(books: ScriptedArchive) -> Source:
    return Source.of(books.archive, "this")


def recent(books: ScriptedArchive, day: int = 3) -> RecentHistory:
    return derived.recent_history(source(books), START + day * DAY)


def recomputed(books: ScriptedArchive, folder: Path, day: int) -> RecentHistory:
    store = HistoryTables(folder)
    state = store.update(books.archive)
    windows = vars(derived)["windows"]()
    return queries.recent_history(store, state, START + day * DAY, windows)


def test_the_stored_history_is_the_computed_one(tmp_path: Path, books: ScriptedArchive) -> None:
    expected = recomputed(books, tmp_path / "once", 3)
    assert [dated.change.kind for dated in expected.changes] == [
        ChangeKind.TIGHTER,
        ChangeKind.LOOSER,
        ChangeKind.TIGHTER,
    ]
    assert [(stressed.symbol[:3], stressed.until[8:10]) for stressed in expected.in_stress] == [
        ("BTC", "21"),
        ("ETH", "23"),
    ]
    assert len(expected.unchanged) == 3
    assert recent(books) == expected
    assert (books.path / "derived" / "lately.json").exists()
    assert recent(books) == expected


def mark_stored(books: ScriptedArchive) -> None:
    """Removes the unchanged schedules from the stored history, so that its use is visible."""
    path = books.path / "derived" / "lately.json"
    stored = json.loads(path.read_bytes())
    path.write_text(json.dumps(stored | {"lately": stored["lately"] | {"unchanged": []}}))


def test_the_stored_history_is_used(books: ScriptedArchive) -> None:
    recent(books)
    mark_stored(books)
    assert recent(books).unchanged == ()
    assert recent(books, 9).unchanged == ()  # nothing was observed since


def _grown(books: ScriptedArchive, _: pytest.MonkeyPatch) -> None:
    books.gather(PLAIN | {"ETH": "0.03"}, START + 4 * DAY)


def _grown_by_a_failed_attempt(books: ScriptedArchive, _: pytest.MonkeyPatch) -> None:
    books.fail(START + 4 * DAY)


def _another_version(_: ScriptedArchive, patch: pytest.MonkeyPatch) -> None:
    patch.setattr(derived, "VERSION", "another")


def _another_format(_: ScriptedArchive, patch: pytest.MonkeyPatch) -> None:
    patch.setattr(derived, "FORMAT", "another")


def _other_windows(_: ScriptedArchive, patch: pytest.MonkeyPatch) -> None:
    patch.setattr(derived, "windows", lambda: (replace(WINDOWS[0], last="2027-11-23"),))


def _truncated(books: ScriptedArchive, _: pytest.MonkeyPatch) -> None:
    path = books.path / "derived" / "lately.json"
    path.write_bytes(path.read_bytes()[:-9])


@pytest.mark.parametrize(
    "event",
    [
        _grown,
        _grown_by_a_failed_attempt,
        _another_version,
        _another_format,
        _other_windows,
        _truncated,
    ],
)
def test_the_stored_history_is_not_used_after(
    event: Callable[[ScriptedArchive, pytest.MonkeyPatch], None],
    tmp_path: Path,
    books: ScriptedArchive,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    recent(books)
    mark_stored(books)
    event(books, monkeypatch)
    newest = [entry for entry in books.archive.entries() if not entry.failed][-1]
    day = (newest.observed_at - START).days
    assert recent(books, 5) == recomputed(books, tmp_path / "once", day)


def test_the_history_of_an_earlier_day_is_computed(tmp_path: Path, books: ScriptedArchive) -> None:
    recent(books)
    mark_stored(books)
    earlier = recent(books, 2)
    assert earlier == recomputed(books, tmp_path / "once", 2)
    assert len(earlier.unchanged) == 3
    assert [dated.change.kind for dated in earlier.changes] == [
        ChangeKind.TIGHTER,
        ChangeKind.LOOSER,
    ]
    assert recent(books).unchanged == ()  # the stored one stays


def test_a_history_with_an_unreadable_snapshot_is_not_stored(
    tmp_path: Path, books: ScriptedArchive
) -> None:
    entries = books.archive.entries()
    books.damage(entries[-1])
    recent(books)
    books.restore()
    derived._tables_at.cache_clear()  # noqa: SLF001 - another process has an empty cache
    assert recent(books) == recomputed(books, tmp_path / "once", 3)


def test_venues_observed_once_have_no_changes_and_need_no_tables(tmp_path: Path) -> None:
    archive = Archive.create(tmp_path / "archive")
    archive.append(sent(PLAIN, START))
    recent_history = derived.recent_history(Source.of(archive, "this"), START)
    assert recent_history == RecentHistory(observed={"dydx": (START,)})
    assert not (tmp_path / "archive" / "derived").exists()


def test_changes_after_a_sequence_are_those_of_gathered_snapshots(books: ScriptedArchive) -> None:
    books.bring(PLAIN | {"SOL": "0.05"}, START + 10 * DAY)
    books.gather(PLAIN, START + 11 * DAY)
    changes = derived.changes_after(books.archive, 1, 6)
    assert [(change.symbol[:3], change.kind, change.after[8:10]) for change in changes] == [
        ("BTC", ChangeKind.TIGHTER, "21"),
        ("BTC", ChangeKind.LOOSER, "22"),
        ("ETH", ChangeKind.TIGHTER, "23"),
        ("SOL", ChangeKind.LOOSER, "01"),
    ]
    assert derived.changes_after(books.archive, 3, 3) == ()
    assert len(derived.changes_after(books.archive, 3, 4)) == 1


def test_changed_in_returns_the_snapshots_with_an_event(books: ScriptedArchive) -> None:
    books.gather(PLAIN | {"ETH": "0.03"}, START + 4 * DAY)
    digests = [entry.digest for entry in books.archive.entries()]
    assert derived.digests_with_events(books.archive) == set(digests[:4])


def test_entries_of_a_large_archive_come_from_its_tables_if_present(
    books: ScriptedArchive, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(derived, "_MAX_MANIFESTS", 2)
    derived.update_tables(books.archive)
    books.gather(PLAIN, START + 4 * DAY)
    assert derived.list_entries(books.archive) == books.archive.entries()
    assert len(derived.list_entries(books.archive)) == 5


def test_series_are_of_compared_schedules_and_end_with_their_venue(books: ScriptedArchive) -> None:
    members = [
        SimpleNamespace(venue="dydx", symbol=f"{asset}/USDC:USDC", profile="cross")
        for asset in ("BTC", "ETH")
    ]
    document = SimpleNamespace(
        curves=[SimpleNamespace(underlying="BTC"), SimpleNamespace(underlying="ETH")],
        comparisons=[
            SimpleNamespace(underlying=member.symbol[:3], members=[member]) for member in members
        ],
        heat_map_notional=1e5,
        schedules=[],
    )
    past = derived.build_history([source(books)], document, START + 9 * DAY)  # type: ignore[arg-type]
    heat = document.heat_map_notional
    points = {
        (series.underlying, series.margin_type, series.notional): [
            (point.observed_at[8:10], point.rate) for point in series.points
        ]
        for series in past.series
    }
    for asset, expected in (
        ("BTC", [("20", 0.02), ("21", 0.04), ("22", 0.02)]),
        ("ETH", [("20", 0.02), ("23", 0.03)]),
    ):
        assert points[asset, "initial", heat] == expected
        assert points[asset, "maintenance", 1e6] == [("20", 0.01)]
    assert {series.until for series in past.series} == {"2027-11-23T01:00:00Z"}
    assert [(week.week, week.tighter, week.looser) for week in past.weeks] == [
        ("2027-11-15", 1, 0),
        ("2027-11-22", 1, 1),
    ]
    assert past.stress_windows == WINDOWS
