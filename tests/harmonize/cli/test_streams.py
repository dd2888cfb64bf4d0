"""Streams of every command: closed, full, without a reader; text from elsewhere controls nothing."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from harmonize.archive.archive import Archive
from harmonize.cli import console, fetch
from harmonize.cli.main import app
from harmonize.core.payload import Snapshot
from tests.support import recorded
from tests.support.archives import NOON, snapshot
from tests.support.paths import ROOT

SMALL = "audit --venue okx --underlying BTC --rules esma-retail --fail-on info"
COMMANDS = {
    SMALL: 1,
    f"{SMALL} --format json": 1,
    "report --venue okx --underlying BTC": 0,
    "schedule okx BTC-USDT-SWAP": 0,
    "explain MH301": 0,
    "explain": 0,
    "venues": 0,
    "rules list": 0,
    "rules show esma-retail": 0,
    "rules explain esma-retail": 0,
    "rules schema": 0,
    "archive list": 0,
    "archive list --format json": 0,
    "archive verify": 0,
    "gap BTC": 0,
    "index BTC --format json": 0,
    "pair BTC okx bybit": 0,
    "liquidation BTC": 0,
    "history okx BTC-USDT-SWAP": 0,
    "diff 2025-01-01 2025-06-01": 0,
    "fetch --dry-run": 0,
    "--help": 0,
    "--version": 0,
}
WIDE = [pytest.param(words, id=words) for words in COMMANDS]


def start(words: str, folder: Path, ending: str = "") -> "subprocess.CompletedProcess[bytes]":
    """Runs a command in a shell, with a redirection at the end."""
    command = f'exec "$PYTHON" -m harmonize {words} {ending}'
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "PYTHON": sys.executable}
    return subprocess.run(
        ["bash", "-c", command],  # noqa: S607 - the shell of the system
        cwd=folder,
        env=environment,
        capture_output=True,
        check=False,
        timeout=120,
    )


@pytest.mark.sample(5)
@pytest.mark.parametrize("words", WIDE)
@pytest.mark.parametrize(
    ("ending", "problem"),
    [(">&-", "Bad file descriptor"), ("> /dev/full", "No space left on device")],
    ids=["closed", "full"],
)
def test_an_output_that_cannot_be_written_is_one_line(
    tmp_path: Path, words: str, ending: str, problem: str
) -> None:
    result = start(f"-q {words}", tmp_path, ending)
    expected = f"error: stdout: cannot write the output: {problem}; redirect it elsewhere\n"
    assert result.stderr.decode() == expected
    assert result.returncode == 2


@pytest.mark.sample(5)
@pytest.mark.parametrize("words", WIDE)
def test_a_reader_that_leaves_changes_nothing(tmp_path: Path, words: str) -> None:
    left, right = os.pipe()
    os.close(left)
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    result = subprocess.run(
        [sys.executable, "-m", "harmonize", "-q", *words.split()],
        cwd=tmp_path,
        env=environment,
        stdout=right,
        stderr=subprocess.PIPE,
        check=False,
    )
    os.close(right)
    whole = start(f"-q {words}", tmp_path)
    assert (result.returncode, result.stderr) == (whole.returncode, whole.stderr)
    assert whole.returncode in {COMMANDS[words], 3}


def test_without_stderr_the_output_and_the_code_stay(tmp_path: Path) -> None:
    result = start("explain MH301", tmp_path, "2>&-")
    assert result.returncode == 0
    assert result.stdout.startswith(b"# MH301")
    assert start("explain MH000", tmp_path, "2>&-").returncode == 2


def test_a_missing_folder_is_named_and_not_created(tmp_path: Path) -> None:
    path = tmp_path / "missing" / "x.json"
    for words in (f"{SMALL} --format json:{path}", f"{SMALL} --format json --output {path}"):
        result = CliRunner().invoke(app, ["-q", *words.split()])
        message = f"error: {path}: missing folder {path.parent}; create it, or use another path\n"
        assert (result.exit_code, result.stderr) == (2, message)
    assert list(tmp_path.iterdir()) == []


def test_formats_go_to_devices_and_descriptors(tmp_path: Path) -> None:
    words = f"-q {SMALL} --format csv:/dev/stdout --format jsonl:/dev/fd/3 --format table:/dev/null"
    result = start(words, tmp_path, "3> third")
    assert result.returncode == 1
    assert result.stdout.startswith(b"code,name,")
    assert json.loads((tmp_path / "third").read_text().splitlines()[0])["code"]
    assert Path("/dev/null").is_char_device()


HOSTILE = "\x1b[31mev\x07il\u202e\x9b\u2028\r\n"
"""A name that would colour, ring, turn and break a line."""

SHOWN = "\\x1b[31mev\\x07il\\u202e\\x9b\\u2028\\r\\n"


def controls(text: str) -> list[str]:
    """Returns the characters of a text that do not print, except line ends and no-break spaces."""
    return [letter for letter in text if not letter.isprintable() and letter not in "\n\xa0"]


@pytest.fixture(scope="module")
def hostile_archive(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Returns an archive with a venue, a reason and a symbol that would control a terminal."""
    path = tmp_path_factory.mktemp("hostile") / "archive"
    archive = Archive.create(path)
    archive.append(snapshot(0, f"venue {HOSTILE}"))
    for good in recorded.of_venue("okx")[:1]:
        payloads = tuple(
            type(payload).of(
                payload.venue,
                payload.call,
                payload.observed_at,
                payload.provenance,
                payload.content.replace(
                    b"BTC-USDT-SWAP", b"BTC-USDT-SWAP\\u001b[31m\\u202e\\u0007"
                ),
            )
            for payload in good.payloads
        )
        archive.append(Snapshot("okx", NOON, payloads, complete=True))
    return path


@pytest.mark.parametrize(
    "words",
    [
        "archive list",
        "archive list --format json",
        "archive verify",
        "venues",
        "audit",
        "audit --format markdown",
        "audit --format github",
        "audit --format csv",
        "report",
        "gap BTC",
        "liquidation BTC",
        "index",
        "history okx BTC-USDT-SWAP",
        "diff 2025-01-01 2025-06-01",
        "-v audit",
    ],
)
def test_no_command_shows_control_characters(
    hostile_archive: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, words: str
) -> None:
    monkeypatch.chdir(tmp_path)
    result = CliRunner().invoke(app, ["--archive", str(hostile_archive), *words.split()])
    assert controls(result.output) == []
    assert result.exit_code in {0, 1, 2, 3}


def test_names_of_files_and_venues_are_shown_as_escapes(hostile_archive: Path) -> None:
    listed = CliRunner().invoke(app, ["--archive", str(hostile_archive), "archive", "list"])
    assert f"venue {SHOWN}" in listed.stdout.splitlines()[0]
    as_json = CliRunner().invoke(
        app, ["--archive", str(hostile_archive), "archive", "list", "--format", "json"]
    )
    assert json.loads(as_json.stdout)[0]["venue"] == f"venue {HOSTILE}"
    for words in (["--archive", HOSTILE, "archive", "list"], ["rules", "check", f"{HOSTILE}.yaml"]):
        result = CliRunner().invoke(app, words)
        assert controls(result.output) == []
        assert result.exit_code in {2, 3}


def test_a_json_log_escapes_what_does_not_print(capsys: pytest.CaptureFixture[str]) -> None:
    settings = console.Settings(None, quiet=False, verbose=False)
    display = fetch._ProgressDisplay(settings, fetch.LogFormat.JSON, [])  # noqa: SLF001 - its only output
    display._log("failed", venue="okx", what=HOSTILE)  # noqa: SLF001 - as above
    line = capsys.readouterr().err
    assert controls(line) == []
    assert json.loads(line)["what"] == HOSTILE


def test_every_line_passes_through_the_console() -> None:
    writers = re.compile(r"\btyper\.(?:echo|secho)\b|(?<![\w.])print\(|std(?:out|err)\.write\(")
    for path in sorted((ROOT / "harmonize").rglob("*.py")):
        if path != ROOT / "harmonize" / "cli" / "console.py":
            assert not writers.search(path.read_text(encoding="utf-8")), path


def test_a_traceback_cannot_control_a_terminal(tmp_path: Path) -> None:
    program = (
        "import sys; sys.argv = ['harmonize', '-v', 'venues']\n"
        "import harmonize.api.coverage\n"
        "def fail(reading): raise ZeroDivisionError('\\x1b[31m\\u202e')\n"
        "harmonize.api.coverage.coverage_text = fail\n"
        "from harmonize.__main__ import main\n"
        "main()"
    )
    result = subprocess.run(
        [sys.executable, "-c", program],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.returncode == 4
    assert result.stderr.startswith("Traceback")
    assert "ZeroDivisionError: \\x1b[31m\\u202e" in result.stderr
    assert controls(result.stderr) == []
