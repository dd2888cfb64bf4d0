from dataclasses import replace

import numpy as np
import pytest

from harmonize.core.instrument import Underlying
from harmonize.core.payload import PRICES
from harmonize.core.schedule import Unknown
from harmonize.market.aggregate import ESTIMATED, aggregate
from harmonize.market.candle_codec import decode_series
from harmonize.market.choice import SeriesChoice, choose_contracts, choose_series
from harmonize.market.excerpt import DAY, HOUR, excerpt, excerpt_snapshot, failed_excerpt
from harmonize.market.prices import PriceKind, PriceSeries
from tests.harmonize.market.small import START, identity, series

HOURS = 3_600_000_000


def hourly(count: int, symbol: str = "BTCUSDT", kind: PriceKind = PriceKind.PERP) -> PriceSeries:
    """Hourly candles with rising closes, from 2024-01-01 on; two units of volume each."""
    close = np.arange(100.0, 100.0 + count, dtype=np.float64)
    spot = PriceSeries(
        replace(identity(symbol, kind), interval=HOUR),
        START + np.arange(count) * HOURS,
        close,
        open=close - 1,
        volume=np.full(count, 2.0),
    )
    return spot if kind is PriceKind.SPOT else replace(spot, high=close + 2, low=close - 3)


def test_a_day_is_made_of_its_hours() -> None:
    day = aggregate(hourly(50), DAY)
    assert day.times.tolist() == [START, START + 24 * HOURS]
    assert day.open is not None
    assert day.high is not None
    assert day.low is not None
    assert day.volume is not None
    assert day.turnover is not None
    columns = zip(day.open, day.high, day.low, day.close, day.volume, strict=True)
    assert [tuple(map(float, row)) for row in columns] == [
        (99.0, 125.0, 97.0, 123.0, 48.0),
        (123.0, 149.0, 121.0, 147.0, 48.0),
    ]
    assert day.turnover[0] == 2 * sum(range(100, 124))
    assert day.sources == ("1d candles made of 1h", ESTIMATED)


def test_a_day_with_a_missing_hour_is_a_gap() -> None:
    rows = np.ones(72, dtype=bool)
    rows[30] = False
    day = aggregate(hourly(72).select(rows), DAY)
    assert day.times.tolist() == [START, START + 48 * HOURS]
    with pytest.raises(ValueError, match="expected a multiple of 1h, found 5400s"):
        aggregate(hourly(5), 5400)


def test_a_stated_turnover_is_added_and_not_estimated() -> None:
    stated = replace(hourly(24), turnover=np.full(24, 10.0), disputed=np.arange(24) == 23)
    day = aggregate(stated, DAY)
    assert day.turnover is not None
    assert day.disputed is not None
    assert (day.turnover.tolist(), day.disputed.tolist()) == ([240.0], [True])
    assert day.sources == ("1d candles made of 1h",)


def test_the_excerpt_keeps_what_measures_need() -> None:
    spot = hourly(48, "ETHUSDT", PriceKind.SPOT)
    other = hourly(48, "SOLUSDT", PriceKind.SPOT)
    perp = hourly(49)
    unwanted = hourly(48, "XRPUSDT")
    kept = excerpt([spot, other, perp, unwanted], {"BTC", "ETH", "SOL"})
    assert [str(s.id) for s in kept] == [
        "binance perp BTCUSDT 1d",
        "binance perp BTCUSDT 1h",
        "binance spot ETHUSDT 1h",
    ]
    daily, hours, _ = kept
    assert (daily.open, daily.volume, hours.turnover) == (None, None, None)
    assert daily.turnover is not None
    assert daily.turnover.tolist() == [5352.0, 6504.0]
    np.testing.assert_array_equal(hours.high, perp.high)
    snapshot = excerpt_snapshot(kept)
    assert (snapshot.venue, len(snapshot.payloads), snapshot.complete) == (PRICES, 3, False)
    restored = [decode_series(payload) for payload in snapshot.payloads]
    np.testing.assert_array_equal(restored[0].close, daily.close)
    assert restored[0].turnover is not None


def test_the_excerpt_of_failed_assets_has_daily_spot_closes_and_names_their_origin() -> None:
    spot = hourly(72, "FTTUSDT", PriceKind.SPOT)
    halted = spot.select(np.arange(72) != 30)
    renamed = replace(
        hourly(24, "LUNAUSDT", PriceKind.SPOT),
        id=replace(spot.id, symbol="LUNAUSDT", underlying=Underlying("LUNC", 1)),
    )
    later = replace(
        renamed,
        id=replace(renamed.id, underlying=Underlying("LUNA", 1)),
        times=renamed.times + 9 * 86_400_000_000,
    )
    own = (replace(part, sources=("a.parquet",)) for part in (halted, renamed, later))
    others = (hourly(24, "FTTUSDT"), hourly(24, "BTCUSDT", PriceKind.SPOT))
    kept = failed_excerpt([*own, *others], {"FTTUSDT", "LUNAUSDT"})
    assert [(s.id.symbol, s.id.underlying.asset) for s in kept] == [
        ("FTTUSDT", "FTT"),
        ("LUNAUSDT", "LUNA"),
        ("LUNAUSDT", "LUNC"),
    ]
    ftt = kept[0]
    # The day with a missing hour is a gap, and no turnover is estimated.
    assert ((ftt.times - ftt.times[0]) // 86_400_000_000).tolist() == [0, 2]
    assert ftt.close.tolist() == [spot.close[23], spot.close[71]]
    assert set(ftt.columns()) == {"close"}
    payload = excerpt_snapshot(kept, {"a.parquet": "a.parquet: owner/name; commit abc"}).payloads[0]
    assert payload.provenance.source == (
        "excerpt of imported candles: a.parquet: owner/name; commit abc, 1d candles made of 1h; "
        "closes are exact"
    )


def test_a_large_turnover_keeps_four_digits_and_an_unobserved_one_stays_so() -> None:
    turnover = np.array([123_456.0, np.nan, 0.0, 0.04])
    (kept,) = excerpt([series([1.0, 2.0, 3.0, 4.0], turnover=turnover)], {"BTC"})
    np.testing.assert_array_equal(kept.turnover, [123_500.0, np.nan, 0.0, 0.0])


def test_the_perpetual_of_the_venue_precedes_others_and_spot() -> None:
    own = series([1.0, 2.0], of=identity(venue="okx"))
    longer = series([1.0, 2.0, 3.0], of=identity(venue="bybit"))
    spot = series([1.0] * 9, of=identity(kind=PriceKind.SPOT))
    empty = series([], of=identity(venue="kraken"))
    everything = [spot, longer, own, empty]

    def chosen(venue: str, among: list[PriceSeries]) -> str:
        choice = choose_series(among, venue, "BTC", DAY)
        assert isinstance(choice, SeriesChoice)
        return choice.reason

    assert chosen("okx", everything) == "perpetual of the venue: okx perp BTCUSDT 1d"
    assert chosen("kraken", everything) == "perpetual of another venue: bybit perp BTCUSDT 1d"
    assert chosen("binance", [spot]) == "spot prices of the venue: binance spot BTCUSDT 1d"
    assert chosen("okx", [spot]) == "spot prices of another venue: binance spot BTCUSDT 1d"
    assert choose_series(everything, "okx", "ETH", DAY) == Unknown(
        "no prices of ETH in the archive; import or gather candles"
    )
    assert isinstance(choose_series(everything, "okx", "BTC", HOUR), Unknown)


def test_contracts_are_chosen_best_first_and_only_where_they_add_something() -> None:
    def part(venue: str, symbol: str, interval: int, count: int) -> PriceSeries:
        of = replace(identity("BTCUSDT", venue=venue), symbol=symbol, interval=interval)
        times = START + np.arange(count) * interval * 1_000_000
        return PriceSeries(of, times, np.arange(1.0, count + 1))

    everything = [
        part("bybit", "BTC", HOUR, 24 * 300),
        part("bybit", "BTCUSDT", DAY, 1800),
        part("binance", "BTCUSDT", DAY, 2000),
        part("binance", "BTCUSDT", 900, 96 * 1000),
        part("binance", "BTC", HOUR, 24 * 300),
        part("okx", "BTC", HOUR, 24 * 90),
    ]

    def chosen(venue: str) -> list[tuple[str, list[int]]]:
        choices = choose_contracts(everything, venue, "BTC")
        assert not isinstance(choices, Unknown)
        return [(c.reason, [s.id.interval for s in c.series]) for c in choices]

    binance = ("perpetual of another venue: binance perp BTCUSDT", [900, DAY])
    assert chosen("bybit") == [
        ("perpetual of the venue: bybit perp BTC", [HOUR]),
        ("perpetual of the venue: bybit perp BTCUSDT", [DAY]),
        binance,
    ]
    assert chosen("binance") == [("perpetual of the venue: binance perp BTCUSDT", [900, DAY])]
    assert chosen("okx") == [("perpetual of the venue: okx perp BTC", [HOUR]), binance]
    assert chosen("kraken") == [binance]
    hours = [part("okx", "BTC", HOUR, 24 * 90), part("bybit", "BTC", HOUR, 24 * 300)]
    choices = choose_contracts(hours, "okx", "BTC")
    assert not isinstance(choices, Unknown)
    assert [c.series[0].id.venue for c in choices] == ["okx", "bybit"]  # of a longer time
    assert choose_contracts(everything, "okx", "ETH") == Unknown(
        "no prices of ETH in the archive; import or gather candles"
    )
