"""The archive commands: output, files and exit codes."""

import json
from pathlib import Path

import pandas as pd
import pytest
from typer.testing import CliRunner, Result

from harmonize.archive.archive import Archive
from harmonize.cli.main import app
from harmonize.transfer import export
from tests.harmonize.transfer.test_importer import tiers
from tests.support.recorded import snapshots


def run(place: Path, *arguments: str) -> Result:
    return CliRunner().invoke(
        app, ["--archive", str(place), "archive", *arguments], catch_exceptions=False
    )


@pytest.fixture
def source(tmp_path: Path) -> Path:
    """An archive of three snapshots; the second is of ascendex."""
    export.to_archive(tmp_path / "source", snapshots()[:3])
    return tmp_path / "source"


def contents(place: Path) -> list[tuple[str, str]]:
    entries = Archive.open(place).entries()
    return [(entry.venue, f"{entry.observed_at:%Y-%m-%d}") for entry in entries]


def test_import_makes_the_archive_and_a_second_import_adds_nothing(
    source: Path, tmp_path: Path
) -> None:
    place = tmp_path / "mine"
    first = run(place, "import", str(source))
    assert first.exit_code == 0
    assert [line.split()[0] for line in first.stdout.splitlines()] == ["appended"] * 3 + ["3"]
    assert contents(place) == contents(source)
    second = run(place, "import", str(source))
    assert second.exit_code == 0
    assert second.stdout.splitlines()[-1] == "0 snapshots appended, 3 already present"
    assert len(contents(place)) == 3


def test_a_dry_run_writes_nothing(source: Path, tmp_path: Path) -> None:
    result = run(tmp_path / "mine", "import", str(source), "--dry-run")
    assert result.exit_code == 0
    assert "would append" in result.stdout
    assert not (tmp_path / "mine").exists()


def test_a_venue_that_the_source_lacks_makes_the_exit_3(source: Path, tmp_path: Path) -> None:
    place = tmp_path / "mine"
    result = run(place, "import", str(source), "--venue", "ascendex", "--venue", "okx")
    assert result.exit_code == 3
    assert [venue for venue, _ in contents(place)] == ["ascendex"]
    assert f"incomplete: {source} has no snapshot of okx" in result.stderr


def test_what_cannot_be_read_makes_the_exit_3_and_the_rest_is_taken(
    source: Path, tmp_path: Path
) -> None:
    pack = min((source / "packs").iterdir())
    pack.write_bytes(b"")
    result = run(tmp_path / "mine", "import", str(source))
    assert result.exit_code == 3
    assert result.stderr.startswith("error: snapshot ")
    assert len(contents(tmp_path / "mine")) == 2


def test_an_unreadable_source_is_one_line_and_creates_no_archive(tmp_path: Path) -> None:
    pd.DataFrame({"close": [1.0]}).to_parquet(tmp_path / "table")
    for name in ("table", "nowhere"):
        result = run(tmp_path / "mine", "import", str(tmp_path / name))
        assert result.exit_code == 3
        assert len(result.stderr.splitlines()) == 1
        assert result.stderr.startswith(f"error: {tmp_path / name}: ")
    assert not (tmp_path / "mine").exists()


def test_a_table_import_prints_schedules_unknown_margins_and_omitted_rows(tmp_path: Path) -> None:
    nan = float("nan")
    path = tiers(tmp_path / "tiers", {"maintenance_margin_rate": nan}, {"symbol": "LEND USDT"})
    result = run(tmp_path / "mine", "import", str(path))
    assert result.exit_code == 0
    first, unknown, omitted, last = result.stdout.splitlines()
    assert first.endswith("1 payloads     1 schedules, 0 defects")
    assert unknown == (
        "margins unknown 1: the recording has no maintenance rates for this contract: binance BTC/USDT:USDT"
    )
    assert omitted.startswith("omitted 1: neither a ccxt symbol nor a contract name")
    assert last == "1 snapshot appended, 0 already present"


@pytest.mark.parametrize("name", ["out", "out.tar"])
def test_an_export_holds_the_selected_days_and_venues(
    name: str, source: Path, tmp_path: Path
) -> None:
    since = contents(source)[1][1]
    result = run(source, "export", str(tmp_path / name), "--since", since)
    assert result.stdout == f"2 snapshots in {tmp_path / name}\n"
    run(tmp_path / "mine", "import", str(tmp_path / name))
    assert contents(tmp_path / "mine") == contents(source)[1:]
    again = run(source, "export", str(tmp_path / name))
    assert again.exit_code == 2
    assert again.stderr == f"error: {tmp_path / name}: already exists; use another path\n"


def test_payloads_are_exported_as_plain_files(source: Path, tmp_path: Path) -> None:
    result = run(
        source, "export", str(tmp_path / "out"), "--layout", "files", "--venue", "ascendex"
    )
    assert result.exit_code == 0
    (file,) = (tmp_path / "out" / "ascendex").iterdir()
    assert file.read_bytes() == snapshots()[1].payloads[0].content
    refused = run(source, "export", str(tmp_path / "out.tar"), "--layout", "files")
    assert refused.exit_code == 2


def test_an_empty_export_is_an_error_and_writes_nothing(source: Path, tmp_path: Path) -> None:
    for options in (("--venue", "okx"), ("--until", "2001-01-01")):
        result = run(source, "export", str(tmp_path / "out"), *options)
        assert result.exit_code == 3
        assert "see `harmonize archive list`" in result.stderr
        assert not (tmp_path / "out").exists()


def test_list_as_json_agrees_with_the_table(source: Path) -> None:
    listed = json.loads(run(source, "list", "--format", "json").stdout)
    lines = run(source, "list").stdout.splitlines()
    assert [(row["sequence"], row["venue"], row["kind"]) for row in listed] == [
        (int(line.split()[0]), line.split()[2], line.split()[3]) for line in lines
    ]
    assert all(line.endswith(row["digest"][:16]) for row, line in zip(listed, lines, strict=True))
