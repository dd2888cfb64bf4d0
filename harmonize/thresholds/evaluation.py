"""Paths of one asset with every tool, scored on the days that its models have in common.

The functions and their arguments can be sent to another process; results do not depend on it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from math import isfinite

import numpy as np
from numpy.typing import NDArray

from harmonize.adequacy.horizons import Side
from harmonize.core.schedule import Unknown
from harmonize.thresholds.anti_procyclicality import LongTerm, long_term, with_tool
from harmonize.thresholds.gate import BENCHMARK, LEAST_EXPECTED
from harmonize.thresholds.history import DailyHistory, Days
from harmonize.thresholds.horizon import scaled, windows
from harmonize.thresholds.models import ImpliedVolatility, asset_paths
from harmonize.thresholds.path import (
    Fallback,
    Model,
    PathsByModel,
    Replacement,
    SidePath,
    ThresholdPath,
    Tool,
    replacement,
    rounded_figure,
)
from harmonize.thresholds.scores import (
    Outcomes,
    PathScore,
    expected_rate,
    outcomes,
    score_path,
)

TESTED_DAYS = 1_825
"""Days before the last return on which paths are tested: five years."""

COMMON_SHARE = 0.5
"""Share of the most days of any model below which a model does not limit the common days."""


@dataclass(frozen=True, slots=True, eq=False)
class PathsTask:
    """What the paths of the models of one asset alone need."""

    history: DailyHistory
    levels: tuple[float, ...]
    implied: ImpliedVolatility | None = None
    first_day: int | None = None


@dataclass(frozen=True, slots=True, eq=False)
class ScoresTask:
    """Paths of one asset at ``levels``, to be tested from ``first_day`` on, over ``horizon`` days.

    At the first level, paths with every tool are scored; at the others, those without a tool are tested.
    """

    history: DailyHistory
    paths: PathsByModel
    levels: tuple[float, ...]
    horizon: int
    first_day: int


@dataclass(frozen=True, slots=True, eq=False)
class ScoredPath:
    """Path of a model with a tool: its thresholds for the next day, and its test on past days.

    ``long``, ``short`` and ``shortfall`` (the ES of the margin's side) are fractions of notional.
    ``is_common`` tells whether the path was tested on all days of the models in common: only such
    costs compare. ``replaced`` is the model whose thresholds these are, if it is another one.
    """

    model: Model
    tool: Tool
    day: int
    long: float | Unknown
    short: float | Unknown
    shortfall: float | Unknown
    score: PathScore | Unknown
    outcomes: tuple[Outcomes, ...]
    is_common: bool
    note: str
    fallbacks: tuple[Fallback, ...]
    replaced: Replacement | None = None

    @property
    def margin(self) -> float | Unknown:
        """Margin rate that covers both sides on the next day."""
        if isinstance(self.long, Unknown) or isinstance(self.short, Unknown):
            return self.long if isinstance(self.long, Unknown) else self.short
        return max(self.long, self.short)


@dataclass(frozen=True, slots=True, eq=False)
class AssetScores:
    """Scored paths of one asset, why models have none, and the days tested (since 1970).

    ``outcomes`` are those of models without a tool, of both sides, by level. ``replaced`` tells on how
    many of these days another model stands in place of the benchmark. ``tested`` are these days.
    """

    asset: str
    paths: tuple[ScoredPath, ...]
    outcomes: Mapping[float, Mapping[Model, tuple[Outcomes, ...]]]
    absent: Mapping[Model, Unknown]
    first_day: int | None
    last_day: int | None
    days: int
    replaced: Replacement | None = None
    tested: Days = field(default_factory=lambda: np.empty(0, dtype=np.int64))


def paths_of_asset(task: PathsTask) -> PathsByModel:
    """Returns the paths of the models that need one asset alone."""
    return asset_paths(task.history, task.levels, task.implied, task.first_day)


def score_asset(task: ScoresTask) -> AssetScores:
    """Returns the scores of every model with every tool, and the outcomes at every level."""
    absent = {model: paths for model, paths in task.paths.items() if isinstance(paths, Unknown)}
    stated = _at_level(task, 0)
    own = {model: path for model, path in stated.items() if np.isfinite(path.margin).any()}
    absent |= {model: _no_threshold(path) for model, path in stated.items() if model not in own}
    common = _common_rows(task, list(own.values()), task.levels[0])
    tested = task.history.days[common[:-1]]
    values = long_term(task.history, task.levels[0]) if own else None
    scored = tuple(
        _scored(task, with_tool(path, tool, values), common)
        for path in own.values()
        for tool in Tool
        if isinstance(values, LongTerm)
    )
    first, last = (int(tested[0]), int(tested[-1])) if tested.size else (None, None)
    found = {level: _outcomes(task, index) for index, level in enumerate(task.levels)}
    benchmark = own.get(BENCHMARK)
    return AssetScores(
        asset=task.history.asset,
        paths=scored,
        outcomes=found,
        absent=absent,
        first_day=first,
        last_day=last,
        days=int(tested.size),
        replaced=None if benchmark is None else replacement(BENCHMARK, benchmark.fallbacks, tested),
        tested=tested,
    )


def _no_threshold(path: ThresholdPath) -> Unknown:
    reasons = dict.fromkeys(fallback.reason for fallback in path.fallbacks)
    return Unknown("; ".join(reasons) or "no day with a threshold")


def _at_level(task: ScoresTask, index: int) -> dict[Model, ThresholdPath]:
    return {m: paths[index] for m, paths in task.paths.items() if not isinstance(paths, Unknown)}


def _outcomes(task: ScoresTask, index: int) -> dict[Model, tuple[Outcomes, ...]]:
    """Returns the outcomes of models without a tool at one level, on the days in common."""
    own = _at_level(task, index)
    common = _common_rows(task, list(own.values()), task.levels[index])
    found: dict[Model, tuple[Outcomes, ...]] = {}
    for model, path in own.items():
        tested = _only(scaled(path, task.horizon), common)
        if (parts := windows(task.history, tested, task.horizon)) is not None:
            found[model] = tuple(outcomes(*parts, side) for side in Side)
    return found


def _common_rows(
    task: ScoresTask, paths: Sequence[ThresholdPath], level: float
) -> NDArray[np.bool_]:
    """Returns the rows on which every model with enough of them states both thresholds.

    A model whose rows are too few for a test of coverage does not limit those of others, which may be
    enough; if all have too few, each of them counts.
    """
    is_tested = task.history.threshold_days >= task.first_day
    known = [np.isfinite(path.margin) & is_tested for path in paths]
    most = max((int(np.count_nonzero(rows)) for rows in known), default=0)
    many = [rows for rows in known if np.count_nonzero(rows) >= COMMON_SHARE * most]
    least = task.horizon * LEAST_EXPECTED / expected_rate(level)
    testable = [rows for rows in many if np.count_nonzero(rows[:-1]) >= least]
    return np.asarray(np.logical_and.reduce([is_tested, *(testable or many)]))


def _scored(task: ScoresTask, path: ThresholdPath, common: NDArray[np.bool_]) -> ScoredPath:
    path = scaled(path, task.horizon)
    tested = _only(path, common)
    parts = windows(task.history, tested, task.horizon)
    found: tuple[Outcomes, ...] = ()
    score: PathScore | Unknown = Unknown(f"{path.asset}: no day tested")
    if parts is not None:
        history, own = parts
        score = score_path(history, own)
        found = tuple(outcomes(history, own, side) for side in Side)
    if isinstance(score, PathScore) and task.horizon > 1:
        score = _with_daily_cost(score, score_path(task.history, tested))
    long, short = (_last(side.var[-1], path) for side in (path.long, path.short))
    is_long = path.long.var[-1] >= path.short.var[-1]
    return ScoredPath(
        model=path.model,
        tool=path.tool,
        day=int(path.days[-1]),
        long=long,
        short=short,
        shortfall=_last((path.long if is_long else path.short).es[-1], path),
        score=score,
        outcomes=found,
        is_common=bool(np.isfinite(tested.margin[common]).all() and common.any()),
        note=path.note,
        fallbacks=path.fallbacks,
        replaced=replacement(path.model, path.fallbacks, path.days[-1:]),
    )


def _with_daily_cost(score: PathScore, daily: PathScore | Unknown) -> PathScore:
    """Returns a score with the cost of every day, because rises count days and not windows."""
    if isinstance(daily, Unknown):
        return score
    by_year = {year.year: year.cost for year in daily.years}
    years = tuple(replace(year, cost=by_year.get(year.year, year.cost)) for year in score.years)
    return replace(score, cost=daily.cost, years=years)


def _only(path: ThresholdPath, rows: NDArray[np.bool_]) -> ThresholdPath:
    long, short = (
        SidePath(np.where(rows, side.var, np.nan), np.where(rows, side.es, np.nan))
        for side in (path.long, path.short)
    )
    return replace(path, long=long, short=short)


def _last(value: float, path: ThresholdPath) -> float | Unknown:
    if isfinite(value):
        return rounded_figure(float(value))
    day = path.days[-1].astype("datetime64[D]")
    reasons = [f.reason for f in path.fallbacks if f.last_day >= int(path.days[-1])]
    return Unknown(f"{day}: {reasons[0] if reasons else 'not observable'}")
