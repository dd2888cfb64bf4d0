"""Tests of venues that share an order book: they count once where their margins are equal."""

from dataclasses import replace
from datetime import timedelta

import pytest

from harmonize.comparison.peers import exclusion_reason
from harmonize.comparison.shared_books import with_shared_books
from harmonize.core.schedule import MarginSchedule
from harmonize.document import CoverageStatus
from reports.lookup import Lookup
from tests.harmonize.checks.examples import STEEP, flat_schedule
from tests.support import recorded
from tests.support.sample_documents import sample


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


@pytest.mark.parametrize("rates", [("0.2", "0.05"), ("0.1", "0.04"), ("0.2", "0.1")])
def test_other_margins_of_either_kind_count_apart(rates: tuple[str, str]) -> None:
    own, other = flat_schedule((20_000, "0.1", "0.05")), flat_schedule((20_000, *rates))
    assert counted_with(on("a", "Orderly", own), on("b", "Orderly", own)) == ["", "a"]
    assert counted_with(on("a", "Orderly", own), on("b", "Orderly", other)) == ["", ""]


@pytest.mark.parametrize(
    "excluded",
    [
        {"identity_doubt": "another asset"},
        {"not_trading": "expired"},
        {"exclusion_reason": "the first tier alone"},
    ],
)
def test_a_schedule_that_is_excluded_for_another_reason_counts_for_none(
    excluded: dict[str, str],
) -> None:
    later = STEEP.observed_at + timedelta(days=1)
    doubted = replace(on("modetrade", "Orderly"), observed_at=later, **excluded)  # type: ignore[arg-type]
    judged = with_shared_books((doubted, on("woofipro", "Orderly")))
    assert [schedule.counted_with for schedule in judged] == ["", ""]
    assert [exclusion_reason(schedule) for schedule in judged] == [*excluded.values(), ""]
    three = (doubted, on("woofipro", "Orderly"), on("zeta", "Orderly"))
    assert counted_with(*three) == ["", "", "woofipro"]


def test_another_book_counts_apart() -> None:
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


def test_figures_name_both_venues_of_a_book() -> None:
    document = sample()
    comparison = document.comparisons[0]
    member = replace(comparison.members[-1], counted_with="venue-a", included=False)
    shared = replace(comparison, members=(*comparison.members[:-1], member))
    lookup = Lookup(replace(document, comparisons=(shared,)))
    names = lookup.named(comparison.underlying, ("venue-a", "venue-b"))
    assert names == [f"venue-a (and {member.venue})", "venue-b"]
    assert lookup.named("XYZ", ("venue-a",)) == ["venue-a"]
