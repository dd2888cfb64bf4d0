import errno
import hashlib
import json
import os
import random
import shutil
import sys
import tempfile
import tracemalloc
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import datetime, timedelta, timezone
from itertools import chain, combinations, groupby
from pathlib import Path
from types import FrameType
from typing import Any

import pytest
import zstandard
from hypothesis import given, settings
from hypothesis import strategies as st

import venues
from harmonize.archive.archive import Archive, ArchiveError
from harmonize.archive.catalog import Entry, latest
from harmonize.archive.manifest import MAX_BYTES
from harmonize.archive.storage import DISK
from harmonize.core.payload import Call, Snapshot
from tests.support.archives import (
    NOON,
    Killed,
    Step,
    faulty_objects,
    later,
    on_disk,
    pack_of,
    path_of,
    recording_disk,
    rewrite,
    sealed,
    snapshot,
    snapshots,
    tree,
)


@pytest.fixture
def archive(tmp_path: Path) -> Archive:
    """Three snapshots of two venues."""
    filled = Archive.create(tmp_path / "archive")
    for observed in (snapshot(0), snapshot(1, "bybit", payloads=1), snapshot(2)):
        filled.append(observed)
    return filled


# What goes in comes out


@given(st.lists(snapshots(), min_size=1, max_size=3))
@settings(max_examples=60)
def test_an_appended_snapshot_reads_back_unchanged(observed: list[Snapshot]) -> None:
    with tempfile.TemporaryDirectory() as directory:
        Archive.create(Path(directory) / "a")
        appended = [Archive.open(Path(directory) / "a").append(snapshot) for snapshot in observed]
        reopened = Archive.open(Path(directory) / "a")
        assert reopened.entries() == tuple(dict.fromkeys(appended))  # twice in a row is once
        assert [reopened.read(entry) for entry in reopened.entries()] == [
            snapshot for snapshot, _ in groupby(observed)
        ]
        assert reopened.verify() == ()


def test_an_entry_describes_a_snapshot_without_its_payloads(archive: Archive) -> None:
    files = tree(path_of(archive))
    entry = archive.entries()[1]
    assert (entry.sequence, entry.venue, entry.complete, entry.payloads) == (2, "bybit", True, 1)
    assert entry.observed_at == NOON + timedelta(days=1)
    assert entry.digest == hashlib.sha256(files["manifests/00000002.json"]).hexdigest()
    pack = json.loads(files["manifests/00000002.json"])["pack"]["sha256"]
    assert entry.size == len(files[f"packs/{pack}.zst"])


def test_the_files_are_laid_out_as_the_docstring_says(archive: Archive) -> None:
    files = tree(path_of(archive))
    assert files["format.json"] == b'{"format": 2}\n'
    before = ""
    for number, day in ((1, snapshot(0)), (2, snapshot(1, "bybit", payloads=1)), (3, snapshot(2))):
        content = files.pop(f"manifests/{number:08}.json")
        manifest = json.loads(content)
        assert (manifest["sequence"], manifest["previous"]) == (number, before)
        before = hashlib.sha256(content).hexdigest()
        pack = files.pop(f"packs/{manifest['pack']['sha256']}.zst")
        assert hashlib.sha256(pack).hexdigest() == manifest["pack"]["sha256"]
        body = zstandard.ZstdDecompressor().decompress(pack)
        assert body == b"".join(payload.content for payload in day.payloads)
        for record, payload in zip(manifest["payloads"], day.payloads, strict=True):
            assert body[record["offset"] :][: record["length"]] == payload.content
            assert record["sha256"] == hashlib.sha256(payload.content).hexdigest()
            assert record["params"] == [["instType", "SWAP"], list(payload.call.params[1])]
            assert record["provenance"]["origin"] == "live"
        assert content == sealed(manifest)
    assert set(files) == {"format.json"}


def test_the_same_snapshots_give_the_same_bytes(archive: Archive, tmp_path: Path) -> None:
    other = Archive.create(tmp_path / "elsewhere" / "deep")
    for entry in archive.entries():
        other.append(archive.read(entry))
    assert tree(path_of(other)) == tree(path_of(archive))


def test_400_similar_payloads_take_little_room_together(tmp_path: Path) -> None:
    many = snapshot(payloads=400)
    entry = Archive.create(tmp_path / "a").append(many)
    assert entry.payloads == 400
    assert entry.size < sum(len(payload.content) for payload in many.payloads) / 8


def test_a_snapshot_without_payloads_can_be_archived(tmp_path: Path) -> None:
    archive = Archive.create(tmp_path / "a")
    empty = Snapshot("okx", NOON, (), complete=False)
    assert archive.read(archive.append(empty)) == empty
    assert archive.verify() == ()


def test_equal_payloads_share_one_pack(archive: Archive) -> None:
    before = set(tree(path_of(archive)))
    archive.append(later(snapshot(2)))
    assert set(tree(path_of(archive))) - before == {"manifests/00000004.json"}
    assert archive.verify() == ()


def test_the_archive_that_ships_with_the_package_is_intact() -> None:
    archive = Archive.open(Path(venues.__path__[0]) / "recorded" / "archive")
    assert archive.verify() == ()
    assert [archive.read(entry).venue for entry in archive.entries()]


# Damage shows


def test_every_changed_byte_is_detected(archive: Archive) -> None:
    files = tree(path_of(archive))
    chance = random.Random(20250301)  # noqa: S311 - a repeatable choice, not a secret
    for _ in range(2000):
        name, content = chance.choice(list(files.items()))
        damaged = bytearray(content)
        damaged[chance.randrange(len(content))] ^= chance.randrange(1, 256)
        (path_of(archive) / name).write_bytes(damaged)
        assert name in faulty_objects(archive)
        (path_of(archive) / name).write_bytes(content)
    assert archive.verify() == ()


def test_every_removed_and_added_byte_is_detected(archive: Archive) -> None:
    for name, content in tree(path_of(archive)).items():
        shorter = (content[:end] for end in range(0, len(content), 7))
        for damaged in chain(
            shorter, (content[:-1], content + b"\0", content + b"\n", content * 2)
        ):
            (path_of(archive) / name).write_bytes(damaged)
            assert name in faulty_objects(archive)
        (path_of(archive) / name).write_bytes(content)
    assert archive.verify() == ()


def test_every_missing_object_is_detected(archive: Archive) -> None:
    newest = "manifests/00000003.json"
    for name, content in tree(path_of(archive)).items():
        (path_of(archive) / name).unlink()
        expected = pack_of(archive, content) if name == newest else name
        assert expected in faulty_objects(archive)
        (path_of(archive) / name).write_bytes(content)


def test_two_swapped_objects_are_both_reported(archive: Archive) -> None:
    for folder in ("manifests", "packs"):
        for first, second in combinations(sorted((path_of(archive) / folder).iterdir()), 2):
            first_content, second_content = first.read_bytes(), second.read_bytes()
            first.write_bytes(second_content)
            second.write_bytes(first_content)
            assert {f"{folder}/{first.name}", f"{folder}/{second.name}"} <= faulty_objects(archive)
            first.write_bytes(first_content)
            second.write_bytes(second_content)


def test_a_duplicate_sequence_is_reported(archive: Archive) -> None:
    shutil.copy(
        path_of(archive) / "manifests/00000001.json", path_of(archive) / "manifests/00000004.json"
    )
    assert faulty_objects(archive) == {"manifests/00000004.json"}
    with pytest.raises(ArchiveError, match=r"00000004\.json: expected sequence 4, found 1"):
        archive.entries()


def test_a_manifest_replaced_by_a_valid_one_breaks_the_chain(archive: Archive) -> None:
    rewrite(archive, 2, lambda manifest: manifest.update(complete=False))
    assert faulty_objects(archive) == {"manifests/00000003.json"}
    with pytest.raises(ArchiveError, match="does not follow the previous manifest"):
        archive.entries()


def test_a_gap_of_any_width_is_reported_once(archive: Archive) -> None:
    manifests = path_of(archive) / "manifests"
    (manifests / "00000002.json").rename(manifests / "99999999.json")
    problems = {problem.where: problem.what for problem in archive.verify()}
    assert problems["manifests/00000002.json"] == "is missing"
    assert problems["manifests/00000004.json"] == "is missing, and so are all up to 99999998"
    with pytest.raises(ArchiveError, match=r"00000002\.json: is missing$"):
        archive.entries()


@pytest.mark.parametrize(
    "name",
    [
        "packs/notes.txt",
        "packs/" + "a" * 63 + ".zst",
        "packs/" + "A" * 64 + ".zst",
        "packs/" + "a" * 64 + ".zst",
        "manifests/4.json",
        "manifests/00000000.json",
        "manifests/000000004.json",
        "manifests/٠٠٠٠٠٠٠٤.json",
    ],
)
def test_a_foreign_file_is_reported(archive: Archive, name: str) -> None:
    (path_of(archive) / name).write_bytes(b"?")
    assert faulty_objects(archive) == {name}
    assert len(archive.entries()) == 3


def test_a_temporary_file_is_ignored(archive: Archive) -> None:
    (path_of(archive) / "packs" / "0123456789abcdef.tmp").write_bytes(b"half a pa")
    (path_of(archive) / "manifests" / "0123456789abcdef.tmp").write_bytes(b"")
    assert archive.verify() == ()


def make_directory(path: Path) -> None:
    path.mkdir()


def make_symlink(path: Path) -> None:
    target = path.parent.parent / path.name
    target.write_bytes(b"")
    path.symlink_to(target)


def make_pipe(path: Path) -> None:
    os.mkfifo(path)


def make_giant(path: Path) -> None:
    with path.open("wb") as file:
        file.truncate(MAX_BYTES + 1)


@pytest.mark.parametrize("make", [make_directory, make_symlink, make_pipe, make_giant])
def test_an_irregular_or_oversized_file_is_not_read(
    archive: Archive, make: Callable[[Path], None]
) -> None:
    pack = pack_of(archive, (path_of(archive) / "manifests/00000003.json").read_bytes())
    for name in ("format.json", "manifests/00000003.json", pack):
        content = (path_of(archive) / name).read_bytes()
        (path_of(archive) / name).unlink()
        make(path_of(archive) / name)
        assert name in faulty_objects(archive)
        if make is make_directory:
            (path_of(archive) / name).rmdir()
        else:
            (path_of(archive) / name).unlink()
        (path_of(archive) / name).write_bytes(content)


def test_an_unlistable_directory_is_reported(archive: Archive) -> None:
    (path_of(archive) / "packs").rename(path_of(archive).parent / "elsewhere")
    assert "packs" in faulty_objects(archive)
    (path_of(archive) / "packs").write_bytes(b"")
    assert {problem.what for problem in archive.verify() if problem.where != "packs"} == {
        "cannot be read: Not a directory"
    }
    (path_of(archive) / "manifests").rename(path_of(archive).parent / "elsewhere too")
    with pytest.raises(ArchiveError, match="manifests: cannot be listed: No such file"):
        archive.entries()


def test_a_read_error_names_the_faulty_object(archive: Archive) -> None:
    entry = archive.entries()[0]
    manifest = path_of(archive) / "manifests" / "00000001.json"
    pack = path_of(archive) / pack_of(archive, manifest.read_bytes())
    content = pack.read_bytes()
    pack.write_bytes(content[:-1] + bytes([content[-1] ^ 1]))
    with pytest.raises(ArchiveError, match="is damaged: the SHA-256") as caught:
        archive.read(entry)
    assert caught.value.name == pack.relative_to(path_of(archive)).as_posix()
    pack.unlink()
    with pytest.raises(ArchiveError, match="is missing"):
        archive.read(entry)
    with pytest.raises(ArchiveError, match=r"00000001\.json: expected the digest"):
        archive.read(replace(entry, digest="0" * 64))


# A manifest that someone made up


def first_payload(manifest: dict[str, Any]) -> dict[str, Any]:
    record: dict[str, Any] = manifest["payloads"][0]
    return record


MADE_UP: dict[str, Callable[[dict[str, Any]], None]] = {
    "path out": lambda m: m["pack"].update(sha256="../../secret"),
    "absolute path": lambda m: m["pack"].update(sha256="/etc/passwd\0"),
    "path with a line": lambda m: m["pack"].update(sha256=m["pack"]["sha256"] + "\n"),
    "number for text": lambda m: m.update(venue=7),
    "truth for number": lambda m: m.update(sequence=True),
    "fraction": lambda m: m["pack"].update(size=1.5),
    "text for list": lambda m: m.update(payloads="none"),
    "text for object": lambda m: m.update(pack="none"),
    "field too many": lambda m: m.update(note="hello"),
    "field too few": lambda m: first_payload(m).pop("offset"),
    "local time": lambda m: m.update(observed_at="2025-03-01T12:00:00"),
    "other zone": lambda m: first_payload(m).update(observed_at="2025-03-01T12:00:00+01:00"),
    "no time": lambda m: m.update(observed_at="yesterday"),
    "unknown origin": lambda m: first_payload(m)["provenance"].update(origin="hearsay"),
    "three for a pair": lambda m: first_payload(m).update(params=[["a", "b", "c"]]),
    "overlap": lambda m: m["payloads"][1].update(offset=0),
    "negative length": lambda m: m["payloads"][-1].update(length=-1),
}


@pytest.mark.parametrize("change", MADE_UP.values(), ids=MADE_UP.keys())
def test_a_sealed_but_invalid_manifest_is_refused(
    archive: Archive, change: Callable[[dict[str, Any]], None]
) -> None:
    (path_of(archive).parent / "secret.zst").write_bytes(b"not ours to read")
    rewrite(archive, 3, change)
    with pytest.raises(ArchiveError, match=r"00000003\.json: is damaged: ") as caught:
        archive.entries()
    assert "\n" not in str(caught.value)
    assert "manifests/00000003.json" in faulty_objects(archive)
    with pytest.raises(ArchiveError, match=r"00000003\.json: is damaged: "):
        archive.append(snapshot(3))


@pytest.mark.parametrize(
    "content",
    [b"", b"null\n", b"[" * 100_000, b"{" * 9, b"\xff", b'{"venue": "\\ud800"}\n', b"9" * 5000],
)
def test_a_manifest_that_is_no_json_object_is_refused(archive: Archive, content: bytes) -> None:
    (path_of(archive) / "manifests/00000003.json").write_bytes(content)
    assert "manifests/00000003.json" in faulty_objects(archive)


def test_a_lone_surrogate_in_a_manifest_is_refused(archive: Archive) -> None:
    path = path_of(archive) / "manifests/00000003.json"
    path.write_bytes(path.read_bytes().replace(b'"okx"', b'"\\ud800"'))
    assert "manifests/00000003.json" in faulty_objects(archive)


def test_a_payload_with_another_hash_is_refused(archive: Archive) -> None:
    rewrite(archive, 3, lambda manifest: first_payload(manifest).update(sha256="0" * 64))
    with pytest.raises(ArchiveError, match="contains another response to 'publicGetPublicPosition"):
        archive.read(archive.entries()[2])


def test_a_pack_of_another_size_is_reported(archive: Archive) -> None:
    rewrite(archive, 3, lambda manifest: manifest["pack"].update(size=5))
    assert faulty_objects(archive) == {
        pack_of(archive, (path_of(archive) / "manifests/00000003.json").read_bytes())
    }


def replace_pack(archive: Archive, pack: bytes, length: int) -> Entry:
    """Makes the newest manifest name a pack as one payload of a length."""
    name = hashlib.sha256(pack).hexdigest()
    (path_of(archive) / "packs" / f"{name}.zst").write_bytes(pack)

    def change(manifest: dict[str, Any]) -> None:
        manifest["pack"] = {"sha256": name, "size": len(pack)}
        manifest["payloads"] = [{**first_payload(manifest), "offset": 0, "length": length}]

    rewrite(archive, 3, change)
    return archive.entries()[2]


@pytest.mark.parametrize(
    ("length", "error"),
    [
        (1000, "does not contain the 1000 bytes"),
        (MAX_BYTES + 1, f"needs {MAX_BYTES + 1} bytes to read"),
    ],
)
def test_a_decompression_bomb_is_refused(archive: Archive, length: int, error: str) -> None:
    compressor = zstandard.ZstdCompressor().compressobj()
    zeros = bytes(2**20)
    pieces = [compressor.compress(zeros) for _ in range(MAX_BYTES // len(zeros) + 1)]
    entry = replace_pack(archive, b"".join((*pieces, compressor.flush())), length)
    tracemalloc.start()
    with pytest.raises(ArchiveError, match=error):
        archive.read(entry)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 16 * 2**20


def test_a_pack_that_is_not_zstd_is_reported(archive: Archive) -> None:
    entry = replace_pack(archive, b"plain text", 10)
    with pytest.raises(ArchiveError, match="cannot be decompressed"):
        archive.read(entry)


# What cannot be appended


def unlike(**changes: object) -> Snapshot:
    original = snapshot()
    payload = replace(original.payloads[0], **changes)  # type: ignore[arg-type] # wrong on purpose
    return replace(original, payloads=(payload,))


@pytest.mark.parametrize(
    "invalid",
    [
        replace(snapshot(), venue="bybit"),
        replace(snapshot(), venue="\ud800"),
        replace(snapshot(), observed_at=NOON.replace(tzinfo=None)),
        replace(snapshot(), observed_at=datetime.max.replace(tzinfo=timezone(-timedelta(hours=1)))),
        unlike(sha256="0" * 64),
        unlike(call=Call("method", (("limit", 5),))),  # type: ignore[arg-type] # wrong on purpose
        unlike(call=Call("method", (("limit", b"5"),))),  # type: ignore[arg-type] # wrong on purpose
        unlike(observed_at=NOON.replace(tzinfo=None)),
    ],
)
def test_a_snapshot_that_would_not_read_back_unchanged_is_refused(
    archive: Archive, invalid: Snapshot
) -> None:
    before = tree(path_of(archive))
    with pytest.raises(ArchiveError, match="cannot append this snapshot of"):
        archive.append(invalid)
    assert tree(path_of(archive)) == before


def test_nothing_is_archived_under_the_name_of_a_damaged_pack(archive: Archive) -> None:
    pack = pack_of(archive, (path_of(archive) / "manifests/00000003.json").read_bytes())
    (path_of(archive) / pack).write_bytes(b"damaged")
    with pytest.raises(ArchiveError, match="is damaged and blocks its name"):
        archive.append(later(snapshot(2)))
    with pytest.raises(ArchiveError, match=r"expected \d+ bytes, found 7"):
        archive.append(snapshot(2))
    assert len(archive.entries()) == 3


# Making and opening


def test_an_archive_is_created_once(archive: Archive) -> None:
    with pytest.raises(ArchiveError, match=r"already contains format\.json"):
        Archive.create(path_of(archive))
    assert len(Archive.open(path_of(archive)).entries()) == 3


def test_an_archive_is_not_created_beside_other_files(tmp_path: Path) -> None:
    (tmp_path / "thesis.odt").touch()
    with pytest.raises(ArchiveError, match=r"already contains thesis\.odt"):
        Archive.create(tmp_path)
    with pytest.raises(ArchiveError, match="cannot create an archive: File exists"):
        Archive.create(tmp_path / "thesis.odt")


def test_of_two_concurrent_creations_one_fails(tmp_path: Path) -> None:
    def link_after_competitor(source: Path, target: Path) -> None:
        Archive.create(tmp_path / "a")
        os.link(source, target)

    with pytest.raises(ArchiveError, match="cannot create an archive: File exists"):
        Archive.create(tmp_path / "a", replace(DISK, link=link_after_competitor))
    assert Archive.open(tmp_path / "a").verify() == ()


def test_a_folder_without_an_archive_is_not_opened(tmp_path: Path) -> None:
    for path in (tmp_path, tmp_path / "nowhere"):
        with pytest.raises(ArchiveError) as caught:
            Archive.open(path)
        assert str(caught.value).startswith(f"{path}: cannot be opened as an archive")
        assert str(caught.value).endswith("format.json is missing")


def test_a_format_of_another_version_is_not_opened(archive: Archive) -> None:
    (path_of(archive) / "format.json").write_text('{"format": 3}\n')
    with pytest.raises(ArchiveError, match=r'"format": 3.*newer version') as caught:
        Archive.open(path_of(archive))
    assert "\n" not in str(caught.value)


# Several writers


def test_a_slower_writer_continues_after_the_faster_one(archive: Archive) -> None:
    pending = [snapshot(3, "bybit"), snapshot(4, "gate")]

    def slow_link(source: Path, target: Path) -> None:
        if target.suffix == ".json" and pending:
            archive.append(pending.pop(0))
        os.link(source, target)

    entry = on_disk(archive, replace(DISK, link=slow_link)).append(snapshot(5))
    assert entry.sequence == 6
    assert [entry.venue for entry in archive.entries()[3:]] == ["bybit", "gate", "okx"]
    assert archive.verify() == ()


def test_a_writer_that_always_loses_the_race_fails(archive: Archive) -> None:
    def occupied_link(source: Path, target: Path) -> None:
        if target.suffix == ".json":
            raise FileExistsError(errno.EEXIST, "File exists", source)
        os.link(source, target)

    with pytest.raises(ArchiveError, match="other processes keep appending"):
        on_disk(archive, replace(DISK, link=occupied_link)).append(snapshot(3))
    assert len(archive.entries()) == 3


def test_concurrent_writers_lose_nothing(tmp_path: Path) -> None:
    Archive.create(tmp_path / "a")

    def write(venue: str, number: int) -> list[Entry]:
        own = Archive.open(tmp_path / "a")
        return [own.append(later(snapshot(day, venue), number)) for day in range(6)]

    writers = ("okx", "bybit", "gate", "okx")
    with ThreadPoolExecutor(len(writers)) as pool:
        results = pool.map(write, writers, range(len(writers)))
        appended = sorted(chain(*results), key=lambda entry: entry.sequence)
    archive = Archive.open(tmp_path / "a")
    assert archive.entries() == tuple(appended)
    assert [entry.sequence for entry in appended] == list(range(1, 25))
    assert archive.verify() == ()


# Crashes


def after_power_cut(steps: list[Step], end: int) -> Iterator[list[Step]]:
    """Yields the possible durable subsets of the first ``end`` steps.

    All synced steps persist, and any subset of the others. A file that was being written may
    persist with any prefix of its bytes.
    """
    completed, interrupted = steps[:end], steps[end : end + 1]
    changes = [(number, step) for number, step in enumerate(completed) if step.verb != "sync"]
    unsynced = [
        step for number, step in changes if Step("sync", step.path.parent) not in completed[number:]
    ]
    for size in range(len(unsynced) + 1):
        for lost in combinations(unsynced, size):
            yield [step for _, step in changes if step not in lost]
    for step in interrupted:
        for length in range(0, len(step.content) if step.path.suffix == ".tmp" else 0, 50):
            yield [*(change for _, change in changes), step._replace(content=step.content[:length])]


def test_a_power_cut_leaves_the_archive_as_before_or_after(
    archive: Archive, tmp_path: Path
) -> None:
    before = archive.entries()
    shutil.copytree(path_of(archive), tmp_path / "before")
    steps: list[Step] = []
    after = (*before, on_disk(archive, recording_disk(steps)).append(snapshot(3)))
    cases = 0
    for end in range(len(steps) + 1):
        for durable in after_power_cut(steps, end):
            remains = tmp_path / f"remains {cases}"
            shutil.copytree(tmp_path / "before", remains)
            for step in durable:
                path = remains / step.path.relative_to(path_of(archive))
                if step.verb == "add":
                    path.write_bytes(step.content)
                else:
                    path.unlink(missing_ok=True)
            entries = check_consistent(Archive.open(remains), before, after)
            assert end < len(steps) or entries == after  # a completed append is durable
            cases += 1
    assert cases >= 50


def check_consistent(
    archive: Archive, before: tuple[Entry, ...], after: tuple[Entry, ...]
) -> tuple[Entry, ...]:
    """Checks that an archive after a crash is in either state and accepts another append."""
    entries = archive.entries()
    assert entries in {before, after}
    for entry in entries:
        archive.read(entry)
    for problem in archive.verify():
        assert "an append was interrupted" in problem.what
        assert entries == before
    archive.append(snapshot(3))
    assert archive.verify() == ()
    return entries


FAILURES = [
    OSError(errno.ENOSPC, "No space left on device"),
    PermissionError(errno.EACCES, "Permission denied"),
    OSError(errno.EROFS, "Read-only file system"),
    OSError(errno.EPERM, "Operation not permitted"),
    Killed(),
]


@pytest.mark.parametrize("failure", FAILURES, ids=str)
@pytest.mark.parametrize("last", range(8))
def test_a_step_that_fails_leaves_the_archive_as_before_or_after(
    archive: Archive, last: int, failure: BaseException
) -> None:
    before = archive.entries()
    steps: list[Step] = []

    def stop() -> None:
        if len(steps) >= last:
            raise failure

    failing = on_disk(archive, recording_disk(steps, stop))
    expected = Killed if isinstance(failure, Killed) else ArchiveError
    with pytest.raises(expected) as caught:
        failing.append(snapshot(3))
    if isinstance(failure, OSError):
        problem = f"cannot append: {failure.strerror}; existing snapshots are unchanged"
        assert str(caught.value) == f"{path_of(archive)}: {problem}"
    after = (*before, *archive.entries()[3:])
    assert (len(after) == 4) == (last >= 6)  # the sixth step names the manifest
    check_consistent(archive, before, after)


def test_an_existing_pack_is_made_durable_too(archive: Archive) -> None:
    steps: list[Step] = []
    on_disk(archive, recording_disk(steps)).append(later(snapshot(2)))
    operations = [(step.verb, step.path.parent.name, step.path.name) for step in steps]
    publication = operations.index(("add", "manifests", "00000004.json"))
    assert ("sync", path_of(archive).name, "packs") in operations[:publication]


def test_an_interrupted_creation_can_be_repeated(tmp_path: Path) -> None:
    steps: list[Step] = []

    def stop() -> None:
        if len(steps) == 1:
            raise Killed

    with pytest.raises(Killed):
        Archive.create(tmp_path / "a", recording_disk(steps, stop))
    with pytest.raises(ArchiveError, match="cannot be opened as an archive"):
        Archive.open(tmp_path / "a")
    assert Archive.create(tmp_path / "a").verify() == ()


def test_content_is_flushed_before_naming_and_names_before_the_next_file(
    archive: Archive,
) -> None:
    verbs = {"fsync": "flush", "link": "link", "unlink": "remove"}
    steps: list[str] = []

    def record(_: FrameType, event: str, function: object) -> None:
        name = getattr(function, "__name__", "")
        if event == "c_call" and name in verbs:
            steps.append(verbs[name])

    sys.setprofile(record)
    try:
        archive.append(snapshot(3))
    finally:
        sys.setprofile(None)
    assert steps == ["flush", "link", "remove", "flush"] * 2  # the pack, then its manifest


def test_reading_writes_nothing(archive: Archive) -> None:
    def refuse() -> None:
        raise Killed

    before = tree(path_of(archive))
    reading = on_disk(archive, recording_disk([], refuse))
    assert [reading.read(entry).venue for entry in reading.entries()] == ["okx", "bybit", "okx"]
    assert reading.verify() == ()
    assert tree(path_of(archive)) == before


# Which entries to read


def entry_of(sequence: int, day: int, *, complete: bool = True, venue: str = "okx") -> Entry:
    return Entry(sequence, venue, NOON + timedelta(days=day), complete, str(sequence), 1, 1)


def test_the_latest_entry_is_the_newest_observed_not_the_last_appended() -> None:
    today, yesterday = entry_of(1, day=1), entry_of(2, day=0)
    assert latest([today, yesterday]) == {"okx": (today,)}


def test_of_entries_observed_at_the_same_time_the_later_appended_counts() -> None:
    first, second = entry_of(1, day=0), entry_of(2, day=0)
    assert latest([second, first], NOON) == latest([first, second], NOON) == {"okx": (second,)}


def test_an_entry_is_in_effect_from_its_observation() -> None:
    old, new = entry_of(1, day=0), entry_of(2, day=1)
    assert latest([old, new], NOON + timedelta(days=1)) == {"okx": (new,)}
    assert latest([old, new], NOON + timedelta(hours=23)) == {"okx": (old,)}
    assert latest([old, new], NOON - timedelta(microseconds=1)) == {}


def test_a_partial_entry_builds_on_older_ones_down_to_a_complete_one() -> None:
    complete, older = entry_of(2, day=1), entry_of(1, day=0)
    partial, newest = entry_of(3, day=2, complete=False), entry_of(4, day=3, complete=False)
    assert latest([older, complete, partial, newest]) == {"okx": (newest, partial, complete)}
    assert latest([partial, newest]) == {"okx": (newest, partial)}


def test_venues_are_selected_independently_and_sorted_by_name() -> None:
    okx, bybit = entry_of(1, day=0), entry_of(2, day=5, venue="bybit")
    assert list(latest([okx, bybit]).items()) == [("bybit", (bybit,)), ("okx", (okx,))]
