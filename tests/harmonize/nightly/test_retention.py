"""The payloads that retention removes, against a count of days, weeks and months by hand."""

from collections.abc import Callable, Iterable
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harmonize.archive.catalog import Entry, latest, observations
from harmonize.config.run_settings import RetentionSettings
from harmonize.core.payload import PRICES
from harmonize.history import derived
from harmonize.history.tables import HistoryTables
from harmonize.nightly.retention import prunable
from tests.support.table_archives import PLAIN, START, ScriptedArchive, build_at_once, event_list

BEGUN = datetime(2027, 12, 20, tzinfo=UTC)
KEEPS = st.builds(RetentionSettings, st.integers(0, 4), st.integers(0, 3), st.integers(0, 3))


@st.composite
def listings(draw: st.DrawFn) -> list[Entry]:
    """Entries over two month ends and a year end, some with wrong clocks."""
    entries, hours = [], 0
    for number in range(draw(st.integers(0, 14))):
        hours += draw(st.sampled_from([5, 24, 24, 70, 300]))
        wrong = draw(st.sampled_from([0, 0, 0, 0, 200, -60]))
        entries.append(
            Entry(
                sequence=number + 1,
                venue=draw(st.sampled_from(["a", "a", "b"])),
                observed_at=BEGUN + timedelta(hours=hours + wrong),
                complete=draw(st.booleans()),
                digest=str(number),
                payloads=1,
                size=1,
                failed=draw(st.integers(0, 6)) == 0,
                pruned=draw(st.sampled_from(["", "", "", "", "2027-12-24"])),
                gathered=draw(st.booleans()),
            )
        )
    return entries


def by_clock(entries: Iterable[Entry]) -> list[Entry]:
    return sorted(entries, key=lambda entry: (entry.observed_at, entry.sequence))


PERIODS: dict[str, Callable[[Entry], str]] = {
    "daily": lambda entry: f"{entry.observed_at:%Y-%m-%d}",
    "weekly": lambda entry: f"{entry.observed_at:%G-%V}",
    "monthly": lambda entry: f"{entry.observed_at:%Y-%m}",
}


def chosen(good: list[Entry], keep: RetentionSettings) -> set[str]:
    """Returns the last entry of each of the newest periods, counted one by one."""
    digests = set[str]()
    for name, period in PERIODS.items():
        names: list[str] = []
        for entry in reversed(by_clock(good)):
            if period(entry) not in names and len(names) < getattr(keep, name):
                names.append(period(entry))
                digests.add(entry.digest)
    return digests


@settings(max_examples=300)
@given(listings(), KEEPS, st.sets(st.integers(0, 13).map(str)))
def test_only_entries_without_a_reason_to_stay_are_prunable(
    entries: list[Entry], keep: RetentionSettings, changed: set[str]
) -> None:
    removed = {entry.digest for entry in prunable(entries, keep, changed)}
    for venue in ("a", "b"):
        of_venue = [entry for entry in entries if entry.venue == venue and not entry.pruned]
        good = [entry for entry in of_venue if not entry.failed]
        required = chosen(good, keep) | {entry.digest for entry in good if entry.digest in changed}
        required |= {entry.digest for entry in [*by_clock(good)[-1:], *by_clock(of_venue)[-1:]]}
        required |= {entry.digest for entry in observations(of_venue, venue)[-1:]}
        for order in (
            by_clock(good),
            [entry for entry in observations(entries, venue) if not entry.pruned],
        ):
            for place, entry in enumerate(order):
                if entry.digest in required:
                    required = required | rests_on(order[: place + 1])
        remaining = {entry.digest for entry in of_venue} - removed
        assert required <= remaining
        assert removed & {entry.digest for entry in entries if entry.pruned} == set()


def rests_on(order: list[Entry]) -> set[str]:
    whole = [place for place, entry in enumerate(order) if entry.complete]
    return {entry.digest for entry in order[whole[-1] if whole else 0 :]}


@settings(max_examples=200)
@given(listings(), KEEPS, st.sets(st.integers(0, 13).map(str)))
def test_no_entry_stays_without_a_reason(
    entries: list[Entry], keep: RetentionSettings, changed: set[str]
) -> None:
    """With complete entries and right clocks, exactly the chosen entries remain."""
    plain = [
        entry
        for entry in entries
        if entry.complete and not entry.failed and not entry.pruned and not entry.gathered
    ]
    removed = prunable(plain, keep, changed)
    for venue in ("a", "b"):
        of_venue = [entry for entry in plain if entry.venue == venue]
        required = chosen(of_venue, keep) | {
            entry.digest for entry in of_venue if entry.digest in changed
        }
        required |= {entry.digest for entry in by_clock(of_venue)[-1:]}
        required |= {
            entry.digest for entry, after in pairwise(by_clock(of_venue)) if after.digest in changed
        }
        assert {entry.digest for entry in of_venue} - {
            entry.digest for entry in removed
        } == required
    assert list(removed) == sorted(removed, key=lambda entry: entry.sequence)


@settings(max_examples=200)
@given(listings(), KEEPS)
def test_the_newest_of_a_venue_and_what_it_rests_on_stay(
    entries: list[Entry], keep: RetentionSettings
) -> None:
    good = [entry for entry in entries if not entry.failed]
    removed = {entry.digest for entry in prunable(entries, keep, frozenset())}
    for stack in latest(good).values():
        assert not removed & {entry.digest for entry in stack}


@pytest.mark.parametrize(
    "keep", [RetentionSettings(), RetentionSettings(daily=3), RetentionSettings(1, 2, 1)]
)
def test_after_pruning_rebuilt_history_has_the_same_changes(
    keep: RetentionSettings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Forty nights with partial snapshots, gaps and fast clocks; the remaining entries are readable."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    books = ScriptedArchive(tmp_path / "archive")
    grown = HistoryTables(tmp_path / "grown")
    for day in range(40):
        state = PLAIN | {
            "BTC": {5: "?", 6: "?", 17: "0.03"}.get(day, "0.02" if day < 9 else "0.04")
        }
        at = START + timedelta(days=day + {12: 9, 25: -3}.get(day, 0))
        books.gather(state, at, complete=day % 4 != 3)
        grown.update(books.archive)
    before = event_list(grown)
    entries = books.archive.entries()
    snapshots = {entry.digest: books.archive.read(entry) for entry in entries}
    removed = prunable(entries, keep, derived.digests_with_events(books.archive))
    books.archive.prune(removed, START, "room")
    remaining = [entry for entry in books.archive.entries() if not entry.pruned]
    assert len(remaining) < 25
    assert all(books.archive.read(entry) == snapshots[entry.digest] for entry in remaining)
    assert event_list(build_at_once(books, tmp_path / "anew")) == before
    grown.update(books.archive)
    assert event_list(grown) == before
    assert books.archive.verify() == ()


def test_candles_stay_because_each_snapshot_holds_other_times() -> None:
    entries = [
        Entry(
            sequence=number,
            venue=venue,
            observed_at=BEGUN + timedelta(days=number),
            complete=True,
            digest=str(number),
            payloads=1,
            size=1,
        )
        for number, venue in enumerate([PRICES, "a"] * 3)
    ]
    removed = prunable(entries, RetentionSettings(1, 0, 0), frozenset())
    assert {entry.venue for entry in removed} == {"a"}
