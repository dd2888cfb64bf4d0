"""Rolling VaR and ES on both sides, timed against the rolling quantiles of pandas alone.

Run: ``python -m tests.bench.rolling``. Daily windows are those of 300 series over five years. Hourly
windows of a year are refreshed daily; pandas calculates them every hour, so that both time the first
20 of these series. The printed seconds are measured, not extrapolated: the table states of how many
series. In every window that is compared, VaR must equal numpy's bit by bit, and ES the mean of the
tail that numpy calculates from the sorted losses.
"""

import platform
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from statistics import median

import numpy as np
import pandas as pd

from harmonize.adequacy.rolling import rolling_both_sides
from harmonize.adequacy.tail import Floats

SEED = 20_261_130
LEVELS = (0.99, 0.975)
RUNS = 5
ROUNDING = 1e-13
"""Relative difference of two sums of the same losses in another order."""


@dataclass(frozen=True, slots=True)
class Case:
    """Series, rows, rows of a window, rows between windows, and the ratio to reach."""

    name: str
    series: int
    rows: int
    window: int
    step: int
    goal: float
    timed_series: int


CASES = (
    Case("300 series, 1,825 days, window 365 days", 300, 1825, 365, 1, 5.0, 300),
    Case("300 series, 43,800 hours, refreshed daily", 300, 43_800, 8760, 24, 10.0, 20),
)


def returns_of(case: Case, rng: np.random.Generator) -> Floats:
    """Heavy-tailed returns whose volatility wanders, as that of real ones does."""
    shape = (case.rows, case.timed_series)
    wander = np.cumsum(rng.standard_normal(shape), axis=0) / np.sqrt(case.window)
    return np.asarray(rng.standard_t(3, size=shape) * 0.02 * np.exp(wander / 2))


def pandas_quantiles(returns: Floats, case: Case) -> None:
    """The four quantiles that give VaR on both sides, without ES."""
    frame = pd.DataFrame(returns)
    for level in (*LEVELS, *(1 - level for level in LEVELS)):
        frame.rolling(case.window).quantile(level)


def numpy_shortfall(losses: Floats, level: float) -> Floats:
    """The ES of each column by its definition: the integral of the quantile function over the tail.

    The quantile function of a sample is a step function: the loss of rank i from 1, smallest first,
    stands over the probabilities from (i - 1) / n to i / n, of which the tail takes those above the level.
    """
    count = losses.shape[0]
    edges = np.arange(count + 1) / count
    widths = np.diff(np.maximum(edges, level))
    return np.asarray(np.average(np.sort(losses, axis=0), axis=0, weights=widths))


def check(returns: Floats, case: Case) -> None:
    """Raises AssertionError: VaR differs from numpy's quantile, or ES from that of ``numpy_shortfall``."""
    long, short = rolling_both_sides(returns, case.window, LEVELS, case.step)
    for tails, losses in ((long, -returns), (short, returns)):
        for place in range(0, tails.ends.size, max(1, tails.ends.size // 40)):
            end = int(tails.ends[place]) + 1
            rows = losses[end - case.window : end] + 0.0
            for index, level in enumerate(LEVELS):
                np.testing.assert_array_equal(
                    tails.var[index, place], np.quantile(rows, level, axis=0)
                )
                shortfall = numpy_shortfall(rows, level)
                np.testing.assert_allclose(tails.es[index, place], shortfall, rtol=ROUNDING)


def seconds(run: Callable[[], object]) -> float:
    """Processor seconds that one call takes; all contenders use one thread."""
    began = time.process_time()
    run()
    return time.process_time() - began


def main() -> int:
    """Print the table; 1 if a ratio is below its goal."""
    rng = np.random.default_rng(SEED)
    write = sys.stdout.write
    write(f"rolling VaR and ES at {LEVELS}, both sides, against four rolling quantiles of pandas")
    write(f" {pd.__version__}; Python {platform.python_version()}, numpy {np.__version__}\n")
    write(f"{'case':<44}{'series timed':>14}{'ours s':>9}{'pandas s':>10}{'ratio':>8}{'goal':>7}\n")
    failed = False
    for case in CASES:
        returns = returns_of(case, rng)
        check(returns, case)
        # Each pair runs at the same load of the machine; the ratio is that of the pairs.
        pairs = [
            (
                seconds(lambda: rolling_both_sides(returns, case.window, LEVELS, case.step)),  # noqa: B023 - called at once
                seconds(lambda: pandas_quantiles(returns, case)),  # noqa: B023 - as above
            )
            for _ in range(RUNS)
        ]
        ratio = median(theirs / ours for ours, theirs in pairs)
        ours, theirs = (median(times) for times in zip(*pairs, strict=True))
        timed = f"{case.timed_series} of {case.series}"
        write(
            f"{case.name:<44}{timed:>14}{ours:>9.2f}{theirs:>10.2f}{ratio:>8.1f}{case.goal:>7.0f}\n"
        )
        failed |= ratio < case.goal
    return int(failed)


if __name__ == "__main__":
    sys.exit(main())
