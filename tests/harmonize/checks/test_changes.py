"""What the checks of change say, to the figure; windows and counts by hand."""

from dataclasses import replace
from datetime import timedelta

import pytest

from harmonize.document import Finding, Interval, Verdict
from tests.harmonize.checks.examples import (
    CRASH,
    HALF,
    NEAR,
    NIGHTLY,
    NOW,
    Case,
    after,
    nights,
    since,
    stressed,
)


def found(case: Case, code: str, **options: float) -> list[Finding]:
    return [one for one in case.audited({code: options}).findings if one.code == code]


def test_a_rise_names_its_size_and_where_it_holds() -> None:
    initial, maintenance = found(after(HALF, NEAR), "MH601")
    assert (initial.margin_type, maintenance.margin_type) == ("initial", "maintenance")
    assert initial.deviation == pytest.approx(1.0)
    assert initial.intervals == (Interval(0.0, 50_000.0),)
    assert initial.message == (
        "IM at $1 rose by 100 % between 2026-03-08 and 2026-03-09; higher on $0 to $50,000"
    )


def test_a_rise_of_exactly_the_threshold_counts_and_one_below_does_not() -> None:
    assert found(after(HALF, NEAR), "MH601", rise=1.0)
    assert not found(after(HALF, NEAR), "MH601", rise=1.0001)


@pytest.mark.parametrize(("days", "told"), [(0.03, False), (0.05, True)])
def test_only_what_was_observed_in_the_last_days_counts(days: float, told: bool) -> None:  # noqa: FBT001 - the case
    """The change was observed an hour before the audit: 1/24 of a day."""
    assert bool(found(after(HALF, NEAR), "MH601", days=days)) is told


def test_a_change_observed_after_the_audit_is_none() -> None:
    case = after(HALF, NEAR)
    (dated,) = case.lately.changes
    later = replace(dated.change, after=f"{NOW + timedelta(hours=1):%Y-%m-%dT%H:%M:%SZ}")
    ahead = replace(case, lately=replace(case.lately, changes=(replace(dated, change=later),)))
    assert not found(ahead, "MH601")


def test_loosening_below_the_reference_names_the_rule_set_and_the_sizes_of_both() -> None:
    initial, maintenance = found(after(NEAR, HALF), "MH602")
    assert {initial.rule_set, maintenance.rule_set} == {"harmonized-baseline"}
    assert initial.verdict is Verdict.UNDER
    assert initial.intervals == (Interval(0.0, 50_000.0),)


def test_silent_changes_are_counted_by_venue() -> None:
    (one,) = found(after(HALF, NEAR), "MH603")
    assert one.message == (
        "1 schedule changed between 2026-03-08 and 2026-03-09 without a time from which the change "
        "holds: BTC/USDT:USDT"
    )


def test_two_spans_about_one_window_are_two_findings() -> None:
    other = replace(CRASH, since="2025-09-01T01:00:00Z")
    marks = {one.fingerprint for one in found(stressed(CRASH, other), "MH604")}
    assert len(marks) == 2


def test_standing_still_is_counted_from_the_newest_observation() -> None:
    (one,) = found(since(400), "MH605")
    assert one.message.startswith(
        "1 of 1 schedule unchanged for more than 365 days up to 2026-03-10"
    )


def test_missed_nights_are_counted_and_the_longest_is_named() -> None:
    seen = [one for one in NIGHTLY if one not in {48.0, 120.0, 144.0}] + [288.0]
    (one,) = found(nights(*seen), "MH606")
    assert one.message == (
        "not observed for more than 36 hours 2 times in 30 days; longest from 2026-03-03 00:00 to "
        "2026-03-06 00:00 UTC"
    )


def test_the_time_since_the_newest_observation_counts_too() -> None:
    late = nights(*(one + 40.0 for one in NIGHTLY))
    (one,) = found(late, "MH606")
    assert "once" in one.message


def test_who_is_observed_now_and_then_misses_no_night() -> None:
    assert not found(nights(0.0, 100.0, 300.0), "MH606")
