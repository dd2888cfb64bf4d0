"""Liquidation price: published examples, the equation itself, and iteration over tiers."""

from decimal import Decimal
from math import isclose

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from harmonize.core import yaml_source
from harmonize.liquidation.price import BelowAtEntryError, MarginBasis, Side, liquidation
from harmonize.numerics.offer import Offer, offer_margin
from harmonize.numerics.panel import PieceNumbers
from tests.support.offers import flat, marginal
from tests.support.paths import VECTORS

VECTORS = VECTORS / "liquidations.yaml"


def vectors() -> list[dict[str, object]]:
    rows = yaml_source.parse_yaml(VECTORS.read_text(), VECTORS.name).value
    assert isinstance(rows, list)
    return [dict(row) for row in rows if isinstance(row, dict)]


def number(row: dict[str, object], key: str) -> float:
    entry = row.get(key, 0)
    assert isinstance(entry, int | Decimal)
    return float(entry)


@pytest.mark.parametrize("row", vectors(), ids=lambda row: str(row["name"]))
def test_the_published_price_is_reproduced(row: dict[str, object]) -> None:
    quantity, entry = number(row, "quantity"), number(row, "entry")
    inverse = bool(row.get("inverse"))
    coins = quantity / entry if inverse else quantity * entry
    collateral = number(row, "margin") or coins / number(row, "leverage")
    unit = entry if inverse else 1.0  # coins in USD at entry
    tier = (0.0, 1e15, -number(row, "deduction") * unit, number(row, "rate"), 0.0, 2.0)
    price = liquidation(
        (tier,),
        coins * unit,
        collateral * unit,
        Side(str(row["side"])),
        inverse=inverse,
        basis={"entry": MarginBasis.ENTRY, "quantity": MarginBasis.QUANTITY}.get(
            str(row.get("valued")), MarginBasis.VALUE
        ),
        fee=number(row, "fee"),
    )
    assert price is not None
    rounding = max(number(row, "tolerance"), 1e-15)
    assert price * entry == pytest.approx(number(row, "expect"), rel=rounding)


def test_the_vectors_are_all_there() -> None:
    assert len(vectors()) == 55


@st.composite
def tiers(draw: st.DrawFn) -> Offer:
    size = draw(st.integers(1, 4))
    bounds = sorted(draw(st.lists(st.integers(1, 60), min_size=size, max_size=size, unique=True)))
    rates = sorted(draw(st.lists(st.integers(1, 60), min_size=size, max_size=size)))
    make = draw(st.sampled_from((flat, marginal)))
    return make([1000.0 * bound for bound in bounds], [rate / 400 for rate in rates])


def maintenance(offer: Offer, size: float) -> float:
    """Returns maintenance margin from the offer's own evaluation; the last tier is open-ended."""
    last = offer.pieces[-1]
    if size > last[1]:
        return last[2] + last[3] * size
    return offer_margin(offer, size) or 0.0


@settings(max_examples=300)
@given(
    tiers(),
    st.integers(1, 120).map(lambda steps: steps * 500.0),
    st.floats(1.05, 60.0),
    st.tuples(st.sampled_from(Side), st.booleans(), st.sampled_from((0.0, 0.0006))),
)
def test_equity_equals_the_requirement_there_and_exceeds_it_before(
    offer: Offer, notional: float, leverage: float, terms: tuple[Side, bool, float]
) -> None:
    side, inverse, fee = terms
    collateral = notional / leverage
    assume(collateral > maintenance(offer, notional) + fee * notional)
    price = liquidation(offer.pieces, notional, collateral, side, inverse=inverse, fee=fee)
    sign = 1.0 if side is Side.LONG else -1.0

    def surplus(ratio: float) -> float:
        size = notional / ratio if inverse else notional * ratio
        gain = sign * notional * ((1 - 1 / ratio) if inverse else (ratio - 1))
        return collateral + gain - maintenance(offer, size) - fee * size

    end = price if price is not None else (1e-3 if side is Side.LONG else 1e3)
    on_the_way = [1 + (end - 1) * step / 200 for step in range(1, 199)]
    assert all(surplus(ratio) > -1e-9 * notional for ratio in on_the_way)
    if price is not None:
        # At a bound where the tier above jumps, any move into that tier liquidates.
        assert price == 1.0 or (price < 1.0) == (side is Side.LONG)
        just_beyond = price * (1 + 1e-9 if side is Side.SHORT else 1 - 1e-9)
        assert surplus(just_beyond) <= 1e-7 * notional


@given(tiers(), st.integers(1, 120).map(lambda steps: steps * 500.0), st.floats(1.05, 60.0))
def test_iteration_over_tiers_leads_to_the_same_price_of_a_long(
    offer: Offer, notional: float, leverage: float
) -> None:
    """Applies the published formula to the tier of the last price, repeatedly (linear, no jump)."""
    offer = marginal([piece[1] for piece in offer.pieces], sorted(p[3] for p in offer.pieces))
    collateral = notional / leverage
    assume(collateral > maintenance(offer, notional))
    price = liquidation(offer.pieces, notional, collateral, Side.LONG)
    ratio = 1.0
    for _ in range(60):
        size = max(notional * ratio, 1e-9)
        piece = next((p for p in offer.pieces if p[0] < size <= p[1]), offer.pieces[-1])
        ratio = (notional - collateral + piece[2]) / (notional * (1 - piece[3]))
    assert (price is None) == (ratio <= 0)
    if price is not None:
        assert price == pytest.approx(ratio, rel=1e-9)


def test_a_short_is_liquidated_at_the_bound_where_a_flat_tier_jumps() -> None:
    # Just above 1,100 the tier requires 10 % of 1,100 = 110; equity there is 200 − 100 = 100.
    offer = flat([1100.0, 5000.0], [0.01, 0.10])
    assert liquidation(offer.pieces, 1000.0, 200.0, Side.SHORT) == pytest.approx(1.1)


def test_tiers_in_contracts_keep_the_tier_of_the_entry() -> None:
    offer = flat([1000.0, 5000.0], [0.01, 0.02])
    by_value = liquidation(offer.pieces, 1100.0, 220.0, Side.LONG)
    by_quantity = liquidation(offer.pieces, 1100.0, 220.0, Side.LONG, basis=MarginBasis.QUANTITY)
    assert by_value == pytest.approx((1 - 0.2) / (1 - 0.01))
    assert by_quantity == pytest.approx((1 - 0.2) / (1 - 0.02))


def test_inverse_tiers_in_contracts_follow_the_published_formula() -> None:
    offer = flat([1e6], [0.02])
    # q (1 + m) / (q/E + M) and q (1 − m) / (q/E − M), with q = 1000, E = 1.
    long, short = (
        liquidation(offer.pieces, 1000.0, 100.0, side, inverse=True, basis=MarginBasis.QUANTITY)
        for side in Side
    )
    assert long == pytest.approx(1020 / 1100)
    assert short == pytest.approx(980 / 900)


def test_a_fully_paid_long_is_never_liquidated() -> None:
    offer = flat([1e6], [0.01])
    assert liquidation(offer.pieces, 1000.0, 1000.0, Side.LONG) is None
    assert liquidation(offer.pieces, 1000.0, 1000.0, Side.SHORT, inverse=True) is None


@pytest.mark.parametrize("power", [1.5, 2.0])
def test_a_curved_margin_equals_equity_at_the_liquidation_price(power: float) -> None:
    piece: PieceNumbers = (0.0, 1e9, 0.0, 0.005, 1e-6, power)
    price = liquidation((piece,), 1e4, 2000.0, Side.SHORT)
    assert price is not None
    size = 1e4 * price
    assert isclose(2000.0 - (size - 1e4), 0.005 * size + 1e-6 * size**power, rel_tol=1e-9)


def test_a_position_below_maintenance_at_entry_is_rejected() -> None:
    offer = flat([1e6], [0.02])
    with pytest.raises(BelowAtEntryError, match="does not exceed the 20"):
        liquidation(offer.pieces, 1000.0, 20.0, Side.LONG)
    with pytest.raises(ValueError, match="notional and a margin above 0"):
        liquidation(offer.pieces, 0.0, 20.0, Side.LONG)
