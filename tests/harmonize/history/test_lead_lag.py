"""Matching of margin increases at two venues, and which venue led."""

from datetime import UTC, datetime, timedelta

from harmonize.document.history import MarginSeries, SeriesPoint
from harmonize.history.lead_lag import Increase, LeadLag, find_increases, lead_lags

DAY = datetime(2026, 3, 1, tzinfo=UTC)


def at(day: float) -> datetime:
    return DAY + timedelta(days=day)


def series(*points: tuple[float, float | None], venue: str = "okx") -> MarginSeries:
    dated = tuple(SeriesPoint(f"{at(day):%Y-%m-%dT%H:%M:%SZ}", rate) for day, rate in points)
    return MarginSeries(
        "BTC", venue, "BTC/USDT:USDT", "any", "initial", 1e6, dated, "2026-06-01T00:00:00Z"
    )


def increase(since: float, until: float) -> Increase:
    return Increase(at(since), at(until), 0.5)


def test_an_increase_lies_between_the_observations_before_and_after_it() -> None:
    times = [at(day) for day in (0, 1, 2, 5, 6)]
    (only,) = find_increases(series((0, 0.02), (5, 0.03), (6, 0.02)), times)
    assert (only.since, only.until) == (at(2), at(5))
    assert abs(only.share - 0.5) < 1e-12


def test_an_increase_counts_from_5_percent_of_the_last_known_margin() -> None:
    times = [at(day) for day in range(5)]
    assert find_increases(series((0, 0.02), (1, 0.0209)), times) == ()
    assert len(find_increases(series((0, 0.02), (1, 0.021)), times)) == 1
    assert len(find_increases(series((0, 0.02), (1, None), (2, 0.03)), times)) == 1


def test_the_venue_observed_before_the_other_can_have_increased_led() -> None:
    assert lead_lags({"a": [increase(0, 1)], "b": [increase(3, 4)]}) == (
        LeadLag("a", "b", 1, 0, 0, 3.0),
    )
    assert lead_lags({"a": [increase(3, 4)], "b": [increase(0, 1)]}) == (
        LeadLag("a", "b", 0, 1, 0, -3.0),
    )


def test_the_order_is_unknown_if_the_intervals_overlap() -> None:
    assert lead_lags({"a": [increase(0, 7)], "b": [increase(5, 6)]}) == (
        LeadLag("a", "b", 0, 0, 1, -1.0),
    )


def test_distant_increases_are_not_matched_and_each_counts_once() -> None:
    assert lead_lags({"a": [increase(0, 1)], "b": [increase(31, 32)]}) == ()
    near = {"a": [increase(0, 1), increase(9, 10)], "b": [increase(2, 3)], "c": []}
    assert lead_lags(near) == (LeadLag("a", "b", 1, 0, 0, 2.0),)
