"""Processes that write archives and die of it: ``python -m tests.support.archive_driver WHAT FOLDER``.

One thread and few imports, so that a fork is cheap and sound. What does not hold ends the driver
with a traceback; what it prints is JSON for the test that started it.
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
from harmonize.archive.storage import DISK, Disk
from harmonize.core.payload import Snapshot
from tests.support.archives import NOON, night, on, snapshot, tree
from tests.support.paths import ROOT

NOBODY = 65534
PIECE = 8
PRUNING = 150
"""Fewer bytes than the record of a pruning takes."""
"""How many bytes are written between two points at which the process can die."""


def start(what: str, folder: Path) -> "subprocess.Popen[str]":
    """Start the driver as a process of its own."""
    command = [sys.executable, "-m", "tests.support.archive_driver", what, str(folder)]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    pipe = subprocess.PIPE
    return subprocess.Popen(
        command, cwd=ROOT, env=environment, stdin=pipe, stdout=pipe, stderr=pipe, text=True
    )


def run(what: str, folder: Path) -> dict[str, int]:
    """Run the driver to its end and give what it counted."""
    with start(what, folder) as process:
        told, wrong = process.communicate(timeout=120)
    assert process.returncode == 0, wrong
    found: dict[str, int] = json.loads(told)
    return found


# Dying at a point


def dying(last: int) -> Disk:
    """A disk whose every step, and every few bytes of a write, is a point; at one the process dies."""
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

    make = os.mkdir

    def mkdir(path: str, mode: int = 0o777) -> None:
        make(path, mode)
        point()

    os.mkdir = mkdir  # type: ignore[assignment] # folders are made past the disk
    return Disk(write, link, remove, sync)


def died(act: Callable[[], object]) -> bool:
    """Do something in a child, and tell whether it was killed."""
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
    """Die at the first point, the second, … and check what is left of a copy; how many there are."""
    for last in count():
        shutil.rmtree(left, ignore_errors=True)
        if before.exists():
            shutil.copytree(before, left)
        if not died(lambda last=last: act(dying(last))):  # type: ignore[misc] # a default of the loop
            return last
        check()
    raise AssertionError


def made(folder: Path) -> Archive:
    """Two nights of one venue, the second on the first, and one of another."""
    archive = Archive.create(folder)
    first = archive.append(night(0))
    archive.append(night(1), first)
    archive.append(snapshot(2, "bybit"))
    return archive


def appending(folder: Path) -> dict[str, int]:
    """Append on a base, on none, and what another entry holds too; die at every point."""
    made(folder / "before")
    nights = night(3)
    again = replace(night(0), observed_at=NOON - timedelta(days=1))
    return {
        "on a base": _appending(folder, nights, like=True),
        "alone": _appending(folder, snapshot(3, payloads=2), like=False),
        "the same pack": _appending(folder, again, like=False),
    }


def _appending(folder: Path, new: Snapshot, *, like: bool) -> int:
    left, whole = folder / "left", folder / "whole"
    before = Archive.open(folder / "before").entries()
    base = before[0] if like else None
    shutil.rmtree(whole, ignore_errors=True)
    shutil.copytree(folder / "before", whole)
    added = Archive.open(whole).append(new, base)
    assert bool(added.base) == like

    def check() -> None:
        left_over = Archive.open(left)
        entries = left_over.entries()
        assert entries in {before, (*before, added)}
        for entry in entries:
            left_over.read(entry)
        for problem in left_over.verify():
            assert "an append broke off" in problem.what
            assert problem.where == f"packs/{added.pack}.zst"
            assert entries == before
        assert left_over.append(new, base) == added
        assert left_over.verify() == ()
        assert without_temporary(left) == tree(whole)

    def act(disk: Disk) -> None:
        on(Archive.open(left), disk).append(new, base)

    return at_every_point(folder / "before", left, act, check)


def without_temporary(folder: Path) -> dict[str, bytes]:
    """The files that mean something."""
    return {name: content for name, content in tree(folder).items() if not name.endswith(".tmp")}


def pruning(folder: Path) -> dict[str, int]:
    """Prune two packs, of which one is a base, and die at every point."""
    archive = made(folder / "before")
    before, left, whole = archive.entries(), folder / "left", folder / "whole"
    shutil.copytree(folder / "before", whole)
    packs = Archive.open(whole).prune(before[:2], NOON, "too old")
    after = Archive.open(whole).entries()
    assert len(packs) == 2
    assert len(tree(whole)) == len(tree(folder / "before")) - 2 + 1

    def check() -> None:
        left_over = Archive.open(left)
        entries = left_over.entries()
        assert entries in {before, after}
        for entry in entries:
            assert entry.pruned or left_over.read(entry).payloads
        for problem in left_over.verify():
            assert "it was pruned" in problem.what
            assert problem.where in {f"packs/{name}.zst" for name in packs}
            assert entries == after
        left_over.prune(before[:2], NOON, "too old")
        assert left_over.verify() == ()
        assert without_temporary(left) == tree(whole)

    points = at_every_point(
        folder / "before",
        left,
        lambda disk: on(Archive.open(left), disk).prune(before[:2], NOON, "too old"),
        check,
    )
    return {"points": points}


def making(folder: Path) -> dict[str, int]:
    """Make an archive and die at every point."""
    left = folder / "deep" / "left"

    def check() -> None:
        try:
            found = Archive.open(left)
        except ArchiveError:
            found = Archive.create(left)
        assert found.verify() == ()
        assert without_temporary(left) == {"format.json": b'{"format": 2}\n'}

    return {
        "points": at_every_point(
            folder / "none", left, lambda disk: Archive.create(left, disk), check
        )
    }


# Dying at any time


def killing(folder: Path) -> dict[str, int]:
    """Kill a child that appends in a loop, at random times; what it told of must be there."""
    chance = random.Random(20250301)  # noqa: S311 - a repeatable choice, not a secret
    archive = made(folder / "a")
    told: list[str] = []
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
            told += [line.strip() for line in pipe if line.endswith("\n")]
        entries = archive.entries()
        assert set(told) <= {entry.digest for entry in entries}
        problems = archive.verify()
        broken += len(problems)
        assert all("an append broke off" in one.what for one in problems)
        assert len(problems) <= 1
        for one in problems:  # what broke off is swept away, so that the next kill shows alone
            (folder / "a" / one.where).unlink()
    assert len(entries) > 3
    return {"kills": kills, "entries": len(entries), "broken": broken}


def _append_on(archive: Archive, sender: int) -> NoReturn:
    for day in count(len(archive.entries())):
        entry = archive.append(night(day), archive.entries()[0])
        os.write(sender, f"{entry.digest}\n".encode())
    raise AssertionError


# No room, no right


def refusals(said: str, acts: Iterable[Callable[[], object]]) -> int:
    """How many of some acts were refused by one line that says so; none may be done."""
    refused = 0
    for act in acts:
        told = "it was done"
        try:
            act()
        except ArchiveError as error:
            told = str(error)
        assert said in told
        assert "\n" not in told
        refused += 1
    return refused


def limited(folder: Path) -> dict[str, int]:
    """Append and prune where no file may be longer than so many bytes."""
    archive = made(folder / "a")
    before, files = archive.entries(), tree(folder / "a")
    new, refused = night(3), 0
    acts: list[Callable[[], object]] = [
        lambda: archive.append(new),
        lambda: archive.append(new, before[0]),
        lambda: archive.prune(before[:2], NOON, "too old"),
    ]
    for most in (0, 1, 20, 200, 500):
        resource.setrlimit(resource.RLIMIT_FSIZE, (most, resource.RLIM_INFINITY))
        refused += refusals("File too large", acts if most < PRUNING else acts[:2])
        assert archive.entries() == before
        assert all("an append broke off" in one.what for one in archive.verify())
        assert not list((folder / "a").rglob("*.tmp"))
    resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
    archive.append(new, before[0])
    archive.append(replace(new, observed_at=NOON))
    assert archive.verify() == ()
    assert tree(folder / "a").items() >= files.items()
    return {"refused": refused}


def forbidden(folder: Path) -> dict[str, int]:
    """Read, append to, prune and make archives where this user may not write."""
    archive = made(folder / "a")
    before = archive.entries()
    for one in (folder, *folder.rglob("*")):
        one.chmod(0o555 if one.is_dir() else 0o444)
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
    again = Archive.open(folder / "a")
    assert again.verify() == ()
    assert [again.read(entry).venue for entry in before] == ["okx", "okx", "bybit"]
    return {"refused": refused}


# Several at once


def writing(folder: Path) -> dict[str, int]:
    """Append forty snapshots when told to; the venue is the number of the process."""
    archive = Archive.open(folder)
    sys.stdin.readline()
    like = None
    for day in range(40):
        like = archive.append(night(day, f"venue {os.getpid()}"), like)
    return {"pid": os.getpid()}


def founding(folder: Path) -> dict[str, int]:
    """Make an archive when told to."""
    sys.stdin.readline()
    try:
        Archive.create(folder)
    except ArchiveError as error:
        taken = "File exists" in str(error) or "already holds" in str(error)
        assert taken
        return {"made": 0}
    return {"made": 1}


DRIVES: Mapping[str, Callable[[Path], dict[str, int]]] = MappingProxyType(
    {
        one.__name__: one
        for one in (
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
    print(json.dumps(DRIVES[sys.argv[1]](Path(sys.argv[2]))))  # noqa: T201 - its answer
