"""The command ``compare``: one command answers who needs the least margin, since when, by which rule."""

import csv
import json
from io import BytesIO, StringIO
from pathlib import Path
from typing import Any

import pytest
from openpyxl import load_workbook
from typer.testing import CliRunner, Result

from harmonize.cli.main import app

ETH = ("compare", "ETH", "--notional", "5m")
BOTH = ("--rules", "harmonized-baseline", "--rules", "esma-retail")


def run(*arguments: str) -> Result:
    return CliRunner().invoke(app, arguments, catch_exceptions=False)


def answer_of(*arguments: str) -> Any:
    result = run(*arguments, "--format", "json")
    assert result.exit_code == 0, result.output
    return json.loads(result.stdout)


def test_every_venue_is_ranked_at_the_size_and_the_others_have_the_reason() -> None:
    answer = answer_of(*ETH)
    assert (answer["underlying"], answer["notional"]) == ("ETH", 5e6)
    margins = [venue["margin"] for venue in answer["venues"]]
    assert margins == sorted(margins)
    by_name = {venue["venue"]: venue for venue in answer["venues"]}
    binance = by_name["binance"]
    assert (binance["margin"], binance["rate"], binance["leverage"]) == (100_000.0, 0.02, 50.0)
    # 5 % from February 2023 on, 2 % from December 2023 on.
    assert binance["since"]["observed_at"][:10] == "2023-12-12"
    assert not binance["since"]["is_bound"]
    assert by_name["lighter"]["since"]["is_bound"]
    (standing,) = binance["standings"]
    assert standing["rule_set"] == "harmonized-baseline"
    assert standing["deviation"] == pytest.approx(1e5 / standing["required"] - 1)
    excluded = {venue["venue"]: venue["reason"] for venue in answer["excluded"]}
    assert excluded["deribit"] == "only the maximum leverage is published"
    assert not excluded.keys() & by_name.keys()


def test_the_first_lines_answer_the_question() -> None:
    result = run(*ETH, *BOTH)
    assert result.exit_code == 0
    lines = result.stdout.splitlines()
    assert lines[0].startswith("as of 2026-11-29, read from the recorded archive")
    assert lines[2].startswith("lowest: ")
    assert ", since " in lines[2]
    assert "lowest against harmonized-baseline: under, −92 % from the required $" in result.stdout
    assert "lowest against esma-retail: breach, −98 % from the required $2,500,000" in result.stdout
    heads = next(line for line in lines if line.startswith("rank"))
    assert heads.split() == [
        *("rank", "venue", "contract", "IM", "rate", "leverage", "harmonized-baseline"),
        *("esma-retail", "since", "observed", "marks"),
    ]
    assert any(line.startswith("without a rank: ") for line in lines)
    # A venue that publishes its maximum leverage alone requires at least this margin.
    (deribit,) = [line for line in lines if line.startswith("deribit ")]
    assert " ≥ 100,000.00 " in deribit


def test_figure_is_a_name_of_margin_type() -> None:
    answer = answer_of(*ETH, "--figure", "maintenance", "--venue", "binance")
    assert answer == answer_of(*ETH, "--margin-type", "maintenance", "--venue", "binance")
    (venue,) = answer["venues"]
    assert venue["margin"] < 100_000


def test_csv_and_workbook_hold_every_venue(tmp_path: Path) -> None:
    answer = answer_of(*ETH, *BOTH)
    total = len(answer["venues"]) + len(answer["excluded"])
    rows = list(csv.DictReader(StringIO(run(*ETH, *BOTH, "--format", "csv").stdout)))
    assert len(rows) == total
    assert float(rows[0]["margin_usd"]) == answer["venues"][0]["margin"]
    assert rows[0]["esma-retail verdict"] == "breach"
    assert float(rows[0]["esma-retail required_usd"]) == 2_500_000
    assert rows[-1]["rank"] == ""
    assert rows[-1]["excluded_because"] == answer["excluded"][-1]["reason"]
    path = tmp_path / "eth.xlsx"
    assert run(*ETH, *BOTH, "--format", "xlsx", "--output", str(path)).exit_code == 0
    book = load_workbook(BytesIO(path.read_bytes()))
    assert book.sheetnames == ["Venues", "Rule sets"]
    assert book["Venues"].max_row == total + 1


def test_a_day_in_the_past_ranks_what_was_known_then() -> None:
    answer = answer_of(*ETH, "--venue", "binance", "--as-of", "2023-03-01")
    (venue,) = answer["venues"]
    assert (venue["rate"], venue["since"]["observed_at"][:10]) == (0.05, "2023-02-17")


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (("compare", "ETH", "--margin-type", "both"), 2, "--margin-type: expected initial or"),
        (("compare", "ETH", "--notional", "5 mil"), 2, "--notional: expected an amount in USD"),
        (("compare", "ETH", "--venue", "Kucoin"), 2, "did you mean kucoin?"),
        (("compare", "ETHH"), 3, "no schedule was observed; did you mean ETH"),
        (("compare", "ETH", "--rules", "esma"), 2, "did you mean esma-retail?"),
        (("compare", "ETH", "--notional", "900bn"), 3, "no venue has an observed margin"),
    ],
)
def test_a_mistake_is_a_line_with_the_fix(
    arguments: tuple[str, ...], code: int, message: str
) -> None:
    result = run(*arguments)
    assert result.exit_code == code
    assert message in result.stderr
