"""Rule files, configurations and inputs of hostile size or kind: one line, in seconds."""

import os
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from harmonize.config import inputs_file
from harmonize.config import schema as configuration
from rules import loader
from rules.language.errors import MAX_PROBLEMS
from rules.loader import RuleError

HEAD = "id: x\nversion: '1'\ntitle: T\n"
UNKNOWN = "".join(f"k{number:06d}: 1\n" for number in range(80_000))
CHILD = f"{HEAD}extends: esma-retail\nrequirement:\n" + "".join(
    f"  k{number:06d}: 1\n" for number in range(60_000)
)
MANY_NAMES = (
    f"{HEAD}kind: model\nrequirement:\n  rate: {'+'.join(f'n{n}' for n in range(50_000))}\n"
    "  inputs:\n" + "".join(f"    m{n}: {{}}\n" for n in range(30_000))
)
SECONDS = 30  # of processor time; without bounds each takes minutes


@pytest.mark.parametrize("text", [UNKNOWN, CHILD, MANY_NAMES])
def test_a_megabyte_of_errors_takes_seconds_and_is_counted(text: str, tmp_path: Path) -> None:
    path = tmp_path / "r.yaml"
    path.write_text(text[:990_000].rsplit("\n", 1)[0] + "\n")
    started = time.process_time()
    lines = loader.check(path)
    assert time.process_time() - started < SECONDS
    assert len(lines) == MAX_PROBLEMS + 1
    assert lines[-1].endswith(" more problems")
    assert max(map(len, lines)) < len(str(path)) + 1_000
    with pytest.raises(RuleError, match=r"\(and \d+ more\)$"):
        loader.load(path)


@pytest.mark.parametrize("load", [inputs_file.load, lambda path: configuration.load(path, {})])
def test_a_megabyte_of_unknown_fields_is_one_line(
    load: Callable[[Path], object], tmp_path: Path
) -> None:
    path = tmp_path / "c.yaml"
    path.write_text(UNKNOWN)
    started = time.process_time()
    with pytest.raises(RuleError, match=r"\(and \d+ more\)$"):
        load(path)
    assert time.process_time() - started < SECONDS


def test_a_very_long_key_is_shortened(tmp_path: Path) -> None:
    path = tmp_path / "r.yaml"
    path.write_text(f"{HEAD}{'k' * 1_000}: 1\n")
    lines = loader.check(path)
    assert any("kkk…: unknown field; remove it" in line for line in lines)
    assert max(map(len, lines)) < len(str(path)) + 200


@pytest.mark.parametrize(
    "load",
    [loader.load, inputs_file.load, lambda path: configuration.load(path, {})],
)
@pytest.mark.parametrize("kind", ["a pipe", "a device", "a directory"])
def test_what_is_no_regular_file_is_one_line(
    load: Callable[[Path], object], kind: str, tmp_path: Path
) -> None:
    path = tmp_path / "r.yaml"
    if kind == "a pipe":
        os.mkfifo(path)
    elif kind == "a device":
        path.symlink_to("/dev/zero")
    else:
        path.mkdir()
    with pytest.raises(RuleError, match=f"found {kind}"):
        load(path)
    child = tmp_path / "child.yaml"
    child.write_text(f"{HEAD}extends: r.yaml\n")
    (line,) = loader.check(child)
    assert line.startswith(f"{child}:4:10: extends: cannot load 'r.yaml': ")
    assert f"found {kind}" in line
