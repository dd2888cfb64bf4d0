"""The command ``diff``: every observation between two days counts, not only the two ends."""

import csv
import json
from dataclasses import replace
from datetime import date, timedelta
from io import BytesIO, StringIO
from pathlib import Path
from typing import Any

import pytest
from openpyxl import load_workbook
from typer.testing import CliRunner, Result

from harmonize.api.changes import changes_between
from harmonize.api.question import Fallback, Question
from harmonize.archive.archive import Archive
from harmonize.archive.location import recorded_archive
from harmonize.cli.main import app
from tests.support import recorded
from tests.support.altered_snapshots import changed
from venues.exchanges import mexc

FF = ("diff", "2025-09-01", "2026-08-01", "--underlying", "FF")


def run(*arguments: str) -> Result:
    return CliRunner().invoke(app, arguments, catch_exceptions=False)


def answer_of(*arguments: str) -> Any:
    result = run(*arguments, "--format", "json")
    assert result.exit_code == 0, result.output
    return json.loads(result.stdout)


@pytest.fixture
def nights(tmp_path: Path) -> tuple[Path, date]:
    """MEXC over three nights: as recorded, twice the rate in the first tier, as recorded."""
    made = Archive.create(tmp_path / "archive")
    night = recorded.of_venue("mexc")[0]

    def doubled(document: Any) -> None:
        for tier in document["data"][0]["riskLimitCustom"]:
            tier["imr"], tier["mmr"] = tier["imr"] * 2, tier["mmr"] * 2

    for days, snapshot in enumerate((night, changed(night, mexc.DETAIL, doubled), night)):
        moved = tuple(
            replace(payload, observed_at=payload.observed_at + timedelta(days=days))
            for payload in snapshot.payloads
        )
        when = snapshot.observed_at + timedelta(days=days)
        made.append(replace(snapshot, observed_at=when, payloads=moved))
    return tmp_path / "archive", night.observed_at.date()


def test_a_rise_after_a_listing_within_the_span_is_a_change_of_its_own() -> None:
    answer = answer_of(*FF)
    assert [(x["kind"], x["after"][:10]) for x in answer["changes"]] == [
        *(("listed", "2025-10-02"), ("tighter", "2026-07-02")),
    ]
    steps = {step["notional"]: step for step in answer["changes"][1]["steps"]}
    assert (steps[1e6]["initial_before"], steps[1e6]["initial_after"]) == (40_000.0, 500_000.0)


def test_a_change_that_is_taken_back_within_the_span_is_reported_twice(
    nights: tuple[Path, date],
) -> None:
    path, first = nights
    span = (first.isoformat(), (first + timedelta(days=2)).isoformat())
    answer = answer_of("--archive", str(path), "diff", *span, "--notional", "250k")
    assert [x["kind"] for x in answer["changes"]] == ["tighter", "looser"]
    up, down = (x["steps"][0] for x in answer["changes"])
    assert up["notional"] == 250e3
    assert up["initial_after"] == pytest.approx(2 * up["initial_before"])
    assert (down["initial_before"], down["initial_after"]) == (
        *(up["initial_after"], up["initial_before"]),
    )
    only_first = answer_of(
        "--archive", str(path), "diff", span[0], (first + timedelta(days=1)).isoformat()
    )
    assert [x["kind"] for x in only_first["changes"]] == ["tighter"]


def test_the_envelope_states_version_days_and_how_many_there_are() -> None:
    options = ("diff", "2025-09-01", "2026-08-01", "--venue", "binance", "--kind", "tighter")
    answer = answer_of(*options, "--sort", "largest", "--top", "2")
    assert answer["schema_version"] == "1.0"
    assert (answer["from"], answer["to"]) == ("2025-09-01", "2026-08-01")
    assert len(answer["changes"]) == 2
    assert answer["total"] > 100
    rises = [max(m["largest_rise"] for m in x["moved"]) for x in answer["changes"]]
    assert rises == sorted(rises, reverse=True)
    text = run(*options, "--sort", "largest", "--top", "2").stdout
    assert text.startswith("from 2025-09-01 to 2026-08-01, read from the recorded archive")
    assert "more changes; use a larger --top\n" in text


def test_csv_and_workbook_have_the_same_rows(tmp_path: Path) -> None:
    rows = list(csv.DictReader(StringIO(run(*FF, "--format", "csv").stdout)))
    assert [row["kind"] for row in rows] == ["listed", "tighter", "tighter"]
    assert float(rows[1]["largest_rise"]) == pytest.approx(11.5)
    path = tmp_path / "changes.xlsx"
    assert run(*FF, "--format", "xlsx", "--output", str(path)).exit_code == 0
    sheet = load_workbook(BytesIO(path.read_bytes()))["Changes"]
    assert sheet.max_row == len(rows) + 1
    assert [cell.value for cell in sheet[1]] == list(rows[0])


def test_an_unknown_kind_suggests_one() -> None:
    result = run(*FF, "--kind", "tigther")
    assert result.exit_code == 2
    assert result.stderr == (
        "error: --kind: unknown kind of change 'tigther'; did you mean tighter?\n"
    )


def test_a_venue_of_the_own_archive_is_not_read_twice(tmp_path: Path) -> None:
    """The recorded archive has the same observations, and a listing before them."""
    made = Archive.create(tmp_path / "archive")
    with recorded_archive() as path:
        source = Archive.open(path)
        entries = [x for x in source.entries() if x.venue == "binance" and x.complete]
        for entry in sorted(entries, key=lambda x: x.observed_at)[-2:]:
            made.append(source.read(entry), imported=True)
    question = Question(
        archive=tmp_path / "archive", fallback=Fallback.RECORDED, underlyings=("FF",)
    )
    answer = changes_between(question, date(2025, 12, 31), date(2026, 8, 1))
    assert [x.kind.value for x in answer.changes] == ["tighter"]
