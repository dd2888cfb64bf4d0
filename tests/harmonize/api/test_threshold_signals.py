"""Signals compare with the formula of the rule set, as a calibration measures it day by day."""

from dataclasses import replace

import numpy as np
import pytest

from harmonize.api.threshold_signals import SignalInputs, signal_inputs, signal_states
from harmonize.calibration.needs import rate_formula
from harmonize.calibration.walk_forward import daily_margins
from harmonize.core.instrument import Underlying
from harmonize.core.schedule import Unknown
from harmonize.market.prices import PriceKind, PriceSeries, SeriesId
from harmonize.thresholds.anti_procyclicality import long_term, with_tool
from harmonize.thresholds.evaluation import PathsTask, paths_of_asset
from harmonize.thresholds.historical import WINDOWS, historical_paths
from harmonize.thresholds.history import DailyHistory
from harmonize.thresholds.path import Fallback, Model, PathsByModel, Tool
from harmonize.thresholds.signals import Signal
from rules.loader import load
from tests.harmonize.thresholds.samples import history, of


@pytest.fixture(scope="module")
def own() -> DailyHistory:
    return history(1_200, seed=5)


@pytest.fixture(scope="module")
def inputs(own: DailyHistory) -> SignalInputs:
    return signal_inputs(own, paths_of_asset(PathsTask(own, (0.99,), None, int(own.days[-40]))))


def two_sided(seed: int) -> DailyHistory:
    """Two stressed years, one of rises and one of falls: the worse sides of both inputs differ."""
    rng = np.random.default_rng(seed)
    returns = 0.02 * rng.standard_normal(2_000)
    returns[100:400:20], returns[900:1_900:12] = 0.3, -0.1
    return of(returns)


def measured(own: DailyHistory) -> np.ndarray:
    """Rates that a calibration of the rule set measures at the close of each day."""
    times = np.concatenate([own.days[:1] - 1, own.days]) * 86_400_000_000
    close = 100 * np.cumprod(np.concatenate([[1.0], 1 + own.returns]))
    id_ = SeriesId("binance", PriceKind.PERP, "XUSDT", Underlying(own.asset, 1), "USDT", 86_400)
    formula = rate_formula(load("harmonized-baseline"))
    assert formula is not None
    margins = daily_margins(PriceSeries(id_, times, close), formula.expression, formula.names)
    assert margins is not None
    return margins.rates


def historical(own: DailyHistory, levels: tuple[float, ...]) -> PathsByModel:
    return {m: historical_paths((own,), m, levels)[own.asset] for m in WINDOWS}


@pytest.mark.parametrize("levels", [(0.99,), (0.995, 0.99), (0.9, 0.99)])
def test_the_threshold_in_force_is_v1_as_a_calibration_measures_it(
    levels: tuple[float, ...],
) -> None:
    for own in (two_sided(1), history(1_200, seed=5)):
        found = signal_inputs(own, historical(own, levels)).in_force
        np.testing.assert_allclose(found, measured(own), rtol=1e-6)


def test_the_worse_side_of_each_input_comes_before_both_are_combined() -> None:
    own = two_sided(1)
    found = signal_inputs(own, historical(own, (0.99,))).in_force
    paths = historical(own, (0.99,))[Model.HISTORICAL_1095]
    assert not isinstance(paths, Unknown)
    by_side = with_tool(paths[0], Tool.STRESSED, long_term(own, 0.99)).margin
    differs = np.isfinite(found) & (found > 1.01 * by_side)
    assert np.count_nonzero(differs) > 300


def test_a_move_above_the_whole_price_is_refused_as_an_input() -> None:
    returns = 0.02 * np.random.default_rng(1).standard_normal(800)
    returns[500:520] = 1.5
    own = of(returns)
    found = signal_inputs(own, historical(own, (0.99,))).in_force
    np.testing.assert_array_equal(np.isnan(found), np.isnan(measured(own)))
    assert np.isnan(found[-1])


def constant_margins(in_force: float) -> SignalInputs:
    """Returns margins that are the same on each of 400 days, with a fast one of 50 %."""
    fast, slow, historical_var = (np.full(401, margin) for margin in (0.5, in_force, 0.9))
    return SignalInputs(history(400, seed=5, asset="X"), fast, slow, historical_var)


def test_a_signal_that_lacks_a_margin_is_not_judged_and_another_one_is() -> None:
    own = constant_margins(0.6)
    row = np.arange(401)

    def unjudged(**margins: object) -> dict[str, tuple[str, ...]]:
        changed = replace(own, **margins)  # type: ignore[arg-type]
        return {state.signal: state.not_judged for state in signal_states([changed], [])}

    assert set(unjudged(in_force=np.full(401, 0.5)).values()) == {()}
    no_margin = np.where(row >= 398, np.nan, 0.6)
    assert [code for code, assets in unjudged(in_force=no_margin).items() if assets] == [
        *("MH511", "MH512", "MH513")
    ]
    assert unjudged(fast=np.where(row == 400, np.nan, 0.7))["MH511"] == ("X",)
    assert unjudged(fast=np.where(row == 399, np.nan, 0.7))["MH511"] == ()
    no_var = unjudged(in_force=np.full(401, 0.5), historical=no_margin)
    assert [code for code, assets in no_var.items() if assets] == ["MH515"]


def test_a_signal_that_is_on_is_judged() -> None:
    own = constant_margins(0.001)
    last = np.where(np.arange(401) >= 399, np.nan, own.in_force)
    states = {state.signal: state for state in signal_states([replace(own, in_force=last)], [])}
    assert [evidence.asset for evidence in states["MH512"].now] == ["X"]
    assert (states["MH512"].not_judged, states["MH511"].not_judged) == ((), ("X",))


def test_without_a_path_at_99_percent_no_threshold_is_in_force(own: DailyHistory) -> None:
    found = signal_inputs(own, historical(own, (0.95,)))
    assert np.isnan(found.in_force).all()
    assert np.isnan(found.historical).all()


def test_every_signal_has_a_record_over_the_assets(inputs: SignalInputs) -> None:
    states = signal_states([inputs], [])
    assert [state.signal for state in states] == [signal.value for signal in Signal]
    own = {state.signal: state.record for state in states}
    assert own.pop("MH514") == Unknown("not applicable: there is no formula margin while it is on")
    assert all(not isinstance(record, Unknown) for record in own.values())


def test_a_history_that_is_too_short_is_a_signal_without_a_record(own: DailyHistory) -> None:
    del own
    short = history(100, asset="NEW")
    states = {state.signal: state for state in signal_states([], [short])}
    assert isinstance(states["MH514"].record, Unknown)
    (found,) = states["MH514"].now
    assert (found.asset, found.observed, found.required) == ("NEW", 100.0, 365.0)
    assert found.proposal is None
    assert states["MH511"].now == ()


def test_a_loss_that_the_history_did_not_contain_is_shown_now() -> None:
    calm = np.clip(history(600).returns, -0.1, 0.1)
    calm[-1] = -0.53
    failing = of(calm, "LUNA")
    inputs = signal_inputs(failing, paths_of_asset(PathsTask(failing, (0.99,))))
    states = {state.signal: state for state in signal_states([inputs], [])}
    (found,) = states["MH515"].now
    assert (found.asset, found.observed) == ("LUNA", 0.53)
    assert "the history cannot tell" in found.text


def replaced(inputs: SignalInputs, days: int) -> SignalInputs:
    """The fast margin of the last days is that of another model, and stands above or below the other."""
    last = inputs.history.threshold_days
    fallback = Fallback(int(last[-days]), int(last[-1]), days, "persistence 1", Model.FILTERED_94)
    return replace(inputs, fallbacks=(fallback,))


@pytest.mark.parametrize(
    ("ratio", "code", "days", "words"),
    [
        (2.0, "MH511", 1, "EWMA 0.94, filtered, in place of GARCH(1,1)-t, filtered"),
        (0.5, "MH513", 70, "EWMA 0.94, filtered, in place of GARCH(1,1)-t, filtered"),
        (
            0.5,
            "MH513",
            25,
            "EWMA 0.94, filtered, in place of GARCH(1,1)-t, filtered on 25 of 60 days",
        ),
    ],
)
def test_evidence_names_the_model_that_stands_in_place_of_the_fast_one(
    inputs: SignalInputs, ratio: float, code: str, days: int, words: str
) -> None:
    own = replace(inputs, fast=ratio * inputs.in_force)
    for used, expected in ((replaced(own, days), words), (own, "")):
        states = {state.signal: state for state in signal_states([used], [])}
        (found,) = states[code].now
        assert found.fallback == expected
        assert ("in place of" in found.text) is bool(expected)
