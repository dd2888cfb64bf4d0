"""Bases, prunings and incremental listings over arbitrary histories of appends and prunings."""

import hashlib
import json
import os
import random
import resource
import sys
import tempfile
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from dataclasses import replace
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import NamedTuple

import pytest
import zstandard
from hypothesis import example, given, settings
from hypothesis import strategies as st

from harmonize.archive import archive as archive_module
from harmonize.archive.archive import Archive, ArchiveError
from harmonize.archive.catalog import Catalog, Entry, newest_by_venue
from harmonize.archive.storage import DISK, LocalStorage
from harmonize.core.payload import Call, Payload, Snapshot
from tests.support.archives import (
    LIVE,
    NOON,
    Step,
    faulty_objects,
    later,
    night,
    noise,
    on_disk,
    path_of,
    recording_disk,
    rewrite,
    snapshot,
    tree,
)

# Any history


def _bytes(seed: int, size: int) -> bytes:
    return random.Random(seed).randbytes(size)  # noqa: S311 - repeatable, not a secret


TAIL = _bytes(0, 60)
CONTENTS = (
    b"",
    b"[]",
    TAIL,  # the same pack on any base that ends with it
    _bytes(1, 200) + TAIL,
    _bytes(2, 260) + TAIL,
    _bytes(1, 200) + b"!" + TAIL,
    _bytes(2, 130) + b"!" + _bytes(2, 260)[130:] + TAIL,
    _bytes(3, 150),
)


class Append(NamedTuple):
    """Append of content for a venue.

    ``similar`` is the index of the entry passed as similar, -1 for the newest entry of the venue.
    """

    venue: str
    content: int
    similar: int | None


class Prune(NamedTuple):
    """Pruning of the entries with these indexes, as far as they exist."""

    entries: frozenset[int]


APPENDS = st.builds(
    Append,
    st.sampled_from("ab"),
    st.integers(0, len(CONTENTS) - 1),
    st.none() | st.just(-1) | st.integers(0, 9),
)
PRUNINGS = st.builds(Prune, st.frozensets(st.integers(0, 9), max_size=5))
HISTORIES = st.lists(APPENDS | APPENDS | PRUNINGS, max_size=10)


def snapshot_of(step: Append, day: int) -> Snapshot:
    at = NOON + timedelta(days=day)
    payload = Payload.of(step.venue, Call("m"), at, LIVE, CONTENTS[step.content])
    return Snapshot(step.venue, at, (payload,), complete=True)


def play(archive: Archive, history: Sequence[Append | Prune]) -> dict[int, Snapshot]:
    """Executes a history and returns the appended snapshots by sequence number."""
    appended = {}
    for day, step in enumerate(history):
        entries = archive.entries()
        if isinstance(step, Prune):
            drop = [entry for index, entry in enumerate(entries) if index in step.entries]
            archive.prune(drop, NOON + timedelta(days=day), "too old")
        else:
            observed = snapshot_of(step, day)
            appended[archive.append(observed, _similar(entries, step)).sequence] = observed
    return appended


def _similar(entries: Sequence[Entry], step: Append) -> Entry | None:
    if step.similar == -1:
        return newest_by_venue(entries).get(step.venue)
    if step.similar is None or step.similar >= len(entries):
        return None
    return entries[step.similar]


def check(archive: Archive, appended: dict[int, Snapshot]) -> None:
    """Compares an archive with the appended snapshots, and pruning marks with existing files."""
    assert archive.verify() == ()
    entries = archive.entries()
    assert {entry.sequence for entry in entries} == set(appended)
    existing = {path.name for path in (path_of(archive) / "packs").iterdir()}
    required: set[str] = set()
    for entry in entries:
        names = {f"{name}.zst" for name in (entry.pack, entry.base) if name}
        assert bool(entry.pruned) == (not names <= existing)
        if not entry.pruned:
            assert archive.read(entry) == appended[entry.sequence]
            required |= names
    assert existing == required


A_PACK_ON_TWO_BASES = [
    Append("a", 3, None),
    Append("a", 2, 0),  # the pack of the tail, on the first base
    Append("b", 4, None),
    Prune(frozenset({0, 1})),
    Append("b", 2, 2),  # the same pack, on the other
]
A_PACK_KEPT_WITHOUT_ITS_BASE = [
    Append("a", 3, None),
    Append("a", 1, 0),
    Append("b", 1, None),
    Prune(frozenset({0, 1})),
]


@given(HISTORIES)
@example(A_PACK_ON_TWO_BASES)
@example(A_PACK_KEPT_WITHOUT_ITS_BASE)
@settings(max_examples=120)
def test_after_any_history_entries_read_back_or_are_marked_as_pruned(
    history: list[Append | Prune],
) -> None:
    with tempfile.TemporaryDirectory() as folder:
        archive = Archive.create(Path(folder) / "a")
        check(archive, play(archive, history))


@given(st.lists(APPENDS, max_size=6))
@settings(max_examples=40)
def test_the_same_history_gives_the_same_bytes(history: list[Append | Prune]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        first, second = (Archive.create(Path(folder) / name) for name in "ab")
        play(first, history)
        play(second, history)
        assert tree(path_of(first)) == tree(path_of(second))


@given(HISTORIES, st.data())
@example([*A_PACK_ON_TWO_BASES], None)
@settings(max_examples=80)
def test_an_incremental_listing_equals_a_full_listing(
    history: list[Append | Prune], data: st.DataObject | None
) -> None:
    with tempfile.TemporaryDirectory() as folder:
        archive = Archive.create(Path(folder) / "a")
        cut = data.draw(st.integers(0, len(history))) if data else 4
        play(archive, history[:cut])
        catalog = archive.listing()
        play(archive, history[cut:])
        assert archive.listing(catalog) == archive.listing()
        assert archive.listing(archive.listing(catalog)) == archive.listing()


# Listings


def test_an_incremental_listing_rereads_only_the_last_manifest(tmp_path: Path) -> None:
    archive = Archive.create(tmp_path / "a")
    for day in range(4):
        archive.append(snapshot(day))
    catalog = archive.listing()
    archive.append(snapshot(4))
    (tmp_path / "a/manifests/00000002.json").write_bytes(b"damaged")
    assert [entry.sequence for entry in archive.listing(catalog).entries] == [1, 2, 3, 4, 5]
    with pytest.raises(ArchiveError, match=r"00000002\.json: is damaged"):
        archive.listing()


def test_a_listing_of_another_archive_is_not_extended(tmp_path: Path) -> None:
    first, second = Archive.create(tmp_path / "a"), Archive.create(tmp_path / "b")
    for day in range(3):
        first.append(snapshot(day))
        second.append(snapshot(day, "bybit"))
    assert first.listing(second.listing()) == first.listing()
    second.append(snapshot(4))
    assert first.listing(second.listing()) == first.listing()


def test_a_listing_of_a_rolled_back_archive_is_not_extended(tmp_path: Path) -> None:
    archive = Archive.create(tmp_path / "a")
    for day in range(3):
        archive.append(snapshot(day))
    catalog = archive.listing()
    (tmp_path / "a/manifests/00000003.json").unlink()
    assert [entry.sequence for entry in archive.listing(catalog).entries] == [1, 2]
    archive.append(snapshot(9))
    assert archive.listing(catalog) == archive.listing()
    rewrite(archive, 3, lambda manifest: manifest.update(complete=False))
    assert archive.listing(catalog).entries[2].complete is False


def test_a_listing_of_removed_manifests_is_not_extended(tmp_path: Path) -> None:
    archive = Archive.create(tmp_path / "a")
    archive.append(snapshot())
    catalog = archive.listing()
    (tmp_path / "a/manifests/00000001.json").unlink()
    assert archive.listing(catalog) == Catalog()


# Bases


def bases(archive: Archive) -> list[str]:
    return [entry.base for entry in archive.entries()]


def test_a_base_never_has_a_base(tmp_path: Path) -> None:
    archive = Archive.create(tmp_path / "a")
    previous = None
    for day in range(8):
        previous = archive.append(night(day), previous)
    entries = archive.entries()
    assert bases(archive) == ["", *[entries[0].pack] * 7]
    for entry in entries[1:]:
        assert entry.size < entries[0].size / 4
    check(archive, {day + 1: night(day) for day in range(8)})


def test_dissimilar_content_has_no_base_and_becomes_the_next_base(tmp_path: Path) -> None:
    archive = Archive.create(tmp_path / "a")
    previous = None
    for day, venue in enumerate(("one", "one", "two", "two")):
        previous = archive.append(replace(later(night(day, venue), 1), complete=False), previous)
    packs = [entry.pack for entry in archive.entries()]
    assert bases(archive) == ["", packs[0], "", packs[2]]


def test_an_entry_of_another_archive_is_not_used_as_base(tmp_path: Path) -> None:
    other = Archive.create(tmp_path / "other").append(night(0))
    archive = Archive.create(tmp_path / "a")
    archive.append(night(1), other)
    assert bases(archive) == [""]
    check(archive, {1: night(1)})


def test_a_pruned_entry_is_not_used_as_base(tmp_path: Path) -> None:
    archive = Archive.create(tmp_path / "a")
    stale = archive.append(night(0))
    archive.prune([stale], NOON, "too old")
    archive.append(night(1), stale)
    archive.append(night(2), archive.entries()[0])
    assert bases(archive) == ["", "", ""]
    check(archive, {1: night(0), 3: night(1), 4: night(2)})


def test_a_pack_on_a_base_is_a_zstd_frame_with_the_content_of_the_base_as_dictionary(
    tmp_path: Path,
) -> None:
    archive = Archive.create(tmp_path / "a")
    base = archive.append(night(0))
    entry = archive.append(night(1), base)
    contents = tree(path_of(archive))
    raw = zstandard.ZstdDecompressor().decompress(contents[f"packs/{base.pack}.zst"])
    assert raw == night(0).payloads[0].content
    dictionary = zstandard.ZstdCompressionDict(raw, dict_type=zstandard.DICT_TYPE_RAWCONTENT)
    pack = contents[f"packs/{entry.pack}.zst"]
    content = zstandard.ZstdDecompressor(dict_data=dictionary).decompress(pack)
    assert content == night(1).payloads[0].content
    assert json.loads(contents["manifests/00000002.json"])["pack"] == {
        "sha256": hashlib.sha256(pack).hexdigest(),
        "size": len(pack),
        "base": base.pack,
    }


def test_a_base_with_a_base_is_refused(tmp_path: Path) -> None:
    archive = Archive.create(tmp_path / "a")
    base = archive.append(night(0))
    on_it = archive.append(night(1), base)
    archive.append(night(2), base)
    rewrite(archive, 3, lambda manifest: manifest["pack"].update(base=on_it.pack))
    entry = archive.entries()[2]
    with pytest.raises(ArchiveError):
        archive.read(entry)
    assert faulty_objects(archive) <= {f"packs/{name}.zst" for name in (on_it.pack, entry.pack)}
    assert faulty_objects(archive)


def test_payloads_of_more_than_8_mib_use_their_whole_base(tmp_path: Path) -> None:
    """Level 19 has a window of 8 MiB; with a base the window is 128 MiB."""
    archive = Archive.create(tmp_path / "a")
    content = _bytes(0, 9 * 2**20)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    first, second = (
        Snapshot("okx", NOON, (Payload.of("okx", Call("m"), NOON, LIVE, payload),), complete=True)
        for payload in (content, content[4 * 2**20 :] + b"new" + content[: 4 * 2**20])
    )
    base = archive.append(first)
    entry = archive.append(second, base)
    grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    assert entry.base == base.pack
    assert entry.size < 4096
    assert archive.read(entry) == second
    if sys.platform == "linux":  # other systems count in other units
        assert grown < 600 * 1024


@pytest.mark.parametrize(("base_size", "new_size"), [(2000, 900), (900, 2000)])
def test_content_larger_than_the_window_has_no_base(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, base_size: int, new_size: int
) -> None:
    monkeypatch.setattr(archive_module, "WINDOW_LOG", 10)
    archive = Archive.create(tmp_path / "a")
    content = _bytes(0, 2000)
    base, new = (
        Snapshot("okx", NOON, (Payload.of("okx", Call("m"), NOON, LIVE, payload),), complete=True)
        for payload in (content[:base_size], content[:new_size])
    )
    archive.append(new, archive.append(base))
    assert bases(archive) == ["", ""]
    check(archive, {1: base, 2: new})


# Pruning


@pytest.fixture
def archive(tmp_path: Path) -> Archive:
    """Returns an archive of a base, two packs on it, one without base, and a shared pack."""
    filled = Archive.create(tmp_path / "a")
    previous = filled.append(night(0))
    for day in (1, 2):
        previous = filled.append(night(day), previous)
    filled.append(noise(3, 90, "gate"))
    filled.append(later(noise(3, 90, "gate")))
    return filled


KEPT = {1: night(0), 2: night(1), 3: night(2), 4: noise(3, 90, "gate")}
KEPT[5] = later(KEPT[4])


def pruned_sequences(archive: Archive) -> list[int]:
    return [entry.sequence for entry in archive.entries() if entry.pruned]


def test_a_pack_required_by_a_remaining_entry_is_not_pruned(archive: Archive) -> None:
    entries = archive.entries()
    before = tree(path_of(archive))
    assert archive.prune([entries[0], entries[3]], NOON, "too old") == ()
    assert tree(path_of(archive)) == before
    check(archive, KEPT)


def test_a_pruning_record_states_packs_time_and_reason(archive: Archive) -> None:
    entries = archive.entries()
    at = datetime(2026, 1, 1, 1, tzinfo=timezone(timedelta(hours=2)))
    packs = archive.prune(entries[:3], at, "older than a year")
    assert packs == tuple(sorted(entry.pack for entry in entries[:3]))
    files = tree(path_of(archive))
    record = json.loads(files["manifests/00000006.json"])
    assert record.pop("seal")
    assert record == {
        "sequence": 6,
        "previous": hashlib.sha256(files["manifests/00000005.json"]).hexdigest(),
        "pruned_at": "2025-12-31T23:00:00+00:00",
        "reason": "older than a year",
        "packs": sorted(packs),
    }
    check(archive, KEPT)
    assert pruned_sequences(archive) == [1, 2, 3]
    assert {entry.pruned for entry in archive.entries()} == {"", "2025-12-31T23:00:00+00:00"}
    with pytest.raises(ArchiveError, match=r"00000002\.json: payloads were pruned on 2025-12-31"):
        archive.read(archive.entries()[1])


def test_a_pruning_record_is_durable_before_any_removal(archive: Archive) -> None:
    steps: list[Step] = []
    packs = on_disk(archive, recording_disk(steps)).prune(archive.entries()[:3], NOON, "old")
    operations = [(step.verb, step.path.relative_to(path_of(archive)).as_posix()) for step in steps]
    assert operations[1] == ("add", "manifests/00000006.json")
    assert operations[3] == ("sync", "manifests")
    assert operations[4:] == [
        *(("remove", f"packs/{sha256}.zst") for sha256 in packs),
        ("sync", "packs"),
    ]


def test_an_existing_snapshot_is_made_durable(archive: Archive) -> None:
    steps: list[Step] = []
    on_disk(archive, recording_disk(steps)).append(KEPT[5])
    assert [(step.verb, step.path.name) for step in steps] == [("sync", "manifests")]


def test_pruning_is_idempotent(archive: Archive) -> None:
    entries = archive.entries()
    packs = archive.prune(entries[:2], NOON, "too old")
    assert packs == (entries[1].pack,)
    once = tree(path_of(archive))
    assert archive.prune(entries[:2], NOON, "too old") == ()
    assert archive.prune(archive.entries()[:2], NOON, "too old") == ()
    assert tree(path_of(archive)) == once


def test_a_pruning_without_effect_is_not_recorded(archive: Archive) -> None:
    before = tree(path_of(archive))
    assert archive.prune([], NOON, "nothing") == ()
    assert tree(path_of(archive)) == before


def test_appending_pruned_content_restores_it(archive: Archive) -> None:
    entries = archive.entries()
    archive.prune(entries, NOON, "all")
    assert pruned_sequences(archive) == [1, 2, 3, 4, 5]
    assert archive.append(KEPT[5]).sequence == 7
    assert pruned_sequences(archive) == [1, 2, 3]
    archive.append(night(0))
    archive.append(night(2), archive.entries()[-1])
    assert pruned_sequences(archive) == [2]
    check(archive, {**KEPT, 7: KEPT[5], 8: night(0), 9: night(2)})


def test_the_newest_entry_that_was_pruned_is_appended_again(tmp_path: Path) -> None:
    archive = Archive.create(tmp_path / "a")
    entry = archive.append(night(0))
    archive.prune([entry], NOON, "a mistake")
    assert archive.append(night(0)).sequence == 3
    assert pruned_sequences(archive) == []
    assert archive.append(night(0)).sequence == 3


def test_an_entry_that_the_archive_does_not_hold_is_not_pruned(archive: Archive) -> None:
    drop = [replace(entry, digest="0" * 64) for entry in archive.entries()]
    assert archive.prune(drop, NOON, "of another archive") == ()
    check(archive, KEPT)


@pytest.mark.parametrize(
    ("at", "reason", "error"),
    [
        (
            NOON.replace(tzinfo=None),
            "old",
            "cannot prune: the time 2025-03-01 12:00:00 has no time zone",
        ),
        (NOON, "\ud800", "cannot prune: 'utf-8' codec"),
    ],
)
def test_a_pruning_that_cannot_be_recorded_is_refused(
    archive: Archive, at: datetime, reason: str, error: str
) -> None:
    before = tree(path_of(archive))
    with pytest.raises(ArchiveError, match=error):
        archive.prune(archive.entries(), at, reason)
    assert tree(path_of(archive)) == before


def test_a_broken_chain_is_not_pruned(archive: Archive) -> None:
    entries = archive.entries()
    (path_of(archive) / "manifests/00000002.json").write_bytes(b"damaged")
    before = tree(path_of(archive))
    with pytest.raises(ArchiveError, match=r"00000002\.json: is damaged"):
        archive.prune(entries, NOON, "old")
    assert tree(path_of(archive)) == before


def test_a_pruning_with_a_lost_response_is_recorded_once(archive: Archive) -> None:
    """A store may create the object and lose the response; the repeated request is refused."""

    def link_without_response(source: Path, target: Path) -> None:
        target.hardlink_to(source)
        raise FileExistsError

    entries = archive.entries()
    disk = replace(recording_disk([]), link=link_without_response)
    assert len(on_disk(archive, disk).prune(entries[:3], NOON, "old")) == 3
    assert len(tree(path_of(archive) / "manifests")) == 6
    check(archive, KEPT)


def test_a_pruned_pack_that_exists_again_is_reported(archive: Archive) -> None:
    entries = archive.entries()
    files = tree(path_of(archive))
    archive.prune(entries[1:2], NOON, "old")
    name = f"packs/{entries[1].pack}.zst"
    (path_of(archive) / name).write_bytes(files[name])
    (problem,) = archive.verify()
    assert (problem.where, problem.what) == (
        name,
        "exists, although it was pruned on 2025-03-01; prune again",
    )
    assert archive.prune([], NOON, "again") == ()
    check(archive, KEPT)


def test_a_pruning_that_always_loses_the_race_fails(archive: Archive) -> None:
    def occupied_link(_: Path, target: Path) -> None:
        raise FileExistsError(17, "File exists", target)

    with pytest.raises(ArchiveError, match="cannot prune: other processes keep appending"):
        on_disk(archive, replace(recording_disk([]), link=occupied_link)).prune(
            archive.entries(), NOON, "old"
        )
    check(archive, KEPT)


# The first format


@pytest.fixture
def first_format(tmp_path: Path) -> Archive:
    """Returns an archive of format 1, without bases and prunings."""
    created = Archive.create(tmp_path / "a")
    created.append(night(0))
    (tmp_path / "a/format.json").write_bytes(b'{"format": 1}\n')
    return Archive.open(tmp_path / "a")


def test_an_archive_of_format_1_is_read_and_appended_to_without_bases(
    first_format: Archive,
) -> None:
    assert first_format.format == 1
    similar = first_format.entries()[0]
    first_format.append(night(1), similar)
    assert bases(first_format) == ["", ""]
    check(first_format, {1: night(0), 2: night(1)})
    assert b'"base"' not in b"".join(tree(path_of(first_format) / "manifests").values())
    assert Archive.open(path_of(first_format)).format == 1


def test_an_archive_of_format_1_is_not_pruned(first_format: Archive) -> None:
    before = tree(path_of(first_format))
    with pytest.raises(ArchiveError, match="format 1 cannot be pruned"):
        first_format.prune(first_format.entries(), NOON, "old")
    assert tree(path_of(first_format)) == before


def test_content_too_large_to_be_read_is_refused_at_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("harmonize.archive.manifest.MAX_BYTES", 1000)
    archive = Archive.create(tmp_path / "a")
    with pytest.raises(ArchiveError, match="needs 1001 bytes to read; the limit is 1000"):
        archive.append(noise(0, 1001))
    assert archive.verify() == ()


def test_an_unlistable_folder_is_an_error_and_not_a_missing_archive(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"")
    openers: list[Callable[[Path], object]] = [Archive.find, Archive.open_or_create]
    for opener in openers:
        with pytest.raises(ArchiveError, match="cannot be listed: Not a directory"):
            opener(tmp_path / "a")
    assert Archive.find(tmp_path / "none") is None
    assert Archive.open_or_create(tmp_path / "none").verify() == ()


def test_an_archive_is_not_created_over_a_folder_with_content(tmp_path: Path) -> None:
    (tmp_path / "packs" / "packs").mkdir(parents=True)
    with pytest.raises(ArchiveError, match="already contains packs"):
        Archive.create(tmp_path)


def test_a_pruning_waits_for_an_append_and_spares_its_packs(tmp_path: Path) -> None:
    """The append reuses the pack of an entry being pruned and pauses before its manifest exists."""
    archive = Archive.create(tmp_path / "archive")
    twin = archive.append(snapshot(0))
    archive.append(snapshot(1))
    reached, proceed = threading.Event(), threading.Event()

    def paused_link(source: Path, target: Path) -> None:
        if target.suffix == ".json":
            reached.set()
            assert proceed.wait(20)
        os.link(source, target)

    repeated = replace(snapshot(0), observed_at=snapshot(2).observed_at)
    paused = replace(
        archive, storage=LocalStorage(Path(archive.place), replace(DISK, link=paused_link))
    )
    with ThreadPoolExecutor(2) as pool:
        appended = pool.submit(paused.append, repeated)
        assert reached.wait(20)
        pruned = pool.submit(archive.prune, [twin], snapshot(3).observed_at, "a test")
        assert not wait([pruned], timeout=0.3).done
        proceed.set()
        entry = appended.result(20)
        assert pruned.result(20) == ()
    assert archive.verify() == ()
    assert archive.read(entry) == repeated
