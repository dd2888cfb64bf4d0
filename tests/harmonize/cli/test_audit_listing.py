"""The table of ``audit``: how many findings it lists, in which order, each with its message."""

import pytest
from typer.testing import CliRunner, Result

from harmonize.cli.main import app

SMALL = ("audit", "--venue", "okx", "--venue", "mexc", "--underlying", "BTC", "--fail-on", "never")


def run(*arguments: str) -> Result:
    return CliRunner().invoke(app, arguments, catch_exceptions=False)


def heading(*arguments: str) -> str:
    lines = run(*SMALL, *arguments).stdout.replace("\N{NO-BREAK SPACE}", " ").splitlines()
    (line,) = [line for line in lines if line.startswith("Findings by ") and ": " in line]
    return line


def test_the_table_lists_the_leading_the_first_or_all_findings() -> None:
    leading, first, every = heading(), heading("--top", "3"), heading("--all", "--sort", "venue")
    assert first.startswith("Findings by severity: 3 of ")
    shown, of = every.split(";")[0].removeprefix("Findings by venue: ").split(" of ")
    assert shown == of
    assert 3 < int(leading.split()[3]) < int(of)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--top", "5", "--all"), "--all: found together with --top; use one of the two"),
        (("--top", "5", "--format", "json"), "--top, --all and --sort are for --format table"),
    ],
)
def test_options_that_do_not_fit_are_one_line(arguments: tuple[str, ...], message: str) -> None:
    result = run(*SMALL, *arguments)
    assert result.exit_code == 2
    (line,) = result.stderr.splitlines()
    assert message in line
