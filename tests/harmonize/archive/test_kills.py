"""What a process leaves that was killed, had no room or no right, or was not alone."""

import errno
import os
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import pytest

from harmonize.archive.archive import Archive, ArchiveError
from tests.support import archive_driver
from tests.support.archives import (
    NOON,
    Step,
    later,
    night,
    noise,
    on,
    path_of,
    snapshot,
    tree,
    watched,
)


def test_a_kill_at_any_point_of_an_append_leaves_it_undone_or_done(tmp_path: Path) -> None:
    points = archive_driver.run("appending", tmp_path)
    assert all(number >= 100 for number in points.values())
    assert list(points) == ["on a base", "alone", "the same pack"]


def test_a_kill_at_any_point_of_a_pruning_leaves_what_a_pruning_mends(tmp_path: Path) -> None:
    assert archive_driver.run("pruning", tmp_path)["points"] >= 40


def test_a_kill_at_any_point_of_making_an_archive_lets_it_be_made(tmp_path: Path) -> None:
    assert archive_driver.run("making", tmp_path)["points"] >= 8


def test_kills_at_any_time_lose_nothing_that_was_told_of(tmp_path: Path) -> None:
    found = archive_driver.run("killing", tmp_path)
    assert found["kills"] == 36


def test_files_that_may_not_grow_lose_nothing(tmp_path: Path) -> None:
    assert archive_driver.run("limited", tmp_path) == {"refused": 13}


def test_where_nothing_may_be_written_all_can_be_read() -> None:
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)
        try:
            assert archive_driver.run("forbidden", Path(folder)) == {"refused": 4}
        finally:
            for one in (Path(folder), *Path(folder).rglob("*")):
                if one.is_dir():
                    one.chmod(0o755)


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 128 KiB."""
    folder = tmp_path / "small"
    folder.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "size=128k", "tmpfs", str(folder)]
    try:
        subprocess.run(command, check=True, capture_output=True)
    except (OSError, subprocess.CalledProcessError):
        pytest.skip("this user may not mount a file system")
    yield folder
    subprocess.run(["umount", str(folder)], check=True)  # noqa: S607 - as above


def test_a_disk_that_is_full_loses_nothing(small_disk: Path) -> None:
    archive = Archive.create(small_disk / "a")
    (small_disk / "reserve").write_bytes(bytes(20000))

    def fill() -> None:
        for day in range(40):
            archive.append(noise(day, 9000))

    with pytest.raises(ArchiveError) as caught:
        fill()
    what = "cannot append: No space left on device; what was archived before is unchanged"
    assert str(caught.value) == f"{small_disk / 'a'}: {what}"
    before, files = archive.entries(), tree(small_disk / "a")
    assert len(before) >= 5
    assert all("an append broke off" in one.what for one in archive.verify())
    assert not [name for name in files if name.endswith(".tmp")]
    for pages in range(8, 0, -1):  # ever smaller files, until nothing at all fits any more
        with suppress(OSError):
            (small_disk / f"filler {pages}").write_bytes(bytes(4096 * pages))
    with pytest.raises(ArchiveError, match="cannot prune: No space left on device"):
        archive.prune(before[:2], NOON, "too old")
    assert archive.entries() == before
    (small_disk / "reserve").unlink()
    archive.prune(before[:2], NOON, "too old")
    archive.append(noise(len(before), 9000))
    assert archive.verify() == ()


@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EROFS])
def test_a_pruning_that_fails_at_any_step_keeps_what_is_kept(tmp_path: Path, code: int) -> None:
    for last in range(8):
        archive = archive_driver.made(tmp_path / f"{last}")
        before = archive.entries()
        steps: list[Step] = []

        def stop(last: int = last, steps: list[Step] = steps) -> None:
            if len(steps) >= last:
                raise OSError(code, os.strerror(code))

        try:
            on(archive, watched(steps, stop)).prune(before[:2], NOON, "too old")
        except ArchiveError as error:
            what = f"cannot prune: {os.strerror(code)}; what is kept is unchanged"
            assert str(error) == f"{path_of(archive)}: {what}"  # noqa: PT017 - the last step is allowed
        else:
            assert last == 7
        assert archive.read(archive.entries()[2]) == snapshot(2, "bybit")
        assert {"it was pruned" in one.what for one in archive.verify()} <= {True}
        archive.prune(before[:2], NOON, "too old")
        assert archive.verify() == ()
        assert len(archive.entries()) == 3


def at_once(what: str, folder: Path, number: int) -> list[str]:
    """What processes say that are started, and then told to begin."""
    processes = [archive_driver.start(what, folder) for _ in range(number)]
    for process in processes:
        assert process.stdin is not None
        process.stdin.write("\n")
        process.stdin.flush()
    told = [process.communicate(timeout=60) for process in processes]
    assert [process.returncode for process in processes] == [0] * number, told
    return [out for out, _ in told]


def test_two_processes_that_append_at_once_lose_nothing(tmp_path: Path) -> None:
    archive = Archive.create(tmp_path / "a")
    at_once("writing", tmp_path / "a", 2)
    entries = archive.entries()
    assert [one.sequence for one in entries] == list(range(1, 81))
    by_venue = {
        venue: [one for one in entries if one.venue == venue]
        for venue in {one.venue for one in entries}
    }
    assert [len(one) for one in by_venue.values()] == [40, 40]
    for venue, mine in by_venue.items():
        assert [archive.read(one) for one in mine] == [night(day, venue) for day in range(40)]
    assert archive.verify() == ()


def test_of_processes_that_make_an_archive_at_once_one_does(tmp_path: Path) -> None:
    told = at_once("founding", tmp_path / "a", 3)
    assert sorted(told) == ['{"made": 0}\n', '{"made": 0}\n', '{"made": 1}\n']
    assert Archive.open(tmp_path / "a").verify() == ()


def test_a_pruning_without_a_lock_follows_the_records_that_came_meanwhile(tmp_path: Path) -> None:
    """As on a system that has no locks, or on an object store."""
    archive = archive_driver.made(tmp_path / "a")
    entries = archive.entries()
    pending = [later(night(0))]  # needs the pack that is about to be pruned

    def slow() -> None:
        if pending:
            archive.append(pending.pop())

    unlocked = replace(watched([], slow), lock=lambda *_: None)
    pruned = on(archive, unlocked).prune(entries[:2], NOON, "too old")
    assert pruned == (entries[1].pack,)
    assert archive.read(archive.entries()[3]) == later(night(0))
    assert archive.verify() == ()
