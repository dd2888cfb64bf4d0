import builtins
import sys
from types import ModuleType

import numpy as np
import pytest

from harmonize.core.schedule import Unknown
from harmonize.thresholds import learning
from harmonize.thresholds.features import PooledRows, pooled_rows
from harmonize.thresholds.learning import PARAMETERS, boosted_fit, learned_paths
from harmonize.thresholds.regression_paths import Training
from tests.harmonize.thresholds.samples import history, inputs

LEVELS = (0.99, 0.9)


def pool() -> PooledRows:
    pooled = pooled_rows(
        [inputs(history(900, s, name), s) for s, name in enumerate(("BTC", "ETH"))]
    )
    assert isinstance(pooled, PooledRows)
    return pooled


def test_the_same_rows_give_the_same_paths_and_quantiles_do_not_cross() -> None:
    first, second = (learned_paths(pool(), LEVELS, rounds=5) for _ in range(2))
    for asset, paths in first.items():
        again = second[asset]
        assert not isinstance(paths, Unknown)
        assert not isinstance(again, Unknown)
        high, low = paths
        np.testing.assert_array_equal(high.long.var, again[0].long.var)
        rows = np.isfinite(high.margin)
        assert np.all(high.long.var[rows] >= low.long.var[rows])
        assert np.all(high.long.es[rows] >= high.long.var[rows])
    assert (PARAMETERS["deterministic"], PARAMETERS["num_threads"]) == (True, 1)


def test_a_feature_that_decides_is_learned() -> None:
    rng = np.random.default_rng(2)
    is_wild = rng.random(8000) < 0.5
    features = np.column_stack([np.ones(8000), is_wild])
    losses = np.where(is_wild, 3.0, 1.0) * rng.standard_normal(8000)
    predict = boosted_fit(Training(features, losses, np.arange(losses.size)), (0.9,), rounds=200)
    calm, wild = predict(np.array([[1.0, 0.0], [1.0, 1.0]]))[0]
    assert (calm, wild) == pytest.approx((1.28, 3.84), rel=0.08)


def test_quantiles_that_cross_are_sorted(monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(4)
    training = Training(rng.standard_normal((3000, 4)), rng.standard_normal(3000), np.arange(3000))
    close = (0.9, 0.902)
    low, high = boosted_fit(training, close, rounds=60)(training.features)
    assert np.all(low <= high)
    monkeypatch.setattr(learning, "sorted_quantiles", lambda quantiles, _: quantiles)
    low, high = boosted_fit(training, close, rounds=60)(training.features)
    assert np.any(low > high)


def test_without_the_extra_there_is_a_reason(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(learning, "find_spec", lambda _: None)
    monkeypatch.setitem(sys.modules, "lightgbm", None)
    reason = Unknown("LightGBM is not installed; install harmonize-margins[learn]")
    assert learned_paths(pool(), LEVELS) == {"BTC": reason, "ETH": reason}


def test_a_library_that_cannot_be_loaded_is_a_reason(monkeypatch: pytest.MonkeyPatch) -> None:
    load = builtins.__import__

    def broken(name: str, *arguments: object) -> ModuleType:
        if name == "lightgbm":
            message = "libgomp.so.1: cannot open shared object file"
            raise OSError(message)
        return load(name, *arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(builtins, "__import__", broken)
    reason = "LightGBM cannot be loaded: libgomp.so.1: cannot open shared object file; install this library"
    assert learned_paths(pool(), LEVELS) == dict.fromkeys(("BTC", "ETH"), Unknown(reason))
