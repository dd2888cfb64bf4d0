"""Options of ``stress`` that replace a default assumption: leverage of longs, and price impact."""

from collections.abc import Callable
from math import isfinite
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NoReturn

import typer

from harmonize.cli.console import USAGE, fail

if TYPE_CHECKING:
    from harmonize.stress.defaults import StressDefaults
    from harmonize.stress.given import GivenImpact

LeverageOption = Annotated[
    str,
    typer.Option(
        "--leverage",
        help="Effective leverage of longs, as MEDIAN or MEDIAN,LOGSD, such as 5 or 5,0.8: a lognormal "
        "distribution on every underlying (default measured on one venue).",
    ),
]

ImpactModelOption = Annotated[
    str,
    typer.Option(
        "--impact-model",
        help="Price impact in place of the square root: linear=5e-11 (a fraction per USD sold) or "
        "depth=FILE, a CSV file of volume in USD and move, refused beyond its end.",
    ),
]

Reader = Callable[[Path, str], str]
"""Reads the file of an option; one that cannot be read ends the program."""


def given_defaults(text: str) -> "StressDefaults":
    """Returns the assumptions with the leverage of ``--leverage``; a wrong text ends the program."""
    from harmonize.stress.defaults import DEFAULTS
    from harmonize.stress.given import with_leverage

    if not text:
        return DEFAULTS
    median, comma, log_sd = text.partition(",")
    spread = _number(log_sd, text) if comma else None
    return with_leverage(DEFAULTS, _number(median, text), spread, "--leverage")


def _number(part: str, text: str) -> float:
    number = _float(part)
    if not 0.0 < number < _MOST:
        fail(
            "--leverage: expected MEDIAN or MEDIAN,LOGSD, each above 0 and below 1,000, such as 5,0.8, "
            f"found {text!r}",
            USAGE,
        )
    return number


_MOST = 1000.0


def _float(text: str) -> float:
    try:
        return float("nan" if "_" in text else text)
    except ValueError:
        return float("nan")


def given_impact(text: str, read: Reader) -> "GivenImpact | None":
    """Returns the impact of ``--impact-model``, None without one; a wrong text ends the program."""
    if not text:
        return None
    from harmonize.stress.given import GivenImpact
    from harmonize.stress.impact import LinearImpact

    kind, _, argument = text.partition("=")
    if kind == "linear":
        slope = _float(argument)
        if not (isfinite(slope) and slope > 0.0):
            _refuse(text)
        words = f"linear, {slope:g} of the first mark per USD sold"
        return GivenImpact(LinearImpact(slope), words, f"--impact-model {text}")
    if kind != "depth" or not argument:
        _refuse(text)
    return _depth(Path(argument), read)


def _depth(path: Path, read: Reader) -> "GivenImpact":
    from harmonize.stress.depth_file import read_depth
    from harmonize.stress.errors import StressInputError
    from harmonize.stress.given import GivenImpact

    try:
        impact = read_depth(read(path, "--impact-model"), path.name)
    except StressInputError as error:
        fail(str(error), USAGE)
    end = f"up to ${impact.volumes[-1]:,.0f} and {impact.moves[-1] * 100:g} %"
    return GivenImpact(impact, f"order book, {end}; refused beyond it", path.name)


def _refuse(text: str) -> NoReturn:
    fail(f"--impact-model: expected linear=5e-11 or depth=FILE, found {text!r}", USAGE)
