import subprocess
import sys
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context

import numpy as np
import pytest

from harmonize.core.schedule import Unknown
from harmonize.thresholds.anti_procyclicality import long_term, with_tool
from harmonize.thresholds.features import MarketInputs
from harmonize.thresholds.history import DailyHistory
from harmonize.thresholds.models import ImpliedVolatility, asset_paths, with_pooled_paths
from harmonize.thresholds.path import Model, PathsByModel, Tool
from tests.harmonize.thresholds.samples import history, inputs

LEVELS = (0.95, 0.99)
SIZE, PLANTED = 920, 900


def implied(own: DailyHistory, seed: int = 3) -> ImpliedVolatility:
    rng = np.random.default_rng(seed)
    return own.threshold_days - 1, 40 + 20 * rng.random(own.size + 1)


def every_path(
    assets: list[MarketInputs], volatility: ImpliedVolatility
) -> dict[str, PathsByModel]:
    single = {
        own.history.asset: asset_paths(
            own.history, LEVELS, volatility if own.history.asset == "BTC" else None
        )
        for own in assets
    }
    return with_pooled_paths(assets, single, LEVELS, is_learning=True)


ASSETS = [inputs(history(SIZE, seed, name), seed) for seed, name in enumerate(("BTC", "ETH"))]
IMPLIED = implied(ASSETS[0].history)
PATHS = every_path(ASSETS, IMPLIED)


def planted(own: MarketInputs) -> MarketInputs:
    """The same asset with other figures of every kind from a row on."""
    rng = np.random.default_rng(99)
    is_later = np.arange(SIZE) >= PLANTED
    returns = np.where(is_later, rng.choice([-0.7, 0.9], size=SIZE), own.history.returns)
    changed = DailyHistory(own.history.asset, own.history.days, returns)
    return MarketInputs(
        changed,
        np.where(is_later, 900.0, own.high),
        np.where(is_later, 1.0, own.low),
        np.where(is_later, 1e12, own.turnover),
    )


def test_every_model_is_there() -> None:
    assert set(PATHS["BTC"]) == set(Model)
    without = {model for model, paths in PATHS["BTC"].items() if isinstance(paths, Unknown)}
    assert without == set()
    assert PATHS["ETH"][Model.IMPLIED] == Unknown("no implied volatility of ETH")


def test_planted_future_rows_change_nothing_before_them_in_any_model_or_tool() -> None:
    days, percent = IMPLIED
    later = np.where(np.arange(SIZE + 1) > PLANTED, 900.0, percent)
    changed = every_path([planted(own) for own in ASSETS], (days, later))
    histories = {own.history.asset: own.history for own in ASSETS}
    futures = {own.history.asset: planted(own).history for own in ASSETS}
    compared = 0
    for asset, models in PATHS.items():
        for model, paths in models.items():
            others = changed[asset][model]
            if isinstance(paths, Unknown) or isinstance(others, Unknown):
                continue
            for path, other in zip(paths, others, strict=True):
                for tool in Tool:
                    own = with_tool(path, tool, long_term(histories[asset], path.level))
                    planted_path = with_tool(other, tool, long_term(futures[asset], path.level))
                    for side, planted_side in (
                        (own.long, planted_path.long),
                        (own.short, planted_path.short),
                    ):
                        for column in ("var", "es"):
                            before, after = (getattr(s, column) for s in (side, planted_side))
                            np.testing.assert_array_equal(
                                before[: PLANTED + 1],
                                after[: PLANTED + 1],
                                f"{asset} {model} {tool}",
                            )
                            compared += int(np.isfinite(before[PLANTED]))
                if tool is Tool.SPEED and model is not Model.HISTORICAL_1095:
                    assert not np.array_equal(
                        path.margin[PLANTED + 1 :], other.margin[PLANTED + 1 :]
                    )
    assert compared >= 2 * 11 * 2 * len(Tool) * 4 - 200


def test_another_process_gives_the_same_paths() -> None:
    own = ASSETS[1].history
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as executor:
        paths = executor.submit(asset_paths, own, LEVELS).result()
    for model, other in paths.items():
        here = PATHS["ETH"][model]
        if isinstance(other, Unknown) or isinstance(here, Unknown):
            assert other == here
            continue
        np.testing.assert_array_equal(other[0].long.var, here[0].long.var)
        assert other[0].fallbacks == here[0].fallbacks


def test_a_new_asset_has_reasons_and_no_number() -> None:
    new = inputs(history(364, 5, "NEW"))
    single = {"BTC": PATHS["BTC"], "NEW": asset_paths(new.history, LEVELS)}
    paths = with_pooled_paths([ASSETS[0], new], single, LEVELS, is_learning=True)
    assert set(paths["NEW"]) == set(Model)
    assert set(map(str, paths["NEW"].values())) == {str(Unknown("364 returns, 365 are required"))}


def test_without_btc_the_pooled_models_have_a_reason() -> None:
    paths = with_pooled_paths([ASSETS[1]], {"ETH": PATHS["ETH"]}, LEVELS)
    reason = Unknown("BTC, whose volatility is a feature, has too few returns")
    assert paths["ETH"][Model.REGRESSION] == reason
    assert paths["ETH"][Model.AVERAGE] == reason
    assert paths["ETH"][Model.GARCH] == PATHS["ETH"][Model.GARCH]


@pytest.mark.parametrize(
    "heavy", ["arch", "lightgbm", "scipy.stats", "scipy.signal", "scipy.optimize"]
)
def test_importing_the_models_loads_nothing_heavy(heavy: str) -> None:
    program = f"import sys, harmonize.thresholds.models, harmonize.thresholds.gate; print({heavy!r} in sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "False"
