from dataclasses import replace
from datetime import UTC, datetime
from fractions import Fraction

import numpy as np
import pytest

from harmonize.adequacy.close_out import (
    CloseOut,
    CloseOutTime,
    WindowCoverage,
    after_liquidation,
    close_out,
    close_out_time,
    separate_windows,
    window_coverage,
)
from harmonize.adequacy.contract_risk import CloseOutMoves, close_out_moves
from harmonize.adequacy.coverage import Coverage
from harmonize.adequacy.factors import VenueVolume, venue_volume
from harmonize.adequacy.horizons import Side
from harmonize.core.schedule import Unknown
from harmonize.market.prices import PriceKind, PriceSeries
from tests.harmonize.adequacy.contracts import (
    AS_OF,
    DAY,
    HOUR,
    QUARTER,
    candles,
    random_candles,
    real_crash,
)
from tests.harmonize.market.small import identity


def windows_of(series: PriceSeries) -> tuple[CloseOutMoves, ...]:
    windows = close_out_moves([series])
    assert not isinstance(windows, Unknown)
    return windows


def window(series: PriceSeries, side: Side, seconds: int) -> CloseOutMoves:
    (found,) = (w for w in windows_of(series) if (w.moves.side, w.moves.seconds) == (side, seconds))
    return found


def known(result: Coverage | Unknown) -> Coverage:
    assert isinstance(result, Coverage)
    return result


def of_windows(result: WindowCoverage | Unknown) -> WindowCoverage:
    assert isinstance(result, WindowCoverage)
    return result


def volume(usd: float) -> VenueVolume:
    return VenueVolume(usd, 30, identity(), datetime(2026, 1, 1, tzinfo=UTC), ())


def brute_force(
    series: PriceSeries, side: Side, count: int, initial: float, maintenance: float
) -> tuple[int, int]:
    """Windows after a liquidating candle, and those that go beyond MM, in exact numbers."""
    assert series.low is not None
    assert series.high is not None
    closes = [Fraction(float(close)) for close in series.close]
    after, beyond = 0, 0
    for row in range(1, series.times.size - count):
        if series.times[row + count] - series.times[row - 1] != (count + 1) * series.step:
            continue
        move = closes[row] / closes[row - 1] - 1
        loss = -move if side is Side.LONG else move
        if loss <= Fraction(initial - maintenance):
            continue
        after += 1
        ends = range(row + 1, row + count + 1)
        if side is Side.LONG:
            excursion = 1 - min(Fraction(float(series.low[end])) for end in ends) / closes[row]
        else:
            excursion = max(Fraction(float(series.high[end])) for end in ends) / closes[row] - 1
        beyond += excursion > Fraction(maintenance)
    return after, beyond


@pytest.mark.parametrize("side", list(Side))
@pytest.mark.parametrize("count", [1, 4, 12])
@pytest.mark.parametrize(("initial", "maintenance"), [(0.008, 0.004), (0.02, 0.01), (0.02, 0.015)])
def test_windows_after_a_liquidation_equal_a_count_in_exact_numbers(
    side: Side, count: int, initial: float, maintenance: float
) -> None:
    whole = random_candles(11, 700)
    series = whole.select(~np.isin(np.arange(700), [100, 250, 251]))
    result = known(
        after_liquidation(window(series, side, count * HOUR), initial - maintenance, maintenance)
    )
    expected = brute_force(series, side, count, initial, maintenance)
    assert (result.observations, result.breaches) == expected
    assert expected[0] > 30
    assert 30 <= result.separate <= expected[0]
    assert (result.separate == expected[0]) is (count == 1)


def test_windows_that_overlap_count_once() -> None:
    starts = np.array([40, 0, 1, 11, 12, 13, 24])
    assert separate_windows(starts, 12) == 4  # from 0, 12, 24 and 40
    assert separate_windows(starts, 1) == 7
    assert separate_windows(starts[:0], 12) == 0


def test_many_liquidations_in_few_windows_give_a_reason() -> None:
    """One long fall: 40 candles liquidate, and their windows of 12 candles share them."""
    closes = [100.0 * 0.96**row for row in range(60)]
    series = candles(closes, HOUR, high=closes, low=closes)
    assert known(after_liquidation(window(series, Side.LONG, HOUR), 0.03, 0.01)).separate > 30
    assert after_liquidation(window(series, Side.LONG, 12 * HOUR), 0.03, 0.01) == Unknown(
        "candles that close beyond IM − MM: 47 observations, of which 4 have windows that do not "
        "overlap, 30 are required"
    )


def test_a_case_by_hand() -> None:
    """IM 10 %, MM 4 %: a close 7 % lower liquidates; the next low is 5 % below that close."""
    close, low, high = [100.0], [100.0], [100.0]
    for _ in range(40):
        base = close[-1]
        close += [base * 0.93, base * 0.92]
        low += [base * 0.925, base * 0.93 * 0.95]
        high += [base, base * 0.95]
    series = candles(close, high=high, low=low)
    result = known(after_liquidation(window(series, Side.LONG, DAY), 0.06, 0.04))
    assert (result.observations, result.breaches, result.breach_rate) == (40, 40, 1.0)
    assert result.average_uncovered == pytest.approx(0.01)
    # A close 7 % lower does not exceed IM − MM of 8 %.
    assert after_liquidation(window(series, Side.LONG, DAY), 0.08, 0.04) == Unknown(
        "candles that close beyond IM − MM: 0 observations, 30 are required"
    )
    # Prices that rise by 1 % liquidate no short position.
    assert isinstance(after_liquidation(window(series, Side.SHORT, DAY), 0.06, 0.04), Unknown)


def test_after_a_liquidation_breaches_are_as_frequent_as_otherwise_if_moves_are_independent() -> (
    None
):
    series = random_candles(4, 40_000)
    result = window_coverage(window(series, Side.SHORT, HOUR), 0.025, 0.01)
    assert result.buffer == pytest.approx(0.015)
    every, after = known(result.every_window), known(result.after_liquidation)
    assert after.observations > 2000
    assert after.breach_rate == pytest.approx(every.breach_rate, abs=0.02)


def test_turbulence_makes_breaches_after_a_liquidation_more_frequent() -> None:
    series = real_crash()
    result = window_coverage(window(series, Side.LONG, QUARTER), 0.008, 0.004)
    every, after = known(result.every_window), known(result.after_liquidation)
    assert after.breach_rate > 1.5 * every.breach_rate
    assert every.worst[0].start == datetime(2025, 10, 10, 21, 0, tzinfo=UTC)


def test_a_position_takes_longer_to_close_the_larger_it_is() -> None:
    time = close_out_time(5e6, volume(1e9))
    assert isinstance(time, CloseOutTime)
    # 5m at 5 % of 1bn a day: a tenth of a day.
    assert (time.seconds, time.participation) == pytest.approx((8640, 0.05))
    half = close_out_time(5e6, volume(1e9), participation=0.1)
    assert isinstance(half, CloseOutTime)
    assert half.seconds == pytest.approx(4320)
    no_volume = close_out_time(5e6, Unknown("no candles"))
    assert no_volume == Unknown("no size verdict: no candles")
    assert close_out_time(5e6, volume(0.0)) == Unknown(
        "no size verdict: the median daily volume is 0"
    )


@pytest.mark.parametrize("notional", [0.0, -5.0, float("nan")])
def test_a_size_that_is_none_is_refused(notional: float) -> None:
    with pytest.raises(ValueError, match="notional: expected above 0 USD"):
        close_out_time(notional, volume(1e9))


@pytest.mark.parametrize("participation", [0.0, 5.0, -0.1])
def test_a_share_of_volume_in_percent_is_refused(participation: float) -> None:
    with pytest.raises(ValueError, match="participation: expected above 0 and at most 1"):
        close_out_time(1e6, volume(1e9), participation)


@pytest.mark.parametrize(
    ("notional", "seconds"), [(1e3, HOUR), (4e6, 2 * HOUR), (2e7, 12 * HOUR), (2.4e8, 5 * DAY)]
)
def test_the_close_out_uses_the_shortest_window_in_which_the_position_is_closed(
    notional: float, seconds: int
) -> None:
    series = random_candles(3, 1000)
    time = close_out_time(notional, volume(1e9))
    result = close_out(windows_of(series), Side.LONG, (0.1, 0.05), time)
    assert of_windows(result.own_time).seconds == seconds
    assert of_windows(result.one_candle).seconds == HOUR


def test_a_close_out_beyond_the_longest_window_has_a_lower_bound() -> None:
    windows = windows_of(random_candles(3, 1000))
    shares = []
    for notional in (2.4e8, 1e9):  # 4.8 and 20 days
        time = close_out_time(notional, volume(1e9))
        result = close_out(windows, Side.LONG, (0.1, 0.05), time)
        assert result.result == result.own_time
        assert of_windows(result.own_time).seconds == 5 * DAY
        assert result.is_at_least is (notional > 2.4e8)
        shares.append(known(of_windows(result.own_time).every_window).breach_rate)
    assert shares[0] == shares[1]  # a larger position never has the better verdict


def test_what_is_unknown_stays_unknown() -> None:
    windows, time = windows_of(random_candles(3, 1000)), Unknown("no size verdict: no candles")
    unknown = Unknown("MM is unknown: not published")
    assert close_out(windows, Side.LONG, (0.1, unknown), time) == CloseOut(unknown, unknown, time)
    without_initial = close_out(windows, Side.LONG, (Unknown("IM is unknown"), 0.05), time)
    one = of_windows(without_initial.one_candle)
    assert one.after_liquidation == one.buffer == Unknown("IM is unknown")
    assert isinstance(one.every_window, Coverage)
    assert without_initial.own_time == time
    equal = of_windows(close_out(windows, Side.LONG, (0.05, 0.05), time).one_candle)
    assert equal.after_liquidation == Unknown(
        "IM is not above MM: a position at full leverage is liquidated at once"
    )


def test_spot_gives_no_close_out() -> None:
    spot = candles([1.0, 2.0, 1.0], of=identity(kind=PriceKind.SPOT))
    reason = Unknown("binance spot BTCUSDT 1d has closes only, no highs and lows of a contract")
    assert close_out_moves([spot]) == reason
    result = close_out(reason, Side.LONG, (0.1, 0.05), Unknown("no volume"))
    assert (result.one_candle, result.own_time) == (reason, reason)


def test_few_windows_give_their_number() -> None:
    result = window_coverage(window(random_candles(3, 80), Side.LONG, HOUR), 0.1, 0.05)
    assert result.every_window == Unknown("79 observations, 100 are required")


def traded(days: int, turnover: float, venue: str = "binance") -> PriceSeries:
    flat = candles([100.0 + day % 3 for day in range(days)], of=identity(venue=venue))
    return PriceSeries(flat.id, flat.times, flat.close, turnover=np.full(days, turnover))


def test_the_volume_is_that_of_the_venues_own_perpetual() -> None:
    among = [traded(40, 2e9), traded(60, 1e9, "bybit")]
    own = venue_volume(among, "binance", "BTC", AS_OF)
    assert isinstance(own, VenueVolume)
    assert (own.value, own.observations) == (2e9, 30)
    assert own.last_day == datetime(2024, 2, 9, tzinfo=UTC)
    assert venue_volume(among, "okx", "BTC", AS_OF) == Unknown(
        "volume of the okx perpetual on BTC: no candles"
    )
    # Spot volume is another market's, and later days are not known yet.
    spot = replace(traded(40, 9e9), id=identity(kind=PriceKind.SPOT))
    assert isinstance(venue_volume([spot], "binance", "BTC", AS_OF), Unknown)
    early = venue_volume(among, "binance", "BTC", datetime(2024, 1, 20, tzinfo=UTC))
    assert early == Unknown(
        "volume of the binance perpetual on BTC: 19 days with turnover, 30 are required"
    )


def test_the_latest_volume_counts_and_then_the_largest() -> None:
    early, late, small = traded(40, 9e9), traded(50, 1e9), traded(50, 5e8)
    own = venue_volume([early, small, late], "binance", "BTC", AS_OF)
    assert isinstance(own, VenueVolume)
    assert own.value == 1e9


def test_the_volume_of_hours_is_added_up_and_marked_as_an_estimate() -> None:
    hourly = candles([100.0 + hour % 3 for hour in range(24 * 31)], HOUR)
    series = PriceSeries(
        hourly.id, hourly.times, hourly.close, volume=np.ones(hourly.times.size), sources=("a",)
    )
    own = venue_volume([series], "binance", "BTC", AS_OF)
    assert isinstance(own, VenueVolume)
    assert own.value == pytest.approx(24 * 101)
    assert any("estimated" in source for source in own.sources)
    contracts = PriceSeries(hourly.id, hourly.times, hourly.close)
    assert venue_volume([contracts], "binance", "BTC", AS_OF) == Unknown(
        "volume of the binance perpetual on BTC: turnover is not stated"
    )
