"""Entries in the order of gathering with non-decreasing times, whatever the clock reported."""

from datetime import UTC, datetime, timedelta
from itertools import combinations, pairwise

from hypothesis import given
from hypothesis import strategies as st

from harmonize.archive.catalog import (
    Entry,
    observations,
    with_monotonic_times,
    with_observation_times,
)

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


def days(listed: list[Entry]) -> list[float]:
    return [(entry.observed_at - FIRST) / timedelta(days=1) for entry in listed]


def test_a_clock_ahead_for_one_night_has_the_time_of_the_next() -> None:
    assert days(with_monotonic_times(entries(0, 1, 40, 3, 4))) == [0, 1, 3, 3, 4]


def test_a_clock_behind_for_some_nights_has_the_time_of_the_night_before() -> None:
    assert days(with_monotonic_times(entries(0, 1, 2, 3, -5, -4, -3, 7))) == [
        0,
        1,
        2,
        3,
        3,
        3,
        3,
        7,
    ]


def test_one_night_in_1970_moves_no_other() -> None:
    corrected = with_monotonic_times(entries(0, 1, -20_000, 3, 4))
    assert days(corrected) == [0, 1, 1, 3, 4]


def test_the_newest_one_that_stands_ahead_is_believed_until_another_comes() -> None:
    assert days(with_monotonic_times(entries(0, 1, 40))) == [0, 1, 40]


@given(st.lists(st.integers(0, 9), max_size=9))
def test_times_never_fall_and_the_fewest_are_changed(reported: list[int]) -> None:
    corrected = days(with_monotonic_times(entries(*reported)))
    assert all(first <= second for first, second in pairwise(corrected))
    unchanged = sum(first == second for first, second in zip(corrected, reported, strict=True))
    longest = max(
        size
        for size in range(len(reported) + 1)
        for kept in combinations(reported, size)
        if all(first <= second for first, second in pairwise(kept))
    )
    assert unchanged >= longest


def test_what_was_imported_keeps_its_time_and_venues_are_apart() -> None:
    imported = entries(5, 1, gathered=False)
    assert [entry.sequence for entry in observations(imported, "okx")] == [2, 1]
    assert with_observation_times(imported) == tuple(imported)
    assert observations(imported, "bybit") == ()
