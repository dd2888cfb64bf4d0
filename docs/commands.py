"""The command line as documentation, read from Typer's own objects."""

from collections.abc import Iterator, Mapping
from inspect import cleandoc
from types import MappingProxyType
from typing import Any

import typer

from harmonize.cli.main import app


def commands() -> Mapping[str, Any]:
    """Returns every command by its full name, with Typer's object for it."""
    root: Any = typer.main.get_command(app)
    named: dict[str, Any] = {}
    for name, command in root.commands.items():
        members = getattr(command, "commands", {})
        named |= {f"{name} {member}": below for member, below in members.items()} or {name: command}
    return MappingProxyType(named)


def usage(name: str, command: Any) -> str:
    """Returns a command with its arguments: ``harmonize schedule VENUE SYMBOL``."""
    words = [f"harmonize {name}"]
    for parameter in command.params:
        if parameter.param_type_name == "argument":
            word = (parameter.metavar or parameter.name).upper()
            words.append(word if parameter.required else f"[{word}]")
    return " ".join(words)


def summary(command: Any) -> str:
    """Returns the first line of a command's help."""
    return cleandoc(command.help).split("\n")[0]


def options(command: Any) -> Iterator[tuple[str, str]]:
    """Yields each visible option of a command: its names in backticks, and its help with its default."""
    for parameter in command.params:
        if (
            parameter.param_type_name == "option"
            and "--help" not in parameter.opts
            and not getattr(parameter, "hidden", False)
        ):
            yield ", ".join(f"`{word}`" for word in parameter.opts), _help(parameter)


def global_options() -> Iterator[tuple[str, str]]:
    """Yields each option that stands before any command."""
    yield from options(typer.main.get_command(app))


def _help(option: Any) -> str:
    text = option.help or "Print the version."
    has_default = option.default is not None and option.default not in {"", False}
    return f"{text} Default: {option.default}." if has_default else text
