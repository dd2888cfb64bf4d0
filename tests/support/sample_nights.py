"""Synthetic nights: every kind of change, a missed night, hostile text from venues."""

from dataclasses import replace
from datetime import date, timedelta

from harmonize.document import Level
from harmonize.document.change import Change, ChangeKind, MarginChange, Step
from harmonize.document.night import Night, VenueNight
from tests.support.nights import FINDING
from tests.support.sample_documents import ESCAPE, SCRIPT

LAST = date(2026, 11, 20)
QUOTED = "a\"b'c&d"


def change(number: int, kind: ChangeKind, symbol: str = "", day: date = LAST) -> Change:
    """Builds a change of a kind on a day; its values depend on its number."""
    rise = 0.05 * (number % 7 + 1)
    higher = MarginChange("initial", ((0.0, None),), (), rise, 5e4, None, None)
    lower = MarginChange("maintenance", (), ((1e5, 1e6), (2e6, None)), None, None, -rise / 2, 2e5)
    margin_changes = {
        ChangeKind.TIGHTER: (higher,),
        ChangeKind.LOOSER: (lower,),
        ChangeKind.MIXED: (higher, lower),
    }.get(kind, ())
    steps = tuple(
        Step(
            notional,
            0.02 * notional,
            0.02 * notional * (1 + rise),
            0.01 * notional,
            0.01 * notional,
        )
        for notional in (1e4, 1e5, 1e6)
    )
    return Change(
        venue=("binance", "bybit", "okx")[number % 3],
        symbol=symbol or f"A{number:03}/USDT:USDT",
        profile="isolated" if number % 2 else "any",
        underlying=f"A{number:03}",
        kind=kind,
        before=f"{day - timedelta(days=1)}T01:15:00Z",
        after=f"{day}T01:15:00Z",
        moved=margin_changes,
        steps=(*steps, Step(1e7, None, None, None, None)) if margin_changes else (),
        capacity_before=5e6 if kind is ChangeKind.CAPACITY else None,
        capacity_after=1e6 if kind is ChangeKind.CAPACITY else None,
        rule_before="marginal" if kind is ChangeKind.RULE else "",
        rule_after="flat" if kind is ChangeKind.RULE else "",
    )


def night(day: date = LAST, changes: int = 0) -> Night:
    """Builds a night with a number of changes, of all kinds in turn."""
    kinds = tuple(ChangeKind)
    return Night(
        night=f"{day}",
        as_of=f"{day}T01:15:00Z",
        version="0.3.0",
        venues=(VenueNight("okx", "gathered", f"{day}T01:15:00Z", ""),),
        changes=tuple(
            change(number, kinds[number % len(kinds)], day=day) for number in range(changes)
        ),
        new_findings=(),
        errors=(),
        counts={"error": 0, "warning": 0, "info": 0},
        exit_code=0,
    )


def nights() -> tuple[Night, ...]:
    """Three nights, newest first, with one missed night, which cover every part of a page."""
    busy = night(LAST, len(ChangeKind))
    findings = (
        FINDING,
        replace(FINDING, level=Level.WARNING, state="worse", message=f"{SCRIPT} {QUOTED}"),
        replace(FINDING, level=Level.INFO, symbol="", state="", venue="gate"),
    )
    hostile = tuple(
        change(3, ChangeKind.TIGHTER, symbol) for symbol in (SCRIPT, QUOTED, ESCAPE, "half \ud800")
    )
    return (
        replace(busy, changes=busy.changes + hostile, new_findings=findings),
        replace(
            night(LAST - timedelta(days=2)),
            errors=(f"gate: {SCRIPT}",),
            exit_code=3,
            new_findings=(),
        ),
        night(LAST - timedelta(days=3), 3),
    )
