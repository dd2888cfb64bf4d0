"""The command ``compare``: one command answers who needs the least margin, since when, by which rule."""

import csv
import json
from io import BytesIO, StringIO
from pathlib import Path
from typing import Any

import pytest
from openpyxl import load_workbook
from typer.testing import CliRunner, Result

import harmonize as hz
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
    assert lines[1].endswith(" venues ranked, observed ≤ 2026-09-25")
    assert ", observed 2026-08-27, since ≤ 2026-08-27" in lines[2]
    assert lines[3].startswith("highest: apex, $1,250,000 ")
    assert ", observed ≤ 2026-08-01, $1,200,000 more, 25 times" in lines[3]
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


def test_the_days_of_dated_margins_are_a_range() -> None:
    venues = ("--venue", "binance", "--venue", "dydx", "--venue", "pacifica")
    answer = answer_of(*ETH, *venues)
    assert (answer["oldest"][:10], answer["newest"][:10]) == ("2024-07-27", "2026-08-01")
    text = run(*ETH, *venues).stdout
    assert "3 venues ranked, observed 2024-07-27 to 2026-08-01\n" in text
    assert "lowest: binance, pacifica, $100,000 " in text
    assert ", observed 2026-07-02, 2026-01-15 to 2026-08-01, since " in text


def test_every_margin_and_requirement_is_proved_in_json() -> None:
    answer = answer_of(*ETH, *BOTH)
    assert answer["schema_version"] == "1.0"
    assert all(venue["sources"] for venue in answer["venues"])
    binance = next(venue for venue in answer["venues"] if venue["venue"] == "binance")
    schedule = answer_of("schedule", "binance", "ETH/USDT:USDT")
    places = {(x["sha256"], x["pointer"]): x for x in schedule["evidence"]}
    for source in binance["sources"]:
        trace = places[source["sha256"], source["pointer"]]
        assert str(trace["published"]) == source["published"]
        assert trace["unit"] == source["unit"]
        assert trace["tier"] == 4  # above $3m, up to $12m
    assert {x["quantity"]: x["published"] for x in binance["sources"]}["initial"] == "50"
    # Without a margin there is nothing to prove; a lower bound is proved.
    excluded = {venue["venue"]: venue for venue in answer["excluded"]}
    assert all(bool(x["sources"]) == (x["margin"] is not None) for x in answer["excluded"])
    assert excluded["deribit"]["sources"]
    rules = {rule["id"]: rule for rule in answer["rule_sets"]}
    assert "2018/796" in rules["esma-retail"]["citations"][0]["reference"]
    rows = list(csv.DictReader(StringIO(run(*ETH, *BOTH, "--format", "csv").stdout)))
    row = next(row for row in rows if row["venue"] == "binance")
    assert row["payload_sha256"] == binance["sources"][0]["sha256"]
    assert "initial /278/brackets/3/initialLeverage" in row["pointers"]


def test_required_margins_are_verified_as_in_the_findings() -> None:
    arguments = ("--venue", "binance", "--rules", "emir-ccp", "--rules", "cftc-dco")
    audit = hz.audit(venues="binance", underlyings="ETH", rules=("emir-ccp", "cftc-dco"))
    of_findings = {x.rule_set: x.verified for x in audit.findings if x.code == "MH303"}
    assert of_findings == {"emir-ccp": "derived", "cftc-dco": "derived"}
    (venue,) = answer_of(*ETH, *arguments)["venues"]
    assert {x["rule_set"]: x["verified"] for x in venue["standings"]} == of_findings
    text = run(*ETH, *arguments).stdout
    assert "from the required $962,500 (derived from stated inputs)" in text
    assert "sources of required margins: ◇ derived\n" in text


def test_the_tolerance_stands_beside_a_compliant_margin_below_the_requirement() -> None:
    arguments = ("compare", "ETH", "--notional", "4m", "--rules", "emir-ccp", "--venue", "delta")
    (delta,) = answer_of(*arguments)["venues"]
    (standing,) = delta["standings"]
    assert (standing["verdict"], standing["deviation"] < 0) == ("compliant", True)
    assert standing["tolerance_below"] > -standing["deviation"]
    share = f"−{standing['tolerance_below'] * 100:.0f} %"
    text = run(*arguments).stdout.replace("\N{NO-BREAK SPACE}", " ")
    assert f"(derived from stated inputs), {share} tolerated" in text
    assert f" compliant (to {share}) ◇ " in text
    (row,) = csv.DictReader(StringIO(run(*arguments, "--format", "csv").stdout))
    assert float(row["emir-ccp tolerance_below_share"]) == standing["tolerance_below"]


@pytest.mark.parametrize(
    "options",
    [
        ("--figure", "initial", "--margin-type", "maintenance"),
        ("--notional", "1m", "--notional=5m"),
        ("--format", "csv", "--format", "json"),
    ],
)
def test_an_option_with_one_value_occurs_once(options: tuple[str, ...]) -> None:
    result = run("compare", "ETH", *options)
    assert (result.exit_code, result.stdout) == (2, "")
    assert "expected once, found 2 times; remove all but one" in result.stderr


def test_options_that_are_repeatable_are_repeated() -> None:
    assert run("compare", "ETH", "--venue", "okx", "--venue", "gate", *BOTH).exit_code == 0


@pytest.mark.parametrize(
    ("arguments", "is_json"),
    [
        (("compare", "ETH", "--venue", "okx"), True),
        (("try", "--underlying", "ETH", "--leverage", "10", "--venue", "okx"), True),
        (("gap", "ETH", "--venue", "okx"), False),
        (("schedule", "okx", "ETH/USDT:USDT"), False),
    ],
)
def test_a_day_after_today_is_noted(arguments: tuple[str, ...], *, is_json: bool) -> None:
    note = "2030-01-01 is after today (2026-11-29): ages count to that day"
    result = run(*arguments, "--as-of", "2030-01-01")
    assert result.exit_code == 0
    assert note in result.stderr
    assert note not in run(*arguments, "--as-of", "2026-11-29").stderr
    if is_json:
        (line,) = answer_of(*arguments, "--as-of", "2030-01-01")["notes"]
        assert line.startswith(note)


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
    citations = sum(len(rule["citations"]) for rule in answer["rule_sets"])
    assert book["Rule sets"].max_row == citations + 1


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


@pytest.mark.parametrize(
    "name", ["ETHUSDT", "ETH/USDT:USDT", "eth-perp", "ETH_USDT", "ETH-USDT-SWAP", "PF_ETHUSD"]
)
def test_a_pair_is_answered_with_its_asset(name: str) -> None:
    result = run("compare", name)
    assert result.exit_code == 3
    assert result.stderr == (
        f"error: underlying {name}: no schedule was observed; did you mean ETH?\n"
    )


@pytest.mark.parametrize("name", ["bitcoin", "Etherium", "NOPE", "qq", "x" * 64])
def test_no_name_is_guessed(name: str) -> None:
    result = run("compare", name)
    assert result.exit_code == 3
    fix = "use the code of an asset, such as BTC"
    assert result.stderr == f"error: underlying {name}: no schedule was observed; {fix}\n"


@pytest.mark.parametrize(
    "command",
    [
        ("gap", "ETHUSDT"),
        ("history", "--underlying", "ETHUSDT"),
        ("diff", "2025-01-01", "2026-01-01", "--underlying", "ETHUSDT"),
        ("liquidation", "ETHUSDT"),
        ("assets", "ETHUSDT"),
        ("index", "ETHUSDT"),
        ("try", "--underlying", "ETHUSDT", "--leverage", "5"),
    ],
)
def test_every_command_suggests_the_asset_of_a_pair(command: tuple[str, ...]) -> None:
    result = run(*command)
    assert result.exit_code in {2, 3}
    assert result.stderr.endswith("; did you mean ETH?\n")


def test_a_profile_that_no_schedule_has_does_not_deny_the_underlying() -> None:
    result = run("compare", "ETH", "--profile", "foo")
    assert result.exit_code == 3
    assert result.stderr == "error: profile foo: no schedule was observed\n"
    both = run("compare", "ETH", "--profile", "foo", "--venue", "okx")
    assert both.stderr == "error: profile foo: no schedule was observed\n"
    part = run("audit", *("--underlying", "ETH", "--underlying", "PEPE", "--venue", "kucoin"))
    assert "profile" not in part.stderr
