from datetime import UTC, datetime, timedelta

from harmonize.document.history import MarginSeries, SeriesPoint
from harmonize.history.lead_lag import Increase, LeadLag, find_increases, lead_lags

DAY = datetime(2026, 3, 1, tzinfo=UTC)


def at(day: float) -> datetime:
    return DAY + timedelta(days=day)


def course(*marks: tuple[float, float | None], venue: str = "okx") -> MarginSeries:
    told = tuple(SeriesPoint(f"{at(day):%Y-%m-%dT%H:%M:%SZ}", rate) for day, rate in marks)
    return MarginSeries(
        "BTC", venue, "BTC/USDT:USDT", "any", "initial", 1e6, told, "2026-06-01T00:00:00Z"
    )


def rise(since: float, until: float) -> Increase:
    return Increase(at(since), at(until), 0.5)


def test_a_rise_lies_between_the_observation_before_it_and_the_one_that_saw_it() -> None:
    seen = [at(day) for day in (0, 1, 2, 5, 6)]
    (found,) = find_increases(course((0, 0.02), (5, 0.03), (6, 0.02)), seen)
    assert (found.since, found.until) == (at(2), at(5))
    assert abs(found.share - 0.5) < 1e-12


def test_a_rise_counts_from_a_twentieth_and_is_held_against_the_last_known_margin() -> None:
    seen = [at(day) for day in range(5)]
    assert find_increases(course((0, 0.02), (1, 0.0209)), seen) == ()
    assert len(find_increases(course((0, 0.02), (1, 0.021)), seen)) == 1
    assert len(find_increases(course((0, 0.02), (1, None), (2, 0.03)), seen)) == 1


def test_who_was_seen_before_the_other_can_have_risen_led() -> None:
    assert lead_lags({"a": [rise(0, 1)], "b": [rise(3, 4)]}) == (LeadLag("a", "b", 1, 0, 0, 3.0),)
    assert lead_lags({"a": [rise(3, 4)], "b": [rise(0, 1)]}) == (LeadLag("a", "b", 0, 1, 0, -3.0),)


def test_where_the_spans_overlap_nobody_can_say_who_was_first() -> None:
    assert lead_lags({"a": [rise(0, 7)], "b": [rise(5, 6)]}) == (LeadLag("a", "b", 0, 0, 1, -1.0),)


def test_rises_far_apart_do_not_belong_together_and_each_counts_once() -> None:
    assert lead_lags({"a": [rise(0, 1)], "b": [rise(31, 32)]}) == ()
    near = {"a": [rise(0, 1), rise(9, 10)], "b": [rise(2, 3)], "c": []}
    assert lead_lags(near) == (LeadLag("a", "b", 1, 0, 0, 2.0),)
