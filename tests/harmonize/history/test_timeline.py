"""Observations in order of time, and what is told of schedules that could not be read."""

from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harmonize.archive.archive import Archive
from harmonize.archive.catalog import Entry, latest, observations
from harmonize.core.payload import Defect
from harmonize.document.change import ChangeKind
from harmonize.history.diff import Observed, changes
from harmonize.history.timeline import FIRST, find_events, read_observations, warm_up_start
from tests.support.table_archives import PLAIN, START, Books, made_once, sent, told
from venues import facts, registry

DAY = timedelta(days=1)


@st.composite
def listings(draw: st.DrawFn) -> list[Entry]:
    """Entries of two venues as an archive may hold them, clocks and imports in any order."""
    count = draw(st.integers(0, 9))
    return [
        Entry(
            sequence=number + 1,
            venue=draw(st.sampled_from(["a", "b"])),
            observed_at=START + DAY * draw(st.integers(0, 6)),
            complete=draw(st.booleans()),
            digest=str(number),
            payloads=1,
            size=1,
            failed=draw(st.integers(0, 5)) == 0,
            pruned=draw(st.sampled_from(["", "", "", "2027"])),
            gathered=draw(st.booleans()),
        )
        for number in range(count)
    ]


@given(listings())
def test_of_what_was_gathered_the_sequence_is_the_order_of_time(entries: list[Entry]) -> None:
    for venue in ("a", "b"):
        found = observations(entries, venue)
        own = {one.digest: one for one in entries if one.venue == venue and not one.failed}
        assert {one.digest for one in found} == own.keys()
        assert [one.observed_at for one in found] == sorted(one.observed_at for one in found)
        gathered = [one.sequence for one in found if one.gathered]
        assert gathered == sorted(gathered)
        for one in found:
            told = own[one.digest]
            assert one == told if not one.gathered else replace(told, observed_at=one.observed_at)


@given(listings(), st.integers(0, 9))
def test_warming_up_reads_what_the_point_before_rests_on_and_is_held_against(
    entries: list[Entry], start: int
) -> None:
    order = observations(entries, "a")
    start = min(start, len(order))
    there = [place for place in range(start) if not order[place].pruned]
    if not there:
        return
    (rests_on,) = latest(order[:start]).values()
    base = rests_on[-1]
    needed = [order.index(one) for one in rests_on]
    older = [place for place in there if order[place].complete and place < order.index(base)]
    needed += older[-1:]
    assert warm_up_start(order, start) <= min(needed)


@pytest.fixture
def books(tmp_path: Path) -> Books:
    return Books(tmp_path / "archive")


def observed(state: dict[str, str], day: int, *, complete: bool = True) -> Observed:
    found = registry.parse([sent(state, START + day * DAY, complete=complete)], facts.bundled())
    return Observed.of(found.schedules, ["dydx"] if complete else [], found.defects)


def kinds(one: Observed, other: Observed) -> dict[str, ChangeKind]:
    return {change.symbol[:3]: change.kind for change in changes(one, other, ())}


WITHOUT = {"ETH": "0.02", "SOL": "0.02"}
BROKEN = PLAIN | {"BTC": "?"}


@pytest.mark.parametrize(
    ("before", "after", "complete", "kind"),
    [
        (PLAIN, BROKEN, True, ChangeKind.UNREAD),
        (PLAIN, WITHOUT, True, ChangeKind.DELISTED),
        (PLAIN, WITHOUT, False, ChangeKind.LEFT_OUT),
        (PLAIN, BROKEN, False, ChangeKind.UNREAD),
        (BROKEN, PLAIN, True, ChangeKind.READ),
        (WITHOUT, PLAIN, True, ChangeKind.LISTED),
        (BROKEN, WITHOUT, True, None),
        (WITHOUT, BROKEN, True, None),
        (BROKEN, BROKEN, True, None),
    ],
)
def test_what_could_not_be_read_neither_came_nor_went(
    before: dict[str, str], after: dict[str, str], kind: ChangeKind | None, *, complete: bool
) -> None:
    found = kinds(observed(before, 0), observed(after, 1, complete=complete))
    assert found == ({} if kind is None else {"BTC": kind})


def test_a_whole_snapshot_that_cannot_be_read_makes_nothing_go() -> None:
    nothing = Observed.of((), ["dydx"], [Defect("dydx", "snapshot", "is no JSON")])
    assert set(kinds(observed(PLAIN, 0), nothing).values()) == {ChangeKind.UNREAD}
    assert set(kinds(nothing, observed(PLAIN, 1)).values()) == {ChangeKind.READ}
    none = Observed((), frozenset())
    assert kinds(observed(PLAIN, 0), none) == kinds(none, observed(PLAIN, 0)) == {}


def of_btc(books: Books, tmp_path: Path) -> list[tuple[int, str]]:
    found = told(made_once(books, tmp_path / "tables"))
    return [((at - START).days, kind) for at, symbol, kind in found if symbol == "BTC"]


def test_a_gap_is_told_once_and_the_change_across_it_found(tmp_path: Path, books: Books) -> None:
    for day, rate in enumerate(["0.02", "?", "?", "0.04", "?", "0.04", "0.03"]):
        books.gather(PLAIN | {"BTC": rate}, START + day * DAY)
    assert of_btc(books, tmp_path) == [
        (0, FIRST),
        (1, ChangeKind.UNREAD),
        (3, ChangeKind.TIGHTER),
        (4, ChangeKind.UNREAD),
        (5, ChangeKind.READ),
        (6, ChangeKind.LOOSER),
    ]


def test_a_schedule_that_went_while_it_could_not_be_read_is_delisted(
    tmp_path: Path, books: Books
) -> None:
    for day, state in enumerate([PLAIN, BROKEN, WITHOUT, WITHOUT]):
        books.gather(state, START + day * DAY)
    assert of_btc(books, tmp_path) == [(0, FIRST), (1, ChangeKind.UNREAD), (2, ChangeKind.DELISTED)]


def test_a_partial_snapshot_leaves_what_it_does_not_hold_as_it_was(
    tmp_path: Path, books: Books
) -> None:
    books.gather(PLAIN, START)
    books.gather({"ETH": "0.05"}, START + DAY, complete=False)
    books.gather({"BTC": "0.05"}, START + 2 * DAY, complete=False)
    books.gather(PLAIN | {"BTC": "0.05"}, START + 3 * DAY)
    assert told(made_once(books, tmp_path / "tables"))[3:] == [
        (START + DAY, "ETH", ChangeKind.TIGHTER),
        (START + 2 * DAY, "BTC", ChangeKind.TIGHTER),
        (START + 3 * DAY, "ETH", ChangeKind.LOOSER),
    ]


def test_what_comes_after_a_partial_snapshot_over_a_complete_one_was_listed(
    tmp_path: Path, books: Books
) -> None:
    """Whether the partial one was there, or pruned since, makes no difference."""
    books.gather(WITHOUT, START)
    books.gather({"ETH": "0.02"}, START + DAY, complete=False)
    books.gather(PLAIN, START + 2 * DAY)
    assert of_btc(books, tmp_path) == [(2, ChangeKind.LISTED)]


def test_what_comes_after_partial_snapshots_alone_appeared(tmp_path: Path, books: Books) -> None:
    books.gather({"ETH": "0.02"}, START, complete=False)
    books.gather(PLAIN, START + DAY)
    assert of_btc(books, tmp_path) == [(1, ChangeKind.APPEARED)]


def test_a_leap_is_hidden_as_an_audit_hides_it(tmp_path: Path, books: Books) -> None:
    """Held against the complete snapshot before, as it was sent: hidden on the night of the leap alone.

    A partial snapshot of the next night rests on the night of the leap, where it stays hidden.
    """
    states = [(PLAIN, True), (PLAIN | {"BTC": "0.0001"}, True), ({"ETH": "0.02"}, False)]
    states += [(PLAIN | {"BTC": "0.0001"}, True), (PLAIN | {"BTC": "0.0001"}, True)]
    for day, (state, complete) in enumerate(states):
        books.gather(state, START + day * DAY, complete=complete)
    assert of_btc(books, tmp_path) == [(0, FIRST), (1, ChangeKind.UNKNOWN), (3, ChangeKind.KNOWN)]


def test_a_point_that_cannot_be_read_says_why(books: Books) -> None:
    entries = [books.gather(PLAIN, START), books.gather(BROKEN, START + DAY)]
    books.damage(entries[0])
    found = list(read_observations(Archive.open(books.path), entries))
    assert found[0].fault
    assert not found[0].observed.schedules


def test_a_first_point_is_first_seen() -> None:
    entry = Entry(1, "dydx", datetime(2027, 1, 1), complete=True, digest="", payloads=1, size=1)  # noqa: DTZ001 - no matter
    from harmonize.history.timeline import VenueObservation  # noqa: PLC0415 - beside the one that uses it

    found, last = find_events(None, VenueObservation(entry, observed(PLAIN, 0)))
    assert [one.kind for one in found] == [FIRST] * 3
    assert not find_events(last, VenueObservation(entry, observed(PLAIN, 1)))[0]
