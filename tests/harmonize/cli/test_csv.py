"""Every command that prints a table prints it as CSV as well, with the numbers of its JSON."""

import csv
import json
from collections import Counter
from io import BytesIO, StringIO
from pathlib import Path
from typing import Any

import pytest
from openpyxl import load_workbook
from typer.testing import CliRunner, Result

from harmonize import checks
from harmonize.cli.main import app
from harmonize.cli.tables import sheet_per_kind
from reports.formats.sheets import Cell, Sheet, record_sheet


def run(*arguments: str) -> Result:
    return CliRunner().invoke(app, arguments, catch_exceptions=False)


def rows_of(*arguments: str) -> list[dict[str, str]]:
    result = run(*arguments, "--format", "csv")
    assert result.exit_code == 0, result.output
    lines = csv.reader(StringIO(result.stdout))
    assert len({len(line) for line in lines}) == 1
    return list(csv.DictReader(StringIO(result.stdout)))


def answer_of(*arguments: str) -> Any:
    return json.loads(run(*arguments, "--format", "json").stdout)


def numbers_of(rows: list[dict[str, str]], kind: str, column: str) -> list[float]:
    return [float(row[column]) for row in rows if row["row"] == kind]


def test_gap() -> None:
    command = ("gap", "BTC", "--notional", "1m", "--what-if", "leverage=20")
    rows, answer = rows_of(*command), answer_of(*command)
    points = [point for row in answer["arbitrages"] for point in row["points"]]
    assert numbers_of(rows, "split", "gap") == [point["gap"] for point in points]
    split = next(row for row in rows if row["row"] == "split")
    assert split["allocation"].startswith("binance 1 ")
    spread = answer["spreads"][0]["points"][0]
    assert numbers_of(rows, "spread", "highest")[0] == spread["highest"]
    assert next(row for row in rows if row["row"] == "spread")["lowest_venues"] == ", ".join(
        spread["lowest_venues"]
    )
    (what_if,) = answer["what_ifs"]
    assert numbers_of(rows, "what-if", "changed") == [x["changed"] for x in what_if["points"]]
    excluded = [row["venue"] for row in rows if row["row"] == "excluded"]
    assert excluded == [row["venue"] for row in answer["excluded"]]


def test_liquidation() -> None:
    rows, answer = rows_of("liquidation", "SOL"), answer_of("liquidation", "SOL")
    distances = [row for row in rows if row["row"] == "distance"]
    assert [row["venue"] for row in distances] == [row["venue"] for row in answer]
    moves = [row["adverse_move_long"] for row in distances]
    assert [None if x == "" else float(x) for x in moves] == [
        x["adverse_move_long"] for x in answer
    ]
    assert any(row["row"] == "excluded" for row in rows)


def test_index() -> None:
    rows, answer = rows_of("index", "SOL"), answer_of("index", "SOL")
    assert numbers_of(rows, "index", "value") == [row["value"] for row in answer["indices"]]
    assert numbers_of(rows, "summary", "value") == [row["value"] for row in answer["summaries"]]
    without = [row["excluded_venue"] for row in rows if row["row"] == "without"]
    assert without == [venue for venue, _ in answer["without"]]


def test_pair() -> None:
    command = ("pair", "BTC", "okx", "mexc", "--notional", "1m")
    (row,), answer = rows_of(*command), answer_of(*command)
    assert (row["long_venue"], row["short_venue"]) == ("okx", "mexc")
    assert float(row["total"]) == answer["pair"]["points"][0]["total"]


def test_portfolio(tmp_path: Path) -> None:
    book = tmp_path / "b.csv"
    book.write_text("underlying,side,notional\nBTC,long,100000\nETH,short,50000\n")
    rows, answer = rows_of("portfolio", str(book)), answer_of("portfolio", str(book))
    venues = [row["venue"] for row in rows if row["row"] == "venue"]
    assert venues == [row["venue"] for row in answer["venues"]]
    assert numbers_of(rows, "split", "cost") == [row["cost"] for row in answer["splits"]]
    (reference,) = [row for row in rows if row["row"] == "reference"]
    assert float(reference["isolated_initial"]) == answer["reference_initial"]


RECORDS: tuple[dict[str, Cell], ...] = (
    {"row": "venue", "venue": "a", "margin": 1.0, "reasons": None},
    {"row": "risk", "measure": "VaR", "usd": 2.0, "margin": None},
    {"row": "venue", "venue": "b", "margin": None, "reasons": None},
)


def test_a_workbook_has_a_sheet_per_kind_of_row_with_the_columns_of_its_kind() -> None:
    assert sheet_per_kind(record_sheet("Book", RECORDS)) == (
        Sheet("Venue", ("venue", "margin"), (("a", 1.0), ("b", None))),
        Sheet("Risk", ("measure", "usd"), (("VaR", 2.0),)),
    )
    alone: dict[str, Cell] = {"venue": "a"}
    for records in (RECORDS[:1], (alone,), ()):
        own = record_sheet("Book", records)
        assert sheet_per_kind(own) == (own,)


def test_schedule() -> None:
    command = ("schedule", "mexc", "BTC/USDT:USDT")
    rows, answer = rows_of(*command), answer_of(*command)
    points = [point["initial_margin"] for point in answer["points"]]
    margins = [row["initial_margin"] for row in rows if row["row"] == "margin"]
    assert [None if x == "" else float(x) for x in margins] == points
    pieces = [row for row in rows if row["row"] == "piece" and row["margin_type"] == "initial"]
    assert len(pieces) > 1
    assert float(pieces[0]["rate"]) == points[0] / answer["points"][0]["notional"]


def test_lists() -> None:
    venues = rows_of("venues")
    assert venues == [
        {key: str(value) for key, value in row.items()} for row in answer_of("venues")
    ]
    assert {"apex", "binance", "okx"} <= {row["venue"] for row in venues}
    rules = rows_of("rules", "list")
    assert rules == answer_of("rules", "list")
    assert ("esma-retail", "law") in {(row["id"], row["legal_status"]) for row in rules}
    snapshots = rows_of("archive", "list")
    assert [row["digest"] for row in snapshots] == [
        x["digest"] for x in answer_of("archive", "list")
    ]
    assert {row["gathered"] for row in snapshots} <= {"yes", "no"}
    assets = rows_of("assets", "PEPE")
    contracts = [row["symbol"] for row in assets if row["row"] == "contract"]
    assert contracts == [row["symbol"] for row in answer_of("assets", "PEPE")["contracts"]]


@pytest.mark.parametrize("command", [("gap", "NOSUCH"), ("schedule", "okx", "NOSUCH")])
def test_an_error_prints_no_table(command: tuple[str, ...]) -> None:
    result = run(*command, "--format", "csv")
    assert (result.exit_code, result.stdout) == (3, "")


def test_checks() -> None:
    rows, answer = rows_of("explain"), answer_of("explain")
    assert rows == answer
    assert [row["code"] for row in rows] == [check.code for check in checks.CHECKS]
    assert next(row for row in rows if row["code"] == "MH309")["status"] == "preview"


@pytest.mark.parametrize(
    "command",
    [
        ("gap", "BTC", "--notional", "1m"),
        ("pair", "BTC", "okx", "gate"),
        ("liquidation", "SOL"),
        ("index", "SOL"),
    ],
)
def test_a_workbook_has_the_rows_of_the_csv(command: tuple[str, ...], tmp_path: Path) -> None:
    path, text = tmp_path / "table.xlsx", tmp_path / "table.txt"
    assert run(*command, "--format", "xlsx", "--output", str(path)).exit_code == 0
    book = load_workbook(BytesIO(path.read_bytes()))
    rows = rows_of(*command)
    counts = Counter(row.get("row", command[0]).capitalize() for row in rows)
    assert {sheet.title: sheet.max_row - 1 for sheet in book} in (
        counts,
        {"Liquidation": len(rows)},
    )
    for sheet in book:
        heads = [str(cell.value) for cell in sheet[1]]
        assert [head for head in rows[0] if head in heads] == heads
    result = run(*command, "--output", str(text))
    assert (result.exit_code, result.stdout) == (0, "")
    assert text.read_text() == run(*command).stdout
