"""Answers an unknown argument of a Python function in words, with the argument that is meant."""

from collections.abc import Callable
from functools import wraps
from inspect import signature
from typing import ParamSpec, TypeVar

from harmonize.api.errors import RequestError
from harmonize.text.suggest import did_you_mean

P = ParamSpec("P")
R = TypeVar("R")

_OPTIONS = {"figure": "margin_type", "size": "notional"}
"""Names that the command line or other tools have for an argument."""


def in_words(function: Callable[P, R]) -> Callable[P, R]:
    """Returns the function; with an unknown argument it raises RequestError, with the fix."""
    names = [name for name in signature(function).parameters if name != "self"]

    @wraps(function)
    def call(*args: P.args, **kwargs: P.kwargs) -> R:
        for name in kwargs:
            if name not in names:
                raise RequestError(_unknown(function.__name__, name, names))
        return function(*args, **kwargs)

    return call


def _unknown(function: str, name: str, names: list[str]) -> str:
    meant = _OPTIONS.get(name)
    if meant in names:
        return f"{function}: unknown argument {name}; use {meant}"
    fix = did_you_mean(name, names, f"use {', '.join(names)}")
    return f"{function}: unknown argument {name}{fix}"
