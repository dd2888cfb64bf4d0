"""Daily returns, ranges and turnover of an underlying, and the series that state them.

Each day speaks the perpetual that had the most returns before that day, among those with a return on
it. The rule uses past data only, so that no later candle changes an earlier threshold. Spot prices
speak for an underlying without a perpetual. Where another source disputes a close of the series that
speaks, a second source states the moves into and out of that day (see ``market.disputes``).
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from harmonize.adequacy.factors import DAY
from harmonize.adequacy.tail import Floats
from harmonize.core.instrument import AT_PAR_WITH_USD
from harmonize.core.schedule import Unknown
from harmonize.market.aggregate import aggregate
from harmonize.market.disputes import settled_returns
from harmonize.market.prices import MICROSECONDS, PriceKind, PriceSeries, SeriesId
from harmonize.thresholds.features import MarketInputs
from harmonize.thresholds.history import DailyHistory, Days, unbroken_parts

OVERLAP = 30
"""Days before a change of series whose median ratio links the turnovers of both."""


@dataclass(frozen=True, slots=True)
class SeriesPart:
    """Days on which one series speaks, in days since 1970, and its returns among them."""

    id: SeriesId
    first_day: int
    last_day: int
    returns: int


@dataclass(frozen=True, slots=True)
class DisputedMove:
    """Day, since 1970, whose move touches a disputed close of ``id``; ``by`` states the move instead.

    ``by`` is None if no other series has the move: the day then has no return.
    """

    day: int
    id: SeriesId
    by: SeriesId | None

    def __str__(self) -> str:
        """Returns the day and the series that states its move."""
        day = np.datetime64(self.day, "D")
        if self.by is None:
            return f"without {day}, whose move touches a disputed close of {self.id}"
        return f"{day} by {self.by}, because a close of {self.id} is disputed"


@dataclass(frozen=True, slots=True, eq=False)
class AssetSeries:
    """Inputs of an underlying, and the series that speak for it, in order of time.

    ``disputed`` are the moves that touch a disputed close of a series that speaks.
    """

    inputs: MarketInputs
    parts: tuple[SeriesPart, ...]
    disputed: tuple[DisputedMove, ...] = ()

    @property
    def history(self) -> DailyHistory:
        """Daily returns."""
        return self.inputs.history


@dataclass(frozen=True, slots=True, eq=False)
class _Daily:
    """Rows of one daily series that have a return; NaN: not observed."""

    id: SeriesId
    days: Days
    columns: Floats
    disputed: tuple[DisputedMove, ...] = ()


_RETURN, _HIGH, _LOW, _TURNOVER = range(4)


def asset_series(
    series: Sequence[PriceSeries], asset: str, as_of: datetime, kind: PriceKind | None = None
) -> AssetSeries | Unknown:
    """Returns the inputs of an underlying from the candles that had closed by a time.

    Perpetuals precede spot, unless ``kind`` names one of them. Unknown: no two daily candles follow one
    another.
    """
    kinds = (PriceKind.PERP, PriceKind.SPOT) if kind is None else (kind,)
    contracts = {
        own: _contracts(series, asset, own, as_of) for own in (PriceKind.PERP, PriceKind.SPOT)
    }
    every = [part for parts in contracts.values() for part in parts]
    for own_kind in kinds:
        daily = [rows for part in contracts[own_kind] if (rows := _rows(part, every))]
        if daily:
            return _joined(asset, daily)
    names = " or ".join(kinds)
    return Unknown(f"no daily {names} prices of {asset} in USD by {as_of:%Y-%m-%d}")


def _contracts(
    series: Sequence[PriceSeries], asset: str, kind: PriceKind, as_of: datetime
) -> list[PriceSeries]:
    """Returns the daily candles of each contract, made of its shortest ones if none are daily."""
    by_contract: dict[tuple[str, str, str], list[PriceSeries]] = {}
    for part in series:
        is_at_par = part.id.quote in AT_PAR_WITH_USD or not part.id.quote
        is_its = part.id.underlying.asset == asset and part.id.kind is kind
        if is_at_par and is_its and DAY % part.id.interval == 0:
            key = (part.id.venue, part.id.symbol, part.id.quote)
            by_contract.setdefault(key, []).append(part)
    found = []
    for parts in by_contract.values():
        longest = max(parts, key=lambda part: part.id.interval)
        shortest = min(parts, key=lambda part: part.id.interval)
        daily = longest if longest.id.interval == DAY else aggregate(shortest, DAY)
        found.append(daily.known_at(as_of))
    return sorted(found, key=lambda part: str(part.id))


def _rows(series: PriceSeries, others: Sequence[PriceSeries]) -> _Daily | None:
    settled = settled_returns(series, others) if series.times.size else None
    if settled is None or not settled.returns.times.size:
        return None
    returns = settled.returns
    rows = np.searchsorted(series.times, returns.times)
    absent = np.full(series.times.size, np.nan)
    columns = [absent if c is None else c for c in (series.high, series.low, series.turnover)]
    table = np.stack([returns.values, *(column[rows] for column in columns)])
    if series.disputed is not None:
        # The extremes of a candle are no better known than its close.
        table[_HIGH : _LOW + 1, series.disputed[rows]] = np.nan
    disputed = [DisputedMove(_day(own.time), series.id, own.id) for own in settled.stand_ins]
    disputed += [DisputedMove(_day(time), series.id, None) for time in settled.omitted]
    days = np.asarray(returns.times // (DAY * MICROSECONDS), dtype=np.int64)
    return _Daily(series.id, days, table, tuple(disputed))


def _day(time: int) -> int:
    return time // (DAY * MICROSECONDS)


def _joined(asset: str, daily: Sequence[_Daily]) -> AssetSeries:
    days = np.unique(np.concatenate([own.days for own in daily]))
    speaks = _speakers(daily, days)
    columns = np.empty((4, days.size))
    for number, own in enumerate(daily):
        rows = np.flatnonzero(speaks == number)
        columns[:, rows] = own.columns[:, np.searchsorted(own.days, days[rows])]
    for row in np.flatnonzero(np.diff(speaks)) + 1:
        link = _link(daily[speaks[row - 1]], daily[speaks[row]], int(days[row]))
        if link is None:
            columns[_TURNOVER, max(0, row - OVERLAP) : row] = np.nan
        else:
            columns[_TURNOVER, :row] *= link
    history = unbroken_parts(DailyHistory(asset, days, columns[_RETURN].copy()))[-1]
    first = days.size - history.size
    inputs = MarketInputs(
        history, *(columns[row, first:].copy() for row in (_HIGH, _LOW, _TURNOVER))
    )
    parts = tuple(_parts(daily, speaks[first:], days[first:]))
    return AssetSeries(inputs, parts, tuple(_disputed(daily, speaks[first:], days[first:])))


def _disputed(daily: Sequence[_Daily], speaks: NDArray[np.int64], days: Days) -> list[DisputedMove]:
    """Returns the moves of another source, and the days that no series has, in order of time."""
    speaker = {day: daily[own].id for day, own in zip(days.tolist(), speaks.tolist(), strict=True)}
    return sorted(
        (
            move
            for own in daily
            for move in own.disputed
            if move.day >= days[0] and (move.by is None or speaker.get(move.day) == move.id)
        ),
        key=lambda move: (move.day, str(move.id)),
    )


def _speakers(daily: Sequence[_Daily], days: Days) -> NDArray[np.int64]:
    """Returns per day the number of the series that had the most returns before it."""
    counts = np.full((len(daily), days.size), -1)
    for number, own in enumerate(daily):
        counts[number, np.searchsorted(days, own.days)] = np.arange(own.days.size)
    return np.asarray(np.argmax(counts, axis=0))


def _link(before: _Daily, after: _Daily, day: int) -> float | None:
    """Returns the factor that links two turnovers, by their days in common before ``day``.

    A constant factor changes no ratio of two earlier turnovers. None without a day in common.
    """
    _, own, other = np.intersect1d(before.days, after.days, return_indices=True)
    is_recent = (before.days[own] < day) & (before.days[own] >= day - OVERLAP)
    old, new = (
        part.columns[_TURNOVER, rows[is_recent]] for part, rows in ((before, own), (after, other))
    )
    with np.errstate(divide="ignore", invalid="ignore"):
        ratio = new / old
    usable = ratio[np.isfinite(ratio) & (ratio > 0)]
    return float(np.median(usable)) if usable.size else None


def _parts(daily: Sequence[_Daily], speaks: NDArray[np.int64], days: Days) -> list[SeriesPart]:
    starts = [0, *(np.flatnonzero(np.diff(speaks)) + 1).tolist(), days.size]
    return [
        SeriesPart(daily[speaks[first]].id, int(days[first]), int(days[stop - 1]), stop - first)
        for first, stop in pairwise(starts)
    ]


def until_day(series: AssetSeries, day: int) -> AssetSeries | None:
    """Returns the series with the returns before a day alone; None: there is none."""
    history = series.history
    stop = int(np.searchsorted(history.days, day))
    if not stop:
        return None
    own = DailyHistory(history.asset, history.days[:stop].copy(), history.returns[:stop].copy())
    inputs = series.inputs
    columns = (column[:stop].copy() for column in (inputs.high, inputs.low, inputs.turnover))
    parts = (
        replace(p, last_day=min(p.last_day, day - 1)) for p in series.parts if p.first_day < day
    )
    disputed = tuple(move for move in series.disputed if move.day < day)
    return AssetSeries(MarketInputs(own, *columns), tuple(parts), disputed)
