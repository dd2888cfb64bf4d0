"""The Python interface: questions, answers, and tables as pandas."""

from datetime import UTC, date, datetime

import pytest

from harmonize.api.audit import (
    Question,
    RequestError,
    age_today,
    answer,
    find_schedule,
    frame,
    read,
)
from tests.support import recorded


def test_a_question_selects_venues_underlyings_and_profiles() -> None:
    answered = answer(Question(venues=("krakenfutures",), underlyings=("BTC",), profile="retail"))
    assert answered.complete
    profiles = {(schedule.symbol, schedule.profile) for schedule in answered.document.schedules}
    assert profiles == {("BTC/USD:BTC", "retail"), ("BTC/USD:USD", "retail")}


def test_as_of_reads_only_what_was_observed_by_then() -> None:
    reading, as_of = read(Question(as_of=date(2025, 12, 31)))
    assert as_of == datetime(2025, 12, 31, 23, 59, 59, 999999, UTC)
    venues = {snapshot.venue for _, snapshot in reading.snapshots}
    assert {"binance", "bitget", "bybit", "dydx", "htx", "hyperliquid"} <= venues
    assert {"gate", "mexc", "okx"}.isdisjoint(venues)
    assert all(snapshot.observed_at.year < 2026 for _, snapshot in reading.snapshots)
    btc = next(
        schedule for schedule in reading.schedules if schedule.instrument.symbol == "BTC/USDC:USDC"
    )
    assert btc.observed_at.year < 2026


def test_findings_as_a_pandas_table_are_the_documents() -> None:
    document = recorded.audited().document
    table = frame(document, "findings")
    assert len(table) == len(document.findings)
    counts = table.groupby("code").size().to_dict()
    assert counts["MH402"] == sum(finding.code == "MH402" for finding in document.findings)
    with pytest.raises(AttributeError):
        frame(document, "nothing")


def test_age_is_counted_by_the_clock_given() -> None:
    ages = age_today(recorded.audited().document, datetime(2026, 10, 5, tzinfo=UTC))
    assert ages["hyperliquid"].days == 10
    assert ages["binance"].days == 95


def test_a_schedule_is_found_by_the_unified_symbol_or_the_venues_own() -> None:
    by_id, _, _ = find_schedule(Question(venues=("kucoin",)), "xbtusdtm")
    by_symbol, others, payloads = find_schedule(Question(venues=("kucoin",)), "BTC/USDT:USDT")
    assert by_id == by_symbol
    assert others == ("cross, unified", "isolated, classic")
    assert by_symbol.evidence[0].sha256 in payloads


def test_an_unobserved_symbol_lists_similar_ones() -> None:
    with pytest.raises(LookupError, match=r"; did you mean BTC/USDT:USDT\?$"):
        find_schedule(Question(venues=("okx",)), "BTC/USDT")


def test_an_unknown_venue_names_the_command_that_lists_them() -> None:
    with pytest.raises(RequestError, match=r"unknown venue ftxx; see `harmonize venues` for"):
        read(Question(venues=("ftxx",)))
