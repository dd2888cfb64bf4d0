"""How sure a harmonization index is: a bootstrap interval, and what it would be without one venue.

The bootstrap draws as many distances as there are, with replacement, a thousand times from a generator
with a fixed seed, and takes the index of every draw. The interval is from the 2.5th to the 97.5th
percentile. Source: Efron, "Bootstrap methods: another look at the jackknife", 1979 (percentile method).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from harmonize.numerics.panel import Floats, Ints

DRAWS = 1000
SEED = 20250901
CONFIDENCE = 0.95
LEAST = 3
"""Fewer distances than this have no interval: two venues tell nothing of a third."""


@dataclass(frozen=True, slots=True)
class Without:
    """The index without one of its parts, the one whose absence changes it most."""

    place: int
    value: float


def index_of(distances: Sequence[float], weights: Sequence[float] | None = None) -> float:
    """``100·exp(−mean distance)``, the mean weighted where weights are given."""
    return float(100.0 * np.exp(-np.average(distances, weights=weights)))


def interval(
    distances: Sequence[float], weights: Sequence[float] | None = None
) -> tuple[float, float] | None:
    """The 95 % bootstrap interval of an index; None of fewer than three distances."""
    if len(distances) < LEAST:
        return None
    drawn = _drawn(len(distances))
    known = np.array(distances)
    if weights is None:
        means = known[drawn].mean(axis=1)
    else:
        weighed = np.array(weights)
        means = (known * weighed)[drawn].sum(axis=1) / weighed[drawn].sum(axis=1)
    near, far = _percentiles(means)
    return float(100.0 * np.exp(-far)), float(100.0 * np.exp(-near))


@lru_cache(maxsize=1024)
def _drawn(count: int) -> Ints:
    """The same draws for the same number of distances.

    Sums over draws and no product of matrices: that would round by the machine it runs on.
    """
    return np.random.default_rng(SEED).integers(0, count, (DRAWS, count))


def _percentiles(values: Floats) -> tuple[float, float]:
    """The 2.5th and the 97.5th percentile, linear between neighbours, as numpy defines them."""
    tail = 0.5 * (1.0 - CONFIDENCE)
    places = [share * (values.size - 1) for share in (tail, 1.0 - tail)]
    whole = [int(place) for place in places]
    sorted_ = np.partition(values, [*whole, *(one + 1 for one in whole)])
    low, high = (
        float(sorted_[one] + (place - one) * (sorted_[one + 1] - sorted_[one]))
        for one, place in zip(whole, places, strict=True)
    )
    return low, high


def without_one(
    distances: Sequence[float], weights: Sequence[float] | None = None
) -> Without | None:
    """Leave out each distance in turn; None of fewer than two."""
    if len(distances) < 2:  # noqa: PLR2004 - one left out leaves none
        return None
    known = np.array(distances)
    weighed = np.ones(known.size) if weights is None else np.array(weights)
    rest = (float((known * weighed).sum()) - known * weighed) / (weighed.sum() - weighed)
    values = 100.0 * np.exp(-rest)
    place = int(np.argmax(np.abs(values - index_of(distances, weights))))
    return Without(place, float(values[place]))
