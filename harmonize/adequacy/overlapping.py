"""Measures of overlapping moves, which share rows and are therefore not independent."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from math import inf

import numpy as np
from numpy.typing import NDArray

from harmonize.adequacy.tail import (
    CONFIDENCE,
    Floats,
    TailEstimate,
    checked_losses,
    rank_interval,
    value_at_risk,
)
from harmonize.core.schedule import Unknown
from harmonize.numerics.bootstrap import BootstrapTerms, percentile_interval


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
    lower, upper = percentile_interval(
        sample, lambda rows: np.quantile(rows, level, axis=1), terms, confidence
    )
    if rank_interval(sample.size // horizon, level, confidence) is None:
        upper = inf
    lower, upper = min(lower, estimate.value), max(upper, estimate.value)
    return TailEstimate(level, estimate.value, sample.size, lower, upper, confidence)


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
