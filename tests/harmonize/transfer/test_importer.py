"""Export and import: nothing is lost, nothing is duplicated, no source is trusted."""

import io
import json
import os
import shutil
import tarfile
import tempfile
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harmonize.archive.archive import Archive
from harmonize.core.payload import Call, Origin, Payload, Provenance, Snapshot
from harmonize.core.schedule import Known, Unknown
from harmonize.transfer import export, importer
from harmonize.transfer.source import SkippedItem, UnreadableSourceError
from tests.support.recorded import of_venue, snapshots
from venues import facts, registry

TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=8)
TIMES = st.datetimes(timezones=st.just(UTC))


@st.composite
def any_snapshot(draw: st.DrawFn) -> Snapshot:
    """Draws a snapshot of one venue with arbitrary calls, bytes and texts."""
    venue = draw(TEXT)

    def payload() -> Payload:
        call = Call(draw(TEXT), tuple(draw(st.lists(st.tuples(TEXT, TEXT), max_size=2))))
        provenance = Provenance(draw(st.sampled_from(Origin)), draw(TEXT), draw(TEXT), draw(TEXT))
        return Payload.of(venue, call, draw(TIMES), provenance, draw(st.binary(max_size=20)))

    payloads = tuple(payload() for _ in range(draw(st.integers(0, 3))))
    return Snapshot(venue, draw(TIMES), payloads, draw(st.booleans()))


def import_from(
    path: Path, before: Archive | None = None
) -> tuple[list[Snapshot], list[SkippedItem]]:
    """Returns the snapshots that an import would append, and the excluded items."""
    added: list[Snapshot] = []
    items = list(importer.import_snapshots(importer.open_source(path), before, added.append))
    return added, [item for item in items if isinstance(item, SkippedItem)]


WRITERS: dict[str, Callable[[Path, list[Snapshot]], int]] = {
    "folder": export.to_archive,
    "packed.tar": export.to_archive,
    "payloads": export.to_payloads,
}


@pytest.mark.parametrize("name", WRITERS)
@settings(max_examples=25)
@given(observed=st.lists(any_snapshot(), max_size=3, unique=True))
def test_an_export_and_import_preserves_every_snapshot(name: str, observed: list[Snapshot]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        to = Path(folder) / name
        assert WRITERS[name](to, observed) == len(observed)
        assert import_from(to) == (observed, [])


@pytest.mark.parametrize("name", WRITERS)
def test_a_second_import_adds_only_missing_snapshots(name: str, tmp_path: Path) -> None:
    exported = list(snapshots()[:6])
    WRITERS[name](tmp_path / name, exported)
    archive = Archive.create(tmp_path / "archive")
    for snapshot in (exported[3], exported[0], snapshots()[10]):
        archive.append(snapshot)
    missing = [exported[1], exported[2], exported[4], exported[5]]
    assert import_from(tmp_path / name, archive) == (missing, [])
    for snapshot in missing:
        archive.append(snapshot)
    assert import_from(tmp_path / name, archive) == ([], [])


def test_a_snapshot_with_one_difference_is_a_new_snapshot(tmp_path: Path) -> None:
    original = snapshots()[0]
    first = original.payloads[0]
    changed_provenance = replace(first.provenance, dating="another")
    altered = [
        replace(original, payloads=(payload, *original.payloads[1:]))
        for payload in (
            Payload.of(original.venue, first.call, first.observed_at, first.provenance, b"{}"),
            replace(first, provenance=changed_provenance),
        )
    ]
    archive = Archive.create(tmp_path / "archive")
    archive.append(original)
    export.to_archive(tmp_path / "others", [altered[0], original, altered[1], altered[0]])
    assert import_from(tmp_path / "others", archive) == (altered, [])


def test_a_tar_is_reproducible_and_its_archive_intact(tmp_path: Path) -> None:
    exported = snapshots()[:3]
    for name in ("one.tar", "two.tar"):
        export.to_archive(tmp_path / name, exported)
    assert (tmp_path / "one.tar").read_bytes() == (tmp_path / "two.tar").read_bytes()
    with tarfile.open(tmp_path / "one.tar", "r:") as tar:
        assert tar.getnames() == sorted(tar.getnames())
        assert {(info.mtime, info.uid, info.gid, info.uname) for info in tar} == {(0, 0, 0, "")}
        tar.extractall(tmp_path / "out")  # noqa: S202 - our own, and early 3.11 knows no filter
    assert Archive.open(tmp_path / "out").verify() == ()


def test_a_folder_packed_by_hand_is_read_too(tmp_path: Path) -> None:
    export.to_archive(tmp_path / "mine", snapshots()[:2])
    with tarfile.open(tmp_path / "by_hand.tar", "w:") as tar:
        tar.add(tmp_path / "mine", "mine")
    assert import_from(tmp_path / "by_hand.tar") == (list(snapshots()[:2]), [])


def test_entries_are_selected_by_venue_and_inclusive_dates(tmp_path: Path) -> None:
    export.to_archive(tmp_path / "archive", snapshots()[:8])
    entries = Archive.open(tmp_path / "archive").entries()
    days = [entry.observed_at.date() for entry in entries]
    selection = export.select_entries(entries, (), days[2], days[5])
    assert [entry.sequence for entry in selection] == [3, 4, 5, 6]
    assert {entry.venue for entry in export.select_entries(entries, {"bitget"})} == {"bitget"}
    assert export.select_entries(entries, (), date(2099, 1, 1)) == ()


def test_an_export_that_fails_leaves_nothing(tmp_path: Path) -> None:
    def broken() -> Iterator[Snapshot]:
        yield snapshots()[0]
        raise RuntimeError

    with pytest.raises(RuntimeError):
        export.to_archive(tmp_path / "new", broken())
    assert list(tmp_path.iterdir()) == []
    (tmp_path / "there").mkdir()
    with pytest.raises(export.ExportError, match="already exists; use another path"):
        export.to_payloads(tmp_path / "there", snapshots()[:1])


def member(name: str, content: bytes = b"", **fields: object) -> tuple[tarfile.TarInfo, bytes]:
    info = tarfile.TarInfo(name)
    info.size = len(content)
    for key, value in fields.items():
        setattr(info, key, value)
    return info, content


HOSTILE = {
    "a way out": (member("../../evil", b"x"), "'../../evil' is not part of an archive"),
    "a way out behind a known name": (
        member("packs/../../evil", b"x"),
        "is not part of an archive",
    ),
    "an absolute name": (member("/etc/passwd", b"x"), "is not part of an archive"),
    "a stranger": (member("notes.txt", b"x"), "'notes.txt' is not part of an archive"),
    "a link": (
        member("manifests/00000009.json", type=tarfile.SYMTYPE, linkname="/etc/passwd"),
        "is not a regular file",
    ),
    "a hard link": (
        member("manifests/00000009.json", type=tarfile.LNKTYPE, linkname="format.json"),
        "is not a regular file",
    ),
    "a pipe": (member("format.json", type=tarfile.FIFOTYPE), "is not a regular file"),
    "a folder outside": (member("../out", type=tarfile.DIRTYPE), "is not part of an archive"),
    "the same name twice": (member("format.json", b"x"), "appears twice"),
}


@pytest.mark.parametrize("case", HOSTILE)
def test_a_tar_with_foreign_members_is_refused_and_writes_nothing(
    case: str, tmp_path: Path
) -> None:
    (info, content), message = HOSTILE[case]
    path = tmp_path / "deep" / "deeper" / "packed.tar"
    export.to_archive(path, snapshots()[:1])
    with tarfile.open(path, "a:") as tar:
        tar.addfile(info, io.BytesIO(content))
    with pytest.raises(UnreadableSourceError, match=r"packed\.tar: member .*; ") as raised:
        import_from(path)
    assert message in str(raised.value)
    assert "\n" not in str(raised.value)
    assert [file.name for file in tmp_path.rglob("*") if file.is_file()] == ["packed.tar"]


def test_an_oversized_member_is_refused_before_it_is_read(
    tmp_path: Path,
) -> None:
    info, _ = member("manifests/00000001.json", size=10 * 2**30)
    path = tmp_path / "large.tar"
    path.write_bytes(info.tobuf(tarfile.GNU_FORMAT) + bytes(10 * 1024))
    with pytest.raises(UnreadableSourceError, match="has 10737418240 bytes; the limit is"):
        import_from(path)


def test_a_truncated_tar_is_refused(tmp_path: Path) -> None:
    whole = tmp_path / "whole.tar"
    export.to_archive(whole, snapshots()[:1])
    content = whole.read_bytes()
    cut = tmp_path / "cut.tar"
    for size in (*range(512, len(content) - 10240, 997), *range(512, len(content) - 10240, 1024)):
        cut.write_bytes(content[:size])
        try:
            added, left_out = import_from(cut)
        except UnreadableSourceError as error:
            assert str(cut) in str(error)  # noqa: PT017 - either outcome tells
        else:
            assert not added
            assert left_out[0].is_unreadable


def test_a_tar_truncated_between_two_manifests_is_refused(tmp_path: Path) -> None:
    export.to_archive(tmp_path / "archive", snapshots()[:2])
    path = tmp_path / "packed.tar"
    with tarfile.open(path, "w:") as tar:
        for name in ("packs", "format.json", "manifests"):
            tar.add(tmp_path / "archive" / name, name)
    with tarfile.open(path, "r:") as tar:
        last = tar.getmember("manifests/00000002.json").offset
    content = path.read_bytes()
    path.write_bytes(content[:last])
    with pytest.raises(
        UnreadableSourceError, match=r"packed\.tar: is truncated: .*; copy it again"
    ):
        import_from(path)


def test_a_damaged_snapshot_is_reported_and_the_others_are_imported(tmp_path: Path) -> None:
    export.to_archive(tmp_path / "archive", snapshots()[:3])
    pack = min((tmp_path / "archive" / "packs").iterdir())
    pack.write_bytes(pack.read_bytes()[:-1])
    added, (skipped,) = import_from(tmp_path / "archive")
    assert len(added) == 2
    assert skipped.is_unreadable
    assert str(pack) in skipped.reason


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (None, "No such file or directory"),
        (b"", "unknown kind of source; use an archive"),
        (b"PAR1 and nothing else", "cannot be read as a Parquet table"),
        (b"hello", "unknown kind of source"),
    ],
)
def test_an_unknown_source_is_reported_in_one_line(
    content: bytes | None, message: str, tmp_path: Path
) -> None:
    path = tmp_path / "source"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(UnreadableSourceError) as raised:
        import_from(path)
    assert str(path) in str(raised.value)
    assert message in str(raised.value)
    assert "\n" not in str(raised.value)


# A table of tiers

ROW = {
    "observed": "2024-01-01",
    "commit": "c0ffee",
    "symbol": "BTC/USDT:USDT",
    "tier": 1,
    "min_notional": 0.0,
    "max_notional": 50000.0,
    "maintenance_margin_rate": 0.004,
    "max_leverage": 125.0,
    "deduction": 0.0,
}


def tiers(path: Path, *rows: Mapping[str, object]) -> Path:
    pd.DataFrame([{**ROW, **row} for row in rows]).to_parquet(path)
    return path


def test_a_row_becomes_a_bracket_with_the_keys_of_the_venue(tmp_path: Path) -> None:
    path = tiers(
        tmp_path / "tiers",
        {
            "tier": 2,
            "min_notional": 5e4,
            "max_notional": 2.0**63,
            "max_leverage": 100.0,
            "deduction": 67.5,
        },
        {},
        {"symbol": "ETH/BUSD", "maintenance_margin_rate": float("nan")},
    )
    (snapshot,), left_out = import_from(path)
    assert left_out == []
    assert snapshot.payloads[0].content == (
        b'[{"symbol":"BTCUSDT","brackets":['
        b'{"bracket":1,"initialLeverage":125,"notionalCap":50000,"notionalFloor":0,"maintMarginRatio":0.004,"cum":0},'
        b'{"bracket":2,"initialLeverage":100,"notionalCap":9223372036854775807,"notionalFloor":50000,"maintMarginRatio":0.004,"cum":67.5}]},'
        b'{"symbol":"ETHBUSD","brackets":['
        b'{"bracket":1,"initialLeverage":125,"notionalCap":50000,"notionalFloor":0,"cum":0}]}]'
    )
    assert snapshot.observed_at == datetime(2024, 1, 1, tzinfo=UTC)
    assert snapshot.complete
    assert "c0ffee" in snapshot.payloads[0].provenance.source
    assert snapshot.payloads[0].provenance.origin is Origin.RECORDED


def test_without_maintenance_rates_the_initial_margin_alone_is_known(tmp_path: Path) -> None:
    missing = {"maintenance_margin_rate": float("nan"), "deduction": 75.0}
    (snapshot,), _ = import_from(tiers(tmp_path / "tiers", missing))
    parsed = registry.parse([snapshot], facts.bundled())
    (schedule,) = parsed.schedules
    assert parsed.defects == ()
    assert isinstance(schedule.initial, Known)
    reason = "the recording has no maintenance rates for this contract"
    assert schedule.maintenance == Unknown(reason)


def test_a_live_response_without_a_maintenance_rate_is_a_defect(tmp_path: Path) -> None:
    (snapshot,), _ = import_from(
        tiers(tmp_path / "tiers", {"maintenance_margin_rate": float("nan")})
    )
    payload = snapshot.payloads[0]
    live = replace(payload, provenance=replace(payload.provenance, origin=Origin.LIVE))
    parsed = registry.parse([replace(snapshot, payloads=(live,))], facts.bundled())
    assert any("/maintMarginRatio" in defect.where for defect in parsed.defects)


def test_excluded_rows_are_counted_by_reason(tmp_path: Path) -> None:
    path = tiers(
        tmp_path / "tiers",
        {},
        {},
        {"symbol": "BTCUSDT_220325"},
        {"symbol": "LENDUSDT"},
        {"symbol": "BTC/USDT:USDT-240628"},
        {"symbol": "BTC/USD:BTC"},
        {"symbol": "BTC/USDT:USDT-28JUN24"},
    )
    (snapshot,), left_out = import_from(path)
    assert [(item.count, item.reason.partition(":")[0]) for item in left_out] == [
        (1, "duplicate of another row"),
        (1, "neither a ccxt symbol nor a contract name of the venue"),
        (1, "settlement currency differs from quote currency"),
    ]
    assert [contract["symbol"] for contract in json.loads(snapshot.payloads[0].content)] == [
        "BTCUSDT",
        "BTCUSDT_220325",
        "BTCUSDT_240628",
        "LENDUSDT",
    ]


@pytest.mark.parametrize(
    ("second", "message"),
    [
        (
            {"tier": 2, "min_notional": 6e4, "max_notional": 1e5, "deduction": 0.0},
            "gap between tiers",
        ),
        (
            {"tier": 2, "min_notional": 4e4, "max_notional": 1e5, "deduction": 0.0},
            "overlap between tiers",
        ),
        ({"max_leverage": 20.0}, "expected tier 2, found 1"),
    ],
)
def test_contradictory_rows_are_kept_and_reported_by_the_parser(
    second: dict[str, object], message: str, tmp_path: Path
) -> None:
    (snapshot,), left_out = import_from(tiers(tmp_path / "tiers", {}, second))
    assert left_out == []
    parsed = registry.parse([snapshot], facts.bundled())
    reasons = [defect.reason for defect in parsed.defects]
    reasons += [
        schedule.initial.reason
        for schedule in parsed.schedules
        if isinstance(schedule.initial, Unknown)
    ]
    assert any(message in reason for reason in reasons), reasons


def test_a_table_of_a_day_to_come_is_refused(tmp_path: Path) -> None:
    path = tiers(tmp_path / "table", {"observed": "2099-01-01"})
    problem = "observed: 2099-01-01 is later than the import, 2026-11-30; correct it"
    with pytest.raises(UnreadableSourceError, match=problem):
        list(importer.open_source(path, lambda: datetime(2026, 11, 30, tzinfo=UTC)).items)


def test_a_table_with_other_columns_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "table"
    pd.DataFrame({"observed": ["2024-01-01"], "close": [1.0]}).to_parquet(path)
    with pytest.raises(UnreadableSourceError, match="missing columns commit, symbol, tier"):
        import_from(path)
    with pytest.raises(
        UnreadableSourceError, match="expected text in observed, commit and symbol and numbers"
    ):
        import_from(tiers(path, {"tier": "one"}))
    with pytest.raises(
        UnreadableSourceError, match="expected a day such as 2022-02-12, found 'soon'"
    ):
        import_from(tiers(path, {"observed": "soon"}))


# A folder of payloads


@pytest.fixture
def payloads(tmp_path: Path) -> Path:
    export.to_payloads(tmp_path / "payloads", [of_venue("mexc")[0], of_venue("gate")[0]])
    return tmp_path / "payloads"


def test_payload_files_have_safe_names_and_unchanged_content(tmp_path: Path) -> None:
    original = of_venue("mexc")[0]
    hostile = replace(original.payloads[0], call=Call("../../etc/passwd"), venue="..")
    export.to_payloads(
        tmp_path / "out", [Snapshot("..", original.observed_at, (hostile,), complete=True)]
    )
    (file,) = (path for path in (tmp_path / "out").rglob("*.json") if path.name != "MANIFEST.json")
    assert file.relative_to(tmp_path / "out").parts[0] == "__"
    assert file.read_bytes() == hostile.content


def rewrite_manifest(
    folder: Path, edit: Callable[[dict[str, list[dict[str, list[dict[str, object]]]]]], None]
) -> None:
    path = folder / "MANIFEST.json"
    manifest = json.loads(path.read_text(encoding="utf-8"))
    edit(manifest)
    path.write_text(json.dumps(manifest), encoding="utf-8")


@pytest.mark.parametrize("name", ["../../etc/passwd", "/etc/passwd", "a\\..\\b", "", "c:/x"])
def test_a_manifest_that_points_outside_is_not_followed(name: str, payloads: Path) -> None:
    rewrite_manifest(
        payloads, lambda manifest: manifest["snapshots"][0]["payloads"][0].update(file=name)
    )
    added, (skipped,) = import_from(payloads)
    assert len(added) == 1
    assert skipped.is_unreadable
    assert "is not a file inside the folder; correct the name" in skipped.reason


def test_a_missing_linked_or_altered_file_is_reported(payloads: Path) -> None:
    file = next(path for path in sorted(payloads.rglob("*.json")) if path.name != "MANIFEST.json")
    content = file.read_bytes()
    for damage, message in (
        (lambda: file.write_bytes(content + b" "), "was altered"),
        (file.unlink, "missing; add it"),
        (lambda: file.symlink_to("/etc/passwd"), "is a link; replace it by the file"),
    ):
        damage()
        added, (skipped,) = import_from(payloads)
        assert len(added) == 1
        assert message in skipped.reason
        assert str(file) in skipped.reason
    file.unlink()
    folder = file.parent
    shutil.move(folder, folder.with_name("elsewhere"))
    folder.symlink_to(folder.with_name("elsewhere"))
    assert all(skipped.is_unreadable for skipped in import_from(payloads)[1])


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[", "is not JSON"),
        ('"words"', "expected a list of recordings, or"),
        ('{"files": {}}', "expected a list of recordings, or"),
        ("[]", "lists no recording; add an entry per file"),
        ('{"files": []}', "lists no recording; add an entry per file"),
        ('[{"file": "a", "file": "b"}]', "the key 'file' appears twice in one object; correct it"),
        ('{"format": "harmonize payloads 1"}', 'expected a list "snapshots"'),
        ("[" * 200_000, "is not JSON"),
    ],
)
def test_an_invalid_manifest_is_reported_in_one_line(
    text: str, message: str, tmp_path: Path
) -> None:
    (tmp_path / "MANIFEST.json").write_text(text, encoding="utf-8")
    with pytest.raises(UnreadableSourceError) as raised:
        import_from(tmp_path)
    assert message in str(raised.value)
    assert str(tmp_path) in str(raised.value)
    assert "\n" not in str(raised.value)


def test_a_source_that_is_no_regular_file_is_not_opened(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    for path in (tmp_path / "pipe", Path("/dev/zero")):
        with pytest.raises(UnreadableSourceError, match="is not a regular file; replace it"):
            import_from(path)


def test_a_snapshot_with_an_altered_record_is_reported(payloads: Path) -> None:
    for edit in (
        lambda manifest: manifest["snapshots"][0].pop("venue"),
        lambda manifest: manifest["snapshots"][0].update(complete="yes", venue="mexc"),
        lambda manifest: manifest["snapshots"].__setitem__(0, 7),
    ):
        rewrite_manifest(payloads, edit)
        added, (skipped,) = import_from(payloads)
        assert len(added) == 1
        assert "snapshot 0 was altered" in skipped.reason
