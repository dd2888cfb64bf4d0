"""The excerpt of candles in the recorded archive: what it holds, and that it is no venue."""

from dataclasses import asdict
from datetime import UTC, datetime
from functools import cache

import numpy as np
import pytest

from harmonize.adequacy.factors import VenueVolume, venue_volume
from harmonize.api.audit import Question, observation_days
from harmonize.api.coverage import coverage_by_venue
from harmonize.api.reading import read
from harmonize.archive.archive import Archive
from harmonize.archive.catalog import Entry
from harmonize.archive.location import recorded_archive
from harmonize.archive.source import Source
from harmonize.core.payload import PRICES
from harmonize.market.choice import choose_contracts
from harmonize.market.prices import DefectKind, PriceKind, PriceSeries, microseconds
from harmonize.market.source import read_series
from tests.support import recorded
from tests.support.recorded_prices import baseline_assets


@cache
def excerpt() -> tuple[dict[str, PriceSeries], tuple[Entry, ...]]:
    with recorded_archive() as path:
        archive = Archive.open(path)
        entries = tuple(entry for entry in archive.entries() if entry.venue == PRICES)[:1]
        data = read_series(archive, entries)
    assert data.defects == ()
    return {str(part.id): part for part in data.series}, entries


def close_at(series: PriceSeries, year: int, month: int, day: int) -> float:
    time = microseconds(datetime(year, month, day, tzinfo=UTC))
    return float(series.close[int(np.flatnonzero(series.times == time)[0])])


def test_one_snapshot_of_at_most_six_megabytes_holds_the_assets_of_the_baseline() -> None:
    series, entries = excerpt()
    (entry,) = entries
    assert entry.size <= 6_000_000
    assets = {part.id.underlying.asset for part in series.values()}
    assert assets <= baseline_assets()
    assert {"BTC", "ETH", "SOL", "XRP", "DOGE", "BNB", "LTC", "LINK", "ADA"} <= assets


def test_it_holds_closes_highs_and_lows_by_day_and_hour() -> None:
    series, _ = excerpt()
    for asset in ("BTC", "ETH", "SOL", "DOGE"):
        for interval in ("1h", "1d"):
            part = series[f"binance perp {asset}USDT {interval}"]
            assert part.high is not None
            assert part.low is not None
            assert (part.open, part.volume) == (None, None)
    for part in series.values():
        assert (part.turnover is not None) <= (part.id.interval == 86_400)
        if part.id.kind is not PriceKind.PERP:
            assert (part.high, part.low) == (None, None)
    assert series["binance spot BTCUSDT 1h"].times[0] == microseconds(
        datetime(2017, 8, 17, 4, tzinfo=UTC)
    )


def test_its_candles_are_finished_and_disputes_are_marked() -> None:
    series, _ = excerpt()
    # One file ends with an unfinished candle at 68,327.70.
    assert close_at(series["binance perp BTCUSDT 1d"], 2026, 3, 4) == 72_641.4
    assert close_at(series["binance spot BTCUSDT 1d"], 2026, 3, 4) == 72_666.77
    sol = series["bybit perp SOLUSDT 1d"]
    assert close_at(sol, 2022, 11, 9) == 10.61
    assert DefectKind.DISPUTED in {defect.kind for defect in sol.defects}
    assert sol.undisputed().times.size == sol.times.size - 1


def test_prices_are_no_venue() -> None:
    with recorded_archive() as path:
        reading = read([Source.of(Archive.open(path), "recorded")], (), None)
    assert PRICES not in {snapshot.venue for _, snapshot in reading.snapshots}
    assert PRICES not in {venue.venue for venue in reading.unobserved}
    assert PRICES not in {own.adapter.venue for own in coverage_by_venue(reading)}
    document = recorded.audited().document
    assert PRICES not in {row.venue for row in document.snapshots}
    assert PRICES not in {row.venue for row in document.coverage}
    assert f"'{PRICES}'" not in str(asdict(document)["snapshots"])


def test_a_day_with_candles_alone_is_no_observation_day() -> None:
    _, (entry,) = excerpt()
    days = observation_days(Question())
    recorded_days = {snapshot.observed_at.date() for snapshot in recorded.snapshots()}
    assert set(days) <= recorded_days
    assert (entry.observed_at.date() in days) == (entry.observed_at.date() in recorded_days)


@pytest.mark.parametrize("venue", ["binance", "bybit", "okx", "krakenfutures"])
def test_venues_have_their_own_perpetuals(venue: str) -> None:
    series, _ = excerpt()
    assert any(name.startswith(f"{venue} perp BTC") for name in series)


def test_every_perpetual_is_of_a_venue_with_schedules() -> None:
    series, _ = excerpt()
    observed = {snapshot.venue for snapshot in recorded.snapshots()}
    perpetuals = {part.id.venue for part in series.values() if part.id.kind is PriceKind.PERP}
    assert perpetuals <= observed


def test_the_perpetual_of_kraken_speaks_for_kraken() -> None:
    series, _ = excerpt()
    choices = choose_contracts(series.values(), "krakenfutures", "BTC")
    assert isinstance(choices, tuple)
    assert choices[0].reason == "perpetual of the venue: krakenfutures perp BTC"
    as_of = datetime(2026, 11, 30, tzinfo=UTC)
    volume = venue_volume(series.values(), "krakenfutures", "BTC", as_of)
    assert isinstance(volume, VenueVolume)
    assert volume.series.venue == "krakenfutures"
