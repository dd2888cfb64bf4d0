"""`harmonize history` of a venue and of an underlying, its files, and its mistakes."""

import json
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest
from typer.testing import CliRunner, Result

from harmonize.cli.main import app
from harmonize.document.history import Week


def run(*arguments: str) -> Result:
    return CliRunner().invoke(app, list(arguments))


def test_a_venue_tells_its_weeks_and_how_far_all_its_margins_moved() -> None:
    table = run("history", "binance", "--notional", "1000000")
    assert table.exit_code == 0
    assert table.stdout.splitlines()[0].split() == list(Week.__slots__)[1:]
    found = json.loads(
        run("history", "binance", "--notional", "1000000", "--format", "json").stdout
    )
    assert sum(one["tighter"] + one["looser"] + one["mixed"] for one in found["weeks"]) > 3000
    assert [(one["figure"], one["notional"]) for one in found["moves"]] == [
        ("initial", 1e6),
        ("maintenance", 1e6),
    ]
    initial = found["moves"][0]
    assert initial["moved"] <= initial["schedules"]
    assert initial["largest_peak_to_trough"] >= initial["median_peak_to_trough"] >= 1.0
    rows = run("history", "binance", "--format", "csv").stdout.splitlines()
    assert len(rows) == len(found["weeks"]) + 1


def test_an_underlying_tells_its_courses_at_all_venues() -> None:
    found = json.loads(run("history", "--underlying", "XBT", "--format", "json").stdout)
    by_venue = {one["venue"]: one for one in found["courses"]}
    assert len(by_venue) == len(found["courses"]) > 20
    assert by_venue["binance"]["points"][0] == {"observed_at": "2022-02-12T00:00:00Z", "rate": 0.02}
    assert all(one["underlying"] == "BTC" for one in found["courses"])
    early = json.loads(
        run("history", "--underlying", "BTC", "--as-of", "2023-12-31", "--format", "json").stdout
    )
    assert {one["venue"] for one in early["courses"]} == {"ascendex", "binance", "htx"}
    rows = run("history", "--underlying", "BTC", "--format", "csv").stdout.splitlines()
    assert rows[0] == "venue,symbol,profile,notional_usd,from,initial_rate"


@pytest.mark.parametrize(
    "arguments",
    [("binance", "SOL/USDT:USDT"), ("binance",), ("--underlying", "SOL", "--notional", "100000")],
    ids=["schedule", "venue", "underlying"],
)
def test_each_is_drawn_into_a_file(arguments: tuple[str, ...], tmp_path: Path) -> None:
    found = run("history", *arguments, "--chart", str(tmp_path / "new" / "a.svg"))
    assert found.exit_code == 0
    drawn = (tmp_path / "new" / "a.svg").read_bytes()
    assert ET.fromstring(drawn).tag.endswith("svg")  # noqa: S314 - our own drawing


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        ((), 2, "expected a venue or --underlying, found neither; use one of the two"),
        (("binance", "--underlying", "BTC"), 2, "expected a venue or --underlying, found both"),
        (("ftx",), 2, "unknown venue ftx"),
        (("--underlying", "NOSUCHCOIN"), 3, "no venue with an observed margin on NOSUCHCOIN"),
        (("apex",), 3, "apex: no observed change"),
        (("binance", "--chart", "/dev/null/a.svg"), 2, "cannot be written"),
    ],
)
def test_a_mistake_is_one_line(arguments: tuple[str, ...], code: int, said: str) -> None:
    found = run("history", *arguments)
    assert found.exit_code == code
    assert any(said in one for one in found.stderr.splitlines())
