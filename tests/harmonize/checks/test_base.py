"""A check that fails on one schedule is a defect of that schedule, and nothing else is lost."""

from collections.abc import Iterator
from dataclasses import replace
from typing import NoReturn

import pytest

from harmonize.audit import assemble
from harmonize.audit.assemble import AuditOptions, Reading, audit
from harmonize.checks import CHECKS
from harmonize.checks.base import AuditContext, Check, Draft, for_schedule
from harmonize.core.payload import Defect
from harmonize.document import AuditDocument, Level, Verdict
from rules import loader
from tests.harmonize.checks.examples import NOW, flat_schedule

ASSETS = ("ADA", "BTC", "ETH")
SCHEDULES = tuple(
    flat_schedule((20_000, "0.52", "0.27"), (50_000, "0.6", "0.3"), asset=asset) for asset in ASSETS
)


def fails_on(asset: str, *, when_alone: bool = True) -> Check:
    """A check with a finding on every schedule, which cannot evaluate those of one asset."""

    def run(context: AuditContext) -> Iterator[Draft]:
        for schedule in context.schedules:
            if schedule.instrument.underlying.asset == asset and (
                when_alone or len(context.schedules) > 1
            ):
                _fail(asset)
            yield for_schedule(schedule, Draft(Verdict.UNDER, Level.WARNING, "", "seen"))

    return Check("MH199", "fails-on-one", run)


def _fail(asset: str) -> NoReturn:
    raise KeyError(asset)


def document_with(*checks: Check, monkeypatch: pytest.MonkeyPatch) -> AuditDocument:
    monkeypatch.setattr(assemble, "CHECKS", (*checks, *CHECKS))
    return audit(Reading("", (), SCHEDULES, ()), loader.load_packs(), AuditOptions(NOW))


def test_a_check_that_fails_on_one_schedule_keeps_its_findings_on_the_others(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    whole = audit(Reading("", (), SCHEDULES, ()), loader.load_packs(), AuditOptions(NOW))
    document = document_with(fails_on("BTC"), monkeypatch=monkeypatch)
    seen = [f.underlying for f in document.findings if f.code == "MH199"]
    assert seen == ["ADA", "ETH"]
    (defect,) = document.defects
    assert (defect.venue, defect.where, defect.symbol) == ("okx", "check MH199", "BTC/USDT:USDT")
    assert defect.reason == "any: cannot be read: KeyError: 'BTC'"
    unreadable = [finding for finding in document.findings if finding.code == "MH901"]
    assert [(f.symbol, f.verdict, f.level) for f in unreadable] == [
        ("BTC/USDT:USDT", Verdict.NOT_OBSERVABLE, Level.ERROR)
    ]
    others = [f for f in document.findings if f.code not in {"MH199", "MH901"}]
    assert others == list(whole.findings)
    assert document.divergences == whole.divergences


def test_a_failure_that_no_single_schedule_causes_is_a_defect_of_the_check(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    document = document_with(fails_on("ETH", when_alone=False), monkeypatch=monkeypatch)
    assert [(d.venue, d.where, d.symbol) for d in document.defects] == [("", "check MH199", "")]
    assert not [finding for finding in document.findings if finding.code == "MH199"]


def test_a_context_of_some_schedules_has_what_was_found_on_them_alone() -> None:
    context = AuditContext(
        schedules=SCHEDULES,
        maintenance_deviations=(None,) * len(SCHEDULES),
        divergences=audit(
            Reading("", (), SCHEDULES, ()), loader.load_packs(), AuditOptions(NOW)
        ).divergences,
        rules=(),
        defects=(Defect("okx", "snapshot", "broken"),),
        snapshot_ages=(),
        snapshots=(),
        as_of=NOW,
        stale_after_days=30.0,
    )
    part = context.only({SCHEDULES[1].key})
    assert part.schedules == (SCHEDULES[1],)
    assert len(part.maintenance_deviations) == 1
    assert {row.symbol for row in part.divergences} == {"BTC/USDT:USDT"}
    assert replace(part, schedules=(), maintenance_deviations=(), divergences=()) == replace(
        context, schedules=(), maintenance_deviations=(), divergences=()
    )
