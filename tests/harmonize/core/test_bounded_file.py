"""Files that users name: regular ones up to a limit, never a pipe, a device or a folder."""

import os
import time
from pathlib import Path

import pytest

from harmonize.core.bounded_file import read_regular_file
from harmonize.core.secret_file import MAX_SECRET_BYTES, SecretFileError, read_secret


def test_a_regular_file_is_read_up_to_one_byte_more_than_the_limit(tmp_path: Path) -> None:
    path = tmp_path / "a"
    path.write_bytes(b"12345")
    assert read_regular_file(path, 5) == b"12345"
    assert read_regular_file(path, 3) == b"1234"
    link = tmp_path / "link"
    link.symlink_to(path)
    assert read_regular_file(link, 5) == b"12345"


def test_what_is_no_regular_file_is_refused_at_once(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    device = tmp_path / "device"
    device.symlink_to("/dev/zero")
    started = time.monotonic()
    with pytest.raises(OSError, match="expected a regular file, found a pipe"):
        read_regular_file(pipe, 10)
    with pytest.raises(OSError, match="expected a regular file, found a device"):
        read_regular_file(device, 10)
    with pytest.raises(IsADirectoryError, match="it is a directory"):
        read_regular_file(tmp_path, 10)
    with pytest.raises(FileNotFoundError):
        read_regular_file(tmp_path / "none", 10)
    with pytest.raises(ValueError, match="null byte"):
        read_regular_file(Path("a\0b"), 10)
    assert time.monotonic() - started < 5


def test_a_secret_is_a_small_regular_file(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe, 0o600)
    with pytest.raises(SecretFileError, match="expected a regular file, found a pipe"):
        read_secret(pipe)
    large = tmp_path / "large"
    large.write_bytes(b"x" * (MAX_SECRET_BYTES + 1))
    large.chmod(0o600)
    with pytest.raises(SecretFileError, match="larger than 10,000 bytes"):
        read_secret(large)
