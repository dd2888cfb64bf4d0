"""Which series speaks on a day, from past data only."""

from dataclasses import replace
from datetime import UTC, datetime

import numpy as np
import pytest

from harmonize.api.threshold_series import AssetSeries, asset_series, until_day
from harmonize.core.instrument import Underlying
from harmonize.core.schedule import Unknown
from harmonize.market.prices import MICROSECONDS, PriceKind, PriceSeries, SeriesId

DAY = 86_400 * MICROSECONDS
FIRST = 19_000
AS_OF = datetime(2030, 1, 1, tzinfo=UTC)


def candles(  # noqa: PLR0913 - a parameter per property of a series
    venue: str,
    first: int,
    count: int,
    *,
    kind: PriceKind = PriceKind.PERP,
    turnover: float | None = 1.0,
    quote: str = "USDT",
) -> PriceSeries:
    rng = np.random.default_rng(sum(map(ord, venue)))
    close = 100 * np.exp(np.cumsum(0.03 * rng.standard_normal(count)))
    has_ranges = kind is PriceKind.PERP
    return PriceSeries(
        SeriesId(venue, kind, "BTCUSDT", Underlying("BTC", 1), quote, 86_400),
        (FIRST + first + np.arange(count)) * DAY,
        close,
        high=close * 1.02 if has_ranges else None,
        low=close * 0.98 if has_ranges else None,
        turnover=None if turnover is None else np.full(count, turnover),
    )


def chosen(*series: PriceSeries, as_of: datetime = AS_OF) -> AssetSeries:
    found = asset_series(series, "BTC", as_of)
    assert isinstance(found, AssetSeries)
    return found


def test_the_series_with_the_most_returns_before_a_day_speaks_and_the_next_one_after_its_end() -> (
    None
):
    old, new = candles("bybit", 0, 100), candles("binance", 40, 100)
    found = chosen(new, old)
    spans = [(p.id.venue, p.first_day - FIRST, p.last_day - FIRST, p.returns) for p in found.parts]
    assert spans == [("bybit", 1, 99, 99), ("binance", 100, 139, 40)]
    returns = found.history.returns
    np.testing.assert_allclose(returns[:99], np.diff(old.close) / old.close[:-1])
    np.testing.assert_allclose(returns[99:], (np.diff(new.close) / new.close[:-1])[-40:])


def test_candles_of_later_days_change_no_earlier_row() -> None:
    old, new = candles("bybit", 0, 100), candles("binance", 40, 400)
    early = chosen(old, new, as_of=datetime.fromtimestamp((FIRST + 90) * 86_400, UTC))
    late = chosen(old, new)
    rows = early.history.size
    assert rows == 89
    np.testing.assert_array_equal(early.history.returns, late.history.returns[:rows])
    np.testing.assert_array_equal(early.history.days, late.history.days[:rows])


def test_turnover_is_linked_by_the_days_in_common_so_that_no_ratio_jumps() -> None:
    found = chosen(candles("bybit", 0, 100), candles("binance", 40, 100, turnover=7.0))
    assert set(found.inputs.turnover.tolist()) == {7.0}


def test_without_days_in_common_the_turnover_before_a_change_is_not_observed() -> None:
    found = chosen(candles("bybit", 0, 100), candles("binance", 99, 100, turnover=7.0))
    missing = np.flatnonzero(np.isnan(found.inputs.turnover))
    assert missing.tolist() == list(range(69, 99))


@pytest.mark.parametrize("count", [2, 1_000])
def test_a_perpetual_precedes_spot_of_any_length(count: int) -> None:
    found = chosen(candles("binance", 0, count, kind=PriceKind.SPOT), candles("bybit", 0, 50))
    assert {part.id.kind for part in found.parts} == {PriceKind.PERP}


def test_spot_speaks_without_a_perpetual_and_has_no_ranges() -> None:
    found = chosen(candles("binance", 0, 50, kind=PriceKind.SPOT))
    assert np.isnan(found.inputs.high).all()
    assert [str(part.id) for part in found.parts] == ["binance spot BTCUSDT 1d"]


def test_prices_in_another_currency_and_of_another_asset_do_not_speak() -> None:
    found = asset_series([candles("binance", 0, 50, quote="EUR")], "BTC", AS_OF)
    assert isinstance(found, Unknown)
    assert found.reason == "no daily perp or spot prices of BTC in USD by 2030-01-01"
    assert isinstance(asset_series([candles("binance", 0, 50)], "ETH", AS_OF), Unknown)


def test_a_history_begins_anew_after_a_long_silence() -> None:
    found = chosen(candles("bybit", 0, 60), candles("binance", 90, 40))
    assert [part.id.venue for part in found.parts] == ["binance"]
    assert found.history.size == 39


def test_a_series_until_a_day_has_the_returns_before_it_alone() -> None:
    found = chosen(candles("bybit", 0, 100))
    cut = until_day(found, FIRST + 51)
    assert cut is not None
    assert cut.history.size == 50
    assert cut.parts[-1].last_day == FIRST + 50
    assert until_day(found, FIRST) is None


def disputed(series: PriceSeries, row: int) -> PriceSeries:
    close = series.close.copy()
    close[row] /= 2
    return replace(series, close=close, disputed=np.arange(close.size) == row)


def test_spot_states_the_moves_of_a_disputed_close_and_is_named() -> None:
    perp, spot = candles("bybit", 0, 100), candles("binance", 0, 120, kind=PriceKind.SPOT)
    found = chosen(disputed(perp, 40), spot)
    returns = np.diff(spot.close) / spot.close[:-1]
    np.testing.assert_allclose(found.history.returns[39:41], returns[39:41])
    assert found.history.size == 99
    assert [(own.day - FIRST, str(own.by)) for own in found.disputed] == [
        (40, "binance spot BTCUSDT 1d"),
        (41, "binance spot BTCUSDT 1d"),
    ]
    assert [part.id.venue for part in found.parts] == ["bybit"]
    assert np.flatnonzero(np.isnan(found.inputs.low)).tolist() == [39]
    assert np.flatnonzero(np.isnan(found.inputs.high)).tolist() == [39]
    cut = until_day(found, FIRST + 41)
    assert cut is not None
    assert [own.day - FIRST for own in cut.disputed] == [40]


def test_a_disputed_move_that_no_series_has_is_omitted_and_named() -> None:
    found = chosen(disputed(candles("bybit", 0, 100), 40))
    assert found.history.size == 97
    assert [(own.day - FIRST, own.by) for own in found.disputed] == [(40, None), (41, None)]
    assert str(found.disputed[0]) == (
        "without 2022-02-17, whose move touches a disputed close of bybit perp BTCUSDT 1d"
    )


def test_a_disputed_close_of_a_series_that_does_not_speak_is_not_named() -> None:
    other = disputed(candles("okx", 60, 30), 10)
    assert chosen(candles("bybit", 0, 100), other).disputed == ()
