"""Historical simulation: VaR and ES of the last 365 or up to 1,095 returns, of many assets at once."""

from collections.abc import Mapping, Sequence

import numpy as np

from harmonize.core.schedule import Unknown
from harmonize.thresholds.history import LEAST_RETURNS, MOST_RETURNS, DailyHistory, window_shortage
from harmonize.thresholds.path import Model, Paths, both_losses, paths_of
from harmonize.thresholds.windows import trailing_tails

WINDOWS = {Model.HISTORICAL_365: LEAST_RETURNS, Model.HISTORICAL_1095: MOST_RETURNS}
"""Longest window of each model. The longer one begins with 365 returns and grows."""


def historical_paths(
    histories: Sequence[DailyHistory], model: Model, levels: Sequence[float]
) -> Mapping[str, Paths | Unknown]:
    """Returns the paths by asset. Unknown: see ``DailyHistory.shortage`` and ``window_shortage``."""
    paths: dict[str, Paths | Unknown] = {}
    usable: list[DailyHistory] = []
    for history in histories:
        shortage = history.shortage() or window_shortage(WINDOWS[model], levels)
        if shortage:
            paths[history.asset] = shortage
        else:
            usable.append(history)
    if usable:
        var, es = trailing_tails(_table(usable), WINDOWS[model], levels)
        for place, history in enumerate(usable):
            part = (slice(None), slice(history.size + 1), slice(2 * place, 2 * place + 2))
            paths[history.asset] = paths_of(history, model, levels, (var[part], es[part]))
    return paths


def _table(histories: Sequence[DailyHistory]) -> np.ndarray:
    """Returns the losses of both sides side by side, each from its first return on, then NaN."""
    rows = max(history.size for history in histories)
    table = np.full((rows, 2 * len(histories)), np.nan)
    for place, history in enumerate(histories):
        table[: history.size, 2 * place : 2 * place + 2] = both_losses(history.returns)
    return table
