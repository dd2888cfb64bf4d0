"""The same bytes on every processor: with and without vector instructions, in every format.

The environment switches off the instructions that numpy, the linear algebra of scipy and the
mathematical functions of glibc choose from at their start. On other systems a switch has no effect.
"""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from reports.registry import FORMATS
from tests.support.paths import ROOT

PROGRAM = """
import sys
from contextlib import redirect_stdout
from pathlib import Path
from harmonize.cli.main import app
folder = Path(sys.argv[1])
for line in sys.stdin.read().splitlines():
    name, *words = line.split()
    with (folder / name).open("w") as output, redirect_stdout(output):
        try:
            app(["-q", *words], standalone_mode=False)
        except SystemExit:
            pass
"""

COMMANDS = {
    "gap.txt": "gap BTC",
    "gap.json": "gap BTC --format json --what-if leverage=20 --what-if aggregate --account-cost 50",
    "maintenance.json": "gap ETH --margin-type maintenance --format json",
    "pair.json": "pair BTC okx bybit --format json",
    "liquidation.json": "liquidation BTC --format json",
    "curve.json": "schedule backpack ETH/USDC:USDC --format json",
}
OF_TWO = "--underlying BTC --underlying ETH"
FEATURES = (*np._core._multiarray_umath.__cpu_dispatch__,)  # type: ignore[attr-defined] # noqa: SLF001 - numpy lists what it can switch off nowhere else
PLAIN = {
    "NPY_DISABLE_CPU_FEATURES": " ".join(FEATURES),
    "OPENBLAS_CORETYPE": "Nehalem",
    "GLIBC_TUNABLES": "glibc.cpu.hwcaps=-AVX2,-FMA,-AVX2_Usable,-FMA_Usable,-FMA4_Usable",
}


def commands(selection: str) -> dict[str, str]:
    """Returns the file and the words of every command."""
    forms = " ".join(f"--format {form}:audit.{form}" for form in FORMATS)
    return {
        "audit.txt": f"audit {selection} --fail-on never {forms}",
        "index.txt": f"index {selection.replace('--underlying ', '')}",
        "index.json": f"index {selection.replace('--underlying ', '')} --format json",
        **COMMANDS,
    }


def outputs(folder: Path, selection: str, environment: dict[str, str]) -> dict[str, bytes]:
    """Runs every command in a new process and returns the files by name."""
    folder.mkdir()
    lines = "".join(f"{name} {words}\n" for name, words in commands(selection).items())
    subprocess.run(
        [sys.executable, "-c", PROGRAM, "."],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(ROOT), **environment},
        input=lines,
        text=True,
        check=True,
        capture_output=True,
    )
    return {path.name: path.read_bytes() for path in sorted(folder.iterdir())}


def check(folder: Path, selection: str) -> None:
    """Compares the outputs with all instructions and with the fewest."""
    usual = outputs(folder / "usual", selection, {})
    plain = outputs(folder / "plain", selection, PLAIN)
    assert len(usual) == len(commands(selection)) + len(FORMATS)
    assert all(content for name, content in usual.items() if name != "audit.txt")
    assert [name for name in usual if usual[name] != plain[name]] == []


def test_no_output_depends_on_the_instructions_of_the_processor(tmp_path: Path) -> None:
    check(tmp_path, OF_TWO)


def test_no_output_on_the_whole_archive_depends_on_them(*, whole: bool, tmp_path: Path) -> None:
    if not whole:
        pytest.skip("runs with --whole or --long")
    check(tmp_path, "")
