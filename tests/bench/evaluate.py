"""A million margins by the panel, timed against the as-of joins of pandas, polars and DuckDB.

Run: ``python -m tests.bench.evaluate``. Every contender takes the same positions in the same
random order, gives margins in that order, and brings its tier table sorted beforehand.
"""

import platform
import statistics
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal

import duckdb
import numpy as np
import pandas as pd
import polars as pl

from harmonize.core.schedule import INFINITY, MarginFunction, flat, marginal
from harmonize.numerics.panel import Floats, Ints, Panel, build_panel

SCHEDULES = 1_900
POSITIONS = 1_000_000
RUNS = 7
SEED = 20_260_729
GOAL = 3.0

TIER_COUNTS = np.array([1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 15, 20, 25, 30, 35])
TIER_SHARES = np.array([2, 2, 2, 3, 6, 6, 8, 12, 14, 16, 8, 6, 5, 4, 3, 2, 1])

Contender = Callable[[Ints, Floats], Floats]


@dataclass(frozen=True, slots=True)
class Timing:
    """How long one contender took, in milliseconds."""

    name: str
    median_ms: float
    best_ms: float


def functions(rng: np.random.Generator) -> list[MarginFunction]:
    """Synthetic schedules of the shapes that venues publish: most have 5 to 12 tiers, few 99."""
    counts = rng.choice(TIER_COUNTS, SCHEDULES, p=TIER_SHARES / TIER_SHARES.sum())
    counts[rng.choice(SCHEDULES, 8, replace=False)] = 99
    return [_function(rng, int(count)) for count in counts]


def _function(rng: np.random.Generator, count: int) -> MarginFunction:
    """Round bounds, in equal or in growing steps, up to 200,000 to 500 million USD; rising rates."""
    start, capacity = 10.0 ** rng.uniform(3.7, 5.0), 10.0 ** rng.uniform(5.3, 8.7)
    spaced = np.geomspace if rng.random() < 0.7 else np.linspace
    digits = 10.0 ** (np.floor(np.log10(start)) - 2)
    bounds = np.unique(np.round(spaced(start, capacity, count) / digits) * digits)
    uppers = [Decimal(int(bound)) for bound in bounds]
    if rng.random() < 0.05:
        uppers[-1] = INFINITY
    steps = np.cumsum(rng.integers(1, 6, bounds.size)) + rng.integers(2, 20)
    rates = [Decimal(int(step)) / 1000 for step in np.minimum(steps, 1000)]
    return flat(uppers, rates) if rng.random() < 0.5 else marginal(uppers, rates)


def positions(rng: np.random.Generator, book: Panel) -> tuple[Ints, Floats]:
    """Positions spread evenly over functions and, on a logarithmic scale, over their sizes.

    Some lie exactly on a bound, and some above the last.
    """
    which = rng.integers(0, len(book), POSITIONS)
    last = book.upper[book.first[which + 1] - 1]
    reach = np.where(np.isfinite(last), last, 1e9) * 1.02
    notional = 10.0 * (reach / 10.0) ** rng.random(POSITIONS)
    notional[:10_000] = book.upper[book.first[which[:10_000]]]
    notional[np.isinf(notional)] = 1e6
    return which, notional


def pandas_merge_asof(book: Panel) -> Contender:
    """``merge_asof(by=)``: the nearest upper bound at or above the notional."""
    tiers = pd.DataFrame(
        {"function": book.owner, "upper": book.upper, "fixed": book.fixed, "rate": book.rate}
    ).sort_values("upper", kind="stable")

    def run(which: Ints, notional: Floats) -> Floats:
        order = np.argsort(notional)
        held = pd.DataFrame({"function": which[order], "notional": notional[order]})
        joined = pd.merge_asof(
            held,
            tiers,
            left_on="notional",
            right_on="upper",
            by="function",
            direction="forward",
        )
        margin = np.empty_like(notional)
        margin[order] = joined["fixed"].to_numpy() + joined["rate"].to_numpy() * notional[order]
        return margin

    return run


def polars_join_asof(book: Panel) -> Contender:
    """``join_asof(by=)``: the nearest upper bound at or above the notional."""
    tiers = pl.DataFrame(
        {"function": book.owner, "upper": book.upper, "fixed": book.fixed, "rate": book.rate}
    ).sort("upper")

    def run(which: Ints, notional: Floats) -> Floats:
        order = np.argsort(notional)
        held = pl.DataFrame({"function": which[order], "notional": notional[order]})
        joined = held.with_columns(pl.col("notional").set_sorted()).join_asof(
            tiers,
            left_on="notional",
            right_on="upper",
            by="function",
            strategy="forward",
            check_sortedness=False,
        )
        margin = np.empty_like(notional)
        margin[order] = joined.select(pl.col("fixed") + pl.col("rate") * pl.col("notional"))[
            "fixed"
        ].to_numpy()
        return margin

    return run


def duckdb_asof_join(book: Panel) -> Contender:
    """``ASOF LEFT JOIN``: the nearest upper bound at or above the notional."""
    connection = duckdb.connect()
    tiers = pd.DataFrame(
        {"function": book.owner, "upper": book.upper, "fixed": book.fixed, "rate": book.rate}
    )
    connection.register("tier_frame", tiers)
    connection.execute("CREATE TABLE tiers AS SELECT * FROM tier_frame ORDER BY function, upper")

    def run(which: Ints, notional: Floats) -> Floats:
        held = pd.DataFrame(
            {"position": np.arange(which.size), "function": which, "notional": notional}
        )
        connection.register("held", held)
        joined = connection.execute(
            "SELECT held.position, tiers.fixed + tiers.rate * held.notional AS margin"
            " FROM held ASOF LEFT JOIN tiers"
            " ON held.function = tiers.function AND held.notional <= tiers.upper"
        ).fetchnumpy()
        margin = np.empty_like(notional)
        margin[joined["position"]] = np.ma.filled(joined["margin"], np.nan)
        return margin

    return run


def timed(name: str, contender: Contender, which: Ints, notional: Floats) -> Timing:
    """Run a contender several times after one warm-up."""
    contender(which, notional)
    taken = []
    for _ in range(RUNS):
        start = time.perf_counter()
        contender(which, notional)
        taken.append((time.perf_counter() - start) * 1e3)
    return Timing(name, statistics.median(taken), min(taken))


def main() -> int:
    """Print the table; 1 if a contender is within three times of the panel."""
    rng = np.random.default_rng(SEED)
    book = build_panel(functions(rng))
    which, notional = positions(rng, book)
    contenders = {
        "harmonize Panel.evaluate": book.evaluate,
        f"pandas {pd.__version__} merge_asof": pandas_merge_asof(book),
        f"polars {pl.__version__} join_asof": polars_join_asof(book),
        f"duckdb {duckdb.__version__} ASOF JOIN": duckdb_asof_join(book),
    }
    ours = book.evaluate(which, notional)
    for run in contenders.values():
        np.testing.assert_allclose(run(which, notional), ours, rtol=1e-12, equal_nan=True)
    timings = [timed(name, run, which, notional) for name, run in contenders.items()]
    write = sys.stdout.write
    write(f"{POSITIONS:,} positions, {len(book):,} functions, {book.upper.size:,} tiers;")
    write(f" median of {RUNS}; Python {platform.python_version()}, numpy {np.__version__}\n")
    write(f"{'contender':<28}{'median ms':>12}{'best ms':>12}{'ratio':>9}\n")
    for timing in timings:
        ratio = timing.median_ms / timings[0].median_ms
        write(f"{timing.name:<28}{timing.median_ms:>12.1f}{timing.best_ms:>12.1f}{ratio:>9.2f}\n")
    slowest = min(timing.median_ms for timing in timings[1:]) / timings[0].median_ms
    return int(slowest < GOAL)


if __name__ == "__main__":
    sys.exit(main())
