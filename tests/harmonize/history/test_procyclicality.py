"""How a margin moved: against the step function itself, day by day, and by hand."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harmonize.history.procyclicality import HORIZONS, measure_procyclicality

START = datetime(2026, 1, 1, tzinfo=UTC)


def points(*rows: tuple[float, float]) -> list[tuple[datetime, float]]:
    return [(START + timedelta(days=day), margin) for day, margin in rows]


def held(rows: list[tuple[int, float]], hour: int) -> float:
    """The margin in force at an hour, the last one observed."""
    return [margin for day, margin in rows if day * 24 <= hour][-1]


@given(st.lists(st.tuples(st.integers(1, 12), st.floats(1.0, 100.0)), min_size=2, max_size=8))
def test_rises_are_those_of_the_step_function(steps: list[tuple[int, float]]) -> None:
    rows, day = [], 0
    for gap, margin in steps:
        rows.append((day, margin))
        day += gap
    found = {one.days: one.share for one in measure_procyclicality(points(*rows)).rises}
    last = rows[-1][0] * 24
    for days in HORIZONS:
        # Just before each hour, and so many days later: M holds up to the next observation.
        brute = [
            held(rows, min(hour + days * 24, last)) / held(rows, hour) - 1.0 for hour in range(last)
        ]
        assert found[days] == pytest.approx(max(0.0, *brute, 0.0), abs=1e-12)


def test_a_course_by_hand() -> None:
    # 100, a week later 130, two days on 156, then 78.
    found = measure_procyclicality(points((0, 100.0), (7, 130.0), (9, 156.0), (30, 78.0)))
    assert found.observations == 4
    assert found.peak_to_trough == 2.0
    shares = {one.days: one.share for one in found.rises}
    assert shares == pytest.approx({1: 0.3, 5: 0.56, 30: 0.0})
    assert {one.days: one.at[:10] for one in found.rises}[5] == "2026-01-10"
    assert found.calls == 1  # 30 %, and not the 20 % after it
    assert found.widest_days == 21.0


def test_one_observation_says_nothing_of_movement() -> None:
    found = measure_procyclicality(points((0, 100.0)))
    assert (found.peak_to_trough, found.rises, found.calls, found.widest_days) == (None, (), 0, 0.0)
    assert measure_procyclicality([]).observations == 0
