"""The page on the format tells what is needed: its program reads and checks archives without this one."""

import hashlib
import re
import subprocess
import sys
from pathlib import Path

import pytest

import venues
from harmonize.archive.archive import Archive
from tests.support.archives import NOON, later, night, noise, path_of, tree
from tests.support.paths import DOCS

PAGE = DOCS / "archive-format.md"


@pytest.fixture(scope="module")
def program(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The program of the page, in a folder that holds nothing else."""
    (text,) = re.findall(
        r"^```python\n(.*?)^```$", PAGE.read_text("utf-8"), re.DOTALL | re.MULTILINE
    )
    path = tmp_path_factory.mktemp("page") / "check.py"
    path.write_text(text, encoding="utf-8")
    return path


def run(program: Path, *arguments: object) -> "subprocess.CompletedProcess[bytes]":
    command = [sys.executable, "-I", str(program), *map(str, arguments)]
    return subprocess.run(command, check=False, capture_output=True, cwd=program.parent)


def agrees(program: Path, archive: Archive, packs: int, pruned: int) -> None:
    """Hold the program to the archive's own code: the count, the newest hash, every payload."""
    folder = path_of(archive)
    files = tree(folder / "manifests")
    newest = hashlib.sha256(files[max(files)]).hexdigest()
    checked = run(program, folder)
    assert checked.stderr == b""
    assert checked.stdout.decode().splitlines() == [
        f"{len(files)} records and {packs} packs are sound; {pruned} packs were pruned",
        f"the newest record has the hash {newest}",
    ]
    for entry in archive.entries():
        if not entry.pruned:
            for position, one in list(enumerate(archive.read(entry).payloads))[-1:]:
                taken = run(program, folder, entry.sequence, position)
                assert (taken.returncode, taken.stdout) == (0, one.content)


@pytest.fixture
def archive(tmp_path: Path) -> Archive:
    """Bases, a shared pack, a pruning, and a pack that came back."""
    made = Archive.create(tmp_path / "ä")
    base = made.append(night(0))
    like = made.append(night(1), base)
    made.append(night(2, "okx"), like)
    shared = made.append(noise(3, 90, "gäte"))
    made.append(later(noise(3, 90, "gäte")))
    dropped = made.append(noise(4, 90, "gate"))
    made.prune([like, shared, dropped], NOON, "zu alt")
    made.append(night(1), base)
    return made


def test_the_program_on_the_page_checks_and_reads_an_archive_with_bases(
    program: Path, archive: Archive
) -> None:
    assert [bool(one.base) for one in archive.entries()][:3] == [False, True, True]
    agrees(program, archive, packs=4, pruned=1)


def test_the_program_on_the_page_checks_and_reads_the_recorded_archive(program: Path) -> None:
    archive = Archive.open(Path(venues.__path__[0]) / "recorded" / "archive")
    packs = len(list((path_of(archive) / "packs").iterdir()))
    agrees(program, archive, packs=packs, pruned=0)


def test_the_program_on_the_page_finds_what_verify_finds(program: Path, archive: Archive) -> None:
    for name, content in tree(path_of(archive)).items():
        if name != "format.json":
            path = path_of(archive) / name
            path.write_bytes(content[:-2] + bytes([content[-2] ^ 1]) + content[-1:])
            assert run(program, path_of(archive)).returncode == 1
            path.write_bytes(content)
    assert run(program, path_of(archive)).returncode == 0


def test_every_field_of_a_record_is_on_the_page(archive: Archive) -> None:
    text = PAGE.read_text("utf-8")
    named = set(re.findall(r"[\w]+", " ".join(re.findall(r"`([^`\n]+)`", text))))
    for content in tree(path_of(archive) / "manifests").values():
        assert set(re.findall(r'"(\w+)": ', content.decode())) <= named
