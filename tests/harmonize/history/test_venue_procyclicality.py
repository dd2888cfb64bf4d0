from datetime import UTC, datetime, timedelta

import pytest

from harmonize.document.history import MarginSeries, SeriesPoint
from harmonize.history.procyclicality import measure_venue

DAY = datetime(2026, 3, 1, tzinfo=UTC)


def course(symbol: str, *marks: tuple[int, float | None], until: int = 40) -> MarginSeries:
    def moment(day: int) -> str:
        return f"{DAY + timedelta(days=day):%Y-%m-%dT%H:%M:%SZ}"

    told = tuple(SeriesPoint(moment(day), rate) for day, rate in marks)
    return MarginSeries("BTC", "okx", symbol, "any", "initial", 1e5, told, moment(until))


def test_a_venue_is_measured_over_its_schedules() -> None:
    courses = [
        course("A", (0, 0.01), (10, 0.02), (11, 0.04)),
        course("B", (0, 0.1)),
        course("C", (0, 0.05), (20, 0.06)),
        course("D", (0, None)),
    ]
    (found,) = measure_venue(courses)
    assert (found.venue, found.figure, found.notional) == ("okx", "initial", 1e5)
    assert (found.schedules, found.moved) == (3, 2)
    assert found.median_peak_to_trough == pytest.approx(1.2)
    assert found.symbol == "A"
    assert found.largest_peak_to_trough == pytest.approx(4.0)
    assert found.calls == 2
    assert [(one.days, one.symbol) for one in found.rises] == [(1, "A"), (5, "A"), (30, "A")]
    assert [one.share for one in found.rises] == pytest.approx([1.0, 3.0, 3.0])


def test_what_was_seen_once_is_no_measure() -> None:
    assert measure_venue([course("A", (0, 0.1), until=0)]) == ()
