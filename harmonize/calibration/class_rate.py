"""v1 of a class: the highest leverage whose rate is above its members' moves and covers them."""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

import numpy as np

from harmonize.adequacy.horizons import Side
from harmonize.adequacy.tail import Floats

LEVERAGE_STEPS = (10, 8, 5, 4, 3, 2)
"""Leverages that a class can have, highest first."""

QUANTILE = 0.75
"""Quantile of the members' v1, of type 7, that the rate of a class reaches at least."""

COVERED_PERCENT = 99
"""Least share of one-day moves that the rate covers, on each side and for every member, in percent."""

WINDOW = 1_095
"""Last one-day moves of a member that are tested."""

_PLACES = Decimal("1e-6")


@dataclass(frozen=True, slots=True)
class Member:
    """Measured asset of a class: its v1, and its one-day returns in order of time."""

    asset: str
    v1: Decimal
    returns: Floats


@dataclass(frozen=True, slots=True)
class SideCoverage:
    """One-day moves of a member that a rate covered, on one side."""

    asset: str
    side: Side
    observations: int
    breaches: int

    @property
    def achieved(self) -> float:
        """Share of moves within the rate."""
        return 1 - self.breaches / self.observations

    @property
    def is_covered(self) -> bool:
        """Whether at least 99 % of the moves are within the rate, in whole numbers."""
        return 100 * self.breaches <= (100 - COVERED_PERCENT) * self.observations


@dataclass(frozen=True, slots=True)
class ClassRate:
    """v1 of a class from its measured members.

    ``rate`` is None if no step suffices. ``percentile`` is that of the members' v1. ``coverages`` are
    those at the rate, or at the last step; ``rejected`` are the steps above the percentile that a member
    does not allow.
    """

    rate: Decimal | None
    percentile: Decimal
    coverages: tuple[SideCoverage, ...]
    rejected: tuple[tuple[Decimal, SideCoverage], ...] = ()


def step_rate(leverage: int) -> Decimal:
    """Returns the margin rate of a leverage, to six places: 0.333333 for 3."""
    return (1 / Decimal(leverage)).quantize(_PLACES).normalize()


def class_rate(members: Sequence[Member]) -> ClassRate:
    """Returns v1 of a class. Raises ValueError: no measured members."""
    if not members:
        message = "members: expected at least one measured member; keep the rate of the class"
        raise ValueError(message)
    percentile = quantile_of([member.v1 for member in members])
    rejected: list[tuple[Decimal, SideCoverage]] = []
    for rate in map(step_rate, LEVERAGE_STEPS):
        coverages = coverage_of(members, rate)
        if rate < percentile:
            continue
        failing = [coverage for coverage in coverages if not coverage.is_covered]
        if not failing:
            return ClassRate(rate, percentile, coverages, tuple(rejected))
        rejected.append((rate, min(failing, key=lambda coverage: coverage.achieved)))
    return ClassRate(None, percentile, coverages, tuple(rejected))


def quantile_of(values: Sequence[Decimal]) -> Decimal:
    """Returns the 75th percentile of type 7, exactly."""
    ordered = sorted(values)
    position = (len(ordered) - 1) * Decimal(str(QUANTILE))
    below = int(position)
    above = min(below + 1, len(ordered) - 1)
    return ordered[below] + (position - below) * (ordered[above] - ordered[below])


def coverage_of(
    members: Sequence[Member], rate: Decimal, window: int | None = WINDOW
) -> tuple[SideCoverage, ...]:
    """Returns the coverage by a rate per member and side, of the last moves; None: of all."""
    return tuple(
        SideCoverage(member.asset, side, losses.size, int(np.count_nonzero(losses > float(rate))))
        for member in members
        for side, losses in _losses(member.returns if window is None else member.returns[-window:])
    )


def _losses(returns: Floats) -> tuple[tuple[Side, Floats], ...]:
    return ((Side.LONG, -returns), (Side.SHORT, returns))
