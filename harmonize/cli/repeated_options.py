"""Refuses an option that occurs twice although it takes one value: its last value would apply alone."""

from collections import Counter
from collections.abc import Sequence
from typing import Any

from harmonize.cli.console import USAGE, fail


def refuse_repeated(command: Any, words: Sequence[str]) -> None:  # noqa: ANN401 - Typer may use its own copy of click
    """Ends the program if an option of a command, or of its subcommand, occurs twice.

    Flags and options that are repeatable may. ``words`` follow the name of the command.
    """
    subcommands = getattr(command, "commands", {})
    if subcommands:
        if words and words[0] in subcommands:
            refuse_repeated(subcommands[words[0]], words[1:])
        return
    for parameter, count in Counter(_occurrences(command, words)).items():
        if count > 1 and not (parameter.multiple or parameter.is_flag or parameter.count):
            names = " or ".join(parameter.opts)
            fail(f"{names}: expected once, found {count} times; remove all but one", USAGE)


def _occurrences(command: Any, words: Sequence[str]) -> list[Any]:  # noqa: ANN401 - as above
    """Returns the options in the order of their occurrence, up to the first error in the words."""
    context = command.context_class(command, resilient_parsing=True)
    _, _, order = command.make_parser(context).parse_args(list(words))
    return [parameter for parameter in order if parameter.param_type_name == "option"]
