"""Stated assumptions of a stress: leverage, impact and funds, each marked as given."""

from dataclasses import replace

import pytest

from harmonize.api.stress_requested import unsimulated
from harmonize.api.stress_rows import SHOCKS, stress_row
from harmonize.liquidation.price import Side
from harmonize.stress.defaults import DEFAULTS, Mark
from harmonize.stress.given import GivenImpact, with_leverage
from harmonize.stress.impact import LinearImpact
from harmonize.stress.scenario import hypothetical
from tests.harmonize.api.test_stress_rows import CASE, MARKET

LINEAR = GivenImpact(LinearImpact(5e-11), "linear", "--impact-model linear=5e-11")


def test_a_given_leverage_is_that_of_longs_on_every_underlying() -> None:
    own = with_leverage(DEFAULTS, 5.0, None, "--leverage")
    for underlying in ("BTC", "ETH", "HYPE"):
        found, default = (part.leverage_of(underlying, Side.LONG) for part in (own, DEFAULTS))
        assert (found.median, found.log_sd) == (5.0, default.log_sd)
        short = own.leverage_of(underlying, Side.SHORT)
        assert short == DEFAULTS.leverage_of(underlying, Side.SHORT)
    assert with_leverage(DEFAULTS, 5.0, 0.8, "x").leverage_of("ETH", Side.LONG).log_sd == 0.8
    assert {own.leverage_mark(venue, "BTC") for venue in ("hyperliquid", "okx")} == {Mark.GIVEN}


def test_more_leverage_liquidates_more_and_is_marked_as_given() -> None:
    row = stress_row(replace(CASE, defaults=with_leverage(DEFAULTS, 8.0, 0.8, "--leverage")))
    assert {venue.leverage_mark for venue in row.venues} == {"given"}
    (leverage,) = [own for own in row.defaults if own.name == "effective leverage"]
    assert (leverage.mark, leverage.basis) == ("given", "--leverage")
    assert "median 8, log-sd 0.8" in leverage.text
    (median,) = [own for own in row.sensitivity if own.name == "leverage, median"]
    assert median.mark == "given"
    assert all(
        more.liquidated > less.liquidated
        for more, less in zip(row.points, stress_row(CASE).points, strict=True)
    )


def test_a_given_impact_needs_neither_volatility_nor_volume() -> None:
    market = replace(MARKET, volatility=None, daily_volume=None)
    row = stress_row(replace(CASE, market=market, given_impact=LINEAR))
    assert [point.shock for point in row.points] == list(SHOCKS)
    for point in row.points:
        assert point.move == pytest.approx(min(point.shock + 5e-11 * point.liquidated, 1.0))
    names = {own.name: own.mark for own in row.defaults}
    assert names["impact"] == "given"
    assert not {"volatility and volume", "impact coefficient", "impact exponent"} & set(names)
    assert "liquidity multiplier on volatility" not in names
    ranked = {own.name for own in row.sensitivity}
    assert {"leverage, median", "leverage, log-sd", "smallest size", "time to sell"} <= ranked
    unused = {"impact coefficient", "impact exponent", "volatility", "average daily volume"}
    assert not ranked & {*unused, "liquidity multiplier", "open interest"}


def test_funds_pay_what_a_path_loses_beyond_margin() -> None:
    scenario = replace(hypothetical(0.3), falls={"BTC": (0.01, 0.3)})
    own = replace(CASE, scenario=scenario, changes=())
    (first, *_) = stress_row(own).paths
    assert first.loss > 0.0
    assert (first.paid_by_funds, first.uncovered) == (None, None)
    (funded, *_) = stress_row(replace(own, funds={"okx": 1e12, "binance": 1.0})).paths
    assert funded.loss == first.loss
    assert funded.paid_by_funds is not None
    assert funded.uncovered is not None
    assert funded.paid_by_funds + funded.uncovered == pytest.approx(funded.loss)
    assert funded.paid_by_funds > 1.0
    assert funded.uncovered > 0.0  # the fund of one venue pays nothing for another


def test_a_fund_of_a_venue_without_positions_is_not_passed_over() -> None:
    assert unsimulated((), {"dydx": 1e6}, None, ()) == [
        "option --fund dydx: not counted: no position is on this venue"
    ]
