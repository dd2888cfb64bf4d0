"""What does not trade has no schedule: by its status, its times or the expiry in its symbol."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest

from harmonize.core.payload import (
    Origin,
    Payload,
    Provenance,
    Snapshot,
    UnreadablePayloadError,
    decode,
)
from tests.replay.venues.binance import contract_row
from tests.support import recorded
from tests.support.altered_snapshots import changed, parsed
from tests.support.answers import FUTURE, FUTURE_MS, PAST, PAST_MS, WHEN, answer, ids, read
from venues.exchanges import (
    aster,
    binance,
    bingx,
    bitget,
    bybit,
    gate,
    htx,
    krakenfutures,
    kucoin,
    okx,
    poloniex,
)
from venues.parsing import listing

# Venues whose rows with margins state the status or the end of the contract themselves. Times are
# hours from the observation, in the unit that the venue uses.

MS, S, ISO = "milliseconds", "seconds", "ISO 8601"

CLOSED_ROWS: list[tuple[str, str, object]] = [
    ("apex", "enableTrade", False),
    ("apex", "settleTimeStamp", MS),
    ("ascendex", "status", "NoTrading"),
    ("ascendex", "status", "Delisted"),
    ("backpack", "orderBookState", "Closed"),
    ("backpack", "orderBookState", "CancelOnly"),
    ("bigone", "enable", False),
    ("bitmart", "status", "Delisted"),
    ("bitmart", "expire_timestamp", MS),
    ("bitmart", "delist_time", S),
    ("bitmex", "state", "Settled"),
    ("bitmex", "expiry", ISO),
    ("blofin", "state", "suspend"),
    ("blofin", "expireTime", MS),
    ("bullish", "marketEnabled", False),
    ("bullish", "expiryDatetime", ISO),
    ("bydfi", "status", "OFFLINE"),
    ("coinbase", "trading_disabled", True),
    ("coinbase", "view_only", True),
    ("coinbase", "status", "delisted"),
    ("coinbaseinternational", "trading_state", "DELISTED"),
    ("coinbaseinternational", "trading_state", "EXTERNAL_ONLY"),
    ("cryptocom", "tradable", False),
    ("cryptocom", "expiry_timestamp_ms", MS),
    ("deepcoin", "state", "suspend"),
    ("delta", "state", "expired"),
    ("delta", "trading_status", "disrupted_cancel_only"),
    ("delta", "settlement_time", ISO),
    ("deribit", "is_active", False),
    ("deribit", "state", "settled"),
    ("deribit", "state", "archivized"),
    ("deribit", "expiration_timestamp", MS),
    ("derive", "is_active", False),
    ("derive", "scheduled_deactivation", S),
    ("digifinex", "is_trading", False),
    ("dydx", "status", "FINAL_SETTLEMENT"),
    ("extended", "status", "DELISTED"),
    ("extended", "active", False),
    ("hashkey", "status", "HALT"),
    ("hibachi", "status", "CLOSED"),
    ("hitbtc", "status", "suspended"),
    ("hitbtc", "expiry", ISO),
    ("hyperliquid", "isDelisted", True),
    ("krakenfutures", "tradeable", False),
    ("krakenfutures", "isExpired", True),
    ("krakenfutures", "lastTradingTime", ISO),
    ("kucoin", "expireDate", MS),
    ("lighter", "status", "inactive"),
    ("mexc", "state", 3),
    ("mexc", "state", 4),
    ("modetrade", "status", "SUSPENDED"),
    ("paradex", "expiry_at", MS),
    ("phemex", "status", "Delisted"),
    ("toobit", "status", "BREAK"),
    ("woo", "status", "SUSPENDED"),
    ("zebpay", "status", "Closed"),
]


def moment(unit: object, at: datetime) -> object:
    """Returns a time in a venue's unit; any other value is returned as it is."""
    if unit == ISO:
        return at.isoformat()
    seconds = int(at.timestamp())
    return (
        {MS: seconds * 1000, S: seconds}[unit]
        if isinstance(unit, str) and unit in {MS, S}
        else unit
    )


def rows_of(document: Any, id_: str) -> Iterator[dict[str, Any]]:
    """Yields every object that names a contract, or that stands under its name."""
    if isinstance(document, list):
        for entry in document:
            yield from rows_of(entry, id_)
    elif isinstance(document, dict):
        if id_ in [value for value in document.values() if isinstance(value, str)]:
            yield document
        for key, entry in document.items():
            if key == id_ and isinstance(entry, dict):
                yield entry
            yield from rows_of(entry, id_)


def with_field(venue: str, field: str, unit: object, hours: int) -> tuple[str, Snapshot]:
    """Returns the first contract of a recording, and the recording with a field set in its rows."""
    snapshot = recorded.of_venue(venue)[0]
    schedule = parsed(snapshot).schedules[0]
    sha256 = schedule.evidence[-1].sha256 if venue == "deribit" else schedule.evidence[0].sha256
    payload = next(payload for payload in snapshot.payloads if payload.sha256 == sha256)
    value = moment(unit, payload.observed_at + timedelta(hours=hours))

    def change(document: Any) -> None:
        rows = list(rows_of(document, schedule.instrument.id))
        assert rows
        for row in rows:
            row[field] = value

    assert decode(payload)
    return schedule.instrument.id, changed(snapshot, payload.call.method, change)


@pytest.mark.parametrize(("venue", "field", "value"), CLOSED_ROWS)
def test_a_row_that_states_that_it_does_not_trade_is_passed_over(
    venue: str, field: str, value: object
) -> None:
    id_, closed = with_field(venue, field, value, hours=-1)
    result = parsed(closed)
    assert id_ not in ids(result)
    assert result.defects == ()


@pytest.mark.parametrize(
    ("venue", "field", "unit"), [row for row in CLOSED_ROWS if row[2] in {MS, S, ISO}]
)
def test_a_contract_that_ends_an_hour_after_the_observation_still_trades(
    venue: str, field: str, unit: str
) -> None:
    id_, open_ = with_field(venue, field, unit, hours=1)
    result = parsed(open_)
    assert id_ in ids(result)
    assert result.defects == ()


@pytest.mark.parametrize(
    ("venue", "field"),
    [("blofin", "listTime"), ("kucoin", "firstOpenDate"), ("paradex", "open_at")],
)
def test_a_contract_trades_from_its_opening_on(venue: str, field: str) -> None:
    for hours in (1, -1):
        id_, snapshot = with_field(venue, field, MS, hours=hours)
        result = parsed(snapshot)
        assert (id_ in ids(result)) is (hours < 0)
        assert result.defects == ()


@pytest.mark.parametrize(
    ("venue", "field"),
    [
        ("ascendex", "status"),
        ("backpack", "orderBookState"),
        ("bydfi", "status"),
        ("coinbaseinternational", "trading_state"),
        ("delta", "trading_status"),
        ("deribit", "state"),
        ("mexc", "state"),
        ("zebpay", "status"),
    ],
)
@pytest.mark.parametrize("word", ["brand-new word", ["list"], {"an": "object"}, True])
def test_an_unknown_status_is_a_defect_of_its_contract(
    venue: str, field: str, word: object
) -> None:
    id_, strange = with_field(venue, field, word, hours=0)
    result = parsed(strange)
    assert id_ not in ids(result)
    assert any(f"/{field}" in defect.where for defect in result.defects)


# Venues whose margins carry no status: the list of contracts beside them does.


def bybit_answers(**row: object) -> tuple[Payload, Payload]:
    listed = {
        "symbol": "XYZUSDT",
        "contractType": "LinearPerpetual",
        "status": "Trading",
        "baseCoin": "XYZ",
        "quoteCoin": "USDT",
        "settleCoin": "USDT",
        "deliveryTime": "0",
    } | row
    limit = {
        "symbol": listed["symbol"],
        "riskLimitValue": "200000",
        "maintenanceMargin": "0.01",
        "initialMargin": "0.02",
        "maxLeverage": "50.00",
        "mmDeduction": "",
    }
    return (
        answer(
            "bybit",
            bybit.INSTRUMENTS,
            {"result": {"list": [listed], "nextPageCursor": ""}},
            category="linear",
        ),
        answer("bybit", bybit.RISK_LIMIT, {"result": {"list": [limit]}}, category="linear"),
    )


@pytest.mark.parametrize(
    "row",
    [
        {"status": "PreLaunch", "isPreListing": True},
        {"status": "Closed", "deliveryTime": "1700000000000"},
        {"status": "Delivering"},
        {"status": "Settling"},
        {"deliveryTime": str(PAST_MS)},
        {"contractType": "LinearFutures", "deliveryTime": str(PAST_MS)},
    ],
)
def test_bybit_contract_that_does_not_trade_has_no_schedule(row: dict[str, object]) -> None:
    assert ids(read(*bybit_answers())) == ["XYZUSDT"]
    result = read(*bybit_answers(**row))
    assert (result.schedules, result.defects) == ((), ())


def test_bybit_unknown_status_is_a_defect() -> None:
    result = read(*bybit_answers(status="Frobbed"))
    assert result.schedules == ()
    (defect,) = result.defects
    assert (defect.symbol, "/result/list/0/status" in defect.where) == ("XYZUSDT", True)


def test_bybit_delivery_later_on_the_day_is_still_open() -> None:
    row = {"contractType": "LinearFutures", "deliveryTime": str(FUTURE_MS)}
    assert ids(read(*bybit_answers(**row))) == ["XYZUSDT"]


@pytest.mark.parametrize(
    "params",
    [
        {"category": "linear", "symbol": "ABCUSDT"},
        {"category": "inverse"},
        {"category": "linear", "status": "PreLaunch"},
    ],
)
def test_bybit_list_of_other_contracts_proves_nothing_of_a_contract(
    params: dict[str, str],
) -> None:
    listed, limits = bybit_answers()
    document: Any = decode(listed)
    document["result"]["list"][0] |= {"symbol": "ABCUSDT", "baseCoin": "ABC"}
    other = answer("bybit", bybit.INSTRUMENTS, document, **params)
    assert ids(read(other, limits)) == ["XYZUSDT"]


def test_bybit_first_page_of_the_list_proves_nothing_of_a_contract() -> None:
    listed, limits = bybit_answers()
    document: Any = decode(listed)
    document["result"]["list"][0] |= {"symbol": "ABCUSDT", "baseCoin": "ABC"}
    whole = answer("bybit", bybit.INSTRUMENTS, document, category="linear")
    assert ids(read(whole, limits)) == []
    document["result"]["nextPageCursor"] = "second"
    first_page = answer("bybit", bybit.INSTRUMENTS, document, category="linear")
    assert ids(read(first_page, limits)) == ["XYZUSDT"]


def gate_contract(**other: object) -> dict[str, object]:
    return {
        "name": "XYZ_USDT",
        "mark_price": "2",
        "leverage_max": "20",
        "maintenance_rate": "0.01",
        "risk_limit_base": "50000",
        "risk_limit_max": "500000",
        **other,
    }


GATE_TIER = {
    "contract": "XYZ_USDT",
    "tier": 1,
    "risk_limit": "50000",
    "initial_rate": "0.05",
    "maintenance_rate": "0.01",
    "deduction": "0",
}

GATE_CLOSED: list[dict[str, object]] = [
    {"status": "prelaunch"},
    {"status": "delisting"},
    {"status": "delisted"},
    {"status": "suspend"},
    {"status": "circuit_breaker"},
    {"in_delisting": True},
    {"status": "trading", "in_delisting": False, "delisted_time": PAST},
    {"expire_time": PAST},
]


@pytest.mark.parametrize("method", [gate.CONTRACTS, gate.DATED_CONTRACTS])
@pytest.mark.parametrize("row", GATE_CLOSED)
def test_gate_contract_that_does_not_trade_has_neither_first_tier_nor_tiers(
    method: str, row: dict[str, object]
) -> None:
    listed = answer("gate", method, [gate_contract(**row)], settle="usdt")
    tiers = answer("gate", gate.TIERS, [GATE_TIER], settle="usdt")
    for payloads in ((listed,), (listed, tiers)):
        result = read(*payloads)
        assert (result.schedules, result.defects) == ((), ())


@pytest.mark.parametrize(
    "row",
    [
        {},
        {"status": None, "in_delisting": False},
        {"status": "trading", "delisted_time": 0, "expire_time": 0},
        {"delisted_time": FUTURE, "expire_time": FUTURE},
    ],
)
def test_gate_contract_without_an_end_in_the_past_trades(row: dict[str, object]) -> None:
    listed = answer("gate", gate.CONTRACTS, [gate_contract(**row)], settle="usdt")
    assert ids(read(listed)) == ["XYZ_USDT"]


@pytest.mark.parametrize("status", [[], {}, "frobbed", 7])
def test_gate_unknown_status_is_a_defect_with_its_place(status: object) -> None:
    listed = answer("gate", gate.CONTRACTS, [gate_contract(status=status)], settle="usdt")
    result = read(listed)
    assert result.schedules == ()
    (defect,) = result.defects
    assert (defect.symbol, "/0/status" in defect.where) == ("XYZ_USDT", True)
    assert "expected one of trading" in defect.reason


def kucoin_answers(classic: dict[str, object], unified: dict[str, object]) -> list[Payload]:
    level = {
        "symbol": "XYZUSDTM",
        "level": 1,
        "maxRiskLimit": 10000,
        "minRiskLimit": 0,
        "initialMargin": 0.05,
        "maintainMargin": 0.025,
    }
    tier = {
        "symbol": "XYZUSDTM",
        "tier": 1,
        "maxSize": "10000",
        "minSize": "0",
        "initialMarginRate": "0.05",
        "maintainMarginRate": "0.025",
    }
    row = {"symbol": "XYZUSDTM", "baseCurrency": "XYZ", "quoteCurrency": "USDT"}
    classic_row = row | {"settleCurrency": "USDT", "status": "Open", "expireDate": None} | classic
    unified_row = row | {"settlementCurrency": "USDT", "tradingStatus": "1"} | unified
    return [
        answer("kucoin", kucoin.CONTRACTS, {"data": [classic_row]}),
        answer("kucoin", kucoin.UNIFIED_CONTRACTS, {"data": {"list": [unified_row]}}),
        answer("kucoin", kucoin.LEVELS, {"data": [level]}, symbol="XYZUSDTM"),
        answer("kucoin", kucoin.UNIFIED, {"data": [tier]}, symbol="XYZUSDTM"),
    ]


@pytest.mark.parametrize(
    ("classic", "unified"),
    [
        ({"status": "Paused"}, {}),
        ({"status": "BeingSettled"}, {}),
        ({"status": "Closed"}, {}),
        ({"status": "CancelOnly"}, {}),
        ({"expireDate": PAST_MS}, {}),
        ({}, {"tradingStatus": "0"}),
        ({}, {"expiryTime": PAST_MS}),
    ],
)
def test_kucoin_contract_that_does_not_trade_has_no_schedule(
    classic: dict[str, object], unified: dict[str, object]
) -> None:
    assert len(read(*kucoin_answers({}, {})).schedules) == 2  # isolated and unified
    result = read(*kucoin_answers(classic, unified))
    assert (result.schedules, result.defects) == ((), ())


def test_kucoin_contract_that_settles_in_a_third_currency_is_a_defect_in_one_line() -> None:
    result = read(*kucoin_answers({}, {"settlementCurrency": "KCS"}))
    assert "expected a contract settled in XYZ or USDT, found 'KCS'" in [
        defect.reason for defect in result.defects
    ]


def bitget_answers(**row: object) -> tuple[Payload, Payload]:
    listed = {
        "symbol": "XYZUSDT",
        "baseCoin": "XYZ",
        "quoteCoin": "USDT",
        "symbolType": "perpetual",
        "symbolStatus": "normal",
        "offTime": "-1",
        "deliveryTime": "",
    } | row
    tier = {
        "symbol": "XYZUSDT",
        "level": "1",
        "startUnit": "0",
        "endUnit": "20000",
        "leverage": "20",
        "keepMarginRate": "0.01",
    }
    params = {"productType": "USDT-FUTURES"}
    return (
        answer("bitget", bitget.CONTRACTS, {"data": [listed]}, **params),
        answer("bitget", bitget.LEVERS, {"data": [tier]}, symbol="XYZUSDT", **params),
    )


@pytest.mark.parametrize(
    "row",
    [
        {"symbolStatus": "listed"},
        {"symbolStatus": "maintain"},
        {"symbolStatus": "off"},
        {"offTime": str(PAST_MS)},
        {"symbolType": "delivery", "deliveryTime": str(PAST_MS)},
    ],
)
def test_bitget_contract_that_does_not_trade_has_no_schedule(row: dict[str, object]) -> None:
    for open_row in ({}, {"symbolStatus": "limit_open"}, {"offTime": str(FUTURE_MS)}):
        assert ids(read(*bitget_answers(**open_row))) == ["XYZUSDT"]
    result = read(*bitget_answers(**row))
    assert (result.schedules, result.defects) == ((), ())


def htx_answers(code: str = "XYZ-USDT", **row: object) -> tuple[Payload, Payload]:
    contract_row = {
        "contract_code": code,
        "contract_size": 0.1,
        "contract_status": 1,
        "delivery_time": "",
    }
    ladder = {"ladder": 0, "min_size": 0, "max_size": 999, "adjust_factor": 0.5}
    factor = {
        "contract_code": code,
        "margin_mode": "cross",
        "list": [{"lever_rate": 10, "ladders": [ladder]}],
    }
    return (
        answer("htx", htx.CONTRACTS, {"data": [contract_row | row]}),
        answer("htx", htx.CROSS, {"data": [factor]}),
    )


@pytest.mark.parametrize("state", [0, 2, 3, 4, 5, 6, 7, 8, "8"])
def test_htx_contract_that_does_not_trade_has_no_schedule(state: object) -> None:
    assert ids(read(*htx_answers())) == ["XYZ-USDT"]
    result = read(*htx_answers(contract_status=state))
    assert (result.schedules, result.defects) == ((), ())
    assert read(*htx_answers(delivery_time=str(PAST_MS))).schedules == ()


def bingx_answers(**row: object) -> tuple[Payload, Payload]:
    tier = {
        "tier": "Tier 1",
        "symbol": "XYZ-USDT",
        "minPositionVal": "0",
        "maxPositionVal": "50000",
        "maintMarginRatio": "0.01",
        "maintAmount": "0",
    }
    return (
        answer("bingx", bingx.CONTRACTS, {"data": [{"symbol": "XYZ-USDT", "status": 1} | row]}),
        answer("bingx", bingx.TIERS, {"data": [tier]}, symbol="XYZ-USDT"),
    )


@pytest.mark.parametrize("row", [{"status": 0}, {"status": 5}, {"offTime": PAST_MS}])
def test_bingx_contract_that_does_not_trade_has_no_schedule(row: dict[str, object]) -> None:
    for open_row in ({}, {"status": 25}, {"offTime": 0}):
        assert ids(read(*bingx_answers(**open_row))) == ["XYZ-USDT"]
    result = read(*bingx_answers(**row))
    assert (result.schedules, result.defects) == ((), ())


def okx_answers(**row: object) -> list[Payload]:
    listed = {
        "instType": "SWAP",
        "instId": "XYZ-USDT-SWAP",
        "uly": "XYZ-USDT",
        "instFamily": "XYZ-USDT",
        "settleCcy": "USDT",
        "ctVal": "1",
        "ctMult": "1",
        "ctValCcy": "XYZ",
        "ctType": "linear",
        "expTime": "",
        "state": "live",
    }
    tier = {
        "instFamily": "XYZ-USDT",
        "tier": "1",
        "minSz": "0",
        "maxSz": "500",
        "imr": "0.02",
        "mmr": "0.01",
    }
    mark = {"instId": "XYZ-USDT-SWAP", "markPx": "2"}
    params = {"instFamily": "XYZ-USDT", "instType": "SWAP", "tdMode": "cross"}
    return [
        answer("okx", okx.INSTRUMENTS, {"data": [listed | row]}, instType="SWAP"),
        answer("okx", okx.MARKS, {"data": [mark]}, instType="SWAP"),
        answer("okx", okx.TIERS, {"data": [tier]}, **params),
    ]


@pytest.mark.parametrize("state", ["preopen", "suspend", "settling", "rebase", "expired", "test"])
def test_okx_contract_that_does_not_trade_has_no_schedule(state: str) -> None:
    for open_state in ("live", "post_only"):
        assert ids(read(*okx_answers(state=open_state))) == ["XYZ-USDT-SWAP"]
    result = read(*okx_answers(state=state))
    assert (result.schedules, result.defects) == ((), ())
    assert read(*okx_answers(expTime=str(PAST_MS))).schedules == ()


def test_poloniex_tiers_of_a_contract_that_does_not_trade_are_passed_over() -> None:
    listed = {"symbol": "XYZ_USDT_PERP", "status": "CLOSED"}
    tier = {
        "symbol": "XYZ_USDT_PERP",
        "mgnMode": "CROSS",
        "tier": "1",
        "maxLever": "50",
        "mMRatio": "0.01",
        "minSize": "0",
        "maxSize": "100",
    }
    result = read(
        answer("poloniex", poloniex.INSTRUMENTS, {"data": [listed]}),
        answer("poloniex", poloniex.TIERS, {"data": [tier]}, symbol="XYZ_USDT_PERP"),
    )
    assert (result.schedules, result.defects) == ((), ())


# Dated contracts without a status: the expiry in the symbol.


def binance_row(symbol: str, cap: str = "notionalCap", floor: str = "notionalFloor") -> object:
    bracket = {
        "bracket": 1,
        "initialLeverage": 20,
        cap: 1000,
        floor: 0,
        "maintMarginRatio": 0.01,
        "cum": 0,
    }
    return {"symbol": symbol, "brackets": [bracket]}


def test_a_dated_contract_ends_on_the_day_in_its_symbol() -> None:
    assert f"{WHEN:%y%m%d}" == "260620"
    linear = [binance_row(f"BTCUSDT_{day}") for day in ("260605", "260619", "260620", "260925")]
    assert ids(read(answer("binance", binance.BRACKETS, linear))) == [
        "BTCUSDT_260620",
        "BTCUSDT_260925",
    ]
    inverse = [
        binance_row(f"BTCUSD_{day}", "qtyCap", "qtyFloor") for day in ("260605", "260925", "PERP")
    ]
    assert ids(read(answer("binance", binance.COIN_BRACKETS, inverse))) == [
        "BTCUSD_260925",
        "BTCUSD_PERP",
    ]
    tiers = [
        GATE_TIER | {"contract": name}
        for name in ("XYZ_USDT_20260605", "XYZ_USDT_20260925", "XYZ_USDT")
    ]
    assert ids(read(answer("gate", gate.DATED_TIERS, tiers, settle="usdt"))) == [
        "XYZ_USDT",
        "XYZ_USDT_20260925",
    ]
    assert read(htx_answers("XYZ-USDT-260605")[1]).schedules == ()
    assert ids(read(htx_answers("XYZ-USDT-260925")[1])) == ["XYZ-USDT-260925"]
    limits: Any = decode(bybit_answers()[1])
    row = limits["result"]["list"][0]
    limits["result"]["list"] = [
        row | {"symbol": symbol} for symbol in ("BTC-05JUN26", "BTCUSDT-25SEP26")
    ]
    assert ids(read(answer("bybit", bybit.RISK_LIMIT, limits, category="linear"))) == [
        "BTCUSDT-25SEP26"
    ]


# Brackets of Binance's format carry no status, and the list keeps delisted contracts.


def brackets_and_contracts(
    *contracts: dict[str, object], names: tuple[str, ...] = ("OLDUSDT", "BTCUSDT"), venue: str = ""
) -> tuple[Payload, Payload]:
    """Returns brackets of contracts, and the venue's list of contracts."""
    adapter = aster if venue == "aster" else binance
    rows = [binance_row(name) for name in names]
    return (
        answer(venue or "binance", adapter.BRACKETS, rows),
        answer(venue or "binance", adapter.CONTRACTS, {"symbols": list(contracts)}),
    )


BTC_LISTED = contract_row("BTCUSDT")


def old_contract(**changes: object) -> dict[str, object]:
    return contract_row("OLDUSDT") | changes


@pytest.mark.parametrize("venue", ["binance", "aster"])
@pytest.mark.parametrize(
    "change",
    [
        {"status": "SETTLING"},
        {"status": "PRE_SETTLE"},
        {"status": "CLOSE"},
        {"status": "DELIVERING"},
        {"status": "DELIVERED"},
        {"status": "PRE_DELIVERING"},
        {"status": "PENDING_TRADING"},
        {"deliveryDate": PAST_MS},
        {"onboardDate": FUTURE_MS},
    ],
)
def test_a_contract_that_the_list_shows_as_closed_has_no_schedule(
    venue: str, change: dict[str, object]
) -> None:
    answers = brackets_and_contracts(old_contract(**change), BTC_LISTED, venue=venue)
    result = read(*answers)
    assert (ids(result), result.defects) == (["BTCUSDT"], ())


@pytest.mark.parametrize(
    "change", [{}, {"status": None}, {"deliveryDate": FUTURE_MS}, {"onboardDate": PAST_MS}]
)
def test_a_contract_that_the_list_does_not_show_as_closed_keeps_its_schedule(
    change: dict[str, object],
) -> None:
    result = read(*brackets_and_contracts(old_contract(**change), BTC_LISTED))
    assert (ids(result), result.defects) == (["BTCUSDT", "OLDUSDT"], ())


def test_a_status_that_is_not_known_is_told_and_takes_no_margin_away() -> None:
    result = read(*brackets_and_contracts(old_contract(status="NEW_WORD"), BTC_LISTED))
    assert ids(result) == ["BTCUSDT", "OLDUSDT"]
    (defect,) = result.defects
    assert (defect.symbol, "/status" in defect.where) == ("OLDUSDT", True)


def test_a_list_of_contracts_that_cannot_be_read_takes_no_margin_away() -> None:
    brackets, _ = brackets_and_contracts()
    result = read(brackets, answer("binance", binance.CONTRACTS, {"code": -1000}))
    assert ids(result) == ["BTCUSDT", "OLDUSDT"]
    (defect,) = result.defects
    assert "/symbols" in defect.where
    assert ids(read(brackets)) == ["BTCUSDT", "OLDUSDT"]


def test_the_status_of_a_coin_margined_contract_has_another_name() -> None:
    rows = [binance_row(f"{base}USD_PERP", "qtyCap", "qtyFloor") for base in ("BTC", "XTZ")]
    contracts = [
        contract_row("BTCUSD_PERP", "contractStatus"),
        contract_row("XTZUSD_PERP", "contractStatus") | {"contractStatus": "DELIVERING"},
    ]
    result = read(
        answer("binance", binance.COIN_BRACKETS, rows),
        answer("binance", binance.COIN_CONTRACTS, {"symbols": contracts}),
    )
    assert (ids(result), result.defects) == (["BTCUSD_PERP"], ())


SIX = tuple(f"{base}USDT" for base in ("ADA", "BTC", "ETH", "OLD", "SOL", "XRP"))


@pytest.mark.parametrize(
    ("complete", "listed", "origin", "expected"),
    [
        pytest.param(True, 5, Origin.RECORDED, 5, id="whole list"),
        pytest.param(False, 5, Origin.RECORDED, 6, id="partial snapshot"),
        pytest.param(True, 4, Origin.RECORDED, 6, id="a recorded list of some contracts"),
        pytest.param(True, 4, Origin.LIVE, 4, id="a list gathered live is whole"),
        pytest.param(True, 0, Origin.LIVE, 6, id="an empty list says nothing"),
    ],
)
def test_a_contract_that_a_whole_list_lacks_no_longer_trades(
    *, complete: bool, listed: int, origin: Origin, expected: int
) -> None:
    rows = [contract_row(name) for name in SIX if name != "OLDUSDT"][:listed]
    payloads = tuple(
        replace(payload, provenance=Provenance(origin, "a test", "a test"))
        for payload in brackets_and_contracts(*rows, names=SIX)
    )
    result = parsed(Snapshot("binance", WHEN, payloads, complete=complete))
    assert len(ids(result)) == expected
    assert ("OLDUSDT" in ids(result)) is (expected == len(SIX))


@pytest.mark.parametrize("symbol", ["BTCUSDT_261399", "BTCUSDT_000000"])
def test_an_expiry_that_is_no_day_is_a_defect_in_one_line(symbol: str) -> None:
    result = read(answer("binance", binance.BRACKETS, [binance_row(symbol)]))
    (defect,) = result.defects
    assert defect.symbol == symbol
    assert "expected an expiry YYMMDD" in defect.reason


# Rows that are no contract.


def kraken_row(**other: object) -> dict[str, object]:
    level = {"contracts": 0, "initialMargin": 0.02, "maintenanceMargin": 0.01}
    return {
        "symbol": "PI_XBTUSD",
        "type": "futures_inverse",
        "contractSize": 1,
        "tradeable": True,
        "maxPositionSize": 1000000,
        "marginLevels": [level],
        "base": "BTC",
        "quote": "USD",
        **other,
    }


@pytest.mark.parametrize(
    "row",
    [
        {"symbol": "in_xbtusd", "type": "spot index", "tradeable": False},
        {"symbol": "rr_xbtusd", "type": "spot index", "tradeable": True},
        {"symbol": "PF_OLDUSD", "type": "another type", "tradeable": False},
    ],
)
def test_kraken_rows_that_are_no_contract_are_passed_over(row: dict[str, object]) -> None:
    result = read(
        answer("krakenfutures", krakenfutures.INSTRUMENTS, {"instruments": [kraken_row(), row]})
    )
    assert ids(result) == ["PI_XBTUSD"]
    assert result.defects == ()


@pytest.mark.parametrize("time", ["20260925 15:00:00 GB", 5, [], "tomorrow"])
def test_kraken_odd_time_is_a_defect_in_one_line(time: object) -> None:
    rows = [kraken_row(), kraken_row(symbol="FI_XBTUSD_260925", lastTradingTime=time)]
    result = read(answer("krakenfutures", krakenfutures.INSTRUMENTS, {"instruments": rows}))
    assert ids(result) == ["PI_XBTUSD"]
    (defect,) = result.defects
    assert defect.where.endswith("/instruments/1/lastTradingTime")
    assert "\n" not in defect.reason


def test_hyperliquid_exchanges_without_markets_are_passed_over() -> None:
    own = {"universe": [{"name": "BTC", "maxLeverage": 40, "marginTableId": 40}]}
    empty: dict[str, object] = {"universe": [], "marginTables": []}
    result = read(answer("hyperliquid", "publicPostInfo", [own, None, empty], type="allPerpMetas"))
    assert ids(result) == ["BTC"]
    assert result.defects == ()
    nothing = read(answer("hyperliquid", "publicPostInfo", [None, empty], type="allPerpMetas"))
    assert nothing.schedules == ()
    assert nothing.defects


def test_an_empty_list_of_a_settlement_currency_is_passed_over_but_not_of_all() -> None:
    full = answer("gate", gate.TIERS, [GATE_TIER], settle="usdt")
    empty = answer("gate", gate.TIERS, [], settle="btc")
    result = read(full, empty)
    assert (ids(result), result.defects) == (["XYZ_USDT"], ())
    assert "the list is empty" in read(empty).defects[0].reason


def test_bitget_demo_contracts_are_passed_over() -> None:
    listed, tiers = bitget_answers()
    demo: Any = decode(listed)
    demo["data"][0]["symbol"] = "SBTCSUSDT"
    simulated = answer("bitget", bitget.CONTRACTS, demo, productType="SUSDT-FUTURES")
    result = read(listed, tiers, simulated)
    assert (ids(result), result.defects) == (["XYZUSDT"], ())


def test_bitfinex_pairs_of_the_spot_market_are_passed_over() -> None:
    fields = [None] * 8 + ["0.01", "0.005"]
    document = [[["BTCF0:USTF0", fields], ["BTCUSD", fields], ["BTCF0", fields]]]
    result = read(answer("bitfinex", "publicGetConfConfig", document))
    assert ids(result) == ["BTCF0:USTF0"]
    assert [defect.symbol for defect in result.defects] == ["BTCF0"]


def test_a_status_counts_however_it_is_written() -> None:
    for word in ("PRE_LAUNCH", "pre-launch", "PreLaunch", "BEING_SETTLED", "Cancel Only"):
        assert not listing.trades({"status": word}, "status", "", {"live"})
    with pytest.raises(UnreadablePayloadError, match="expected one of live"):
        listing.trades({"status": "LIVE"}, "status", "", {"live"})
