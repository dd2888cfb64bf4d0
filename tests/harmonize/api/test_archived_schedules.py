"""The reason why an archive without schedules answers no question about margins."""

from datetime import UTC, date, datetime
from pathlib import Path

import pytest
from typer.testing import CliRunner

from harmonize.api.adequacy import judge_adequacy
from harmonize.api.archived_schedules import without_schedules
from harmonize.api.errors import NotObservedError
from harmonize.api.question import Fallback, Question
from harmonize.archive.archive import Archive
from harmonize.cli.main import app
from harmonize.core.payload import PRICES, Origin, Provenance, Snapshot
from harmonize.market.candle_codec import payloads_of
from tests.harmonize.market.small import series
from tests.support.recorded import snapshots

PROVENANCE = Provenance(Origin.RECORDED, "test", "close of the last candle")


@pytest.fixture
def prices(tmp_path: Path) -> Path:
    """An archive that holds candles and nothing else."""
    payloads = tuple(payloads_of(series([1.0, 2.0, 1.5]), PROVENANCE))
    snapshot = Snapshot(PRICES, datetime(2024, 1, 4, tzinfo=UTC), payloads, complete=False)
    Archive.create(tmp_path / "prices").append(snapshot)
    return tmp_path / "prices"


@pytest.mark.parametrize("arguments", [(), ("binance",), ("--underlying", "BTC")])
def test_an_archive_of_prices_says_that_it_holds_no_schedules(
    prices: Path, arguments: tuple[str, ...]
) -> None:
    command = ["--archive", str(prices), "adequacy", *arguments]
    result = CliRunner().invoke(app, command, catch_exceptions=False)
    assert result.exit_code == 3
    assert result.stderr == (
        f"error: the archive {prices} holds no schedules; remove --archive to use the recorded ones, "
        "or run `harmonize fetch`\n"
    )


def test_schedules_of_a_later_day_are_named_with_the_day(prices: Path) -> None:
    snapshot = snapshots()[0]
    Archive.open(prices).append(snapshot)
    first = snapshot.observed_at.date()
    assert first > date(2020, 1, 1)
    early = Question(archive=prices, fallback=Fallback.NONE, as_of=date(2020, 1, 1))
    assert without_schedules(early) == (
        f"the archive {prices} holds no schedule observed by 2020-01-01; use --as-of from {first} on"
    )
    late = Question(archive=prices, fallback=Fallback.NONE, as_of=first)
    assert without_schedules(late) == ""


def test_an_error_about_a_venue_among_others_keeps_its_reason(prices: Path) -> None:
    Archive.open(prices).append(snapshots()[0])
    question = Question(venues=("deribit",), archive=prices, fallback=Fallback.NONE)
    with pytest.raises(NotObservedError, match="venue deribit: no schedule was observed"):
        judge_adequacy(question)


def test_the_recorded_archive_supplies_schedules_beside_prices(prices: Path) -> None:
    assert without_schedules(Question(archive=prices, fallback=Fallback.RECORDED)) == ""
    assert without_schedules(Question()) == ""
