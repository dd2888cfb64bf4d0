import numpy as np
import pytest

from harmonize.adequacy.horizons import Side
from harmonize.core.schedule import Unknown
from harmonize.thresholds.comparison import (
    HitRate,
    LossComparison,
    compare_daily,
    compare_joint,
    compare_tick,
    hit_rate,
    long_run_variance,
)
from harmonize.thresholds.scores import Outcomes


def outcome(  # noqa: PLR0913 - the parts of outcomes
    losses: np.ndarray,
    var: float,
    *,
    asset: str = "BTC",
    first: int = 0,
    side: Side = Side.LONG,
    es: float = 0.0,
) -> Outcomes:
    days, size = first + np.arange(losses.size), losses.size
    expected = np.full(size, es or 1.2 * var)
    return Outcomes(asset, side, 0.99, days, losses, np.full(size, var), expected)


def known(result: LossComparison | Unknown) -> LossComparison:
    assert isinstance(result, LossComparison)
    return result


def rate_of(result: HitRate | Unknown) -> HitRate:
    assert isinstance(result, HitRate)
    return result


def test_the_long_run_variance_equals_a_loop() -> None:
    values = np.random.default_rng(1).standard_normal(200).cumsum()
    centred = values - values.mean()
    total = sum(x * x for x in centred)
    for lag in (1, 2, 3):
        products = sum(centred[row] * centred[row - lag] for row in range(lag, 200))
        total += 2 * (1 - lag / 4) * products
    assert long_run_variance(values, 3) == pytest.approx(total / 200, rel=1e-12)


def test_an_equal_model_is_better_as_often_as_the_significance() -> None:
    rng = np.random.default_rng(2)
    p_values = []
    for _ in range(500):
        shocks = rng.standard_normal(402)
        p_values.append(known(compare_daily(shocks[2:] + shocks[1:-1] + shocks[:-2])).p_value)
    assert 0.03 < np.mean(np.array(p_values) < 0.05) < 0.09


def test_a_better_model_has_a_small_p_value_and_a_worse_one_a_large() -> None:
    losses = 0.03 * np.random.default_rng(3).standard_normal(2000)
    right, low = outcome(losses, 0.03 * 2.326), outcome(losses, 0.03)
    better, worse = known(compare_tick([right], [low])), known(compare_tick([low], [right]))
    assert better.p_value < 0.001
    assert better.difference < 0
    assert worse.p_value > 0.999
    assert worse.statistic == -better.statistic
    assert (better.days, better.lags) == (2000, int(4 * 20 ** (2 / 9)))


def test_assets_that_repeat_one_another_add_no_evidence() -> None:
    losses = 0.03 * np.random.default_rng(4).standard_normal(1000)
    one = [outcome(losses, 0.075)], [outcome(losses, 0.06)]
    many = tuple(
        [outcome(losses, own[0].var[0], asset=name) for name in ("A", "B", "C", "D")] for own in one
    )
    assert compare_tick(*many) == compare_tick(*one)
    hits = rate_of(hit_rate(one[1]))
    assert rate_of(hit_rate(many[1])).lower == hits.lower
    assert rate_of(hit_rate(many[1])).observations == 4 * hits.observations


def test_days_and_sides_that_only_one_model_has_do_not_count() -> None:
    losses = 0.03 * np.random.default_rng(5).standard_normal(300)
    model = [outcome(losses, 0.07), outcome(losses, 0.07, side=Side.SHORT)]
    benchmark = [outcome(losses[100:], 0.06, first=100)]
    expected = known(compare_tick([outcome(losses[100:], 0.07, first=100)], benchmark))
    assert compare_tick(model, benchmark) == expected
    assert expected.days == 200
    assert compare_tick(model, []) == Unknown("0 days in common, 30 are required")


def test_rows_without_es_do_not_count_in_the_joint_comparison() -> None:
    losses = 0.03 * np.random.default_rng(6).standard_normal(100)
    model, benchmark = outcome(losses, 0.03), outcome(losses, 0.02)
    partial = Outcomes(
        "BTC",
        Side.LONG,
        0.99,
        model.days,
        losses,
        model.var,
        np.where(np.arange(100) < 40, model.es, np.nan),
    )
    result = known(compare_joint([partial], [benchmark]))
    assert result.days == 40
    assert known(compare_joint([model], [benchmark])).days == 100


def test_equal_losses_on_every_day_give_a_reason() -> None:
    losses = np.zeros(50)
    result = compare_tick([outcome(losses, 0.07)], [outcome(losses, 0.06)])
    assert result == Unknown("the losses of both models differ by the same on every day")


def test_the_interval_of_a_hit_rate_contains_the_truth_as_often_as_it_says() -> None:
    rng = np.random.default_rng(7)
    contained = []
    for _ in range(200):
        days = rng.random(600) < 0.05
        own = [outcome(days * 0.1, 0.05, asset=name) for name in ("A", "B", "C")]
        hits = rate_of(hit_rate(own, block=5, draws=300))
        contained.append(hits.lower <= 0.05 <= hits.upper)
    assert 0.88 < np.mean(contained) <= 0.99


def test_breaches_in_common_widen_the_interval_of_the_binomial() -> None:
    rng = np.random.default_rng(8)
    days = rng.random(1800) < 0.01
    together = [outcome(days * 0.1, 0.05, asset=str(name)) for name in range(12)]
    apart = [outcome((rng.random(1800) < 0.01) * 0.1, 0.05, asset=str(name)) for name in range(12)]
    widths = [hits.upper - hits.lower for hits in map(rate_of, map(hit_rate, (together, apart)))]
    assert widths[0] > 2.5 * widths[1]


def test_too_few_days_give_a_reason() -> None:
    assert hit_rate([]) == Unknown("0 days, 30 are required")
    assert hit_rate([outcome(np.zeros(29), 0.1)]) == Unknown("29 days, 30 are required")
