"""Thresholds of a position by its size: close-out over days of volume, and the cost of a book.

Volume: a position is closed evenly over T = N / (participation · ADV) days, so that its variance
grows by T / 3 (rule set ``harmonized-baseline``). Depth: closing at once costs half the distance
which the position moves a book whose depth is even.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from math import inf

import numpy as np
from numpy.typing import NDArray

from harmonize.adequacy.close_out import PARTICIPATION
from harmonize.adequacy.factors import VOLUME_DAYS, Depth
from harmonize.adequacy.tail import Floats
from harmonize.core.schedule import Unknown
from harmonize.market.prices import SeriesId
from harmonize.text.messages import dollars
from harmonize.thresholds.history import Days
from harmonize.thresholds.path import SidePath, ThresholdPath, fallbacks_of

_BASIS_POINTS = 1e4

NO_VOLUME = f"no perpetual with turnover on each of the {VOLUME_DAYS} days before"
"""Why a threshold by day has no size."""


@dataclass(frozen=True, slots=True, eq=False)
class Turnover:
    """Turnover of a perpetual in USD per day since 1970, in order of time; NaN: not observed."""

    id: SeriesId
    days: Days
    values: Floats


@dataclass(frozen=True, slots=True, eq=False)
class KnownVolume:
    """Average daily volume in USD that was known before each day, and the place of its perpetual.

    NaN and −1 where no perpetual has one.
    """

    values: Floats
    sources: NDArray[np.int64]


def known_volume(days: Days, turnovers: Sequence[Turnover]) -> KnownVolume:
    """Returns per day the largest volume of a perpetual, by the 30 days before that day.

    A perpetual of which one of these days is not observed does not count on that day. Of equal ones,
    the first counts. Raises ValueError: see ``trailing_volume``.
    """
    if not turnovers:
        return KnownVolume(np.full(days.size, np.nan), np.full(days.size, -1))
    volumes = np.stack([_volume_before(days, own) for own in turnovers])
    has_volume = np.isfinite(volumes).any(axis=0)
    sources = np.argmax(np.where(np.isnan(volumes), -1.0, volumes), axis=0)
    values = volumes[sources, np.arange(days.size)]
    return KnownVolume(values, np.where(has_volume, sources, -1))


def _volume_before(days: Days, own: Turnover) -> Floats:
    volume = np.full(days.size, np.nan)
    if not own.days.size:
        return volume
    first = int(own.days[0])
    by_day = np.full(int(own.days[-1]) - first + 1, np.nan)
    by_day[own.days - first] = own.values
    trailing = trailing_volume(by_day)
    places = days - first
    is_inside = (places >= 0) & (places < trailing.size)
    volume[is_inside] = trailing[places[is_inside]]
    return volume


def trailing_volume(turnover: Floats) -> Floats:
    """Returns per row the median USD turnover of the 30 rows before it, and one for the next day.

    NaN if one of them is not observed, or there are fewer. Raises ValueError: a negative turnover.
    """
    negative = np.flatnonzero(turnover < 0)
    if negative.size:
        row = int(negative[0])
        message = (
            f"turnover: row {row}: expected at least 0, found {turnover[row]:g}; correct the row"
        )
        raise ValueError(message)
    volume = np.full(turnover.size + 1, np.nan)
    if turnover.size >= VOLUME_DAYS:
        windows = np.lib.stride_tricks.sliding_window_view(turnover, VOLUME_DAYS)
        volume[VOLUME_DAYS:] = np.median(windows, axis=1)
    return volume


def size_factor(notional: float, volume: Floats, participation: float = PARTICIPATION) -> Floats:
    """Returns the factor √(1 + T/3) of a threshold for a position in USD, per row of volume.

    NaN where the volume is. A volume of 0 closes nothing: the factor is infinite. Raises ValueError:
    see ``checked_size``, or a participation that is not a share.
    """
    if not 0 < participation <= 1:
        message = f"participation: expected above 0 and at most 1, found {participation:g}; use 0.05 for 5 %"
        raise ValueError(message)
    with np.errstate(divide="ignore"):
        days = checked_size(notional) / (participation * volume)
    return np.asarray(np.sqrt(1 + days / 3))


def volume_scaled(path: ThresholdPath, notional: float, volume: Floats) -> ThresholdPath:
    """Returns a path for a position of a size, by the volume known before each row.

    A threshold is at most 1, the whole value of the position. Rows without volume are NaN, which the
    fallbacks state. Raises ValueError: see ``size_factor``, or not as many rows.
    """
    if volume.shape != path.days.shape:
        message = f"{path.asset}: volume: expected {path.days.size} rows, found {volume.shape}; align them"
        raise ValueError(message)
    factor = size_factor(notional, volume)
    missing = np.flatnonzero(np.isnan(factor) & np.isfinite(path.margin))
    return replace(
        path,
        long=_multiplied(path.long, factor),
        short=_multiplied(path.short, factor),
        fallbacks=(*path.fallbacks, *fallbacks_of(path.days, missing.tolist(), NO_VOLUME)),
    )


def depth_cost(notional: float, depth: Depth) -> tuple[float, float] | Unknown:
    """Returns the cost of closing a long and a short position at once, as fractions of notional.

    A long position sells to the bids. Unknown: the position is larger than the depth of a side, beyond
    which nothing is extrapolated. Raises ValueError: see ``checked_size``.
    """
    distance = depth.basis_points / _BASIS_POINTS
    for side, available in (("bids", depth.bids), ("asks", depth.asks)):
        if checked_size(notional) > available:
            return Unknown(
                f"the {side} of {depth.venue} {depth.symbol} hold {dollars(available)} within "
                f"{depth.basis_points:g} bp, the position is {dollars(notional)}"
            )
    long, short = (distance * notional / available / 2 for available in (depth.bids, depth.asks))
    return long, short


def with_depth_cost(path: ThresholdPath, notional: float, depth: Depth) -> ThresholdPath | Unknown:
    """Returns the last threshold of a path, with the cost of closing at once added.

    Earlier rows are NaN, because a book of today says nothing of them. Unknown: see ``depth_cost``.
    """
    cost = depth_cost(notional, depth)
    if isinstance(cost, Unknown):
        return cost
    is_last = np.arange(path.days.size) == path.days.size - 1
    return replace(
        path,
        long=_added(path.long, cost[0], is_last),
        short=_added(path.short, cost[1], is_last),
    )


def checked_size(notional: float) -> float:
    """Returns a size in USD. Raises ValueError: not above 0, or not finite."""
    if not 0 < notional < inf:
        message = f"notional: expected an amount in USD above 0, found {notional:g}"
        raise ValueError(message)
    return notional


def _multiplied(side: SidePath, factor: Floats) -> SidePath:
    return SidePath(_product(side.var, factor), _product(side.es, factor))


def _product(threshold: Floats, factor: Floats) -> Floats:
    """Returns a threshold times a factor, at most 1; an infinite factor gives 1, also for 0."""
    is_unbounded = np.isinf(factor) & np.isfinite(threshold)
    with np.errstate(invalid="ignore"):
        product = np.minimum(threshold * factor, 1.0)
    return np.asarray(np.where(is_unbounded, 1.0, product))


def _added(side: SidePath, cost: float, rows: NDArray[np.bool_]) -> SidePath:
    var, es = (np.where(rows, column + cost, np.nan) for column in (side.var, side.es))
    return SidePath(np.minimum(var, 1.0), np.minimum(es, 1.0))
