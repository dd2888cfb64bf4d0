"""Models are judged over the assets that have every common model, at the requested level and the gate's."""

import numpy as np

from harmonize.adequacy.horizons import Side
from harmonize.api.threshold_gate import gate_levels, judge
from harmonize.core.schedule import Unknown
from harmonize.thresholds.evaluation import AssetScores, ScoredPath
from harmonize.thresholds.path import Model, Tool
from harmonize.thresholds.scores import Outcomes

DAYS = np.arange(1000)
SOME = (Model.HISTORICAL_365, Model.GARCH)


def outcomes(asset: str, level: float, count: int = 1000) -> tuple[Outcomes, ...]:
    days = DAYS[:count]
    losses = np.where(days % 100 == 0, 2.0, 0.0)
    ones = np.ones(days.size)
    return tuple(Outcomes(asset, side, level, days, losses, ones, ones) for side in Side)


def scores(
    asset: str, models: tuple[Model, ...] = (*SOME, Model.REGRESSION), count: int = 1000
) -> AssetScores:
    unscored = Unknown("not scored here")
    paths = tuple(
        ScoredPath(
            *(model, Tool.NONE, 1000, 0.1, 0.1, 0.1, unscored),
            outcomes(asset, 0.99, count),
            is_common=True,
            note="",
            fallbacks=(),
        )
        for model in models
    )
    by_level = {
        level: {m: outcomes(asset, level, count) for m in models} for level in (0.99, 0.995)
    }
    absent = {m: Unknown("no ranges") for m in (Model.REGRESSION,) if m not in models}
    return AssetScores(asset, paths, by_level, absent, 0, count - 1, count)


def test_an_asset_without_a_common_model_does_not_count() -> None:
    own = judge({"A": scores("A"), "B": scores("B"), "NEW": scores("NEW", SOME)}, 0.99)
    assert own.assets == ("A", "B")
    assert own.not_judged == {"NEW": "quantile regression: no ranges"}
    assert {result.sides for result in own.gate} == {4}


def test_a_model_that_most_assets_lack_excludes_none() -> None:
    own = judge({"A": scores("A"), "B": scores("B", SOME), "C": scores("C", SOME)}, 0.99)
    assert own.assets == ("A", "B", "C")
    by_model = {result.model: result for result in own.gate if result.level == 0.99}
    assert by_model[Model.GARCH].sides == 6
    assert by_model[Model.REGRESSION].conditions[2].text == "not testable: observed on 2 of 6 sides"


def test_a_model_of_one_of_two_assets_excludes_neither() -> None:
    own = judge({"A": scores("A"), "B": scores("B", SOME)}, 0.99)
    assert own.assets == ("A", "B")


def test_all_assets_count_if_none_is_complete() -> None:
    odd = {"A": scores("A", (*SOME, Model.PEAKS)), "B": scores("B")}
    assert judge(odd, 0.99).assets == ("A", "B")


def test_the_gate_is_stated_at_both_levels_and_the_requested_one() -> None:
    assert gate_levels(0.99) == (0.99, 0.995)
    assert gate_levels(0.95) == (0.95, 0.99, 0.995)
    own = judge({"A": scores("A")}, 0.99)
    assert [(r.level, r.model) for r in own.gate] == [
        (level, model)
        for level in (0.99, 0.995)
        for model in Model
        if model in {*SOME, Model.REGRESSION}
    ]
    rates = {r.level: r.rejections for r in own.gate if r.model is Model.GARCH}
    assert rates == {0.99: 0, 0.995: 2}
    required = {r.level: r.conditions[1].requirement for r in own.gate}
    assert required == {
        0.99: "lower end at most 1.0 %",
        0.995: "lower end at most 0.5 %",
    }


def test_an_asset_with_too_few_days_for_a_test_hides_no_result_on_others() -> None:
    assets = {"A": scores("A"), "B": scores("B", count=999), "NEW": scores("NEW", count=224)}
    own = judge(assets, 0.99)
    assert own.assets == ("A", "B")
    assert own.not_judged == {
        "NEW": "not testable: 2.24 breaches expected on a side, 5 are required"
    }
    assert own.too_short == {0.995: ("B",)}
    assert {(r.level, r.sides, r.required) for r in own.gate} == {(0.99, 4, 4), (0.995, 2, 2)}
    assert all(r.conditions[1].is_met for r in own.gate if r.level == 0.99)


def test_if_no_asset_has_enough_days_all_count_and_nothing_is_offered() -> None:
    own = judge({"A": scores("A", count=105), "B": scores("B", count=224)}, 0.99)
    assert own.assets == ("A", "B")
    assert own.too_short == {}
    assert not any(condition.is_met for r in own.gate for condition in r.conditions[1:])
    assert isinstance(own.default, Unknown)
