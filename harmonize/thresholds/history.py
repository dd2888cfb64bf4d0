"""Daily returns of one asset, and the rows at which a threshold can be stated.

Row ``i`` is the return of day ``days[i]``. A threshold of row ``i`` was known before that day: it uses
the returns of the rows before ``i`` only. Row ``n``, after the last return, is the next day.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from harmonize.adequacy.tail import Floats, least_observations
from harmonize.core.schedule import Unknown
from harmonize.market.prices import MICROSECONDS, PriceSeries
from harmonize.market.returns import simple_returns
from harmonize.text.messages import counted

Days = NDArray[np.int64]
"""Days since 1970-01-01, UTC."""

LEAST_RETURNS = 365
"""Fewest returns from which a threshold is stated."""

MOST_RETURNS = 1_095
"""Longest window of returns of a model: three years."""

LONGEST_SILENCE = 14
"""Days without a return after which a series begins anew.

A symbol that was silent for longer may name another coin: LUNA for 18 days, FTT for ten months.
"""

_DAY = 86_400


@dataclass(frozen=True, slots=True, eq=False)
class DailyHistory:
    """Simple daily returns of one asset in order of time.

    A day without a return is missing from the rows. No return spans a gap.
    """

    asset: str
    days: Days
    returns: Floats

    def __post_init__(self) -> None:
        """Freezes the arrays. Raises ValueError: other lengths, no row, unordered days, no number."""
        if self.days.shape != self.returns.shape or self.days.ndim != 1:
            message = f"{self.asset}: expected one return per day, found the shapes {self.days.shape} and {self.returns.shape}; align them"
            raise ValueError(message)
        if not self.days.size:
            message = f"{self.asset}: expected at least one return, found none; omit the asset"
            raise ValueError(message)
        if np.any(np.diff(self.days) <= 0):
            message = f"{self.asset}: expected rising days; sort the rows and remove duplicates"
            raise ValueError(message)
        bad = np.flatnonzero(~np.isfinite(self.returns))
        if bad.size:
            message = f"{self.asset}: return of row {bad[0]}: expected a finite number, found {self.returns[bad[0]]}; remove the row"
            raise ValueError(message)
        self.days.setflags(write=False)
        self.returns.setflags(write=False)

    @property
    def size(self) -> int:
        """Number of returns."""
        return int(self.returns.size)

    @property
    def threshold_days(self) -> Days:
        """Days of the rows at which a threshold can be stated: those of returns, and the next one."""
        following = self.days[-1:] + 1
        return np.concatenate([self.days, following])

    def shortage(self) -> Unknown | None:
        """Returns why no threshold can be stated: too few returns, or prices that do not move."""
        if self.size < LEAST_RETURNS:
            return Unknown(f"{counted(self.size, 'return')}, {LEAST_RETURNS} are required")
        if np.ptp(self.returns) == 0:
            return Unknown(f"all {self.size:,} returns are {self.returns[0]:g}")
        return None


def window_shortage(window: int, levels: Sequence[float]) -> Unknown | None:
    """Returns why the longest window of a model is too short for a level; None: it is not."""
    for level in levels:
        required = least_observations(level)
        if window < required:
            return Unknown(
                f"windows of {window:,} returns, {required:,} are required at {level:.12g}"
            )
    return None


def history_of(series: PriceSeries) -> DailyHistory | Unknown:
    """Returns the history of a series of daily candles since its last long silence.

    Disputed closes begin and end no return. Unknown: no two candles follow one another. Raises
    ValueError: candles of another length.
    """
    if series.id.interval != _DAY:
        message = f"{series.id}: expected daily candles; aggregate them"
        raise ValueError(message)
    returns = simple_returns(series.undisputed())
    if not returns.times.size:
        return Unknown(f"no return, {LEAST_RETURNS} are required")
    days = np.asarray(returns.times // (_DAY * MICROSECONDS), dtype=np.int64)
    return unbroken_parts(DailyHistory(series.id.underlying.asset, days, returns.values))[-1]


def unbroken_parts(
    history: DailyHistory, longest: int = LONGEST_SILENCE
) -> tuple[DailyHistory, ...]:
    """Returns the parts between silences of more than ``longest`` days, in order of time."""
    breaks = np.flatnonzero(np.diff(history.days) > longest) + 1
    ends = [0, *breaks.tolist(), history.size]
    return tuple(
        DailyHistory(history.asset, history.days[first:stop], history.returns[first:stop])
        for first, stop in pairwise(ends)
    )
