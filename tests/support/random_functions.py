"""Random margin functions of every kind, from a seeded generator."""

from collections.abc import Sequence
from decimal import Decimal

import numpy as np

from harmonize.core.schedule import INFINITY, ZERO, MarginFunction, Piece, flat, marginal


def random_functions(rng: np.random.Generator, count: int) -> list[MarginFunction]:
    """Returns flat, marginal and curved functions of 1 to 12 tiers, some of them open-ended."""
    return [_random_function(rng) for _ in range(count)]


def _random_function(rng: np.random.Generator) -> MarginFunction:
    kind = rng.integers(0, 4)
    uppers, rates = _tiers(rng)
    if rng.random() < 0.3:
        uppers[-1] = INFINITY
    if kind == 0:
        return flat(uppers, rates)
    if kind in {1, 2}:
        return marginal(uppers, rates)
    return _curved(rng)


def _tiers(rng: np.random.Generator) -> tuple[list[Decimal], list[Decimal]]:
    size = int(rng.integers(1, 13))
    bounds = np.unique(np.round(10 ** rng.uniform(3, 9, size)))
    rates = np.sort(rng.choice(np.arange(1, 600), bounds.size, replace=False))
    return [Decimal(int(bound)) for bound in bounds], [Decimal(int(rate)) / 1000 for rate in rates]


def _curved(rng: np.random.Generator) -> MarginFunction:
    base = Decimal(int(rng.integers(4, 60))) / 1000
    slope = Decimal(1) / Decimal(10) ** int(rng.integers(8, 12))
    power = Decimal(str(rng.choice(["2", "1.5", "1.8"])))
    bound = Decimal(10) ** int(rng.integers(7, 9))
    return MarginFunction(
        (Piece(bound, ZERO, base, slope, power), Piece(INFINITY, ZERO, Decimal(1)))
    )


def uppers_of(functions: Sequence[MarginFunction]) -> list[float]:
    """Returns all finite bounds of some functions."""
    return [
        float(piece.upper)
        for function in functions
        for piece in function.pieces
        if piece.upper.is_finite()
    ]
