"""A file that a user names is replaced at once; anything else is written into, and stays what it is."""

import os
import stat
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from harmonize.core.output_file import write_file
from tests.support.paths import ROOT

CONTENT = b"a line\n" * 50_000  # more than a pipe holds


def test_a_new_file_has_the_permissions_that_the_user_configured(tmp_path: Path) -> None:
    before = os.umask(0o027)
    try:
        write_file(tmp_path / "new", CONTENT)
    finally:
        os.umask(before)
    assert (tmp_path / "new").read_bytes() == CONTENT
    assert stat.S_IMODE((tmp_path / "new").stat().st_mode) == 0o640
    assert [path.name for path in tmp_path.iterdir()] == ["new"]


def test_an_existing_file_is_replaced_and_keeps_its_permissions(tmp_path: Path) -> None:
    path = tmp_path / "old"
    path.write_bytes(b"before")
    path.chmod(0o604)
    with path.open("rb") as reader:
        write_file(path, CONTENT, durable=True)
        assert reader.read() == b"before"  # its reader keeps the earlier file whole
    assert path.read_bytes() == CONTENT
    assert stat.S_IMODE(path.stat().st_mode) == 0o604


@pytest.mark.parametrize("exists", [True, False])
def test_a_link_stays_and_its_target_is_written(tmp_path: Path, *, exists: bool) -> None:
    (tmp_path / "folder").mkdir()
    target = tmp_path / "folder" / "target"
    if exists:
        target.write_bytes(b"before")
    (tmp_path / "second").symlink_to("folder/target")
    (tmp_path / "first").symlink_to(tmp_path / "second")
    write_file(tmp_path / "first", CONTENT)
    assert target.read_bytes() == CONTENT
    assert (tmp_path / "first").is_symlink()
    assert (tmp_path / "second").is_symlink()


def test_a_loop_of_links_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "a").symlink_to("b")
    (tmp_path / "b").symlink_to("a")
    with pytest.raises(OSError, match="Too many levels of symbolic links"):
        write_file(tmp_path / "a", CONTENT)


def test_a_pipe_receives_the_content_and_stays(tmp_path: Path) -> None:
    path = tmp_path / "pipe"
    os.mkfifo(path)
    received: list[bytes] = []
    reader = threading.Thread(target=lambda: received.append(path.read_bytes()))
    reader.start()
    write_file(path, CONTENT)
    reader.join()
    assert received == [CONTENT]
    assert stat.S_ISFIFO(path.stat().st_mode)


def test_a_device_is_written_into_and_stays(tmp_path: Path) -> None:
    device = tmp_path / "null"
    try:
        os.mknod(device, 0o666 | stat.S_IFCHR, os.makedev(1, 3))
    except PermissionError:
        device = Path(os.devnull)
    write_file(device, CONTENT)
    assert stat.S_ISCHR(device.stat().st_mode)
    with pytest.raises(OSError, match="No space left on device"):
        write_file(Path("/dev/full"), CONTENT)
    assert stat.S_ISCHR(Path("/dev/full").stat().st_mode)


def test_a_folder_and_a_missing_folder_are_errors(tmp_path: Path) -> None:
    with pytest.raises(IsADirectoryError):
        write_file(tmp_path, CONTENT)
    with pytest.raises(FileNotFoundError):
        write_file(tmp_path / "missing" / "file", CONTENT)
    assert list(tmp_path.iterdir()) == []


PROGRAM = """
import sys
from pathlib import Path
from harmonize.core.output_file import write_file
print("before")
write_file(Path(sys.argv[1]), b"content\\n")
print("after")
"""


@pytest.mark.parametrize("name", ["/dev/stdout", "/dev/fd/1", "/proc/self/fd/1", "link"])
@pytest.mark.parametrize("mode", ["wb", "ab"])
def test_the_programs_own_descriptors_are_written_in_order(
    tmp_path: Path, name: str, mode: str
) -> None:
    (tmp_path / "link").symlink_to("/dev/stdout")
    output = tmp_path / "output"
    output.write_bytes(b"earlier\n")
    with output.open(mode) as file:
        subprocess.run(
            [sys.executable, "-c", PROGRAM, name],
            cwd=tmp_path,
            env={**os.environ, "PYTHONPATH": str(ROOT)},
            stdout=file,
            check=True,
        )
    earlier = b"earlier\n" if mode == "ab" else b""
    assert output.read_bytes() == earlier + b"before\ncontent\nafter\n"


def test_a_failed_write_leaves_the_file_and_nothing_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "old"
    path.write_bytes(b"before")

    def fail(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", fail)
    with pytest.raises(OSError, match="No space left"):
        write_file(path, CONTENT, durable=True)
    assert path.read_bytes() == b"before"
    assert [entry.name for entry in tmp_path.iterdir()] == ["old"]
