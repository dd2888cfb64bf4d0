import numpy as np
import pytest
from scipy.stats import norm

from harmonize.core.schedule import Unknown
from harmonize.thresholds.ewma import DECAY, Filtered, ewma_filter, filtered_paths, normal_paths
from harmonize.thresholds.history import DailyHistory
from harmonize.thresholds.path import Model, ThresholdPath
from tests.harmonize.thresholds.samples import history, of


def volatility_by_hand(returns: np.ndarray, decay: float) -> list[float]:
    variance = sum(value**2 for value in returns[:30]) / len(returns[:30])
    found = [variance]
    for value in returns:
        variance = decay * variance + (1 - decay) * value**2
        found.append(variance)
    return [value**0.5 for value in found]


def path_of(own: DailyHistory, model: Model, level: float = 0.99) -> ThresholdPath:
    calculate = filtered_paths if "filtered" in model else normal_paths
    paths = calculate(own, model, (level,))
    assert not isinstance(paths, Unknown)
    return paths[0]


@pytest.mark.parametrize("decay", [0.94, 0.97])
def test_the_filter_equals_a_loop(decay: float) -> None:
    own = history(700)
    filtered = ewma_filter(own.returns, decay)
    assert isinstance(filtered, Filtered)
    expected = np.array(volatility_by_hand(own.returns, decay))
    np.testing.assert_allclose(filtered.volatility, expected, rtol=1e-12)
    np.testing.assert_allclose(filtered.residuals, own.returns / expected[:-1], rtol=1e-12)


@pytest.mark.parametrize("model", [Model.EWMA_94, Model.EWMA_97])
def test_normal_thresholds_are_multiples_of_volatility(model: Model) -> None:
    own = history(500)
    path = path_of(own, model, 0.99)
    expected = np.array(volatility_by_hand(own.returns, DECAY[model]))
    np.testing.assert_allclose(path.long.var[365:], expected[365:] * norm.ppf(0.99), rtol=1e-12)
    shortfall = norm.pdf(norm.ppf(0.99)) / 0.01
    np.testing.assert_allclose(path.short.es[365:], expected[365:] * shortfall, rtol=1e-12)
    np.testing.assert_array_equal(path.long.var, path.short.var)
    assert np.isnan(path.long.var[:365]).all()


@pytest.mark.parametrize("model", [Model.FILTERED_94, Model.FILTERED_97])
def test_filtered_thresholds_equal_a_loop(model: Model) -> None:
    own = history(1200)
    path = path_of(own, model, 0.995)
    volatility = np.array(volatility_by_hand(own.returns, DECAY[model]))
    residuals = own.returns / volatility[:-1]
    for row in (365, 366, 800, 1095, 1096, 1200):
        window = residuals[max(0, row - 1095) : row]
        long, short = volatility[row] * np.quantile([-window, window], 0.995, axis=1)
        assert path.long.var[row] == pytest.approx(long, rel=1e-12)
        assert path.short.var[row] == pytest.approx(short, rel=1e-12)


def test_normal_returns_are_covered_by_a_normal_model() -> None:
    own = of(0.03 * np.random.default_rng(3).standard_normal(20_000))
    path = path_of(own, Model.EWMA_97)
    breaches = -own.returns[365:] > path.long.var[365:-1]
    assert 0.009 < breaches.mean() < 0.014  # its estimated variance costs a little


def test_returns_that_begin_with_zeros_give_a_reason() -> None:
    returns = np.concatenate([np.zeros(40), history(400).returns])
    reason = Unknown("the first 30 returns are 0")
    assert normal_paths(of(returns), Model.EWMA_94, (0.99,)) == reason
    assert filtered_paths(of(returns), Model.FILTERED_94, (0.99,)) == reason


def test_too_few_returns_give_a_reason() -> None:
    reason = Unknown("364 returns, 365 are required")
    assert normal_paths(history(364), Model.EWMA_94, (0.99,)) == reason
    assert filtered_paths(history(364), Model.FILTERED_94, (0.99,)) == reason
