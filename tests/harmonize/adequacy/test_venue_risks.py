"""Which contracts speak for which venue, each measured once."""

from dataclasses import replace
from datetime import timedelta

import numpy as np
import pytest

from harmonize.adequacy.contract_risk import VenueRisk
from harmonize.adequacy.tail import TailEstimate
from harmonize.adequacy.venue_risks import RiskTerms, venue_risks
from harmonize.core.schedule import Unknown
from harmonize.market.prices import PriceKind, PriceSeries, utc_time
from tests.harmonize.adequacy.contracts import AS_OF, HOUR, candles, random_candles
from tests.harmonize.market.small import identity

TERMS = RiskTerms(AS_OF)


def of_venue(venue: str, seed: int = 1, count: int = 24 * 200) -> PriceSeries:
    return random_candles(seed, count, of=identity(venue=venue))


def known(risk: VenueRisk | Unknown) -> VenueRisk:
    assert isinstance(risk, VenueRisk)
    return risk


def test_a_venue_is_measured_by_its_own_contract_and_others_share_one_result() -> None:
    series = [of_venue("binance"), of_venue("bybit", 2, 24 * 300)]
    risks = venue_risks(series, ("binance", "bybit", "okx", "gate"), "BTC", TERMS)
    assert (
        known(risks["binance"]).basis.reasons[0] == "perpetual of the venue: binance perp BTCUSDT"
    )
    assert known(risks["bybit"]).basis.reasons == ("perpetual of the venue: bybit perp BTCUSDT",)
    assert known(risks["okx"]).basis.reasons[0].startswith("perpetual of another venue: bybit")
    assert risks["okx"] is risks["gate"]


def test_one_contract_measures_every_horizon_that_it_can_and_clearing_the_most_days() -> None:
    """Daily candles of another venue reach further back, and other years are not joined to these."""
    hourly = of_venue("binance", 1, 24 * 400)
    few = of_venue("okx", 3, 24 * 20)
    daily = random_candles(2, 900, 86_400, of=identity(venue="bybit"))
    closes = random_candles(4, 2_000, 86_400).close
    spot = candles(closes, 86_400, of=identity(kind=PriceKind.SPOT))
    risks = venue_risks([daily, hourly, few, spot], ("gate", "okx", "binance"), "BTC", TERMS)
    other, own, large = (known(risks[venue]) for venue in ("gate", "okx", "binance"))
    assert {str(m.series) for m in other.horizons if m.horizon >= HOUR} == {
        "binance perp BTCUSDT 1h",
        "binance perp BTCUSDT 1d",
    }
    # A venue's own 20 days cannot test 99 %, its own 400 days can.
    assert {str(m.series.id) for m in other.clearing} == {"bybit perp BTCUSDT 1d"}
    assert {str(m.series.id) for m in own.clearing} == {"bybit perp BTCUSDT 1d"}
    assert {str(m.series.id) for m in large.clearing} == {"binance perp BTCUSDT 1d"}


def test_later_candles_change_neither_the_moves_nor_the_choice() -> None:
    bybit = identity(venue="bybit")
    binance, past = of_venue("binance", 1, 24 * 150), random_candles(2, 24 * 140).close
    terms = RiskTerms(utc_time(binance.times[-1] + binance.step))
    planted = np.concatenate([past, np.linspace(1e6, 9e6, 24 * 700)])
    before, after = (
        known(venue_risks([binance, candles(closes, HOUR, of=bybit)], ["okx"], "BTC", terms)["okx"])
        for closes in (past, planted[: past.size + 24 * 10])
    )
    assert before.basis.reasons[0].endswith("binance perp BTCUSDT")
    # Ten days more had closed by the date; without the others they would not decide.
    later = known(
        venue_risks([binance, candles(planted, HOUR, of=bybit)], ["okx"], "BTC", terms)["okx"]
    )
    assert later.basis.reasons == after.basis.reasons
    assert later.horizons == after.horizons


def test_without_prices_the_reason_stands_in_place_of_moves() -> None:
    risks = venue_risks([of_venue("binance")], ["okx"], "ETH", TERMS)
    assert risks["okx"] == Unknown("no prices of ETH in the archive; import or gather candles")


@pytest.mark.parametrize(
    ("closes", "reason"),
    [([100.0] * 400, "all 400 closes are 100"), ([100.0, np.nan] * 200, "row 1: expected a close")],
)
def test_prices_that_no_market_produces_are_a_reason(closes: list[float], reason: str) -> None:
    (risk,) = venue_risks([candles(closes, HOUR)], ["binance"], "BTC", TERMS).values()
    assert isinstance(risk, Unknown)
    assert risk.reason.startswith("binance perp BTCUSDT 1h: ")
    assert reason in risk.reason


def test_disputed_candles_are_excluded_on_request() -> None:
    series = of_venue("binance")
    closes = series.close.copy()
    closes[2_000] *= 0.3  # one close that another source disputes
    disputed = np.arange(closes.size) == 2_000
    marked = replace(series, close=closes, high=None, low=None, disputed=disputed)
    with_it, without = (
        known(
            venue_risks([marked], ["binance"], "BTC", RiskTerms(AS_OF, include_disputed=included))[
                "binance"
            ]
        )
        for included in (True, False)
    )

    def largest(risk: VenueRisk) -> float:
        return max(float(moves.losses.max()) for moves in risk.clearing)

    hour = [m for m in without.horizons if m.horizon == HOUR]
    assert all(isinstance(m.estimate, TailEstimate) for m in hour)
    observations = [
        m.estimate.observations
        for risk in (with_it, without)
        for m in risk.horizons[2:3]
        if isinstance(m.estimate, TailEstimate)
    ]
    assert observations[0] - observations[1] == 2  # the moves into and out of the candle
    assert largest(without) <= largest(with_it)


def test_each_measure_is_taken_once_and_only_where_it_counts() -> None:
    own = of_venue("binance", 1, 24 * 800)
    (risk,) = venue_risks([own], ["binance"], "BTC", TERMS).values()
    windows = known(risk).close_out
    assert not isinstance(windows, Unknown)
    assert all("moves" not in vars(window) for window in windows)
    assert windows[0].moves is windows[0].moves
    assert windows[0].series.times[0] == own.times[0]
    assert timedelta(seconds=windows[0].seconds) == timedelta(hours=1)
