"""A book at every venue: sums and netting by hand, and what is said where nothing can be summed."""

import pytest

from harmonize.arbitrage.accounts import SplitConstraints
from harmonize.arbitrage.portfolio import Portfolio, Tables, VenueAsks, book, portfolio
from harmonize.arbitrage.position_file import Position
from harmonize.core.venue_conventions import OffsetRule, VenueConventions
from harmonize.numerics.offer import Offer
from tests.support.offers import flat

BTC = {"a": flat([1000.0, 9000.0], [0.01, 0.02]), "b": flat([9000.0], [0.03])}
ETH = {"a": flat([2000.0], [0.05])}
APART = {"a": flat([2000.0], [0.06])}
HALF = {
    name: flat([piece[1] for piece in one.pieces], [piece[3] / 2 for piece in one.pieces])
    for name, one in BTC.items()
}
REFERENCE = Offer(((0.0, 9000.0, 0.0, 0.1, 0.0, 2.0),), 9000.0)
CONDUCTS = {
    "a": VenueConventions(
        "a", OffsetRule.LARGER, valued="mark", confidence="sourced", source="page"
    )
}
TABLES = {
    "BTC": Tables(BTC, HALF, BTC, HALF, REFERENCE, REFERENCE, "2026-01-01", "2026-02-01"),
    "ETH": Tables(ETH, {}, APART, {}, oldest="2025-01-01", newest="2026-03-01"),
}


def asked(*rows: tuple[str, str, float], conditions: SplitConstraints | None = None) -> Portfolio:
    positions = [Position(*row) for row in rows]
    return portfolio(positions, TABLES, CONDUCTS, conditions, "baseline")


def of(found: Portfolio, venue: str) -> VenueAsks:
    return next(one for one in found.venues if one.venue == venue)


def test_positions_add_up_by_underlying_and_side() -> None:
    held = book(
        [Position("ETH", "short", 5.0), Position("BTC", "long", 1.0), Position("BTC", "long", 2.0)]
    )
    assert [(one.underlying, one.long, one.short) for one in held] == [
        ("BTC", 3.0, 0.0),
        ("ETH", 0.0, 5.0),
    ]
    assert held[1].sides == (("short", 5.0),)


def test_isolated_sides_add_up_and_cross_ones_follow_the_rule() -> None:
    found = asked(("BTC", "long", 3000.0), ("BTC", "short", 800.0))
    a, b = of(found, "a"), of(found, "b")
    assert (a.isolated_initial, a.isolated_maintenance) == pytest.approx((60 + 8, 30 + 4))
    assert (a.cross_initial, a.cross_maintenance) == pytest.approx((60, 30))
    assert a.opposite == "larger side"
    assert a.reasons == ()
    assert b.isolated_initial == pytest.approx(90 + 24)
    assert b.cross_initial is None
    assert b.reasons == ("how it counts long and short BTC together is not known",)
    assert (found.cheapest_isolated, found.cheapest_cross) == (("a",), ("a",))
    assert (found.reference_initial, found.reference_maintenance) == pytest.approx((380, 380))
    assert (found.gross, found.positions) == (3800.0, 2)


def test_one_side_needs_no_rule() -> None:
    found = asked(("BTC", "long", 500.0))
    assert of(found, "b").cross_initial == pytest.approx(15.0)
    assert found.cheapest_cross == ("a",)


def test_a_venue_without_the_whole_book_has_no_sum() -> None:
    found = asked(("BTC", "long", 500.0), ("ETH", "long", 100.0))
    assert of(found, "b").isolated_initial is None
    assert "no IM of ETH that counts" in of(found, "b").reasons
    assert of(found, "a").isolated_initial == pytest.approx(5 + 6)
    assert of(found, "a").cross_initial == pytest.approx(5 + 5)
    assert of(found, "a").isolated_maintenance is None
    assert found.reference_initial is None
    assert found.reference_reasons == ("it does not speak of long ETH of $100",)
    assert (found.oldest, found.newest) == ("2025-01-01", "2026-03-01")


def test_a_position_above_what_is_taken_is_said_with_the_largest() -> None:
    found = asked(("ETH", "short", 2500.0))
    assert of(found, "a").reasons[0] == "short ETH of $2,500 is above its $2,000 (IM)"
    assert found.splits[0].cost is None
    assert found.split is None
    assert found.cheapest_isolated == ()


def test_the_cheapest_split_is_that_of_every_position() -> None:
    found = asked(("BTC", "long", 1500.0), ("BTC", "short", 100.0))
    # 1,000 at a for 1 %, 500 at b for 3 %; or 1,500 at a for 2 %: 25 against 30.
    long, short = found.splits
    assert long.cost == pytest.approx(25.0)
    assert long.single == pytest.approx(30.0)
    assert [part.venue for part in long.parts] == ["a", "b"]
    assert [part.notional for part in long.parts] == pytest.approx([1000.0, 500.0])
    assert found.split == pytest.approx(25.0 + 1.0)
    assert short.side == "short"
    assert found.cheapest_isolated == ("a",)
    only = asked(("BTC", "long", 1500.0), conditions=SplitConstraints(excluded=frozenset({"b"})))
    assert only.split == pytest.approx(30.0)
    assert [one.venue for one in only.venues] == ["a"]


def test_an_underlying_that_nobody_lists_is_unknown_everywhere() -> None:
    found = asked(("XYZ", "long", 5.0), ("BTC", "long", 5.0))
    assert found.split is None
    assert all(one.isolated_initial is None for one in found.venues)
    assert "no IM of XYZ that counts" in found.venues[0].reasons
