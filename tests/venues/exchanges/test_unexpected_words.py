"""Unknown words and structures in payloads; each becomes a defect with its place."""

from datetime import timedelta
from typing import Any

import pytest

from harmonize.core.payload import Call, Payload, Snapshot
from harmonize.core.schedule import Derived, Known, Unknown, value_of
from harmonize.core.yaml_source import YamlSourceError
from tests.support import recorded
from tests.support.altered_snapshots import changed, parsed, without, written
from venues import facts, registry
from venues.exchanges import (
    binance,
    bitget,
    bybit,
    deribit,
    dydx,
    gate,
    htx,
    hyperliquid,
    krakenfutures,
    kucoin,
    mexc,
    okx,
)
from venues.facts import Confidence, Facts
from venues.registry import find_adapter


def snapshot_of(venue: str, method: str = "") -> Snapshot:
    """Newest snapshot, or the newest with a response to ``method``."""
    snapshots = recorded.of_venue(venue)
    return next(snapshot for snapshot in snapshots if not method or snapshot.answers(method))


def row_of(document: Any, *path: str | int) -> Any:
    for step in path:
        document = document[step]
    return document


@pytest.mark.parametrize(
    ("venue", "method", "path", "key", "value", "message"),
    [
        ("binance", binance.BRACKETS, (0,), "symbol", "BTCEUR", "expected a symbol that ends in"),
        (
            "bybit",
            bybit.RISK_LIMIT,
            ("result", "list", 0),
            "symbol",
            "BTCEUR",
            "linear or inverse contract",
        ),
        (
            "bybit",
            bybit.RISK_LIMIT,
            ("result", "list", 0),
            "symbol",
            "BTC-99XYZ25",
            "expected an expiry",
        ),
        ("bybit", bybit.RISK_LIMIT, ("result", "list", 0), "symbol", "X", "lowest tier is missing"),
        ("bitget", bitget.LEVERS, ("data", 0), "symbol", "BTCEUR", "expected one symbol"),
        ("okx", okx.INSTRUMENTS, ("data", 1), "ctType", "strange", "expected linear or inverse"),
        ("okx", okx.TIERS, ("data", 3), "instFamily", "XRP-USDT", "expected a family among"),
        ("mexc", mexc.DETAIL, ("data", 0), "riskLimitMode", "NEW", "one of CUSTOM, INCREASE"),
        ("mexc", mexc.DETAIL, ("data", 0), "riskLimitType", "BY_X", "BY_VALUE or BY_VOLUME"),
        ("gate", gate.CONTRACTS, (0,), "name", "BTC_EUR", "expected BASE_USDT"),
        ("htx", htx.ISOLATED, ("data", 0), "margin_mode", "both", "expected cross or isolated"),
        ("htx", htx.ISOLATED, ("data", 0), "contract_code", "BTC-EUR", "expected BASE-USDT"),
        ("htx", htx.ISOLATED, ("data", 0), "contract_code", "BTC-USDT-99", "expected an expiry"),
        ("dydx", dydx.MARKETS, ("markets", "BTC-USD"), "ticker", "BTC", "expected BASE-USD"),
        ("dydx", dydx.MARKETS, ("markets", "BTC-USD"), "marketType", "X", "CROSS or ISOLATED"),
        (
            "deribit",
            deribit.INSTRUMENTS,
            ("result", 0),
            "expiration_timestamp",
            10**15,
            "milliseconds",
        ),
        (
            "kucoin",
            kucoin.CONTRACTS,
            ("data", 0),
            "mmrLimit",
            0.001,
            "above the formula's lowest rate",
        ),
        (
            "krakenfutures",
            krakenfutures.INSTRUMENTS,
            ("instruments", 2),
            "type",
            "x",
            "expected one of",
        ),
        ("hyperliquid", hyperliquid.INFO, ("universe", 0), "marginTableId", "56", "a table id"),
    ],
)
def test_an_unexpected_word_is_a_defect_with_its_place(  # noqa: PLR0913, PLR0917 - the parameters of a case
    venue: str, method: str, path: tuple[str | int, ...], key: str, value: object, message: str
) -> None:
    def change(document: Any) -> None:
        row_of(document, *path)[key] = value

    snapshot = snapshot_of(venue, method)
    parse_result = parsed(changed(snapshot, method, change))
    messages = [f"{defect.where}: {defect.reason}" for defect in parse_result.defects]
    assert any(message in text for text in messages), messages
    assert len(parse_result.schedules) < len(parsed(snapshot).schedules)


def test_mexc_increasing_levels_are_built_and_marked_as_derived() -> None:
    def increase(document: Any) -> None:
        document["data"][0] |= {
            "riskLimitMode": "INCREASE",
            "riskBaseVol": 500,
            "riskIncrVol": 250,
            "riskLevelLimit": 3,
            "initialMarginRate": "0.05",
            "maintenanceMarginRate": "0.02",
            "riskIncrImr": "0.5",
            "riskIncrMmr": "0.01",
        }

    parse_result = parsed(changed(snapshot_of("mexc"), mexc.DETAIL, increase))
    schedule = next(
        schedule for schedule in parse_result.schedules if schedule.instrument.id == "BTC_USDT"
    )
    dollars = [float(tier.upper) / (0.0001 * 80318.2) for tier in schedule.tiers]
    assert dollars == pytest.approx([500, 750, 1000])
    rates = [
        (float(tier.initial_rate or 0), float(tier.maintenance_rate or 0))
        for tier in schedule.tiers
    ]
    assert rates == [(0.05, 0.02), (0.55, 0.03), (1.0, 0.04)]
    assert isinstance(schedule.initial, Derived)


@pytest.mark.parametrize("count", [0, 2.5, 10**6])
def test_mexc_level_count_must_be_a_count(count: float) -> None:
    def strange(document: Any) -> None:
        document["data"][0] |= {"riskLimitMode": "INCREASE", "riskLevelLimit": count}

    parse_result = parsed(changed(snapshot_of("mexc"), mexc.DETAIL, strange))
    assert "/data/0/riskLevelLimit" in parse_result.defects[0].where


def test_okx_mark_of_the_same_snapshot_precedes_an_archived_price() -> None:
    snapshot = snapshot_of("okx")
    base = snapshot.payloads[0]
    marks = written({"data": [{"instId": "BTC-USDT-SWAP", "markPx": "80000"}]})
    mark = Payload.of("okx", Call(okx.MARKS), base.observed_at, base.provenance, marks)
    more = Snapshot("okx", snapshot.observed_at, (*snapshot.payloads, mark), complete=False)
    schedule = next(
        schedule
        for schedule in parsed(more).schedules
        if schedule.instrument.symbol == "BTC/USDT:USDT"
    )
    assert schedule.tiers[0].upper == 1000 * 80000 / 100


def test_okx_contract_value_in_dollars_needs_no_price() -> None:
    def inverse(document: Any) -> None:
        document["data"][1] |= {"ctType": "inverse", "ctVal": "100", "ctValCcy": "USD"}
        document["data"][1]["settleCcy"] = "BTC"

    snapshot = without(snapshot_of("okx"), "recordedPrice")
    parse_result = parsed(changed(snapshot, okx.INSTRUMENTS, inverse))
    schedule = next(
        schedule for schedule in parse_result.schedules if schedule.instrument.id == "BTC-USDT-SWAP"
    )
    assert schedule.tiers[0].upper == 100_000


def test_okx_tiers_requested_in_an_unknown_mode_are_refused() -> None:
    snapshot = snapshot_of("okx")
    payloads = tuple(
        Payload.of(
            "okx",
            Call(payload.call.method, (("instFamily", "BTC-USDT"),)),
            payload.observed_at,
            payload.provenance,
            payload.content,
        )
        if payload.call.method == okx.TIERS
        else payload
        for payload in snapshot.payloads
    )
    bare = Snapshot("okx", snapshot.observed_at, payloads, complete=False)
    assert all("tdMode" in defect.reason for defect in parsed(bare).defects)


def test_bybit_symbol_on_two_pages_is_refused() -> None:
    snapshot = snapshot_of("bybit")
    page = snapshot.payloads[0]
    call = Call(page.call.method, (("category", "linear"), ("cursor", "2")))
    copy = Payload.of("bybit", call, page.observed_at, page.provenance, page.content + b"\n")
    both = Snapshot("bybit", snapshot.observed_at, (page, copy), complete=False)
    parse_result = parsed(both)
    assert parse_result.schedules == ()
    assert "tiers on two pages" in parse_result.defects[0].reason


def test_kraken_capacity_of_another_day_is_derived_and_without_a_mark_unknown() -> None:
    snapshot = snapshot_of("krakenfutures")
    bare = parsed(without(snapshot, krakenfutures.TICKERS)).schedules
    flexible = next(schedule for schedule in bare if schedule.instrument.symbol == "BTC/USD:USD")
    assert isinstance(flexible.capacity, Unknown)
    assert not flexible.tiers[-1].upper.is_finite()
    inverse = next(schedule for schedule in bare if schedule.instrument.symbol == "BTC/USD:BTC")
    assert isinstance(inverse.capacity, Known)
    later = tuple(
        Payload.of(
            payload.venue,
            payload.call,
            payload.observed_at + timedelta(days=payload.call.method == krakenfutures.TICKERS),
            payload.provenance,
            payload.content,
        )
        for payload in snapshot.payloads
    )
    mixed = parsed(Snapshot(snapshot.venue, snapshot.observed_at, later, complete=False))
    flexible = next(
        schedule for schedule in mixed.schedules if schedule.instrument.symbol == "BTC/USD:USD"
    )
    assert isinstance(flexible.capacity, Derived)


def test_kraken_contracts_that_are_not_tradeable_or_expire_are_distinguished() -> None:
    def change(document: Any) -> None:
        document["instruments"][0]["tradeable"] = False
        document["instruments"][1]["lastTradingTime"] = "2026-12-25T15:00:00Z"

    parse_result = parsed(changed(snapshot_of("krakenfutures"), krakenfutures.INSTRUMENTS, change))
    symbols = {schedule.instrument.symbol for schedule in parse_result.schedules}
    assert "BTC/USD:BTC" not in symbols
    assert "ETH/USD:ETH-261225" in symbols


def test_kraken_level_above_the_largest_position_is_never_reached() -> None:
    def small(document: Any) -> None:
        document["instruments"][0]["maxPositionSize"] = 1_000_000

    parse_result = parsed(changed(snapshot_of("krakenfutures"), krakenfutures.INSTRUMENTS, small))
    schedule = next(
        schedule
        for schedule in parse_result.schedules
        if schedule.instrument.symbol == "BTC/USD:BTC" and str(schedule.profile) == "any"
    )
    assert [int(tier.upper) for tier in schedule.tiers] == [500_000, 1_000_000]


def test_without_a_fact_for_the_day_nothing_is_known() -> None:
    no_facts = Facts(())
    for venue in ("binance", "krakenfutures"):
        venue_adapter = find_adapter(venue)
        assert venue_adapter is not None
        parse_result = venue_adapter.parse(snapshot_of(venue), no_facts)
        assert all(isinstance(schedule.maintenance, Unknown) for schedule in parse_result.schedules)
        assert all(schedule.rule is None for schedule in parse_result.schedules)
    for venue in ("kucoin", "deribit"):
        venue_adapter = find_adapter(venue)
        assert venue_adapter is not None
        assert any(
            "no source states" in defect.reason
            for defect in venue_adapter.parse(snapshot_of(venue), no_facts).defects
        )


def test_a_fact_that_is_not_sourced_makes_the_margin_derived() -> None:
    doubtful = [fact for fact in facts.bundled().rows if fact.confidence is not Confidence.SOURCED]
    assert {"krakenfutures", "kucoin", "mexc"} <= {fact.venue for fact in doubtful}
    assert all(fact.derivation for fact in doubtful)
    schedule = recorded.schedule("mexc", "BTC/USDT:USDT")
    assert isinstance(schedule.maintenance, Derived)
    assert isinstance(schedule.initial, Known)
    assert value_of(schedule.fee.rate) is None


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("venue: binance", "facts.yaml:1:1: expected a list of facts"),
        ("- venue: binance", "facts.yaml:1:3: expected exactly the keys"),
    ],
)
def test_malformed_facts_are_reported_with_their_place(text: str, message: str) -> None:
    with pytest.raises(YamlSourceError, match=message.replace("(", "\\(")):
        facts.parse(text, "facts.yaml")


def test_a_fact_with_an_unknown_word_is_reported_with_its_place() -> None:
    lines = [
        "- venue: x",
        "  payoffs: [linear]",
        "  margin_modes: [any]",
        "  since: null",
        "  until: null",
        "  initial: stepped",
        "  maintenance: flat",
        "  meaning: liquidation trigger",
        "  fee: none",
        "  confidence: sourced",
        "  source: y",
    ]
    with pytest.raises(
        YamlSourceError,
        match=r"facts\.yaml:1:3: initial: expected one of flat, marginal, continuous; found 'stepped'",
    ):
        facts.parse("\n".join(lines), "facts.yaml")


@pytest.mark.parametrize(
    ("venue", "method", "path"),
    [
        ("binance", binance.BRACKETS, (0, "brackets")),
        ("bitget", bitget.LEVERS, ("data",)),
        ("okx", okx.TIERS, ("data",)),
        ("mexc", mexc.DETAIL, ("data", 0, "riskLimitCustom")),
        ("htx", htx.ISOLATED, ("data", 0, "list", 0, "ladders")),
    ],
)
@pytest.mark.parametrize("which", [0, 1])
def test_a_missing_tier_is_detected_by_its_number(
    venue: str, method: str, path: tuple[str | int, ...], which: int
) -> None:
    def drop(document: Any) -> None:
        del row_of(document, *path)[which]

    snapshot = snapshot_of(venue, method)
    parse_result = parsed(changed(snapshot, method, drop))
    assert any("expected tier" in defect.reason for defect in parse_result.defects)
    assert len(parse_result.schedules) < len(parsed(snapshot).schedules)


def test_bybit_missing_middle_tier_is_detected_by_the_deductions() -> None:
    def drop(document: Any) -> None:
        del document["result"]["list"][1]

    snapshot = snapshot_of("bybit")
    symbol = parsed(snapshot).schedules[0].instrument.symbol
    parse_result = parsed(changed(snapshot, bybit.RISK_LIMIT, drop))
    schedule = next(
        schedule for schedule in parse_result.schedules if schedule.instrument.symbol == symbol
    )
    assert isinstance(schedule.maintenance, Unknown)
    assert "expected a deduction of" in schedule.maintenance.reason
    assert schedule.initial == schedule.maintenance


def test_kucoin_missing_level_is_detected_by_its_lower_bound() -> None:
    def drop(document: Any) -> None:
        del document["data"][0]

    parse_result = parsed(changed(snapshot_of("kucoin"), kucoin.LEVELS, drop))
    schedule = next(
        schedule
        for schedule in parse_result.schedules
        if str(schedule.profile) == "isolated, classic"
    )
    assert isinstance(schedule.maintenance, Unknown)


@pytest.mark.parametrize("symbol", ["\ud800USDT", "BTC\x1b[31mUSDT", "", "BTC\nUSDT"])
def test_a_symbol_that_cannot_be_printed_is_a_defect(symbol: str) -> None:
    def rename(document: Any) -> None:
        document[0]["symbol"] = symbol

    parse_result = parsed(changed(snapshot_of("binance"), binance.BRACKETS, rename))
    assert len(parse_result.schedules) == 807
    assert parse_result.defects[0].reason.isprintable()


def test_an_instrument_that_is_listed_twice_is_a_defect_and_neither_is_kept() -> None:
    def double(document: Any) -> None:
        document.append({**document[0], "brackets": document[1]["brackets"]})

    snapshot = snapshot_of("binance")
    symbol = parsed(snapshot).schedules[0].instrument.symbol
    parse_result = registry.parse([changed(snapshot, binance.BRACKETS, double)], facts.bundled())
    assert [(defect.symbol, defect.reason) for defect in parse_result.defects] == [
        (symbol, "listed 2 times for profile any")
    ]
    assert symbol not in {schedule.instrument.symbol for schedule in parse_result.schedules}


def test_a_venue_that_this_version_cannot_read_is_a_defect() -> None:
    snapshot = snapshot_of("okx")
    foreign = Snapshot("ftx", snapshot.observed_at, snapshot.payloads, complete=True)
    parse_result = registry.parse([foreign], facts.bundled())
    assert parse_result.schedules == ()
    assert "unknown venue" in parse_result.defects[0].reason
