"""Evidence of inputs: window, hash, interval, and what is refused."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import numpy as np
import pytest

from harmonize.calibration.baseline import asset_facts
from harmonize.calibration.classes import decide
from harmonize.calibration.evidence import (
    AssetEvidence,
    earlier_evidence,
    end_of_day,
    gather_evidence,
    last_day,
    worse_sample,
)
from harmonize.market.prices import PriceKind, PriceSeries
from tests.harmonize.adequacy.test_measured_inputs import ending_at
from tests.harmonize.market.small import identity, series

AS_OF = datetime(2026, 3, 4, tzinfo=UTC)
THREE_YEARS, TWO_DAYS, STRESS, VOLUME = (
    "var_99_1d_1095d",
    "var_99_2d_365d",
    "var_99_1d_worst_365d",
    "adv_30d_median",
)
INTERVALS = {  # of two-day moves over 365 days, ranks 357 and 365, calculated independently
    "BTC": (0.070182216, 0.16972831),
    "SOL": (0.11889048, 0.19961181),
    "XRP": (0.10783538, 0.19266872),
}


def spot(asset: str) -> PriceSeries:
    return replace(ending_at(asset), id=identity(f"{asset}USDT", PriceKind.SPOT))


def evidence(
    *parts: PriceSeries,
    names: tuple[str, ...] = (THREE_YEARS, STRESS, TWO_DAYS, VOLUME),
    as_of: datetime = AS_OF,
) -> AssetEvidence:
    return gather_evidence(parts, parts[0].id.underlying.asset, names, as_of)


@pytest.mark.parametrize("asset", INTERVALS)
def test_every_move_has_interval_number_window_and_hash(asset: str) -> None:
    prices = spot(asset)
    found = evidence(prices)
    assert found.returns == prices.times.size - 1
    two_days = found.inputs[TWO_DAYS]
    bounds = (float(two_days.input.lower or 0), float(two_days.input.upper or 0))
    assert bounds == pytest.approx(INTERVALS[asset], rel=2e-7)
    assert (two_days.input.observations, float(two_days.input.confidence or 0)) == (365, 0.95)
    window = two_days.window
    assert (window.first, window.last) == (date(2025, 3, 2), date(2026, 3, 3))
    assert window.candles == 367  # 365 returns, and the two closes before the first
    three_years = found.inputs[THREE_YEARS].window
    assert (three_years.first, three_years.candles) == (date(2023, 3, 4), 1_096)
    assert found.inputs[STRESS].window.candles == prices.times.size
    assert len({item.window.sha256 for item in found.inputs.values()}) == 3


def test_the_hash_is_that_of_the_prices_in_the_window() -> None:
    prices = spot("BTC")
    before = evidence(prices).inputs[TWO_DAYS].window.sha256
    shorter = prices.select(slice(1_000, None))
    assert evidence(shorter).inputs[TWO_DAYS].window.sha256 == before
    changed = prices.close.copy()
    changed[-367] += 0.01
    assert evidence(replace(prices, close=changed)).inputs[TWO_DAYS].window.sha256 != before
    earlier = prices.close.copy()
    earlier[-368] += 0.01
    assert evidence(replace(prices, close=earlier)).inputs[TWO_DAYS].window.sha256 == before


def test_later_prices_change_nothing() -> None:
    prices = spot("SOL")
    earlier = AS_OF - timedelta(days=20)
    planted = prices.close.copy()
    planted[-20:] = 1e9
    found = evidence(replace(prices, close=planted), as_of=earlier)
    assert found.inputs == evidence(prices, as_of=earlier).inputs
    assert found.inputs[TWO_DAYS].window.last == date(2026, 2, 11)


def test_the_interval_of_the_worst_year_is_that_within_it() -> None:
    prices = spot("XRP")
    moves = prices.close[1:] / prices.close[:-1] - 1
    samples = [
        sign * moves[last - 365 : last] for sign in (1, -1) for last in range(365, moves.size + 1)
    ]
    worst = max(samples, key=lambda sample: float(np.quantile(sample, 0.99)))
    np.testing.assert_array_equal(worse_sample(STRESS, prices), worst)
    item = evidence(prices).inputs[STRESS].input
    ordered = np.sort(worst)
    assert float(item.value) == pytest.approx(float(np.quantile(worst, 0.99)), rel=1e-7)
    assert (float(item.lower or 0), float(item.upper or 0)) == pytest.approx(
        (ordered[356], ordered[364]), rel=1e-7
    )


def test_the_worst_year_can_be_one_of_falls() -> None:
    moves = np.tile([0.01, -0.005], 500)
    moves[600:610] = -0.2
    prices = series(np.cumprod(1 + moves).tolist())
    sample = worse_sample(STRESS, prices)
    assert (sample.size, int(np.count_nonzero(np.isclose(sample, 0.2)))) == (365, 5)
    item = evidence(prices, as_of=datetime(2026, 9, 28, tzinfo=UTC)).inputs[STRESS].input
    assert float(item.value) == pytest.approx(0.2)
    assert (float(item.lower or 0), float(item.upper or 0)) == pytest.approx((0.005, 0.2), rel=1e-6)


def test_an_interval_that_reaches_above_one_is_not_stated() -> None:
    moves = np.tile([0.01, -0.005], 550)
    moves[-6:] = [1.5, 0.3, 0.3, 0.3, 0.3, 0.3]
    prices = series(np.cumprod(1 + moves).tolist())
    item = evidence(prices, as_of=datetime(2027, 1, 5, tzinfo=UTC)).inputs[STRESS].input
    assert float(item.value) == pytest.approx(0.3)
    assert (item.lower, item.upper, item.confidence) == (None, None, None)


def test_a_series_that_ends_early_gives_no_number() -> None:
    prices = spot("BTC")
    at_the_limit = evidence(prices, as_of=AS_OF + timedelta(days=30))
    assert at_the_limit.inputs[THREE_YEARS].window.last == date(2026, 3, 3)
    found = evidence(prices, as_of=AS_OF + timedelta(days=31))
    assert (found.inputs, found.daily) == ({}, None)
    reasons = {item.name: item.reason for item in found.refused}
    assert reasons[THREE_YEARS] == (
        "binance spot BTCUSDT 1d ends on 2026-03-03, more than 30 days before the calibration; import newer candles"
    )


@pytest.mark.parametrize(("returns", "is_measured"), [(364, False), (365, True)])
def test_fewer_than_365_returns_give_no_move(returns: int, *, is_measured: bool) -> None:
    prices = spot("BTC").select(slice(-returns - 1, None))
    found = evidence(prices, names=(THREE_YEARS,))
    assert (THREE_YEARS in found.inputs) == is_measured
    assert found.returns == returns
    if not is_measured:
        (refused,) = found.refused
        assert refused.reason == "364 returns, 365 are required; import a longer history"


def test_volume_is_measured_on_thirty_days_of_a_perpetual() -> None:
    days = 400
    traded = series([1.0 + day % 3 for day in range(days)], turnover=np.arange(float(days)) * 1e6)
    found = evidence(traded, names=(VOLUME,), as_of=datetime(2025, 2, 4, tzinfo=UTC))
    window = found.inputs[VOLUME].window
    assert float(found.inputs[VOLUME].input.value) == pytest.approx(384.5e6)
    assert (window.candles, window.first, window.last) == (30, date(2025, 1, 5), date(2025, 2, 3))


def test_an_asset_without_candles_is_named() -> None:
    found = gather_evidence([spot("BTC")], "XYZ", (THREE_YEARS,), AS_OF)
    assert (found.returns, found.daily) == (0, None)
    assert [(item.underlying, item.reason) for item in found.refused] == [
        ("XYZ", "no daily candles")
    ]


def test_the_last_day_is_the_one_that_has_ended() -> None:
    assert last_day(AS_OF) == date(2026, 3, 3)
    assert last_day(AS_OF + timedelta(hours=1)) == date(2026, 3, 4)
    assert end_of_day(date(2026, 3, 3)) == AS_OF


def test_shorter_candles_add_up_to_days_where_a_contract_has_no_others() -> None:
    days = 370
    hours = series(np.repeat(1.0 + np.arange(days) % 3, 24).tolist())
    hourly = replace(
        hours,
        id=replace(hours.id, interval=3_600),
        times=hours.times[0] + np.arange(24 * days) * 3_600_000_000,
        turnover=np.full(24 * days, 1e6),
    )
    found = evidence(hourly, as_of=datetime(2025, 1, 6, tzinfo=UTC))
    assert found.daily is not None
    assert (found.daily.id.interval, found.returns) == (86_400, days - 1)
    assert float(found.inputs[VOLUME].input.value) == 24e6
    daily = series([1.0 + day % 3 for day in range(days)])
    both = evidence(hourly, daily, as_of=datetime(2025, 1, 6, tzinfo=UTC))
    assert both.daily is not None
    np.testing.assert_array_equal(both.daily.times, daily.times)


def calm_after_a_crash() -> tuple[PriceSeries, PriceSeries]:
    """Spot of 1,000 days with falls in its first year, and a calm perpetual of the last 600 and 100 more."""
    moves = np.full(1_100, 0.01) * np.where(np.arange(1_100) % 2, 1, -1)
    moves[100:110] = -0.3
    closes = np.cumprod(1 + moves)
    old = series(closes[:1_000].tolist(), of=identity("BTCUSDT", PriceKind.SPOT))
    perp = series(closes[400:].tolist(), list(range(400, 1_100)))
    return old, perp


def stress_of(*parts: PriceSeries, days: int = 1_100) -> AssetEvidence:
    end = datetime(2024, 1, 1, tzinfo=UTC) + timedelta(days=days)
    return evidence(*parts, names=(STRESS, THREE_YEARS), as_of=end)


def test_the_worst_year_does_not_age_with_its_series() -> None:
    """The spot series ended more than 30 days ago: it gives no recent move, but the crash has happened."""
    old, perp = calm_after_a_crash()
    alone, found = stress_of(perp), stress_of(old, perp)
    assert float(alone.inputs[STRESS].input.value) == pytest.approx(0.01)
    assert float(found.inputs[STRESS].input.value) == pytest.approx(0.3)
    window = found.inputs[STRESS].window
    assert (window.series.kind, window.first) == (PriceKind.SPOT, date(2024, 1, 1))
    assert window.last == date(2024, 1, 1) + timedelta(
        days=400 + 364
    )  # of the last year that begins before
    assert "BTCUSDT" in found.inputs[STRESS].input.source
    assert found.inputs[STRESS].input.observed_at == alone.inputs[STRESS].input.observed_at
    assert found.inputs[THREE_YEARS].window.series == perp.id
    assert float(found.inputs[THREE_YEARS].input.value) == pytest.approx(0.01)


def test_another_series_does_not_speak_for_years_of_the_own_one() -> None:
    old, perp = calm_after_a_crash()
    closes = old.close.copy()
    closes[900] *= 0.2  # a day that the perpetual states otherwise
    found = stress_of(replace(old, close=closes, times=old.times), perp)
    assert float(found.inputs[STRESS].input.value) == pytest.approx(0.3)
    barely = perp.select(slice(1, None))
    one = series(
        [1.0, *barely.close.tolist()], list(range(400, 1_100)), identity("BTCUSDT", PriceKind.SPOT)
    )
    assert (
        evidence(one, barely, as_of=datetime(2027, 1, 5, tzinfo=UTC)).earlier == ()
    )  # 364 two-day moves
    late = old.select(slice(450, None))  # begins after the perpetual
    assert stress_of(replace(late, close=closes[450:]), perp).earlier == ()


def test_disputed_and_foreign_candles_give_no_worst_year() -> None:
    old, perp = calm_after_a_crash()
    disputed = np.zeros(old.times.size, dtype=bool)
    disputed[99:111] = True
    found = stress_of(replace(old, disputed=disputed), perp)
    assert float(found.inputs[STRESS].input.value) == pytest.approx(0.01)
    euro = replace(old, id=replace(old.id, quote="EUR"))
    assert stress_of(euro, perp).earlier == ()


def test_a_worst_year_above_the_whole_price_is_refused() -> None:
    old, perp = calm_after_a_crash()
    closes = old.close.copy()
    closes[100:110] = closes[99] * 2.5 ** np.arange(1, 11)
    found = stress_of(replace(old, close=closes), perp)
    (missing,) = [item for item in found.refused if item.name == STRESS]
    assert (
        missing.reason
        == "measured 1.5 by binance spot BTCUSDT 1d; a move above 1 is refused as an input"
    )


def test_earlier_evidence_is_of_the_same_series() -> None:
    """At that time spot was recent and longer: it would have given all moves."""
    found = stress_of(*calm_after_a_crash())
    as_of = datetime(2024, 1, 1, tzinfo=UTC) + timedelta(days=900)
    earlier = earlier_evidence(found, (STRESS, THREE_YEARS), as_of)
    assert earlier is not None
    assert earlier.inputs[THREE_YEARS].window.series == found.inputs[THREE_YEARS].window.series
    assert earlier.inputs[STRESS].input.value == found.inputs[STRESS].input.value
    assert earlier_evidence(AssetEvidence("X", None, 0), (STRESS,), as_of) is None


def traded(venue: str, volume: float, first: int, last: int) -> PriceSeries:
    """Daily candles of a perpetual with a constant turnover, from one day after 2024-01-01 to before another."""
    places = list(range(first, last))
    closes = [1.0 + day % 3 / 10 for day in places]
    of = identity(venue=venue)
    return series(closes, places, of, turnover=np.full(last - first, volume))


@pytest.mark.parametrize(("age", "kind"), [(30, PriceKind.SPOT), (31, PriceKind.PERP)])
def test_a_shorter_series_counts_where_the_longer_one_is_too_old(age: int, kind: PriceKind) -> None:
    old, perp = calm_after_a_crash()  # spot ends after day 1,000
    ends_later = perp.select(slice(0, 611))  # 11 days after spot, so that both are chosen from
    found = stress_of(old, ends_later, days=1_000 + age)
    assert found.daily is not None
    assert found.daily.id.kind is kind
    assert found.inputs[THREE_YEARS].window.series.kind is kind
    assert float(found.inputs[STRESS].input.value) == pytest.approx(0.3)
    assert found.refused == ()


def test_a_smaller_perpetual_gives_the_volume_where_the_larger_one_is_too_old() -> None:
    parts = (traded("okx", 9e9, 0, 980), traded("gate", 2e9, 500, 1_000))
    start = datetime(2024, 1, 1, tzinfo=UTC)
    for days, volume in ((1_010, 9e9), (1_011, 2e9), (1_030, 2e9)):
        found = evidence(*parts, names=(VOLUME,), as_of=start + timedelta(days=days))
        assert float(found.inputs[VOLUME].input.value) == volume
    found = evidence(*parts, names=(VOLUME,), as_of=start + timedelta(days=1_031))
    (missing,) = found.refused  # none is recent: the largest one is named, as before
    assert missing.reason.startswith("okx perp BTCUSDT 1d ends on 2026-09-06, more than 30 days")


def test_an_old_perpetual_is_not_said_to_be_missing_beside_a_recent_one_without_volume() -> None:
    untraded = replace(traded("gate", 1.0, 500, 1_000), turnover=None)
    as_of = datetime(2024, 1, 1, tzinfo=UTC) + timedelta(days=1_015)
    found = evidence(traded("okx", 9e9, 0, 980), untraded, names=(VOLUME, THREE_YEARS), as_of=as_of)
    (missing,) = found.refused
    assert missing.reason.startswith("okx perp BTCUSDT 1d ends on 2026-09-06, more than 30 days")
    assert found.inputs[THREE_YEARS].window.series.venue == "gate"


def test_few_recent_returns_are_no_short_history_beside_a_longer_one() -> None:
    """The asset has two years of moves, whose series ended 35 days ago, and 40 recent candles."""
    old, perp = calm_after_a_crash()
    recent = perp.select(slice(581, 621))
    as_of = datetime(2024, 1, 1, tzinfo=UTC) + timedelta(days=1_035)
    found = evidence(old, recent, names=(THREE_YEARS,), as_of=as_of)
    alone = evidence(recent, names=(THREE_YEARS,), as_of=as_of)
    assert (found.returns, alone.returns) == (39, 39)
    assert [asset_facts(item, None).is_short for item in (found, alone)] == [False, True]
    reasons = [decide(asset_facts(item, None)).reason for item in (found, alone)]
    assert reasons == [
        "no class: 39 returns are known, 365 are required",
        "39 returns, fewer than 365",
    ]
