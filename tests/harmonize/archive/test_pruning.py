"""Bases, prunings and listings that go on: laws over any history of appends and prunings."""

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
from harmonize.archive.catalog import Catalog, Entry, newest_of
from harmonize.archive.storage import DISK, Local
from harmonize.core.payload import Call, Payload, Snapshot
from tests.support.archives import (
    LIVE,
    NOON,
    Step,
    later,
    night,
    noise,
    on,
    path_of,
    places,
    rewrite,
    snapshot,
    tree,
    watched,
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
    """Append contents of a venue; like the newest of the venue, or like the so manieth entry."""

    venue: str
    content: int
    like: int | None


class Prune(NamedTuple):
    """Prune the entries of these numbers, as far as there are any."""

    entries: frozenset[int]


APPENDS = st.builds(
    Append,
    st.sampled_from("ab"),
    st.integers(0, len(CONTENTS) - 1),
    st.none() | st.just(-1) | st.integers(0, 9),
)
PRUNINGS = st.builds(Prune, st.frozensets(st.integers(0, 9), max_size=5))
HISTORIES = st.lists(APPENDS | APPENDS | PRUNINGS, max_size=10)


def of(one: Append, day: int) -> Snapshot:
    at = NOON + timedelta(days=day)
    payload = Payload.of(one.venue, Call("m"), at, LIVE, CONTENTS[one.content])
    return Snapshot(one.venue, at, (payload,), complete=True)


def play(archive: Archive, history: Sequence[Append | Prune]) -> dict[int, Snapshot]:
    """Do what a history says; give the snapshots by their sequence numbers."""
    appended = {}
    for day, step in enumerate(history):
        entries = archive.entries()
        if isinstance(step, Prune):
            drop = [one for number, one in enumerate(entries) if number in step.entries]
            archive.prune(drop, NOON + timedelta(days=day), "too old")
        else:
            like = _like(entries, step)
            appended[archive.append(of(step, day), like).sequence] = of(step, day)
    return appended


def _like(entries: Sequence[Entry], step: Append) -> Entry | None:
    if step.like == -1:
        return newest_of(entries).get(step.venue)
    if step.like is None or step.like >= len(entries):
        return None
    return entries[step.like]


def check(archive: Archive, appended: dict[int, Snapshot]) -> None:
    """Hold an archive to what was appended, and an entry's mark to the files that are there."""
    assert archive.verify() == ()
    entries = archive.entries()
    assert {one.sequence for one in entries} == set(appended)
    held = {one.name for one in (path_of(archive) / "packs").iterdir()}
    for one in entries:
        needed = {f"{name}.zst" for name in (one.pack, one.base) if name}
        assert bool(one.pruned) == (not needed <= held)
        if not one.pruned:
            assert archive.read(one) == appended[one.sequence]
    needed = {f"{name}.zst" for one in entries if not one.pruned for name in (one.pack, one.base)}
    assert held == needed - {".zst"}


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
@settings(max_examples=120, deadline=None)
def test_after_any_history_what_is_kept_reads_back_and_all_else_is_marked(
    history: list[Append | Prune],
) -> None:
    with tempfile.TemporaryDirectory() as folder:
        archive = Archive.create(Path(folder) / "a")
        check(archive, play(archive, history))


@given(st.lists(APPENDS, max_size=6))
@settings(max_examples=40, deadline=None)
def test_the_same_history_gives_the_same_bytes(history: list[Append | Prune]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        one, two = (Archive.create(Path(folder) / name) for name in "ab")
        play(one, history)
        play(two, history)
        assert tree(path_of(one)) == tree(path_of(two))


@given(HISTORIES, st.data())
@example([*A_PACK_ON_TWO_BASES], None)
@settings(max_examples=80, deadline=None)
def test_a_listing_that_goes_on_is_the_listing_from_scratch(
    history: list[Append | Prune], data: st.DataObject | None
) -> None:
    with tempfile.TemporaryDirectory() as folder:
        archive = Archive.create(Path(folder) / "a")
        cut = data.draw(st.integers(0, len(history))) if data else 4
        play(archive, history[:cut])
        known = archive.listing()
        play(archive, history[cut:])
        assert archive.listing(known) == archive.listing()
        assert archive.listing(archive.listing(known)) == archive.listing()


# Listings


def test_a_listing_that_goes_on_reads_no_manifest_twice_but_the_last(tmp_path: Path) -> None:
    archive = Archive.create(tmp_path / "a")
    for day in range(4):
        archive.append(snapshot(day))
    known = archive.listing()
    archive.append(snapshot(4))
    (tmp_path / "a/manifests/00000002.json").write_bytes(b"damaged")
    assert [one.sequence for one in archive.listing(known).entries] == [1, 2, 3, 4, 5]
    with pytest.raises(ArchiveError, match=r"00000002\.json: is damaged"):
        archive.listing()


def test_a_listing_of_another_archive_is_not_gone_on_with(tmp_path: Path) -> None:
    one, other = Archive.create(tmp_path / "a"), Archive.create(tmp_path / "b")
    for day in range(3):
        one.append(snapshot(day))
        other.append(snapshot(day, "bybit"))
    assert one.listing(other.listing()) == one.listing()
    other.append(snapshot(4))
    assert one.listing(other.listing()) == one.listing()


def test_a_listing_of_an_archive_that_was_rolled_back_is_not_gone_on_with(tmp_path: Path) -> None:
    archive = Archive.create(tmp_path / "a")
    for day in range(3):
        archive.append(snapshot(day))
    known = archive.listing()
    (tmp_path / "a/manifests/00000003.json").unlink()
    assert [one.sequence for one in archive.listing(known).entries] == [1, 2]
    archive.append(snapshot(9))
    assert archive.listing(known) == archive.listing()
    rewrite(archive, 3, lambda manifest: manifest.update(complete=False))
    assert archive.listing(known).entries[2].complete is False


def test_a_listing_of_what_is_no_more_is_not_gone_on_with(tmp_path: Path) -> None:
    archive = Archive.create(tmp_path / "a")
    archive.append(snapshot())
    known = archive.listing()
    (tmp_path / "a/manifests/00000001.json").unlink()
    assert archive.listing(known) == Catalog()


# Bases


def bases(archive: Archive) -> list[str]:
    return [one.base for one in archive.entries()]


def test_a_chain_of_bases_is_never_deeper_than_one(tmp_path: Path) -> None:
    archive = Archive.create(tmp_path / "a")
    like = None
    for day in range(8):
        like = archive.append(night(day), like)
    entries = archive.entries()
    assert bases(archive) == ["", *[entries[0].pack] * 7]
    for one in entries[1:]:
        assert one.size < entries[0].size / 4
    check(archive, {day + 1: night(day) for day in range(8)})


def test_what_is_new_throughout_stands_alone_and_is_the_next_base(tmp_path: Path) -> None:
    archive = Archive.create(tmp_path / "a")
    like = None
    for day, venue in enumerate(("one", "one", "two", "two")):
        like = archive.append(replace(later(night(day, venue), 1), complete=False), like)
    packs = [one.pack for one in archive.entries()]
    assert bases(archive) == ["", packs[0], "", packs[2]]


def test_an_entry_of_another_archive_is_no_base(tmp_path: Path) -> None:
    other = Archive.create(tmp_path / "other").append(night(0))
    archive = Archive.create(tmp_path / "a")
    archive.append(night(1), other)
    assert bases(archive) == [""]
    check(archive, {1: night(1)})


def test_what_was_pruned_is_no_base(tmp_path: Path) -> None:
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
    one = archive.append(night(1), base)
    contents = tree(path_of(archive))
    raw = zstandard.ZstdDecompressor().decompress(contents[f"packs/{base.pack}.zst"])
    assert raw == night(0).payloads[0].content
    like = zstandard.ZstdCompressionDict(raw, dict_type=zstandard.DICT_TYPE_RAWCONTENT)
    pack = contents[f"packs/{one.pack}.zst"]
    found = zstandard.ZstdDecompressor(dict_data=like).decompress(pack)
    assert found == night(1).payloads[0].content
    assert json.loads(contents["manifests/00000002.json"])["pack"] == {
        "sha256": hashlib.sha256(pack).hexdigest(),
        "size": len(pack),
        "base": base.pack,
    }


def test_a_base_that_rests_on_a_base_is_refused(tmp_path: Path) -> None:
    archive = Archive.create(tmp_path / "a")
    base = archive.append(night(0))
    on_it = archive.append(night(1), base)
    archive.append(night(2), base)
    rewrite(archive, 3, lambda manifest: manifest["pack"].update(base=on_it.pack))
    entry = archive.entries()[2]
    with pytest.raises(ArchiveError):
        archive.read(entry)
    assert places(archive) <= {f"packs/{name}.zst" for name in (on_it.pack, entry.pack)}
    assert places(archive)


def test_payloads_of_more_than_8_mib_find_all_of_their_base(tmp_path: Path) -> None:
    """Level 19 alone looks back 8 MiB; on a base, 128 MiB."""
    archive = Archive.create(tmp_path / "a")
    content = _bytes(0, 9 * 2**20)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    first, second = (
        Snapshot("okx", NOON, (Payload.of("okx", Call("m"), NOON, LIVE, one),), complete=True)
        for one in (content, content[4 * 2**20 :] + b"new" + content[: 4 * 2**20])
    )
    base = archive.append(first)
    one = archive.append(second, base)
    grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    assert one.base == base.pack
    assert one.size < 4096
    assert archive.read(one) == second
    if sys.platform == "linux":  # elsewhere it is counted in other units
        assert grown < 600 * 1024


@pytest.mark.parametrize(("of_base", "of_new"), [(2000, 900), (900, 2000)])
def test_what_is_larger_than_the_window_stands_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, of_base: int, of_new: int
) -> None:
    monkeypatch.setattr(archive_module, "WINDOW", 10)
    archive = Archive.create(tmp_path / "a")
    whole = _bytes(0, 2000)
    base, new = (
        Snapshot("okx", NOON, (Payload.of("okx", Call("m"), NOON, LIVE, one),), complete=True)
        for one in (whole[:of_base], whole[:of_new])
    )
    archive.append(new, archive.append(base))
    assert bases(archive) == ["", ""]
    check(archive, {1: base, 2: new})


# Pruning


@pytest.fixture
def archive(tmp_path: Path) -> Archive:
    """A base, two on it, one that stands alone, and one that shares its pack."""
    made = Archive.create(tmp_path / "a")
    like = made.append(night(0))
    for day in (1, 2):
        like = made.append(night(day), like)
    made.append(noise(3, 90, "gate"))
    made.append(later(noise(3, 90, "gate")))
    return made


KEPT = {1: night(0), 2: night(1), 3: night(2), 4: noise(3, 90, "gate")}
KEPT[5] = later(KEPT[4])


def pruned_of(archive: Archive) -> list[int]:
    return [one.sequence for one in archive.entries() if one.pruned]


def test_a_base_or_a_pack_that_something_kept_needs_is_not_pruned(archive: Archive) -> None:
    entries = archive.entries()
    before = tree(path_of(archive))
    assert archive.prune([entries[0], entries[3]], NOON, "too old") == ()
    assert tree(path_of(archive)) == before
    check(archive, KEPT)


def test_a_pruning_says_in_the_chain_which_when_and_why(archive: Archive) -> None:
    entries = archive.entries()
    at = datetime(2026, 1, 1, 1, tzinfo=timezone(timedelta(hours=2)))
    packs = archive.prune(entries[:3], at, "older than a year")
    assert packs == tuple(sorted(one.pack for one in entries[:3]))
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
    assert pruned_of(archive) == [1, 2, 3]
    assert {one.pruned for one in archive.entries()} == {"", "2025-12-31T23:00:00+00:00"}
    with pytest.raises(
        ArchiveError, match=r"00000002\.json: its payloads were pruned on 2025-12-31"
    ):
        archive.read(archive.entries()[1])


def test_a_pruning_is_recorded_to_last_before_anything_is_taken_away(archive: Archive) -> None:
    steps: list[Step] = []
    packs = on(archive, watched(steps)).prune(archive.entries()[:3], NOON, "old")
    done = [(step.verb, step.path.relative_to(path_of(archive)).as_posix()) for step in steps]
    assert done[1] == ("add", "manifests/00000006.json")
    assert done[3] == ("sync", "manifests")
    assert done[4:] == [*(("remove", f"packs/{one}.zst") for one in packs), ("sync", "packs")]


def test_a_snapshot_that_is_there_already_is_made_to_last(archive: Archive) -> None:
    steps: list[Step] = []
    on(archive, watched(steps)).append(KEPT[5])
    assert [(step.verb, step.path.name) for step in steps] == [("sync", "manifests")]


def test_pruning_twice_is_pruning_once(archive: Archive) -> None:
    entries = archive.entries()
    packs = archive.prune(entries[:2], NOON, "too old")
    assert packs == (entries[1].pack,)
    once = tree(path_of(archive))
    assert archive.prune(entries[:2], NOON, "too old") == ()
    assert archive.prune(archive.entries()[:2], NOON, "too old") == ()
    assert tree(path_of(archive)) == once


def test_nothing_pruned_is_nothing_recorded(archive: Archive) -> None:
    before = tree(path_of(archive))
    assert archive.prune([], NOON, "nothing") == ()
    assert tree(path_of(archive)) == before


def test_appending_what_was_pruned_brings_it_back(archive: Archive) -> None:
    entries = archive.entries()
    archive.prune(entries, NOON, "all")
    assert pruned_of(archive) == [1, 2, 3, 4, 5]
    assert archive.append(KEPT[5]).sequence == 7
    assert pruned_of(archive) == [1, 2, 3]
    archive.append(night(0))
    archive.append(night(2), archive.entries()[-1])
    assert pruned_of(archive) == [2]
    check(archive, {**KEPT, 7: KEPT[5], 8: night(0), 9: night(2)})


def test_the_newest_entry_that_was_pruned_is_appended_again(tmp_path: Path) -> None:
    archive = Archive.create(tmp_path / "a")
    entry = archive.append(night(0))
    archive.prune([entry], NOON, "a mistake")
    assert archive.append(night(0)).sequence == 3
    assert pruned_of(archive) == []
    assert archive.append(night(0)).sequence == 3


def test_an_entry_that_the_archive_does_not_hold_is_not_pruned(archive: Archive) -> None:
    drop = [replace(one, digest="0" * 64) for one in archive.entries()]
    assert archive.prune(drop, NOON, "of another archive") == ()
    check(archive, KEPT)


@pytest.mark.parametrize(
    ("at", "reason", "error"),
    [
        (
            NOON.replace(tzinfo=None),
            "old",
            "cannot prune: the time 2025-03-01 12:00:00 has no zone",
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


def test_a_pruning_whose_answer_was_lost_is_recorded_once(archive: Archive) -> None:
    """A store may make the object and lose the answer; the client asks again and is refused."""

    def lost(source: Path, target: Path) -> None:
        target.hardlink_to(source)
        raise FileExistsError

    entries = archive.entries()
    disk = replace(watched([]), link=lost)
    assert len(on(archive, disk).prune(entries[:3], NOON, "old")) == 3
    assert len(tree(path_of(archive) / "manifests")) == 6
    check(archive, KEPT)


def test_a_pruned_pack_that_is_there_again_is_named(archive: Archive) -> None:
    entries = archive.entries()
    files = tree(path_of(archive))
    archive.prune(entries[1:2], NOON, "old")
    name = f"packs/{entries[1].pack}.zst"
    (path_of(archive) / name).write_bytes(files[name])
    (problem,) = archive.verify()
    assert (problem.where, problem.what) == (
        name,
        "is there, though it was pruned on 2025-03-01; prune again",
    )
    assert archive.prune([], NOON, "again") == ()
    check(archive, KEPT)


def test_a_pruner_that_always_comes_late_is_told_so(archive: Archive) -> None:
    def taken(_: Path, target: Path) -> None:
        raise FileExistsError(17, "File exists", target)

    with pytest.raises(ArchiveError, match="cannot prune: other processes keep appending"):
        on(archive, replace(watched([]), link=taken)).prune(archive.entries(), NOON, "old")
    check(archive, KEPT)


# The first format


@pytest.fixture
def first_format(tmp_path: Path) -> Archive:
    """An archive as the first version made them: no bases, no prunings, another number."""
    made = Archive.create(tmp_path / "a")
    made.append(night(0))
    (tmp_path / "a/format.json").write_bytes(b'{"format": 1}\n')
    return Archive.open(tmp_path / "a")


def test_an_archive_of_the_first_format_is_read_and_appended_to_without_bases(
    first_format: Archive,
) -> None:
    assert first_format.format == 1
    like = first_format.entries()[0]
    first_format.append(night(1), like)
    assert bases(first_format) == ["", ""]
    check(first_format, {1: night(0), 2: night(1)})
    assert b'"base"' not in b"".join(tree(path_of(first_format) / "manifests").values())
    assert Archive.open(path_of(first_format)).format == 1


def test_an_archive_of_the_first_format_is_not_pruned(first_format: Archive) -> None:
    before = tree(path_of(first_format))
    with pytest.raises(ArchiveError, match="has format 1, which cannot be pruned"):
        first_format.prune(first_format.entries(), NOON, "old")
    assert tree(path_of(first_format)) == before


def test_what_is_too_large_to_be_read_again_is_refused_at_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("harmonize.archive.manifest.LIMIT", 1000)
    archive = Archive.create(tmp_path / "a")
    with pytest.raises(ArchiveError, match="would take 1001 bytes to read; the most is 1000"):
        archive.append(noise(0, 1001))
    assert archive.verify() == ()


def test_a_folder_that_cannot_be_listed_is_not_taken_for_no_archive(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"")
    found: list[Callable[[Path], object]] = [Archive.found, Archive.opened]
    for one in found:
        with pytest.raises(ArchiveError, match="cannot be listed: Not a directory"):
            one(tmp_path / "a")
    assert Archive.found(tmp_path / "none") is None
    assert Archive.opened(tmp_path / "none").verify() == ()


def test_an_archive_is_not_made_where_a_folder_of_it_holds_something(tmp_path: Path) -> None:
    (tmp_path / "packs" / "packs").mkdir(parents=True)
    with pytest.raises(ArchiveError, match="already holds packs"):
        Archive.create(tmp_path)


def test_a_pruning_waits_for_an_append_and_takes_nothing_that_it_needs(tmp_path: Path) -> None:
    """The append finds the pack of a pruned twin there, and is stopped before its manifest stands."""
    archive = Archive.create(tmp_path / "archive")
    twin = archive.append(snapshot(0))
    archive.append(snapshot(1))
    reached, go_on = threading.Event(), threading.Event()

    def slow(source: Path, target: Path) -> None:
        if target.suffix == ".json":
            reached.set()
            assert go_on.wait(20)
        os.link(source, target)

    again = replace(snapshot(0), observed_at=snapshot(2).observed_at)
    slowly = replace(archive, objects=Local(Path(archive.place), replace(DISK, link=slow)))
    with ThreadPoolExecutor(2) as pool:
        appended = pool.submit(slowly.append, again)
        assert reached.wait(20)
        pruned = pool.submit(archive.prune, [twin], snapshot(3).observed_at, "a test")
        assert not wait([pruned], timeout=0.3).done
        go_on.set()
        entry = appended.result(20)
        assert pruned.result(20) == ()
    assert archive.verify() == ()
    assert archive.read(entry) == again
