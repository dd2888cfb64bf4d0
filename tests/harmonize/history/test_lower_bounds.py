"""Margins over time of a venue that publishes a maximum leverage and no size."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from harmonize.archive.archive import Archive
from harmonize.cli.main import app
from tests.support import recorded


@pytest.fixture(autouse=True)
def own_caches(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


def history_of(folder: Path, venue: str, *arguments: str) -> str:
    archive = Archive.create(folder)
    for snapshot in recorded.of_venue(venue):
        archive.append(snapshot, imported=True)
    command = ["--archive", str(folder), "history", venue, "BTC/USDT:USDT", *arguments]
    result = CliRunner().invoke(app, command, catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return result.stdout


def margins(table: str) -> str:
    """The line of the one observation."""
    (line,) = [line for line in table.splitlines() if line.startswith(("20", "≤"))]
    return " ".join(line.split())


def test_a_lower_bound_is_marked_over_time(tmp_path: Path) -> None:
    least = margins(history_of(tmp_path / "weex", "weex"))
    assert least.endswith("≥ 250.00 – ≥ 2,500.00 – ≥ 25,000.00 –")
    assert "≥" not in margins(history_of(tmp_path / "gate", "gate"))


def test_a_lower_bound_is_marked_in_json(tmp_path: Path) -> None:
    (state,) = json.loads(history_of(tmp_path / "weex", "weex", "--format", "json"))["seen"]
    assert state["bound"] == "at least"
    (state,) = json.loads(history_of(tmp_path / "gate", "gate", "--format", "json"))["seen"]
    assert state["bound"] == ""
