"""Each trap of public candle files, on an excerpt of the file in which it occurs."""

from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest

from harmonize.core.instrument import Underlying
from harmonize.market import quality, series_table
from harmonize.market.candle_file import read_candles
from harmonize.market.card import card_of
from harmonize.market.merge import merge
from harmonize.market.prices import DefectKind, PriceKind, PriceSeries
from harmonize.market.returns import excursions, simple_returns

DATA = Path(__file__).parent / "data"


def series_in(file: str) -> dict[tuple[str, str, str], PriceSeries]:
    """The series of an excerpt, by venue, symbol and underlying."""
    (entry,) = (entry for entry in series_table.bundled() if entry.file == file)
    found = quality.all_series(read_candles(DATA / file, file), entry)
    return {(s.id.venue, s.id.symbol, s.id.underlying.asset): s for s in found}


def day(*parts: int) -> datetime:
    return datetime(*parts, tzinfo=UTC)  # type: ignore[misc,arg-type]  # parts of a date


def close_at(series: PriceSeries, opened: datetime) -> float | None:
    rows = np.flatnonzero(series.times == int(opened.timestamp() * 1e6))
    return float(series.close[rows[0]]) if rows.size else None


def test_an_unfinished_last_candle_is_excluded_and_a_finished_copy_of_it_counts() -> None:
    key = ("binance", "BTCUSDT", "BTC")
    early = series_in("ohlcv_1d.parquet")[key]
    late = series_in("daily/binance_spot_1d_2024-07_2026-07.parquet")[key]
    assert close_at(early, day(2026, 3, 4)) is None  # 68,327.70 in the unfinished row
    (defect,) = early.defects
    assert (defect.kind, defect.count, defect.first) == (
        DefectKind.UNFINISHED,
        1,
        day(2026, 3, 4),
    )
    (joined,) = merge([early, late])
    assert close_at(joined, day(2026, 3, 4)) == 72_666.77
    assert not [d for d in joined.defects if d.kind is DefectKind.RESTATED]


def test_spot_wicks_are_no_excursions() -> None:
    found = series_in("daily/binance_spot_1d.parquet")
    for symbol, asset, fall in (("ATOMUSDT", "ATOM", -0.35), ("LINKUSDT", "LINK", -0.55)):
        series = found["binance", symbol, asset]
        assert series.id.kind is PriceKind.SPOT
        assert (series.high, series.low, excursions(series)) == (None, None, None)
        assert simple_returns(series).values.min() > fall


def test_the_first_day_of_a_listing_begins_no_return() -> None:
    series = series_in("daily/binance_spot_1d.parquet")["binance", "0GUSDT", "0G"]
    returns = simple_returns(series)
    assert series.open is not None
    assert (float(series.open[0]), close_at(series, day(2025, 9, 22))) == (1.0, 4.839)
    assert returns.times.size == series.times.size - 1
    assert returns.values.max() < 1


def test_spot_prices_in_a_file_of_perpetuals_are_spot() -> None:
    found = series_in("hourly/binance_um_perp_1h.parquet")
    kinds = {series.id.symbol: series.id.kind for series in found.values()}
    assert kinds.pop("BTCUSDT") is PriceKind.PERP
    assert kinds == dict.fromkeys(("PEPEUSDT", "SHIBUSDT", "FLOKIUSDT", "BONKUSDT"), PriceKind.SPOT)
    assert found["binance", "PEPEUSDT", "PEPE"].low is None
    perp = excursions(found["binance", "BTCUSDT", "BTC"])
    assert perp is not None
    assert perp.long_losses.max() > 0.05  # the crash of 2025-10-10 at 21 h


def test_interpolated_hours_are_excluded_and_no_return_spans_them() -> None:
    file = "hourly/binance_spot_BTCUSDT_1h_2017_2023.parquet"
    (candles,) = read_candles(DATA / file, file)
    (series,) = series_in(file).values()
    assert candles.filled is not None
    filled = candles.times[candles.filled]
    assert filled.size > 30
    assert not np.isin(filled, series.times).any()
    (defect,) = (d for d in series.defects if d.kind is DefectKind.FILLED)
    assert defect.count == filled.size
    (gap,) = card_of(series).gaps
    assert gap.missing == filled.size
    assert simple_returns(series).times.size == series.times.size - 2


def test_candles_between_the_hours_are_excluded() -> None:
    (series,) = series_in("hourly/binance_spot_ETHUSDT_1h_2017_2020.parquet").values()
    (defect,) = (d for d in series.defects if d.kind is DefectKind.OFF_GRID)
    assert (defect.count, defect.first) == (43, datetime(2018, 2, 9, 9, 28, 14, 800_000, UTC))
    assert not (series.times % 3_600_000_000).any()
    assert simple_returns(series).times.size < series.times.size - 1


def test_a_symbol_that_changes_its_coin_is_two_series() -> None:
    file = "hourly/binance_spot_1h_2021_2023_failed_coins.parquet"
    found = series_in(file)
    old, new = (found["binance", "LUNAUSDT", asset] for asset in ("LUNC", "LUNA"))
    assert close_at(old, day(2022, 5, 13)) == 5e-05
    assert close_at(new, day(2022, 5, 31, 6)) == 8.5558
    assert all(simple_returns(series).values.max() < 1 for series in (old, new))
    assert ("binance", "USTUSDT", "USTC") in found


def test_no_return_spans_a_halt() -> None:
    file = "hourly/binance_spot_1h_2021_2023_failed_coins.parquet"
    series = series_in(file)["binance", "FTTUSDT", "FTT"]
    (gap,) = card_of(series).gaps
    assert (gap.after, gap.before, gap.missing) == (
        day(2022, 11, 15, 4),
        day(2023, 9, 22, 8),
        7467,
    )
    for horizon in (1, 2, 3):
        ends = set(simple_returns(series, horizon).times.tolist())
        after = int(day(2023, 9, 22, 8).timestamp() * 1e6)
        assert not ends & {after + k * 3_600_000_000 for k in range(horizon)}
        assert after + horizon * 3_600_000_000 in ends


def test_a_candle_that_opens_at_zero_has_no_excursion_and_keeps_its_close() -> None:
    series = series_in("daily/bybit_linear_perp_1d.parquet")["bybit", "BCHUSDT", "BCH"]
    (unfinished, unobserved) = sorted(series.defects, key=lambda d: d.kind is DefectKind.UNOBSERVED)
    assert (unfinished.kind, unobserved.kind) == (DefectKind.UNFINISHED, DefectKind.UNOBSERVED)
    assert (unobserved.first, unobserved.note) == (
        day(2020, 12, 14),
        "manifest: open and low are 0 in the source",
    )
    moves = excursions(series)
    assert moves is not None
    assert int(day(2020, 12, 14).timestamp() * 1e6) not in moves.times
    assert moves.long_losses.max() < 0.2
    assert int(day(2020, 12, 15).timestamp() * 1e6) in simple_returns(series).times


def test_a_disputed_close_can_be_left_out_with_both_returns_that_it_makes() -> None:
    series = series_in("daily/bybit_linear_perp_1d.parquet")["bybit", "SOLUSDT", "SOL"]
    assert close_at(series, day(2022, 11, 9)) == 10.61
    with_it, without = simple_returns(series), simple_returns(series.undisputed())
    assert with_it.values.min() < -0.5
    assert without.values.min() > -0.3
    assert with_it.times.size - without.times.size == 2
    undisputed = series_in("daily/bybit_linear_perp_1d.parquet")["bybit", "BCHUSDT", "BCH"]
    assert undisputed.undisputed() is undisputed


def test_multiples_of_a_coin_are_named_by_the_coin() -> None:
    found = series_in("daily/bybit_linear_perp_1d.parquet")
    assert found["bybit", "SHIB1000USDT", "SHIB"].id.underlying == Underlying("SHIB", 1000)
    assert found["bybit", "1INCHUSDT", "1INCH"].id.underlying == Underlying("1INCH", 1)


def test_missing_days_of_implied_volatility_are_gaps() -> None:
    (series,) = series_in("iv/deribit_dvol_btc_1h.parquet").values()
    (gap,) = card_of(series).gaps
    assert (series.id.kind, gap.missing) == (PriceKind.VOLATILITY, 23)
    assert series.low is None


def test_each_venue_of_a_shared_file_loses_its_own_last_candle() -> None:
    found = series_in("hourly/multi_venue_perp_1h.parquet")
    assert {venue for venue, _, _ in found} >= {"binance", "bybit", "okx", "krakenfutures", "dydx"}
    ends = {(symbol, card_of(series).end) for (_, symbol, _), series in found.items()}
    assert ends == {("BTC", day(2026, 3, 5, 10)), ("DOGE", day(2026, 3, 5, 11))}


def test_a_volume_in_contracts_is_no_volume() -> None:
    found = series_in("hourly/multi_venue_perp_1h.parquet")
    assert {venue for (venue, _, _), series in found.items() if series.volume is None} == {"okx"}
    okx = found["okx", "BTC", "BTC"]
    (defect,) = (d for d in okx.defects if d.kind is DefectKind.CONTRACTS)
    assert (defect.count, defect.first) == (okx.times.size, card_of(okx).first)


def test_a_finished_excerpt_keeps_its_last_candle() -> None:
    (series,) = series_in("daily/binance_um_perp_BTCUSDT_1d_2020-03.csv").values()
    assert series.low is not None
    assert (card_of(series).candles, card_of(series).end) == (15, day(2020, 3, 21))
    assert float(series.low.min()) == 3621.81
    assert series.defects == ()


@pytest.mark.parametrize("horizon", [0, -1])
def test_a_horizon_below_one_candle_is_refused(horizon: int) -> None:
    (series,) = series_in("daily/binance_um_perp_BTCUSDT_1d_2020-03.csv").values()
    with pytest.raises(ValueError, match="expected a horizon of at least 1 candle"):
        simple_returns(series, horizon)


def test_a_crash_that_the_table_confirms_is_an_excursion(tmp_path: Path) -> None:
    name = "daily/bybit_linear_perp_1d.parquet"
    (entry,) = (entry for entry in series_table.bundled() if entry.file == name)
    lines = [
        "symbol,open_time,open,high,low,close,volume,turnover",
        "XCNUSDT,2022-06-13T00:00:00Z,0.14579,0.14602,0.13084,0.13297,9245400,1290407",
        "XCNUSDT,2022-06-14T00:00:00Z,0.13297,0.13524,0.00218,0.09091,571559520,25970130",
        "XCNUSDT,2022-06-15T00:00:00Z,0.09091,0.10232,0.04690,0.08551,133364090,11035250",
    ]
    path = tmp_path / "a.csv"
    path.write_text("\n".join(lines) + "\n")
    (series,) = quality.all_series(read_candles(path, name), entry)
    assert series.low is not None
    assert series.low.tolist() == [0.13084, 0.00218]
