from pathlib import Path

import numpy as np
import pytest
from pyarrow import parquet

from harmonize.adequacy.overlapping import overlapping_value_at_risk
from harmonize.adequacy.rolling import rolling_tails
from harmonize.adequacy.tail import (
    TailEstimate,
    expected_shortfall,
    least_observations,
    rank_coverage,
    rank_interval,
    value_at_risk,
)
from harmonize.core.schedule import Unknown

TEN = -np.array([0.03, -0.01, 0.04, 0.01, -0.05, 0.09, 0.02, -0.06, 0.05, 0.035])
"""Losses in rising order: −9 −5 −4 −3.5 −3 −2 −1 1 5 6 %."""

RANKS = {  # binomial ranks, calculated independently; None: no upper bound
    (100, 0.975): None,
    (140, 0.975): (132, 140, 0.96217928),
    (348, 0.99): (340, 348, 0.96055632),
    (348, 0.995): None,
    (365, 0.975): (350, 362, 0.95859562),
    (365, 0.99): (357, 365, 0.96226522),
    (365, 0.995): None,
    (693, 0.995): (685, 693, 0.95988332),
    (730, 0.99): (717, 728, 0.95973935),
    (1095, 0.99): (1077, 1091, 0.96826266),
    (1095, 0.995): (1085, 1095, 0.97163762),
    (3120, 0.975): (3024, 3060, 0.96122299),
    (3120, 0.995): (3096, 3113, 0.97060089),
}

PUBLISHED = {  # 99 % moves as of 2026-03-03, worse side, calculated independently from the same closes
    "BTC": (0.062381688, 0.081377565, 0.14148817, 0.085818072, (0.064703023, 0.096211275)),
    "SOL": (0.11375354, 0.12023221, 0.30148267, 0.17522697, (0.11442401, 0.15173385)),
    "XRP": (0.11755538, 0.16809921, 0.36065492, 0.13849441, (0.12148449, 0.21011032)),
}
"""VaR of 365 and of 1,095 days, of the worst 365 days, of two days over 365 days, interval of 1,095 days."""


def known(estimate: TailEstimate | Unknown) -> TailEstimate:
    assert isinstance(estimate, TailEstimate)
    return estimate


def closes(asset: str) -> np.ndarray:
    path = Path(__file__).parent / "data" / "daily_closes.parquet"
    table = parquet.read_table(path, filters=[("symbol", "=", f"{asset}USDT")])
    return np.asarray(table.column("close").to_numpy(), dtype=np.float64)


def test_the_quantile_of_ten_losses_stands_where_type_7_puts_it() -> None:
    assert known(value_at_risk(TEN, 0.8)).value == pytest.approx(0.018, abs=1e-15)


@pytest.mark.parametrize(("level", "mean"), [(0.8, 0.055), (0.75, 0.046)])
def test_the_mean_of_the_tail_of_ten_losses_weighs_the_last_one_by_its_part(
    level: float, mean: float
) -> None:
    assert known(expected_shortfall(TEN, level)).value == pytest.approx(mean, abs=1e-15)


@pytest.mark.parametrize(("sample", "expected"), RANKS.items())
def test_ranks_enclose_the_quantile_with_the_binomial_probability(
    sample: tuple[int, float], expected: tuple[int, int, float] | None
) -> None:
    ranks = rank_interval(*sample)
    assert ranks == (expected and expected[:2])
    if ranks and expected:
        assert rank_coverage(*ranks, *sample) == pytest.approx(expected[2], abs=1e-8)


@pytest.mark.parametrize(("level", "least"), [(0.975, 140), (0.99, 348), (0.995, 693)])
def test_an_interval_is_bounded_above_from_a_number_of_observations_on(
    level: float, least: int
) -> None:
    assert rank_interval(least - 1, level) is None
    assert all(rank_interval(count, level) for count in range(least, least + 300, 7))


def test_an_interval_covers_the_true_quantile_as_often_as_stated() -> None:
    rng = np.random.default_rng(7)
    quantile = -np.log(1 - 0.99)  # of the exponential distribution
    estimates = [known(value_at_risk(rng.exponential(size=400), 0.99)) for _ in range(2000)]
    hits = [(e.lower or 0) <= quantile < (e.upper or 0) for e in estimates]
    assert 0.945 < np.mean(hits) < 0.985


def test_a_short_sample_has_no_upper_bound_and_a_shorter_one_no_number() -> None:
    rng = np.random.default_rng(1)
    short = known(value_at_risk(rng.standard_normal(300), 0.99))
    assert (short.upper, short.observations) == (np.inf, 300)
    assert short.lower is not None
    assert short.lower <= short.value
    for measure in (value_at_risk, expected_shortfall):
        assert measure(rng.standard_normal(99), 0.99) == Unknown(
            "99 observations, 100 are required at 0.99"
        )
    assert [least_observations(level) for level in (0.975, 0.99, 0.995)] == [40, 100, 200]


@pytest.mark.parametrize(
    ("losses", "message"),
    [
        (np.full(200, 0.01), "losses: all 200 rows are 0.01; use a series of traded prices"),
        (
            np.array([0.1, np.nan, 0.2]),
            "losses: row 1: expected a finite number, found nan; remove the row",
        ),
        (np.zeros((2, 3)), "losses: expected one dimension, found 2; pass one series"),
    ],
)
def test_losses_that_no_market_produces_are_refused_in_one_line(
    losses: np.ndarray, message: str
) -> None:
    with pytest.raises(ValueError, match="losses") as caught:
        value_at_risk(losses, 0.99)
    assert str(caught.value) == message


@pytest.mark.parametrize("asset", PUBLISHED)
def test_moves_of_real_closes_equal_those_calculated_independently(asset: str) -> None:
    year, three_years, worst_year, two_days, interval = PUBLISHED[asset]
    close = closes(asset)
    returns, longer = close[1:] / close[:-1] - 1, close[2:] / close[:-2] - 1

    def worse(moves: np.ndarray, count: int) -> TailEstimate:
        sides = [known(value_at_risk(side[-count:], 0.99)) for side in (moves, -moves)]
        return max(sides, key=lambda estimate: estimate.value)

    assert worse(returns, 365).value == pytest.approx(year, rel=1e-7)
    estimate = worse(returns, 1095)
    assert (estimate.value, estimate.lower, estimate.upper) == pytest.approx(
        (three_years, *interval), rel=1e-7
    )
    assert worse(longer, 365).value == pytest.approx(two_days, rel=1e-7)
    sides = np.stack([returns, -returns], axis=1)
    assert rolling_tails(sides, 365, (0.99,)).var.max() == pytest.approx(worst_year, rel=1e-7)


def test_overlapping_moves_have_a_wider_interval_and_the_same_one_each_time() -> None:
    close = closes("BTC")[-1200:]
    longer = close[5:] / close[:-5] - 1
    plain, overlapping = value_at_risk(-longer, 0.975), overlapping_value_at_risk(-longer, 0.975, 5)
    again = overlapping_value_at_risk(-longer, 0.975, 5)
    assert overlapping == again
    assert known(overlapping).value == known(plain).value
    width, plain_width = (
        (known(e).upper or 0) - (known(e).lower or 0) for e in (overlapping, plain)
    )
    assert width > plain_width


def test_overlapping_moves_are_unbounded_where_as_many_independent_ones_would_be() -> None:
    moves = np.random.default_rng(3).standard_normal(600)
    assert known(overlapping_value_at_risk(moves, 0.99, 2)).upper == np.inf
    assert known(overlapping_value_at_risk(moves, 0.99, 1)) == value_at_risk(moves, 0.99)
    assert isinstance(overlapping_value_at_risk(moves[:50], 0.99, 2), Unknown)
