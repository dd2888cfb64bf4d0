"""Chart of the command ``stress``: the curve now and under the first change, at every shock."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from harmonize.api.stress import StressAnswer
from harmonize.api.stress_rows import SHOCKS, stress_row
from harmonize.cli import stress_chart
from reports.charts.horizon_lines import MoveLine, shock_lines
from tests.harmonize.api.test_stress_rows import CASE


def test_the_changed_curve_has_every_shock_of_the_one_in_force(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    drawn: list[MoveLine] = []

    def record(frame: object, lines: list[MoveLine]) -> str:
        drawn.extend(lines)
        return shock_lines(frame, lines)  # type: ignore[arg-type] # as given

    monkeypatch.setattr(stress_chart, "shock_lines", record)
    row = stress_row(replace(CASE, shock=0.15))
    day = datetime(2026, 3, 2, tzinfo=UTC)
    svg = stress_chart.stress_chart(StressAnswer(day, "x", None, (row,), (), (), ()))
    assert svg.startswith(b"<svg")
    assert [line.name for line in drawn] == [
        *(f"today, {own}×" for own in (1, 4, 10)),
        *(f"maintenance=3, {own}×" for own in (1, 4, 10)),
    ]
    shocks = sorted({*SHOCKS, 0.15})
    assert all([shock for shock, _ in line.points] == shocks for line in drawn)
    moves = {
        (own.liquidity, own.shock): own.move
        for own in row.changed
        if own.behaviour == "notional kept"
    }
    assert drawn[3].points[0][1] == moves[1.0, 0.01]
