"""Tests of rule sets in force from or until a day, for observations whose date is a range."""

from dataclasses import replace
from datetime import UTC, date, datetime

import pytest

from harmonize.comparison.universe import build_universe
from harmonize.comparison.verdicts import evaluate
from harmonize.core.date_precision import EXACT, NO_LATER_THAN, DatePrecision, date_between
from harmonize.document import Verdict
from harmonize.policy.rule_set import RuleSet
from rules import loader
from tests.harmonize.checks.examples import LAX

LATEST = datetime(2026, 8, 1, tzinfo=UTC)
RULE_SET = loader.load("vara-retail")


def in_force(since: date | None, until: date | None = None) -> RuleSet:
    return replace(RULE_SET, scope=replace(RULE_SET.scope, since=since, until=until))


def verdict(rule_set: RuleSet, precision: DatePrecision) -> tuple[Verdict, str]:
    schedule = replace(LAX, observed_at=LATEST, dates=(LATEST,), precision=precision)
    universe = build_universe((schedule,), (rule_set,), (), LATEST, {})
    rows = evaluate(universe.schedules, universe.layout, (1e4,), {})
    (row,) = [row for row in rows if row.margin_type == "initial"]
    return row.verdict, row.reason


SINCE = date(2026, 3, 31)
BEFORE, AFTER = datetime(2026, 3, 30, tzinfo=UTC), datetime(2026, 3, 31, tzinfo=UTC)


@pytest.mark.parametrize(
    ("precision", "expected"),
    [
        (EXACT, Verdict.BREACH),
        (date_between(AFTER), Verdict.BREACH),
        (date_between(BEFORE), Verdict.NOT_OBSERVABLE),
        (NO_LATER_THAN, Verdict.NOT_OBSERVABLE),
    ],
)
def test_a_law_applies_only_if_the_whole_range_is_in_force(
    precision: DatePrecision, expected: Verdict
) -> None:
    found, reason = verdict(in_force(SINCE), precision)
    assert found is expected
    if expected is Verdict.NOT_OBSERVABLE:
        assert reason == "in force from 2026-03-31; the schedule may have been observed before"


@pytest.mark.parametrize(
    ("precision", "expected"),
    [
        (EXACT, Verdict.NOT_APPLICABLE),
        (date_between(datetime(2026, 7, 1, tzinfo=UTC)), Verdict.NOT_APPLICABLE),
        (date_between(datetime(2026, 6, 1, tzinfo=UTC)), Verdict.NOT_OBSERVABLE),
        (NO_LATER_THAN, Verdict.NOT_OBSERVABLE),
    ],
)
def test_a_law_that_has_ended_may_still_have_applied(
    precision: DatePrecision, expected: Verdict
) -> None:
    assert verdict(in_force(None, date(2026, 6, 30)), precision)[0] is expected


def test_a_law_without_dates_always_applies() -> None:
    assert verdict(in_force(None), NO_LATER_THAN)[0] is Verdict.BREACH
