"""Sizes as people write them, and every error of a request at once."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from harmonize.cli.main import app


def run(*arguments: str) -> Result:
    return CliRunner().invoke(app, arguments, catch_exceptions=False)


def test_a_size_with_a_suffix_is_the_size_in_digits() -> None:
    options = ("--margin-type", "initial", "--format", "json")
    short = run(
        *("gap", "BTC", "--notional", "1.5m", "--notional", "250k", "--limit", "mexc=100k"),
        *("--min-position", "1k", "--account-cost", "0.001k", *options),
    )
    digits = run(
        *("gap", "BTC", "--notional", "1_500_000", "--notional", "2.5e5"),
        *("--limit", "mexc=100000", "--min-position", "1000", "--account-cost", "1", *options),
    )
    assert short.exit_code == digits.exit_code == 0
    assert short.stdout == digits.stdout
    points = json.loads(short.stdout)["arbitrages"][0]["points"]
    assert [point["notional"] for point in points] == [250e3, 1.5e6]
    parts = {part["venue"]: part["notional"] for part in points[1]["allocation"]}
    assert parts["mexc"] == pytest.approx(100e3)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--notional", "5 mil"), "--notional: expected an amount in USD such as 5m"),
        (("--limit", "okx=5million"), "--limit okx: expected an amount in USD such as 5m"),
        (("--min-position", "-1k"), "--min-position: expected an amount in USD from 0"),
        (("--account-cost", "2bn"), "--account-cost: expected an amount in USD from 0"),
    ],
)
def test_a_wrong_size_names_its_option(arguments: tuple[str, ...], message: str) -> None:
    result = run("gap", "BTC", *arguments)
    assert result.exit_code == 2
    assert result.stderr.startswith(f"error: {message}")
    assert len(result.stderr.splitlines()) == 1


def test_every_error_of_a_configuration_is_a_line(tmp_path: Path) -> None:
    path = tmp_path / "c.yaml"
    path.write_text(
        "checks:\n  MH999: {x: 1}\nwaivers:\n  - {codes: [MH401], scope: {}, owner: me}\nzzz: 1\n",
        encoding="utf-8",
    )
    result = run("audit", "--venue", "okx", "--config", str(path))
    assert result.exit_code == 2
    lines = result.stderr.splitlines()
    assert [line.removeprefix(f"error: {path}:").split(": ")[0] for line in lines] == [
        *("2:10", "4:5", "4:5", "5:1")
    ]
    assert "unknown check MH999" in lines[0]
    assert "reason" in lines[1] + lines[2]
    assert "expires" in lines[1] + lines[2]
    assert "zzz" in lines[3]


def test_every_unknown_rule_set_is_a_line() -> None:
    result = run("gap", "BTC", "--rules", "esma-retial", "--rules", "Harmonized-Baseline")
    assert result.exit_code == 2
    assert result.stderr.splitlines() == [
        "error: unknown rule set 'esma-retial'; did you mean esma-retail?",
        "error: unknown rule set 'Harmonized-Baseline'; did you mean harmonized-baseline?",
    ]


def test_every_unknown_venue_is_named_with_its_suggestion() -> None:
    result = run("gap", "BTC", "--venue", "Kucoin", "--venue", "binnance")
    assert result.exit_code == 2
    assert result.stderr == (
        "error: unknown venues Kucoin (did you mean kucoin?), binnance (did you mean binance?); "
        "see `harmonize venues` for the known ones\n"
    )


@pytest.mark.parametrize(
    ("command", "message"),
    [
        (("gap", "ETHH"), "is included in comparisons; did you mean ETH?"),
        (("index", "ETHH"), "underlying ETHH: no schedule was observed; did you mean ETH?"),
        (("liquidation", "ETHH"), "no schedule was observed; did you mean ETH?"),
        (("history", "--underlying", "ETHH"), "observed margin on ETHH; did you mean ETH?"),
        (
            ("history", "binance", "ETH"),
            "no schedule of ETH in any snapshot; did you mean ETH/USDT",
        ),
        (("assets", "ETHH"), "has no ETHH; did you mean ETH?"),
        (
            ("try", "--underlying", "SOLL", "--leverage", "5"),
            "no schedule was observed; did you mean",
        ),
        (("gap", "ETH", "--exclude", "Kucoin"), "not compared on ETH; did you mean kucoin?"),
        (("gap", "ETH", "--what-if", "adopt=Okx"), "did you mean okx?"),
        (
            ("compare", "ETH", "--instrument", "okx:ETH=ETH/USDT"),
            "okx has no schedule ETH/USDT on ETH; did you mean ETH/USDT:USDT?",
        ),
    ],
)
def test_a_near_miss_is_answered_with_the_name_that_it_resembles(
    command: tuple[str, ...], message: str
) -> None:
    result = run(*command)
    assert result.exit_code in {2, 3}
    (line,) = [line for line in result.stderr.splitlines() if "did you mean" in line]
    assert message in line


def test_no_error_lists_all_venues() -> None:
    for command in (
        ("schedule", "zzz", "BTC"),
        ("gap", "BTC", "--venue", "zzz"),
        ("gap", "BTC", "--exclude", "zzz"),
        ("history", "zzz"),
        ("gap", "BTC", "--what-if", "adopt=zzz"),
    ):
        assert len(run(*command).stderr) < 150, command
