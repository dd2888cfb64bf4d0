"""Procyclicality measures against the step function, hour by hour, and by hand."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harmonize.history.procyclicality import HORIZONS, measure_procyclicality

START = datetime(2026, 1, 1, tzinfo=UTC)


def points(*rows: tuple[float, float]) -> list[tuple[datetime, float]]:
    return [(START + timedelta(days=day), margin) for day, margin in rows]


def margin_at(rows: list[tuple[int, float]], hour: int) -> float:
    """Returns the margin in force at an hour, the last one observed."""
    return [margin for day, margin in rows if day * 24 <= hour][-1]


@given(st.lists(st.tuples(st.integers(1, 12), st.floats(1.0, 100.0)), min_size=2, max_size=8))
def test_increases_are_those_of_the_step_function(steps: list[tuple[int, float]]) -> None:
    rows, day = [], 0
    for interval, margin in steps:
        rows.append((day, margin))
        day += interval
    measures = measure_procyclicality(points(*rows))
    shares = {increase.days: increase.share for increase in measures.rises}
    last = rows[-1][0] * 24
    for days in HORIZONS:
        # Just before each hour, and so many days later: M holds up to the next observation.
        increases = [
            margin_at(rows, min(hour + days * 24, last)) / margin_at(rows, hour) - 1.0
            for hour in range(last)
        ]
        assert shares[days] == pytest.approx(max(0.0, *increases, 0.0), abs=1e-12)


def test_a_series_by_hand() -> None:
    # 100, a week later 130, two days on 156, then 78.
    measures = measure_procyclicality(points((0, 100.0), (7, 130.0), (9, 156.0), (30, 78.0)))
    assert measures.observations == 4
    assert measures.peak_to_trough == 2.0
    shares = {increase.days: increase.share for increase in measures.rises}
    assert shares == pytest.approx({1: 0.3, 5: 0.56, 30: 0.0})
    assert {increase.days: increase.at[:10] for increase in measures.rises}[5] == "2026-01-10"
    assert measures.calls == 1  # 30 %, and not the 20 % after it
    assert measures.widest_days == 21.0


def test_one_observation_shows_no_movement() -> None:
    measures = measure_procyclicality(points((0, 100.0)))
    assert (measures.peak_to_trough, measures.rises) == (None, ())
    assert (measures.calls, measures.widest_days) == (0, 0.0)
    assert measure_procyclicality([]).observations == 0
