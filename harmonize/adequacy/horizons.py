"""The move at one level over each horizon, from 15 minutes to five days, long and short apart."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from math import sqrt

from harmonize.adequacy.overlapping import overlapping_value_at_risk
from harmonize.adequacy.tail import TailEstimate
from harmonize.core.schedule import Unknown
from harmonize.market.prices import PriceSeries, SeriesId, interval_text
from harmonize.market.returns import simple_returns

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


def moves_by_horizon(
    series: Sequence[PriceSeries], level: float, horizons: Sequence[int] = HORIZONS
) -> tuple[HorizonMove, ...]:
    """Returns the move over each horizon on both sides, from the series of one contract.

    Each horizon uses the longest candles of which it is a multiple, since shorter ones add moves that
    overlap. Nothing is scaled. Raises ValueError: series of several contracts.
    """
    contracts = {(s.id.venue, s.id.kind, s.id.symbol) for s in series}
    if len(contracts) > 1:
        message = f"series of {len(contracts)} contracts, such as {series[0].id}; pass those of one"
        raise ValueError(message)
    return tuple(move for horizon in horizons for move in _moves(series, level, horizon))


def _moves(series: Sequence[PriceSeries], level: float, horizon: int) -> Sequence[HorizonMove]:
    usable = [s for s in series if horizon % s.id.interval == 0]
    if not usable:
        reason = Unknown(f"no candles of {interval_text(horizon)} or a part of it")
        return [HorizonMove(horizon, side, reason) for side in Side]
    best = max(usable, key=lambda s: s.id.interval)
    count = horizon // best.id.interval
    returns = simple_returns(best, count)
    losses = {Side.LONG: returns.long_losses, Side.SHORT: returns.short_losses}
    return [
        HorizonMove(horizon, side, overlapping_value_at_risk(losses[side], level, count), best.id)
        for side in Side
    ]


def square_root_of_time(move: float, horizon: float, other: float) -> float:
    """Returns the move that another horizon would have if independent returns were added.

    It is a comparison, to be labelled as such: measured moves follow other exponents.
    """
    return move * sqrt(other / horizon)
