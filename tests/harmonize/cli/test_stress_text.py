"""Table of the command ``stress``: every scenario, bundled or of a user, can be printed."""

import re
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from harmonize.api.stress import StressAnswer
from harmonize.api.stress_rows import stress_row
from harmonize.cli.stress_text import stress_text
from harmonize.stress.scenario import Scenario, bundled_scenarios, parse_scenario
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


@pytest.mark.parametrize(
    "scenario", [*bundled_scenarios().values(), documented()], ids=lambda own: own.id
)
def test_the_table_of_every_scenario_states_what_its_path_has(scenario: Scenario) -> None:
    printed = stress_text(answer(scenario))
    assert f"path {scenario.id}, " in printed
    (largest,) = re.findall(r"largest on the path: (.*)", printed) or [""]
    assert ("volume of" in largest) == ("BTC" in scenario.volume)
    assert ("implied volatility of" in largest) == ("BTC" in scenario.implied_volatility)
