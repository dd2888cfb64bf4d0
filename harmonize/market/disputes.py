"""Moves into and out of a disputed close: a second source speaks, otherwise they are omitted.

A close is disputed if another source contradicts it. Neither of the two moves that touch it can be
taken from its own series. The moves of another series of the same asset over the same days stand
there; a move that no other series has is omitted and named.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from harmonize.market.prices import PriceSeries, SeriesId, Times
from harmonize.market.returns import Returns, simple_returns


@dataclass(frozen=True, slots=True)
class StandIn:
    """Series whose move stands for one that touches a disputed close; ``time`` opens its last candle."""

    time: int
    id: SeriesId


@dataclass(frozen=True, slots=True, eq=False)
class SettledReturns:
    """Returns without a disputed close, with the moves of other series and those omitted among them.

    ``omitted`` are the openings of the last candles of omitted moves, in microseconds since 1970.
    """

    returns: Returns
    stand_ins: tuple[StandIn, ...] = ()
    omitted: tuple[int, ...] = ()


def settled_returns(
    series: PriceSeries, others: Sequence[PriceSeries], horizon: int = 1
) -> SettledReturns:
    """Returns the returns over ``horizon`` candles, where others stand for those of disputed closes.

    ``others`` are series of the same asset in the same currency; those of another interval do not
    speak. A series of the same kind precedes, then the one with the most candles until then. Raises
    ValueError: a horizon below one candle.
    """
    own = simple_returns(series, horizon)
    if series.disputed is None or not series.disputed.any():
        return SettledReturns(own)
    ends = np.searchsorted(series.times, own.times)
    is_touched = series.disputed[ends] | series.disputed[ends - horizon]
    values, is_known = own.values.copy(), ~is_touched
    stand_ins: list[StandIn] = []
    for row in np.flatnonzero(is_touched).tolist():
        time = int(own.times[row])
        found = _stand_in(series, others, time, horizon)
        if found is None:
            continue
        stand_ins.append(StandIn(time, found[0].id))
        values[row], is_known[row] = found[1], True
    omitted = tuple(own.times[~is_known].tolist())
    settled = Returns(own.series, horizon, own.times[is_known], values[is_known])
    return SettledReturns(settled, tuple(stand_ins), omitted)


def _stand_in(
    series: PriceSeries, others: Sequence[PriceSeries], time: int, horizon: int
) -> tuple[PriceSeries, float] | None:
    """Returns the first of the others with a move that ends with a candle, and the move."""
    ranked = sorted(
        (
            other
            for other in others
            if other.id != series.id and other.id.interval == series.id.interval
        ),
        key=lambda other: (
            other.id.kind is not series.id.kind,
            -int(np.searchsorted(other.times, time)),
            str(other.id),
        ),
    )
    for other in ranked:
        undisputed = other.undisputed()
        end = _candle(undisputed.times, time)
        if end is None or end < horizon:
            continue
        start = end - horizon
        if undisputed.times[end] - undisputed.times[start] == horizon * undisputed.step:
            return other, float(undisputed.close[end] / undisputed.close[start] - 1)
    return None


def _candle(times: Times, time: int) -> int | None:
    """Returns the number of the candle that opens at a time; None: there is none."""
    place = int(np.searchsorted(times, time))
    return place if place < times.size and times[place] == time else None
