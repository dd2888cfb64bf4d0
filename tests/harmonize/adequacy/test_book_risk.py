"""Margins of a book against sums in plain Python, and laws that every measure of a book obeys."""

from dataclasses import astuple
from math import floor

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harmonize.adequacy.book_risk import (
    BookExposure,
    BookRisk,
    DailyMoves,
    Scan,
    book_risk,
    limited_margin,
    scan_losses,
)
from harmonize.core.schedule import Unknown
from harmonize.market.prices import MICROSECONDS, PriceSeries
from harmonize.market.returns import simple_returns
from tests.harmonize.adequacy.contracts import DAY, candles, random_candles


def moves(series: PriceSeries) -> DailyMoves:
    returns = simple_returns(series)
    return DailyMoves(returns.times // (DAY * MICROSECONDS), returns.values, (str(series.id),))


BTC = moves(random_candles(1, 1_500, DAY))
ETH = moves(random_candles(2, 1_200, DAY))
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


def moves_of(returns: DailyMoves) -> list[float]:
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
    lower, upper = risk.shortfall.lower, risk.shortfall.upper
    assert lower is not None
    assert upper is not None
    assert worst[30] < lower < tail < upper < worst[0]
    assert [row.loss for row in risk.worst] == pytest.approx(worst[:3])
    long, short = quantile([-move for move in btc], 0.99), quantile(btc, 0.99)
    single = 5e5 * long + 1e5 * short
    assert risk.singles[0].margin == pytest.approx(single)
    assert risk.single == pytest.approx(single + 3e5 * quantile(eth, 0.99))
    assert risk.limited == pytest.approx(risk.single - 0.8 * (risk.single - risk.joint.value))


def test_a_hedge_in_one_asset_is_free_and_the_reduction_is_limited() -> None:
    risk = known(book_risk([BookExposure("BTC", 1e6, 1e6)], MOVES))
    assert (risk.joint.value, risk.scan) == (0.0, Scan(0.0, 0.0, 0.0, 0.0))
    assert (risk.is_flat, risk.worst) == (True, ())
    assert risk.limited == pytest.approx(0.2 * risk.single)
    assert risk.diversification[0].saved == 1.0


def test_one_long_position_saves_nothing() -> None:
    risk = known(book_risk([BookExposure("ETH", 1e6, 0.0)], MOVES))
    assert risk.joint.value == pytest.approx(risk.single) == pytest.approx(risk.limited)
    assert [row.name for row in risk.diversification] == ["the book", "all positions long"]
    same = (risk.scan.together, risk.scan.one_apart, risk.scan.all_apart, risk.scan.extreme / 2)
    assert same == pytest.approx((risk.single,) * 4)
    assert not risk.is_flat


def test_a_pair_is_hedged_and_a_long_book_is_not() -> None:
    same = moves(random_candles(1, 1_500, DAY))
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


def test_scans_are_the_worst_of_their_shocks() -> None:
    ranges = [(0.10, 0.12), (0.20, 0.25)]
    assert astuple(scan_losses([100.0, 0.0], ranges)) == pytest.approx((10.0, 10.0, 10.0, 20.0))
    assert astuple(scan_losses([-100.0, 0.0], ranges)) == pytest.approx((12.0, 12.0, 12.0, 24.0))
    # Falls cost 10 − 20, rises −12 + 25; apart: 10 + 25, or −12 − 20.
    assert astuple(scan_losses([100.0, -100.0], ranges)) == pytest.approx((13.0, 35.0, 35.0, 50.0))
    assert astuple(scan_losses([100.0, 100.0], ranges)) == pytest.approx((30.0, 8.0, 30.0, 40.0))
    # A fall of 2 × 60 % is limited to the whole price.
    assert astuple(scan_losses([100.0], [(0.6, 0.6)])) == pytest.approx((60.0, 60.0, 60.0, 100.0))
    assert astuple(scan_losses([0.0], [(0.6, 0.6)])) == pytest.approx((0.0, 0.0, 0.0, 0.0))


def test_one_underlying_against_two_others() -> None:
    net, ranges = [100.0, 100.0, -50.0], [(0.1, 0.1), (0.2, 0.2), (0.4, 0.4)]
    # The third against the rest: 10 + 20 + 20. Together: 10 + 20 − 20.
    assert astuple(scan_losses(net, ranges)) == pytest.approx((10.0, 50.0, 50.0, 40.0))
    net = [100.0, -100.0, 100.0]
    # Apart: 10 + 20 + 40 with the second alone; each other pair costs less.
    assert astuple(scan_losses(net, ranges)) == pytest.approx((30.0, 70.0, 70.0, 80.0))


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
    assert scaled.scan.together == pytest.approx(risk.scan.together * factor)
    assert max(risk.joint.value, 0.0) <= risk.limited * (1 + 1e-12)
    assert risk.limited <= max(risk.single, risk.joint.value) * (1 + 1e-12)
    largest = risk.scan.all_apart * (1 + 1e-12)
    assert max(risk.scan.together, risk.scan.one_apart, risk.scan.extreme / 2) <= largest


def test_a_joint_margin_above_the_single_ones_is_not_reduced() -> None:
    assert limited_margin(100.0, 130.0) == 130.0
    assert limited_margin(100.0, 0.0) == pytest.approx(20.0)
    assert limited_margin(100.0, 90.0) == pytest.approx(92.0)


def test_too_little_gives_a_reason() -> None:
    short = moves(random_candles(3, 300, DAY))
    assert book_risk([BookExposure("BTC", 1.0, 0.0)], {"BTC": short}) == Unknown(
        "299 common daily moves, 365 are required"
    )
    assert book_risk([BookExposure("SOL", 1.0, 0.0)], MOVES) == Unknown(
        "no daily prices of SOL in the archive"
    )
    later = candles(np.linspace(1, 2, 500), DAY)
    apart = moves(type(later)(later.id, later.times + 10**15, later.close, sources=later.sources))
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
