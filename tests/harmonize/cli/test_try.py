"""The command ``try``: a draft is judged before it is published."""

import csv
import json
from io import BytesIO, StringIO
from pathlib import Path
from typing import Any

import pytest
from openpyxl import load_workbook
from typer.testing import CliRunner, Result

from harmonize.cli.main import app

SOL = ("try", "--underlying", "SOL", "--leverage", "125")


def run(*arguments: str) -> Result:
    return CliRunner().invoke(app, arguments, catch_exceptions=False)


def answer_of(*arguments: str) -> Any:
    result = run(*arguments, "--format", "json")
    assert result.exit_code == 0, result.output
    return json.loads(result.stdout)


def test_a_leverage_is_judged_by_every_rule_set_with_the_smallest_change() -> None:
    judged = answer_of(*SOL)
    rows = {(row["rule_set"], row["margin_type"]): row for row in judged["verdicts"]}
    esma = rows["esma-retail", "initial"]
    assert (esma["verdict"], esma["observed"], esma["required"]) == ("breach", 0.008, 0.5)
    assert esma["remedy"] == "raise tier 1 from 0.8 % to 50.0 %"
    assert rows["uk-fca", "initial"]["verdict"] == "prohibited"
    maintenance = rows["esma-retail", "maintenance"]
    assert maintenance["verdict"] == "not observable"
    assert maintenance["reason"] == "the proposal states no maintenance rate"
    codes = {finding["code"] for finding in judged["findings"]}
    assert {"MH110", "MH301", "MH401", "MH403"} <= codes
    assert {finding["venue"] for finding in judged["findings"]} == {"proposal"}


def test_required_margins_are_verified_as_in_the_findings() -> None:
    judged = answer_of(*SOL)
    rows = {row["rule_set"]: row for row in judged["verdicts"] if row["margin_type"] == "initial"}
    found = {x["rule_set"]: x["verified"] for x in judged["findings"] if x["code"] == "MH303"}
    assert found["emir-ccp"] == "derived"
    assert {rule: rows[rule]["verified"] for rule in found} == found
    assert rows["uk-fca"]["verified"] == ""  # it requires no margin
    text = run(*SOL).stdout
    assert next(line for line in text.splitlines() if line.startswith("emir-ccp ")).count("◇") == 1
    assert "sources of required margins: ● primary, ◐ secondary, ◇ derived\n" in text


def test_the_tolerance_stands_beside_a_compliant_verdict_below_the_requirement() -> None:
    arguments = ("try", "--underlying", "SOL", "--leverage", "6.6", "--rules", "emir-ccp")
    judged = answer_of(*arguments)
    (row,) = [row for row in judged["verdicts"] if row["margin_type"] == "initial"]
    assert (row["verdict"], row["remedy"]) == ("compliant", "")
    assert row["observed"] < row["required"]
    least = row["required"] * (1 - row["tolerance_below"])
    low = answer_of("try", "--underlying", "SOL", "--leverage", "10", "--rules", "emir-ccp")
    change = low["verdicts"][0]["remedy"].split(" to ")[-1]
    assert change == f"{least * 100:.2f} %"
    text = run(*arguments).stdout
    line = next(line for line in text.splitlines() if line.startswith("emir-ccp "))
    assert " 21.88 % ◇  −32 % " in line
    assert "tolerance: share below the required margin" in text
    cells = next(csv.DictReader(StringIO(run(*arguments, "--format", "csv").stdout)))
    assert float(cells["tolerance_below_share"]) == row["tolerance_below"]


def test_it_ranks_among_the_venues_and_its_effect_on_the_gap_is_stated() -> None:
    judged = answer_of(*SOL, "--notional", "1m")
    compared = answer_of("compare", "SOL", "--notional", "1m")
    (initial, _) = judged["ranks"]
    assert (initial["rank"], initial["margin"]) == (1, 8_000.0)
    assert initial["venues"] == len(compared["venues"]) + 1
    assert initial["lowest"] == compared["venues"][0]["margin"]
    (gap,) = judged["gaps"]
    published = answer_of("gap", "SOL", "--notional", "1m")["arbitrages"][0]["points"][0]
    assert gap["split_without"] == published["optimal_split"]
    assert gap["gap_without"] == pytest.approx(published["gap"])
    # Nothing is cheaper than 0.8 % of the whole position at one venue.
    assert (gap["split_with"], gap["allocated"]) == (8_000.0, 1e6)
    assert gap["gap_with"] - gap["gap_without"] == pytest.approx(gap["split_without"] - 8_000.0)


def test_a_high_margin_ranks_last_and_leaves_the_gap() -> None:
    judged = answer_of("try", "--underlying", "SOL", "--leverage", "1", "--notional", "1m")
    assert judged["ranks"][0]["rank"] == judged["ranks"][0]["venues"]
    (gap,) = judged["gaps"]
    assert gap["gap_with"] == gap["gap_without"]
    assert gap["allocated"] == 0


def test_a_file_of_tiers_is_judged_at_its_sizes(tmp_path: Path) -> None:
    path = tmp_path / "draft.csv"
    path.write_text("upper,leverage,maintenance_rate\n100k,50,1%\n500k,2,25%\n")
    arguments = ("try", "--tiers", str(path), "--underlying", "SOL", "--tier-rule", "flat")
    judged = answer_of(*arguments, "--notional", "250k", "--notional", "1m")
    ranks = {(row["notional"], row["margin_type"]): row for row in judged["ranks"]}
    assert (judged["name"], judged["tier_rule"]) == ("draft", "flat")
    assert ranks[250e3, "initial"]["margin"] == 125_000.0
    assert ranks[250e3, "maintenance"]["margin"] == 62_500.0
    assert ranks[1e6, "initial"]["rank"] is None
    assert ranks[1e6, "initial"]["reason"] == "accepts no position above $500,000"
    assert "MH105" in {finding["code"] for finding in judged["findings"]}  # 2 % to 50 % at $100k


def test_marginal_tiers_apply_each_rate_to_its_slice(tmp_path: Path) -> None:
    path = tmp_path / "draft.csv"
    path.write_text("upper,leverage\n100k,50\n500k,2\n")
    arguments = ("try", "--tiers", str(path), "--underlying", "SOL", "--tier-rule", "marginal")
    (initial, _) = answer_of(*arguments, "--notional", "250k")["ranks"]
    assert initial["margin"] == 100_000 / 50 + 150_000 / 2


def test_the_draft_of_a_venue_takes_the_place_of_its_own_schedule() -> None:
    draft = answer_of(*SOL, "--name", "binance", "--notional", "1m")
    other = answer_of(*SOL, "--notional", "1m")
    assert draft["replaces"]
    assert not other["replaces"]
    assert draft["ranks"][0]["venues"] == other["ranks"][0]["venues"] - 1
    assert "in place of the published schedule of binance" in run(*SOL, "--name", "binance").stdout


def test_the_text_has_its_four_parts_and_the_tables_their_rows(tmp_path: Path) -> None:
    text = run(*SOL).stdout
    for part in ("smallest change", "findings\n", "rank among the venues", "arbitrage gap to"):
        assert part in text
    rows = list(csv.DictReader(StringIO(run(*SOL, "--format", "csv").stdout)))
    assert {row["rule_set"] for row in rows} >= {"esma-retail", "harmonized-baseline"}
    path = tmp_path / "draft.xlsx"
    assert run(*SOL, "--format", "xlsx", "--output", str(path)).exit_code == 0
    book = load_workbook(BytesIO(path.read_bytes()))
    assert book.sheetnames == ["Verdicts", "Findings", "Ranks", "Gaps"]


def test_findings_can_fail_a_check_before_publication() -> None:
    assert run(*SOL, "--fail-on", "breach").exit_code == 1
    assert run(*SOL).exit_code == 0


def test_an_underlying_that_no_venue_lists_is_judged_by_the_rule_sets_alone() -> None:
    result = run("try", "--underlying", "NOSUCHCOIN", "--leverage", "2", "--rules", "esma-retail")
    assert result.exit_code == 3
    assert "incomplete: underlying NOSUCHCOIN: no schedule was observed" in result.stderr


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("try", "--underlying", "SOL"), "expected --tiers or --leverage, found neither"),
        ((*SOL, "--tiers", "x.yaml"), "expected --tiers or --leverage, found both"),
        (("try", "--leverage", "5"), "--leverage: missing underlying; add --underlying"),
        ((*SOL[:3], "--leverage", "0.5"), "--leverage: expected a number from 1 to 10,000"),
        ((*SOL, "--tier-rule", "steep"), "--tier-rule: expected flat or marginal"),
        ((*SOL, "--maintenance-rate", "x"), "--maintenance-rate: expected a rate from 0"),
        (("try", "--tiers", "/nowhere.yaml"), "/nowhere.yaml: no such file"),
        ((*SOL, "--rules", "esma-retial"), "did you mean esma-retail?"),
    ],
)
def test_a_mistake_is_one_line_with_the_fix(arguments: tuple[str, ...], message: str) -> None:
    result = run(*arguments)
    assert result.exit_code == 2
    (line,) = result.stderr.splitlines()
    assert message in line
