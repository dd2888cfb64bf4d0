"""Measured inputs of a stress: volatility, volume and open interest, near a time."""

from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from harmonize.api.stress_inputs import known_underlyings, market_before, open_interest_near
from harmonize.core.instrument import Underlying
from harmonize.market.points import PointSeries, PointsId, Quantity
from harmonize.market.prices import PriceKind, PriceSeries, SeriesId, microseconds

START = datetime(2026, 1, 1, tzinfo=UTC)
DAYS = 40
DAY = timedelta(days=1)


def candles(
    venue: str = "binance",
    *,
    kind: PriceKind = PriceKind.PERP,
    move: float = 0.02,
    turnover: float = 1e9,
    days: int = DAYS,
) -> PriceSeries:
    """Returns daily candles whose returns alternate between two moves of one size."""
    steps = np.where(np.arange(days) % 2, 1.0 / (1.0 - move), 1.0 - move)
    times = microseconds(START) + np.arange(days, dtype=np.int64) * 86_400_000_000
    own = SeriesId(venue, kind, "BTCUSDT", Underlying("BTC"), "USDT", 86_400)
    return PriceSeries(
        own, times, np.cumprod(steps, dtype=np.float64), turnover=np.full(days, turnover)
    )


def test_volatility_is_the_root_of_the_mean_square_of_the_last_thirty_returns() -> None:
    found = market_before([candles(move=0.02)], START + 40 * DAY, 30, is_dated=True)
    up = 1.0 / 0.98 - 1.0
    assert found.volatility == pytest.approx(np.sqrt((0.02**2 + up**2) / 2))
    assert found.daily_volume == 1e9
    assert found.last == "2026-02-09T00:00:00Z"  # the day of the last candle
    assert not found.reason


def test_the_price_is_the_last_close_known_at_the_time_and_none_without_candles() -> None:
    own = candles(move=0.02, days=39)
    for days in (39, 36):
        found = market_before([own], START + days * DAY, 30, is_dated=True)
        assert found.price == pytest.approx(own.close[days - 1])
    assert own.close[38] != pytest.approx(own.close[35])
    assert market_before([], START + 39 * DAY, 30, is_dated=True).price is None


def test_volumes_of_venues_are_added_and_spot_is_not() -> None:
    series = [
        candles(turnover=1e9),
        candles("bybit", turnover=5e8),
        candles("okx", kind=PriceKind.SPOT, turnover=7e8),
    ]
    found = market_before(series, START + 40 * DAY, 30, is_dated=True)
    assert found.daily_volume == 1.5e9
    assert found.volume_venues == ("binance", "bybit")
    assert found.series == "binance perp BTCUSDT 1d"


def test_a_volume_that_ends_long_before_the_newest_is_named_with_its_last_day() -> None:
    series = [candles(days=100), candles("bybit", days=60), candles("okx", days=10)]
    found = market_before(series, START + 100 * DAY, 30, is_dated=False)
    assert found.volume_venues == ("binance",)
    assert [(own.venue, own.reason) for own in found.excluded_volumes] == [
        ("bybit", "its candles end 2026-03-01"),
        ("okx", "10 days with turnover, 30 are required"),
    ]
    early = market_before(series, START + 80 * DAY, 30, is_dated=False)
    assert early.volume_venues == ("binance", "bybit")
    assert early.volume_last == "2026-03-01T00:00:00Z"


@pytest.mark.parametrize(("days", "is_stale"), [(29, False), (30, True)])
def test_candles_that_end_long_before_the_day_are_stale(days: int, *, is_stale: bool) -> None:
    found = market_before([candles()], START + (40 + days) * DAY, 30, is_dated=False)
    assert found.as_of[:10] == f"{START + (40 + days) * DAY:%Y-%m-%d}"
    assert found.is_stale == is_stale
    evening = START + (40 + days) * DAY + timedelta(hours=23)
    own = market_before([candles()], evening, 30, is_dated=False)
    assert own.is_stale == own.is_volatility_stale == is_stale


def test_candles_after_the_time_are_not_used() -> None:
    found = market_before([candles()], START + 35 * DAY, 30, is_dated=True)
    assert found.last == "2026-02-04T00:00:00Z"


def test_too_few_candles_have_a_reason_and_no_number() -> None:
    found = market_before([candles()], START + 10 * DAY, 30, is_dated=True)
    assert (found.volatility, found.daily_volume) == (None, None)
    assert "9 returns, 30 are required" in found.reason


def test_candles_that_end_long_before_a_dated_scenario_are_not_used() -> None:
    later = START + 100 * DAY
    assert market_before([candles()], later, 30, is_dated=True).volatility is None
    assert market_before([candles()], later, 30, is_dated=False).volatility is not None


def test_a_volume_of_zero_stays_zero_and_is_no_missing_one() -> None:
    found = market_before([candles(turnover=0.0)], START + 40 * DAY, 30, is_dated=True)
    assert found.daily_volume == 0.0


def archived(day: datetime, value: float, venue: str = "binance") -> PointSeries:
    own = PointsId(venue, Quantity.OPEN_INTEREST, "BTCUSDT", Underlying("BTC"))
    return PointSeries(own, np.array([microseconds(day)]), np.array([value]))


def test_open_interest_is_that_nearest_to_the_time() -> None:
    moment = datetime(2025, 10, 10, tzinfo=UTC)
    near = open_interest_near([archived(moment - DAY, 5.0)], "BTC", moment, None)
    assert near["binance"].value == 5.0
    assert near["okx"].observed_at == "2026-03-07T10:49:23Z"
    old = [archived(datetime(2020, 1, 1, tzinfo=UTC), 5.0)]
    assert open_interest_near(old, "BTC", moment, None)["binance"].value > 1e9


def test_open_interest_after_the_requested_day_is_not_used() -> None:
    moment = datetime(2026, 1, 1, tzinfo=UTC)
    assert open_interest_near([], "BTC", moment, moment) == {}
    near = open_interest_near([archived(moment - DAY, 5.0)], "BTC", moment, moment)
    assert set(near) == {"binance"}


def test_underlyings_are_those_with_open_interest() -> None:
    assert known_underlyings([]) == ("BTC", "DOGE", "ETH", "HYPE", "SOL")
