"""The accept command: the list of withheld contracts, decisions and refusals."""

from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from harmonize.archive.archive import Archive
from harmonize.cli.main import app
from tests.harmonize.api.test_acceptance import TENFOLD, later
from tests.support import corruption

WHO = ("--by", "A. Person", "--reason", "announced")


@pytest.fixture
def place(tmp_path: Path) -> Path:
    good = corruption.venues()["okx"]
    archive = Archive.create(tmp_path / "archive")
    archive.append(good.snapshot)
    archive.append(later(good.corrupted(TENFOLD.change, good.readable), 1))
    return tmp_path / "archive"


def accept(place: Path, *words: str) -> Result:
    return CliRunner().invoke(app, ["--archive", str(place), "accept", *words])


def test_withheld_contracts_are_listed_then_accepted(place: Path) -> None:
    listed = accept(place, "okx")
    assert listed.exit_code == 3
    assert listed.stdout.splitlines()[0].startswith("BTC/USDT:USDT  BTC-USDT-SWAP  public")
    assert listed.stdout.splitlines()[-1].endswith("2 contracts withheld")
    one = accept(place, "okx", "BTC-USDT-SWAP", *WHO)
    assert (one.exit_code, one.stdout) == (0, "okx: 1 contract accepted by A. Person: announced\n")
    assert accept(place, "okx", "--all", *WHO).exit_code == 0
    assert accept(place, "okx").exit_code == 0
    listing = CliRunner().invoke(app, ["--archive", str(place), "archive", "list"])
    assert [line.split()[2] for line in listing.stdout.splitlines()] == [
        "okx",
        "okx",
        "decisions",
        "decisions",
    ]


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("okx", "BTC-USDT-SWAP"), "missing name or reason; state both with --by and --reason"),
        (("okx", "BTC-USDT-SWAP", "--all", *WHO), "exclude each other"),
        (("okx", "DOGE-USDT-SWAP", *WHO), "withheld contracts: BTC/USDT:USDT, ETH/USDT:USDT"),
        (("okex",), "okex"),
    ],
)
def test_a_wrong_request_is_one_line(place: Path, words: tuple[str, ...], message: str) -> None:
    result = accept(place, *words)
    assert result.exit_code == 2
    assert message in result.stderr
    assert len(result.stderr.splitlines()) == 1


def test_an_archive_that_does_not_exist_is_one_line(tmp_path: Path) -> None:
    result = accept(tmp_path / "none", "okx")
    assert result.exit_code == 2
    assert "there is no archive at" in result.stderr
    assert len(result.stderr.splitlines()) == 1
