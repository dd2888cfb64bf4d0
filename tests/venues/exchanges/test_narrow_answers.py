"""Answers to a narrower question, fields that came later, and names in any script."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

import pytest

from harmonize.core.payload import Payload
from harmonize.core.schedule import Derived, Known, MarginMode, MarginSchedule, Unknown, value_of
from tests.support.answers import answer, ids, only, read, uppers
from venues.exchanges import (
    binance,
    bingx,
    bitget,
    bitmart,
    bitmex,
    bybit,
    coinbaseinternational,
    deribit,
    dydx,
    gate,
    grvt,
    htx,
    hyperliquid,
    krakenfutures,
    kucoin,
    mexc,
    okx,
    phemex,
    poloniex,
    toobit,
    xt,
)

# One contract: the name stands in the request alone, or the row stands alone.


def gate_tiers(**first: object) -> list[dict[str, object]]:
    return [
        {
            "tier": number,
            "risk_limit": str(1_000_000 * number),
            "initial_rate": str(Decimal(8 * number) / 1000),
            "maintenance_rate": str(Decimal(4 * number) / 1000),
            **(first if number == 1 else {}),
        }
        for number in (1, 2)
    ]


def test_gate_rows_of_one_contract_are_named_by_the_request() -> None:
    schedule = only(answer("gate", gate.TIERS, gate_tiers(), settle="usdt", contract="BTC_USDT"))
    assert schedule.instrument.id == "BTC_USDT"
    assert uppers(schedule) == [1_000_000, 2_000_000]


def test_gate_rows_that_nothing_names_are_defects_that_say_so() -> None:
    result = read(answer("gate", gate.TIERS, gate_tiers(), settle="usdt"))
    assert result.schedules == ()
    assert {defect.reason for defect in result.defects} == {
        "neither the row nor the request (contract) names the contract"
    }


def test_gate_unreadable_tier_of_one_contract_withholds_all_its_tiers() -> None:
    rows = gate_tiers(initial_rate="x")
    result = read(answer("gate", gate.TIERS, rows, settle="usdt", contract="BTC_USDT"))
    assert result.schedules == ()
    assert [defect.symbol for defect in result.defects] == ["BTC_USDT"]


def test_gate_contract_asked_alone_is_an_object() -> None:
    contract = {
        "name": "BTC_USDT",
        "mark_price": "60000",
        "risk_limit_base": "1000000",
        "risk_limit_max": "8000000",
        "leverage_max": "100",
        "maintenance_rate": "0.005",
    }
    assert only(answer("gate", gate.CONTRACTS, contract, settle="usdt")).instrument.id == "BTC_USDT"
    error = {"label": "CONTRACT_NOT_FOUND", "message": "no"}
    result = read(answer("gate", gate.CONTRACTS, error, settle="usdt"))
    assert "expected a list" in result.defects[0].reason


@pytest.mark.parametrize("shape", [lambda row: row, lambda row: [row]], ids=["object", "list"])
def test_binance_brackets_of_one_symbol_are_an_object_or_a_list(shape: Any) -> None:
    linear = {"symbol": "BTCUSDT", "brackets": [bracket("notionalCap", "notionalFloor")]}
    assert ids(read(answer("binance", binance.BRACKETS, shape(linear), symbol="BTCUSDT"))) == [
        "BTCUSDT"
    ]
    inverse = {"symbol": "BTCUSD_PERP", "brackets": [bracket("qtyCap", "qtyFloor")]}
    mark = {"symbol": "BTCUSD_PERP", "markPrice": "60000"}
    schedule = only(
        answer("binance", binance.COIN_BRACKETS, shape(inverse), symbol="BTCUSD_PERP"),
        answer("binance", binance.COIN_MARKS, shape(mark), symbol="BTCUSD_PERP"),
    )
    assert uppers(schedule) == [60_000_000]


def bracket(cap: str, floor: str, **other: object) -> dict[str, object]:
    return {
        "bracket": 1,
        "initialLeverage": 20,
        cap: 1000,
        floor: 0,
        "maintMarginRatio": 0.01,
        "cum": 0,
        **other,
    }


OKX_TIER = {"tier": "1", "minSz": "0", "maxSz": "500", "imr": "0.02", "mmr": "0.01"}
OKX_SWAP = {
    "instType": "SWAP",
    "instId": "LLY-USDT-SWAP",
    "uly": "LLY-USDT",
    "instFamily": "LLY-USDT",
    "settleCcy": "USDT",
    "ctVal": "0.01",
    "ctMult": "1",
    "ctValCcy": "LLY",
    "ctType": "linear",
    "state": "live",
}


def okx_read(instrument: dict[str, str], row: dict[str, str], **request: str) -> Any:
    mark = {"instId": instrument["instId"], "markPx": "1000"}
    return read(
        answer("okx", okx.INSTRUMENTS, {"data": [instrument]}, instType="SWAP"),
        answer("okx", okx.MARKS, {"data": [mark]}, instType="SWAP"),
        answer("okx", okx.TIERS, {"data": [row]}, instType="SWAP", tdMode="cross", **request),
    )


NAMED = {"instFamily": "LLY-USDT", "uly": "LLY-USDT"}


@pytest.mark.parametrize(
    ("row", "request_"),
    [
        (NAMED, {"uly": "LLY-USDT"}),
        (NAMED, {"instFamily": "LLY-USDT"}),
        (NAMED, {"instId": "LLY-USDT-SWAP"}),
        (NAMED, {"instFamily": "LLY-USDT,BTC-USDT"}),
        (NAMED, {}),
        ({"instFamily": "", "uly": ""}, {"uly": "LLY-USDT"}),
        ({"instFamily": "", "uly": "LLY-USDT"}, {"uly": "LLY-USDT"}),
        ({}, {"instFamily": "LLY-USDT"}),
        ({}, {"instId": "LLY-USDT-SWAP"}),
    ],
)
def test_okx_family_stands_in_the_rows_or_in_any_of_three_parameters(
    row: dict[str, str], request_: dict[str, str]
) -> None:
    result = okx_read(OKX_SWAP, OKX_TIER | row, **request_)
    assert (ids(result), result.defects) == (["LLY-USDT-SWAP"], ())


def test_okx_tiers_that_nothing_names_or_of_another_family_are_defects() -> None:
    for row, request in (
        ({}, {}),
        ({}, {"instFamily": "LLY-USDT,BTC-USDT"}),
        ({"instFamily": "BTC-USDT", "uly": "BTC-USDT"}, {"uly": "LLY-USDT"}),
    ):
        result = okx_read(OKX_SWAP, OKX_TIER | row, **request)
        assert result.schedules == ()
        assert result.defects


def test_okx_instruments_from_before_families_existed_are_named_by_their_underlying() -> None:
    old = {key: value for key, value in OKX_SWAP.items() if key != "instFamily"}
    result = okx_read(old, OKX_TIER | {"uly": "LLY-USDT"}, uly="LLY-USDT")
    assert (ids(result), result.defects) == (["LLY-USDT-SWAP"], ())


LEVEL = {
    "level": 1,
    "maxRiskLimit": 10000,
    "minRiskLimit": 0,
    "initialMargin": 0.05,
    "maintainMargin": 0.025,
}
POLONIEX_TIER = {
    "mgnMode": "CROSS",
    "tier": "1",
    "maxLever": "50",
    "mMRatio": "0.01",
    "minSize": "0",
    "maxSize": "100",
}
POLONIEX_CONTRACT = {
    "symbol": "BTC_USDT_PERP",
    "status": "OPEN",
    "ctType": "LINEAR",
    "bCcy": "BTC",
    "qCcy": "USDT",
    "sCcy": "USDT",
    "ctVal": "0.001",
}
BINGX_TIER = {
    "tier": "Tier 1",
    "minPositionVal": "0",
    "maxPositionVal": "50000",
    "maintMarginRatio": "0.01",
    "maintAmount": "0",
}
BITGET_TIER = {
    "level": "1",
    "startUnit": "0",
    "endUnit": "20000",
    "leverage": "20",
    "keepMarginRate": "0.01",
}
BYBIT_TIER = {
    "riskLimitValue": "200000",
    "maintenanceMargin": "0.01",
    "initialMargin": "0.02",
    "maxLeverage": "50.00",
    "mmDeduction": "",
}
GRVT_RULES = {
    "risk_brackets": [
        {
            "tier": 1,
            "notional_floor": "0",
            "notional_cap": "100000",
            "initial_margin_rate": "0.02",
            "maintenance_margin_rate": "0.01",
            "cumulative_maintenance_amount": "0",
        }
    ]
}
HTX_FACTOR = {
    "margin_mode": "cross",
    "list": [
        {
            "lever_rate": 10,
            "ladders": [{"ladder": 0, "min_size": 0, "max_size": 999, "adjust_factor": 0.5}],
        }
    ],
}
XT_BRACKET = {
    "leverageBrackets": [
        {
            "bracket": 1,
            "maxNominalValue": "5000",
            "startMarginRate": "0.05",
            "maintMarginRate": "0.02",
        }
    ]
}

UNNAMED: list[tuple[str, str, Any, dict[str, str], str]] = [
    ("kucoin", kucoin.LEVELS, {"data": [LEVEL]}, {"symbol": "XBTUSDTM"}, "XBTUSDTM"),
    ("bingx", bingx.TIERS, {"data": [BINGX_TIER]}, {"symbol": "BTC-USDT"}, "BTC-USDT"),
    ("bitget", bitget.LEVERS, {"data": [BITGET_TIER]}, {"symbol": "BTCUSDT"}, "BTCUSDT"),
    (
        "bybit",
        bybit.RISK_LIMIT,
        {"result": {"list": [BYBIT_TIER]}},
        {"category": "linear", "symbol": "BTCUSDT"},
        "BTCUSDT",
    ),
    ("grvt", grvt.RULES, {"result": GRVT_RULES}, {"instrument": "BTC_USDT_Perp"}, "BTC_USDT_Perp"),
    ("htx", htx.CROSS, {"data": [HTX_FACTOR]}, {"contract_code": "BTC-USDT"}, "BTC-USDT"),
    ("xt", xt.LINEAR, {"result": [XT_BRACKET]}, {"symbol": "btc_usdt"}, "btc_usdt"),
    (
        "poloniex",
        poloniex.TIERS,
        {"data": [POLONIEX_TIER]},
        {"symbol": "BTC_USDT_PERP"},
        "BTC_USDT_PERP",
    ),
]


def beside(venue: str) -> list[Payload]:
    contracts = answer("poloniex", poloniex.INSTRUMENTS, {"data": [POLONIEX_CONTRACT]})
    return [contracts] if venue == "poloniex" else []


@pytest.mark.parametrize(("venue", "method", "document", "params", "id_"), UNNAMED)
def test_rows_of_one_contract_are_named_by_the_request(
    venue: str, method: str, document: Any, params: dict[str, str], id_: str
) -> None:
    result = read(answer(venue, method, document, **params), *beside(venue))
    assert (ids(result), result.defects) == ([id_], ())
    nameless = {key: value for key, value in params.items() if value != id_}
    result = read(answer(venue, method, document, **nameless), *beside(venue))
    assert all(schedule.evidence[0].columns[0].key == "/iM" for schedule in result.schedules)
    assert any(
        "name the contract" in d.reason or "names the contract" in d.reason for d in result.defects
    )


def test_bitget_rows_name_the_contract_if_the_request_does_not() -> None:
    row = BITGET_TIER | {"symbol": "BTCUSDT"}
    assert only(answer("bitget", bitget.LEVERS, {"data": [row]})).instrument.id == "BTCUSDT"


def test_mexc_detail_of_one_contract_is_an_object() -> None:
    row = MEXC_CONTRACT | {"riskLimitMode": "CUSTOM", "riskLimitType": "BY_VALUE"}
    row |= {"riskLimitCustom": [{"level": 1, "maxVol": 5000, "mmr": 0.01, "imr": 0.02}]}
    schedule = only(answer("mexc", mexc.DETAIL, {"data": row}, symbol="BTC_USDT"))
    assert uppers(schedule) == [5000]


MEXC_CONTRACT: dict[str, object] = {
    "symbol": "BTC_USDT",
    "baseCoin": "BTC",
    "quoteCoin": "USDT",
    "settleCoin": "USDT",
    "contractSize": "0.0001",
    "state": 0,
}

# Fields that came later: what is known without them is kept, IM and MM each on its own.


def first_and_second(low: dict[str, object], high: dict[str, object], *names: str) -> Any:
    return [{k: v for k, v in row.items() if k not in names} for row in (low, high)]


def known_initial_and_derived_maintenance(schedule: MarginSchedule, missing: str) -> None:
    assert isinstance(schedule.initial, Known)
    assert isinstance(schedule.maintenance, Derived)
    assert f"by continuity at the bounds: the response has no {missing}" in (
        schedule.maintenance.derivation
    )
    function = value_of(schedule.maintenance)
    assert function is not None
    assert float(-function.pieces[1].fixed) == pytest.approx(1000)
    assert all(missing not in column.key for column in schedule.evidence[0].columns)


def test_bybit_rows_from_before_deductions_have_initial_margin_and_derived_maintenance() -> None:
    rows = [
        BYBIT_TIER | {"symbol": "BTCUSDT", "riskLimitValue": "100000"},
        BYBIT_TIER
        | {
            "symbol": "BTCUSDT",
            "maintenanceMargin": "0.02",
            "initialMargin": "0.04",
            "maxLeverage": "25",
        },
    ]
    for row in rows:
        del row["mmDeduction"]
    schedule = only(
        answer("bybit", bybit.RISK_LIMIT, {"result": {"list": rows}}, category="linear")
    )
    known_initial_and_derived_maintenance(schedule, "mmDeduction")
    alone = only(
        answer("bybit", bybit.RISK_LIMIT, {"result": {"list": rows[:1]}}, category="linear")
    )
    assert isinstance(alone.maintenance, Known)  # one tier has nothing to deduct


def test_brackets_without_amounts_have_initial_margin_and_derived_maintenance() -> None:
    low = bracket("notionalCap", "notionalFloor", notionalCap=100000)
    high = low | {
        "bracket": 2,
        "initialLeverage": 10,
        "notionalFloor": 100000,
        "notionalCap": 200000,
        "maintMarginRatio": 0.02,
    }
    for row in (low, high):
        del row["cum"]
    document = [{"symbol": "BTCUSDT", "brackets": [low, high]}]
    known_initial_and_derived_maintenance(
        only(answer("binance", binance.BRACKETS, document)), "cum"
    )
    result = read(
        answer(
            "binance",
            binance.BRACKETS,
            [{"symbol": "BTCUSDT", "brackets": [low, high | {"cum": 1000}]}],
        )
    )
    assert result.schedules == ()  # missing in one bracket alone: not the older format


def test_grvt_rules_without_amounts_have_initial_margin_and_derived_maintenance() -> None:
    low = {**GRVT_RULES["risk_brackets"][0]}
    high = low | {
        "tier": 2,
        "notional_floor": "100000",
        "notional_cap": "200000",
        "initial_margin_rate": "0.04",
        "maintenance_margin_rate": "0.02",
    }
    for row in (low, high):
        del row["cumulative_maintenance_amount"]
    rules = {"instrument": "BTC_USDT_Perp", "risk_brackets": [low, high]}
    schedule = only(answer("grvt", grvt.RULES, {"result": rules}))
    known_initial_and_derived_maintenance(schedule, "cumulative_maintenance_amount")


def test_bingx_tiers_without_amounts_keep_their_maintenance_as_derived() -> None:
    low = {key: value for key, value in BINGX_TIER.items() if key != "maintAmount"}
    high = low | {
        "tier": "Tier 2",
        "minPositionVal": "50000",
        "maxPositionVal": "90000",
        "maintMarginRatio": "0.02",
    }
    schedule = only(answer("bingx", bingx.TIERS, {"data": [low, high]}, symbol="BTC-USDT"))
    assert isinstance(schedule.maintenance, Derived)
    assert "no maintAmount" in schedule.maintenance.derivation


def test_hyperliquid_markets_from_before_margin_tables_have_one_unverified_tier() -> None:
    market = {"name": "ETH", "maxLeverage": 25}
    for missing in (market, market | {"marginTableId": None}):
        schedule = only(
            answer("hyperliquid", hyperliquid.INFO, {"universe": [missing]}, type="meta")
        )
        assert [(tier.initial_rate, tier.maintenance_rate) for tier in schedule.tiers] == [
            (Decimal("0.04"), Decimal("0.02"))
        ]
        assert isinstance(schedule.initial, Derived)
        assert not schedule.initial.verified
        assert schedule.exclusion_reason
    tables = [[56, {"marginTiers": [{"lowerBound": "0", "maxLeverage": 40}]}]]
    document = {"universe": [market], "marginTables": tables}
    unnamed = only(answer("hyperliquid", hyperliquid.INFO, document, type="meta"))
    assert isinstance(unnamed.initial, Unknown)
    assert isinstance(unnamed.maintenance, Unknown)


def dydx_market(ticker: str, **other: object) -> dict[str, object]:
    return {
        "ticker": ticker,
        "status": "ACTIVE",
        "oraclePrice": "10",
        "initialMarginFraction": "0.05",
        "maintenanceMarginFraction": "0.03",
        "openInterest": "1000",
        **other,
    }


def test_dydx_markets_from_before_caps_and_isolated_markets_keep_both_margins() -> None:
    market = dydx_market("BTC-USD")
    schedule = only(answer("dydx", dydx.MARKETS, {"markets": {"BTC-USD": market}}))
    assert schedule.profile.margin_mode is MarginMode.CROSS
    assert isinstance(schedule.initial, Derived)
    assert "no caps of open interest" in schedule.initial.derivation
    assert isinstance(schedule.maintenance, Known)
    assert schedule.tiers[0].initial_rate == Decimal("0.05")


def test_kraken_rows_of_2021_name_their_currencies_in_the_symbol() -> None:
    row = {
        "type": "futures_inverse",
        "contractSize": 1,
        "tradeable": True,
        "marginLevels": [{"contracts": 0, "initialMargin": 0.02, "maintenanceMargin": 0.01}],
    }
    rows = [
        row | {"symbol": "pi_xbtusd"},
        row | {"symbol": "fi_ethusd_270625"},
        row | {"symbol": "fi_ethusd_210924"},
    ]
    result = read(answer("krakenfutures", krakenfutures.INSTRUMENTS, {"instruments": rows}))
    assert result.defects == ()
    assert [schedule.instrument.symbol for schedule in result.schedules] == [
        "BTC/USD:BTC",
        "ETH/USD:ETH-270625",
    ]
    for schedule in result.schedules:
        assert isinstance(schedule.capacity, Unknown)
        assert value_of(schedule.initial) is not None


def test_deribit_rows_of_2021_settle_in_their_coin() -> None:
    row = {
        "kind": "future",
        "is_active": True,
        "instrument_name": "SOL-PERPETUAL",
        "base_currency": "SOL",
        "quote_currency": "USD",
        "expiration_timestamp": 32503708800000,
        "max_leverage": 50,
    }
    schedule = only(answer("deribit", deribit.INSTRUMENTS, {"result": [row]}))
    assert schedule.instrument.symbol == "SOL/USD:SOL"
    odd = row | {"quote_currency": "USDC"}
    result = read(answer("deribit", deribit.INSTRUMENTS, {"result": [odd]}))
    assert "/settlement_currency" in result.defects[0].where


def test_deribit_margins_by_slopes_do_not_need_the_maximum_leverage() -> None:
    row = {
        "kind": "future",
        "is_active": True,
        "instrument_name": "BTC-PERPETUAL",
        "base_currency": "BTC",
        "counter_currency": "USD",
        "settlement_currency": "BTC",
        "expiration_timestamp": 32503708800000,
    }
    slope = {
        "base_currency": "BTC",
        "settlement_currency": "BTC",
        "initial_base": "0.02",
        "initial_slope": "0.00005",
        "maintenance_base": "0.01",
        "maintenance_slope": "0.00005",
    }
    mark = {"instrument_name": "BTC-PERPETUAL", "mark_price": 60000}
    others = (
        answer("deribit", deribit.SUMMARIES, {"result": [mark]}),
        answer("deribit", deribit.INSTRUMENTS, {"result": [row]}),
    )
    schedule = only(answer("deribit", deribit.SLOPES, {"slopes": [slope]}), *others)
    assert value_of(schedule.initial) is not None
    full = read(
        answer("deribit", deribit.SLOPES, {"slopes": [slope | {"initial_base": 1}]}), *others
    )
    assert "expected a base rate below 1, found 1" in [defect.reason for defect in full.defects]


def test_mexc_contracts_from_before_limit_modes_have_increasing_levels() -> None:
    row = MEXC_CONTRACT | {
        "riskBaseVol": 500,
        "riskIncrVol": 250,
        "riskLevelLimit": 3,
        "initialMarginRate": "0.05",
        "maintenanceMarginRate": "0.02",
        "riskIncrImr": "0.01",
        "riskIncrMmr": "0.01",
    }
    ticker = {"symbol": "BTC_USDT", "fairPrice": 60000}
    schedule = only(
        answer("mexc", mexc.DETAIL, {"data": [row]}),
        answer("mexc", mexc.TICKER, {"data": [ticker]}),
    )
    assert uppers(schedule) == [3000, 4500, 6000]
    assert isinstance(schedule.initial, Derived)
    assert not schedule.initial.verified
    assert "limits read as contracts" in schedule.initial.derivation


def test_margins_do_not_depend_on_fields_for_capacity_or_status() -> None:
    perp = {
        "symbol": "BTC-PERP",
        "type": "PERP",
        "base_asset_name": "BTC",
        "quote_asset_name": "USDC",
        "base_imf": "0.1",
    }
    schedule = only(answer("coinbaseinternational", coinbaseinternational.OLD_INSTRUMENTS, [perp]))
    assert value_of(schedule.initial) is not None
    assert isinstance(schedule.capacity, Unknown)
    detail = {
        "symbol": "BTCUSDT",
        "base_currency": "BTC",
        "quote_currency": "USDT",
        "max_leverage": "50",
    }
    only(answer("bitmart", bitmart.INSTRUMENTS, {"data": {"symbols": [detail]}}))


def test_toobit_limits_without_the_mark_of_a_whitelist_are_unverified() -> None:
    row = {
        "symbol": "BTC-SWAP-USDT",
        "status": "TRADING",
        "inverse": False,
        "underlying": "BTC",
        "marginToken": "USDT",
        "contractMultiplier": "0.001",
        "riskLimits": [{"quantity": "1000", "initialMargin": "0.02", "maintMargin": "0.01"}],
    }
    ticker = {"s": "BTC-SWAP-USDT", "c": "60000"}
    schedule = only(
        answer("toobit", toobit.ENGINE.contracts, {"contracts": [row]}),
        answer("toobit", toobit.ENGINE.tickers, [ticker]),
    )
    assert isinstance(schedule.initial, Derived)
    assert "does not mark other ones" in schedule.initial.derivation


PHEMEX_PRODUCT: dict[str, object] = {
    "symbol": "BTCUSD",
    "type": "Perpetual",
    "status": "Listed",
    "settleCurrency": "BTC",
    "quoteCurrency": "USD",
}


def phemex_document(limit: Mapping[str, object], **product: object) -> dict[str, object]:
    """Returns the products of Phemex with one coin-margined contract and its first listed limit."""
    limits = [{"symbol": "BTCUSD", "riskLimits": [limit]}]
    return {"data": {"products": [PHEMEX_PRODUCT | product], "riskLimits": limits}}


HIGHER_LIMIT = {"limit": 1500, "initialMarginEr": 10000000, "maintenanceMarginEr": 5000000}
BASE_LIMIT = {"limit": 100, "initialMarginEr": 1000000, "maintenanceMarginEr": 500000}


def test_the_default_risk_limit_of_a_phemex_product_comes_before_a_listed_higher_one() -> None:
    own = {"initMarginEr": 1000000, "maintMarginEr": 500000, "defaultRiskLimitEv": 10000000000}
    document = phemex_document(HIGHER_LIMIT, maxLeverage=100, **own)
    (tier,) = only(answer("phemex", phemex.PRODUCTS, document)).tiers
    assert (tier.initial_rate, tier.maintenance_rate) == (Decimal("0.01"), Decimal("0.005"))
    without_limits = {"data": {"products": [PHEMEX_PRODUCT | own]}}
    assert only(answer("phemex", phemex.PRODUCTS, without_limits)).tiers == (tier,)


def test_a_first_limit_above_the_maximum_leverage_is_no_lowest_requirement() -> None:
    document = phemex_document(HIGHER_LIMIT, maxLeverage=100)
    schedule = only(answer("phemex", phemex.PRODUCTS, document))
    assert schedule.tiers[0].initial_rate == Decimal("0.01")
    assert schedule.maintenance == Unknown(phemex.HIGHER_LIMIT)
    assert schedule.exclusion_reason
    for limit, leverage in ((BASE_LIMIT, 100), (HIGHER_LIMIT, 10), (BASE_LIMIT, None)):
        document = phemex_document(limit, maxLeverage=leverage)
        schedule = only(answer("phemex", phemex.PRODUCTS, document))
        assert not isinstance(schedule.maintenance, Unknown)


def test_a_printed_rate_of_a_first_limit_may_be_a_rounding_of_its_leverage() -> None:
    rounded = {"limit": 100, "initialMarginEr": 1333333, "maintenanceMarginEr": 500000}
    document = phemex_document(rounded, maxLeverage=75)
    schedule = only(answer("phemex", phemex.PRODUCTS, document))
    assert schedule.tiers[0].initial_rate == Decimal(1) / 75
    assert not isinstance(schedule.maintenance, Unknown)


def test_phemex_products_from_before_linear_contracts_have_their_first_limit() -> None:
    product = PHEMEX_PRODUCT
    limit = {"limit": 1, "initialMarginEr": 1000000, "maintenanceMarginEr": 500000}
    document = {
        "data": {
            "products": [product],
            "riskLimits": [{"symbol": "BTCUSD", "riskLimits": [limit]}],
        }
    }
    schedule = only(answer("phemex", phemex.PRODUCTS, document))
    assert schedule.tiers[0].initial_rate == Decimal("0.01")
    document["data"]["perpProductsV2"] = []
    only(answer("phemex", phemex.PRODUCTS, document))
    nothing = read(
        answer("phemex", phemex.PRODUCTS, {"data": {"products": [], "perpProductsV2": []}})
    )
    assert nothing.defects


# Names.

NAMES = [
    "币安人生",
    "AAPLx",
    "rTSLA",
    "XYZ-TSLA",
    "1000PEPE",
    "B3",
    "2Z",
    "kPEPE",
    "Ünï",
    "XYZ_TSLA",
]


@pytest.mark.parametrize("name", NAMES)
def test_a_name_is_read_whatever_its_script_case_or_digits(name: str) -> None:
    cases: list[tuple[Payload, str]] = [
        (
            answer("kucoin", kucoin.LEVELS, {"data": [LEVEL | {"symbol": f"{name}USDTM"}]}),
            f"{name}/USDT:USDT",
        ),
        (
            answer(
                "binance",
                binance.BRACKETS,
                [{"symbol": f"{name}USDT", "brackets": [bracket("notionalCap", "notionalFloor")]}],
            ),
            f"{name}/USDT:USDT",
        ),
        (
            answer(
                "binance",
                binance.COIN_BRACKETS,
                [{"symbol": f"{name}USD_270625", "brackets": [bracket("qtyCap", "qtyFloor")]}],
            ),
            f"{name}/USD:{name}-270625",
        ),
        (
            answer("gate", gate.TIERS, gate_tiers(contract=f"{name}_USDT")[:1], settle="usdt"),
            f"{name}/USDT:USDT",
        ),
        (
            answer("gate", gate.DATED_TIERS, gate_tiers(contract=f"{name}_USDT_20270625")[:1]),
            f"{name}/USDT:USDT-270625",
        ),
        (
            answer("bingx", bingx.TIERS, {"data": [BINGX_TIER | {"symbol": f"{name}-USDT"}]}),
            f"{name}/USDT:USDT",
        ),
        (
            answer("bitget", bitget.LEVERS, {"data": [BITGET_TIER | {"symbol": f"{name}USDT"}]}),
            f"{name}/USDT:USDT",
        ),
        (
            answer("grvt", grvt.RULES, {"instrument": f"{name}_USDT_Perp", **GRVT_RULES}),
            f"{name}/USDT:USDT",
        ),
        (
            answer("htx", htx.CROSS, {"data": [HTX_FACTOR | {"contract_code": f"{name}-USDT"}]}),
            f"{name}/USDT:USDT",
        ),
        *(
            (
                answer(
                    "bybit",
                    bybit.RISK_LIMIT,
                    {"result": {"list": [BYBIT_TIER | {"symbol": symbol}]}},
                    category="linear",
                ),
                unified,
            )
            for symbol, unified in (
                (f"{name}USDT", f"{name}/USDT:USDT"),
                (f"{name}PERP", f"{name}/USDC:USDC"),
                (f"{name}-25JUN27", f"{name}/USDC:USDC-270625"),
                (f"{name}USDT-25JUN27", f"{name}/USDT:USDT-270625"),
            )
        ),
    ]
    for payload, symbol in cases:
        assert only(payload).instrument.symbol == symbol, payload.call


@pytest.mark.parametrize("name", NAMES)
def test_okx_and_orderly_names_are_read_to_the_last_separator(name: str) -> None:
    instrument = OKX_SWAP | {
        "instId": f"{name}-USDT-SWAP",
        "uly": f"{name}-USDT",
        "instFamily": f"{name}-USDT",
        "ctValCcy": name,
    }
    (schedule,) = okx_read(
        instrument, OKX_TIER | {"instFamily": f"{name}-USDT"}, instFamily=f"{name}-USDT"
    ).schedules
    assert schedule.instrument.symbol == f"{name}/USDT:USDT"
    row = {
        "symbol": f"PERP_{name}_USDC",
        "status": "ACTIVE",
        "base_imr": 0.05,
        "base_mmr": 0.02,
        "imr_factor": 0.00001,
    }
    orderly = only(answer("woofipro", "v1PublicGetPublicInfo", {"data": {"rows": [row]}}))
    assert orderly.instrument.symbol == f"{name}/USDC:USDC"


# Two assets never share a symbol.


def test_dydx_long_ticker_is_another_coin() -> None:
    markets = {
        ticker: dydx_market(
            ticker, marketType=mode, openInterestLowerCap="0", openInterestUpperCap="0"
        )
        for ticker, mode in (("TRUMP-USD", "CROSS"), ("TRUMP,RAYDIUM,6P6X-USD", "ISOLATED"))
    }
    result = read(answer("dydx", dydx.MARKETS, {"markets": markets}))
    assert result.defects == ()
    cross, isolated = (schedule.instrument for schedule in result.schedules)
    assert cross.symbol == "TRUMP/USDC:USDC"
    assert isolated.symbol == "TRUMP,RAYDIUM,6P6X/USDC:USDC"
    assert cross.underlying.asset == "TRUMP"
    assert isolated.underlying.asset == "TRUMP,RAYDIUM,6P6X"


def test_bitmex_baskets_are_told_apart_by_their_underlying() -> None:
    basket = {
        "typ": "FFWCSX",
        "state": "Open",
        "rootSymbol": "BASKET",
        "quoteCurrency": "USD",
        "settlCurrency": "XBt",
    }
    rows = [
        basket | {"symbol": "ALTMEXUSD", "underlying": "ALTMEX"},
        basket | {"symbol": "DEFIMEXUSD", "underlying": "DEFIMEX"},
    ]
    result = read(answer("bitmex", bitmex.INSTRUMENTS, rows))
    assert [schedule.instrument.underlying.asset for schedule in result.schedules] == [
        "ALTMEX",
        "DEFIMEX",
    ]
