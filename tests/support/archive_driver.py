"""Processes that are killed while writing: ``python -m tests.support.archive_driver SCENARIO FOLDER``.

One thread and few imports, so that a fork is cheap and safe. A failed assertion ends the driver
with a traceback. The driver prints JSON for the test that started it.
"""

import json
import os
import random
import resource
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from datetime import timedelta
from itertools import count
from pathlib import Path
from types import MappingProxyType
from typing import NoReturn

from harmonize.archive.archive import Archive, ArchiveError
from harmonize.archive.catalog import Entry
from harmonize.archive.storage import DISK, Disk
from harmonize.core.payload import Snapshot
from tests.support.archives import NOON, night, on_disk, snapshot, tree
from tests.support.paths import ROOT

NOBODY = 65534
PIECE = 8
"""Bytes written between two points at which the process can die."""

PRUNING = 150
"""A size in bytes below that of a pruning record."""


def start(scenario: str, folder: Path) -> "subprocess.Popen[str]":
    """Starts the driver as a separate process."""
    command = [sys.executable, "-m", "tests.support.archive_driver", scenario, str(folder)]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    pipe = subprocess.PIPE
    return subprocess.Popen(
        command, cwd=ROOT, env=environment, stdin=pipe, stdout=pipe, stderr=pipe, text=True
    )


def run(scenario: str, folder: Path) -> dict[str, int]:
    """Runs the driver to its end and returns its counts."""
    with start(scenario, folder) as process:
        output, errors = process.communicate(timeout=120)
    assert process.returncode == 0, errors
    counts: dict[str, int] = json.loads(output)
    return counts


# Dying at a point


def fatal_disk(last: int) -> Disk:
    """Returns a disk that kills the process at point ``last``.

    Each step, and each few bytes of a write, is a point.
    """
    points = count()

    def point() -> None:
        if next(points) == last:
            os.kill(os.getpid(), signal.SIGKILL)

    def write(path: Path, content: bytes) -> None:
        point()
        with path.open("xb", buffering=0) as file:
            for start in range(0, len(content), PIECE):
                file.write(content[start : start + PIECE])
                point()
            os.fsync(file.fileno())
        point()

    def link(source: Path, target: Path) -> None:
        DISK.link(source, target)
        point()

    def remove(path: Path) -> None:
        DISK.remove(path)
        point()

    def sync(directory: Path) -> None:
        DISK.sync(directory)
        point()

    original_mkdir = os.mkdir

    def mkdir(path: str, mode: int = 0o777) -> None:
        original_mkdir(path, mode)
        point()

    os.mkdir = mkdir  # type: ignore[assignment] # the disk does not create folders
    return Disk(write, link, remove, sync)


def is_killed(act: Callable[[], object]) -> bool:
    """Runs an action in a child process and returns whether the child was killed."""
    child = os.fork()
    if not child:
        os.dup2(2, 1)
        act()
        os._exit(0)
    _, status = os.waitpid(child, 0)
    assert os.WIFSIGNALED(status) or not status, status
    return os.WIFSIGNALED(status)


def at_every_point(
    before: Path, left: Path, act: Callable[[Disk], object], check: Callable[[], object]
) -> int:
    """Dies at each point in turn and checks the remaining copy; returns the number of points."""
    for last in count():
        shutil.rmtree(left, ignore_errors=True)
        if before.exists():
            shutil.copytree(before, left)
        if not is_killed(lambda last=last: act(fatal_disk(last))):  # type: ignore[misc] # a default of the loop
            return last
        check()
    raise AssertionError


def sample_archive(folder: Path) -> Archive:
    """Returns two nights of one venue, the second based on the first, and one of another venue."""
    archive = Archive.create(folder)
    first = archive.append(night(0))
    archive.append(night(1), first)
    archive.append(snapshot(2, "bybit"))
    return archive


def appending(folder: Path) -> dict[str, int]:
    """Appends on a base, on none, and a pack of another entry; dies at every point."""
    sample_archive(folder / "before")
    nights = night(3)
    again = replace(night(0), observed_at=NOON - timedelta(days=1))
    return {
        "on a base": _appending(folder, nights, has_base=True),
        "alone": _appending(folder, snapshot(3, payloads=2), has_base=False),
        "the same pack": _appending(folder, again, has_base=False),
    }


def _appending(folder: Path, new: Snapshot, *, has_base: bool) -> int:
    left, whole = folder / "left", folder / "whole"
    before = Archive.open(folder / "before").entries()
    base = before[0] if has_base else None
    shutil.rmtree(whole, ignore_errors=True)
    shutil.copytree(folder / "before", whole)
    added = Archive.open(whole).append(new, base)
    assert bool(added.base) == has_base

    def check() -> None:
        remaining = Archive.open(left)
        entries = remaining.entries()
        assert entries in {before, (*before, added)}
        for entry in entries:
            remaining.read(entry)
        for problem in remaining.verify():
            assert "an append was interrupted" in problem.what
            assert not problem.is_damage
            assert problem.where == f"packs/{added.pack}.zst"
            assert entries == before
        other = left.with_name("other")
        shutil.rmtree(other, ignore_errors=True)
        shutil.copytree(left, other)
        assert remaining.append(new, base) == added
        assert remaining.verify() == ()
        assert tree(left) == tree(whole)
        check_sweep(other, entries)

    def act(disk: Disk) -> None:
        on_disk(Archive.open(left), disk).append(new, base)

    return at_every_point(folder / "before", left, act, check)


def check_sweep(folder: Path, entries: tuple[Entry, ...]) -> None:
    """Checks that an append of something else, and a pruning, leave nothing of an interrupted one."""
    pruned = folder.with_name("pruned")
    shutil.rmtree(pruned, ignore_errors=True)
    shutil.copytree(folder, pruned)
    appended = Archive.open(folder)
    appended.append(snapshot(9, "gate"))
    Archive.open(pruned).prune((), NOON, "nothing")
    for left in (folder, pruned):
        assert Archive.open(left).verify() == ()
        assert Archive.open(left).entries()[: len(entries)] == entries
        assert not list(left.rglob("*.tmp"))


def without_temporary(folder: Path) -> dict[str, bytes]:
    """Returns the files except temporary ones."""
    return {name: content for name, content in tree(folder).items() if not name.endswith(".tmp")}


def pruning(folder: Path) -> dict[str, int]:
    """Prunes two packs, of which one is a base, and dies at every point."""
    archive = sample_archive(folder / "before")
    before, left, whole = archive.entries(), folder / "left", folder / "whole"
    shutil.copytree(folder / "before", whole)
    packs = Archive.open(whole).prune(before[:2], NOON, "too old")
    after = Archive.open(whole).entries()
    assert len(packs) == 2
    assert len(tree(whole)) == len(tree(folder / "before")) - 2 + 1

    def check() -> None:
        remaining = Archive.open(left)
        entries = remaining.entries()
        assert entries in {before, after}
        for entry in entries:
            assert entry.pruned or remaining.read(entry).payloads
        for problem in remaining.verify():
            assert "it was pruned" in problem.what
            assert problem.where in {f"packs/{name}.zst" for name in packs}
            assert entries == after
        remaining.prune(before[:2], NOON, "too old")
        assert remaining.verify() == ()
        assert tree(left) == tree(whole)

    points = at_every_point(
        folder / "before",
        left,
        lambda disk: on_disk(Archive.open(left), disk).prune(before[:2], NOON, "too old"),
        check,
    )
    return {"points": points}


def making(folder: Path) -> dict[str, int]:
    """Creates an archive and dies at every point."""
    left = folder / "deep" / "left"

    def check() -> None:
        try:
            archive = Archive.open(left)
        except ArchiveError:
            archive = Archive.create(left)
        assert archive.verify() == ()
        assert without_temporary(left) == {"format.json": b'{"format": 2}\n'}

    return {
        "points": at_every_point(
            folder / "none", left, lambda disk: Archive.create(left, disk), check
        )
    }


# Dying at any time


def killing(folder: Path) -> dict[str, int]:
    """Kills an appending child at random times; every entry that it reported must exist."""
    chance = random.Random(20250301)  # noqa: S311 - a repeatable choice, not a secret
    archive = sample_archive(folder / "a")
    reported: list[str] = []
    broken, kills = 0, 36
    for _ in range(kills):
        receiver, sender = os.pipe()
        child = os.fork()
        if not child:
            _append_on(archive, sender)
        os.close(sender)
        time.sleep(chance.uniform(0.001, 0.06))
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
        with os.fdopen(receiver) as pipe:
            reported += [line.strip() for line in pipe if line.endswith("\n")]
        entries = archive.entries()
        assert set(reported) <= {entry.digest for entry in entries}
        problems = archive.verify()
        broken += len(problems)
        assert all("an append was interrupted" in problem.what for problem in problems)
        assert not any(problem.is_damage for problem in problems)
        assert len(problems) <= 1  # the next append removed what the kill before it left
    assert len(entries) > 3
    return {"kills": kills, "entries": len(entries), "broken": broken}


def _append_on(archive: Archive, sender: int) -> NoReturn:
    for day in count(len(archive.entries())):
        entry = archive.append(night(day), archive.entries()[0])
        os.write(sender, f"{entry.digest}\n".encode())
    raise AssertionError


# No room, no right


def refusals(reason: str, acts: Iterable[Callable[[], object]]) -> int:
    """Checks that each action is refused with a one-line reason, and returns their number."""
    refused = 0
    for act in acts:
        message = "the action succeeded"
        try:
            act()
        except ArchiveError as error:
            message = str(error)
        assert reason in message
        assert "\n" not in message
        refused += 1
    return refused


def limited(folder: Path) -> dict[str, int]:
    """Appends and prunes under a limit on the size of files."""
    archive = sample_archive(folder / "a")
    before, files = archive.entries(), tree(folder / "a")
    new, refused = night(3), 0
    acts: list[Callable[[], object]] = [
        lambda: archive.append(new),
        lambda: archive.append(new, before[0]),
        lambda: archive.prune(before[:2], NOON, "too old"),
    ]
    for limit in (0, 1, 20, 200, 500):
        resource.setrlimit(resource.RLIMIT_FSIZE, (limit, resource.RLIM_INFINITY))
        refused += refusals("File too large", acts if limit < PRUNING else acts[:2])
        assert archive.entries() == before
        assert all("an append was interrupted" in problem.what for problem in archive.verify())
        assert not list((folder / "a").rglob("*.tmp"))
    resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
    archive.append(new, before[0])
    archive.append(replace(new, observed_at=NOON))
    assert archive.verify() == ()
    assert tree(folder / "a").items() >= files.items()
    return {"refused": refused}


def forbidden(folder: Path) -> dict[str, int]:
    """Reads, appends, prunes and creates archives without the permission to write."""
    archive = sample_archive(folder / "a")
    before = archive.entries()
    for path in (folder, *folder.rglob("*")):
        path.chmod(0o555 if path.is_dir() else 0o444)
    if not os.geteuid():
        os.setgid(NOBODY)
        os.setuid(NOBODY)
    acts: list[Callable[[], object]] = [
        lambda: archive.append(snapshot(3)),
        lambda: archive.append(snapshot(3), before[0]),
        lambda: archive.prune(before[:2], NOON, "too old"),
        lambda: Archive.create(folder / "b"),
    ]
    refused = refusals("Permission denied", acts)
    reopened = Archive.open(folder / "a")
    assert reopened.verify() == ()
    assert [reopened.read(entry).venue for entry in before] == ["okx", "okx", "bybit"]
    return {"refused": refused}


# Several at once


def writing(folder: Path) -> dict[str, int]:
    """Appends forty snapshots after a signal; the venue is the process ID."""
    archive = Archive.open(folder)
    sys.stdin.readline()
    previous = None
    for day in range(40):
        previous = archive.append(night(day, f"venue {os.getpid()}"), previous)
    return {"pid": os.getpid()}


def founding(folder: Path) -> dict[str, int]:
    """Creates an archive after a signal."""
    sys.stdin.readline()
    try:
        Archive.create(folder)
    except ArchiveError as error:
        is_taken = "File exists" in str(error) or "already contains" in str(error)
        assert is_taken
        return {"made": 0}
    return {"made": 1}


SCENARIOS: Mapping[str, Callable[[Path], dict[str, int]]] = MappingProxyType(
    {
        scenario.__name__: scenario
        for scenario in (
            appending,
            pruning,
            making,
            killing,
            limited,
            forbidden,
            writing,
            founding,
        )
    }
)

if __name__ == "__main__":
    print(json.dumps(SCENARIOS[sys.argv[1]](Path(sys.argv[2]))))  # noqa: T201 - the result of the driver
