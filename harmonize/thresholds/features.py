"""Features of a day that predict the losses of the next one, and the pooled table of all assets.

Features of row ``i`` are known before day ``days[i]``. A feature that is not observed is NaN, and its
row is used by no regression.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from math import log

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from harmonize.adequacy.tail import Floats
from harmonize.core.schedule import Unknown
from harmonize.thresholds.ewma import ewma_filter
from harmonize.thresholds.history import LEAST_RETURNS, DailyHistory, Days

FEATURES = (
    "constant",
    "EWMA 0.97 to EWMA 0.94",
    "EWMA 0.94 to the volatility of a year",
    "range of ten days to EWMA 0.94",
    "turnover of five days to that of 30",
    "EWMA 0.94 of BTC to its volatility of a year",
)
"""Columns of a table of features. Each but the first is the logarithm of a ratio."""

RANGE_DAYS = 10
SHORT_VOLUME_DAYS = 5
VOLUME_DAYS = 30

_FAST, _SLOW = 0.94, 0.97


@dataclass(frozen=True, slots=True, eq=False)
class MarketInputs:
    """Returns of an asset with highs, lows and USD turnover of the same days; NaN: not observed."""

    history: DailyHistory
    high: Floats
    low: Floats
    turnover: Floats

    def __post_init__(self) -> None:
        """Freezes the arrays. Raises ValueError: columns of other lengths."""
        for name in ("high", "low", "turnover"):
            column = getattr(self, name)
            if column.shape != self.history.returns.shape:
                message = f"{self.history.asset}: {name}: expected {self.history.size} rows, found {column.shape}; align the columns"
                raise ValueError(message)
            column.setflags(write=False)


@dataclass(frozen=True, slots=True, eq=False)
class PooledRows:
    """Rows of all assets below one another, with the rows of each asset at ``parts``.

    ``features`` has a column per name in ``FEATURES``. ``target`` is the return of the row divided by
    ``volatility``; NaN on the day after the last return.
    """

    histories: tuple[DailyHistory, ...]
    parts: tuple[slice, ...]
    days: Days
    features: Floats
    volatility: Floats
    target: Floats

    @property
    def complete(self) -> np.ndarray:
        """Rows in which every feature is observed, from the first row of a threshold on."""
        return np.asarray(np.isfinite(self.features).all(axis=1) & np.isfinite(self.volatility))


def pooled_rows(assets: Sequence[MarketInputs], leader: str = "BTC") -> PooledRows | Unknown:
    """Returns the rows of the assets with enough returns.

    ``leader`` is the asset whose volatility is a feature of all. Unknown: the leader is not among the
    assets, or has too few returns.
    """
    usable = [asset for asset in assets if isinstance(_volatility(asset.history), np.ndarray)]
    leaders = [asset.history for asset in usable if asset.history.asset == leader]
    if not leaders:
        return Unknown(f"{leader}, whose volatility is a feature, has too few returns")
    leading = leaders[0], _to_year(leaders[0])
    tables = [_features(asset, leading) for asset in usable]
    ends = np.cumsum([0, *(table.shape[0] for table in tables)]).tolist()
    volatility = [_known_volatility(asset.history) for asset in usable]
    target = [
        np.append(asset.history.returns / own[:-1], np.nan)
        for asset, own in zip(usable, volatility, strict=True)
    ]
    return PooledRows(
        tuple(asset.history for asset in usable),
        tuple(slice(first, stop) for first, stop in pairwise(ends)),
        np.concatenate([asset.history.threshold_days for asset in usable]),
        np.concatenate(tables),
        np.concatenate(volatility),
        np.concatenate(target),
    )


def _features(asset: MarketInputs, leading: tuple[DailyHistory, Floats]) -> Floats:
    history = asset.history
    fast, slow = (_known_volatility(history, decay) for decay in (_FAST, _SLOW))
    leader, leader_ratio = leading
    ratio = np.full(history.size + 1, np.nan)
    _, own, others = np.intersect1d(
        history.threshold_days, leader.threshold_days, assume_unique=True, return_indices=True
    )
    ratio[own] = leader_ratio[others]
    with np.errstate(divide="ignore", invalid="ignore"):
        columns = [
            np.ones(history.size + 1),
            np.log(slow / fast),
            _to_year(history),
            np.log(range_volatility(asset.high, asset.low) / fast),
            np.log(_volume_ratio(asset.turnover)),
            ratio,
        ]
    table = np.stack(columns, axis=1)
    table[~np.isfinite(table)] = np.nan
    return table


def range_volatility(high: Floats, low: Floats) -> Floats:
    """Returns per row the volatility by the ranges of the ten rows before it (Parkinson 1980)."""
    squares = np.log(high / low) ** 2 / (4 * log(2))
    return np.sqrt(_trailing(squares, RANGE_DAYS, np.mean))


def _volume_ratio(turnover: Floats) -> Floats:
    recent = _trailing(turnover, SHORT_VOLUME_DAYS, np.mean)
    return recent / _trailing(turnover, VOLUME_DAYS, np.median)


def _trailing(values: Floats, count: int, measure: Callable[..., Floats]) -> Floats:
    """Returns per row the measure of the rows before it, and of those before the next day."""
    result = np.full(values.size + 1, np.nan)
    if values.size >= count:
        result[count:] = measure(sliding_window_view(values, count), axis=1)
    return result


def _to_year(history: DailyHistory) -> Floats:
    """Returns the logarithm of the fast volatility to the root mean square of the year before."""
    year = np.sqrt(_trailing(history.returns**2, LEAST_RETURNS, np.mean))
    with np.errstate(divide="ignore"):
        return np.asarray(np.log(_known_volatility(history) / year))


def _volatility(history: DailyHistory, decay: float = _FAST) -> Floats | Unknown:
    filtered = history.shortage() or ewma_filter(history.returns, decay)
    return filtered if isinstance(filtered, Unknown) else filtered.volatility


def _known_volatility(history: DailyHistory, decay: float = _FAST) -> Floats:
    """Returns the volatility before each row; NaN where no threshold is stated."""
    volatility = _volatility(history, decay)
    known = np.full(history.size + 1, np.nan)
    if not isinstance(volatility, Unknown):
        known[LEAST_RETURNS:] = volatility[LEAST_RETURNS:]
    return known
