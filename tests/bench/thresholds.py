"""Filtered paths against a plain Python loop with equal results, and the time of many paths.

Run: ``python -m tests.bench.thresholds``. The loop calculates volatility, residuals and the quantile
of every window one by one, as the definition reads.
"""

import sys
import time
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from fractions import Fraction
from multiprocessing import get_context

import numpy as np

from harmonize.adequacy.tail import Floats
from harmonize.api.threshold_work import map_tasks
from harmonize.core.schedule import Unknown
from harmonize.thresholds.evaluation import PathsTask, ScoresTask, paths_of_asset, score_asset
from harmonize.thresholds.ewma import DECAY, FIRST_RETURNS, filtered_paths
from harmonize.thresholds.historical import WINDOWS, historical_paths
from harmonize.thresholds.history import LEAST_RETURNS, MOST_RETURNS, DailyHistory
from harmonize.thresholds.models import with_pooled_paths
from harmonize.thresholds.path import Model
from tests.harmonize.thresholds.samples import history, inputs

LEVEL = 0.99
DAYS = 1_825
ASSETS, SERIES = 12, 300
GOAL_RATIO = 4.0
GOAL_SECONDS = 60.0
"""Largest time of all models on 12 assets with two processes, and of historical paths on 300."""


def plain_path(own: DailyHistory, decay: float) -> tuple[Floats, Floats]:
    """Returns VaR and ES per row and side, long first, window by window."""
    variance = sum(r * r for r in own.returns[:FIRST_RETURNS].tolist()) / FIRST_RETURNS
    residuals: list[float] = []
    var, es = np.full((2, own.size + 1, 2), np.nan)
    for row in range(own.size + 1):
        volatility = variance**0.5
        for side, sign in enumerate((-1, 1) if row >= LEAST_RETURNS else ()):
            window = sorted((sign * r for r in residuals[-MOST_RETURNS:]), reverse=True)
            var[row, side] = volatility * _quantile(window)
            es[row, side] = volatility * _tail_mean(window)
        if row < own.size:
            value = float(own.returns[row])
            residuals.append(value / volatility)
            variance = decay * variance + (1 - decay) * value * value
    return var, es


def _quantile(descending: Sequence[float]) -> float:
    """Returns the quantile of Hyndman and Fan, type 7."""
    position = (len(descending) - 1) * (1 - LEVEL)
    place = int(position)
    weight = position - place
    return descending[place] * (1 - weight) + descending[place + 1] * weight


def _tail_mean(descending: Sequence[float]) -> float:
    """Returns the mean of the worst share of the sample, the last loss with its part."""
    size = float(len(descending) * (1 - Fraction(str(LEVEL))))
    whole = int(size)
    return (sum(descending[:whole]) + (size - whole) * descending[whole]) / size


def _filtered() -> bool:
    own = history(DAYS, seed=1)
    filtered_paths(own, Model.FILTERED_94, (LEVEL,))  # imports what it needs
    began = time.process_time()
    expected = plain_path(own, DECAY[Model.FILTERED_94])
    middle = time.process_time()
    paths = filtered_paths(own, Model.FILTERED_94, (LEVEL,))
    ended = time.process_time()
    if isinstance(paths, Unknown):
        raise TypeError(paths.reason)
    for side, found in enumerate((paths[0].long, paths[0].short)):
        np.testing.assert_allclose(found.var, expected[0][:, side], rtol=1e-9)
        np.testing.assert_allclose(found.es, expected[1][:, side], rtol=1e-9)
    ratio = (middle - began) / (ended - middle)
    _say(f"filtered path of {DAYS:,} days, plain loop", middle - began)
    _say("the same, equal results", ended - middle, f"{ratio:.1f} times as fast")
    return ratio >= GOAL_RATIO


def _historical() -> bool:
    histories = [history(DAYS, seed, f"A{seed}") for seed in range(SERIES)]
    began = time.perf_counter()
    for model in WINDOWS:
        historical_paths(histories, model, (LEVEL,))
    seconds = time.perf_counter() - began
    _say(f"historical paths of {SERIES} assets, both windows", seconds)
    return seconds <= GOAL_SECONDS


def _all_models() -> bool:
    names = ["BTC", *(f"A{number}" for number in range(1, ASSETS))]
    histories = [history(DAYS, seed, name) for seed, name in enumerate(names)]
    began = time.perf_counter()
    with ProcessPoolExecutor(2, mp_context=get_context("spawn")) as pool:
        tasks = [PathsTask(own, (LEVEL,)) for own in histories]
        single = dict(zip(names, map_tasks(pool, paths_of_asset, tasks), strict=True))
        paths = with_pooled_paths([inputs(own) for own in histories], single, (LEVEL,))
        scoring = [ScoresTask(h, paths[h.asset], (LEVEL,), 1, int(h.days[0])) for h in histories]
        map_tasks(pool, score_asset, scoring)
    seconds = time.perf_counter() - began
    _say(f"all models but LightGBM, {ASSETS} assets, two processes", seconds)
    return seconds <= GOAL_SECONDS


def _say(name: str, seconds: float, more: str = "") -> None:
    sys.stdout.write(f"{name:<58} {seconds:>9.2f} s  {more}\n")


def main() -> int:
    """Print the times; 1 if a goal is missed."""
    results = [_filtered(), _historical(), _all_models()]
    return int(not all(results))


if __name__ == "__main__":
    sys.exit(main())
