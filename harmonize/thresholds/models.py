"""Paths of every model: those of one asset alone, which may run in parallel, and the pooled ones."""

from collections.abc import Mapping, Sequence

from harmonize.adequacy.tail import Floats
from harmonize.core.schedule import Unknown
from harmonize.thresholds.ewma import filtered_paths, normal_paths
from harmonize.thresholds.features import MarketInputs, pooled_rows
from harmonize.thresholds.garch import garch_blocks
from harmonize.thresholds.garch_paths import garch_paths, peaks_paths
from harmonize.thresholds.historical import WINDOWS, historical_paths
from harmonize.thresholds.history import DailyHistory, Days
from harmonize.thresholds.implied import implied_paths
from harmonize.thresholds.learning import learned_paths
from harmonize.thresholds.path import Model, Paths, PathsByModel
from harmonize.thresholds.regression_paths import average_paths, regression_paths

ImpliedVolatility = tuple[Days, Floats]
"""Days, and the implied volatility at the end of each in percent per year."""


def asset_paths(
    history: DailyHistory,
    levels: Sequence[float],
    implied: ImpliedVolatility | None = None,
    first_day: int | None = None,
) -> PathsByModel:
    """Returns the paths of the models that need one asset alone, by model.

    GARCH, which takes the most time, omits rows of fits that end before ``first_day``.
    The function and its arguments can be sent to another process; the result does not depend on it.
    """
    paths: PathsByModel = {
        model: historical_paths((history,), model, levels)[history.asset] for model in WINDOWS
    }
    for model in (Model.EWMA_94, Model.EWMA_97):
        paths[model] = normal_paths(history, model, levels)
    for model in (Model.FILTERED_94, Model.FILTERED_97):
        paths[model] = filtered_paths(history, model, levels)
    blocks = garch_blocks(history, first_day)
    if isinstance(blocks, Unknown):
        return {**paths, Model.GARCH: blocks, Model.PEAKS: blocks, Model.IMPLIED: blocks}
    paths[Model.GARCH] = garch_paths(history, blocks, levels)
    paths[Model.PEAKS] = peaks_paths(history, blocks, levels)
    paths[Model.IMPLIED] = (
        Unknown(f"no implied volatility of {history.asset}")
        if implied is None
        else implied_paths(history, *implied, levels)
    )
    return paths


def with_pooled_paths(
    assets: Sequence[MarketInputs],
    paths: Mapping[str, PathsByModel],
    levels: Sequence[float],
    *,
    is_learning: bool = False,
) -> dict[str, PathsByModel]:
    """Returns the paths by asset with those of the models that pool all assets.

    ``paths`` are those of ``asset_paths``. Gradient boosting is included if ``is_learning``.
    """
    names = [asset.history.asset for asset in assets]
    pool = pooled_rows(assets)
    if isinstance(pool, Unknown):
        regression: Mapping[str, Paths | Unknown] = dict.fromkeys(names, pool)
        learned = regression
    else:
        regression = regression_paths(pool, levels)
        learned = learned_paths(pool, levels) if is_learning else {}
    result: dict[str, PathsByModel] = {}
    for asset in assets:
        name = asset.history.asset
        absent = asset.history.shortage() or Unknown(f"{name} is not among the pooled assets")
        own = dict(paths[name])
        own[Model.REGRESSION] = regression.get(name, absent)
        own[Model.AVERAGE] = average_paths(own[Model.REGRESSION], own[Model.GARCH])
        if is_learning:
            own[Model.LEARNED] = learned.get(name, absent)
        result[name] = own
    return result
