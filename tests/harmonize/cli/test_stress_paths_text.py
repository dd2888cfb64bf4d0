"""Switches of the paths in text, JSON, CSV and XLSX; wrong input in one line."""

import csv
import json
from dataclasses import replace
from datetime import UTC, datetime
from io import BytesIO, StringIO
from pathlib import Path

import pytest
from openpyxl import load_workbook
from typer.testing import CliRunner

from harmonize.api.stress import StressAnswer, StressTerms
from harmonize.api.stress_paths import DeleveragingRow, SliceRow, SwitchedPaths
from harmonize.cli.main import app
from harmonize.cli.stress_paths_text import paths
from tests.support.sample_stress import replayed, stress

SWITCHED = SwitchedPaths(
    (SliceRow("BTC", "2025-10-10", None, 5, 3.3e8, 3.5e8, 4.4e6, 4.1e6),),
    (
        DeleveragingRow(*("BTC", "2025-10-10", None, "a"), 4e6, 1e6, 3e6, 6e7, 1e9, 12.3456),
        DeleveragingRow(*("BTC", "2025-10-10", None, "b"), 4e5, 4e5, 0.0, 0.0, 2e9, None),
        DeleveragingRow(*("ETH", "2025-10-10", None, "a"), 7e6, 0.0, 7e6, 8e7, 1e9, 9.0),
    ),
)


def answer(switched: SwitchedPaths = SWITCHED) -> StressAnswer:
    row = replace(stress("BTC", ["a", "b"], []), paths=(replayed(),))
    day = datetime(2026, 3, 2, tzinfo=UTC)
    return StressAnswer(day, "x", None, (row,), (), (), (), switched=switched)


@pytest.fixture
def given(monkeypatch: pytest.MonkeyPatch) -> list[StressTerms]:
    """Lets the command print a small answer; returns the terms that it was asked for."""
    asked: list[StressTerms] = []

    def answered(_: object, terms: StressTerms, __: object) -> StressAnswer:
        asked.append(terms)
        return answer()

    monkeypatch.setattr("harmonize.api.stress.answer_stress", answered)
    return asked


def written(form: str, path: Path) -> bytes:
    options = ("--slices", "5", "--deleverage", "--format", form, "--output", str(path))
    result = CliRunner().invoke(app, ["stress", "BTC", "--scenario", "-10%", *options])
    assert result.exit_code == 0, result.output
    return path.read_bytes()


def test_options_are_terms_and_off_by_default(given: list[StressTerms]) -> None:
    for options in ([], ["--slices", "7", "--deleverage"]):
        CliRunner().invoke(app, ["stress", "BTC", "--scenario", "-10%", *options])
    off, on = given
    assert (off.slices, off.deleverage, on.slices, on.deleverage) == (1, False, 7, True)


def test_text_states_what_the_switches_do_below_their_path() -> None:
    (row,) = answer().rows
    first, *lines = paths(row, SWITCHED)
    assert first.startswith("path 2025-10-10, no impact")
    sliced, closed, venue = lines
    assert sliced == (
        "  partial liquidation in 5 slices; whole positions: liquidated $350m, loss beyond margin $4.1m"
    )
    assert closed == (
        "  auto-deleveraging: $60m of longs and of shorts closed against each other at the bankruptcy "
        "price; haircut of the shorts $3m"
    )
    assert venue == "    a: $60m of $1bn, effective leverage from 12; haircut $3m"
    assert list(paths(row, SwitchedPaths())) == [first]


@pytest.mark.usefixtures("given")
def test_json_has_a_row_per_path_and_per_venue(tmp_path: Path) -> None:
    found = json.loads(written("json", tmp_path / "x.json"))
    assert found["schema_version"] == "1.1"
    (sliced,) = found["partial_liquidation"]
    assert (sliced["slices"], sliced["whole_liquidated"]) == (5, 3.5e8)
    rows = [(own["underlying"], own["venue"], own["closed"]) for own in found["deleveraging"]]
    assert rows == [("BTC", "a", 6e7), ("BTC", "b", 0.0), ("ETH", "a", 8e7)]
    assert found["deleveraging"][1]["least_leverage"] is None


@pytest.mark.usefixtures("given")
def test_csv_has_the_switches_of_its_own_underlying_in_the_row_of_the_path(tmp_path: Path) -> None:
    table = list(csv.DictReader(StringIO(written("csv", tmp_path / "x").decode())))
    (path,) = [row for row in table if row["scenario"] == "2025-10-10"]
    names = ("slices", "whole_liquidated", "whole_loss", "haircut", "deleveraged")
    assert [float(path[name]) for name in names] == [5, 3.5e8, 4.1e6, 3e6, 6e7]
    assert all(not row["slices"] for row in table if row is not path)


@pytest.mark.usefixtures("given")
def test_workbooks_have_a_sheet_per_switch(tmp_path: Path) -> None:
    book = load_workbook(BytesIO(written("xlsx", tmp_path / "x.xlsx")))
    assert [cell.value for cell in book["Partial liquidation"][2]][3] == 5
    assert [row[3].value for row in book["Auto-deleveraging"].iter_rows(min_row=2)] == [
        "a",
        "b",
        "a",
    ]


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        (
            ["--slices", "0", "--scenario", "-10%"],
            "--slices: expected a number from 1 to 20, found 0",
        ),
        (["--slices", "5"], "--slices: acts on the path of a scenario alone; add --scenario"),
        (["--deleverage"], "--deleverage: acts on the path of a scenario alone; add --scenario"),
    ],
)
def test_switches_that_cannot_act_are_refused_in_one_line(
    options: list[str], expected: str
) -> None:
    result = CliRunner().invoke(app, ["stress", "BTC", *options])
    assert result.exit_code == 2
    (line,) = result.stderr.splitlines()
    assert line.startswith(f"error: {expected}")
