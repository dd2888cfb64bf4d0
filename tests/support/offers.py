"""Builds offers from tiers, and random offers from a seeded generator."""

from collections.abc import Sequence
from itertools import pairwise

import numpy as np

from harmonize.numerics.offer import Offer


def flat(bounds: Sequence[float], rates: Sequence[float]) -> Offer:
    """Returns an offer that applies each tier's rate to the whole position."""
    ends = pairwise([0.0, *bounds])
    pieces = [
        (low, high, 0.0, rate, 0.0, 2.0) for (low, high), rate in zip(ends, rates, strict=True)
    ]
    return Offer(tuple(pieces), bounds[-1])


def marginal(bounds: Sequence[float], rates: Sequence[float]) -> Offer:
    """Returns an offer that applies each tier's rate to the slice in that tier."""
    fixed, pieces = 0.0, []
    for tier, ((low, high), rate) in enumerate(zip(pairwise([0.0, *bounds]), rates, strict=True)):
        fixed += low * (rates[tier - 1] - rate) if tier else 0.0
        pieces.append((low, high, fixed, rate, 0.0, 2.0))
    return Offer(tuple(pieces), bounds[-1])


def random_flat(rng: np.random.Generator, tiers: int) -> Offer:
    """Returns flat tiers with bounds spread over four decades."""
    bounds, rates = _tiers(rng, tiers)
    return flat(bounds, rates)


def random_marginal(rng: np.random.Generator, tiers: int) -> Offer:
    """Returns marginal tiers with bounds spread over four decades."""
    bounds, rates = _tiers(rng, tiers)
    return marginal(bounds, rates)


def leveraged(rng: np.random.Generator, tiers: int) -> Offer:
    """Returns flat tiers with round bounds and round leverages, as many venues publish them."""
    bounds = np.cumprod(rng.choice([1.25, 1.5, 2.0], tiers)) * rng.choice([1e4, 2e4, 5e4])
    steps = np.array([125, 100, 75, 50, 40, 25, 20, 15, 10, 8, 5, 4, 3, 2])
    leverages = steps[np.minimum(int(rng.integers(0, 4)) + np.arange(tiers) * 12 // tiers, 13)]
    return flat(bounds.tolist(), (1.0 / leverages).tolist())


def curved(rng: np.random.Generator) -> Offer:
    """Returns one piece whose rate rises with a power of size."""
    base = float(rng.integers(4, 60)) / 1000
    slope = 10.0 ** -float(rng.integers(8, 12))
    upper = 10.0 ** float(rng.integers(7, 9))
    return Offer(((0.0, upper, 0.0, base, slope, float(rng.choice([1.5, 1.8, 2.0]))),), upper)


def _tiers(rng: np.random.Generator, tiers: int) -> tuple[list[float], list[float]]:
    bounds = np.unique(np.round(10 ** rng.uniform(4, 8, tiers)))
    rates = np.sort(rng.choice(np.arange(4, 1000), bounds.size, replace=False)) / 1000
    return bounds.tolist(), rates.tolist()
