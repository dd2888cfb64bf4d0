"""Prices per coin that venues state, in their units, with their dates."""

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from harmonize.core.date_precision import EXACT, NO_LATER_THAN, DatePrecision, date_between
from harmonize.core.instrument import contract
from harmonize.core.payload import (
    Call,
    Conversion,
    Evidence,
    Factor,
    Origin,
    Payload,
    Provenance,
    Snapshot,
)
from harmonize.core.schedule import MarginSchedule
from tests.harmonize.checks.examples import flat_schedule
from venues.prices import with_prices

AT = datetime(2026, 8, 27, tzinfo=UTC)


def snapshot(
    venue: str, method: str, content: object, precision: DatePrecision = EXACT
) -> Snapshot:
    provenance = Provenance(Origin.RECORDED, "a test", "the payload")
    body = json.dumps(content).encode()
    payload = Payload.of(venue, Call(method), AT, provenance, body, precision)
    return Snapshot(venue, AT, (payload,), complete=True)


def listed(venue: str, id_: str, base: str = "BTC", quote: str = "USDT") -> MarginSchedule:
    instrument = contract(venue, id_, base=base, quote=quote, settle=quote)
    return replace(flat_schedule((50_000, "0.1", "0.05")), instrument=instrument)


@pytest.mark.parametrize(
    ("venue", "method", "content", "id_", "price"),
    [
        (
            *("gate", "publicFuturesGetSettleTickers"),
            [{"contract": "BTC_USDT", "mark_price": "0", "index_price": "80348.12"}],
            *("BTC_USDT", "80348.12"),
        ),
        (
            *("hyperliquid", "publicPostInfo"),
            [{"universe": [{"name": "BTC"}]}, [{"markPx": "108174.0"}]],
            *("BTC", "108174.0"),
        ),
        (
            *("dydx", "indexerGetPerpetualMarkets"),
            {"markets": {"BTC-USD": {"ticker": "BTC-USD", "oraclePrice": "60000"}}},
            *("BTC-USD", "60000"),
        ),
        (
            *("coinbaseinternational", "v1PublicGetInstruments"),
            [{"symbol": "BTC-PERP", "quote": {"mark_price": "66000.5"}}],
            *("BTC-PERP", "66000.5"),
        ),
        (
            *("mexc", "contractPublicGetTicker"),
            {"data": [{"symbol": "BTC_USDT", "fairPrice": 80318.2}]},
            *("BTC_USDT", "80318.2"),
        ),
    ],
)
def test_a_price_is_read_where_the_venue_states_it(
    venue: str, method: str, content: object, id_: str, price: str
) -> None:
    (own,) = with_prices(snapshot(venue, method, content), [listed(venue, id_)])
    assert own.price is not None
    assert (own.price.value, own.price.observed_at) == (Decimal(price), AT)
    assert own.price.source.endswith(f" of {id_}")


KUCOIN = {"data": [{"symbol": "1000PEPEUSDTM", "markPrice": 0.012}]}
METHOD = "futuresPublicGetContractsActive"


def test_a_price_of_a_multiple_is_divided_by_its_coins() -> None:
    schedule = listed("kucoin", "1000PEPEUSDTM", "1000PEPE")
    (own,) = with_prices(snapshot("kucoin", METHOD, KUCOIN), [schedule])
    assert own.price is not None
    assert own.price.value == Decimal("0.000012")


@pytest.mark.parametrize(
    ("precision", "has_day"),
    [
        (EXACT, True),
        (date_between(AT - timedelta(days=1)), True),
        (date_between(AT - timedelta(hours=8), derived=True), True),
        (date_between(AT - timedelta(days=1, seconds=1)), False),
        (NO_LATER_THAN, False),
    ],
)
def test_a_price_counts_if_its_payload_belongs_to_a_day(
    *, precision: DatePrecision, has_day: bool
) -> None:
    snap = snapshot("kucoin", METHOD, KUCOIN, precision)
    digest = snap.payloads[0].sha256
    factor = Factor("mark price of XBTUSDTM", Decimal(7), "USD", digest, "/p", AT, Origin.RECORDED)
    evidence = Evidence(digest, ("/0",), (), Conversion("contracts × price", (factor,)))
    schedules = [
        listed("kucoin", "1000PEPEUSDTM", "1000PEPE"),
        replace(listed("kucoin", "XBTUSDTM"), evidence=(evidence,)),
    ]
    prices = [own.price for own in with_prices(snap, schedules)]
    assert [price is not None for price in prices] == [has_day, has_day]
    assert all(price is None or price.precision == precision for price in prices)


def test_a_price_in_another_currency_or_of_another_contract_is_none() -> None:
    others = [listed("kucoin", "1000PEPEUSDTM", quote="EUR"), listed("kucoin", "XBTUSDTM")]
    found = with_prices(snapshot("kucoin", METHOD, KUCOIN), others)
    assert [own.price for own in found] == [None, None]


@pytest.mark.parametrize("content", [[], {"data": None}, {"data": ["x", {}]}, {"data": 7}, None])
def test_an_odd_payload_states_no_price(content: object) -> None:
    (own,) = with_prices(snapshot("kucoin", METHOD, content), [listed("kucoin", "XBTUSDTM")])
    assert own.price is None


@pytest.mark.parametrize("value", [True, "NaN", "-1", 0, "x", None, [], 1e15])
def test_an_odd_number_is_no_price(value: object) -> None:
    content = {"data": [{"symbol": "XBTUSDTM", "markPrice": value}]}
    (own,) = with_prices(snapshot("kucoin", METHOD, content), [listed("kucoin", "XBTUSDTM")])
    assert own.price is None


@pytest.mark.parametrize(
    ("origin", "name", "expected"),
    [
        (Origin.RECORDED, "mark price of XBTUSDTM", Decimal(70_000)),
        (Origin.RECORDED, "mark price of ETHUSDTM", None),
        (Origin.MARKET, "price of XBTUSDTM", None),
        (Origin.RECORDED, "contract size of XBTUSDTM", None),
    ],
)
def test_the_price_of_a_conversion_counts_if_it_is_the_venues_own(
    origin: Origin, name: str, expected: Decimal | None
) -> None:
    snap = snapshot("kucoin", "other", {})
    factor = Factor(name, Decimal(70_000), "USD", snap.payloads[0].sha256, "/p", AT, origin)
    evidence = Evidence(factor.sha256, ("/0",), (), Conversion("contracts × price", (factor,)))
    (own,) = with_prices(snap, [replace(listed("kucoin", "XBTUSDTM"), evidence=(evidence,))])
    assert (own.price.value if own.price else None) == expected


def test_prices_come_only_from_payloads_with_a_day() -> None:
    dated = snapshot("kucoin", "other", {})
    undated = snapshot("kucoin", METHOD, KUCOIN, NO_LATER_THAN)
    mixed = replace(dated, payloads=(*dated.payloads, *undated.payloads))
    digest = undated.payloads[0].sha256
    factor = Factor("mark price of XBTUSDTM", Decimal(7), "USD", digest, "/p", AT, Origin.RECORDED)
    evidence = Evidence(digest, ("/0",), (), Conversion("contracts × price", (factor,)))
    schedules = [
        listed("kucoin", "1000PEPEUSDTM"),
        replace(listed("kucoin", "XBTUSDTM"), evidence=(evidence,)),
    ]
    assert [own.price for own in with_prices(mixed, schedules)] == [None, None]
