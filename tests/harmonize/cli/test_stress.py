"""The command ``stress``: what a fall liquidates, its assumptions, and mistakes in one line."""

import csv
import json
import re
from collections.abc import Iterator
from io import BytesIO, StringIO
from pathlib import Path
from typing import Any

import pytest
import typer
from openpyxl import load_workbook
from typer.testing import CliRunner, Result

from harmonize.api import stress
from harmonize.cli.main import app
from harmonize.nightly import run as nightly

FEW = ("--seeds", "2")
"""Fewer seeds than a user may choose: an interval of two books has every field at a tenth of the time."""

LEAST_SEEDS = stress.LEAST_SEEDS

MARKS = {"measured", "assumed", "sourced"}

SHOCKS = {"0.01", "0.02", "0.05", "0.1", "0.2", "0.3"}

POSITIONS = """venue,underlying,side,notional,margin
binance,BTC,long,100000,10000
hyperliquid,BTC,long,200000,1000
hyperliquid,BTC,short,50000,5000
"""

SCENARIO = """id: mine
title: A fall of my own
kind: hypothetical
step_minutes: 5
falls:
  BTC: [0.02, 0.12, 0.08]
  ETH: [0.03, 0.16, 0.1]
citations:
  - {reference: own, mark: assumed, note: none}
"""


def run(*arguments: str) -> Result:
    return CliRunner().invoke(app, ("stress", *arguments), catch_exceptions=False)


def answer_of(*arguments: str, code: int = 0) -> Any:
    result = run(*arguments, *FEW, "--format", "json")
    assert result.exit_code == code, result.output
    return json.loads(result.stdout)


@pytest.fixture(scope="module", autouse=True)
def _few_seeds() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(stress, "LEAST_SEEDS", 2)
        yield


@pytest.fixture(scope="module")
def btc() -> Any:
    return answer_of("BTC", "--as-of", "2026-11-29")


@pytest.fixture(scope="module")
def printed() -> str:
    result = run("BTC", *FEW)
    assert result.exit_code == 0, result.output
    return result.stdout


@pytest.fixture
def positions(tmp_path: Path) -> Path:
    path = tmp_path / "positions.csv"
    path.write_text(POSITIONS)
    return path


def test_the_curve_has_every_shock_under_all_three_liquidities(btc: Any) -> None:
    (row,) = btc["stress"]
    found = {(point["shock"], point["liquidity"]) for point in row["points"]}
    assert found == {(s, k) for s in (0.01, 0.02, 0.05, 0.1, 0.2, 0.3) for k in (1.0, 4.0, 10.0)}
    for point in row["points"]:
        assert point["move"] >= point["shock"]
        assert point["liquidated_low"] <= point["liquidated_high"]
        assert point["liquidated"] == pytest.approx(point["share"] * row["open_interest"])


def test_shapley_values_sum_to_what_is_liquidated(btc: Any) -> None:
    (row,) = btc["stress"]
    (total,) = [
        p["liquidated"] for p in row["points"] if (p["shock"], p["liquidity"]) == (0.1, 1.0)
    ]
    assert sum(venue["shapley"] for venue in row["venues"]) == pytest.approx(total)
    assert sum(venue["liquidated"] for venue in row["venues"]) == pytest.approx(total)


ALIKE = {
    "not more": {"not more", "less", "no change"},
    "not less": {"not less", "more", "no change"},
}
"""Signs of cells that agree with a sign of their effect."""


def test_an_effect_has_both_behaviours_and_a_sign_only_where_all_cells_agree(btc: Any) -> None:
    (row,) = btc["stress"]
    assert {str(effect["shock"]) for effect in row["effects"]} == SHOCKS
    for effect in row["effects"]:
        cells = effect["cells"]
        assert {(c["liquidity"], c["behaviour"]) for c in cells} == {
            (liquidity, behaviour)
            for liquidity in (1.0, 4.0, 10.0)
            for behaviour in ("notional kept", "margin kept")
        }
        if effect["sign"] == "depends on":
            assert effect["depends_on"]
        else:
            assert {cell["sign"] for cell in cells} <= ALIKE.get(effect["sign"], {effect["sign"]})


def test_venues_without_open_interest_or_margins_are_listed_and_not_guessed(btc: Any) -> None:
    (row,) = btc["stress"]
    absent = {own["venue"]: own["reason"] for own in row["not_observable"]}
    assert absent["mexc"] == "open interest is not observed"
    assert not set(absent) & {venue["venue"] for venue in row["venues"]}


def test_leverage_is_measured_on_hyperliquid_alone(btc: Any) -> None:
    (row,) = btc["stress"]
    marks = {venue["venue"]: venue["leverage_mark"] for venue in row["venues"]}
    assert [venue for venue, mark in marks.items() if mark == "measured"] == ["hyperliquid"]


def test_every_format_states_the_defaults_with_their_marks(
    btc: Any, printed: str, tmp_path: Path
) -> None:
    (row,) = btc["stress"]
    names = [default["name"] for default in row["defaults"]]
    assert len(names) == 15
    assert all(default["mark"].split()[0] in MARKS for default in row["defaults"])
    assert all(name in printed for name in names)
    table = list(csv.DictReader(StringIO(run("BTC", *FEW, "--format", "csv").stdout)))
    assert all(name in table[0]["assumptions"] for name in names)
    chart = tmp_path / "curve.svg"
    assert run("BTC", *FEW, "--chart", str(chart)).exit_code == 0
    drawn = " ".join(chart.read_text().split())
    assert "Assumptions" in drawn
    assert "(assumed)" in drawn
    book = run("BTC", *FEW, "--format", "xlsx", "--output", str(tmp_path / "x.xlsx"))
    assert book.exit_code == 0
    sheet = load_workbook(BytesIO((tmp_path / "x.xlsx").read_bytes()))["Assumptions"]
    assert set(names) <= {cell.value for row_ in sheet.iter_rows() for cell in row_}


def test_the_text_begins_with_the_result_in_sentences(printed: str, tmp_path: Path) -> None:
    _, _, heading, first, *_ = printed.splitlines()
    assert heading.startswith("BTC: synthetic longs of")
    assert first.startswith("If BTC fell by 10 % at once, $1.14bn to $2.61bn of longs would be")
    begin, _, _ = printed.partition(" shock  liquidity")
    assert "Under harmonized-baseline, more longs would be liquidated (by $741m if traders" in begin
    assert "close a part" in begin
    accounted = run("--positions", str(hedged(tmp_path, "long,100000", "short,90000")), *FEW).stdout
    assert (
        "If BTC fell" not in accounted
    )  # accounts share their margin, the sentences do not know it


def test_cliffs_under_other_rules_are_listed_with_those_in_force(btc: Any, printed: str) -> None:
    (row,) = btc["stress"]
    (cliff, *_) = row["changed_cliffs"]
    assert (cliff["what_if"], cliff["rule_set"]) == ("reference", "harmonized-baseline")
    assert cliff["after"] - cliff["before"] >= 0.01
    assert "rules in force: none" in printed
    assert (
        "reference, harmonized-baseline, notional kept: at 4.7 % (4×) from 4.7 % to 7.1 %"
        in printed
    )


def test_the_limits_are_stated_in_words(printed: str) -> None:
    assert "on 49 recorded days attributed to hyperliquid, the model liquidates 0." in printed
    assert "the source does not name the venue, and its description suggests Hyp" in printed
    assert "its longs and shorts miss its totals by up to $7.2m a day" in printed
    assert "Amplification is not identified" in printed
    assert "Venues other than hyperliquid, and other underlyings: unvalidated." in printed
    assert "No insurance fund is archived" in printed


def test_figures_of_venues_have_the_interval_of_the_samples(btc: Any, printed: str) -> None:
    (row,) = btc["stress"]
    for venue in row["venues"]:
        assert 0.0 < venue["shapley_low"] < venue["shapley_high"]
        assert all(0.0 < own["low"] < own["high"] for own in venue["reverse"])
    assert "5–95 % interval over 2 samples of positions, not of the market" in printed
    rows = [line for line in printed.splitlines() if line.startswith("binance ")]
    _, contributed, reverse = rows
    assert re.search(r"\d\.\d\d \(\d\.\d\d–\d\.\d\d\)", contributed)
    assert re.search(r"\d % \(\d\.\d+ %–\d(\.\d+)? %\)", reverse)


def test_a_figure_that_too_little_decides_has_its_reason() -> None:
    result = run("SOL", *FEW)
    assert (
        "binance: reverse stress at 1×, 4× and 10× is not observable: fewer than one"
        in result.stdout
    )


def test_a_recorded_path_runs_without_impact_unless_asked() -> None:
    off = answer_of("BTC", "--scenario", "2024-08-05")
    (path,) = off["stress"][0]["paths"]
    assert path["liquidity"] is None
    assert path["move"] == path["fall"]
    assert any("Impact is off in the replay" in line for line in off["statements"])
    on = answer_of("BTC", "--scenario", "2024-08-05", "--impact")
    assert [path["liquidity"] for path in on["stress"][0]["paths"]] == [1.0, 4.0, 10.0]
    assert all(path["move"] > path["fall"] for path in on["stress"][0]["paths"])
    assert any("counts them twice" in line for line in on["statements"])


def test_margins_of_a_recorded_day_are_the_nearest_observed() -> None:
    (row,) = answer_of("BTC", "--scenario", "2025-10-10")["stress"]
    days = {venue["venue"]: venue["observed_at"][:10] for venue in row["venues"]}
    assert days["binance"] == "2025-10-09"  # not the newest, of 2026-07-02
    assert row["oldest"][:10] == min(days.values())
    assert row["newest"][:10] == max(days.values())


def test_volume_and_implied_volatility_of_a_path_are_stated() -> None:
    (row,) = answer_of("BTC", "--scenario", "2025-10-10")["stress"]
    assert row["paths"][0]["volume"] == 27.42
    assert row["paths"][0]["implied_volatility"] == 0.5884
    (jump,) = answer_of("BTC", "--scenario", "-10%", "--what-if", "leverage=10")["stress"]
    assert jump["paths"][0]["volume"] is None


def test_a_fund_raises_the_shock_that_a_venue_cannot_pay(btc: Any) -> None:
    def limit(answer: Any, venue: str) -> float:
        (own,) = [v for v in answer["stress"][0]["venues"] if v["venue"] == venue]
        shock: float = own["reverse"][0]["shock"]
        return shock

    funded = answer_of("BTC", "--as-of", "2026-11-29", "--fund", "binance=100m")
    assert limit(funded, "binance") > 2 * limit(btc, "binance")
    assert limit(funded, "okx") == limit(btc, "okx")
    assert any("only the stated ones" in line for line in funded["statements"])


def test_a_depth_table_is_refused_beyond_its_end(tmp_path: Path, positions: Path) -> None:
    path = tmp_path / "depth.csv"
    path.write_text("volume,move\n1e4,0.01\n2.5e5,0.1\n")
    option = ("--impact-model", f"depth={path}")
    result = run("--positions", str(positions), *option)
    assert result.exit_code == 2
    expected = "depth: $300,000 is sold beyond the end of the table; add deeper rows"
    assert result.stderr.splitlines() == [f"error: {expected}"]
    path.write_text("volume,move\n1e4,0.01\n2.5e5,0.1\n1e6,0.2\n")
    printed = run("--positions", str(positions), *option).stdout
    assert "impact: order book, up to $1,000,000 and 20 %; refused beyond it" in printed
    assert "given: depth.csv" in printed
    assert re.search(r"^reverse stress +1×$", printed, re.MULTILINE)


def test_given_positions_have_their_own_leverage(positions: Path) -> None:
    result = run("--positions", str(positions), "--leverage", "5")
    assert result.exit_code == 2
    assert "--leverage: given positions have their own; remove --leverage" in result.stderr


def test_effects_are_stated_at_every_shock_in_csv_too(positions: Path) -> None:
    result = run("--positions", str(positions), "--what-if", "maintenance=2", "--format", "csv")
    rows = list(csv.DictReader(StringIO(result.stdout)))
    effects = [row for row in rows if row["what_if"]]
    assert {row["shock"] for row in effects} == {row["shock"] for row in rows} == SHOCKS
    assert {row["behaviour"] for row in effects} == {"notional kept", "margin kept"}
    assert {row["metric"] for row in effects} == {
        *("liquidated notional", "move", "loss beyond margin"),
    }


def test_given_positions_are_not_described_as_synthetic_ones(positions: Path) -> None:
    answer = answer_of("--positions", str(positions))
    assert answer["validation"] == []
    assert not any("recorded" in line or "unvalidated" in line for line in answer["statements"])
    assert "BTC: 1 short of $50k: not liquidated in a fall." in answer["statements"]
    assert any("not identified" in line for line in answer["statements"])


def test_what_changes_nothing_is_one_line(tmp_path: Path) -> None:
    path = tmp_path / "calm.csv"
    rows = "okx,BTC,long,100000,90000\nbybit,BTC,short,2000000,200000\n"
    path.write_text(f"venue,underlying,side,notional,margin\n{rows}")
    printed = run("--positions", str(path)).stdout
    assert "BTC: given longs of $100k on 1 venue," in printed
    assert not any(line.startswith("bybit") for line in printed.splitlines())
    assert "no assumption halved or doubled changes it" in printed
    line = (
        "what-if reference of harmonized-baseline: no change of liquidated notional, move and loss"
    )
    assert line in printed


def test_a_day_without_thirty_candles_before_has_a_path_and_no_curve() -> None:
    result = run("BTC", "--scenario", "2020-03-12", *FEW)
    assert result.exit_code == 3
    assert "no curve, contributions or effects: before 2020-03-12" in result.stdout
    assert "path 2020-03-12, no impact: fall of 52.33 %" in result.stdout
    assert "incomplete: underlying BTC: before 2020-03-12" in result.stderr


def test_several_underlyings_say_that_they_are_simulated_alone() -> None:
    answer = answer_of("BTC", "SOL")
    (line,) = [line for line in answer["statements"] if "simulated alone" in line]
    assert "1.9 (BTC), 2.8 (ETH) and 6.1 (SOL)" in line


def test_given_positions_are_liquidated_at_once_if_their_margin_is_below_mm(
    positions: Path,
) -> None:
    answer = answer_of("--positions", str(positions))
    (row,) = answer["stress"]
    assert not row["is_synthetic"]
    assert row["open_interest"] == 300_000
    immediate = {venue["venue"]: venue["immediate"] for venue in row["venues"]}
    assert immediate == {"binance": 0.0, "hyperliquid": 200_000.0}
    assert {venue["leverage_mark"] for venue in row["venues"]} == {"given"}


def test_positions_of_an_account_fall_together(tmp_path: Path) -> None:
    path = tmp_path / "accounts.csv"
    rows = "binance,BTC,long,100000,3000,a\nbinance,ETH,long,100000,60000,a\n"
    path.write_text(f"venue,underlying,side,notional,margin,account\n{rows}")
    answer = answer_of("--positions", str(path), "--shock", "10%")
    assert [row["points"][0]["liquidated"] for row in answer["stress"]] == [0.0, 0.0]
    alone = {
        row["underlying"]: next(p["liquidated"] for p in row["points"] if p["shock"] == 0.1)
        for row in answer["stress"]
    }
    assert alone == {"BTC": 100_000.0, "ETH": 0.0}
    assert {own["longs"] for own in answer["accounts"]} == {0.0}  # the account has enough margin
    assert not any("simulated alone" in line for line in answer["statements"])


HEDGED = """venue,underlying,side,notional,margin,account
binance,BTC,long,100000,5000,a
binance,ETH,short,100000,20000,a
binance,BTC,long,50000,2500,b
binance,BTC,long,50000,25000,
binance,DOGE,long,50000,1000,c
"""


def hedged(tmp_path: Path, old: str = "", new: str = "") -> str:
    """Writes a file in which ETH hedges the account a, and DOGE is linked to nothing."""
    path = tmp_path / "hedged.csv"
    path.write_text(HEDGED.replace(old, new) if old else HEDGED)
    return str(path)


@pytest.mark.parametrize("named", [("BTC",), ("ETH",), ("BTC", "ETH")])
def test_an_account_is_whole_whatever_is_named(tmp_path: Path, named: tuple[str, ...]) -> None:
    file = ("--positions", hedged(tmp_path), "--shock", "10%")
    answer = answer_of(*named, *file)
    assert {row["underlying"] for row in answer["stress"]} == set(named)
    first = next(own for own in answer["accounts"] if own["underlying"] == "BTC")
    assert (first["accounts"], first["total"]) == (1, 2)  # b alone: the short of a pays its loss
    assert (first["positions"], first["positions_total"]) == (0, 1)
    assert first["loss"] == pytest.approx(2_500.0, rel=0.01)
    whole = answer_of(*file)
    assert {own["total"] for own in whole["accounts"]} == {3}
    assert {own["positions_total"] for own in whole["accounts"]} == {1}
    limits = [line for row in whole["stress"] for line in row["limits"]]
    assert not any("The underlying is simulated alone" in line for line in limits)
    alone = "Positions without an account are simulated alone. "
    assert sum(line.startswith(alone) for line in limits) == len(whole["stress"])
    linked = [own for own in whole["accounts"] if own["underlying"] != "DOGE"]
    assert [own["longs"] for own in answer["accounts"]] == [own["longs"] for own in linked]


def test_what_ignores_accounts_says_so_in_every_format(tmp_path: Path) -> None:
    file = ("BTC", "--positions", hedged(tmp_path), "--shock", "10%")
    printed = run(*file, *FEW).stdout
    assert "margins observed 2026-07-02, each position margined alone" in printed
    assert "BTC: each position margined alone. The results of accounts have" in printed
    assert "outside shared accounts, they liquidate longs, and no short." in printed
    assert "Positions without an account are simulated alone. On a Hyperliquid" not in printed
    (line, *_) = list(csv.DictReader(StringIO(run(*file, *FEW, "--format", "csv").stdout)))
    assert "each position margined alone; results of accounts: shared" in line["assumptions"]
    book = tmp_path / "x.xlsx"
    assert run(*file, *FEW, "--format", "xlsx", "--output", str(book)).exit_code == 0
    sheet = load_workbook(BytesIO(book.read_bytes()))["Accounts"]
    assert [cell.value for cell in sheet[2]][:3] == [1, "BTC", 50_000]
    several = answer_of("BTC", "DOGE", *file[1:])
    assert any("Positions without an account are sim" in own for own in several["statements"])


def test_positions_without_any_account_are_not_said_to_be_margined_alone(positions: Path) -> None:
    printed = run("--positions", str(positions), *FEW).stdout
    assert "margined alone" not in printed


def test_one_underlying_of_a_joint_scenario_is_said_to_be_simulated_alone(tmp_path: Path) -> None:
    path = tmp_path / "mine.yaml"
    path.write_text(SCENARIO.replace("  ETH: [0.03, 0.16, 0.1]\n", ""))
    for name, is_joint in (("2025-10-10", True), ("-20%", True), (str(path), False)):
        statements = answer_of("BTC", "--scenario", name)["statements"]
        assert any("simulated alone" in line for line in statements) == is_joint


@pytest.mark.parametrize(
    ("arguments", "old", "new", "reason"),
    [
        (
            ("BTC",),
            "ETH",
            "XYZQ",
            "underlying XYZQ: binance: no schedule was observed; use the code of an asset, such as BTC",
        ),
        (("BTC", "--scenario"), "", "", "underlying ETH: scenario mine has no falls of it"),
    ],
)
def test_an_account_that_cannot_be_whole_is_not_simulated(
    tmp_path: Path, arguments: tuple[str, ...], old: str, new: str, reason: str
) -> None:
    if "--scenario" in arguments:
        path = tmp_path / "mine.yaml"
        path.write_text(SCENARIO.replace("  ETH: [0.03, 0.16, 0.1]\n", ""))
        arguments = (*arguments, str(path))
    answer = answer_of(*arguments, "--positions", hedged(tmp_path, old, new), code=3)
    assert {own["total"] for own in answer["accounts"]} == {1}  # b
    assert {own["positions_total"] for own in answer["accounts"]} == {1}
    assert f"account a on binance: not simulated: {reason}" in answer["missing"]


def test_an_account_with_a_venue_that_is_not_selected_is_not_simulated(tmp_path: Path) -> None:
    rows = "okx,BTC,long,1000,100,a\nbinance,BTC,long,1000,100,b\nbinance,ETH,long,1000,100,b\n"
    path = tmp_path / "two.csv"
    path.write_text(f"venue,underlying,side,notional,margin,account\n{rows}")
    answer = answer_of("BTC", "--positions", str(path), "--venue", "okx", code=3)
    assert {own["total"] for own in answer["accounts"]} == {1}
    reason = "not simulated: underlying BTC: the venue is not selected"
    assert f"account b on binance: {reason}" in answer["missing"]


def test_positions_without_an_account_are_no_result_of_accounts(tmp_path: Path) -> None:
    answer = answer_of("DOGE", "--positions", hedged(tmp_path, "1000,c", "1000,"))
    assert answer["accounts"] == []
    assert not any("margined alone" in line for line in answer["statements"])


def test_a_position_of_a_linked_underlying_above_the_largest_is_refused(tmp_path: Path) -> None:
    result = run("BTC", "--positions", hedged(tmp_path, "short,100000", "short,1e12"), *FEW)
    assert result.exit_code == 2
    assert "binance: position of $1,000,000,000,000 is above the largest" in result.stderr


def test_one_account_name_on_two_venues_is_two_accounts(tmp_path: Path) -> None:
    path = tmp_path / "names.csv"
    rows = "binance,BTC,long,100000,5000,1\nokx,BTC,long,100000,50000,1\n"
    path.write_text(f"venue,underlying,side,notional,margin,account\n{rows}")
    (first, *_) = answer_of("BTC", "--positions", str(path), "--shock", "10%")["accounts"]
    assert (first["accounts"], first["total"], first["longs"]) == (1, 2, 100_000.0)


def test_a_scenario_file_gives_the_shock_of_each_underlying(tmp_path: Path) -> None:
    path = tmp_path / "mine.yaml"
    path.write_text(SCENARIO)
    answer = answer_of("BTC", "ETH", "--scenario", str(path))
    assert [row["shock"] for row in answer["stress"]] == [0.12, 0.16]
    assert len(answer["stress"][0]["paths"]) == 3


def test_a_jump_that_holds_ends_where_the_curve_ends() -> None:
    (row,) = answer_of("BTC", "--scenario", "-20%")["stress"]
    curve = {p["liquidity"]: p["move"] for p in row["points"] if p["shock"] == 0.2}
    for path in row["paths"]:
        assert path["move"] == pytest.approx(curve[path["liquidity"]], rel=1e-12)


def test_a_change_states_the_margin_to_add_or_the_notional_to_close() -> None:
    answer = answer_of(
        *("BTC", "--what-if", "leverage=10", "--what-if", "maintenance=150%@5%"),
        *("--what-if", "adopt=okx"),
    )
    (row,) = answer["stress"]
    before, on_the_day, _ = row["reactions"]
    assert before["top_up"] > 0
    assert before["closed"] > 0
    assert (on_the_day["top_up"], on_the_day["closed"]) == (0.0, 0.0)
    at_shock = [own for own in row["effects"] if own["shock"] == row["shock"]]
    (more, *_) = [own for own in at_shock if own["what_if"] == "maintenance=150%@5%"]
    assert more["sign"] in {"more", "depends on"}  # a factor of 1.5, not of 150
    assert {own["what_if"] for own in row["effects"]} == {
        "leverage=10",
        "maintenance=150%@5%",
        "adopt=okx",
    }


@pytest.mark.parametrize("seeds", ["19", "1001"])
def test_an_interval_needs_twenty_books(monkeypatch: pytest.MonkeyPatch, seeds: str) -> None:
    monkeypatch.setattr(stress, "LEAST_SEEDS", LEAST_SEEDS)
    result = run("BTC", "--seeds", seeds)
    assert result.exit_code == 2
    assert result.stderr.startswith("error: --seeds: expected 20 to 1,000 books")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("BTC", "--scenario", "2025-10-11"), "unknown scenario '2025-10-11'; did you mean 2025-1"),
        (("BTC", "--shock", "100%"), "--shock: expected a fall above 0 and below 100 %"),
        (("BTC", "--shock", "0"), "--shock: expected a fall above 0 and below 100 %, found '0'"),
        (("BTC", "--scenario=-15%"), "-15% is not bundled; use --shock 15%, or a YAML file"),
        (("BTC", "--impact"), "--impact: off in the replay of a recorded --scenario alone; remove"),
        (("BTC", "--impact", "--scenario", "-20%"), "--impact: off in the replay of a recorded"),
        (("BTC", "--shock", "-1"), "--shock: expected a rate from 0 to 100 %"),
        (("BTC", "--shock", "nan"), "--shock: expected a rate from 0 to 100 %"),
        (("BTC", "--leverage", "0"), "--leverage: expected MEDIAN or MEDIAN,LOGSD, from 0.001"),
        (("BTC", "--leverage", "5,"), "such as 5,0.8, found '5,'"),
        (("BTC", "--leverage", "5,nan"), "such as 5,0.8, found '5,nan'"),
        (("BTC", "--leverage", "5;0.8"), "such as 5,0.8, found '5;0.8'"),
        (("BTC", "--leverage", "1e9"), "from 0.001 to 1,000 and to 10"),
        (("BTC", "--impact-model", "cubic"), "--impact-model: expected linear=5e-11 or depth=FILE"),
        (("BTC", "--impact-model", "linear=-1"), "expected linear=5e-11 or depth=FILE, found"),
        (("BTC", "--impact-model", "linear=inf"), "expected linear=5e-11 or depth=FILE, found"),
        (("BTC", "--impact-model", "depth=no.csv"), "--impact-model: cannot read no.csv"),
        (("BTC", "--what-if", "gap"), "what-if: expected reference, reference=im"),
        (("BTC", "--what-if", "reference=xm"), "what-if: expected reference, reference=im"),
        (("BTC", "--what-if", "adopt=binanc"), "unknown venue 'binanc'; did you mean binance?"),
        (("BTC", "--what-if", "leverage=0"), "expected a leverage such as 10, from 1 to 1000"),
        (("BTC", "--what-if", "leverage=10%"), "expected a leverage such as 10, from 1 to 1000"),
        (("BTC", "--what-if", "leverage=0.5"), "expected a leverage such as 10, from 1 to 1000"),
        (("BTC", "--what-if", "leverage=1_0"), "from 1 to 1000, found '1_0'"),
        (("BTC", "--what-if", "maintenance=1_0"), "expected a factor such as 1.5, above 0"),
        (("BTC", "--what-if", "buffer=0_1%"), "expected a fall such as 5%, from 0 to below 1"),
        (("BTC", "--what-if", "leverage=10@5%"), "IM on the day caps nobody, so that nothing can"),
        (("BTC", "--what-if", "reference=im@5%"), "can change; remove @5%"),
        (("BTC", "--taker-fee", "100%"), "--taker-fee: expected a rate from 0 to below 100 %"),
        (("BTC", "--what-if", "maintenance=nan"), "expected a factor such as 1.5, above 0"),
        (("BTC", "--what-if", "buffer"), "expected a fall such as 5%, from 0 to below 1"),
        (("BTC", "--what-if", "reference@100%"), "expected a fall such as @5%, from 0 to below 1"),
        (("BTC", "--venue", "binanc"), "unknown venue binanc; did you mean binance?"),
        (("BTC", "--rules", "nope"), "unknown rule set 'nope'"),
        (("BTC", "ETH", "--chart", "x.svg"), "--chart: expected one underlying, found 2"),
        (("BTC", "--chart", "x.png"), "--chart: expected a file that ends in .svg"),
        (("BTC", "--positions", "missing.csv"), "--positions: cannot read missing.csv"),
        (("BTC", "--scenario", "missing.yaml"), "--scenario: cannot read missing.yaml"),
        (("BTC", "--taker-fee", "x"), "--taker-fee: expected a rate"),
        (("BTC", "--taker-fee", "\uff11%"), "--taker-fee: expected a rate"),
        (("BTC", "--scenario", ""), "--scenario: unknown scenario ''; use one of"),
        (("BTC", "--shock", ""), "--shock: expected a rate"),
        (("BTC", "--leverage", ""), "--leverage: expected MEDIAN or MEDIAN,LOGSD"),
        (("BTC", "--leverage", "\uff15"), "--leverage: expected MEDIAN or MEDIAN,LOGSD"),
        (("BTC", "--leverage", "5,900"), "--leverage: expected MEDIAN or MEDIAN,LOGSD, from 0.001"),
        (
            ("BTC", "--leverage", "1e-320"),
            "--leverage: expected MEDIAN or MEDIAN,LOGSD, from 0.001",
        ),
        (("BTC", "--impact-model", ""), "--impact-model: expected linear=5e-11 or depth=FILE"),
        (("BTC", "--output", "nowhere/x"), "nowhere/x: missing folder nowhere; create it"),
        (("BTC", "--output", "/"), "/: cannot write the file: Is a directory; use another path"),
        (("BTC", "--fund", "okx"), "--fund: expected VENUE=USD, such as okx=50m, found 'okx'"),
        (("BTC", "--fund", "okx=many"), "--fund okx:"),
        (("BTC", "--fund", "okx=-1"), "--fund okx:"),
        (("BTC", "--fund", "okk=1m"), "--fund: unknown venue okk; did you mean okx?"),
        (("BTC", "--fund", "okx=1m", "--fund", "okx=2m"), "--fund okx: found two different values"),
    ],
)
def test_a_wrong_option_is_one_line_with_the_fix(arguments: tuple[str, ...], message: str) -> None:
    result = run(*arguments)
    assert result.exit_code == 2, result.output
    assert message in result.stderr
    assert result.stderr.count("\n") == 1
    assert not result.stdout


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("0.12", "1.2", "mine.yaml:6:15: BTC: expected a fraction from 0 to below 1"),
        ("0.12", "-0.1", "mine.yaml:6:15: BTC: expected a number from 0"),
        ("0.12", ".nan", "mine.yaml:6:15: expected a finite number"),
        (", 0.1]", "]", "mine.yaml:7:8: falls: expected 3 steps for ETH, found 2"),
        ("title", "titel", "mine.yaml:2:1: titel: unknown key"),
        ("hypothetical", "recorded", "mine.yaml:"),
        (
            "hypothetical",
            "recorded\nfirst_mark: yesterday",
            "mine.yaml:4:13: first_mark: expected a time such as 2025-10-10T12:00:00Z, found 'yesterday'",
        ),
    ],
)
def test_a_wrong_scenario_is_one_line_with_its_place(
    tmp_path: Path, old: str, new: str, message: str
) -> None:
    path = tmp_path / "mine.yaml"
    path.write_text(SCENARIO.replace(old, new))
    result = run("BTC", "--scenario", str(path))
    assert result.exit_code == 2, result.output
    assert message in result.stderr
    assert result.stderr.count("\n") == 1


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        (
            "binance",
            "binancee",
            "positions.csv:2: venue: unknown venue binancee; did you mean binance?",
        ),
        ("100000,10000", '"100,000",10000', "100 or 100,000? write 100000 or 100.0"),
        (
            "binance,BTC,long,100000,10000",
            "gate,BTC,long,1000000,100000",
            "not observed (capacity $1,500,000,000); its margin is unknown: leave it out",
        ),
        (
            "100000,10000",
            "1e12,1e11",
            "is above the largest of $1,800,000,000; split it into positions of at most that",
        ),
        ("100000,10000", "nan,10000", "positions.csv:2: notional: expected a number, found 'nan'"),
        ("100000,10000", "100000,0", "positions.csv:2: margin: expected a number above 0"),
        ("margin", "margn", "positions.csv:1: unknown column 'margn'"),
        ("long,100000", "up,100000", "positions.csv:2: side: expected long or short, found 'up'"),
    ],
)
def test_a_wrong_position_is_one_line_with_the_fix(
    positions: Path, old: str, new: str, message: str
) -> None:
    positions.write_text(POSITIONS.replace(old, new, 1))
    result = run("--positions", str(positions))
    assert result.exit_code == 2, result.output
    assert message in result.stderr
    assert result.stderr.count("\n") == 1


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("XYZQ",), "no open interest is observed; use one of BTC, DOGE, ETH, HYPE, SOL"),
        (("BTC", "--venue", "mexc"), "no venue has both open interest and margins"),
        (("HYPE", "--scenario", "2025-10-10"), "scenario 2025-10-10 has no falls of it"),
        (("BTC", "--as-of", "2026-01-01"), "open interest is observed from 2026-03-07 on, on bin"),
    ],
)
def test_nothing_that_can_be_simulated_is_exit_code_3(
    arguments: tuple[str, ...], message: str
) -> None:
    result = run(*arguments, *FEW)
    assert result.exit_code == 3, result.output
    assert message in result.stderr
    assert not result.stdout


def test_a_given_underlying_without_margins_has_a_suggestion(tmp_path: Path) -> None:
    path = tmp_path / "positions.csv"
    path.write_text(POSITIONS.replace("BTC", "BTX"))
    result = run("--positions", str(path))
    assert result.exit_code == 3
    assert "underlying BTX: binance: no schedule was observed; " in result.stderr
    assert "; did you mean BTC?" in result.stderr


def test_a_venue_to_adopt_that_is_known_has_its_own_reason() -> None:
    result = run("BTC", "--what-if", "adopt=lighter", *FEW)
    assert result.exit_code == 3
    assert "adopt=lighter: lighter is not in the book: margins are not observed" in result.stderr


def test_a_margin_call_liquidates_nothing() -> None:
    result = run("BTC", "--rules", "jfsa-retail", *FEW)
    assert result.exit_code == 0, result.stderr
    assert "MM of jfsa-retail is a margin call, at which nothing is liquidated" in result.stderr
    assert "what-if reference=im of jfsa-retail, change at 10.0 %" in result.stdout
    assert "reference=mm" not in result.stdout
    named = run("BTC", "--rules", "jfsa-retail", "--what-if", "reference", *FEW)
    assert named.exit_code == 3
    assert "is a margin call, at which nothing is liquidated; use reference=im" in named.stderr


def test_no_line_of_a_table_is_wider_than_a_terminal(printed: str) -> None:
    tables = [line for line in printed.splitlines() if "  " in line]
    assert max(map(len, tables)) <= 130
    assert "before the fall, reference=mm of harmonized-baseline: margin to add $0" in printed
    assert re.search(
        r"^harmonized-baseline +– +rule set +– +10.01 % +5.007 %$", printed, re.MULTILINE
    )


def test_a_requested_venue_that_is_not_simulated_is_exit_code_3() -> None:
    result = run("BTC", "--venue", "binance", "--venue", "mexc", *FEW)
    assert result.exit_code == 3
    assert "venue mexc: not simulated: open interest is not observed" in result.stderr
    assert "BTC: synthetic longs" in result.stdout


def test_an_incomplete_underlying_that_was_not_named_is_a_note() -> None:
    result = run("--scenario", "2020-03-12", *FEW)
    assert result.exit_code == 3  # no underlying has a curve
    result = run("--venue", "hyperliquid", *FEW)
    assert result.exit_code == 0, result.stderr
    assert "note: underlying HYPE: before " in result.stderr
    result = run("--venue", "hyperliquid", "--scenario", "2024-08-05", *FEW)
    assert "HYPE: not simulated: scenario 2024-08-05 has no falls of it" in result.stderr
    notes = answer_of("--venue", "hyperliquid")["notes"]
    assert any(line.startswith("underlying HYPE: before ") for line in notes)
    assert "incomplete" not in result.stderr
    named = run("BTC", "HYPE", "--venue", "hyperliquid", *FEW)
    assert named.exit_code == 3
    assert "incomplete: underlying HYPE: before " in named.stderr


def test_a_rule_set_without_margins_for_the_underlying_is_exit_code_3() -> None:
    result = run("BTC", "--rules", "mas", "--what-if", "reference=mm", *FEW)
    assert result.exit_code == 3
    assert "what-if reference=mm: mas sets no maintenance margin for BTC" in result.stderr


def test_a_report_simulates_a_fall_only_if_requested(tmp_path: Path) -> None:
    selection = ("--venue", "hyperliquid", "--underlying", "BTC", "--rules", "harmonized-baseline")
    for name, options in (("with", ("--stress",)), ("without", ())):
        command = ("report", "--out", str(tmp_path / name), *selection, *options)
        result = CliRunner().invoke(app, command, catch_exceptions=False)
        assert result.exit_code == 0, result.output
    assert 'id="curve"' in (tmp_path / "with" / "stress.html").read_text()
    assert 'id="curve"' not in (tmp_path / "without" / "stress.html").read_text()


@pytest.mark.parametrize(("options", "scope"), [(["--stress"], "simulated"), ([], "none")])
def test_a_night_simulates_a_fall_only_if_requested(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, options: list[str], scope: str
) -> None:
    tasks: list[nightly.Task] = []

    def stop(task: nightly.Task, _services: nightly.RunServices) -> None:
        tasks.append(task)
        raise typer.Exit

    monkeypatch.setattr(nightly, "run", stop)
    place = ("--archive", str(tmp_path / "archive"))
    command = (*place, "run", "--out", str(tmp_path / "site"), *options)
    result = CliRunner().invoke(app, command, catch_exceptions=False)
    assert result.exit_code == 0, result.output
    (task,) = tasks
    assert task.question.options.stress.value == scope


@pytest.mark.parametrize(
    "command",
    [
        ("stress", "BTC", "--positions"),
        ("stress", "BTC", "--scenario"),
        ("stress", "BTC", "--impact-model", "depth="),
        ("stress", "BTC", "--rules"),
        ("portfolio",),
    ],
)
def test_a_file_that_is_read_is_never_the_output(command: tuple[str, ...], tmp_path: Path) -> None:
    path = tmp_path / "mine.yaml"
    path.write_text("mine")
    *words, last = command
    place = [f"{last}{path}"] if last.endswith("=") else [last, str(path)]
    result = CliRunner().invoke(app, [*words, *place, "--output", str(path)])
    assert result.exit_code == 2
    assert f"{path.name}: is read by this command; write the output to" in result.stderr
    assert path.read_text() == "mine"


@pytest.mark.parametrize("command", ["stress", "thresholds"])
def test_two_outputs_are_two_files(tmp_path: Path, command: str) -> None:
    path = tmp_path / "both.svg"
    outputs = ("--output", str(path), "--chart", str(path))
    result = CliRunner().invoke(app, [command, "BTC", *outputs])
    assert result.exit_code == 2
    assert "both.svg: expected a file of its own for each output" in result.stderr
    assert not path.exists()


def test_a_fund_of_several_underlyings_is_said_to_stand_behind_each(tmp_path: Path) -> None:
    path = tmp_path / "positions.csv"
    path.write_text(POSITIONS + "binance,ETH,long,100000,10000\n")
    arguments = ("--positions", str(path), "--fund", "binance=1m")
    stated = "A stated fund stands in full behind each underlying"
    assert any(stated in own for own in answer_of(*arguments)["statements"])
    assert not any(stated in own for own in answer_of("BTC", *arguments)["statements"])
