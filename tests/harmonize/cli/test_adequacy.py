"""The command ``adequacy``: verdicts in a line each, worst first, and mistakes in one line."""

import csv
import json
from io import BytesIO, StringIO
from pathlib import Path
from typing import Any

import pytest
from openpyxl import load_workbook
from typer.testing import CliRunner, Result

from harmonize.archive.archive import Archive
from harmonize.cli.main import app
from tests.support import recorded

BTC = ("adequacy", "binance", "--underlying", "BTC")


def run(*arguments: str) -> Result:
    return CliRunner().invoke(app, arguments, catch_exceptions=False)


def answer_of(*arguments: str) -> Any:
    result = run(*arguments, "--format", "json")
    assert result.exit_code == 0, result.output
    return json.loads(result.stdout)


@pytest.fixture(scope="module")
def printed() -> str:
    result = run(*BTC)
    assert result.exit_code == 0, result.output
    return result.stdout


def test_one_line_says_how_long_the_margin_holds_and_what_overruns_it(printed: str) -> None:
    lines = printed.splitlines()
    assert lines[0].startswith("as of 2026-11-29, read from the recorded archive")
    assert lines[1] == "2 verdicts on positions of $1m against the 99 % move, worst first"
    head, long, short = lines[3:6]
    for name in (
        "IM − MM holds",
        "MM holds",
        "over MM after liquidation",
        "worst days",
        "age",
        "prices",
    ):
        assert name in head
    assert " long " in long
    assert " short " in short
    assert "20 min (19 min to 21 min), √t 14 min" in long
    assert "< 15 min, √t 5 min" in long
    assert "40.15 % of 680 in 15 minutes" in long
    assert "2025-10-10" in long
    assert "2026-07-02" in long
    assert long.endswith("binance perp BTCUSDT 15m")


def test_few_verdicts_are_followed_by_a_sentence_per_question(printed: str) -> None:
    assert "273 of 680 (40.15 %) liquidations at full leverage" in printed
    assert "MM of 0.5 % holds under 15 minutes" in printed
    assert "99 % is the standard" in printed
    many = run("adequacy", "--underlying", "BTC")
    assert many.exit_code == 0
    assert "liquidations at full leverage;" not in many.stdout
    assert "not observable: " in many.stdout
    assert "only the maximum leverage is published" in many.stdout
    verdicts = [line for line in many.stdout.splitlines() if line.startswith("BTC ")]
    assert len(verdicts) > 20
    # A table that was observed no later than a day is at least so old.
    assert any("  ≤ " in line and " d  " in line.split("  ≥ ")[-1] for line in verdicts)
    assert all(("  ≤ " in line) == ("  ≥ " in line) for line in verdicts)


def test_the_margins_of_each_day_are_tested_by_size_and_year(printed: str) -> None:
    assert (
        "12 tables, observed from 2022-02-12 to 2026-07-02; some dates are upper bounds" in printed
    )
    table = printed.split("long: moves beyond IM over 1 day, of binance perp BTCUSDT 1d\n")[1]
    head, *rows = table.splitlines()
    assert head.split() == ["year", "$10k", "$100k", "$1m", "$10m"]
    assert [row.split()[0] for row in rows[:5]] == ["2022", "2023", "2024", "2025", "2026"]
    assert "82 of 365 (22.47 %)" in rows[3]
    after = printed.split("short: moves beyond MM within 15 minutes, after a liquidation")[1]
    # Fewer than 30 liquidations give a count and no share.
    assert after.splitlines()[2].endswith("  2 of 5")


def test_json_has_an_envelope_and_the_sentences() -> None:
    answer = answer_of(*BTC, "--notional", "10k", "--notional", "1m")
    assert (answer["schema_version"], answer["as_of"][:10]) == ("1.0", "2026-11-29")
    sizes = {(v["notional"], v["side"]) for v in answer["verdicts"]}
    assert sizes == {(1e4, "long"), (1e4, "short"), (1e6, "long"), (1e6, "short")}
    shares = [v["headline_share"] for v in answer["verdicts"]]
    assert shares == sorted(shares, reverse=True)
    assert answer["verdicts"][0]["sentences"]["holding"].startswith("At $")
    assert answer["verdicts"][0]["table_age_days"] == pytest.approx(151, abs=1)
    assert {card["venue"] for card in answer["series"]} == {"binance"}
    assert len(answer["table_history"]) == 6


def test_csv_and_workbook_hold_every_verdict(tmp_path: Path) -> None:
    rows = list(csv.DictReader(StringIO(run(*BTC, "--format", "csv").stdout)))
    assert [row["side"] for row in rows] == ["long", "short"]
    assert float(rows[0]["after_liquidation_share"]) == pytest.approx(273 / 680)
    assert float(rows[0]["buffer_shortest_seconds"]) < float(rows[0]["buffer_holds_seconds"])
    assert rows[0]["maintenance_bound"] == "shorter"
    assert rows[0]["clearing_1d_zone"] == "red"
    path = tmp_path / "btc.xlsx"
    assert run(*BTC, "--format", "xlsx", "--output", str(path)).exit_code == 0
    book = load_workbook(BytesIO(path.read_bytes()))
    assert book.sheetnames[:2] == ["Verdicts", "Breaches"]
    assert book["Verdicts"].max_row == 3


def test_the_chart_has_the_move_and_at_most_eight_emphasised_lines(tmp_path: Path) -> None:
    path = tmp_path / "btc.svg"
    assert run("adequacy", "--underlying", "BTC", "--chart", str(path)).exit_code == 0
    svg = path.read_text(encoding="utf-8")
    assert "99 % move, long" in svg
    assert "99 % move, short" in svg
    assert svg.count('<text class="name ') == 8
    assert "A margin holds until the 99 % move reaches it." in svg
    assert "binance MM 0.5 %" in svg
    assert "font: 12px" in svg


def test_series_are_listed_with_their_gaps_and_defects() -> None:
    result = run("adequacy", "--series", "--underlying", "SOL")
    assert result.exit_code == 0
    lines = result.stdout.splitlines()
    assert lines[1] == "18 series of prices"
    assert "interval" in lines[3]
    disputed = [
        line for line in lines if "close disputed by another source: 1 from 2022-11-09" in line
    ]
    assert disputed
    assert disputed[0].split()[:6] == ["bybit", "perp", "SOLUSDT", "SOL", "1", "1d"]
    rows = list(
        csv.DictReader(StringIO(run("adequacy", "--series", "deribit", "--format", "csv").stdout))
    )
    assert [row["kind"] for row in rows] == ["volatility"]
    assert (rows[0]["interval"], rows[0]["quote"]) == ("1d", "")
    cards = answer_of("adequacy", "--series", "--underlying", "BTC")
    assert cards["schema_version"] == "1.0"


def test_disputed_candles_can_be_excluded() -> None:
    sol = ("adequacy", "bitget", "--underlying", "SOL")
    with_it, without = answer_of(*sol), answer_of(*sol, "--exclude-disputed")
    clearing = [
        answer["verdicts"][0]["clearing"][0]["coverage"]["observations"]
        for answer in (with_it, without)
    ]
    assert clearing[0] - clearing[1] == 2
    assert without["terms"]["include_disputed"] is False


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (("Binanc", "--underlying", "BTC"), 2, "unknown venue Binanc; did you mean binance?"),
        (("--underlying", "BTCC"), 3, "no schedule was observed; did you mean BTC?"),
        (("--underlying", "BTC", "--notional", "0"), 2, "--notional: expected an amount in USD above 0"),
        (("--underlying", "BTC", "--notional", "-1m"), 2, "--notional: expected an amount in USD above 0"),
        (("--underlying", "BTC", "--notional", "nan"), 2, "--notional: expected an amount in USD such as"),
        (("--underlying", "WIF"), 3, "WIF: no prices in the archive; import candles with `harmonize archive"),
        (("--underlying", "BTC", "--as-of", "2015-01-01"), 2, "use a date from 2021-12-06 on"),
        (("binance", "--underlying", "BTC", "--notional", "5bn"), 3, "accepts positions up to $1,800,000,000"),
        (("--chart", "x.svg"), 2, "--chart: expected one underlying, found 0 underlyings"),
        (("--series", "--chart", "x.svg"), 2, "--chart: expected one underlying, found --series"),
        (("--series", "gate"), 3, "no candles of gate in the archive; import candles"),
        (("okx", "--underlying", "SUI"), 3, "no schedule was observed"),
    ],
)  # fmt: skip
def test_a_mistake_is_a_line_with_the_fix(
    arguments: tuple[str, ...], code: int, message: str
) -> None:
    result = run("adequacy", *arguments)
    assert result.exit_code == code
    assert message in result.stderr
    assert len(result.stderr.splitlines()) == 1


def test_an_archive_without_candles_says_so(tmp_path: Path) -> None:
    place = tmp_path / "own"
    Archive.create(place).append(recorded.of_venue("okx")[0])
    for arguments in (("--underlying", "BTC"), ("okx",), ("--series",)):
        result = run("--archive", str(place), "adequacy", *arguments)
        assert result.exit_code == 3
        assert result.stderr == (
            f"error: no prices in {place}; import candles with `harmonize archive import FOLDER`, "
            "or remove --archive to use the recorded ones\n"
        )


def test_one_requested_underlying_without_prices_is_incomplete() -> None:
    result = run("adequacy", "binance", "--underlying", "SUI", "--underlying", "WIF")
    assert result.exit_code == 3
    assert "SUI" in result.stdout
    assert "incomplete: underlying WIF: no prices in the archive" in result.stderr
