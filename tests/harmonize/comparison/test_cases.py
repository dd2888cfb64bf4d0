"""Cases: schedules that share one are decided as if each were alone."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import date
from decimal import Decimal

from harmonize.api.audit import Question, load_rule_sets, read
from harmonize.comparison.applicability import Subject
from harmonize.comparison.cases import cases_of
from harmonize.comparison.layout import build_layout
from harmonize.comparison.verdicts import evaluate
from harmonize.core.notionals import NOTIONAL_GRID
from harmonize.core.schedule import Known, MarginSchedule, Unknown, value_of
from harmonize.document import DivergenceRow
from harmonize.policy.apply import apply_rule_sets

VENUES = ("okx", "mexc", "deribit", "htx", "binance", "coinbaseinternational")
JURISDICTIONS = {"okx": ("SC",), "binance": ("AE", "FR")}


def schedules() -> tuple[MarginSchedule, ...]:
    """Returns recorded schedules, and copies that differ in one property each."""
    reading, _ = read(Question(venues=VENUES, underlyings=("BTC", "ETH", "SOL", "XAU", "PEPE")))
    limited = [s for s in reading.schedules if value_of(s.capacity) is not None]
    first = limited[:: len(limited) // 6]
    altered = [
        copy
        for s in first
        for copy in (
            replace(s, not_trading="expired on 2020-01-01"),
            replace(s, capacity=Known(Decimal(1_000))),
            replace(s, capacity=Unknown("not published")),
            replace(s, known_up_to=Decimal(5_000), exclusion_reason="part of it is published"),
            replace(s, initial=Unknown("no IM is published")),
            replace(s, maintenance=Unknown("no MM is published")),
            replace(s, instrument=replace(s.instrument, venue="binance")),
            replace(s, instrument=replace(s.instrument, expiry=date(2027, 3, 26))),
            replace(s, observed_at=s.observed_at.replace(year=2019)),
        )
    ]
    return (*reading.schedules, *altered)


def test_a_schedule_is_judged_the_same_alone_and_among_others() -> None:
    whole = schedules()
    assets = [schedule.instrument.underlying.asset for schedule in whole]
    applied = apply_rule_sets(load_rule_sets(()), {}, assets, date(2026, 11, 29))

    def judged(some: Sequence[MarginSchedule]) -> tuple[DivergenceRow, ...]:
        return evaluate(some, build_layout(some, applied), NOTIONAL_GRID, JURISDICTIONS)

    together = judged(whole)
    assert list(together) == [row for schedule in whole for row in judged([schedule])]
    assert len({(row.verdict, row.reason) for row in together}) > 20


def test_equal_cases_are_decided_once() -> None:
    (first, *_) = schedules()
    copies = [
        replace(first, instrument=replace(first.instrument, symbol=f"BTC{number}/USDT:USDT"))
        for number in range(50)
    ]
    applied = apply_rule_sets(load_rule_sets(()), {}, ["BTC"], date(2026, 11, 29))
    layout = build_layout(copies, applied)
    subjects = [Subject.of(row, schedule, layout) for row, schedule in enumerate(copies)]
    cases = [case for _, case in cases_of(subjects, layout, JURISDICTIONS)]
    assert len(cases) == 50 * len({id(case) for case in cases}) > 0
