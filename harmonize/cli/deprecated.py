"""Earlier names of commands and options: accepted until 0.6, with a note on stderr."""

from collections.abc import Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import Any

from typer.core import TyperGroup

from harmonize.cli.console import USAGE, fail, print_error
from harmonize.cli.repeated_options import refuse_repeated

REMOVED_IN = "0.6"
"""The version without the earlier names."""

_SPLIT = {"--ticket": "--min-position", "--fee": "--account-cost", "--accounts": "--sub-accounts"}
_COST = {"--hurdle": "--cost-of-capital"}
_VERIFIED = {"--strict": "--verified-only"}
_WAIVERS = {"--no-waivers": "--ignore-waivers"}
_TIMEOUT = {"--budget": "--timeout"}

OPTIONS: Mapping[str, Mapping[str, str]] = MappingProxyType(
    {
        "gap": {**_SPLIT, **_COST, **_VERIFIED, "--figure": "--margin-type"},
        "pair": {**_COST, "--opposite": "--offset-rule", "--against": "--single-venue"},
        "liquidation": {"--taker": "--taker-fee"},
        "portfolio": {**_SPLIT, **_VERIFIED},
        "index": _VERIFIED,
        "report": {**_VERIFIED, **_WAIVERS, **_TIMEOUT},
        "audit": {**_VERIFIED, **_WAIVERS},
        "fetch": {**_TIMEOUT, "--plan": "--dry-run"},
        "run": _TIMEOUT,
        "archive export": {"--as": "--layout"},
    }
)
"""New names of options, per command and earlier name."""

VALUES: Mapping[str, Mapping[str, str]] = MappingProxyType({"--as": {"payloads": "files"}})
"""New values of options, per earlier name of the option and earlier value."""

COMMANDS: Mapping[str, str] = MappingProxyType({"archive ls": "list"})
"""New names of commands, per earlier name; a subcommand follows its group."""

_GROUPS = ("archive", "rules")
_WITH_VALUE = ("--archive",)
"""Options before the command that take their value from the next word."""


class Program(TyperGroup):
    """The program's commands; replaces earlier names before the words are parsed."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:  # noqa: ANN401 - Typer may use its own copy of click
        """Parses the words of the command line, with new names in place of earlier ones."""
        return super().parse_args(ctx, current_names(args))

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:  # noqa: ANN401 - as above
        """Returns the command of the words; an option that occurs twice ends the program."""
        resolved = super().resolve_command(ctx, args)
        refuse_repeated(resolved[1], resolved[2])
        return resolved


def current_names(words: Sequence[str]) -> list[str]:
    """Returns the words of a command line with new names, and prints a note per earlier name.

    An option under both names ends the program.
    """
    start = _command_at(words)
    group = words[start : start + 1]
    length = 2 if group and group[0] in _GROUPS else 1
    path, rest = list(words[start : start + length]), words[start + length :]
    command = " ".join(path)
    renamed = {}
    if command in COMMANDS:
        path[-1] = COMMANDS[command]
        renamed[command] = " ".join(path)
    arguments = list(_current_arguments(rest, OPTIONS.get(command, {}), renamed))
    if not {"-q", "--quiet"} & {*words[:start]}:
        for old, new in renamed.items():
            message = f"note: {old} is now {new}; the old name will be removed in {REMOVED_IN}"
            print_error(message)
    return [*words[:start], *path, *arguments]


def _command_at(words: Sequence[str]) -> int:
    """Returns the position of the command, after the options before it."""
    position = 0
    while position < len(words) and words[position].startswith("-"):
        position += 2 if words[position] in _WITH_VALUE else 1
    return position


def _current_arguments(
    words: Sequence[str], names: Mapping[str, str], renamed: dict[str, str]
) -> Iterator[str]:
    """Yields the words after the command with new names, and adds the replaced ones to `renamed`."""
    options = {word.partition("=")[0] for word in words}
    values: Mapping[str, str] = {}
    for word in words:
        old, equals, value = word.partition("=")
        if old not in names:
            yield values.get(word, word)
            values = {}
            continue
        new = names[old]
        if new in options:
            fail(f"{old}: found together with {new}, its new name; use {new} only", USAGE)
        renamed[old] = new
        values = VALUES.get(old, {})
        yield f"{new}={values.get(value, value)}" if equals else new
