"""Times in the rows of a payload narrow its date, and never beyond what they prove."""

import json
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from harmonize.core.date_precision import (
    EXACT,
    NO_LATER_THAN,
    DateKind,
    DatePrecision,
    date_between,
)
from harmonize.core.payload import Call, Origin, Payload, Provenance
from harmonize.core.yaml_source import YamlSourceError
from venues import dating, registry

DAY = datetime(2026, 8, 1, tzinfo=UTC)
DATING = "undated; present by 2026-08-01"


def payload(
    venue: str,
    method: str,
    content: object,
    precision: DatePrecision = NO_LATER_THAN,
    observed_at: datetime = DAY,
) -> Payload:
    provenance = Provenance(Origin.RECORDED, "a test", DATING)
    body = json.dumps(content).encode()
    return Payload.of(venue, Call(method), observed_at, provenance, body, precision)


GATE = ("gate", "publicFuturesGetSettleContracts")
GATE_ROW = {
    "funding_next_apply": "1780300800",
    "funding_interval": "28800",
    "config_change_time": "1776852838",
    "create_time": "1545235200",
    "in_delisting": False,
    "status": "trading",
}
DELIVERY = ("gate", "publicDeliveryGetSettleContracts")
DELIVERY_ROW = {
    "name": "BTC_USDT_20260626",
    "expire_time": "1782460800",
    "config_change_time": "1766735467",
    "in_delisting": False,
}
BULLISH = ("bullish", "publicGetV1Markets")
BULLISH_ROW = {
    "symbol": "BTC-USDC-20251121",
    "expiryDatetime": "2025-11-21T08:00:00.000Z",
    "marketEnabled": True,
    "createOrderEnabled": True,
}
EXTENDED = ("extended", "v1PublicGetInfoMarkets")
EXTENDED_ROW = {
    "active": True,
    "createdAt": 1752829532673,
    "marketStats": {"nextFundingRate": 1777446000000},
}
KUCOIN = ("kucoin", "futuresPublicGetContractsActive")
KUCOIN_ROW = {
    "symbol": "XBTUSDM",
    "status": "Open",
    "nextFundingRateTime": 21387944,
    "nextFundingRateDateTime": 1771862400000,
}
COINBASE = ("coinbase", "v3PublicGetBrokerageMarketProducts")
EXPIRING = {
    "trading_disabled": False,
    "future_product_details": {
        "contract_expiry": "2026-04-24T15:00:00Z",
        "time_to_expiry_ms": "1521060811",
    },
}
PERPETUAL = {
    "trading_disabled": False,
    "future_product_details": {
        "contract_expiry": None,
        "time_to_expiry_ms": "0",
        "perpetual_details": {"funding_time": "2026-05-14T15:00:00.000034Z"},
    },
}


@pytest.mark.parametrize(
    ("endpoint", "content", "kind", "earliest", "latest"),
    [
        (
            *(GATE, [GATE_ROW], DateKind.BETWEEN),
            *("2026-06-01T00:00:00", "2026-06-01T07:59:59"),
        ),
        (
            *(DELIVERY, [DELIVERY_ROW], DateKind.BETWEEN),
            *("2025-12-26T07:51:07", "2026-06-26T07:59:59"),
        ),
        (BULLISH, [BULLISH_ROW], DateKind.NO_LATER_THAN, "", "2025-11-21T07:59:59"),
        (
            *(EXTENDED, {"data": [EXTENDED_ROW]}, DateKind.BETWEEN),
            *("2026-04-29T06:00:00", "2026-04-29T06:59:59"),
        ),
        (KUCOIN, {"data": [KUCOIN_ROW]}, DateKind.EXACT, "", "2026-02-23T10:03:32.056000"),
        (COINBASE, {"products": [EXPIRING]}, DateKind.EXACT, "", "2026-04-07T00:28:59.189000"),
        (
            *(COINBASE, {"products": [PERPETUAL]}, DateKind.BETWEEN),
            *("2026-05-14T15:00:00.000034", "2026-05-14T15:59:59.000034"),
        ),
        (
            ("modetrade", "v1PublicGetPublicInfo"),
            {"data": {"rows": [{"updated_time": "1780372240894"}, {"created_time": 1}]}},
            *(DateKind.BETWEEN, "2026-06-02T03:50:40.894000", "2026-08-01T00:00:00"),
        ),
        (("toobit", "commonGetApiV1ExchangeInfo"), {"serverTime": "1757430201279"}, *(DateKind.EXACT, "", "2025-09-09T15:03:21.279000")),
    ],
)  # fmt: skip
def test_times_in_the_rows_narrow_a_date(
    *,
    endpoint: tuple[str, str],
    content: object,
    kind: DateKind,
    earliest: str,
    latest: str,
) -> None:
    found = dating.narrowed(payload(*endpoint, content))
    assert found.precision.kind is kind
    since = found.precision.earliest
    assert (since.isoformat() if since else "") == (f"{earliest}+00:00" if earliest else "")
    assert found.observed_at.isoformat() == f"{latest}+00:00"
    assert found.provenance.dating.startswith(f"{DATING}; by times in the rows ")


def test_the_provenance_names_the_fields_that_prove_a_date() -> None:
    found = dating.narrowed(payload(*GATE, [GATE_ROW]))
    assert found.provenance.dating == (
        f"{DATING}; by times in the rows "
        "not before 2026-06-01T00:00:00Z (/0/funding_next_apply less 28800 s), "
        "before 2026-06-01T08:00:00Z (/0/funding_next_apply)"
    )


@pytest.mark.parametrize(
    ("endpoint", "content"),
    [
        (DELIVERY, [{**DELIVERY_ROW, "config_change_time": 0, "in_delisting": True}]),
        (BULLISH, [{**BULLISH_ROW, "createOrderEnabled": False}]),
        (KUCOIN, {"data": [{**KUCOIN_ROW, "status": "Settled"}]}),
        (KUCOIN, {"data": [{**KUCOIN_ROW, "nextFundingRateDateTime": None}]}),
        (KUCOIN, {"data": "none"}),
        (KUCOIN, None),
        (("dydx", "indexerGetPerpetualMarkets"), {"markets": {}}),
        (DELIVERY, [{**DELIVERY_ROW, "config_change_time": "1782460800"}]),  # after its expiry
        (DELIVERY, [{"expire_time": "32503708800", "in_delisting": False}]),  # the year 3000
        (("toobit", "commonGetApiV1ExchangeInfo"), {"serverTime": "1790000000000"}),  # too late
    ],
)
def test_rows_that_prove_nothing_leave_the_date(endpoint: tuple[str, str], content: object) -> None:
    undated = payload(*endpoint, content)
    assert dating.narrowed(undated) == undated


def test_times_of_a_response_that_disagree_are_none_but_have_taken_place() -> None:
    endpoint = ("bitmex", "publicGetInstrumentActive")
    rows = [
        {"state": "Open", "timestamp": "2026-05-21T14:38:07Z"},
        {"state": "Open", "timestamp": "2026-05-21T14:39:07Z"},
        {"state": "Closed", "timestamp": "2026-05-28T14:39:07Z"},
    ]
    agreeing = dating.narrowed(payload(*endpoint, rows))
    assert (agreeing.precision, f"{agreeing.observed_at:%H:%M:%S}") == (EXACT, "14:39:07")
    rows[0]["timestamp"] = "2026-05-21T14:38:06Z"
    apart = dating.narrowed(payload(*endpoint, rows))
    assert apart.observed_at == DAY
    assert apart.precision == date_between(datetime(2026, 5, 21, 14, 39, 7, tzinfo=UTC))


def test_an_exact_date_and_a_price_of_a_market_are_left() -> None:
    exact = payload(*GATE, [GATE_ROW], EXACT)
    assert dating.narrowed(exact) == exact
    market = replace(exact, precision=NO_LATER_THAN)
    market = replace(market, provenance=replace(market.provenance, origin=Origin.MARKET))
    assert dating.narrowed(market) == market


def test_a_day_means_all_of_it() -> None:
    day = datetime(2026, 6, 1, tzinfo=UTC)
    found = dating.narrowed(payload(*GATE, [GATE_ROW], observed_at=day))
    assert f"{found.observed_at:%m-%d %H:%M:%S}" == "06-01 07:59:59"
    changed = {"config_change_time": "1780315200"}  # noon
    found = dating.narrowed(payload(*DELIVERY, [changed], observed_at=day))
    assert f"{found.observed_at:%m-%d %H:%M:%S}" == "06-01 23:59:59"
    assert found.precision == date_between(datetime(2026, 6, 1, 12, tzinfo=UTC))


def test_known_bounds_are_only_narrowed() -> None:
    later = date_between(datetime(2026, 6, 1, 4, tzinfo=UTC), derived=True)
    found = dating.narrowed(payload(*GATE, [GATE_ROW], later))
    assert found.precision == later
    assert f"{found.observed_at:%m-%d %H:%M:%S}" == "06-01 07:59:59"
    earlier = date_between(datetime(2020, 1, 1, tzinfo=UTC), derived=True)
    found = dating.narrowed(payload(*GATE, [GATE_ROW], earlier))
    assert found.precision == date_between(datetime(2026, 6, 1, tzinfo=UTC), derived=True)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("2025-11-21T08:00:00.000Z", "2025-11-21T08:00:00+00:00"),
        ("2025-11-21", "2025-11-21T00:00:00+00:00"),
        ("2025-11-21T08:00:00+08:00", "2025-11-21T00:00:00+00:00"),
        (1776852838, "2026-04-22T10:13:58+00:00"),
        ("1776852838000", "2026-04-22T10:13:58+00:00"),
        (1776852838000000, "2026-04-22T10:13:58+00:00"),
        ("1727701319.73488", "2024-09-30T13:01:59.734880+00:00"),
    ],
)
def test_a_time_is_read_in_any_form(value: object, expected: str) -> None:
    read = dating.read_time(value)
    assert read is not None
    assert read.isoformat() == expected


@pytest.mark.parametrize(
    "value",
    [0, "0", -1, True, None, "", "x", "20260925 15:00", "2025-99-99", [], 1e30, float("nan")],
)
def test_nothing_else_is_a_time(value: object) -> None:
    assert dating.read_time(value) is None


def test_every_rule_is_of_an_endpoint_of_its_venue_and_has_a_source() -> None:
    known = {
        (adapter.venue, endpoint.method)
        for adapter in registry.VENUES
        for endpoint in (*adapter.endpoints, *adapter.recorded_only)
    }
    assert set(dating.bundled()) <= known
    rules = [rule for rules in dating.bundled().values() for rule in rules]
    assert all(rule.source for rule in rules)
    assert all(not rule.remaining or rule.kind is dating.TimeKind.RESPONSE for rule in rules)


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("- venues: [a]", "expected the keys field, kind, method, source, venues"),
        (
            "- {venues: [a], method: b, field: /c, kind: later, source: d}",
            "1:45: kind: expected one of",
        ),
        (
            "- {venues: a, method: b, field: /c, kind: past, source: d}",
            "1:12: venues: expected a list",
        ),
        (
            "- {venues: [a], method: b, field: /c, kind: next, source: d, interval: true}",
            "interval: expected seconds or a pointer",
        ),
        (
            "- {venues: [a], method: b, field: /c, kind: past, source: d, only: {/x: 1}}",
            "only: expected lists of values by pointer",
        ),
    ],
)
def test_a_faulty_table_is_refused_with_its_place(text: str, problem: str) -> None:
    with pytest.raises(YamlSourceError) as error:
        dating.parse(text, "dating.yaml")
    assert problem in str(error.value)


@pytest.mark.parametrize("remaining", [10**30, "9" * 40, 10**18])
def test_an_absurd_time_to_an_event_proves_nothing(remaining: object) -> None:
    product = {
        "future_product_details": {
            "contract_expiry": "2026-04-24T15:00:00Z",
            "time_to_expiry_ms": remaining,
        }
    }
    document = {"products": [product]}
    endpoint = ("coinbase", "v3PublicGetBrokerageMarketProducts")
    narrowed = dating.narrowed(payload(*endpoint, document))
    assert not narrowed.precision.is_exact
