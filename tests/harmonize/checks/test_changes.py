"""Findings of the change checks, with numbers, windows and counts computed by hand."""

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
    after_change,
    in_stress,
    observed_before,
    unchanged_for,
)


def findings_of(case: Case, code: str, **options: float) -> list[Finding]:
    return [finding for finding in case.audited({code: options}).findings if finding.code == code]


def test_an_increase_states_its_size_and_its_ranges() -> None:
    initial, maintenance = findings_of(after_change(HALF, NEAR), "MH601")
    assert (initial.margin_type, maintenance.margin_type) == ("initial", "maintenance")
    assert initial.deviation == pytest.approx(1.0)
    assert initial.intervals == (Interval(0.0, 50_000.0),)
    assert initial.message == (
        "IM at $1 increased by 100.0 % between 2026-03-08 and 2026-03-09; higher on $0 to $50,000"
    )


def test_an_increase_at_the_threshold_counts_and_one_below_does_not() -> None:
    assert findings_of(after_change(HALF, NEAR), "MH601", rise=1.0)
    assert not findings_of(after_change(HALF, NEAR), "MH601", rise=1.0001)


@pytest.mark.parametrize(("days", "is_reported"), [(0.03, False), (0.05, True)])
def test_only_changes_observed_in_the_last_days_count(days: float, is_reported: bool) -> None:  # noqa: FBT001 - the case
    """The change was observed an hour before the audit: 1/24 of a day."""
    assert bool(findings_of(after_change(HALF, NEAR), "MH601", days=days)) is is_reported


def test_a_change_observed_after_the_audit_does_not_count() -> None:
    case = after_change(HALF, NEAR)
    (dated,) = case.lately.changes
    change = replace(dated.change, after=f"{NOW + timedelta(hours=1):%Y-%m-%dT%H:%M:%SZ}")
    changes = (replace(dated, change=change),)
    later = replace(case, lately=replace(case.lately, changes=changes))
    assert not findings_of(later, "MH601")


def test_loosening_below_the_reference_names_the_rule_set_and_the_sizes_of_both() -> None:
    initial, maintenance = findings_of(after_change(NEAR, HALF), "MH602")
    assert {initial.rule_set, maintenance.rule_set} == {"harmonized-baseline"}
    assert initial.verdict is Verdict.UNDER
    assert initial.intervals == (Interval(0.0, 50_000.0),)


def test_undated_changes_are_counted_per_venue() -> None:
    (finding,) = findings_of(after_change(HALF, NEAR), "MH603")
    assert finding.message == (
        "1 schedule changed between 2026-03-08 and 2026-03-09 without a published effective time: "
        "BTC/USDT:USDT"
    )


def test_two_observation_periods_around_one_window_are_two_findings() -> None:
    other = replace(CRASH, since="2025-09-01T01:00:00Z")
    findings = findings_of(in_stress(CRASH, other), "MH604")
    assert len({finding.fingerprint for finding in findings}) == 2


def test_an_unchanged_period_ends_at_the_newest_observation() -> None:
    (finding,) = findings_of(unchanged_for(400), "MH605")
    assert finding.message.startswith(
        "1 of 1 schedule unchanged for more than 365 days up to 2026-03-10"
    )


def test_missed_periods_are_counted_and_the_longest_is_named() -> None:
    hours = [hour for hour in NIGHTLY if hour not in {48.0, 120.0, 144.0}] + [288.0]
    (finding,) = findings_of(observed_before(*hours), "MH606")
    assert finding.message == (
        "2 periods of more than 36 hours without an observation in 30 days; longest from "
        "2026-03-03 00:00 to 2026-03-06 00:00 UTC"
    )


def test_the_time_since_the_newest_observation_counts_too() -> None:
    late = observed_before(*(hour + 40.0 for hour in NIGHTLY))
    (finding,) = findings_of(late, "MH606")
    assert finding.message.startswith("1 period of more than 36 hours without")


def test_a_venue_with_few_observations_is_not_checked() -> None:
    assert not findings_of(observed_before(0.0, 100.0, 300.0), "MH606")


def test_days_of_changes_state_how_far_they_are_known() -> None:
    case = after_change(HALF, NEAR)
    (dated,) = case.lately.changes
    change = replace(dated.change, before_kind="no later than", before_from="")
    inexact = replace(case, lately=replace(case.lately, changes=(replace(dated, change=change),)))
    words = "between the observations of ≤ 2026-03-08 and of 2026-03-09"
    for code in ("MH601", "MH603"):
        assert words in findings_of(inexact, code)[0].message
    looser = after_change(NEAR, HALF)
    (dated,) = looser.lately.changes
    between = replace(dated.change, after_kind="between", after_from="2026-03-01T00:00:00Z")
    changes = (replace(dated, change=between),)
    inexact = replace(looser, lately=replace(looser.lately, changes=changes))
    words = "between the observations of 2026-03-08 and of 2026-03-01 to 2026-03-09"
    assert words in findings_of(inexact, "MH602")[0].message


def test_an_unchanged_schedule_states_how_far_its_day_is_known() -> None:
    case = unchanged_for(400)
    (schedule,) = case.lately.unchanged
    unchanged = (replace(schedule, date_kind="no later than"),)
    (finding,) = findings_of(
        replace(case, lately=replace(case.lately, unchanged=unchanged)), "MH605"
    )
    assert finding.message.endswith(", since ≤ 2025-02-03")
