"""Which payloads go: by counting days, weeks and months by hand."""

from collections.abc import Callable, Iterable
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harmonize.archive.catalog import Entry, latest, observations
from harmonize.config.run_settings import Keep
from harmonize.history import derived
from harmonize.history.tables import HistoryTables
from harmonize.nightly.retention import prunable
from tests.support.table_archives import PLAIN, START, Books, made_once, told

BEGUN = datetime(2027, 12, 20, tzinfo=UTC)
KEEPS = st.builds(Keep, st.integers(0, 4), st.integers(0, 3), st.integers(0, 3))


@st.composite
def listings(draw: st.DrawFn) -> list[Entry]:
    """Entries over two turns of a month and one of a year; clocks now and then stand wrong."""
    found, hours = [], 0
    for number in range(draw(st.integers(0, 14))):
        hours += draw(st.sampled_from([5, 24, 24, 70, 300]))
        wrong = draw(st.sampled_from([0, 0, 0, 0, 200, -60]))
        found.append(
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
    return found


def by_clock(entries: Iterable[Entry]) -> list[Entry]:
    return sorted(entries, key=lambda one: (one.observed_at, one.sequence))


PERIODS: dict[str, Callable[[Entry], str]] = {
    "daily": lambda one: f"{one.observed_at:%Y-%m-%d}",
    "weekly": lambda one: f"{one.observed_at:%G-%V}",
    "monthly": lambda one: f"{one.observed_at:%Y-%m}",
}


def chosen(good: list[Entry], keep: Keep) -> set[str]:
    """The last of each of the newest periods, counted one by one."""
    found = set[str]()
    for name, period in PERIODS.items():
        names: list[str] = []
        for one in reversed(by_clock(good)):
            if period(one) not in names and len(names) < getattr(keep, name):
                names.append(period(one))
                found.add(one.digest)
    return found


@settings(max_examples=300)
@given(listings(), KEEPS, st.sets(st.integers(0, 13).map(str)))
def test_what_goes_is_what_nothing_keeps(
    entries: list[Entry], keep: Keep, changed: set[str]
) -> None:
    gone = {one.digest for one in prunable(entries, keep, changed)}
    for venue in ("a", "b"):
        own = [one for one in entries if one.venue == venue and not one.pruned]
        good = [one for one in own if not one.failed]
        wanted = chosen(good, keep) | {one.digest for one in good if one.digest in changed}
        wanted |= {one.digest for one in [*by_clock(good)[-1:], *by_clock(own)[-1:]]}
        wanted |= {one.digest for one in observations(own, venue)[-1:]}
        for order in (
            by_clock(good),
            [one for one in observations(entries, venue) if not one.pruned],
        ):
            for place, one in enumerate(order):
                if one.digest in wanted:
                    wanted = wanted | rests_on(order[: place + 1])
        left = {one.digest for one in own} - gone
        assert wanted <= left
        assert gone & {one.digest for one in entries if one.pruned} == set()


def rests_on(order: list[Entry]) -> set[str]:
    whole = [place for place, one in enumerate(order) if one.complete]
    return {one.digest for one in order[whole[-1] if whole else 0 :]}


@settings(max_examples=200)
@given(listings(), KEEPS, st.sets(st.integers(0, 13).map(str)))
def test_nothing_is_kept_without_a_reason(
    entries: list[Entry], keep: Keep, changed: set[str]
) -> None:
    """Where all are complete and clocks are right, what stays is what was chosen, to the last."""
    plain = [
        one
        for one in entries
        if one.complete and not one.failed and not one.pruned and not one.gathered
    ]
    gone = prunable(plain, keep, changed)
    for venue in ("a", "b"):
        own = [one for one in plain if one.venue == venue]
        due_ = chosen(own, keep) | {one.digest for one in own if one.digest in changed}
        due_ |= {one.digest for one in by_clock(own)[-1:]}
        due_ |= {one.digest for one, after in pairwise(by_clock(own)) if after.digest in changed}
        assert {one.digest for one in own} - {one.digest for one in gone} == due_
    assert list(gone) == sorted(gone, key=lambda one: one.sequence)


@settings(max_examples=200)
@given(listings(), KEEPS)
def test_the_newest_of_a_venue_and_what_it_rests_on_stay(entries: list[Entry], keep: Keep) -> None:
    good = [one for one in entries if not one.failed]
    gone = {one.digest for one in prunable(entries, keep, frozenset())}
    for stack in latest(good).values():
        assert not gone & {one.digest for one in stack}


@pytest.mark.parametrize("keep", [Keep(), Keep(daily=3), Keep(1, 2, 1)])
def test_after_a_pruning_history_is_made_anew_with_the_same_changes(
    keep: Keep, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Forty nights with partial ones, gaps and clocks ahead; everything that is left can be read."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    books = Books(tmp_path / "archive")
    grown = HistoryTables(tmp_path / "grown")
    for day in range(40):
        state = PLAIN | {
            "BTC": {5: "?", 6: "?", 17: "0.03"}.get(day, "0.02" if day < 9 else "0.04")
        }
        at = START + timedelta(days=day + {12: 9, 25: -3}.get(day, 0))
        books.gather(state, at, complete=day % 4 != 3)
        grown.update(books.archive)
    before = told(grown)
    entries = books.archive.entries()
    held = {one.digest: books.archive.read(one) for one in entries}
    gone = prunable(entries, keep, derived.changed_in(books.archive))
    books.archive.prune(gone, START, "room")
    left = [one for one in books.archive.entries() if not one.pruned]
    assert len(left) < 25
    assert all(books.archive.read(one) == held[one.digest] for one in left)
    assert told(made_once(books, tmp_path / "anew")) == before
    grown.update(books.archive)
    assert told(grown) == before
    assert books.archive.verify() == ()
