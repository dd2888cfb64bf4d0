"""`harmonize diff`: codes that change their asset, and days as far as they are known."""

import csv
import json
from pathlib import Path

import pytest
from openpyxl import load_workbook
from typer.testing import CliRunner

from harmonize.cli.main import app

PUMP = ("2025-05-01", "2025-08-01")
"""Days between which Binance gave the code PUMP to another asset."""
LIT = ("2025-12-01", "2026-11-29")
"""Days between which Binance gave the code LIT to another asset."""
AVAX = ("2022-02-13", "2022-05-30", "--underlying", "AVAX")
"""Days whose recordings are known only by the day of their publication."""


def diff(*arguments: str) -> str:
    result = CliRunner().invoke(app, ["diff", *arguments])
    assert result.exit_code in {0, 3}
    return result.stdout


def changes(*arguments: str) -> list[dict[str, object]]:
    rows: list[dict[str, object]] = json.loads(diff(*arguments, "--format", "json"))["changes"]
    return rows


@pytest.mark.parametrize(
    ("days", "asset", "expected"),
    [
        (
            PUMP,
            "PUMPBTC",
            [
                ("PUMP/USDT:USDT", "tighter", "2025-06-12"),
                ("PUMP/USDT:USDT", "tighter", "2025-06-19"),
                ("PUMP/USDT:USDT", "another asset", "2025-07-10"),
                ("PUMPBTC/USDT:USDT", "listed", "2025-06-19"),
                ("PUMPBTC/USDT:USDT", "looser", "2025-07-10"),
            ],
        ),
        (
            PUMP,
            "PUMP",
            [
                ("PUMP/USDT:USDT", "another asset", "2025-07-10"),
                ("PUMP/USDT:USDT", "looser", "2025-07-17"),
            ],
        ),
        (
            LIT,
            "LIT",
            [
                ("LIT/USDT:USDT", "another asset", "2025-12-25"),
                ("LIT/USDT:USDT", "looser", "2026-07-02"),
            ],
        ),
        (
            LIT,
            "HEI",
            [
                ("HEI/USDT:USDT", "mixed", "2026-07-02"),
                ("LIT/USDT:USDT", "another asset", "2025-12-25"),
            ],
        ),
    ],
)
def test_a_code_with_another_asset_is_no_listing_under_either_asset(
    days: tuple[str, str], asset: str, expected: list[tuple[str, str, str]]
) -> None:
    found = [
        (change["symbol"], change["kind"], str(change["after"])[:10])
        for change in changes(*days, "--underlying", asset)
        if change["venue"] == "binance"
    ]
    assert found == expected


def test_a_changed_asset_is_stated_with_the_one_before() -> None:
    text = diff(*PUMP, "--underlying", "PUMP")
    assert "the code means PUMP now and meant PUMPBTC before" in text
    change, _ = changes(*PUMP, "--underlying", "PUMP")
    assert (change["underlying"], change["underlying_before"]) == ("PUMP", "PUMPBTC")


def test_the_asset_before_is_in_csv_and_workbook(tmp_path: Path) -> None:
    options = (*PUMP, "--underlying", "PUMP", "--kind", "another asset")
    (row,) = csv.DictReader(diff(*options, "--format", "csv").splitlines())
    assert row["underlying_before"] == "PUMPBTC"
    path = tmp_path / "changes.xlsx"
    diff(*options, "--format", "xlsx", "--output", str(path))
    names, values = load_workbook(path)["Changes"].iter_rows(values_only=True)
    cells = dict(zip(names, values, strict=True))
    assert (cells["underlying_before"], cells["after_kind"]) == ("PUMPBTC", "exact")


def test_notes_name_only_venues_of_the_requested_underlying() -> None:
    def noted(*options: str) -> set[str]:
        result = CliRunner().invoke(app, ["diff", *PUMP, *options])
        lines = result.stderr.splitlines()
        return {line.split(":")[0] for line in lines if "not observed between" in line}

    assert noted("--underlying", "PUMPBTC") == {"bitget"}
    assert {"bybit", "htx"} <= noted()


def test_only_changes_of_the_requested_underlying_remain() -> None:
    assert {change["underlying"] for change in changes(*AVAX)} == {"AVAX"}


def test_a_day_without_an_exact_date_is_an_upper_bound_in_every_format() -> None:
    assert "looser, ≤ 2022-04-16 to ≤ 2022-05-21\n" in diff(*AVAX)
    assert "| ≤ 2022-04-16 | ≤ 2022-05-21 |" in diff(*AVAX, "--format", "markdown")
    names = ("before_kind", "before_from", "after_kind", "after_from")
    expected = ("no later than", "", "no later than", "")
    (change,) = (change for change in changes(*AVAX) if change["kind"] == "looser")
    assert tuple(change[name] for name in names) == expected
    rows = csv.DictReader(diff(*AVAX, "--format", "csv").splitlines())
    looser = [tuple(row[name] for name in names) for row in rows if row["kind"] == "looser"]
    assert looser == [expected, expected]


def test_exact_days_have_no_mark() -> None:
    assert "another asset, 2025-07-03 to 2025-07-10\n" in diff(*PUMP, "--underlying", "PUMP")
