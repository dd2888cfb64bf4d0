"""`harmonize assets`: the table, a name with its contracts, JSON and errors."""

import json

import pytest
from typer.testing import CliRunner, Result

from harmonize.api.assets import names_asset
from harmonize.cli.changes_text import table
from harmonize.cli.main import app
from harmonize.document.change import Change, ChangeKind
from venues.assets import bundled


def run(*arguments: str) -> Result:
    return CliRunner().invoke(app, list(arguments))


def test_without_a_name_the_table_and_the_contracts_in_doubt_are_listed() -> None:
    lines = run("assets").stdout.splitlines()
    count = len(bundled().entries)
    assert lines[0].startswith("XBT is BTC (alias): ccxt")
    assert "OM = 4 MANTRA (split): Binance" in "\n".join(lines[:count])
    assert not lines[count]
    assert all("identity not observed" in line for line in lines[count + 1 :])


@pytest.mark.parametrize("name", ["LIT", "lit"])
def test_a_name_lists_both_lives_with_their_contracts(name: str) -> None:
    lines = run("assets", name).stdout.splitlines()
    assert lines[0].startswith("LIT is HEI before 2025-12-23 (rename): Bitget")
    assert lines[1].startswith("LIT is LIT from 2025-12-23 (other): Binance")
    assert lines[-1].split()[3:6] == ["2026-01-15", "to", "2026-08-01"]
    assert [line.split()[:4] for line in lines[3:]] == [
        ["HEI", "bitget", "HEI/USDT:USDT", "2025-04-04"],
        ["HEI", "bybit", "LIT/USDT:USDT", "2024-12-25"],
        ["HEI", "binance", "HEI/USDT:USDT", "2026-07-02"],
        ["LIT", "binance", "LIT/USDT:USDT", "2026-07-02"],
        ["LIT", "pacifica", "LIT/USDC:USDC", "2026-01-15"],
    ]
    assert [line.endswith("compared") for line in lines[3:]] == [True, True, False, True, True]


def test_json_has_entries_and_contracts_with_prices() -> None:
    document = json.loads(run("assets", "POL", "--format", "json").stdout)
    assert [(e["code"], e["asset"], e["until"]) for e in document["entries"]] == [
        ("MATIC", "POL", None),
        ("POL", "POL", None),
    ]
    prices = {c["venue"]: c["price"] for c in document["contracts"]}
    assert prices["coinbaseinternational"] == pytest.approx(1.168)
    assert prices["dydx"] == pytest.approx(0.515392754)
    assert prices["bitget"] is None


def test_a_name_in_doubt_has_the_reason() -> None:
    (line,) = (x for x in run("assets", "1INCH").stdout.splitlines() if " bybit " in x)
    assert "identity not observed: no price on a common day" in line


def test_an_unknown_name_is_an_error() -> None:
    result = run("assets", "NOSUCH")
    assert result.exit_code == 2
    assert "no contract on NOSUCH was observed" in result.stderr


@pytest.mark.parametrize(
    ("venue", "asset", "is_named"),
    [
        ("any", "AVAX", True),
        ("binance", "POL", True),
        ("bitget", "POL", False),
        ("any", "ACE", False),
    ],
)
def test_a_replaced_table_is_no_hint_where_the_asset_is_known(
    venue: str, asset: str, *, is_named: bool
) -> None:
    times = ("2025-01-01T00:00:00Z", "2026-01-01T00:00:00Z")
    symbol = f"{asset}/USDT:USDT"
    change = Change(venue, symbol, "", asset, ChangeKind.MIXED, *times, replaced=True)
    assert names_asset(change) is is_named
    assert ("no tier is as before" in table([change])) is not is_named
