"""Hypothesis strategies: tiers and margin functions of every shape that a venue could publish."""

from collections.abc import Sequence
from decimal import Decimal
from typing import TypeAlias

import numpy as np
from hypothesis import strategies as st

from harmonize.core.schedule import INFINITY, ZERO, MarginFunction, Piece, flat, marginal

Tiers: TypeAlias = tuple[tuple[Decimal, ...], tuple[Decimal, ...]]
"""Upper bounds in USD, and a rate for each."""

LARGEST_TIERS = 12
POWERS = tuple(Decimal(power) for power in ("0.5", "0.8", "1.5", "1.8", "2", "3"))

whole_usd = st.integers(1, 10**9).map(Decimal)
cents = st.integers(1, 10**11).map(lambda count: Decimal(count) / 100)
converted = st.integers(1, 10**20).map(lambda count: Decimal(count).scaleb(-11))
"""As contracts times a price give them: more digits than a float holds."""

rate = st.integers(1, 10_000).map(lambda count: Decimal(count) / 10_000)
"""From 0.01 % to 100 %."""


@st.composite
def rising_bounds(
    draw: st.DrawFn,
    smallest: int = 1,
    largest: int = LARGEST_TIERS,
    *,
    last: st.SearchStrategy[bool] | None = None,
) -> tuple[Decimal, ...]:
    """Bounds that rise from above 0; ``last`` draws whether the last is open."""
    unit = draw(st.sampled_from((whole_usd, cents, converted)))
    bounds = draw(st.lists(unit, min_size=smallest, max_size=largest, unique=True).map(sorted))
    if draw(st.booleans() if last is None else last):
        bounds[-1] = INFINITY
    return tuple(bounds)


@st.composite
def tiers(
    draw: st.DrawFn,
    smallest: int = 1,
    *,
    last: st.SearchStrategy[bool] | None = None,
) -> Tiers:
    """Bounds with a rate each; rates mostly rise, as published, but may do anything."""
    uppers = draw(rising_bounds(smallest, last=last))
    rates = draw(st.lists(rate, min_size=len(uppers), max_size=len(uppers)))
    if draw(st.integers(0, 3)):
        rates.sort()
    return uppers, tuple(rates)


closed_tiers = tiers(last=st.just(False))  # noqa: FBT003 - the strategy's only value
open_tiers = tiers(2, last=st.just(True))  # noqa: FBT003 - the strategy's only value


@st.composite
def bent_functions(draw: st.DrawFn) -> MarginFunction:
    """Tiers of which one or more add ``coefficient * N ** power``."""
    uppers, rates = draw(tiers())
    pieces = [
        Piece(upper, ZERO, one, draw(st.sampled_from((ZERO, Decimal("1E-9")))), draw(powers))
        for upper, one in zip(uppers, rates, strict=True)
    ]
    pieces[0] = Piece(uppers[0], ZERO, rates[0], Decimal("1E-9"), draw(powers))
    return MarginFunction(tuple(pieces))


powers = st.sampled_from(POWERS)
flat_functions = tiers().map(lambda pair: flat(*pair))
marginal_functions = tiers().map(lambda pair: marginal(*pair))
margin_functions = st.one_of(flat_functions, marginal_functions, bent_functions())


@st.composite
def notionals(draw: st.DrawFn, function: MarginFunction) -> float:
    """On a bound, one ulp beside it, or anywhere from a fraction of a cent to beyond the last."""
    bounds = [float(piece.upper) for piece in function.pieces if piece.upper.is_finite()]
    anywhere = st.floats(1e-6, 2e9)
    return draw(st.sampled_from(beside(bounds)) | anywhere if bounds else anywhere)


def beside(bounds: Sequence[float]) -> list[float]:
    """Each bound, with the floats just below and just above it."""
    return [
        float(one)
        for bound in bounds
        for one in (np.nextafter(bound, 0.0), bound, np.nextafter(bound, np.inf))
        if one > 0.0
    ]
