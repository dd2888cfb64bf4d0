"""Archives after a killed process, a full disk, missing permissions, or concurrent writers."""

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
    on_disk,
    path_of,
    recording_disk,
    snapshot,
    tree,
)


def test_a_kill_at_any_point_of_an_append_leaves_it_undone_or_done(tmp_path: Path) -> None:
    points = archive_driver.run("appending", tmp_path)
    assert all(number >= 100 for number in points.values())
    assert list(points) == ["on a base", "alone", "the same pack"]


def test_a_kill_at_any_point_of_a_pruning_is_repaired_by_the_next(tmp_path: Path) -> None:
    assert archive_driver.run("pruning", tmp_path)["points"] >= 40


def test_a_kill_at_any_point_of_a_creation_allows_another(tmp_path: Path) -> None:
    assert archive_driver.run("making", tmp_path)["points"] >= 8


def test_kills_at_any_time_lose_no_reported_entry(tmp_path: Path) -> None:
    counts = archive_driver.run("killing", tmp_path)
    assert counts["kills"] == 36


def test_a_limit_on_file_sizes_loses_nothing(tmp_path: Path) -> None:
    assert archive_driver.run("limited", tmp_path) == {"refused": 13}


def test_a_read_only_archive_can_be_read() -> None:
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)
        try:
            assert archive_driver.run("forbidden", Path(folder)) == {"refused": 4}
        finally:
            for path in (Path(folder), *Path(folder).rglob("*")):
                if path.is_dir():
                    path.chmod(0o755)


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """Yields a file system of 128 KiB."""
    folder = tmp_path / "small"
    folder.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "size=128k", "tmpfs", str(folder)]
    try:
        subprocess.run(command, check=True, capture_output=True)
    except (OSError, subprocess.CalledProcessError):
        pytest.skip("this user may not mount a file system")
    yield folder
    subprocess.run(["umount", str(folder)], check=True)  # noqa: S607 - as above


def test_a_full_disk_loses_nothing(small_disk: Path) -> None:
    archive = Archive.create(small_disk / "a")
    (small_disk / "reserve").write_bytes(bytes(20000))

    def fill() -> None:
        for day in range(40):
            archive.append(noise(day, 9000))

    with pytest.raises(ArchiveError) as caught:
        fill()
    problem = "cannot append: No space left on device; existing snapshots are unchanged"
    assert str(caught.value) == f"{small_disk / 'a'}: {problem}"
    before, files = archive.entries(), tree(small_disk / "a")
    assert len(before) >= 5
    assert all("an append was interrupted" in problem.what for problem in archive.verify())
    assert not [name for name in files if name.endswith(".tmp")]
    for pages in range(8, 0, -1):  # ever smaller files, until none fits
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
def test_a_pruning_that_fails_at_any_step_loses_no_remaining_snapshot(
    tmp_path: Path, code: int
) -> None:
    for last in range(8):
        archive = archive_driver.sample_archive(tmp_path / f"{last}")
        before = archive.entries()
        steps: list[Step] = []

        def stop(last: int = last, steps: list[Step] = steps) -> None:
            if len(steps) >= last:
                raise OSError(code, os.strerror(code))

        try:
            on_disk(archive, recording_disk(steps, stop)).prune(before[:2], NOON, "too old")
        except ArchiveError as error:
            problem = f"cannot prune: {os.strerror(code)}; remaining snapshots are unchanged"
            assert str(error) == f"{path_of(archive)}: {problem}"  # noqa: PT017 - the last step is allowed
        else:
            assert last == 7
        assert archive.read(archive.entries()[2]) == snapshot(2, "bybit")
        assert {"it was pruned" in problem.what for problem in archive.verify()} <= {True}
        archive.prune(before[:2], NOON, "too old")
        assert archive.verify() == ()
        assert len(archive.entries()) == 3


def run_concurrently(scenario: str, folder: Path, number: int) -> list[str]:
    """Starts processes, lets them begin together, and returns their output."""
    processes = [archive_driver.start(scenario, folder) for _ in range(number)]
    for process in processes:
        assert process.stdin is not None
        process.stdin.write("\n")
        process.stdin.flush()
    outputs = [process.communicate(timeout=60) for process in processes]
    assert [process.returncode for process in processes] == [0] * number, outputs
    return [out for out, _ in outputs]


def test_two_concurrently_appending_processes_lose_nothing(tmp_path: Path) -> None:
    archive = Archive.create(tmp_path / "a")
    run_concurrently("writing", tmp_path / "a", 2)
    entries = archive.entries()
    assert [entry.sequence for entry in entries] == list(range(1, 81))
    by_venue = {
        venue: [entry for entry in entries if entry.venue == venue]
        for venue in {entry.venue for entry in entries}
    }
    assert [len(own) for own in by_venue.values()] == [40, 40]
    for venue, own in by_venue.items():
        assert [archive.read(entry) for entry in own] == [night(day, venue) for day in range(40)]
    assert archive.verify() == ()


def test_of_processes_creating_an_archive_at_once_one_succeeds(tmp_path: Path) -> None:
    outputs = run_concurrently("founding", tmp_path / "a", 3)
    assert sorted(outputs) == ['{"made": 0}\n', '{"made": 0}\n', '{"made": 1}\n']
    assert Archive.open(tmp_path / "a").verify() == ()


def test_a_pruning_without_a_lock_respects_concurrent_records(tmp_path: Path) -> None:
    """Covers systems without locks, and object stores."""
    archive = archive_driver.sample_archive(tmp_path / "a")
    entries = archive.entries()
    pending = [later(night(0))]  # requires the pack to be pruned

    def append_pending() -> None:
        if pending:
            archive.append(pending.pop())

    unlocked = replace(recording_disk([], append_pending), lock=lambda *_: None)
    pruned = on_disk(archive, unlocked).prune(entries[:2], NOON, "too old")
    assert pruned == (entries[1].pack,)
    assert archive.read(archive.entries()[3]) == later(night(0))
    assert archive.verify() == ()
