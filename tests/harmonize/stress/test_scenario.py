"""Scenarios: the bundled ones, and errors of a file with their place."""

import json
from importlib.resources import files

import jsonschema
import pytest
import yaml

from harmonize.core.yaml_source import YamlSourceError
from harmonize.stress.defaults import Mark
from harmonize.stress.errors import StressInputError
from harmonize.stress.impact import LinearImpact
from harmonize.stress.paths import run_path
from harmonize.stress.scenario import (
    Scenario,
    ScenarioKind,
    bundled_scenarios,
    hypothetical,
    parse_scenario,
    scenario_schema,
)
from tests.harmonize.stress.markets import stated

RECORDED = (
    "2020-03-12",
    "2021-05-19",
    "2022-05-11",
    "2022-11-08",
    "2024-08-05",
    "2024-08-05-15m",
    "2025-10-10",
    "2025-10-10-15m",
)
TEXT = """\
id: mine
title: A fall
kind: recorded
step_minutes: 60
first_mark: "2026-01-01T00:00:00Z"
falls:
  BTC: [0.01, 0.2]
  ETH: [0.02, 0.3]
volume: {BTC: [1, 2.5]}
citations:
  - {reference: a page, mark: sourced, note: read}
"""


def test_a_scenario_is_read() -> None:
    found = parse_scenario(TEXT, "mine.yaml")
    assert (found.id, found.step_minutes, found.kind) == ("mine", 60.0, ScenarioKind.RECORDED)
    assert found.path("ETH") == (0.02, 0.3)
    assert found.volume["BTC"] == (1.0, 2.5)
    assert found.citations[0].mark is Mark.SOURCED
    assert found.contains_its_cascade


def test_the_bundled_scenarios_are_all_there() -> None:
    assert tuple(bundled_scenarios()) == (*RECORDED, "-5%", "-10%", "-20%", "-30%")


@pytest.mark.parametrize(
    ("scenario", "underlying", "largest"),
    [
        ("2020-03-12", "BTC", 0.523),  # 7,941 to 3,782 on Binance spot
        ("2021-05-19", "BTC", 0.300),
        ("2022-11-08", "SOL", 0.582),
        ("2025-10-10", "SOL", 0.361),
        ("-20%", "DOGE", 0.2),
    ],
)
def test_the_largest_falls_are_those_of_the_day(
    scenario: str, underlying: str, largest: float
) -> None:
    assert max(bundled_scenarios()[scenario].path(underlying)) == pytest.approx(largest, abs=1e-3)


@pytest.mark.parametrize("day", ["2024-08-05", "2025-10-10"])
@pytest.mark.parametrize("underlying", ["BTC", "ETH"])
def test_both_step_lengths_have_the_same_falls(day: str, underlying: str) -> None:
    hours = bundled_scenarios()[day].path(underlying)
    quarters = bundled_scenarios()[f"{day}-15m"].path(underlying)
    assert len(quarters) == 4 * len(hours)
    by_hour = [max(quarters[4 * hour : 4 * hour + 4]) for hour in range(len(hours))]
    assert by_hour == pytest.approx(hours, abs=1e-3)


@pytest.mark.parametrize("scenario", bundled_scenarios().values(), ids=lambda own: own.id)
def test_every_bundled_scenario_runs_and_cites(scenario: Scenario) -> None:
    assert all(citation.reference and citation.note for citation in scenario.citations)
    underlying = next(iter(scenario.falls))
    found = run_path(stated([0.01], [1e6]), LinearImpact(0.0), scenario.path(underlying))
    assert found.liquidated[0] == 1e6


def test_the_schema_describes_the_files() -> None:
    validator = jsonschema.Draft202012Validator(scenario_schema())
    jsonschema.Draft202012Validator.check_schema(scenario_schema())
    folder = files("harmonize.stress").joinpath("scenarios")
    for entry in folder.iterdir():
        validator.validate(yaml.safe_load(entry.read_text("utf-8")))
    unknown = yaml.safe_load(TEXT) | {"fall": 1}
    assert not validator.is_valid(unknown)
    shipped = files("harmonize").joinpath("schemas/stress-scenario.schema.json")
    assert json.loads(shipped.read_text("utf-8")) == scenario_schema()


def test_hypothetical_falls_hold_for_every_underlying() -> None:
    made = hypothetical(0.1)
    assert made.path("ANY") == (0.1,)
    assert not made.contains_its_cascade


def test_the_largest_step_is_relative_to_the_price_before() -> None:
    found = parse_scenario(TEXT.replace("[0.01, 0.2]", "[0.2, 0.4]"), "mine.yaml")
    assert found.largest_step("BTC") == pytest.approx(0.25)  # 0.8 to 0.6
    assert hypothetical(0.3).largest_step("BTC") == pytest.approx(0.3)


def test_an_underlying_without_falls_is_refused() -> None:
    with pytest.raises(
        StressInputError, match="scenario mine: no falls of SOL; use one of BTC, ETH"
    ):
        parse_scenario(TEXT, "mine.yaml").path("SOL")


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("title:", "name:", "m.yaml:2:1: name: unknown key; use id, title"),
        ("title: A fall\n", "", "m.yaml:1:1: title: missing; add it"),
        ("id: mine", "id: 7", "m.yaml:1:5: id: expected text, found 7; put it in quotes"),
        (
            "id: mine",
            "id: 2025-10-10",
            "m.yaml:1:5: id: expected text, found 2025-10-10; put it in quotes",
        ),
        (
            '"2026-01-01T00:00:00Z"',
            "2026-01-01",
            "m.yaml:5:13: first_mark: expected text, found 2026-01-01; put it in quotes",
        ),
        ("title: A fall", "title: true", "m.yaml:2:8: title: expected text, found true; put it in"),
        ("title: A fall", "title: []", "m.yaml:2:8: title: expected text, found a list"),
        (
            "kind: recorded",
            "kind: real",
            "m.yaml:3:7: kind: expected one of recorded, hypothetical",
        ),
        ("60", "0", "m.yaml:4:15: step_minutes: expected a number above 0, found 0"),
        ("60", "1e-9", "m.yaml:4:15: step_minutes: expected at least 0.01 minutes, found "),
        (
            "kind: recorded",
            "kind: hypothetical",
            "m.yaml:5:13: first_mark: a hypothetical scenario states none; remove it",
        ),
        (
            'first_mark: "2026-01-01T00:00:00Z"\n',
            "",
            "m.yaml:1:1: first_mark: missing in a recorded scenario; add it, such as 2025-10-10T12:",
        ),
        ("01T00:00:00Z", "01T00:00:00", "m.yaml:5:13: first_mark: expected a time such as 2025-"),
        (
            "BTC: [0.01",
            "btc: [0.01",
            "m.yaml:7:3: falls: expected the code of an underlying, found",
        ),
        ("BTC: [0.01", "'': [0.01", "m.yaml:7:3: falls: expected the code of an underlying, found"),
        ("{BTC: [1", "{' SOL': [1", "m.yaml:9:10: volume: expected the code of an underlying, fou"),
        ("{BTC: [1", "{SOL: [1", "m.yaml:9:15: volume: SOL has no falls; remove it, or add its f"),
        ("[0.01, 0.2]", "[0.01, 1.2]", "m.yaml:7:15: BTC: expected a fraction from 0 to below 1"),
        ("[0.01, 0.2]", "[0.01, -1]", "m.yaml:7:15: BTC: expected a number from 0, found -1"),
        ("[0.01, 0.2]", "[0.01, .nan]", "m.yaml:7:15: "),
        (
            "[0.01, 0.2]",
            "[]",
            "m.yaml:7:8: BTC: expected a list of numbers, one per step, found an empty list",
        ),
        ("[0.02, 0.3]", "[0.02]", "m.yaml:8:8: falls: expected 2 steps for ETH, found 1"),
        ("[1, 2.5]", "[1]", "m.yaml:9:15: volume: expected 2 steps for BTC, found 1"),
        ("{BTC: [1, 2.5]}", "[1]", "m.yaml:9:9: volume: expected a mapping of underlyings"),
        ("mark: sourced", "mark: sure", "m.yaml:11:31: mark: expected one of measured, sourced"),
        ("note: read", "page: 1", "m.yaml:11:40: page: unknown key; use mark, note, reference"),
        (
            "citations:\n  - {reference: a page, mark: sourced, note: read}",
            "citations: []",
            "m.yaml:10:12: citations: expected at least one citation, found an empty list",
        ),
    ],
)
def test_errors_state_place_problem_and_fix(old: str, new: str, message: str) -> None:
    with pytest.raises(YamlSourceError) as error:
        parse_scenario(TEXT.replace(old, new), "m.yaml")
    assert str(error.value).startswith(message)


def test_a_list_is_no_scenario() -> None:
    with pytest.raises(YamlSourceError, match=r"m\.yaml:1:1: expected a mapping, found a list"):
        parse_scenario("[1]", "m.yaml")


def test_a_scenario_has_an_underlying() -> None:
    text = TEXT.replace("falls:\n  BTC: [0.01, 0.2]\n  ETH: [0.02, 0.3]", "falls: {}")
    with pytest.raises(YamlSourceError, match=r"m\.yaml:6:8: falls: expected at least one"):
        parse_scenario(text, "m.yaml")
