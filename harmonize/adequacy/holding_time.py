"""Over what time does a margin hold: the horizon at which the 99 % move reaches it."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from math import inf, isfinite, log

from harmonize.adequacy.coverage import checked_rate
from harmonize.adequacy.horizons import HorizonMove, Side
from harmonize.adequacy.tail import TailEstimate
from harmonize.core.schedule import Unknown
from harmonize.market.prices import SeriesId

_DAY = 86_400


class TimeBound(StrEnum):
    """What a holding time says about the time over which the margin holds."""

    MEASURED = "measured"
    SHORTER = "shorter"  # than the shortest measured horizon
    LONGER = "longer"  # than the longest measured horizon


@dataclass(frozen=True, slots=True)
class Crossing:
    """Time in seconds at which moves first exceed a margin, or the horizon that bounds it."""

    bound: TimeBound
    seconds: float


@dataclass(frozen=True, slots=True)
class HoldingTime:
    """Time over which a margin rate covers the move at a level, on one side.

    ``shortest`` and ``longest`` follow from the interval of the moves. ``by_square_root`` is the time
    in seconds if moves grew with the square root of time from that over ``root_horizon`` seconds: a
    comparison. ``series`` names the series of the moves on both sides of the crossing, ``observations``
    is the smaller number of these moves.
    """

    side: Side
    margin_rate: float
    time: Crossing
    shortest: Crossing
    longest: Crossing
    by_square_root: float
    root_horizon: int
    series: tuple[SeriesId, ...]
    observations: int


def holding_time(moves: Sequence[HorizonMove], rate: float) -> HoldingTime | Unknown:
    """Returns the time over which a margin rate holds, from the moves of one side.

    Between horizons, the logarithm of the move is linear in the logarithm of time. The first crossing
    counts if moves do not rise throughout. Unknown: no horizon has a move above 0. Raises ValueError:
    moves of two sides, or see ``checked_rate``.
    """
    sides = {move.side for move in moves}
    if len(sides) > 1:
        message = "moves: expected one side, found two; select the moves of a side"
        raise ValueError(message)
    checked_rate(rate)
    measured = [(m, m.estimate) for m in moves if isinstance(m.estimate, TailEstimate)]
    usable = sorted(((m, e) for m, e in measured if e.value > 0), key=lambda pair: pair[0].horizon)
    if not usable:
        return Unknown(_reason(moves))
    horizons = [move.horizon for move, _ in usable]
    time = crossing(horizons, [e.value for _, e in usable], rate)
    root_move, root = _root_base(usable)
    near = _near(usable, time)
    return HoldingTime(
        side=usable[0][0].side,
        margin_rate=rate,
        time=time,
        shortest=crossing(horizons, [_upper(e) for _, e in usable], rate),
        longest=crossing(horizons, [_lower(e) for _, e in usable], rate),
        by_square_root=root_move.horizon * (rate / root) ** 2,
        root_horizon=root_move.horizon,
        series=tuple(dict.fromkeys(m.series for m, _ in near if m.series is not None)),
        observations=min(estimate.observations for _, estimate in near),
    )


def crossing(horizons: Sequence[int], moves: Sequence[float], rate: float) -> Crossing:
    """Returns the first time at which moves exceed a rate, by log-log interpolation.

    An infinite move exceeds every rate, at a time that is unknown: the horizon before it bounds the
    crossing from below and is returned. Horizons rise.
    """
    if moves[0] > rate:
        return Crossing(TimeBound.SHORTER, horizons[0])
    for index in range(1, len(horizons)):
        if moves[index] > rate:
            return Crossing(TimeBound.MEASURED, _between(horizons, moves, index, rate))
    return Crossing(TimeBound.LONGER, horizons[-1])


def _between(horizons: Sequence[int], moves: Sequence[float], index: int, rate: float) -> float:
    below, above = moves[index - 1], moves[index]
    if not isfinite(above) or below <= 0:
        return float(horizons[index - 1])
    share = log(rate / below) / log(above / below)
    start, end = horizons[index - 1], horizons[index]
    return float(start * (end / start) ** share)


def _root_base(usable: Sequence[tuple[HorizonMove, TailEstimate]]) -> tuple[HorizonMove, float]:
    """Returns the move from which the square root extrapolates: that of a day, else the nearest."""
    move, estimate = min(usable, key=lambda pair: abs(log(pair[0].horizon / _DAY)))
    return move, estimate.value


def _upper(estimate: TailEstimate) -> float:
    return inf if estimate.upper is None else estimate.upper


def _lower(estimate: TailEstimate) -> float:
    return estimate.value if estimate.lower is None else estimate.lower


def _near(
    usable: Sequence[tuple[HorizonMove, TailEstimate]], time: Crossing
) -> list[tuple[HorizonMove, TailEstimate]]:
    """Returns the moves on both sides of a crossing, or the one that bounds it."""
    below = [pair for pair in usable if pair[0].horizon <= time.seconds][-1:]
    above = [pair for pair in usable if pair[0].horizon > time.seconds][:1]
    return [*below, *above] if time.bound is TimeBound.MEASURED else below


def _reason(moves: Sequence[HorizonMove]) -> str:
    reasons = [move.estimate.reason for move in moves if isinstance(move.estimate, Unknown)]
    return reasons[-1] if reasons else "no horizon has a move above 0"
