"""Contributions: sums, a case by hand, symmetry, and sampling against the exact values."""

from itertools import permutations

import numpy as np
import pytest

from harmonize.stress import contributions as module
from harmonize.stress.contributions import contributions
from harmonize.stress.curve import curve
from harmonize.stress.errors import StressInputError
from harmonize.stress.impact import LinearImpact
from harmonize.stress.thresholds import Thresholds
from tests.harmonize.stress.markets import stated

IMPACT = LinearImpact(5e-10)


def market(venues: int, seed: int = 3, rows: int = 300) -> Thresholds:
    rng = np.random.default_rng(seed)
    codes = np.concatenate([np.arange(venues), rng.integers(0, venues, rows - venues)])
    return stated(rng.uniform(0.0, 0.5, rows), rng.uniform(1e5, 2e6, rows), venue=codes)


def without(given: Thresholds, venues: set[int]) -> float:
    keep = ~np.isin(given.venue, list(venues))
    left = stated(given.fall[keep], given.notional[keep])
    return float(curve(left, IMPACT, [0.1]).liquidated[0])


def test_values_of_two_venues_by_hand() -> None:
    # Venue a sells $200m at 4 %, which moves the price by 1 %; b is liquidated at 4.5 % only after a.
    given = stated([0.04, 0.045], [2e8, 3e8], venue=[0, 1])
    found = contributions(given, LinearImpact(5e-11), 0.04)
    assert found.liquidated == pytest.approx([2e8, 3e8])
    assert found.leave_one_out == pytest.approx([5e8, 3e8])
    assert found.shapley == pytest.approx([3.5e8, 1.5e8])  # a first: 200, b 300; b first: 0, a 500
    assert found.shapley_to_open_interest == pytest.approx([0.7 / 0.4, 0.3 / 0.6])


def test_values_equal_the_mean_over_all_orders() -> None:
    given = market(4)
    found = contributions(given, IMPACT, 0.1)
    expected = np.zeros(4)
    orders = list(permutations(range(4)))
    for order in orders:
        for place, venue in enumerate(order):
            before, after = set(order[place:]), set(order[place + 1 :])
            value = 0.0 if len(before) == 4 else without(given, before)
            expected[venue] += (without(given, after) - value) / len(orders)
    assert found.shapley == pytest.approx(expected)
    alone = [without(given, {venue}) for venue in range(4)]
    assert found.leave_one_out == pytest.approx([found.total - value for value in alone])


@pytest.mark.parametrize("venues", [1, 5, 12, 14])
def test_shapley_values_sum_to_the_total(venues: int) -> None:
    given = market(venues)
    found = contributions(given, IMPACT, 0.1, permutations=50)
    expected = float(curve(given, IMPACT, [0.1]).liquidated[0])
    assert found.total == pytest.approx(expected)
    assert found.shapley.sum() == pytest.approx(expected)
    assert found.is_exact == (venues <= 12)


def test_sampled_values_approach_the_exact_ones(monkeypatch: pytest.MonkeyPatch) -> None:
    given = market(6)
    exact = contributions(given, IMPACT, 0.1)
    monkeypatch.setattr(module, "EXACT_VENUES", 5)
    sampled = contributions(given, IMPACT, 0.1, seed=1)
    assert not sampled.is_exact
    assert sampled.shapley == pytest.approx(exact.shapley, rel=0.03)
    assert np.array_equal(sampled.shapley, contributions(given, IMPACT, 0.1, seed=1).shapley)


def test_a_venue_without_positions_contributes_nothing() -> None:
    given = stated([0.04, 0.05], [1e8, 1e8], venue=[0, 2])
    found = contributions(given, IMPACT, 0.1)
    assert (found.shapley[1], found.leave_one_out[1]) == (0.0, 0.0)
    assert np.isnan(found.shapley_to_open_interest[1])


def test_a_number_of_permutations_is_at_least_one() -> None:
    with pytest.raises(StressInputError, match="permutations: expected a number from 1, found 0"):
        contributions(market(2), IMPACT, 0.1, permutations=0)


def test_smooth_values_sum_to_what_the_rows_liquidate() -> None:
    given = market(4, rows=4000)
    rows, smooth = (contributions(given, IMPACT, 0.1, is_smooth=own) for own in (False, True))
    assert smooth.liquidated.tolist() == rows.liquidated.tolist()
    assert smooth.shapley.sum() == pytest.approx(rows.total)
    assert smooth.shapley == pytest.approx(rows.shapley, rel=0.05)


def test_a_market_below_its_first_fall_liquidates_nothing_smoothly() -> None:
    found = contributions(stated([0.2, 0.3], [1e6, 1e6], venue=[0, 1]), IMPACT, 0.1, is_smooth=True)
    assert found.total == found.shapley.sum() == found.leave_one_out.sum() == 0.0
