"""Recordings claimed complete: a part of a list, and a list that lost much, are partial with a reason."""

import json
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from harmonize.archive.archive import Archive
from harmonize.cli.main import app
from harmonize.core.payload import Defect, Origin, Snapshot
from harmonize.document.rows import SnapshotAge, snapshot_row
from harmonize.history.venue_lists import VenueLists
from harmonize.transfer import export, importer
from harmonize.transfer.importer import ImportedSnapshot
from tests.harmonize.transfer.test_from_recordings import entry, folder
from tests.venues.test_completeness import numbered, payload, snapshot
from venues import completeness
from venues.adapter import Parsed

BYBIT = "GET https://api.bybit.com/v5/market/risk-limit?category=linear"
ALL = tuple(f"C{number:02}USDT" for number in range(10))


def tiers(*symbols: str, cursor: str = "") -> bytes:
    """A page of Bybit with one tier per symbol."""
    rows = [
        {
            "id": 1,
            "symbol": symbol,
            "riskLimitValue": "200000",
            "maintenanceMargin": "0.01",
            "initialMargin": "0.02",
            "isLowestRisk": 1,
            "maxLeverage": "50.00",
            "mmDeduction": "",
        }
        for symbol in symbols
    ]
    result = {"category": "linear", "list": rows, "nextPageCursor": cursor}
    return json.dumps({"retCode": 0, "retMsg": "OK", "result": result}).encode()


def recording(
    path: Path, time: str, pages: Sequence[tuple[str, bytes]], *, complete: bool = True
) -> Path:
    """A folder with one recording per page: its further parameters and its content."""
    manifest = [
        entry(
            f"bybit/{number}.json",
            f"{BYBIT}{params}",
            recorded_date_if_known=time,
            complete=complete,
        )
        for number, (params, _) in enumerate(pages)
    ]
    files = {f"bybit/{number}.json": content for number, (_, content) in enumerate(pages)}
    path.mkdir()
    return folder(path, manifest, files)


def imported(source: Path, to: Path) -> list[ImportedSnapshot]:
    """Imports a source into an archive, made if it is missing, and returns the imported snapshots."""
    archive = Archive.open_or_create(to)
    items = importer.import_snapshots(importer.open_source(source), archive, archive.append)
    return [item for item in items if isinstance(item, ImportedSnapshot)]


def night(tmp_path: Path, time: str, *symbols: str) -> ImportedSnapshot:
    """Imports the whole list of one night into the archive of the test."""
    name = time.replace(":", "")
    source = recording(tmp_path / name, time, [("", tiers(*symbols))])
    (item,) = imported(source, tmp_path / "archive")
    return item


def test_a_first_page_alone_is_partial_whatever_its_manifest_says(tmp_path: Path) -> None:
    first = tiers(*ALL[:1], cursor="first%3DX%26last%3DX")
    source = recording(tmp_path / "part", "2026-08-10", [("", first)])
    (item,) = imported(source, tmp_path / "archive")
    assert not item.snapshot.complete
    assert "leads to cursor=first%3DX%26last%3DX, which is missing" in item.partial_reason
    (stored,) = (Archive.open(tmp_path / "archive").read(e) for e in Archive.open(tmp_path / "archive").entries())  # fmt: skip
    assert stored == item.snapshot
    assert completeness.partial_reason(stored) == item.partial_reason
    assert [payload.content for payload in stored.payloads if payload.provenance.origin is not Origin.NOTE] == [first]  # fmt: skip
    (again,) = imported(source, tmp_path / "archive")
    assert not again.new


def test_all_pages_of_a_list_are_complete(tmp_path: Path) -> None:
    pages = [
        ("", tiers(*ALL[:1], cursor="first%3DX%26last%3DX")),
        ("&cursor=first%253DX%2526last%253DX", tiers(*ALL[1:])),
    ]
    (item,) = imported(recording(tmp_path / "all", "2026-08-10", pages), tmp_path / "archive")
    assert item.snapshot.complete
    assert item.partial_reason == ""
    assert item.parsed is not None
    assert len(item.parsed.schedules) == len(ALL)


def test_an_answer_to_a_narrower_question_is_partial(tmp_path: Path) -> None:
    pages = [(f"&symbol={ALL[0]}", tiers(ALL[0]))]
    (item,) = imported(recording(tmp_path / "one", "2026-08-10", pages), tmp_path / "archive")
    assert not item.snapshot.complete
    assert item.partial_reason.endswith(f"asked for symbol={ALL[0]} only")
    params = dict(item.snapshot.payloads[1].call.params)
    assert params == {"category": "linear", "symbol": ALL[0]}


def test_a_manifest_that_claims_nothing_needs_no_reason(tmp_path: Path) -> None:
    source = recording(
        tmp_path / "part", "2026-08-10", [("", tiers(*ALL[:1], cursor="x"))], complete=False
    )
    (item,) = imported(source, tmp_path / "archive")
    assert not item.snapshot.complete
    assert item.partial_reason == ""


def test_a_list_that_lost_much_is_believed_after_a_second_night(tmp_path: Path) -> None:
    assert night(tmp_path, "2026-08-01", *ALL).snapshot.complete
    shrunk = night(tmp_path, "2026-08-02T00:00:00Z", *ALL[:3])
    assert not shrunk.snapshot.complete
    assert shrunk.partial_reason.startswith("7 of 10 contracts of the last complete list are gone")
    assert not night(tmp_path, "2026-08-02T11:59:00Z", *ALL[:3]).snapshot.complete
    confirmed = night(tmp_path, "2026-08-03T00:00:00Z", *ALL[:3])
    assert confirmed.snapshot.complete
    assert confirmed.partial_reason == ""
    assert night(tmp_path, "2026-08-04", *ALL[:3]).snapshot.complete


def test_another_loss_and_a_first_page_confirm_nothing(tmp_path: Path) -> None:
    night(tmp_path, "2026-08-01", *ALL)
    part = recording(tmp_path / "part", "2026-08-02", [("", tiers(*ALL[:3], cursor="more"))])
    assert imported(part, tmp_path / "archive")[0].partial_reason
    assert not night(tmp_path, "2026-08-03", *ALL[:3]).snapshot.complete
    assert not night(tmp_path, "2026-08-04", *ALL[5:8]).snapshot.complete
    assert night(tmp_path, "2026-08-05", *ALL).snapshot.complete


def test_a_repeated_import_adds_nothing_even_if_it_would_be_judged_otherwise(
    tmp_path: Path,
) -> None:
    night(tmp_path, "2026-08-05", *ALL[:3])
    first = night(tmp_path, "2026-08-01", *ALL)
    assert first.snapshot.complete
    (again,) = imported(tmp_path / "2026-08-05", tmp_path / "archive")
    assert not again.new
    night(tmp_path, "2026-08-06", *ALL)
    assert not night(tmp_path, "2026-08-07", *ALL[:3]).snapshot.complete
    night(tmp_path, "2026-08-06T12:00:00Z", *ALL[:3])
    (again,) = imported(tmp_path / "2026-08-07", tmp_path / "archive")
    assert not again.new


def test_unreadable_rows_are_no_loss(tmp_path: Path) -> None:
    night(tmp_path, "2026-08-01", *ALL)
    content = json.loads(tiers(*ALL))
    for row in content["result"]["list"][:5]:
        row["riskLimitValue"] = "many"
    source = recording(tmp_path / "b", "2026-08-02", [("", json.dumps(content).encode())])
    (item,) = imported(source, tmp_path / "archive")
    assert item.parsed is not None
    assert len(item.parsed.schedules) == 5
    assert item.snapshot.complete


def test_a_night_without_a_readable_payload_hides_no_loss(tmp_path: Path) -> None:
    night(tmp_path, "2026-08-01", *ALL)
    truncated = recording(tmp_path / "b", "2026-08-02", [("", tiers(*ALL)[:-9])])
    (item,) = imported(truncated, tmp_path / "archive")
    assert item.partial_reason == ""
    assert not night(tmp_path, "2026-08-03", *ALL[:3]).snapshot.complete


def test_unreadable_rows_without_a_name_explain_no_loss_but_are_stated() -> None:
    lists = VenueLists(None, ())
    first = snapshot(payload("okx", "list", {}))
    assert lists.add(first, Parsed(tuple(numbered(10)), ())) is first
    second = replace(first, observed_at=first.observed_at + timedelta(days=1))
    nameless = Defect("okx", "list() at /data/0/instId", "expected text, found nothing")
    partial = lists.add(second, Parsed(tuple(numbered(5)), (nameless, nameless)))
    assert completeness.partial_reason(partial) == (
        "5 of 10 contracts of the last complete list are gone, such as C005, C006, C007; "
        "unreadable payloads or rows without a name: 2"
    )


def test_the_record_of_a_reason_is_no_source_of_a_snapshot(tmp_path: Path) -> None:
    night(tmp_path, "2026-08-01", *ALL)
    shrunk = night(tmp_path, "2026-08-02", *ALL[:3]).snapshot
    age = SnapshotAge("bybit", shrunk.observed_at, 0.0, stale=False)
    row = snapshot_row(shrunk, "digest", age)
    assert row.source == "recorded"
    assert [payload.origin for payload in row.payloads] == ["note", "recorded"]


@pytest.mark.parametrize("name", ["archive", "tar.tar", "files"])
def test_a_part_in_another_archive_is_marked_too(name: str, tmp_path: Path) -> None:
    part = recording(tmp_path / "part", "2026-08-02", [("", tiers(*ALL[:3], cursor="more"))])
    (item,) = imported(part, tmp_path / "first")
    claimed = Snapshot(
        "bybit", item.snapshot.observed_at, item.snapshot.payloads[1:], complete=True
    )
    write = export.to_payloads if name == "files" else export.to_archive
    write(tmp_path / name, [claimed])
    (again,) = imported(tmp_path / name, tmp_path / "second")
    assert again.snapshot == item.snapshot
    (repeated,) = imported(tmp_path / name, tmp_path / "second")
    assert not repeated.new


def test_the_command_tells_the_reason_and_diff_no_delisting(tmp_path: Path) -> None:
    def run(*arguments: str) -> Result:
        return CliRunner().invoke(app, ["--archive", str(tmp_path / "mine"), *arguments])

    first = recording(tmp_path / "a", "2026-08-09", [("", tiers(*ALL))])
    run("archive", "import", str(first))
    second = recording(tmp_path / "b", "2026-08-10", [("", tiers(*ALL[:1], cursor="x"))])
    result = run("archive", "import", str(second))
    assert result.exit_code == 0
    assert " partial " in result.stdout
    (line,) = result.stderr.splitlines()
    assert line.startswith("  partial: bybit: GET /v5/market/risk-limit: ")
    assert "leads to cursor=x, which is missing" in line
    assert run("diff", "2026-08-09", "2026-08-10").stdout.splitlines()[-1] == "no changes"
