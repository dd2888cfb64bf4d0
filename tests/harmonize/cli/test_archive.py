"""The archive commands: what they print, what they write, and how they end."""

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
    """An archive of three snapshots, the second of them of ascendex."""
    export.to_archive(tmp_path / "source", snapshots()[:3])
    return tmp_path / "source"


def held(place: Path) -> list[tuple[str, str]]:
    entries = Archive.open(place).entries()
    return [(one.venue, f"{one.observed_at:%Y-%m-%d}") for one in entries]


def test_import_makes_the_archive_and_a_second_import_adds_nothing(
    source: Path, tmp_path: Path
) -> None:
    place = tmp_path / "mine"
    first = run(place, "import", str(source))
    assert first.exit_code == 0
    assert [line.split()[0] for line in first.stdout.splitlines()] == ["appended"] * 3 + ["3"]
    assert held(place) == held(source)
    second = run(place, "import", str(source))
    assert second.exit_code == 0
    assert second.stdout.splitlines()[-1] == "0 snapshots appended, 3 there already"
    assert len(held(place)) == 3


def test_a_dry_run_writes_nothing(source: Path, tmp_path: Path) -> None:
    found = run(tmp_path / "mine", "import", str(source), "--dry-run")
    assert found.exit_code == 0
    assert "would append" in found.stdout
    assert not (tmp_path / "mine").exists()


def test_a_venue_that_the_source_lacks_makes_the_exit_3(source: Path, tmp_path: Path) -> None:
    place = tmp_path / "mine"
    found = run(place, "import", str(source), "--venue", "ascendex", "--venue", "okx")
    assert found.exit_code == 3
    assert [venue for venue, _ in held(place)] == ["ascendex"]
    assert f"incomplete: {source} gives no snapshot of okx" in found.stderr


def test_what_cannot_be_read_makes_the_exit_3_and_the_rest_is_taken(
    source: Path, tmp_path: Path
) -> None:
    pack = min((source / "packs").iterdir())
    pack.write_bytes(b"")
    found = run(tmp_path / "mine", "import", str(source))
    assert found.exit_code == 3
    assert found.stderr.startswith("error: snapshot ")
    assert len(held(tmp_path / "mine")) == 2


def test_a_source_that_is_none_is_one_line_and_leaves_no_archive(tmp_path: Path) -> None:
    pd.DataFrame({"close": [1.0]}).to_parquet(tmp_path / "table")
    for name in ("table", "nowhere"):
        found = run(tmp_path / "mine", "import", str(tmp_path / name))
        assert found.exit_code == 3
        assert len(found.stderr.splitlines()) == 1
        assert found.stderr.startswith(f"error: {tmp_path / name}: ")
    assert not (tmp_path / "mine").exists()


def test_a_table_tells_schedules_unknown_margins_and_rows_left_out(tmp_path: Path) -> None:
    nan = float("nan")
    path = tiers(tmp_path / "tiers", {"maintenance_margin_rate": nan}, {"symbol": "LEND USDT"})
    found = run(tmp_path / "mine", "import", str(path))
    assert found.exit_code == 0
    first, unknown, left_out, last = found.stdout.splitlines()
    assert first.endswith("1 payloads     1 schedules, 0 defects")
    assert unknown == (
        "margins unknown 1: the recording has no maintenance rates for this contract: binance BTC/USDT:USDT"
    )
    assert left_out.startswith("left out 1: neither a ccxt symbol nor a contract name")
    assert last == "1 snapshots appended, 0 there already"


@pytest.mark.parametrize("name", ["out", "out.tar"])
def test_an_export_holds_the_days_and_venues_asked_for(
    name: str, source: Path, tmp_path: Path
) -> None:
    since = held(source)[1][1]
    found = run(source, "export", str(tmp_path / name), "--since", since)
    assert found.stdout == f"2 snapshots in {tmp_path / name}\n"
    run(tmp_path / "mine", "import", str(tmp_path / name))
    assert held(tmp_path / "mine") == held(source)[1:]
    again = run(source, "export", str(tmp_path / name))
    assert again.exit_code == 2
    assert again.stderr == f"error: {tmp_path / name}: already exists; use another path\n"


def test_payloads_are_exported_as_plain_files(source: Path, tmp_path: Path) -> None:
    found = run(source, "export", str(tmp_path / "out"), "--as", "payloads", "--venue", "ascendex")
    assert found.exit_code == 0
    (file,) = (tmp_path / "out" / "ascendex").iterdir()
    assert file.read_bytes() == snapshots()[1].payloads[0].content
    refused = run(source, "export", str(tmp_path / "out.tar"), "--as", "payloads")
    assert refused.exit_code == 2


def test_an_export_of_nothing_says_so_and_writes_nothing(source: Path, tmp_path: Path) -> None:
    for options in (("--venue", "okx"), ("--until", "2001-01-01")):
        found = run(source, "export", str(tmp_path / "out"), *options)
        assert found.exit_code == 3
        assert "see `harmonize archive ls`" in found.stderr
        assert not (tmp_path / "out").exists()


def test_ls_as_json_says_what_the_table_says(source: Path) -> None:
    listed = json.loads(run(source, "ls", "--format", "json").stdout)
    lines = run(source, "ls").stdout.splitlines()
    assert [(one["sequence"], one["venue"], one["kind"]) for one in listed] == [
        (int(line.split()[0]), line.split()[2], line.split()[3]) for line in lines
    ]
    assert all(line.endswith(one["digest"][:16]) for one, line in zip(listed, lines, strict=True))
