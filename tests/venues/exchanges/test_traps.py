"""Ways in which venue payloads mislead, one test per trap, on the recordings."""

from datetime import UTC, date, datetime
from decimal import Decimal
from itertools import pairwise
from typing import Any

import pytest

from harmonize.core.instrument import Payoff
from harmonize.core.payload import Call, Origin, Payload, Snapshot
from harmonize.core.schedule import (
    INFINITY,
    Derived,
    Known,
    MarginMode,
    MarginSchedule,
    TierRule,
    Unknown,
    value_of,
)
from harmonize.numerics.panel import build_panel
from tests.support import recorded
from tests.support.altered_snapshots import changed, parsed, without, written
from venues import facts
from venues.engines.binance_brackets import parse_symbol as bracket_instrument
from venues.exchanges import bitget, bybit, deribit, gate, htx, hyperliquid, kucoin, mexc, okx
from venues.exchanges.dydx import scaled_initial


def only(schedules: tuple[MarginSchedule, ...], symbol: str) -> MarginSchedule:
    return next(schedule for schedule in schedules if schedule.instrument.symbol == symbol)


def uppers(schedule: MarginSchedule) -> list[Decimal]:
    return [tier.upper for tier in schedule.tiers]


# binance


def test_binance_deduction_from_continuity_is_the_published_cum_on_all_6576_tiers() -> None:
    tiers = 0
    for schedule in recorded.schedules("binance"):
        function = value_of(schedule.maintenance)
        pieces = function.pieces if function else ()
        for tier, piece in zip(schedule.tiers, pieces, strict=True):
            assert -piece.fixed == tier.deduction, schedule.key
            tiers += 1
    unconverted = [
        schedule
        for schedule in recorded.schedules("binance")
        if isinstance(schedule.maintenance, Unknown)
    ]
    assert [schedule.instrument.symbol for schedule in unconverted] == [
        "BTC/U:U",
        "ETH/BTC:BTC",
        "ETH/U:U",
    ]
    assert tiers == 6576 - sum(_bracket_count(schedule) for schedule in unconverted)


def _bracket_count(schedule: MarginSchedule) -> int:
    return len(schedule.evidence[0].rows)


def test_binance_amounts_in_a_quote_that_is_no_dollar_are_unknown_not_taken_as_dollars() -> None:
    schedule = recorded.schedule("binance", "ETH/BTC:BTC")
    assert isinstance(schedule.initial, Unknown)
    assert "BTC" in schedule.initial.reason


def test_binance_largest_64_bit_integer_is_an_open_end_not_a_bound() -> None:
    schedule = recorded.schedule("binance", "BTCST/USDT:USDT")
    assert schedule.tiers[-1].upper == INFINITY
    assert isinstance(schedule.capacity, Unknown)


@pytest.mark.parametrize(
    ("id_", "symbol", "asset", "multiplier"),
    [
        ("1000PEPEUSDT", "1000PEPE/USDT:USDT", "PEPE", 1000),
        ("1MBABYDOGEUSDT", "1MBABYDOGE/USDT:USDT", "BABYDOGE", 1_000_000),
        ("1INCHUSDT", "1INCH/USDT:USDT", "1INCH", 1),
        ("BTCUSDT_260925", "BTC/USDT:USDT-260925", "BTC", 1),
        ("BTCUSDC", "BTC/USDC:USDC", "BTC", 1),
        ("币安人生USDT", "币安人生/USDT:USDT", "币安人生", 1),
    ],
)
def test_binance_symbols_are_parsed_as_by_ccxt(
    id_: str, symbol: str, asset: str, multiplier: int
) -> None:
    instrument = bracket_instrument("binance", id_, "")
    assert (instrument.symbol, instrument.underlying.asset, instrument.underlying.multiplier) == (
        symbol,
        asset,
        multiplier,
    )


# bybit


def test_bybit_rates_in_percent_are_refused_not_read_as_fractions() -> None:
    def percent(document: Any) -> None:
        row = document["result"]["list"][0]
        row["initialMargin"], row["maintenanceMargin"] = "0.8", "0.4"

    parse_result = parsed(changed(recorded.of_venue("bybit")[0], bybit.RISK_LIMIT, percent))
    assert [defect.reason for defect in parse_result.defects] == [
        "expected a fraction, found initialMargin 0.8 at 125.00x in percent"
    ]
    assert len(parse_result.schedules) == 299


def test_bybit_tiers_are_ordered_by_limit_not_by_risk_id() -> None:
    def reverse(document: Any) -> None:
        document["result"]["list"].reverse()

    snapshot = recorded.of_venue("bybit")[0]
    parse_result = parsed(changed(snapshot, bybit.RISK_LIMIT, reverse))
    for schedule in recorded.schedules("bybit"):
        reread = only(parse_result.schedules, schedule.instrument.symbol)
        assert reread.tiers == schedule.tiers


def test_bybit_published_deduction_is_the_continuous_one_on_all_8410_rows() -> None:
    rows = 0
    for schedule in recorded.schedules("bybit"):
        function = value_of(schedule.maintenance)
        assert function is not None
        for tier, piece in zip(schedule.tiers, function.pieces, strict=True):
            assert (tier.deduction or 0) == -piece.fixed
            rows += 1
    assert rows == 8410


@pytest.mark.parametrize(
    ("id_", "symbol", "expiry"),
    [
        ("BTCUSDT", "BTC/USDT:USDT", None),
        ("BTCPERP", "BTC/USDC:USDC", None),
        ("BTC-26SEP25", "BTC/USDC:USDC-250926", date(2025, 9, 26)),
        ("BTCUSDT-26SEP25", "BTC/USDT:USDT-250926", date(2025, 9, 26)),
        ("SHIB1000USDT", "SHIB1000/USDT:USDT", None),
    ],
)
def test_bybit_symbols_name_quote_and_expiry(id_: str, symbol: str, expiry: date | None) -> None:
    instrument = bybit.parse_symbol(id_)
    assert (instrument.symbol, instrument.expiry) == (symbol, expiry)


# bitget


def test_bitget_amounts_that_ccxt_labels_btc_are_quote_value() -> None:
    schedule = recorded.schedule("bitget", "BTC/USDT:USDT", "any")
    assert uppers(schedule)[:2] == [Decimal(150000), Decimal(900000)]
    assert schedule.evidence[0].conversion is not None
    assert schedule.evidence[0].conversion.formula == "1 USDT counts as 1 USD"


def test_bitget_is_flat_before_2025_11_10_and_marginal_from_then_on() -> None:
    recorded_rule = recorded.schedule("bitget", "BTC/USDT:USDT", "any").rule
    assert recorded_rule is TierRule.FLAT
    snapshot = recorded.of_venue("bitget")[-1]
    later = dated(snapshot, datetime(2025, 11, 10, 8, tzinfo=UTC))
    schedule = only(parsed(later).schedules, "BTC/USDT:USDT")
    assert schedule.rule is TierRule.MARGINAL
    function = value_of(schedule.maintenance)
    assert function is not None
    assert [-piece.fixed for piece in function.pieces[:2]] == [0, Decimal(150)]


def dated(snapshot: Snapshot, when: datetime) -> Snapshot:
    payloads = tuple(
        Payload.of(payload.venue, payload.call, when, payload.provenance, payload.content)
        for payload in snapshot.payloads
    )
    return Snapshot(snapshot.venue, when, payloads, snapshot.complete)


# okx


def test_okx_sizes_that_ccxt_labels_usdt_are_contracts_of_a_hundredth_bitcoin() -> None:
    schedule = recorded.schedule("okx", "BTC/USDT:USDT")
    price = Decimal("80504.47")
    assert uppers(schedule)[0] == 1000 * Decimal("0.01") * price
    assert uppers(schedule)[-1] == 1940000 * Decimal("0.01") * price
    assert isinstance(schedule.maintenance, Derived)
    assert "2026-08-27" in schedule.maintenance.derivation


def test_okx_tier_begins_where_the_one_before_ends_although_min_size_is_a_step_above() -> None:
    schedule = recorded.schedule("okx", "ETH/USDT:USDT")
    assert len(schedule.tiers) == 99
    assert schedule.tiers[0].lower == 0
    assert all(tier.lower is None for tier in schedule.tiers[1:])
    assert all(below < above for below, above in pairwise(uppers(schedule)))


def test_okx_without_a_price_has_no_margin() -> None:
    parse_result = parsed(without(recorded.of_venue("okx")[0], "recordedPrice"))
    schedule = only(parse_result.schedules, "BTC/USDT:USDT")
    assert schedule.initial == Unknown("the snapshot has no price of BTC")
    assert schedule.maintenance == schedule.initial
    assert isinstance(schedule.capacity, Unknown)


def test_okx_without_a_contract_value_is_a_defect() -> None:
    parse_result = parsed(without(recorded.of_venue("okx")[0], okx.INSTRUMENTS))
    assert parse_result.schedules == ()
    assert all("no contract value" in defect.reason for defect in parse_result.defects)


# mexc


def test_mexc_levels_come_from_risk_limit_custom_although_the_increment_is_zero() -> None:
    schedule = recorded.schedule("mexc", "BTC/USDT:USDT")
    function = value_of(schedule.maintenance)
    assert function is not None
    assert [piece.rate for piece in function.pieces] == [
        Decimal(text) for text in ("0.001", "0.004", "0.005", "0.01", "0.02", "0.05")
    ]


def test_mexc_volumes_are_contracts_of_a_ten_thousandth_bitcoin_at_the_fair_price() -> None:
    schedule = recorded.schedule("mexc", "BTC/USDT:USDT")
    assert uppers(schedule)[0] == 50000 * Decimal("0.0001") * Decimal("80318.2")


def test_mexc_limits_by_value_are_not_multiplied_by_a_price() -> None:
    def by_value(document: Any) -> None:
        document["data"][0]["riskLimitType"] = "BY_VALUE"

    parse_result = parsed(changed(recorded.of_venue("mexc")[0], mexc.DETAIL, by_value))
    assert uppers(only(parse_result.schedules, "BTC/USDT:USDT"))[0] == 50000


def test_mexc_without_fair_prices_has_no_margin() -> None:
    parse_result = parsed(without(recorded.of_venue("mexc")[0], mexc.TICKER))
    assert all(isinstance(schedule.maintenance, Unknown) for schedule in parse_result.schedules)


# htx


def test_htx_tiers_of_two_leverages_are_two_schedules_not_one_list() -> None:
    def second(document: Any) -> None:
        levers = document["data"][0]["list"]
        levers.append({**levers[0], "lever_rate": 20})

    snapshot = recorded.of_venue("htx")[0]
    parse_result = parsed(changed(snapshot, htx.ISOLATED, second))
    profiles = [str(schedule.profile) for schedule in parse_result.schedules]
    assert profiles == ["cross, at 1x", "isolated, at 125x", "isolated, at 20x"]
    slow = next(
        schedule
        for schedule in parse_result.schedules
        if str(schedule.profile) == "isolated, at 20x"
    )
    assert [tier.maintenance_rate for tier in slow.tiers] == [
        Decimal(text) / 20 for text in ("0.65", "0.8", "0.85")
    ]


def test_htx_maintenance_is_the_adjustment_factor_over_the_leverage() -> None:
    schedule = recorded.schedule("htx", "BTC/USDT:USDT")
    assert schedule.tiers[0].maintenance_rate == Decimal("0.65") / 125
    assert schedule.origin is Origin.DOCUMENTATION


def test_htx_sizes_are_contracts_of_a_thousandth_bitcoin() -> None:
    schedule = recorded.schedule("htx", "BTC/USDT:USDT")
    assert uppers(schedule)[0] == 8999 * Decimal("0.001") * Decimal("13052.19")


# krakenfutures


def test_kraken_lower_bounds_have_different_keys_for_dollars_and_for_contracts() -> None:
    flexible = recorded.schedule("krakenfutures", "BTC/USD:USD", "any")
    inverse = recorded.schedule("krakenfutures", "BTC/USD:BTC", "any")
    assert flexible.evidence[0].columns[0].key == "/numNonContractUnits"
    assert inverse.evidence[0].columns[0].key == "/contracts"
    assert [uppers(flexible)[0], uppers(inverse)[0]] == [1_000_000, 500_000]
    assert inverse.instrument.payoff is Payoff.INVERSE


def test_kraken_last_tier_ends_at_the_largest_position_in_coins_at_the_mark() -> None:
    schedule = recorded.schedule("krakenfutures", "BTC/USD:USD", "any")
    assert value_of(schedule.capacity) == 1200 * Decimal("80758.44014980957")
    assert schedule.tiers[-1].upper == value_of(schedule.capacity)


def test_kraken_xbt_is_bitcoin() -> None:
    assets = {
        schedule.instrument.underlying.asset for schedule in recorded.schedules("krakenfutures")
    }
    assert assets == {"ADA", "BTC", "DOGE", "ETH", "SOL", "XRP"}


def test_kraken_retail_and_professional_schedules_are_kept_apart() -> None:
    profiles = {
        str(schedule.profile)
        for schedule in recorded.schedules("krakenfutures")
        if schedule.instrument.symbol == "BTC/USD:BTC"
    }
    assert {"any", "retail", "retail europa", "professional dlt"} <= profiles
    retail = recorded.schedule("krakenfutures", "BTC/USD:BTC", "retail")
    assert retail.tiers[0].initial_rate == Decimal("0.5")


# kucoin


def test_kucoin_cross_and_isolated_are_two_profiles() -> None:
    schedules = [
        schedule
        for schedule in recorded.schedules("kucoin")
        if schedule.instrument.symbol == "BTC/USDT:USDT"
        and schedule.profile.account_class == "classic"
    ]
    assert {(schedule.profile.margin_mode, schedule.rule) for schedule in schedules} == {
        (MarginMode.CROSS, TierRule.CONTINUOUS),
        (MarginMode.ISOLATED, TierRule.FLAT),
    }


@pytest.mark.parametrize(
    ("symbol", "coins", "mark", "initial", "maintenance"),
    [
        ("BTC/USDT:USDT", "12.102", "80689.98", 0.008, 0.00416136),  # the SDK's sample limit
        ("ETH/USDT:USDT", "0.02", None, 0.01, 0.0050000243),  # a live position's ratio
    ],
)
def test_kucoin_cross_rates_are_the_published_ones(
    symbol: str, coins: str, mark: str | None, initial: float, maintenance: float
) -> None:
    schedule = recorded.schedule("kucoin", symbol, "cross, classic")
    conversion = schedule.evidence[0].conversion
    assert conversion is not None
    price = conversion.factors[0].value
    assert mark is None or price == Decimal(mark)
    notional = float(Decimal(coins) * price)
    for observed, rate in ((schedule.initial, initial), (schedule.maintenance, maintenance)):
        function = value_of(observed)
        assert function is not None
        assert build_panel([function]).at(0, notional) / notional == pytest.approx(rate, rel=1e-8)


def test_kucoin_xbt_is_bitcoin_and_isolated_amounts_are_quote_value() -> None:
    schedule = recorded.schedule("kucoin", "BTC/USDT:USDT", "isolated, classic")
    assert uppers(schedule)[0] == 100_000
    assert schedule.origin is Origin.DOCUMENTATION


# hyperliquid


def test_hyperliquid_table_id_below_50_is_one_tier_of_that_leverage() -> None:
    schedule = recorded.schedule("hyperliquid", "ATOM/USDC:USDC")
    assert [(tier.upper, tier.initial_rate, tier.maintenance_rate) for tier in schedule.tiers] == [
        (INFINITY, Decimal("0.2"), Decimal("0.1"))
    ]


def test_hyperliquid_table_of_another_date_is_never_joined() -> None:
    schedule = recorded.schedule("hyperliquid", "DOGE/USDC:USDC")
    assert schedule.initial == Unknown("margin table 52 is not in the recording")


def test_hyperliquid_delisted_markets_are_excluded() -> None:
    assert all(
        schedule.instrument.symbol != "MATIC/USDC:USDC"
        for schedule in recorded.schedules("hyperliquid")
    )


def test_hyperliquid_k_stands_for_a_thousand() -> None:
    schedule = recorded.schedule("hyperliquid", "kPEPE/USDC:USDC")
    assert schedule.instrument.underlying.asset == "PEPE"
    assert schedule.instrument.underlying.multiplier == 1000


def test_hyperliquid_market_without_any_tables_is_unknown() -> None:
    def bare(document: Any) -> None:
        del document["marginTables"]

    parse_result = parsed(changed(recorded.of_venue("hyperliquid")[0], hyperliquid.INFO, bare))
    assert isinstance(only(parse_result.schedules, "BTC/USDC:USDC").initial, Unknown)
    assert isinstance(only(parse_result.schedules, "ATOM/USDC:USDC").initial, Known)


# gate


def test_gate_step_and_maximum_are_not_read_as_tiers() -> None:
    schedule = recorded.schedule("gate", "BTC/USDT:USDT")
    function = value_of(schedule.maintenance)
    assert function is not None
    assert len(function.pieces) == 1
    assert function.upper == 500_000
    assert value_of(schedule.capacity) == 1_500_000_000
    assert isinstance(schedule.maintenance, Derived)


def test_gate_tiers_are_flat_before_2025_07_29_and_marginal_from_then_on() -> None:
    rules = {
        day: fact.maintenance
        for day in (date(2025, 7, 28), date(2025, 7, 29))
        for fact in [facts.bundled().find("gate", Payoff.LINEAR, MarginMode.ANY, day)]
        if fact is not None
    }
    assert list(rules.values()) == [TierRule.FLAT, TierRule.MARGINAL]


def test_gate_risk_limit_tiers_precede_the_contract_fields() -> None:
    tiers = [
        {
            "contract": "BTC_USDT",
            "tier": 1,
            "risk_limit": "500000",
            "initial_rate": "0.02",
            "maintenance_rate": "0.01",
            "leverage_max": "50",
            "deduction": "0",
        },
        {
            "contract": "BTC_USDT",
            "tier": 2,
            "risk_limit": "1000000",
            "initial_rate": "0.03",
            "maintenance_rate": "0.02",
            "leverage_max": "33.33",
            "deduction": "5000",
        },
    ]
    snapshot = recorded.of_venue("gate")[0]
    contract_list = snapshot.payloads[0]
    answer = Payload.of(
        "gate",
        Call(gate.TIERS),
        contract_list.observed_at,
        contract_list.provenance,
        written(tiers),
    )
    both = Snapshot("gate", snapshot.observed_at, (*snapshot.payloads, answer), complete=False)
    parse_result = parsed(both)
    schedule = only(parse_result.schedules, "BTC/USDT:USDT")
    function = value_of(schedule.maintenance)
    assert function is not None
    assert [piece.upper for piece in function.pieces] == [500_000, 1_000_000]
    assert [-piece.fixed for piece in function.pieces] == [0, 5000]
    assert len(parse_result.schedules) == 3


# deribit


def test_deribit_maximum_leverage_alone_gives_no_maintenance_margin() -> None:
    schedule = recorded.schedule("deribit", "ETH/USDT:USDT")
    assert isinstance(schedule.maintenance, Unknown)
    assert schedule.exclusion_reason == "only the maximum leverage is published"


def test_deribit_slope_rises_with_coins_and_stands_on_documentation() -> None:
    schedule = recorded.schedule("deribit", "BTC/USD:BTC")
    assert schedule.origin is Origin.DOCUMENTATION
    function = value_of(schedule.initial)
    assert function is not None
    first = function.pieces[0]
    assert first.rate == Decimal("0.02")
    assert first.coefficient * Decimal("62823.64") == pytest.approx(
        Decimal("0.00005"), rel=Decimal("1e-25")
    )


def test_deribit_without_slopes_has_no_maintenance_margin() -> None:
    parse_result = parsed(without(recorded.of_venue("deribit")[0], deribit.SLOPES))
    assert all(isinstance(schedule.maintenance, Unknown) for schedule in parse_result.schedules)


# dydx


def test_dydx_initial_margin_rises_with_open_interest_and_maintenance_does_not() -> None:
    scaled = scaled_initial(
        base=Decimal("0.2"),
        open_interest=Decimal(1_234_567),
        lower=Decimal(1_000_000),
        upper=Decimal(2_000_000),
    )
    assert int(scaled * 10**6) == 387_653  # published, rounded down to parts per million
    eth = recorded.schedule("dydx", "ETH/USDC:USDC")
    assert (eth.tiers[0].initial_rate, eth.tiers[0].maintenance_rate) == (
        Decimal("0.05"),
        Decimal("0.03"),
    )


def test_dydx_isolated_markets_are_isolated() -> None:
    modes = {str(schedule.profile) for schedule in recorded.schedules("dydx")}
    assert modes == {"cross", "isolated"}


def test_kucoin_unknown_cross_limit_is_unknown_capacity() -> None:
    def unlimited(document: Any) -> None:
        document["data"][0]["crossRiskLimit"] = None

    parse_result = parsed(changed(recorded.of_venue("kucoin")[0], kucoin.CONTRACTS, unlimited))
    schedule = next(
        schedule for schedule in parse_result.schedules if schedule.instrument.id == "XBTUSDTM"
    )
    assert isinstance(schedule.capacity, Unknown)


def test_bitget_answer_with_two_symbols_is_a_defect() -> None:
    def mixed(document: Any) -> None:
        document["data"][1]["symbol"] = "ETHUSDT"

    parse_result = parsed(changed(recorded.of_venue("bitget")[-1], bitget.LEVERS, mixed))
    assert len(parse_result.defects) == 1
    assert "expected one symbol" in parse_result.defects[0].reason
