"""Paged lists, and markets other than linear perpetuals, at six venues."""

import json
from collections.abc import Callable
from datetime import UTC, date, datetime
from decimal import Decimal
from functools import cache
from typing import Any

import pytest

from harmonize.core.instrument import Payoff
from harmonize.core.payload import Call, Origin, Payload, Provenance, Snapshot
from harmonize.core.schedule import (
    Derived,
    Known,
    MarginMode,
    MarginSchedule,
    Tier,
    TierRule,
    Unknown,
    value_of,
)
from tests.replay.faults import Fault, Reply
from tests.replay.gathering import replayed
from tests.support import recorded
from tests.support.altered_snapshots import changed, parsed, written
from tests.venues.exchanges import conformance
from venues import facts, registry
from venues.adapter import Calls, Endpoint, Parsed
from venues.calls import EmptyPageError, Params, call
from venues.exchanges import bitget, bybit, gate, kucoin, mexc, okx
from venues.gathering.outcome import Failed, Gathered
from venues.parsing import tier_rows

WHEN = datetime(2026, 11, 20, 12, tzinfo=UTC)
ADAPTERS = (
    bitget.ADAPTER,
    bybit.ADAPTER,
    gate.ADAPTER,
    kucoin.ADAPTER,
    mexc.ADAPTER,
    okx.ADAPTER,
)


def answer(venue: str, method: str, document: object, **params: str) -> Payload:
    provenance = Provenance(Origin.RECORDED, "a test", "a test")
    return Payload.of(venue, Call(method, call(**params)), WHEN, provenance, written(document))


def read(*payloads: Payload) -> Parsed:
    snapshot = Snapshot(payloads[0].venue, WHEN, payloads, complete=False)
    parse_result = parsed(snapshot)
    conformance.all_laws(snapshot, iter(parse_result.schedules))
    return parse_result


def only(parse_result: Parsed) -> MarginSchedule:
    (schedule,) = parse_result.schedules
    assert parse_result.defects == ()
    return schedule


def margins(schedule: MarginSchedule, notional: int) -> tuple[float, float]:
    initial, maintenance = value_of(schedule.initial), value_of(schedule.maintenance)
    assert initial is not None
    assert maintenance is not None
    size = Decimal(notional)
    return (
        float(conformance.margin(initial, size)),
        float(conformance.margin(maintenance, size)),
    )


def is_guessed(schedule: MarginSchedule) -> bool:
    """Whether no USD value is verified."""
    figures = (schedule.initial, schedule.maintenance, schedule.capacity)
    return all(isinstance(observed, Derived) and not observed.verified for observed in figures)


def is_verified(schedule: MarginSchedule) -> bool:
    figures = (schedule.initial, schedule.maintenance, schedule.capacity)
    return all(
        isinstance(observed, Known) or (isinstance(observed, Derived) and observed.verified)
        for observed in figures
    )


@cache
def gather_recordings() -> tuple[dict[str, Gathered], list[tuple[str, str, dict[str, str]]]]:
    """Outcome per venue, gathered from recordings, and every request made."""
    outcomes, server = replayed(adapters=ADAPTERS)
    gathered_venues = {}
    for venue, outcome in outcomes.items():
        assert isinstance(outcome, Gathered), f"{venue}: {getattr(outcome, 'reason', '')}"
        assert outcome.missing == ()
        gathered_venues[venue] = outcome
    requests = [
        (request.venue, request.endpoint.method, dict(request.params))
        for request in server.requests
        if request.endpoint is not None
    ]
    assert len(requests) == len(server.requests)
    return gathered_venues, requests


def requests_to(method: str, *names: str) -> list[tuple[str, ...]]:
    """Parameters of the requests to a method, sorted because calls run concurrently."""
    return sorted(
        tuple(params.get(name, "") for name in names)
        for _, requested_method, params in gather_recordings()[1]
        if requested_method == method
    )


def endpoint(venue: str, method: str) -> Endpoint:
    adapter = registry.find_adapter(venue)
    assert adapter is not None
    return next(endpoint for endpoint in adapter.endpoints if endpoint.method == method)


# pages


TIERS = (
    # Gate's own example: 1.2 million at 0.4 % up to a million and 0.45 % above needs 4,900.
    {
        "contract": "BTC_USDT",
        "tier": 1,
        "risk_limit": "1000000",
        "initial_rate": "0.008",
        "maintenance_rate": "0.004",
        "leverage_max": "125",
        "deduction": "0",
    },
    {
        "contract": "BTC_USDT",
        "tier": 2,
        "risk_limit": "2000000",
        "initial_rate": "0.009",
        "maintenance_rate": "0.0045",
        "leverage_max": "111.11",
        "deduction": "500",
    },
)


def page(offset: int, *rows: object, settle: str = "usdt") -> Payload:
    return answer("gate", gate.TIERS, list(rows), settle=settle, limit="100", offset=str(offset))


def test_a_contract_that_two_pages_share_is_put_together() -> None:
    first, second = page(0, TIERS[0]), page(100, TIERS[1])
    for payloads in ((first, second), (second, first)):
        schedule = only(read(*payloads))
        assert margins(schedule, 1_200_000) == pytest.approx((10_800, 4_900))
        assert [(evidence.sha256, evidence.rows) for evidence in schedule.evidence] == [
            (first.sha256, ("/0",)),
            (second.sha256, ("/0",)),
        ]
        assert value_of(schedule.capacity) == 2_000_000


def test_pages_take_the_weaker_origin_and_the_older_date() -> None:
    first, second = page(0, TIERS[0]), page(100, TIERS[1])
    older = Payload.of(
        "gate",
        second.call,
        WHEN.replace(hour=11),
        Provenance(Origin.DOCUMENTATION, "a test", "a test"),
        second.content,
    )
    schedule = only(read(first, older))
    assert schedule.dates == (WHEN.replace(hour=11), WHEN)
    assert schedule.origin is Origin.DOCUMENTATION


@pytest.mark.parametrize(
    ("pages", "message"),
    [
        ((page(0, *TIERS), page(100, TIERS[1])), "the same tier on two pages"),
        ((page(0, *TIERS), page(100, *TIERS, {})), "the same tier on two pages"),
        ((page(0, TIERS[1]),), "expected tier 1 at /0, found 2"),
        ((page(0, TIERS[0]), page(100, {**TIERS[1], "tier": 3})), "expected tier 2 at /0, found 3"),
    ],
    ids=["twice", "whole twice", "first lost", "one lost"],
)
def test_pages_that_moved_while_they_were_read_are_a_defect(
    pages: tuple[Payload, ...], message: str
) -> None:
    parse_result = read(*pages)
    assert parse_result.schedules == ()
    assert message in next(
        defect.reason for defect in parse_result.defects if defect.symbol == "BTC_USDT"
    )


def test_only_pages_of_one_list_are_joined() -> None:
    def tier(upper: int, payload: Payload) -> tier_rows.TierRow:
        rate = Decimal("0.01")
        return tier_rows.TierRow("BTC_USDT", Tier(Decimal(upper), rate, rate), "/0", payload)

    first, second = page(0, TIERS[0]), page(0, TIERS[1], settle="btc")
    defects: list[Any] = []
    paging = frozenset({"limit", "offset"})
    assert tier_rows.group_by_symbol([tier(1, first), tier(2, second)], defects, paging) == []
    assert "tiers on two pages" in defects[0].reason


def test_gate_pages_end_with_the_one_that_is_not_full() -> None:
    for method in (gate.TIERS, gate.DATED_TIERS):
        following = endpoint("gate", method).next_page
        assert following is not None
        first = call(limit="100", offset="0", settle="usdt")
        second = call(limit="100", offset="100", settle="usdt")
        assert following(first, [{}] * 812) == second  # 100 contracts with all their tiers
        assert following(first, [{}] * 99) is None
        with pytest.raises(EmptyPageError):
            following(second, [])


def test_bybit_pages_end_where_the_cursor_does() -> None:
    for method in (bybit.RISK_LIMIT, bybit.INSTRUMENTS):
        following = endpoint("bybit", method).next_page
        assert following is not None
        first: Params = call(category="linear")
        second = call(category="linear", cursor="a=b&c")
        assert following(first, {"result": {"list": [{}], "nextPageCursor": "a=b&c"}}) == second
        assert following(first, {"result": {"list": [{}], "nextPageCursor": ""}}) is None
        assert following(first, {"result": {"list": [{}]}}) is None
        with pytest.raises(EmptyPageError):
            following(second, {"result": {"list": [], "nextPageCursor": "d"}})


# requests


def test_bybit_asks_for_every_page_of_the_risk_limits_once() -> None:
    assert requests_to(bybit.RISK_LIMIT, "category", "cursor") == [
        ("linear", ""),
        *(("linear", str(number)) for number in range(1, 5)),
    ]
    assert requests_to(bybit.INSTRUMENTS, "category", "limit", "status") == [
        ("inverse", "1000", "Trading"),
        ("linear", "1000", "Trading"),
    ]
    parse_result = parsed(gather_recordings()[0]["bybit"].snapshot)
    by_key = {schedule.key: schedule for schedule in recorded.schedules("bybit")}
    assert {schedule.key: schedule.tiers for schedule in parse_result.schedules} == {
        key: schedule.tiers
        for key, schedule in by_key.items()
        if schedule.instrument.expiry is None or schedule.instrument.expiry >= WHEN.date()
    }


def test_okx_asks_for_several_families_at_once_in_both_margin_modes() -> None:
    assert requests_to(okx.TIERS, "instType", "tdMode", "instFamily") == [
        ("SWAP", "cross", "BTC-USDT,ETH-USDT"),
        ("SWAP", "isolated", "BTC-USDT,ETH-USDT"),
    ]
    parse_result = parsed(gather_recordings()[0]["okx"].snapshot)
    assert (
        sorted(str(schedule.profile) for schedule in parse_result.schedules)
        == ["cross"] * 2 + ["isolated"] * 2
    )
    by_id = {schedule.instrument.id: schedule for schedule in recorded.schedules("okx")}
    for schedule in parse_result.schedules:
        assert schedule.tiers == by_id[schedule.instrument.id].tiers


def test_okx_never_names_more_than_five_families() -> None:
    rows = [SWAP | {"instId": f"A{n}-USDT-SWAP", "instFamily": f"A{n}-USDT"} for n in range(7)]
    instrument_list = answer("okx", okx.INSTRUMENTS, {"code": "0", "data": rows}, instType="SWAP")
    calls = endpoint("okx", okx.TIERS).call_plan(
        Snapshot("okx", WHEN, (instrument_list,), complete=True)
    )
    families = [dict(params)["instFamily"].split(",") for params in calls]
    assert [len(family_names) for family_names in families] == [5, 2, 5, 2]


def test_kucoin_asks_for_lists_of_symbols_and_for_the_levels_of_each() -> None:
    assert requests_to(kucoin.UNIFIED, "symbol", "accountType", "marginMode") == [
        ("ETHUSDTM,XBTUSDTM", "UNIFIED", "CROSS")
    ]
    assert requests_to(kucoin.LEVELS, "symbol") == [("XBTUSDTM",)]
    rows = [{"symbol": f"A{number}USDTM"} for number in range(45)]
    contract_list = answer("kucoin", kucoin.UNIFIED_CONTRACTS, {"data": {"list": rows}})
    calls = endpoint("kucoin", kucoin.UNIFIED).call_plan(
        Snapshot("kucoin", WHEN, (contract_list,), complete=True)
    )
    assert [len(dict(params)["symbol"].split(",")) for params in calls] == [20, 20, 5]


def test_bitget_asks_for_each_open_symbol_of_each_product_type() -> None:
    assert requests_to(bitget.CONTRACTS, "productType") == [
        ("COIN-FUTURES",),
        ("USDC-FUTURES",),
        ("USDT-FUTURES",),
    ]
    assert len(requests_to(bitget.LEVERS, "symbol")) == 436

    def contract_list(kind: str, *rows: object) -> Payload:
        return answer("bitget", bitget.CONTRACTS, {"data": list(rows)}, productType=kind)

    coin = BTCUSD | {"symbolStatus": "limit_open"}
    contract_lists = (
        contract_list(
            "COIN-FUTURES", coin, BTCUSD | {"symbol": "ETHUSD", "symbolStatus": "listed"}
        ),
        contract_list("USDC-FUTURES"),
        contract_list("USDT-FUTURES", BTCUSD | {"symbol": "BTCUSDT", "symbolStatus": "off"}),
    )
    calls = endpoint("bitget", bitget.LEVERS).call_plan(
        Snapshot("bitget", WHEN, contract_lists, complete=True)
    )
    assert list(calls) == [(("productType", "COIN-FUTURES"), ("symbol", "BTCUSD"))]


def test_gate_asks_in_every_settlement_currency_and_for_dated_contracts() -> None:
    assert requests_to(gate.TIERS, "settle", "limit", "offset") == [
        ("btc", "100", "0"),
        ("usdt", "100", "0"),
    ]
    assert requests_to(gate.DATED_TIERS, "settle", "offset") == [("usdt", "0")]
    parse_result = parsed(gather_recordings()[0]["gate"].snapshot)
    assert sorted(schedule.instrument.symbol for schedule in parse_result.schedules) == [
        "ADA/USDT:USDT",
        "BTC/USD:BTC",
        "BTC/USDT:USDT",
        "ETH/USDT:USDT",
    ]


@pytest.mark.parametrize("venue", [adapter.venue for adapter in ADAPTERS])
def test_the_costly_endpoint_comes_last_and_every_answer_is_read(venue: str) -> None:
    snapshot = gather_recordings()[0][venue].snapshot
    parse_result = parsed(snapshot)
    assert parse_result.defects == ()
    assert parse_result.schedules
    adapter = registry.find_adapter(venue)
    assert adapter is not None
    assert adapter.host
    calls = [endpoint.calls for endpoint in adapter.endpoints]
    assert Calls.PER_SYMBOL not in calls[:-1]


# truncated lists


def rows_lost(
    venue: str, method: str, pointer: tuple[str, ...], is_lost: Callable[[Any], bool]
) -> Fault:
    def change(reply: Reply) -> Reply:
        document = json.loads(reply.body)
        holder = document
        for key in pointer:
            holder = holder[key]
        holder[:] = [row for row in holder if not is_lost(row)]
        return Reply(json.dumps(document).encode(), date=reply.date)

    return Fault("cut short", change, lambda endpoint, _: endpoint.method == method, venue)


@pytest.mark.parametrize(
    ("fault", "message"),
    [
        (
            rows_lost(
                "bybit",
                bybit.RISK_LIMIT,
                ("result", "list"),
                lambda row: row["symbol"] == "BTCPERP",
            ),
            "1 listed instruments without margins in the responses, including BTCPERP",
        ),
        (
            rows_lost("okx", okx.TIERS, ("data",), lambda row: row["instFamily"] == "ETH-USDT"),
            "including ETH-USDT (SWAP, cross), ETH-USDT (SWAP, isolated)",
        ),
        (
            rows_lost("gate", gate.TIERS, (), lambda row: row["contract"] == "ETH_USDT"),
            "1 listed instruments without margins in the responses, including ETH_USDT (usdt)",
        ),
        (
            rows_lost("kucoin", kucoin.UNIFIED, ("data",), lambda row: row["symbol"] == "ETHUSDTM"),
            "1 listed instruments without margins in the responses, including ETHUSDTM",
        ),
    ],
    ids=["bybit", "okx", "gate", "kucoin"],
)
def test_a_list_truncated_by_the_venue_is_detected(fault: Fault, message: str) -> None:
    adapter = registry.find_adapter(fault.venue)
    assert adapter is not None
    outcomes, _ = replayed(fault, [adapter])
    outcome = outcomes[fault.venue]
    assert isinstance(outcome, Failed)
    assert message in outcome.reason


def test_gate_contracts_that_open_later_or_close_are_not_expected() -> None:
    snapshot = gather_recordings()[0]["gate"].snapshot
    for key, value in (("in_delisting", True), ("status", "prelaunch"), ("status", "delisted")):

        def close(document: Any, key: str = key, value: object = value) -> None:
            document.append({**document[0], "name": "NEW_USDT", key: value})

        assert (
            gate.ADAPTER.completeness_error(changed_of(snapshot, gate.CONTRACTS, "usdt", close))
            == ""
        )

    def open_(document: Any) -> None:
        document.append({**document[0], "name": "NEW_USDT"})

    message = gate.ADAPTER.completeness_error(changed_of(snapshot, gate.CONTRACTS, "usdt", open_))
    assert "NEW_USDT (usdt)" in message


def changed_of(
    snapshot: Snapshot, method: str, value: str, change: Callable[[Any], None]
) -> Snapshot:
    """Snapshot whose response to the request with ``value`` is changed."""
    in_scope = [
        payload
        for payload in snapshot.payloads
        if payload.call.method != method or value in dict(payload.call.params).values()
    ]
    reduced = Snapshot(snapshot.venue, snapshot.observed_at, tuple(in_scope), snapshot.complete)
    altered = changed(reduced, method, change)
    unchanged = tuple(payload for payload in snapshot.payloads if payload not in in_scope)
    return Snapshot(
        snapshot.venue, snapshot.observed_at, (*altered.payloads, *unchanged), snapshot.complete
    )


# bybit


def inverse_tiers(scale: int = 1) -> list[dict[str, object]]:
    """Bybit's example of an inverse contract: MM of 1, 2, … 5 % on slices of 10 coins."""
    deductions = ("", "0.1", "0.3", "0.6", "1")
    return [
        {
            "id": number,
            "symbol": "XYZUSD",
            "riskLimitValue": str(10 * number),
            "maintenanceMargin": str(Decimal(number * scale) / 100),
            "initialMargin": str(Decimal(2 * number * scale) / 100),
            "isLowestRisk": int(number == 1),
            "maxLeverage": str(Decimal(50) / number),
            "mmDeduction": deductions[number - 1],
        }
        for number in range(1, 6)
    ]


def limits(*rows: object) -> Payload:
    return answer("bybit", bybit.RISK_LIMIT, {"result": {"list": list(rows)}}, category="inverse")


def ticker(symbol: str, price: object) -> Payload:
    rows = [{"symbol": symbol, "markPrice": price}]
    return answer("bybit", bybit.TICKERS, {"result": {"list": rows}}, category="inverse")


def listing_of(*rows: object) -> Payload:
    document = {"result": {"list": list(rows), "nextPageCursor": ""}}
    return answer("bybit", bybit.INSTRUMENTS, document, category="inverse")


XYZUSD = {
    "symbol": "XYZUSD",
    "contractType": "InversePerpetual",
    "status": "Trading",
    "baseCoin": "XYZ",
    "quoteCoin": "USD",
    "settleCoin": "XYZ",
    "deliveryTime": "0",
}


def test_bybit_inverse_risk_limits_are_coins() -> None:
    schedule = only(read(limits(*inverse_tiers()), ticker("XYZUSD", "400")))
    assert schedule.instrument.payoff is Payoff.INVERSE
    # The page: 10,000 dollars at 400 are 25 coins; MM 0.45 coins, that is 180 dollars.
    assert margins(schedule, 10_000)[1] == pytest.approx(0.45 * 400)
    assert schedule.rule is TierRule.MARGINAL
    assert value_of(schedule.capacity) == 50 * 400
    assert is_verified(schedule)


def test_bybit_inverse_without_a_price_has_no_margin() -> None:
    for payloads in ((limits(*inverse_tiers()),), (limits(*inverse_tiers()), ticker("X", "1"))):
        schedule = only(read(*payloads))
        assert schedule.initial == Unknown("the snapshot has no price of XYZ")


def test_bybit_price_that_is_none_is_a_defect_of_the_ticker() -> None:
    parse_result = read(limits(*inverse_tiers()), ticker("XYZUSD", ""))
    (defect,) = parse_result.defects
    assert defect.where.endswith("at /result/list/0/markPrice")
    assert defect.where.startswith(bybit.TICKERS)
    assert isinstance(parse_result.schedules[0].maintenance, Unknown)


def test_bybit_documented_inverse_sample_in_percent_is_refused() -> None:
    sample = {
        "id": 1,
        "symbol": "BTCUSD",
        "riskLimitValue": "150",
        "maintenanceMargin": "0.5",
        "initialMargin": "1",
        "isLowestRisk": 1,
        "maxLeverage": "100.00",
    }
    parse_result = read(limits(sample), ticker("BTCUSD", "80000"))
    assert parse_result.schedules == ()
    assert "in percent" in parse_result.defects[0].reason


def test_bybit_list_names_contracts_and_excludes_those_that_no_longer_trade() -> None:
    dated = XYZUSD | {
        "symbol": "XYZUSDH27",
        "contractType": "InverseFutures",
        "deliveryTime": "1806048000000",
    }
    closed = [row | {"symbol": "OLDUSD"} for row in inverse_tiers()]
    quarter = [row | {"symbol": "XYZUSDH27"} for row in inverse_tiers()]
    parse_result = read(
        limits(*inverse_tiers(), *closed, *quarter),
        listing_of(XYZUSD, dated),
        ticker("XYZUSDH27", "410"),
    )
    assert [schedule.instrument.symbol for schedule in parse_result.schedules] == [
        "XYZ/USD:XYZ",
        "XYZ/USD:XYZ-270326",
    ]
    assert parse_result.defects == ()
    assert value_of(parse_result.schedules[1].capacity) == 50 * 410


def test_bybit_perpetual_that_will_be_delisted_does_not_become_a_dated_contract() -> None:
    leaving = XYZUSD | {"deliveryTime": "1806048000000"}
    parse_result = read(limits(*inverse_tiers()), listing_of(leaving), ticker("XYZUSD", "400"))
    assert only(parse_result).instrument.expiry is None


# okx


def tier(family: str, number: int, largest: int, **other: str) -> dict[str, str]:
    return {
        "baseMaxLoan": "",
        "imr": str(Decimal(number) / 100),
        "instFamily": family,
        "instId": "",
        "maxLever": str(Decimal(100) / number),
        "maxSz": str(largest),
        "mmr": str(Decimal(number) * 4 / 1000),
        "optMgnFactor": "0",
        "quoteMaxLoan": "",
        "tier": str(number),
        "uly": family,
        **other,
    }


SWAP = {
    "instType": "SWAP",
    "instId": "BTC-USDT-SWAP",
    "uly": "BTC-USDT",
    "instFamily": "BTC-USDT",
    "settleCcy": "USDT",
    "ctVal": "0.01",
    "ctMult": "1",
    "ctValCcy": "BTC",
    "ctType": "linear",
    "expTime": "",
    "state": "live",
}
INVERSE = SWAP | {
    "instId": "BTC-USD-SWAP",
    "uly": "BTC-USD",
    "instFamily": "BTC-USD",
    "settleCcy": "BTC",
    "ctVal": "100",
    "ctValCcy": "USD",
    "ctType": "inverse",
}
QUARTER = INVERSE | {
    "instType": "FUTURES",
    "instId": "BTC-USD-270326",
    "expTime": "1806048000000",
}
NEXT_QUARTER = QUARTER | {"instId": "BTC-USD-270625", "expTime": "1813910400000"}
XPERP = SWAP | {
    "instType": "FUTURES",
    "instId": "BTC-USD_UM_XPERP-310404",
    "uly": "BTC-USD",
    "instFamily": "BTC-USD_UM_XPERP",
    "settleCcy": "USD",
    "ctVal": "0.001",
    "expTime": "1933056000000",
}


def instruments(*rows: object, kind: str = "FUTURES") -> Payload:
    return answer("okx", okx.INSTRUMENTS, {"code": "0", "data": list(rows)}, instType=kind)


def tiers(families: str, *rows: object, kind: str = "FUTURES", mode: str = "cross") -> Payload:
    document = {"code": "0", "data": list(rows)}
    return answer("okx", okx.TIERS, document, instFamily=families, instType=kind, tdMode=mode)


def test_okx_answer_for_several_families_gives_each_its_own_tiers() -> None:
    eth = SWAP | {
        "instId": "ETH-USDT-SWAP",
        "uly": "ETH-USDT",
        "instFamily": "ETH-USDT",
        "ctVal": "0.1",
        "ctValCcy": "ETH",
    }
    marks = [
        {"instId": SWAP["instId"], "markPx": "80000"},
        {"instId": eth["instId"], "markPx": "2500"},
    ]
    rows = [  # the first tiers recorded on 2026-09-25, and an invented second tier
        tier("BTC-USDT", 1, 1000),
        tier("ETH-USDT", 1, 5000),
        tier("BTC-USDT", 2, 2000),
    ]
    parse_result = read(
        instruments(SWAP, eth, kind="SWAP"),
        instruments(kind="FUTURES"),
        answer("okx", okx.MARKS, {"data": marks}, instType="SWAP"),
        tiers("BTC-USDT,ETH-USDT", *rows, kind="SWAP"),
    )
    assert parse_result.defects == ()
    bounds = {
        schedule.instrument.symbol: [int(tier.upper) for tier in schedule.tiers]
        for schedule in parse_result.schedules
    }
    assert bounds == {
        "BTC/USDT:USDT": [1000 * 800, 2000 * 800],  # contracts of 0.01 BTC at 80,000
        "ETH/USDT:USDT": [5000 * 250],
    }
    assert parse_result.schedules[0].evidence[0].rows == ("/data/0", "/data/2")


def test_okx_every_expiry_of_a_family_has_its_tiers() -> None:
    parse_result = read(
        instruments(QUARTER, NEXT_QUARTER, XPERP),
        tiers("BTC-USD,BTC-USD_UM_XPERP", tier("BTC-USD", 1, 500), tier("BTC-USD", 2, 1500)),
    )
    assert parse_result.defects == ()
    assert {
        schedule.instrument.symbol: schedule.instrument.expiry
        for schedule in parse_result.schedules
    } == {
        "BTC/USD:BTC-270326": date(2027, 3, 26),
        "BTC/USD:BTC-270625": date(2027, 6, 25),
    }
    for schedule in parse_result.schedules:
        # Contracts of 100 dollars: no price is needed.
        assert margins(schedule, 100_000) == pytest.approx((2_000, 800))
        assert isinstance(schedule.maintenance, Known)


def test_okx_x_perpetual_has_the_tiers_of_its_family_not_of_its_underlying() -> None:
    rows = (
        tier("BTC-USD", 1, 500),
        tier("BTC-USD_UM_XPERP", 1, 70_000, uly="BTC-USD"),
    )
    marks = [{"instId": XPERP["instId"], "markPx": "80000"}]
    parse_result = read(
        instruments(QUARTER, XPERP),
        answer("okx", okx.MARKS, {"data": marks}, instType="FUTURES"),
        tiers("BTC-USD,BTC-USD_UM_XPERP", *rows),
    )
    assert parse_result.defects == ()
    assert {
        schedule.instrument.symbol: value_of(schedule.capacity)
        for schedule in parse_result.schedules
    } == {
        "BTC/USD:BTC-270326": 50_000,
        "BTC/USD:USD-310404": 70_000 * 80,  # contracts of 0.001 BTC at 80,000
    }


def test_okx_swaps_and_futures_of_one_family_are_distinguished() -> None:
    parse_result = read(
        instruments(INVERSE, kind="SWAP"),
        instruments(QUARTER),
        tiers("BTC-USD", tier("BTC-USD", 1, 500), mode="isolated"),
        tiers("BTC-USD", tier("BTC-USD", 1, 900), kind="SWAP"),
    )
    assert {
        (schedule.instrument.symbol, str(schedule.profile)): value_of(schedule.capacity)
        for schedule in parse_result.schedules
    } == {("BTC/USD:BTC-270326", "isolated"): 50_000, ("BTC/USD:BTC", "cross"): 90_000}


def test_okx_contract_that_has_not_opened_is_neither_requested_nor_read() -> None:
    instrument_list = instruments(QUARTER | {"state": "preopen"}, NEXT_QUARTER)
    calls = list(
        endpoint("okx", okx.TIERS).call_plan(
            Snapshot("okx", WHEN, (instrument_list,), complete=True)
        )
    )
    assert [dict(params)["instFamily"] for params in calls] == ["BTC-USD"] * 2
    schedule = only(read(instrument_list, tiers("BTC-USD", tier("BTC-USD", 1, 500))))
    assert schedule.instrument.id == "BTC-USD-270625"


# bitget


BTCUSD = {
    "symbol": "BTCUSD",
    "baseCoin": "BTC",
    "quoteCoin": "USD",
    "symbolType": "perpetual",
    "symbolStatus": "normal",
    "deliveryTime": "",
}
DELIVERY = BTCUSD | {
    "symbol": "BTCUSDM27",
    "symbolType": "delivery",
    "deliveryTime": "1813910400000",
}
BTCPERP = BTCUSD | {"symbol": "BTCPERP", "quoteCoin": "USDC"}


def futures(kind: str, contract: dict[str, str], price: object = "80000") -> tuple[Payload, ...]:
    """Responses for one contract: its listing, a ticker and two tiers."""
    symbol = contract["symbol"]
    rows = [
        {
            "symbol": symbol,
            "level": str(number),
            "startUnit": str(below),
            "endUnit": str(above),
            "leverage": leverage,
            "keepMarginRate": maintenance,
        }
        for number, below, above, leverage, maintenance in (
            (1, 0, 20, "125", "0.004"),
            (2, 20, 50, "100", "0.005"),
        )
    ]
    tickers = [{"symbol": symbol, "markPrice": price}]
    return (
        answer("bitget", bitget.CONTRACTS, {"data": [contract]}, productType=kind),
        answer("bitget", bitget.TICKERS, {"data": tickers}, productType=kind),
        answer("bitget", bitget.LEVERS, {"data": rows}, productType=kind, symbol=symbol),
    )


def test_bitget_coin_margined_bounds_are_read_as_coins_and_not_verified() -> None:
    schedule = only(read(*futures("COIN-FUTURES", BTCUSD)))
    assert (schedule.instrument.symbol, schedule.instrument.payoff) == (
        "BTC/USD:BTC",
        Payoff.INVERSE,
    )
    assert [int(tier.upper) for tier in schedule.tiers] == [1_600_000, 4_000_000]
    assert schedule.evidence[0].columns[0].unit == "base coin"
    for figure in (schedule.initial, schedule.maintenance, schedule.capacity):
        assert isinstance(figure, Derived)
        assert not figure.verified
        assert "read as amounts of the base coin" in figure.derivation


def test_bitget_dated_and_usdc_contracts_are_named_by_the_list() -> None:
    dated = only(read(*futures("COIN-FUTURES", DELIVERY)))
    assert (dated.instrument.symbol, dated.instrument.expiry) == (
        "BTC/USD:BTC-270625",
        date(2027, 6, 25),
    )
    usdc = only(read(*futures("USDC-FUTURES", BTCPERP)))
    assert usdc.instrument.symbol == "BTC/USDC:USDC"
    assert [int(tier.upper) for tier in usdc.tiers] == [20, 50]
    assert is_verified(usdc)


def test_bitget_without_a_list_a_symbol_that_does_not_end_in_usdt_is_a_defect() -> None:
    parse_result = read(futures("COIN-FUTURES", BTCUSD)[2])
    assert parse_result.schedules == ()
    assert "expected a symbol ending in USDT" in parse_result.defects[0].reason


def test_bitget_answer_for_another_symbol_is_a_defect() -> None:
    levers = futures("COIN-FUTURES", BTCUSD)[2]
    stranger = Payload.of(
        "bitget",
        Call(bitget.LEVERS, call(productType="COIN-FUTURES", symbol="ETHUSD")),
        WHEN,
        levers.provenance,
        levers.content,
    )
    assert "expected tiers of ETHUSD" in read(stranger).defects[0].reason


def test_bitget_unified_accounts_have_their_own_tiers_by_an_unverified_rule() -> None:
    schedule = recorded.schedule("bitget", "BTC/USDT:USDT", "unified")
    assert f"{schedule.observed_at:%Y-%m-%d}" == "2025-07-17"
    assert [int(tier.upper) for tier in schedule.tiers[:4]] == [
        150_000,
        900_000,
        12_000_000,
        70_000_000,
    ]
    assert margins(schedule, 20_000_000) == pytest.approx((800_000, 300_000))  # 25x, 1.5 %
    assert isinstance(schedule.initial, Known)
    assert isinstance(schedule.maintenance, Derived)
    assert not schedule.maintenance.verified


# gate


def test_gate_coin_settled_amounts_are_read_as_coins_and_not_verified() -> None:
    schedule = recorded.schedule("gate", "BTC/USD:BTC")
    (tier,) = schedule.tiers
    assert tier.upper == Decimal("219102.12")  # 3 BTC at 73,034.04
    assert value_of(schedule.capacity) == Decimal("182585100.00")  # 2,500 BTC
    assert margins(schedule, 100_000) == pytest.approx((1_000, 500))
    assert is_guessed(schedule)


def test_gate_dated_contract_has_its_expiry_and_dollar_amounts() -> None:
    contract = {
        "name": "BTC_USDT_20270625",
        "mark_price": "70000",
        "risk_limit_base": "1000000",
        "risk_limit_max": "8000000",
        "leverage_max": "100",
        "maintenance_rate": "0.005",
        "expire_time": 1813910400,
    }
    schedule = only(read(answer("gate", gate.DATED_CONTRACTS, [contract], settle="usdt")))
    assert schedule.instrument.symbol == "BTC/USDT:USDT-270625"
    assert schedule.instrument.expiry == date(2027, 6, 25)
    assert schedule.tiers[0].upper == 1_000_000
    assert is_verified(schedule)


def test_gate_coin_settled_tiers_take_the_price_of_their_own_contract() -> None:
    contract = {"name": "BTC_USD", "mark_price": "70000", "in_delisting": False}
    rows = [
        row | {"contract": "BTC_USD", "risk_limit": str(10 * n), "deduction": deduction}
        for n, row, deduction in zip((1, 2), TIERS, ("0", "0.005"), strict=True)
    ]
    contract_list = answer("gate", gate.CONTRACTS, [contract], settle="btc")
    schedule = only(read(contract_list, page(0, *rows, settle="btc")))
    # 10 BTC at 0.4 % and 5 BTC at 0.45 % are 0.0625 BTC.
    assert margins(schedule, 15 * 70_000)[1] == pytest.approx(0.0625 * 70_000)
    assert is_guessed(schedule)


def test_gate_contract_that_settles_in_another_coin_than_its_own_has_no_margin() -> None:
    rows = [row | {"contract": "ETH_USD"} for row in TIERS]
    schedule = only(read(page(0, *rows, settle="btc")))
    assert schedule.instrument.payoff is Payoff.QUANTO
    assert isinstance(schedule.maintenance, Unknown)


# mexc


def coin_margined(document: Any) -> None:
    document["data"][0] |= {
        "symbol": "BTC_USD",
        "quoteCoin": "USD",
        "settleCoin": "BTC",
        "contractSize": 100,
    }


def mexc_with(change: Callable[[Any], None]) -> Parsed:
    return parsed(changed(recorded.of_venue("mexc")[0], mexc.DETAIL, change))


def test_mexc_coin_margined_contracts_are_dollars_and_not_verified() -> None:
    schedule = next(
        schedule
        for schedule in mexc_with(coin_margined).schedules
        if schedule.instrument.id == "BTC_USD"
    )
    assert schedule.instrument.symbol == "BTC/USD:BTC"
    assert schedule.tiers[0].upper == 50_000 * 100  # without a price
    assert is_guessed(schedule)


def test_mexc_coin_margined_limits_by_value_are_of_unknown_unit() -> None:
    def change(document: Any) -> None:
        coin_margined(document)
        document["data"][0]["riskLimitType"] = "BY_VALUE"

    schedule = next(
        schedule for schedule in mexc_with(change).schedules if schedule.instrument.id == "BTC_USD"
    )
    assert isinstance(schedule.initial, Unknown)
    assert "unit" in schedule.initial.reason


@pytest.mark.parametrize("state", [1, 2, 3, "3"])
def test_mexc_contract_that_ended_is_excluded(state: object) -> None:
    parse_result = mexc_with(lambda document: document["data"][0].update(state=state))
    assert parse_result.defects == ()
    assert "BTC_USDT" not in {schedule.instrument.id for schedule in parse_result.schedules}


# kucoin


def level(symbol: str, number: int, below: int, above: int) -> dict[str, object]:
    return {
        "symbol": symbol,
        "level": number,
        "maxRiskLimit": above,
        "minRiskLimit": below,
        "maxLeverage": 100 // number,
        "initialMargin": number / 100,
        "maintainMargin": number / 200,
    }


def test_kucoin_coin_margined_levels_are_read_as_coins_and_not_verified() -> None:
    rows = [level("XBTUSDM", 1, 0, 5), level("XBTUSDM", 2, 5, 10)]
    levels = answer("kucoin", kucoin.LEVELS, {"data": rows}, symbol="XBTUSDM")
    snapshots = recorded.of_venue("kucoin")
    contracts = next(
        payload
        for snapshot in snapshots
        for payload in snapshot.answers(kucoin.CONTRACTS)
        if b"XBTUSDM" in payload.content
    )
    parse_result = read(levels, contracts)
    assert parse_result.defects == ()
    isolated = next(
        schedule
        for schedule in parse_result.schedules
        if schedule.profile.margin_mode is MarginMode.ISOLATED
    )
    assert isolated.instrument.symbol == "BTC/USD:BTC"
    assert [tier.upper for tier in isolated.tiers] == [Decimal("332441.05"), Decimal("664882.10")]
    assert is_guessed(isolated)
    bare = only(read(levels))
    assert bare.maintenance == Unknown("the snapshot has no price of BTC")


def test_kucoin_coin_margined_cross_margin_counts_contracts_of_a_dollar() -> None:
    schedule = recorded.schedule("kucoin", "BTC/USD:BTC", "cross, classic")
    # (1 + n / m) / (2 L) with n = m = 1,640,000 and L = 75; 1.3 times that is below 1 / L … 2 / L.
    assert margins(schedule, 1_640_000) == pytest.approx(
        (1_640_000 * 1.3 / 75, 1_640_000 / 75), rel=1e-12
    )


def test_kucoin_unified_tiers_are_no_classic_cross_formula() -> None:
    schedule = recorded.schedule("kucoin", "ETH/USDT:USDT", "cross, unified")
    assert schedule.rule is TierRule.FLAT
    assert schedule.origin is Origin.DOCUMENTATION
    assert margins(schedule, 100_000) == pytest.approx((1_000, 500))
    assert is_guessed(schedule)
    excerpt = recorded.schedule("kucoin", "BTC/USDT:USDT", "cross, unified")
    assert excerpt.maintenance == Unknown("tier 1 begins at 250000, expected 0")


@pytest.mark.parametrize(
    ("symbol", "unified"),
    [
        ("XBTUSDTM", "BTC/USDT:USDT"),
        ("ETHUSDCM", "ETH/USDC:USDC"),
        ("XBTUSDM", "BTC/USD:BTC"),
    ],
)
def test_kucoin_symbols_name_quote_and_settlement(symbol: str, unified: str) -> None:
    assert kucoin.parse_symbol(symbol, "").symbol == unified


def test_kucoin_dated_contract_is_named_by_the_list() -> None:
    def dated(document: Any) -> None:
        document["data"][0] |= {"symbol": "XBTMH27", "expireDate": 1_806_048_000_000}

    snapshot = next(
        snapshot
        for snapshot in recorded.of_venue("kucoin")
        if len(snapshot.payloads) == 1 and snapshot.answers(kucoin.CONTRACTS)
    )
    parse_result = parsed(changed(snapshot, kucoin.CONTRACTS, dated))
    assert only(parse_result).instrument.symbol == "BTC/USD:BTC-270326"


# facts


def test_a_fact_for_an_account_class_precedes_the_fact_for_all() -> None:
    all_facts = facts.bundled()

    def rule(account: str) -> TierRule | None:
        fact = all_facts.find("kucoin", Payoff.LINEAR, MarginMode.CROSS, WHEN.date(), account)
        return fact.maintenance if fact else None

    assert (rule("unified"), rule("classic")) == (TierRule.FLAT, TierRule.CONTINUOUS)
    assert all_facts.find("kucoin", Payoff.LINEAR, MarginMode.ANY, WHEN.date(), "unified") is None


# broken payloads


def without(row: dict[str, Any], key: str) -> dict[str, Any]:
    return {name: value for name, value in row.items() if name != key}


FUTURES = futures("COIN-FUTURES", BTCUSD)
UNIFIED_ROW = {
    "tier": "1",
    "minTierValue": "0",
    "maxTierValue": "5",
    "leverage": "10",
    "mmr": "0.01",
}
UNIFIED_CALL = {"category": "USDT-FUTURES", "symbol": "BTCUSDT"}


@pytest.mark.parametrize(
    ("payloads", "where", "reason"),
    [
        (
            (limits(*inverse_tiers()), listing_of(XYZUSD | {"contractType": "Option"})),
            "/result/list/0/contractType",
            "LinearPerpetual",
        ),
        (
            (limits(*inverse_tiers()), listing_of(without(XYZUSD, "settleCoin"))),
            "/result/list/0/settleCoin",
            "expected text, found nothing",
        ),
        (
            (instruments(QUARTER | {"expTime": "soon"}), tiers("BTC-USD", tier("BTC-USD", 1, 5))),
            "/data/0/expTime",
            "expected a number",
        ),
        (
            (instruments(QUARTER | {"state": "odd"}), tiers("BTC-USD", tier("BTC-USD", 1, 5))),
            "/data/0/state",
            "one of live",
        ),
        (
            (instruments(QUARTER | {"uly": "BTCUSD"}), tiers("BTC-USD", tier("BTC-USD", 1, 5))),
            "/data/0/uly",
            "expected BASE-QUOTE",
        ),
        (
            (instruments(QUARTER), tiers("BTC-USD", tier("BTC-USD", 1, 5), kind="OPTION")),
            "at /",
            "instType",
        ),
        (
            (instruments(QUARTER), tiers("ETH-USD", tier("BTC-USD", 1, 5))),
            "/data/0/instFamily",
            "among ETH-USD, found BTC-USD",
        ),
        (
            (
                answer(
                    "bitget",
                    bitget.CONTRACTS,
                    {"data": [BTCUSD | {"symbolType": "spread"}]},
                    productType="COIN-FUTURES",
                ),
                FUTURES[2],
            ),
            "/data/0/symbolType",
            "expected perpetual or delivery",
        ),
        (
            (answer("bitget", bitget.CONTRACTS, {"data": [BTCUSD]}, productType="X"), FUTURES[2]),
            "at /",
            "product type",
        ),
        (
            (
                answer(
                    "bitget",
                    bitget.UNIFIED,
                    {"data": [without(UNIFIED_ROW, "mmr")]},
                    **UNIFIED_CALL,
                ),
            ),
            "/data/0/mmr",
            "expected a number",
        ),
        (
            (
                answer(
                    "bitget",
                    bitget.UNIFIED,
                    {"data": [UNIFIED_ROW | {"tier": "2"}]},
                    **UNIFIED_CALL,
                ),
            ),
            "/data/0/tier",
            "expected tier 1",
        ),
        (
            (
                answer(
                    "gate",
                    gate.DATED_TIERS,
                    [TIERS[0] | {"contract": "BTC_USDT_20269999"}],
                    settle="usdt",
                ),
            ),
            "/0/name",
            "expected an expiry",
        ),
        (
            (page(0, TIERS[0] | {"contract": "BTC_USD"}),),
            "/0/name",
            "expected BASE_USDT",
        ),
        (
            (page(0, TIERS[0] | {"risk_limit": {"value": 1}}),),
            "/0/risk_limit",
            "expected a number",
        ),
        (
            (
                answer(
                    "kucoin", kucoin.LEVELS, {"data": [level("XBTH27", 1, 0, 5)]}, symbol="XBTH27"
                ),
            ),
            "/data/0/symbol",
            "BASEUSDCM or BASEUSDM, found",
        ),
        (
            (
                answer(
                    "kucoin",
                    kucoin.UNIFIED,
                    {"data": [{"symbol": "XBTUSDTM", "tier": 1, "maxSize": [], "minSize": "0"}]},
                ),
            ),
            "/data/0/maxSize",
            "expected a number",
        ),
    ],
)
def test_a_broken_payload_gives_a_defect_with_its_place_and_no_schedule(
    payloads: tuple[Payload, ...], where: str, reason: str
) -> None:
    parse_result = read(*payloads)
    assert parse_result.schedules == ()
    assert any(
        defect.where.endswith(where) and reason in defect.reason for defect in parse_result.defects
    ), [(defect.where, defect.reason) for defect in parse_result.defects]


def test_mexc_unknown_state_is_a_defect() -> None:
    parse_result = mexc_with(lambda document: document["data"][0].update(state=9))
    (defect,) = parse_result.defects
    assert defect.where.endswith("at /data/0/state")
    assert "BTC_USDT" not in {schedule.instrument.id for schedule in parse_result.schedules}
