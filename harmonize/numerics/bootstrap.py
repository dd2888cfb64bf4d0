"""Bootstrap intervals of statistics of dependent observations, by the stationary bootstrap."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

_MAX_CELLS = 2_000_000
"""Most numbers of resampled series that are kept at a time."""


@dataclass(frozen=True, slots=True)
class BootstrapTerms:
    """Number of resampled series, their mean block length in observations, and the seed."""

    block: float
    draws: int = 1_000
    seed: int = 20_261_130


def percentile_interval(
    sample: Floats,
    statistic: Callable[[Floats], Floats],
    terms: BootstrapTerms,
    confidence: float = 0.95,
) -> tuple[float, float]:
    """Returns the percentile interval of a statistic of a stationary series.

    ``statistic`` takes a table with a resampled series per row and returns one number per row. The
    same sample, terms and release of numpy give the same interval.
    """
    rng = np.random.default_rng(terms.seed)
    size = max(1, _MAX_CELLS // sample.size)
    values = [
        statistic(sample[stationary_indices(rng, sample.size, terms.block, count)])
        for count in _batches(terms.draws, size)
    ]
    tail = (1 - confidence) / 2
    lower, upper = np.quantile(np.concatenate(values), (tail, 1 - tail))
    return float(lower), float(upper)


def stationary_indices(
    rng: np.random.Generator, observations: int, block: float, draws: int
) -> NDArray[np.int64]:
    """Returns the observations of resampled series, a row per series (Politis and Romano 1994).

    Blocks begin anywhere and have geometric lengths with the mean ``block``. The last observation is
    followed by the first. Raises ValueError: a mean block below one observation.
    """
    if not block >= 1:
        message = f"bootstrap: expected a mean block of at least 1 observation, found {block:g}; lengthen it"
        raise ValueError(message)
    is_start = rng.random((draws, observations)) < 1 / block
    is_start[:, 0] = True
    places = np.arange(observations)
    starts = np.maximum.accumulate(np.where(is_start, places, 0), axis=1)
    origins = rng.integers(observations, size=(draws, observations))
    indices = np.take_along_axis(origins, starts, axis=1) + places - starts
    return np.asarray(indices % observations, dtype=np.int64)


def _batches(total: int, size: int) -> list[int]:
    full, rest = divmod(total, size)
    return [size] * full + [rest] * (rest > 0)
