"""Observations in chronological order, and events of schedules that could not be read."""

from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harmonize.archive.archive import Archive
from harmonize.archive.catalog import Entry, observations
from harmonize.core.payload import Defect
from harmonize.document.change import ChangeKind
from harmonize.history.acceptances import Acceptance
from harmonize.history.diff import ObservedSchedules, find_changes
from harmonize.history.timeline import (
    FIRST_SEEN,
    ReadingPlan,
    VenueObservation,
    find_events,
    read_observations,
)
from tests.support.table_archives import (
    PLAIN,
    START,
    ScriptedArchive,
    build_at_once,
    event_list,
    sent,
)
from venues import facts, registry

DAY = timedelta(days=1)


@st.composite
def listings(draw: st.DrawFn) -> list[Entry]:
    """Entries of two venues with clocks and imports in any order."""
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
def test_the_sequence_of_gathered_entries_is_chronological(entries: list[Entry]) -> None:
    for venue in ("a", "b"):
        ordered = observations(entries, venue)
        own = {
            entry.digest: entry for entry in entries if entry.venue == venue and not entry.failed
        }
        assert {entry.digest for entry in ordered} == own.keys()
        times = [entry.observed_at for entry in ordered]
        assert times == sorted(times)
        gathered = [entry.sequence for entry in ordered if entry.gathered]
        assert gathered == sorted(gathered)
        for entry in ordered:
            original = own[entry.digest]
            if entry.gathered:
                original = replace(original, observed_at=entry.observed_at)
            assert entry == original


RATES = ("0.02", "0.02", "0.02", "0.03", "0.2", "0.002", "?")


@settings(max_examples=20)
@given(
    st.lists(
        st.tuples(
            st.dictionaries(st.sampled_from(["BTC", "ETH", "SOL"]), st.sampled_from(RATES)),
            st.booleans(),
        ),
        min_size=2,
        max_size=7,
    )
)
def test_reading_from_a_restart_gives_what_reading_everything_gives(
    nights: list[tuple[dict[str, str], bool]],
) -> None:
    with TemporaryDirectory() as folder:
        books = ScriptedArchive(Path(folder) / "archive")
        for day, (state, complete) in enumerate([(PLAIN, True), *nights]):
            books.gather(state or PLAIN, START + day * DAY, complete=complete)
        order = observations(books.archive.entries(), "dydx")
        whole = list(read_observations(books.archive, ReadingPlan(order)))
        checkpoints = {o.entry.digest: o.checkpoint for o in whole if o.checkpoint is not None}
        plan = ReadingPlan(order, checkpoints=checkpoints)
        assert all(o.entry.digest in checkpoints for o in whole if o.entry.complete)
        for start in range(1, len(order)):
            first = plan.restart(start)
            assert first == max((n for n in range(1, start) if order[n].complete), default=0)
            again = list(read_observations(books.archive, plan, first))
            for expected, found in zip(whole[start:], again[start - first :], strict=True):
                assert found.observed == expected.observed
                assert found.withheld == expected.withheld
                assert found.checkpoint == expected.checkpoint


@pytest.fixture
def books(tmp_path: Path) -> ScriptedArchive:
    return ScriptedArchive(tmp_path / "archive")


def observed(state: dict[str, str], day: int, *, complete: bool = True) -> ObservedSchedules:
    parsed = registry.parse([sent(state, START + day * DAY, complete=complete)], facts.bundled())
    return ObservedSchedules.of(parsed.schedules, ["dydx"] if complete else [], parsed.defects)


def kinds(before: ObservedSchedules, after: ObservedSchedules) -> dict[str, ChangeKind]:
    return {change.symbol[:3]: change.kind for change in find_changes(before, after, ())}


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
def test_unreadable_schedules_are_neither_listed_nor_delisted(
    before: dict[str, str], after: dict[str, str], kind: ChangeKind | None, *, complete: bool
) -> None:
    observed_kinds = kinds(observed(before, 0), observed(after, 1, complete=complete))
    assert observed_kinds == ({} if kind is None else {"BTC": kind})


def test_an_unreadable_complete_snapshot_delists_nothing() -> None:
    unreadable = ObservedSchedules.of((), ["dydx"], [Defect("dydx", "snapshot", "is no JSON")])
    assert set(kinds(observed(PLAIN, 0), unreadable).values()) == {ChangeKind.UNREAD}
    assert set(kinds(unreadable, observed(PLAIN, 1)).values()) == {ChangeKind.READ}
    none = ObservedSchedules((), frozenset())
    assert kinds(observed(PLAIN, 0), none) == kinds(none, observed(PLAIN, 0)) == {}


def of_btc(books: ScriptedArchive, tmp_path: Path) -> list[tuple[int, str]]:
    events = event_list(build_at_once(books, tmp_path / "tables"))
    return [((time - START).days, kind) for time, symbol, kind in events if symbol == "BTC"]


def test_an_unreadable_period_is_one_event_and_the_change_across_it_another(
    tmp_path: Path, books: ScriptedArchive
) -> None:
    for day, rate in enumerate(["0.02", "?", "?", "0.04", "?", "0.04", "0.03"]):
        books.gather(PLAIN | {"BTC": rate}, START + day * DAY)
    assert of_btc(books, tmp_path) == [
        (0, FIRST_SEEN),
        (1, ChangeKind.UNREAD),
        (3, ChangeKind.TIGHTER),
        (4, ChangeKind.UNREAD),
        (5, ChangeKind.READ),
        (6, ChangeKind.LOOSER),
    ]


def test_a_schedule_removed_while_unreadable_is_delisted(
    tmp_path: Path, books: ScriptedArchive
) -> None:
    for day, state in enumerate([PLAIN, BROKEN, WITHOUT, WITHOUT]):
        books.gather(state, START + day * DAY)
    assert of_btc(books, tmp_path) == [
        (0, FIRST_SEEN),
        (1, ChangeKind.UNREAD),
        (2, ChangeKind.DELISTED),
    ]


def test_a_partial_snapshot_keeps_the_schedules_that_it_omits(
    tmp_path: Path, books: ScriptedArchive
) -> None:
    books.gather(PLAIN, START)
    books.gather({"ETH": "0.05"}, START + DAY, complete=False)
    books.gather({"BTC": "0.05"}, START + 2 * DAY, complete=False)
    books.gather(PLAIN | {"BTC": "0.05"}, START + 3 * DAY)
    assert event_list(build_at_once(books, tmp_path / "tables"))[3:] == [
        (START + DAY, "ETH", ChangeKind.TIGHTER),
        (START + 2 * DAY, "BTC", ChangeKind.TIGHTER),
        (START + 3 * DAY, "ETH", ChangeKind.LOOSER),
    ]


def test_an_addition_after_a_partial_snapshot_on_a_complete_one_is_listed(
    tmp_path: Path, books: ScriptedArchive
) -> None:
    """The event is the same if the partial snapshot was pruned."""
    books.gather(WITHOUT, START)
    books.gather({"ETH": "0.02"}, START + DAY, complete=False)
    books.gather(PLAIN, START + 2 * DAY)
    assert of_btc(books, tmp_path) == [(2, ChangeKind.LISTED)]


def test_an_addition_after_only_partial_snapshots_appeared(
    tmp_path: Path, books: ScriptedArchive
) -> None:
    books.gather({"ETH": "0.02"}, START, complete=False)
    books.gather(PLAIN, START + DAY)
    assert of_btc(books, tmp_path) == [(1, ChangeKind.APPEARED)]


def test_an_implausible_change_stays_withheld_until_the_numbers_return(
    tmp_path: Path, books: ScriptedArchive
) -> None:
    """It is held against the numbers last believed, however often the new ones are repeated."""
    leap = PLAIN | {"BTC": "0.0001"}
    states = [(PLAIN, True), (leap, True), ({"ETH": "0.02"}, False), (leap, True), (leap, True)]
    states += [(PLAIN | {"BTC": "0.03"}, True)]
    for day, (state, complete) in enumerate(states):
        books.gather(state, START + day * DAY, complete=complete)
    assert of_btc(books, tmp_path) == [
        (0, FIRST_SEEN),
        (1, ChangeKind.UNREAD),
        (5, ChangeKind.TIGHTER),
    ]


def test_an_accepted_change_is_believed_from_its_night_on(
    tmp_path: Path, books: ScriptedArchive
) -> None:
    leap = PLAIN | {"BTC": "0.0001"}
    books.gather(PLAIN, START)
    entries = [books.gather(leap, START + day * DAY) for day in (1, 2, 3)]
    before = of_btc(books, tmp_path / "before")
    assert before == [(0, FIRST_SEEN), (1, ChangeKind.UNREAD)]
    decision = Acceptance(
        "dydx", entries[1].digest, START, ("BTC-USD",), "A. Person", "announced", START
    )
    books.archive.append(decision.as_snapshot())
    expected = [(0, FIRST_SEEN), (1, ChangeKind.UNREAD), (2, ChangeKind.LOOSER)]
    assert of_btc(books, tmp_path / "after") == expected
    assert of_btc(books, tmp_path / "before") == expected


def test_an_unreadable_observation_states_the_reason(books: ScriptedArchive) -> None:
    entries = [books.gather(PLAIN, START), books.gather(BROKEN, START + DAY)]
    books.damage(entries[0])
    first, _ = read_observations(Archive.open(books.path), ReadingPlan(entries))
    assert first.fault
    assert not first.observed.schedules


def test_a_partial_night_on_a_damaged_one_shows_only_what_is_plausible(
    books: ScriptedArchive,
) -> None:
    books.gather(PLAIN, START)
    damaged = books.gather(PLAIN | {"BTC": "0.2"}, START + DAY)
    books.archive.append(sent({"BTC": "0.0001"}, START + 2 * DAY, complete=False))
    books.damage(damaged)
    order = observations(books.archive.entries(), "dydx")
    *_, last = read_observations(books.archive, ReadingPlan(order))
    assert last.fault
    assert {key[1] for key in last.withheld} == {"BTC/USDC:USDC"}


def test_the_schedules_of_a_first_observation_are_first_seen() -> None:
    entry = Entry(1, "dydx", datetime(2027, 1, 1), complete=True, digest="", payloads=1, size=1)  # noqa: DTZ001 - the time zone is irrelevant
    first, last = find_events(None, VenueObservation(entry, observed(PLAIN, 0)))
    assert [event.kind for event in first] == [FIRST_SEEN] * 3
    assert not find_events(last, VenueObservation(entry, observed(PLAIN, 1)))[0]
