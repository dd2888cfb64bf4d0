from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal as D

import pytest

from harmonize.adequacy.position import position_margins
from harmonize.core.date_precision import NO_LATER_THAN
from harmonize.core.instrument import contract
from harmonize.core.payload import Origin
from harmonize.core.schedule import (
    FeeAddOn,
    Known,
    MaintenanceMeaning,
    MarginMode,
    MarginSchedule,
    Profile,
    Tier,
    TierRule,
    Unknown,
    flat,
    marginal,
)

OBSERVED = datetime(2025, 12, 25, tzinfo=UTC)
BOUNDS = [D(100_000), D(1_000_000)]


def schedule() -> MarginSchedule:
    """IM 2 % and 5 % on the whole position; MM 1 % of the first 100k and 2.5 % of the rest."""
    initial, maintenance = [D("0.02"), D("0.05")], [D("0.01"), D("0.025")]
    return MarginSchedule(
        instrument=contract("binance", "BTCUSDT", base="BTC", quote="USDT", settle="USDT"),
        profile=Profile(MarginMode.ISOLATED),
        observed_at=OBSERVED,
        dates=(OBSERVED,),
        origin=Origin.RECORDED,
        rule=TierRule.MARGINAL,
        tiers=tuple(Tier(*row) for row in zip(BOUNDS, initial, maintenance, strict=True)),
        initial=Known(flat(BOUNDS, initial)),
        maintenance=Known(marginal(BOUNDS, maintenance)),
        capacity=Known(BOUNDS[-1]),
        meaning=MaintenanceMeaning.LIQUIDATION,
        fee=FeeAddOn("none", Known(D(0))),
        evidence=(),
        precision=NO_LATER_THAN,
    )


def test_rates_are_margin_over_notional_with_the_tier_of_the_notional() -> None:
    position = position_margins(schedule(), 400_000)
    # MM = 0.01 · 100,000 + 0.025 · 300,000 = 8,500.
    assert (position.initial, position.maintenance) == pytest.approx((0.05, 0.02125))
    assert position.tier == schedule().tiers[1]
    assert (position.venue, position.underlying) == ("binance", "BTC")
    assert (position.profile, position.notional) == ("isolated", 400_000)
    assert (position.observed_at, position.precision) == (OBSERVED, NO_LATER_THAN)
    at_bound = position_margins(schedule(), 100_000)
    assert (at_bound.initial, at_bound.maintenance) == pytest.approx((0.02, 0.01))
    assert at_bound.tier == schedule().tiers[0]


def test_a_size_above_the_capacity_has_no_margin() -> None:
    position = position_margins(schedule(), 2_000_000)
    reason = Unknown("the venue accepts positions up to $1,000,000")
    assert (position.initial, position.maintenance, position.tier) == (reason, reason, None)
    unlimited = replace(schedule(), capacity=Unknown("not published"))
    beyond = position_margins(unlimited, 2_000_000)
    assert beyond.initial == Unknown("IM is published up to $1,000,000")


def test_a_lower_bound_is_no_margin() -> None:
    position = position_margins(replace(schedule(), known_up_to=D(50_000)), 100_000)
    assert position.initial == Unknown("IM is known up to $50,000 only")
    assert position.maintenance == Unknown("MM is known up to $50,000 only")
    without_sizes = position_margins(replace(schedule(), known_up_to=D(0)), 100_000)
    reason = Unknown("IM is published without position sizes: a lower bound")
    assert without_sizes.initial == reason


def test_an_unknown_margin_stays_unknown() -> None:
    position = position_margins(
        replace(schedule(), maintenance=Unknown("the venue publishes no MM")), 100_000
    )
    assert position.initial == pytest.approx(0.02)
    assert position.maintenance == Unknown("MM is unknown: the venue publishes no MM")


def test_a_margin_call_is_not_closed_out() -> None:
    position = position_margins(replace(schedule(), meaning=MaintenanceMeaning.CALL), 100_000)
    assert position.maintenance == Unknown("MM is a margin call, at which nothing is liquidated")


def test_a_margin_above_the_position_is_no_rate() -> None:
    dear = replace(schedule(), initial=Known(flat(BOUNDS, [D("0.02"), D("1.5")])))
    assert position_margins(dear, 500_000).initial == Unknown(
        "IM of 150.0 % of the position cannot be tested against moves"
    )


@pytest.mark.parametrize("notional", [0.0, -1.0, float("inf"), float("nan")])
def test_a_size_that_is_none_is_refused(notional: float) -> None:
    with pytest.raises(ValueError, match="notional: expected above 0 USD"):
        position_margins(schedule(), notional)
