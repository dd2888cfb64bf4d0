import numpy as np
import pytest

from harmonize.core.schedule import Unknown
from harmonize.thresholds.anti_procyclicality import (
    buffered,
    floor_value,
    limited_speed,
    long_term,
    stressed,
    stressed_value,
    used_buffer,
    with_tool,
)
from harmonize.thresholds.historical import historical_paths
from harmonize.thresholds.path import Model, ThresholdPath, Tool
from harmonize.thresholds.scores import cost_score
from tests.harmonize.thresholds.samples import history

HISTORY = history(1200, 4)
VALUES = long_term(HISTORY, 0.99)


def path_of() -> ThresholdPath:
    paths = historical_paths([HISTORY], Model.HISTORICAL_365, (0.99,))["BTC"]
    assert not isinstance(paths, Unknown)
    return paths[0]


def test_a_buffer_that_is_used_up_by_hand() -> None:
    var = np.array([1, 1.1, 1.3, 1.6, 1.2, 1.0, 0.8])
    assert used_buffer(var).tolist() == pytest.approx([1.25, 1.25, 1.3, 1.6, 1.5, 1.25, 1.0])


def test_speed_limits_by_hand() -> None:
    limited = limited_speed(np.array([1.0, 2, 2, 1, 1]), rise=0.1, fall=0.01)
    assert limited.tolist() == pytest.approx([1.0, 1.1, 1.21, 1.1979, 1.185921])
    assert limited_speed(np.array([1.0, 1.05, 1.045]), 0.1, 0.01).tolist() == [1.0, 1.05, 1.045]


def test_a_weight_of_stress_by_hand() -> None:
    """The 1,095-day and the worst 365-day VaR of BTC and SOL give v1 of the baseline rule set."""
    var = np.array([0.081377565, 0.12023221, 0.2])
    worst = np.array([0.14148817, 0.30148267, 0.1])
    expected = [0.096405216, 0.16554482, 0.2]
    assert stressed(var, worst).tolist() == pytest.approx(expected, rel=1e-7)


def test_a_constant_buffer_leaves_procyclicality_exactly_unchanged() -> None:
    var = path_of().margin[365:]
    plain, with_buffer = cost_score(var), cost_score(buffered(var))
    calm = ("peak_to_trough", "rise_1", "rise_5", "rise_30")
    assert [getattr(plain, name) for name in calm] == [getattr(with_buffer, name) for name in calm]
    assert with_buffer.mean_margin == pytest.approx(1.25 * plain.mean_margin, rel=1e-3)
    assert cost_score(used_buffer(var)).rise_30 < plain.rise_30


def test_a_used_buffer_stays_between_var_and_the_buffer() -> None:
    var = path_of().long.var[365:]
    margin = used_buffer(var)
    assert np.all(margin >= var)
    assert np.all(margin <= 1.25 * var + 1e-15)


def test_stress_is_the_largest_var_so_far() -> None:
    own = stressed_value(HISTORY, 0.99)
    losses = -HISTORY.returns
    for row in (365, 800, 1200):
        windows = [np.quantile(losses[end - 365 : end], 0.99) for end in range(365, row + 1)]
        assert own[row, 0] == pytest.approx(max(windows), rel=1e-12)
    assert np.isnan(own[:365]).all()


def test_the_floor_reaches_back_as_far_as_the_data() -> None:
    floor = floor_value(HISTORY, 0.99)
    assert floor[1200, 1] == pytest.approx(np.quantile(HISTORY.returns, 0.99), rel=1e-12)
    long = history(4000, 5)
    expected = np.quantile(-long.returns[350:], 0.99)
    assert floor_value(long, 0.99)[4000, 0] == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize("tool", list(Tool))
def test_every_tool_keeps_the_rows_of_a_path_and_its_ratio_of_es(tool: Tool) -> None:
    path = path_of()
    calm = with_tool(path, tool, VALUES)
    assert calm.tool is tool
    for side, other in ((calm.long, path.long), (calm.short, path.short)):
        np.testing.assert_array_equal(np.isnan(side.var), np.isnan(other.var))
        np.testing.assert_allclose(side.es / side.var, other.es / other.var, rtol=1e-12)
    if tool in {Tool.BUFFER, Tool.USED_BUFFER, Tool.STRESSED, Tool.FLOOR}:
        assert np.all(calm.long.var[365:] >= path.long.var[365:])


def test_the_reach_of_the_data_is_stated() -> None:
    assert with_tool(path_of(), Tool.FLOOR, VALUES).note == "1,200 of 3,650 days"
    assert with_tool(path_of(), Tool.STRESSED, VALUES).note == "stress of 1,200 days"
    assert with_tool(path_of(), Tool.SPEED, VALUES).note == ""


def test_a_missing_row_remains_missing_and_keeps_the_base_of_the_next() -> None:
    var = np.array([np.nan, 1.0, np.nan, 2.0])
    np.testing.assert_allclose(limited_speed(var, 0.1, 0.01), [np.nan, 1.0, np.nan, 1.1])
    np.testing.assert_allclose(used_buffer(var), [np.nan, 1.25, np.nan, 2.0])


def test_impossible_limits_and_histories_are_refused() -> None:
    for rise, fall in ((-0.1, 0.1), (0.1, 1.0), (0.1, -0.1)):
        with pytest.raises(ValueError, match="speed: expected a rise of at least 0"):
            limited_speed(np.ones(3), rise, fall)
    others = (history(900), 0.99), (HISTORY, 0.995), (history(1200, asset="ETH"), 0.99)
    for own, level in others:
        with pytest.raises(ValueError, match=r"BTC at 0\.99: expected the values of the path"):
            with_tool(path_of(), Tool.FLOOR, long_term(own, level))
