"""The page on the format is sufficient: its program reads and checks archives on its own."""

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
    """Returns the path of the page's program, in an otherwise empty folder."""
    (text,) = re.findall(
        r"^```python\n(.*?)^```$", PAGE.read_text("utf-8"), re.DOTALL | re.MULTILINE
    )
    path = tmp_path_factory.mktemp("page") / "check.py"
    path.write_text(text, encoding="utf-8")
    return path


def run(program: Path, *arguments: object) -> "subprocess.CompletedProcess[bytes]":
    command = [sys.executable, "-I", str(program), *map(str, arguments)]
    return subprocess.run(command, check=False, capture_output=True, cwd=program.parent)


def check_agreement(program: Path, archive: Archive, packs: int, pruned: int) -> None:
    """Compares the program with the archive's own code: counts, newest hash, last payloads."""
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
            for position, payload in list(enumerate(archive.read(entry).payloads))[-1:]:
                extracted = run(program, folder, entry.sequence, position)
                assert (extracted.returncode, extracted.stdout) == (0, payload.content)


@pytest.fixture
def archive(tmp_path: Path) -> Archive:
    """Returns an archive with bases, a shared pack, a pruning, and a restored pack."""
    filled = Archive.create(tmp_path / "ä")
    base = filled.append(night(0))
    on_base = filled.append(night(1), base)
    filled.append(night(2, "okx"), on_base)
    shared = filled.append(noise(3, 90, "gäte"))
    filled.append(later(noise(3, 90, "gäte")))
    dropped = filled.append(noise(4, 90, "gate"))
    filled.prune([on_base, shared, dropped], NOON, "zu alt")
    filled.append(night(1), base)
    return filled


def test_the_program_on_the_page_checks_and_reads_an_archive_with_bases(
    program: Path, archive: Archive
) -> None:
    assert [bool(entry.base) for entry in archive.entries()][:3] == [False, True, True]
    check_agreement(program, archive, packs=4, pruned=1)


def test_the_program_on_the_page_checks_and_reads_the_recorded_archive(program: Path) -> None:
    archive = Archive.open(Path(venues.__path__[0]) / "recorded" / "archive")
    packs = len(list((path_of(archive) / "packs").iterdir()))
    check_agreement(program, archive, packs=packs, pruned=0)


def test_the_program_on_the_page_detects_what_verify_detects(
    program: Path, archive: Archive
) -> None:
    for name, content in tree(path_of(archive)).items():
        if name != "format.json":
            path = path_of(archive) / name
            path.write_bytes(content[:-2] + bytes([content[-2] ^ 1]) + content[-1:])
            assert run(program, path_of(archive)).returncode == 1
            path.write_bytes(content)
    assert run(program, path_of(archive)).returncode == 0


def test_every_field_of_a_record_is_on_the_page(archive: Archive) -> None:
    text = PAGE.read_text("utf-8")
    fields = set(re.findall(r"[\w]+", " ".join(re.findall(r"`([^`\n]+)`", text))))
    for content in tree(path_of(archive) / "manifests").values():
        assert set(re.findall(r'"(\w+)": ', content.decode())) <= fields
