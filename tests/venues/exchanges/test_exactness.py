"""Every recorded schedule, evaluated at a million positions, against exact arithmetic."""

from decimal import Decimal

import numpy as np

from harmonize.core.schedule import Tier, TierRule, value_of
from harmonize.numerics.panel import build_panel
from tests.support import oracles, recorded
from venues.registry import VENUES

PAIRS = 1_000_000
FUNCTIONS = [
    function
    for adapter in VENUES
    for schedule in recorded.schedules(adapter.venue)
    for observed in (schedule.initial, schedule.maintenance)
    for function in [value_of(observed)]
    if function is not None
]


def test_a_million_recorded_margins_agree_with_fractions_to_a_trillionth() -> None:
    rng = np.random.default_rng(20260702)
    which = rng.integers(0, len(FUNCTIONS), PAIRS)
    notional = 10.0 ** rng.uniform(-1, 11, PAIRS)
    bounds = [
        [float(piece.upper) for piece in function.pieces if piece.upper.is_finite()] or [1e6]
        for function in FUNCTIONS
    ]
    exactly = rng.random(PAIRS) < 0.3  # on a bound, or one float below or above it
    for place in np.flatnonzero(exactly):
        own = bounds[which[place]]
        bound = own[int(rng.integers(len(own)))]
        notional[place] = rng.choice([np.nextafter(bound, 0.0), bound, np.nextafter(bound, 1e30)])
    margins = build_panel(FUNCTIONS).evaluate(which, notional)
    assert len(FUNCTIONS) > 3800
    assert oracles.mismatches(FUNCTIONS, which, notional, margins) == []


def test_recorded_marginal_margins_are_the_sum_over_slices_of_the_published_tiers() -> None:
    rng = np.random.default_rng(1)
    for venue in ("binance", "bybit", "krakenfutures", "hyperliquid"):
        for schedule in recorded.schedules(venue):
            function = value_of(schedule.maintenance)
            if function is None or schedule.rule is not TierRule.MARGINAL:
                continue
            uppers = [tier.upper for tier in schedule.tiers]
            rates = [rate_of(tier) for tier in schedule.tiers]
            top = float(uppers[-1]) if uppers[-1].is_finite() else 1e10
            notional = rng.uniform(0.0, top, 20)
            margins = build_panel([function]).evaluate(np.zeros(20, np.intp), notional)
            for size, margin in zip(notional.tolist(), margins.tolist(), strict=True):
                expected = oracles.exact_marginal_margin(uppers, rates, size)
                assert abs(margin - expected) <= expected / 10**12, schedule.key


def rate_of(tier: Tier) -> Decimal:
    assert tier.maintenance_rate is not None
    return tier.maintenance_rate
