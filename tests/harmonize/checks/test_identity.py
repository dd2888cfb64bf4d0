"""MH910: what is told of contracts whose name may mean another asset."""

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import pytest

from harmonize.core.schedule import AssetPrice, MarginSchedule
from harmonize.document import Finding, Level
from harmonize.document.change import Change, ChangeKind
from harmonize.history.recent import DatedChange, RecentHistory
from harmonize.text.messages import iso_utc
from tests.harmonize.checks.examples import NOW, Case, flat_schedule, observed_apart

OWN = flat_schedule((50_000, "0.1", "0.05"), asset="NEW")


def found(case: Case) -> list[Finding]:
    return [finding for finding in case.audited().findings if finding.code == "MH910"]


def priced(schedule: MarginSchedule, value: str) -> MarginSchedule:
    return replace(schedule, price=AssetPrice(Decimal(value), schedule.observed_at, "mark price"))


def test_the_older_of_two_contracts_far_apart_is_information() -> None:
    (finding,) = found(observed_apart(OWN, days=61))
    assert (finding.level, finding.venue, finding.underlying) == (Level.INFO, "bybit", "NEW")
    assert finding.message.endswith("the nearest observation (okx) is 61 days apart")


def test_another_price_on_one_day_is_a_warning() -> None:
    case = observed_apart(OWN, days=0)
    schedules = tuple(
        priced(s, "1" if s.instrument.venue == "okx" else "2") for s in case.schedules
    )
    (finding,) = found(replace(case, schedules=schedules))
    assert finding.level is Level.WARNING
    assert (finding.venue, finding.message) == (
        "bybit",
        "another asset: price per coin 2 USD against 1 at okx",
    )


def changed(kind: ChangeKind, *, replaced: bool, days: int) -> RecentHistory:
    at = iso_utc(NOW - timedelta(days=days))
    change = Change("okx", "NEW/USDT:USDT", "any", "NEW", kind, at, at, replaced=replaced)
    return RecentHistory(changes=(DatedChange(change, ""),))


@pytest.mark.parametrize(
    ("lately", "message"),
    [
        (
            changed(ChangeKind.LISTED, replaced=False, days=1),
            "first listed on 2026-03-09, later than the observation at bybit",
        ),
        (
            changed(ChangeKind.LOOSER, replaced=True, days=1),
            "no earlier tier is left on 2026-03-09, later than the observation at bybit",
        ),
        (changed(ChangeKind.LOOSER, replaced=False, days=1), ""),
        (changed(ChangeKind.LISTED, replaced=False, days=30), ""),  # before Bybit was observed
    ],
)
def test_a_contract_that_began_after_the_other_observation_is_flagged_and_compared(
    lately: RecentHistory, message: str
) -> None:
    case = observed_apart(OWN, days=20)
    findings = found(replace(case, lately=lately))
    assert [finding.message.startswith(message) for finding in findings] == [True] * bool(message)
    assert all(finding.venue == "okx" for finding in findings)
    document = case.audited()
    assert all(m.included for m in document.comparisons[0].members)
    assert [row.identity for row in document.coverage] == ["", ""]


def test_a_contract_that_a_price_joins_is_not_flagged() -> None:
    case = replace(
        observed_apart(OWN, days=0.5),
        lately=changed(ChangeKind.LISTED, replaced=False, days=0),
    )
    assert len(found(case)) == 1
    schedules = tuple(priced(s, "1") for s in case.schedules)
    assert found(replace(case, schedules=schedules)) == []
