"""Scores of every model with every tool on the days that the models have in common."""

from dataclasses import replace

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
from harmonize.thresholds.historical import historical_paths
from harmonize.thresholds.history import DailyHistory
from harmonize.thresholds.path import (
    Fallback,
    Model,
    PathsByModel,
    SidePath,
    ThresholdPath,
    Tool,
)
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


def partial(path: ThresholdPath, first: int) -> ThresholdPath:
    """The path of another model that states nothing before row ``first``."""
    long, short = (
        SidePath(*(np.where(np.arange(v.size) < first, np.nan, v) for v in (side.var, side.es)))
        for side in (path.long, path.short)
    )
    return replace(path, model=Model.REGRESSION, long=long, short=short)


def historical(own: DailyHistory) -> ThresholdPath:
    found = historical_paths((own,), Model.HISTORICAL_365, (0.99,))[own.asset]
    assert not isinstance(found, Unknown)
    return found[0]


def days_with(long: DailyHistory, first: int, *, is_alone: bool = False) -> int:
    other = partial(historical(long), first)
    paths: PathsByModel = {Model.REGRESSION: (other,)}
    if not is_alone:
        paths[Model.HISTORICAL_365] = (historical(long),)
    return score_asset(ScoresTask(long, paths, (0.99,), 1, int(long.days[0]))).days


@pytest.mark.parametrize(
    ("first", "tested"), [(499, 501), (500, 500), (501, 635), (365, 635), (900, 635)]
)
def test_a_model_with_too_few_days_for_a_test_does_not_limit_those_of_others(
    first: int, tested: int
) -> None:
    """Of 1,000 rows a model states 635; five breaches of 99 % are expected on 500."""
    assert days_with(history(1_000), first) == tested


def test_models_that_all_have_too_few_days_limit_one_another() -> None:
    assert days_with(history(700), 400) == 300
    assert days_with(history(700), 600, is_alone=True) == 100


def test_a_model_without_a_threshold_at_the_level_has_its_reason() -> None:
    own = history(700)
    nothing = partial(historical(own), 701)
    reason = Fallback(int(own.days[0]), int(own.days[-1]), 700, "fewer than 3,000 rows", None)
    paths: PathsByModel = {
        Model.HISTORICAL_365: (historical(own),),
        Model.REGRESSION: (replace(nothing, fallbacks=(reason,)),),
    }
    found = score_asset(ScoresTask(own, paths, (0.99,), 1, int(own.days[0])))
    assert found.absent == {Model.REGRESSION: Unknown("fewer than 3,000 rows")}
    assert {path.model for path in found.paths} == {Model.HISTORICAL_365}
    assert found.days == 335


def test_a_replaced_benchmark_is_counted_on_the_tested_days_and_named_on_the_last_one(
    own: DailyHistory, paths: PathsByModel, scores: AssetScores
) -> None:
    assert scores.replaced is None
    assert path_of(scores, Model.GARCH).replaced is None
    garch = paths[Model.GARCH]
    assert not isinstance(garch, Unknown)
    assert scores.last_day is not None
    last = scores.last_day
    spans = ((FIRST - 90, FIRST - 61), (last - 19, last + 1))
    fallbacks = tuple(
        Fallback(first, end, end - first + 1, "persistence", Model.FILTERED_94)
        for first, end in spans
    )
    changed = {**paths, Model.GARCH: (replace(garch[0], fallbacks=fallbacks),)}
    found = score_asset(ScoresTask(own, changed, (0.99,), 1, FIRST))
    assert found.replaced is not None
    assert (found.replaced.days, found.replaced.of) == (20, found.days)
    for tool in (Tool.NONE, Tool.BUFFER):
        own_path = path_of(found, Model.GARCH, tool)
        assert str(own_path.replaced) == "EWMA 0.94, filtered, in place of GARCH(1,1)-t, filtered"
    assert path_of(found, Model.HISTORICAL_365).replaced is None
