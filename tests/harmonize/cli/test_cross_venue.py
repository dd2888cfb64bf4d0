"""gap, pair, liquidation, portfolio, index, diff and history on the command line."""

import csv
import io
import json
import os
import re
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from math import exp, isfinite
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from harmonize.api.audit import AnswerOptions, Question, answer
from harmonize.api.cross_venue import prepare_universe
from harmonize.archive.archive import Archive
from harmonize.cli.main import app
from harmonize.comparison.cross_venue import CostTerms, spreads_and_indices
from harmonize.core.open_interest import newest_by_contract
from tests.support import recorded
from tests.support.altered_snapshots import changed
from venues.exchanges import mexc


def run(*arguments: str) -> Result:
    return CliRunner().invoke(app, arguments, catch_exceptions=False)


def answer_of(*arguments: str) -> Any:
    result = run(*arguments, "--format", "json")
    assert result.exit_code == 0, result.output
    return json.loads(result.stdout)


def test_gap_splits_a_position_and_decomposes_the_gap() -> None:
    table = run(
        "gap", "BTC", "--notional", "1e6", "--what-if", "adopt=okx", "--cost-of-capital", "5%"
    )
    assert table.exit_code == 0
    lines = [" ".join(line.split()) for line in table.stdout.splitlines()]
    split = "binance 98,409, gate 500,000, mexc 401,591"
    assert f"1,000,000 5,000.00 3,959.24 1,040.76 0.6667 % {split}" in lines
    assert "1,000,000 100,090.00 96,130.76 90.00 96,040.76 4,806.54" in lines
    assert "what if every venue uses the table of okx (adopt=okx)" in lines
    (row,) = answer_of("gap", "BTC", "--notional", "1e6")["arbitrages"]
    (point,) = row["points"]
    # 98,409 at 1/150, 500,000 at 1/200, 401,591 at 1/500 of notional.
    parts = {part["venue"]: part for part in point["allocation"]}
    assert parts["gate"]["margin"] == pytest.approx(2500.0)
    assert parts["mexc"]["margin"] == pytest.approx(parts["mexc"]["notional"] / 500)
    assert sum(part["margin"] for part in parts.values()) == pytest.approx(point["optimal_split"])
    assert point["gap"] == pytest.approx(point["reference"] - point["optimal_split"])
    assert point["annual_cost"] == pytest.approx(0.1 * point["gap"])


def test_conditions_change_the_split() -> None:
    free = answer_of("gap", "BTC", "--notional", "1e6")
    for options in (
        ("--exclude", "mexc", "--exclude", "gate"),
        ("--limit", "gate=100000"),
        ("--account-cost", "200"),
        ("--min-position", "450000"),
    ):
        limited = answer_of("gap", "BTC", "--notional", "1e6", *options)
        assert _cost(limited) > _cost(free)
    more = answer_of("gap", "BTC", "--notional", "1e6", "--sub-accounts", "mexc=3")
    assert _cost(more) == pytest.approx(2000.0)


def test_account_costs_and_excluded_venues_are_printed() -> None:
    result = run("gap", "BTC", "--notional", "1e6", "--account-cost", "200", "--exclude", "mexc")
    assert "splits include an account cost of $200.00 for each additional account" in result.stdout
    whole = run("gap", "BTC", "--notional", "1e6").stdout
    assert _venue_count(result.stdout) == _venue_count(whole) - 1


def test_an_excluded_venue_is_in_no_figure() -> None:
    command = ("gap", "ETH", "--notional", "5m")
    whole, without = answer_of(*command), answer_of(*command, "--exclude", "kucoin")
    assert whole["spreads"][0]["points"][0]["lowest_venues"] == ["kucoin"]
    for before, after in zip(whole["spreads"], without["spreads"], strict=True):
        assert set(before["venues"]) - set(after["venues"]) == {"kucoin"}
        assert after["points"][0]["venues"] == before["points"][0]["venues"] - 1
        assert "kucoin" not in json.dumps(after)
    assert "kucoin" not in json.dumps(without["arbitrages"])
    # The same venues as in compare, which ranks those with a margin for the whole position.
    ranked = answer_of("compare", "ETH", "--notional", "5m")["venues"]
    assert whole["spreads"][0]["points"][0]["venues"] == len(ranked)
    assert without["excluded"][0] == {
        "underlying": "ETH",
        "venue": "kucoin",
        "symbol": "ETH/USDT:USDT",
        "reason": "excluded by the question",
    }
    text = run(*command, "--exclude", "kucoin").stdout
    assert "ETH initial margin, 16 venues" in text
    assert re.search(r"^ +5,000,000 +15 +100,000.00 ", text, re.MULTILINE)


def test_the_dates_are_those_of_the_remaining_venues() -> None:
    venues = ("--venue", "okx", "--venue", "binance", "--venue", "apex")
    (row,) = answer_of("gap", "ETH", *venues, "--exclude", "apex", "--exclude", "okx")["arbitrages"]
    (alone,) = answer_of("gap", "ETH", "--venue", "binance")["arbitrages"]
    assert (row["oldest"], row["newest"]) == (alone["oldest"], alone["newest"])
    assert row["points"] == alone["points"]


def test_a_split_over_no_venue_says_so(tmp_path: Path) -> None:
    result = run("gap", "ETH", "--venue", "okx", "--exclude", "okx")
    assert (result.exit_code, result.stdout) == (3, "")
    assert (
        "no venue on ETH is left to split over without okx; exclude fewer venues" in result.stderr
    )
    book = tmp_path / "book.csv"
    book.write_text("underlying,side,notional\nETH,long,5000000\n")
    result = run("portfolio", str(book), "--venue", "okx", "--exclude", "okx")
    assert (result.exit_code, result.stdout) == (3, "")
    assert "no venue is left to split over without okx" in result.stderr


@pytest.mark.parametrize("command", ["gap", "portfolio"])
@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--limit", "okx=5m", "--exclude", "okx"), "--limit okx: found together with --exclude"),
        (("--sub-accounts", "okx=2", "--exclude", "okx"), "--sub-accounts okx: found together"),
        (("--limit", "okx=5m", "--limit", "okx=6m"), "--limit okx: found two different values"),
        (("--min-position", "1", "--min-position", "2"), "--min-position: expected once"),
    ],
)
def test_options_that_contradict_are_an_error(
    command: str, options: tuple[str, ...], message: str
) -> None:
    result = run(command, "ETH", *options)
    assert (result.exit_code, result.stdout) == (2, "")
    assert message in result.stderr


def _venue_count(text: str) -> int:
    found = re.search(r"optimal split over at most (\d+) venues", text)
    assert found is not None
    return int(found[1])


@pytest.mark.parametrize("command", ["gap", "liquidation", "index"])
def test_excluded_venues_are_listed_with_the_reason(command: str) -> None:
    """As in the report: shown, in no figure across venues."""
    lines = run(command, "SOL").stdout.splitlines()
    excluded = lines[lines.index("excluded from cross-venue statistics:") + 1 :]
    reasons = dict(line.strip().split(": ", 1)[::-1] for line in excluded if line)
    assert reasons["only the maximum leverage is published"].startswith("coinbase, cryptocom")
    assert reasons["no source verifies the derivation of its margins from published data"] == (
        "ascendex"
    )


def test_excluded_venues_are_part_of_the_answer_for_one_margin() -> None:
    rows = {row["venue"]: row for row in answer_of("gap", "BTC")["excluded"]}
    assert rows["bullish"]["reason"] == (
        "the venue margins portfolios and publishes no rates per contract"
    )
    assert "whitebit" not in rows, "its initial margin is compared"
    of_maintenance = answer_of("gap", "BTC", "--margin-type", "maintenance")["excluded"]
    reasons = {row["venue"]: row["reason"] for row in of_maintenance}
    assert "3 % for leverage of 1 to 10" in reasons["whitebit"]


@pytest.mark.parametrize("underlying", ["GIGA", "MNT", "ZEC"])
def test_an_index_needs_three_venues(underlying: str) -> None:
    """ZEC was once compared on one venue, GIGA and MNT on two."""
    result = run("index", underlying)
    assert result.exit_code == 3
    assert result.stderr.startswith("error: fewer than three venues are comparable")


def _cost(answer: Any) -> float:
    (row,) = answer["arbitrages"]
    cost = row["points"][0]["optimal_split"]
    assert isinstance(cost, float)
    return cost


def test_maintenance_margin_is_split_too_and_a_lone_venue_is_its_own_split() -> None:
    maintained = answer_of("gap", "BTC", "--notional", "1e6", "--margin-type", "maintenance")
    assert _cost(maintained) < 4000.0
    (row,) = answer_of("gap", "BTC", "--venue", "okx", "--notional", "1e6")["arbitrages"]
    assert row["points"][0]["fragmentation"] == pytest.approx(0.0, abs=1e-6)
    assert row["points"][0]["saving"] == pytest.approx(0.0, abs=1e-6)


def test_an_underlying_without_a_reference_has_a_split_and_no_parts() -> None:
    table = run("gap", "1INCH", "--notional", "1e4")
    assert table.exit_code == 0
    assert "no rule set has a reference for 1INCH" in table.stdout


def test_a_position_above_all_capacities_is_reported() -> None:
    result = run("gap", "BTC", "--venue", "mexc", "--notional", "1e10")
    assert result.exit_code == 3
    assert "the venues together do not accept $10,000,000,000" in result.stdout
    assert "incomplete: the venues together do not accept $10,000,000,000" in result.stderr


def test_a_position_above_the_observed_tiers_is_not_above_the_capacity() -> None:
    """The recorded tiers of Gate end at $500,000, its largest position is $1,500,000,000."""
    result = run("gap", "BTC", "--venue", "gate", "--notional", "1e6")
    assert result.exit_code == 3
    assert (
        "incomplete: the observed margins of the venues together do not reach $1,000,000; larger "
        "positions were not observed at gate" in result.stderr
    )
    assert "accept" not in result.stdout + result.stderr


def test_liquidation_above_the_observed_tiers_names_them_and_the_capacity() -> None:
    above = run("liquidation", "BTC", "--venue", "gate", "--notional", "1e6").stdout
    reason = "tiers above $500,000 were not observed (capacity $1,500,000,000)"
    assert above.count(reason) == 2
    assert "accepts no position" not in above
    assert reason not in run("liquidation", "BTC", "--venue", "gate", "--notional", "4e5").stdout
    capacity = run("liquidation", "BTC", "--venue", "mexc", "--notional", "1e10").stdout
    assert "accepts no position above $" in capacity
    assert "not observed" not in capacity


def test_a_maximum_leverage_gives_no_distance_and_no_gap() -> None:
    """WEEX publishes a maximum leverage of 400 for BTC, and no size."""
    rows = run("liquidation", "BTC", "--venue", "weex", "--notional", "1e4").stdout
    assert rows.count("IM is known only as a lower bound: only the maximum leverage") == 2
    result = run("gap", "BTC", "--venue", "weex", "--notional", "1e4")
    assert result.exit_code == 3
    assert "no venue's initial margin on BTC is included in comparisons" in result.stderr


def test_a_portfolio_names_tiers_that_were_not_observed(tmp_path: Path) -> None:
    book = tmp_path / "book.csv"
    book.write_text("underlying,side,notional\nBTC,long,1000000\n", encoding="utf-8")
    answer = answer_of("portfolio", str(book))
    gate = next(row for row in answer["venues"] if row["venue"] == "gate")
    assert gate["isolated_initial"] is None
    assert gate["reasons"][0] == (
        "long BTC of $1,000,000: tiers above $500,000 were not observed "
        "(capacity $1,500,000,000) (IM)"
    )


def test_a_pair_ends_where_the_first_leg_ends() -> None:
    table = run("pair", "BTC", "gate", "okx", "--single-venue", "okx", "--notional", "1e4").stdout
    assert (
        "compared up to $500,000, where the first of the three ends: tiers above $500,000 were not "
        "observed (capacity $1,500,000,000)" in table
    )


def test_pair_prints_where_it_needs_less() -> None:
    table = run("pair", "BTC", "okx", "mexc", "--notional", "1e6", "--notional", "1e8")
    assert table.exit_code == 0
    assert "both legs on okx for comparison" in table.stdout
    assert "offset rule of okx: both sides as one (copies of OKX help pages" in table.stdout
    assert "the pair needs less margin: $0 to" in table.stdout
    comparison = answer_of("pair", "BTC", "okx", "mexc", "--notional", "1e6")
    points = comparison["pair"]["points"]
    # 1.5 % at OKX; both legs there are one position of $2m, at 1.5 % too.
    assert points[0]["long"] == pytest.approx(15_000)
    assert points[0]["alone"] == pytest.approx(30_000)
    assert points[0]["break_even"] == pytest.approx(0.1 * (15_000 + points[0]["short"]) / 1e6)
    netted = answer_of(
        "pair", "BTC", "okx", "mexc", "--single-venue", "bybit", "--offset-rule", "net"
    )
    assert netted["pair"]["cheaper"] == []


def test_liquidation_is_given_at_equal_and_at_the_largest_leverage() -> None:
    table = run("liquidation", "BTC", "--notional", "100000", "--leverage", "20")
    assert table.exit_code == 0
    assert "BTC, $100,000, isolated, at equal leverage" in table.stdout
    rows = json.loads(run("liquidation", "BTC", "--venue", "binance", "--format", "json").stdout)
    equal, largest = rows
    # Binance at $1m: 0.5 % of notional less $650 in the tier of $904k; 10x.
    assert equal["leverage"] == 10.0
    assert equal["adverse_move_long"] == pytest.approx(
        1 - (900_000 - 500) / (1e6 * (1 - 0.005)), rel=0.02
    )
    assert largest["leverage"] == 75.0
    assert equal["reason"] == ""
    with_fee = json.loads(
        run(
            "liquidation", "BTC", "--venue", "okx", "--taker-fee", "0.05%", "--format", "json"
        ).stdout
    )
    without = json.loads(run("liquidation", "BTC", "--venue", "okx", "--format", "json").stdout)
    assert with_fee[0]["adverse_move_long"] < without[0]["adverse_move_long"]
    assert without[0]["reason"].startswith("fee add-on excluded: taker fee on notional")
    assert with_fee[0]["reason"] == ""


def test_liquidation_is_that_of_isolated_margin() -> None:
    rows = json.loads(run("liquidation", "BTC", "--venue", "kucoin", "--format", "json").stdout)
    assert {row["profile"] for row in rows} == {"isolated, classic"}
    apart = json.loads(
        run(
            *("liquidation", "BTC", "--venue", "kucoin", "--profile", "isolated"),
            *("--format", "json"),
        ).stdout
    )
    assert rows == apart


def test_a_taker_fee_counts_only_at_venues_that_publish_it() -> None:
    def distances(venue: str, *more: str) -> Any:
        options = ("--venue", venue, "--format", "json", *more)
        return json.loads(run("liquidation", "BTC", *options).stdout)[0]

    kraken = distances("krakenfutures", "--taker-fee", "0.05%")
    assert (kraken["adverse_move_long"], kraken["reason"]) == (
        distances("krakenfutures")["adverse_move_long"],
        "",
    )
    apex = distances("apex", "--taker-fee", "0.05%")
    assert apex["adverse_move_long"] == distances("apex")["adverse_move_long"]
    assert apex["reason"] == "the venue does not state whether it adds a fee"


def test_portfolio_asks_every_venue_and_splits(tmp_path: Path) -> None:
    book = tmp_path / "positions.csv"
    book.write_text("underlying,side,notional\nBTC,long,250000\nbtc,short,50000\nETH,long,100000\n")
    table = run("portfolio", str(book))
    assert table.exit_code == 0
    assert "3 positions in 2 underlyings, $400,000 gross" in table.stdout
    portfolio = answer_of("portfolio", str(book))
    venues = {venue["venue"]: venue for venue in portfolio["venues"]}
    okx = venues["okx"]
    # 1 % to 1,000 contracts ($805k).
    assert okx["isolated_initial"] is None or okx["isolated_initial"] > 0
    mexc = venues["mexc"]
    assert mexc["isolated_initial"] == pytest.approx(400_000 / 500)
    assert mexc["cross_initial"] is None
    assert venues["krakenfutures"]["cross_initial"] < venues["krakenfutures"]["isolated_initial"]
    assert portfolio["cheapest_isolated"] == ["mexc"]
    assert portfolio["split"] <= mexc["isolated_initial"]
    required = 0.0
    for asset, size in (("BTC", "250000"), ("BTC", "50000"), ("ETH", "100000")):
        (row,) = answer_of("gap", asset, "--notional", size)["arbitrages"]
        required += row["points"][0]["reference"]
    assert portfolio["reference_initial"] == pytest.approx(required)


def test_portfolio_states_the_risk_of_the_book_from_archived_prices(tmp_path: Path) -> None:
    book = tmp_path / "positions.csv"
    book.write_text("underlying,side,notional\nBTC,long,1m\nETH,short,800k\n")
    lines = run("portfolio", str(book), "--risk").stdout.splitlines()
    assert "risk of the book: 99 % move over 1 day" in " ".join(lines)
    risk = answer_of("portfolio", str(book), "--risk")["risk"]
    assert risk["observations"] >= 365
    assert risk["single"] == pytest.approx(sum(row["margin"] for row in risk["singles"]))
    expected = risk["single"] - 0.8 * (risk["single"] - risk["joint"]["value"])
    assert risk["limited"] == pytest.approx(expected)
    long, pair = risk["diversification"][1:]
    assert long["joint"] / long["single"] > 0.8
    assert (pair["name"], pair["joint"] / pair["single"] < 0.6) == ("long BTC, short ETH", True)
    table = run("portfolio", str(book), "--risk", "--format", "csv").stdout
    rows = list(csv.DictReader(io.StringIO(table)))
    assert {"risk", "single", "diversification"} < {row["row"] for row in rows}
    assert "one against the rest" in table


def test_the_risk_of_a_book_reads_the_series_of_thresholds_and_states_their_age(
    tmp_path: Path,
) -> None:
    """Bybit's ETH ends on 12 November 2025; Binance's reaches 24 March 2026."""
    book = tmp_path / "positions.csv"
    book.write_text("underlying,side,notional\nETH,long,1m\n")
    text = run("portfolio", str(book), "--risk").stdout
    assert "by bybit perp ETHUSDT 1d, then binance perp ETHUSDT 1d" in text
    assert re.search(r"common days from \d{4}-\d\d-\d\d to 2026-03-24\n", text)
    assert answer_of("portfolio", str(book), "--risk")["risk"]["age_days"] > 30
    assert re.search(r"the last common day is \d{3} days old; import newer candles", text)
    early = run("portfolio", str(book), "--risk", "--as-of", "2026-03-25").stdout
    assert "risk of the book" in early
    assert "days old" not in early


def test_a_flat_book_has_no_worst_days_and_says_which_case_applies(tmp_path: Path) -> None:
    book = tmp_path / "positions.csv"
    book.write_text("underlying,side,notional\nBTC,long,1m\nBTC,short,1m\n")
    text = run("portfolio", str(book), "--risk").stdout
    assert "worst days" not in text
    assert "flat in every underlying: the part of the single margins above the limit stays" in text
    risk = answer_of("portfolio", str(book), "--risk")["risk"]
    assert risk["limited"] == pytest.approx(0.2 * risk["single"])


def test_a_part_without_prices_is_named_and_the_answer_is_incomplete(tmp_path: Path) -> None:
    book = tmp_path / "positions.csv"
    book.write_text("underlying,side,notional\nBTC,long,1m\nKAITO,short,800k\n")
    result = run("portfolio", str(book), "--risk")
    assert result.exit_code == 3
    assert "risk of the book without KAITO: 99 % move over 1 day" in result.stdout
    assert "  not included: KAITO: no daily prices in the archive" in result.stdout
    answer = json.loads(run("portfolio", str(book), "--risk", "--format", "json").stdout)
    alone = tmp_path / "alone.csv"
    alone.write_text("underlying,side,notional\nBTC,long,1m\n")
    rest = answer_of("portfolio", str(alone), "--risk")
    assert rest["coverage"] == answer["coverage"] != []  # margins of the same positions
    assert rest["risk"]["joint"] == answer["risk"]["joint"]
    assert run("portfolio", str(alone), "--risk").exit_code == 0
    table = run("portfolio", str(book), "--risk", "--format", "csv").stdout
    rows = list(csv.DictReader(io.StringIO(table)))
    assert {"missing", "coverage"} < {row["row"] for row in rows}
    assert "risk" not in answer_of("portfolio", str(book))


def test_further_reasons_are_counted_in_words(tmp_path: Path) -> None:
    book = tmp_path / "positions.csv"
    book.write_text("underlying,side,notional\nBTC,long,1m\nKAITO,short,800k\n")
    text = run("portfolio", str(book)).stdout
    assert re.search(r"  no comparable IM on KAITO \(\d+ further reasons?\)\n", text)


def test_index_is_given_by_underlying_venue_without_each_and_over_time(*, whole: bool) -> None:
    sample = () if whole else ("--venue", "bybit", "--venue", "hyperliquid", "--venue", "okx")
    table = run("index", "BTC", "--over-time", *sample)
    assert table.exit_code == 0
    assert "all venues" in table.stdout
    assert "2024-12-25" in table.stdout
    index = answer_of("index", "BTC")
    first = index["indices"][0]
    assert first["interval_lower"] < first["value"] < first["interval_upper"]
    leave_one_out = {name: row for name, row in index["without"] if row["margin_type"] == "initial"}
    assert set(leave_one_out) == {venue["venue"] for venue in first["venues"]}
    assert index["over_time"] == []


def test_instruments_that_were_not_there_yet_are_no_error_over_time() -> None:
    preferred = ("--instrument", "binance:BTC=BTC/USDT:USDT")
    venues = (part for venue in ("binance", "okx", "bitget") for part in ("--venue", venue))
    result = run("index", "BTC", "--over-time", *preferred, *venues)
    assert result.exit_code == 0
    days = {line.split()[0] for line in result.stdout.splitlines() if line.startswith("202")}
    assert days == {"2026-05-12", "2026-07-02"}, "before, fewer than three venues were observed"


@pytest.mark.parametrize(
    ("scope", "in_scope"),
    [
        ("{notional: {up_to: 1_000_000}}", [True, True, False]),
        ("{notional: {above: 100_000}}", [False, True, True]),
    ],
)
def test_a_reference_speaks_of_the_sizes_in_its_scope(
    scope: str, in_scope: list[bool], tmp_path: Path
) -> None:
    rule_set = tmp_path / "own.yaml"
    rule_set.write_text(
        f'id: own\nversion: "1"\ntitle: Own\nextends: harmonized-baseline\nscope: {scope}\n'
    )
    sizes = ("--notional", "1e5", "--notional", "1e6", "--notional", "1e8")
    (row,) = answer_of("gap", "BTC", "--rules", str(rule_set), *sizes)["arbitrages"]
    assert [point["reference"] is not None for point in row["points"]] == in_scope
    assert [point["gap"] is not None for point in row["points"]] == in_scope
    book = tmp_path / "b.csv"
    for size, is_known in zip((1e5, 1e6, 1e8), in_scope, strict=True):
        book.write_text(f"underlying,side,notional\nBTC,long,{size:.0f}\n")
        portfolio = answer_of("portfolio", str(book), "--rules", str(rule_set))
        assert (portfolio["reference_initial"] is not None) == is_known


def test_zero_open_interest_gives_no_weights() -> None:
    """Without one, the weights of the venues are equal; with all, they are the open interest."""
    venues = ("dydx", "hyperliquid", "kucoin")
    base = prepare_universe(Question(venues=venues, underlyings=("BTC",)))
    interest = newest_by_contract(base.reading.open_interest)
    (key,) = (key for key in interest if key == ("dydx", "BTC-USD"))
    zero = {**interest, key: replace(interest[key], value=Decimal(0))}
    terms = CostTerms((), 0.1, zero)
    _, indices = spreads_and_indices(base.universe.peer_groups, base.universe.layout, terms)
    assert {row.weights for row in indices} == {"equal"}
    assert all(isfinite(row.value) for row in indices)
    options = tuple(part for venue in venues for part in ("--venue", venue))
    weighed = answer_of("index", "BTC", *options)["indices"]
    assert {row["weights"] for row in weighed} == {"open interest"}
    row = next(
        row for row in weighed if row["reference"] != "median" and row["margin_type"] == "initial"
    )
    weights = {"dydx": 49135841.0, "hyperliquid": 3194783496.0, "kucoin": 1638709161.66}
    whole = sum(weights.values())
    mean = sum(weights[venue["venue"]] * venue["distance"] for venue in row["venues"]) / whole
    assert row["value"] == pytest.approx(100 * exp(-mean), rel=1e-6)


def test_the_report_finds_what_the_audit_finds() -> None:
    question = Question(venues=("okx", "mexc", "binance", "kucoin"), underlyings=("BTC",))
    plain = answer(question).document
    pictured = answer(
        replace(question, options=AnswerOptions(chart_notionals=(31_622.0, 562_341.0)))
    ).document
    assert pictured.findings == plain.findings
    assert len(pictured.arbitrages[0].points) == len(plain.arbitrages[0].points) + 2


def test_an_archive_of_ones_own_is_read_over_time(tmp_path: Path) -> None:
    made = Archive.create(tmp_path / "archive")
    for venue in ("okx", "gate", "mexc"):
        made.append(recorded.of_venue(venue)[0])
    result = run("--archive", str(tmp_path / "archive"), "index", "BTC", "--over-time")
    assert result.exit_code == 0
    days = [line.split()[0] for line in result.stdout.splitlines() if line.startswith("2026-")]
    dates = sorted(
        entry.observed_at.date() for entry in Archive.open(tmp_path / "archive").entries()
    )
    assert days[-1] == dates[-1].isoformat()
    assert set(days) <= {date.isoformat() for date in dates}


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (
            ("gap", "BTC", "--margin-type", "both"),
            2,
            "--margin-type: expected initial or maintenance",
        ),
        (
            ("gap", "BTC", "--cost-of-capital", "ten"),
            2,
            "--cost-of-capital: expected a rate from 0",
        ),
        (("gap", "BTC", "--limit", "okx"), 2, "--limit: expected VENUE=USD, above 0"),
        (("gap", "BTC", "--limit", "okx=-1"), 2, "--limit: expected VENUE=USD, above 0"),
        (("gap", "BTC", "--sub-accounts", "okx=1.5"), 2, "expected a whole number, found 1.5"),
        (("gap", "BTC", "--sub-accounts", "okx=1000"), 2, "--sub-accounts: expected VENUE=K"),
        (
            ("gap", "BTC", "--min-position", "nan"),
            2,
            "--min-position: expected an amount in USD such as 5m, 250k, 1bn",
        ),
        (
            ("gap", "BTC", "--account-cost", "-1"),
            2,
            "--account-cost: expected an amount in USD from 0 to 1,000,000,000, found -1",
        ),
        (
            ("gap", "BTC", "--exclude", "nobody"),
            2,
            "nobody is not compared on BTC; see `harmonize compare BTC`",
        ),
        (("gap", "BTC", "--what-if", "adopt=nobody"), 2, "unknown venue 'nobody'"),
        (("gap", "BTC", "--notional", "-5"), 2, "--notional: expected an amount in USD above 0"),
        (("gap", "NOSUCH"), 3, "no venue's initial margin on NOSUCH is included"),
        (("gap", "BTC", "--instrument", "okx:BTC=X/Y:Z"), 2, "okx has no schedule X/Y:Z on BTC"),
        (("pair", "BTC", "okx", "nobody"), 2, "nobody is not compared on BTC"),
        (
            ("pair", "BTC", "okx", "okx", "--offset-rule", "half"),
            2,
            "--offset-rule: expected one of 'net', 'larger side'",
        ),
        (
            ("pair", "BTC", "bybit", "okx"),
            2,
            "unknown offset rule of bybit",
        ),
        (
            ("liquidation", "BTC", "--leverage", "0.5"),
            2,
            "--leverage: expected a number of at least 1, found 0.5",
        ),
        (
            ("liquidation", "BTC", "--taker-fee", "x"),
            2,
            "--taker-fee: expected a rate from 0 to 100 %",
        ),
        (
            ("liquidation", "BTC", "--notional", "0"),
            2,
            "--notional: expected an amount in USD above 0",
        ),
        (("index", "NOSUCH"), 3, "fewer than three venues are comparable"),
        (("portfolio", "/nowhere.csv"), 2, "/nowhere.csv: cannot read the file"),
        (("portfolio", "."), 2, "cannot read the file"),
        (("gap", "BTC", "--account-cost", "1e20"), 2, "--account-cost: expected an amount in USD"),
        (("--archive", "/nowhere", "gap", "BTC"), 3, "/nowhere"),
    ],
)
def test_a_mistake_is_one_line_with_the_fix(
    arguments: tuple[str, ...], code: int, message: str
) -> None:
    result = run(*arguments)
    assert result.exit_code == code, result.output
    assert any(message in line for line in result.stderr.splitlines())
    assert "Traceback" not in result.output


def test_every_bad_row_of_a_book_is_a_line(tmp_path: Path) -> None:
    book = tmp_path / "b.csv"
    book.write_text("underlying,side,notional\nBTC,up,1\nBTC,long,x\n")
    result = run("portfolio", str(book))
    assert result.exit_code == 2
    assert [line[:21] for line in result.stderr.splitlines()] == [
        "error: b.csv: line 2:",
        "error: b.csv: line 3:",
    ]
    book.write_text("underlying,side,notional\nBTC,long,5\n")
    unknown = run("portfolio", str(book), "--exclude", "bogus")
    assert unknown.exit_code == 2
    assert (
        "bogus is not compared on any of the underlyings; see `harmonize compare" in unknown.stderr
    )
    book.write_text("underlying,side,notional\nNOSUCH,long,5\nBTC,long,5\n")
    part = run("portfolio", str(book))
    assert part.exit_code == 3
    assert "incomplete: underlying NOSUCH: no schedule was observed" in part.stderr


def test_the_good_rows_of_a_book_are_computed_and_the_others_told(tmp_path: Path) -> None:
    book = tmp_path / "b.csv"
    book.write_text(
        "underlying;side;notional\nBTCUSDT;long;100000,50\nZZZZZUSDT;long;5\nETH;short;100.000\n"
    )
    result = run("portfolio", str(book))
    assert result.exit_code == 3
    assert "1 position in 1 underlying, $100,000 gross" in result.stdout
    assert "not included: 2 rows of the file" in result.stdout
    assert result.stderr.splitlines() == [
        "note: b.csv: columns separated by a semicolon",
        "note: b.csv: numbers read with a decimal comma, as in 100000,50",
        "note: b.csv: line 2: BTCUSDT read as BTC",
        "error: b.csv: line 3: no schedule of ZZZZZUSDT or ZZZZZ was observed; write the asset, such as BTC",
        "error: b.csv: line 4: notional: 100.000: 100 or 100,000? write 100000 or 100.0",
    ]
    answer_ = json.loads(run("portfolio", str(book), "--format", "json").stdout)
    assert (answer_["gross"], len(answer_["excluded"])) == (100_000.5, 2)
    assert "b.csv: line 2: BTCUSDT read as BTC" in answer_["readings"]


@pytest.mark.parametrize(
    "symbol",
    ["BTCUSDT", "BTC-USDT", "BTC/USDT:USDT", "BTC_USDT", "BTC-USDT-SWAP", "XBTUSD", "PF_XBTUSD", "BTCUSDTM"],
)  # fmt: skip
def test_the_contract_of_every_venue_is_read_as_its_asset(symbol: str, tmp_path: Path) -> None:
    book = tmp_path / "b.csv"
    book.write_text(f"Symbol,Side,Value\n{symbol},long,250000\n")
    result = run("portfolio", str(book), "--venue", "okx")
    assert result.exit_code == 0
    assert result.stderr == f"note: b.csv: line 2: {symbol} read as BTC\n"


def test_the_heads_of_an_exchange_are_mapped_by_an_option(tmp_path: Path) -> None:
    book = tmp_path / "b.csv"
    book.write_text('Kontrakt,Menge,Kurs\n1000PEPEUSDT,"-2,000.0",0.5\nBTCUSDT,-0.5 BTC,61000.0\n')
    plain = run("portfolio", str(book))
    assert plain.exit_code == 2
    (line,) = plain.stderr.splitlines()
    assert "found 3: Kontrakt, Menge, Kurs; add --columns symbol=HEAD" in line
    columns = ("--columns", "symbol=Kontrakt,quantity=menge", "--columns", 'price="Kurs"')
    held = answer_of("portfolio", str(book), *columns)["held"]
    assert [(row["underlying"], row["short"]) for row in held] == [
        ("BTC", 30_500.0),
        ("PEPE", 1_000.0),
    ]
    wrong = run("portfolio", str(book), "--columns", "venue=Kontrakt")
    assert wrong.exit_code == 2
    assert wrong.stderr.startswith("error: --columns: expected keys underlying, side, notional")


def test_a_book_that_is_no_regular_file_is_one_line(tmp_path: Path) -> None:
    pipe = tmp_path / "b.csv"
    os.mkfifo(pipe)
    device = tmp_path / "z.csv"
    device.symlink_to("/dev/zero")
    for path, kind in ((pipe, "a pipe"), (device, "a device")):
        result = run("portfolio", str(path))
        assert result.exit_code == 2
        assert result.stderr == (
            f"error: {path}: cannot read the file: expected a regular file, found {kind}; use a file of positions\n"
        )


def test_diff_prints_the_changes_of_a_venue() -> None:
    options = ("2026-05-30", "2026-09-26", "--venue", "hyperliquid")
    result = run("diff", *options)
    assert result.exit_code == 0
    assert "3 changes: 3 tighter" in result.stdout
    assert "IM tighter: above $150m; largest change +100.00 % at $150,000,000" in result.stdout
    rows = json.loads(run("diff", *options, "--format", "json").stdout)["changes"]
    btc = next(row for row in rows if row["underlying"] == "BTC")
    # 40x to $150m and 20x above: one table of both sizes replaced 40x at every size.
    assert btc["moved"][0]["tighter"] == [[150_000_000.0, None]]
    assert len(run("diff", *options, "--format", "csv").stdout.splitlines()) == 7
    assert run("diff", *options, "--format", "markdown").stdout.count("\n") == 5
    same = run("diff", "2026-09-26", "2026-09-27")
    assert same.exit_code == 0
    assert same.stdout.splitlines()[1:] == ["no changes"]


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (
            ("2026-09-26", "2026-05-30"),
            2,
            "expected FROM before TO, found 2026-09-26 and 2026-05-30",
        ),
        (("2019-01-01", "2026-05-30"), 2, "no snapshot up to 2019-01-01"),
        (("2026-05-30", "2026-09-26", "--venue", "ftx"), 2, "unknown venue ftx"),
        (("2026-05-30", "2026-09-26", "--underlying", "NOSUCH"), 3, "underlying NOSUCH"),
    ],
)
def test_a_mistaken_diff_is_one_line(arguments: tuple[str, ...], code: int, message: str) -> None:
    result = run("diff", *arguments)
    assert result.exit_code == code
    assert any(message in line for line in result.stderr.splitlines())


@pytest.fixture
def nights(tmp_path: Path) -> Path:
    """MEXC over four nights: as recorded, twice the rate in the first tier, a failure, as recorded."""
    made = Archive.create(tmp_path / "archive")
    night = recorded.of_venue("mexc")[0]

    def doubled(document: Any) -> None:
        for tier in document["data"][0]["riskLimitCustom"]:
            tier["imr"], tier["mmr"] = tier["imr"] * 2, tier["mmr"] * 2

    for days, snapshot in enumerate((night, changed(night, mexc.DETAIL, doubled), night)):
        moved = tuple(
            replace(payload, observed_at=payload.observed_at + timedelta(days=days))
            for payload in snapshot.payloads
        )
        when = snapshot.observed_at + timedelta(days=days)
        made.append(replace(snapshot, observed_at=when, payloads=moved))
    return tmp_path / "archive"


def test_history_follows_a_schedule_through_the_nights(nights: Path) -> None:
    options = ("history", "mexc", "BTC_USDT", "--notional", "100000")
    table = run("--archive", str(nights), *options)
    assert table.exit_code == 0
    assert "mexc BTC/USDT:USDT (any), 3 observations" in table.stdout
    series = json.loads(run("--archive", str(nights), *options, "--format", "json").stdout)
    assert [row["initial"] for row in series["seen"]] == [[200.0], [400.0], [200.0]]
    assert [row["kind"] for row in series["seen"]] == ["", "tighter", "looser"]
    initial = series["margins"][0]["measured"]
    assert (initial["peak_to_trough"], initial["calls"], initial["widest_days"]) == (2.0, 1, 1.0)
    assert [rise["share"] for rise in initial["rises"]] == [1.0, 0.0, 0.0]  # gone again after a day
    rows = run("--archive", str(nights), *options, "--format", "csv").stdout.splitlines()
    assert len(rows) == 4
    assert rows[2].endswith(",tighter,,,")
    early = run("--archive", str(nights), *options, "--as-of", "2026-08-27")
    assert "(any), 1 observation, as of " in early.stdout


def test_a_broken_snapshot_is_excluded_and_reported(nights: Path) -> None:
    pack = max((nights / "packs").iterdir(), key=lambda path: path.stat().st_mtime)
    pack.chmod(0o600)
    pack.write_bytes(b"nothing")
    result = run("--archive", str(nights), "history", "mexc", "BTC/USDT:USDT")
    assert result.exit_code == 3
    assert "unreadable: 2026-08-" in result.stdout


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (
            ("history", "hyperliquid", "NOPE"),
            3,
            "hyperliquid: no schedule of NOPE in any snapshot",
        ),
        (("history", "ftx", "BTC"), 2, "unknown venue ftx; did you mean htx?"),
        (
            ("history", "okx", "BTC/USDT:USDT", "--notional", "0"),
            2,
            "--notional: expected an amount",
        ),
        (("--archive", "/nowhere", "history", "okx", "BTC/USDT:USDT"), 3, "/nowhere"),
    ],
)
def test_a_mistaken_history_is_one_line(
    arguments: tuple[str, ...], code: int, message: str
) -> None:
    result = run(*arguments)
    assert result.exit_code == code
    assert any(message in line for line in result.stderr.splitlines())


def test_a_portfolio_takes_sizes_with_a_suffix(tmp_path: Path) -> None:
    short, long = tmp_path / "short.csv", tmp_path / "long.csv"
    short.write_text("underlying,side,notional\nETH,long,5m\nBTC,short,$250k\n")
    long.write_text("underlying,side,notional\nETH,long,5000000\nBTC,short,250000\n")
    assert answer_of("portfolio", str(short)) == answer_of("portfolio", str(long))
