from datetime import UTC, datetime, timedelta

import pytest

from harmonize.document.history import ObservationGap
from harmonize.history.observation_times import contract_gaps, weekly_gaps

MONDAY = datetime(2024, 1, 1, tzinfo=UTC)


def on(*days: int) -> list[datetime]:
    return [MONDAY + timedelta(days=day) for day in days]


@pytest.mark.parametrize(("days", "count"), [(31, 0), (32, 1)])
def test_a_contract_is_not_observed_over_more_than_31_days(days: int, count: int) -> None:
    assert len(contract_gaps(on(0, days))) == count


def test_each_gap_lies_between_two_consecutive_observations() -> None:
    assert contract_gaps(on(0, 10, 60, 80, 200)) == (
        ObservationGap("2024-01-11T00:00:00Z", "2024-03-01T00:00:00Z"),
        ObservationGap("2024-03-21T00:00:00Z", "2024-07-19T00:00:00Z"),
    )
    assert contract_gaps(on(5)) == contract_gaps([]) == ()


@pytest.mark.parametrize(
    ("first", "last", "count"),
    [
        (0, 13, 0),  # Monday to Sunday of the next week
        (6, 13, 0),  # Sunday to Sunday
        (0, 14, 1),  # Monday to Monday: the week between has no observation
        (6, 14, 1),
        (6, 13 + 7, 1),
    ],
)
def test_a_venue_has_a_gap_where_a_whole_week_has_no_observation(
    first: int, last: int, count: int
) -> None:
    assert len(weekly_gaps(on(first, last))) == count
