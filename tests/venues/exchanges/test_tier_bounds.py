"""Bounds without an end, and published lower bounds that leave a hole."""

from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest

from harmonize.core.payload import Column, Payload, Snapshot, decode
from harmonize.core.schedule import INFINITY, MarginSchedule, Unknown, value_of
from tests.support import recorded
from tests.support.altered_snapshots import changed, parsed, trimmed
from tests.support.answers import answer, only, read
from venues.exchanges import (
    binance,
    bybit,
    extended,
    gate,
    grvt,
    htx,
    kucoin,
    okx,
    phemex,
    whitebit,
    xt,
)
from venues.registry import VENUES

NO_END: list[object] = [
    2**63 - 1,
    str(2**63 - 1),
    float(2**63 - 1),
    "9.223372036854776E18",
    0,
    "0",
    "0.00",
    None,
    "",
    -1,
    "-1",
    1e30,
    "1e30",
]


def published(snapshot: Snapshot) -> tuple[Payload, MarginSchedule, Column] | None:
    """Returns the first schedule of several tiers with a row and an upper bound each."""
    for schedule in parsed(snapshot).schedules:
        evidence = schedule.evidence[0]
        column = next((one for one in evidence.columns if one.quantity == "upper"), None)
        if column and len(evidence.rows) == len(schedule.tiers) >= 2:
            payload = next(one for one in snapshot.payloads if one.sha256 == evidence.sha256)
            if len(set(evidence.rows)) == len(evidence.rows):
                return payload, schedule, column
    return None


TIERED = [
    snapshot
    for adapter in VENUES
    for snapshot in map(trimmed, recorded.of_venue(adapter.venue)[:1])
    if published(snapshot)
]


def with_bound(snapshot: Snapshot, tier: int, value: object) -> MarginSchedule | None:
    found = published(snapshot)
    assert found is not None
    payload, schedule, column = found
    path = (schedule.evidence[0].rows[tier] + column.key).split("/")[1:]

    def change(document: Any) -> None:
        holder = document
        for step in path[:-1]:
            holder = holder[int(step)] if isinstance(holder, list) else holder[step]
        holder[path[-1]] = value

    assert decode(payload)
    others = parsed(changed_payload(snapshot, payload, change)).schedules
    return next((other for other in others if other.key == schedule.key), None)


def changed_payload(snapshot: Snapshot, payload: Payload, change: Any) -> Snapshot:
    alone = Snapshot(snapshot.venue, snapshot.observed_at, (payload,), complete=False)
    (replaced,) = changed(alone, payload.call.method, change).payloads
    payloads = tuple(replaced if one is payload else one for one in snapshot.payloads)
    return Snapshot(snapshot.venue, snapshot.observed_at, payloads, snapshot.complete)


FEWEST_VENUES = 11


def test_the_venues_with_tiers_are_covered() -> None:
    assert len(TIERED) >= FEWEST_VENUES


@pytest.mark.parametrize("snapshot", TIERED, ids=lambda snapshot: snapshot.venue)
@pytest.mark.parametrize("value", NO_END, ids=repr)
def test_the_last_tier_may_have_no_end_on_every_venue(snapshot: Snapshot, value: object) -> None:
    found = published(snapshot)
    assert found is not None
    schedule = with_bound(snapshot, -1, value)
    assert schedule is not None
    assert schedule.tiers[-1].upper == INFINITY
    assert schedule.tiers[:-1] == found[1].tiers[:-1]
    assert type(schedule.initial) is type(found[1].initial)
    if snapshot.venue != "extended":  # states its largest position apart
        assert isinstance(schedule.capacity, Unknown)


@pytest.mark.parametrize("snapshot", TIERED, ids=lambda snapshot: snapshot.venue)
@pytest.mark.parametrize("value", NO_END[:3], ids=repr)
def test_a_lower_tier_without_an_end_defines_no_margin(snapshot: Snapshot, value: object) -> None:
    schedule = with_bound(snapshot, 0, value)
    assert schedule is None or isinstance(schedule.initial, Unknown)
    assert schedule is None or isinstance(schedule.maintenance, Unknown)


def single_tiers(bound: object) -> list[Payload]:
    """Returns one tier of each further venue with tiers, which ends at the bound."""
    xt_bracket = {
        "bracket": 1,
        "maxNominalValue": bound,
        "startMarginRate": "0.05",
        "maintMarginRate": "0.02",
    }
    grvt_bracket = {
        "notional_floor": "0",
        "notional_cap": bound,
        "initial_margin_rate": "0.05",
        "maintenance_margin_rate": "0.02",
        "cumulative_maintenance_amount": "0",
    }
    gate_tier = {
        "contract": "XYZ_USDT",
        "tier": 1,
        "risk_limit": bound,
        "initial_rate": "0.05",
        "maintenance_rate": "0.02",
    }
    phemex_item = {
        "notionalValueRv": bound,
        "maxLeverage": "20",
        "maintenanceMarginRateRr": "0.02",
        "maintenanceAmountRv": "0",
    }
    product = {
        "symbol": "XYZUSDT",
        "status": "Listed",
        "baseCurrency": "XYZ",
        "quoteCurrency": "USDT",
        "settleCurrency": "USDT",
        "leverageMargin": 1,
    }
    products = {
        "perpProductsV2": [product],
        "products": [{"symbol": "S", "type": "Spot"}],
        "leverageMargins": [{"index_id": 1, "items": [phemex_item]}],
    }
    unified = {
        "symbol": "XYZUSDTM",
        "tier": 1,
        "minSize": "0",
        "maxSize": bound,
        "initialMarginRate": "0.05",
        "maintainMarginRate": "0.02",
    }
    return [
        answer(
            "xt", xt.LINEAR, {"result": [{"symbol": "xyz_usdt", "leverageBrackets": [xt_bracket]}]}
        ),
        answer(
            "grvt", grvt.RULES, {"instrument": "XYZ_USDT_Perp", "risk_brackets": [grvt_bracket]}
        ),
        answer("gate", gate.TIERS, [gate_tier], settle="usdt"),
        answer("phemex", phemex.PRODUCTS, {"data": products}),
        answer("kucoin", kucoin.UNIFIED, {"data": [unified]}),
    ]


@pytest.mark.parametrize("value", NO_END, ids=repr)
def test_a_single_tier_may_have_no_end_on_further_venues(value: object) -> None:
    for bounded, unbounded in zip(single_tiers("5000"), single_tiers(value), strict=True):
        assert only(bounded).tiers[-1].upper == 5000
        schedule = only(unbounded)
        assert schedule.tiers[-1].upper == INFINITY, schedule.instrument.venue
        assert isinstance(schedule.capacity, Unknown)


def bybit_limits(*bounds: object) -> Payload:
    rows = [
        {
            "symbol": "XYZUSDT",
            "riskLimitValue": bound,
            "maintenanceMargin": str(Decimal(number) / 100),
            "initialMargin": str(Decimal(number) / 50),
            "maxLeverage": str(Decimal(50) / number),
            "mmDeduction": "",
        }
        for number, bound in enumerate(bounds, start=1)
    ]
    return answer("bybit", bybit.RISK_LIMIT, {"result": {"list": rows}}, category="linear")


def test_bybit_limits_are_sorted_but_an_open_one_must_have_the_highest_rate() -> None:
    assert only(bybit_limits("100", "200", "0")).tiers[-1].upper == INFINITY
    result = read(bybit_limits("100", "0", "300"))
    assert result.schedules == ()
    (defect,) = result.defects
    assert defect.symbol == "XYZUSDT"
    assert "expected an end" in defect.reason


def test_capacities_without_an_end_are_unknown() -> None:
    config = {
        "maxPositionValue": str(2**63 - 1),
        "riskFactorConfig": [{"upperBound": "1000", "riskFactor": "0.1"}],
    }
    market = {
        "name": "XYZ-USD",
        "assetName": "XYZ",
        "collateralAssetName": "USD",
        "status": "ACTIVE",
        "tradingConfig": config,
    }
    schedule = only(answer("extended", extended.MARKETS, {"data": [market]}))
    assert isinstance(schedule.capacity, Unknown)
    cross = {
        "symbol": "XYZUSDTM",
        "baseCurrency": "XYZ",
        "quoteCurrency": "USDT",
        "settleCurrency": "USDT",
        "supportCross": True,
        "markPrice": 2,
        "m": 1000,
        "f": 1.3,
        "mmrLimit": 0.3,
        "mmrLevConstant": 50,
        "maxLeverage": 50,
        "crossRiskLimit": 2**63 - 1,
    }
    assert isinstance(only(answer("kucoin", kucoin.CONTRACTS, {"data": [cross]})).capacity, Unknown)
    assert value_of(
        only(
            answer("kucoin", kucoin.CONTRACTS, {"data": [cross | {"crossRiskLimit": 500}]})
        ).capacity
    )


def test_whitebit_amount_of_zero_is_not_offered_and_the_largest_integer_has_no_end() -> None:
    market = {
        "ticker_id": "XYZ_PERP",
        "stock_currency": "XYZ",
        "money_currency": "USDT",
        "brackets": {"1": 2**63 - 1, "2": 5000, "50": 1000, "100": 0},
    }
    schedule = only(answer("whitebit", whitebit.FUTURES, {"result": [market]}))
    assert [tier.upper for tier in schedule.tiers] == [1000, 5000, INFINITY]


# Lower bounds.


def okx_tiers(*bounds: tuple[str, str]) -> MarginSchedule:
    instrument = {
        "instType": "SWAP",
        "instId": "XYZ-USDT-SWAP",
        "uly": "XYZ-USDT",
        "instFamily": "XYZ-USDT",
        "settleCcy": "USDT",
        "ctVal": "1",
        "ctMult": "1",
        "ctValCcy": "XYZ",
        "ctType": "linear",
        "state": "live",
    }
    rows = [
        {
            "instFamily": "XYZ-USDT",
            "tier": str(number),
            "minSz": lower,
            "maxSz": upper,
            "imr": str(Decimal(number) / 50),
            "mmr": str(Decimal(number) / 100),
        }
        for number, (lower, upper) in enumerate(bounds, start=1)
    ]
    mark = {"instId": "XYZ-USDT-SWAP", "markPx": "2"}
    params = {"instFamily": "XYZ-USDT", "instType": "SWAP", "tdMode": "cross"}
    return only(
        answer("okx", okx.INSTRUMENTS, {"data": [instrument]}, instType="SWAP"),
        answer("okx", okx.MARKS, {"data": [mark]}, instType="SWAP"),
        answer("okx", okx.TIERS, {"data": rows}, **params),
    )


@pytest.mark.parametrize("lower", ["1000", "1000.01", "1001"])
def test_okx_next_step_is_no_hole(lower: str) -> None:
    schedule = okx_tiers(("0", "1000"), (lower, "5000"))
    assert value_of(schedule.initial) is not None
    columns = {column.quantity: column.key for column in schedule.evidence[0].columns}
    assert columns["lower"] == "/minSz"


@pytest.mark.parametrize(("lower", "word"), [("2000", "gap"), ("1010", "gap"), ("500", "overlap")])
def test_okx_hole_or_overlap_between_tiers_leaves_margins_unknown(lower: str, word: str) -> None:
    schedule = okx_tiers(("0", "1000"), (lower, "5000"))
    for observed in (schedule.initial, schedule.maintenance):
        assert isinstance(observed, Unknown)
        assert word in observed.reason


HTX_RULE_KNOWN = datetime(2025, 6, 20, tzinfo=UTC)
"""A day before a live position contradicted the rule by which HTX's factors become margin."""


def htx_ladders(*bounds: tuple[int, int | None]) -> MarginSchedule:
    ladders = [
        {"ladder": number, "min_size": lower, "max_size": upper, "adjust_factor": 0.5 + number / 10}
        for number, (lower, upper) in enumerate(bounds)
    ]
    factor = {
        "contract_code": "XYZ-USDT",
        "margin_mode": "cross",
        "list": [{"lever_rate": 10, "ladders": ladders}],
    }
    size = {"contract_code": "XYZ-USDT", "contract_size": 0.1, "contract_status": 1}
    tick = {"contract_code": "XYZ-USDT", "close": "2"}
    payloads = (
        answer("htx", htx.CONTRACTS, {"data": [size]}),
        answer("htx", htx.PRICES, {"ticks": [tick]}),
        answer("htx", htx.CROSS, {"data": [factor]}),
    )
    of_2025 = tuple(replace(payload, observed_at=HTX_RULE_KNOWN) for payload in payloads)
    (schedule,) = parsed(Snapshot("htx", HTX_RULE_KNOWN, of_2025, complete=False)).schedules
    return schedule


def test_htx_hole_between_ladders_leaves_margins_unknown() -> None:
    assert value_of(htx_ladders((0, 999), (1000, 4999), (5000, None)).initial) is not None
    for bounds in (((0, 999), (2000, 4999)), ((0, 999), (500, 4999))):
        schedule = htx_ladders(*bounds)
        assert isinstance(schedule.initial, Unknown)
        assert isinstance(schedule.maintenance, Unknown)


def test_coin_margined_brackets_without_an_end_are_read_as_on_the_other_market() -> None:
    def bracket(number: int, lower: object, upper: object, rate: float, cum: float) -> object:
        return {
            "bracket": number,
            "initialLeverage": 20 // number,
            "qtyCap": upper,
            "qtyFloor": lower,
            "maintMarginRatio": rate,
            "cum": cum,
        }

    rows = [bracket(1, 0, 2000, 0.025, 0), bracket(2, 2000, 2**63 - 1, 0.25, 450)]
    schedule = only(
        answer("binance", binance.COIN_BRACKETS, [{"symbol": "BNBUSD_PERP", "brackets": rows}]),
        answer("binance", binance.COIN_MARKS, [{"symbol": "BNBUSD_PERP", "markPrice": "600"}]),
    )
    assert [tier.upper for tier in schedule.tiers] == [1_200_000, INFINITY]
    assert isinstance(schedule.capacity, Unknown)
    assert value_of(schedule.maintenance) is not None
