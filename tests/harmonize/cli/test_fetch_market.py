"""Market data from the command line: what is printed, archived and returned."""

from datetime import datetime, tzinfo
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from harmonize.api import market_data
from harmonize.archive.archive import Archive
from harmonize.cli.main import app
from harmonize.market.source import read_series
from tests.replay.market_server import MarketReplay


def fetch(place: Path, server: MarketReplay, *arguments: str) -> Result:
    return CliRunner().invoke(
        app,
        ["--archive", str(place), "fetch", "--mirror", server.url, *arguments],
        catch_exceptions=False,
    )


class Then(datetime):
    """The clock of the recorded rows."""

    @classmethod
    def now(cls, tz: tzinfo | None = None) -> "Then":
        """Half past ten on the last recorded day."""
        return cls(2024, 1, 2, 10, 30, tzinfo=tz)


def test_fetch_prints_what_each_venue_gave_and_what_it_did_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(market_data, "datetime", Then)
    with MarketReplay() as server:
        result = fetch(
            tmp_path / "archive", server,
            *("--venue", "binance", "--market-data", "--underlying", "BTC", "--since", "2023-12-20"),
        )  # fmt: skip
    lines = result.stdout.splitlines()
    begin = next(index for index, line in enumerate(lines) if line.startswith("market data"))
    assert lines[begin + 1].split()[:2] == ["binance", "gathered"]
    assert lines[begin + 1].endswith("5 series; 2 unfinished candles excluded")
    assert any("HTTP status 404" in line and "index BTCUSDT 1d" in line for line in lines[begin:])
    archive = Archive.open(tmp_path / "archive")
    series = read_series(archive, archive.entries()).series
    assert {str(part.id) for part in series} == {
        "binance perp BTCUSDT 1d",
        "binance perp BTCUSDT 1h",
        "binance mark BTCUSDT 1d",
    }
    assert result.exit_code == 3  # its margins need a key


def test_a_venue_that_fails_returns_3_and_its_reason(tmp_path: Path) -> None:
    info = "/binance/fapi.binance.com/fapi/v1/exchangeInfo"
    with MarketReplay(changed={info: (403, b"{}")}) as server:
        result = fetch(tmp_path / "archive", server, "--venue", "binance", "--market-data")
    assert result.exit_code == 3
    line = result.stdout.splitlines()[-1]
    assert line.split()[:2] == ["binance", "failed"]
    assert "0 series; incomplete: markets: HTTP status 403" in line


def test_a_closed_venue_is_not_asked_and_no_failure(tmp_path: Path) -> None:
    with MarketReplay() as server:
        result = fetch(tmp_path / "archive", server, "--venue", "bitmex", "--market-data")
    market = result.stdout[result.stdout.index("market data") :].splitlines()
    assert market[1].split()[:2] == ["bitmex", "not"]
    assert market[2].strip().startswith("without any series: ")
    assert server.requests == []


def test_a_dry_run_says_what_it_cannot_plan(tmp_path: Path) -> None:
    with MarketReplay() as server:
        result = fetch(tmp_path / "archive", server, "--venue", "okx", "--market-data", "--dry-run")
    assert result.exit_code == 0
    assert "calls for market data follow from each venue's list of contracts" in result.stderr
    assert server.requests == []


@pytest.mark.parametrize("option", ["--underlying", "--since"])
def test_options_of_market_data_need_it(option: str, tmp_path: Path) -> None:
    value = "BTC" if option == "--underlying" else "2024-01-01"
    with MarketReplay() as server:
        result = fetch(tmp_path / "archive", server, option, value)
    assert result.exit_code == 2
    assert "add --market-data" in result.stderr
    assert server.requests == []
