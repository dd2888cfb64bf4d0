"""Signals compare with the formula of the rule set, which is calculated here window by window."""

import numpy as np
import pytest

from harmonize.api.threshold_signals import SignalInputs, signal_inputs, signal_states
from harmonize.core.schedule import Unknown
from harmonize.thresholds.evaluation import PathsTask, paths_of_asset
from harmonize.thresholds.history import DailyHistory
from harmonize.thresholds.signals import Signal
from tests.harmonize.thresholds.samples import history, of


@pytest.fixture(scope="module")
def own() -> DailyHistory:
    return history(1_200, seed=5)


@pytest.fixture(scope="module")
def inputs(own: DailyHistory) -> SignalInputs:
    return signal_inputs(own, paths_of_asset(PathsTask(own, (0.99,), None, int(own.days[-40]))))


def test_the_threshold_in_force_is_v1_of_the_rule_set(
    own: DailyHistory, inputs: SignalInputs
) -> None:
    for row in (365, 500, 1_199, 1_200):
        sides = []
        for sign in (-1, 1):
            losses = sign * own.returns[:row]
            q = np.quantile(losses[-1_095:], 0.99)
            s = max(np.quantile(losses[end - 365 : end], 0.99) for end in range(365, row + 1))
            sides.append(max(q, 0.75 * q + 0.25 * s))
        assert inputs.in_force[row] == pytest.approx(max(sides), rel=1e-9)


def test_every_signal_has_a_record_over_the_assets(inputs: SignalInputs) -> None:
    states = signal_states([inputs], [])
    assert [state.signal for state in states] == [signal.value for signal in Signal]
    assert all(not isinstance(state.record, Unknown) for state in states)


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
