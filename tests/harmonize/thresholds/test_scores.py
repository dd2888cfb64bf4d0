from datetime import date

import numpy as np
import pytest
from scipy.stats import norm

from harmonize.adequacy.backtests import LikelihoodRatio
from harmonize.adequacy.horizons import Side
from harmonize.core.schedule import Unknown
from harmonize.thresholds.history import DailyHistory
from harmonize.thresholds.path import Model, SidePath, ThresholdPath
from harmonize.thresholds.scores import (
    CostScore,
    Outcomes,
    PathScore,
    cost_score,
    joint_score,
    outcomes,
    score_path,
    score_side,
)
from tests.harmonize.thresholds.samples import of

RETURNS = np.array([0.01, -0.3, 0.02, 0.25, -0.15, 0.0])


def path_of(
    own: DailyHistory, long: np.ndarray, short: np.ndarray, level: float = 0.9
) -> ThresholdPath:
    first, second = (SidePath(var, 1.2 * var) for var in (long, short))
    return ThresholdPath(own.asset, Model.GARCH, level, own.threshold_days, first, second)


def test_each_loss_meets_the_threshold_of_its_day() -> None:
    own = of(RETURNS)
    long = np.array([np.nan, 0.2, 0.3, 0.3, 0.1, 0.1, 0.4])
    path = path_of(own, long, np.full(7, 0.2))
    falls = outcomes(own, path, Side.LONG)
    assert falls.losses.tolist() == pytest.approx([0.3, -0.02, -0.25, 0.15, 0.0])
    assert falls.var.tolist() == [0.2, 0.3, 0.3, 0.1, 0.1]
    assert falls.breaches.tolist() == [True, False, False, True, False]
    assert falls.days.tolist() == own.days[1:].tolist()
    rises = outcomes(own, path, Side.SHORT, first_day=int(own.days[3]))
    assert rises.breaches.tolist() == [True, False, False]
    with pytest.raises(ValueError, match="expected the history of the path"):
        outcomes(of(RETURNS, "ETH"), path, Side.LONG)
    with pytest.raises(ValueError, match="expected the history of the path"):
        outcomes(of(RETURNS[1:]), path, Side.LONG)


def test_the_score_of_a_side_by_hand() -> None:
    own = of(RETURNS)
    path = path_of(own, np.full(7, 0.2), np.full(7, 0.2))
    score = score_side(outcomes(own, path, Side.LONG))
    assert (score.observations, score.breaches) == (6, 1)
    assert score.breach_rate == 1 / 6
    excess = [-0.21, 0.1, -0.22, -0.45, -0.05, -0.2]
    tick = sum(0.9 * x if x > 0 else -0.1 * x for x in excess) / 6
    assert score.tick == pytest.approx(tick, rel=5e-4)
    assert score.shortfall == pytest.approx(0.1 / 6, rel=5e-4)
    assert score.worst == pytest.approx(0.1)
    joint = sum(max(x, 0) / (0.1 * 0.24) + 0.2 / 0.24 + np.log(0.24) - 1 for x in excess) / 6
    assert score.joint == pytest.approx(joint, rel=5e-4)
    assert isinstance(score.kupiec, LikelihoodRatio)
    statistic = -2 * np.log((0.9**5 * 0.1) / ((5 / 6) ** 5 / 6))
    assert score.kupiec.statistic == pytest.approx(statistic, rel=5e-4)


def test_the_joint_score_is_lowest_for_the_true_var_and_es() -> None:
    losses = norm.rvs(size=200_000, random_state=3)
    var, es = norm.ppf(0.975), norm.pdf(norm.ppf(0.975)) / 0.025
    means = {
        (a, b): joint_score(
            losses, np.full(losses.size, a * var), np.full(losses.size, b * es), 0.975
        ).mean()
        for a in (0.9, 1, 1.1)
        for b in (0.85, 1, 1.15)
    }
    assert min(means, key=lambda pair: means[pair]) == (1, 1)


def test_rows_without_es_have_no_joint_score_and_are_not_zero() -> None:
    own = of(RETURNS)
    var = np.full(7, 0.2)
    side = SidePath(var, np.array([np.nan, 0.3, *[np.nan] * 5]))
    path = ThresholdPath("BTC", Model.PEAKS, 0.9, own.threshold_days, side, side)
    score = score_side(outcomes(own, path, Side.LONG))
    assert score.joint == pytest.approx(0.1 / 0.03 + 0.2 / 0.3 + np.log(0.3) - 1, rel=5e-4)
    none = Outcomes("BTC", Side.LONG, 0.9, own.days, -RETURNS, var[:-1], np.full(6, np.nan))
    assert score_side(none).joint == Unknown("no day has an ES")


def test_cost_and_calm_by_hand() -> None:
    margin = np.array([0.1, 0.2, 0.15, 0.1, 0.1, 0.1, 0.3])
    score = cost_score(margin)
    assert score.mean_margin == pytest.approx(0.15)
    assert score.peak_to_trough == pytest.approx(3)
    assert (score.rise_1, score.rise_5) == pytest.approx((2.0, 0.5))
    assert np.isnan(score.rise_30)


def test_years_divide_the_days_of_a_path() -> None:
    first = (date(2024, 12, 30) - date(1970, 1, 1)).days
    own = DailyHistory("BTC", first + np.arange(6), RETURNS)
    path = path_of(own, np.array([0.1, 0.1, 0.2, 0.2, 0.1, 0.1, 9.0]), np.full(7, 0.2))
    score = score_path(own, path)
    assert isinstance(score, PathScore)
    before, after = score.years
    assert (before.year, before.observations) == (2024, 2)
    assert (before.breaches_long, before.breaches_short) == (1, 0)
    assert (after.year, after.observations) == (2025, 4)
    assert (after.breaches_long, after.breaches_short) == (1, 1)
    assert before.shortfall == pytest.approx(0.2 / 4)
    assert after.shortfall == pytest.approx((0.05 + 0.05) / 8)
    assert isinstance(after.cost, CostScore)
    assert after.cost.mean_margin == pytest.approx(0.2)
    assert score.cost.mean_margin == pytest.approx(0.2)  # without the threshold of the next day


def test_a_day_of_one_side_alone_has_no_margin() -> None:
    own = of(RETURNS)
    long = np.array([0.2, 0.2, np.nan, 0.2, 0.2, 0.2, 0.2])
    score = score_path(own, path_of(own, long, np.full(7, 0.3)))
    assert isinstance(score, PathScore)
    assert (score.long.observations, score.short.observations) == (5, 6)
    assert score.cost.mean_margin == pytest.approx(0.3)
    assert sum(year.observations for year in score.years) == 5


def test_margins_of_zero_have_no_ratio() -> None:
    score = cost_score(np.array([0.0, 0.1, 0.2]))
    assert score.peak_to_trough == np.inf
    assert (score.rise_1, np.isnan(score.rise_5)) == (1.0, True)


def test_a_path_without_a_scored_day_has_a_reason() -> None:
    own = of(RETURNS)
    path = path_of(own, np.full(7, np.nan), np.full(7, np.nan))
    assert score_path(own, path) == Unknown(
        "BTC: no day with a loss and a threshold of GARCH(1,1)-t, filtered"
    )


def test_columns_of_another_length_are_refused() -> None:
    own = of(RETURNS)
    with pytest.raises(ValueError, match="long: expected 7 rows"):
        path_of(own, np.zeros(6), np.zeros(7))
