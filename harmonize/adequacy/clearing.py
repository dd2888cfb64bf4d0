"""Would a margin do as clearing margin: moves over 1, 2 and 5 days against IM, with tests.

Moves over several days overlap. They are counted together, and tested by phase: every h-th move, from
each of the first h on.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import numpy as np
from numpy.typing import NDArray

from harmonize.adequacy.backtests import (
    LikelihoodRatio,
    Zone,
    independence,
    joint_test,
    traffic_light,
    unconditional_coverage,
)
from harmonize.adequacy.coverage import Coverage, Moves, checked_rate, coverage, too_few
from harmonize.adequacy.horizons import HorizonMove
from harmonize.adequacy.overlapping import PhaseTests, split_phases
from harmonize.adequacy.shortfall_test import (
    DEGREES,
    ShortfallTest,
    exact_tail,
    judged_statistic,
)
from harmonize.adequacy.tail import Floats, TailEstimate, least_observations, tail_size
from harmonize.core.schedule import Unknown

_ZONES = tuple(Zone)


@dataclass(frozen=True, slots=True)
class PhaseResults:
    """Tests of the breaches of each phase; each has a p-value per phase.

    ``number`` is Kupiec's test, ``order`` Christoffersen's of independence, ``joint`` that of
    conditional coverage. ``shortfall`` is the second test of Acerbi and Székely, ``zone`` the worst
    traffic light. ``breaches`` are those of each phase. ``after_breach`` and ``after_calm`` are the
    shares of breaches among the moves that follow a breach, or none, in the phase with the smallest
    p-value of ``order``; None without such moves.
    """

    breaches: tuple[int, ...]
    number: PhaseTests
    order: PhaseTests
    joint: PhaseTests
    shortfall: PhaseTests
    zone: Zone
    after_breach: float | None = None
    after_calm: float | None = None


@dataclass(frozen=True, slots=True)
class MarginingGap:
    """Open interest times the difference of the measured move and the margin, in USD.

    One of the two is 0. They are not netted over contracts or sides. ``observed_at`` is the time of the
    open interest.
    """

    under: float
    over: float
    observed_at: datetime


@dataclass(frozen=True, slots=True)
class ClearingHorizon:
    """Coverage by IM over one horizon and side, its tests, and the measured move beside it.

    ``gap`` is unknown without open interest or without a measured move.
    """

    days: int
    coverage: Coverage | Unknown
    tests: PhaseResults | Unknown
    move: TailEstimate | Unknown
    gap: MarginingGap | Unknown


@dataclass(frozen=True, slots=True)
class DatedInterest:
    """Open interest of a contract in USD, and when it was observed."""

    value: float
    observed_at: datetime


def clearing(
    moves: Sequence[Moves],
    measured: Sequence[HorizonMove],
    initial: float | Unknown,
    level: float,
    open_interest: DatedInterest | Unknown,
) -> tuple[ClearingHorizon, ...] | Unknown:
    """Returns the coverage by IM over each horizon of daily moves of one side.

    ``measured`` are the moves of the same side at the level, ``open_interest`` that of the contract in
    USD. Unknown: no daily candles, or IM is unknown. Raises ValueError: see ``checked_rate``.
    """
    if isinstance(initial, Unknown):
        return initial
    if not moves:
        return Unknown("no candles of a day or a part of it")
    by_horizon = {move.horizon: move.estimate for move in measured}
    return tuple(
        _horizon(
            part,
            checked_rate(initial),
            level,
            by_horizon.get(part.seconds, Unknown("the move was not measured")),
            open_interest,
        )
        for part in moves
    )


def margining_gap(
    rate: float, move: TailEstimate | Unknown, open_interest: DatedInterest | Unknown
) -> MarginingGap | Unknown:
    """Returns by how much a margin rate on all open interest differs from the measured move.

    Raises ValueError: an open interest below 0 USD.
    """
    if isinstance(open_interest, Unknown):
        return open_interest
    if not open_interest.value >= 0:
        message = (
            f"open interest: expected at least 0 USD, found {open_interest.value:g}; correct it"
        )
        raise ValueError(message)
    if isinstance(move, Unknown):
        return move
    difference = (move.value - rate) * open_interest.value
    return MarginingGap(max(difference, 0.0), max(-difference, 0.0), open_interest.observed_at)


def phase_results(moves: Moves, rate: float, level: float) -> PhaseResults | Unknown:
    """Returns the tests of each phase of moves against a margin rate.

    Unknown: a phase has fewer moves than one expected breach.
    """
    least, shortest = least_observations(level), moves.losses.size // moves.candles
    if shortest < least:
        reason = too_few(shortest, least).reason
        return Unknown(f"{reason} that do not overlap")
    breaches = moves.losses > rate
    phases = tuple(split_phases(breaches, moves.candles))
    losses = tuple(moves.losses[phase :: moves.candles] for phase in range(moves.candles))
    expected = 1 - level
    counts = tuple(int(np.count_nonzero(phase)) for phase in phases)
    lights = [
        traffic_light(count, phase.size, expected).zone
        for count, phase in zip(counts, phases, strict=True)
    ]
    number = [unconditional_coverage(phase, expected) for phase in phases]
    order = [independence(phase) for phase in phases]
    joint = [joint_test(*parts) for parts in zip(number, order, strict=True)]
    tests_of_order = _tests(order, shortest)
    clustered = phases[tests_of_order.p_values.index(min(tests_of_order.p_values))]
    return PhaseResults(
        breaches=counts,
        number=_tests(number, shortest),
        order=tests_of_order,
        joint=_tests(joint, shortest),
        shortfall=PhaseTests(
            tuple(
                _shortfall(part, phase, rate, level).p_value
                for part, phase in zip(losses, phases, strict=True)
            ),
            shortest,
        ),
        zone=max(lights, key=_ZONES.index),
        after_breach=_share(clustered[1:][clustered[:-1]]),
        after_calm=_share(clustered[1:][~clustered[:-1]]),
    )


def implied_shortfall(var: float, level: float) -> float:
    """Returns the ES of the Student losses, by which the test is judged, whose VaR is ``var``.

    A margin states no ES of its own.
    """
    standard_var, standard_es = exact_tail(level, DEGREES)
    return var * standard_es / standard_var


def _horizon(
    moves: Moves,
    initial: float,
    level: float,
    move: TailEstimate | Unknown,
    open_interest: DatedInterest | Unknown,
) -> ClearingHorizon:
    covered = coverage(moves, initial, least_observations(level))
    tests = covered if isinstance(covered, Unknown) else phase_results(moves, initial, level)
    gap = margining_gap(initial, move, open_interest)
    return ClearingHorizon(moves.candles, covered, tests, move, gap)


def _share(breaches: NDArray[np.bool_]) -> float | None:
    return float(np.mean(breaches)) if breaches.size else None


def _tests(results: Sequence[LikelihoodRatio | Unknown], shortest: int) -> PhaseTests:
    """Returns the p-values of tests of which none lacks observations."""
    known = [result for result in results if isinstance(result, LikelihoodRatio)]
    return PhaseTests(tuple(result.p_value for result in known), shortest)


def _shortfall(
    losses: Floats, breaches: NDArray[np.bool_], rate: float, level: float
) -> ShortfallTest:
    excess = float(np.sum(losses[breaches])) / implied_shortfall(rate, level)
    return judged_statistic(1 - excess / tail_size(losses.size, level), losses.size, level)
