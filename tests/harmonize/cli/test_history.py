"""`harmonize history` of a venue and of an underlying: output, chart files and errors."""

import json
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest
from typer.testing import CliRunner, Result

from harmonize.cli.main import app
from harmonize.document.history import Week


def run(*arguments: str) -> Result:
    return CliRunner().invoke(app, list(arguments))


def test_a_venue_has_changes_per_week_and_procyclicality() -> None:
    table = run("history", "binance", "--notional", "1000000")
    assert table.exit_code == 0
    first, heads = table.stdout.splitlines()[:2]
    assert first == "as of 2026-11-29"
    assert heads.split() == list(Week.__slots__)[1:-1]
    document = json.loads(
        run("history", "binance", "--notional", "1000000", "--format", "json").stdout
    )
    weeks = document["weeks"]
    undated = sum(week["undated"] for week in weeks)
    assert sum(week["tighter"] + week["looser"] + week["mixed"] for week in weeks) > 1000
    assert f"\n{undated:,} further changes without exact dates\n" in table.stdout
    before = [week for week in weeks if week["week"] < "2024-03-25"]
    assert {count for week in before for count in list(week.values())[2:-1]} == {0}
    assert all(f"\n{week['week']} " not in table.stdout for week in before)
    assert [(margin["margin_type"], margin["notional"]) for margin in document["moves"]] == [
        ("initial", 1e6),
        ("maintenance", 1e6),
    ]
    initial = document["moves"][0]
    assert initial["moved"] <= initial["schedules"]
    assert initial["largest_peak_to_trough"] >= initial["median_peak_to_trough"] >= 1.0
    rows = run("history", "binance", "--format", "csv").stdout.splitlines()
    assert len(rows) == len(weeks) + 1
    assert rows[0].endswith(",undated")
    assert sum(int(row.rpartition(",")[2]) for row in rows[1:]) == undated


def test_a_history_counts_only_snapshots_with_the_contract() -> None:
    """The second recording of Bitget is partial and holds another contract only."""
    table = run("history", "bitget", "PUMP/USDT:USDT").stdout
    assert "bitget PUMP/USDT:USDT (any), 1 observation, " in table
    assert "newest observation" not in table
    assert (
        "each margin is shown until the next observation; changes in between are not known" in table
    )
    assert "2 observations" in run("history", "bitget", "BTC/USDT:USDT").stdout


def test_an_underlying_has_a_series_per_venue() -> None:
    document = json.loads(run("history", "--underlying", "XBT", "--format", "json").stdout)
    by_venue = {series["venue"]: series for series in document["series"]}
    assert len(by_venue) == len(document["series"]) > 20
    point = by_venue["binance"]["points"][0]
    assert (point["observed_at"], point["rate"]) == ("2022-02-12T00:00:00Z", 0.02)
    assert all(series["underlying"] == "BTC" for series in document["series"])
    early = json.loads(
        run("history", "--underlying", "BTC", "--as-of", "2023-12-31", "--format", "json").stdout
    )
    assert {series["venue"] for series in early["series"]} == {"ascendex", "binance", "htx"}
    rows = run("history", "--underlying", "BTC", "--format", "csv").stdout.splitlines()
    assert rows[0] == "venue,symbol,profile,notional_usd,from,earliest,initial_rate,status"


@pytest.mark.parametrize(
    "arguments",
    [("binance", "SOL/USDT:USDT"), ("binance",), ("--underlying", "SOL", "--notional", "100000")],
    ids=["schedule", "venue", "underlying"],
)
def test_each_history_has_a_chart_file(arguments: tuple[str, ...], tmp_path: Path) -> None:
    result = run("history", *arguments, "--chart", str(tmp_path / "a.svg"))
    assert result.exit_code == 0
    chart = (tmp_path / "a.svg").read_bytes()
    assert ET.fromstring(chart).tag.endswith("svg")  # noqa: S314 - our own file


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        ((), 2, "expected a venue or --underlying, found neither; use one of the two"),
        (("binance", "--underlying", "BTC"), 2, "expected a venue or --underlying, found both"),
        (("ftx",), 2, "unknown venue ftx"),
        (("--underlying", "NOSUCHCOIN"), 3, "no venue with an observed margin on NOSUCHCOIN"),
        (("apex",), 3, "apex: no observed change"),
        (("binance", "--chart", "/dev/null/a.svg"), 2, "cannot write the file"),
    ],
)
def test_an_error_is_one_line(arguments: tuple[str, ...], code: int, message: str) -> None:
    result = run("history", *arguments)
    assert result.exit_code == code
    assert any(message in line for line in result.stderr.splitlines())
