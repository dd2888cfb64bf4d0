"""The review of a margin against moves counted by hand."""

from datetime import date
from math import erfc, log, sqrt

import numpy as np
import pytest

from harmonize.adequacy.horizons import Side
from harmonize.calibration.review import (
    SideReview,
    WorstBreach,
    least_moves_for_too_few,
    next_review,
    p_without_breaches,
    review_sides,
)
from harmonize.calibration.walk_forward import DailyMargins
from harmonize.market.prices import PriceSeries
from tests.harmonize.market.small import series


def constant(prices: PriceSeries, rate: float) -> DailyMargins:
    return DailyMargins(prices, np.full(prices.times.size, rate))


def kupiec(breaches: int, observations: int) -> float:
    """p-value of the test at 1 %; the tail of chi-squared with one degree by the error function."""
    rate, calm = breaches / observations, observations - breaches
    expected = breaches * log(0.01) + calm * log(0.99)
    observed = (breaches * log(rate) if breaches else 0) + (calm * log(1 - rate) if calm else 0)
    return erfc(sqrt(max(0.0, 2 * (observed - expected))) / sqrt(2))


def test_coverage_cost_and_worst_breach_are_those_of_the_days() -> None:
    prices = series([100.0, 102, 90, 90.9, 109.08, 108])
    margins = DailyMargins(prices, np.array([0.05, 0.10, 0.05, 0.10, np.nan, 0.1]))
    long, short = review_sides("X", margins, 1)
    assert long == SideReview(
        asset="X",
        side=Side.LONG,
        days=1,
        observations=4,  # the move from the day without a margin is not tested
        breaches=1,
        first=date(2024, 1, 1),
        last=date(2024, 1, 5),
        mean_margin=pytest.approx(0.075),  # type: ignore[arg-type]
        worst=WorstBreach(date(2024, 1, 3), pytest.approx(1 - 90 / 102), 0.10),  # type: ignore[arg-type]
    )
    assert (short.breaches, short.worst and short.worst.day) == (1, date(2024, 1, 5))
    assert short.worst is not None
    assert short.worst.uncovered == pytest.approx(109.08 / 90.9 - 1 - 0.10)
    assert (long.coverage, long.p_value, long.is_rejected) == (None, None, False)


def test_the_worst_breach_is_the_largest_above_its_own_margin() -> None:
    prices = series([100.0, 70, 70, 49.7])
    margins = DailyMargins(prices, np.array([0.05, 0.05, 0.01, 0.05]))
    worst = review_sides("X", margins, 1)[0].worst
    assert worst is not None
    assert worst.day == date(2024, 1, 4)
    assert worst.uncovered == pytest.approx(0.28)


def test_few_moves_cannot_have_too_few_breaches() -> None:
    assert p_without_breaches(111, 1) == pytest.approx(kupiec(0, 111))
    assert f"{kupiec(0, 111):.3f}" == "0.135"
    least = least_moves_for_too_few(1)
    assert least == next(count for count in range(100, 1_000) if kupiec(0, count) < 0.05) == 192
    assert least_moves_for_too_few(2) > 2 * least  # the smaller p of two phases counts twice
    assert p_without_breaches(99, 1) == 1.0  # not tested


@pytest.mark.parametrize("breaches", [0, 1, 2, 7, 12])
def test_the_test_is_that_of_kupiec(breaches: int) -> None:
    closes = [1.0]
    for day in range(300):
        closes.append(closes[-1] * (0.8 if day < breaches else 1.001))
    long, short = review_sides("X", constant(series(closes), 0.1), 1)
    assert long.p_value == pytest.approx(kupiec(breaches, 300), rel=1e-9)
    assert long.coverage == pytest.approx(1 - breaches / 300)
    assert long.is_rejected == (breaches >= 7)
    assert (short.breaches, short.is_rejected) == (
        0,
        False,
    )  # too few breaches are no fault of coverage
    assert short.p_value == pytest.approx(kupiec(0, 300), rel=1e-9)


def test_moves_of_two_days_are_tested_by_phase() -> None:
    closes = [1.0]
    for day in range(401):
        closes.append(closes[-1] * (0.85 if day == 100 else 1.0001))
    long, _ = review_sides("X", constant(series(closes), 0.1), 2)
    assert (long.observations, long.breaches) == (400, 2)  # one move per phase
    assert long.p_value == pytest.approx(min(1.0, 2 * kupiec(1, 200)), rel=1e-9)


@pytest.mark.parametrize(("moves", "is_tested"), [(199, False), (200, True)])
def test_a_test_needs_a_hundred_moves_per_phase(moves: int, *, is_tested: bool) -> None:
    prices = series(np.cumprod(np.full(moves + 2, 1.0001)).tolist())
    long, _ = review_sides("X", constant(prices, 0.1), 2)
    assert (long.observations, long.coverage) == (moves, 1.0)
    assert (long.p_value is not None) == is_tested


def test_only_moves_since_a_day_are_reviewed() -> None:
    prices = series([100.0, 50, 100, 101, 102])
    reviews = review_sides("X", constant(prices, 0.1), 1, date(2024, 1, 3))
    assert [(review.observations, review.breaches, review.first) for review in reviews] == [
        (2, 0, date(2024, 1, 3))
    ] * 2
    nothing = review_sides("X", constant(prices, 0.1), 1, date(2024, 1, 5))
    assert [(review.observations, review.first, review.worst) for review in nothing] == [
        (0, None, None)
    ] * 2


def test_the_next_review_is_a_quarter_later() -> None:
    assert next_review(date(2026, 3, 3)) == date(2026, 6, 2)
