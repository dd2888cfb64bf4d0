"""The move at one level over each horizon, from 15 minutes to five days, long and short apart."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from math import sqrt

import numpy as np

from harmonize.adequacy.overlapping import overlapping_value_at_risk
from harmonize.adequacy.tail import Floats, TailEstimate, least_observations
from harmonize.core.schedule import Unknown
from harmonize.market.prices import PriceSeries, SeriesId, interval_text
from harmonize.market.returns import Returns, simple_returns

_DAY = 86_400

HORIZONS = (900, 3_600, 14_400, 86_400, 172_800, 432_000)
"""Horizons in seconds: 15 minutes, 1 and 4 hours, 1, 2 and 5 days."""


class Side(StrEnum):
    """Side of a position."""

    LONG = "long"
    SHORT = "short"


@dataclass(frozen=True, slots=True)
class HorizonMove:
    """Move over ``horizon`` seconds that is exceeded with the probability 1 − level, on one side.

    ``series`` is None if no series has candles of the horizon or of a part of it.
    """

    horizon: int
    side: Side
    estimate: TailEstimate | Unknown
    series: SeriesId | None = None


@dataclass(frozen=True, slots=True)
class GrowthExponent:
    """Exponent b of moves that grow with time as ``move = a * time ** b``, on one side.

    It is the slope of a straight line through the logarithms of moves and horizons, from ``shortest``
    to ``longest`` in seconds. Independent returns give one half.
    """

    side: Side
    value: float
    shortest: int
    longest: int
    series: SeriesId


def moves_by_horizon(
    series: Sequence[PriceSeries], level: float, horizons: Sequence[int] = HORIZONS
) -> tuple[HorizonMove, ...]:
    """Returns the move over each horizon on both sides, from the series of one contract.

    Each horizon uses the longest candles of which it is a multiple, since shorter ones add moves that
    overlap. Nothing is scaled. Raises ValueError: series of several contracts.
    """
    check_contract(series)
    return tuple(move for horizon in horizons for move in _moves(series, level, horizon))


def check_contract(series: Sequence[PriceSeries]) -> None:
    """Raises ValueError: series of several contracts."""
    contracts = {(s.id.venue, s.id.kind, s.id.symbol) for s in series}
    if len(contracts) > 1:
        message = f"series of {len(contracts)} contracts, such as {series[0].id}; pass those of one"
        raise ValueError(message)


def _moves(series: Sequence[PriceSeries], level: float, horizon: int) -> Sequence[HorizonMove]:
    usable = [s for s in series if horizon % s.id.interval == 0]
    if not usable:
        reason = Unknown(f"no candles of {interval_text(horizon)} or a part of it")
        return [HorizonMove(horizon, side, reason) for side in Side]
    best = max(usable, key=lambda s: s.id.interval)
    count = horizon // best.id.interval
    losses = losses_by_side(simple_returns(best, count))
    return [
        HorizonMove(horizon, side, overlapping_value_at_risk(losses[side], level, count), best.id)
        for side in Side
    ]


def losses_by_side(returns: Returns) -> dict[Side, Floats]:
    """Returns the losses of a long and of a short position."""
    return {Side.LONG: returns.long_losses, Side.SHORT: returns.short_losses}


def growth_exponents(series: PriceSeries, level: float) -> tuple[GrowthExponent, ...]:
    """Returns how the move of each side grows with time, from the candles of one series alone.

    There is one exponent over all horizons, one up to a day and one from a day on, where at least two
    horizons have enough moves. Moves of several series are not mixed, because their years differ.
    """
    moves: dict[Side, dict[int, float]] = {side: {} for side in Side}
    for horizon in HORIZONS:
        if horizon % series.id.interval:
            continue
        losses = losses_by_side(simple_returns(series, horizon // series.id.interval))
        for side in Side:
            if losses[side].size >= least_observations(level):
                moves[side][horizon] = float(np.quantile(losses[side], level))
    exponents = (
        _exponent(series.id, side, moves[side], (lower, upper))
        for side in Side
        for lower, upper in ((0, HORIZONS[-1]), (0, _DAY), (_DAY, HORIZONS[-1]))
    )
    return tuple(dict.fromkeys(exponent for exponent in exponents if exponent is not None))


def _exponent(
    series: SeriesId, side: Side, moves: dict[int, float], bounds: tuple[int, int]
) -> GrowthExponent | None:
    used = [h for h, move in moves.items() if bounds[0] <= h <= bounds[1] and move > 0]
    if len(used) < 2:  # noqa: PLR2004 - a line needs two points
        return None
    slope = np.polyfit(np.log(used), np.log([moves[h] for h in used]), 1)[0]
    return GrowthExponent(side, float(slope), used[0], used[-1], series)


def square_root_of_time(move: float, horizon: float, other: float) -> float:
    """Returns the move that another horizon would have if independent returns were added.

    It is a comparison, to be labelled as such: measured moves follow other exponents.
    """
    return move * sqrt(other / horizon)
