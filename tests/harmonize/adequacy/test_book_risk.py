"""Margins of a book against sums in plain Python, and laws that every measure of a book obeys."""

from math import floor

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harmonize.adequacy.book_risk import (
    BookExposure,
    BookRisk,
    book_risk,
    limited_margin,
    scan_loss,
)
from harmonize.core.schedule import Unknown
from harmonize.market.returns import Returns, simple_returns
from tests.harmonize.adequacy.contracts import DAY, candles, random_candles

BTC = simple_returns(random_candles(1, 1_500, DAY))
ETH = simple_returns(random_candles(2, 1_200, DAY))
MOVES = {"BTC": BTC, "ETH": ETH}


def known(result: BookRisk | Unknown) -> BookRisk:
    assert isinstance(result, BookRisk)
    return result


def quantile(losses: list[float], level: float) -> float:
    """Type 7 of Hyndman and Fan, from the definition."""
    ordered = sorted(losses)
    place = (len(ordered) - 1) * level
    below = floor(place)
    return ordered[below] + (place - below) * (ordered[below + 1] - ordered[below])


def moves_of(returns: Returns) -> list[float]:
    return [float(value) for value in returns.values[:1_199]]


def test_joint_and_single_margins_equal_plain_sums() -> None:
    risk = known(book_risk([BookExposure("BTC", 5e5, 1e5), BookExposure("ETH", 0.0, 3e5)], MOVES))
    btc, eth = moves_of(BTC), moves_of(ETH)
    joint = [-(4e5 * one - 3e5 * other) for one, other in zip(btc, eth, strict=True)]
    assert risk.observations == 1_199
    assert risk.joint.value == pytest.approx(quantile(joint, 0.99), rel=1e-12)
    worst = sorted(joint, reverse=True)
    tail = (sum(worst[:11]) + 0.99 * worst[11]) / 11.99
    assert risk.shortfall.value == pytest.approx(tail, rel=1e-12)
    assert [row.loss for row in risk.worst] == pytest.approx(worst[:3])
    long, short = quantile([-move for move in btc], 0.99), quantile(btc, 0.99)
    single = 5e5 * long + 1e5 * short
    assert risk.singles[0].margin == pytest.approx(single)
    assert risk.single == pytest.approx(single + 3e5 * quantile(eth, 0.99))
    assert risk.limited == pytest.approx(risk.single - 0.8 * (risk.single - risk.joint.value))


def test_a_hedge_in_one_asset_is_free_and_the_reduction_is_limited() -> None:
    risk = known(book_risk([BookExposure("BTC", 1e6, 1e6)], MOVES))
    assert (risk.joint.value, risk.scan_alone, risk.scan_together) == (0.0, 0.0, 0.0)
    assert risk.limited == pytest.approx(0.2 * risk.single)
    assert risk.diversification[0].saved == 1.0


def test_one_long_position_saves_nothing() -> None:
    risk = known(book_risk([BookExposure("ETH", 1e6, 0.0)], MOVES))
    assert risk.joint.value == pytest.approx(risk.single) == pytest.approx(risk.limited)
    assert [row.name for row in risk.diversification] == ["the book", "all positions long"]
    # At twice the move, 35 % of the loss counts: less than that of the move itself.
    assert risk.scan_alone == pytest.approx(risk.single)


def test_a_pair_is_hedged_and_a_long_book_is_not() -> None:
    same = simple_returns(random_candles(1, 1_500, DAY))
    risk = known(
        book_risk(
            [BookExposure("BTC", 1e6, 0.0), BookExposure("ETH", 2e6, 0.0)],
            {"BTC": BTC, "ETH": same},
        )
    )
    _, long, pair = risk.diversification
    assert long.saved == pytest.approx(0.0, abs=1e-12)
    assert (pair.name, pair.saved) == ("long ETH, short BTC", 1.0)
    assert pair.single == pytest.approx(1e6 * (risk.singles[0].long + risk.singles[0].short))


def test_a_scan_is_the_worst_of_its_shocks() -> None:
    ranges = [(0.10, 0.12), (0.20, 0.25)]
    assert scan_loss([100.0, 0.0], ranges) == pytest.approx(10.0)
    assert scan_loss([-100.0, 0.0], ranges) == pytest.approx(12.0)
    assert scan_loss([100.0, -100.0], ranges) == pytest.approx(13.0)
    assert scan_loss([100.0, -30.0], ranges) == pytest.approx(4.0)
    # A fall of 2 × 60 % is limited to the whole price, of which 35 % counts.
    assert scan_loss([100.0], [(0.6, 0.6)]) == pytest.approx(60.0)
    assert scan_loss([0.0], [(0.6, 0.6)]) == 0.0


@settings(max_examples=50, deadline=None)
@given(
    st.lists(st.floats(-1e7, 1e7), min_size=2, max_size=2),
    st.floats(0.01, 10),
)
def test_margins_scale_with_the_book_and_lie_between_joint_and_single(
    net: list[float], factor: float
) -> None:
    book = [
        BookExposure(name, max(size, 0.0), max(-size, 0.0))
        for name, size in zip(("BTC", "ETH"), net, strict=True)
    ]
    if not any(row.long or row.short for row in book):
        return
    risk = known(book_risk(book, MOVES))
    larger = [BookExposure(r.underlying, r.long * factor, r.short * factor) for r in book]
    scaled = known(book_risk(larger, MOVES))
    assert scaled.joint.value == pytest.approx(risk.joint.value * factor)
    assert scaled.scan_together == pytest.approx(risk.scan_together * factor)
    assert max(risk.joint.value, 0.0) <= risk.limited * (1 + 1e-12)
    assert risk.limited <= max(risk.single, risk.joint.value) * (1 + 1e-12)
    assert risk.scan_together <= risk.scan_alone * (1 + 1e-12)


def test_a_joint_margin_above_the_single_ones_is_not_reduced() -> None:
    assert limited_margin(100.0, 130.0) == 130.0
    assert limited_margin(100.0, 0.0) == pytest.approx(20.0)
    assert limited_margin(100.0, 90.0) == pytest.approx(92.0)


def test_too_little_gives_a_reason() -> None:
    short = simple_returns(random_candles(3, 300, DAY))
    assert book_risk([BookExposure("BTC", 1.0, 0.0)], {"BTC": short}) == Unknown(
        "299 common daily moves, 365 are required"
    )
    assert book_risk([BookExposure("SOL", 1.0, 0.0)], MOVES) == Unknown(
        "no daily prices of SOL in the archive"
    )
    later = candles(np.linspace(1, 2, 500), DAY)
    apart = simple_returns(
        type(later)(later.id, later.times + 10**15, later.close, sources=later.sources)
    )
    result = book_risk(
        [BookExposure("BTC", 1.0, 0.0), BookExposure("ETH", 1.0, 0.0)], {"BTC": BTC, "ETH": apart}
    )
    assert result == Unknown("0 common daily moves, 365 are required")


@pytest.mark.parametrize(
    ("book", "message"),
    [
        ([], "book: expected at least one position; add one"),
        ([BookExposure("BTC", 0.0, 0.0)], "book: expected at least one position; add one"),
        ([BookExposure("BTC", -1.0, 0.0)], "BTC: expected sizes from 0, found -1; state the side"),
    ],
)
def test_a_book_that_is_none_is_refused(book: list[BookExposure], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        book_risk(book, MOVES)
