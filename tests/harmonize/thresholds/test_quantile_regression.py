import numpy as np
import pytest
from scipy.optimize import linprog

from harmonize.core.schedule import Unknown
from harmonize.thresholds.quantile_regression import quantile_coefficients, tick_loss


def sample(rows: int, columns: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    features = np.column_stack([np.ones(rows), rng.standard_normal((rows, columns - 1))])
    spread = 1 + 0.5 * np.abs(features[:, 1])
    return features, features.sum(axis=1) * 0.2 + rng.standard_t(3, size=rows) * spread


def whole_programme(features: np.ndarray, target: np.ndarray, level: float) -> float:
    """Smallest total tick loss by the primal programme, with excesses above and below."""
    rows, columns = features.shape
    costs = np.concatenate([np.zeros(columns), np.full(rows, level), np.full(rows, 1 - level)])
    equal = np.hstack([features, np.eye(rows), -np.eye(rows)])
    bounds = [(None, None)] * columns + [(0, None)] * (2 * rows)
    return float(linprog(costs, A_eq=equal, b_eq=target, bounds=bounds, method="highs").fun)


@pytest.mark.parametrize("level", [0.8, 0.95, 0.99])
@pytest.mark.parametrize("seed", [0, 1, 2])
def test_no_plane_has_a_smaller_tick_loss(level: float, seed: int) -> None:
    features, target = sample(2_000, 4, seed)
    coefficients = quantile_coefficients(features, target, level)
    assert isinstance(coefficients, np.ndarray)
    loss = tick_loss(target, features @ coefficients, level).sum()
    assert loss == pytest.approx(whole_programme(features, target, level), rel=1e-9)


@pytest.mark.parametrize("seed", range(4))
def test_rows_that_look_low_at_first_are_included_when_they_matter(seed: int) -> None:
    """Heavy features, a spread that grows with one and a curve: the highest rows are not enough."""
    rng = np.random.default_rng(seed)
    features = np.column_stack([np.ones(6000), rng.standard_t(3, size=(6000, 4))])
    spread = np.exp(np.clip(features[:, 1], -4, 4) * (0.3 + 0.2 * seed))
    target = spread * rng.standard_normal(6000) - features[:, -1] ** 2
    coefficients = quantile_coefficients(features, target, 0.99)
    assert isinstance(coefficients, np.ndarray)
    whole = linprog(
        -target, A_eq=features.T, b_eq=0.01 * features.sum(axis=0), bounds=(0, 1), method="highs"
    )
    loss = tick_loss(target, features @ coefficients, 0.99).sum()
    expected = tick_loss(target, features @ -whole.eqlin.marginals, 0.99).sum()
    assert loss == pytest.approx(expected, rel=1e-9)


def test_a_constant_alone_gives_a_sample_quantile() -> None:
    target = np.random.default_rng(1).standard_normal(1001)
    found = quantile_coefficients(np.ones((1001, 1)), target, 0.99)
    assert isinstance(found, np.ndarray)
    assert found[0] == np.quantile(target, 0.99)


def test_known_coefficients_are_found_again() -> None:
    rng = np.random.default_rng(9)
    feature = rng.random(60_000)
    features = np.column_stack([np.ones(feature.size), feature])
    target = (1 + 2 * feature) * rng.exponential(size=feature.size)
    found = quantile_coefficients(features, target, 0.99)
    exact = -np.log(0.01) * np.array([1, 2])  # the quantile of an exponential variable
    assert found == pytest.approx(exact, rel=0.06)


def test_tick_loss_by_hand() -> None:
    losses = tick_loss(np.array([0.3, 0.1]), np.array([0.2, 0.2]), 0.99)
    assert losses.tolist() == pytest.approx([0.099, 0.001])


def test_too_few_rows_give_a_reason_and_impossible_ones_are_refused() -> None:
    features, target = sample(1_999, 4, 0)
    assert quantile_coefficients(features, target, 0.99) == Unknown(
        "fewer than 2,000 rows, as 0.99 requires"
    )
    enough = quantile_coefficients(*sample(2_000, 4, 0), 0.99)
    assert isinstance(enough, np.ndarray)
    with pytest.raises(ValueError, match="finite targets"):
        quantile_coefficients(features, np.where(target > 2, np.nan, target), 0.9)
    with pytest.raises(ValueError, match="finite targets"):
        quantile_coefficients(features, target[1:], 0.9)
    with pytest.raises(ValueError, match="level: expected above 0 and below 1, found 99"):
        quantile_coefficients(features, target, 99)
