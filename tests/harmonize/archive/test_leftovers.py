"""What interrupted writes leave: a note, not damage, and removed only where it can do no harm."""

import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from typer.testing import CliRunner

from harmonize.archive import leftovers
from harmonize.archive.archive import Archive
from harmonize.archive.storage import DISK
from harmonize.cli.main import app
from tests.support.archive_driver import sample_archive
from tests.support.archives import NOON, night, on_disk, snapshot, tree
from tests.support.paths import ROOT


@pytest.fixture
def archive(tmp_path: Path) -> Archive:
    """Returns three entries and the orphan of a fourth, whose manifest is missing."""
    made = sample_archive(tmp_path / "a")
    made.append(snapshot(3, "gate"))
    (tmp_path / "a" / "manifests" / "00000004.json").unlink()
    return made


def folder_of(archive: Archive) -> Path:
    return Path(archive.place)


def orphans(archive: Archive) -> list[str]:
    return [problem.where for problem in archive.verify() if not problem.is_damage]


def test_verify_notes_an_orphan_and_what_both_causes_may_be(archive: Archive) -> None:
    (orphan,) = orphans(archive)
    result = CliRunner().invoke(app, ["--archive", str(archive.place), "archive", "verify"])
    assert result.exit_code == 0
    assert result.stdout == "3 snapshots verified\n"
    assert result.stderr == (
        f"note: {orphan}: no record names this pack: an append was interrupted, or the newest "
        "manifest was removed; compare the digest of the newest entry with one kept elsewhere; "
        "the next append or pruning in a folder removes the pack\n"
    )


def test_a_changed_orphan_is_damage(archive: Archive) -> None:
    path = folder_of(archive) / orphans(archive)[0]
    path.write_bytes(path.read_bytes()[:-1] + b"x")
    (problem,) = archive.verify()
    assert problem.is_damage
    assert problem.what.startswith("is damaged, and no record names it: the SHA-256 of its content")
    result = CliRunner().invoke(app, ["--archive", str(archive.place), "archive", "verify"])
    assert result.exit_code == 3


def test_an_append_and_a_pruning_remove_orphans_and_temporary_files(archive: Archive) -> None:
    for directory in ("packs", "manifests"):
        (folder_of(archive) / directory / "0123456789abcdef.tmp").write_bytes(b"half")
    archive.append(snapshot(5))
    assert archive.verify() == ()
    assert not list(folder_of(archive).rglob("*.tmp"))
    (folder_of(archive) / "manifests" / "00000004.json").unlink()
    assert orphans(archive)
    archive.prune((), NOON, "nothing")
    assert archive.verify() == ()


def test_an_older_orphan_is_left_to_the_pruning(archive: Archive) -> None:
    """An append reads the chain only if a pack is not older than the newest record."""
    path = folder_of(archive) / orphans(archive)[0]
    os.utime(path, (0, 0))
    archive.append(snapshot(5))
    assert orphans(archive) == [f"packs/{path.name}"]
    archive.prune((), NOON, "nothing")
    assert archive.verify() == ()


def test_a_broken_chain_keeps_every_pack(archive: Archive) -> None:
    (folder_of(archive) / "manifests" / "00000002.json").unlink()
    packs = {name for name in tree(folder_of(archive)) if name.startswith("packs/")}
    archive.append(snapshot(5))
    assert packs < {name for name in tree(folder_of(archive)) if name.startswith("packs/")}


def test_nothing_is_swept_while_another_process_appends(archive: Archive) -> None:
    (folder_of(archive) / "packs" / "0123456789abcdef.tmp").write_bytes(b"half")
    program = (
        "import sys; from harmonize.archive.storage import LocalStorage; from pathlib import Path\n"
        "with LocalStorage(Path(sys.argv[1])).lock(exclusive=False):\n"
        "    print('locked', flush=True); sys.stdin.readline()\n"
    )
    pipe = subprocess.PIPE
    with subprocess.Popen(
        [sys.executable, "-c", program, str(archive.place)],
        stdin=pipe,
        stdout=pipe,
        text=True,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    ) as other:
        assert other.stdin is not None
        assert other.stdout is not None
        assert other.stdout.readline() == "locked\n"
        archive.append(snapshot(5))
        assert len(orphans(archive)) == 1
        assert list(folder_of(archive).rglob("*.tmp"))
        other.communicate("\n")
    archive.append(snapshot(6))
    assert not list(folder_of(archive).rglob("*.tmp"))


def test_without_locks_only_old_files_are_swept(archive: Archive) -> None:
    unlocked = on_disk(archive, replace(DISK, lock=lambda *_: None, try_lock=lambda _: None))
    path = folder_of(archive) / orphans(archive)[0]
    temporary = folder_of(archive) / "packs" / "0123456789abcdef.tmp"
    temporary.write_bytes(b"half")
    unlocked.append(night(5))
    unlocked.prune((), NOON, "nothing")
    assert path.exists()
    assert temporary.exists()
    for old in (path, temporary):
        os.utime(old, (old.stat().st_mtime - leftovers.SAFE_AGE - 60,) * 2)
    unlocked.append(night(6))
    assert path.exists()
    unlocked.prune((), NOON, "nothing")
    assert not path.exists()
    assert not temporary.exists()
