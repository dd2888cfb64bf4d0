"""Earlier names of commands and options: accepted with a note, refused beside the new name."""

import json
from pathlib import Path

import pytest
from typer.core import TyperGroup
from typer.main import get_command
from typer.testing import CliRunner, Result

from harmonize.archive.archive import Archive
from harmonize.cli.deprecated import COMMANDS, OPTIONS, current_names
from harmonize.cli.main import app
from tests.support import recorded


def run(*arguments: str) -> Result:
    return CliRunner().invoke(app, arguments, catch_exceptions=False)


def command_options(path: str) -> set[str]:
    """The options of a command, by its path."""
    command = get_command(app)
    for word in path.split():
        assert isinstance(command, TyperGroup)
        command = command.commands[word]
    return {name for parameter in command.params for name in parameter.opts}


@pytest.mark.parametrize("path", OPTIONS)
def test_a_command_has_the_new_option_and_not_the_earlier_one(path: str) -> None:
    options = command_options(path)
    assert set(OPTIONS[path].values()) <= options
    assert not set(OPTIONS[path]) & options


def test_new_commands_exist_and_earlier_ones_do_not() -> None:
    for old, new in COMMANDS.items():
        group = old.rpartition(" ")[0]
        assert command_options(f"{group} {new}")
        with pytest.raises(KeyError):
            command_options(old)


@pytest.mark.parametrize(
    ("words", "current"),
    [
        ("gap BTC --ticket 5 --fee=3", "gap BTC --min-position 5 --account-cost=3"),
        ("--archive gap gap BTC --hurdle 5%", "--archive gap gap BTC --cost-of-capital 5%"),
        ("-q fetch --plan --budget 5", "-q fetch --dry-run --timeout 5"),
        ("archive ls --format json", "archive list --format json"),
        ("archive export a --as payloads", "archive export a --layout files"),
        ("archive export a --as=payloads", "archive export a --layout=files"),
        ("archive export payloads --as archive", "archive export payloads --layout archive"),
        ("pair BTC a b --ticket 5", "pair BTC a b --ticket 5"),
        ("audit --venue ls --strict", "audit --venue ls --verified-only"),
        ("--archive", "--archive"),
        ("", ""),
    ],
)
def test_words_of_a_command_line_get_their_current_names(words: str, current: str) -> None:
    assert " ".join(current_names(words.split())) == current


def test_an_earlier_name_works_and_prints_one_note(tmp_path: Path) -> None:
    archive = Archive.create(tmp_path / "archive")
    archive.append(recorded.of_venue("okx")[0])
    options = ("--archive", str(tmp_path / "archive"))
    listing = run(*options, "archive", "ls", "--format", "json")
    assert [row["venue"] for row in json.loads(listing.stdout)] == ["okx"]
    note = "note: archive ls is now archive list; the old name will be removed in 0.6\n"
    assert listing.stderr == note
    assert not run(*options, "--quiet", "archive", "ls").stderr
    export = run(*options, "archive", "export", str(tmp_path / "out"), "--as", "payloads")
    assert export.stdout == f"1 snapshot in {tmp_path / 'out'}\n"
    assert export.stderr == "note: --as is now --layout; the old name will be removed in 0.6\n"


def test_both_names_of_an_option_are_an_error_in_one_line() -> None:
    result = run("gap", "BTC", "--fee", "5", "--account-cost", "6")
    assert (result.exit_code, result.stdout) == (2, "")
    assert result.stderr == (
        "error: --fee: found together with --account-cost, its new name; use --account-cost only\n"
    )
