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


def test_a_night_with_a_fast_clock_takes_the_time_of_the_next() -> None:
    assert days(with_monotonic_times(entries(0, 1, 40, 3, 4))) == [0, 1, 3, 3, 4]


def test_nights_with_a_slow_clock_take_the_time_of_the_night_before() -> None:
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


def test_a_night_dated_far_in_the_past_changes_no_other() -> None:
    corrected = with_monotonic_times(entries(0, 1, -20_000, 3, 4))
    assert days(corrected) == [0, 1, 1, 3, 4]


def test_a_newest_entry_with_a_fast_clock_keeps_its_time_until_the_next() -> None:
    assert days(with_monotonic_times(entries(0, 1, 40))) == [0, 1, 40]


@given(st.lists(st.integers(0, 9), max_size=9))
def test_times_never_decrease_and_the_fewest_are_changed(reported: list[int]) -> None:
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


def test_imported_entries_keep_their_times_and_venues_are_independent() -> None:
    imported = entries(5, 1, gathered=False)
    assert [entry.sequence for entry in observations(imported, "okx")] == [2, 1]
    assert with_observation_times(imported) == tuple(imported)
    assert observations(imported, "bybit") == ()
