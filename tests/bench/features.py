"""Whether correlation and open interest improve quantile regression: the record in docs/thresholds.md.

Run: ``python -m tests.bench.features [OPEN_INTEREST.parquet]``, which takes minutes. Columns of the file:
``coin_symbol``, ``date`` and ``oi_close`` in USD, one contract per coin. Each variant is fitted on the
rows on which its further feature is observed, and so is the model that it is compared with.
"""

import sys
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from harmonize.adequacy.horizons import Side
from harmonize.adequacy.tail import Floats
from harmonize.api.question import Question
from harmonize.api.threshold_market import read_market, series_of
from harmonize.api.threshold_series import AssetSeries
from harmonize.core.schedule import Unknown
from harmonize.thresholds.comparison import compare_joint, compare_tick
from harmonize.thresholds.features import PooledRows, pooled_rows
from harmonize.thresholds.garch import garch_blocks
from harmonize.thresholds.garch_paths import garch_paths
from harmonize.thresholds.gate import judge_model
from harmonize.thresholds.history import DailyHistory, Days
from harmonize.thresholds.path import Model, Paths
from harmonize.thresholds.regression_paths import average_paths, regression_paths
from harmonize.thresholds.scores import Outcomes, outcomes

ASSETS = ("BTC", "ETH", "BNB", "XRP", "SOL", "LTC", "LINK", "ADA", "TRX", "DOGE", "AVAX", "UNI")
AS_OF = datetime(2026, 11, 29, 23, 59, 59, tzinfo=UTC)
LEVEL = 0.99
FIRST_DAY = int(np.datetime64("2022-06-01", "D").astype(int))
"""Day from which GARCH is fitted: the regressions begin later."""

CORRELATION_DAYS = 60
SHORT_DAYS, LONG_DAYS = 5, 30

PathsByAsset = Mapping[str, Paths | Unknown]


def main() -> int:
    """Prints the comparison of every variant with the regression without its further feature."""
    pool = _pool()
    garch = {h.asset: _garch(h) for h in pool.histories}
    _compare("correlation with the other assets", pool, _correlations(pool), garch)
    for file in sys.argv[1:]:
        _compare("open interest", pool, _open_interest(pool, Path(file)), garch)
    return 0


def _pool() -> PooledRows:
    market = read_market(Question(underlyings=ASSETS, as_of=AS_OF), AS_OF)
    series = [series_of(market, asset, AS_OF) for asset in ASSETS]
    pool = pooled_rows([own.inputs for own in series if isinstance(own, AssetSeries)])
    if isinstance(pool, Unknown):
        raise TypeError(pool.reason)
    return pool


def _garch(history: DailyHistory) -> Paths | Unknown:
    blocks = garch_blocks(history, FIRST_DAY)
    return blocks if isinstance(blocks, Unknown) else garch_paths(history, blocks, (LEVEL,))


def _correlations(pool: PooledRows) -> Floats:
    """Returns per row the correlation of an asset with the mean of the others on the 60 rows before.

    Returns are those in units of volatility. A row without 60 days on which both are observed is NaN.
    """
    days = np.unique(pool.days)
    table = np.full((len(pool.parts), days.size), np.nan)
    for place, part in enumerate(pool.parts):
        table[place, np.searchsorted(days, pool.days[part])] = pool.target[part]
    columns = []
    for place, part in enumerate(pool.parts):
        others = np.delete(table, place, axis=0)
        count = np.isfinite(others).sum(axis=0)
        mean = np.where(count > 0, np.nansum(others, axis=0) / np.maximum(count, 1), np.nan)
        own_days = np.searchsorted(days, pool.days[part])
        columns.append(trailing_correlation(pool.target[part], mean[own_days]))
    return np.concatenate(columns)


def trailing_correlation(one: Floats, other: Floats) -> Floats:
    """Returns per row the correlation of the 60 rows before it; NaN without all of them."""
    result = np.full(one.size, np.nan)
    if one.size <= CORRELATION_DAYS:
        return result
    # The last window ends before the last row, whose own return is not known.
    a, b = (sliding_window_view(column[:-1], CORRELATION_DAYS) for column in (one, other))
    a, b = (window - window.mean(axis=1, keepdims=True) for window in (a, b))
    spread = np.sqrt((a**2).sum(axis=1) * (b**2).sum(axis=1))
    result[CORRELATION_DAYS:] = (a * b).sum(axis=1) / spread
    return result


def _open_interest(pool: PooledRows, file: Path) -> Floats:
    """Returns per row ln(open interest of five days to that of 30), in coins, of the days before.

    A day's value is known at its end. Days without a value within the last 30 make a row NaN.
    """
    import pandas as pd  # noqa: PLC0415 - only with a file

    source = pd.read_parquet(file, columns=["coin_symbol", "date", "oi_close"])
    columns = []
    for history in pool.histories:
        own = source[source["coin_symbol"] == history.asset]
        days = own["date"].dt.tz_localize(None).to_numpy().astype("datetime64[D]").astype(np.int64)
        usd = dict(zip(days.tolist(), own["oi_close"].tolist(), strict=True))
        price = np.cumprod(1 + history.returns)
        held = np.array([usd.get(day, np.nan) for day in history.days.tolist()])
        columns.append(growth(held / price))
    return np.concatenate(columns)


def growth(coins: Floats) -> Floats:
    """Returns per row, and for the next one, ln(mean of five rows before ÷ median of 30); NaN without all."""
    result = np.full(coins.size + 1, np.nan)
    if coins.size < LONG_DAYS:
        return result
    recent = sliding_window_view(coins, SHORT_DAYS).mean(axis=1)[LONG_DAYS - SHORT_DAYS :]
    with np.errstate(divide="ignore", invalid="ignore"):
        usual = np.median(sliding_window_view(coins, LONG_DAYS), axis=1)
        result[LONG_DAYS:] = np.log(recent / usual)
    return np.where(np.isfinite(result), result, np.nan)


def _compare(name: str, pool: PooledRows, column: Floats, garch: PathsByAsset) -> None:
    missing = ~np.isfinite(column)
    features = pool.features.copy()
    features[missing] = np.nan
    further = replace(pool, features=np.column_stack([features, column]))
    plain = replace(pool, features=features)
    _say(f"{name}: {int(further.complete.sum()):,} rows")
    before, after = (regression_paths(own, (LEVEL,)) for own in (plain, further))
    _report(pool, Model.REGRESSION, before, after, garch)
    without, with_it = (
        {asset: average_paths(own, garch[asset]) for asset, own in paths.items()}
        for paths in (before, after)
    )
    _report(pool, Model.AVERAGE, without, with_it, garch)


def _report(
    pool: PooledRows, model: Model, before: PathsByAsset, after: PathsByAsset, garch: PathsByAsset
) -> None:
    days = _common_days(pool, before, after, garch)
    old, new, benchmark = (_outcomes(pool, paths, days) for paths in (before, after, garch))
    tick, joint = compare_tick(new, old), compare_joint(new, old)
    first, last = (
        np.datetime64(int(day), "D")
        for day in (min(own.days[0] for own in new), max(own.days[-1] for own in new))
    )
    fewest, most = (choose(own.days.size for own in new) for choose in (min, max))
    _say(f"  {model}: {len(new)} sides, {first} to {last}, {fewest:,} to {most:,} days")
    for label, own in (("without", old), ("with", new)):
        result = judge_model(model, own, benchmark, LEVEL, len(own))
        for condition in result.conditions:
            _say(f"    {label}: {condition.name}: {condition.is_met}, {condition.text}")
    _say(f"    with against without, tick loss: {tick}; FZ0: {joint}")


def _common_days(pool: PooledRows, *models: PathsByAsset) -> dict[str, Days]:
    """Returns by asset the days on which every model states both sides; assets without one are omitted."""
    found = {}
    for history in pool.histories:
        own = [paths.get(history.asset, Unknown("none")) for paths in models]
        stated = [
            np.isfinite(path[0].long.var[:-1]) & np.isfinite(path[0].short.var[:-1])
            for path in own
            if not isinstance(path, Unknown)
        ]
        if len(stated) == len(models) and (days := history.days[np.all(stated, axis=0)]).size:
            found[history.asset] = days
    return found


def _outcomes(
    pool: PooledRows, paths: PathsByAsset, days: Mapping[str, Days]
) -> Sequence[Outcomes]:
    found = []
    for history in pool.histories:
        own = paths.get(history.asset, Unknown("none"))
        if isinstance(own, Unknown) or history.asset not in days:
            continue
        for side in Side:
            whole = outcomes(history, own[0], side)
            is_used = np.isin(whole.days, days[history.asset])
            columns = ("days", "losses", "var", "es")
            found.append(replace(whole, **{c: getattr(whole, c)[is_used] for c in columns}))
    return found


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
