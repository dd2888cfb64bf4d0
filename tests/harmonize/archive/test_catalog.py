"""Whatever the clock said: entries in the order in which they were gathered, with times that follow."""

from datetime import UTC, datetime, timedelta
from itertools import combinations, pairwise

from hypothesis import given
from hypothesis import strategies as st

from harmonize.archive.catalog import Entry, in_order, observations, with_observation_times

FIRST = datetime(2027, 3, 1, 1, tzinfo=UTC)


def entries(*days: float, gathered: bool = True) -> list[Entry]:
    return [
        Entry(
            number,
            "okx",
            FIRST + timedelta(days=day),
            complete=True,
            digest=f"{number}",
            payloads=1,
            size=1,
            gathered=gathered,
        )
        for number, day in enumerate(days, start=1)
    ]


def days(found: list[Entry]) -> list[float]:
    return [(one.observed_at - FIRST) / timedelta(days=1) for one in found]


def test_a_clock_ahead_for_one_night_has_the_time_of_the_next() -> None:
    assert days(in_order(entries(0, 1, 40, 3, 4))) == [0, 1, 3, 3, 4]


def test_a_clock_behind_for_some_nights_has_the_time_of_the_night_before() -> None:
    assert days(in_order(entries(0, 1, 2, 3, -5, -4, -3, 7))) == [0, 1, 2, 3, 3, 3, 3, 7]


def test_one_night_in_1970_moves_no_other() -> None:
    found = in_order(entries(0, 1, -20_000, 3, 4))
    assert days(found) == [0, 1, 1, 3, 4]


def test_the_newest_one_that_stands_ahead_is_believed_until_another_comes() -> None:
    assert days(in_order(entries(0, 1, 40))) == [0, 1, 40]


@given(st.lists(st.integers(0, 9), max_size=9))
def test_times_never_fall_and_the_fewest_are_changed(given_days: list[int]) -> None:
    found = days(in_order(entries(*given_days)))
    assert all(one <= other for one, other in pairwise(found))
    unchanged = sum(one == other for one, other in zip(found, given_days, strict=True))
    longest = max(
        size
        for size in range(len(given_days) + 1)
        for kept in combinations(given_days, size)
        if all(one <= other for one, other in pairwise(kept))
    )
    assert unchanged >= longest


def test_what_was_imported_keeps_its_time_and_venues_are_apart() -> None:
    imported = entries(5, 1, gathered=False)
    assert [one.sequence for one in observations(imported, "okx")] == [2, 1]
    assert with_observation_times(imported) == tuple(imported)
    assert observations(imported, "bybit") == ()
