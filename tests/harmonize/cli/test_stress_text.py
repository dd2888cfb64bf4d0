"""Table of the command ``stress``: every scenario, bundled or of a user, can be printed."""

import re
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from harmonize.api.stress import StressAnswer
from harmonize.api.stress_rows import stress_row
from harmonize.cli.stress_text import stress_text
from harmonize.stress.scenario import Scenario, bundled_scenarios, hypothetical, parse_scenario
from tests.harmonize.api.test_stress_rows import CASE

DOCUMENTATION = Path(__file__).parents[3] / "docs" / "stress.md"


def documented() -> Scenario:
    """Returns the scenario file that the documentation shows."""
    (block,) = re.findall(r"```yaml\n(.*?)```", DOCUMENTATION.read_text("utf-8"), re.DOTALL)
    return parse_scenario(block, "mine.yaml")


def answer(scenario: Scenario) -> StressAnswer:
    case = replace(CASE, changes=(), scenario=scenario, shock=max(scenario.path("BTC")))
    day = datetime(2026, 3, 2, tzinfo=UTC)
    return StressAnswer(day, "an archive", scenario, (stress_row(case),), (), (), ())


def test_contributions_state_their_liquidity_and_the_multipliers_of_reverse_stress() -> None:
    printed = stress_text(answer(hypothetical(0.1)))
    assert "at a sudden fall of 10.0 %, at 1×" in printed
    (heads,) = [line for line in printed.splitlines() if line.startswith("reverse stress ")]
    assert heads.split() == ["reverse", "stress", "1×", "4×", "10×"]


def test_every_printed_move_over_its_shock_is_the_printed_ratio() -> None:
    printed = stress_text(answer(hypothetical(0.1)))
    rows = re.findall(r"^ *([\d.]+) % +\d+× +([\d.]+) % +([\d.]+) ", printed, re.MULTILINE)
    assert len(rows) == len(answer(hypothetical(0.1)).rows[0].points)
    for shock, move, ratio in rows:
        assert float(move) / float(shock) == pytest.approx(float(ratio), abs=0.005)


def test_assumptions_that_change_nothing_are_not_the_most_sensitive() -> None:
    shown = answer(hypothetical(0.1))
    (row,) = shown.rows
    idle = tuple(replace(own, halved=own.base, doubled=own.base) for own in row.sensitivity)
    printed = stress_text(replace(shown, rows=(replace(row, sensitivity=idle),)))
    assert "no assumption halved or doubled changes it" in printed
    one = (*idle[:3], row.sensitivity[0])
    printed = stress_text(replace(shown, rows=(replace(row, sensitivity=one),)))
    assert f"over the stated range: {row.sensitivity[0].name} $" in printed


@pytest.mark.parametrize(
    "scenario", [*bundled_scenarios().values(), documented()], ids=lambda own: own.id
)
def test_the_table_of_every_scenario_states_what_its_path_has(scenario: Scenario) -> None:
    printed = stress_text(answer(scenario))
    assert f"path {scenario.id}, " in printed
    (largest,) = re.findall(r"largest on the path: (.*)", printed) or [""]
    assert ("volume of" in largest) == ("BTC" in scenario.volume)
    assert ("implied volatility of" in largest) == ("BTC" in scenario.implied_volatility)
