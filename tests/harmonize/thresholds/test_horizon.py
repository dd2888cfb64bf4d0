"""Thresholds over several days against windows built one by one."""

import numpy as np
import pytest

from harmonize.core.schedule import Unknown
from harmonize.thresholds.historical import historical_paths
from harmonize.thresholds.history import DailyHistory
from harmonize.thresholds.horizon import scaled, windows
from harmonize.thresholds.path import Model, ThresholdPath
from tests.harmonize.thresholds.samples import history, of


def path_of(own: DailyHistory) -> ThresholdPath:
    paths = historical_paths((own,), Model.HISTORICAL_365, (0.99,))[own.asset]
    assert not isinstance(paths, Unknown)
    return paths[0]


def test_one_day_changes_nothing() -> None:
    own = history(500)
    path = path_of(own)
    assert scaled(path, 1) is path
    assert windows(own, path, 1) == (own, path)


def test_a_threshold_grows_with_the_root_of_time_up_to_the_whole_position() -> None:
    path = path_of(history(500))
    four = scaled(path, 4)
    np.testing.assert_allclose(four.long.var[-9:], np.minimum(2 * path.long.var[-9:], 1))
    assert np.nanmax(scaled(path_of(of(np.tile([0.9, -0.5], 300))), 4).margin) == 1


def test_windows_do_not_overlap_span_no_gap_and_compound() -> None:
    returns = history(520).returns.copy()
    days = np.arange(520)
    days[401:] += 3  # no return of three days
    own = DailyHistory("BTC", days, returns)
    path = path_of(own)
    parts = windows(own, path, 5)
    assert parts is not None
    found, tested = parts
    expected, row = [], 365
    while row + 5 <= 520:
        if days[row + 4] - days[row] == 4:
            expected.append((int(days[row]), float(np.prod(1 + returns[row : row + 5]) - 1), row))
            row += 5
        else:
            row += 1
    assert found.days.tolist() == [day for day, _, _ in expected]
    np.testing.assert_allclose(found.returns, [value for _, value, _ in expected])
    rows = [row for _, _, row in expected]
    np.testing.assert_array_equal(tested.long.var[:-1], path.long.var[rows])
    assert tested.long.var[-1] == path.long.var[-1]


def test_a_horizon_that_is_none_is_refused() -> None:
    own = history(500)
    with pytest.raises(ValueError, match="horizon: expected 1 to 10 days, found 0"):
        windows(own, path_of(own), 0)
