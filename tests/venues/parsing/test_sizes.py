"""Sizes up to which rates are the venue's margin: tiers, lowest rates, and formulas at 100 %."""

from collections import Counter
from dataclasses import replace
from decimal import Decimal as D
from fractions import Fraction
from typing import Any

import pytest

from harmonize.core.schedule import (
    INFINITY,
    Derived,
    Known,
    MarginFunction,
    MarginSchedule,
    TierRule,
    value_of,
)
from tests.support import recorded
from tests.support.altered_snapshots import altered
from venues import facts, registry
from venues.exchanges import kucoin
from venues.facts import Facts, Sizes
from venues.parsing import formulas

LOWER_BOUNDS = {
    "bequant": 2,
    "bigone": 3,
    "bitfinex": 6,
    "bitmart": 5,
    "blofin": 4,
    "bydfi": 3,
    "coinbase": 6,
    "coinbaseinternational": 23,
    "cryptocom": 3,
    "deepcoin": 4,
    "deribit": 1,
    "digifinex": 6,
    "hitbtc": 6,
    "lbank": 6,
    "mudrex": 40,
    "phemex": 10,
    "poloniex": 2,
    "weex": 3,
    "woo": 7,
    "zebpay": 3,
}
"""Schedules of the recorded archive with a maximum leverage, a first tier or lowest rates only."""

ALL_SIZES = {
    "binance": 1,  # its last bracket is published without an end
    "coinbase": 8,
    "dydx": 123,
    "hibachi": 3,
    "htx": 2,  # the last step of its ladders is published without an end
    "hyperliquid": 166,
    "kucoin": 9,  # its formula has a largest rate
    "lighter": 2,
    "pacifica": 26,
    "paradex": 5,
}
"""Open-ended schedules of the recorded archive whose rates hold at every size."""

FULL_AT_THE_END = {"backpack", "delta", "deribit", "modetrade", "woofipro"}


def functions(schedule: MarginSchedule) -> list[MarginFunction]:
    return [f for f in map(value_of, (schedule.initial, schedule.maintenance)) if f is not None]


def open_ended() -> list[MarginSchedule]:
    return [
        schedule
        for adapter in registry.VENUES
        for schedule in recorded.schedules(adapter.venue)
        if any(not function.upper.is_finite() for function in functions(schedule))
    ]


def by_venue(schedules: list[MarginSchedule]) -> dict[str, int]:
    return dict(Counter(schedule.instrument.venue for schedule in schedules))


def test_every_open_ended_schedule_is_a_lower_bound_or_holds_at_every_size() -> None:
    schedules = open_ended()
    assert {schedule.known_up_to for schedule in schedules} == {D(0), INFINITY}
    lower_bounds = [schedule for schedule in schedules if not schedule.known_up_to]
    assert by_venue(lower_bounds) == LOWER_BOUNDS
    assert by_venue([schedule for schedule in schedules if schedule.known_up_to]) == ALL_SIZES
    # 85 of the 143 have a published IM, which once read as known at every size.
    assert sum(LOWER_BOUNDS.values()) == 143
    assert sum(isinstance(schedule.initial, Known) for schedule in lower_bounds) == 85
    assert all(schedule.exclusion_reason for schedule in lower_bounds)


def test_no_schedule_with_an_end_is_a_lower_bound() -> None:
    open_keys = {schedule.key for schedule in open_ended()}
    for adapter in registry.VENUES:
        for schedule in recorded.schedules(adapter.venue):
            if schedule.key not in open_keys:
                assert schedule.known_up_to == INFINITY, schedule.key


def with_sizes(venue: str, sizes: Sizes, confidence: facts.Confidence | None = None) -> Facts:
    return Facts(
        tuple(
            replace(row, sizes=sizes, confidence=confidence or row.confidence)
            if row.venue == venue
            else row
            for row in facts.bundled().rows
        )
    )


@pytest.mark.parametrize("venue", ["lighter", "dydx", "pacifica", "hibachi", "paradex"])
@pytest.mark.parametrize("sizes", list(Sizes))
def test_one_rate_holds_at_every_size_only_if_a_fact_says_so(venue: str, sizes: Sizes) -> None:
    snapshots = recorded.of_venue(venue)
    schedules = registry.parse(snapshots, with_sizes(venue, sizes)).schedules
    expected = INFINITY if sizes is Sizes.ALL else D(0)
    assert {schedule.known_up_to for schedule in schedules} == {expected}


def test_an_inferred_rate_for_all_sizes_is_derived() -> None:
    for venue in ("hibachi", "coinbase"):
        held = [s for s in recorded.schedules(venue) if s.known_up_to]
        assert held
        for schedule in held:
            assert isinstance(schedule.initial, Derived)
            assert "one rate for all sizes is inferred" in schedule.initial.derivation
    assert isinstance(recorded.schedules("lighter")[0].initial, Known)


def test_tiers_with_bounds_need_no_fact_on_sizes() -> None:
    schedules = registry.parse(
        recorded.of_venue("hyperliquid"), with_sizes("hyperliquid", Sizes.TIERS)
    ).schedules
    by_size = {
        len(schedule.tiers): schedule.known_up_to
        for schedule in schedules
        if schedule.exclusion_reason == ""
    }
    assert by_size[2] == INFINITY
    assert by_size[1] == 0


def rate_at(function: MarginFunction, notional: D) -> Fraction:
    piece = next(piece for piece in function.pieces if notional <= piece.upper)
    curved = Fraction(piece.coefficient) * Fraction(notional**piece.power)
    return (Fraction(piece.fixed) + Fraction(piece.rate) * Fraction(notional) + curved) / Fraction(
        notional
    )


def continuous() -> list[MarginSchedule]:
    return [
        schedule
        for adapter in registry.VENUES
        for schedule in recorded.schedules(adapter.venue)
        if schedule.rule is TierRule.CONTINUOUS and functions(schedule)
    ]


def test_every_formula_ends_where_initial_margin_is_the_whole_notional() -> None:
    seen = set()
    for schedule in continuous():
        initial, maintenance = value_of(schedule.initial), value_of(schedule.maintenance)
        assert initial is not None
        assert rate_at(initial, initial.pieces[-1].upper.min(D(10) ** 15)) <= 1 + D("1e-20")
        if maintenance is None or not initial.upper.is_finite():
            continue
        seen.add(schedule.instrument.venue)
        assert maintenance.upper == initial.upper, schedule.key
        is_stepped = schedule.instrument.venue == "bitmex"
        # A formula in steps ends at the last step that is at most 100 %.
        step = rate_at(initial, initial.pieces[0].upper) if is_stepped else D("1e-15")
        assert 1 - rate_at(initial, initial.upper) <= step, schedule.key
    assert seen == FULL_AT_THE_END | {"bitmex"}


def test_no_formula_requires_the_whole_notional_at_every_larger_size() -> None:
    for schedule in continuous():
        for function in functions(schedule):
            last = function.pieces[-1]
            assert last.upper.is_finite() or last.rate < 1, schedule.key


def test_a_margin_above_the_whole_notional_is_not_published() -> None:
    """0.2 √N reaches 100 % at $25: IM(16) = 0.8 · 16, and IM(26) has no value."""
    function = formulas.power_above(D("0.1"), D("0.2"), D("0.5"))
    assert function.upper == 25
    assert function.margin(16.0) == pytest.approx(12.8)
    assert function.margin(25.0) == pytest.approx(25.0)
    assert function.margin(26.0) is None
    # 10 % + 0.01 · (N − 10) reaches 100 % at $100.
    sloped = formulas.sloped_above(D("0.1"), D("0.01"), D(10))
    assert sloped.upper == 100
    assert sloped.margin(60.0) == pytest.approx(36.0)
    assert sloped.margin(101.0) is None
    assert formulas.sloped_above(D("0.1"), D(0), D(10)).upper == INFINITY
    assert formulas.power_above(D("0.1"), D(0), D("0.5")).upper == INFINITY


def test_maintenance_margin_ends_with_initial_margin() -> None:
    initial = formulas.power_above(D("0.1"), D("0.2"), D("0.5"))
    maintenance = formulas.power_above(D("0.05"), D("0.1"), D("0.5"))
    assert maintenance.upper == 100
    ended = formulas.up_to_end(maintenance, initial)
    assert ended.upper == 25
    assert ended.margin(25.0) == maintenance.margin(25.0) == pytest.approx(12.5)
    assert ended.margin(26.0) is None


def with_limit(limit: float) -> list[MarginSchedule]:
    """KuCoin's classic cross schedules with another largest MM rate, ``mmrLimit``."""
    snapshot = next(s for s in recorded.of_venue("kucoin") if s.answers(kucoin.CONTRACTS))

    def change(document: Any) -> None:
        rows = document["data"]
        for row in rows if isinstance(rows, list) else [rows]:
            row["mmrLimit"] = limit

    other = altered(snapshot, kucoin.CONTRACTS, change)
    schedules = registry.parse([other], facts.bundled()).schedules
    return [s for s in schedules if s.profile.account_class == "classic" and not s.tiers]


def test_a_formula_with_a_largest_rate_below_100_percent_has_no_end() -> None:
    """IMR = f · MMR, MMR ≤ mmrLimit, f = 1.3: 39 % with the published limit of 30 %, 117 % with 90 %."""
    for schedule in with_limit(0.3):
        assert {function.upper for function in functions(schedule)} == {INFINITY}
    schedules = with_limit(0.9)
    assert schedules
    for schedule in schedules:
        initial, maintenance = functions(schedule)
        assert initial.upper.is_finite()
        assert maintenance.upper == initial.upper
        assert abs(rate_at(initial, initial.upper) - 1) < D("1e-20")
