from dataclasses import replace

import numpy as np
import pytest
from scipy.special import ndtri

from harmonize.adequacy.horizons import Side
from harmonize.core.schedule import Unknown
from harmonize.thresholds.choice import Candidate, DefaultThreshold, candidate, choose_default
from harmonize.thresholds.comparison import HitRate
from harmonize.thresholds.gate import NOT_TESTABLE, GateResult, judge_model, judge_models
from harmonize.thresholds.path import Model, Tool
from harmonize.thresholds.scores import CostScore, Outcomes, PathScore, score_side

ASSETS = [f"A{place:02}" for place in range(12)]
DAYS = 1500


def returns_and_volatility(seed: int = 1) -> tuple[dict[str, np.ndarray], np.ndarray]:
    """Returns with a volatility that changes every 50 days, and exactly 15 breaches of 99 % per side."""
    rng = np.random.default_rng(seed)
    volatility = np.repeat(rng.choice([0.02, 0.05], size=DAYS // 50), 50)
    quantiles = ndtri((np.arange(DAYS) + 0.5) / DAYS)
    return {name: volatility * rng.permutation(quantiles) for name in ASSETS}, volatility


RETURNS, VOLATILITY = returns_and_volatility()


def outcomes_of(factor: np.ndarray, assets: list[str] = ASSETS) -> list[Outcomes]:
    days = np.arange(DAYS)
    return [
        Outcomes(name, side, 0.99, days, sign * RETURNS[name], 2.326 * factor, 2.665 * factor)
        for name in assets
        for side, sign in ((Side.LONG, -1), (Side.SHORT, 1))
    ]


CONSTANT = np.full(DAYS, 0.043)
BENCHMARK = outcomes_of(CONSTANT)
TRUTH = outcomes_of(VOLATILITY)


def met(result: GateResult) -> list[bool]:
    return [condition.is_met for condition in result.conditions]


def test_the_truth_is_offered_against_a_constant() -> None:
    result = judge_model(Model.PEAKS, TRUTH, BENCHMARK, 0.99)
    assert result.is_offered
    assert (result.sides, result.rejections <= 2) == (24, True)
    better, covers, each = result.conditions
    assert better.figure == getattr(result.tick, "p_value", None)
    assert covers.requirement == "lower end at most 1.0 %"
    assert each.text == f"{result.rejections} of 24"


def test_the_benchmark_is_marked_and_not_compared_with_itself() -> None:
    result = judge_model(Model.GARCH, TRUTH, TRUTH, 0.99)
    assert result.is_benchmark
    assert not result.is_offered
    assert met(result) == [False, True, True]
    assert result.tick == Unknown("GARCH(1,1)-t, filtered is the benchmark")


def test_each_condition_alone_stops_a_model() -> None:
    assert met(judge_model(Model.PEAKS, BENCHMARK, TRUTH, 0.99))[0] is False  # worse
    low = judge_model(Model.PEAKS, outcomes_of(0.8 * VOLATILITY), BENCHMARK, 0.99)
    assert met(low)[1:] == [False, False]
    assert not low.is_offered
    near = judge_model(Model.PEAKS, outcomes_of(0.985 * VOLATILITY), BENCHMARK, 0.99)
    assert isinstance(near.hits, HitRate)
    assert near.hits.rate > 0.01 > near.hits.lower
    assert met(near)[1]
    high = judge_model(Model.PEAKS, outcomes_of(1.3 * VOLATILITY), BENCHMARK, 0.99)
    assert met(high)[1:] == [True, False]  # too much margin is no lack of coverage
    assert high.rejections > 2


def test_three_rejected_sides_are_too_many_and_two_are_not() -> None:
    for count, is_met in ((2, True), (3, False)):
        own = outcomes_of(1.05 * VOLATILITY)
        sides = [*outcomes_of(3 * VOLATILITY)[:count], *own[count:]]
        result = judge_model(Model.PEAKS, sides, BENCHMARK, 0.99)
        assert (result.rejections, met(result)[2]) == (count, is_met)


def test_a_model_without_every_side_is_not_offered() -> None:
    result = judge_model(Model.IMPLIED, outcomes_of(VOLATILITY, ASSETS[:1]), BENCHMARK, 0.99)
    assert met(result)[2] is False
    assert result.conditions[2].text == f"{NOT_TESTABLE}: observed on 2 of 24 sides"
    assert result.conditions[2].requirement == "at most 2 of 24 rejected"
    nothing = judge_model(Model.LEARNED, [], BENCHMARK, 0.99)
    assert met(nothing) == [False, False, False]
    assert nothing.hits == Unknown("0 days, 30 are required")


def first_days(outcomes: list[Outcomes], days: int) -> list[Outcomes]:
    return [
        replace(o, days=o.days[:days], losses=o.losses[:days], var=o.var[:days], es=o.es[:days])
        for o in outcomes
    ]


@pytest.mark.parametrize("days", [499, 500])
def test_a_side_with_fewer_than_five_expected_breaches_proves_no_coverage(days: int) -> None:
    is_tested = days == 500
    calm = first_days(outcomes_of(10 * VOLATILITY, ASSETS[:1]), days)
    own = [*calm[:1], *outcomes_of(1.05 * VOLATILITY)[1:]]
    result = judge_model(Model.PEAKS, own, BENCHMARK, 0.99)
    words = "not testable: 4.99 breaches expected on a side, 5 are required"
    for condition in result.conditions[1:]:
        assert condition.is_met is is_tested
        assert (condition.text == words) is not is_tested
        assert isinstance(condition.figure, Unknown) is not is_tested


def test_no_breach_at_all_on_few_days_is_not_offered() -> None:
    days = 105
    never = first_days(outcomes_of(10 * VOLATILITY, ASSETS[:2]), days)
    result = judge_model(Model.PEAKS, never, first_days(BENCHMARK, days), 0.99, 4)
    assert met(result)[1:] == [False, False]
    assert result.conditions[1].text.startswith("not testable: 1.05 breaches expected")


def test_every_model_is_judged_against_the_same_benchmark() -> None:
    results = judge_models({Model.GARCH: BENCHMARK, Model.PEAKS: TRUTH}, 0.99)
    assert [result.model for result in results] == [Model.GARCH, Model.PEAKS]
    assert results[1] == judge_model(Model.PEAKS, TRUTH, BENCHMARK, 0.99)
    alone = judge_models({Model.PEAKS: TRUTH}, 0.99)
    assert alone[0].tick == Unknown("0 days in common, 30 are required")


def candidate_of(cost: float, rise: float, lower: float = 0.005, **changes: int) -> Candidate:
    hits = HitRate(0.01, lower, 0.02, 1000, 500)
    sides = {"too_many": 0, "sides": 24, "expected": 5} | changes
    return Candidate(Model.PEAKS, Tool.NONE, 0.99, cost, rise, hits, hits, **sides)


def test_the_default_is_the_cheapest_calm_path_that_covers_both_sides() -> None:
    chosen = candidate_of(0.16, 0.2)
    others = [
        candidate_of(0.17, 0.1),
        candidate_of(0.12, 1.5),
        candidate_of(0.10, 0.1, lower=0.011),
        candidate_of(0.11, 0.1, too_many=3),
        candidate_of(0.09, 0.1, sides=2),
        candidate_of(0.08, 0.1, expected=4),
    ]
    result = choose_default([*others, chosen])
    assert isinstance(result, DefaultThreshold)
    assert result.candidate is chosen
    assert (
        "Of 5 cheaper paths, 4 do not cover both sides and 1 rise by more than 25.0 %"
        in result.reason
    )
    assert others[2].fails() == "long: breaches at least 1.1 %, nominal 1.0 %"
    assert others[3].fails() == "too many breaches on 3 of 24 asset-sides"
    assert others[4].fails() == "observed on 2 of 24 asset-sides"


def test_no_calm_path_gives_a_reason_that_is_a_sentence() -> None:
    steep, failing = candidate_of(0.12, 1.5), candidate_of(0.1, 0.1, lower=0.02)
    rise = "by more than 25.0 % in 30 days"
    for candidates, reason in (
        ([], "none of 0 paths covers both sides"),
        ([failing, failing], "none of 2 paths covers both sides"),
        ([steep, failing], f"only 1 of 2 paths covers both sides, and it rises {rise}"),
        (
            [steep, steep, failing],
            f"2 of 3 paths cover both sides, and all of these rise {rise}",
        ),
    ):
        assert choose_default(candidates) == Unknown(reason)


def test_a_candidate_sums_up_all_assets() -> None:
    for factor, is_low in ((0.7, True), (1.6, False)):
        check_sum(outcomes_of(factor * VOLATILITY), is_low=is_low)
    assert candidate(Model.PEAKS, Tool.NONE, 0.99, [], []) == Unknown(
        "peaks over threshold: no asset has a score"
    )


def check_sum(own: list[Outcomes], *, is_low: bool) -> None:
    rises = np.linspace(0.1, 0.5, 12)
    scores = [
        PathScore(score_side(long), score_side(short), CostScore(rise, 2, 0, 0, rise), ())
        for long, short, rise in zip(own[::2], own[1::2], rises, strict=True)
    ]
    result = candidate(Model.PEAKS, Tool.NONE, 0.99, own, scores)
    assert isinstance(result, Candidate)
    assert (result.mean_margin, result.rise_30) == pytest.approx((0.3, 0.3))
    assert result.sides == 24
    assert not result.is_calm
    if is_low:
        assert result.too_many == 24
        assert result.fails().startswith("long: breaches at least")
    else:  # Kupiec rejects each side, but because of too few breaches
        assert (result.too_many, result.fails()) == (0, "")
