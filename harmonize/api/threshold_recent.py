"""The last year of an asset's default threshold and of its fast margin, with the losses above the default."""

import numpy as np

from harmonize.adequacy.horizons import Side
from harmonize.adequacy.tail import Floats
from harmonize.api.threshold_sizes import SizedDays
from harmonize.api.threshold_terms import DayLoss, RecentPath
from harmonize.core.schedule import Unknown
from harmonize.thresholds.anti_procyclicality import long_term, with_tool
from harmonize.thresholds.gate import BENCHMARK
from harmonize.thresholds.history import DailyHistory, Days
from harmonize.thresholds.path import (
    Model,
    PathsByModel,
    ThresholdPath,
    Tool,
    replacement,
    rounded_figure,
)

RECENT_DAYS = 365
"""Days of a recent path. A design choice: a year, which a chart shows day by day."""


def recent_path(
    history: DailyHistory,
    paths: PathsByModel,
    model: Model,
    tool: Tool,
    sizes: SizedDays | None = None,
) -> RecentPath:
    """Returns the recent path of a model with a tool, beside that of the benchmark without one.

    ``sizes`` are those of the first path; None: it has none.
    """
    default = margins(history, paths, model, tool)
    fast = margins(history, paths, BENCHMARK, Tool.NONE)
    rows = np.flatnonzero(np.isfinite(default) | np.isfinite(fast))[-RECENT_DAYS:]
    if not rows.size:
        return RecentPath()
    days = history.threshold_days[rows]
    first, length = int(days[0]), int(days[-1] - days[0]) + 1
    places = (days - first).tolist()
    return RecentPath(
        first,
        _by_day(default[rows], places, length),
        _by_day(fast[rows], places, length),
        _losses(history, default, rows[rows < history.size].tolist()),
        _fallback(paths, model, days[np.isfinite(default[rows])]),
        _fallback(paths, BENCHMARK, days[np.isfinite(fast[rows])]),
        () if sizes is None else _by_day(sizes.margin[rows], places, length),
        () if sizes is None else _by_day(sizes.volume[rows], places, length),
    )


def margins(history: DailyHistory, paths: PathsByModel, model: Model, tool: Tool) -> Floats:
    """Returns the daily margins of a model with a tool by row; NaN where it gives none."""
    own = tooled_path(history, paths, model, tool)
    return np.full(history.size + 1, np.nan) if isinstance(own, Unknown) else own.margin


def tooled_path(
    history: DailyHistory, paths: PathsByModel, model: Model, tool: Tool
) -> ThresholdPath | Unknown:
    """Returns the daily path of a model to which a tool is applied. Unknown: the model has none."""
    own = paths.get(model, Unknown(f"no path of {model}"))
    if isinstance(own, Unknown):
        return own
    return with_tool(own[0], tool, long_term(history, own[0].level))


def _fallback(paths: PathsByModel, model: Model, days: Days) -> str:
    """Returns what stands in place of a model on some of the days that have a rate; empty if nothing does."""
    own = paths.get(model)
    if own is None or isinstance(own, Unknown):
        return ""
    replaced = replacement(model, own[0].fallbacks, days)
    return "" if replaced is None else str(replaced)


def _by_day(values: Floats, places: list[int], length: int) -> tuple[float | None, ...]:
    found: list[float | None] = [None] * length
    for place, value in zip(places, values.tolist(), strict=True):
        if np.isfinite(value):
            found[place] = rounded_figure(value)
    return tuple(found)


def _losses(history: DailyHistory, default: Floats, rows: list[int]) -> tuple[DayLoss, ...]:
    """Returns the losses of the rows above the threshold that was known before; none without one."""
    return tuple(
        DayLoss(
            int(history.days[row]),
            Side.LONG if history.returns[row] < 0 else Side.SHORT,
            rounded_figure(abs(float(history.returns[row]))),
        )
        for row in rows
        if abs(history.returns[row]) > default[row]
    )
