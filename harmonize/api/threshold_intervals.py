"""Interval of the threshold of a path, from the sample that gives that threshold.

Historical simulation: order statistics of the returns of its own window. Other models: those of losses
divided by the threshold of their day, times the threshold of the next day, because such a model scales
past losses. Stressed observations and the floor have samples of their own, whose ends are combined like
the thresholds themselves. That is wider than 95 % unless both samples err together. Returns count as
independent; where volatility clusters, the true interval is wider.
"""

from collections.abc import Callable
from dataclasses import dataclass
from math import isfinite
from typing import NamedTuple

import numpy as np

from harmonize.adequacy.tail import Floats, TailEstimate, value_at_risk
from harmonize.core.schedule import Unknown
from harmonize.text.messages import counted
from harmonize.thresholds.anti_procyclicality import (
    FLOOR_RETURNS,
    STRESSED_WEIGHT,
    long_term,
    with_tool,
)
from harmonize.thresholds.historical import WINDOWS
from harmonize.thresholds.history import LEAST_RETURNS, MOST_RETURNS, DailyHistory
from harmonize.thresholds.path import SidePath, ThresholdPath, Tool, both_losses, rounded_figure
from harmonize.thresholds.windows import trailing_tails


@dataclass(frozen=True, slots=True)
class ThresholdInterval:
    """Threshold of the next day for both sides, with its 95 % interval, as fractions of notional.

    ``upper`` is None if the sample does not bound the threshold. ``sample`` names the sample in words.
    """

    rate: float
    lower: float
    upper: float | None
    sample: str

    def times(self, factor: float) -> "ThresholdInterval":
        """Returns the interval times a factor, at most the whole position."""
        upper = None if self.upper is None else rounded_figure(min(1.0, self.upper * factor))
        rate, lower = (rounded_figure(min(1.0, own * factor)) for own in (self.rate, self.lower))
        return ThresholdInterval(rate, lower, upper, self.sample)


class _Ends(NamedTuple):
    """Quantile and its interval; ``upper`` may be infinite."""

    value: float
    lower: float
    upper: float


_Side = tuple[_Ends, str]
"""Ends of one side, and the sample they are from."""


def threshold_interval(
    history: DailyHistory, path: ThresholdPath, tool: Tool, horizon: int
) -> ThresholdInterval | Unknown:
    """Returns the threshold of a path without a tool to which ``tool`` is applied, with its interval.

    The rate is that of the worse side, and so is the lower end. The upper end is the larger one of
    both sides, because a margin may only fall if it is above both. Unknown: no threshold of the next
    day, or a sample that is too short or does not move.
    """
    sides: list[_Side] = []
    for place, side in enumerate((path.long, path.short)):
        own = _with_tool(history, path, tool, place, _model_ends(history, path, side, place))
        if isinstance(own, Unknown):
            return own
        sides.append(own)
    ends, sample = max(sides, key=lambda own: own[0].value)
    found = ThresholdInterval(ends.value, ends.lower, None, sample)
    upper = max(own.upper for own, _ in sides)
    if isfinite(upper):
        found = ThresholdInterval(ends.value, ends.lower, upper, sample)
    return found.times(horizon**0.5)


def _model_ends(
    history: DailyHistory, path: ThresholdPath, side: SidePath, place: int
) -> _Side | Unknown:
    losses = both_losses(history.returns)[:, place]
    if path.model in WINDOWS:
        return _sample(losses[-WINDOWS[path.model] :], path.level, "the last", "")
    latest = float(side.var[-1])
    if not isfinite(latest):
        return Unknown(f"no threshold of {path.model} on the next day")
    thresholds = side.var[:-1]
    is_usable = np.isfinite(thresholds) & (thresholds > 0)
    multiples = (losses[is_usable] / thresholds[is_usable])[-MOST_RETURNS:]
    ends = _ends(multiples, path.level)
    if isinstance(ends, Unknown):
        return ends
    if not ends.value > 0:
        return Unknown(f"no loss of {path.asset} at {path.level:g} to scale")
    scaled = _Ends(*(latest * own / ends.value for own in ends))
    return scaled, f"the last {multiples.size:,} losses divided by the threshold of their day"


def _ends(sample: Floats, level: float) -> _Ends | Unknown:
    if not sample.size or np.ptp(sample) == 0:
        return Unknown(f"{counted(sample.size, 'return')} that do not differ")
    found = value_at_risk(sample, level)
    if isinstance(found, TailEstimate) and found.lower is not None and found.upper is not None:
        return _Ends(found.value, found.lower, found.upper)
    return found if isinstance(found, Unknown) else Unknown("no interval")


def _with_tool(
    history: DailyHistory, path: ThresholdPath, tool: Tool, place: int, side: _Side | Unknown
) -> _Side | Unknown:
    """Returns the ends of a side after a tool. A tool without a sample of its own only scales them."""
    if isinstance(side, Unknown) or tool is Tool.NONE:
        return side
    losses = both_losses(history.returns)[:, place]
    if tool is Tool.STRESSED:
        return _combined(side, _stressed_window(history, losses, path.level), _stressed)
    if tool is Tool.FLOOR:
        longest = losses[-FLOOR_RETURNS:]
        return _combined(side, _sample(longest, path.level, "the last", "(floor)"), max)
    applied = with_tool(path, tool, long_term(history, path.level))
    before, after = (own.long if place == 0 else own.short for own in (path, applied))
    factor = float(after.var[-1] / before.var[-1])
    ends, sample = side
    return _Ends(*(factor * own for own in ends)), f"{sample}, times {factor:.4g} by the tool"


def _stressed_window(history: DailyHistory, losses: Floats, level: float) -> _Side | Unknown:
    """Returns the ends of the window of 365 returns with the largest VaR of a side."""
    tails, _ = trailing_tails(losses[:, None], LEAST_RETURNS, (level,))
    if not np.isfinite(tails).any():
        return Unknown(f"no window of {LEAST_RETURNS} returns at {level:g}")
    stop = int(np.nanargmax(tails[0, :, 0]))
    day = history.days[stop - 1].astype("datetime64[D]")
    words = f"up to {day} (stressed)"
    return _sample(losses[stop - LEAST_RETURNS : stop], level, "the", words)


def _sample(losses: Floats, level: float, first: str, last: str) -> _Side | Unknown:
    ends = _ends(losses, level)
    words = " ".join(filter(None, (first, counted(losses.size, "return"), last)))
    return ends if isinstance(ends, Unknown) else (ends, words)


def _stressed(own: float, rest: float) -> float:
    return max(own, (1 - STRESSED_WEIGHT) * own + STRESSED_WEIGHT * rest)


def _combined(
    own: _Side, rest: _Side | Unknown, combine: Callable[[float, float], float]
) -> _Side | Unknown:
    """Returns the ends of a combination of two samples. Unknown: those of the second are."""
    if isinstance(rest, Unknown):
        return rest
    (first, sample), (second, words) = own, rest
    ends = _Ends(*(combine(a, b) for a, b in zip(first, second, strict=True)))
    return ends, f"{sample} and {words}"
