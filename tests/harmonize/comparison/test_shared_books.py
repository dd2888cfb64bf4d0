"""Tests of venues that share an order book: they count once where their margins are equal."""

from dataclasses import replace
from datetime import timedelta

from harmonize.comparison.peers import exclusion_reason
from harmonize.comparison.shared_books import with_shared_books
from harmonize.core.schedule import MarginSchedule
from harmonize.document import CoverageStatus
from tests.harmonize.checks.examples import STEEP, flat_schedule
from tests.support import recorded


def on(venue: str, order_book: str, schedule: MarginSchedule = STEEP) -> MarginSchedule:
    instrument = replace(STEEP.instrument, venue=venue, order_book=order_book)
    return replace(schedule, instrument=instrument)


def counted_with(*schedules: MarginSchedule) -> list[str]:
    return [schedule.counted_with for schedule in with_shared_books(schedules)]


def test_one_book_with_equal_margins_counts_once() -> None:
    own = on("okx", "")
    brokers = (on("modetrade", "Orderly"), on("woofipro", "Orderly"))
    assert counted_with(own, *brokers) == ["", "", "modetrade"]
    reason = exclusion_reason(with_shared_books(brokers)[1])
    assert reason == "one order book (Orderly) with modetrade, which counts for both"


def test_the_venue_observed_last_counts() -> None:
    later = replace(on("woofipro", "Orderly"), observed_at=STEEP.observed_at + timedelta(seconds=1))
    assert counted_with(on("modetrade", "Orderly"), later) == ["woofipro", ""]


def test_other_margins_or_another_book_count_apart() -> None:
    other = flat_schedule((20_000, "0.2", "0.1"))
    assert counted_with(on("a", "Orderly"), on("b", "Orderly", other)) == ["", ""]
    assert counted_with(on("a", "Orderly"), on("b", "Another")) == ["", ""]
    assert counted_with(on("a", ""), on("b", "")) == ["", ""]


def test_mode_trade_and_woofi_pro_are_one_market_in_the_recorded_archive() -> None:
    document = recorded.audited().document
    members = {
        (member.venue, comparison.underlying): member
        for comparison in document.comparisons
        for member in comparison.members
    }
    shared = [key for key in members if key[0] == "woofipro" and ("modetrade", key[1]) in members]
    assert shared
    for _, underlying in shared:
        woofi, mode = members["woofipro", underlying], members["modetrade", underlying]
        assert not (woofi.included and mode.included)
    rows = {row.venue for row in document.coverage if row.status is not CoverageStatus.OBSERVED}
    assert {"modetrade", "woofipro"} <= rows
