"""Scores of every model with every tool on the days that the models have in common."""

import numpy as np
import pytest

from harmonize.core.schedule import Unknown
from harmonize.thresholds.evaluation import (
    AssetScores,
    PathsTask,
    ScoredPath,
    ScoresTask,
    paths_of_asset,
    score_asset,
)
from harmonize.thresholds.history import DailyHistory
from harmonize.thresholds.path import Model, PathsByModel, Tool
from harmonize.thresholds.scores import PathScore
from tests.harmonize.thresholds.samples import history

FIRST = 18_000 + 450


@pytest.fixture(scope="module")
def own() -> DailyHistory:
    return history(640)


@pytest.fixture(scope="module")
def paths(own: DailyHistory) -> PathsByModel:
    days = own.days[500:]
    implied = (days.copy(), np.full(days.size, 60.0))
    return paths_of_asset(PathsTask(own, (0.99,), implied, FIRST))


@pytest.fixture(scope="module")
def scores(own: DailyHistory, paths: PathsByModel) -> AssetScores:
    return score_asset(ScoresTask(own, paths, (0.99,), 1, FIRST))


def path_of(scores: AssetScores, model: Model, tool: Tool = Tool.NONE) -> ScoredPath:
    return next(p for p in scores.paths if (p.model, p.tool) == (model, tool))


def test_every_model_has_every_tool_and_an_absent_one_its_reason(
    scores: AssetScores, paths: PathsByModel
) -> None:
    present = {m for m, p in paths.items() if not isinstance(p, Unknown)}
    assert {(p.model, p.tool) for p in scores.paths} == {(m, t) for m in present for t in Tool}
    assert "365 are required" in scores.absent[Model.IMPLIED].reason


def test_all_models_are_scored_on_the_same_days(scores: AssetScores) -> None:
    counts = {
        path.score.long.observations for path in scores.paths if isinstance(path.score, PathScore)
    }
    assert counts == {scores.days}
    assert scores.first_day is not None
    assert scores.first_day >= FIRST
    assert all(path.is_common for path in scores.paths)


def test_breaches_are_those_that_a_loop_counts(own: DailyHistory, scores: AssetScores) -> None:
    found = path_of(scores, Model.HISTORICAL_365)
    count = total = 0
    for row in range(own.size):
        if own.days[row] < (scores.first_day or 0):
            continue
        window = np.sort(-own.returns[row - 365 : row])
        count += int(-own.returns[row] > np.quantile(window, 0.99))
        total += 1
    assert isinstance(found.score, PathScore)
    assert (found.score.long.breaches, found.score.long.observations) == (count, total)


def test_the_threshold_now_follows_the_last_return(own: DailyHistory, scores: AssetScores) -> None:
    found = path_of(scores, Model.HISTORICAL_365)
    assert found.day == int(own.days[-1]) + 1
    sides = [np.quantile(sign * own.returns[-365:], 0.99) for sign in (-1, 1)]
    assert found.margin == pytest.approx(max(sides), rel=1e-3)
    buffered = path_of(scores, Model.HISTORICAL_365, Tool.BUFFER)
    assert buffered.margin == pytest.approx(1.25 * max(sides), rel=1e-3)


def test_a_model_with_few_days_is_scored_on_them_and_limits_no_other(own: DailyHistory) -> None:
    days = own.days[200:]
    paths = paths_of_asset(PathsTask(own, (0.99,), (days.copy(), np.full(days.size, 60.0)), FIRST))
    scores = score_asset(ScoresTask(own, paths, (0.99,), 1, FIRST))
    implied = path_of(scores, Model.IMPLIED)
    assert not implied.is_common
    assert isinstance(implied.score, PathScore)
    assert implied.score.long.observations < scores.days / 2
    assert path_of(scores, Model.GARCH).is_common


def test_several_days_test_whole_windows_and_keep_the_cost_of_days(
    own: DailyHistory, paths: PathsByModel, scores: AssetScores
) -> None:
    week = score_asset(ScoresTask(own, paths, (0.99,), 5, FIRST))
    one, five = (path_of(s, Model.HISTORICAL_365).score for s in (scores, week))
    assert isinstance(one, PathScore)
    assert isinstance(five, PathScore)
    assert five.long.observations == scores.days // 5
    assert five.cost.mean_margin == pytest.approx(one.cost.mean_margin * 5**0.5, rel=1e-3)
    assert five.cost.rise_30 == pytest.approx(one.cost.rise_30, rel=1e-2)


def test_a_future_return_changes_no_threshold_before_it(own: DailyHistory) -> None:
    planted = own.returns.copy()
    planted[600:] *= 5
    other = DailyHistory(own.asset, own.days.copy(), planted)
    for model, paths in paths_of_asset(PathsTask(own, (0.99,), None, FIRST)).items():
        changed = paths_of_asset(PathsTask(other, (0.99,), None, FIRST))[model]
        if isinstance(paths, Unknown) or isinstance(changed, Unknown):
            continue
        np.testing.assert_array_equal(paths[0].margin[:601], changed[0].margin[:601])
        assert not np.array_equal(paths[0].margin[601:], changed[0].margin[601:], equal_nan=True)


def test_a_further_level_is_tested_without_tools(own: DailyHistory) -> None:
    paths = paths_of_asset(PathsTask(own, (0.99, 0.995), None, FIRST))
    both = score_asset(ScoresTask(own, paths, (0.99, 0.995), 1, FIRST))
    alone = paths_of_asset(PathsTask(own, (0.995,), None, FIRST))
    expected = score_asset(ScoresTask(own, alone, (0.995,), 1, FIRST))
    assert set(both.outcomes) == {0.99, 0.995}
    assert {path.margin for path in both.paths} != {path.margin for path in expected.paths}
    for model, found in both.outcomes[0.995].items():
        for one, other in zip(found, expected.outcomes[0.995][model], strict=True):
            assert (one.side, one.level, one.days.size) == (other.side, 0.995, other.days.size)
            np.testing.assert_array_equal(one.var, other.var)
    for path in both.paths:
        if path.tool is Tool.NONE:
            first = both.outcomes[0.99][path.model]
            assert [o.breaches.sum() for o in first] == [o.breaches.sum() for o in path.outcomes]
