"""Distance to liquidation of schedules: margin basis, leverage, fees, and reasons for no distance."""

from dataclasses import replace

import pytest

from harmonize.comparison.universe import build_universe
from harmonize.core.instrument import Payoff, contract
from harmonize.core.payload import Column, Evidence
from harmonize.core.schedule import FeeAddOn, MarginSchedule, Unknown
from harmonize.core.venue_conventions import VenueConventions
from harmonize.document import LiquidationRow
from harmonize.liquidation.distance import LiquidationTerms, liquidation_rows, margin_basis
from harmonize.liquidation.price import MarginBasis
from tests.harmonize.checks.examples import NOW, flat_schedule

TIERED = flat_schedule((1000, "0.05", "0.01"), (5000, "0.1", "0.05"))


def bounded(unit: str, payoff: Payoff = Payoff.LINEAR) -> MarginSchedule:
    settle = "USDT" if payoff is Payoff.LINEAR else "BTC"
    quote = "USDT" if payoff is Payoff.LINEAR else "USD"
    instrument = contract("okx", "BTC", base="BTC", quote=quote, settle=settle)
    columns = (Column("upper", "/u", unit), Column("initial", "/i", "rate"))
    return replace(TIERED, instrument=instrument, evidence=(Evidence("0" * 64, ("/0",), columns),))


def rows(
    schedule: MarginSchedule,
    entry: LiquidationTerms,
    conventions: dict[str, VenueConventions] | None = None,
) -> list[LiquidationRow]:
    universe = build_universe([schedule], (), (), NOW, {}, venues=1)
    return list(liquidation_rows(universe, universe.peer_groups, conventions or {}, entry))


@pytest.mark.parametrize(
    ("unit", "payoff", "basis"),
    [
        ("contracts", Payoff.LINEAR, MarginBasis.QUANTITY),
        ("coins", Payoff.LINEAR, MarginBasis.QUANTITY),
        ("quote currency", Payoff.LINEAR, MarginBasis.VALUE),
        ("contracts", Payoff.INVERSE, MarginBasis.QUANTITY),
        ("coins", Payoff.INVERSE, MarginBasis.VALUE),
        ("settlement currency", Payoff.INVERSE, MarginBasis.VALUE),
    ],
)
def test_the_unit_of_the_bounds_decides_the_margin_basis(
    unit: str, payoff: Payoff, basis: MarginBasis
) -> None:
    assert margin_basis(bounded(unit, payoff), {}) is basis
    entry = VenueConventions("okx", None, "entry", "sourced", "a page")
    assert margin_basis(bounded(unit, payoff), {"okx": entry}) is MarginBasis.ENTRY


def test_distances_follow_the_tiers_unit() -> None:
    entry = LiquidationTerms(1100.0, leverage=5.0)
    (by_value, _), (by_quantity, _) = (
        rows(bounded(unit), entry) for unit in ("quote currency", "contracts")
    )
    # The long falls into the first tier (1 %), or keeps the second (5 %).
    assert by_value.adverse_move_long == pytest.approx(1 - 0.8 / 0.99)
    assert by_quantity.adverse_move_long == pytest.approx(1 - 0.8 / 0.95)
    at_entry = VenueConventions("okx", None, "entry", "sourced", "a page")
    (fixed, _) = rows(bounded("contracts"), entry, {"okx": at_entry})
    assert fixed.adverse_move_long == pytest.approx((220 - 55) / 1100)


def test_more_leverage_than_a_venue_allows_has_a_reason() -> None:
    equal, largest = rows(TIERED, LiquidationTerms(1100.0, leverage=20.0))
    assert (equal.adverse_move_long, equal.reason) == (None, "allows at most 10x at that size")
    assert largest.leverage == pytest.approx(10.0)
    assert largest.adverse_move_long == pytest.approx(1 - 0.9 / 0.95)  # still in the second tier


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"initial": Unknown("none")}, "IM is not observable"),
        ({"maintenance": Unknown("none")}, "MM is not observable"),
        (
            {"instrument": contract("okx", "X", base="BTC", quote="USD", settle="ETH")},
            "quanto contract: the loss depends on a third currency",
        ),
        (
            {"maintenance": TIERED.initial},
            "initial margin does not exceed maintenance margin and fee at that size",
        ),
    ],
)
def test_why_there_is_no_distance(change: dict[str, object], reason: str) -> None:
    schedule = replace(TIERED, **change)  # type: ignore[arg-type] # each case changes what it names
    (_, largest) = rows(schedule, LiquidationTerms(500.0, leverage=20.0))
    assert largest.reason == reason
    assert largest.adverse_move_long is None


def test_a_position_above_the_largest_has_a_reason() -> None:
    (equal, _) = rows(TIERED, LiquidationTerms(6000.0))
    assert equal.reason == "accepts no position above $5,000"


@pytest.mark.parametrize(
    ("rule", "taker", "fee", "reason"),
    [
        ("none", 0.001, 0.0, ""),
        ("none stated", None, 0.0, ""),
        ("not stated", 0.001, None, "the venue does not state whether it adds a fee"),
        ("close fee on notional", 0.001, 0.001, ""),
        ("close fee on notional", None, None, "fee add-on excluded: close fee on notional"),
    ],
)
def test_a_fee_counts_if_the_venue_adds_one(
    rule: str, taker: float | None, fee: float | None, reason: str
) -> None:
    schedule = replace(TIERED, fee=FeeAddOn(rule, Unknown("depends on the account")))
    (equal, _) = rows(schedule, LiquidationTerms(500.0, leverage=10.0, fee=taker))
    assert (equal.fee_rate, equal.reason) == (fee, reason)
    assert equal.adverse_move_long == pytest.approx(1 - 0.9 / (0.99 - (fee or 0.0)))
