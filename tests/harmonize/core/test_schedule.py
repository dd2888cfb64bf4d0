import math
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from fractions import Fraction
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harmonize.core.instrument import contract
from harmonize.core.payload import Origin
from harmonize.core.schedule import (
    INFINITY,
    ZERO,
    Derived,
    FeeAddOn,
    Known,
    MaintenanceMeaning,
    MarginFunction,
    MarginMode,
    MarginSchedule,
    Piece,
    Profile,
    TierRule,
    Unknown,
    deductions,
    flat,
    known_or_none,
    marginal,
    piece_margin,
    reason_of,
    value_of,
)
from tests.support import oracles, strategies

BINANCE_2020_BOUNDS = tuple(Decimal(bound) for bound in (50_000, 250_000, 1_000_000, 5_000_000))
BINANCE_2020_RATES = tuple(Decimal(rate) for rate in ("0.004", "0.005", "0.01", "0.025"))

RELATIVE = Fraction(1, 10**12)  # error of float64 relative to the terms

notionals = st.floats(1e-6, 2e9)


def has_margin(tiers: strategies.Tiers, notional: float) -> bool:
    return notional <= float(tiers[0][-1])


def test_deductions_equal_the_amounts_published_by_binance() -> None:
    printed = (Decimal(0), Decimal(50), Decimal(1_300), Decimal(16_300))
    assert deductions(BINANCE_2020_BOUNDS, BINANCE_2020_RATES) == printed


@given(strategies.tiers(), notionals)
def test_marginal_equals_the_sum_over_slices(tiers: strategies.Tiers, notional: float) -> None:
    expected = (
        oracles.exact_marginal_margin(*tiers, notional) if has_margin(tiers, notional) else None
    )
    assert oracles.exact_margin(marginal(*tiers), notional) == expected


@given(strategies.tiers(), notionals)
def test_flat_applies_the_rate_to_the_whole_position(
    tiers: strategies.Tiers, notional: float
) -> None:
    expected = oracles.exact_flat_margin(*tiers, notional) if has_margin(tiers, notional) else None
    assert oracles.exact_margin(flat(*tiers), notional) == expected


@given(strategies.tiers(2))
def test_marginal_is_continuous_at_every_bound(tiers: strategies.Tiers) -> None:
    for below, above in pairwise(marginal(*tiers).pieces):
        bound = Fraction(below.upper)
        left = Fraction(below.fixed) + Fraction(below.rate) * bound
        right = Fraction(above.fixed) + Fraction(above.rate) * bound
        assert left == right


@given(strategies.tiers(2))
def test_flat_jumps_at_every_bound_by_bound_times_rate_step(tiers: strategies.Tiers) -> None:
    uppers, rates = tiers
    function = flat(uppers, rates)
    for (below, above), upper in zip(pairwise(rates), uppers, strict=False):
        left = function.pieces[uppers.index(upper)]
        right = function.pieces[uppers.index(upper) + 1]
        jump = Fraction(right.rate - left.rate) * Fraction(upper)
        assert jump == Fraction(upper) * (Fraction(above) - Fraction(below))
        assert (left.fixed, right.fixed) == (ZERO, ZERO)


@given(strategies.tiers(), notionals)
def test_marginal_is_at_most_flat_if_rates_rise(tiers: strategies.Tiers, notional: float) -> None:
    uppers, rates = tiers[0], sorted(tiers[1])
    marginal_margin = oracles.exact_margin(marginal(uppers, rates), notional)
    flat_margin = oracles.exact_margin(flat(uppers, rates), notional)
    assert (marginal_margin is None and flat_margin is None) or (marginal_margin or 0) <= (
        flat_margin or 0
    )


@given(strategies.closed_tiers, st.data(), notionals)
def test_splitting_a_tier_in_two_with_one_rate_changes_nothing(
    tiers: strategies.Tiers, data: st.DataObject, notional: float
) -> None:
    uppers, rates = tiers
    tier = data.draw(st.integers(0, len(uppers) - 1))
    below = uppers[tier - 1] if tier else ZERO
    middle = (below + uppers[tier]) / 2
    split = (*uppers[:tier], middle, *uppers[tier:]), (*rates[:tier], rates[tier], *rates[tier:])
    for build in (flat, marginal):
        assert oracles.exact_margin(build(*split), notional) == oracles.exact_margin(
            build(*tiers), notional
        )


@given(strategies.tiers(), notionals, st.sampled_from((2, 8, 1024)))
def test_margin_scales_with_the_unit(tiers: strategies.Tiers, notional: float, unit: int) -> None:
    uppers, rates = tiers
    larger = [upper * unit for upper in uppers]
    for build in (flat, marginal):
        margin = oracles.exact_margin(build(uppers, rates), notional)
        scaled = oracles.exact_margin(build(larger, rates), notional * unit)
        assert scaled == (None if margin is None else margin * unit)


@pytest.mark.parametrize(
    "uppers",
    [(0,), (-1,), (2, 1), (1, 1), (1, "Infinity", 5), (1, "Infinity", "Infinity")],
)
def test_pieces_that_do_not_rise_from_0_are_rejected(uppers: tuple[str | int, ...]) -> None:
    pieces = tuple(Piece(Decimal(upper)) for upper in uppers)
    with pytest.raises(
        ValueError, match=r"pieces: expected bounds that rise from 0, found \S+ after"
    ):
        MarginFunction(pieces)


def test_a_function_without_pieces_is_rejected() -> None:
    with pytest.raises(ValueError, match="at least one piece"):
        MarginFunction(())


@pytest.mark.parametrize("build", [flat, marginal])
@pytest.mark.parametrize(("bounds", "rates"), [(2, 1), (1, 2), (1, 0)])
def test_every_bound_needs_a_rate(build: type[MarginFunction], bounds: int, rates: int) -> None:
    uppers = [Decimal(bound) for bound in range(1, bounds + 1)]
    with pytest.raises(ValueError, match=r"zip\(\) argument"):
        build(uppers, [Decimal("0.1")] * rates)  # type: ignore[call-arg, arg-type] # flat, marginal


@given(strategies.margin_functions, st.data())
def test_margin_of_one_position_agrees_with_exact_fractions(
    function: MarginFunction, data: st.DataObject
) -> None:
    notional = data.draw(strategies.notionals(function))
    margin, expected = function.margin(notional), oracles.exact_margin(function, notional)
    assert (margin is None) == (expected is None)
    if margin is not None and expected is not None:
        piece = next(piece for piece in function.pieces if notional <= float(piece.upper))
        assert margin == piece.margin(notional)
        terms = (
            abs(Fraction(piece.fixed)),
            abs(Fraction(piece.rate)) * Fraction(notional),
            expected,
        )
        assert abs(Fraction(margin) - expected) <= RELATIVE * sum(terms)


@pytest.mark.parametrize("notional", [-1.0, 0.0, math.nan, math.inf])
def test_margin_has_no_value_outside_positive_finite_notionals(notional: float) -> None:
    assert flat((INFINITY,), (Decimal("0.1"),)).margin(notional) is None


def test_margin_at_a_bound_belongs_to_the_tier_below() -> None:
    function = flat((Decimal(1_000), Decimal(5_000)), (Decimal("0.01"), Decimal("0.02")))
    assert function.margin(1_000.0) == 10.0
    assert function.margin(math.nextafter(1_000.0, 2_000.0)) == pytest.approx(20.0)
    assert function.margin(math.nextafter(5_000.0, 6_000.0)) is None


def test_a_piece_has_a_margin_beyond_its_bounds() -> None:
    piece = Piece(Decimal(10), Decimal(-3), Decimal("0.5"), Decimal("0.25"), Decimal(2))
    assert piece.margin(100.0) == -3 + 50 + 2_500
    assert piece_margin(1.0, 0.5, 0.0, 2.0, 4.0) == 3.0


def test_the_last_bound_is_the_largest_notional() -> None:
    assert flat((Decimal(5), Decimal(9)), (Decimal(1), Decimal(1))).upper == 9
    assert marginal((Decimal(5), INFINITY), (Decimal(1), Decimal(1))).upper == INFINITY


def test_a_profile_prints_only_narrowing_settings() -> None:
    assert str(Profile(MarginMode.ANY)) == "any"
    assert str(Profile(MarginMode.CROSS, position_mode="hedge")) == "cross, hedge"
    assert str(Profile(MarginMode.ANY, "unified", chosen_leverage="20")) == "unified, at 20x"


def test_value_of_an_unknown_is_none() -> None:
    assert value_of(Known(Decimal(1))) == 1
    assert value_of(Derived(Decimal(2), "half of the initial margin")) == 2
    assert value_of(Unknown("not published")) is None


def test_a_schedule_key_is_venue_symbol_and_profile() -> None:
    function = Known(flat((INFINITY,), (Decimal("0.01"),)))
    schedule = MarginSchedule(
        instrument=contract("gate", "BTC_USDT", base="BTC", quote="USDT", settle="USDT"),
        profile=Profile(MarginMode.ISOLATED),
        observed_at=datetime(2026, 1, 1, tzinfo=UTC),
        dates=(),
        origin=Origin.RECORDED,
        rule=TierRule.FLAT,
        tiers=(),
        initial=function,
        maintenance=function,
        capacity=Unknown("not published"),
        meaning=MaintenanceMeaning.LIQUIDATION,
        fee=FeeAddOn("taker", Unknown("not published")),
        evidence=(),
    )
    assert schedule.key == ("gate", "BTC/USDT:USDT", "isolated")
    assert replace(schedule, profile=Profile(MarginMode.ANY)).key[2] == "any"


def test_a_value_is_itself_and_an_unknown_one_its_reason() -> None:
    assert (known_or_none(0.0), reason_of(0.0)) == (0.0, "")
    unknown = Unknown("not observed")
    assert (known_or_none(unknown), reason_of(unknown)) == (None, "not observed")
