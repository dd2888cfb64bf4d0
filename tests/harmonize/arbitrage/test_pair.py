"""Margin of a long on one venue and a short on another: ranges against random notionals."""

import numpy as np
import pytest

from harmonize.arbitrage.pair import Legs, compare_pair
from harmonize.core.venue_conventions import OffsetRule, combined_margin
from harmonize.numerics.offer import Offer, offer_margin
from tests.support.offers import curved, flat, marginal, random_flat, random_marginal


def combined(offer: Offer, rule: OffsetRule, size: float) -> float | None:
    """Returns the margin of both legs on one venue, independently of the code under test."""
    if rule is OffsetRule.NET:
        return 0.0
    if rule is OffsetRule.SUM:
        return offer_margin(offer, 2 * size)
    single = offer_margin(offer, size)
    return single if single is None or rule is OffsetRule.LARGER else 2 * single


def random_offer(rng: np.random.Generator) -> Offer:
    kind = int(rng.integers(0, 3))
    if kind == 2:
        return curved(rng)
    return (random_flat if kind else random_marginal)(rng, 4)


@pytest.mark.parametrize("rule", OffsetRule)
@pytest.mark.parametrize("seed", range(6))
def test_ranges_are_where_the_pair_requires_less(seed: int, rule: OffsetRule) -> None:
    rng = np.random.default_rng(seed)
    long, short, both = (random_offer(rng) for _ in range(3))
    result = compare_pair(Legs(long, short, both, rule), [], 0.1)
    for size in np.exp(rng.uniform(0, np.log(result.compared), 200)):
        legs = [offer_margin(offer, size) for offer in (long, short)]
        alone = combined(both, rule, size)
        assert None not in {*legs, alone}
        less = sum(leg or 0.0 for leg in legs) < (alone or 0.0) * (1 - 1e-6)
        more = sum(leg or 0.0 for leg in legs) > (alone or 0.0) * (1 + 1e-6)
        inside = any(low < size <= high for low, high in result.cheaper)
        assert inside or not less
        assert not (inside and more)


def test_points_and_break_even_by_hand() -> None:
    legs = Legs(
        flat([1e6], [0.01]),
        flat([1e6], [0.02]),
        marginal([1e5, 1e6], [0.01, 0.05]),
        OffsetRule.LARGER,
    )
    result = compare_pair(legs, [1e5, 5e5, 2e6], 0.1)
    first, second, beyond = result.points
    assert (first.long, first.short, first.total, first.alone) == pytest.approx(
        (1000, 2000, 3000, 1000)
    )
    assert first.break_even == pytest.approx(0.1 * 0.03)
    # 0.03 N = 1,000 + 0.05 (N − 100,000) at N = 200,000: above it the one venue requires more.
    assert second.alone == pytest.approx(21_000)
    ((low, high),) = result.cheaper
    assert (low, high) == pytest.approx((2e5, 1e6))
    assert (beyond.total, beyond.alone, beyond.break_even) == (None, None, None)
    assert result.compared == 1e6


def test_a_pair_never_beats_a_venue_that_nets() -> None:
    legs = Legs(flat([1e6], [0.01]), flat([1e6], [0.02]), flat([10.0], [0.01]), OffsetRule.NET)
    result = compare_pair(legs, [1000.0], 0.1)
    assert result.cheaper == ()
    assert result.points[0].alone == 0.0


@pytest.mark.parametrize(
    ("rule", "expected"),
    [
        (OffsetRule.NET, 0.02 * 2000),
        (OffsetRule.LARGER, 0.02 * 3000),
        (OffsetRule.SUM, 0.02 * 4000),
        (OffsetRule.SEPARATE, 0.02 * 3000 + 0.01 * 1000),
    ],
)
def test_opposite_positions_are_combined_by_the_rule(rule: OffsetRule, expected: float) -> None:
    offer = flat([1000.0, 4000.0], [0.01, 0.02])
    assert combined_margin(
        rule, lambda size: offer_margin(offer, size), 3000.0, 1000.0
    ) == pytest.approx(expected)
    assert combined_margin(
        rule, lambda size: offer_margin(offer, size), 1000.0, 3000.0
    ) == pytest.approx(expected)


def test_a_combined_margin_is_unknown_if_one_side_is() -> None:
    offer = flat([1000.0], [0.01])
    assert (
        combined_margin(OffsetRule.SEPARATE, lambda size: offer_margin(offer, size), 2000.0, 500.0)
        is None
    )
    assert (
        combined_margin(OffsetRule.SUM, lambda size: offer_margin(offer, size), 600.0, 600.0)
        is None
    )
    assert (
        combined_margin(OffsetRule.NET, lambda size: offer_margin(offer, size), 600.0, 600.0) == 0.0
    )
