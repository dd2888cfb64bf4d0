"""Measures of overlapping moves, which share rows and are therefore not independent."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from math import ceil, floor, inf, sqrt

import numpy as np
from numpy.typing import NDArray

from harmonize.adequacy.tail import (
    CONFIDENCE,
    Floats,
    TailEstimate,
    checked_losses,
    rank_interval,
    tail_size,
    value_at_risk,
)
from harmonize.core.schedule import Unknown
from harmonize.numerics.bootstrap import BootstrapTerms

_MAX_CELLS = 4_000_000
"""Most counts of resampled losses that are kept at a time."""


def overlapping_value_at_risk(
    losses: Floats, level: float, horizon: int, confidence: float = CONFIDENCE
) -> TailEstimate | Unknown:
    """Returns the VaR of moves over ``horizon`` rows that begin at every row.

    Losses are in the order of time. The interval is that of a seeded stationary bootstrap, whose
    mean block is twice the horizon or the cube root of the number of losses. It never exceeds the
    largest loss. It is unbounded above if as many independent moves would not bound the quantile:
    one per horizon. One row as horizon returns the interval of independent losses.
    """
    estimate = value_at_risk(losses, level, confidence)
    if horizon == 1 or isinstance(estimate, Unknown):
        return estimate
    sample = checked_losses(losses)
    terms = BootstrapTerms(block=max(2.0 * horizon, sample.size ** (1 / 3)))
    tail = (1 - confidence) / 2
    lower, upper = np.quantile(resampled_quantiles(sample, level, terms), (tail, 1 - tail)).tolist()
    if rank_interval(sample.size // horizon, level, confidence) is None:
        upper = inf
    lower, upper = min(lower, estimate.value), max(upper, estimate.value)
    return TailEstimate(level, estimate.value, sample.size, lower, upper, confidence)


def resampled_quantiles(sample: Floats, level: float, terms: BootstrapTerms) -> Floats:
    """Returns the quantile of each series that the stationary bootstrap draws from a sample.

    Only the largest values decide a high quantile. They are counted per resampled series from the
    ends of its blocks, so that the series themselves are never built. Raises ValueError: a mean block
    below one observation.
    """
    if not terms.block >= 1:
        message = f"bootstrap: expected a mean block of at least 1 observation, found {terms.block:g}; lengthen it"
        raise ValueError(message)
    kept = min(sample.size, ceil(3 * tail_size(sample.size, level)) + 50)
    while True:
        quantiles = _quantiles_from_largest(sample, level, terms, kept)
        if quantiles is not None:
            return quantiles
        kept = min(sample.size, 2 * kept)


def _quantiles_from_largest(
    sample: Floats, level: float, terms: BootstrapTerms, kept: int
) -> Floats | None:
    """Returns the quantiles from the ``kept`` largest values; None if these are too few."""
    largest = np.argsort(-sample, kind="stable")[:kept]
    positions = np.sort(largest)
    by_value, descending = np.searchsorted(positions, largest), sample[largest]
    position = (sample.size - 1) * level
    upper_rank = sample.size - 1 - min(floor(position) + 1, sample.size - 1)
    lower_rank, weight = sample.size - 1 - floor(position), position - floor(position)
    batch = max(1, _MAX_CELLS // (2 * kept + ceil(sample.size / terms.block)))
    results = []
    for start in range(0, terms.draws, batch):
        draws = min(batch, terms.draws - start)
        starts, lengths = _blocks((terms.seed, start), sample.size, terms.block, draws)
        ranks = np.cumsum(_counts(starts, lengths, positions, sample.size)[:, by_value], axis=1)
        if (ranks[:, -1] <= lower_rank).any():
            return None
        above = descending[(ranks <= upper_rank).sum(axis=1)]
        below = descending[(ranks <= lower_rank).sum(axis=1)]
        results.append(below + weight * (above - below))
    return np.concatenate(results)


@lru_cache(maxsize=4)  # both sides of a position are resampled by the same blocks
def _blocks(
    seed: tuple[int, int], observations: int, block: float, draws: int
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Returns starts and lengths of the blocks of resampled series, a row per series.

    Lengths are geometric, and cut so that each row adds up to the number of observations.
    """
    rng = np.random.default_rng(seed)
    expected = observations / block
    count = ceil(expected + 5 * sqrt(expected)) + 5
    lengths = rng.geometric(1 / block, size=(draws, count))
    while (lengths.sum(axis=1) < observations).any():
        more = rng.geometric(1 / block, size=(draws, count))
        lengths = np.concatenate([lengths, more], axis=1)
    starts = rng.integers(observations, size=lengths.shape)
    ends = np.minimum(np.cumsum(lengths, axis=1), observations)
    lengths = np.diff(ends, axis=1, prepend=0)
    starts.setflags(write=False)
    lengths.setflags(write=False)
    return starts, lengths


def _counts(
    starts: NDArray[np.int64],
    lengths: NDArray[np.int64],
    positions: NDArray[np.int64],
    observations: int,
) -> NDArray[np.int64]:
    """Returns how often each position, in rising order, occurs in each resampled series."""
    # The last observation is followed by the first, so that positions are laid out twice.
    is_kept = np.zeros(observations, dtype=np.int64)
    is_kept[positions] = 1
    kept_before = np.concatenate([[0], np.cumsum(np.tile(is_kept, 2))])
    width = 2 * positions.size + 1
    row = np.arange(starts.shape[0])[:, None] * width
    cells = starts.shape[0] * width
    first = kept_before[starts] + row
    last = kept_before[starts + lengths] + row
    changes = np.bincount(first.ravel(), minlength=cells) - np.bincount(
        last.ravel(), minlength=cells
    )
    covered = np.cumsum(changes.reshape(-1, width), axis=1)
    return np.asarray(
        covered[:, : positions.size] + covered[:, positions.size : 2 * positions.size]
    )


@dataclass(frozen=True, slots=True)
class PhaseTests:
    """p-values of one test on each phase of overlapping moves, whose moves do not overlap.

    ``observations`` is the length of the shortest phase.
    """

    p_values: tuple[float, ...]
    observations: int

    @property
    def lowest(self) -> float:
        """Smallest p-value, multiplied by the number of phases (Bonferroni), at most 1."""
        return min(1.0, min(self.p_values) * len(self.p_values))

    def rejected(self, significance: float) -> int:
        """Number of phases with a p-value below ``significance``."""
        return sum(p_value < significance for p_value in self.p_values)


def phase_tests(
    breaches: NDArray[np.bool_], horizon: int, p_value: Callable[[NDArray[np.bool_]], float]
) -> PhaseTests:
    """Runs a test on each phase of breaches of overlapping moves over ``horizon`` rows.

    Raises ValueError: fewer breaches than rows of the horizon.
    """
    phases = tuple(split_phases(breaches, horizon))
    return PhaseTests(
        tuple(p_value(phase) for phase in phases), min(phase.size for phase in phases)
    )


def split_phases(values: NDArray[np.bool_], horizon: int) -> Iterator[NDArray[np.bool_]]:
    """Yields every ``horizon``-th value, from each of the first ``horizon`` values on.

    Raises ValueError: fewer values than ``horizon``, or a horizon below one row.
    """
    if not 1 <= horizon <= values.size:
        message = (
            f"phases: expected a horizon from 1 to {values.size} rows, found {horizon}; shorten it"
        )
        raise ValueError(message)
    for phase in range(horizon):
        yield values[phase::horizon]
