"""Procyclicality over all schedules of a venue."""

from datetime import UTC, datetime, timedelta

import pytest

from harmonize.document.history import MarginSeries, SeriesPoint
from harmonize.history.procyclicality import measure_venue

DAY = datetime(2026, 3, 1, tzinfo=UTC)


def series(symbol: str, *points: tuple[int, float | None], until: int = 40) -> MarginSeries:
    def time_text(day: int) -> str:
        return f"{DAY + timedelta(days=day):%Y-%m-%dT%H:%M:%SZ}"

    dated = tuple(SeriesPoint(time_text(day), rate) for day, rate in points)
    return MarginSeries("BTC", "okx", symbol, "any", "initial", 1e5, dated, time_text(until))


def test_a_venue_is_measured_over_its_schedules() -> None:
    all_series = [
        series("A", (0, 0.01), (10, 0.02), (11, 0.04)),
        series("B", (0, 0.1)),
        series("C", (0, 0.05), (20, 0.06)),
        series("D", (0, None)),
    ]
    (measures,) = measure_venue(all_series)
    assert (measures.venue, measures.margin_type, measures.notional) == ("okx", "initial", 1e5)
    assert (measures.schedules, measures.moved) == (3, 2)
    assert measures.median_peak_to_trough == pytest.approx(1.2)
    assert measures.symbol == "A"
    assert measures.largest_peak_to_trough == pytest.approx(4.0)
    assert measures.calls == 2
    assert [(increase.days, increase.symbol) for increase in measures.rises] == [
        (1, "A"),
        (5, "A"),
        (30, "A"),
    ]
    assert [increase.share for increase in measures.rises] == pytest.approx([1.0, 3.0, 3.0])


def test_a_single_observation_has_no_measures() -> None:
    assert measure_venue([series("A", (0, 0.1), until=0)]) == ()
