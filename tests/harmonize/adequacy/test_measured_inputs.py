from dataclasses import replace
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from harmonize.adequacy.measured_inputs import (
    MOVES,
    VOLATILITY,
    VOLUME,
    WORST_YEARS,
    NotMeasured,
    measure_inputs,
    measure_underlying,
    reference_series,
)
from harmonize.market.prices import PriceKind, PriceSeries
from harmonize.policy.inputs import Input, read_inputs, snapshot_of
from tests.harmonize.adequacy.test_tail import PUBLISHED, closes
from tests.harmonize.market.small import DAY, START, identity, series

AS_OF = datetime(2026, 3, 4, tzinfo=UTC)


def ending_at(asset: str) -> PriceSeries:
    """Real daily closes of an asset up to 2026-03-03."""
    close = closes(asset)
    last = int(datetime(2026, 3, 3, tzinfo=UTC).timestamp()) * 1_000_000
    times = last - np.arange(close.size)[::-1] * DAY
    return PriceSeries(identity(f"{asset}USDT"), times, close)


def measured(of: PriceSeries, as_of: datetime = AS_OF) -> dict[str, Input | NotMeasured]:
    return {item.name: item for item in measure_inputs(of, as_of)}


@pytest.mark.parametrize("asset", PUBLISHED)
def test_inputs_equal_those_calculated_independently(asset: str) -> None:
    year, three_years, worst_year, two_days, interval = PUBLISHED[asset]
    inputs = measured(ending_at(asset))
    expected = {
        "var_99_1d_365d": year,
        "var_99_1d_1095d": three_years,
        "var_99_1d_worst_365d": worst_year,
        "var_99_2d_365d": two_days,
        "var_99_2d_10y": {"BTC": 0.14239726, "SOL": 0.26811238, "XRP": 0.2855939}[asset],
        "var_99_2d_worst_365d": {"BTC": 0.18938011, "SOL": 0.41669119, "XRP": 0.56574249}[asset],
    }
    for name, number in expected.items():
        item = inputs[name]
        assert isinstance(item, Input)
        assert float(item.value) == pytest.approx(number, rel=2e-7)
        assert item.observed_at == AS_OF
    item = inputs["var_99_1d_1095d"]
    assert isinstance(item, Input)
    assert (float(item.lower or 0), float(item.upper or 0)) == pytest.approx(interval, rel=2e-7)
    assert (item.observations, float(item.confidence or 0)) == (1095, 0.95)
    bounded = inputs["var_99_2d_365d"]
    assert isinstance(bounded, Input)
    assert (bounded.lower, bounded.observations) == (None, 365)  # unbounded above


def test_inputs_can_be_archived_and_read_back() -> None:
    inputs = [item for item in measured(ending_at("BTC")).values() if isinstance(item, Input)]
    restored, defects = read_inputs(snapshot_of(inputs, "test"))
    assert (len(restored), defects) == (7, ())
    assert [item.value for item in restored] == [item.value for item in inputs]


def test_volatility_is_that_of_thirty_days_in_a_row_per_year() -> None:
    rng = np.random.default_rng(5)
    returns = rng.normal(0, 0.03, 60)
    closes_ = 100 * np.cumprod(np.concatenate([[1.0], 1 + returns]))
    daily = series(closes_.tolist())
    item = measured(daily)["vol_30d_annualised"]
    assert isinstance(item, Input)
    expected = float(np.sqrt(np.mean(returns[-30:] ** 2) * 365))
    assert float(item.value) == pytest.approx(expected, rel=1e-7)
    assert (item.observations, float(item.confidence or 0)) == (30, 0.95)
    assert item.lower is not None
    assert item.upper is not None
    assert expected / 2 < item.lower < item.value < item.upper < expected * 2
    gap = measured(daily.select(np.arange(61) != 55))["vol_30d_annualised"]
    assert gap == NotMeasured(VOLATILITY, "BTC", "one of the last 30 days is missing")
    few = measured(daily.select(slice(0, 30)))["vol_30d_annualised"]
    assert few == NotMeasured(VOLATILITY, "BTC", "29 daily returns, 30 are required")
    still = measured(series([*closes_[:20].tolist(), *[5.0] * 31]))["vol_30d_annualised"]
    assert still == NotMeasured(VOLATILITY, "BTC", "the last 30 daily returns are all equal")
    wild = measured(series([1.0 + 2 * (day % 3 == 0) for day in range(40)]))["vol_30d_annualised"]
    assert isinstance(wild, NotMeasured)
    assert wild.reason.endswith("a volatility above 10 is refused as an input")


def test_later_candles_change_no_earlier_input() -> None:
    real = ending_at("SOL")
    planted = replace(
        real,
        times=np.concatenate([real.times, real.times[-1] + DAY * np.arange(1, 4)]),
        close=np.concatenate([real.close, [1e6, 1.0, 1e6]]),
    )
    assert measured(real) == measured(planted)


def test_volume_is_that_of_thirty_finished_days_in_a_row() -> None:
    close = [1.0 + day % 3 for day in range(40)]
    traded = series(close, turnover=np.arange(40.0) * 1e6)
    volume = measured(traded)["adv_30d_median"]
    assert isinstance(volume, Input)
    assert volume.value == 24_500_000
    assert volume.lower is not None
    assert volume.upper is not None
    assert 10_000_000 <= volume.lower < volume.value < volume.upper <= 39_000_000
    gap = traded.select(np.arange(40) != 35)
    item = measured(gap)["adv_30d_median"]
    assert item == NotMeasured("adv_30d_median", "BTC", "one of the last 30 days is missing")
    assert measured(ending_at("BTC"))["adv_30d_median"] == NotMeasured(
        "adv_30d_median", "BTC", "turnover is not stated"
    )


def test_few_days_give_their_number_and_a_move_above_one_is_refused() -> None:
    inputs = measured(series([1.0 + day % 3 / 10 for day in range(50)]))
    assert inputs["var_99_1d_365d"] == NotMeasured(
        "var_99_1d_365d", "BTC", "49 observations, 100 are required at 0.99"
    )
    assert inputs["var_99_2d_worst_365d"] == NotMeasured(
        "var_99_2d_worst_365d", "BTC", "48 observations, 365 are required"
    )
    wild = measured(series([1.0 + 2 * (day % 3 == 0) for day in range(400)]))["var_99_1d_365d"]
    assert wild == NotMeasured(
        "var_99_1d_365d", "BTC", "measured 2; a move above 1 is refused as an input"
    )


def test_other_candles_than_daily_ones_are_refused() -> None:
    hourly = replace(series([1.0, 2.0]), id=replace(identity(), interval=3600))
    with pytest.raises(ValueError, match="expected daily candles"):
        list(measure_inputs(hourly, AS_OF))
    assert START % DAY == 0


def spot(asset: str, closes_: list[float], days: list[int] | None = None) -> PriceSeries:
    return series(closes_, days, identity(f"{asset}USDT", PriceKind.SPOT))


def perp(venue: str, volume: float, days: int = 40, last: int = 400) -> PriceSeries:
    """Daily candles of a perpetual with one volume a day, up to a day."""
    places = list(range(last - days + 1, last + 1))
    closes_ = [1.0 + day % 3 / 10 for day in places]
    turnover = np.full(days, volume)
    return series(closes_, places, identity(venue=venue), turnover=turnover)


def test_moves_are_of_the_longest_current_series_and_volume_of_the_largest_perpetual() -> None:
    long_spot = spot("BTC", [1.0 + day % 7 / 20 for day in range(400)])
    all_series = [long_spot, perp("okx", 2e9), perp("bybit", 3e9), perp("gate", 9e9, last=300)]
    moves, volume = measure_underlying(all_series, "BTC", AS_OF)
    assert str(moves.series.id) == "binance spot BTCUSDT 1d"
    assert {item.name for item in moves.items} == {*MOVES, *WORST_YEARS, VOLATILITY}
    (item,) = volume.items
    assert isinstance(item, Input)
    assert item.value == 3_000_000_000  # gate ended 100 days before
    assert item.observations == 30
    assert item.observed_at == datetime(2025, 2, 5, tzinfo=UTC)
    assert "bybit perp BTCUSDT 1d" in item.source


def test_recent_series_precede_longer_and_more_traded_ones_if_a_time_is_given() -> None:
    long_spot = spot("BTC", [1.0 + day % 7 / 20 for day in range(380)])
    parts = [long_spot, perp("okx", 2e9, days=120), perp("gate", 9e9, last=379)]
    last = datetime(2025, 2, 4, tzinfo=UTC)  # day 400, on which only okx has candles
    (found,) = measure_underlying(parts, "BTC", AS_OF, recent_from=last)
    assert found.series.id.venue == "okx"
    volumes = [item for item in found.items if isinstance(item, Input) and item.name == VOLUME]
    assert [item.value for item in volumes] == [2_000_000_000]
    reference = reference_series(parts, "BTC", AS_OF, recent_from=last)
    assert reference is not None
    assert reference.id == found.series.id
    later = last + timedelta(days=2)  # none is that recent, and the others stand again
    moves, volume = measure_underlying(parts, "BTC", AS_OF, recent_from=later)
    assert (moves.series.id, volume.series.id.venue) == (long_spot.id, "gate")
    again = reference_series(parts, "BTC", AS_OF, later)
    assert again is not None
    assert again.id == long_spot.id


def test_a_series_that_ended_long_before_the_newest_one_is_not_measured() -> None:
    ended = spot("BTC", [1.0 + day % 7 / 20 for day in range(300)])
    current = perp("okx", 2e9, days=120, last=331)
    (measurement,) = measure_underlying([ended, current], "BTC", AS_OF)
    assert str(measurement.series.id) == "okx perp BTCUSDT 1d"
    assert {item.name for item in measurement.items} == {*MOVES, *WORST_YEARS, VOLATILITY, VOLUME}
    on_the_edge = perp("okx", 2e9, days=120, last=329)  # 30 days after the end of the longer one
    moves, _ = measure_underlying([ended, on_the_edge], "BTC", AS_OF)
    assert str(moves.series.id) == "binance spot BTCUSDT 1d"


def test_volume_of_a_perpetual_that_ended_long_before_spot_is_not_measured() -> None:
    current = spot("BTC", [1.0 + day % 7 / 20 for day in range(400)])
    (measurement,) = measure_underlying([current, perp("okx", 2e9, last=360)], "BTC", AS_OF)
    reason = (
        "okx perp BTCUSDT 1d ends on 2024-12-27, more than 30 days before binance spot BTCUSDT 1d, "
        "which ends on 2025-02-04; import newer candles, or measure as of an earlier day"
    )
    assert measurement.items[-1] == NotMeasured(VOLUME, "BTC", reason)


def test_a_perpetual_without_volume_is_not_said_to_be_missing() -> None:
    current = spot("BTC", [1.0 + day % 7 / 20 for day in range(400)])
    untraded = replace(perp("okx", 2e9), turnover=None)
    short = perp("okx", 2e9, days=10)
    for part, reason in (
        (untraded, "volume of the okx perpetual on BTC: turnover is not stated"),
        (short, "volume of the okx perpetual on BTC: 10 days with turnover, 30 are required"),
    ):
        (measurement,) = measure_underlying([current, part], "BTC", AS_OF)
        assert measurement.items[-1] == NotMeasured(VOLUME, "BTC", reason)
    both = [current, untraded, perp("gate", 2e9, last=300)]
    (measurement,) = measure_underlying(both, "BTC", AS_OF)
    item = measurement.items[-1]
    assert isinstance(item, NotMeasured)
    assert item.reason.startswith(
        "volume of the okx perpetual on BTC: turnover is not stated; gate perp BTCUSDT 1d ends on 2024-10-28"
    )


def test_the_reason_is_that_of_a_perpetual_with_volume() -> None:
    current = spot("BTC", [1.0 + day % 7 / 20 for day in range(400)])
    untraded = replace(perp("okx", 2e9, last=350), turnover=None)
    (measurement,) = measure_underlying(
        [current, untraded, perp("gate", 2e9, last=300)], "BTC", AS_OF
    )
    item = measurement.items[-1]
    assert isinstance(item, NotMeasured)
    assert item.reason.startswith(
        "gate perp BTCUSDT 1d ends on 2024-10-28, more than 30 days before"
    )


def test_before_its_first_candle_a_perpetual_is_not_said_to_be_missing() -> None:
    before = datetime(2023, 6, 1, tzinfo=UTC)
    (measurement,) = measure_underlying([perp("okx", 2e9)], "BTC", before)
    reason = "no candle of a perpetual had closed by 2023-06-01"
    assert measurement.items == (NotMeasured(VOLUME, "BTC", reason),)


def test_daily_candles_that_ended_long_before_hourly_ones_say_so() -> None:
    daily = spot("BTC", [1.0 + day % 7 / 20 for day in range(100)])
    hours = START + np.arange(200 * 24) * DAY // 24
    of = replace(identity(venue="okx"), interval=3600)
    hourly = PriceSeries(of, hours, np.full(4800, 10.0), volume=np.full(4800, 1e6))
    items = [
        item
        for measurement in measure_underlying([daily, hourly], "BTC", AS_OF)
        for item in measurement.items
    ]
    refused = [item for item in items if isinstance(item, NotMeasured)]
    assert {item.name for item in refused} == {*MOVES, *WORST_YEARS, VOLATILITY}
    assert {item.reason for item in refused} == {
        (
            "binance spot BTCUSDT 1d ends on 2024-04-10, more than 30 days before okx perp BTCUSDT 1h, "
            "which ends on 2024-07-19; import newer candles, or measure as of an earlier day"
        )
    }
    assert [item.name for item in items if isinstance(item, Input)] == [VOLUME]


def test_spot_gives_no_volume() -> None:
    traded = replace(spot("BTC", [1.0, 2.0, 1.5]), turnover=np.full(3, 1e9))
    (measurement,) = measure_underlying([traded], "BTC", AS_OF)
    assert measurement.items[-1] == NotMeasured(
        VOLUME, "BTC", "no perpetual with volume; spot is another market"
    )
    assert measure_underlying([traded], "ETH", AS_OF) == ()


def test_hourly_candles_are_added_up_to_days_for_volume() -> None:
    hours = START + np.arange(40 * 24) * DAY // 24
    of = replace(identity(venue="okx"), interval=3600)
    hourly = PriceSeries(of, hours, np.full(960, 10.0), volume=np.full(960, 1e6))
    (measurement,) = measure_underlying([hourly], "BTC", AS_OF)
    (item,) = measurement.items
    assert isinstance(item, Input)
    assert item.value == 240_000_000
    assert "turnover estimated as volume × close" in item.source


def test_a_quote_currency_that_is_not_at_par_is_not_measured() -> None:
    in_yen = series([1.0 + day % 3 for day in range(400)], of=replace(identity(), quote="JPY"))
    (measurement,) = measure_underlying([in_yen], "BTC", AS_OF)
    reasons = {item.reason for item in measurement.items if isinstance(item, NotMeasured)}
    assert reasons == {"binance perp BTCUSDT 1d is priced in JPY, which is not at par with USD"}
    assert [item.name for item in measurement.items] == [*MOVES, *WORST_YEARS, VOLATILITY, VOLUME]


def test_a_volatility_in_percent_is_refused() -> None:
    percent = series([55.0, 60.0], of=replace(identity(kind=PriceKind.VOLATILITY), quote=""))
    with pytest.raises(ValueError, match="expected prices, found percent per year"):
        list(measure_inputs(percent, AS_OF))
