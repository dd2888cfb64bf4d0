"""Interval of a threshold: order statistics of the sample that gives it, against exact binomials."""

from collections.abc import Sequence
from fractions import Fraction
from math import comb

import numpy as np
import pytest

from harmonize.adequacy.tail import TailEstimate, value_at_risk
from harmonize.api.threshold_intervals import ThresholdInterval, threshold_interval
from harmonize.core.schedule import Unknown
from harmonize.thresholds.anti_procyclicality import long_term, with_tool
from harmonize.thresholds.ewma import ewma_filter, filtered_paths
from harmonize.thresholds.historical import historical_paths
from harmonize.thresholds.history import DailyHistory
from harmonize.thresholds.path import Model, ThresholdPath, Tool, rounded_figure
from tests.harmonize.thresholds.samples import history, of

LEVEL = 0.99


@pytest.fixture(scope="module")
def own() -> DailyHistory:
    return history(1_500, seed=3)


def historical(own: DailyHistory, model: Model, level: float = LEVEL) -> ThresholdPath:
    paths = historical_paths([own], model, (level,))[own.asset]
    assert not isinstance(paths, Unknown)
    return paths[0]


def interval(
    own: DailyHistory, path: ThresholdPath, tool: Tool = Tool.NONE, horizon: int = 1
) -> ThresholdInterval:
    found = threshold_interval(own, path, tool, horizon)
    assert isinstance(found, ThresholdInterval)
    return found


def exact_ranks(count: int, level: Fraction) -> tuple[int, int]:
    """Ranks, from 1, that leave at most 2.5 % on each side; the last one if there is no higher one."""
    below = Fraction(0)
    sums = []
    for number in range(count + 1):
        below += comb(count, number) * level**number * (1 - level) ** (count - number)
        sums.append(below)
    lower = next(n for n, total in enumerate(sums) if total >= Fraction(1, 40))
    upper = next(n for n, total in enumerate(sums) if total >= Fraction(39, 40)) + 1
    return max(lower, 1), min(upper, count)


def exact_sides(returns: Sequence[float]) -> list[tuple[float, float, float]]:
    """VaR and interval of a long and of a short position, the larger VaR first."""
    lower, upper = exact_ranks(len(returns), Fraction(99, 100))
    sides = []
    for sign in (-1, 1):
        losses = sorted(sign * r for r in returns)
        value = float(np.quantile(losses, LEVEL))
        sides.append((value, losses[lower - 1], losses[upper - 1]))
    return sorted(sides, reverse=True)


@pytest.mark.parametrize(
    ("model", "window"), [(Model.HISTORICAL_365, 365), (Model.HISTORICAL_1095, 1_095)]
)
@pytest.mark.parametrize("seed", [3, 4, 5])
def test_the_interval_is_that_of_the_window_that_gives_the_threshold(
    model: Model, window: int, seed: int
) -> None:
    own = history(1_500, seed=seed)
    worse, other = exact_sides(own.returns[-window:].tolist())
    found = interval(own, historical(own, model))
    assert found.rate == rounded_figure(worse[0])
    assert found.lower == rounded_figure(worse[1])
    assert found.upper == rounded_figure(max(worse[2], other[2]))
    assert found.sample == f"the last {window:,} returns"


def test_a_year_before_the_window_does_not_narrow_the_interval() -> None:
    calm = history(1_500, seed=3)
    stormy = of(np.concatenate([np.clip(5 * calm.returns[:-365], -0.9, 3), calm.returns[-365:]]))
    model = Model.HISTORICAL_365
    assert interval(calm, historical(calm, model)) == interval(stormy, historical(stormy, model))


def test_the_upper_end_is_the_larger_one_of_both_sides() -> None:
    returns = history(365, seed=3).returns.copy()
    returns[100] = 2.5
    returns[returns < -0.08] *= 1.2
    own = of(returns)
    losses = -own.returns
    long, short = value_at_risk(losses, LEVEL), value_at_risk(-losses, LEVEL)
    assert isinstance(long, TailEstimate)
    assert isinstance(short, TailEstimate)
    assert long.value > short.value
    found = interval(own, historical(own, Model.HISTORICAL_365))
    assert found.upper == 1.0
    assert found.lower == rounded_figure(long.lower or 0)


def test_a_sample_that_does_not_bound_the_quantile_has_no_upper_end(own: DailyHistory) -> None:
    found = interval(own, historical(own, Model.HISTORICAL_365, 0.995))
    assert found.upper is None
    assert found.times(2).upper is None
    assert found.lower < found.rate


def test_a_filtered_model_has_the_interval_of_its_own_residuals(own: DailyHistory) -> None:
    paths = filtered_paths(own, Model.FILTERED_94, (LEVEL,))
    filtered = ewma_filter(own.returns, 0.94)
    assert not isinstance(paths, Unknown)
    assert not isinstance(filtered, Unknown)
    (path,) = paths
    found = interval(own, path)
    assert found.rate == rounded_figure(float(path.margin[-1]))
    assert found.sample == "the last 1,095 losses divided by the threshold of their day"
    worse, other = exact_sides(filtered.residuals[-1_095:].tolist())
    volatility = filtered.volatility[-1]
    assert found.lower == pytest.approx(worse[1] * volatility, rel=0.1)
    assert found.upper == pytest.approx(max(worse[2], other[2]) * volatility, rel=0.15)
    assert found != interval(own, historical(own, Model.HISTORICAL_1095))


def test_losses_are_divided_by_the_threshold_of_their_own_day(own: DailyHistory) -> None:
    paths = filtered_paths(own, Model.FILTERED_97, (LEVEL,))
    assert not isinstance(paths, Unknown)
    (path,) = paths
    expected = []
    for sign, side in ((-1, path.long), (1, path.short)):
        multiples = (sign * own.returns / side.var[:-1])[np.isfinite(side.var[:-1])][-1_095:]
        lower, upper = exact_ranks(multiples.size, Fraction(99, 100))
        ordered, now = np.sort(multiples), side.var[-1]
        scale = now / np.quantile(multiples, LEVEL)
        expected.append((now, ordered[lower - 1] * scale, ordered[upper - 1] * scale))
    expected.sort(reverse=True)
    found = interval(own, path)
    assert found.lower == rounded_figure(float(expected[0][1]))
    assert found.upper == rounded_figure(float(max(end[2] for end in expected)))


def test_stressed_observations_have_an_interval_of_their_own(own: DailyHistory) -> None:
    returns = own.returns.copy()
    returns[400:765] = np.clip(1.6 * returns[400:765], -0.9, 0.9)
    stressed = of(returns)
    path = historical(stressed, Model.HISTORICAL_365)
    found = interval(stressed, path, Tool.STRESSED)
    ends = []
    for sign in (-1, 1):
        losses = sign * returns
        windows = [losses[first : first + 365] for first in range(losses.size - 364)]
        worst = max(windows, key=lambda window: float(np.quantile(window, LEVEL)))
        pair = [value_at_risk(sample, LEVEL) for sample in (windows[-1], worst)]
        now, then = (p for p in pair if isinstance(p, TailEstimate))
        mixed = [
            max(a, 0.75 * a + 0.25 * b)
            for a, b in (
                (now.value, then.value),
                (now.lower or 0, then.lower or 0),
                (now.upper or 0, then.upper or 0),
            )
        ]
        ends.append(mixed)
    ends.sort(reverse=True)
    assert found.rate == rounded_figure(ends[0][0])
    assert found.lower == rounded_figure(ends[0][1])
    assert found.upper == rounded_figure(max(end[2] for end in ends))
    assert found.sample.startswith("the last 365 returns and the 365 returns up to 20")
    assert found.sample.endswith("(stressed)")


@pytest.mark.parametrize("tool", list(Tool))
@pytest.mark.parametrize("model", [Model.HISTORICAL_365, Model.FILTERED_94])
@pytest.mark.parametrize("horizon", [1, 4])
def test_the_rate_is_that_of_the_path_with_the_tool(
    own: DailyHistory, tool: Tool, model: Model, horizon: int
) -> None:
    if model is Model.HISTORICAL_365:
        path = historical(own, model)
    else:
        paths = filtered_paths(own, model, (LEVEL,))
        assert not isinstance(paths, Unknown)
        path = paths[0]
    found = interval(own, path, tool, horizon)
    applied = with_tool(path, tool, long_term(own, LEVEL))
    assert found.rate == rounded_figure(min(1.0, float(applied.margin[-1]) * horizon**0.5))
    assert found.upper is not None
    assert found.lower < found.rate < found.upper


def test_the_floor_has_the_interval_of_its_longer_sample() -> None:
    returns = history(1_500, seed=3).returns.copy()
    returns[-365:] *= 0.2
    own = of(returns)
    found = interval(own, historical(own, Model.HISTORICAL_365), Tool.FLOOR)
    worse, other = exact_sides(returns.tolist())
    assert (found.rate, found.lower) == (rounded_figure(worse[0]), rounded_figure(worse[1]))
    assert found.upper == rounded_figure(max(worse[2], other[2]))
    assert found.sample == "the last 365 returns and the last 1,500 returns (floor)"


def test_nothing_exceeds_the_whole_position() -> None:
    found = ThresholdInterval(0.4, 0.2, 0.9, "x").times(3)
    assert (found.rate, found.lower, found.upper) == (1.0, 0.6, 1.0)


def test_returns_that_do_not_differ_have_no_interval() -> None:
    own = of(np.concatenate([history(400).returns, np.zeros(365)]))
    found = threshold_interval(own, historical(own, Model.HISTORICAL_365), Tool.NONE, 1)
    assert found == Unknown("365 returns that do not differ")
