"""Dates of a schedule: those of all answers that its numbers rest on, the prices' included."""

from datetime import timedelta

from harmonize.core.payload import Payload, Snapshot
from harmonize.core.schedule import value_of
from tests.support.altered_snapshots import parsed
from tests.support.answers import WHEN, answer
from venues.exchanges import mexc

EARLIER = WHEN - timedelta(minutes=7)
CONTRACT = {
    "symbol": "BTC_USDT",
    "baseCoin": "BTC",
    "quoteCoin": "USDT",
    "settleCoin": "USDT",
    "contractSize": "0.0001",
    "state": 0,
    "riskBaseVol": 500,
    "riskIncrVol": 250,
    "riskLevelLimit": 3,
    "initialMarginRate": "0.05",
    "maintenanceMarginRate": "0.02",
    "riskIncrImr": "0.01",
    "riskIncrMmr": "0.01",
}


def test_the_time_of_the_price_is_among_the_dates() -> None:
    detail = answer("mexc", mexc.DETAIL, {"data": [CONTRACT]})
    asked = answer("mexc", mexc.TICKER, {"data": [{"symbol": "BTC_USDT", "fairPrice": 60000}]})
    ticker = Payload.of("mexc", asked.call, EARLIER, asked.provenance, asked.content)
    result = parsed(Snapshot("mexc", WHEN, (detail, ticker), complete=False))
    (schedule,) = result.schedules
    assert value_of(schedule.initial) is not None
    assert schedule.observed_at == WHEN
    assert schedule.dates == (EARLIER, WHEN)
