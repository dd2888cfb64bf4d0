"""`harmonize diff`: codes that change their asset, and days as far as they are known."""

import csv
import json

import pytest
from typer.testing import CliRunner

from harmonize.cli.main import app

PUMP = ("2025-05-01", "2025-08-01")
"""Days between which Binance gave the code PUMP to another asset."""
AVAX = ("2022-02-13", "2022-05-30", "--underlying", "AVAX")
"""Days whose recordings are known only by the day of their publication."""


def diff(*arguments: str) -> str:
    result = CliRunner().invoke(app, ["diff", *arguments])
    assert result.exit_code in {0, 3}
    return result.stdout


def changes(*arguments: str) -> list[dict[str, object]]:
    rows: list[dict[str, object]] = json.loads(diff(*arguments, "--format", "json"))
    return rows


@pytest.mark.parametrize(
    ("days", "asset", "expected"),
    [
        (
            PUMP,
            "PUMPBTC",
            {"PUMP/USDT:USDT": "another asset", "PUMPBTC/USDT:USDT": "listed"},
        ),
        (PUMP, "PUMP", {"PUMP/USDT:USDT": "another asset"}),
        (("2025-12-01", "2026-11-29"), "LIT", {"LIT/USDT:USDT": "another asset"}),
        (
            ("2025-12-01", "2026-11-29"),
            "HEI",
            {"LIT/USDT:USDT": "another asset", "HEI/USDT:USDT": "mixed"},
        ),
    ],
)
def test_a_code_with_another_asset_is_no_listing_under_either_asset(
    days: tuple[str, str], asset: str, expected: dict[str, str]
) -> None:
    found = {
        change["symbol"]: change["kind"]
        for change in changes(*days, "--underlying", asset)
        if change["venue"] == "binance"
    }
    assert found == expected


def test_a_changed_asset_is_stated_with_the_one_before() -> None:
    text = diff(*PUMP, "--underlying", "PUMP")
    assert "the code means PUMP now and meant PUMPBTC before" in text
    (change,) = changes(*PUMP, "--underlying", "PUMP")
    assert (change["underlying"], change["underlying_before"]) == ("PUMP", "PUMPBTC")


def test_only_changes_of_the_requested_underlying_remain() -> None:
    assert {change["underlying"] for change in changes(*AVAX)} == {"AVAX"}


def test_a_day_without_an_exact_date_is_an_upper_bound_in_every_format() -> None:
    assert "looser, ≤ 2022-02-12 to ≤ 2022-05-21\n" in diff(*AVAX)
    assert "| ≤ 2022-02-12 | ≤ 2022-05-21 |" in diff(*AVAX, "--format", "markdown")
    names = ("before_kind", "before_from", "after_kind", "after_from")
    expected = ("no later than", "", "no later than", "")
    (change,) = (change for change in changes(*AVAX) if change["kind"] == "looser")
    assert tuple(change[name] for name in names) == expected
    rows = csv.DictReader(diff(*AVAX, "--format", "csv").splitlines())
    (row,) = (row for row in rows if row["kind"] == "looser")
    assert tuple(row[name] for name in names) == expected


def test_exact_days_have_no_mark() -> None:
    assert "another asset, 2025-05-01 to 2025-07-31\n" in diff(*PUMP, "--underlying", "PUMP")
