"""Margin of a portfolio per venue: sums and offsets by hand, and reasons for missing sums."""

from dataclasses import replace

import pytest

from harmonize.arbitrage.accounts import SplitConstraints
from harmonize.arbitrage.portfolio import (
    Portfolio,
    UnderlyingOffers,
    VenueMargins,
    exposures_of,
    portfolio_margins,
)
from harmonize.arbitrage.position_file import Position
from harmonize.core.venue_conventions import OffsetRule, VenueConventions
from harmonize.numerics.offer import Offer
from tests.support.offers import flat

BTC = {"a": flat([1000.0, 9000.0], [0.01, 0.02]), "b": flat([9000.0], [0.03])}
ETH = {"a": replace(flat([2000.0], [0.05]), end="accepts no position above $2,000")}
ISOLATED = {"a": flat([2000.0], [0.06])}
HALF = {
    name: flat([piece[1] for piece in offer.pieces], [piece[3] / 2 for piece in offer.pieces])
    for name, offer in BTC.items()
}
REFERENCE = Offer(((0.0, 9000.0, 0.0, 0.1, 0.0, 2.0),), 9000.0)
CONVENTIONS = {
    "a": VenueConventions(
        "a", OffsetRule.LARGER, price_basis="mark", confidence="sourced", source="page"
    )
}
TABLES = {
    "BTC": UnderlyingOffers(BTC, HALF, BTC, HALF, REFERENCE, REFERENCE, "2026-01-01", "2026-02-01"),
    "ETH": UnderlyingOffers(ETH, {}, ISOLATED, {}, oldest="2025-01-01", newest="2026-03-01"),
}


def margins_of(
    *rows: tuple[str, str, float], constraints: SplitConstraints | None = None
) -> Portfolio:
    positions = [Position(*row) for row in rows]
    return portfolio_margins(positions, TABLES, CONVENTIONS, constraints, "baseline")


def at_venue(result: Portfolio, venue: str) -> VenueMargins:
    return next(row for row in result.venues if row.venue == venue)


def test_positions_add_up_by_underlying_and_side() -> None:
    exposures = exposures_of(
        [Position("ETH", "short", 5.0), Position("BTC", "long", 1.0), Position("BTC", "long", 2.0)]
    )
    assert [(row.underlying, row.long, row.short) for row in exposures] == [
        ("BTC", 3.0, 0.0),
        ("ETH", 0.0, 5.0),
    ]
    assert exposures[1].sides == (("short", 5.0),)


def test_isolated_sides_add_up_and_cross_sides_follow_the_offset_rule() -> None:
    result = margins_of(("BTC", "long", 3000.0), ("BTC", "short", 800.0))
    a, b = at_venue(result, "a"), at_venue(result, "b")
    assert (a.isolated_initial, a.isolated_maintenance) == pytest.approx((60 + 8, 30 + 4))
    assert (a.cross_initial, a.cross_maintenance) == pytest.approx((60, 30))
    assert a.opposite == "larger side"
    assert a.reasons == ()
    assert b.isolated_initial == pytest.approx(90 + 24)
    assert b.cross_initial is None
    assert b.reasons == ("offset rule for long and short BTC unknown",)
    assert (result.cheapest_isolated, result.cheapest_cross) == (("a",), ("a",))
    assert (result.reference_initial, result.reference_maintenance) == pytest.approx((380, 380))
    assert (result.gross, result.positions) == (3800.0, 2)


def test_one_side_needs_no_offset_rule() -> None:
    result = margins_of(("BTC", "long", 500.0))
    assert at_venue(result, "b").cross_initial == pytest.approx(15.0)
    assert result.cheapest_cross == ("a",)


def test_a_venue_without_the_whole_portfolio_has_no_sum() -> None:
    result = margins_of(("BTC", "long", 500.0), ("ETH", "long", 100.0))
    assert at_venue(result, "b").isolated_initial is None
    assert "no comparable IM on ETH" in at_venue(result, "b").reasons
    assert at_venue(result, "a").isolated_initial == pytest.approx(5 + 6)
    assert at_venue(result, "a").cross_initial == pytest.approx(5 + 5)
    assert at_venue(result, "a").isolated_maintenance is None
    assert result.reference_initial is None
    assert result.reference_reasons == ("the rule set does not cover long ETH of $100",)
    assert (result.oldest, result.newest) == ("2025-01-01", "2026-03-01")


def test_a_position_above_the_largest_has_a_reason() -> None:
    result = margins_of(("ETH", "short", 2500.0))
    assert (
        at_venue(result, "a").reasons[0]
        == "short ETH of $2,500: accepts no position above $2,000 (IM)"
    )
    assert result.splits[0].cost is None
    assert result.split is None
    assert result.cheapest_isolated == ()


def test_the_cheapest_split_is_that_of_every_position() -> None:
    result = margins_of(("BTC", "long", 1500.0), ("BTC", "short", 100.0))
    # 1,000 at a for 1 %, 500 at b for 3 %; or 1,500 at a for 2 %: 25 against 30.
    long, short = result.splits
    assert long.cost == pytest.approx(25.0)
    assert long.single == pytest.approx(30.0)
    assert [row.venue for row in long.parts] == ["a", "b"]
    assert [row.notional for row in long.parts] == pytest.approx([1000.0, 500.0])
    assert result.split == pytest.approx(25.0 + 1.0)
    assert short.side == "short"
    assert result.cheapest_isolated == ("a",)
    only = margins_of(
        ("BTC", "long", 1500.0), constraints=SplitConstraints(excluded=frozenset({"b"}))
    )
    assert only.split == pytest.approx(30.0)
    assert [row.venue for row in only.venues] == ["a"]


def test_an_underlying_that_no_venue_lists_is_unknown_everywhere() -> None:
    result = margins_of(("XYZ", "long", 5.0), ("BTC", "long", 5.0))
    assert result.split is None
    assert all(row.isolated_initial is None for row in result.venues)
    assert "no comparable IM on XYZ" in result.venues[0].reasons
