"""Lower bounds and unverified rates keep their signs over time, and no bound is an extreme."""

from collections.abc import Sequence
from dataclasses import replace

import pytest

from harmonize.api.history import ScheduleHistory, ScheduleState
from harmonize.cli import history_text
from harmonize.document.history import MarginSeries
from harmonize.text.numbers import NBSP
from reports.html.history import schedule_chart, underlying_chart
from reports.html.history_captions import schedule_caption, underlying_caption
from reports.html.series_stats import largest_change, peak_to_trough
from tests.support.sample_history import course

AT_LEAST, UNVERIFIED = "at least", "derived, unverified"
UNTIL = "2025-04-01"


def with_status(series: MarginSeries, *statuses: str) -> MarginSeries:
    points = zip(series.points, statuses, strict=True)
    return replace(series, points=tuple(replace(point, status=own) for point, own in points))


def all_series() -> list[MarginSeries]:
    known = course("2025-01-01 0.01, 2025-03-01 0.02", UNTIL)
    bound = with_status(course("2025-01-01 0.0025", UNTIL, venue="venue-b"), AT_LEAST)
    unverified = with_status(course("2025-01-01 0.11", UNTIL, venue="venue-c"), UNVERIFIED)
    return [known, bound, unverified]


def spaced(text: str) -> str:
    return text.replace(NBSP, " ")


def test_a_lower_bound_is_no_end_of_a_range_and_an_unverified_rate_has_its_sign() -> None:
    caption = spaced(underlying_caption(all_series(), ()))
    assert "was between 2.0 % at venue-a and 11.0 %○ at venue-c" in caption
    assert "Of 1 venue only a lower bound (≥) is known: it is not in this range." in caption
    assert "venue-b" not in caption.partition("Of 1 venue")[0]
    assert "2 venues were observed once" not in caption


def test_a_table_over_venues_keeps_the_signs() -> None:
    styles = {f"venue-{letter}": number for number, letter in enumerate("abc")}
    chart = underlying_chart(all_series(), (), styles, 0)
    rows = {row[0]: [spaced(cell) for cell in row[1:5]] for row in chart.rows}
    assert rows["venue-a"] == ["1.0 %", "1.0 %", "2.0 %", "2.0 %"]
    assert rows["≥ venue-b"] == ["≥ 0.25 %", "–", "–", "≥ 0.25 %"]
    assert rows["venue-c○"] == ["11.0 %○"] * 4


@pytest.mark.parametrize(
    ("statuses", "cells"),
    [
        (("", ""), ["1.0 %", "2.0 %"]),
        ((AT_LEAST, ""), ["≥ 1.0 %", "2.0 %"]),
        ((UNVERIFIED,) * 2, ["1.0 %○", "2.0 %○"]),
    ],
)
def test_the_table_of_a_schedule_keeps_the_signs(statuses: Sequence[str], cells: list[str]) -> None:
    series = with_status(course("2025-01-01 0.01, 2025-03-01 0.02", UNTIL), *statuses)
    chart = schedule_chart([series], (), "0")
    assert [spaced(row[1]) for row in chart.rows] == cells


def test_a_step_from_a_lower_bound_is_no_change() -> None:
    series = with_status(course("2025-01-01 0.01, 2025-03-01 0.02", UNTIL), AT_LEAST, "")
    assert largest_change(series) is None
    assert peak_to_trough(series) is None
    bounds = with_status(series, AT_LEAST, AT_LEAST)
    assert schedule_caption([bounds], ()) == "Only lower bounds are known."


def test_the_command_prints_the_signs_and_its_csv_the_statuses() -> None:
    heads, rows = history_text.series_table(all_series())
    assert heads[-1] == "IM"
    assert [spaced(row[-1]) for row in rows] == ["1.0 %", "2.0 %", "≥ 0.25 %", "11.0 %○"]
    heads, rows = history_text.series_columns(all_series())
    assert heads[-1] == "status"
    assert [row[-1] for row in rows] == ["", "", "lower bound", "unverified"]


def test_the_history_of_a_schedule_marks_each_margin_by_its_own_status() -> None:
    state = ScheduleState(
        "2025-01-01T00:00:00Z",
        (10_000.0,),
        (5_000.0,),
        None,
        "",
        initial_status=AT_LEAST,
        maintenance_status=UNVERIFIED,
    )
    history = ScheduleHistory(
        **{
            **dict.fromkeys(ScheduleHistory.__dataclass_fields__, ""),
            "venue": "venue-a",
            "notionals": (1e6,),
            "seen": (state,),
            "observations": 1,
            "margins": (),
            "left_out": (),
        }  # type: ignore[arg-type]  # only what the table prints
    )
    row = history_text.schedule_csv(history).splitlines()[1]
    assert row.endswith(",lower bound,unverified")
