"""Tools that calm the path of a threshold (EMIR RTS 153/2013, Art. 28), and limits of its speed."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from math import isnan

import numpy as np

from harmonize.adequacy.tail import Floats
from harmonize.thresholds.history import LEAST_RETURNS, DailyHistory
from harmonize.thresholds.path import SidePath, ThresholdPath, Tool, both_losses
from harmonize.thresholds.windows import trailing_tails

BUFFER = 0.25
"""Buffer as a share of the threshold, Art. 28(1)(a)."""

STRESSED_WEIGHT = 0.25
"""Weight of stressed observations, Art. 28(1)(b)."""

FLOOR_RETURNS = 3_650
"""Longest window of the floor: ten years, Art. 28(1)(c)."""

LARGEST_RISE = 0.1
LARGEST_FALL = 0.01
"""Largest rise and fall of a limited threshold per day, as shares of it."""


@dataclass(frozen=True, slots=True, eq=False)
class LongTerm:
    """Stressed and ten-year VaR of one asset at one level per row and side, for the tools.

    They serve the paths of all models. ``returns`` is the number of returns of the history.
    """

    asset: str
    level: float
    returns: int
    stressed: Floats
    floor: Floats


def long_term(history: DailyHistory, level: float) -> LongTerm:
    """Returns the stressed and the ten-year VaR of a history."""
    return LongTerm(
        history.asset,
        level,
        history.size,
        stressed_value(history, level),
        floor_value(history, level),
    )


def with_tool(path: ThresholdPath, tool: Tool, values: LongTerm) -> ThresholdPath:
    """Returns a path to which a tool is applied. ES keeps its ratio to VaR; NaN remains NaN.

    Raises ValueError: values of another asset, level or number of rows.
    """
    if (values.asset, values.level, values.returns + 1) != (path.asset, path.level, path.days.size):
        message = f"{path.asset} at {path.level:g}: expected the values of the path, found those of {values.asset} at {values.level:g}; pass its own"
        raise ValueError(message)
    apply, note = _application(tool, values)
    long, short = (
        _side(side, apply(side.var, place)) for place, side in enumerate((path.long, path.short))
    )
    return replace(path, long=long, short=short, tool=tool, note=note)


def buffered(var: Floats, buffer: float = BUFFER) -> Floats:
    """Returns thresholds with a constant buffer. Every ratio of two of them is unchanged."""
    return var * (1 + buffer)


def used_buffer(var: Floats, buffer: float = BUFFER) -> Floats:
    """Returns thresholds whose buffer is used up as VaR rises, and is filled again as VaR falls.

    M = min(max(M_before, V), (1 + buffer)·V), from (1 + buffer)·V on. A missing VaR is NaN and leaves
    the buffer unchanged.
    """

    def step(before: float, value: float) -> float:
        return min(max(before, value), (1 + buffer) * value)

    return _stepwise(var, step, 1 + buffer)


def limited_speed(var: Floats, rise: float = LARGEST_RISE, fall: float = LARGEST_FALL) -> Floats:
    """Returns thresholds that rise and fall by at most these shares of themselves per row.

    A missing VaR is NaN, and the threshold before it remains the base of the next one. Raises
    ValueError: a negative rise, or a fall that is not from 0 to below 1.
    """
    if not (rise >= 0 and 0 <= fall < 1):
        message = f"speed: expected a rise of at least 0 and a fall from 0 to below 1, found {rise:g} and {fall:g}; use 0.1 for 10 %"
        raise ValueError(message)

    def step(before: float, value: float) -> float:
        return min(max(value, before * (1 - fall)), before * (1 + rise))

    return _stepwise(var, step, 1.0)


def stressed(var: Floats, stressed_var: Floats, weight: float = STRESSED_WEIGHT) -> Floats:
    """Returns the larger of VaR and its mean with the stressed VaR, which has a weight."""
    return np.maximum(var, (1 - weight) * var + weight * stressed_var)


def stressed_value(history: DailyHistory, level: float) -> Floats:
    """Returns per row and side the largest VaR of any 365 returns in succession until then."""
    var, _ = trailing_tails(both_losses(history.returns), LEAST_RETURNS, (level,))
    return np.fmax.accumulate(var[0], axis=0)


def floor_value(history: DailyHistory, level: float) -> Floats:
    """Returns per row and side the VaR of the ten years before, or of as many returns as there are."""
    var, _ = trailing_tails(both_losses(history.returns), FLOOR_RETURNS, (level,))
    return np.asarray(var[0])


def _application(tool: Tool, values: LongTerm) -> tuple[Callable[[Floats, int], Floats], str]:
    """Returns the function of a tool of VaR and side, and how far its data reach."""
    if tool is Tool.STRESSED:
        note = f"stress of {values.returns:,} days"
        return lambda var, side: stressed(var, values.stressed[:, side]), note
    if tool is Tool.FLOOR:
        note = f"{min(values.returns, FLOOR_RETURNS):,} of {FLOOR_RETURNS:,} days"
        return lambda var, side: np.maximum(var, values.floor[:, side]), note
    simple: dict[Tool, Callable[[Floats], Floats]] = {
        Tool.NONE: np.copy,
        Tool.BUFFER: buffered,
        Tool.USED_BUFFER: used_buffer,
        Tool.SPEED: limited_speed,
    }
    return lambda var, _: simple[tool](var), ""


def _side(side: SidePath, margin: Floats) -> SidePath:
    with np.errstate(divide="ignore", invalid="ignore"):
        ratio = np.where(side.var > 0, margin / side.var, 1.0)
    return SidePath(margin, side.es * ratio)


def _stepwise(var: Floats, step: Callable[[float, float], float], first: float) -> Floats:
    """Returns the values that follow from one another, the first one as a multiple of VaR."""
    margins: list[float] = []
    before: float | None = None
    for value in var.tolist():
        if isnan(value):
            margins.append(value)
            continue
        before = first * value if before is None else step(before, value)
        margins.append(before)
    return np.array(margins)
