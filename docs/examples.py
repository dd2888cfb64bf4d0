"""Console examples of the documentation: found, run and compared with what the page shows."""

import re
import shlex
from collections.abc import Iterator, Sequence
from contextlib import chdir
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from typer.testing import CliRunner

from harmonize.cli.main import app

BUILD_DAY = "1795910400"
"""Time that ages in the documentation count from, as SOURCE_DATE_EPOCH: 29 November 2026."""

ELIDED = "…"
"""A line that stands for any number of lines."""

_CONSOLE = re.compile(r"(?<=^```console\n).*?(?=^```$)", re.DOTALL | re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Example:
    """A command in a console block with the output below it; a line ``…`` elides any number of lines."""

    page: str
    command: str
    output: tuple[str, ...]


def examples(page: Path) -> Iterator[Example]:
    """Yields every command of the page's console blocks."""
    for block in _CONSOLE.finditer(page.read_text(encoding="utf-8")):
        for session in re.split(r"^\$ ", block[0], flags=re.MULTILINE)[1:]:
            command, *output = session.rstrip().split("\n")
            yield Example(page.name, command, tuple(output))


def run(command: str) -> tuple[str, ...]:
    """Returns the lines of stdout and stderr of a command, run in an empty folder.

    Raises ValueError: the command is not one of ``harmonize``.
    """
    name, *arguments = shlex.split(command)
    if name != "harmonize":
        message = f"expected an example that begins with harmonize, found {name}"
        raise ValueError(message)
    with TemporaryDirectory() as folder, chdir(folder):
        runner = CliRunner(env={"HARMONIZE_ARCHIVE": None, "SOURCE_DATE_EPOCH": BUILD_DAY})
        result = runner.invoke(app, arguments, catch_exceptions=False)
    return tuple(line.rstrip() for line in result.output.rstrip().split("\n"))


def agrees(output: Sequence[str], lines: Sequence[str]) -> bool:
    """Whether ``lines`` match the documented output, with any number of lines at each elision."""
    pattern = "".join(
        r"(?:.*\n)*" if line.strip() == ELIDED else re.escape(f"{line}\n") for line in output
    )
    return re.fullmatch(pattern, "".join(f"{line}\n" for line in lines)) is not None


def refreshed(output: Sequence[str], lines: Sequence[str]) -> Sequence[str]:
    """Returns the output to document now: as many lines around the one elision as before.

    Returns ``output`` where it elides more than once: there an author chooses the lines.
    """
    elisions = [number for number, line in enumerate(output) if line.strip() == ELIDED]
    if agrees(output, lines) or len(elisions) > 1:
        return output
    if not elisions:
        return lines
    after = len(output) - elisions[0] - 1
    return (*lines[: elisions[0]], ELIDED, *lines[len(lines) - after :])
