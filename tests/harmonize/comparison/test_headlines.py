"""Tests of which observations a headline may compare."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from harmonize.comparison.headlines import headline_groups
from harmonize.comparison.peers import PeerGroup
from harmonize.core.date_precision import EXACT, NO_LATER_THAN, DatePrecision, date_between
from harmonize.core.schedule import MarginSchedule
from tests.harmonize.checks.examples import STEEP

START = datetime(2026, 1, 1, tzinfo=UTC)


def at(
    venue: str, days: float, precision: DatePrecision = EXACT, reason: str = ""
) -> MarginSchedule:
    time = START + timedelta(days=days)
    instrument = replace(STEEP.instrument, venue=venue)
    return replace(
        STEEP,
        instrument=instrument,
        observed_at=time,
        dates=(time,),
        precision=precision,
        exclusion_reason=reason,
    )


def venues(*schedules: MarginSchedule) -> list[tuple[str, ...]]:
    group = PeerGroup("BTC", tuple(range(len(schedules))), schedules)
    return [
        tuple(schedule.instrument.venue for schedule in peers.schedules)
        for peers in headline_groups((group,))
    ]


def test_observations_within_sixty_days_are_compared() -> None:
    assert venues(at("okx", 0), at("gate", 60), at("mexc", 60.1)) == [("gate", "mexc")]
    assert venues(at("okx", 0), at("gate", 61)) == []


def test_the_largest_set_of_venues_counts_and_of_equal_ones_the_newest() -> None:
    three = (at("a", 0), at("b", 10), at("c", 20))
    assert venues(*three, at("d", 200), at("e", 201)) == [("a", "b", "c")]
    assert venues(at("a", 0), at("b", 10), at("d", 200), at("e", 201)) == [("d", "e")]


def test_a_date_that_is_not_exact_does_not_count() -> None:
    inexact = (at("b", 1, NO_LATER_THAN), at("c", 1, date_between(START)))
    assert venues(at("a", 1), *inexact) == []
    assert venues(at("a", 1), at("d", 2), *inexact) == [("a", "d")]


def test_an_excluded_venue_does_not_count() -> None:
    assert venues(at("a", 1), at("b", 1, reason="first tier only")) == []


def test_rows_stay_with_their_schedules() -> None:
    group = PeerGroup("BTC", (7, 8, 9), (at("a", 0), at("b", 100), at("c", 101)))
    (peers,) = headline_groups((group,))
    assert peers.rows == (8, 9)
