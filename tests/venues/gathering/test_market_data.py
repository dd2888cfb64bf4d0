"""Market data gathered by the real ccxt code from a server of recorded rows, and archived."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest

from harmonize.api.gather import GatherRequest
from harmonize.api.market_data import MarketOutcome, baseline_assets, gather_into_archive
from harmonize.archive.archive import Archive
from harmonize.core.instrument import Underlying
from harmonize.core.payload import PRICES, Origin, Payload
from harmonize.market.points import Quantity
from harmonize.market.points_source import read_points
from harmonize.market.prices import DefectKind, PriceSeries
from harmonize.market.source import read_series
from tests.replay.gathering import SECRETS
from tests.replay.market_server import MarketReplay, newest_klines, rows

NOW = datetime(2024, 1, 2, 10, 30, tzinfo=UTC)
SINCE = datetime(2023, 12, 20, tzinfo=UTC)
KLINES = "/binance/fapi.binance.com/fapi/v1/klines"


def gather(
    place: Path,
    server: MarketReplay,
    *venues: str,
    underlyings: tuple[str, ...] = ("BTC", "ETH", "SHIB"),
    now: datetime = NOW,
    timeout: float = 60.0,
) -> dict[str, MarketOutcome]:
    request = GatherRequest(place, venues, timeout, server.url, keys=lambda _: SECRETS)
    outcomes = gather_into_archive(request, underlyings, SINCE, clock=lambda: now)
    return {outcome.venue: outcome for outcome in outcomes}


def archived(place: Path) -> dict[str, PriceSeries]:
    archive = Archive.open(place)
    assert archive.verify() == ()
    data = read_series(archive, archive.entries())
    assert data.defects == ()
    return {str(series.id): series for series in data.series}


def payloads(place: Path) -> list[Payload]:
    archive = Archive.open(place)
    return [payload for entry in archive.entries() for payload in archive.read(entry).payloads]


def reasons(outcome: MarketOutcome) -> dict[str, str]:
    return {missing.what: missing.reason for missing in outcome.missing}


@pytest.fixture(scope="module")
def gathered(
    tmp_path_factory: pytest.TempPathFactory,
) -> tuple[Path, dict[str, MarketOutcome], MarketReplay]:
    place = tmp_path_factory.mktemp("market") / "archive"
    with MarketReplay() as server:
        outcomes = gather(place, server, "binance", "bybit")
    return place, outcomes, server


Gathered = tuple[Path, dict[str, MarketOutcome], MarketReplay]


def test_candles_of_two_exchanges_are_archived_as_imported_ones_are(gathered: Gathered) -> None:
    series = archived(gathered[0])
    assert set(series) == {
        "binance perp BTCUSDT 1d",
        "binance perp BTCUSDT 1h",
        "binance mark BTCUSDT 1d",
        "bybit perp ETHUSDT 1d",
        "bybit perp SHIB1000USDT 1d",
    }
    daily = series["binance perp BTCUSDT 1d"]
    recorded = rows("binance_1d")[:-1]
    assert (daily.times // 1000).tolist() == [row[0] for row in recorded]
    assert daily.close.tolist() == [float(row[4]) for row in recorded]
    assert daily.high is not None
    assert daily.high.tolist() == [float(row[2]) for row in recorded]
    assert daily.volume is not None
    assert daily.volume.tolist() == [float(row[5]) for row in recorded]
    mark = series["binance mark BTCUSDT 1d"]
    assert mark.volume is None
    assert mark.low is not None
    multiple = series["bybit perp SHIB1000USDT 1d"]
    assert multiple.id.underlying == Underlying("SHIB", 1000)
    assert multiple.times.size == 7


def test_an_unfinished_last_candle_is_excluded_and_stated(gathered: Gathered) -> None:
    place, outcomes, _ = gathered
    series = archived(place)
    for name, first in {
        "binance perp BTCUSDT 1d": datetime(2024, 1, 2, tzinfo=UTC),
        "binance perp BTCUSDT 1h": datetime(2024, 1, 2, 10, tzinfo=UTC),
    }.items():
        (defect,) = series[name].defects
        assert (defect.kind, defect.count, defect.first) == (DefectKind.UNFINISHED, 1, first)
    assert series["binance perp BTCUSDT 1h"].times.size == 34
    assert outcomes["binance"].unfinished == 2


def test_pages_are_followed_to_the_last_row(gathered: Gathered) -> None:
    _, _, server = gathered
    starts = [
        int(params["startTime"])
        for path, params, _ in server.requests
        if path == KLINES and params["interval"] == "1h"
    ]
    hour, first = 3_600_000, rows("binance_1h")[0][0]
    begin = int(SINCE.timestamp() * 1000)  # twice: the first page begins later than asked for
    assert starts == [begin, begin, *(first + n * hour for n in (10, 20, 30))]


def test_a_venue_that_answers_the_newest_rows_of_a_page_loses_no_candle(tmp_path: Path) -> None:
    with MarketReplay(special={KLINES: newest_klines}) as server:
        gather(tmp_path / "archive", server, "binance", underlyings=("BTC",))
    series = archived(tmp_path / "archive")
    daily, hourly = series["binance perp BTCUSDT 1d"], series["binance perp BTCUSDT 1h"]
    assert (daily.times // 1000).tolist() == [row[0] for row in rows("binance_1d")[:-1]]
    assert (hourly.times // 1000).tolist() == [row[0] for row in rows("binance_1h")[:-1]]


def test_funding_and_open_interest_are_archived_with_their_units(gathered: Gathered) -> None:
    archive = Archive.open(gathered[0])
    points, defects = read_points(archive, archive.entries())
    assert defects == ()
    by_name = {str(series.id): series for series in points}
    assert set(by_name) == {
        "binance funding BTCUSDT",
        "binance open interest BTCUSDT",
        "bybit open interest ETHUSDT",
    }
    funding = by_name["binance funding BTCUSDT"]
    assert funding.values.tolist() == [float(rate) for _, rate in rows("binance_funding")]
    assert funding.hours is not None
    assert set(funding.hours.tolist()) == {8.0}
    assert by_name["binance open interest BTCUSDT"].values.tolist() == [3131493738.8974]
    coins = by_name["bybit open interest ETHUSDT"]
    closes = [float(row[4]) for row in rows("bybit_1d_ETHUSDT")]
    assert coins.id.quantity is Quantity.OPEN_INTEREST
    assert coins.values.tolist() == [1000 * close for close in closes[:-1]]
    assert coins.notes == ("coins × the close of the day before the time",)
    (defect,) = coins.defects  # the first day has no close before it
    assert (defect.kind, defect.count) == (DefectKind.UNPRICED, 1)


def test_what_a_venue_does_not_give_is_named_and_ends_nothing(gathered: Gathered) -> None:
    _, outcomes, _ = gathered
    assert {outcome.failure for outcome in outcomes.values()} == {""}
    binance, bybit = reasons(outcomes["binance"]), reasons(outcomes["bybit"])
    assert "HTTP status 404" in binance["index BTCUSDT 1d"]
    assert binance["mark BTCUSDT 1h"] == "no rows in the responses"
    assert bybit["funding ETHUSDT"] == "no rows in the responses"
    assert "params error: symbol invalid" in bybit["open interest SHIB1000USDT 1d"]


def test_payloads_state_source_hash_and_date_and_no_key_is_sent(gathered: Gathered) -> None:
    place, _, server = gathered
    for payload in payloads(place):
        assert (payload.venue, payload.provenance.origin) == (PRICES, Origin.LIVE)
        assert server.url in payload.provenance.source
        assert "sha256 " in payload.provenance.source
        assert payload.observed_at <= NOW
        assert payload.provenance.request
    sent = json.dumps(server.requests) + repr(payloads(place))
    assert not [secret for secret in SECRETS.values.values() if secret in sent]


def test_one_contract_per_underlying_is_asked_for(gathered: Gathered) -> None:
    _, _, server = gathered
    asked = {params["symbol"] for path, params, _ in server.requests if path == KLINES}
    assert asked == {"BTCUSDT"}  # not BTCUSDC, and not ETHBTC, whose price is not in USD


def test_a_second_gathering_continues_where_the_archive_ends(tmp_path: Path) -> None:
    place = tmp_path / "archive"
    early = NOW - timedelta(days=3)
    with MarketReplay() as server:
        gather(place, server, "binance", now=early)
        before = archived(place)["binance perp BTCUSDT 1d"]
        server.requests.clear()
        gather(place, server, "binance")
    after = archived(place)["binance perp BTCUSDT 1d"]
    assert before.times.size == 10
    assert after.times.size == 13
    assert np.all(np.diff(after.times) == after.step)
    first = min(
        int(params["startTime"])
        for path, params, _ in server.requests
        if path == KLINES and params["interval"] == "1d"
    )
    assert first == int((early.replace(hour=0, minute=0)).timestamp() * 1000)


def test_a_list_without_contracts_is_a_failure_and_no_answer(tmp_path: Path) -> None:
    info = "/binance/fapi.binance.com/fapi/v1/exchangeInfo"
    with MarketReplay(changed={info: (200, b'{"symbols": []}')}) as server:
        outcomes = gather(tmp_path / "archive", server, "binance")
    assert outcomes["binance"].failure == "markets: no contract in the responses"


@pytest.mark.parametrize(
    ("status", "body", "reason"),
    [
        (302, b"{}", "a redirect, which is not followed"),
        (403, b"{}", "HTTP status 403"),
        (200, b"<html>", "the response is not JSON"),
        (200, b"[[1704067200000, null]]", "expected a price above 0, found nan"),
        (200, b'[["x","1","1","1","1","1",0,"0",0,"0","0","0"]]', "no rows in the responses"),
        (200, b'[[1704067200000,"1","2","1","-1","1",0,"0",0,"0","0","0"]]', "expected a price above 0"),
    ],
)  # fmt: skip
def test_a_series_that_fails_is_a_line_and_the_others_remain(
    status: int, body: bytes, reason: str, tmp_path: Path
) -> None:
    with MarketReplay(changed={KLINES: (status, body)}) as server:
        outcomes = gather(tmp_path / "archive", server, "binance", underlyings=("BTC",))
    lines = reasons(outcomes["binance"])
    assert reason in lines["perp BTCUSDT 1d"]
    assert "binance funding BTCUSDT" in {
        str(series.id)
        for series in read_points(
            Archive.open(tmp_path / "archive"), Archive.open(tmp_path / "archive").entries()
        )[0]
    }
    assert not [path for path, _, _ in server.requests if "elsewhere" in path]


def test_a_venue_whose_markets_cannot_be_read_fails_alone(tmp_path: Path) -> None:
    info = "/binance/fapi.binance.com/fapi/v1/exchangeInfo"
    with MarketReplay(changed={info: (451, b"{}")}) as server:
        outcomes = gather(tmp_path / "archive", server, "binance", "bybit")
    assert "HTTP status 451" in outcomes["binance"].failure
    assert outcomes["binance"].series == 0
    assert outcomes["bybit"].series > 0
    assert set(archived(tmp_path / "archive")) >= {"bybit perp ETHUSDT 1d"}


def test_a_venue_without_the_underlying_says_so(tmp_path: Path) -> None:
    with MarketReplay() as server:
        outcomes = gather(tmp_path / "archive", server, "bybit", underlyings=("FARTCOIN",))
    assert reasons(outcomes["bybit"]) == {"perpetuals": "none on the requested underlyings"}
    assert payloads(tmp_path / "archive") == []


def test_the_baselines_assets_are_gathered_by_default() -> None:
    assert {"BTC", "ETH", "SOL", "PEPE", "FARTCOIN"} <= set(baseline_assets())
    assert len(baseline_assets()) == len(set(baseline_assets())) == 30
