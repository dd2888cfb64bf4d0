"""Gradient-boosted quantiles (LightGBM), pooled over assets; requires the optional extra ``learn``."""

from collections.abc import Sequence
from importlib.util import find_spec
from typing import Any

import numpy as np

from harmonize.adequacy.tail import Floats
from harmonize.core.schedule import Unknown
from harmonize.thresholds.features import PooledRows
from harmonize.thresholds.path import Model, Paths
from harmonize.thresholds.regression_paths import (
    Fitted,
    Predictor,
    Training,
    pooled_paths,
    sorted_quantiles,
)

REFIT = 90
"""Days between two fits."""

ROUNDS = 60

PARAMETERS: dict[str, Any] = {
    "objective": "quantile",
    "learning_rate": 0.05,
    "num_leaves": 8,
    "min_data_in_leaf": 200,
    "deterministic": True,
    "force_row_wise": True,
    "num_threads": 1,
    "seed": 20_261_130,
    "verbosity": -1,
}
"""Small trees with large leaves, because a leaf must hold losses beyond the level."""


def learned_paths(
    pool: PooledRows, levels: Sequence[float], rounds: int = ROUNDS
) -> dict[str, Paths | Unknown]:
    """Returns the paths by asset, refitted every 90 days on the rows that regression uses.

    One thread and a fixed seed make them deterministic. Unknown: LightGBM is not installed or cannot be
    loaded, or see ``regression_paths``.
    """
    if (absent := _absence()) is not None:
        return {history.asset: absent for history in pool.histories}

    def fit(training: Training, wanted: Sequence[float]) -> Fitted:
        return Fitted(boosted_fit(training, wanted, rounds))

    return pooled_paths(pool, levels, Model.LEARNED, fit, REFIT)


def _absence() -> Unknown | None:
    """Returns why LightGBM cannot be used; None: it can."""
    if find_spec("lightgbm") is None:
        return Unknown("LightGBM is not installed; install harmonize-margins[learn]")
    try:
        import lightgbm  # noqa: F401, PLC0415 - heavy and optional
    except OSError as error:  # its wheel needs the OpenMP runtime of the system
        return Unknown(f"LightGBM cannot be loaded: {error}; install this library")
    return None


def boosted_fit(training: Training, levels: Sequence[float], rounds: int = ROUNDS) -> Predictor:
    """Returns boosted quantiles of the losses. Quantiles that cross are sorted."""
    import lightgbm  # noqa: PLC0415 - heavy and optional

    boosters = [
        lightgbm.train(
            {**PARAMETERS, "alpha": level},
            lightgbm.Dataset(training.features[:, 1:], training.losses),
            num_boost_round=rounds,
        )
        for level in levels
    ]

    def predict(features: Floats) -> Floats:
        found = [np.asarray(booster.predict(features[:, 1:])) for booster in boosters]
        return sorted_quantiles(np.stack(found), levels)

    return predict
