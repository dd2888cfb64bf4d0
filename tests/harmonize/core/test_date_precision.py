"""Tests of how far an observation time is known."""

from datetime import UTC, datetime, timedelta

import pytest

from harmonize.core.date_precision import (
    EXACT,
    NO_LATER_THAN,
    DateKind,
    DatePrecision,
    common_precision,
    date_between,
    largest_distance,
)

FEBRUARY = datetime(2026, 2, 26, tzinfo=UTC)
JUNE = datetime(2026, 6, 26, tzinfo=UTC)
AUGUST = datetime(2026, 8, 1, tzinfo=UTC)


def test_older_end_is_the_time_itself_a_bound_or_unknown() -> None:
    assert EXACT.older_end(AUGUST) == AUGUST
    assert date_between(JUNE).older_end(AUGUST) == JUNE
    assert NO_LATER_THAN.older_end(AUGUST) is None


@pytest.mark.parametrize(
    ("kind", "earliest"),
    [
        (DateKind.EXACT, JUNE),
        (DateKind.NO_LATER_THAN, JUNE),
        (DateKind.BETWEEN, None),
        (DateKind.DERIVED, None),
        (DateKind.BETWEEN, datetime(2026, 6, 26)),  # noqa: DTZ001 - the missing zone is the fault
    ],
)
def test_kind_and_earliest_time_belong_together(kind: DateKind, earliest: datetime | None) -> None:
    with pytest.raises(ValueError, match="date: expected"):
        DatePrecision(kind, earliest)


def test_payloads_together_are_known_as_well_as_the_weakest() -> None:
    exact, open_ended = (AUGUST, EXACT), (AUGUST, NO_LATER_THAN)
    between, derived = (AUGUST, date_between(JUNE)), (AUGUST, date_between(FEBRUARY, derived=True))
    assert common_precision([exact, exact]) == EXACT
    assert common_precision([exact, open_ended, between]) == NO_LATER_THAN
    assert common_precision([exact, between]) == date_between(JUNE)
    assert common_precision([between, derived]) == date_between(FEBRUARY, derived=True)


@pytest.mark.parametrize(
    ("first", "second", "days"),
    [
        ((40, EXACT), (10, EXACT), 30),
        ((40, date_between(FEBRUARY + timedelta(days=5))), (10, EXACT), 30),
        ((40, date_between(FEBRUARY + timedelta(days=5))), (38, EXACT), 33),
        (
            (40, date_between(FEBRUARY + timedelta(days=5))),
            (100, date_between(FEBRUARY + timedelta(days=90), derived=True)),
            95,
        ),
        ((40, NO_LATER_THAN), (10, EXACT), None),
        ((40, NO_LATER_THAN), (10, NO_LATER_THAN), None),
    ],
)
def test_the_largest_distance_counts_the_whole_ranges(
    first: tuple[int, DatePrecision], second: tuple[int, DatePrecision], days: int | None
) -> None:
    ends = [(FEBRUARY + timedelta(days=day), precision) for day, precision in (first, second)]
    expected = None if days is None else timedelta(days=days)
    assert largest_distance(ends[0], ends[1]) == expected
    assert largest_distance(ends[1], ends[0]) == expected
