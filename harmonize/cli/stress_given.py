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
    str | None,
    typer.Option(
        "--leverage",
        help="Effective leverage of longs, as MEDIAN or MEDIAN,LOGSD, such as 5 or 5,0.8: a lognormal "
        "distribution on every underlying (default measured on one venue).",
    ),
]

ImpactModelOption = Annotated[
    str | None,
    typer.Option(
        "--impact-model",
        help="Price impact in place of the square root: linear=5e-11 (a fraction per USD sold) or "
        "depth=FILE, a CSV file of volume in USD and move, refused beyond its end.",
    ),
]

Reader = Callable[[Path, str], str]
"""Reads the file of an option; one that cannot be read ends the program."""


def given_defaults(text: str | None) -> "StressDefaults":
    """Returns the assumptions with the leverage of ``--leverage``; a wrong text ends the program."""
    from harmonize.stress.defaults import DEFAULTS
    from harmonize.stress.given import with_leverage

    if text is None:
        return DEFAULTS
    median, comma, log_sd = text.partition(",")
    spread = _number(log_sd, text, _LEAST, _MOST_LOG_SD) if comma else None
    return with_leverage(
        DEFAULTS, _number(median, text, _LEAST, _MOST), spread, "option --leverage"
    )


def _number(part: str, text: str, least: float, most: float) -> float:
    number = _float(part)
    if not least <= number <= most:
        fail(
            f"--leverage: expected MEDIAN or MEDIAN,LOGSD, from {_LEAST:g} to {_MOST:,g} and to "
            f"{_MOST_LOG_SD:g}, such as 5,0.8, found {text!r}",
            USAGE,
        )
    return number


_LEAST, _MOST, _MOST_LOG_SD = 0.001, 1000.0, 10.0
"""Bounds of a leverage; a wider distribution has leverages beyond any number."""


def _float(text: str) -> float:
    try:
        return float("nan" if "_" in text or not text.isascii() else text)
    except ValueError:
        return float("nan")


def given_impact(text: str | None, read: Reader) -> "GivenImpact | None":
    """Returns the impact of ``--impact-model``, None without one; a wrong text ends the program."""
    if text is None:
        return None
    from harmonize.stress.given import GivenImpact
    from harmonize.stress.impact import LinearImpact

    kind, _, argument = text.partition("=")
    if kind == "linear":
        slope = _float(argument)
        if not (isfinite(slope) and slope > 0.0):
            _refuse(text)
        words = f"linear, {slope:g} of the first mark per USD sold"
        return GivenImpact(LinearImpact(slope), words, f"option --impact-model {text}")
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
