"""Liquidation prices: every published one, the equation itself, and the iteration that others do."""

from decimal import Decimal
from math import isclose

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from harmonize.core import yaml_source
from harmonize.liquidation.price import BelowAtEntryError, Side, Valued, liquidation
from harmonize.numerics.offer import Offer, margin
from harmonize.numerics.panel import PieceNumbers
from tests.support.offers import flat, marginal
from tests.support.paths import VECTORS

VECTORS = VECTORS / "liquidations.yaml"


def vectors() -> list[dict[str, object]]:
    rows = yaml_source.read(VECTORS.read_text(), VECTORS.name).value
    assert isinstance(rows, list)
    return [dict(row) for row in rows if isinstance(row, dict)]


def number(row: dict[str, object], key: str) -> float:
    read = row.get(key, 0)
    assert isinstance(read, int | Decimal)
    return float(read)


@pytest.mark.parametrize("row", vectors(), ids=lambda row: str(row["name"]))
def test_the_published_price_follows(row: dict[str, object]) -> None:
    quantity, entry = number(row, "quantity"), number(row, "entry")
    inverse = bool(row.get("inverse"))
    coins = quantity / entry if inverse else quantity * entry
    held = number(row, "margin") or coins / number(row, "leverage")
    unit = entry if inverse else 1.0  # coins in USD at entry
    tier = (0.0, 1e15, -number(row, "deduction") * unit, number(row, "rate"), 0.0, 2.0)
    found = liquidation(
        (tier,),
        coins * unit,
        held * unit,
        Side(str(row["side"])),
        inverse=inverse,
        valued={"entry": Valued.ENTRY, "quantity": Valued.QUANTITY}.get(
            str(row.get("valued")), Valued.VALUE
        ),
        fee=number(row, "fee"),
    )
    assert found is not None
    rounding = max(number(row, "tolerance"), 1e-15)
    assert found * entry == pytest.approx(number(row, "expect"), rel=rounding)


def test_the_vectors_are_all_there() -> None:
    assert len(vectors()) == 55


@st.composite
def tiers(draw: st.DrawFn) -> Offer:
    size = draw(st.integers(1, 4))
    bounds = sorted(draw(st.lists(st.integers(1, 60), min_size=size, max_size=size, unique=True)))
    rates = sorted(draw(st.lists(st.integers(1, 60), min_size=size, max_size=size)))
    make = draw(st.sampled_from((flat, marginal)))
    return make([1000.0 * one for one in bounds], [one / 400 for one in rates])


def asked(offer: Offer, size: float) -> float:
    """Maintenance margin with the last tier going on, from the offer's own evaluation."""
    last = offer.pieces[-1]
    if size > last[1]:
        return last[2] + last[3] * size
    return margin(offer, size) or 0.0


@settings(max_examples=300)
@given(
    tiers(),
    st.integers(1, 120).map(lambda one: one * 500.0),
    st.floats(1.05, 60.0),
    st.tuples(st.sampled_from(Side), st.booleans(), st.sampled_from((0.0, 0.0006))),
)
def test_equity_is_what_is_asked_there_and_more_on_the_way(
    offer: Offer, notional: float, leverage: float, how: tuple[Side, bool, float]
) -> None:
    side, inverse, fee = how
    held = notional / leverage
    assume(held > asked(offer, notional) + fee * notional)
    found = liquidation(offer.pieces, notional, held, side, inverse=inverse, fee=fee)
    sign = 1.0 if side is Side.LONG else -1.0

    def left(ratio: float) -> float:
        size = notional / ratio if inverse else notional * ratio
        gain = sign * notional * ((1 - 1 / ratio) if inverse else (ratio - 1))
        return held + gain - asked(offer, size) - fee * size

    end = found if found is not None else (1e-3 if side is Side.LONG else 1e3)
    on_the_way = [1 + (end - 1) * step / 200 for step in range(1, 199)]
    assert all(left(ratio) > -1e-9 * notional for ratio in on_the_way)
    if found is not None:
        # On a bound, where the tier above jumps, any move into it is the last one.
        assert found == 1.0 or (found < 1.0) == (side is Side.LONG)
        just_beyond = found * (1 + 1e-9 if side is Side.SHORT else 1 - 1e-9)
        assert left(just_beyond) <= 1e-7 * notional


@given(tiers(), st.integers(1, 120).map(lambda one: one * 500.0), st.floats(1.05, 60.0))
def test_iterating_the_tier_leads_to_the_same_price_of_a_long(
    offer: Offer, notional: float, leverage: float
) -> None:
    """Take the tier of the last price, apply the published formula, and repeat (linear, no jump)."""
    offer = marginal([piece[1] for piece in offer.pieces], sorted(p[3] for p in offer.pieces))
    held = notional / leverage
    assume(held > asked(offer, notional))
    found = liquidation(offer.pieces, notional, held, Side.LONG)
    ratio = 1.0
    for _ in range(60):
        size = max(notional * ratio, 1e-9)
        piece = next((p for p in offer.pieces if p[0] < size <= p[1]), offer.pieces[-1])
        ratio = (notional - held + piece[2]) / (notional * (1 - piece[3]))
    assert (found is None) == (ratio <= 0)
    if found is not None:
        assert found == pytest.approx(ratio, rel=1e-9)


def test_a_short_is_liquidated_at_the_bound_where_a_flat_tier_jumps() -> None:
    # Just above 1,100 the tier asks 10 % of 1,100 = 110; equity there is 200 − 100 = 100.
    offer = flat([1100.0, 5000.0], [0.01, 0.10])
    assert liquidation(offer.pieces, 1000.0, 200.0, Side.SHORT) == pytest.approx(1.1)


def test_tiers_in_contracts_keep_the_tier_of_the_entry() -> None:
    offer = flat([1000.0, 5000.0], [0.01, 0.02])
    by_value = liquidation(offer.pieces, 1100.0, 220.0, Side.LONG)
    by_quantity = liquidation(offer.pieces, 1100.0, 220.0, Side.LONG, valued=Valued.QUANTITY)
    assert by_value == pytest.approx((1 - 0.2) / (1 - 0.01))
    assert by_quantity == pytest.approx((1 - 0.2) / (1 - 0.02))


def test_inverse_tiers_in_contracts_follow_the_published_formula() -> None:
    offer = flat([1e6], [0.02])
    # q (1 + m) / (q/E + M) and q (1 − m) / (q/E − M), with q = 1000, E = 1.
    long, short = (
        liquidation(offer.pieces, 1000.0, 100.0, side, inverse=True, valued=Valued.QUANTITY)
        for side in Side
    )
    assert long == pytest.approx(1020 / 1100)
    assert short == pytest.approx(980 / 900)


def test_a_fully_paid_long_is_never_liquidated() -> None:
    offer = flat([1e6], [0.01])
    assert liquidation(offer.pieces, 1000.0, 1000.0, Side.LONG) is None
    assert liquidation(offer.pieces, 1000.0, 1000.0, Side.SHORT, inverse=True) is None


@pytest.mark.parametrize("power", [1.5, 2.0])
def test_a_margin_that_bends_is_met_where_equity_is(power: float) -> None:
    piece: PieceNumbers = (0.0, 1e9, 0.0, 0.005, 1e-6, power)
    found = liquidation((piece,), 1e4, 2000.0, Side.SHORT)
    assert found is not None
    size = 1e4 * found
    assert isclose(2000.0 - (size - 1e4), 0.005 * size + 1e-6 * size**power, rel_tol=1e-9)


def test_a_position_below_its_margin_at_entry_is_said_so() -> None:
    offer = flat([1e6], [0.02])
    with pytest.raises(BelowAtEntryError, match="not above the 20"):
        liquidation(offer.pieces, 1000.0, 20.0, Side.LONG)
    with pytest.raises(ValueError, match="amounts above 0"):
        liquidation(offer.pieces, 0.0, 20.0, Side.LONG)
